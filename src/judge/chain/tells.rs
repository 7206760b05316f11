//! Hints that somebody re-signs, or that a server is set up carelessly. Shown, and never what decides.

use jiff::SignedDuration;

use super::Facts;
use crate::catalogue::TrustClass;
use crate::certificate::Certificate;

/// A certificate made on the fly is younger than this; a CA's is seldom met on its first day.
const FRESH: SignedDuration = SignedDuration::from_hours(24);

/// The certificate is made out for other hosts than the one that was asked for. Inspection copies the name, so that this is
/// a server of its own: a sign-in portal, a block page, the wrong address.
pub const OTHER_NAME: &str = "other-name";

const MOST_LOOKED_AT: usize = 64;

/// The stable names of the hints that this chain gives.
pub(super) fn tells(facts: &Facts<'_>) -> Vec<&'static str> {
    let mut tells = Vec::new();
    let chain = &facts.question.chain[..facts.question.chain.len().min(MOST_LOOKED_AT)];
    let Some(leaf) = chain.first().and_then(Certificate::fields) else { return tells };
    let age = facts.question.at.duration_since(leaf.not_before);
    if !age.is_negative() && age < FRESH {
        tells.push("fresh-leaf");
    }
    if facts.question.expected == [TrustClass::MicrosoftPublic] && !leaf.has_timestamps {
        tells.push("no-sct");
    }
    if !facts.is_for_host() {
        tells.push(OTHER_NAME);
    }
    let places: Vec<usize> =
        facts.path().iter().filter_map(|step| chain.iter().position(|sent| sent == step)).collect();
    if places.windows(2).any(|pair| pair[0] > pair[1]) {
        tells.push("misordered");
    }
    if chain.iter().enumerate().any(|(index, sent)| chain[..index].contains(sent)) {
        tells.push("duplicated");
    }
    if chain.iter().any(|sent| is_beside_the_path(sent, facts)) {
        tells.push("extra");
    }
    if facts.path().iter().any(|step| !chain.contains(step)) {
        tells.push("short");
    }
    tells
}

/// A certificate that was sent and is neither on the path nor another form of what is.
fn is_beside_the_path(sent: &Certificate, facts: &Facts<'_>) -> bool {
    let Some(fields) = sent.fields() else { return true };
    !facts
        .path()
        .iter()
        .chain(facts.anchor())
        .filter_map(Certificate::fields)
        .any(|step| step.subject_der == fields.subject_der || step.issuer_der == fields.subject_der)
}
