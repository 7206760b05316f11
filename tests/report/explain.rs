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

#[test]
fn an_error_number_of_windows_leads_to_the_codes_behind_it() {
    let listed = |number: &str| {
        let error = explain::find_windows_error(number).expect("a number").expect("a known one");
        let mut out = Vec::new();
        explain::write_windows_error(&error, at(100), &mut out).expect("memory takes everything");
        String::from_utf8(out).expect("UTF-8")
    };
    for (number, codes) in [
        ("12002", &["tcp.timeout", "tls.timeout_after_hello", "proxy.timeout"][..]),
        ("12029", &["tcp.refused", "tcp.timeout", "proxy.tcp_refused"]),
        ("0x800b0109", &["intercepted.untrusted", "intercepted.trusted"]),
        ("12015", &["pauth.rejected", "pauth.expired", "pac.http_status"]),
        // Scripts, by number and within an HRESULT.
        ("12166", &["pac.eval_error", "pac.not_script"]),
        ("12176", &["pac.content_type"]),
        ("12177", &["pac.eval_error"]),
        ("12178", &["conf.script_service_disabled"]),
        ("0x80072F86", &["pac.eval_error"]),
        ("0x80072F91", &["pac.eval_error"]),
        ("-2147012730", &["pac.eval_error"]),
        ("2147954566", &["pac.eval_error"]),
        // The same number as other logs write it: signed, and a WinHTTP error within an HRESULT.
        ("-2146762487", &["intercepted.untrusted"]),
        ("0x80072EE2", &["tcp.timeout", "tls.timeout_after_hello"]),
    ] {
        let text = listed(number);
        for code in codes {
            assert!(text.contains(&format!("\n  {code} ")), "{number} without {code}:\n{text}");
        }
        assert!(!text.contains("chain.wrong_class"), "{text}");
    }
    assert_eq!(listed("0x80072EE2"), listed("12002"));
    assert!(
        explain::find_windows_error("12999").is_some_and(|found| found.is_err_and(|said| said.contains("12002, ")))
    );
    for other in ["tcp.timeout", "407", "0x1", "0xZZZZZZZZ", "120020", "-", ""] {
        assert_eq!(explain::find_windows_error(other), None, "{other}");
    }
}

#[test]
fn who_changes_it_may_be_another_behind_a_proxy() {
    let text = explained("x.flaky", 100);
    assert!(text.contains("Firewall team; where a proxy is asked, the proxy team."), "{text}");
    assert!(!explained("tcp.timeout", 100).contains("where a proxy is asked"));
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
