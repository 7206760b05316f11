//! Ctrl-C while servers keep a run waiting.

use std::net::TcpListener;
use std::process::{Command, Stdio};

use crate::hosts;
use crate::waprobe::{Check, Report};
use crate::world::{World, free_address};

#[test]
fn an_interrupted_run_still_reports_every_row() {
    let Some(world) = World::new() else { return };
    // Accepts and never says a word.
    let silent = TcpListener::bind((free_address(), 0)).expect("a listener");
    let address = silent.local_addr().expect("its address");

    let mut check = Check::new(&world).args(["--connect-to", &format!(":={address}"), "--format", "json"]).command();
    let run = check.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("waprobe starts");
    let held = silent.accept().expect("a connection");
    let interrupt = Command::new("kill").args(["-INT", &run.id().to_string()]).status().expect("kill starts");
    assert!(interrupt.success());
    let report = Report::read(&run.wait_with_output().expect("waprobe ends"));
    drop(held);

    assert_eq!(report.exit, 130, "{}", report.outline());
    for host in hosts::all() {
        let row = report.row(host, "direct");
        assert_eq!(row["status"], "not-tested", "not tested is never shown as anything else: {row:#}");
    }
}
