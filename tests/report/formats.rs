//! The forms for programs: what an independent reader gets out of them, also when the network wants to harm.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::{Command, Stdio};

use insta::assert_snapshot;
use serde_json::Value;
use waprobe::judge::{Cause, Status};
use waprobe::plan::PlannedRoute;
use waprobe::report::expectation::Expectation;
use waprobe::report::outcome::{self, Conclusion, End};
use waprobe::report::{Report, csv, html, jsonl, junit, markdown, prometheus};

use super::contract::{check, committed};
use super::story::{self, answer, told};
use super::{exit_code, hostile};

/// Text with everything that some form of a report gives a meaning to.
const EVIL: &str =
    "]]></system-out><failure/>&lt;\" ' </script><script>alert(1)</script>\u{0}\u{b}\u{fffe}\u{ffff}\n=1+1|`*_[x](y)";

fn evil() -> Report {
    let mut report = hostile();
    for row in &mut report.rows {
        row.endpoint.push_str(EVIL);
        row.host.push_str(EVIL);
        row.summary.push_str(EVIL);
        row.evidence.insert(0, format!("={EVIL}"));
        row.route.key.0.push_str(EVIL);
        row.route.proxy = row.route.proxy.take().map(|proxy| proxy + EVIL);
        row.code.push_str(EVIL);
    }
    report.tool.version.push_str(EVIL);
    report
}

fn text(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> String {
    let mut out = Vec::new();
    write(&mut out).expect("memory takes everything");
    String::from_utf8(out).expect("UTF-8")
}

fn junit_of(report: &Report, conclusion: &Conclusion) -> String {
    let end =
        End { conclusion, exit: exit_code(conclusion), ours: exit_code(conclusion), fail_on: None, changes: None };
    text(|out| junit::write(report, end, out))
}

fn plain(report: &Report) -> String {
    junit_of(report, &outcome::conclude(report, None, None))
}

/// Every way that a row can count, on one route.
fn mixed() -> Report {
    told(&["win10-22h2"], vec![PlannedRoute::Direct], |_, name| {
        answer(match name {
            "v10c" => Cause::TcpTimeout,
            "settings-win" => Cause::InterceptedTrusted,
            "watson" => Cause::ChainIncomplete,
            "oca" => Cause::Budget,
            "login-live" => Cause::Internal,
            "ceuswatcab01" => Cause::HttpThrottled,
            _ => Cause::Ok,
        })
    })
}

mod jenkins {
    use super::*;

    #[test]
    fn a_case_says_what_became_of_its_row() {
        let mut report = mixed();
        report.rows.truncate(8);
        assert_snapshot!("junit", plain(&report));
    }

    #[test]
    fn with_an_expectation_only_what_differs_fails() {
        let report = mixed();
        let text = "schema = 'waprobe-expect/1'\n[[expect]]\nroute = 'direct'\nendpoints = ['*']\nstatus = ['ok', 'blocked']\n";
        let expectation = Expectation::read("x", text).expect("readable");
        let xml = junit_of(&report, &outcome::compare(&report, &expectation).expect("every entry has rows"));
        assert!(xml.contains("message=\"expected ok or blocked, found intercepted: "), "{xml}");
        // Intercepted, inconclusive, out of time and degraded; three endpoints are of older versions; the fault of the program itself stays an error.
        assert!(xml.contains("failures=\"4\" errors=\"1\" skipped=\"3\""), "{xml}");
    }

    /// Read back by Python's parser, which knows nothing of how it was written.
    #[test]
    fn another_reader_counts_the_same() {
        const READER: &str = "
import sys, collections, xml.etree.ElementTree as tree
root = tree.fromstring(sys.stdin.buffer.read())
assert root.tag == 'testsuites', root.tag
total = collections.Counter()
for suite in root:
    seen = collections.Counter()
    for case in suite.findall('testcase'):
        outcome = [child.tag for child in case if child.tag != 'system-out']
        assert len(outcome) <= 1, outcome
        seen[outcome[0] if outcome else 'passed'] += 1
        assert case.findtext('system-out')
    assert int(suite.get('tests')) == sum(seen.values())
    for tag, count in (('failure', 'failures'), ('error', 'errors'), ('skipped', 'skipped')):
        assert int(suite.get(count)) == seen[tag], (tag, seen)
    total.update(seen)
assert int(root.get('failures')) == total['failure'] and int(root.get('errors')) == total['error']
print(' '.join(f'{tag}={total[tag]}' for tag in ('passed', 'failure', 'skipped', 'error')))
";
        for (report, counts) in [
            (mixed(), "passed=7 failure=2 skipped=5 error=1"),
            (story::clean(), "passed=30 failure=0 skipped=0 error=0"),
            (story::office(), "passed=18 failure=26 skipped=1 error=0"),
            (evil(), "passed=18 failure=26 skipped=1 error=0"),
        ] {
            match read_by("python3", &["-c", READER], &plain(&report)) {
                Some(read) => assert_eq!(read.trim(), counts),
                None => return,
            }
        }
    }

    #[test]
    fn it_fits_the_dialect() {
        let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/junit/jenkins.xsd");
        for report in [mixed(), story::clean(), story::office(), story::many_routes(), evil()] {
            if read_by("xmllint", &["--noout", "--nonet", "--schema", schema, "-"], &plain(&report)).is_none() {
                return;
            }
        }
    }
}

/// What `program` prints when `input` is given to it; `None` where it is not installed and need not be.
fn read_by(program: &str, arguments: &[&str], input: &str) -> Option<String> {
    let started = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = started else {
        assert!(std::env::var_os("WAPROBE_REAL").is_none(), "{program} is not installed");
        return None;
    };
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("it reads");
    let done = child.wait_with_output().expect("it ends");
    assert!(done.status.success(), "{program}: {}", String::from_utf8_lossy(&done.stderr));
    Some(String::from_utf8(done.stdout).expect("UTF-8"))
}

#[test]
fn every_line_is_an_object_of_its_own() {
    let schema = committed::<jsonl::Line<'_>>("waprobe-lines-1.schema.json");
    for report in [story::office(), evil()] {
        let lines = text(|out| jsonl::write(&report, out));
        let objects: Vec<Value> =
            lines.lines().map(|line| serde_json::from_str(line).expect("one object per line")).collect();
        assert_eq!(objects.len(), 1 + report.rows.len() + report.findings.len() + report.impacts.len());
        for object in &objects {
            assert_eq!(check(&schema, object), Ok(()));
            assert_eq!(object["started"], "2026-11-22T10:30:00Z");
        }
        assert_eq!(objects[0]["type"], "run");
        assert_eq!(objects[1]["row"], serde_json::to_value(&report.rows[0]).expect("JSON"));
    }
}

mod spreadsheets {
    use super::*;

    #[test]
    fn each_row_is_a_line_under_its_headings() {
        let lines = text(|out| csv::write(&mixed(), out));
        assert_snapshot!("csv", lines.replace("\r\n", "\n"));
        assert_eq!(lines.matches("\r\n").count(), 13);
    }

    #[test]
    fn a_reader_gets_the_same_cells_and_no_formula() {
        let report = evil();
        let mut lines = csv_crate(&text(|out| csv::write(&report, out)));
        let headings = lines.remove(0);
        assert_eq!(lines.len(), report.rows.len());
        let column = |name: &str| headings.iter().position(|heading| heading == name).expect("a heading");
        for (line, row) in lines.iter().zip(&report.rows) {
            assert_eq!(line.len(), headings.len());
            assert_eq!(line[column("status")], row.status.as_str());
            for cell in line {
                assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell}");
                assert!(!cell.contains(char::is_control), "{cell}");
            }
        }
    }

    /// A reader of RFC 4180 in a few lines, so that a mistake of the writer's library does not agree with itself.
    fn csv_crate(text: &str) -> Vec<Vec<String>> {
        let mut records = vec![vec![String::new()]];
        let mut quoted = false;
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            let record = records.last_mut().expect("never empty");
            match character {
                '"' if quoted && characters.peek() == Some(&'"') => {
                    characters.next();
                    record.last_mut().expect("a cell").push('"');
                }
                '"' => quoted = !quoted,
                ',' if !quoted => record.push(String::new()),
                '\r' if !quoted => {}
                '\n' if !quoted => records.push(vec![String::new()]),
                other => record.last_mut().expect("a cell").push(other),
            }
        }
        records.pop();
        records
    }
}

