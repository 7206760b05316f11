//! A proxy's address as people write it, read once into a form that cannot be wrong.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::proxies::settings::black_hole;

/// A proxy: scheme, host and port, nothing else. Shown as `http://proxy.example:8080`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Proxy {
    pub scheme: ProxyScheme,
    /// Lower case; an IPv6 address without brackets.
    pub host: String,
    pub port: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProxyScheme {
    Http,
    Https,
    Socks5,
}

/// Why a text is not a usable proxy address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProxyMistake {
    #[error("'{0}' is not a proxy address: expected http://host:port")]
    Unreadable(String),
    #[error("proxy scheme '{0}' is not known: use http, https or socks5")]
    Scheme(String),
    /// The text itself is not repeated: it holds a password.
    #[error(
        "the proxy address holds a user name or password, which other users of this machine could read: leave it out and \
         use --proxy-user with --proxy-password-file or --proxy-password-stdin"
    )]
    Credentials,
    #[error("the proxy address '{0}' has a path or query: expected http://host:port and nothing behind it")]
    Path(String),
    /// Not repeated: it may be of any length.
    #[error("the proxy's host name is too long for DNS: it has at most 253 characters, and 63 between two dots")]
    Long,
    #[error("the proxy address '{0}' has port 0: a proxy listens on a port from 1 to 65535")]
    Port(String),
}

impl ProxyScheme {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Socks5 => "socks5",
        }
    }

    fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
            Self::Socks5 => 1080,
        }
    }
}

impl Proxy {
    /// `host:port`, with brackets around an IPv6 address.
    #[must_use]
    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// Why nobody is meant to listen there, as the end of a sentence; nothing for a proxy.
    #[must_use]
    pub fn black_hole(&self) -> Option<&'static str> {
        black_hole(&self.host, self.port)
    }
}

impl FromStr for Proxy {
    type Err = ProxyMistake;

    /// Reads `http://host:port`, `host:port` or `host`; without a scheme it is http, without a port the scheme's own.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text.contains('@') {
            return Err(ProxyMistake::Credentials);
        }
        let full = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let (scheme, rest) = full.split_once("://").ok_or_else(|| ProxyMistake::Unreadable(text.into()))?;
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "http" => ProxyScheme::Http,
            "https" => ProxyScheme::Https,
            "socks5" | "socks5h" | "socks" => ProxyScheme::Socks5,
            other => return Err(ProxyMistake::Scheme(other.into())),
        };
        // The `url` crate knows host rules only for web schemes; the authority of a SOCKS proxy has the same form.
        let url = url::Url::parse(&format!("http://{rest}")).map_err(|_| ProxyMistake::Unreadable(text.into()))?;
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(ProxyMistake::Path(text.into()));
        }
        let host = match url.host() {
            Some(url::Host::Domain(name)) => name.trim_end_matches('.').to_ascii_lowercase(),
            Some(url::Host::Ipv4(address)) => address.to_string(),
            Some(url::Host::Ipv6(address)) => address.to_string(),
            None => return Err(ProxyMistake::Unreadable(text.into())),
        };
        if host.is_empty() {
            return Err(ProxyMistake::Unreadable(text.into()));
        }
        if host.len() > LONGEST_NAME || host.split('.').any(|label| label.len() > LONGEST_LABEL) {
            return Err(ProxyMistake::Long);
        }
        // `url` drops the scheme's own port, so `:80` has to be looked for in the text.
        let port = match url.port() {
            Some(0) => return Err(ProxyMistake::Port(text.into())),
            Some(port) => port,
            None if names_port_80(rest) => 80,
            None => scheme.default_port(),
        };
        Ok(Self { scheme, host, port })
    }
}

/// As text, without the final dot (RFC 1035, section 2.3.4).
const LONGEST_NAME: usize = 253;
const LONGEST_LABEL: usize = 63;

/// Whether the text itself says `:80`, leading zeros and all.
fn names_port_80(authority: &str) -> bool {
    authority.trim_end_matches('/').rsplit_once(':').is_some_and(|(_, port)| port.parse() == Ok(80_u16))
}

impl TryFrom<String> for Proxy {
    type Error = ProxyMistake;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Proxy> for String {
    fn from(proxy: Proxy) -> Self {
        proxy.to_string()
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}://{}", self.scheme.as_str(), self.authority())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_normalised_however_it_is_written() {
        for (written, shown) in [
            ("http://Proxy.Example:8080/", "http://proxy.example:8080"),
            ("proxy.example:3128", "http://proxy.example:3128"),
            ("proxy.example", "http://proxy.example:80"),
            ("http://proxy.example:80", "http://proxy.example:80"),
            ("https://proxy.example", "https://proxy.example:443"),
            ("https://proxy.example:80", "https://proxy.example:80"),
            ("https://proxy.example:080", "https://proxy.example:80"),
            ("socks5h://10.0.0.1", "socks5://10.0.0.1:1080"),
            ("http://[2001:DB8::1]:8080", "http://[2001:db8::1]:8080"),
            ("HTTP://proxy.example.:8080", "http://proxy.example:8080"),
        ] {
            assert_eq!(written.parse::<Proxy>().map(|proxy| proxy.to_string()), Ok(shown.to_owned()), "{written}");
        }
    }

    #[test]
    fn an_unusable_address_is_refused_and_a_password_in_it_is_not_repeated() {
        let complaint = |text: &str| text.parse::<Proxy>().unwrap_err().to_string();
        assert!(complaint("http://anna:hunter2@proxy:8080").contains("--proxy-password-file"));
        assert!(!complaint("http://anna:hunter2@proxy:8080").contains("hunter2"));
        assert!(!complaint("anna:hunter2@").contains("hunter2"));
        assert!(complaint("ftp://proxy").contains("'ftp'"));
        assert!(complaint("http://proxy:8080/path").contains("path"));
        assert!(complaint("http://proxy:99999").contains("expected http://host:port"));
        assert!(complaint("http://proxy:0").contains("port 0"));
        assert!(complaint("").contains("expected"));
        assert!(complaint("http://").contains("expected"));
        let name = |label: usize| format!("http://{}.{}.example:8080", "a".repeat(label), "b.".repeat(90) + "b");
        assert!(name(53).parse::<Proxy>().is_ok());
        assert!(complaint(&name(64)).contains("63 between two dots"));
        assert!(complaint(&format!("http://{}example:80", "a.".repeat(124))).contains("at most 253"));
        assert!(complaint(&"a".repeat(70_000)).len() < 200);
    }
}
