//! A report as far as a comparison needs it, read with room for what later versions add.

use serde::Deserialize;
use serde_json::Value;

use super::State;
use crate::report::{Report, SCHEMA};

/// A report of an earlier run, or of this one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Past {
    pub run: PastRun,
    pub rows: Vec<PastRow>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PastRun {
    pub started: String,
    #[serde(default)]
    pub os: String,
    #[serde(default)]
    pub catalogue: String,
    #[serde(default = "yes")]
    pub complete: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PastRow {
    pub endpoint: String,
    #[serde(default)]
    pub url: String,
    pub route: PastRoute,
    /// As text: a later version may know more of them.
    pub status: String,
    pub code: String,
    #[serde(default)]
    pub summary: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PastRoute {
    pub key: String,
    #[serde(default)]
    pub proxy: Option<String>,
    #[serde(default)]
    pub identity: Option<String>,
}

fn yes() -> bool {
    true
}

/// Endpoint, proxy and identity.
pub(super) type Way<'r> = (&'r str, Option<&'r str>, Option<&'r str>);

impl PastRow {
    pub(super) fn state(&self) -> State {
        State { status: self.status.clone(), code: self.code.clone(), summary: self.summary.clone() }
    }

    /// Where it leads, whatever scheme decides it.
    pub(super) fn way(&self) -> Way<'_> {
        (&self.endpoint, self.route.proxy.as_deref(), self.route.identity.as_deref())
    }
}

impl From<&Report> for Past {
    fn from(report: &Report) -> Self {
        let run = &report.run;
        Self {
            run: PastRun {
                started: run.started.clone(),
                os: run.os.clone(),
                catalogue: run.catalogue.clone(),
                complete: run.complete,
            },
            rows: report
                .rows
                .iter()
                .map(|row| PastRow {
                    endpoint: row.endpoint.clone(),
                    url: row.url.clone(),
                    route: PastRoute {
                        key: row.route.key.0.clone(),
                        proxy: row.route.proxy.clone(),
                        identity: row.route.identity.map(|identity| identity.to_string()),
                    },
                    status: row.status.to_string(),
                    code: row.code.clone(),
                    summary: row.summary.clone(),
                })
                .collect(),
        }
    }
}

/// Reads the JSON report of a run.
///
/// # Errors
/// What the text is instead, as a fragment that can follow its name and a colon.
pub fn read(text: &str) -> Result<Past, String> {
    if text.trim().is_empty() {
        return Err("it is empty: a report is written by --output json=FILE".to_owned());
    }
    let document: Value = match serde_json::from_str(text) {
        Ok(document) => document,
        Err(error) => {
            // Of the formats with an object per line the first line alone says what it is.
            let first: Option<Value> = text.lines().next().and_then(|line| serde_json::from_str(line).ok());
            if let Some(schema) = first.as_ref().and_then(schema) {
                return Err(other(schema));
            }
            return Err(if error.is_eof() {
                format!("it is cut off at line {}: whatever wrote it did not finish", error.line())
            } else {
                format!(
                    "it is not JSON (line {}, column {}): a report is written by --output json=FILE",
                    error.line(),
                    error.column()
                )
            });
        }
    };
    match schema(&document) {
        Some(SCHEMA) => {}
        Some(schema) => return Err(other(schema)),
        None => return Err(format!("it has no `schema`: this version reads `{SCHEMA}`")),
    }
    serde_json::from_value(document).map_err(|error| format!("it says `{SCHEMA}` and is none: {error}"))
}

fn schema(document: &Value) -> Option<&str> {
    document.get("schema")?.as_str()
}

fn other(schema: &str) -> String {
    let name: String = schema.chars().take(60).collect();
    match name.split('/').next() {
        Some("waprobe-recording") => {
            "it is a recording: `waprobe replay RECORDING --format json` makes a report of it".to_owned()
        }
        Some("waprobe-lines") => {
            "it is a report as lines: `--output json=FILE` writes the one to compare with".to_owned()
        }
        Some("waprobe-report") => {
            format!("it is a report of version `{name}`, and this version of waprobe reads `{SCHEMA}`")
        }
        _ => format!("its schema is `{name}`: this version of waprobe compares `{SCHEMA}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn what_is_no_report_is_called_what_it_is() {
        for (text, said) in [
            ("", "it is empty"),
            ("  \n", "it is empty"),
            ("<html>", "it is not JSON (line 1, column 1)"),
            ("{\"schema\": \"waprobe-report/1\",\n \"rows\": [", "it is cut off at line 2"),
            ("{}", "it has no `schema`"),
            ("[]", "it has no `schema`"),
            ("{\"schema\": \"waprobe-report/2\"}", "of version `waprobe-report/2`"),
            ("{\"schema\": \"waprobe-endpoints/1\"}", "its schema is `waprobe-endpoints/1`"),
            ("{\"schema\": \"waprobe-recording/1\"}\n{\"x\": 1}\n", "it is a recording"),
            ("{\"schema\": \"waprobe-lines/1\"}\n{}\n", "it is a report as lines"),
            ("{\"schema\": \"waprobe-report/1\"}", "is none: missing field `run`"),
        ] {
            let mistake = read(text).expect_err("no report");
            assert!(mistake.contains(said), "{text:?}: {mistake}");
        }
    }

    #[test]
    fn what_a_later_version_adds_is_no_hindrance() {
        let text = r#"{"schema": "waprobe-report/1", "new": 1, "run": {"started": "2026-01-01T00:00:00Z", "more": []},
            "rows": [{"endpoint": "a", "route": {"key": "direct", "kind": "tunnel"}, "status": "splendid", "code": "z.z"}]}"#;
        assert!(read(text).is_ok_and(|past| past.rows[0].status == "splendid" && past.run.complete));
    }
}
