//! The recording: a whole run as JSON Lines, to be judged again elsewhere.
//!
//! One header, a line per distinct certificate before the observation that first shows it, and with it the machine's roots
//! that it names, a line per observation, one end line with counts. A file without the end line is read and called cut off.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io::{self, BufRead, Write};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::certificates_by_hash::{reading_with, unknown_certificate};
use super::{Attempt, Ended, Evidence, Observation};
use crate::catalogue::CatalogueSource;
use crate::certificate::place::{RootPlace, RootPlaces};
use crate::certificate::{Certificate, hex};
use crate::plan::{ClientProfile, Plan};

const SCHEMA: &str = "waprobe-recording/1";
/// A longer line was not written by this tool: evidence is bounded where it is taken.
const LONGEST_LINE: usize = 64 << 20;

/// What a run was asked and what it stood on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Header {
    pub schema: String,
    pub tool: Tool,
    /// When the run began, UTC; every judgement on dates is made for this moment.
    pub started: Timestamp,
    pub catalogue: CatalogueSource,
    /// PEM text by trust class, from `--anchors`.
    pub anchors: BTreeMap<String, String>,
    pub plan: Plan,
    pub machine_roots: MachineRootsNote,
    /// The run's own expectation (`--expect`, or the story of `--lab`) as TOML text.
    pub expectation: Option<String>,
    /// `--fail-on` as given.
    pub fail_on: Option<String>,
    /// The account of Windows' own as which it ran; none for people, and anywhere else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ran_as: Option<ServiceAccount>,
}

/// Accounts that Windows has for its services; what they meet in a network differs from what people meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceAccount {
    /// The diagnostic service's.
    System,
    NetworkService,
    LocalService,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    pub name: String,
    pub version: String,
}

/// Where the machine's roots came from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineRootsNote {
    /// `SSL_CERT_FILE=/etc/…`, `the system's store`, `--machine-roots lab.pem`.
    pub source: String,
    pub count: usize,
    /// What could not be read of them.
    pub problems: Vec<String>,
    /// Windows fetches a root of Microsoft's programme when it is first needed: that one is not in the store says nothing.
    #[serde(default, skip_serializing_if = "is_false")]
    pub on_demand: bool,
}

/// The roots that the judge holds against a chain, beside those of the catalogue.
#[derive(Debug, Clone, Default)]
pub struct Roots {
    pub machine: Vec<Certificate>,
    pub note: MachineRootsNote,
    /// Public roots in place of Mozilla's set: a lab's world has its own.
    pub public: Option<Vec<Certificate>>,
    /// Where Windows keeps those of `machine`; empty for every other source.
    pub places: RootPlaces,
}

/// A run as read back.
#[derive(Debug)]
pub struct Recording {
    pub header: Header,
    pub roots: Roots,
    pub observations: Vec<Observation>,
    /// How long the run took; `None` when the file is cut off.
    pub duration: Option<std::time::Duration>,
    /// How the run ended; a cut-off file counts as interrupted.
    pub ended: Ended,
    /// What is wrong with the file without making it unreadable: cut off, lines lost.
    pub remarks: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Line {
    Certificate { sha256: String, der: String },
    Observation(Observation),
    MachineRoot(MachineRoot),
    PublicRoot(String),
    End(End),
}

/// A root by its hash, with its places where they are known.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum MachineRoot {
    Somewhere(String),
    At { sha256: String, places: BTreeSet<RootPlace> },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct End {
    observations: usize,
    certificates: usize,
    #[serde(default)]
    machine_roots: Option<usize>,
    duration: std::time::Duration,
    ended: Ended,
}

/// Why a file is not a recording.
#[derive(Debug, thiserror::Error)]
pub enum RecordingMistake {
    #[error("could not read it: {0}")]
    Io(#[from] io::Error),
    #[error("the file is empty")]
    Empty,
    #[error(
        "line 1: the recording's header ends in the middle, so that nothing in this file can be judged; copy the file anew \
         or record again"
    )]
    HeaderCutOff,
    #[error("line 1: not a recording's header: {0}")]
    NotARecording(String),
    #[error("line 1: this is '{found}', and this version of waprobe reads '{SCHEMA}'")]
    OtherVersion { found: String },
    #[error("line {line}: {detail}")]
    Line { line: usize, detail: String },
}

