//! The report as JUnit XML, in the dialect that Jenkins reads: a suite per route, a case per endpoint.
//!
//! In: a report and how the run ended. Out: a `failure` for a row that makes the run fail, `skipped` for one that was not
//! decided and for an endpoint that nobody chosen uses, `error` only for a fault of this program. Never: a row that was not tested shown as passed; a character that XML
//! does not have.

use std::collections::HashMap;
use std::io::{self, Write};

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::columns::{Column, columns};
use super::outcome::{Conclusion, End, Mark};
use super::{Finding, Report, Row, word};
use crate::catalogue::Solution;
use crate::harmless::sanitize;
use crate::plan::RouteKey;

/// Writes `report`.
///
/// # Errors
/// What `out` says when it cannot take more.
pub fn write(report: &Report, end: End<'_>, out: &mut impl Write) -> io::Result<()> {
    let mut out = io::BufWriter::new(out);
    let columns = columns(report);
    let marks: HashMap<&str, Mark<'_>> = report.rows.iter().map(|row| row.id.as_str()).zip(end.marks(report)).collect();
    let mut findings: HashMap<&str, &Finding> = HashMap::new();
    for finding in &report.findings {
        for row in &finding.rows {
            findings.entry(row).or_insert(finding);
        }
    }
    let all: Vec<&Row> = report.rows.iter().collect();
    let mut total = Counts::of(&all, report.run.not_applicable.len() * columns.len(), &marks);
    let unsaid = unsaid(report, end, &marks);
    if let Some(element) = unsaid {
        total.tests = (report.rows.len() + report.run.not_applicable.len() * columns.len() + 1).to_string();
        total.failures = usize::from(element == FAILURE).to_string();
    }
    let mut xml = Writer::new_with_indent(&mut out, b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    xml.create_element("testsuites")
        .with_attribute(("name", "waprobe"))
        .with_attribute(("tests", total.tests.as_str()))
        .with_attribute(("failures", total.failures.as_str()))
        .with_attribute(("errors", total.errors.as_str()))
        .with_attribute(("time", format!("{:.3}", seconds(report.run.duration_ms)).as_str()))
        .write_inner_content(|xml| {
            for column in &columns {
                suite(xml, report, column, &marks, &findings)?;
            }
            if let Some(element) = unsaid {
                answer(xml, report, element)?;
            }
            Ok(())
        })?;
    out.write_all(b"\n")?;
    out.flush()
}

const FAILURE: &str = "failure";
const SKIPPED: &str = "skipped";

/// What the answer is to a reader of cases, where no row's case says so: data may be kept in, or nobody knows, although every
/// row gets through. The login may not be these devices' own, or their script engine may not read the script.
fn unsaid(report: &Report, end: End<'_>, marks: &HashMap<&str, Mark<'_>>) -> Option<&'static str> {
    if matches!(end.conclusion, Conclusion::Compared { .. }) {
        return None;
    }
    let is_failed = marks.values().any(|mark| matches!(mark, Mark::Failed { .. } | Mark::Broken));
    let is_open = marks.values().any(|mark| matches!(mark, Mark::Undecided));
    if report.answer.is_closed() && !is_failed && end.fail_on.is_none() {
        Some(FAILURE)
    } else if report.answer.is_undecided() && !is_open {
        Some(SKIPPED)
    } else {
        None
    }
}

