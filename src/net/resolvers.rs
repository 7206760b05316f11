//! The name servers this machine is configured to ask, and how to reach one.
//!
//! In: the system's configuration. Out: addresses, or why there are none. Never: a question; asking is `probe`'s.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpStream, UdpSocket};

use super::{Dial, Net};

/// What the system's configuration says about name servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfiguredResolvers {
    /// In the order in which the system asks them, each once.
    pub servers: Vec<SocketAddr>,
    /// Why there are none.
    pub problem: Option<String>,
}

/// Reads `/etc/resolv.conf`, or the adapters' settings on Windows. Rules for single namespaces (NRPT) are not in it.
#[must_use]
pub fn configured_resolvers() -> ConfiguredResolvers {
    let servers = match of_the_system() {
        Ok(servers) => servers,
        Err(problem) => return ConfiguredResolvers { servers: Vec::new(), problem: Some(problem) },
    };
    let problem = servers.is_empty().then(|| "no name server is configured".to_owned());
    ConfiguredResolvers { servers, problem }
}

#[cfg(not(windows))]
fn of_the_system() -> Result<Vec<SocketAddr>, String> {
    let (configuration, _) = hickory_resolver::system_conf::read_system_conf().map_err(|error| error.to_string())?;
    let mut servers = Vec::new();
    for server in configuration.name_servers() {
        let port = server.connections.first().map_or(53, |connection| connection.port);
        let address = SocketAddr::new(server.ip, port);
        if !servers.contains(&address) {
            servers.push(address);
        }
    }
    Ok(servers)
}

#[cfg(windows)]
fn of_the_system() -> Result<Vec<SocketAddr>, String> {
    let found = crate::windows::adapters::name_servers();
    found.map(in_order).map_err(|error| format!("the network adapters could not be listed: {error}"))
}

/// The servers of several adapters, those of the preferred adapter first, each once.
#[cfg(any(windows, test))]
fn in_order(mut found: Vec<(u32, SocketAddr)>) -> Vec<SocketAddr> {
    found.sort_by_key(|(metric, _)| *metric);
    let mut servers = Vec::new();
    for (_, server) in found {
        if !is_filler(server) && !servers.contains(&server) {
            servers.push(server);
        }
    }
    servers
}

/// Windows puts `fec0:0:0:ffff::1` to `::3` where an adapter has no server for IPv6; nobody has stood there since site-local
/// addresses were given up (RFC 3879).
#[cfg(any(windows, test))]
fn is_filler(server: SocketAddr) -> bool {
    match server.ip() {
        std::net::IpAddr::V6(address) => matches!(address.segments(), [0xfec0, 0, 0, 0xffff, 0, 0, 0, 1..=3]),
        std::net::IpAddr::V4(address) => address.is_unspecified(),
    }
}

impl Net {
    /// A UDP socket that hears `server` alone: connected, so that a closed port is an error at once and an answer from
    /// elsewhere does not arrive.
    ///
    /// # Errors
    /// The system's, unchanged; `NetworkUnreachable` for a server that a lab does not hold.
    pub async fn datagrams_with(&self, server: SocketAddr) -> io::Result<UdpSocket> {
        let server = self.dial.name_server(server)?;
        let any: SocketAddr = if server.is_ipv4() { ([0; 4], 0).into() } else { ([0u16; 8], 0).into() };
        let socket = UdpSocket::bind(any).await?;
        socket.connect(server).await?;
        Ok(socket)
    }

    /// A TCP connection to a name server.
    ///
    /// # Errors
    /// As [`Net::datagrams_with`].
    pub async fn stream_with(&self, server: SocketAddr) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(self.dial.name_server(server)?).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

impl Dial {
    /// The address to go to for a name server. A lab's own stands on loopback and needs no entry in the map.
    ///
    /// # Errors
    /// As [`Dial::target`].
    pub fn name_server(&self, server: SocketAddr) -> io::Result<SocketAddr> {
        self.target(server).or_else(|error| if server.ip().is_loopback() { Ok(server) } else { Err(error) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_adapter_comes_first_and_two_adapters_name_a_server_once() {
        let server = |text: &str| text.parse::<SocketAddr>().expect("an address");
        let found = vec![
            (50, server("192.0.2.53:53")),
            (50, server("[fec0:0:0:ffff::1]:53")),
            (50, server("198.51.100.1:53")),
            (25, server("198.51.100.1:53")),
            (25, server("[fe80::1%7]:53")),
            (75, server("[fe80::1%9]:53")),
        ];
        let expected = ["198.51.100.1:53", "[fe80::1%7]:53", "192.0.2.53:53", "[fe80::1%9]:53"];
        assert_eq!(in_order(found), expected.map(server));
    }
}
