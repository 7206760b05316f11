//! The host that tells "this endpoint is blocked" from "nothing gets out at all".

use serde::{Deserialize, Serialize};

use super::{Endpoint, HealthProbe, Lifecycle, UrlScheme};

/// A host of no solution, which every open network lets through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Control {
    /// Plain http address that answers `body`.
    pub url: String,
    /// Stands in every genuine answer; empty when nobody knows what this host answers.
    pub body: String,
    /// Name for control connections by CONNECT and SNI.
    pub host: String,
}

impl Control {
    /// Another host in place of the catalogue's: `host` or `host:port`.
    ///
    /// # Errors
    /// Why `text` is not such a host, as a fragment.
    pub fn at(text: &str) -> Result<Self, String> {
        let address = url::Url::parse(&format!("http://{text}/"));
        match address {
            Ok(address) if address.path() == "/" && address.query().is_none() && address.username().is_empty() => {
                let host = address.host_str().unwrap_or_default().to_owned();
                let port = address.port().map_or_else(String::new, |port| format!(":{port}"));
                Ok(Self { url: format!("http://{host}{port}/"), body: String::new(), host })
            }
            Ok(_) | Err(_) => {
                Err(format!("'{text}' is not a host: write its name alone, such as www.example.com, or none"))
            }
        }
    }

    /// The control as something that is asked like any endpoint over plain http.
    #[must_use]
    pub fn as_endpoint(&self) -> Endpoint {
        let rest = self.url.strip_prefix("http://").unwrap_or(&self.url);
        let (authority, path) = rest.find('/').map_or((rest, "/"), |slash| rest.split_at(slash));
        // The port follows the last colon, unless that one belongs to an IPv6 address.
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().unwrap_or(80)),
            _ => (authority, 80),
        };
        Endpoint {
            name: "control".to_owned(),
            url: self.url.clone(),
            scheme: UrlScheme::Http,
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
            function: String::new(),
            group: String::new(),
            trust: Vec::new(),
            lifecycle: Lifecycle::Active,
            probe: HealthProbe { path: path.to_owned(), healthy: Vec::new() },
            needs: Vec::new(),
            sources: Vec::new(),
        }
    }

    /// The control as the target of a tunnel or of a handshake.
    #[must_use]
    pub fn as_tls_endpoint(&self) -> Endpoint {
        let url = format!("https://{}", self.host);
        let host = self.host.trim_matches(['[', ']']).to_owned();
        Endpoint { url, scheme: UrlScheme::Https, host, port: 443, ..self.as_endpoint() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_control_is_asked_for_its_page() {
        let control = crate::catalogue::Catalogue::embedded().control.expect("a control");
        let page = control.as_endpoint();
        assert_eq!((page.host.as_str(), page.port), ("www.msftconnecttest.com", 80));
        assert_eq!((page.probe.path.as_str(), page.is_tls()), ("/connecttest.txt", false));
        let tunnel = control.as_tls_endpoint();
        assert_eq!((tunnel.host.as_str(), tunnel.port, tunnel.is_tls()), ("www.msftconnecttest.com", 443, true));
    }

    #[test]
    fn another_control_is_a_host_and_perhaps_a_port() {
        let other = Control::at("intranet.example:8000").expect("a host").as_endpoint();
        assert_eq!((other.host.as_str(), other.port, other.probe.path.as_str()), ("intranet.example", 8000, "/"));
        let literal = Control::at("[2001:db8::1]").expect("an address").as_endpoint();
        assert_eq!((literal.host.as_str(), literal.port), ("2001:db8::1", 80));
        for wrong in ["", "a b", "http://a", "host/path", "user@host", "host:99999"] {
            assert!(Control::at(wrong).is_err(), "{wrong}");
        }
    }
}
