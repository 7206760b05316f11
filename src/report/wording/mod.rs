//! The sentences of every output, so that the table, the page and the JSON say the same.

mod approaches;
mod device;
mod headline;
mod script;

use std::collections::BTreeSet;

use super::columns::columns;
use super::counts::{grouped, plural};
use super::outcome::Conclusion;
use super::{About, Finding, ImpactStatus, Report, Route, Row};
use crate::catalogue::{ImpactRow, TrustClass};
use crate::harmless::sanitize;
use crate::judge::chain::OTHER_NAME;
use crate::judge::{Cause, Status};
use crate::observation::recording::ServiceAccount;
use crate::plan::{Identity, Scheme};

pub use approaches::approaches;
pub use device::first_change;
pub use script::script;

/// The one sentence that stands first: whether data gets out, and if not, mainly why.
#[must_use]
pub(in crate::report) fn headline(report: &Report) -> String {
    if report.rows.is_empty() {
        return "Nothing was tested: no endpoint of the catalogue applies to the chosen solutions and Windows versions."
            .to_owned();
    }
    let sentence = match report.answer.about {
        About::Routes => headline::about_routes(report),
        About::Devices | About::Settings => device::about_devices(report),
    };
    if report.run.complete {
        sentence
    } else {
        format!("The run was cut short before everything was tested. {sentence}")
    }
}

/// Why the devices cannot use the script that was asked, or nobody knows whether they can, where that makes the answer.
fn unread_script(report: &Report) -> Option<String> {
    report.answer.script?;
    let is_about_reading = |finding: &&Finding| {
        let cause = Cause::from_code(&finding.code);
        let cannot = [Cause::PacNeedsNewerEngine, Cause::PacContentType, Cause::ConfScriptServiceDisabled];
        cause.is_some_and(|cause| cannot.contains(&cause))
    };
    let cause = report.findings.iter().find(is_about_reading).and_then(|finding| Cause::from_code(&finding.code));
    let title = cause.map(|cause| cause.facts().title);
    Some(title.unwrap_or("Whether Windows' own script engine reads this PAC file is not known").to_owned())
}

/// A proxy without the scheme that nearly all have.
fn proxy_address(proxy: &str) -> String {
    sanitize(proxy.strip_prefix("http://").unwrap_or(proxy))
}

/// As whom a run was made, where that is nobody's own account.
#[must_use]
pub fn ran_as(account: ServiceAccount) -> &'static str {
    match account {
        ServiceAccount::System => "This ran as SYSTEM, the account of Windows' diagnostic service.",
        ServiceAccount::NetworkService => {
            "This ran as NetworkService, which may meet another proxy than Windows' diagnostic service: that one runs as SYSTEM."
        }
        ServiceAccount::LocalService => {
            "This ran as LocalService, which may meet another proxy than Windows' diagnostic service: that one runs as SYSTEM."
        }
    }
}

/// A remedy ends with the hosts that it is about; they have a line of their own.
pub(super) fn instruction<'f>(remedy: &'f str, row: Option<&Row>) -> (&'f str, bool) {
    match row.and_then(|row| remedy.split_once(&format!(": {}", row.host))) {
        Some((instruction, _)) => (instruction, true),
        None => (remedy, false),
    }
}

/// How a status reads in a table: what keeps data from getting out stands out without colour.
#[must_use]
pub fn status(status: Status) -> &'static str {
    match status {
        Status::Ok => "ok",
        Status::Degraded => "degraded",
        Status::Inconclusive => "inconclusive",
        Status::NotTested => "not tested",
        Status::Blocked => "BLOCKED",
        Status::Intercepted => "INTERCEPTED",
    }
}

#[must_use]
pub fn impact(status: ImpactStatus) -> &'static str {
    match status {
        ImpactStatus::Ok => "ok",
        ImpactStatus::Degraded => "degraded",
        ImpactStatus::Inconclusive => "inconclusive",
        ImpactStatus::Blocked => "BLOCKED",
        ImpactStatus::NotApplicable => "–",
    }
}

/// The settings of SYSTEM have automatic detection switched on, and no script was looked for.
pub const WPAD_NOT_ASKED: &str = "SYSTEM's settings look for a PAC file on the network (WPAD) first, and this run did not: \
    --wpad DOMAIN does";

