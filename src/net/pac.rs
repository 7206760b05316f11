//! Scripts that choose proxies: fetching one over http, and what it needs of this machine (names, the wall clock).

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use dns_lookup::{AddrInfoHints, SockType, getaddrinfo};
use http_body_util::{BodyExt as _, Empty, LengthLimitError, Limited};
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use tokio::time::timeout;

use super::{Net, SystemNames};

/// Why a script could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchFailure {
    #[error("its address is not one that can be fetched: write http://host/proxy.pac")]
    Address,
    #[error("its host has no address")]
    NoAddress,
    #[error("could not fetch it: {0}")]
    Transport(String),
    #[error("it did not arrive within {} ms", .0.as_millis())]
    Timeout(Duration),
    #[error("the server answered {status}{}", .location.as_ref().map(|place| format!(", pointing to {place}")).unwrap_or_default())]
    Status { status: u16, location: Option<String> },
    #[error("it is larger than {0} bytes")]
    TooLarge(usize),
}

impl FetchFailure {
    /// The stable code of this finding.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Address | Self::NoAddress | Self::Transport(_) | Self::TooLarge(_) => "pac.fetch_failed",
            Self::Timeout(_) => "pac.timeout",
            Self::Status { .. } => "pac.http_status",
        }
    }
}

impl Net {
    /// Fetches the script at `url` over plain http: one GET without credentials, no redirect followed, at most `largest`
    /// bytes.
    ///
    /// # Errors
    /// What stood in the way.
    pub async fn fetch_script(&self, url: &str, largest: usize, deadline: Duration) -> Result<Bytes, FetchFailure> {
        let fetched = timeout(deadline, self.fetch(url, largest)).await;
        fetched.unwrap_or(Err(FetchFailure::Timeout(deadline)))
    }

    /// Looks for a script as WPAD does by DNS: `wpad` below `domain`, then below its parents, down to two labels. The
    /// answer names the address that was found; whoever owns that name chooses the proxy.
    ///
    /// # Errors
    /// What stood in the way for each name.
    pub async fn find_script(
        &self,
        domain: &str,
        largest: usize,
        deadline: Duration,
    ) -> Result<(String, Bytes), Vec<(String, FetchFailure)>> {
        let mut failures = Vec::new();
        for url in wpad_addresses(domain) {
            match self.fetch_script(&url, largest, deadline).await {
                Ok(bytes) => return Ok((url, bytes)),
                Err(failure) => failures.push((url, failure)),
            }
        }
        Err(failures)
    }

    async fn fetch(&self, url: &str, largest: usize) -> Result<Bytes, FetchFailure> {
        let transport = |error: &dyn std::fmt::Display| FetchFailure::Transport(error.to_string());
        let url = url::Url::parse(url).map_err(|_| FetchFailure::Address)?;
        let host = url.host_str().ok_or(FetchFailure::Address)?.trim_matches(['[', ']']).to_owned();
        if url.scheme() != "http" || !url.username().is_empty() || url.password().is_some() {
            return Err(FetchFailure::Address);
        }
        let port = url.port().unwrap_or(80);
        let addresses = match &self.system_names {
            SystemNames::Fixed(names) => names.get(&host).cloned().unwrap_or_default(),
            SystemNames::Os => {
                tokio::task::spawn_blocking(move || addresses_of(&host)).await.map_err(|error| transport(&error))?
            }
        };
        let mut stream = Err(FetchFailure::NoAddress);
        for address in addresses {
            stream = self.connect(SocketAddr::new(address, port)).await.map_err(|error| transport(&error));
            if stream.is_ok() {
                break;
            }
        }
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream?)).await.map_err(|error| transport(&error))?;
        let connection = tokio::spawn(connection);
        let authority = url[url::Position::BeforeHost..url::Position::AfterPort].to_owned();
        let request = Request::get(&url[url::Position::BeforePath..url::Position::AfterQuery])
            .header(header::HOST, authority)
            .header(header::ACCEPT, "*/*")
            .body(Empty::<Bytes>::new())
            .map_err(|error| transport(&error))?;
        let response = sender.send_request(request).await.map_err(|error| transport(&error))?;
        if response.status() != StatusCode::OK {
            let location =
                response.headers().get(header::LOCATION).map(|place| String::from_utf8_lossy(place.as_bytes()));
            let location = location.map(|place| place.chars().take(200).collect());
            return Err(FetchFailure::Status { status: response.status().as_u16(), location });
        }
        let body = Limited::new(response.into_body(), largest).collect().await;
        connection.abort();
        match body {
            Ok(body) => Ok(body.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => Err(FetchFailure::TooLarge(largest)),
            Err(error) => Err(transport(&error)),
        }
    }
}

