//! `waprobe pac eval`: what a script that chooses proxies answers for every endpoint, without a network but for the script's
//! own server; on Windows, what WinHTTP makes of it beside.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use jiff::civil::Time;
use jiff::fmt::temporal::Pieces;
use jiff::tz::{Offset, TimeZone};
use serde::Serialize;

use super::arguments::{Color, Format, ScopeArguments};
use super::beside::{self, Address, Beside};
use super::run::{self, scope};
use super::script::{self, Wanted};
use super::terminal::write_prose;
use super::{Exit, Failure, files, terminal};
use crate::harmless::{sanitize, sanitize_lines};
use crate::judge::{Cause, CauseFacts, Owner};
use crate::net::{Clock, Net, addresses_of, load_machine_roots, wall_clock};
use crate::proxies::pac::{
    Answer, Choice, Evaluation, Limits, NameAnswers, Notes, Obstacle, ObstacleKind, Place, Question, ScriptFailure,
    World, evaluate,
};
use crate::proxies::win_http::Automatic;
use crate::report::{json, wording};

#[derive(Debug, Subcommand)]
pub(super) enum PacCommand {
    /// Ask a script for the way to every endpoint; nothing is sent to them, and no name is looked up unless asked for. On
    /// Windows WinHTTP is asked beside it by a script that has an address, and looks up what the script asks for.
    Eval(EvalArguments),
}

#[derive(Debug, Args)]
pub(super) struct EvalArguments {
    /// The script, its http:// or https:// address, or - for standard input.
    #[arg(value_name = "FILE|URL|-", required_unless_present = "wpad", conflicts_with = "wpad")]
    pub file: Option<PathBuf>,

    /// Look for the script as Windows does by DNS (WPAD), from this domain upwards: wpad.dat at wpad.DOMAIN.
    #[arg(long, value_name = "DOMAIN")]
    pub wpad: Option<String>,

    /// A catalogue in place of the one inside this program.
    #[arg(long, value_name = "FILE")]
    pub catalogue: Option<PathBuf>,

    #[command(flatten)]
    pub scope: ScopeArguments,

    /// Ask for this address instead of the catalogue's endpoints.
    #[arg(long, value_name = "URL")]
    pub url: Vec<String>,

    /// The moment that the script sees, such as 2026-11-22T22:30:00+01:00; now without it.
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,

    /// Tell the script that NAME has this address; several for one name are allowed.
    #[arg(long, value_name = "NAME=ADDR")]
    pub resolve: Vec<String>,

    /// Let this machine look up the names that the script asks for.
    #[arg(long)]
    pub resolve_names: bool,

    /// What the script takes for the device's own address.
    #[arg(long, value_name = "ADDR")]
    pub own_address: Vec<IpAddr>,

    /// On Windows, do not ask WinHTTP what it answers by the same script.
    #[arg(long)]
    pub without_winhttp: bool,

