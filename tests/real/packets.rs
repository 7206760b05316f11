//! A link in the middle that takes small packets alone, and a router that may or may not say so.
//!
//! Device, router and service are network namespaces of this kernel. The link to the device is longer at one end than at the
//! other, so that only the router knows what fits through it.

use crate::authorities::read;
use crate::waprobe::{Check, Report};
use crate::world::World;

const HOST: &str = "v10c.events.data.microsoft.com";

/// `$1`: whether the router can tell the service that a packet is too big. `$2`: how the service's nginx is configured. The
/// command that follows runs on the device.
const BEHIND_A_NARROW_LINK: &str = r#"
set -e
tells=$1 configuration=$2
shift 2
ip link set lo up
unshare --net sleep 120 & router=$!
unshare --net sleep 120 & service=$!
trap 'kill $router $service $server 2>/dev/null' EXIT
for one in $router $service; do
    while [ "$(readlink /proc/$one/ns/net)" = "$(readlink /proc/self/ns/net)" ]; do sleep 0.02; done
done
ip link add device type veth peer name narrow netns $router
nsenter --target $router --net ip link add wide type veth peer name service netns $service
ip address add 10.7.0.2/24 dev device
ip link set device up
ip route add default via 10.7.0.1
nsenter --target $service --net sh -e -c '
    ip link set lo up
    ip address add 10.8.0.2/24 dev service
    ip link set service up
    ip route add default via 10.8.0.1
'
nsenter --target $router --net sh -e -c '
    for file in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >$file; done
    echo 1 >/proc/sys/net/ipv4/ip_forward
    ip address add 10.7.0.1/24 dev narrow
    ip link set narrow mtu 1280 up
    ip address add 10.8.0.1/32 dev wide
    ip link set wide up
    # What the device sends finds the service; what the router itself has to say finds it only with a route of its own.
    ip route add 10.8.0.0/24 dev wide table 100
    ip rule add iif narrow lookup 100
'
[ "$tells" = no ] || nsenter --target $router --net ip route add 10.8.0.0/24 dev wide
nsenter --target $service --net nginx -c "$configuration" >/dev/null 2>&1 & server=$!
for _ in $(seq 100); do
    nsenter --target $service --net sh -c 'grep -q ":01BB 00000000:0000 0A" /proc/net/tcp' && break
    sleep 0.05
done
"$@"
"#;

fn behind_a_narrow_link(world: &World, tells: &str) -> Report {
    let text = format!(
        "[[endpoint]]\nname = \"v10c\"\nurl = \"https://{HOST}\"\ntrust = [\"microsoft-application-root\"]\nprobe = {{ healthy = [404] }}\n"
    );
    let catalogue = world.file("one.toml", &text);
    let pair = world.genuine(HOST);
    // Sent in full, as many servers do, and with one authority too many: more than the narrow link takes in one packet.
    let chain = [&pair, &world.application_root, &world.public_issuer, &world.public_root]
        .map(|one| read(&one.certificate))
        .concat();
    let chain = world.file("packets.pem", &chain);
    let folder = world.folder().display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {folder}/packets-{kind};\n"))
        .concat();
    // Without a master there is nobody who would have to become somebody else.
    let configuration = world.file(
        "packets.conf",
        &format!(
            "user root;\ndaemon off;\nmaster_process off;\npid {folder}/packets.pid;\nerror_log {folder}/packets.log;\nevents {{}}\nhttp {{\naccess_log \
             off;\n{temporary}server {{\nlisten 10.8.0.2:443 ssl;\nssl_certificate {};\nssl_certificate_key {};\nreturn 404;\n}}\n}}\n",
            chain.display(),
            pair.key.display()
        ),
    );
    Check::new(world)
        .args(["--catalogue", &catalogue.to_string_lossy(), "--connect-to", &format!("{HOST}:443=10.8.0.2:443")])
        .args(["--timeout", "60s"])
        .report_inside(BEHIND_A_NARROW_LINK, &[tells.as_ref(), configuration.as_os_str()])
}

#[test]
fn a_link_that_swallows_big_packets_is_told_from_a_silent_service() {
    let Some(world) = World::new() else { return };
    let report = behind_a_narrow_link(&world, "no");
    report.expect("direct", [HOST], "blocked", "tls.pmtu");
    let evidence = report.evidence(HOST, "direct");
    assert!(evidence.contains("over a connection that takes small packets alone is answered"), "{evidence}");
    assert!(report.finding("tls.pmtu").is_some(), "{}", report.outline());
}

#[test]
fn where_the_router_says_what_fits_everything_passes() {
    let Some(world) = World::new() else { return };
    behind_a_narrow_link(&world, "yes").expect("direct", [HOST], "ok", "ok");
}
