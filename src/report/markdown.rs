//! The report as Markdown in GitHub's dialect: for a pull request, a wiki or the summary of a CI step.
//!
//! In: a report and how the run ended. Out: what the table says, as text that a renderer keeps as text. Never: more than
//! such a summary may hold; a link or a tag that somebody on the network wrote.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::advice::{Advice, Numbers};
use super::columns::{Column, columns};
use super::outcome::{Conclusion, End};
use super::table::differing;
use super::table::impacts::{Meaning, meaning};
use super::table::lines::{bounded, lines};
use super::{Report, change, wording};
use crate::harmless::sanitize;
use crate::judge::Status;
use crate::report::counts::{and_more, plural};

/// GitHub takes 1 MiB per step; what follows a cut has to fit too.
const LARGEST: usize = 1 << 20;
const ROOM_FOR_THE_END: usize = 4 << 10;
/// Hosts and routes that one entry names.
const NAMED: usize = 50;

/// Writes `report`.
///
/// # Errors
/// What `out` says when it cannot take more.
pub fn write(report: &Report, end: End<'_>, out: &mut impl Write) -> io::Result<()> {
    let columns = columns(report);
    let numbers = Numbers::new(report);
    let mut text = Text::default();
    text.block(&format!("## {}", escaped(&sanitize(&report.answer.headline))));
    text.block(&escaped(&wording::counts(report)));
    for sentence in wording::script(report) {
        text.block(&escaped(&sentence));
    }
    for remark in &report.run.remarks {
        text.block(&escaped(remark));
    }
    if let Conclusion::Compared { unexpected } = end.conclusion
        && !unexpected.is_empty()
    {
        text.block("### Not as expected");
        for difference in differing(report, unexpected) {
            let (route, expected) = (escaped(&difference.route), escaped(difference.expected));
            let found = escaped(&difference.found());
            text.line(&format!("- {route}: expected {expected}, found {found}: {}", codes(&difference.hosts)));
        }
        text.line("");
    }
    if let Some(changes) = end.changes {
        text.block(&format!("### {}", escaped(&change::sentence(changes))));
        for group in change::groups(changes) {
            let (kind, route, words) = (group.kind.title(), escaped(group.route), escaped(&group.in_words()));
            text.line(&format!("- {kind}: {route}: {words}: {}", codes(&group.addresses)));
        }
        text.line("");
    }
    for (title, list) in numbers.advice(report, &columns) {
        if !list.is_empty() {
            text.block(&format!("### {title}"));
        }
        for advice in &list {
            text.block(&entry(advice));
        }
    }
    if report.rows.iter().any(|row| row.status != Status::Ok) {
        map(&mut text, &columns, &numbers);
        matrix(&mut text, &meaning(report, &columns));
        for sentence in wording::approaches(report) {
            text.block(&escaped(&sentence));
        }
    }
    if let Some(answer) = wording::first_change(report) {
        text.block(&format!("**{}**", escaped(&answer)));
    }
    let ending = format!("Exit {}: {}", end.exit, wording::ending(report, end.conclusion, end.ours));
    text.finish(&escaped(&ending));
    out.write_all(text.0.as_bytes())
}

/// Text that stops growing before it is too long for its reader.
#[derive(Default)]
struct Text(String);

impl Text {
    fn line(&mut self, line: &str) {
        if self.0.len() + line.len() + ROOM_FOR_THE_END < LARGEST {
            self.0.push_str(line);
            self.0.push('\n');
        } else if !self.0.ends_with(CUT) {
            self.0.push_str(CUT);
        }
    }

    /// A paragraph.
    fn block(&mut self, block: &str) {
        self.line(&format!("{block}\n"));
    }

    fn finish(&mut self, ending: &str) {
        self.0.push_str(ending);
        self.0.push('\n');
    }
}

const CUT: &str = "\n_Cut here, because a summary may not be longer: the whole report is in the other formats._\n\n";

fn entry(advice: &Advice<'_>) -> String {
    let mut text = format!("{}. **{}**", advice.number, escaped(&advice.title));
    if let Some(owner) = advice.owner {
        let _ = write!(text, " ({owner})");
    }
    // A hard line break.
    text.push('\\');
    let mut part = |line: &str| {
        let _ = write!(text, "\n   {line}");
    };
    part(&escaped(&advice.instruction));
    if let Some(why) = &advice.why {
        part(&escaped(why));
    }
    if !advice.routes.is_empty() {
        part(&format!("- on {}", listed(&advice.routes, escaped, ", ")));
    }
    if !advice.hosts.is_empty() {
        part(&format!("- for {}", codes(&advice.hosts)));
    }
    if let Some(seen) = &advice.seen {
        part(&format!("- seen: {}", escaped(seen)));
    }
    for note in &advice.notes {
        let hosts = if note.hosts.is_empty() { String::new() } else { format!(" {}", codes(&note.hosts)) };
        let source = note.code.as_ref().map(|name| format!(" ({})", code(name))).unwrap_or_default();
        part(&format!("- note: {}{hosts}{source}", escaped(&note.text)));
    }
    let numbers = advice.windows_errors.as_ref().map(|numbers| format!(" (in Windows' logs: {})", escaped(numbers)));
    part(&format!("- {}{}", code(&advice.code), numbers.unwrap_or_default()));
    text
}

