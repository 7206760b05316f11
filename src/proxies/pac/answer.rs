//! What a script answered, as a list of ways out.

use std::borrow::Cow;
use std::fmt;
use std::net::Ipv6Addr;

use serde::Serialize;

use crate::proxies::settings::black_hole;

/// More ways out than this are counted, not kept.
const MOST_CHOICES: usize = 64;
/// How much of an entry that is not understood is repeated.
const LONGEST_QUOTE: usize = 60;

/// The ways out for one address, in the order in which they are to be tried, and what is odd about them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// As the script gave it, cut to a sensible length, and without names and passwords before an `@`.
    pub text: String,
    pub choices: Vec<Choice>,
    pub remarks: Vec<Remark>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Choice {
    Direct,
    Proxy {
        protocol: ProxyKind,
        /// Lower case; an IPv6 address without brackets.
        host: String,
        port: u16,
    },
}

/// The word before a proxy's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProxyKind {
    Proxy,
    Http,
    Https,
    Socks,
    Socks4,
    Socks5,
    Quic,
}

/// What is odd about an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Remark {
    /// The answer is empty or null, which means direct.
    Empty,
    /// WinHTTP, and with it Windows' services, passes over an entry of this kind.
    IgnoredByWinHttp { protocol: ProxyKind },
    /// An address at which nobody is meant to listen; `why` ends a sentence.
    BlackHole { entry: String, why: &'static str },
    /// No entry is left that WinHTTP understands.
    NothingForWinHttp,
    /// A word that is no kind of proxy.
    UnknownWord { entry: String },
    /// An entry whose address cannot be read.
    Unreadable { entry: String, why: &'static str },
    /// More entries than anybody tries.
    TooMany { left_out: usize },
}

impl ProxyKind {
    const ALL: [Self; 7] = [Self::Proxy, Self::Http, Self::Https, Self::Socks, Self::Socks4, Self::Socks5, Self::Quic];

    /// The word as scripts write it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Proxy => "PROXY",
            Self::Http => "HTTP",
            Self::Https => "HTTPS",
            Self::Socks => "SOCKS",
            Self::Socks4 => "SOCKS4",
            Self::Socks5 => "SOCKS5",
            Self::Quic => "QUIC",
        }
    }

    fn default_port(self) -> u16 {
        match self {
            Self::Proxy | Self::Http => 80,
            Self::Https | Self::Quic => 443,
            Self::Socks | Self::Socks4 | Self::Socks5 => 1080,
        }
    }

    /// Only `PROXY` and `DIRECT` are words of WinHTTP; the others are browsers' additions.
    fn is_known_to_winhttp(self) -> bool {
        self == Self::Proxy
    }
}

impl Choice {
    /// The proxy as a URL, for the kinds that have one: `http://host:port`, `https://…`, `socks5://…`.
    #[must_use]
    pub fn url(&self) -> Option<String> {
        let Self::Proxy { protocol, host, port } = self else { return None };
        let scheme = match protocol {
            ProxyKind::Proxy | ProxyKind::Http => "http",
            ProxyKind::Https => "https",
            ProxyKind::Socks | ProxyKind::Socks5 => "socks5",
            ProxyKind::Socks4 | ProxyKind::Quic => return None,
        };
        Some(format!("{scheme}://{}", authority(host, *port)))
    }

    /// WinHTTP would try this one.
    #[must_use]
    pub fn is_for_winhttp(&self) -> bool {
        match self {
            Self::Direct => true,
            Self::Proxy { protocol, .. } => protocol.is_known_to_winhttp(),
        }
    }
}

fn authority(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

impl fmt::Display for Choice {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Direct => out.write_str("DIRECT"),
            Self::Proxy { protocol, host, port } => write!(out, "{} {}", protocol.word(), authority(host, *port)),
        }
    }
}