    /// What goes to standard output.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

pub(super) fn run(command: &PacCommand) -> Result<Exit, Failure> {
    let PacCommand::Eval(arguments) = command;
    let asked = asked(arguments)?;
    let world = world(arguments)?;
    let wanted = match &arguments.wpad {
        Some(domain) => Wanted::ByWpad(domain),
        None => Wanted::At(arguments.file.as_deref().unwrap_or(Path::new("-"))),
    };
    let net = Net::of_this_machine(Vec::new());
    let roots = || run::root_store(&load_machine_roots().certificates);
    let script::Found { name, script, served } = script::find(wanted, &net, Duration::MAX, &roots)?;
    let questions: Vec<Question> = asked.iter().map(|asked| asked.question.clone()).collect();
    let mut evaluation = evaluate(&script, &questions, &world, &limits(arguments))
        .map_err(|failure| script::refusal(&name, &failure, failure.code()))?;
    evaluation.add(served);

    let addresses: Vec<Address> = asked.iter().filter_map(Asked::address).collect();
    let beside = for_win_http(arguments).and_then(|automatic| beside::ask_with(&automatic, &addresses));
    let document = Document {
        win_http: beside.into_iter().collect(),
        ..Document::new(&name, &asked, &world, evaluation, arguments)
    };
    let width = terminal::layout(Color::Never, false).width;
    files::print(|mut out| match arguments.format {
        Format::Json => json::write(&document, &mut out),
        Format::Table => document.write_text(width, &mut out),
    })?;
    match document.endpoints.iter().filter(|endpoint| endpoint.failure.is_some()).count() {
        0 => Ok(Exit::Ok),
        failed => Err(Failure::usage(format!(
            "the script failed for {failed} of {} addresses: nothing can be said about those",
            document.endpoints.len()
        ))),
    }
}

/// What WinHTTP can be asked for, which knows this device here and now alone: a script at an address or by WPAD, as long as
/// nothing else is to be supposed.
fn for_win_http(arguments: &EvalArguments) -> Option<Automatic> {
    let supposes = arguments.at.is_some() || !arguments.resolve.is_empty() || !arguments.own_address.is_empty();
    if supposes || arguments.without_winhttp {
        return None;
    }
    if arguments.wpad.is_some() {
        return Some(Automatic { detect: true, script: None });
    }
    let script = arguments.file.as_ref()?.to_str().filter(|name| name.contains("://"))?.to_owned();
    Some(Automatic { detect: false, script: Some(script) })
}

/// Names that are really looked up take their time.
fn limits(arguments: &EvalArguments) -> Limits {
    if arguments.resolve_names { Limits::with_lookups() } else { Limits::default() }
}

/// An address to ask for, by the name under which it is shown.
struct Asked {
    name: String,
    question: Question,
}

impl Asked {
    fn address(&self) -> Option<Address> {
        let url = url::Url::parse(&self.question.url).ok()?;
        let port = url.port_or_known_default().unwrap_or_default();
        Some(Address { host: self.question.host.clone(), port, url: self.question.url.clone() })
    }
}

fn asked(arguments: &EvalArguments) -> Result<Vec<Asked>, Failure> {
    if !arguments.url.is_empty() {
        return arguments.url.iter().map(|text| asked_url(text)).collect();
    }
    let catalogue = files::catalogue_file(arguments.catalogue.as_deref())?;
    let (os, solutions) = scope(&arguments.scope)?;
    let chosen = catalogue.endpoints.iter().filter(|endpoint| endpoint.applies(&solutions, &os));
    Ok(chosen
        .map(|endpoint| Asked {
            name: endpoint.name.clone(),
            question: Question { url: format!("{}/", endpoint.url), host: endpoint.host.clone() },
        })
        .collect())
}

fn asked_url(text: &str) -> Result<Asked, Failure> {
    let refuse =
        || Failure::usage(format!("--url: '{}' is not an address such as https://login.live.com", sanitize(text)));
    let url = url::Url::parse(text).map_err(|_| refuse())?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Failure::usage("--url: the address holds a user name or password, which no script has to see"));
    }
    let host = url.host_str().ok_or_else(refuse)?.trim_matches(['[', ']']).to_owned();
    Ok(Asked { name: host.clone(), question: Question { url: url.to_string(), host } })
}

fn world(arguments: &EvalArguments) -> Result<World, Failure> {
    let (now, offset) = moment(arguments.at.as_deref())?;
    let mut given: BTreeMap<String, Vec<IpAddr>> = BTreeMap::new();
    for argument in &arguments.resolve {
        let (name, address) = argument
            .split_once('=')
            .and_then(|(name, address)| Some((name.trim(), address.trim().parse().ok()?)))
            .filter(|(name, _)| !name.is_empty())
            .ok_or_else(|| {
                Failure::usage(format!("--resolve: '{argument}' is not NAME=ADDR, such as proxy.example=10.0.0.1"))
            })?;
        given.entry(name.trim_end_matches('.').to_ascii_lowercase()).or_default().push(address);
    }
    let names = if arguments.resolve_names {
        NameAnswers::Asked(Arc::new(move |name| match given.get(name) {
            Some(addresses) => addresses.clone(),
            None => addresses_of(name),
        }))
    } else {
        NameAnswers::Given(given)
    };
    let mut world = World { offset, names, ..World::at(now) };
    if !arguments.own_address.is_empty() {
        world.own_addresses.clone_from(&arguments.own_address);
    }
    Ok(world)
}