/// A recording of a version that asked in one way only.
pub const UNASKED_CLIENT: &str = "the version that made this recording offered TLS 1.3 in every handshake: what it says of Windows 10, \
    Server 2019 and older, which offer TLS 1.2 at most, holds only if the network treats both alike";

/// Ranges of Windows versions in a sentence: `Windows 10 1803, 1809–22H2, Windows 11 and later`.
#[must_use]
pub fn versions(columns: &[ImpactRow]) -> String {
    let mut names = Vec::new();
    let mut said_ten = false;
    for os in columns {
        let (is_ten, name) = match os {
            ImpactRow::Win7To81 => (false, "Windows 7 and 8.1"),
            ImpactRow::Win10To1709 => (true, "1507–1709"),
            ImpactRow::Win10V1803 => (true, "1803"),
            ImpactRow::Win10V1803September2018 => (true, "1803 with the September 2018 update"),
            ImpactRow::Win10V1809AndLater => (true, "1809–22H2"),
            ImpactRow::Win11AndLater => (false, "Windows 11 and later"),
            ImpactRow::Server2016 => (false, "Server 2016"),
        };
        names.push(if is_ten && !said_ten { format!("Windows 10 {name}") } else { name.to_owned() });
        said_ten |= is_ten;
    }
    names.join(", ")
}

/// The heading of a column of the impact matrix, in two lines.
pub(super) fn version_heading(os: ImpactRow) -> [&'static str; 2] {
    match os {
        ImpactRow::Win7To81 => ["Windows", "7, 8.1"],
        ImpactRow::Win10To1709 => ["10 1507", "–1709"],
        ImpactRow::Win10V1803 => ["10", "1803"],
        ImpactRow::Win10V1803September2018 => ["1803 +", "2018-09"],
        ImpactRow::Win10V1809AndLater => ["10 1809", "–22H2"],
        ImpactRow::Win11AndLater => ["Windows", "11"],
        ImpactRow::Server2016 => ["Server", "2016"],
    }
}

/// `direct`, or `proxy.example:8080 · user · ntlm`.
pub(super) fn route_name(route: &Route, scheme: Option<Scheme>) -> String {
    let (proxy, identity) = route_parts(route, scheme);
    if identity.is_empty() { proxy } else { format!("{proxy} · {identity}") }
}

/// The proxy's address and who asks it: the two lines of a column's heading.
pub(super) fn route_parts(route: &Route, scheme: Option<Scheme>) -> (String, String) {
    let Some(proxy) = &route.proxy else { return ("direct".to_owned(), String::new()) };
    let address = proxy_address(proxy);
    let identity = route.identity.map_or("", |identity| match identity {
        Identity::Bypass => "no login",
        Identity::User | Identity::Device => identity.as_str(),
    });
    match scheme.filter(|scheme| *scheme != Scheme::None) {
        Some(scheme) => (address, format!("{identity} · {scheme}")),
        None => (address, identity.to_owned()),
    }
}

/// `15 endpoints · 3 routes · 45 probes in 0.41 s`.
#[must_use]
pub fn counts(report: &Report) -> String {
    let columns = columns(report);
    let endpoints = super::columns::endpoints(&report.rows);
    format!(
        "{} · {} · {} in {}",
        plural(endpoints, "endpoint"),
        plural(columns.len(), "route"),
        probes(report),
        seconds(report.run.duration_ms)
    )
}

/// `45 probes`, or `3 of 45 probes` where the others were not tested.
fn probes(report: &Report) -> String {
    let untested = report.rows.iter().filter(|row| row.status == Status::NotTested).count();
    let all = plural(report.rows.len(), "probe");
    if untested == 0 { all } else { format!("{} of {all}", grouped(report.rows.len() - untested)) }
}

