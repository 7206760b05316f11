//! nginx as the servers behind the endpoints: each name has its certificate, chosen by SNI.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use crate::authorities::{Pair, run};
use crate::server::Server;
use crate::software::program;

/// What answers for one name on port 443.
pub struct Site<'a> {
    pub host: &'a str,
    pub pair: &'a Pair,
    /// nginx's `ssl_protocols`.
    pub protocols: &'a str,
    /// nginx's `ssl_ciphers`.
    pub ciphers: &'a str,
}

impl<'a> Site<'a> {
    pub fn new(host: &'a str, pair: &'a Pair) -> Self {
        Self { host, pair, protocols: "TLSv1.2 TLSv1.3", ciphers: "DEFAULT" }
    }
}

/// One nginx on one address of its own: 443 with TLS, 80 without.
pub struct Nginx {
    pub address: std::net::IpAddr,
    _server: Server,
}

impl Nginx {
    pub fn start(folder: &Path, name: &str, address: std::net::IpAddr, sites: &[Site]) -> Self {
        let groups = folder.join(format!("{name}.dh"));
        let mut make = Command::new("openssl");
        make.args(["genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:ffdhe2048", "-out"]);
        run(make.arg(&groups));
        let mut servers = String::new();
        for site in sites {
            let _ = writeln!(
                servers,
                "server {{ listen {address}:443 ssl; server_name {}; ssl_certificate {}; ssl_certificate_key {}; \
                 ssl_protocols {}; ssl_ciphers {}:@SECLEVEL=0; ssl_dhparam {}; include {name}.answers; }}",
                site.host,
                site.pair.certificate.display(),
                site.pair.key.display(),
                site.protocols,
                site.ciphers,
                groups.display()
            );
        }
        let _ = writeln!(servers, "server {{ listen {address}:80; include {name}.answers; }}");
        Self::launch(folder, name, address, &servers, &[443, 80])
    }

    /// A web server that keeps one script, as companies serve them.
    pub fn serving_script(folder: &Path, name: &str, address: std::net::IpAddr, script: &str) -> Self {
        let home = folder.join(format!("{name}-files"));
        fs::create_dir(&home).expect("a folder for nginx");
        fs::write(home.join("proxy.pac"), script).expect("the script");
        let servers = format!(
            "server {{ listen {address}:80; root {}; types {{ application/x-ns-proxy-autoconfig pac; }} }}\n",
            home.display()
        );
        Self::launch(folder, name, address, &servers, &[80])
    }

    /// A server that speaks plain HTTP where TLS belongs.
    pub fn start_without_tls(folder: &Path, name: &str, address: std::net::IpAddr) -> Self {
        let servers = format!("server {{ listen {address}:443; include {name}.answers; }}\n");
        Self::launch(folder, name, address, &servers, &[443])
    }

    fn launch(folder: &Path, name: &str, address: std::net::IpAddr, servers: &str, ports: &[u16]) -> Self {
        // What the real services answer: the collectors' health address says 200, `/` of the rest 404, and the account
        // service sends on to its sign-in page.
        fs::write(
            folder.join(format!("{name}.answers")),
            "location / { if ($host = login.live.com) { return 302 https://login.live.com/login.srf; } return 404; }\n\
             location = /health/keepalive { return 200 \"OK\"; }\n",
        )
        .expect("nginx's answers");
        let configuration = folder.join(format!("{name}.conf"));
        let home = folder.display();
        let text = format!(
            "daemon off; master_process off; pid {home}/{name}.pid; error_log stderr warn;\n\
             events {{ worker_connections 1024; }}\n\
             http {{ access_log {home}/{name}.access; server_tokens off; server_names_hash_bucket_size 128;\n\
             client_body_temp_path {home}/{name}-body; proxy_temp_path {home}/{name}-proxy;\n\
             fastcgi_temp_path {home}/{name}-fastcgi; uwsgi_temp_path {home}/{name}-uwsgi;\n\
             scgi_temp_path {home}/{name}-scgi;\n{servers}}}\n"
        );
        fs::write(&configuration, text).expect("nginx's configuration");
        let mut command = Command::new(program("nginx").expect("nginx is there"));
        command.arg("-e").arg("stderr").arg("-p").arg(folder).arg("-c").arg(&configuration);
        let listens: Vec<SocketAddr> = ports.iter().map(|port| SocketAddr::new(address, *port)).collect();
        Self { address, _server: Server::start(name, command, folder, &listens) }
    }
}
