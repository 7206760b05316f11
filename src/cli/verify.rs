//! `waprobe verify`: the verdict on certificates in a file, for a host and a moment, without a network.

use std::io::{self, Write};

use rustls::pki_types::ServerName;

use super::arguments::{Format, VerifyArguments};
use super::{Exit, Failure, files};
use crate::catalogue::{Catalogue, TrustClass};
use crate::certificate::Certificate;
use crate::harmless::sanitize;
use crate::judge::Status;
use crate::judge::chain::{ChainJudge, ChainQuestion, ChainVerdict, Proof};
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
        Format::Table => write_text(&host, &verdict, &mut out),
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

fn write_text(host: &str, verdict: &ChainVerdict, out: &mut impl Write) -> io::Result<()> {
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
        let facts = verdict.cause.facts();
        writeln!(out, "What to change ({}): {}", facts.owner, facts.remedy)?;
    }
    Ok(())
}
