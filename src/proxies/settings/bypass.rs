//! Exceptions: the addresses that are reached without the proxy.
//!
//! Entries stand between semicolons or blanks. `*` stands for any text, an entry without it for that one name. An entry
//! may name a scheme before `://` and a port behind `:`. `<local>` means names without a dot; `<-loopback>` takes back
//! that this very machine is always an exception.

use std::fmt;
use std::net::IpAddr;

use super::{Target, without_user};

const MOST: usize = 2_000;
const LONGEST_QUOTE: usize = 60;

/// A list of exceptions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BypassList {
    entries: Vec<Entry>,
    loopback_too: bool,
    pub remarks: Vec<BypassRemark>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    written: String,
    scheme: Option<String>,
    /// Lower case.
    host: String,
    port: Option<u16>,
}

/// An entry that does not do what it looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BypassRemark {
    /// `*`: nothing ever goes to the proxy.
    Everything,
    /// `.contoso.example` fits no name, `*.contoso.example` does.
    LeadingDot {
        entry: String,
    },
    /// `10.0.0.0/8` is not understood, `10.*` is.
    Network {
        entry: String,
    },
    TooMany {
        left_out: usize,
    },
}

impl BypassList {
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut list = Self::default();
        let parts = text.split(|character: char| character == ';' || character.is_whitespace());
        let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
        for part in parts.iter().take(MOST) {
            if part.eq_ignore_ascii_case("<-loopback>") {
                list.loopback_too = true;
                continue;
            }
            let entry = Entry::read(part);
            list.remarks.extend(entry.remark());
            list.entries.push(entry);
        }
        if parts.len() > MOST {
            list.remarks.push(BypassRemark::TooMany { left_out: parts.len() - MOST });
        }
        list
    }

    /// Whether the address is this very machine's, which needs no entry.
    #[must_use]
    pub fn excepts_itself(&self, target: &Target) -> bool {
        !self.loopback_too && is_this_machine(&target.host)
    }

    /// The entry that makes this address an exception, as it was written.
    #[must_use]
    pub fn entry_for(&self, target: &Target) -> Option<&str> {
        self.entries.iter().find(|entry| entry.fits(target)).map(|entry| entry.written.as_str())
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && !self.loopback_too
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len() + usize::from(self.loopback_too)
    }
}

impl Entry {
    fn read(text: &str) -> Self {
        let lower = text.to_ascii_lowercase();
        let (scheme, rest) = match lower.split_once("://") {
            Some((scheme, rest)) => (Some(scheme.to_owned()), rest),
            None => (None, lower.as_str()),
        };
        let rest = rest.trim_end_matches('/');
        let (host, port) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, port)) => (host, port.strip_prefix(':')),
            // More than one colon: an IPv6 address without brackets, and no port.
            None => match rest.split_once(':') {
                Some((host, port)) if !port.contains(':') => (host, Some(port)),
                _ => (rest, None),
            },
        };
        let (host, port) = match port.map(str::parse) {
            None => (host.to_owned(), None),
            Some(Ok(port)) => (host.to_owned(), Some(port)),
            Some(Err(_)) => (rest.to_owned(), None),
        };
        let written = without_user(text).chars().take(LONGEST_QUOTE).collect();
        Self { written, scheme, host, port }
    }

    fn fits(&self, target: &Target) -> bool {
        if self.scheme.as_ref().is_some_and(|scheme| *scheme != target.scheme)
            || self.port.is_some_and(|port| port != target.port)
        {
            return false;
        }
        if self.host == "<local>" {
            return !target.host.contains(['.', ':']);
        }
        fits(&target.host, &self.host)
    }

    fn remark(&self) -> Option<BypassRemark> {
        let entry = || self.written.clone();
        if self.host == "*" && self.scheme.is_none() && self.port.is_none() {
            Some(BypassRemark::Everything)
        } else if self.host.starts_with('.') {
            Some(BypassRemark::LeadingDot { entry: entry() })
        } else if self.host.contains('/') {
            Some(BypassRemark::Network { entry: entry() })
        } else {
            None
        }
    }
}