/// A suite of one case: the answer.
fn answer<W: Write>(xml: &mut Writer<W>, report: &Report, element: &'static str) -> io::Result<()> {
    let headline = clean(&report.answer.headline);
    let count = |wanted: &str| if element == wanted { "1" } else { "0" };
    xml.create_element("testsuite")
        .with_attribute(("name", "answer"))
        .with_attribute(("tests", "1"))
        .with_attribute(("failures", count(FAILURE)))
        .with_attribute(("errors", "0"))
        .with_attribute(("skipped", count(SKIPPED)))
        .with_attribute(("timestamp", clean(&report.run.started).as_str()))
        .with_attribute(("time", "0.000"))
        .write_inner_content(|xml| {
            let case = xml.create_element("testcase").with_attribute(("classname", "answer"));
            case.with_attribute(("name", "answer")).with_attribute(("time", "0.000")).write_inner_content(|xml| {
                let told = xml.create_element(element).with_attribute(("type", report.answer.status.as_str()));
                told.with_attribute(("message", headline.as_str())).write_empty()?;
                Ok(())
            })?;
            Ok(())
        })?;
    Ok(())
}

fn suite<W: Write>(
    xml: &mut Writer<W>,
    report: &Report,
    column: &Column<'_>,
    marks: &HashMap<&str, Mark<'_>>,
    findings: &HashMap<&str, &Finding>,
) -> io::Result<()> {
    let counts = Counts::of(&column.rows, report.run.not_applicable.len(), marks);
    let key = key(column);
    let time: f64 = column.rows.iter().filter_map(|row| row.timings_ms.total).sum();
    xml.create_element("testsuite")
        .with_attribute(("name", clean(&key.0).as_str()))
        .with_attribute(("tests", counts.tests.as_str()))
        .with_attribute(("failures", counts.failures.as_str()))
        .with_attribute(("errors", counts.errors.as_str()))
        .with_attribute(("skipped", counts.skipped.as_str()))
        .with_attribute(("timestamp", clean(&report.run.started).as_str()))
        .with_attribute(("time", format!("{:.3}", time / 1000.0).as_str()))
        .write_inner_content(|xml| {
            for row in &column.rows {
                let mark = marks.get(row.id.as_str()).copied().unwrap_or(Mark::Undecided);
                case(xml, key, row, mark, findings.get(row.id.as_str()).copied())?;
            }
            for endpoint in &report.run.not_applicable {
                unused(xml, key, endpoint, &report.run.os)?;
            }
            Ok(())
        })?;
    Ok(())
}

fn case<W: Write>(
    xml: &mut Writer<W>,
    key: &RouteKey,
    row: &Row,
    mark: Mark<'_>,
    finding: Option<&Finding>,
) -> io::Result<()> {
    let class = class(key, &row.solutions);
    let time = row.timings_ms.total.unwrap_or_default() / 1000.0;
    xml.create_element("testcase")
        .with_attribute(("classname", class.as_str()))
        .with_attribute(("name", clean(&row.endpoint).as_str()))
        .with_attribute(("time", format!("{time:.3}").as_str()))
        .write_inner_content(|xml| {
            let (element, message) = match mark {
                Mark::Passed => ("", String::new()),
                Mark::Failed { expected: None } => ("failure", row.summary.clone()),
                Mark::Failed { expected: Some(expected) } => {
                    ("failure", format!("expected {expected}, found {}: {}", row.status, row.summary))
                }
                Mark::Undecided => ("skipped", format!("{}: {}", row.status, row.summary)),
                Mark::Spare if row.needed => {
                    ("skipped", format!("the answer does not depend on it: {}: {}", row.status, row.summary))
                }
                Mark::Spare => ("skipped", format!("also tested, changes nothing: {}: {}", row.status, row.summary)),
                Mark::Broken => ("error", row.summary.clone()),
            };
            if !element.is_empty() {
                let element = xml
                    .create_element(element)
                    .with_attribute(("type", clean(&row.code).as_str()))
                    .with_attribute(("message", clean(&message).as_str()));
                match finding {
                    Some(finding) => {
                        let change = format!("{}: {}", finding.owner, finding.remedy);
                        element.write_text_content(BytesText::new(&clean(&change)))?;
                    }
                    None => {
                        element.write_empty()?;
                    }
                }
            }
            let told = told(row);
            xml.create_element("system-out").write_text_content(BytesText::new(&told))?;
            Ok(())
        })?;
    Ok(())
}

