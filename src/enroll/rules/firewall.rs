//! Rules of Windows' own firewall that keep the sender in.
//!
//! A rule is one text of fields, `v2.31|Action=Block|Active=TRUE|Dir=Out|App=…|Svc=DiagTrack|` ([MS-GPFAS] 2.2.2.19). One that is
//! limited to other ports or protocols, or to addresses, blocks something else.

use crate::catalogue::Solution;
use crate::enroll::case::Case;
use crate::enroll::findings::{Code, Notes};
use crate::enroll::places::{FIREWALL_PROFILES, FIREWALL_RULES, PROGRAMS};
use crate::registry::{Lookup, Presence, Value};

/// The port of every endpoint but one.
const HTTPS: u16 = 443;
const TCP: &str = "6";

pub(super) fn check(case: &Case<'_>, notes: &mut Notes) {
    let mut is_unknown = true;
    for key in FIREWALL_RULES {
        is_unknown &= case.snapshot.presence(key) == Presence::NotKnown;
        let Some(held) = case.snapshot.key(key) else { continue };
        for (name, value) in held.values() {
            if let Some(rule) = value.as_text().and_then(Rule::read) {
                judge(case, notes, &Place { key, name }, &rule);
            }
        }
    }
    if is_unknown {
        notes.not_checked(
            "outbound rules for DiagTrack",
            "Windows' firewall",
            "the snapshot does not hold these keys; `waprobe enroll snapshot` does",
        );
    }
}

struct Place<'a> {
    key: &'a str,
    name: &'a str,
}

fn judge(case: &Case<'_>, notes: &mut Notes, place: &Place<'_>, rule: &Rule<'_>) {
    let Some(sender) = rule.blocked().filter(|_| is_in_force(case, rule)) else { return };
    let (what, solutions) = match sender {
        Sender::DiagTrack => ("DiagTrack, the service that sends the data", case.wanted()),
        Sender::Scan if case.wants(Solution::UpgradeReadiness) => {
            ("the scan, which asks Microsoft what to look for", Vec::new())
        }
        Sender::Census => ("the program that describes the device", Vec::new()),
        Sender::ErrorReports if case.wants(Solution::DeviceHealth) => {
            ("the program that sends error reports", Vec::new())
        }
        Sender::Scan | Sender::ErrorReports => return,
    };
    let title = rule.field("Name").filter(|name| !name.is_empty()).unwrap_or(place.name);
    match rule.limit() {
        Limit::None => {}
        Limit::Elsewhere => return,
        Limit::Addresses => {
            return notes.not_checked(
                &format!("firewall rule '{}'", shortened(title)),
                place.key,
                "it blocks the sender on the way to some addresses, and whether Microsoft's are among them is not known",
            );
        }
    }
    let profiles = rule.profiles();
    let profiles =
        if profiles.is_empty() { String::new() } else { format!(", in the profile {}", profiles.join(", ")) };
    notes
        .finding(Code::FirewallBlocks, place.name, place.key)
        .is(format!("'{}' blocks outbound connections of {what}{profiles}", shortened(title)))
        .should("no such rule, or a disabled one")
        .keeps_out_of(&solutions)
        .because("Windows' own firewall on this device stops the connection before it reaches the network");
}

fn shortened(text: &str) -> String {
    Value::Sz(text.to_owned()).shown()
}

/// Not where the firewall is known to be off in every profile that the rule is for.
fn is_in_force(case: &Case<'_>, rule: &Rule<'_>) -> bool {
    let profiles = rule.profiles();
    let mut concerned = FIREWALL_PROFILES
        .into_iter()
        .filter(|(profile, _)| profiles.is_empty() || profiles.iter().any(|name| name.eq_ignore_ascii_case(profile)));
    !concerned.all(|(_, keys)| is_off(case, keys))
}

fn is_off(case: &Case<'_>, keys: [&str; 2]) -> bool {
    let by_first = keys.into_iter().find_map(|key| match case.snapshot.lookup(key, "EnableFirewall") {
        Lookup::Set(value) => Some(value.as_dword() == Some(0)),
        // A policy that nobody exported may switch it on again.
        Lookup::NotKnown => Some(false),
        Lookup::NotSet => None,
    });
    by_first.unwrap_or(false)
}

/// Who would have sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sender {
    DiagTrack,
    Scan,
    Census,
    ErrorReports,
}

/// What a rule is limited to, beside whom it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Limit {
    None,
    /// Other ports or another protocol than the sender uses.
    Elsewhere,
    /// Addresses, or interfaces: nobody can say whether the endpoints are meant.
    Addresses,
}

