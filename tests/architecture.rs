//! Who may import whom. A new arrow is a decision: change the table here first, and say why in the commit.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

#[path = "architecture/circles.rs"]
mod circles;
#[path = "architecture/named_paths.rs"]
mod named_paths;

use named_paths::named_paths;

/// A module and the modules of this crate that it may name.
///
/// `harmless` keeps text from outside from steering a terminal, and secrets out of addresses; whoever writes for people or keeps what was seen may use it. `certificate` holds one certificate's bytes and fields; everybody who passes chains on may use it. The pure half
/// (`judge`, `impact`, `answer`, `report`) never sees `net` or `probe`, and `lab` never sees `probe` or `judge`: it builds worlds
/// and says what they should look like, so a mistake in the probe cannot agree with itself.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("harmless", &[]),
    ("replacement", &[]),
    ("certificate", &[]),
    ("catalogue", &["certificate", "harmless"]),
    ("proxies", &["harmless", "registry"]),
    ("registry", &[]),
    ("enroll", &["catalogue", "registry"]),
    ("plan", &["catalogue", "proxies"]),
    ("observation", &["catalogue", "certificate", "plan"]),
    ("as_system", &["replacement", "windows"]),
    ("net", &["certificate", "harmless", "observation", "windows"]),
    ("auth", &["observation", "plan"]),
    ("probe", &["auth", "catalogue", "certificate", "harmless", "net", "observation", "plan"]),
    ("judge", &["catalogue", "certificate", "observation", "plan"]),
    ("impact", &["catalogue", "judge", "plan"]),
    ("answer", &["catalogue", "impact", "judge", "observation", "plan"]),
    ("report", &["answer", "catalogue", "certificate", "enroll", "harmless", "impact", "judge", "observation", "plan"]),
    ("windows", &["certificate", "proxies", "registry"]),
    ("lab", &["catalogue", "certificate", "net", "plan"]),
    (
        "cli",
        &[
            "answer",
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
            "replacement",
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
        for named in named_paths(&before_tests(&text), &place) {
            let target = named.path.first().map(String::as_str).unwrap_or_default();
            if target != module && !allowed.contains(&target) {
                wrong.push(format!(
                    "{}:{}: {module} may not import {}",
                    file.display(),
                    named.line,
                    named.path.join("::")
                ));
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

/// What stands before a file's inline tests. A module's own tests may import anything; `mod tests;` ends nothing, because
/// what follows it is the module.
fn before_tests(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let opens_tests =
        |pair: &[&str]| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{');
    let end = lines.windows(2).position(opens_tests).unwrap_or(lines.len());
    lines[..end].join("\n")
}

#[test]
fn only_an_inline_module_of_tests_ends_what_is_checked() {
    let whole = "#[cfg(test)]\nmod tests;\nuse crate::net;";
    assert_eq!(before_tests(whole), whole);
    assert_eq!(before_tests("    #[cfg(test)]\n    fn helper() {}"), "    #[cfg(test)]\n    fn helper() {}");
    assert_eq!(before_tests("use crate::net;\n#[cfg(test)]\nmod tests {\n    use crate::probe;\n}"), "use crate::net;");
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