/// Writes a recording as the run goes, so that an interrupted one keeps what it had.
#[derive(Debug)]
pub struct Writer<W: Write> {
    out: W,
    written: HashSet<[u8; 32]>,
    /// The machine's, until a chain names them.
    roots: Vec<Certificate>,
    places: RootPlaces,
    machine_roots: usize,
    observations: usize,
}

impl<W: Write> Writer<W> {
    /// # Errors
    /// When the first lines cannot be written.
    pub fn begin(mut out: W, header: &Header, roots: &Roots) -> io::Result<Self> {
        write_line(&mut out, header)?;
        let written = HashSet::new();
        let (machine, places) = (roots.machine.clone(), roots.places.clone());
        let mut writer = Self { out, written, roots: machine, places, machine_roots: 0, observations: 0 };
        for root in roots.public.iter().flatten() {
            writer.certificate(root)?;
            write_line(&mut writer.out, &Line::PublicRoot(hex(root.sha256())))?;
        }
        Ok(writer)
    }

    /// # Errors
    /// When a line cannot be written.
    pub fn observation(&mut self, observation: &Observation) -> io::Result<()> {
        let new: Vec<&Certificate> =
            certificates(observation).filter(|seen| !self.written.contains(seen.sha256())).collect();
        for certificate in &new {
            self.certificate(certificate)?;
        }
        self.roots_named_by(&new)?;
        self.observations += 1;
        write_line(&mut self.out, &Line::Observation(observation.clone()))
    }

    fn certificate(&mut self, certificate: &Certificate) -> io::Result<()> {
        use base64::Engine as _;
        if !self.written.insert(*certificate.sha256()) {
            return Ok(());
        }
        let der = base64::engine::general_purpose::STANDARD.encode(certificate.der());
        write_line(&mut self.out, &Line::Certificate { sha256: hex(certificate.sha256()), der })
    }

    /// A run that is killed must not lose what its machine trusts: the roots go in front of the chain that names them.
    fn roots_named_by(&mut self, certificates: &[&Certificate]) -> io::Result<()> {
        if certificates.is_empty() {
            return Ok(());
        }
        let (named, others) = named_by(certificates, std::mem::take(&mut self.roots));
        self.roots = others;
        for root in named {
            self.certificate(&root)?;
            let sha256 = hex(root.sha256());
            let line = match self.places.remove(root.sha256()) {
                None => MachineRoot::Somewhere(sha256),
                Some(places) => MachineRoot::At { sha256, places },
            };
            write_line(&mut self.out, &Line::MachineRoot(line))?;
            self.machine_roots += 1;
        }
        Ok(())
    }

    /// Adds the end line.
    ///
    /// # Errors
    /// When a line cannot be written.
    pub fn end(mut self, duration: std::time::Duration, ended: Ended) -> io::Result<W> {
        let end = End {
            observations: self.observations,
            certificates: self.written.len(),
            machine_roots: Some(self.machine_roots),
            duration,
            ended,
        };
        write_line(&mut self.out, &Line::End(end))?;
        self.out.flush()?;
        Ok(self.out)
    }
}

impl Header {
    #[must_use]
    pub fn schema() -> String {
        SCHEMA.to_owned()
    }
}

/// Reads a recording back.
///
/// # Errors
/// [`RecordingMistake`] with the line; a missing end line is a remark, not an error.
pub fn read(mut input: impl BufRead) -> Result<Recording, RecordingMistake> {
    let mut text = String::new();
    let Some(complete) = next_line(&mut input, &mut text, 1)? else { return Err(RecordingMistake::Empty) };
    let header = match read_header(&text) {
        Err(RecordingMistake::NotARecording(_)) if !complete && text.starts_with('{') => {
            return Err(RecordingMistake::HeaderCutOff);
        }
        header => header?,
    };
    let mut reader = Reader::default();
    let mut number = 1;
    loop {
        number += 1;
        let Some(complete) = next_line(&mut input, &mut text, number)? else { break };
        if text.trim().is_empty() {
            continue;
        }
        match reader.line(&text) {
            Ok(()) => {}
            // A last line without its newline is what a full disk or a killed run leaves.
            Err(_) if !complete => reader.remarks.push(format!(
                "line {number} ends in the middle and was left out: the run was stopped or the disk was full while it was \
                 written; copy the file anew if it was copied, or else record again what is missing"
            )),
            Err(detail) => return Err(RecordingMistake::Line { line: number, detail }),
        }
    }
    reader.finish(header)
}

