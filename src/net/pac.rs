//! Scripts that choose proxies: fetching one over http or https, and what it needs of this machine (names, the wall
//! clock, its own address).

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use dns_lookup::{AddrInfoHints, SockType, getaddrinfo};
use http_body_util::{BodyExt as _, Empty, LengthLimitError, Limited};
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::{Dial, Net, SystemNames};
use crate::harmless::without_tokens;

/// What a script may cost, and whose certificates its server may show.
#[derive(Clone, Copy)]
pub struct FetchTerms<'a> {
    /// In bytes.
    pub largest: usize,
    pub deadline: Duration,
    /// The machine's roots; asked for only when the address is an https one.
    pub roots: &'a dyn Fn() -> RootCertStore,
}

impl std::fmt::Debug for FetchTerms<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("FetchTerms").field("largest", &self.largest).field("deadline", &self.deadline).finish()
    }
}

/// A script as its server gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedScript {
    pub bytes: Bytes,
    /// The header's value, where there is one that is text.
    pub content_type: Option<String>,
}

/// Why a script could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchFailure {
    #[error("its address is not one that can be fetched: write http://host/proxy.pac, without a name or password")]
    Address,
    #[error("its address is a file's: to read the file here, give its path alone")]
    File,
    /// Windows' services do not either: they fetch by http and https alone.
    #[error("its address begins with {0}:, and Windows' services fetch scripts by http and https only")]
    Scheme(String),
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
            Self::Address | Self::NoAddress | Self::Transport(_) => "pac.fetch_failed",
            Self::File | Self::Scheme(_) => "pac.file_url",
            Self::Timeout(_) => "pac.timeout",
            Self::Status { .. } => "pac.http_status",
            Self::TooLarge(_) => "pac.not_script",
        }
    }
}

impl Net {
    /// Fetches the script at `url`: one GET without credentials, no redirect followed. Over https the server has to show a
    /// certificate that the machine's roots accept.
    ///
    /// # Errors
    /// What stood in the way.
    pub async fn fetch_script(&self, url: &str, terms: FetchTerms<'_>) -> Result<FetchedScript, FetchFailure> {
        let fetched = timeout(terms.deadline, self.fetch(url, terms)).await;
        fetched.unwrap_or(Err(FetchFailure::Timeout(terms.deadline)))
    }

    /// Looks for a script as WPAD does by DNS: `wpad` below `domain`, then below its parents, down to two labels. The
    /// answer names the address that was found; whoever owns that name chooses the proxy. All of them together have the
    /// deadline of `terms`, and none can take the share of those behind it.
    ///
    /// # Errors
    /// What stood in the way for each name.
    pub async fn find_script(
        &self,
        domain: &str,
        terms: FetchTerms<'_>,
    ) -> Result<(String, FetchedScript), Vec<(String, FetchFailure)>> {
        let started = Instant::now();
        let mut failures = Vec::new();
        for (url, left) in counted_down(wpad_addresses(domain)) {
            let deadline = terms.deadline.saturating_sub(started.elapsed()) / left;
            match self.fetch_script(&url, FetchTerms { deadline, ..terms }).await {
                Ok(fetched) => return Ok((url, fetched)),
                Err(failure) => failures.push((url, failure)),
            }
        }
        Err(failures)
    }

    /// This machine's addresses for `name`, as a script asks for them. Takes as long as the system takes.
    #[must_use]
    pub fn system_addresses(&self, name: &str) -> Vec<IpAddr> {
        match &self.system_names {
            SystemNames::Fixed(names) => names.get(name).cloned().unwrap_or_default(),
            SystemNames::Os => addresses_of(name),
        }
    }

    /// The addresses from which this machine goes out. Nothing is sent to find them.
    #[must_use]
    pub fn own_addresses(&self) -> Vec<IpAddr> {
        // Addresses for documentation (RFC 5737, RFC 3849): the question is which way leads out, not where to.
        const OUTSIDE: [(&str, &str); 2] = [("0.0.0.0:0", "192.0.2.1:9"), ("[::]:0", "[2001:db8::1]:9")];
        let mut found: Vec<IpAddr> = match self.dial {
            Dial::Mapped(_) => Vec::new(),
            Dial::Straight => OUTSIDE
                .into_iter()
                .filter_map(|(here, there)| {
                    let socket = UdpSocket::bind(here).ok()?;
                    socket.connect(there).ok()?;
                    Some(socket.local_addr().ok()?.ip()).filter(|address| !address.is_unspecified())
                })
                .collect(),
        };
        if found.is_empty() {
            found.push(Ipv4Addr::LOCALHOST.into());
        }
        found
    }

    async fn fetch(&self, url: &str, terms: FetchTerms<'_>) -> Result<FetchedScript, FetchFailure> {
        let url = url::Url::parse(url).map_err(|_| FetchFailure::Address)?;
        if url.scheme() == "file" {
            return Err(FetchFailure::File);
        }
        if !matches!(url.scheme(), "http" | "https") {
            return Err(FetchFailure::Scheme(url.scheme().chars().take(20).collect()));
        }
        let host = url.host_str().ok_or(FetchFailure::Address)?.trim_matches(['[', ']']).to_owned();
        let is_tls = url.scheme() == "https";
        if !(is_tls || url.scheme() == "http") || !url.username().is_empty() || url.password().is_some() {
            return Err(FetchFailure::Address);
        }
        let port = url.port_or_known_default().ok_or(FetchFailure::Address)?;
        let started = Instant::now();
        let (net, name) = (self.clone(), host.clone());
        let addresses = tokio::task::spawn_blocking(move || net.system_addresses(&name)).await;
        let mut stream = Err(FetchFailure::NoAddress);
        // An address that swallows everything, as IPv6 without a way out does, leaves the others their share.
        for (address, left) in counted_down(addresses.map_err(transport)?) {
            let share = terms.deadline.saturating_sub(started.elapsed()) / left;
            let connected = timeout(share, self.connect(SocketAddr::new(address, port))).await;
            stream = connected.map_or(Err(FetchFailure::Timeout(terms.deadline)), |stream| stream.map_err(transport));
            if stream.is_ok() {
                break;
            }
        }
        if is_tls {
            let configuration = ClientConfig::builder_with_provider(Arc::new(default_provider()))
                .with_safe_default_protocol_versions()
                .map_err(transport)?
                .with_root_certificates((terms.roots)())
                .with_no_client_auth();
            let name = ServerName::try_from(host).map_err(|_| FetchFailure::Address)?;
            let stream = TlsConnector::from(Arc::new(configuration)).connect(name, stream?).await;
            ask(stream.map_err(transport)?, &url, terms.largest).await
        } else {
            ask(stream?, &url, terms.largest).await
        }
    }
}