/// A case for an endpoint without a row, so that a list of cases does not depend on the Windows versions asked for.
fn unused<W: Write>(xml: &mut Writer<W>, key: &RouteKey, endpoint: &str, os: &str) -> io::Result<()> {
    let message =
        clean(&format!("not applicable: no chosen solution uses {endpoint} on the chosen Windows versions ({os})"));
    xml.create_element("testcase")
        .with_attribute(("classname", class(key, &[]).as_str()))
        .with_attribute(("name", clean(endpoint).as_str()))
        .with_attribute(("time", "0.000"))
        .write_inner_content(|xml| {
            let skipped = xml.create_element("skipped").with_attribute(("type", "not-applicable"));
            skipped.with_attribute(("message", message.as_str())).write_empty()?;
            xml.create_element("system-out").write_text_content(BytesText::new(&message))?;
            Ok(())
        })?;
    Ok(())
}

/// The solutions that use the endpoint, below their route. Readers list cases by class, not by suite, and take what stands
/// before the last dot for a package: without the route two cases would have one name.
fn class(key: &RouteKey, solutions: &[Solution]) -> String {
    let names: Vec<&str> = solutions.iter().map(|solution| solution.id()).collect();
    let solutions = if names.is_empty() { NO_SOLUTION.to_owned() } else { names.join("+") };
    format!("{}.{solutions}", clean(&key.0).replace('.', "_"))
}

/// For what no solution is said to use.
const NO_SOLUTION: &str = "no-solution";

/// The row with its evidence, a fact per line.
fn told(row: &Row) -> String {
    let mut lines = vec![
        format!("{} over {}", row.url, row.route.key),
        format!("{} {} (stage {}): {}", row.status, row.code, word(&row.stage), row.summary),
    ];
    lines.extend(row.evidence.iter().cloned());
    lines.iter().map(|line| clean(line)).collect::<Vec<_>>().join("\n")
}

/// What Jenkins counts; as text, because attributes are.
struct Counts {
    tests: String,
    failures: String,
    errors: String,
    skipped: String,
}

impl Counts {
    /// Of these rows, and of so many endpoints that have none.
    fn of(rows: &[&Row], unused: usize, marks: &HashMap<&str, Mark<'_>>) -> Self {
        let count = |wanted: fn(Mark<'_>) -> bool| {
            rows.iter().filter(|row| marks.get(row.id.as_str()).is_some_and(|mark| wanted(*mark))).count()
        };
        Self {
            tests: (rows.len() + unused).to_string(),
            failures: count(|mark| matches!(mark, Mark::Failed { .. })).to_string(),
            errors: count(|mark| matches!(mark, Mark::Broken)).to_string(),
            skipped: (count(|mark| matches!(mark, Mark::Undecided | Mark::Spare)) + unused).to_string(),
        }
    }
}

/// One key for all rows of a route: with the scheme where one scheme decided it, else the shortest.
fn key<'r>(column: &Column<'r>) -> &'r RouteKey {
    let decided = column.rows.iter().find(|row| column.scheme.is_some() && row.route.scheme == column.scheme);
    let shortest = column.rows.iter().min_by_key(|row| row.route.key.0.len());
    &decided.or(shortest).copied().unwrap_or(column.rows[0]).route.key
}

#[expect(clippy::cast_precision_loss, reason = "no run takes longer than a double can count milliseconds")]
fn seconds(milliseconds: u64) -> f64 {
    milliseconds as f64 / 1000.0
}

/// One line without what XML has no character for, not even an escaped one (XML 1.0, section 2.2).
fn clean(text: &str) -> String {
    sanitize(text).replace(['\u{fffe}', '\u{ffff}'], "")
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn only_what_xml_has_is_left() {
        assert_eq!(clean("a\u{0}b\u{1b}c\u{fffe}d\u{ffff}e\nf"), "a\\u{0}b\\u{1b}cde\\u{a}f");
    }
}
