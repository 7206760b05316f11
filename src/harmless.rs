//! Text from the network and from files, made harmless for whoever reads it.
//!
//! In: any text. Out: the same, with what a terminal would obey or hide written as `\u{..}`. Never: a loss; what a peer sent
//! stays readable as evidence.

use std::fmt::Write as _;
use std::ops::Range;

/// Shows control characters, escape sequences, bidirectional overrides, line separators and what is not seen as `\u{..}`: they could
/// clear a screen, forge a line or turn a name around.
#[must_use]
pub fn sanitize(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for character in text.chars() {
        if is_harmful(character) {
            let _ = write!(clean, "\\u{{{:x}}}", u32::from(character));
        } else {
            clean.push(character);
        }
    }
    clean
}

/// [`sanitize`] for text that consists of lines: the line breaks stay.
#[must_use]
pub fn sanitize_lines(text: &str) -> String {
    text.split('\n').map(sanitize).collect::<Vec<_>>().join("\n")
}

/// Whether a terminal would obey this character, or hide it: a control, a turn of the direction, a mark without width, a
/// tag.
#[must_use]
pub fn is_harmful(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// An address without a user's name and password, and with the names of its parameters alone. Portals put users' names and
/// tickets there, and recordings and reports travel; by the names a product is known.
#[must_use]
pub fn without_secrets(address: &str) -> String {
    const NOT_KEPT: &str = "…";
    let address = match login(address) {
        Some(login) => format!("{}{NOT_KEPT}{}", &address[..login.start], &address[login.end - 1..]),
        None => address.to_owned(),
    };
    let (place, rest) = address.split_at(address.find(['?', '#']).unwrap_or(address.len()));
    // `/login;jsessionid=7` too.
    let place: Vec<String> = place
        .split('/')
        .map(|segment| {
            let mut parts = segment.split(';');
            let first = parts.next().unwrap_or_default().to_owned();
            // In `Refresh: 0; url=https://…` the address itself stands behind such a name.
            let kept = |part: &str| match part.split_once('=') {
                Some((name, value)) if !value.is_empty() && !name.trim().eq_ignore_ascii_case("url") => {
                    format!(";{name}={NOT_KEPT}")
                }
                _ => format!(";{part}"),
            };
            first + &parts.map(kept).collect::<String>()
        })
        .collect();
    let place = place.join("/");
    let query = rest.split('#').next().unwrap_or_default().trim_start_matches('?');
    let parameters: Vec<String> = query
        .split('&')
        .filter(|parameter| !parameter.is_empty())
        .map(|parameter| match parameter.split_once('=') {
            Some((name, "")) => format!("{name}="),
            Some((name, _)) => format!("{name}={NOT_KEPT}"),
            None => NOT_KEPT.to_owned(),
        })
        .collect();
    let query = if rest.starts_with('?') { format!("?{}", parameters.join("&")) } else { String::new() };
    let fragment = if rest.contains('#') { format!("#{NOT_KEPT}") } else { String::new() };
    format!("{place}{query}{fragment}")
}

/// The same for an address that somebody is sent to: of its path too what looks like a token is left out. Whoever chose an
/// address for themselves knows it again by its path, and portals make theirs up for everybody who comes.
#[must_use]
pub fn without_tokens(address: &str) -> String {
    let address = without_secrets(address);
    let authority = address.find("//").map_or(0, |slashes| slashes + 2);
    let end = address.find(['?', '#']).unwrap_or(address.len());
    let Some(path) = address.get(authority..end).and_then(|place| place.find('/')).map(|slash| authority + slash)
    else {
        return address;
    };
    let kept = |segment: &str| {
        let (name, parameters) = segment.split_at(segment.find(';').unwrap_or(segment.len()));
        if is_token(name) { format!("…{parameters}") } else { segment.to_owned() }
    };
    let segments: Vec<String> = address[path..end].split('/').map(kept).collect();
    format!("{}{}{}", &address[..path], segments.join("/"), &address[end..])
}

/// Long, and a mixture that nobody gives for a name.
fn is_token(segment: &str) -> bool {
    const SHORTEST: usize = 12;
    /// Longer words than people make without a hyphen or a dot between.
    const LONGEST_WORD: usize = 24;
    let count = |wanted: fn(&char) -> bool| segment.chars().filter(wanted).count();
    let (length, digits) = (segment.chars().count(), count(char::is_ascii_digit));
    let has_gaps = segment.contains(['-', '_', '.', '+', ' ']);
    length >= SHORTEST && digits >= 2 || length >= LONGEST_WORD && !has_gaps
}

/// The same address for whoever connects there: without a user's name and password, and with all of the rest.
#[must_use]
pub fn without_login(address: &str) -> String {
    match login(address) {
        Some(login) => format!("{}{}", &address[..login.start], &address[login.end..]),
        None => address.to_owned(),
    }
}

/// Where a user's name and password stand, with the `@` behind them (RFC 3986 §3.2.1).
fn login(address: &str) -> Option<Range<usize>> {
    let start = address.find("//")? + 2;
    let length = address[start..].find(['/', '?', '#', '\\']).unwrap_or(address.len() - start);
    let at = address[start..start + length].rfind('@')?;
    Some(start..start + at + 1)
}

#[cfg(test)]
mod tests {
    use super::{sanitize, without_login, without_secrets, without_tokens};

    #[test]
    fn what_could_steer_a_terminal_is_shown_instead_of_sent() {
        assert_eq!(sanitize("\u{1b}[2Jcleared\u{7}"), "\\u{1b}[2Jcleared\\u{7}");
        assert_eq!(sanitize("safe\u{202e}gpj.exe"), "safe\\u{202e}gpj.exe");
        assert_eq!(sanitize("a\r\nb\u{2028}c\u{85}d"), "a\\u{d}\\u{a}b\\u{2028}c\\u{85}d");
        assert_eq!(sanitize("Größe 北京"), "Größe 北京");
    }

    #[test]
    fn what_cannot_be_seen_is_shown_instead_of_hidden() {
        for hidden in [
            '\u{ad}',
            '\u{61c}',
            '\u{180e}',
            '\u{200b}',
            '\u{2028}',
            '\u{202e}',
            '\u{2060}',
            '\u{206a}',
            '\u{206f}',
            '\u{feff}',
            '\u{fff9}',
            '\u{e0001}',
            '\u{e0041}',
            '\u{e007f}',
            '\u{e0fff}',
        ] {
            assert_eq!(sanitize(&format!("a{hidden}b")), format!("a\\u{{{:x}}}b", u32::from(hidden)));
        }
    }

    #[test]
    fn an_address_keeps_its_place_and_the_names_of_what_was_asked_for() {
        for (address, shown, asked) in [
            (
                "http://anna:p@ss@h.example/p.pac?token=1",
                "http://…@h.example/p.pac?token=…",
                "http://h.example/p.pac?token=1",
            ),
            ("//anna@h.example", "//…@h.example", "//h.example"),
            ("/login;jsessionid=7A?a=b@c", "/login;jsessionid=…?a=…", "/login;jsessionid=7A?a=b@c"),
            ("0; url=http://h.example/?t=1", "0; url=http://h.example/?t=…", "0; url=http://h.example/?t=1"),
            ("http://h.example/a@b", "http://h.example/a@b", "http://h.example/a@b"),
        ] {
            assert_eq!(without_secrets(address), shown);
            assert_eq!(without_login(address), asked);
        }
    }

    #[test]
    fn of_an_address_that_somebody_is_sent_to_no_token_is_kept_and_enough_to_know_the_product() {
        for (address, shown) in [
            ("http://portal.corp.example/hot/TOKENINPATH99/login?u=jdoe", "http://portal.corp.example/hot/…/login?u=…"),
            ("https://gate.example:1003/fgtauth/0a1b2c3d4e5f6a7b", "https://gate.example:1003/fgtauth/…"),
            ("/guest/s/default/6f1d3c2e-77aa-4d5c-9d56-0123456789ab;x=1", "/guest/s/default/…;x=…"),
            ("https://a.example/eyJhbGciOiJIUzIxNiJ9.eyJzdWIiOiJqb2UifQ.abc/", "https://a.example/…/"),
            ("https://a.example/QWxhZGRpbjpvcGVuc2VzYW1lcGxlYXNl", "https://a.example/…"),
            ("0; url=http://a.example/TOKENINPATH99/x", "0; url=http://a.example/…/x"),
            // A host's name is no token, and neither are words.
            ("https://gateway1234567890.example/login", "https://gateway1234567890.example/login"),
            ("https://gateway1234567890.example?x", "https://gateway1234567890.example?…"),
            ("https://a.example/cgi-bin/blockpage.cgi", "https://a.example/cgi-bin/blockpage.cgi"),
            ("/adfs/ls/wia/blocked-by-administrator.html", "/adfs/ls/wia/blocked-by-administrator.html"),
            ("/oauth2/v1/authenticationendpoint", "/oauth2/v1/authenticationendpoint"),
            ("", ""),
        ] {
            assert_eq!(without_tokens(address), shown, "{address}");
        }
    }
}