fn map(text: &mut Text, columns: &[Column<'_>], numbers: &Numbers<'_>) {
    text.block("### Endpoints and routes");
    let heading: Vec<String> =
        columns.iter().map(|column| escaped(&wording::route_name(column.route(), column.scheme))).collect();
    text.line(&format!("| | {} |", heading.join(" | ")));
    text.line(&format!("|---|{}", "---|".repeat(columns.len())));
    let lines = lines(columns, numbers);
    let (lines, left_out) = bounded(lines, false);
    for line in lines {
        let cells: Vec<String> = line
            .cells
            .iter()
            .map(|cell| {
                let Some(cell) = cell else { return String::new() };
                let word = wording::status(cell.status);
                let word = if matches!(cell.status, Status::Blocked | Status::Intercepted) {
                    format!("**{word}**")
                } else {
                    word.to_owned()
                };
                let took = cell.took().filter(|_| matches!(cell.status, Status::Ok | Status::Degraded));
                let rest = took.unwrap_or_default() + " " + &escaped(&cell.reference);
                format!("{word} {}", rest.trim()).trim().to_owned()
            })
            .collect();
        text.line(&format!("| {} | {} |", code(&line.label), cells.join(" | ")));
    }
    text.line("");
    let more = left_out.ok + left_out.other;
    if more > 0 {
        text.block(&format!("{} are not shown.", plural(more, "more endpoint")));
    }
}

fn matrix(text: &mut Text, meaning: &Meaning) {
    if meaning.solutions.is_empty() {
        return;
    }
    text.block("### What it means");
    let heading: Vec<String> = meaning.versions.iter().map(|os| wording::versions(&[*os])).collect();
    text.line(&format!("| | {} |", heading.join(" | ")));
    text.line(&format!("|---|{}", "---|".repeat(meaning.versions.len())));
    for (solution, lines) in &meaning.solutions {
        let mut rows: Vec<_> =
            lines.iter().flat_map(|line| line.routes.iter().map(move |route| (route, line))).collect();
        rows.sort_by_key(|((place, _), _)| *place);
        for ((_, route), line) in rows {
            let cells: Vec<&str> = line.cells.iter().map(|status| status.map_or("", wording::impact)).collect();
            text.line(&format!("| {}: {} | {} |", solution.title(), escaped(route), cells.join(" | ")));
        }
    }
    text.line("");
}

fn codes(hosts: &[String]) -> String {
    listed(hosts, code, " ")
}

fn listed(list: &[String], form: impl Fn(&str) -> String, between: &str) -> String {
    let mut text = list.iter().take(NAMED).map(|one| form(one)).collect::<Vec<_>>().join(between);
    if list.len() > NAMED {
        text.push_str(&and_more(list.len() - NAMED));
    }
    text
}

/// Text in which nothing is a mark: every ASCII sign that Markdown knows is escaped (`CommonMark`, "Backslash escapes"),
/// and what makes tags, entities and mentions is written as an entity.
fn escaped(text: &str) -> String {
    let text = sanitize(text);
    let mut safe = String::with_capacity(text.len());
    // At the beginning of a line these make a list or a heading.
    let opening = text.trim_start_matches(|character: char| character.is_ascii_digit());
    let opening = text.len() - opening.len();
    for (at, character) in text.char_indices() {
        match character {
            '-' | '+' | '=' | '.' | ')' if at == opening => {
                safe.push('\\');
                safe.push(character);
            }
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '@' => safe.push_str("&#64;"),
            // `www.` and `scheme://` would become links.
            ':' if text[at..].starts_with("://") => safe.push_str("&#58;"),
            '.' if text[..at].to_ascii_lowercase().ends_with("www") => safe.push_str("&#46;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '#' | '|' | '~' | '!' | '$' => {
                safe.push('\\');
                safe.push(character);
            }
            other => safe.push(other),
        }
    }
    safe
}

/// A name as code, also inside a table.
fn code(text: &str) -> String {
    format!("`{}`", sanitize(text).replace('`', "'").replace('|', "\\|"))
}

#[cfg(test)]
mod tests {
    use super::{code, escaped};

    #[test]
    fn no_mark_of_another_takes_effect() {
        for (from_outside, written) in [
            ("<img src=x>", "&lt;img src=x&gt;"),
            ("[x](http://y)", "\\[x\\](http&#58;//y)"),
            ("a|b\n# c", "a\\|b\\\\u\\{a\\}\\# c"),
            ("- a", "\\- a"),
            ("see www.evil.example: now", "see www&#46;evil.example: now"),
            ("12. a-b.c", "12\\. a-b.c"),
            ("@admins **now** `rm`", "&#64;admins \\*\\*now\\*\\* \\`rm\\`"),
        ] {
            assert_eq!(escaped(from_outside), written);
        }
        assert_eq!(code("a`|`b"), "`a'\\|'b`");
    }
}