/// The moment of `--at` with the wall clock it was written by, or this machine's where it says none.
fn moment(text: Option<&str>) -> Result<(Timestamp, Offset), Failure> {
    let Some(text) = text else {
        let now = Clock::System.now();
        return Ok((now, wall_clock(now)));
    };
    let refuse = || Failure::usage(format!("--at: '{text}' is not a moment: write it as 2026-11-22T22:30:00+01:00"));
    let pieces = Pieces::parse(text).map_err(|_| refuse())?;
    let civil = pieces.date().to_datetime(pieces.time().unwrap_or(Time::midnight()));
    let moment = match pieces.to_numeric_offset() {
        Some(offset) => offset.to_timestamp(civil).map_err(|_| refuse())?,
        None => civil.to_zoned(TimeZone::system()).map_err(|_| refuse())?.timestamp(),
    };
    Ok((moment, pieces.to_numeric_offset().unwrap_or_else(|| wall_clock(moment))))
}

/// What is printed.
#[derive(Debug, Serialize)]
struct Document {
    schema: &'static str,
    script: String,
    function: &'static str,
    /// The moment that the script saw, as its device's clock shows it.
    at: String,
    endpoints: Vec<Asking>,
    /// What stands in the way of the script on some Windows, by code.
    findings: Vec<FindingDocument>,
    /// The same for the whole script, one by one, with what is only in doubt.
    obstacles: Vec<ObstacleDocument>,
    notes: Notes,
    /// What the reader has to know about the questions that the script asked back.
    caveats: Vec<String>,
    /// What WinHTTP itself answers, beside this program's evaluation here and now; on Windows alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    win_http: Vec<Beside>,
}

/// One address with what the script says about it.
#[derive(Debug, Serialize)]
struct Asking {
    endpoint: String,
    url: String,
    host: String,
    answer: Option<String>,
    choices: Vec<Choice>,
    remarks: Vec<Said>,
    failure: Option<Failed>,
    /// The line of the `return` that gave the answer; `null` where nobody knows.
    line: Option<usize>,
    /// That place, then the places that made the value which it gave back.
    decided: Vec<PlaceDocument>,
    /// What stands in the way of this answer on some Windows, beside what stands in the way of the whole script.
    obstacles: Vec<ObstacleDocument>,
}

/// A place in the script.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct PlaceDocument {
    line: usize,
    column: usize,
    /// The line, or the part of it around the column.
    text: String,
}

/// One thing that a Windows cannot use.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct ObstacleDocument {
    /// `null` where it is only not known.
    code: Option<&'static str>,
    kind: ObstacleKind,
    what: String,
    line: Option<usize>,
    column: Option<usize>,
}

#[derive(Debug, Serialize)]
struct FindingDocument {
    /// `waprobe explain CODE` says more.
    code: &'static str,
    title: &'static str,
    owner: Owner,
    remedy: &'static str,
    evidence: Vec<String>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Said {
    code: Option<&'static str>,
    text: String,
}

#[derive(Debug, Serialize)]
struct Failed {
    code: &'static str,
    text: String,
    line: Option<usize>,
    column: Option<usize>,
    /// The words, and the line of the script below them.
    #[serde(skip)]
    quoted: String,
}

impl Document {
    fn new(script: &str, asked: &[Asked], world: &World, evaluation: Evaluation, arguments: &EvalArguments) -> Self {
        let mut caveats = caveats(&evaluation.notes, arguments);
        let whole = evaluation.readability.as_ref().map(|script| script.obstacles.as_slice()).unwrap_or_default();
        let alone: Vec<&Obstacle> = evaluation.obstacles.iter().flatten().collect();
        let all: Vec<&Obstacle> = whole.iter().chain(alone).collect();
        caveats.extend(in_doubt(&all));
        let findings = findings(&all);
        let obstacles = whole.iter().map(ObstacleDocument::of).collect();
        let looks = evaluation.decided.into_iter().zip(evaluation.obstacles);
        let endpoints = asked
            .iter()
            .zip(evaluation.replies.into_iter().zip(looks))
            .map(|(asked, (reply, (decided, obstacles)))| Asking::new(asked, reply, &decided, &obstacles))
            .collect();
        Self {
            schema: "waprobe-pac/1",
            script: script.to_owned(),
            function: evaluation.function,
            at: world.wall_time(),
            endpoints,
            findings,
            obstacles,
            notes: evaluation.notes,
            caveats,
            win_http: Vec::new(),
        }
    }

