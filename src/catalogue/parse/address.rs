//! An endpoint's address: scheme, host and port, and nothing that would be ignored.

use url::{Host, Url};

use super::section::{Mistakes, Text};
use crate::catalogue::UrlScheme;
use crate::catalogue::complaint::quotable;

pub(super) struct Address {
    /// The address in its plain form: no default port, no slash at the end.
    pub url: String,
    pub scheme: UrlScheme,
    pub host: String,
    pub port: u16,
}

/// Reads scheme, host and port.
pub(super) fn read(text: &Text<'_>, mistakes: &mut Mistakes) -> Option<Address> {
    match parse(text.value) {
        Ok((url, address)) if url.path() == "/" => Some(address),
        Ok((url, address)) => {
            let suggestion =
                format!("write `url = \"{}\"` and `probe = {{ path = \"{}\" }}`", address.url, quotable(url.path()));
            mistakes.add(&text.span, "an endpoint's address has no path", suggestion);
            None
        }
        Err((message, suggestion)) => {
            mistakes.add(&text.span, message, suggestion);
            None
        }
    }
}

/// The control host's address: plain http, with a path.
pub(super) fn read_control(text: &Text<'_>, mistakes: &mut Mistakes) -> Option<(String, String)> {
    match parse(text.value) {
        Ok((url, address)) if address.scheme == UrlScheme::Http => {
            let path = if url.path() == "/" { "" } else { url.path() };
            Some((format!("{}{path}", address.url), address.host))
        }
        Ok(_) => {
            let message = "the control address is asked without TLS, so that a portal can answer it";
            mistakes.add(&text.span, message, "begin it with `http://`".to_owned());
            None
        }
        Err((message, suggestion)) => {
            mistakes.add(&text.span, message, suggestion);
            None
        }
    }
}

/// A host name that can be asked for: lower case, without a dot at the end.
pub(super) fn read_host(text: &Text<'_>, mistakes: &mut Mistakes) -> Option<String> {
    match parse(&format!("https://{}/", text.value)) {
        Ok((url, address)) if url.port().is_none() && url.path() == "/" => Some(address.host),
        _ => {
            let message = format!("`{}` is not a host name", quotable(text.value));
            mistakes.add(&text.span, message, "write the name alone, such as `www.msftconnecttest.com`".to_owned());
            None
        }
    }
}

type Refusal = (String, String);

fn parse(text: &str) -> Result<(Url, Address), Refusal> {
    let shown = quotable(text);
    let refuse = |why: &str, instead: String| Err((format!("the address `{shown}` cannot be asked: {why}"), instead));
    // The URL parser drops tabs and line breaks without a word.
    if text.chars().any(|character| character.is_control() || character.is_whitespace()) {
        return refuse("there is a blank or a control character in it", "remove it".to_owned());
    }
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(url::ParseError::RelativeUrlWithoutBase) => {
            return refuse(
                "it does not begin with `https://` or `http://`",
                format!("did you mean `https://{shown}`?"),
            );
        }
        Err(error) => return refuse(&error.to_string(), example()),
    };
    let scheme = match url.scheme() {
        "https" => UrlScheme::Https,
        "http" => UrlScheme::Http,
        // `v10c.events.data.microsoft.com:443` reads as a scheme and a path.
        _ if url.cannot_be_a_base() => {
            return refuse(
                "it does not begin with `https://` or `http://`",
                format!("did you mean `https://{shown}`?"),
            );
        }
        other => return refuse(&format!("`{}` is neither https nor http", quotable(other)), example()),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err((
            "there is a user name or a password in the address".to_owned(),
            "remove what stands before the `@`; a proxy's name and password are given on the command line".to_owned(),
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refuse("it has a query or a fragment", "remove what follows `?` or `#`".to_owned());
    }
    let port = url.port_or_known_default().unwrap_or_else(|| scheme.default_port());
    if port == 0 {
        return refuse("nothing listens on port 0", format!("leave the port out for {}", scheme.default_port()));
    }
    let (host, authority) = match url.host() {
        None => return refuse("it names no host", example()),
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.').to_owned();
            if name.contains('*') {
                return refuse("a pattern cannot be asked", "name each host, one [[endpoint]] for each".to_owned());
            }
            if !is_host_name(&name) {
                return refuse("its host is not a name that DNS can hold", example());
            }
            (name.clone(), name)
        }
        Some(Host::Ipv4(address)) => (address.to_string(), address.to_string()),
        Some(Host::Ipv6(address)) => (address.to_string(), format!("[{address}]")),
    };
    let plain = if port == scheme.default_port() {
        format!("{scheme}://{authority}")
    } else {
        format!("{scheme}://{authority}:{port}")
    };
    Ok((url, Address { url: plain, scheme, host, port }))
}

fn example() -> String {
    "write one such as `https://v10c.events.data.microsoft.com`".to_owned()
}

fn is_host_name(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_kept_in_its_plain_form() {
        for (text, url, host, port) in [
            (
                "https://v10c.events.data.microsoft.com",
                "https://v10c.events.data.microsoft.com",
                "v10c.events.data.microsoft.com",
                443,
            ),
            ("HTTPS://Login.Live.COM./", "https://login.live.com", "login.live.com", 443),
            ("http://adl.windows.com:80/", "http://adl.windows.com", "adl.windows.com", 80),
            ("https://localhost:8443", "https://localhost:8443", "localhost", 8443),
            ("https://127.0.0.1:8443", "https://127.0.0.1:8443", "127.0.0.1", 8443),
            ("https://[::1]:8443", "https://[::1]:8443", "::1", 8443),
            ("https://b\u{fc}ro.example", "https://xn--bro-hoa.example", "xn--bro-hoa.example", 443),
        ] {
            let (_, address) = parse(text).expect(text);
            assert_eq!((address.url.as_str(), address.host.as_str(), address.port), (url, host, port));
        }
    }

    #[test]
    fn what_cannot_be_asked_is_refused_with_what_to_write_instead() {
        for (text, message, suggestion) in [
            ("", "does not begin with", "did you mean"),
            ("login.live.com", "does not begin with", "did you mean `https://login.live.com`?"),
            ("login.live.com:443", "does not begin with", "did you mean `https://login.live.com:443`?"),
            ("ftp://login.live.com", "neither https nor http", "https://"),
            ("https://", "empty host", "https://"),
            ("https://anna:secret@login.live.com", "a user name or a password", "before the `@`"),
            ("https://anna@login.live.com", "a user name or a password", "before the `@`"),
            ("https://login.live.com/?a=b", "a query", "remove"),
            ("https://login.live.com/#a", "a fragment", "remove"),
            ("https://login.live.com:0", "port 0", "443"),
            ("https://login.live.com:99999", "invalid port", "https://"),
            ("https://*.blob.core.windows.net", "a pattern cannot be asked", "name each host"),
            ("https://login..live.com", "DNS", "https://"),
            ("https://lo\tgin.live.com", "control character", "remove"),
            ("https://login.live.com\r\nHost: evil", "control character", "remove"),
        ] {
            let (found, instead) = parse(text).err().expect(text);
            assert!(found.contains(message) && instead.contains(suggestion), "{text}: {found} / {instead}");
            assert!(!found.contains("secret") && !instead.contains("secret"), "{found}");
        }
        assert!(parse(&format!("https://{}.com", "a".repeat(64))).is_err());
        assert!(parse(&format!("https://{}com", "a.".repeat(130))).is_err());
    }
}