mod metrics {
    use super::*;

    /// A reader of the text format in a few lines: `name{label="value",…} number`.
    fn samples(text: &str) -> Vec<(String, BTreeMap<String, String>, f64)> {
        let mut typed = BTreeSet::new();
        let mut read = Vec::new();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').expect("a type");
                assert_eq!(kind, "gauge");
                assert!(typed.insert(name.to_owned()), "{name} is typed twice");
                continue;
            }
            if line.starts_with("# HELP ") {
                continue;
            }
            let (series, value) = line.rsplit_once(' ').expect("a value");
            let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
            assert!(typed.contains(name), "{name} has no type");
            let mut rest = labels.strip_suffix('}').expect("a brace");
            let mut set = BTreeMap::new();
            while !rest.is_empty() {
                let (label, after) = rest.split_once("=\"").expect("a label");
                let mut value = String::new();
                let mut characters = after.char_indices();
                let end = loop {
                    match characters.next().expect("a closing quote") {
                        (_, '\\') => value.push(characters.next().expect("an escaped character").1),
                        (at, '"') => break at,
                        (_, other) => value.push(other),
                    }
                };
                assert!(set.insert(label.to_owned(), value).is_none(), "{label} twice");
                rest = after[end + 1..].trim_start_matches(',');
            }
            read.push((name.to_owned(), set, value.parse().expect("a number")));
        }
        read
    }

    #[test]
    fn a_reader_finds_each_series_once() {
        for report in [mixed(), story::office(), story::clean(), story::many_routes(), evil()] {
            let text = text(|out| prometheus::write(&report, out));
            let samples = samples(&text);
            let series: BTreeSet<_> = samples.iter().map(|(name, labels, _)| (name, labels)).collect();
            assert_eq!(series.len(), samples.len(), "a series stands twice");
            let count = |name: &str| samples.iter().filter(|(other, ..)| other == name).count();
            assert_eq!(count("waprobe_success"), report.rows.len());
            let failing = report.rows.iter().filter(|row| row.status != Status::Ok).count();
            assert_eq!(count("waprobe_failure_info"), failing);
            assert!(samples.iter().all(|(name, _, value)| value.is_finite() && name.starts_with("waprobe_")));
        }
    }

    #[test]
    fn the_metrics_are_named_as_the_conventions_say() {
        let mut report = mixed();
        report.rows.truncate(5);
        report.tool.version = "0.0.0".to_owned();
        assert_snapshot!("prometheus", text(|out| prometheus::write(&report, out)));
    }

    /// The reader that Prometheus itself ships, where it is installed.
    #[test]
    fn promtool_has_nothing_to_say() {
        if Command::new("promtool").arg("--version").output().is_err() {
            return;
        }
        for report in [mixed(), story::office(), evil()] {
            read_by("promtool", &["check", "metrics"], &text(|out| prometheus::write(&report, out)));
        }
    }
}

