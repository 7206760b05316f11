//! Two reports compared: what is worse, better, new and gone, and what that means to the shell.

use insta::assert_snapshot;
use waprobe::judge::{Cause, Status};
use waprobe::plan::{Identity, PlannedRoute, Scheme};
use waprobe::report::change::{self, Change, Changes, Kind, Past, Tendency};
use waprobe::report::outcome::{self, Conclusion, End, FailOn};
use waprobe::report::table;
use waprobe::report::terminal::Layout;
use waprobe::report::{Report, json, junit};

use super::contract::{check, committed};
use super::story::{self, answer, by, through, told};
use super::{PLAIN, at};

fn office(user: &Cause, v10c: &Cause) -> Report {
    let proxy = "http://proxy.example:3128";
    told(&["win10-22h2"], vec![PlannedRoute::Direct, through(proxy, Identity::User)], |route, name| {
        match (route, name) {
            (0, "v10c") => answer(v10c.clone()),
            (0, _) => answer(Cause::Ok),
            (_, _) if user.code() == "proxy.timeout" => answer(user.clone()),
            (_, "watson") => by(Scheme::Ntlm, user.clone()),
            (_, _) => by(Scheme::Ntlm, Cause::Ok),
        }
    })
}

fn between(before: &Report, after: &Report) -> Changes {
    Changes::between(&Past::from(before), &Past::from(after))
}

fn kinds(changes: &Changes) -> Vec<(Kind, &str)> {
    changes.rows.iter().map(|row| (row.kind, row.endpoint.as_str())).collect()
}

#[test]
fn a_row_is_worse_when_less_gets_out() {
    use Kind::{Better, Changed, Undecided, Worse};
    for (before, after, kind) in [
        (Cause::Ok, Cause::HttpThrottled, Worse),
        (Cause::HttpThrottled, Cause::TcpTimeout, Worse),
        (Cause::Ok, Cause::InterceptedTrusted, Worse),
        (Cause::ChainIncomplete, Cause::TcpTimeout, Worse),
        (Cause::TcpTimeout, Cause::InterceptedTrusted, Changed),
        (Cause::TcpTimeout, Cause::TcpRefused, Changed),
        (Cause::ChainIncomplete, Cause::Budget, Changed),
        (Cause::Ok, Cause::ChainIncomplete, Undecided),
        (Cause::TcpTimeout, Cause::Budget, Undecided),
        (Cause::TcpTimeout, Cause::Ok, Better),
        (Cause::ChainIncomplete, Cause::Ok, Better),
    ] {
        let changes = between(&office(&Cause::Ok, &before), &office(&Cause::Ok, &after));
        assert_eq!(kinds(&changes), [(kind, "v10c")], "{before:?} → {after:?}");
        let tendency = match kind {
            Worse => Tendency::Worse,
            Undecided => Tendency::Unclear,
            _ => Tendency::Good,
        };
        assert_eq!(changes.tendency(), tendency);
    }
    let same = between(&office(&Cause::Ok, &Cause::Ok), &office(&Cause::Ok, &Cause::Ok));
    assert_eq!((same.rows.len(), same.unchanged, same.tendency()), (0, 24, Tendency::Good));
}

#[test]
fn what_only_one_report_has_is_new_or_gone() {
    let (mut before, mut after) = (office(&Cause::Ok, &Cause::Ok), office(&Cause::Ok, &Cause::Ok));
    before.rows.remove(1);
    after.rows.remove(2);
    let changes = between(&before, &after);
    assert_eq!(kinds(&changes), [(Kind::New, "settings-win"), (Kind::Gone, "adl")]);
    // A row that could not be compared is no proof that nothing broke.
    assert_eq!(changes.tendency(), Tendency::Unclear);
    after.rows[1].status = Status::Blocked;
    assert_eq!(between(&before, &after).tendency(), Tendency::Worse);
}

