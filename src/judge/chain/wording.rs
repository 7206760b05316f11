//! What is said about a chain: one sentence, and the facts behind it, a line each.

use jiff::Timestamp;

use super::path::End;
use super::signature::obstacle;
use super::table::TableRow;
use super::{Facts, Naming, Proof};
use crate::catalogue::TrustClass;
use crate::certificate::place::RootPlace;
use crate::certificate::{Certificate, Fields};
use crate::judge::Cause;
use crate::observation::Signature;

/// Longer names are cut: a certificate can hold a book.
const LONGEST_NAME: usize = 160;
const MOST_NAMES: usize = 6;

/// The row in one sentence.
pub(super) fn summary(facts: &Facts<'_>, cause: &Cause) -> String {
    let host = facts.question.host;
    let anchor = facts.anchor().and_then(Certificate::fields).map_or_else(|| "nothing known".to_owned(), short_name);
    #[expect(clippy::wildcard_enum_match_arm, reason = "a chain has these causes and no other")]
    match cause {
        Cause::Ok => format!("the chain leads to {anchor}, as documented for {host}"),
        Cause::TlsBadSignature => "the peer shows a certificate whose key it does not hold".to_owned(),
        Cause::InterceptedTrusted => match facts.product() {
            Some(product) => format!("{product} inspects this connection; this computer trusts its root {anchor}"),
            None => format!("somebody inspects this connection, under the root {anchor} that this computer trusts"),
        },
        Cause::InterceptedUntrusted => {
            let issuer = facts.path().first().and_then(Certificate::fields).map(issuer_name).unwrap_or_default();
            match facts.product() {
                Some(product) => format!("{product} inspects this connection, signing as {issuer}"),
                None => format!("somebody else answers for {host}, with a certificate by {issuer} that nobody knows"),
            }
        }
        Cause::ChainWrongClass => {
            let time = if facts.standing.is_current { "" } else { ", and is not valid at this time" };
            format!("not interception: the chain leads to {anchor}, another root than documented for {host}{time}")
        }
        Cause::ChainIncomplete if facts.standing.cut_off => format!(
            "{} certificates were sent, with more ways through them than are searched",
            facts.question.chain.len()
        ),
        Cause::ChainIncomplete if facts.outdated_helper().is_some() => {
            let helper = facts.outdated_helper().map(|helper| (short_name(helper), second(helper.not_after)));
            let (name, end) = helper.unwrap_or_default();
            format!("the certificate of {name} was not sent, and the one that is known expired on {end}")
        }
        Cause::ChainIncomplete => {
            let issuer = facts.path().last().and_then(Certificate::fields).map(issuer_name).unwrap_or_default();
            format!("the certificate of {issuer} was not sent")
        }
        Cause::ChainUnchecked => unchecked(facts).unwrap_or_default(),
        Cause::ChainUnparsable => path(facts),
        Cause::ChainNameMismatch => match names(facts) {
            Some(names) => format!("{names}, and leads to {anchor}"),
            None => format!("a server of {anchor} answers, and not for {host}"),
        },
        Cause::ChainExpired | Cause::ChainNotYetValid => {
            let when =
                dates(facts).into_iter().next().unwrap_or_else(|| "its parts were never valid together".to_owned());
            format!("the chain leads to {anchor}: {when}")
        }
        Cause::ChainClockSkew => match skew(facts) {
            Some(skew) => format!("{skew}; by the server's clock the chain is valid"),
            None => "by the server's clock the chain is valid".to_owned(),
        },
        Cause::ChainWeak | Cause::ChainEku | Cause::ChainConstraints => match facts.standing.breaches.first() {
            Some(breach) => format!("the chain leads to {anchor}, but {}", breach.detail),
            None => format!("the chain leads to {anchor}"),
        },
        _ => format!("the chain leads to {anchor}, and the peer did not prove that the certificate is its own"),
    }
}

/// The facts, one per line.
pub(super) fn evidence(facts: &Facts<'_>, cause: &Cause) -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(proof(facts));
    lines.push(path(facts));
    lines.extend(origin(facts));
    lines.extend(unchecked(facts));
    if *cause == Cause::ChainWrongClass {
        lines.push(
            "Microsoft answers under another of its roots than last documented, or the service has moved; nobody has \
             published which roots Windows accepts after 2026-10-18"
                .to_owned(),
        );
    }
    lines.extend(left_out(facts));
    lines.extend(names(facts));
    lines.extend(dates(facts));
    lines.extend(facts.standing.breaches.iter().map(|breach| breach.detail.clone()));
    lines.extend(machine(facts));
    if facts.lacks_root() {
        let root = facts.anchor().and_then(Certificate::fields).map(short_name).unwrap_or_default();
        lines.push(format!("this computer's store does not hold the public root {root}"));
    }
    if let Some(product) = facts.product() {
        lines.push(format!("{product} signs like this"));
    }
    lines
}