    fn write_text(&self, columns: usize, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "{}", self.headline())?;
        writeln!(out, "{} · {} · as of {}\n", sanitize(&self.script), self.function, self.at)?;
        let width = self.endpoints.iter().map(|asking| asking.host.chars().count()).max().unwrap_or_default();
        for asking in &self.endpoints {
            match &asking.failure {
                None => writeln!(out, "  {:width$}  {}{}", asking.host, asking.way(), asking.at_lines())?,
                Some(failure) => writeln!(out, "  {:width$}  failed: {}", asking.host, sanitize(&failure.text))?,
            }
        }
        self.write_failures(out)?;
        self.write_findings(columns, out)?;
        self.write_remarks(out)?;
        for caveat in &self.caveats {
            writeln!(out, "\n{}", sanitize(caveat))?;
        }
        if !self.notes.alerts.is_empty() {
            writeln!(out, "\nThe script said:")?;
            for alert in &self.notes.alerts {
                writeln!(out, "  {}", sanitize(alert))?;
            }
        }
        if !self.win_http.is_empty() {
            writeln!(out, "\nWhat WinHTTP itself answers here and now, where names are looked up")?;
        }
        for beside in &self.win_http {
            beside.write(columns, out)?;
        }
        Ok(())
    }

    /// Where the first way out of each address leads, in one sentence.
    fn headline(&self) -> String {
        let mut ways: Vec<(String, usize)> = Vec::new();
        for asking in &self.endpoints {
            let way = match (&asking.failure, asking.choices.first()) {
                (Some(_), _) => "a failure of the script".to_owned(),
                (None, Some(choice)) => choice.to_string(),
                (None, None) => "nothing that can be used".to_owned(),
            };
            match ways.iter_mut().find(|(known, _)| *known == way) {
                Some((_, count)) => *count += 1,
                None => ways.push((way, 1)),
            }
        }
        ways.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let count = self.endpoints.len();
        match ways.as_slice() {
            [] => "No address was asked for.".to_owned(),
            _ if self.endpoints.iter().all(|asking| asking.failure.is_some()) => {
                "The script fails: it says nothing about any address.".to_owned()
            }
            [(way, _)] if count == 1 => format!("The script's first choice is {way}."),
            [(way, _)] => format!("The script's first choice for all {count} addresses is {way}."),
            several => {
                const SHOWN: usize = 3;
                let mut parts: Vec<String> =
                    several.iter().take(SHOWN).map(|(way, count)| format!("{way} for {count}")).collect();
                let rest: usize = several.iter().skip(SHOWN).map(|(_, count)| count).sum();
                if rest > 0 {
                    parts.push(format!("others for {rest}"));
                }
                format!("The script's first choice for {count} addresses: {}.", parts.join(", "))
            }
        }
    }

    /// Each mistake that has a line once, however many addresses it met.
    fn write_failures(&self, out: &mut impl Write) -> io::Result<()> {
        let mut shown: Vec<&str> = Vec::new();
        for failure in self.endpoints.iter().filter_map(|asking| asking.failure.as_ref()) {
            if failure.line.is_some() && !shown.contains(&failure.quoted.as_str()) {
                shown.push(&failure.quoted);
                writeln!(out, "\n{}: {}", failure.code, sanitize_lines(&failure.quoted))?;
            }
        }
        Ok(())
    }

