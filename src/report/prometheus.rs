//! The report in Prometheus' text format, for the textfile collector of its node exporter.
//!
//! In: a report. Out: metrics in base units, whose labels take few values: an endpoint's name, a route, a status, a code.
//! Never: a sentence as a label; the report has those.

use std::fmt::Write as _;
use std::io::{self, Write};

use jiff::Timestamp;

use super::{Report, Row, Timings, word};
use crate::harmless::sanitize;
use crate::judge::Status;

/// Writes the metrics of `report`.
///
/// # Errors
/// What `out` says when it cannot take more.
pub fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let mut out = io::BufWriter::new(out);
    for (name, help, samples) in [
        (
            "waprobe_success",
            "Whether diagnostic data gets out to the endpoint over the route (status ok or degraded).",
            Box::new(successes(report)) as Box<dyn Iterator<Item = (Labels, f64)>>,
        ),
        (
            "waprobe_failure_info",
            "Why a row is not ok; the code is explained by waprobe explain.",
            Box::new(failures(report)),
        ),
        ("waprobe_stage_duration_seconds", "How long each stage of a probe took.", Box::new(durations(report))),
        ("waprobe_probe_duration_seconds", "How long a probe took as a whole.", Box::new(totals(report))),
        ("waprobe_chain_class_info", "Which kind of root the certificate chain leads to.", Box::new(classes(report))),
        (
            "waprobe_cert_not_after_timestamp_seconds",
            "When the certificate of whoever answers expires.",
            Box::new(expiries(report)),
        ),
        (
            "waprobe_run_complete",
            "Whether everything that was planned was tested.",
            Box::new(std::iter::once((Labels::default(), f64::from(u8::from(report.run.complete))))),
        ),
        (
            "waprobe_run_duration_seconds",
            "How long the run took.",
            Box::new(std::iter::once((Labels::default(), seconds(report.run.duration_ms)))),
        ),
        ("waprobe_last_run_timestamp_seconds", "When the run ended.", Box::new(ended(report))),
        (
            "waprobe_build_info",
            "The version that made these metrics.",
            Box::new(std::iter::once((Labels::default().and("version", &report.tool.version), 1.0))),
        ),
    ] {
        let mut samples = samples.peekable();
        if samples.peek().is_none() {
            continue;
        }
        writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge")?;
        for (labels, value) in samples {
            writeln!(out, "{name}{} {value}", labels.0.map_or_else(String::new, |list| format!("{{{list}}}")))?;
        }
    }
    out.flush()
}

fn successes(report: &Report) -> impl Iterator<Item = (Labels, f64)> {
    let gets_out = |row: &Row| f64::from(u8::from(matches!(row.status, Status::Ok | Status::Degraded)));
    report.rows.iter().map(move |row| (Labels::of(row), gets_out(row)))
}

fn failures(report: &Report) -> impl Iterator<Item = (Labels, f64)> {
    report
        .rows
        .iter()
        .filter(|row| row.status != Status::Ok)
        .map(|row| (Labels::of(row).and("status", row.status.as_str()).and("code", &row.code), 1.0))
}

fn durations(report: &Report) -> impl Iterator<Item = (Labels, f64)> {
    report.rows.iter().flat_map(|row| {
        let Timings { dns, tcp, proxy, tls, http, total: _ } = row.timings_ms;
        [("dns", dns), ("tcp", tcp), ("proxy", proxy), ("tls", tls), ("http", http)]
            .into_iter()
            .filter_map(|(stage, time)| Some((Labels::of(row).and("stage", stage), in_seconds(time?))))
    })
}

fn totals(report: &Report) -> impl Iterator<Item = (Labels, f64)> {
    report.rows.iter().filter_map(|row| Some((Labels::of(row), in_seconds(row.timings_ms.total?))))
}

fn classes(report: &Report) -> impl Iterator<Item = (Labels, f64)> {
    report.rows.iter().filter_map(|row| {
        let reached = word(&row.chain.as_ref()?.reached);
        Some((Labels::of(row).and("class", &reached), 1.0))
    })
}

fn expiries(report: &Report) -> impl Iterator<Item = (Labels, f64)> {
    report.rows.iter().filter_map(|row| {
        let leaf = row.chain.as_ref()?.certificates.first()?;
        let expires: Timestamp = leaf.not_after.parse().ok()?;
        Some((Labels::of(row), since_epoch(expires)))
    })
}

fn ended(report: &Report) -> impl Iterator<Item = (Labels, f64)> {
    let started: Option<Timestamp> = report.run.started.parse().ok();
    started.into_iter().map(|moment| (Labels::default(), since_epoch(moment) + seconds(report.run.duration_ms)))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds since 1970 fit into a double for longer than calendars do"
)]
fn since_epoch(moment: Timestamp) -> f64 {
    moment.as_millisecond() as f64 / 1000.0
}

/// Without the digits that only the division makes.
fn in_seconds(milliseconds: f64) -> f64 {
    (milliseconds * 1000.0).round() / 1_000_000.0
}

#[expect(clippy::cast_precision_loss, reason = "no run takes longer than a double can count milliseconds")]
fn seconds(milliseconds: u64) -> f64 {
    milliseconds as f64 / 1000.0
}

/// The labels between the braces; `None` without any.
#[derive(Default)]
struct Labels(Option<String>);

impl Labels {
    /// What tells a row from all others: a series must not stand twice in one file. The route's key is the one that
    /// expectations and other reports name.
    fn of(row: &Row) -> Self {
        let route = &row.route;
        Self::default()
            .and("endpoint", &row.endpoint)
            .and("path", route.proxy.as_deref().unwrap_or("direct"))
            .and("identity", route.identity.map_or("", crate::plan::Identity::as_str))
            .and("scheme", route.scheme.map_or("", crate::plan::Scheme::as_str))
            .and("route", &route.key.0)
    }

    fn and(mut self, name: &str, value: &str) -> Self {
        let list = self.0.get_or_insert_default();
        if !list.is_empty() {
            list.push(',');
        }
        let value = sanitize(value).replace('\\', r"\\").replace('"', "\\\"");
        let _ = write!(list, "{name}=\"{value}\"");
        self
    }
}

#[cfg(test)]
mod tests {
    use super::Labels;

    #[test]
    fn no_label_ends_early_or_begins_a_new_line() {
        let labels = Labels::default().and("code", "a\"} 1\nforged{x=\"y").and("path", r"c:\");
        assert_eq!(labels.0.as_deref(), Some(r#"code="a\"} 1\\u{a}forged{x=\"y",path="c:\\""#));
    }
}
