//! The rows as a table for spreadsheets: comma-separated, lines ended as RFC 4180 says.
//!
//! In: a report. Out: a heading and a line per row. Never: a cell that a spreadsheet would take for a formula, because some
//! of the text comes from whoever answers on the network.

use std::collections::HashMap;
use std::io::{self, Write};

use csv::{Terminator, WriterBuilder};

use super::{Finding, Report, Row, word};
use crate::harmless::sanitize;

const HEADINGS: [&str; 26] = [
    "started",
    "endpoint",
    "host",
    "port",
    "url",
    "route",
    "proxy",
    "identity",
    "scheme",
    "mechanism",
    "status",
    "code",
    "stage",
    "required",
    "summary",
    "owner",
    "remedy",
    "chain_reached",
    "issuer",
    "product",
    "dns_ms",
    "tcp_ms",
    "proxy_ms",
    "tls_ms",
    "http_ms",
    "total_ms",
];

/// Writes the rows of `report`.
///
/// # Errors
/// What `out` says when it cannot take more.
pub fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let mut findings: HashMap<&str, &Finding> = HashMap::new();
    for finding in &report.findings {
        for row in &finding.rows {
            findings.entry(row).or_insert(finding);
        }
    }
    let mut out = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(out);
    out.write_record(HEADINGS).map_err(broken)?;
    for row in &report.rows {
        out.write_record(cells(report, row, findings.get(row.id.as_str()).copied())).map_err(broken)?;
    }
    out.flush()
}

fn cells(report: &Report, row: &Row, finding: Option<&Finding>) -> [String; HEADINGS.len()] {
    let (route, times) = (&row.route, &row.timings_ms);
    let chain = row.chain.as_ref();
    let issuer = chain.and_then(|chain| chain.certificates.first()).map(|leaf| leaf.issuer.as_str());
    let number = |time: Option<f64>| time.map(|time| time.to_string()).unwrap_or_default();
    [
        text(&report.run.started),
        text(&row.endpoint),
        text(&row.host),
        row.port.to_string(),
        text(&row.url),
        text(&route.key.0),
        text(route.proxy.as_deref().unwrap_or_default()),
        route.identity.map(|identity| identity.to_string()).unwrap_or_default(),
        route.scheme.map(|scheme| scheme.to_string()).unwrap_or_default(),
        route.mechanism.map(|mechanism| mechanism.to_string()).unwrap_or_default(),
        row.status.to_string(),
        text(&row.code),
        word(&row.stage),
        row.required.to_string(),
        text(&row.summary),
        finding.map(|finding| finding.owner.to_string()).unwrap_or_default(),
        finding.map(|finding| text(&finding.remedy)).unwrap_or_default(),
        chain.map(|chain| word(&chain.reached)).unwrap_or_default(),
        text(issuer.unwrap_or_default()),
        text(
            chain
                .and_then(|chain| chain.product.as_deref())
                .or_else(|| finding?.product.as_deref())
                .unwrap_or_default(),
        ),
        number(times.dns),
        number(times.tcp),
        number(times.proxy),
        number(times.tls),
        number(times.http),
        number(times.total),
    ]
}

/// One line of text that no spreadsheet calculates: an apostrophe makes a formula a text (OWASP, "CSV Injection").
fn text(text: &str) -> String {
    let text = sanitize(text);
    match text.trim_start().chars().next() {
        Some('=' | '+' | '-' | '@' | '\u{ff1d}' | '\u{ff0b}' | '\u{ff0d}' | '\u{ff20}') => format!("'{text}"),
        _ => text,
    }
}

fn broken(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn nothing_is_calculated_and_nothing_begins_a_new_line() {
        for (from_outside, cell) in [
            ("=HYPERLINK(\"http://evil.example\")", "'=HYPERLINK(\"http://evil.example\")"),
            ("+1", "'+1"),
            ("-2+3", "'-2+3"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("  =1", "'  =1"),
            ("＝1", "'＝1"),
            ("\t=1", "\\u{9}=1"),
            ("a\r\nb", "a\\u{d}\\u{a}b"),
            ("plain, \"quoted\"", "plain, \"quoted\""),
            ("", ""),
        ] {
            assert_eq!(text(from_outside), cell);
        }
    }
}