#[test]
fn a_row_is_the_same_row_when_another_scheme_decides_it() {
    // Before no answer named a scheme, so the key has none; now NTLM decided.
    let changes = between(&office(&Cause::ProxyTimeout, &Cause::Ok), &office(&Cause::Ok, &Cause::Ok));
    assert!(changes.rows.iter().all(|row| row.kind == Kind::Better), "{changes:?}");
    assert_eq!(changes.rows.len(), 12);
}

#[test]
fn a_comparison_reads_easily() {
    let (before, mut after) =
        (office(&Cause::ProxyDenied403, &Cause::Ok), office(&Cause::Ok, &Cause::InterceptedTrusted));
    after.run.started = "2026-11-23T10:30:00Z".to_owned();
    after.run.complete = false;
    let gone = after.rows.pop().expect("a row");
    let changes = between(&before, &after);
    let mut out = Vec::new();
    change::write(&changes, 1, PLAIN, &mut out).expect("memory takes everything");
    assert_snapshot!("diff", String::from_utf8(out).expect("UTF-8"));
    assert_eq!(kinds(&changes).last(), Some(&(Kind::Gone, gone.endpoint.as_str())));
}

#[test]
fn nothing_of_a_report_steers_the_terminal() {
    let evil = super::hostile();
    let mut out = Vec::new();
    change::write(&between(&story::office(), &evil), 1, at(60), &mut out).expect("memory takes everything");
    let text = String::from_utf8(out).expect("UTF-8");
    assert!(!text.chars().any(|character| character.is_control() && character != '\n'), "{text:?}");
}

#[test]
fn the_baseline_stands_in_the_report_and_new_fails_only_what_is_worse() {
    let (before, after) =
        (office(&Cause::ProxyDenied403, &Cause::Ok), office(&Cause::ProxyDenied403, &Cause::TcpTimeout));
    let conclude = |list: &str, before: &Report, after: &Report| {
        let fail_on = FailOn::read(list).expect("a list");
        outcome::conclude(after, Some(&fail_on), Some(&between(before, after)))
    };
    assert_eq!(conclude("new", &before, &after), Conclusion::Findings);
    assert_eq!(conclude("new", &after, &after), Conclusion::Clean);
    assert_eq!(conclude("blocked,new", &after, &after), Conclusion::Findings);

    let (changes, fail_on) = (between(&before, &after), FailOn::read("new").expect("a list"));
    let end =
        End { conclusion: &Conclusion::Findings, exit: 1, ours: 1, fail_on: Some(&fail_on), changes: Some(&changes) };
    let mut out = Vec::new();
    junit::write(&after, end, &mut out).expect("memory takes everything");
    // The row that was denied before is no news.
    assert!(String::from_utf8(out).expect("UTF-8").contains("tests=\"30\" failures=\"1\""));
    let mut out = Vec::new();
    table::write(&after, end, Layout { verbose: false, ..at(100) }, &mut out).expect("memory takes everything");
    let text = String::from_utf8(out).expect("UTF-8");
    assert!(text.contains("Since 2026-11-22T10:30:00Z: 1 row is worse; 23 rows unchanged."), "{text}");
    assert!(text.contains("direct: ok → blocked with tcp.timeout"), "{text}");
}

#[test]
fn a_report_is_read_back_and_a_comparison_fits_its_schema() {
    let report = story::office();
    let mut out = Vec::new();
    json::write(&report, &mut out).expect("memory takes everything");
    let read = change::read(std::str::from_utf8(&out).expect("UTF-8")).expect("our own report");
    assert_eq!(read, Past::from(&report));
    let schema = committed::<Changes>("waprobe-diff-1.schema.json");
    let changes = between(&report, &story::clean());
    assert!(changes.rows.iter().any(Change::is_regression) || !changes.rows.is_empty());
    assert_eq!(check(&schema, &serde_json::to_value(&changes).expect("JSON")), Ok(()));
}
