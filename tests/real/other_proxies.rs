//! tinyproxy and microsocks: small proxies with their own idea of HTTP, and SOCKS; and one that only counts.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::authorities::run;
use crate::hosts;
use crate::nginx::Nginx;
use crate::server::Server;
use crate::software::program;
use crate::waprobe::Check;
use crate::world::{World, free_address};

const NAME: &str = "anna";
const PASSWORD: &str = "correct-horse-7493";

/// Starts `arguments` of `name` where the fifteen hosts lead to `servers`: both ask the system for names.
fn start(world: &World, servers: &Nginx, name: &str, arguments: &[String], listens: SocketAddr) -> Server {
    let lines: Vec<String> = hosts::all().map(|host| format!("{} {host}\n", servers.address)).collect();
    let text = lines.concat();
    let hosts = world.file(&format!("{name}-hosts"), &text);
    let home = world.folder().join(name);
    std::fs::create_dir_all(&home).expect("a folder for the proxy");
    let mut command = Command::new("unshare");
    // Mounting needs root, in a namespace of users at least.
    if run(Command::new("id").arg("-u")).trim() != "0" {
        command.arg("--map-root-user");
    }
    command.args(["--mount", "sh", "-c", "mount --bind \"$0\" /etc/hosts && exec \"$@\""]);
    command.arg(hosts).arg(program(name).expect("it is there")).args(arguments);
    Server::start(name, command, &home, &[listens])
}

fn check(world: &World, servers: &Nginx, proxy: &str) -> Check {
    let file = world.file("password", &format!("{PASSWORD}\n"));
    Check::new(world)
        .direct_to(servers)
        .args(["--no-direct", "--proxy", proxy, "--proxy-user", NAME, "--allow-basic-cleartext"])
        .arg("--proxy-password-file")
        .arg(file)
}

fn socket(port: u16) -> (IpAddr, SocketAddr) {
    let address = free_address();
    (address, SocketAddr::new(address, port))
}

#[test]
fn tinyproxy_asks_by_basic_and_takes_it() {
    let Some(world) = World::new() else { return };
    let servers = world.genuine_servers();
    let (address, listens) = socket(8888);
    let text = format!(
        "Port 8888\nListen {address}\nTimeout 60\nMaxClients 100\nBasicAuth {NAME} {PASSWORD}\nConnectPort 443\n"
    );
    let configuration = world.file("tinyproxy.conf", &text);
    let arguments = ["-d".to_owned(), "-c".to_owned(), configuration.display().to_string()];
    let _server = start(&world, &servers, "tinyproxy", &arguments, listens);

    let url = format!("http://{listens}");
    let report = check(&world, &servers, &url).report();
    report.expect(&format!("{url}|bypass"), hosts::all(), "blocked", "pauth.required");
    report.expect(&format!("{url}|user|basic"), hosts::all(), "ok", "ok");
    assert!(!report.printed.contains(PASSWORD), "the password was printed");
}

#[test]
fn microsocks_asks_for_a_password_and_takes_the_right_one_only() {
    let Some(world) = World::new() else { return };
    let servers = world.genuine_servers();
    for (password, status, code) in [(PASSWORD, "ok", "ok"), ("another", "blocked", "pauth.rejected")] {
        let (address, listens) = socket(1080);
        let arguments = ["-i", &address.to_string(), "-p", "1080", "-u", NAME, "-P", password].map(str::to_owned);
        let _server = start(&world, &servers, "microsocks", &arguments, listens);
        let url = format!("socks5://{listens}");
        let report = check(&world, &servers, &url).report();
        report.expect(&format!("{url}|bypass"), hosts::all(), "blocked", "pauth.required");
        report.expect(&format!("{url}|user|socks-password"), hosts::all(), status, code);
        assert!(!report.printed.contains(PASSWORD), "the password was printed");
    }
}

/// A proxy ends connections that say nothing for long; who opened more than it may use would accuse it of that.
#[test]
fn no_more_connections_are_open_at_a_proxy_than_may_speak_to_it() {
    const BUSY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let Some(world) = World::new() else { return };
    let address = SocketAddr::new(free_address(), 3128);
    let listener = TcpListener::bind(address).expect("a free address");
    let (open, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let seen = (open, most.clone());
    // Ends with the process of the tests.
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let (open, most) = seen.clone();
            most.fetch_max(open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            thread::spawn(move || {
                let _ = stream.read(&mut [0; 4096]);
                thread::sleep(Duration::from_millis(20));
                open.fetch_sub(1, Ordering::SeqCst);
                let _ = stream.write_all(BUSY);
            });
        }
    });
    let url = format!("http://{address}");
    let report = Check::new(&world).args(["--no-direct", "--proxy", &url, "--max-connects", "2"]).report();
    assert_eq!(report.exit, 1, "{}", report.outline());
    assert_eq!(most.load(Ordering::SeqCst), 2);
}
