//! A run that was recorded here says the same elsewhere.

use crate::authorities::read;
use crate::squid::Policy;
use crate::waprobe::{Check, Report, waprobe};
use crate::world::World;

#[test]
fn a_recording_replayed_without_any_network_gives_the_very_same_report() {
    let Some(world) = World::new() else { return };
    let servers = world.genuine_servers();
    let authority = world.corporate_root.together();
    let policy = Policy::Inspect { authority: &authority, exempt: &["login.live.com"] };
    let squid = world.proxy("squid", &servers, &policy);
    let recording = world.folder().join("run.jsonl");

    let live = Check::new(&world)
        .direct_to(&servers)
        .through(&squid)
        .machine_roots(&world.corporate_root.certificate)
        .arg("--record")
        .arg(&recording)
        .report();
    drop((squid, servers));

    let replayed = Report::read(
        &waprobe().arg("replay").arg(&recording).args(["--format", "json"]).output().expect("waprobe starts"),
    );
    assert_eq!(live.json, replayed.json);
    assert_eq!(live.exit, replayed.exit);
    assert!(read(&recording).starts_with('{'), "a recording is lines of JSON");
}