/// Whether `host` fits a pattern whose `*` stands for any text.
fn fits(host: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = host.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(place) => rest = &rest[place + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

fn is_this_machine(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => matches!(host, "localhost" | "loopback") || host.ends_with(".localhost"),
    }
}

impl fmt::Display for BypassRemark {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everything => out.write_str("the exception '*' keeps everything from the proxy"),
            Self::LeadingDot { entry } => write!(out, "the exception '{entry}' fits no name: write '*{entry}'"),
            Self::Network { entry } => {
                write!(out, "the exception '{entry}' is a network, which Windows does not read: write '10.*', say")
            }
            Self::TooMany { left_out } => write!(out, "{left_out} more exceptions were left out"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn target(url: &str) -> Target {
        let (scheme, rest) = url.split_once("://").expect("a scheme");
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().expect("a port")),
            None => (rest, if scheme == "https" { 443 } else { 80 }),
        };
        Target { scheme: scheme.into(), host: host.into(), port }
    }

    #[test]
    fn an_exception_is_a_name_a_pattern_or_the_local_names() {
        for (list, url, entry) in [
            ("*.contoso.example", "https://wiki.contoso.example", Some("*.contoso.example")),
            ("*.contoso.example", "https://contoso.example", None),
            ("contoso.example", "https://wiki.contoso.example", None),
            ("a;*.DATA.microsoft.com b", "https://v10c.events.data.microsoft.com", Some("*.DATA.microsoft.com")),
            ("<local>", "http://intranet", Some("<local>")),
            ("<LOCAL>", "http://intranet", Some("<LOCAL>")),
            ("<local>", "http://intranet.contoso.example", None),
            ("10.*", "https://10.1.2.3", Some("10.*")),
            (
                "*watcab*.blob.core.windows.net",
                "https://ceuswatcab01.blob.core.windows.net",
                Some("*watcab*.blob.core.windows.net"),
            ),
            ("https://*.live.com", "https://login.live.com", Some("https://*.live.com")),
            ("http://*.live.com", "https://login.live.com", None),
            ("login.live.com:443", "https://login.live.com", Some("login.live.com:443")),
            ("login.live.com:8443", "https://login.live.com", None),
            ("*", "https://login.live.com", Some("*")),
            ("", "https://login.live.com", None),
            ("", "http://localhost", None),
            ("<-loopback>", "http://127.0.0.1", None),
            ("<-loopback>;localhost", "http://localhost", Some("localhost")),
            (".live.com", "https://login.live.com", None),
            ("10.0.0.0/8", "https://10.1.2.3", None),
        ] {
            assert_eq!(BypassList::read(list).entry_for(&target(url)), entry, "{list} {url}");
        }
    }

    #[test]
    fn this_machine_is_an_exception_unless_the_list_says_otherwise() {
        for (list, url, expected) in [
            ("", "http://localhost", true),
            ("", "http://127.0.0.1", true),
            ("<-loopback>", "http://127.0.0.1", false),
            ("*", "https://login.live.com", false),
        ] {
            assert_eq!(BypassList::read(list).excepts_itself(&target(url)), expected, "{list} {url}");
        }
    }

    #[test]
    fn an_entry_that_does_not_do_what_it_looks_like_is_told() {
        let remarks = |list: &str| BypassList::read(list).remarks;
        assert_eq!(remarks("<local>;*.a;b;[::1]:80;::1"), []);
        assert_eq!(remarks("*"), [BypassRemark::Everything]);
        assert_eq!(remarks(".contoso.example"), [BypassRemark::LeadingDot { entry: ".contoso.example".into() }]);
        assert_eq!(remarks("10.0.0.0/8"), [BypassRemark::Network { entry: "10.0.0.0/8".into() }]);
        assert_eq!(remarks(&"a;".repeat(3_000)), [BypassRemark::TooMany { left_out: 1_000 }]);
    }

    proptest! {
        #[test]
        fn a_pattern_fits_as_the_same_expression_would(host in "[ab.]{0,8}", pattern in "[ab.*]{0,6}") {
            let expression = format!("^{}$", pattern.replace('.', "\\.").replace('*', ".*"));
            let expected = regex_lite::Regex::new(&expression).expect("an expression").is_match(&host);
            prop_assert_eq!(fits(&host, &pattern), expected);
        }

        #[test]
        fn any_text_is_a_list(text in "\\PC{0,200}") {
            let _ = BypassList::read(&text).entry_for(&target("https://login.live.com"));
            let _ = super::super::ServerList::read(&text).servers_for("https");
        }
    }
}
