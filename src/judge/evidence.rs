//! Evidence as lines: one fact each, in the order in which it was learnt, in words that need no manual.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::wording::{fault, without_query};
use crate::certificate::hex;
use crate::observation::{
    DnsEvidence, DnsFailure, Evidence, HttpEvidence, Leg, NameSource, NtlmChallenge, Observation, PassedOver,
    RecordType, ServerAnswer, TcpAttempt, TcpEvidence, TcpOutcome, TlsEvidence, TunnelEvidence,
};

/// Clocks that differ by less need no remark: a run takes its time too.
const SAME_TIME: i64 = 60;
/// How much of a body is quoted.
const QUOTED_BODY: usize = 160;
/// How much of what a page says to people, in characters.
const QUOTED_PAGE: usize = 240;

/// The facts of one attempt, in a run that took place `at`.
pub(super) fn lines(seen: &Observation, at: Timestamp) -> Vec<String> {
    let mut lines = Vec::new();
    for step in seen.steps() {
        match &step.evidence {
            Evidence::Dns(dns) => of_dns(dns, &mut lines),
            Evidence::Tcp(tcp) => of_tcp(tcp, &mut lines),
            Evidence::Proxy(tunnel) => of_tunnel(tunnel, at, &mut lines),
            Evidence::Tls(tls) => of_tls("", tls, &mut lines),
            Evidence::Http(http) => of_http(http, &mut lines),
            Evidence::Unfinished(_) => {}
        }
        if let Some(fault_seen) = &step.fault {
            lines.push(format!("{} stage ended: {}", step.stage.as_str(), fault(fault_seen)));
        }
    }
    lines
}

fn of_dns(dns: &DnsEvidence, lines: &mut Vec<String>) {
    let addresses = list(&dns.addresses);
    match &dns.source {
        NameSource::ConnectTo => {
            lines.push(format!("{} goes to {addresses} by --connect-to; no name was looked up", dns.name));
        }
        NameSource::Literal => lines.push(format!("{} is an address; no name was looked up", dns.name)),
        NameSource::System => of_system(dns, &addresses, lines),
        NameSource::Server(server) if dns.addresses.is_empty() => {
            lines.push(format!("{server} gives no address for {}", dns.name));
        }
        NameSource::Server(server) => lines.push(format!("{server} resolves {} to {addresses}", dns.name)),
    }
    lines.extend(dns.answers.iter().filter(|answer| !is_plain_answer(answer, dns)).map(answer_line));
}

fn of_system(dns: &DnsEvidence, addresses: &str, lines: &mut Vec<String>) {
    if let Some(error) = dns.system.as_ref().and_then(|answer| answer.error.as_ref()) {
        lines.push(format!("the system could not resolve {}: {error}", dns.name));
        lines.extend(dns.system.as_ref().and_then(|answer| answer.configuration.clone()));
        return;
    }
    lines.push(format!("the system resolves {} to {addresses}", dns.name));
    let line = dns.system.as_ref().and_then(|answer| answer.hosts_line.as_ref());
    lines.extend(line.map(|line| format!("a line in the hosts file says so: \"{line}\"")));
}

/// Says nothing beyond the line above it.
fn is_plain_answer(answer: &ServerAnswer, dns: &DnsEvidence) -> bool {
    answer.failure.is_none()
        && answer.rcode == Some(0)
        && answer.cnames.is_empty()
        && answer.extended_errors.is_empty()
        && answer.addresses.iter().all(|address| dns.addresses.contains(address))
}

fn answer_line(answer: &ServerAnswer) -> String {
    let record = match answer.question.record {
        RecordType::A => "A",
        RecordType::Aaaa => "AAAA",
    };
    let transport = if answer.over_tcp { " over TCP" } else { "" };
    let mut line = format!("{}{transport} on {record}: ", answer.server);
    match (&answer.failure, answer.rcode) {
        (Some(failure), _) => line.push_str(&dns_failure(failure)),
        (None, Some(code)) => {
            line.push_str(&rcode(code));
            if !answer.cnames.is_empty() {
                let _ = write!(line, ", alias of {}", answer.cnames.join(" → "));
            }
            if !answer.addresses.is_empty() {
                let _ = write!(line, ", {}", list(&answer.addresses));
            }
        }
        (None, None) => line.push_str("no answer"),
    }
    for (code, text) in &answer.extended_errors {
        let _ = write!(line, ", extended error {code} \"{text}\"");
    }
    line
}

fn dns_failure(failure: &DnsFailure) -> String {
    match failure {
        DnsFailure::Timeout => "no answer in time".to_owned(),
        DnsFailure::PortClosed => "its port is closed".to_owned(),
        DnsFailure::Unreachable => "unreachable".to_owned(),
        DnsFailure::LocallyDenied => "this machine refused to send the question; its own firewall does that".to_owned(),
        DnsFailure::Malformed(detail) => format!("unreadable answer ({detail})"),
        DnsFailure::TruncatedAndTcpFailed(detail) => format!("truncated answer, and TCP fails ({detail})"),
        DnsFailure::Other(detail) => detail.clone(),
    }
}

