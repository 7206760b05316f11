//! A domain of Samba's: accounts of people and machines, and winbind, which checks NTLM against them.

use std::io::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use crate::authorities::run;
use crate::kdc;
use crate::server::Server;
use crate::software::program;

pub struct Domain {
    home: PathBuf,
    address: IpAddr,
    configuration: PathBuf,
    errors: PathBuf,
    server: Server,
}

/// How long winbind may take until it answers.
const STEPS: u32 = 300;
const STEP: Duration = Duration::from_millis(100);

impl Domain {
    /// The domain CORP (corp.example) at `address`; `None`, and a loud word, where this process may not mount.
    ///
    /// Winbind's library knows one place for its socket. So there is one domain at a time, in the mounts of one run.
    pub fn start(folder: &Path, address: IpAddr) -> Option<Self> {
        if std::env::var_os("WAPROBE_OWN_MOUNTS").is_none() || program("samba").is_none() {
            let _ = writeln!(
                std::io::stderr(),
                "\n!! SKIPPED a story of a domain: it needs samba-ad-dc, and root in mounts of its own (tests/run)"
            );
            return None;
        }
        let home = folder.join("domain");
        let mut provision = samba_tool(&["domain", "provision", "--realm=CORP.EXAMPLE", "--domain=CORP"]);
        provision
            .args(["--server-role=dc", "--dns-backend=NONE", "--adminpass=Only-in-this-test-7", "--host-name=dc1"])
            .arg(format!("--host-ip={address}"))
            .arg(format!("--targetdir={}", home.display()))
            .arg(format!("--option=interfaces={address}/8"))
            .arg("--option=bind interfaces only=yes");
        run(&mut provision);
        let configuration = home.join("etc/smb.conf");
        run(Command::new("mkdir").args(["-p", "/run/samba"]));
        run(Command::new("mount").args(["-t", "tmpfs", "none", "/run/samba"]));
        let mut samba = Command::new(program("samba").expect("samba is there"));
        samba.args(["-F", "--no-process-group", "-s"]).arg(&configuration);
        samba.arg("--option=server services=rpc, ldap, kdc, winbindd, cldap");
        let server = Server::start("samba", samba, &home, &[(address, 389).into()]);
        let errors = error_pages(folder);
        let domain = Self { home: home.clone(), address, configuration, errors, server };
        domain.wait_for_winbind();
        // Squid's helper is no root, and this folder is for those who may ask.
        let privileged = home.join("state/winbindd_privileged");
        run(Command::new("chgrp").arg("proxy").arg(&privileged));
        run(Command::new("chmod").arg("750").arg(&privileged));
        for folder in [&home, &home.join("state"), &home.join("etc")] {
            run(Command::new("chmod").arg("a+rx").arg(folder));
        }
        Some(domain)
    }

    pub fn tool(&self, arguments: &[&str]) {
        run(samba_tool(arguments).arg("-s").arg(&self.configuration));
    }

    pub fn person(&self, name: &str, password: &str) {
        self.tool(&["user", "create", name, password]);
    }

    /// An account of a machine, which is called without the `$` when it is made.
    pub fn machine(&self, name: &str, password: &str) {
        self.tool(&["computer", "create", name]);
        self.tool(&["user", "setpassword", &format!("{name}$"), &format!("--newpassword={password}")]);
    }

    /// A keytab with the keys that the directory has of `principal`.
    pub fn keytab(&self, principal: &str) -> PathBuf {
        let file = self.home.join(format!("{}.keytab", principal.replace('/', "-")));
        self.tool(&["domain", "exportkeytab", &file.display().to_string(), &format!("--principal={principal}")]);
        run(Command::new("chmod").arg("644").arg(&file));
        file
    }

    /// What clients read in place of /etc/krb5.conf.
    pub fn kerberos(&self) -> PathBuf {
        let file = self.home.join("clients.conf");
        std::fs::write(&file, kdc::client(&self.address.to_string(), "")).expect("a clients' configuration");
        file
    }

    /// A ticket cache of `name`, got with its password.
    pub fn ticket(&self, name: &str, password: &str) -> PathBuf {
        let cache = self.home.join(format!("{name}.cache"));
        kdc::kinit(&self.kerberos(), &cache, name, password, &[]);
        cache
    }

    /// Squid's helper for Negotiate by Kerberos.
    pub fn negotiate_helper(&self, keytab: &Path) -> String {
        kdc::negotiate_helper(&self.home, &self.kerberos(), keytab)
    }

    /// Changes the directory's own database, past what the directory would refuse.
    pub fn modify(&self, ldif: &str) {
        const CHANGE: &str = "import ldb, sys
store = ldb.Ldb(sys.argv[1], options=['modules:'])
for kind, change in store.parse_ldif(sys.argv[2]): store.modify(change)";
        let store = self.home.join("private/sam.ldb.d/DC=CORP,DC=EXAMPLE.ldb");
        run(Command::new("/usr/bin/python3").args(["-c", CHANGE]).arg(store).arg(ldif));
    }

    /// Squid's helper for NTLM.
    pub fn helper(&self, more: &str) -> String {
        format!(
            "{} --helper-protocol=squid-2.5-ntlmssp --configfile={}{more}",
            program("ntlm_auth").expect("winbind's helper").display(),
            self.configuration.display()
        )
    }

    /// Squid's pages, of which the one for refused logins passes the directory's word on.
    pub fn pages(&self) -> String {
        format!("error_directory {}", self.errors.display())
    }

    fn wait_for_winbind(&self) {
        for _ in 0..STEPS {
            let answered = Command::new("wbinfo").arg("-t").output().is_ok_and(|output| output.status.success());
            if answered {
                return;
            }
            sleep(STEP);
        }
        panic!("winbind does not answer:\n{}", self.server.log());
    }
}

fn samba_tool(arguments: &[&str]) -> Command {
    let mut command = Command::new("samba-tool");
    command.args(arguments);
    command
}

fn error_pages(folder: &Path) -> PathBuf {
    let pages = folder.join("pages");
    run(Command::new("cp").arg("-rL").arg("/usr/share/squid/errors/templates").arg(&pages));
    std::fs::write(pages.join("ERR_CACHE_ACCESS_DENIED"), "<html><body>%m</body></html>").expect("a page");
    run(Command::new("chmod").args(["-R", "a+rX"]).arg(&pages));
    pages
}
