//! `waprobe verify`: the verdict on certificates in a file, for a host and a moment, without a network.

use std::io::{self, Write};

use rustls::pki_types::ServerName;

use super::arguments::{Format, VerifyArguments};
use super::{Exit, Failure, files};
use crate::catalogue::{Catalogue, TrustClass};
use crate::certificate::Certificate;
use crate::harmless::sanitize;
use crate::judge::chain::{self, ChainJudge, ChainQuestion, ChainVerdict, Proof};
use crate::judge::{Cause, Owner, Status};
use crate::report::{FileVerdict, json};

pub(super) fn run(arguments: &VerifyArguments) -> Result<Exit, Failure> {
    let roots = files::RootsToCome::begin(&arguments.trust.machine_roots);
    let (catalogue, _) = files::catalogue(&arguments.trust)?;
    let host = host(&arguments.host)?;
    let expected = expected(&host, &arguments.classes, &catalogue)?;
    let at = files::moment(arguments.at.as_deref())?;
    let chain = Certificate::chain_from_pem(&files::pem(&arguments.chain)?)
        .map_err(|mistake| Failure::usage(format!("{}: {mistake}", files::name(&arguments.chain))))?;
    let roots = roots.wait()?;
    let question =
        ChainQuestion { chain: &chain, host: &host, expected: &expected, proof: Proof::File, at, peer_date: None };
    let verdict = ChainJudge::new(&catalogue.trust, &roots).judge(&question);
    files::print(|mut out| match arguments.format {
        Format::Json => json::write(&FileVerdict::new(&host, &verdict), &mut out),
        Format::Table => write_text(&host, &verdict, &advice(&host, &verdict, arguments.at.as_deref()), &mut out),
    })?;
    Ok(exit(verdict.status))
}

fn exit(status: Status) -> Exit {
    match status {
        Status::Ok | Status::Degraded => Exit::Ok,
        Status::Blocked | Status::Intercepted => Exit::Findings,
        Status::Inconclusive | Status::NotTested => Exit::Inconclusive,
    }
}

fn host(text: &str) -> Result<String, Failure> {
    let host = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    if ServerName::try_from(host.as_str()).is_err() {
        return Err(Failure::usage(format!("'{text}' is not a host name: give it as v10c.events.data.microsoft.com")));
    }
    Ok(host)
}

/// The classes that the command line names, or those of the endpoint with this host.
fn expected(host: &str, classes: &[String], catalogue: &Catalogue) -> Result<Vec<TrustClass>, Failure> {
    if !classes.is_empty() {
        let mut expected = Vec::new();
        for class in classes {
            let class = files::trust_class(class)?;
            if !expected.contains(&class) {
                expected.push(class);
            }
        }
        return Ok(expected);
    }
    let known = TrustClass::ALL.map(TrustClass::id).join(" or ");
    match catalogue.endpoint_for_host(host) {
        Some(endpoint) if endpoint.is_tls() => Ok(endpoint.trust.clone()),
        Some(_) => Err(Failure::usage(format!(
            "{host} is asked over plain http and shows no certificate; --trust CLASS ({known}) judges one all the same"
        ))),
        None => Err(Failure::usage(format!(
            "{host} is not in the catalogue '{}', so its trust class is not known: say it with --trust {known}",
            catalogue.name
        ))),
    }
}

/// Who changes what, for a file and a date that somebody chose.
fn advice(host: &str, verdict: &ChainVerdict, at: Option<&str>) -> (Owner, String) {
    let facts = verdict.cause.facts();
    let is_about_time = matches!(verdict.cause, Cause::ChainExpired | Cause::ChainNotYetValid | Cause::ChainClockSkew);
    if verdict.status != Status::Intercepted
        && let Some(place) = place_of_leaf(host, &verdict.certificates)
    {
        return (
            Owner::Operator,
            format!(
                "the order in the file is wrong: certificate {place} is the server's; put it first and its issuers behind it, \
                 and ask again. If a server sends them in this order, whoever runs it has to change that"
            ),
        );
    }
    match at {
        Some(at) if is_about_time => (
            Owner::Operator,
            format!(
                "give another date with --at, if {at} is not the one to ask for; this machine's clock was not asked"
            ),
        ),
        _ => (facts.owner, facts.remedy.to_owned()),
    }
}

/// The place of the certificate for `host`, from 1, where another stands first.
fn place_of_leaf(host: &str, certificates: &[Certificate]) -> Option<usize> {
    let is_leaf = |one: &Certificate| chain::is_for(one, host) || chain::is_for_by_common_name(one, host);
    let place = certificates.iter().position(is_leaf)?;
    (place > 0).then_some(place + 1)
}

fn write_text(
    host: &str,
    verdict: &ChainVerdict,
    (owner, remedy): &(Owner, String),
    out: &mut impl Write,
) -> io::Result<()> {
    let code = verdict.cause.code();
    if verdict.status == Status::Ok {
        writeln!(out, "{} for {host}: {}", verdict.status, sanitize(&verdict.summary))?;
    } else {
        writeln!(out, "{} for {host} ({code}): {}", verdict.status, sanitize(&verdict.summary))?;
    }
    for line in &verdict.evidence {
        writeln!(out, "  {}", sanitize(line))?;
    }
    if verdict.status != Status::Ok {
        writeln!(out, "What to change ({owner}): {}", sanitize(remedy))?;
    }
    Ok(())
}