fn proof(facts: &Facts<'_>) -> Option<String> {
    match facts.question.proof {
        Proof::Handshake(Signature::Wrong { scheme }) => {
            Some(format!("the handshake's signature ({scheme}) does not fit the certificate's key"))
        }
        Proof::Handshake(Signature::NotChecked { scheme, detail }) => {
            Some(format!("the handshake's signature ({scheme}) could not be checked: {detail}"))
        }
        Proof::Handshake(Signature::NotAsked) | Proof::NeverAsked => {
            Some("the peer was not asked to prove that it holds the certificate's key".to_owned())
        }
        Proof::Handshake(Signature::Verified { .. }) | Proof::File => None,
    }
}

fn path(facts: &Facts<'_>) -> String {
    let Some(path) = &facts.standing.path else {
        return if facts.question.chain.is_empty() {
            "no certificate was sent".to_owned()
        } else {
            format!("the first of {} certificates is not one", facts.question.chain.len())
        };
    };
    let mut steps: Vec<String> = path.certificates.iter().filter_map(Certificate::fields).map(short_name).collect();
    let last = path.certificates.last().and_then(Certificate::fields);
    let remark = match &path.end {
        End::Anchor(anchor) => {
            steps.extend(anchor.fields().map(short_name));
            place(facts)
        }
        End::UnknownRoot if path.certificates.len() == 1 => "signed by itself, and known to nobody".to_owned(),
        End::UnknownRoot => "a root that nobody knows".to_owned(),
        End::KnownIssuerOtherKey(authority) => format!(
            "names the key of {} as its issuer's, and that key did not sign it",
            authority.fields().map_or_else(String::new, short_name)
        ),
        End::Unchecked { issuer, anchor } => {
            let place = match anchor {
                Some(anchor) if anchor.is_only_the_machines() => "is in this computer's store alone",
                Some(_) => "is a known root",
                None if facts.question.chain.contains(issuer) => "was sent",
                None => "is known",
            };
            let issuer = issuer.fields().map_or_else(String::new, short_name);
            format!("its issuer {issuer} {place}, and its signature cannot be checked here")
        }
        End::Unsent => {
            let issuer = last.map(issuer_name).unwrap_or_default();
            match last.and_then(|last| last.ca_issuers.first()) {
                Some(address) => {
                    format!("its issuer {issuer} was neither sent nor is it known; it is published at {}", cut(address))
                }
                None => format!("its issuer {issuer} was neither sent, nor known, nor does it say where to find it"),
            }
        }
    };
    format!("path: {} ({remark})", steps.join(" ← "))
}

/// Why a path ended early that may go on for others.
fn unchecked(facts: &Facts<'_>) -> Option<String> {
    let path = facts.standing.path.as_ref()?;
    let (End::Unchecked { issuer, .. }, Some(last)) = (&path.end, path.certificates.last()) else { return None };
    let name = |certificate: &Certificate| certificate.fields().map_or_else(String::new, short_name);
    let (last_name, issuer_name) = (name(last), name(issuer));
    let how = obstacle(last, issuer);
    Some(format!(
        "it is not known whether {issuer_name} signed {last_name}: nothing here checks such signatures ({how})"
    ))
}

fn place(facts: &Facts<'_>) -> String {
    let expected: Vec<&str> = facts.question.expected.iter().map(|class| class.id()).collect();
    let expected = expected.join(" or ");
    match facts.standing.row {
        TableRow::Expected(class) => format!("{}, as documented", class.id()),
        TableRow::OtherClass(class) => format!("{}, expected {expected}", class.id()),
        TableRow::Public => format!("a public root, expected {expected}"),
        TableRow::Machine => "a root that only this computer's store holds".to_owned(),
        TableRow::Unchecked | TableRow::Unknown | TableRow::Incomplete | TableRow::Nowhere | TableRow::Unreadable => {
            String::new()
        }
    }
}

fn left_out(facts: &Facts<'_>) -> Option<String> {
    let missing: Vec<String> = facts
        .path()
        .iter()
        .filter(|step| !facts.question.chain.contains(step))
        .filter_map(Certificate::fields)
        .map(short_name)
        .collect();
    (!missing.is_empty()).then(|| format!("not sent by the server, and known here: {}", missing.join(", ")))
}

fn names(facts: &Facts<'_>) -> Option<String> {
    let leaf = facts.question.chain.first().and_then(Certificate::fields)?;
    let host = facts.question.host;
    match facts.naming {
        Naming::Alternative => return None,
        Naming::CommonName => {
            return Some(format!(
                "the certificate names {host} in its subject alone, without a subject alternative name: Windows accepts that, and \
                 browsers do not"
            ));
        }
        Naming::Other => {}
    }
    let names: Vec<String> = leaf.dns_names.iter().take(MOST_NAMES).map(|name| cut(name)).collect();
    let more = leaf.dns_names.len().saturating_sub(MOST_NAMES);
    Some(match (names.is_empty(), more) {
        (true, _) => format!("the certificate names no host, and so not {host}"),
        (false, 0) => format!("the certificate is for {}, not for {host}", names.join(", ")),
        (false, more) => format!("the certificate is for {} and {more} more, not for {host}", names.join(", ")),
    })
}