/// Why a finding matters, where its title alone would surprise somebody whose browser works.
pub(super) fn why(finding: &Finding, rows: &[&Row]) -> Option<String> {
    rows.first()?.chain.as_ref()?;
    let issuers: BTreeSet<String> = rows
        .iter()
        .filter_map(|row| Some(sanitize(common_name(&row.chain.as_ref()?.certificates.first()?.issuer))))
        .filter(|issuer| !issuer.is_empty())
        .collect();
    // Several inspect, or somebody forges; who signs for which host stands with the rows.
    let (issuer, ca) = match (issuers.first(), issuers.len()) {
        (None, _) => ("by another CA".to_owned(), "that CA"),
        (Some(issuer), 1) => (format!("by \"{issuer}\""), "that CA"),
        (_, many) => (format!("under {many} different names"), "those CAs"),
    };
    let wants_microsofts = |row: &&Row| {
        row.chain.as_ref().is_some_and(|chain| chain.expected.contains(&TrustClass::MicrosoftApplicationRoot))
    };
    // The public class is checked as browsers do, except that nobody knows whether a root of one's own is enough.
    let (check, still) = if rows.iter().any(wants_microsofts) {
        ("Windows checks for Microsoft's own root and sends nothing", "Windows would still send nothing")
    } else {
        (
            "whether Windows sends anything past such a CA is documented nowhere, and Microsoft asks for these hosts to be \
             left alone",
            "whether Windows would then send anything is documented nowhere",
        )
    };
    if rows.iter().all(|row| is_of_another(row)) {
        return Some(format!(
            "The certificates are issued {issuer} and made out for other hosts, so that browsers refuse them too. Inspection \
             would have copied the names."
        ));
    }
    let is_distrusted = |row: &&&Row| row.evidence.iter().any(|line| line.contains(ORIGIN_UNTRUSTED));
    let distrusted = rows.iter().filter(is_distrusted).count();
    if distrusted > 0 {
        return Some(format!(
            "The certificates are issued {issuer}. For {} the proxy does not know the root itself and answers with its own \
             error page ({ORIGIN_UNTRUSTED}), so that browsers fail there too.",
            if distrusted == rows.len() { "all of them".to_owned() } else { plural(distrusted, "row") }
        ));
    }
    if let Some(issuer) = issuers.iter().find(|issuer| issuer.starts_with(THROWN_AWAY)) {
        return Some(format!(
            "The issuer is called {issuer}, which is what Squid writes where it does not trust the server itself: it lacks \
             Microsoft's root, and browsers warn here too."
        ));
    }
    match Cause::from_code(&finding.code)? {
        Cause::InterceptedTrusted => {
            // The store may know the CA and still refuse a certificate that has expired or bears another name.
            let accepted =
                rows.iter().all(|row| row.chain.as_ref().is_some_and(|chain| chain.machine_trusts == Some(true)));
            let refused = rows
                .iter()
                .filter(|row| row.chain.as_ref().is_some_and(|chain| chain.machine_trusts == Some(false)))
                .count();
            let so = match refused {
                0 if accepted => ", so browsers work".to_owned(),
                0 => String::new(),
                1 => ", but refuses one certificate that is out of date or was made out for something else".to_owned(),
                many => format!(
                    ", but refuses {many} certificates that are out of date or were made out for something else"
                ),
            };
            Some(format!("The certificates are issued {issuer}. This machine trusts {ca}{so}; {check}."))
        }
        Cause::InterceptedUntrusted => Some(format!(
            "The certificates are issued {issuer}, with keys that neither Microsoft nor this machine knows. Making the \
             machine trust {ca} would please browsers; {still}."
        )),
        _ => None,
    }
}

/// Squid's name for its error where it cannot verify a server (its manual's list of error pages).
const ORIGIN_UNTRUSTED: &str = "ERR_SECURE_CONNECT_FAIL";

/// How Squid names the issuer of certificates that it makes for servers which failed its own verification (`sslproxy_cert_error`).
const THROWN_AWAY: &str = "Not trusted by";

/// Somebody who does not even claim the host's name answers in its place: no inspection.
pub(super) fn is_of_another(row: &Row) -> bool {
    row.status == Status::Intercepted
        && row
            .chain
            .as_ref()
            .is_some_and(|chain| chain.product.is_none() && chain.tells.iter().any(|tell| tell == OTHER_NAME))
}

/// The inspection product, when it is the same on all rows.
pub(super) fn product<'r>(mut rows: impl Iterator<Item = &'r Row>) -> Option<String> {
    let seen = |row: &'r Row| row.chain.as_ref().and_then(|chain| chain.product.as_deref());
    let first = seen(rows.next()?)?;
    rows.all(|row| seen(row) == Some(first)).then(|| sanitize(first))
}