impl Answer {
    /// Reads what a script returned; every text has a reading, if only one full of remarks.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut choices = Vec::new();
        let mut remarks = Vec::new();
        let mut left_out = 0;
        let entries = text.split(';').map(str::trim).filter(|entry| !entry.is_empty());
        for entry in entries {
            if choices.len() + remarks.len() >= MOST_CHOICES {
                left_out += 1;
                continue;
            }
            match read_entry(entry) {
                Ok(choice) => {
                    if let Choice::Proxy { protocol, host, port } = &choice {
                        if let Some(why) = black_hole(host, *port).filter(|_| protocol.is_known_to_winhttp()) {
                            remarks.push(Remark::BlackHole { entry: choice.to_string(), why });
                        }
                        let remark = Remark::IgnoredByWinHttp { protocol: *protocol };
                        if !protocol.is_known_to_winhttp() && !remarks.contains(&remark) {
                            remarks.push(remark);
                        }
                    }
                    choices.push(choice);
                }
                Err(remark) => remarks.push(remark),
            }
        }
        if left_out > 0 {
            remarks.push(Remark::TooMany { left_out });
        }
        if choices.is_empty() && remarks.is_empty() {
            choices.push(Choice::Direct);
            remarks.push(Remark::Empty);
        }
        if !choices.iter().any(Choice::is_for_winhttp) {
            remarks.push(Remark::NothingForWinHttp);
        }
        let start: String = text.chars().take(MOST_CHOICES * LONGEST_QUOTE).collect();
        let shown: Vec<String> = start.split(';').map(|entry| without_user(entry).into_owned()).collect();
        Self { text: shown.join(";"), choices, remarks }
    }

    /// The ways out that WinHTTP would try, in order.
    pub fn for_winhttp(&self) -> impl Iterator<Item = &Choice> {
        self.choices.iter().filter(|choice| choice.is_for_winhttp())
    }
}

fn read_entry(entry: &str) -> Result<Choice, Remark> {
    let (word, address) = entry.split_once(|character: char| character.is_whitespace()).unwrap_or((entry, ""));
    let address = address.trim();
    let unreadable = |why| Remark::Unreadable { entry: quote(entry), why };
    if word.eq_ignore_ascii_case("DIRECT") {
        return if address.is_empty() { Ok(Choice::Direct) } else { Err(unreadable("DIRECT takes no address")) };
    }
    let protocol = ProxyKind::ALL
        .into_iter()
        .find(|kind| word.eq_ignore_ascii_case(kind.word()))
        .ok_or_else(|| Remark::UnknownWord { entry: quote(entry) })?;
    let (host, port) = read_address(address, protocol.default_port()).map_err(unreadable)?;
    Ok(Choice::Proxy { protocol, host, port })
}

/// `host`, `host:port`, `[v6]` or `[v6]:port`.
fn read_address(text: &str, default_port: u16) -> Result<(String, u16), &'static str> {
    if text.is_empty() {
        return Err("the address is missing");
    }
    if text.contains("://") {
        return Err("an address has no scheme here: write host:port");
    }
    if text.contains('@') {
        return Err("an address holds no user name here");
    }
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or("a bracket is not closed")?;
            let host: Ipv6Addr = host.parse().map_err(|_| "what stands in brackets is no IPv6 address")?;
            let port = match port {
                "" => None,
                port => Some(port.strip_prefix(':').ok_or("something stands between the bracket and the port")?),
            };
            (host.to_string(), port)
        }
        None => match text.split_once(':') {
            Some((_, port)) if port.contains(':') => return Err("an IPv6 address stands in brackets"),
            Some((host, port)) => (host.to_ascii_lowercase(), Some(port)),
            None => (text.to_ascii_lowercase(), None),
        },
    };
    let is_name = |character: char| character.is_alphanumeric() || matches!(character, '-' | '.' | '_' | ':');
    if host.is_empty() || !host.chars().all(is_name) {
        return Err("the host is no name and no address");
    }
    let port = match port {
        None => default_port,
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            digits.parse().ok().filter(|port| *port != 0).ok_or("a port is a number from 1 to 65535")?
        }
        Some(_) => return Err("a port is a number from 1 to 65535"),
    };
    Ok((host, port))
}

/// What stands before an `@` would be a user's name and password.
fn without_user(entry: &str) -> Cow<'_, str> {
    match entry.rsplit_once('@') {
        Some((_, address)) => Cow::Owned(format!("…@{address}")),
        None => Cow::Borrowed(entry),
    }
}

/// What may be repeated of an entry.
fn quote(entry: &str) -> String {
    let shown = without_user(entry);
    let mut cut: String = shown.chars().take(LONGEST_QUOTE).collect();
    if cut.len() < shown.len() {
        cut.push('…');
    }
    cut
}

impl Remark {
    /// The stable code of a remark that is a finding.
    #[must_use]
    pub fn code(&self) -> Option<&'static str> {
        match self {
            Self::IgnoredByWinHttp { .. } | Self::NothingForWinHttp => Some("pac.unsupported_token"),
            Self::UnknownWord { .. } | Self::Unreadable { .. } => Some("pac.eval_error"),
            Self::BlackHole { .. } => Some("proxy.black_hole"),
            Self::Empty | Self::TooMany { .. } => None,
        }
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => out.write_str("the answer is empty, which means DIRECT"),
            Self::IgnoredByWinHttp { protocol } => {
                write!(
                    out,
                    "WinHTTP, which Windows' services use, ignores {} entries: add a PROXY entry",
                    protocol.word()
                )
            }
            Self::BlackHole { entry, why } => {
                write!(out, "{entry} leads nowhere, on purpose: {why}; what must get out is to be exempted there")
            }
            Self::NothingForWinHttp => out.write_str("no entry is left that Windows' services understand"),
            Self::UnknownWord { entry } => {
                write!(out, "'{entry}' begins with no word that is known: use DIRECT or PROXY host:port")
            }
            Self::Unreadable { entry, why } => write!(out, "'{entry}' is passed over: {why}"),
            Self::TooMany { left_out } => write!(out, "{left_out} more entries were left out"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str) -> (Vec<String>, Vec<String>) {
        let answer = Answer::read(text);
        (
            answer.choices.iter().map(ToString::to_string).collect(),
            answer.remarks.iter().map(ToString::to_string).collect(),
        )
    }

