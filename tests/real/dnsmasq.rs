//! dnsmasq as the company's name server.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::Command;

use crate::server::Server;
use crate::software::program;

pub struct Dnsmasq {
    pub address: SocketAddr,
    _server: Server,
}

impl Dnsmasq {
    /// Answers with what `rules` say (dnsmasq's own options) and asks nobody else.
    pub fn start(folder: &Path, address: IpAddr, rules: &[String]) -> Self {
        let address = SocketAddr::new(address, 53);
        let mut command = Command::new(program("dnsmasq").expect("dnsmasq is there"));
        command
            .args(["--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--no-poll"])
            .args(["--log-facility=-", "--log-queries", "--pid-file=", "--user=", "--bind-interfaces"])
            .arg(format!("--listen-address={}", address.ip()))
            .args(rules);
        Self { address, _server: Server::start("dnsmasq", command, folder, &[address]) }
    }
}