/// The common name in a distinguished name, or all of it.
fn common_name(name: &str) -> &str {
    let Some(start) = (if name.starts_with("CN=") { Some(0) } else { name.find(", CN=").map(|at| at + 2) }) else {
        return name;
    };
    let value = &name[start + "CN=".len()..];
    // A comma inside the value is not followed by another attribute.
    let is_attribute = |rest: &str| rest.split_once('=').is_some_and(|(key, _)| key.chars().all(char::is_alphanumeric));
    let end = value.match_indices(", ").find(|(at, _)| is_attribute(&value[at + 2..])).map(|(at, _)| at);
    &value[..end.unwrap_or(value.len())]
}

/// What the exit code means, as the rest of `Exit 1: …`; `exit` in this program's own numbers.
#[must_use]
pub fn ending(report: &Report, conclusion: &Conclusion, exit: u8) -> String {
    const USAGE: u8 = 2;
    const INTERNAL: u8 = 5;
    const INTERRUPTED: u8 = 130;
    let undecided = |wanted: Status| report.rows.iter().filter(|row| row.needed && row.status == wanted).count();
    match conclusion {
        _ if exit == USAGE => "the expectations name rows that this run does not have.".to_owned(),
        _ if exit == INTERRUPTED => "interrupted; rows that were not reached say so.".to_owned(),
        _ if exit == INTERNAL => "this program failed; the rows with the code x.internal say where.".to_owned(),
        Conclusion::Findings if report.answer.is_closed() => "diagnostic data is blocked or intercepted.".to_owned(),
        Conclusion::Findings => "what --fail-on names was seen.".to_owned(),
        Conclusion::OutOfTime => format!(
            "the time was up before {} were tested; allow more with --timeout.",
            plural(undecided(Status::NotTested), "row")
        ),
        Conclusion::Inconclusive => match (undecided(Status::Inconclusive), undecided(Status::NotTested)) {
            (0, 0) => "nothing that was tested decides it.".to_owned(),
            (0, 1) => "1 row that would decide it was not tested.".to_owned(),
            (0, untested) => format!("{} that would decide it were not tested.", plural(untested, "row")),
            (unclear, 0) => format!("{} that would decide it had no clear result.", plural(unclear, "row")),
            (unclear, untested) => format!(
                "{} that would decide it had no clear result, and {} were not tested.",
                plural(unclear, "row"),
                grouped(untested)
            ),
        },
        Conclusion::Clean if report.answer.is_closed() => "nothing that --fail-on names was seen.".to_owned(),
        Conclusion::Clean if report.answer.status == Status::Degraded => {
            "diagnostic data gets out, with remarks.".to_owned()
        }
        Conclusion::Clean => "diagnostic data gets out.".to_owned(),
        Conclusion::Compared { unexpected } if unexpected.is_empty() => {
            format!(
                "{} as expected.",
                if report.rows.len() == 1 {
                    "the one row is".to_owned()
                } else {
                    format!("all {} are", plural(report.rows.len(), "row"))
                }
            )
        }
        Conclusion::Compared { unexpected } => {
            format!("{} of {} are not as expected.", grouped(unexpected.len()), plural(report.rows.len(), "row"))
        }
    }
}

fn seconds(milliseconds: u64) -> String {
    if milliseconds < 100 {
        return format!("{milliseconds} ms");
    }
    format!("{}.{:02} s", milliseconds / 1000, milliseconds % 1000 / 10)
}

#[must_use]
pub fn upper_first(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| format!("{}{}", first.to_uppercase(), characters.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_common_name_stands_for_the_whole() {
        for (name, common) in [
            ("C=US, O=Contoso, CN=Contoso Web Gateway", "Contoso Web Gateway"),
            ("CN=Zscaler Intermediate (zscaler.net), O=Zscaler, Inc.", "Zscaler Intermediate (zscaler.net)"),
            ("CN=Smith, John, OU=x", "Smith, John"),
            ("O=only", "O=only"),
            ("", ""),
        ] {
            assert_eq!(common_name(name), common, "{name}");
        }
    }

    #[test]
    fn times_read_easily() {
        assert_eq!((seconds(7), seconds(412), seconds(61_239)), ("7 ms".into(), "0.41 s".into(), "61.23 s".into()));
    }
}
