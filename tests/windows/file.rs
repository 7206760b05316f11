//! The file itself: what it needs of a system, and what it says about itself before it runs.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use super::wine::program;

/// What every Windows since 7 has in system32. Another name here means a file that would have to be shipped beside ours.
const OF_THE_SYSTEM: &[&str] = &[
    "advapi32.dll",
    "bcrypt.dll",
    "bcryptprimitives.dll",
    "crypt32.dll",
    "dnsapi.dll",
    "iphlpapi.dll",
    "kernel32.dll",
    "ktmw32.dll",
    "msvcrt.dll",
    "ncrypt.dll",
    "netapi32.dll",
    "ntdll.dll",
    "ole32.dll",
    "oleaut32.dll",
    "rpcrt4.dll",
    "secur32.dll",
    "shell32.dll",
    "user32.dll",
    "userenv.dll",
    "version.dll",
    "winhttp.dll",
    "wintrust.dll",
    "ws2_32.dll",
];

#[test]
fn it_needs_no_library_but_the_systems() {
    let Some(program) = program() else { return };
    let mut needed = BTreeSet::new();
    for line in objdump(&program).lines() {
        if let Some(name) = line.trim().strip_prefix("DLL Name: ") {
            needed.insert(name.to_ascii_lowercase());
        }
    }
    assert!(needed.contains("kernel32.dll"), "objdump names no imports: {needed:?}");
    let foreign: Vec<&String> = needed
        .iter()
        .filter(|name| !OF_THE_SYSTEM.contains(&name.as_str()) && !name.starts_with("api-ms-win-"))
        .collect();
    assert!(foreign.is_empty(), "not Windows' own: {foreign:?}");
}

#[test]
fn it_is_smaller_than_sixteen_megabytes() {
    let Some(program) = program() else { return };
    let bytes = fs::metadata(&program).expect("a readable file").len();
    assert!(bytes < 16_000_000, "{bytes} bytes: is this the release build?");
}

#[test]
fn it_says_its_name_and_its_version_and_asks_for_no_elevation() {
    let Some(program) = program() else { return };
    let output = Command::new("x86_64-w64-mingw32-windres")
        .args(["--input-format=coff", "--output-format=rc"])
        .arg(&program)
        .output()
        .expect("windres is installed (tests/run --windows installs it)");
    let resource = String::from_utf8_lossy(&output.stdout);
    for value in [
        concat!("\"ProductVersion\", \"", env!("CARGO_PKG_VERSION"), "\""),
        concat!("\"FileDescription\", \"", env!("CARGO_PKG_DESCRIPTION"), "\""),
        "\"OriginalFilename\", \"waprobe.exe\"",
        "\"CompanyName\", \"the waprobe authors\"",
    ] {
        assert!(resource.contains(value), "no {value} in\n{resource}");
    }
    // The manifest is stored as it was written, so it is looked for in the file.
    let file = fs::read(&program).expect("a readable file");
    let holds = |text: &str| file.windows(text.len()).any(|part| part == text.as_bytes());
    for part in [
        "level=\"asInvoker\"",
        "WindowsSettings\">true</longPathAware>",
        "WindowsSettings\">UTF-8</activeCodePage>",
        "{8e0f7a12-bfb3-4fe8-b9a5-48fd50a15a9a}",
    ] {
        assert!(holds(part), "the manifest lacks {part}");
    }
}

fn objdump(program: &std::path::Path) -> String {
    let output = Command::new("x86_64-w64-mingw32-objdump")
        .arg("-p")
        .arg(program)
        .output()
        .expect("objdump for Windows is installed (tests/run --windows installs it)");
    assert!(output.status.success(), "objdump cannot read {}", program.display());
    String::from_utf8_lossy(&output.stdout).into_owned()
}
