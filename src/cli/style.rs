//! `--exit-style`: the end of the process for tools that know other numbers than ours.
//!
//! In: how a run ended in our own terms, and its report. Out: the exit code of Microsoft's deployment script, or that of a
//! monitoring plugin with its one line of text. Never: another verdict; a style only names what was found.

use std::ffi::OsString;

use clap::ValueEnum;

use super::Exit;
use crate::enroll::Checkup;
use crate::harmless::sanitize;
use crate::judge::Status;
use crate::report::outcome::{Conclusion, End};
use crate::report::{Report, Row, enroll, wording};

/// Whose numbers they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum ExitStyle {
    /// 0 clean, 1 findings, 2 usage, 3 inconclusive, 4 out of time, 5 internal, 130 interrupted.
    #[default]
    Default,
    /// The numbers of the Upgrade Readiness deployment script; `waprobe explain ur:12` says what one means.
    Ur,
    /// 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN, and without --format one line with counts on standard output.
    Nagios,
}

/// The script's own numbers.
mod ur {
    pub(super) const UNEXPECTED: u8 = 1;
    pub(super) const SERVICE_UNREACHABLE: u8 = 12;
    pub(super) const SETTINGS_UNREACHABLE: u8 = 13;
    pub(super) const CHECK_FAILED: u8 = 15;
    pub(super) const PROXY_AUTHENTICATION: u8 = 29;
    pub(super) const USER_MAY_NOT: u8 = 30;
}

/// The service that hands out settings, which the script asks apart from the others.
const SETTINGS_HOST: &str = "settings-win.data.microsoft.com";

impl ExitStyle {
    /// What a command line asks for, also one that turns out to be wrong elsewhere.
    pub fn of_arguments(arguments: &[OsString]) -> Self {
        const NAME: &str = "--exit-style";
        let value = arguments.iter().enumerate().find_map(|(index, argument)| match argument.to_str()? {
            NAME => arguments.get(index + 1)?.to_str().map(str::to_owned),
            other => other.strip_prefix(NAME)?.strip_prefix('=').map(str::to_owned),
        });
        value.and_then(|value| Self::from_str(&value, false).ok()).unwrap_or_default()
    }

    /// A run that has a report; `end` says which of its rows count as failed.
    pub fn of_run(self, exit: Exit, report: &Report, end: End<'_>) -> Exit {
        match self {
            Self::Default => exit,
            Self::Ur => match exit {
                Exit::Findings => Exit::Styled(blocked(report, end)),
                other => self.of_the_rest(other),
            },
            Self::Nagios
                if *end.conclusion == Conclusion::Clean
                    && end.fail_on.is_none()
                    && report.answer.status == Status::Degraded =>
            {
                Exit::Styled(if exit == Exit::Ok { 1 } else { self.of_the_rest(exit).code() })
            }
            Self::Nagios => self.of_the_rest(exit),
        }
    }

    /// A device's settings, with the script's number for the first of the findings. Deployment rules and monitoring read no text: to
    /// them a device of which too little is known is not in order.
    pub fn of_settings(self, checkup: &Checkup) -> Exit {
        let exit = if checkup.findings.is_empty() { Exit::Ok } else { Exit::Findings };
        match (self, checkup.findings.first()) {
            (Self::Ur, Some(first)) => Exit::Styled(first.ur_exit.unwrap_or(ur::UNEXPECTED)),
            (Self::Ur | Self::Nagios, None) if checkup.is_undecided() => self.of_the_rest(Exit::Inconclusive),
            _ => self.of_the_rest(exit),
        }
    }

    /// What ended without a report, or says all with its name.
    pub fn of_the_rest(self, exit: Exit) -> Exit {
        let code = match (self, exit) {
            (Self::Default, _) | (_, Exit::Ok | Exit::Styled(_)) => return exit,
            (Self::Ur, Exit::Partial | Exit::Inconclusive) => ur::CHECK_FAILED,
            (Self::Ur, _) => ur::UNEXPECTED,
            (Self::Nagios, Exit::Findings) => 2,
            (Self::Nagios, _) => 3,
        };
        Exit::Styled(code)
    }

