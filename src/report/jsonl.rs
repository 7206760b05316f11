//! The report as JSON Lines, for programs that read logs: one object per line, each complete in itself.
//!
//! In: a report. Out: a line for the run, one per row, finding and impact, as in the JSON report, each with its `type` and
//! the moment at which the run started. Never: a reference that only another line could resolve, beside the ids of rows.

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use super::{Finding, Impact, Report, Row, Run, Tool};

/// The name of this format; additions keep it, anything else changes it.
pub const SCHEMA: &str = "waprobe-lines/1";

/// One line.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub struct Line<'r> {
    /// `waprobe-lines/1`.
    #[schemars(extend("const" = SCHEMA))]
    schema: &'static str,
    /// When the run started: RFC 3339, UTC.
    started: &'r str,
    #[serde(flatten)]
    content: Content<'r>,
}

/// What a line is about.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
enum Content<'r> {
    Run { tool: &'r Tool, run: &'r Run },
    Row { row: &'r Row },
    Finding { finding: &'r Finding },
    Impact { impact: &'r Impact },
}

/// Writes `report`, a line at a time.
///
/// # Errors
/// What `out` says when it cannot take more.
pub fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let mut out = io::BufWriter::new(out);
    let run = Content::Run { tool: &report.tool, run: &report.run };
    let rows = report.rows.iter().map(|row| Content::Row { row });
    let findings = report.findings.iter().map(|finding| Content::Finding { finding });
    let impacts = report.impacts.iter().map(|impact| Content::Impact { impact });
    for content in std::iter::once(run).chain(rows).chain(findings).chain(impacts) {
        let line = Line { schema: SCHEMA, started: &report.run.started, content };
        super::json::write_line(&line, &mut out)?;
        out.write_all(b"\n")?;
    }
    out.flush()
}
