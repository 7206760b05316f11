//! Every scenario by name, and the codes that no scenario on loopback can produce.

use super::{Scenario, story};

/// In the order of `waprobe lab list`.
#[must_use]
pub fn scenarios() -> Vec<Scenario> {
    vec![Scenario {
        name: "story",
        title: "Five proxies, and everything that goes right and wrong with them; this is what `check --lab` runs",
        codes: &["pauth.required", "proxy.denied_403", "intercepted.trusted", "intercepted.untrusted"],
        build: story,
    }]
}

/// Row codes that need more than loopback and no privileges, each with the reason.
pub const NOT_PRODUCIBLE: &[(&str, &str)] = &[];