#[derive(Default)]
struct Reader {
    pool: HashMap<String, Certificate>,
    observations: Vec<Observation>,
    /// A job has two attempts at most per profile, and each question about it is asked once.
    attempts: HashSet<(u32, Attempt, Option<ClientProfile>)>,
    machine: Vec<Certificate>,
    places: RootPlaces,
    public: Vec<Certificate>,
    end: Option<End>,
    remarks: Vec<String>,
}

impl Reader {
    fn line(&mut self, text: &str) -> Result<(), String> {
        if self.end.is_some() {
            return Err("there is more after the end line".to_owned());
        }
        let line = self.parse(text)?;
        match line {
            Line::Certificate { sha256, der } => {
                use base64::Engine as _;
                let der = base64::engine::general_purpose::STANDARD
                    .decode(der)
                    .map_err(|error| format!("the certificate is not base64: {error}"))?;
                let certificate = Certificate::from_der(der);
                if hex(certificate.sha256()) != sha256 {
                    return Err(format!("the certificate's bytes do not have the hash {sha256} they are filed under"));
                }
                self.pool.insert(sha256, certificate);
            }
            Line::Observation(observation) => {
                let (job, attempt) = (observation.job().0, observation.attempt());
                if !self.attempts.insert((job, attempt, observation.profile())) {
                    let which = match attempt {
                        Attempt::First => "the first attempt of",
                        Attempt::Again => "the second attempt of",
                        Attempt::FollowUp(_) => "this follow-up of",
                    };
                    return Err(format!("{which} job {job} stands on an earlier line already"));
                }
                self.observations.push(observation);
            }
            Line::MachineRoot(MachineRoot::Somewhere(sha256)) => {
                let root = self.known(&sha256)?;
                self.machine.push(root);
            }
            Line::MachineRoot(MachineRoot::At { sha256, places }) => {
                let root = self.known(&sha256)?;
                self.places.insert(*root.sha256(), places);
                self.machine.push(root);
            }
            Line::PublicRoot(sha256) => {
                let root = self.known(&sha256)?;
                self.public.push(root);
            }
            Line::End(end) => self.end = Some(end),
        }
        Ok(())
    }

    fn parse(&mut self, text: &str) -> Result<Line, String> {
        reading_with(&mut self.pool, || serde_json::from_str(text)).map_err(|error| {
            // serde_json counts lines within this one text; its "line 1" would contradict the file's own number.
            let text = error.to_string();
            text.replace(" at line 1 column", ", column").replace(" line 1 column", ", column")
        })
    }

    fn known(&self, sha256: &str) -> Result<Certificate, String> {
        self.pool.get(sha256).cloned().ok_or_else(|| unknown_certificate(sha256))
    }

    fn finish(self, header: Header) -> Result<Recording, RecordingMistake> {
        let Self { observations, machine, places, public, end, mut remarks, .. } = self;
        match &end {
            None => remarks.push(cut_off(&observations, header.plan.jobs.len())),
            Some(end) if end.observations != observations.len() => remarks.push(format!(
                "the end line counts {} observations and the file holds {}: it was edited or lost lines",
                end.observations,
                observations.len()
            )),
            Some(End { machine_roots: Some(count), .. }) if *count != machine.len() => remarks.push(format!(
                "the end line counts {count} roots of the machine and the file holds {}: what that machine trusts is not \
                 known",
                machine.len()
            )),
            Some(_) => {}
        }
        let jobs = header.plan.jobs.len();
        if let Some(stray) = observations.iter().find(|observation| observation.job().0 as usize >= jobs) {
            return Err(RecordingMistake::Line {
                line: 1,
                detail: format!("an observation names job {}, and the plan has {jobs} jobs", stray.job().0),
            });
        }
        let (note, public) = (header.machine_roots.clone(), (!public.is_empty()).then_some(public));
        let roots = Roots { machine, note, public, places };
        let (duration, ended) = match end {
            None => (None, Ended::Interrupted),
            // Rows whose lines are lost were tested by somebody, and by nobody as far as this file goes.
            Some(end) if end.observations != observations.len() => (Some(end.duration), Ended::Interrupted),
            Some(end) => (Some(end.duration), end.ended),
        };
        Ok(Recording { header, roots, observations, duration, ended, remarks })
    }
}