/// Each of these with how many are left to be tried, itself among them.
fn counted_down<T>(these: Vec<T>) -> impl Iterator<Item = (T, u32)> {
    let many = u32::try_from(these.len()).unwrap_or(u32::MAX);
    these.into_iter().zip((1..=many).rev())
}

fn transport(error: impl std::fmt::Display) -> FetchFailure {
    FetchFailure::Transport(error.to_string())
}

/// One GET over a connection to the server of `url`.
async fn ask<IO>(stream: IO, url: &url::Url, largest: usize) -> Result<FetchedScript, FetchFailure>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(transport)?;
    let connection = tokio::spawn(connection);
    let authority = url[url::Position::BeforeHost..url::Position::AfterPort].to_owned();
    let request = Request::get(&url[url::Position::BeforePath..url::Position::AfterQuery])
        .header(header::HOST, authority)
        .header(header::ACCEPT, "*/*")
        .body(Empty::<Bytes>::new())
        .map_err(transport)?;
    let response = sender.send_request(request).await.map_err(transport)?;
    if response.status() != StatusCode::OK {
        let location = response.headers().get(header::LOCATION).map(|place| String::from_utf8_lossy(place.as_bytes()));
        let location = location.map(|place| without_tokens(&place).chars().take(200).collect());
        return Err(FetchFailure::Status { status: response.status().as_u16(), location });
    }
    let content_type = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.map(|value| value.chars().take(200).collect());
    let body = Limited::new(response.into_body(), largest).collect().await;
    connection.abort();
    match body {
        Ok(body) => Ok(FetchedScript { bytes: body.to_bytes(), content_type }),
        Err(error) if error.is::<LengthLimitError>() => Err(FetchFailure::TooLarge(largest)),
        Err(error) => Err(transport(error)),
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

    const TERMS: FetchTerms<'_> =
        FetchTerms { largest: 100, deadline: Duration::from_secs(5), roots: &RootCertStore::empty };

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

    /// Answers one request with a script.
    fn script_server() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let place = listener.local_addr().expect("an address");
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            let _ = stream.read(&mut [0; 2048]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nscript");
        });
        place
    }

    /// A machine that knows these names alone, and finds port 80 of these addresses where it is said.
    fn net(names: &[(&str, IpAddr)], places: &[(IpAddr, SocketAddr)]) -> Net {
        let names: HashMap<_, _> = names.iter().map(|(name, address)| ((*name).to_owned(), vec![*address])).collect();
        let places: HashMap<_, _> = places.iter().map(|(from, to)| (SocketAddr::new(*from, 80), *to)).collect();
        Net {
            system_names: SystemNames::Fixed(Arc::new(names)),
            dial: Dial::Mapped(Arc::new(places)),
            ..Net::of_this_machine(Vec::new())
        }
    }

    #[test]
    fn each_way_has_its_share_and_the_last_all_that_is_left() {
        assert_eq!(counted_down(vec!["v6", "v4"]).collect::<Vec<_>>(), [("v6", 2), ("v4", 1)]);
    }

    #[tokio::test]
    async fn a_name_behind_which_nobody_speaks_leaves_the_next_its_share() {
        // A connection waits here for ever: nobody takes it.
        let mute = TcpListener::bind("127.0.0.1:0").expect("a port");
        let real = script_server();
        let (first, second): (IpAddr, IpAddr) = ([192, 0, 2, 80].into(), [192, 0, 2, 81].into());
        let names = [("wpad.sales.contoso.example", first), ("wpad.contoso.example", second)];
        let places = [(first, mute.local_addr().expect("an address")), (second, real)];
        let net = net(&names, &places);
        let terms = FetchTerms { deadline: Duration::from_secs(1), ..TERMS };
        let (url, _) = net.find_script("sales.contoso.example", terms).await.expect("a script");
        assert_eq!(url, "http://wpad.contoso.example/wpad.dat");
    }

    #[tokio::test]
    async fn the_first_name_that_answers_gives_the_script() {
        let address: IpAddr = [192, 0, 2, 80].into();
        let net = net(&[("wpad.contoso.example", address)], &[(address, script_server())]);
        let (url, fetched) = net.find_script("sales.contoso.example", TERMS).await.expect("a script");
        assert_eq!(url, "http://wpad.contoso.example/wpad.dat");
        assert_eq!(fetched, FetchedScript { bytes: Bytes::from_static(b"script"), content_type: None });

        let nowhere = net.find_script("sales.fabrikam.example", TERMS).await.expect_err("none");
        assert_eq!(nowhere.len(), 2);
        assert_eq!(nowhere[0], ("http://wpad.sales.fabrikam.example/wpad.dat".to_owned(), FetchFailure::NoAddress));
    }
}