    fn write_findings(&self, columns: usize, out: &mut impl Write) -> io::Result<()> {
        for finding in &self.findings {
            writeln!(out)?;
            write_prose(out, "", &format!("{} ({})", finding.title, finding.owner), columns)?;
            for line in &finding.evidence {
                write_prose(out, "  - ", line, columns)?;
            }
            write_prose(out, "  ", &format!("{}.", wording::upper_first(finding.remedy)), columns)?;
            writeln!(out, "  {}", finding.code)?;
        }
        Ok(())
    }

    fn write_remarks(&self, out: &mut impl Write) -> io::Result<()> {
        let mut remarks: BTreeMap<&Said, usize> = BTreeMap::new();
        for remark in self.endpoints.iter().flat_map(|asking| &asking.remarks) {
            *remarks.entry(remark).or_default() += 1;
        }
        for (remark, count) in remarks {
            let code = remark.code.map(|code| format!("  {code}")).unwrap_or_default();
            let addresses = if count == 1 { "1 address" } else { "addresses" };
            let number = if count == 1 { String::new() } else { format!("{count} ") };
            writeln!(out, "\n{number}{addresses}: {}{code}", sanitize(&remark.text))?;
        }
        Ok(())
    }
}

impl Asking {
    fn new(asked: &Asked, reply: Result<Answer, ScriptFailure>, decided: &[Place], obstacles: &[Obstacle]) -> Self {
        let (answer, failure) = match reply {
            Ok(answer) => (Some(answer), None),
            Err(failure) => (None, Some(Failed::new(&failure))),
        };
        let said = |answer: &Answer| -> Vec<Said> {
            answer.remarks.iter().map(|remark| Said { code: remark.code(), text: remark.to_string() }).collect()
        };
        Self {
            endpoint: asked.name.clone(),
            url: asked.question.url.clone(),
            host: asked.question.host.clone(),
            remarks: answer.as_ref().map(said).unwrap_or_default(),
            choices: answer.as_ref().map(|answer| answer.choices.clone()).unwrap_or_default(),
            answer: answer.map(|answer| answer.text),
            failure,
            line: decided.first().map(|place| place.line),
            decided: decided.iter().map(PlaceDocument::of).collect(),
            obstacles: obstacles.iter().map(ObstacleDocument::of).collect(),
        }
    }

    fn way(&self) -> String {
        if self.choices.is_empty() {
            return format!("nothing usable: {}", sanitize(self.answer.as_deref().unwrap_or_default()));
        }
        self.choices.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }
}

impl Asking {
    /// Where the script decided that: ` (line 12)`, or ` (line 12, from line 3)`.
    fn at_lines(&self) -> String {
        let lines: Vec<String> = self.decided.iter().map(|place| format!("line {}", place.line)).collect();
        match lines.as_slice() {
            [] => String::new(),
            [line] => format!("  ({line})"),
            [line, others @ ..] => format!("  ({line}, from {})", others.join(", ")),
        }
    }
}

impl PlaceDocument {
    fn of(place: &Place) -> Self {
        Self { line: place.line, column: place.column, text: place.text.clone() }
    }
}

impl ObstacleDocument {
    fn of(obstacle: &Obstacle) -> Self {
        let place = obstacle.place.as_ref();
        Self {
            code: obstacle.kind.code(),
            kind: obstacle.kind,
            what: obstacle.what.clone(),
            line: place.map(|place| place.line),
            column: place.map(|place| place.column),
        }
    }
}

/// So many obstacles are told of one finding.
const MAX_EVIDENCE: usize = 5;

/// What some Windows is known to fail by, in the words of the table of causes.
fn findings(all: &[&Obstacle]) -> Vec<FindingDocument> {
    let mut found: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    for obstacle in all {
        let Some(code) = obstacle.kind.code() else { continue };
        let evidence = found.entry(code).or_default();
        let line = obstacle.to_string();
        if !evidence.contains(&line) && evidence.len() < MAX_EVIDENCE {
            evidence.push(line);
        }
    }
    let tell = |(code, evidence): (&str, Vec<String>)| {
        let CauseFacts { code, title, owner, remedy, .. } = Cause::from_code(code)?.facts();
        Some(FindingDocument { code, title, owner, remedy, evidence })
    };
    found.into_iter().filter_map(tell).collect()
}