fn dates(facts: &Facts<'_>) -> Vec<String> {
    let at = facts.question.at;
    let mut lines = Vec::new();
    for fields in facts.path().iter().filter_map(Certificate::fields) {
        if fields.not_after < at {
            lines.push(format!("{} expired on {}", short_name(fields), second(fields.not_after)));
        } else if at < fields.not_before {
            lines.push(format!("{} is valid from {} on", short_name(fields), second(fields.not_before)));
        }
    }
    if let (Some(peer_date), Some(skew)) = (facts.skewed_by_peer(), skew(facts)) {
        lines.push(format!("{skew}: it says {}, the server's {}", second(at), second(peer_date)));
    }
    lines
}

/// How far this computer's clock is off, if the server's is right.
fn skew(facts: &Facts<'_>) -> Option<String> {
    let ahead = facts.question.at.duration_since(facts.skewed_by_peer()?);
    let side = if ahead.is_negative() { "behind" } else { "ahead of" };
    let seconds = ahead.abs().as_secs();
    let amount = match seconds {
        0..7_200 => format!("{} minutes", seconds / 60),
        7_200..172_800 => format!("{} hours", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    };
    Some(format!("this computer's clock is {amount} {side} the server's"))
}

/// Who put a root into Windows' store, by the place where it stands there. Roots of the classes need no such word.
fn origin(facts: &Facts<'_>) -> Option<String> {
    let anchor = facts.path_anchor()?;
    let said = |place: &RootPlace| match place {
        RootPlace::AuthRoot => "Windows took it in as a root of Microsoft's programme (AuthRoot)",
        RootPlace::Registry => {
            "it was put into this computer's own trusted roots, by an installer, a script, device management or by hand"
        }
        RootPlace::GroupPolicy => "group policy put it there: whoever administers the domain wants it trusted",
        RootPlace::Enterprise => {
            "Active Directory publishes it: whoever administers the forest wants it trusted on every computer"
        }
        RootPlace::SmartCard => "it came with a smart card",
        RootPlace::User => "it stands in this user's own trusted roots, which services do not see",
        RootPlace::UserGroupPolicy => "group policy put it there for this user; services do not see it",
        RootPlace::Elsewhere => "the store gives it out, and does not say where from",
    };
    let places: Vec<&str> = anchor.places.iter().map(said).collect();
    let is_of_interest = matches!(facts.standing.row, TableRow::Machine | TableRow::Public) && !places.is_empty();
    is_of_interest.then(|| format!("how the root came into Windows' store: {}", places.join("; ")))
}

/// The machine store's own answer, beside ours: what a browser or curl would say.
fn machine(facts: &Facts<'_>) -> Option<String> {
    if facts.standing.root_may_come && facts.standing.machine_path.is_none() {
        let root = facts.anchor().and_then(Certificate::fields).map(short_name).unwrap_or_default();
        return Some(format!(
            "this computer's store does not hold {root} yet, which says nothing: Windows fetches such a root when it is first \
             needed"
        ));
    }
    let needs_the_application_root = !facts.question.expected.contains(&TrustClass::MicrosoftPublic);
    let says = match (facts.machine_trusts()?, facts.standing.row) {
        (true, TableRow::Expected(_)) => "this computer's store accepts the chain too",
        (true, TableRow::OtherClass(_) | TableRow::Public) => {
            "this computer's store accepts the chain, as browsers do; whether Windows' diagnostic service does is not known"
        }
        (true, TableRow::Machine) if facts.naming == Naming::CommonName => {
            "this computer's store accepts the chain; Windows' diagnostic service does not accept it"
        }
        (true, TableRow::Unchecked) => "this computer's store accepts the chain",
        (
            true,
            TableRow::Machine | TableRow::Unknown | TableRow::Nowhere | TableRow::Incomplete | TableRow::Unreadable,
        ) => "this computer's store accepts the chain, as browsers do; Windows' diagnostic service does not accept it",
        (false, TableRow::Expected(_)) if needs_the_application_root && facts.is_for_host() => {
            "this computer's store does not accept the chain, so browsers and curl complain; Windows' diagnostic service \
             asks for another root than they do"
        }
        (false, _) => "this computer's store does not accept the chain",
    };
    Some(says.to_owned())
}

/// The common name, or whatever the subject has.
fn short_name(fields: &Fields) -> String {
    cut(fields.subject_attributes.common_name.as_deref().unwrap_or(&fields.subject))
}

fn issuer_name(fields: &Fields) -> String {
    cut(fields.issuer_attributes.common_name.as_deref().unwrap_or(&fields.issuer))
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn second(moment: Timestamp) -> String {
    Timestamp::from_second(moment.as_second()).unwrap_or(moment).to_string()
}
