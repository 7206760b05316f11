//! What is handed out: the archives' bytes, the licences in them, and what the statically linked program says about what it cannot do.
#![cfg(unix)]

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// A release as `packaging/package` puts it together, made in an order and with rights of the caller's choice.
fn release(names: &[&str], rights: u32) -> (TempDir, PathBuf) {
    let above = tempfile::tempdir().expect("a folder");
    let folder = above.path().join("waprobe-1.0");
    for name in names {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, format!("the text of {name}")).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(rights)).expect("rights");
    }
    let program = folder.join("waprobe.exe");
    fs::write(&program, [0_u8; 4000]).expect("a file");
    fs::set_permissions(&program, fs::Permissions::from_mode(rights | 0o100)).expect("rights");
    (above, folder)
}

fn archive(folder: &Path, target: &Path) -> Output {
    Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/archive"))
        .args([folder, target])
        .env("SOURCE_DATE_EPOCH", "1700000000")
        .output()
        .expect("Python is installed")
}

#[test]
fn the_same_files_give_the_same_bytes_in_another_folder_at_another_time() {
    let (_one, first) = release(&["README.md", "docs/codes.md", "man/waprobe.1"], 0o644);
    let (_two, second) = release(&["man/waprobe.1", "docs/codes.md", "README.md"], 0o600);
    let hour = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    fs::File::open(second.join("README.md")).and_then(|file| file.set_modified(hour)).expect("another time");
    for ending in ["zip", "tar.gz"] {
        let into = tempfile::tempdir().expect("a folder");
        let targets = [into.path().join(format!("a.{ending}")), into.path().join(format!("another name.{ending}"))];
        for (folder, target) in [&first, &second].into_iter().zip(&targets) {
            let output = archive(folder, target);
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        let [one, two] = targets.map(|target| fs::read(target).expect("an archive"));
        assert!(one == two, "two {ending} differ");
    }
}

#[test]
fn an_archive_holds_every_file_sorted_below_one_folder_and_only_the_program_may_run() {
    let (_above, folder) = release(&["README.md", "docs/codes.md"], 0o600);
    let into = tempfile::tempdir().expect("a folder");
    for ending in ["zip", "tar.gz"] {
        let target = into.path().join(format!("a.{ending}"));
        assert!(archive(&folder, &target).status.success());
        let output = Command::new("python3").args(["-c", LIST]).arg(&target).output().expect("Python is installed");
        let listed = String::from_utf8(output.stdout).expect("UTF-8");
        let expected = "waprobe-1.0/README.md 644\nwaprobe-1.0/docs/codes.md 644\nwaprobe-1.0/waprobe.exe 755\n";
        assert_eq!(listed, expected, "{ending}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Prints an archive's names and rights.
const LIST: &str = "
import sys, tarfile, zipfile
if sys.argv[1].endswith('zip'):
    entries = [(one.filename, one.external_attr >> 16 & 0o777) for one in zipfile.ZipFile(sys.argv[1]).infolist()]
else:
    entries = [(one.name, one.mode) for one in tarfile.open(sys.argv[1])]
for name, mode in entries:
    print(name, oct(mode)[2:])
";

#[test]
fn a_link_is_refused_and_leaves_no_archive() {
    let (_above, folder) = release(&["README.md"], 0o644);
    symlink("/etc/hostname", folder.join("elsewhere")).expect("a link");
    let target = folder.with_file_name("a.zip");
    let output = archive(&folder, &target);
    assert!(!output.status.success() && !target.exists());
    assert!(String::from_utf8_lossy(&output.stderr).contains("is a link"));
}

#[test]
fn the_licences_of_what_is_linked_in_stand_beside_the_program_and_no_others() {
    let print = || {
        Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/licences"))
            .arg("x86_64-unknown-linux-gnu")
            .output()
            .expect("Python is installed")
    };
    let output = print();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(print().stdout == output.stdout, "two lists differ");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    for (package, words) in [
        ("\nrustls ", "Permission is hereby granted"),
        ("\naws-lc-sys ", "SPDX-License-Identifier"),
        ("\nwebpki-root-certs ", "CDLA-Permissive-2.0"),
    ] {
        assert!(text.contains(package) && text.contains(words), "{package:?} or {words:?} is missing");
    }
    for only_for_tests in ["\ninsta ", "\nwaprobe "] {
        assert!(!text.contains(only_for_tests), "{only_for_tests:?} is not linked in");
    }
}

#[test]
fn the_static_program_says_why_a_login_by_ticket_cannot_be_tested() {
    let Some(program) = std::env::var_os("WAPROBE_STATIC_PROGRAM") else {
        let text = "the static program was not tested: WAPROBE_STATIC_PROGRAM is not set (tests/run --all sets it)";
        assert!(std::env::var("WAPROBE_WINDOWS").is_err(), "{text}");
        let _ = writeln!(std::io::stderr(), "\n!! SKIPPED: {text}");
        return;
    };
    let proxy = format!("http://{}", proxy_that_wants_a_ticket());
    let output = Command::new(program)
        .args(["check", "--no-direct", "--proxy", &proxy, "--identity", "user", "--control", "none"])
        .env("NO_COLOR", "1")
        .output()
        .expect("the static program starts");
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("no ticket can be used") && text.contains("no GSSAPI library"), "{text}");
}

/// Answers everybody with 407, for as long as the test runs.
fn proxy_that_wants_a_ticket() -> SocketAddr {
    const ANSWER: &[u8] = b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Negotiate\r\n\
        Content-Length: 0\r\nConnection: close\r\n\r\n";
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(ANSWER);
        }
    });
    address
}