/// What can be told of a run whose end nobody wrote down.
fn cut_off(observations: &[Observation], jobs: usize) -> String {
    let seen: HashSet<u32> =
        observations.iter().filter(|seen| seen.follow_up().is_none()).map(|seen| seen.job().0).collect();
    match jobs.saturating_sub(seen.len()) {
        0 => "the recording is cut off: every planned row is there; what is missing behind them, second tries and follow-ups \
              perhaps, can make a row milder or sharper"
            .to_owned(),
        missing => format!(
            "the recording is cut off: {} of {jobs} planned rows are there and are judged; the other {missing} are shown as \
             not tested",
            seen.len()
        ),
    }
}

fn read_header(text: &str) -> Result<Header, RecordingMistake> {
    #[derive(Deserialize)]
    struct Version {
        schema: String,
    }
    let version: Version =
        serde_json::from_str(text).map_err(|error| RecordingMistake::NotARecording(error.to_string()))?;
    if version.schema != SCHEMA {
        return Err(RecordingMistake::OtherVersion { found: version.schema });
    }
    let header: Header =
        serde_json::from_str(text).map_err(|error| RecordingMistake::NotARecording(error.to_string()))?;
    header.plan.check().map_err(|detail| RecordingMistake::Line { line: 1, detail })?;
    Ok(header)
}

/// The next line in `text`: `Some(true)` with its newline, `Some(false)` without, `None` at the end.
fn next_line(input: &mut impl BufRead, text: &mut String, number: usize) -> Result<Option<bool>, RecordingMistake> {
    text.clear();
    let mut bytes = Vec::new();
    let read = io::Read::take(&mut *input, LONGEST_LINE as u64).read_until(b'\n', &mut bytes)?;
    if read == 0 {
        return Ok(None);
    }
    if read == LONGEST_LINE {
        return Err(RecordingMistake::Line { line: number, detail: "longer than any line of a recording".to_owned() });
    }
    let complete = bytes.ends_with(b"\n");
    match String::from_utf8(bytes) {
        Ok(line) => text.push_str(&line),
        Err(_) if !complete => text.push('\u{fffd}'),
        Err(_) => return Err(RecordingMistake::Line { line: number, detail: "not UTF-8 text".to_owned() }),
    }
    Ok(Some(complete))
}

fn certificates(observation: &Observation) -> impl Iterator<Item = &Certificate> {
    observation.steps().iter().flat_map(|step| match &step.evidence {
        Evidence::Tls(seen) => seen.chain.as_slice(),
        Evidence::Proxy(seen) => seen.tls.as_ref().map_or(&[][..], |seen| seen.chain.as_slice()),
        Evidence::Dns(_) | Evidence::Tcp(_) | Evidence::Http(_) | Evidence::Unfinished(_) => &[],
    })
}

