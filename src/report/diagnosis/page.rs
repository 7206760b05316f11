//! The answer as paragraphs.

use std::fmt::Write as _;
use std::io;

use super::{Answer, Cause, Diagnosis, Part};
use crate::enroll::called;
use crate::harmless::sanitize;
use crate::report::enroll::solutions;
use crate::report::terminal::Layout;
use crate::report::terminal::page::Page;
use crate::report::terminal::paint::{Tone, toned};

/// Hosts that one paragraph names.
const NAMED_HOSTS: usize = 6;

/// Writes `diagnosis` for people.
///
/// # Errors
/// What `out` says when it cannot take more.
pub fn write(diagnosis: &Diagnosis, exit: u8, layout: Layout, out: &mut impl io::Write) -> io::Result<()> {
    let mut page = Page::new(layout);
    page.prose("", &toned(Tone::Heading, &diagnosis.headline));
    let windows = called(&diagnosis.os, diagnosis.os_name.as_deref());
    page.prose("  ", &sanitize(&format!("{windows} · {}", solutions(&diagnosis.solutions))));
    page.prose("  ", &sanitize(&format!("network seen from {}", diagnosis.network.seen_from)));
    page.gap();
    page.prose("Do first     ", &toned(Tone::Good, &sanitize(&diagnosis.first)));
    // Nothing comes of a device that no solution knows, however long one waits.
    if !diagnosis.solutions.is_empty() {
        page.prose("Then wait    ", &sanitize(&diagnosis.patience));
    }
    for (index, cause) in diagnosis.causes.iter().enumerate() {
        paragraph(&mut page, index + 1, cause);
    }
    if !diagnosis.network.routes.is_empty() {
        page.gap();
        page.line(toned(Tone::Heading, "The ways out that were tried"));
        for route in &diagnosis.network.routes {
            let line = format!("{}: {} of {} needed hosts reached", route.route, route.reached, route.tried);
            page.prose("  - ", &sanitize(&line));
        }
    }
    if !diagnosis.doubts.is_empty() {
        page.gap();
        page.line(toned(Tone::Heading, "How sure this is"));
        for doubt in &diagnosis.doubts {
            page.prose("  - ", &sanitize(doubt));
        }
    }
    page.gap();
    let ending = match diagnosis.answer {
        Answer::Absent | Answer::Incomplete => "there is something to change.",
        Answer::Unclear => "nothing found, and not everything seen.",
        Answer::Wait => "nothing to change.",
    };
    page.prose("", &format!("Exit {exit}: {ending}"));
    page.write(out)
}

fn paragraph(page: &mut Page, number: usize, cause: &Cause) {
    const INDENT: &str = "     ";
    page.gap();
    page.prose(&format!("  {number:<2} "), &toned(Tone::Bad, &sanitize(&cause.title)));
    if cause.why != cause.title {
        page.prose(INDENT, &sanitize(&cause.why));
    }
    if !cause.hosts.is_empty() {
        let mut hosts = cause.hosts.iter().take(NAMED_HOSTS).cloned().collect::<Vec<_>>().join(", ");
        if cause.hosts.len() > NAMED_HOSTS {
            let _ = write!(hosts, " and {} more", cause.hosts.len() - NAMED_HOSTS);
        }
        page.prose(INDENT, &sanitize(&format!("It hits {hosts}, over {}.", cause.routes.join(", "))));
    }
    let part = match cause.part {
        Part::Device => "this device's settings",
        Part::Network => "the network",
    };
    page.prose(INDENT, &toned(Tone::Good, &sanitize(&format!("→ {}: {}", cause.owner.as_str(), cause.remedy))));
    page.prose(INDENT, &toned(Tone::Aside, &sanitize(&format!("{} · {part}", cause.code))));
}