/// What nobody has published, each thing once.
fn in_doubt(all: &[&Obstacle]) -> Vec<String> {
    let mut doubts: Vec<String> = Vec::new();
    for obstacle in all.iter().filter(|obstacle| obstacle.kind == ObstacleKind::VersionUnknown) {
        let doubt = format!("Whether Windows' own script engine answers the same is not known ({obstacle}).");
        if !doubts.contains(&doubt) && doubts.len() < MAX_EVIDENCE {
            doubts.push(doubt);
        }
    }
    doubts
}

impl Failed {
    fn new(failure: &ScriptFailure) -> Self {
        Self {
            code: failure.code(),
            text: failure.kind.to_string(),
            line: failure.place.as_ref().map(|place| place.line),
            column: failure.place.as_ref().map(|place| place.column),
            quoted: failure.to_string(),
        }
    }
}

/// What a real device may see otherwise than this evaluation did.
fn caveats(notes: &Notes, arguments: &EvalArguments) -> Vec<String> {
    let mut caveats = Vec::new();
    let unknown: Vec<&str> =
        notes.lookups.iter().filter(|lookup| lookup.addresses.is_empty()).map(|lookup| lookup.name.as_str()).collect();
    if !unknown.is_empty() {
        const SHOWN: usize = 5;
        let shown = unknown.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
        let list = match unknown.len().saturating_sub(SHOWN) {
            0 => shown,
            more => format!("{shown} and {more} more"),
        };
        caveats.push(if arguments.resolve_names {
            format!("The script asked for names that this machine does not resolve: {list}.")
        } else {
            format!(
                "The script asked for names and was told that they do not exist: {list}. Give --resolve NAME=ADDR, or \
                 --resolve-names to look them up from here."
            )
        });
    }
    if notes.own_address && arguments.own_address.is_empty() {
        caveats.push(
            "The script asked for the device's own address and was told 127.0.0.1. Give --own-address ADDR to see what \
             another network gets."
                .to_owned(),
        );
    }
    if notes.chance {
        caveats.push("The script draws lots: a device may get another of its answers.".to_owned());
    }
    caveats
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        eval: EvalArguments,
    }

    /// WinHTTP knows no other moment, no other names and no other device than these.
    #[test]
    fn win_http_is_asked_by_scripts_that_it_can_fetch_and_never_for_what_is_supposed() {
        const URL: &str = "http://wpad.corp.example/proxy.pac";
        let by_address = Automatic { detect: false, script: Some(URL.to_owned()) };
        for (arguments, expected) in [
            (vec![URL], Some(&by_address)),
            (vec![URL, "--resolve-names", "--url", "https://login.live.com"], Some(&by_address)),
            (vec!["--wpad", "corp.example"], Some(&Automatic { detect: true, script: None })),
            (vec!["proxy.pac"], None),
            (vec!["-"], None),
            (vec![URL, "--without-winhttp"], None),
            (vec![URL, "--at", "2026-11-22T22:30:00+01:00"], None),
            (vec![URL, "--resolve", "proxy.example=10.0.0.1"], None),
            (vec![URL, "--own-address", "10.0.0.9"], None),
        ] {
            let line = Line::try_parse_from(["pac"].iter().chain(&arguments)).expect("arguments");
            assert_eq!(for_win_http(&line.eval).as_ref(), expected, "{arguments:?}");
        }
    }

    #[test]
    fn an_address_goes_to_win_http_whole() {
        let asked = asked_url("https://[::1]:8443/a?b=c").expect("an address");
        let address = asked.address().expect("the same");
        assert_eq!(
            (address.host.as_str(), address.port, address.url.as_str()),
            ("::1", 8443, "https://[::1]:8443/a?b=c")
        );
    }
}
