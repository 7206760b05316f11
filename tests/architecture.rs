//! Who may import whom. A new arrow is a decision: change the table here first, and say why in the commit.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A module and the modules of this crate that it may name.
///
/// `harmless` keeps text from outside from steering a terminal, and secrets out of addresses; whoever writes for people or keeps what was seen may use it. `certificate` holds one certificate's bytes and fields; everybody who passes chains on may use it. The pure half
/// (`judge`, `impact`, `report`) never sees `net` or `probe`, and `lab` never sees `probe` or `judge`: it builds worlds
/// and says what they should look like, so a mistake in the probe cannot agree with itself.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("harmless", &[]),
    ("certificate", &[]),
    ("catalogue", &["certificate", "harmless"]),
    ("proxies", &["harmless", "registry"]),
    ("registry", &[]),
    ("enroll", &["catalogue", "registry"]),
    ("plan", &["catalogue", "proxies"]),
    ("observation", &["catalogue", "certificate", "plan"]),
    ("as_system", &["windows"]),
    ("net", &["certificate", "harmless", "observation", "windows"]),
    ("auth", &["observation", "plan"]),
    ("probe", &["auth", "catalogue", "certificate", "harmless", "net", "observation", "plan"]),
    ("judge", &["catalogue", "certificate", "observation", "plan"]),
    ("impact", &["catalogue", "judge", "plan"]),
    ("report", &["catalogue", "certificate", "enroll", "harmless", "impact", "judge", "observation", "plan"]),
    ("windows", &["certificate", "proxies", "registry"]),
    ("lab", &["catalogue", "certificate", "net", "plan"]),
    (
        "cli",
        &[
            "as_system",
            "catalogue",
            "certificate",
            "enroll",
            "harmless",
            "impact",
            "judge",
            "lab",
            "net",
            "observation",
            "plan",
            "probe",
            "proxies",
            "registry",
            "report",
            "windows",
        ],
    ),
];

#[test]
fn every_module_imports_only_what_the_table_allows() {
    let mut wrong = Vec::new();
    let mut modules = BTreeSet::new();
    for file in rust_files(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))) {
        let module = module_of(&file);
        if module == "lib" || module == "main" {
            continue;
        }
        modules.insert(module.clone());
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == module) else {
            wrong.push(format!("{}: module '{module}' is not in the table", file.display()));
            continue;
        };
        let text = fs::read_to_string(&file).expect("a source file is readable");
        let place = place_of(&file);
        for (number, line) in text.lines().enumerate().take(lines_before_tests(&text)) {
            for path in imports(line, &place) {
                let target = path.split("::").next().unwrap_or_default();
                let fits = target == module || allowed.iter().any(|entry| *entry == target || path.starts_with(*entry));
                if !fits {
                    wrong.push(format!("{}:{}: {module} may not import {path}", file.display(), number + 1));
                }
            }
        }
    }
    for (name, _) in MAY_IMPORT {
        if !modules.contains(*name) {
            wrong.push(format!("the table names '{name}', which is no module"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_opens_with_a_comment_for_its_readers() {
    let mut silent = Vec::new();
    for file in rust_files(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))) {
        let text = fs::read_to_string(&file).expect("a source file is readable");
        if !text.starts_with("//!") {
            silent.push(file.display().to_string());
        }
    }
    assert!(silent.is_empty(), "no opening comment in:\n{}", silent.join("\n"));
}

/// Modules that may not see the judge name causes by their codes; what those codes say stands in the judge's table alone.
#[test]
fn every_code_that_a_script_or_a_setting_is_given_stands_in_the_table_of_causes() {
    let mut named = BTreeSet::new();
    for module in ["net", "proxies"] {
        for file in rust_files(&Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).join(module)) {
            let text = fs::read_to_string(&file).expect("a source file is readable");
            let quoted = text.split('"').filter(|part| part.starts_with("pac.") || part.starts_with("conf."));
            named.extend(quoted.map(str::to_owned));
        }
    }
    let unknown: Vec<&String> = named.iter().filter(|code| waprobe::judge::Cause::from_code(code).is_none()).collect();
    assert!(unknown.is_empty(), "no cause has these codes: {unknown:?}");
    assert!(named.len() > 12, "only {named:?} were found: has their spelling changed?");
}

/// A module's own tests may import anything; `mod tests;` ends nothing, because what follows it is the module.
fn lines_before_tests(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let opens_tests =
        |pair: &[&str]| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{');
    lines.windows(2).position(opens_tests).unwrap_or(lines.len())
}

#[test]
fn only_an_inline_module_of_tests_ends_what_is_checked() {
    assert_eq!(lines_before_tests("#[cfg(test)]\nmod tests;\nuse crate::net;\n"), 3);
    assert_eq!(lines_before_tests("    #[cfg(test)]\n    fn helper() {}\n"), 2);
    assert_eq!(lines_before_tests("use crate::net;\n\n#[cfg(test)]\nmod tests {\n    use crate::probe;\n}\n"), 2);
}

/// The paths in this crate that one line of the module `here` names, outside of comments: behind `crate::`, and behind as many
/// `super::` as lead out of the module's own folder.
fn imports(line: &str, here: &[String]) -> Vec<String> {
    let code = line.split("//").next().unwrap_or_default();
    let is_in_a_name = |character: char| character.is_alphanumeric() || character == '_';
    let begins = |start: usize| !code[..start].ends_with(|before: char| is_in_a_name(before) || before == ':');
    let path_from = |start: usize| {
        let path = &code[start..];
        &path[..path.find(|character: char| !is_in_a_name(character) && character != ':').unwrap_or(path.len())]
    };
    let by_root = code.match_indices("crate::").filter(|(start, _)| begins(*start));
    let by_root = by_root.map(|(start, found)| path_from(start + found.len()).to_owned());
    let upwards = code.match_indices("super::").filter(|(start, _)| begins(*start)).map(|(start, _)| {
        let mut path = path_from(start);
        let mut kept = here.len();
        while let Some(rest) = path.strip_prefix("super::") {
            path = rest;
            kept = kept.saturating_sub(1);
        }
        here[..kept].iter().map(String::as_str).chain([path]).collect::<Vec<_>>().join("::")
    });
    by_root.chain(upwards).collect()
}

#[test]
fn ways_out_of_a_module_are_seen_however_they_are_written() {
    let here = ["judge", "chain"].map(str::to_owned);
    let seen = |line: &str| imports(line, &here);
    assert_eq!(seen("use crate::net::Dial;"), ["net::Dial"]);
    assert_eq!(seen("use super::{Cause, Status};"), ["judge::"]);
    assert_eq!(seen("use super::super::probe::run;"), ["probe::run"]);
    assert_eq!(seen("pub(super) fn a() { super::super::net::b(); } // crate::cli"), ["net::b"]);
    assert_eq!(seen("use other_crate::net; use x::super_::y;"), Vec::<String>::new());
}

/// `["judge", "chain"]` for `src/judge/chain.rs` and for `src/judge/chain/mod.rs`.
fn place_of(file: &Path) -> Vec<String> {
    let inside = file.strip_prefix(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).expect("below src").with_extension("");
    let mut place: Vec<String> =
        inside.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    if place.last().is_some_and(|last| last == "mod") {
        place.pop();
    }
    place
}

fn module_of(file: &Path) -> String {
    let inside = file.strip_prefix(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).expect("below src");
    let first = inside.components().next().expect("a name").as_os_str().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}
