//! Two Squids behind one address: what one node does is not what the proxy does.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::hosts;
use crate::nginx::Nginx;
use crate::squid::{Policy, Squid};
use crate::waprobe::{Check, Report};
use crate::world::{World, free_address};

const NAME: &str = "anna";
const PASSWORD: &str = "right-on-one-node";

/// One that is asked for behind others.
const LATER: &str = "login.live.com";

/// Deals connections out to `nodes`: `choose` is told whom a connection asks for first, and how many did before.
struct Balancer {
    url: String,
}

impl Balancer {
    fn start(nodes: [&Squid; 2], choose: impl Fn(&str, usize) -> usize + Send + Sync + 'static) -> Self {
        let address = SocketAddr::new(free_address(), 3128);
        let listener = TcpListener::bind(address).expect("a free address");
        let nodes: Vec<SocketAddr> = nodes
            .iter()
            .map(|node| node.url.strip_prefix("http://").expect("a plain proxy").parse().expect("an address"))
            .collect();
        let (choose, counts) = (Arc::new(choose), Arc::new(Mutex::new(HashMap::<String, usize>::new())));
        // Ends with the process of the tests.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (choose, counts, nodes) = (choose.clone(), counts.clone(), nodes.clone());
                thread::spawn(move || {
                    let Ok(target) = asked_for(&stream) else { return };
                    let node = {
                        let mut counts = counts.lock().expect("not poisoned");
                        let all = counts.entry(String::new()).or_default();
                        let before = *all;
                        *all += 1;
                        let of_target = counts.entry(target.clone()).or_default();
                        let of_target_before = *of_target;
                        *of_target += 1;
                        choose(&target, if target == LATER { of_target_before } else { before })
                    };
                    let _ = join(stream, nodes[node]);
                });
            }
        });
        Self { url: format!("http://{address}") }
    }
}

/// The host of the first request, which is only looked at.
fn asked_for(stream: &TcpStream) -> io::Result<String> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut beginning = [0; 512];
    for _ in 0..200 {
        let length = stream.peek(&mut beginning)?;
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(end) = beginning[..length].windows(2).position(|pair| pair == b"\r\n") {
            stream.set_read_timeout(None)?;
            let line = String::from_utf8_lossy(&beginning[..end]).into_owned();
            let target = line.split(' ').nth(1).unwrap_or_default();
            return Ok(target.split(':').next().unwrap_or_default().to_owned());
        }
        thread::sleep(Duration::from_millis(5));
    }
    Err(io::ErrorKind::TimedOut.into())
}

#[expect(clippy::disallowed_methods, reason = "the tests' own balancer, from loopback to loopback")]
fn join(client: TcpStream, node: SocketAddr) -> io::Result<()> {
    let node = TcpStream::connect(node)?;
    let (upward, downward) = ((client.try_clone()?, node.try_clone()?), (node, client));
    thread::spawn(move || pass_on(upward));
    pass_on(downward);
    Ok(())
}

fn pass_on((mut from, mut to): (TcpStream, TcpStream)) {
    let mut bytes = [0; 16 << 10];
    while let Ok(length) = from.read(&mut bytes) {
        if length == 0 || to.write_all(&bytes[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

#[test]
fn a_node_that_inspects_and_one_that_does_not_make_no_list_of_hosts() {
    let Some(world) = World::new() else { return };
    let servers = world.genuine_servers();
    let authority = world.corporate_root.together();
    let inspecting = world.proxy("inspecting", &servers, &Policy::Inspect { authority: &authority, exempt: &[] });
    let open = world.proxy("open", &servers, &Policy::Open);
    // Of six questions that are asked again three are inspected, so that no three hosts come out as before.
    let balancer = Balancer::start([&inspecting, &open], |_, before| before % 2);
    let check = || {
        Check::new(&world)
            .args(["--no-direct", "--proxy", &balancer.url])
            .machine_roots(&world.corporate_root.certificate)
    };
    let report = check().report();
    let finding = report.finding("x.flaky").unwrap_or_else(|| panic!("{}", report.outline()));
    for host in hosts::over_tls() {
        assert!(finding["remedy"].to_string().contains(host), "{host}: {finding:#}");
    }
    assert!(report.finding("intercepted.partial").is_none(), "{}", report.outline());
    assert!(!check().table().contains("already excluded"));
}

/// Whoever knows nobody answers 407, as a node does that lost its directory.
fn knowing(world: &World, servers: &Nginx, name: &str, password: &str) -> Squid {
    world.proxy(name, servers, &Policy::Basic { name: NAME, password })
}

fn as_anna(world: &World, url: &str, password: &str) -> Report {
    let file = world.file("password", &format!("{password}\n"));
    let check = Check::new(world).args(["--no-direct", "--proxy", url, "--identity", "user"]);
    check.args(["--allow-basic-cleartext", "--proxy-user", NAME, "--proxy-password-file"]).arg(file).report()
}

#[test]
fn a_node_that_does_not_know_a_login_denies_no_host() {
    let Some(world) = World::new() else { return };
    let servers = world.genuine_servers();
    let (good, lost) = (knowing(&world, &servers, "good", PASSWORD), knowing(&world, &servers, "lost", "another"));
    // The row's own connection and the one that it tries at once lead to the node that knows nothing.
    let balancer = Balancer::start([&good, &lost], |host, before| usize::from(host == LATER && before < 2));
    let report = as_anna(&world, &balancer.url, PASSWORD);
    let route = format!("{}|user|basic", balancer.url);
    report.expect(&route, [LATER], "degraded", "pauth.intermittent");
    report.expect(&route, hosts::all().filter(|host| *host != LATER), "ok", "ok");
    let summary = report.row(LATER, &route)["summary"].to_string();
    assert!(summary.contains("407 on 2 of 4 connections"), "{summary}");

    // Where it leads there each time, that is all that can be seen.
    let balancer = Balancer::start([&good, &lost], |host, _| usize::from(host == LATER));
    let report = as_anna(&world, &balancer.url, PASSWORD);
    let route = format!("{}|user|basic", balancer.url);
    report.expect(&route, [LATER], "blocked", "pauth.denied_after_auth");
    let summary = report.row(LATER, &route)["summary"].to_string();
    assert!(summary.contains("407 on each of 4 connections"), "{summary}");
}

/// Nobody asks twice with a password that no node has taken.
#[test]
fn a_password_that_no_node_took_is_sent_once() {
    let Some(world) = World::new() else { return };
    let servers = world.genuine_servers();
    let (one, other) = (knowing(&world, &servers, "one", "another"), knowing(&world, &servers, "other", "yet-another"));
    let balancer = Balancer::start([&one, &other], |_, before| before % 2);
    let report = as_anna(&world, &balancer.url, PASSWORD);
    report.expect(&format!("{}|user|basic", balancer.url), hosts::all(), "blocked", "pauth.rejected");
    let sent = one.credentials().len() + other.credentials().len();
    assert_eq!(sent, 1, "{:#?} {:#?}", one.credentials(), other.credentials());
}
