//! The name servers this machine is configured to ask, and how to reach one.
//!
//! In: the system's configuration. Out: addresses, or why there are none. Never: a question; asking is `probe`'s.

use std::io;
use std::net::SocketAddr;

use hickory_resolver::system_conf::read_system_conf;
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
    let configuration = match read_system_conf() {
        Ok((configuration, _)) => configuration,
        Err(error) => return ConfiguredResolvers { servers: Vec::new(), problem: Some(error.to_string()) },
    };
    let mut servers = Vec::new();
    for server in configuration.name_servers() {
        let port = server.connections.first().map_or(53, |connection| connection.port);
        let address = SocketAddr::new(server.ip, port);
        if !servers.contains(&address) {
            servers.push(address);
        }
    }
    let problem = servers.is_empty().then(|| "no name server is configured".to_owned());
    ConfiguredResolvers { servers, problem }
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