    #[test]
    fn the_ways_out_keep_their_order_and_get_their_usual_ports() {
        let (choices, remarks) = shown(" PROXY Proxy1.example:8080 ;proxy proxy2; PROXY [2001:DB8::1]:3128;direct;");
        assert_eq!(choices, ["PROXY proxy1.example:8080", "PROXY proxy2:80", "PROXY [2001:db8::1]:3128", "DIRECT"]);
        assert!(remarks.is_empty(), "{remarks:?}");
    }

    #[test]
    fn words_that_only_browsers_know_are_kept_and_remarked_upon() {
        let (choices, remarks) = shown("HTTPS a; SOCKS b; SOCKS5 c:1; PROXY d:8080");
        assert_eq!(choices, ["HTTPS a:443", "SOCKS b:1080", "SOCKS5 c:1", "PROXY d:8080"]);
        assert_eq!(remarks.len(), 3);
        assert!(remarks[0].contains("ignores HTTPS entries"));
        let (_, remarks) = shown("SOCKS5 c:1");
        assert_eq!(remarks[1], "no entry is left that Windows' services understand");
        assert_eq!(Answer::read("SOCKS5 c; PROXY d").for_winhttp().count(), 1);
    }

    #[test]
    fn an_empty_answer_means_direct() {
        for text in ["", "  ", ";;"] {
            let answer = Answer::read(text);
            assert_eq!((answer.choices, answer.remarks), (vec![Choice::Direct], vec![Remark::Empty]), "{text}");
        }
    }

    #[test]
    fn nonsense_is_named_and_a_password_in_it_is_not_repeated() {
        let remark = |text: &str| shown(text).1.remove(0);
        assert!(remark("proxy.example:8080").contains("use DIRECT or PROXY"));
        assert!(remark("PROXY").contains("address is missing"));
        assert!(remark("PROXY http://proxy:8080").contains("no scheme"));
        assert!(remark("PROXY proxy:99999").contains("1 to 65535"));
        assert!(remark("PROXY proxy:+80").contains("1 to 65535"));
        assert!(remark("PROXY proxy:0").contains("1 to 65535"));
        assert!(remark("PROXY ::1").contains("brackets"));
        assert!(remark("PROXY [proxy]:1").contains("no IPv6"));
        assert!(remark("PROXY [::1").contains("not closed"));
        assert!(remark("DIRECT now").contains("takes no address"));
        assert!(!remark("PROXY anna:hunter2@proxy:80").contains("hunter2"));
        assert_eq!(Answer::read("PROXY a:1; PROXY anna:hunter2@proxy:80").text, "PROXY a:1;…@proxy:80");
        let many = "PROXY a;".repeat(100);
        assert_eq!(Answer::read(&many).choices.len(), MOST_CHOICES);
        assert_eq!(Answer::read(&many).remarks, [Remark::TooMany { left_out: 36 }]);
    }

    #[test]
    fn what_is_a_proxy_to_the_probe_has_a_url() {
        let url = |text: &str| Answer::read(text).choices[0].url();
        assert_eq!(url("PROXY p:8080").as_deref(), Some("http://p:8080"));
        assert_eq!(url("HTTPS p").as_deref(), Some("https://p:443"));
        assert_eq!(url("SOCKS [::1]").as_deref(), Some("socks5://[::1]:1080"));
        assert_eq!(url("SOCKS4 p"), None);
        assert_eq!(url("DIRECT"), None);
    }

    proptest! {
        #[test]
        fn any_text_has_a_reading_and_what_was_read_reads_back_the_same(text in "(?s)([ -~;]|PROXY |DIRECT|SOCKS5 |[\\[\\]:é\u{0}]){0,80}") {
            let answer = Answer::read(&text);
            prop_assert!(!answer.choices.is_empty() || !answer.remarks.is_empty());
            if !answer.choices.is_empty() {
                let again: Vec<String> = answer.choices.iter().map(ToString::to_string).collect();
                prop_assert_eq!(&Answer::read(&again.join("; ")).choices, &answer.choices);
            }
        }
    }
}
