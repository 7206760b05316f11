//! What a run's end means to the shell.
//!
//! In: a report, and what counts as a finding or as expected. Out: a [`Conclusion`], which the command line turns into
//! an exit code. Never: a count in that code, which would wrap around.

use std::collections::{HashMap, HashSet};

use super::change::{Change, Changes};
use super::expectation::{Expectation, Unexpected};
use super::pattern::CodePattern;
use super::{Report, Row};
use crate::catalogue::{Complaints, closest, quotable};
use crate::judge::{Cause, Status};

/// The word that stands for what is worse than in the baseline.
const NEW: &str = "new";

/// How a run ended, the worst first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conclusion {
    /// Data is blocked or intercepted, or what `--fail-on` names instead was seen.
    Findings,
    /// A row that could decide the answer was not tested for lack of time.
    OutOfTime,
    /// The answer is open: a row that could decide it is inconclusive, or was not tested.
    Inconclusive,
    Clean,
    /// With an expectation it alone decides: these rows differ from it, none when all is as expected.
    Compared {
        unexpected: Vec<Unexpected>,
    },
}

/// How the run ended, for the renderers that tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End<'a> {
    pub conclusion: &'a Conclusion,
    /// The code with which the process will exit, in the numbers of whoever asked for them.
    pub exit: u8,
    /// The same in this program's own numbers, which say what happened.
    pub ours: u8,
    /// What counts as a finding in place of the answer; only without an expectation.
    pub fail_on: Option<&'a FailOn>,
    /// What changed since an earlier run, when there is one to compare with.
    pub changes: Option<&'a Changes>,
}

/// What a row is to a reader who knows only passed and failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark<'a> {
    Passed,
    Failed {
        /// What was expected in its place, with an expectation.
        expected: Option<&'a str>,
    },
    /// Inconclusive or not tested: neither of the two.
    Undecided,
    /// It did not get through, and that changes nothing: another way does, or nobody takes this one.
    Spare,
    /// This program itself failed.
    Broken,
}

/// Statuses and codes that count as a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailOn {
    statuses: Vec<Status>,
    codes: Vec<CodePattern>,
    /// What is worse than in the baseline.
    new: bool,
}

/// Weighs the whole report without an expectation, by its answer.
#[must_use]
pub fn conclude(report: &Report, fail_on: Option<&FailOn>, changes: Option<&Changes>) -> Conclusion {
    let budget = Cause::Budget.code();
    let needed = || report.rows.iter().filter(|row| row.needed);
    let is_undecided = |row: &Row| matches!(row.status, Status::Inconclusive | Status::NotTested);
    let (fails, is_open_question) = match fail_on {
        None => (report.answer.is_closed(), report.answer.is_undecided()),
        Some(list) => (list.fails(report, changes), report.answer.is_undecided() || needed().any(is_undecided)),
    };
    if fails {
        Conclusion::Findings
    } else if !is_open_question {
        Conclusion::Clean
    } else if needed().any(|row| row.status == Status::NotTested && row.code == budget) {
        Conclusion::OutOfTime
    } else {
        Conclusion::Inconclusive
    }
}

/// Weighs the report by an expectation alone.
///
/// # Errors
/// The entries of the expectation that match no row.
pub fn compare(report: &Report, expectation: &Expectation) -> Result<Conclusion, Complaints> {
    Ok(Conclusion::Compared { unexpected: expectation.compare(report)? })
}

impl Conclusion {
    /// Whether the end is good: exit code 0.
    #[must_use]
    pub fn is_good(&self) -> bool {
        match self {
            Self::Clean => true,
            Self::Compared { unexpected } => unexpected.is_empty(),
            Self::Findings | Self::OutOfTime | Self::Inconclusive => false,
        }
    }
}

impl<'a> End<'a> {
    /// The rows of `report` that count as failed.
    #[must_use]
    pub fn failed(self, report: &Report) -> Vec<&Row> {
        let marked = report.rows.iter().zip(self.marks(report));
        marked.filter(|(_, mark)| matches!(mark, Mark::Failed { .. })).map(|(row, _)| row).collect()
    }

