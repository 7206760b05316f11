//! What applying or undoing a plan changes, or has changed, for the person at the device.
//!
//! In: changes or restorations, and whether they were made. Out: one sentence, then every value with where it stands, what it
//! is and what it becomes, then where the backup lies and what to do next. Never: a registry.

use std::io::{self, Write};

use super::terminal::Layout;
use super::terminal::page::Page;
use super::terminal::paint::{Tone, toned};
use crate::enroll::apply::{Backup, Changes, Failed, Restoration, Restored, shown};
use crate::enroll::plan::Plan;
use crate::enroll::waiting::AFTER_SENDING;
use crate::harmless::sanitize;

/// What surrounds a list of changes.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Whether it was done, or only looked at.
    pub is_done: bool,
    pub backup: &'a str,
    /// The command that puts everything back from there.
    pub undo: &'a str,
    pub exit: u8,
}

const INDENT: &str = "     ";

/// Writes what `plan` changes; an `earlier` backup is what an undo goes back to.
///
/// # Errors
/// What `out` says when it cannot take more.
pub fn changes(
    plan: &Plan,
    (changes, earlier): (&Changes, Option<&Backup>),
    facts: Facts<'_>,
    layout: Layout,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut page = Page::new(layout);
    let count = changes.changes.len();
    let headline = match (count, facts.is_done) {
        (0, _) => "Nothing to do: every value is as planned.".to_owned(),
        (count, true) => format!("Written: {}.", values(count)),
        (count, false) => format!("Nothing was written. {} would change; --yes writes.", capitalised(&values(count))),
    };
    page.prose("", &toned(Tone::Heading, &headline));
    let solutions: Vec<&str> = plan.solutions.iter().map(|solution| solution.id()).collect();
    page.prose("  ", &format!("{} · {}", sanitize(&plan.windows), solutions.join(", ")));
    for (index, change) in changes.changes.iter().enumerate() {
        let verbs = if facts.is_done { ["was     ", "is      "] } else { ["is      ", "becomes "] };
        value(&mut page, index + 1, change.name, change.key);
        page.prose(&format!("{INDENT}{}", verbs[0]), &sanitize(&shown(change.before.as_ref())));
        page.prose(&format!("{INDENT}{}", verbs[1]), &toned(Tone::Good, &sanitize(&shown(Some(&change.after)))));
        page.prose(&format!("{INDENT}why     "), &sanitize(&change.why));
        let saved = earlier.and_then(|earlier| earlier.saved(change.key, change.name));
        if let Some(saved) =
            saved.filter(|saved| ![&saved.before, &Some(saved.after.clone())].contains(&&change.before))
        {
            let lost = format!(
                "somebody changed it since waprobe's first change: an undo goes back to {}, and {} is kept nowhere",
                shown(saved.before.as_ref()),
                shown(change.before.as_ref())
            );
            page.prose(&format!("{INDENT}note    "), &sanitize(&lost));
        }
    }
    page.gap();
    if !changes.unchanged.is_empty() {
        page.prose("As planned   ", &changes.unchanged.join(", "));
    }
    for standing in &changes.contradicting {
        page.prose(
            "In the way   ",
            &format!(
                "{}\\{} is {}. The policy wins over it, and the deployment script stops there all the same: delete it, or \
                 set it to the same.",
                standing.key,
                standing.name,
                sanitize(&shown(Some(&standing.value)))
            ),
        );
    }
    if count > 0 {
        after_changes(&mut page, facts, earlier);
    }
    let ending = match (count, facts.is_done, changes.contradicting.len()) {
        (1.., false, _) => "changes are pending.".to_owned(),
        (_, _, 0) => "every value is as planned.".to_owned(),
        (_, _, 1) => "every value is as planned, and one preference is in the way.".to_owned(),
        (_, _, several) => format!("every value is as planned, and {several} preferences are in the way."),
    };
    page.prose("", &format!("Exit {}: {ending}", facts.exit));
    page.write(out)
}

