//! `waprobe self-test`: every scenario of the lab, and what was recognised beside what was produced.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::run::quietly;
use super::{Exit, Failure, files, lab_world, show};
use crate::catalogue::{Complaints, OsSelection, Solution};
use crate::judge::{Cause, Status};
use crate::lab::{NOT_PRODUCIBLE, Scenario, scenarios};
use crate::report::Report;
use crate::report::expectation::Expectation;

/// Scenarios that run at once: some of them wait for a deadline.
const AT_ONCE: usize = 4;
/// In place of a code where nothing was produced, or nothing recognised.
const NOTHING: &str = "nothing";

/// What was produced, as what it was recognised, and where.
#[derive(Debug, Default)]
struct Matrix {
    cells: BTreeMap<(String, String), Vec<String>>,
    rows: usize,
}

pub(super) fn run() -> Result<Exit, Failure> {
    let started = Instant::now();
    let all = scenarios();
    let count = all.len();
    let queue = Mutex::new(all);
    let matrix = Mutex::new(Matrix::default());
    let otherwise = Mutex::new(Vec::new());
    let failure = Mutex::new(None);
    std::thread::scope(|threads| {
        for _ in 0..AT_ONCE {
            threads.spawn(|| {
                loop {
                    let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop();
                    let Some(scenario) = next else { return };
                    match recognise(&scenario) {
                        Ok(seen) => {
                            if !seen.is_diagonal() {
                                otherwise.lock().unwrap_or_else(PoisonError::into_inner).push(scenario);
                            }
                            matrix.lock().unwrap_or_else(PoisonError::into_inner).merge(seen);
                        }
                        Err(mistake) => {
                            failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(mistake);
                            return;
                        }
                    }
                }
            });
        }
    });
    if let Some(failure) = failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(failure);
    }
    let matrix = matrix.into_inner().unwrap_or_else(PoisonError::into_inner);
    let took = started.elapsed().as_secs_f32();
    // A wrong cell counts, whatever comes after it; that a scenario is right alone only says where to look.
    let mut right_alone = Vec::new();
    for scenario in otherwise.into_inner().unwrap_or_else(PoisonError::into_inner) {
        if recognise(&scenario)?.is_diagonal() {
            right_alone.push(scenario.name);
        }
    }
    files::print(|out| {
        matrix.write(out)?;
        writeln!(out, "\n{count} scenarios, {} rows, {took:.1} s", matrix.rows)?;
        if !right_alone.is_empty() {
            let names = right_alone.join(", ");
            writeln!(out, "Run again alone these came out as built, so that a busy machine may be why: {names}")?;
        }
        writeln!(out, "\nOf {} codes there is no scenario:", NOT_PRODUCIBLE.len())?;
        for (reason, codes) in reasons() {
            writeln!(out, "  {codes}: {reason}")?;
        }
        Ok(())
    })?;
    Ok(if matrix.is_diagonal() { Exit::Ok } else { Exit::Findings })
}

/// One scenario's part of the matrix.
fn recognise(scenario: &Scenario) -> Result<Matrix, Failure> {
    let world = lab_world::start(scenario.blueprint())?;
    let setup = lab_world::setup(&world, OsSelection::all(), Solution::ALL.to_vec());
    if scenario.ends_early {
        let recognised = match setup {
            Ok(_) => NOTHING.to_owned(),
            Err(Failure::Usage(text)) => told_in(&text),
            Err(failure) => return Err(failure),
        };
        let mut matrix = Matrix::default();
        for code in scenario.codes {
            matrix.add(code, &recognised, format!("{}: before there are rows", scenario.name));
        }
        return Ok(matrix);
    }
    let setup = setup?;
    let report = show::report_of(&mut quietly(setup)?);
    let broken = |complaints: Complaints| {
        Failure::Internal(format!("the expectation of scenario {} is broken\n{complaints}", scenario.name))
    };
    let expectation = Expectation::read(scenario.name, &world.expectation).map_err(broken)?.of_lab();
    let unexpected = expectation.compare(&report).map_err(broken)?;
    let mut matrix = Matrix { rows: report.rows.len(), ..Matrix::default() };
    for row in &report.rows {
        let place = format!("{}: {} over {}", scenario.name, row.endpoint, row.route.key);
        match unexpected.iter().find(|surprise| surprise.row == row.id) {
            None => matrix.add(&row.code, &row.code, place),
            Some(surprise) => {
                let produced = surprise.expected.rsplit(" with ").next().unwrap_or(NOTHING);
                matrix.add(produced, &format!("{} ({})", row.code, row.status), place);
            }
        }
    }
    matrix.add_findings(scenario, &report);
    Ok(matrix)
}