fn rcode(code: u16) -> String {
    match code {
        0 => "NOERROR".to_owned(),
        1 => "FORMERR".to_owned(),
        2 => "SERVFAIL".to_owned(),
        3 => "NXDOMAIN".to_owned(),
        4 => "NOTIMP".to_owned(),
        5 => "REFUSED".to_owned(),
        other => format!("response code {other}"),
    }
}

fn of_tcp(tcp: &TcpEvidence, lines: &mut Vec<String>) {
    lines.extend(tcp.attempts.iter().map(|attempt| attempt_line(attempt, tcp)));
}

fn attempt_line(attempt: &TcpAttempt, tcp: &TcpEvidence) -> String {
    let address = attempt.address;
    match &attempt.outcome {
        TcpOutcome::Connected if tcp.carried == Some(address) => format!("connected to {address}"),
        TcpOutcome::Connected => format!("{address} connects too"),
        TcpOutcome::Failed { detail, .. } => format!("{address}: {detail}"),
        TcpOutcome::Pending => format!("{address} had not answered when the row ended"),
    }
}

fn of_tunnel(tunnel: &TunnelEvidence, at: Timestamp, lines: &mut Vec<String>) {
    if let Some(tls) = &tunnel.tls {
        of_tls("to the proxy: ", tls, lines);
    }
    for leg in &tunnel.legs {
        lines.push(leg_line(leg));
        lines.extend(
            leg.challenges.iter().filter_map(|challenge| challenge.ntlm.as_ref()).map(|said| ntlm_line(said, at)),
        );
    }
    lines.extend(tunnel.passed_over.iter().map(passed_over_line));
    if let Some(refused) = tunnel.legs.last().filter(|leg| leg.status.is_none_or(|status| status >= 300)) {
        quote(&refused.body_start, lines);
    }
    if !tunnel.early_bytes.is_empty() {
        lines.push(format!("behind the 2xx came {} bytes before the client spoke", tunnel.early_bytes.len()));
    }
}

fn leg_line(leg: &Leg) -> String {
    let with = match &leg.credential {
        Some(credential) if credential.detail.is_empty() => format!(" with {} credentials", credential.scheme),
        Some(credential) => format!(" with {} credentials ({})", credential.scheme, credential.detail),
        None => String::new(),
    };
    let mut line = format!("{}{with} on connection {}: ", leg.request, leg.connection);
    match leg.status {
        Some(status) => line.push_str(format!("{status} {}", leg.reason).trim_end()),
        None => line.push_str("no readable answer"),
    }
    let offers = super::refusal::offers(leg);
    if !offers.is_empty() {
        let _ = write!(line, ", offering {offers}");
    }
    for name in ["proxy-status", "x-squid-error", "via", "server", "location", "retry-after"] {
        if let Some(value) = leg.header(name) {
            let _ = write!(line, ", {name}: {}", without_query(name, value));
        }
    }
    line
}

/// Who stands behind the challenge, and how far its clock is from ours.
fn ntlm_line(said: &NtlmChallenge, at: Timestamp) -> String {
    let known_as = |short: &Option<String>, long: &Option<String>| match (short, long) {
        (Some(short), Some(long)) => Some(format!("{short} ({long})")),
        (Some(name), None) | (None, Some(name)) => Some(name.clone()),
        (None, None) => None,
    };
    let mut facts = Vec::new();
    facts.extend(known_as(&said.netbios_server, &said.dns_server).map(|name| format!("server {name}")));
    facts.extend(known_as(&said.netbios_domain, &said.dns_domain).map(|name| format!("domain {name}")));
    if facts.is_empty() {
        facts.extend(said.target.as_ref().map(|name| format!("target {name}")));
    }
    if let Some(time) = said.time {
        let ahead = time.as_second() - at.as_second();
        facts.push(match ahead.abs() {
            0..=SAME_TIME => "its clock agrees with ours".to_owned(),
            seconds if ahead > 0 => format!("its clock is {seconds} s ahead of ours"),
            seconds => format!("its clock is {seconds} s behind ours"),
        });
    }
    if facts.is_empty() {
        facts.push("it says nothing of itself".to_owned());
    }
    format!("NTLM challenge of {} bytes: {}", said.length, facts.join(", "))
}

fn passed_over_line(passed: &PassedOver) -> String {
    let what = match passed.mechanism {
        Some(mechanism) => format!("{} by {mechanism}", passed.scheme),
        None => passed.scheme.to_string(),
    };
    format!("{what} was passed over: {}", fault(&passed.why))
}

