//! What one story plays in: a folder, addresses of its own, authorities, and the servers of the fifteen hosts.

use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU8, Ordering};

use tempfile::TempDir;

use crate::authorities::{Authorities, Pair, Wish, read, run};
use crate::hosts;
use crate::nginx::{Nginx, Site};
use crate::software;
use crate::squid::{Policy, Squid, Surroundings};

const CLOCK: &str = "
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t clock, struct timespec *now) {
    int result = syscall(SYS_clock_gettime, clock, now);
    if (clock == CLOCK_REALTIME) now->tv_sec += SECONDS;
    return result;
}
time_t time(time_t *to) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (to) *to = now.tv_sec;
    return now.tv_sec;
}
int gettimeofday(struct timeval *restrict to, void *restrict zone) {
    struct timespec now;
    int result = clock_gettime(CLOCK_REALTIME, &now);
    to->tv_sec = now.tv_sec;
    to->tv_usec = now.tv_nsec / 1000;
    return result;
}
";

pub struct World {
    folder: TempDir,
    pub authorities: Authorities,
    /// Stands in for Microsoft Root Certificate Authority 2011.
    pub application_root: Pair,
    pub application_issuer: Pair,
    /// Stands in for the public roots of Azure and the account services.
    pub public_root: Pair,
    pub public_issuer: Pair,
    /// What the company's proxy signs with.
    pub corporate_root: Pair,
    /// What else a machine's store holds.
    pub unrelated_root: Pair,
}

impl World {
    /// `None`, and a loud word, where the software is missing.
    pub fn new() -> Option<Self> {
        software::is_here().then(|| {
            let folder = tempfile::Builder::new().prefix("waprobe-real-").tempdir().expect("a temporary folder");
            // Servers that leave root behind still have to get in.
            let open = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(folder.path(), open).expect("a folder of our own");
            let authorities = Authorities::new(folder.path());
            let application_root =
                authorities.root("application-root", "/O=Microsoft/CN=Root of the diagnostic services");
            let public_root = authorities.root("public-root", "/O=Public CA/CN=Root of the public services");
            let issuer =
                |file, root, subject| authorities.issue(file, Some(root), &Wish { subject, ..Wish::default() });
            Self {
                application_issuer: issuer("application-issuer", &application_root, "/O=Microsoft/CN=Issuing CA"),
                public_issuer: issuer("public-issuer", &public_root, "/O=Public CA/CN=Public issuing CA"),
                corporate_root: authorities.root("corporate-root", "/O=Corp/CN=Corp inspection CA"),
                unrelated_root: authorities.root("unrelated-root", "/O=Somebody/CN=Root of other services"),
                application_root,
                public_root,
                authorities,
                folder,
            }
        })
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder().join(name);
        std::fs::write(&path, text).expect("a file in the story's folder");
        path
    }

    /// A library that moves the clock of the program that loads it.
    pub fn clock(&self, name: &str, seconds: i64) -> PathBuf {
        let source = self.file(&format!("{name}.c"), &CLOCK.replace("SECONDS", &seconds.to_string()));
        let library = self.folder().join(format!("{name}.so"));
        run(Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source));
        library
    }

    /// A leaf for `host` under its genuine authority, with the chain that the server sends.
    pub fn genuine(&self, host: &str) -> Pair {
        let issuer = if hosts::PUBLIC.contains(&host) { &self.public_issuer } else { &self.application_issuer };
        let subject = format!("/CN={host}");
        let leaf =
            self.authorities.issue(host, Some(issuer), &Wish { subject: &subject, names: &[host], ..Wish::default() });
        self.authorities.with_chain(&leaf, &[issuer])
    }

    /// All fifteen hosts on one nginx, as their owner runs them.
    pub fn genuine_servers(&self) -> Nginx {
        let pairs: Vec<(&str, Pair)> = hosts::over_tls().map(|host| (host, self.genuine(host))).collect();
        let sites: Vec<Site> = pairs.iter().map(|(host, pair)| Site::new(host, pair)).collect();
        Nginx::start(self.folder(), "nginx", free_address(), &sites)
    }

    /// A proxy with `policy` before those servers.
    pub fn proxy(&self, name: &str, servers: &Nginx, policy: &Policy) -> Squid {
        self.proxy_at(free_address(), name, servers, policy)
    }

    /// The same, at an address that its policy knows.
    pub fn proxy_at(&self, address: IpAddr, name: &str, servers: &Nginx, policy: &Policy) -> Squid {
        let hosts: Vec<(&str, IpAddr)> = hosts::all().map(|host| (host, servers.address)).collect();
        let trusted = read(&self.application_root.certificate) + &read(&self.public_root.certificate);
        let surroundings = Surroundings { hosts: &hosts, trusted: &trusted };
        Squid::start(self.folder(), name, address, &surroundings, policy)
    }
}

/// An address that no other test uses while this one runs: by process, then by count.
pub fn free_address() -> IpAddr {
    static USED: AtomicU8 = AtomicU8::new(1);
    let process = std::process::id();
    let [.., second, third] = (process % 0xFDFF + 0x0100).to_be_bytes();
    IpAddr::V4(Ipv4Addr::new(127, second, third, USED.fetch_add(1, Ordering::Relaxed)))
}
