//! `waprobe endpoints list` for people: what has to be reachable, for whom, and whose certificate it must show.

use std::io::{self, Write};

use super::terminal::Layout;
use super::terminal::page::Page;
use super::terminal::paint::{Tone, toned};
use super::wording;
use crate::catalogue::{Lifecycle, ListedEndpoint, Listing, NeedLevel, TrustClass};
use crate::harmless::sanitize;
use crate::report::counts::plural;

/// Writes `listing`; endpoints that differ in nothing but their address share an entry.
///
/// # Errors
/// What `out` says when it cannot take more.
pub fn write(listing: &Listing, layout: Layout, out: &mut impl Write) -> io::Result<()> {
    let mut page = Page::new(layout);
    let mut entries: Vec<Vec<&ListedEndpoint>> = Vec::new();
    for endpoint in &listing.endpoints {
        match entries.last_mut() {
            Some(entry) if are_alike(entry[0], endpoint) => entry.push(endpoint),
            _ => entries.push(vec![endpoint]),
        }
    }
    for entry in &entries {
        page.gap();
        for endpoint in entry {
            let name = toned(Tone::Heading, &sanitize(&endpoint.name));
            page.prose("", &format!("{name}  {}", sanitize(&endpoint.url)));
        }
        facts(&mut page, entry[0]);
    }
    page.gap();
    page.line(plural(listing.endpoints.len(), "endpoint"));
    page.write(out)
}

fn are_alike(one: &ListedEndpoint, other: &ListedEndpoint) -> bool {
    !one.function.is_empty()
        && one.function == other.function
        && one.trust == other.trust
        && one.lifecycle == other.lifecycle
        && one.solutions == other.solutions
        && one.os == other.os
}

fn facts(page: &mut Page, endpoint: &ListedEndpoint) {
    if !endpoint.function.is_empty() {
        page.prose("    ", &sanitize(&endpoint.function));
    }
    for (level, label) in [(NeedLevel::Required, "required by "), (NeedLevel::Improves, "improves ")] {
        let solutions: Vec<&str> = endpoint
            .solutions
            .iter()
            .filter(|(_, need)| **need == level)
            .map(|(solution, _)| solution.title())
            .collect();
        if !solutions.is_empty() {
            page.prose("    ", &format!("{label}{}", solutions.join(", ")));
        }
    }
    if !endpoint.os.is_empty() {
        page.prose("    ", &format!("used by {}", wording::versions(&endpoint.os)));
    }
    if !endpoint.trust.is_empty() {
        let classes: Vec<&str> = endpoint.trust.iter().map(|class| root(*class)).collect();
        page.prose("    ", &format!("its certificate must lead to {}", classes.join(" or ")));
    }
    if endpoint.lifecycle == Lifecycle::Retired {
        page.prose("    ", "retired: that it is gone is no fault of the network");
    }
}

fn root(class: TrustClass) -> &'static str {
    match class {
        TrustClass::MicrosoftApplicationRoot => "Microsoft's private root (microsoft-application-root)",
        TrustClass::MicrosoftPublic => "a public root that Microsoft documents (microsoft-public)",
    }
}