/// Splits `roots` into those whose subject or key identifier some of `certificates` names as its issuer's, or that are among
/// them, and the others.
fn named_by(certificates: &[&Certificate], roots: Vec<Certificate>) -> (Vec<Certificate>, Vec<Certificate>) {
    let mut issuers = HashSet::new();
    let mut key_ids = HashSet::new();
    for fields in certificates.iter().filter_map(|certificate| certificate.fields()) {
        issuers.insert(fields.issuer_der.as_slice());
        issuers.insert(fields.subject_der.as_slice());
        key_ids.extend(fields.authority_key_id.as_deref());
    }
    roots.into_iter().partition(|root| {
        root.fields().is_some_and(|fields| {
            issuers.contains(fields.subject_der.as_slice())
                || fields.subject_key_id.as_deref().is_some_and(|id| key_ids.contains(id))
        })
    })
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a field by reference")]
fn is_false(value: &bool) -> bool {
    !value
}

fn write_line(out: &mut impl Write, line: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}

/// Orders observations as judged: by job, the first attempt before the second.
pub fn in_plan_order(observations: &mut [Observation]) {
    observations.sort_by_key(|observation| (observation.job(), observation.attempt(), observation.profile()));
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::catalogue::{Catalogue, OsSelection, Solution};
    use crate::observation::{Recorder, Stage, TlsEvidence};
    use crate::plan::{Budget, JobId, PlannedRoute};

    fn header() -> Header {
        let catalogue = Catalogue::embedded();
        let plan = Plan::new(
            &catalogue,
            vec![PlannedRoute::Direct],
            Budget::default(),
            OsSelection::all(),
            Solution::ALL.to_vec(),
        );
        Header {
            schema: Header::schema(),
            tool: Tool { name: "waprobe".into(), version: "0.1.0".into() },
            started: "2026-11-22T10:30:00Z".parse().expect("a moment"),
            catalogue: catalogue.source,
            anchors: BTreeMap::new(),
            plan,
            machine_roots: MachineRootsNote { source: "a test".into(), count: 1, ..MachineRootsNote::default() },
            expectation: None,
            fail_on: None,
            ran_as: None,
        }
    }

    fn observation(job: u32, chain: Vec<Certificate>) -> Observation {
        let now = Instant::now();
        let mut recorder = Recorder::new(JobId(job), Attempt::First, now);
        let evidence = TlsEvidence {
            version: Some("TLSv1.3".into()),
            chain,
            first_bytes: b"HTTP/1.1 400 \xff\x00".to_vec(),
            ..TlsEvidence::begun("v10c.events.data.microsoft.com")
        };
        recorder.passed(Stage::Tls, Duration::from_millis(3), Evidence::Tls(Box::new(evidence)));
        recorder.finish(now)
    }

    fn recorded(observations: &[Observation], roots: &Roots) -> String {
        let mut writer = Writer::begin(Vec::new(), &header(), roots).expect("a header");
        for observation in observations {
            writer.observation(observation).expect("a line");
        }
        let bytes = writer.end(Duration::from_millis(412), Ended::Complete).expect("an end");
        String::from_utf8(bytes).expect("text")
    }

    fn roots() -> Roots {
        let trust = Catalogue::embedded().trust;
        let note = header().machine_roots;
        Roots { machine: trust.public.anchors, note, ..Roots::default() }
    }

    fn issuing_ca() -> Certificate {
        Catalogue::embedded().trust.application_root.helpers[0].clone()
    }

    #[test]
    fn a_run_comes_back_as_it_was_with_each_certificate_once() {
        let unreadable = Certificate::from_der(b"not a certificate".to_vec());
        let run = [observation(0, vec![issuing_ca(), unreadable.clone()]), observation(1, vec![issuing_ca()])];
        let text = recorded(&run, &roots());
        assert_eq!(text.matches("\"der\"").count(), 2, "the machine's roots are named by no chain here");
        let read = read(text.as_bytes()).expect("a recording");
        assert_eq!(read.observations, run);
        assert_eq!(read.ended, Ended::Complete);
        assert!(read.remarks.is_empty(), "{:?}", read.remarks);
    }

    #[test]
    fn the_roots_that_a_chain_names_travel_with_it_and_no_others() {
        let g2 = Catalogue::embedded().trust.public.anchors.iter().find_map(|root| {
            root.fields().filter(|fields| fields.subject.contains("DigiCert Global Root G2")).map(|_| root.clone())
        });
        let issued_by_g2 = Catalogue::embedded()
            .trust
            .public
            .helpers
            .into_iter()
            .find(|helper| helper.fields().is_some_and(|fields| fields.issuer.contains("DigiCert Global Root G2")));
        let text = recorded(&[observation(0, vec![issued_by_g2.expect("a helper")])], &roots());
        assert_eq!(read(text.as_bytes()).expect("a recording").roots.machine, vec![g2.expect("a root")]);
    }

    #[test]
    fn a_root_travels_with_its_places_and_one_without_them_is_a_plain_hash() {
        let mut roots = roots();
        let sent = roots.machine[0].clone();
        let places = BTreeSet::from([RootPlace::GroupPolicy, RootPlace::Registry]);
        let plain = recorded(&[observation(0, vec![sent.clone()])], &roots);
        assert!(plain.contains(&format!("{{\"machine-root\":\"{}\"}}", hex(sent.sha256()))), "{plain}");
        assert!(!plain.contains("on_demand"), "said of Windows alone");

        roots.places.insert(*sent.sha256(), places.clone());
        let text = recorded(&[observation(0, vec![sent.clone()])], &roots);
        assert!(text.contains("\"places\":[\"registry\",\"group-policy\"]"), "{text}");
        let read = read(text.as_bytes()).expect("a recording");
        assert_eq!(read.roots.machine, std::slice::from_ref(&sent));
        assert_eq!(read.roots.places, RootPlaces::from([(*sent.sha256(), places)]));
    }

    #[test]
    fn a_recording_that_is_cut_off_is_read_and_called_so() {
        let text = recorded(&[observation(0, vec![issuing_ca()]), observation(1, Vec::new())], &roots());
        let end = text.find("{\"end\"").expect("an end line");
        let without_end = read(&text.as_bytes()[..end]).expect("a recording");
        assert_eq!(without_end.observations.len(), 2);
        assert!(without_end.remarks[0].contains("2 of 15 planned rows are there"), "{:?}", without_end.remarks);
        assert_eq!(without_end.ended, Ended::Interrupted);

        let half_a_line = read(&text.as_bytes()[..end - 20]).expect("a recording");
        assert_eq!(half_a_line.observations.len(), 1);
        let [line, file] = half_a_line.remarks.as_slice() else { panic!("{:?}", half_a_line.remarks) };
        assert!(line.starts_with("line 4 ends in the middle") && file.contains("other 14 are shown as not tested"));

        let header = text.find('\n').expect("a header");
        let complaint = read(&text.as_bytes()[..header / 2]).expect_err("no header").to_string();
        assert!(complaint.starts_with("line 1: the recording's header ends in the middle"), "{complaint}");
    }

    #[test]
    fn a_run_of_which_the_end_alone_is_missing_is_not_said_to_lack_rows() {
        let all: Vec<Observation> = (0..15).map(|job| observation(job, Vec::new())).collect();
        let text = recorded(&all, &roots());
        let end = text.find("{\"end\"").expect("an end line");
        let read = read(&text.as_bytes()[..end]).expect("a recording");
        assert!(read.remarks[0].contains("every planned row is there"), "{:?}", read.remarks);
    }

    #[test]
    fn every_prefix_of_a_recording_is_read_or_refused_and_never_panics() {
        let text = recorded(&[observation(0, vec![issuing_ca()])], &roots());
        for end in (0..text.len()).step_by(97) {
            let _ = read(&text.as_bytes()[..end]);
        }
    }

    #[test]
    fn what_is_no_recording_is_refused_with_its_line() {
        let text = recorded(&[observation(0, vec![issuing_ca()])], &roots());
        let complaint = |text: &str| read(text.as_bytes()).expect_err("a mistake").to_string();
        assert_eq!(complaint(""), "the file is empty");
        assert!(complaint("hello\n").starts_with("line 1: not a recording's header"));
        assert!(complaint(&text.replace("waprobe-recording/1", "waprobe-recording/9")).contains("waprobe-recording/9"));
        let lines: Vec<&str> = text.lines().collect();
        assert!(complaint(&format!("{}\n{}\n", lines[0], lines[2])).starts_with("line 2: names the certificate"));
        assert!(complaint(&text.replace("\"job\":0", "\"job\":99")).contains("job 99"));
        assert!(complaint(&format!("{text}{}\n", lines[1])).contains("after the end line"));
        let twice = complaint(&format!("{}\n{}\n{}\n{}\n", lines[0], lines[1], lines[2], lines[2]));
        assert_eq!(twice, "line 4: the first attempt of job 0 stands on an earlier line already");
        let again = lines[2].replace("\"first\"", "\"again\"");
        assert_ne!(again, lines[2]);
        assert!(read(format!("{}\n{}\n{}\n{again}\n", lines[0], lines[1], lines[2]).as_bytes()).is_ok());
        let forged = text.replacen("\"der\":\"MII", "\"der\":\"MIJ", 1);
        assert!(complaint(&forged).contains("do not have the hash"));
    }

    #[test]
    fn steps_that_no_probe_could_have_seen_are_refused() {
        let text = recorded(&[observation(0, Vec::new())], &roots());
        let wrong_stage = text.replace("\"stage\":\"tls\"", "\"stage\":\"dns\"");
        assert!(read(wrong_stage.as_bytes()).expect_err("a mistake").to_string().contains("holds tls evidence"));
    }
}