    /// The line that a monitoring server shows, where the style has one.
    pub fn line(self, end: End<'_>, report: &Report) -> Option<String> {
        use std::fmt::Write as _;
        if self != Self::Nagios {
            return None;
        }
        // With an expectation or a list, those decide, and not the answer.
        let is_by_answer = end.fail_on.is_none() && !matches!(end.conclusion, Conclusion::Compared { .. });
        let text = if is_by_answer {
            report.answer.headline.clone()
        } else {
            wording::upper_first(&wording::ending(report, end.conclusion, end.ours))
        };
        let mut line = status_line(end.exit, &text);
        line.push_str(" |");
        for status in Status::ALL {
            let count = report.rows.iter().filter(|row| row.status == status).count();
            let _ = write!(line, " {}={count}", status.as_str());
        }
        let _ = writeln!(line, " time={}ms", report.run.duration_ms);
        Some(line)
    }

    /// The same for a device's settings.
    pub fn line_of_settings(self, exit: u8, checkup: &Checkup) -> Option<String> {
        (self == Self::Nagios).then(|| {
            let codes: Vec<&str> = checkup.findings.iter().map(|finding| finding.code.id()).collect();
            let named = if codes.is_empty() { String::new() } else { format!(" ({})", codes.join(", ")) };
            let counts = format!("findings={} not_checked={}", codes.len(), checkup.not_checked.len());
            format!("{}{named} | {counts}\n", status_line(exit, &enroll::headline(checkup)))
        })
    }

    /// The same for what never came to a report.
    pub fn line_of_failure(self, text: &str) -> Option<String> {
        (self == Self::Nagios).then(|| format!("{}\n", status_line(3, text.lines().next().unwrap_or_default())))
    }
}

/// A bar would begin the counts, and a line end the text.
fn status_line(exit: u8, text: &str) -> String {
    let state = ["OK", "WARNING", "CRITICAL"].get(usize::from(exit)).copied().unwrap_or("UNKNOWN");
    format!("WAPROBE {state}: {}", sanitize(text).replace('|', "/"))
}

/// Which of the script's connectivity errors the failed rows are.
fn blocked(report: &Report, end: End<'_>) -> u8 {
    let failed = end.failed(report);
    let is_switched_off = report.findings.iter().any(|finding| finding.code == "conf.user_auth_disabled");
    // Every row gets through, and none with a login that these devices send.
    if failed.is_empty() && is_switched_off {
        return ur::USER_MAY_NOT;
    }
    if failed.is_empty() && report.findings.iter().any(|finding| finding.code.starts_with("pauth.")) {
        return ur::PROXY_AUTHENTICATION;
    }
    let all = |fits: fn(&Row) -> bool| !failed.is_empty() && failed.iter().all(|row| fits(row));
    if all(|row| row.code.starts_with("pauth.")) {
        if is_switched_off { ur::USER_MAY_NOT } else { ur::PROXY_AUTHENTICATION }
    } else if all(|row| row.host == SETTINGS_HOST) {
        ur::SETTINGS_UNREACHABLE
    } else {
        ur::SERVICE_UNREACHABLE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_style_is_found_in_a_command_line_that_is_wrong_elsewhere() {
        let style = |text: &str| ExitStyle::of_arguments(&text.split(' ').map(OsString::from).collect::<Vec<_>>());
        assert_eq!(style("waprobe chekc --exit-style nagios"), ExitStyle::Nagios);
        assert_eq!(style("waprobe check --exit-style=ur --nonsense"), ExitStyle::Ur);
        assert_eq!(style("waprobe check --exit-style"), ExitStyle::Default);
        assert_eq!(style("waprobe check --exit-style magic"), ExitStyle::Default);
        assert_eq!(style("waprobe check"), ExitStyle::Default);
    }

    #[test]
    fn every_end_without_a_report_has_a_number_in_every_style() {
        let ends = [Exit::Ok, Exit::Findings, Exit::Usage, Exit::Inconclusive, Exit::Partial, Exit::Internal];
        let codes = |style: ExitStyle| ends.map(|exit| style.of_the_rest(exit).code());
        assert_eq!(codes(ExitStyle::Default), [0, 1, 2, 3, 4, 5]);
        assert_eq!(codes(ExitStyle::Ur), [0, 1, 1, 15, 15, 1]);
        assert_eq!(codes(ExitStyle::Nagios), [0, 2, 3, 3, 3, 3]);
    }

    #[test]
    fn the_line_of_a_monitoring_server_is_one_line_without_a_bar_in_its_text() {
        let line = ExitStyle::Nagios.line_of_failure("could not read a|b\u{1b}[31m\nand more").expect("a line");
        assert_eq!(line.lines().count(), 1);
        assert!(line.starts_with("WAPROBE UNKNOWN: could not read a/b"), "{line}");
        assert!(!line.contains('\u{1b}'), "{line:?}");
        assert_eq!(ExitStyle::Ur.line_of_failure("text"), None);
    }
}
