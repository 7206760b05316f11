//! `--connect-to HOST:PORT=ADDR:PORT`: another address for a name, with curl's meaning of empty parts.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

/// The map of one run; the first rule that fits counts.
#[derive(Debug, Clone, Default)]
pub struct ConnectTo {
    pub rules: Vec<Rule>,
}

/// An empty host or port matches any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub host: Option<String>,
    pub port: Option<u16>,
    pub target: SocketAddr,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{text}' is not a connect-to rule ({detail}): expected HOST:PORT=ADDRESS:PORT, such as v10c.events.data.microsoft.com:443=127.0.0.1:8443"
)]
pub struct ConnectToMistake {
    text: String,
    detail: &'static str,
}

impl ConnectTo {
    #[must_use]
    pub fn target(&self, host: &str, port: u16) -> Option<SocketAddr> {
        self.rules.iter().find(|rule| rule.fits(host, port)).map(|rule| rule.target)
    }
}

impl Rule {
    #[must_use]
    pub fn fits(&self, host: &str, port: u16) -> bool {
        self.host.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(host))
            && self.port.is_none_or(|wanted| wanted == port)
    }
}

/// As it was written.
impl fmt::Display for Rule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.host.as_deref().unwrap_or_default();
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let port = self.port.map(|port| port.to_string()).unwrap_or_default();
        write!(out, "{host}:{port}={}", self.target)
    }
}

impl FromStr for Rule {
    type Err = ConnectToMistake;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mistake = |detail| ConnectToMistake { text: text.to_owned(), detail };
        let (from, to) = text.split_once('=').ok_or_else(|| mistake("no '='"))?;
        let (host, port) = from.rsplit_once(':').ok_or_else(|| mistake("no ':' before the '='"))?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let host = (!host.is_empty()).then(|| host.trim_end_matches('.').to_ascii_lowercase());
        let port = match port {
            "" => None,
            port => Some(port.parse().map_err(|_| mistake("the port before the '=' is not a number up to 65535"))?),
        };
        let target = to.parse().map_err(|_| mistake("behind the '=' stands no IP address with a port"))?;
        Ok(Self { host, port, target })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_host_or_port_matches_any_and_the_first_rule_counts() {
        let rules = ["a.example:443=127.0.0.1:1", ":80=127.0.0.1:2", "b.example:=[::1]:3", ":=127.0.0.1:4"];
        let map = ConnectTo { rules: rules.iter().map(|rule| rule.parse().expect("a rule")).collect() };
        for (host, port, target) in [
            ("A.example", 443, "127.0.0.1:1"),
            ("a.example", 80, "127.0.0.1:2"),
            ("b.example", 443, "[::1]:3"),
            ("c.example", 443, "127.0.0.1:4"),
        ] {
            assert_eq!(map.target(host, port), Some(target.parse().expect("an address")), "{host}:{port}");
        }
        assert_eq!(ConnectTo::default().target("a.example", 443), None);
    }

    #[test]
    fn a_rule_that_cannot_be_read_says_what_is_missing() {
        for (text, says) in [
            ("a.example:443", "no '='"),
            ("a.example=127.0.0.1:1", "no ':'"),
            ("a.example:https=127.0.0.1:1", "before the '='"),
            ("a.example:443=localhost:1", "no IP address"),
            ("a.example:443=127.0.0.1", "no IP address"),
            ("a.example:70000=127.0.0.1:1", "up to 65535"),
        ] {
            let complaint = text.parse::<Rule>().unwrap_err().to_string();
            assert!(complaint.contains(says), "{text}: {complaint}");
        }
    }
}
