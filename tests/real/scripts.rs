//! A script that chooses proxies, served by nginx, naming Squids.

use crate::hosts;
use crate::nginx::Nginx;
use crate::squid::Policy;
use crate::waprobe::Check;
use crate::world::{World, free_address};

const FORGOTTEN: &str = "watson.telemetry.microsoft.com";

#[test]
fn a_script_sends_each_host_its_way_and_what_it_gets_wrong_is_named() {
    let Some(world) = World::new() else { return };
    let servers = world.genuine_servers();
    let squid = world.proxy("squid", &servers, &Policy::Open);
    let proxy = squid.url.strip_prefix("http://").expect("an http proxy");
    let nobody = free_address();
    let script = format!(
        "function FindProxyForURL(url, host) {{
             if (host == '{FORGOTTEN}') return 'DIRECT';
             if (dnsDomainIs(host, '.blob.core.windows.net')) return 'PROXY {nobody}:3128; PROXY {proxy}';
             return 'PROXY {proxy}; DIRECT';
         }}"
    );
    let keeper = Nginx::serving_script(world.folder(), "keeper", free_address(), &script);
    let url = format!("http://{}/proxy.pac", keeper.address);
    // Directly nobody answers: a network that is closed but for its proxy.
    let closed = format!(":443={nobody}:443");
    let report = Check::new(&world).args(["--no-direct", "--pac", &url, "--connect-to", &closed]).report();

    let (through, dead) = (format!("{}|bypass", squid.url), format!("http://{nobody}:3128|bypass"));
    report.expect(&through, hosts::all().filter(|host| *host != FORGOTTEN), "ok", "ok");
    report.expect(
        &dead,
        hosts::all().filter(|host| host.ends_with(".blob.core.windows.net")),
        "blocked",
        "proxy.tcp_refused",
    );
    report.expect("direct", [FORGOTTEN], "blocked", "tcp.refused");
    assert_eq!(report.rows().len(), 14 + 6 + 1, "{}", report.outline());
    for code in ["pac.direct_for_endpoint", "pac.dead_first_proxy"] {
        assert!(report.finding(code).is_some(), "{code} in\n{}", report.printed);
    }
    assert_eq!(report.exit, 1, "{}", report.outline());
    // Squid saw the hosts that the script sent there, and no other.
    assert!(squid.requests().iter().all(|request| !request.contains(FORGOTTEN)), "{:?}", squid.requests());
}
