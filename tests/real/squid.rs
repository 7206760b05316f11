//! Squid, in every kind of proxy that a company runs.

use std::fmt::Write as _;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::authorities::run;
use crate::server::Server;
use crate::software::program;

/// What this proxy does to its clients, beyond passing them on.
pub enum Policy<'a> {
    Open,
    /// Signs every host anew with this authority (a file of certificate and key), except those that are exempt.
    Inspect {
        authority: &'a Path,
        exempt: &'a [&'a str],
    },
    /// The same for all of them, by a Squid that does not know Microsoft's roots, as Debian ships it.
    InspectUnknown {
        authority: &'a Path,
    },
    /// Opens every tunnel, and ends those whose handshake names one of these hosts. Nothing is signed by the authority.
    StopNames {
        authority: &'a Path,
        hosts: &'a [&'a str],
    },
    /// Lets in who knows this name and password.
    Basic {
        name: &'a str,
        password: &'a str,
    },
    Digest {
        name: &'a str,
        password: &'a str,
    },
    /// Lets in whom one of these schemes knows; scheme, and the program that checks it, in the order offered.
    Schemes(&'a [(&'a str, String)]),
    /// Whatever these lines say, in which `ADDRESS` stands for the proxy's own; the usual port is among them.
    Lines(&'a [String]),
    /// Answers 403 for these hosts.
    Deny(&'a [&'a str]),
    /// Resets the connection for these hosts.
    Reset(&'a [&'a str]),
}

pub struct Squid {
    pub url: String,
    access_log: PathBuf,
    service: String,
    server: Server,
}

const PORT: u16 = 3128;

impl Squid {
    /// A proxy at `address` that finds all `hosts` at `origin` and believes the roots in `trusted`.
    pub fn start(folder: &Path, name: &str, address: IpAddr, world: &Surroundings, policy: &Policy) -> Self {
        let home = folder.join(name);
        fs::create_dir(&home).expect("a folder for squid");
        let hosts: String = world.hosts.iter().fold(String::new(), |mut text, (host, origin)| {
            let _ = writeln!(text, "{origin} {host}");
            text
        });
        fs::write(home.join("hosts"), hosts).expect("squid's hosts file");
        fs::write(home.join("roots.pem"), world.trusted).expect("squid's roots");

        let access_log = home.join("access.log");
        let mut lines = vec![
            format!("hosts_file {}", home.join("hosts").display()),
            // Nobody answers there, so that no name is ever asked for outside.
            format!("dns_nameservers {address}"),
            "dns_timeout 2 seconds".to_owned(),
            "visible_hostname proxy.corp.example".to_owned(),
            "pid_filename none".to_owned(),
            "cache deny all".to_owned(),
            "cache_mem 0".to_owned(),
            format!("coredump_dir {}", home.display()),
            format!("cache_log {}", home.join("cache.log").display()),
            // Everything that shows which credential came with a request.
            "logformat waprobe %Ss/%03>Hs %rm %ru user=%un sent=%{Proxy-Authorization}>h".to_owned(),
            format!("access_log stdio:{} waprobe", access_log.display()),
            "netdb_filename none".to_owned(),
            // Before it starts a helper Squid closes every descriptor that it may have.
            "max_filedescriptors 1024".to_owned(),
            "pinger_enable off".to_owned(),
            "sslproxy_session_cache_size 0".to_owned(),
        ];
        if !matches!(policy, Policy::InspectUnknown { .. }) {
            lines.push(format!("tls_outgoing_options cafile={}", home.join("roots.pem").display()));
        }
        if runs_as_root() {
            lines.push("cache_effective_user proxy".to_owned());
        }
        lines.extend(policy_lines(policy, &home, address));
        let configuration = home.join("squid.conf");
        fs::write(&configuration, lines.join("\n") + "\n").expect("squid's configuration");
        give_to_proxy(&home);

        let mut command = Command::new(program("squid").expect("squid is there"));
        let service = format!("waprobe{}", address.to_string().replace('.', "x"));
        command.args(["-N", "-n", &service, "-f"]).arg(&configuration).arg("-d1");
        let listens = SocketAddr::new(address, PORT);
        let server = Server::start(name, command, &home, &[listens]);
        Self { url: format!("http://{listens}"), access_log, service, server }
    }

    /// One line per finished request: result and status, method, target, user, credential.
    pub fn requests(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.access_log).unwrap_or_default();
        // A connection on which nothing was asked is logged too. Squid escapes what it quotes.
        let asked = text.lines().filter(|line| !line.contains("error:transaction-end-before-headers"));
        asked.map(|line| line.replace("%22", "\"").replace("%20", " ")).collect()
    }

    /// The requests that brought a credential.
    pub fn credentials(&self) -> Vec<String> {
        self.requests().into_iter().filter(|request| !request.ends_with("sent=-")).collect()
    }

    /// The same proxy by another of its ports.
    pub fn at(&self, scheme: &str, port: u16) -> String {
        let address = self.url.strip_prefix("http://").and_then(|rest| rest.split(':').next()).expect("an address");
        format!("{scheme}://{address}:{port}")
    }

    pub fn log(&self) -> String {
        self.server.log()
    }
}

