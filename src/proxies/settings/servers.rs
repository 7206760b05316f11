//! A list of proxies as Windows writes it: `proxy:8080`, `http=a:80;https=b:80`, `socks=c:1080`.

use std::fmt;
use std::net::Ipv6Addr;

use serde::Serialize;

use super::without_user;

/// More entries than anybody keeps.
const MOST: usize = 64;
const LONGEST_QUOTE: usize = 60;

/// Proxies by the kind of address they are for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerList {
    entries: Vec<Entry>,
    pub remarks: Vec<ServerRemark>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    /// `http`, `https`, `ftp`, `socks`; none: for all.
    scheme: Option<String>,
    server: Server,
}

/// One proxy.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Server {
    /// Spoken to by SOCKS instead of HTTP.
    pub socks: bool,
    /// Lower case; an IPv6 address without brackets.
    pub host: String,
    /// `None` when the list names none.
    pub port: Option<u16>,
}

/// What is odd about a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerRemark {
    Unreadable {
        entry: String,
        why: &'static str,
    },
    /// Windows takes a default; people mean another one.
    NoPort {
        server: String,
        usual: u16,
    },
    TooMany {
        left_out: usize,
    },
}

impl ServerList {
    /// Reads a list; entries stand between semicolons or blanks, each `[scheme=][scheme://]server[:port]`.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut list = Self::default();
        let parts = text.split(|character: char| character == ';' || character.is_whitespace());
        let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
        for part in parts.iter().take(MOST) {
            match read_entry(part) {
                Ok(entry) => {
                    if entry.server.port.is_none() {
                        let usual = entry.server.usual_port();
                        list.remarks.push(ServerRemark::NoPort { server: entry.server.to_string(), usual });
                    }
                    list.entries.push(entry);
                }
                Err(why) => {
                    let entry = without_user(part).chars().take(LONGEST_QUOTE).collect();
                    list.remarks.push(ServerRemark::Unreadable { entry, why });
                }
            }
        }
        if parts.len() > MOST {
            list.remarks.push(ServerRemark::TooMany { left_out: parts.len() - MOST });
        }
        list
    }

    /// The proxies for addresses of this scheme, in order: its own, else those for all, else a SOCKS proxy.
    #[must_use]
    pub fn servers_for(&self, scheme: &str) -> Vec<&Server> {
        let named = |wanted: Option<&str>| -> Vec<&Server> {
            let fitting = self.entries.iter().filter(|entry| entry.scheme.as_deref() == wanted);
            fitting.map(|entry| &entry.server).collect()
        };
        [Some(scheme), None, Some("socks")].into_iter().map(named).find(|found| !found.is_empty()).unwrap_or_default()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Some entry is for one scheme only.
    #[must_use]
    pub fn is_by_scheme(&self) -> bool {
        self.entries.iter().any(|entry| entry.scheme.is_some())
    }
}

impl Server {
    /// As `waprobe check --proxy` takes it: with the port that Windows takes where the list names none.
    #[must_use]
    pub fn address(&self) -> String {
        let scheme = if self.socks { "socks5://" } else { "" };
        format!("{scheme}{}", Self { port: Some(self.port.unwrap_or(self.usual_port())), ..self.clone() })
    }

    fn usual_port(&self) -> u16 {
        if self.socks { 1080 } else { 80 }
    }
}

impl fmt::Display for ServerList {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, entry) in self.entries.iter().enumerate() {
            let gap = if position == 0 { "" } else { ";" };
            match &entry.scheme {
                Some(scheme) => write!(out, "{gap}{scheme}={}", entry.server)?,
                None => write!(out, "{gap}{}", entry.server)?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Server {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        write!(out, "{open}{}{close}", self.host)?;
        self.port.map_or(Ok(()), |port| write!(out, ":{port}"))
    }
}

impl fmt::Display for ServerRemark {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { entry, why } => write!(out, "the proxy '{entry}' is passed over: {why}"),
            Self::NoPort { server, usual } => {
                write!(out, "{server} has no port, and Windows takes {usual}: write the one that the proxy listens on")
            }
            Self::TooMany { left_out } => write!(out, "{left_out} more proxies were left out"),
        }
    }
}

