//! What a code means: every code, its page in `docs/`, and what is said to a slip of the pen.

use std::collections::BTreeSet;
use std::fs;

use insta::assert_snapshot;
use unicode_width::UnicodeWidthStr as _;
use waprobe::judge::{Cause, Comparison};
use waprobe::lab::NOT_PRODUCIBLE;
use waprobe::report::explain;

use super::at;

fn explained(code: &str, width: usize) -> String {
    let mut out = Vec::new();
    explain::write(&explain::find(code).expect("a code"), at(width), &mut out).expect("memory takes everything");
    String::from_utf8(out).expect("UTF-8")
}

#[test]
fn every_code_is_explained_once() {
    let all = explain::all();
    let codes: BTreeSet<&str> = all.iter().map(|known| known.code.as_str()).collect();
    assert_eq!(codes.len(), all.len(), "a code twice");
    for cause in Cause::ALL.iter().filter(|cause| !matches!(cause, Cause::TlsAlert(_))) {
        assert!(codes.contains(cause.code().as_str()), "{cause:?}");
    }
    for known in Comparison::ALL {
        assert!(codes.contains(known.code), "{}", known.code);
    }
    for known in &all {
        assert_eq!(explain::find(&known.code).as_ref(), Ok(known));
        let text = explained(&known.code, 100);
        for part in ["What was seen", "Why it matters", "Who changes it", "Change", "Others would say", "Standing"] {
            assert!(text.contains(&format!("\n  {part} ")), "{}: no '{part}'", known.code);
        }
        for width in [60, 100] {
            assert!(explained(&known.code, width).lines().all(|line| line.width() <= width), "{}", known.code);
        }
    }
}

#[test]
fn an_explanation_says_what_was_seen_why_and_who_changes_what() {
    assert_snapshot!(
        "explain",
        format!("{}\n{}", explained("intercepted.trusted", 100), explained("TLS.alert.unknown_ca", 100))
    );
}

#[test]
fn a_slip_of_the_pen_is_told_what_was_meant() {
    for (slip, said) in [
        ("intercepted.trustd", "`intercepted.trustd` is no code: did you mean `intercepted.trusted`?"),
        ("tls.rst_after_helo", "`tls.rst_after_helo` is no code: did you mean `tls.rst_after_hello`?"),
        ("", "`` is no code: `waprobe explain` alone lists all of them"),
    ] {
        assert_eq!(explain::find(slip), Err(said.to_owned()));
    }
    assert!(
        explain::find("chain.something_else_altogether")
            .is_err_and(|said| said.contains("of this family there are chain."))
    );
    assert!(explain::find("\u{1b}[2J").is_err_and(|said| !said.contains('\u{1b}')));
}

/// `UPDATE_DOCS=1` (or `UPDATE_SCHEMAS=1`, which the same command usually carries) writes the page anew.
#[test]
fn the_page_of_codes_is_the_table() {
    let mut out = Vec::new();
    explain::write_page(NOT_PRODUCIBLE, &mut out).expect("memory takes everything");
    let generated = String::from_utf8(out).expect("UTF-8");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/codes.md");
    if ["UPDATE_DOCS", "UPDATE_SCHEMAS"].iter().any(|name| std::env::var_os(name).is_some()) {
        fs::write(path, &generated).expect("the page can be written");
    }
    let committed = fs::read_to_string(path).unwrap_or_default();
    assert!(committed == generated, "docs/codes.md differs: run UPDATE_DOCS=1 cargo test --test report");
    for known in explain::all() {
        assert!(generated.contains(&format!("<a id=\"{}\"></a>", known.code)), "{} has no anchor", known.code);
    }
}
