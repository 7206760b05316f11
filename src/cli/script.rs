//! A script that chooses proxies, from a file, an address or WPAD, and where it sends the endpoints.
//!
//! In: what the command line names, and the network that it is fetched through. Out: the script, and its answer for every
//! endpoint. A script that cannot be had or asked is bad input: the command ends with the code of the finding, what was
//! seen and what to change, before anything is probed.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::RootCertStore;

use super::{Failure, files, run};
use crate::catalogue::Catalogue;
use crate::harmless::without_secrets;
use crate::judge::Cause;
use crate::net::{FetchTerms, FetchedScript, Net, wall_clock};
use crate::plan::{Directions, Said};
use crate::proxies::pac::{
    Limits, NameAnswers, Obstacle, Question, Script, World, evaluate, served_as, without_logins,
};

/// How long a script's server may take, and all servers that WPAD leads to.
const FETCH_DEADLINE: Duration = Duration::from_secs(10);

/// Which script.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wanted<'a> {
    /// A file, an address, or `-` for standard input.
    At(&'a Path),
    /// What DNS leads to from this domain upwards.
    ByWpad(&'a str),
}

/// A script by the name under which it is shown.
pub(super) struct Found {
    pub name: String,
    pub script: Script,
    /// What in its server's answer keeps a Windows from using it; nothing for a file.
    pub served: Option<Obstacle>,
}

/// Reads or fetches the script. `roots` is asked for only when its server speaks https.
pub(super) fn find(
    wanted: Wanted<'_>,
    net: &Net,
    longest: Duration,
    roots: &dyn Fn() -> RootCertStore,
) -> Result<Found, Failure> {
    let terms = FetchTerms { largest: Script::LARGEST, deadline: FETCH_DEADLINE.min(longest), roots };
    let mut served = None;
    let (name, bytes) = match wanted {
        Wanted::ByWpad(domain) => {
            let (url, fetched) = found_by_wpad(domain, net, terms)?;
            served = served_as(&url, fetched.content_type.as_deref());
            (url, fetched.bytes.to_vec())
        }
        Wanted::At(path) => {
            let name = path.display().to_string();
            if name.contains("://") {
                let fetched = fetched(&name, net, terms)?;
                served = served_as(&name, fetched.content_type.as_deref());
                (without_secrets(&name), fetched.bytes.to_vec())
            } else if name == "-" {
                ("standard input".to_owned(), from_standard_input()?)
            } else {
                (name, files::beginning(path, Script::LARGEST as u64 + 1)?)
            }
        }
    };
    let script = Script::read(&bytes).map_err(|found| refusal(&name, &found, found.code()))?;
    Ok(Found { name, script, served })
}

/// The script's answer for each of `endpoints`, as a device would get it here and now.
pub(super) fn directions(
    found: Found,
    net: &Net,
    catalogue: &Catalogue,
    endpoints: &[usize],
    longest: Duration,
) -> Result<Directions, Failure> {
    let Found { name, script, served } = found;
    let world = world(net);
    let own_addresses = world.own_addresses.clone();
    let questions: Vec<Question> = endpoints
        .iter()
        .map(|index| {
            let endpoint = &catalogue.endpoints[*index];
            Question { url: format!("{}/", endpoint.url), host: endpoint.host.clone() }
        })
        .collect();
    let patient = Limits::with_lookups();
    let limits = Limits { question: patient.question.min(longest), whole: patient.whole.min(longest), ..patient };
    let mut evaluation =
        evaluate(&script, &questions, &world, &limits).map_err(|failure| refusal(&name, &failure, failure.code()))?;
    evaluation.add(served);
    let at = world.wall_time();
    let directions = Directions::read(name.clone(), script.text(), at, &own_addresses, endpoints, evaluation)
        .map_err(|mistake| Failure::usage(format!("{name}: {mistake}")))?;
    let failures = directions.endpoints.iter().filter_map(|direction| match &direction.said {
        Said::Failure { code, text } => Some((code, text)),
        Said::Answer(_) | Said::Unusable(_) => None,
    });
    match failures.clone().next() {
        Some((code, text)) if failures.count() == endpoints.len() => Err(refusal(&name, text, code)),
        _ => Ok(directions),
    }
}

/// Here and now, as a script on this machine sees it.
pub(super) fn world(net: &Net) -> World {
    let now = net.clock.now();
    let system = net.clone();
    World {
        now,
        offset: wall_clock(now),
        names: NameAnswers::Asked(Arc::new(move |name| system.system_addresses(name))),
        own_addresses: net.own_addresses(),
    }
}

/// Why there is no script, or none that can be asked, and who changes what.
pub(super) fn refusal(name: &str, detail: &dyn std::fmt::Display, code: &str) -> Failure {
    let detail = without_logins(&detail.to_string());
    Failure::usage(format!("{name}: {detail} ({code}){}", change(code)))
}

fn change(code: &str) -> String {
    let facts = Cause::from_code(code).map(|cause| cause.facts());
    facts.map(|facts| format!("\n{}: {}", facts.owner, facts.remedy)).unwrap_or_default()
}

fn from_standard_input() -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    files::open(Path::new("-"))?
        .take(Script::LARGEST as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::usage(format!("could not read the script from standard input: {error}")))?;
    Ok(bytes)
}

/// The script at an address, fetched as this machine reaches it.
fn fetched(url: &str, net: &Net, terms: FetchTerms<'_>) -> Result<FetchedScript, Failure> {
    let fetched = run::on_the_network(net.fetch_script(url, terms))?;
    fetched.map_err(|failure| refusal(&without_secrets(url), &failure, failure.code()))
}

/// The script that DNS leads to from a domain, with the address that answered: who owns it chooses the proxy.
fn found_by_wpad(domain: &str, net: &Net, terms: FetchTerms<'_>) -> Result<(String, FetchedScript), Failure> {
    let found = run::on_the_network(net.find_script(domain, terms))?;
    found.map_err(|failures| {
        let tried: Vec<String> = failures.iter().map(|(url, failure)| format!("\n  {url}: {failure}")).collect();
        let reason = if tried.is_empty() { "\n  it has less than two labels".to_owned() } else { tried.concat() };
        let code = "pac.wpad_not_found";
        Failure::usage(format!("no script was found for {domain} ({code}){reason}{}", change(code)))
    })
}