fn after_changes(page: &mut Page, facts: Facts<'_>, earlier: Option<&Backup>) {
    let backup = sanitize(facts.backup);
    let when =
        earlier.map_or_else(String::new, |earlier| format!(" before waprobe's first change, of {}", earlier.made));
    if facts.is_done {
        page.prose(
            "Backup       ",
            &format!("{backup}; `{}` puts everything back as it was{when}.", sanitize(facts.undo)),
        );
        page.prose(
            "Next         ",
            &format!(
                "`waprobe diagnose` says whether anything else keeps this device from appearing, `waprobe enroll scan` starts the \
                 first full scan. {AFTER_SENDING} Where a domain's group policy sets the same values, its next refresh writes \
                 over these: change them there."
            ),
        );
    } else {
        page.prose(
            "Backup       ",
            &format!("{backup}, written before the first change; what an earlier run kept there stays in it."),
        );
        page.prose("Careful      ", crate::enroll::plan::WARNING);
    }
}

/// Writes what an undo changes; `restored` is what became of it, `None` when it was only looked at.
///
/// # Errors
/// What `out` says when it cannot take more.
pub fn restorations(
    backup: &Backup,
    restorations: &[Restoration<'_>],
    restored: Option<&Restored>,
    facts: Facts<'_>,
    layout: Layout,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut page = Page::new(layout);
    let failed = restored.is_some_and(|restored| !restored.failures.is_empty());
    let headline = match (restorations.len(), restored) {
        (_, Some(_)) if failed => "Not everything could be put back.".to_owned(),
        (0, Some(_)) => "Every value was as before waprobe's first change already.".to_owned(),
        (_, Some(_)) => "Everything is as it was before waprobe's first change.".to_owned(),
        (0, None) => "Nothing was written. Every value is as it was; --yes puts the backup aside.".to_owned(),
        (count, None) => {
            format!("Nothing was written. {} would be put back; --yes writes.", capitalised(&values(count)))
        }
    };
    page.prose("", &toned(if failed { Tone::Bad } else { Tone::Heading }, &headline));
    page.prose("  ", &format!("backup of {}", backup.made));
    for (index, restoration) in restorations.iter().enumerate() {
        let saved = restoration.saved;
        let verbs = if facts.is_done { ["was     ", "is      "] } else { ["is      ", "becomes "] };
        value(&mut page, index + 1, saved.name, saved.key);
        page.prose(&format!("{INDENT}{}", verbs[0]), &sanitize(&shown(restoration.current.as_ref())));
        let stays = |failure: &Failed| failure.name == Some(saved.name) && failure.key == saved.key;
        if restored.is_some_and(|restored| restored.failures.iter().any(stays)) {
            page.prose(
                &format!("{INDENT}stays   "),
                &toned(Tone::Bad, "so, because it could not be put back: see below"),
            );
        } else {
            page.prose(&format!("{INDENT}{}", verbs[1]), &toned(Tone::Good, &sanitize(&shown(saved.before.as_ref()))));
        }
        if restoration.current.as_ref() != Some(&saved.after) {
            let wrote = format!("somebody changed it since: waprobe wrote {}", shown(Some(&saved.after)));
            page.prose(&format!("{INDENT}note    "), &sanitize(&wrote));
        }
    }
    page.gap();
    for (label, keys, note) in match restored {
        None => vec![("Keys         ", &backup.created_keys, " (made by waprobe; it goes if it is empty)")],
        Some(restored) => vec![
            ("Removed      ", &restored.removed_keys, ""),
            ("Kept         ", &restored.kept_keys, " (made by waprobe, and something else stands in it by now)"),
        ],
    } {
        for key in keys {
            page.prose(label, &sanitize(&format!("{key}{note}")));
        }
    }
    for failure in restored.iter().flat_map(|restored| &restored.failures) {
        page.prose("Failed       ", &toned(Tone::Bad, &sanitize(&failure.to_string())));
    }
    let place = match (failed, facts.is_done) {
        (true, _) => "stays where it is: run this again once the registry can be written",
        (false, true) => "was put aside; the next apply begins a new one",
        (false, false) => "is put aside after that",
    };
    page.prose("Backup       ", &format!("{}, which {place}.", sanitize(facts.backup)));
    let ending = match (failed, facts.is_done) {
        (true, _) => "not everything was put back.",
        (false, true) => "as before.",
        (false, false) => "there is something to undo.",
    };
    page.prose("", &format!("Exit {}: {ending}", facts.exit));
    page.write(out)
}

fn value(page: &mut Page, number: usize, name: &str, key: &str) {
    page.gap();
    page.prose(&format!("  {number:<2} "), &toned(Tone::Heading, &sanitize(name)));
    page.prose(&format!("{INDENT}where   "), &sanitize(key));
}

fn values(count: usize) -> String {
    if count == 1 { "one value".to_owned() } else { format!("{count} values") }
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}
