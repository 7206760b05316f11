//! Enrolment from the outside: exported profiles, plans read back, bad input, and the command line.

#[path = "enroll/apply.rs"]
mod apply;
#[path = "enroll/command.rs"]
mod command;
#[path = "enroll/plans.rs"]
mod plans;
#[path = "enroll/profiles.rs"]
mod profiles;
#[path = "enroll/rules.rs"]
mod rules;

use std::fmt::Write as _;
use std::path::Path;

use waprobe::catalogue::{OsChoice, Solution};
use waprobe::enroll::{Case, Checkup, Code, Windows};
use waprobe::registry::{Lookup, Snapshot, Value};

/// A snapshot of `fixtures/enroll`.
fn fixture(name: &str) -> Snapshot {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/enroll").join(name);
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Snapshot::read(&bytes).unwrap_or_else(|mistake| panic!("{name}: {mistake}"))
}

fn os(text: &str) -> (&str, OsChoice) {
    (text, text.parse().unwrap_or_else(|mistake| panic!("{mistake}")))
}

fn case<'a>(snapshot: &'a Snapshot, os: Option<(&str, OsChoice)>, solutions: &[Solution]) -> Case<'a> {
    Case {
        snapshot,
        windows: Windows::of(snapshot, os),
        asked: solutions.to_vec(),
        region: None,
        approach: None,
        others: Vec::new(),
    }
}

fn check(snapshot: &Snapshot, windows: Option<&str>, solutions: &[Solution]) -> Checkup {
    waprobe::enroll::check(&case(snapshot, windows.map(os), solutions))
}

fn ids(checkup: &Checkup) -> Vec<Code> {
    checkup.findings.iter().map(|finding| finding.code).collect()
}

const HEADER: &str = "Windows Registry Editor Version 5.00\r\n\r\n";

#[test]
fn an_export_is_read_in_every_encoding() {
    let text = format!("{HEADER}[HKEY_LOCAL_MACHINE\\SOFTWARE\\Größe]\r\n\"Wert\"=\"北京 €\"\r\n");
    let utf_16 = |order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    let little = utf_16(u16::to_le_bytes);
    let big = utf_16(u16::to_be_bytes);
    for (name, bytes) in [
        ("UTF-8", text.as_bytes().to_vec()),
        ("UTF-8 with a mark", [b"\xef\xbb\xbf", text.as_bytes()].concat()),
        ("UTF-16LE", little.clone()),
        ("UTF-16LE with a mark", [b"\xff\xfe", little.as_slice()].concat()),
        ("UTF-16BE", big.clone()),
        ("UTF-16BE with a mark", [b"\xfe\xff", big.as_slice()].concat()),
    ] {
        let snapshot = Snapshot::read(&bytes).unwrap_or_else(|mistake| panic!("{name}: {mistake}"));
        let value = Value::Sz("北京 €".to_owned());
        assert_eq!(snapshot.lookup(r"HKLM\SOFTWARE\größe", "wert"), Lookup::Set(&value), "{name}");
    }
    let western = b"REGEDIT4\n\n[HKLM\\SOFTWARE\\Gr\xf6\xdfe]\n\"x\"=\"\x80\"\n";
    let snapshot = Snapshot::read(western).expect("8-bit text of a western Windows");
    assert_eq!(snapshot.lookup(r"HKLM\SOFTWARE\Größe", "x"), Lookup::Set(&Value::Sz("€".to_owned())));
}

#[test]
fn what_is_no_export_is_refused() {
    let odd =
        [b"\xff\xfe".as_slice(), &HEADER.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>(), b"["].concat();
    for (name, bytes, message) in [
        ("nothing", Vec::new(), "line 1: the file is empty"),
        ("a program", b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff".to_vec(), "line 1: "),
        ("a hive", b"regf\x01\x00\x00\x00\x01\x00\x00\x00".to_vec(), "line 1: "),
        ("zeroes", vec![0; 4096], "line 1: this is no text"),
        ("junk below a header", [HEADER.as_bytes(), b"[HKLM\\X]\r\n\x00\x01\x02"].concat(), "line 4: this is no text"),
        ("half a character", odd, "line 3: the file is cut off inside a character"),
        ("a web page", b"<!DOCTYPE html>".to_vec(), "line 1: neither a registry export nor a snapshot"),
    ] {
        let mistake = Snapshot::read(&bytes).expect_err(name).to_string();
        assert!(mistake.starts_with(message), "{name}: {mistake}");
    }
}

#[test]
fn a_large_export_is_read_whole() {
    let mut text = HEADER.to_owned();
    let mut keys = 0;
    while text.len() < 50 << 20 {
        let _ = write!(
            text,
            "[HKEY_LOCAL_MACHINE\\SOFTWARE\\Vendor\\Product{keys}]\r\n\"Path\"=\"C:\\\\Program Files\\\\{keys}\"\r\n"
        );
        text.push_str("\"Blob\"=hex:");
        for _ in 0..60 {
            text.push_str("00,11,22,33,44,55,66,77,88,99,aa,bb,cc,dd,ee,ff,\\\r\n  ");
        }
        text.push_str("00\r\n\r\n");
        keys += 1;
    }
    let snapshot = Snapshot::read(text.as_bytes()).expect("readable");
    assert_eq!(snapshot.keys().count(), keys);
    let last = format!(r"HKLM\SOFTWARE\Vendor\Product{}", keys - 1);
    assert_eq!(snapshot.lookup(&last, "Blob").value().and_then(Value::as_binary).map(<[u8]>::len), Some(961));
}
