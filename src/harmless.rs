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
    use super::{sanitize, without_login, without_secrets};

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
}