/// The code in the first line of what a user is told, where it stands in parentheses at the end.
fn told_in(text: &str) -> String {
    let first = text.lines().next().unwrap_or_default();
    let code = first.strip_suffix(')').and_then(|line| line.rsplit_once('(')).map(|(_, code)| code);
    code.filter(|code| Cause::from_code(code).is_some()).unwrap_or(NOTHING).to_owned()
}

impl Matrix {
    fn add(&mut self, produced: &str, recognised: &str, place: String) {
        self.cells.entry((produced.to_owned(), recognised.to_owned())).or_default().push(place);
    }

    fn merge(&mut self, other: Self) {
        self.rows += other.rows;
        for (cell, places) in other.cells {
            self.cells.entry(cell).or_default().extend(places);
        }
    }

    /// What stands in findings alone: remarks on rows that are ok, and what takes several rows to see.
    fn add_findings(&mut self, scenario: &Scenario, report: &Report) {
        let is_remark = |code: &str| Cause::from_code(code).is_some_and(|cause| cause.facts().status == Status::Ok);
        let told = |code: &str| report.findings.iter().any(|finding| finding.code == code);
        let remarks = scenario.codes.iter().filter(|code| is_remark(code));
        for code in remarks.chain(scenario.findings) {
            self.add(code, if told(code) { code } else { NOTHING }, format!("{}: findings", scenario.name));
        }
        for finding in report.findings.iter().filter(|finding| is_remark(&finding.code)) {
            if !scenario.codes.contains(&finding.code.as_str()) {
                self.add(NOTHING, &finding.code, format!("{}: findings", scenario.name));
            }
        }
    }

    fn is_diagonal(&self) -> bool {
        self.cells.keys().all(|(produced, recognised)| produced == recognised)
    }

    /// The cells that are not empty; those beside the diagonal last, with the rows that they come from.
    fn write(&self, out: &mut dyn Write) -> std::io::Result<()> {
        let width = self.cells.keys().map(|(produced, _)| produced.len()).max().unwrap_or_default();
        writeln!(out, "{:width$}  {:width$}  times", "produced", "recognised as")?;
        let (right, wrong): (Vec<_>, Vec<_>) =
            self.cells.iter().partition(|((produced, recognised), _)| produced == recognised);
        for ((produced, recognised), places) in right {
            writeln!(out, "{produced:width$}  {recognised:width$}  {:5}", places.len())?;
        }
        if wrong.is_empty() {
            return writeln!(out, "\nNo other cell has an entry: everything was recognised as what it is.");
        }
        writeln!(out, "\nwrong")?;
        for ((produced, recognised), places) in wrong {
            writeln!(out, "{produced:width$}  {recognised:width$}  {:5}", places.len())?;
            for place in places {
                writeln!(out, "    {place}")?;
            }
        }
        Ok(())
    }
}

/// The codes by the reason why no world on loopback has them.
fn reasons() -> Vec<(&'static str, String)> {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for (code, reason) in NOT_PRODUCIBLE {
        match reasons.iter_mut().find(|(known, _)| known == reason) {
            Some((_, codes)) => codes.push(code),
            None => reasons.push((reason, vec![code])),
        }
    }
    reasons.into_iter().map(|(reason, codes)| (reason, codes.join(", "))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_ends_before_its_first_row_is_known_by_the_code_that_it_ends_with() {
        for (text, code) in [
            ("http://a/p.pac: it did not arrive within 500 ms (pac.timeout)\nproxy team: look", "pac.timeout"),
            ("no script was found for corp.lab (pac.wpad_not_found)\n  http://wpad.corp.lab", "pac.wpad_not_found"),
            ("could not read it (today)", NOTHING),
            ("could not read it", NOTHING),
        ] {
            assert_eq!(told_in(text), code);
        }
    }

    #[test]
    fn a_cell_beside_the_diagonal_is_named_with_its_row() {
        let mut matrix = Matrix::default();
        matrix.add("ok", "ok", "healthy: v10c over direct".to_owned());
        assert!(matrix.is_diagonal());
        let mut other = Matrix::default();
        other.add("tls.sni_filtered", "tls.rst_after_hello (blocked)", "filtered: v10 over direct".to_owned());
        matrix.merge(other);
        assert!(!matrix.is_diagonal());
        let mut text = Vec::new();
        matrix.write(&mut text).expect("memory takes everything");
        let text = String::from_utf8(text).expect("UTF-8");
        assert!(text.contains("wrong\ntls.sni_filtered  tls.rst_after_hello (blocked)"), "{text}");
        assert!(text.contains("    filtered: v10 over direct"), "{text}");
    }
}