fn read_entry(text: &str) -> Result<Entry, &'static str> {
    let (scheme, address) = match text.split_once('=') {
        Some((scheme, address)) => (Some(scheme.to_ascii_lowercase()), address),
        None => (None, text),
    };
    if scheme.as_deref().is_some_and(|scheme| !matches!(scheme, "http" | "https" | "ftp" | "gopher" | "socks")) {
        return Err("what stands before = is no kind of address that Windows knows");
    }
    let (spoken, address) = match address.split_once("://") {
        Some((spoken, address)) => (Some(spoken.to_ascii_lowercase()), address),
        None => (None, address),
    };
    let by_scheme = scheme.as_deref() == Some("socks");
    let socks = match spoken.as_deref() {
        None => by_scheme,
        Some("http" | "https") => false,
        Some("socks" | "socks4" | "socks5") => true,
        Some(_) => return Err("what stands before :// is no kind of proxy"),
    };
    let address = address.trim_end_matches('/');
    if address.contains('@') {
        return Err("it holds a user name, which Windows does not read here");
    }
    let (host, port) = match address.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or("a bracket is not closed")?;
            let host: Ipv6Addr = host.parse().map_err(|_| "what stands in brackets is no IPv6 address")?;
            (host.to_string(), port.strip_prefix(':'))
        }
        None => match address.split_once(':') {
            Some((host, port)) => (host.to_ascii_lowercase(), Some(port)),
            None => (address.to_ascii_lowercase(), None),
        },
    };
    let is_name = |character: char| character.is_alphanumeric() || matches!(character, '-' | '.' | '_' | ':');
    if host.is_empty() || !host.chars().all(is_name) {
        return Err("the host is no name and no address");
    }
    let port = match port {
        None => None,
        Some(digits) => {
            let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
            let number = digits.parse().ok().filter(|port| is_number && *port != 0);
            Some(number.ok_or("a port is a number from 1 to 65535")?)
        }
    };
    Ok(Entry { scheme, server: Server { socks, host, port } })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers(list: &str, scheme: &str) -> Vec<String> {
        ServerList::read(list).servers_for(scheme).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn one_proxy_is_for_everything_and_several_follow_each_other() {
        assert_eq!(servers("Proxy.contoso.example:8080", "https"), ["proxy.contoso.example:8080"]);
        assert_eq!(servers("a:1;b:2 c:3", "http"), ["a:1", "b:2", "c:3"]);
        assert_eq!(servers("http://a:1/", "https"), ["a:1"]);
        assert_eq!(servers("[2001:DB8::1]:8080", "https"), ["[2001:db8::1]:8080"]);
        assert_eq!(servers("", "https"), [""; 0]);
    }

    #[test]
    fn a_list_by_scheme_has_no_proxy_for_the_others_but_a_socks_one() {
        let list = "http=a:80;https=b:443;ftp=c:21";
        assert_eq!([servers(list, "http"), servers(list, "https")], [["a:80"], ["b:443"]]);
        assert!(servers("http=a:80", "https").is_empty(), "the classic mistake: nothing for https");
        assert_eq!(servers("http=a:80;socks=s:1080", "https"), ["s:1080"]);
        assert!(ServerList::read("http=a:80;socks=s:1080").servers_for("https")[0].socks);
        assert_eq!(servers("https=http://b:8080 d:1", "https"), ["b:8080"]);
        assert!(ServerList::read(list).is_by_scheme());
    }

    #[test]
    fn an_address_can_be_pasted_into_a_command() {
        let addresses = |list: &str| -> Vec<String> {
            ServerList::read(list).servers_for("https").iter().map(|server| server.address()).collect()
        };
        assert_eq!(addresses("c"), ["c:80"]);
        assert_eq!(addresses("[2001:db8::1];d:8080"), ["[2001:db8::1]:80", "d:8080"]);
        assert_eq!(addresses("socks=s"), ["socks5://s:1080"]);
    }

    #[test]
    fn what_cannot_be_read_is_told_without_its_password() {
        let remark = |text: &str| ServerList::read(text).remarks[0].to_string();
        assert!(remark("proxy.example").contains("has no port, and Windows takes 80"));
        assert!(remark("http://anna:hunter2@p:1").contains("user name"));
        assert!(!remark("http://anna:hunter2@p:1").contains("hunter2"));
        assert!(remark("p:0").contains("1 to 65535"));
        assert!(remark("p:+1").contains("1 to 65535"));
        assert!(remark("quic=p:1").contains("before ="));
        assert!(remark("ftp://p:1").contains("before ://"));
        assert!(remark("[p]:1").contains("IPv6"));
        assert!(remark("http=").contains("no name"));
        assert_eq!(ServerList::read(&"p:1;".repeat(100)).remarks, [ServerRemark::TooMany { left_out: 36 }]);
    }
}