/// `wpad.sales.contoso.example`, then `wpad.contoso.example`: a name with less than two labels behind `wpad` belongs to a
/// registry, not to a company.
fn wpad_addresses(domain: &str) -> Vec<String> {
    const MOST: usize = 8;
    let domain = domain.trim_matches('.').to_ascii_lowercase();
    let labels: Vec<&str> = domain.split('.').filter(|label| !label.is_empty()).collect();
    let tails = (0..labels.len()).map(|first| &labels[first..]).filter(|tail| tail.len() >= 2);
    tails.take(MOST).map(|tail| format!("http://wpad.{}/wpad.dat", tail.join("."))).collect()
}

/// The operating system's addresses of `name`; none when it has none. Takes as long as the system takes.
#[must_use]
pub fn addresses_of(name: &str) -> Vec<IpAddr> {
    let hints = AddrInfoHints { socktype: SockType::Stream.into(), ..AddrInfoHints::default() };
    let Ok(found) = getaddrinfo(Some(name), None, Some(hints)) else { return Vec::new() };
    found.flatten().map(|found| found.sockaddr.ip()).collect()
}

/// How far this machine's wall clock is from UTC at `moment`.
#[must_use]
pub fn wall_clock(moment: Timestamp) -> Offset {
    TimeZone::system().to_offset(moment)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::sync::Arc;

    use super::super::Dial;
    use super::*;

    #[test]
    fn wpad_is_looked_for_below_the_domain_and_its_parents_but_not_at_the_registry() {
        assert_eq!(
            wpad_addresses("Sales.Contoso.example."),
            ["http://wpad.sales.contoso.example/wpad.dat", "http://wpad.contoso.example/wpad.dat"]
        );
        assert!(wpad_addresses("example").is_empty());
        assert!(wpad_addresses("..").is_empty());
        assert_eq!(wpad_addresses(&"a.".repeat(100)).len(), 8);
    }

    #[tokio::test]
    async fn the_first_name_that_answers_gives_the_script() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let real = listener.local_addr().expect("an address");
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            let _ = stream.read(&mut [0; 2048]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nscript");
        });
        let address: IpAddr = [192, 0, 2, 80].into();
        let names = HashMap::from([("wpad.contoso.example".to_owned(), vec![address])]);
        let net = Net {
            system_names: SystemNames::Fixed(Arc::new(names)),
            dial: Dial::Mapped(Arc::new(HashMap::from([(SocketAddr::new(address, 80), real)]))),
            ..Net::of_this_machine(Vec::new())
        };
        let (url, bytes) =
            net.find_script("sales.contoso.example", 100, Duration::from_secs(5)).await.expect("a script");
        assert_eq!((url.as_str(), bytes.as_ref()), ("http://wpad.contoso.example/wpad.dat", b"script".as_slice()));

        let nowhere = net.find_script("sales.fabrikam.example", 100, Duration::from_secs(5)).await.expect_err("none");
        assert_eq!(nowhere.len(), 2);
        assert_eq!(nowhere[0], ("http://wpad.sales.fabrikam.example/wpad.dat".to_owned(), FetchFailure::NoAddress));
    }
}
