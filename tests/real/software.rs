//! Whether this machine can run the servers, and what is said when it cannot.

use std::io::Write;
use std::net::TcpListener;
use std::path::PathBuf;

/// What is looked for, and the Debian package that brings it.
const PROGRAMS: [(&str, &str); 11] = [
    ("squid", "squid-openssl"),
    ("nginx", "nginx"),
    ("dnsmasq", "dnsmasq-base"),
    ("openssl", "openssl"),
    ("curl", "curl"),
    ("ntlm_auth", "winbind"),
    ("krb5kdc", "krb5-kdc"),
    ("kadmin.local", "krb5-admin-server"),
    ("kinit", "krb5-user"),
    ("tinyproxy", "tinyproxy-bin"),
    ("microsocks", "microsocks"),
];

/// `true` when everything is there. Otherwise says loudly what is missing, and fails where these tests must run.
pub fn is_here() -> bool {
    let missing = missing();
    if missing.is_empty() {
        return true;
    }
    let missing = missing.join(", ");
    assert!(!must_run(), "the tests against real software must run here, and this is missing: {missing}");
    // Not eprintln!: the test harness keeps what that prints to itself.
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let _ = writeln!(std::io::stderr(), "\n!! SKIPPED {test}: missing {missing} (tests/run installs it)");
    false
}

/// Where Debian keeps a server, also for people whose PATH lacks the system's folders.
pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into(), "/usr/lib/squid".into()])
        .map(|folder| folder.join(name))
        .find(|candidate| candidate.is_file())
}

fn must_run() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true")
        || std::env::var("WAPROBE_REAL").is_ok_and(|value| value == "required")
}

fn missing() -> Vec<String> {
    let mut missing: Vec<String> = PROGRAMS
        .iter()
        .filter(|(name, _)| program(name).is_none())
        .map(|(name, package)| format!("{name} (package {package})"))
        .collect();
    if program("squid").is_some() && program("security_file_certgen").is_none() {
        missing.push("a Squid that can inspect (package squid-openssl)".to_owned());
    }
    // Squid and a browser know one port for https, and so do these tests.
    if let Err(error) = TcpListener::bind(("127.255.0.1", 443))
        // Another test asks at the same moment, and may.
        && error.kind() != std::io::ErrorKind::AddrInUse
    {
        missing.push(format!("the right to listen on port 443 ({error}; tests/run gives it to everybody)"));
    }
    if has_route() {
        missing.push(
            "a network namespace without a route, so that nothing leaves this machine (tests/run makes one)".to_owned(),
        );
    }
    missing
}

/// Some stories lead to private addresses and names that are not ours: on a machine with a route they would go out.
fn has_route() -> bool {
    std::fs::read_to_string("/proc/net/route").is_ok_and(|routes| routes.lines().count() > 1)
}