    /// What each row of `report` is, in its order.
    pub(super) fn marks(self, report: &Report) -> impl Iterator<Item = Mark<'a>> {
        let internal = Cause::Internal.code();
        let mut differing: HashMap<&str, &'a str> = HashMap::new();
        let mut compared = false;
        // A finding that is on the list fails the rows that it rests on.
        let named: HashSet<&str> = report
            .findings
            .iter()
            .filter(|finding| self.fail_on.is_some_and(|list| list.names(None, &finding.code)))
            .flat_map(|finding| finding.rows.iter().map(String::as_str))
            .collect();
        if let Conclusion::Compared { unexpected } = self.conclusion {
            compared = true;
            differing = unexpected.iter().map(|one| (one.row.as_str(), one.expected.as_str())).collect();
        }
        let worse: HashSet<(&str, &str)> = self
            .changes
            .filter(|_| self.fail_on.is_some_and(FailOn::needs_baseline))
            .into_iter()
            .flat_map(|changes| &changes.rows)
            .filter(|change| change.is_regression())
            .map(|change| (change.endpoint.as_str(), change.route.as_str()))
            .collect();
        let is_closed = report.answer.is_closed();
        let fails = move |row: &Row| match self.fail_on {
            None => is_closed && row.needed && matches!(row.status, Status::Blocked | Status::Intercepted),
            Some(list) => {
                row.needed && list.names(Some(row.status), &row.code)
                    || named.contains(row.id.as_str())
                    || worse.contains(&(row.endpoint.as_str(), row.route.key.0.as_str()))
            }
        };
        report.rows.iter().map(move |row| match row.status {
            _ if row.code == internal => Mark::Broken,
            _ if compared => match differing.get(row.id.as_str()).copied() {
                None => Mark::Passed,
                expected => Mark::Failed { expected },
            },
            _ if fails(row) => Mark::Failed { expected: None },
            Status::Ok | Status::Degraded => Mark::Passed,
            _ if !row.needed => Mark::Spare,
            Status::Inconclusive | Status::NotTested => Mark::Undecided,
            // What a list does not name passes; without one, the answer can do without this row.
            Status::Blocked | Status::Intercepted if self.fail_on.is_some() => Mark::Passed,
            Status::Blocked | Status::Intercepted => Mark::Spare,
        })
    }
}

impl FailOn {
    /// Whether the list means anything only beside an earlier report.
    #[must_use]
    pub fn needs_baseline(&self) -> bool {
        self.new
    }

    /// Whether a row that could decide the answer is on the list, or a finding, or what is worse than before.
    fn fails(&self, report: &Report, changes: Option<&Changes>) -> bool {
        report.rows.iter().any(|row| row.needed && self.names(Some(row.status), &row.code))
            || report.findings.iter().any(|finding| self.names(None, &finding.code))
            || (self.new && changes.is_some_and(|changes| changes.rows.iter().any(Change::is_regression)))
    }

    /// Whether a row, or a finding (which has no status), is on the list.
    fn names(&self, status: Option<Status>, code: &str) -> bool {
        status.is_some_and(|status| self.statuses.contains(&status))
            || self.codes.iter().any(|pattern| pattern.matches(code))
    }

    /// Reads a list such as `intercepted,tcp.*`.
    ///
    /// # Errors
    /// The first word that is neither a status nor a code, with what was probably meant.
    pub fn read(list: &str) -> Result<Self, String> {
        let mut read = Self { statuses: Vec::new(), codes: Vec::new(), new: false };
        for word in list.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            if word == Status::Ok.as_str() {
                return Err("`ok` is no finding: name statuses or codes that shall fail".to_owned());
            }
            if word == NEW {
                read.new = true;
            } else if let Some(status) = Status::ALL.into_iter().find(|status| status.as_str() == word) {
                read.statuses.push(status);
            } else if word.contains('.') || word.contains('*') {
                let code = CodePattern::read(word)
                    .map_err(|mistake| format!("{}: {}", mistake.message, mistake.suggestion))?;
                // `*` and `o*` would call every row a finding.
                if code.matches("ok") {
                    return Err(format!("`{}` also means `ok`, and then every run fails", quotable(word)));
                }
                read.codes.push(code);
            } else {
                let statuses = Status::ALL.map(Status::as_str);
                return Err(match closest(word, statuses) {
                    Some(meant) => format!("`{}` is no status: did you mean `{meant}`?", quotable(word)),
                    None => format!(
                        "`{}` is neither a status ({}), nor a code such as tcp.*, nor `{NEW}`",
                        quotable(word),
                        statuses[1..].join(", ")
                    ),
                });
            }
        }
        if read.statuses.is_empty() && read.codes.is_empty() && !read.new {
            return Err("the list is empty: name statuses or codes, such as intercepted,tcp.*".to_owned());
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_what_fails_is_read_or_refused_with_what_was_meant() {
        let read = FailOn::read("intercepted, degraded,tcp.*").expect("readable");
        assert_eq!(read.statuses, [Status::Intercepted, Status::Degraded]);
        assert_eq!(read.codes.iter().map(CodePattern::as_str).collect::<Vec<_>>(), ["tcp.*"]);
        for (list, mistake) in [
            ("blokced", "`blokced` is no status: did you mean `blocked`?"),
            ("tcp.refuse", "`tcp.refuse` is no code: did you mean `tcp.refused`?"),
            ("ok", "`ok` is no finding: name statuses or codes that shall fail"),
            ("*", "`*` also means `ok`, and then every run fails"),
            (" , ", "the list is empty: name statuses or codes, such as intercepted,tcp.*"),
        ] {
            assert_eq!(FailOn::read(list), Err(mistake.to_owned()), "{list}");
        }
        assert!(FailOn::read("old").is_err_and(|mistake| mistake.contains("neither a status (degraded,")));
        assert!(FailOn::read("intercepted,new").is_ok_and(|list| list.needs_baseline()));
    }
}
