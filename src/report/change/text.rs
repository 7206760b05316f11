//! A comparison for people.

use std::io::{self, Write};

use super::{Change, Changes, Kind, State, Tendency};
use crate::harmless::sanitize;
use crate::report::counts::{and_more, plural};
use crate::report::terminal::Layout;
use crate::report::terminal::page::Page;
use crate::report::terminal::paint::{Tone, toned, unbroken};

/// Kinds of change that are told, and addresses of each.
const NAMED_CHANGES: usize = 30;
const NAMED_ADDRESSES: usize = 8;

/// Writes a comparison by itself, as `waprobe diff` shows it.
///
/// # Errors
/// What `out` says when it cannot take more.
pub fn write(changes: &Changes, exit: u8, layout: Layout, out: &mut impl Write) -> io::Result<()> {
    let mut page = Page::new(layout);
    page.prose("", &toned(Tone::Heading, &sentence(changes)));
    lines(&mut page, changes);
    page.gap();
    let meaning = match changes.tendency() {
        Tendency::Worse => "something is worse than before.",
        Tendency::Unclear => "nothing is known to be worse, but not everything can be compared.",
        Tendency::Good => "nothing is worse than before.",
    };
    page.prose("", &format!("Exit {exit}: {meaning}"));
    page.write(out)
}

/// The same below the map of a run.
pub(in crate::report) fn draw(page: &mut Page, changes: &Changes) {
    page.gap();
    page.prose("", &toned(Tone::Heading, &sentence(changes)));
    lines(page, changes);
}

/// `Since 2026-11-20T10:30:00Z 3 rows are worse and 1 is better; 41 are unchanged.`
pub(in crate::report) fn sentence(changes: &Changes) -> String {
    let counts: Vec<String> = Kind::ALL
        .into_iter()
        .filter_map(|kind| {
            let count = changes.rows.iter().filter(|row| row.kind == kind).count();
            let are = if count == 1 { "is" } else { "are" };
            let what = kind.title().to_lowercase();
            (count > 0).then(|| format!("{} {are} {what}", plural(count, "row")))
        })
        .collect();
    let since = sanitize(&changes.before);
    let unchanged = plural(changes.unchanged, "row");
    match counts.as_slice() {
        [] => format!("Nothing has changed since {since}: {unchanged} compared."),
        counts => format!("Since {since}: {}; {unchanged} unchanged.", counts.join(", ")),
    }
}

/// Rows of one route that changed in the same way.
pub(in crate::report) struct Group<'c> {
    pub kind: Kind,
    pub route: &'c str,
    before: Option<&'c State>,
    after: Option<&'c State>,
    pub addresses: Vec<String>,
}

impl Group<'_> {
    /// `ok → blocked with tcp.refused`.
    pub fn in_words(&self) -> String {
        match (self.before, self.after) {
            (Some(before), Some(after)) => format!("{} → {}", state(before), state(after)),
            (Some(one), None) | (None, Some(one)) => state(one),
            (None, None) => String::new(),
        }
    }
}

fn state(state: &State) -> String {
    if state.code == "ok" {
        sanitize(&state.status)
    } else {
        format!("{} with {}", sanitize(&state.status), sanitize(&state.code))
    }
}

/// The worst kind first.
pub(in crate::report) fn groups(changes: &Changes) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for change in &changes.rows {
        let Change { kind, route, before, after, url, .. } = change;
        let told = |state: &Option<State>| state.as_ref().map(|state| (state.status.clone(), state.code.clone()));
        let place = *places.entry((*kind, route.as_str(), told(before), told(after))).or_insert_with(|| {
            groups.push(Group {
                kind: *kind,
                route,
                before: before.as_ref(),
                after: after.as_ref(),
                addresses: Vec::new(),
            });
            groups.len() - 1
        });
        let address = if url.is_empty() { &change.endpoint } else { url };
        groups[place].addresses.push(sanitize(address.strip_prefix("https://").unwrap_or(address)));
    }
    groups.sort_by_key(|group| group.kind);
    groups
}

fn lines(page: &mut Page, changes: &Changes) {
    for remark in &changes.remarks {
        page.prose("  ", &sanitize(remark));
    }
    let groups = groups(changes);
    let mut heading = None;
    for group in groups.iter().take(NAMED_CHANGES) {
        if heading.replace(group.kind) != Some(group.kind) {
            page.gap();
            page.line(format!("  {}", toned(Tone::Heading, group.kind.title())));
        }
        let tone = match group.kind {
            Kind::Worse => Tone::Bad,
            Kind::Better => Tone::Good,
            Kind::New | Kind::Gone | Kind::Undecided | Kind::Changed => Tone::Doubtful,
        };
        page.prose("    ", &format!("{}: {}", unbroken(&sanitize(group.route)), toned(tone, &group.in_words())));
        let mut addresses = group.addresses.iter().take(NAMED_ADDRESSES).cloned().collect::<Vec<_>>().join("  ");
        if group.addresses.len() > NAMED_ADDRESSES {
            addresses.push_str(&and_more(group.addresses.len() - NAMED_ADDRESSES));
        }
        page.prose("      ", &addresses);
    }
    if groups.len() > NAMED_CHANGES {
        page.line(and_more(groups.len() - NAMED_CHANGES));
    }
}