/// The fields of a rule, in their order; some come several times.
#[derive(Debug)]
struct Rule<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Rule<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let (version, fields) = text.split_once('|')?;
        let is_rule = version.len() > 1
            && version.starts_with(['v', 'V'])
            && version[1..].starts_with(|one: char| one.is_ascii_digit());
        is_rule.then(|| Self(fields.split('|').filter_map(|field| field.split_once('=')).collect()))
    }

    fn fields(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }

    fn field(&self, name: &str) -> Option<&'a str> {
        self.fields(name).next()
    }

    fn is(&self, name: &str, value: &str) -> bool {
        self.field(name).is_some_and(|own| own.eq_ignore_ascii_case(value))
    }

    fn profiles(&self) -> Vec<&'a str> {
        self.fields("Profile").collect()
    }

    /// The part of the sender that an active outbound rule blocks.
    fn blocked(&self) -> Option<Sender> {
        if !(self.is("Action", "Block") && self.is("Active", "TRUE") && self.is("Dir", "Out")) {
            return None;
        }
        let service = self.field("Svc").filter(|service| *service != "*");
        if let Some(service) = service {
            return service.eq_ignore_ascii_case("DiagTrack").then_some(Sender::DiagTrack);
        }
        let program = self.field("App")?.rsplit(['\\', '/']).next()?;
        let is = |name: &str| program.eq_ignore_ascii_case(name);
        match () {
            // In this program all services of Windows run, so that a rule for it is a rule for each of them.
            () if is("svchost.exe") => Some(Sender::DiagTrack),
            () if is(PROGRAMS[0]) => Some(Sender::Scan),
            () if is(PROGRAMS[1]) => Some(Sender::Census),
            () if is(PROGRAMS[2]) || is(PROGRAMS[3]) => Some(Sender::ErrorReports),
            () => None,
        }
    }

    fn limit(&self) -> Limit {
        if self.field("Protocol").is_some_and(|protocol| protocol != TCP) {
            return Limit::Elsewhere;
        }
        let mut ports =
            self.0.iter().filter(|(name, _)| starts_with(name, "RPort")).map(|(_, ports)| *ports).peekable();
        if ports.peek().is_some() && !ports.any(has_https) {
            return Limit::Elsewhere;
        }
        // `RA42=IntErnet` is a word for everywhere outside; the other fields of this beginning hold addresses.
        let is_far = |value: &str| value.eq_ignore_ascii_case("internet");
        let mut remote =
            self.0.iter().filter(|(name, _)| starts_with(name, "RA4") || starts_with(name, "RA6")).peekable();
        if remote.peek().is_some() && !remote.any(|(_, value)| is_far(value)) {
            return Limit::Addresses;
        }
        let is_local = |name: &str| ["LA4", "LA6", "LPort", "IF"].iter().any(|start| starts_with(name, start));
        if self.0.iter().any(|(name, _)| is_local(name)) { Limit::Addresses } else { Limit::None }
    }
}

fn starts_with(name: &str, start: &str) -> bool {
    name.get(..start.len()).is_some_and(|own| own.eq_ignore_ascii_case(start))
}

/// `443`, or a range such as `400-500`; fields may hold several with commas.
fn has_https(ports: &str) -> bool {
    ports.split(',').any(|part| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        match (first.trim().parse::<u16>(), last.trim().parse::<u16>()) {
            (Ok(first), Ok(last)) => (first..=last).contains(&HTTPS),
            _ => false,
        }
    })
}

#[cfg(test)]
mod rules {
    use super::*;

    fn read(text: &str) -> (Option<Sender>, Limit) {
        let rule = Rule::read(text).expect("a rule");
        (rule.blocked(), rule.limit())
    }

    #[test]
    fn a_rule_is_read_as_the_firewall_reads_it() {
        const OUT: &str = "v2.24|Action=Block|Active=TRUE|Dir=Out|";
        const HOST: &str = r"App=%SystemRoot%\system32\svchost.exe|";
        let all = |rest: &str| read(&format!("{OUT}{rest}"));
        for (rest, sender, limit) in [
            (format!("{HOST}Svc=DiagTrack|Name=Windows Telemetry|"), Some(Sender::DiagTrack), Limit::None),
            (format!("{HOST}svc=diagtrack|"), Some(Sender::DiagTrack), Limit::None),
            (
                format!("RA42=IntErnet|RA62=IntErnet|{HOST}Svc=DiagTrack|EmbedCtxt=DiagTrack|"),
                Some(Sender::DiagTrack),
                Limit::None,
            ),
            (format!("Protocol=6|RPort=443|{HOST}Svc=DiagTrack|"), Some(Sender::DiagTrack), Limit::None),
            (format!("Protocol=6|RPort2_10=400-500|{HOST}Svc=DiagTrack|"), Some(Sender::DiagTrack), Limit::None),
            (format!("Protocol=6|RPort=80|RPort=443|{HOST}Svc=*|"), Some(Sender::DiagTrack), Limit::None),
            (format!("Protocol=17|{HOST}Svc=DiagTrack|"), Some(Sender::DiagTrack), Limit::Elsewhere),
            (format!("Protocol=6|RPort=25|{HOST}"), Some(Sender::DiagTrack), Limit::Elsewhere),
            (format!("RA4=10.0.0.0-10.255.255.255|{HOST}Svc=DiagTrack|"), Some(Sender::DiagTrack), Limit::Addresses),
            (r"App=C:\Windows\System32\CompatTelRunner.exe|".to_owned(), Some(Sender::Scan), Limit::None),
            (r"App=C:\Windows\System32\wermgr.exe|".to_owned(), Some(Sender::ErrorReports), Limit::None),
            (format!("{HOST}Svc=dmwappushservice|Name=DiagTrack|"), None, Limit::None),
            (r"App=C:\Tools\mysvchost.exe|".to_owned(), None, Limit::None),
        ] {
            assert_eq!(all(&rest), (sender, limit), "{rest}");
        }
        for other in [
            "v2.24|Action=Block|Active=FALSE|Dir=Out|Svc=DiagTrack|",
            "v2.24|Action=Block|Active=TRUE|Dir=In|Svc=DiagTrack|",
            "v2.24|Action=Allow|Active=TRUE|Dir=Out|Svc=DiagTrack|",
            "v2.24|Active=TRUE|Dir=Out|Svc=DiagTrack|",
        ] {
            assert_eq!(read(other).0, None, "{other}");
        }
        for odd in ["", "|", "v|Action=Block", "Action=Block|Svc=DiagTrack", "vx|Svc=DiagTrack", "v2.1"] {
            assert!(Rule::read(odd).is_none(), "{odd}");
        }
    }
}