fn of_tls(to: &str, tls: &TlsEvidence, lines: &mut Vec<String>) {
    if let Some(version) = &tls.version {
        let parts = [Some(version), tls.cipher_suite.as_ref(), tls.key_exchange.as_ref(), tls.alpn.as_ref()];
        let words: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
        lines.push(format!("{to}{}", words.join(", ")));
    }
    if tls.hello_retried {
        lines.push(format!("{to}the server asked for another key share"));
    }
    if tls.client_certificate_wanted {
        lines.push(format!("{to}the server asks for a client certificate"));
    }
    quote(&tls.first_bytes, lines);
}

fn of_http(http: &HttpEvidence, lines: &mut Vec<String>) {
    let Some(status) = http.status else {
        quote(&http.body_start, lines);
        return;
    };
    let mut line = format!("{}: {}", http.request, format!("{status} {}", http.reason).trim_end());
    for name in ["server", "via", "location", "retry-after", "x-squid-error", "proxy-status"] {
        if let Some(value) = http.header(name) {
            let _ = write!(line, ", {name}: {}", without_query(name, value));
        }
    }
    lines.push(line);
    if status >= 300 {
        quote(&http.body_start, lines);
    }
}

/// The beginning of what a peer sent: text as text, bytes as bytes.
fn quote(bytes: &[u8], lines: &mut Vec<String>) {
    if bytes.is_empty() {
        return;
    }
    let start = &bytes[..bytes.len().min(QUOTED_BODY)];
    let printable = start.iter().filter(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace()).count();
    if printable * 10 >= start.len() * 9 {
        let text = String::from_utf8_lossy(start);
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        lines.push(format!("it begins: \"{text}\""));
    } else {
        lines.push(format!("it begins with the bytes {}", hex(&start[..start.len().min(24)])));
    }
}

/// The title of a page, in one line of bounded length.
pub(super) fn title(page: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(page);
    // Lower case of ASCII alone keeps every place where it is.
    let lower = text.to_ascii_lowercase();
    let begin = lower.find("<title")?;
    let begin = begin + lower[begin..].find('>')? + 1;
    let end = lower[begin..].find("</title").map_or(text.len(), |length| begin + length);
    let title = words(&text[begin..end]);
    (!title.is_empty()).then_some(title)
}

/// Begin what was written by somebody who answered in place of the service.
pub const PAGE_SAYS: &str = "The page says:";
pub const ANSWER_SAYS: &str = "The answer says:";

/// What was written by whoever answered last: a page's title and text, or the beginning of another text.
pub(super) fn page(seen: &Observation) -> Option<String> {
    let tunnel = seen.tunnel();
    let places = [
        seen.http().map(|http| &http.body_start),
        seen.tls().map(|tls| &tls.first_bytes),
        tunnel.map(|tunnel| &tunnel.early_bytes),
        tunnel.and_then(|tunnel| tunnel.legs.last()).map(|leg| &leg.body_start),
    ];
    places.into_iter().flatten().find(|bytes| !bytes.is_empty()).and_then(|bytes| written(bytes))
}

/// Squid's pages begin with so much style that nothing but their title is kept, and that says nothing.
const SQUIDS_TITLE: &str = "The requested URL could not be retrieved";

/// What servers call their statuses on the pages that they come with.
const STATUS_WORDS: [&str; 18] = [
    "Moved Permanently",
    "Moved Temporarily",
    "Found",
    "See Other",
    "Temporary Redirect",
    "Permanent Redirect",
    "Bad Request",
    "Unauthorized",
    "Authorization Required",
    "Forbidden",
    "Not Found",
    "Not Allowed",
    "Method Not Allowed",
    "Not Implemented",
    "Internal Server Error",
    "Bad Gateway",
    "Service Temporarily Unavailable",
    "Service Unavailable",
];

/// A page that a server came with, and that repeats its status and the server's name (`302 Found nginx/1.22.1`).
fn is_stock(text: &str) -> bool {
    let is_status = |word: &str| word.len() == 3 && word.bytes().all(|byte| byte.is_ascii_digit());
    let Some((_, rest)) = text.split_once(' ').filter(|(status, _)| is_status(status)) else {
        return is_status(text);
    };
    STATUS_WORDS.iter().any(|words| {
        rest.strip_prefix(words).is_some_and(|product| {
            product.is_empty() || product.starts_with(' ') && !product.trim_start().contains(' ')
        })
    })
}

/// What these bytes say to people.
fn written(written: &[u8]) -> Option<String> {
    let start = &written[..written.len().min(QUOTED_BODY)];
    let (begins, text) = if is_page(written) {
        (PAGE_SAYS, text_of(written))
    } else {
        (ANSWER_SAYS, words(&String::from_utf8_lossy(written)))
    };
    let says_something = !text.is_empty() && !text.ends_with(SQUIDS_TITLE) && !is_stock(&text);
    (is_text(start) && says_something).then(|| format!("{begins} \"{text}\""))
}