impl Drop for Squid {
    /// Ended without a word, Squid leaves its shared memory behind.
    fn drop(&mut self) {
        let left = fs::read_dir("/dev/shm").into_iter().flatten().flatten();
        for file in left.filter(|file| file.file_name().to_string_lossy().starts_with(&format!("{}-", self.service))) {
            let _ = fs::remove_file(file.path());
        }
    }
}

/// The network as this proxy sees it.
pub struct Surroundings<'a> {
    pub hosts: &'a [(&'a str, IpAddr)],
    pub trusted: &'a str,
}

/// A port on which Squid reads what tunnels begin with.
fn reading_hellos(home: &Path, address: IpAddr, authority: &Path) -> Vec<String> {
    let forger = program("security_file_certgen").expect("squid's certificate generator");
    let database = home.join("forged");
    run(Command::new(&forger).arg("-c").arg("-s").arg(&database).args(["-M", "4MB"]));
    vec![
        format!(
            "http_port {address}:{PORT} ssl-bump tls-cert={} generate-host-certificates=on \
             dynamic_cert_mem_cache_size=4MB",
            authority.display()
        ),
        format!("sslcrtd_program {} -s {} -M 4MB", forger.display(), database.display()),
        "sslcrtd_children 4 startup=1".to_owned(),
        "acl hello at_step SslBump1".to_owned(),
    ]
}

fn policy_lines(policy: &Policy, home: &Path, address: IpAddr) -> Vec<String> {
    let plain_port = format!("http_port {address}:{PORT}");
    let allow = "http_access allow all".to_owned();
    match policy {
        Policy::Open => vec![plain_port, allow],
        Policy::StopNames { authority, hosts } => {
            let mut lines = reading_hellos(home, address, authority);
            lines.extend([
                format!("acl stopped ssl::server_name {}", hosts.join(" ")),
                "ssl_bump peek hello".to_owned(),
                "ssl_bump terminate stopped".to_owned(),
                "ssl_bump splice all".to_owned(),
                allow,
            ]);
            lines
        }
        Policy::InspectUnknown { authority } => {
            let inspect = Policy::Inspect { authority, exempt: &[] };
            let forget = "tls_outgoing_options default-ca=off".to_owned();
            [policy_lines(&inspect, home, address), vec![forget]].concat()
        }
        Policy::Inspect { authority, exempt } => {
            let mut lines = reading_hellos(home, address, authority);
            if !exempt.is_empty() {
                lines.push(format!("acl exempt ssl::server_name {}", exempt.join(" ")));
                lines.push("ssl_bump splice exempt".to_owned());
            }
            lines.extend(["ssl_bump stare hello".to_owned(), "ssl_bump bump all".to_owned(), allow]);
            lines
        }
        Policy::Basic { name, password } => {
            let line = format!("{name}:{}\n", run(Command::new("openssl").args(["passwd", "-apr1", password])).trim());
            let helper = helper_with(home, "basic_ncsa_auth", &line);
            [vec![plain_port, format!("auth_param basic program {helper}")], only_known("basic")].concat()
        }
        Policy::Digest { name, password } => {
            let helper = helper_with(home, "digest_file_auth", &format!("{name}:{password}\n"));
            [vec![plain_port, format!("auth_param digest program {helper}")], only_known("digest")].concat()
        }
        Policy::Schemes(schemes) => {
            let programs = schemes.iter().map(|(scheme, program)| format!("auth_param {scheme} program {program}"));
            let children = schemes.iter().map(|(scheme, _)| format!("auth_param {scheme} children 20 startup=1"));
            [vec![plain_port], programs.chain(children).collect(), admission()].concat()
        }
        Policy::Lines(lines) => lines.iter().map(|line| line.replace("ADDRESS", &address.to_string())).collect(),
        Policy::Deny(hosts) => vec![
            plain_port,
            format!("acl unwanted dstdomain {}", hosts.join(" ")),
            "http_access deny unwanted".to_owned(),
            allow,
        ],
        Policy::Reset(hosts) => vec![
            plain_port,
            format!("acl unwanted dstdomain {}", hosts.join(" ")),
            "deny_info TCP_RESET unwanted".to_owned(),
            "http_access deny unwanted".to_owned(),
            allow,
        ],
    }
}

/// One of Squid's own helpers, reading `passwords`.
fn helper_with(home: &Path, helper: &str, passwords: &str) -> String {
    let file = home.join("passwords");
    fs::write(&file, passwords).expect("a password file");
    format!("{} {}", program(helper).expect("squid's helper").display(), file.display())
}

fn only_known(scheme: &str) -> Vec<String> {
    let settings = vec![format!("auth_param {scheme} children 2 startup=1"), format!("auth_param {scheme} realm corp")];
    [settings, admission()].concat()
}

fn admission() -> Vec<String> {
    ["acl known proxy_auth REQUIRED", "http_access allow known", "http_access deny all"].map(str::to_owned).to_vec()
}

fn runs_as_root() -> bool {
    run(Command::new("id").arg("-u")).trim() == "0"
}

/// Squid leaves root behind and has to write in its folder.
fn give_to_proxy(home: &Path) {
    if runs_as_root() {
        run(Command::new("chown").args(["-R", "proxy:proxy"]).arg(home));
    }
}
