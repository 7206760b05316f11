//! The paths of this crate that a file's text names, however they are written.
//!
//! In: the text of a source file, and the module it is. Out: whole paths from the crate's root, each with its line. Names
//! in braces are one path each. Never: what a name means; that is for the compiler.

/// One path as the crate's root sees it, such as `["judge", "chain", "Shape"]`.
#[derive(Debug)]
pub(crate) struct NamedPath {
    pub(crate) path: Vec<String>,
    pub(crate) line: usize,
}

/// The paths that `text`, which is the module `here`, names behind `crate::`, `self::` and `super::`, outside of comments.
pub(crate) fn named_paths(text: &str, here: &[String]) -> Vec<NamedPath> {
    let code = without_comments(text);
    let mut found = Vec::new();
    for start in beginnings(&code) {
        let line = line_at(&code, start);
        let (written, _) = tree(&code[start..]);
        found.extend(written.into_iter().map(|path| NamedPath { path: from_root(&path, here), line }));
    }
    found
}

/// The names that the module `here` takes from its own children, as [`from_root`] would write them: `use chain::Shape` in
/// `judge/mod.rs` is what `super::Shape` means in a child.
pub(crate) fn taken_from_children(text: &str, here: &[String]) -> Vec<Vec<String>> {
    let code = without_comments(text);
    let mut found = Vec::new();
    for (start, keyword) in code.match_indices("use ") {
        let opens_statement = code[..start].lines().last().is_none_or(|before| {
            let before = before.trim();
            before.is_empty() || before == "pub" || (before.starts_with("pub(") && before.ends_with(')'))
        });
        let rest = &code[start + keyword.len()..];
        if opens_statement && !["crate::", "super::", "std::"].iter().any(|other| rest.starts_with(other)) {
            let (written, _) = tree(rest.strip_prefix("self::").unwrap_or(rest));
            found.extend(written.into_iter().map(|path| here.iter().cloned().chain(path).collect()));
        }
    }
    found
}

/// The same text with its comments blanked; the lines stay where they are.
fn without_comments(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

fn line_at(code: &str, position: usize) -> usize {
    code[..position].matches('\n').count() + 1
}

fn is_in_a_name(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Where a path of this crate begins: not within a longer name, and not behind another `::`.
fn beginnings(code: &str) -> Vec<usize> {
    let begins = |start: &usize| !code[..*start].ends_with(|before: char| is_in_a_name(before) || before == ':');
    let mut starts: Vec<usize> = ["crate::", "super::", "self::"]
        .iter()
        .flat_map(|root| code.match_indices(root).map(|(start, _)| start))
        .filter(begins)
        .collect();
    starts.sort_unstable();
    starts
}

/// The paths written at the start of `code`, one for each name in braces, and how many bytes they take.
fn tree(code: &str) -> (Vec<Vec<String>>, usize) {
    let mut path = Vec::new();
    let mut at = 0;
    loop {
        let rest = &code[at..];
        let length = rest.find(|character: char| !is_in_a_name(character)).unwrap_or(rest.len());
        if length > 0 {
            path.push(rest[..length].to_owned());
            at += length;
        } else if rest.starts_with('{') {
            let (inner, taken) = branches(rest);
            let whole = inner.into_iter().map(|branch| path.iter().cloned().chain(branch).collect());
            return (whole.collect(), at + taken);
        }
        if !code[at..].starts_with("::") {
            return (vec![path], at);
        }
        at += "::".len();
        if !code[at..].starts_with(|next: char| is_in_a_name(next) || next == '{') {
            return (vec![path], at);
        }
    }
}

/// What stands in the braces with which `code` opens. Words that are no path, such as an `as Name`, are passed over.
fn branches(code: &str) -> (Vec<Vec<String>>, usize) {
    let mut found = Vec::new();
    let mut at = 1;
    let mut expected = true;
    while let Some(next) = code[at..].chars().next() {
        if next == '}' {
            return (found, at + 1);
        } else if expected && is_in_a_name(next) {
            let (inner, taken) = tree(&code[at..]);
            found.extend(inner);
            at += taken;
            expected = false;
        } else {
            expected = expected || next == ',';
            at += next.len_utf8();
        }
    }
    (found, at)
}

/// What a path written in the module `here` is from the crate's root.
fn from_root(written: &[String], here: &[String]) -> Vec<String> {
    let mut kept = here.len();
    let mut rest = written;
    while let [first, others @ ..] = rest {
        match first.as_str() {
            "crate" => kept = 0,
            "super" => kept = kept.saturating_sub(1),
            "self" => {}
            _ => break,
        }
        rest = others;
    }
    here[..kept].iter().chain(rest).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::{named_paths, taken_from_children};

    fn seen(text: &str) -> Vec<String> {
        let here = ["judge", "chain"].map(str::to_owned);
        named_paths(text, &here).iter().map(|named| format!("{} {}", named.line, named.path.join("::"))).collect()
    }

    #[test]
    fn ways_out_of_a_module_are_seen_however_they_are_written() {
        assert_eq!(seen("use crate::net::Dial;"), ["1 net::Dial"]);
        assert_eq!(seen("use super::{Cause,\n  Status as S};"), ["1 judge::Cause", "1 judge::Status"]);
        assert_eq!(seen("\nuse super::super::probe::run;"), ["2 probe::run"]);
        assert_eq!(seen("use self::shape::*;"), ["1 judge::chain::shape"]);
        assert_eq!(
            seen("use crate::{net::{self, Dial}, probe};"),
            ["1 net::self", "1 net::Dial", "1 probe"].map(str::to_owned)
        );
        assert_eq!(seen("pub(super) fn a() { super::super::net::b(); } // crate::cli"), ["1 net::b"]);
        assert_eq!(seen("use other_crate::net; use x::super_::y;"), Vec::<String>::new());
    }

    #[test]
    fn what_a_parent_takes_from_a_child_is_known_by_its_whole_path() {
        let text = "pub use chain::{Shape, known::Known};\nuse crate::net::Dial;\npub(super) use self::row::Row;\n";
        let taken: Vec<String> =
            taken_from_children(text, &["judge".to_owned()]).iter().map(|path| path.join("::")).collect();
        assert_eq!(taken, ["judge::chain::Shape", "judge::chain::known::Known", "judge::row::Row"]);
    }
}