/// Mostly characters that are meant for people.
fn is_text(bytes: &[u8]) -> bool {
    let is_odd = |byte: &&u8| byte.is_ascii_control() && !byte.is_ascii_whitespace();
    // The cut may have fallen inside a character; other than that, what is no text is so soon.
    let is_readable =
        std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to() * 10 >= bytes.len() * 9, |_| true);
    is_readable && bytes.iter().filter(is_odd).count() * 10 <= bytes.len()
}

fn is_page(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes).to_ascii_lowercase();
    ["<html", "<!doctype", "<head", "<body", "<title", "<h1", "<p>"].iter().any(|mark| text.contains(mark))
}

/// A page without its markup, its title first.
fn text_of(page: &[u8]) -> String {
    let text = String::from_utf8_lossy(page);
    let lower = text.to_ascii_lowercase();
    let mut rest = lower.find('<').unwrap_or_default();
    let mut plain = String::new();
    while rest < text.len() {
        let Some(tag) = lower[rest..].find('<').map(|at| rest + at) else {
            plain.push_str(&text[rest..]);
            break;
        };
        plain.push_str(&text[rest..tag]);
        plain.push(' ');
        // What stands in these is not shown to people, or is known already.
        let hidden = ["title", "style", "script"].into_iter().find(|name| lower[tag + 1..].starts_with(name));
        let end = match hidden {
            Some(name) => lower[tag..].find(&format!("</{name}")).map(|at| tag + at + 1),
            None if lower[tag..].starts_with("<!--") => lower[tag..].find("-->").map(|at| tag + at),
            None => Some(tag),
        };
        rest = end.and_then(|end| lower[end..].find('>').map(|at| end + at + 1)).unwrap_or(text.len());
    }
    let plain = words(&plain);
    match title(page) {
        Some(title) if plain.is_empty() || plain.starts_with(&title) => {
            words(&if plain.is_empty() { title } else { plain })
        }
        Some(title) => words(&format!("{title}: {plain}")),
        None => plain,
    }
}

/// What a page's source reads like: entities resolved, white space joined, nothing that moves a cursor, and no more than is
/// quoted of it.
fn words(source: &str) -> String {
    const ENTITIES: [(&str, &str); 7] = [
        ("&nbsp;", " "),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&apos;", "'"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&amp;", "&"),
    ];
    let mut text = source.to_owned();
    for (entity, character) in ENTITIES {
        text = text.replace(entity, character);
    }
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut characters = text.chars().filter(|character| !character.is_control());
    let mut kept: String = characters.by_ref().take(QUOTED_PAGE).collect();
    if characters.next().is_some() {
        kept.push('…');
    }
    kept
}

fn list(addresses: &[std::net::IpAddr]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_shown_as_people_read_it_and_no_longer_than_a_line_or_two() {
        for (page, says) in [
            (
                "<html><head><title>Web Page Blocked</title><style>p { color: red }</style></head><body><h1>Category: \
                 telemetry</h1>\n<p>Ask &quot;IT&quot;</p><script>track()</script></body>",
                "The page says: \"Web Page Blocked: Category: telemetry Ask \"IT\"\"",
            ),
            ("<TITLE>ERROR</TITLE><body>ERROR<p>Denied<!-- <p>x --> here", "The page says: \"ERROR Denied here\""),
            ("<html><style>only this", ""),
            ("<html><title>only this", "The page says: \"only this\""),
            ("Blocked \u{1b}[31mby\r\n the firewall", "The answer says: \"Blocked [31mby the firewall\""),
            ("   ", ""),
            ("<html><title>ERROR: The requested URL could not be retrieved</title><style>body {", ""),
            ("<html><title>302 Found</title><body><h1>302 Found</h1><hr>nginx/1.22.1</body>", ""),
            ("<html><title>400 Bad Request</title><body><h1>400 Bad Request</h1></body>", ""),
            ("<html><h1>403 Forbidden</h1>Ask the help desk", "The page says: \"403 Forbidden Ask the help desk\""),
            ("<html><h1>403 Blocked</h1>", "The page says: \"403 Blocked\""),
        ] {
            assert_eq!(written(page.as_bytes()).unwrap_or_default(), says, "{page}");
        }
        assert_eq!(written(b"\x15\x03\x01\x00\x02\x02\x28"), None);
        assert_eq!(written(b"\x05\xff"), None);
        let long = written("<p>ä".repeat(2_000).as_bytes()).unwrap_or_default();
        assert!(long.ends_with("…\"") && long.chars().count() < 260, "{long}");
    }
}
