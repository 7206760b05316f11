//! MIT's key distribution centre, as the directory of a small company.

use std::fs;
use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::authorities::run;
use crate::server::Server;
use crate::software::program;

pub const REALM: &str = "CORP.EXAMPLE";

pub struct Kdc {
    home: PathBuf,
    address: SocketAddr,
    /// What clients read in place of /etc/krb5.conf.
    pub configuration: PathBuf,
    _server: Option<Server>,
}

impl Kdc {
    pub fn start(folder: &Path, address: IpAddr) -> Self {
        let home = folder.join("kdc");
        fs::create_dir(&home).expect("a folder for the KDC");
        let listens = SocketAddr::new(address, 88);
        let configuration = home.join("krb5.conf");
        fs::write(&configuration, client(&listens.to_string(), "")).expect("the clients' configuration");
        let itself = format!(
            "[realms]\n{REALM} = {{\n  database_name = {home}/principal\n  key_stash_file = {home}/stash\n  \
             acl_file = {home}/acl\n  kdc_listen = {listens}\n  kdc_tcp_listen = {listens}\n  max_life = 1d\n}}\n\
             [logging]\nkdc = FILE:{home}/kdc.log\n",
            home = home.display()
        );
        fs::write(home.join("kdc.conf"), itself).expect("the KDC's configuration");
        let kdc = Self { home, address: listens, configuration, _server: None };
        run(kdc.tool("kdb5_util").args(["create", "-s", "-r", REALM, "-P", "only-good-on-loopback"]));
        let mut command = kdc.tool("krb5kdc");
        command.args(["-n", "-r", REALM, "-P"]).arg(kdc.home.join("kdc.pid"));
        let server = Server::start("krb5kdc", command, &kdc.home, &[listens]);
        Self { _server: Some(server), ..kdc }
    }

    fn tool(&self, name: &str) -> Command {
        let mut command = Command::new(program(name).unwrap_or_else(|| panic!("{name} is there")));
        command.env("KRB5_CONFIG", &self.configuration).env("KRB5_KDC_PROFILE", self.home.join("kdc.conf"));
        command
    }

    /// A command of the directory's administrator.
    pub fn admin(&self, query: &str) {
        let said = run(self.tool("kadmin.local").args(["-r", REALM, "-q", query]));
        assert!(!said.contains("while"), "{query}: {said}");
    }

    /// An account of a person, who has to prove the password before there is a ticket, as Windows domains ask.
    pub fn person(&self, name: &str, password: &str) {
        self.admin(&format!("addprinc +requires_preauth -pw {password} {name}"));
    }

    /// A keytab with fresh keys of `principal`, which exists from now on.
    pub fn keytab(&self, principal: &str) -> PathBuf {
        self.admin(&format!("addprinc -randkey {principal}"));
        let file = self.home.join(format!("{}.keytab", principal.replace('/', "-")));
        self.admin(&format!("ktadd -k {} {principal}", file.display()));
        run(Command::new("chmod").arg("644").arg(&file));
        file
    }

    /// A ticket cache of `name`, got with its password.
    pub fn ticket(&self, name: &str, password: &str, options: &[&str]) -> PathBuf {
        let cache = self.home.join(format!("{name}.cache"));
        kinit(&self.configuration, &cache, name, password, options);
        cache
    }

    /// What it says of each request.
    pub fn log(&self) -> String {
        fs::read_to_string(self.home.join("kdc.log")).unwrap_or_default()
    }

    /// How often somebody tried a wrong password.
    pub fn refusals(&self) -> usize {
        self.log().lines().filter(|line| line.contains("PREAUTH_FAILED")).count()
    }

    /// A configuration for clients that look for the KDC somewhere else.
    pub fn looked_for_at(&self, asked: SocketAddr) -> PathBuf {
        let path = self.home.join("elsewhere.conf");
        fs::write(&path, client(&asked.to_string(), "")).expect("a clients' configuration");
        path
    }

    /// A configuration for clients with more `lines` among the defaults.
    pub fn with_defaults(&self, lines: &str) -> PathBuf {
        let path = self.home.join("defaults.conf");
        fs::write(&path, client(&self.address.to_string(), lines)).expect("a clients' configuration");
        path
    }

    /// Squid's own helper for Negotiate, which knows the keys in `keytab`.
    pub fn helper(&self, keytab: &Path) -> String {
        negotiate_helper(&self.home, &self.configuration, keytab)
    }
}

/// What a client of the realm reads in place of /etc/krb5.conf, with more `lines` among the defaults.
pub fn client(kdc: &str, lines: &str) -> String {
    format!(
        "[libdefaults]\n  default_realm = {REALM}\n  dns_lookup_kdc = false\n  dns_lookup_realm = false\n  rdns = false\n  \
         default_ccache_name = FILE:/nonexistent/cache\n  {lines}\n[realms]\n  {REALM} = {{\n    kdc = {kdc}\n  }}\n"
    )
}

/// Gets a ticket into `cache` with a password.
pub fn kinit(configuration: &Path, cache: &Path, name: &str, password: &str, options: &[&str]) {
    let mut command = Command::new(program("kinit").expect("kinit is there"));
    command.env("KRB5_CONFIG", configuration).args(options).arg("-c").arg(cache).arg(name);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("kinit starts");
    child.stdin.take().expect("its input").write_all(format!("{password}\n").as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "kinit: {}", String::from_utf8_lossy(&output.stderr));
}

/// Squid's own helper for Negotiate, which knows the keys in `keytab` and remembers tickets below `home`.
pub fn negotiate_helper(home: &Path, configuration: &Path, keytab: &Path) -> String {
    let replays = home.join("replays");
    fs::create_dir_all(&replays).expect("a folder for the helper");
    run(Command::new("chmod").arg("777").arg(&replays));
    format!(
        "{} KRB5_CONFIG={} KRB5RCACHEDIR={} {} -k {} -s GSS_C_NO_NAME",
        program("env").expect("env is there").display(),
        configuration.display(),
        replays.display(),
        program("negotiate_kerberos_auth").expect("squid's helper").display(),
        keytab.display(),
    )
}