fn ended(conclusion: &Conclusion) -> End<'_> {
    End { conclusion, exit: exit_code(conclusion), ours: exit_code(conclusion), fail_on: None, changes: None }
}

fn page(report: &Report) -> String {
    let conclusion = outcome::conclude(report, None, None);
    text(|out| html::write(report, ended(&conclusion), out))
}

fn summary(report: &Report) -> String {
    let conclusion = outcome::conclude(report, None, None);
    text(|out| markdown::write(report, ended(&conclusion), out))
}

mod pages {
    use super::*;

    /// The names of all elements, in order; anything that is no tag of ours makes it fail.
    fn elements(page: &str) -> Vec<String> {
        let (_, rest) = page.split_once("</style>").expect("a style");
        rest.split('<').skip(1).map(|piece| piece.split(['>', ' ']).next().unwrap_or_default().to_owned()).collect()
    }

    #[test]
    fn it_says_what_the_table_says() {
        let report = story::office();
        let page = page(&report);
        for finding in &report.findings {
            assert!(page.contains(&finding.code), "{} is missing", finding.code);
        }
        for row in &report.rows {
            assert!(page.replace("<wbr>", "").contains(&row.host), "{} is missing", row.host);
        }
        assert!(page.contains("Diagnostic data gets out directly"));
        assert!(page.contains("Exit 1: diagnostic data is blocked or intercepted."));
    }

    #[test]
    fn text_from_outside_makes_no_element() {
        let (clean, evil) = (page(&story::office()), page(&evil()));
        let known: BTreeSet<String> = elements(&clean).into_iter().collect();
        let found: BTreeSet<String> = elements(&evil).into_iter().collect();
        let foreign: Vec<&String> = found.difference(&known).collect();
        assert!(foreign.is_empty(), "{foreign:?}");
        assert!(!evil.contains("<script"));
        assert!(!evil.chars().any(|character| character.is_control() && character != '\n'), "a control character");
    }

    #[test]
    fn it_asks_for_nothing_from_elsewhere() {
        let page = page(&story::office());
        assert!(page.contains("default-src 'none'"));
        for loader in ["src=", "url(", "@import", "<link", "href=\"http", "<script"] {
            assert!(!page.contains(loader), "{loader}");
        }
    }

    #[test]
    fn every_element_is_closed() {
        let page = page(&evil());
        let mut open: Vec<String> = Vec::new();
        for element in elements(&page) {
            match element.strip_prefix('/') {
                Some("head" | "html" | "style") => {}
                Some(name) => assert_eq!(open.pop().as_deref(), Some(name)),
                None if matches!(element.as_str(), "br" | "wbr") => {}
                None => open.push(element),
            }
        }
        assert!(open.is_empty(), "{open:?}");
    }
}

mod summaries {
    use super::*;

    #[test]
    fn it_says_what_the_table_says() {
        assert_snapshot!("markdown", summary(&story::office()));
    }

    #[test]
    fn text_from_outside_stays_text() {
        let summary = summary(&evil()).replace("\\`", "").replace("\\]", "");
        // What stands between two backticks is text whatever it is.
        let summary: String = summary.split('`').step_by(2).collect();
        for mark in ["<", "](", "\n=1", "\u{0}", "\u{1b}"] {
            assert!(!summary.contains(mark), "{mark}");
        }
    }

    #[test]
    fn a_large_report_fits_into_a_step() {
        let mut report = story::office();
        let finding = report.findings[0].clone();
        for number in 0..3_000 {
            report
                .findings
                .push(waprobe::report::Finding { title: format!("{number} {}", "x".repeat(400)), ..finding.clone() });
        }
        let summary = summary(&report);
        assert!(summary.len() <= 1 << 20, "{}", summary.len());
        assert!(
            summary.contains("Cut here") && summary.trim_end().ends_with("intercepted."),
            "{}",
            &summary[summary.len() - 300..]
        );
    }
}
