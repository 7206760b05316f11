//! `waprobe-snapshot/1`: the registry keys that matter, and the facts beside them, as JSON.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize, Serializer};

use super::SnapshotMistake;
use super::device::{Device, Service, StartType, Task};
use super::snapshot::Snapshot;
use super::value::Value;

/// The name and version of the document.
pub const SCHEMA: &str = "waprobe-snapshot/1";

/// What is known of a device: registry keys, and the facts beside them. What is left out is not known.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(title = "Snapshot")]
#[serde(deny_unknown_fields)]
#[expect(missing_debug_implementations, reason = "nobody outside of this file holds one: it is public for its schema")]
pub struct Document {
    /// `waprobe-snapshot/1`.
    #[schemars(with = "String", extend("const" = SCHEMA))]
    schema: Schema,
    /// When the snapshot was made, RFC 3339: what "two days ago" is counted from.
    #[schemars(with = "Option<String>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    captured: Option<Timestamp>,
    /// As `EditionID` in the registry.
    #[serde(skip_serializing_if = "Option::is_none")]
    edition: Option<String>,
    /// As Windows writes it: `10.0.17763.1217`.
    #[serde(skip_serializing_if = "Option::is_none")]
    build: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<bool>,
    /// By path with its root, `HKLM\SOFTWARE\…`; `null` for a key that does not exist. A key that is not here is not known.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Option<BTreeMap<String, Typed>>>")]
    keys: BTreeMap<Path, Option<BTreeMap<String, Typed>>>,
    /// By name; `null` for one that does not exist.
    #[serde(default)]
    services: BTreeMap<String, Option<ServiceFacts>>,
    /// By full path; `null` for one that does not exist.
    #[serde(default)]
    tasks: BTreeMap<String, Option<TaskFacts>>,
    /// Version, as `10.0.17763.1`, by file name; `null` for one that does not exist.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Option<String>>")]
    files: BTreeMap<String, Option<Version>>,
    /// Installed updates, as `KB4462923`.
    #[schemars(with = "Option<Vec<String>>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    hotfixes: Option<Vec<Hotfix>>,
    /// Whether `%windir%\winsxs\pending.xml` exists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pending_xml: Option<bool>,
}

struct Schema;

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Path(String);

struct Version([u32; 4]);

struct Hotfix(u32);

struct Bytes(Vec<u8>);

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data", rename_all = "kebab-case", deny_unknown_fields)]
enum Typed {
    Sz(String),
    ExpandSz(String),
    MultiSz(Vec<String>),
    Dword(u32),
    Qword(u64),
    /// Hexadecimal digits, as in the two that follow.
    Binary(#[schemars(with = "String")] Bytes),
    None(#[schemars(with = "String")] Bytes),
    Other {
        kind: u32,
        #[schemars(with = "String")]
        bytes: Bytes,
    },
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ServiceFacts {
    start: Start,
    running: Option<bool>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Start {
    Automatic,
    Manual,
    Disabled,
    Other,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TaskFacts {
    enabled: bool,
    /// RFC 3339; `null` when it never ran.
    #[schemars(with = "Option<String>")]
    last_run: Option<Timestamp>,
    last_result: Option<u32>,
}

const STARTS: [(StartType, Start); 4] = [
    (StartType::Automatic, Start::Automatic),
    (StartType::Manual, Start::Manual),
    (StartType::Disabled, Start::Disabled),
    (StartType::Other, Start::Other),
];

/// The snapshot as the document that [`Snapshot::read`] takes.
#[must_use]
pub fn to_json(snapshot: &Snapshot) -> String {
    let device = &snapshot.device;
    let keys = snapshot.keys().map(|key| {
        let values = key.values().map(|(name, value)| (name.to_owned(), Typed::from(value)));
        (Path(key.path().to_owned()), Some(values.collect()))
    });
    let absent = snapshot.absent().map(|path| (Path(path.to_owned()), None));
    let document = Document {
        schema: Schema,
        captured: device.captured,
        edition: device.edition.clone(),
        build: device.build.clone(),
        server: device.server,
        keys: absent.chain(keys).collect(),
        services: facts(&device.services, |service| ServiceFacts {
            start: STARTS.into_iter().find(|(start, _)| *start == service.start).map_or(Start::Other, |(_, word)| word),
            running: service.running,
        }),
        tasks: facts(&device.tasks, |task| TaskFacts {
            enabled: task.enabled,
            last_run: task.last_run,
            last_result: task.last_result,
        }),
        files: facts(&device.files, |version| Version(*version)),
        hotfixes: device.hotfixes.as_ref().map(|list| list.iter().copied().map(Hotfix).collect()),
        pending_xml: device.pending_xml,
    };
    // Maps with keys of text and plain values: there is nothing in it that JSON cannot hold.
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

fn facts<From, To>(
    map: &BTreeMap<String, Option<From>>,
    convert: impl Fn(&From) -> To,
) -> BTreeMap<String, Option<To>> {
    map.iter().map(|(name, facts)| (name.clone(), facts.as_ref().map(&convert))).collect()
}

pub(super) fn read(text: &str) -> Result<Snapshot, SnapshotMistake> {
    let document: Document = serde_json::from_str(text).map_err(|error| {
        let place = format!(" at line {} column {}", error.line(), error.column());
        let message = error.to_string();
        let message = in_plain_words(message.strip_suffix(place.as_str()).unwrap_or(&message));
        let message = match path_at(text, error.line(), error.column()) {
            Some(path) => format!("{path}: {message}"),
            None => message,
        };
        SnapshotMistake::new(error.line().max(1), message)
    })?;
    let Schema = document.schema;
    let mut snapshot = Snapshot::default();
    snapshot.device = device(&document);
    for (Path(path), values) in document.keys {
        let Some(values) = values else {
            snapshot.remove(&path);
            continue;
        };
        snapshot.hold(&path);
        for (name, value) in values {
            snapshot.set(&path, &name, value.into());
        }
    }
    Ok(snapshot)
}

/// What a reader of JSON calls what it expected, and what the people who write it call it.
const WORDS: [(&str, &str); 10] = [
    ("EOF while parsing", "the text ends in the middle of"),
    ("expected u32", "expected a whole number from 0 to 4294967295"),
    ("expected u64", "expected a whole number from 0 to 18446744073709551615"),
    ("expected struct Document", "expected an object with \"schema\" and \"keys\""),
    ("expected struct ServiceFacts", "expected an object with \"start\" and \"running\", or null"),
    ("expected struct TaskFacts", "expected an object with \"enabled\" and \"last_run\", or null"),
    ("expected adjacently tagged enum Typed", "expected an object with \"type\" and \"data\""),
    ("expected a map", "expected an object"),
    ("expected a sequence", "expected a list"),
    ("unknown variant", "unknown word"),
];

fn in_plain_words(message: &str) -> String {
    WORDS.iter().fold(message.to_owned(), |message, (word, plain)| message.replace(word, plain))
}

/// Where in the document a place of the text is, as `keys > HKLM\SOFTWARE\… > AllowTelemetry > data`: the script writes a
/// device's snapshot in a few long lines. `None` at the top.
fn path_at(text: &str, line: usize, column: usize) -> Option<String> {
    enum Level {
        Object { key: Option<String>, is_at_key: bool },
        List { index: usize },
    }
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let bytes = text.as_bytes();
    let bytes = &bytes[..bytes.len().min(before.saturating_add(column))];
    let mut levels: Vec<Level> = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                let start = at;
                at += 1;
                while bytes.get(at).is_some_and(|byte| *byte != b'"') {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                let end = bytes.len().min(at + 1);
                if let Some(Level::Object { key, is_at_key: is_at_key @ true }) = levels.last_mut() {
                    *key = serde_json::from_slice(&bytes[start..end]).ok();
                    *is_at_key = false;
                }
            }
            b'{' => levels.push(Level::Object { key: None, is_at_key: true }),
            b'[' => levels.push(Level::List { index: 1 }),
            b'}' | b']' => {
                levels.pop();
            }
            b',' => match levels.last_mut() {
                Some(Level::Object { is_at_key, .. }) => *is_at_key = true,
                Some(Level::List { index }) => *index += 1,
                None => {}
            },
            _ => {}
        }
        at += 1;
    }
    let names: Vec<String> = levels
        .into_iter()
        .filter_map(|level| match level {
            Level::Object { key, .. } => key,
            Level::List { index } => Some(format!("item {index}")),
        })
        .collect();
    (!names.is_empty()).then(|| names.join(" > "))
}

fn device(document: &Document) -> Device {
    Device {
        captured: document.captured,
        edition: document.edition.clone(),
        build: document.build.clone(),
        server: document.server,
        services: folded(&document.services, |facts| Service {
            start: STARTS
                .into_iter()
                .find(|(_, word)| *word == facts.start)
                .map_or(StartType::Other, |(start, _)| start),
            running: facts.running,
        }),
        tasks: folded(&document.tasks, |facts| Task {
            enabled: facts.enabled,
            last_run: facts.last_run,
            last_result: facts.last_result,
        }),
        files: folded(&document.files, |version| version.0),
        hotfixes: document.hotfixes.as_ref().map(|list| list.iter().map(|hotfix| hotfix.0).collect()),
        pending_xml: document.pending_xml,
        is_live: false,
    }
}

fn folded<From, To>(
    map: &BTreeMap<String, Option<From>>,
    convert: impl Fn(&From) -> To,
) -> BTreeMap<String, Option<To>> {
    map.iter().map(|(name, facts)| (name.to_lowercase(), facts.as_ref().map(&convert))).collect()
}

impl From<Typed> for Value {
    fn from(typed: Typed) -> Self {
        match typed {
            Typed::Sz(text) => Self::Sz(text),
            Typed::ExpandSz(text) => Self::ExpandSz(text),
            Typed::MultiSz(parts) => Self::MultiSz(parts),
            Typed::Dword(number) => Self::Dword(number),
            Typed::Qword(number) => Self::Qword(number),
            Typed::Binary(Bytes(bytes)) => Self::Binary(bytes),
            Typed::None(Bytes(bytes)) => Self::None(bytes),
            Typed::Other { kind, bytes: Bytes(bytes) } => Self::Other { kind, bytes },
        }
    }
}

impl From<&Value> for Typed {
    fn from(value: &Value) -> Self {
        match value {
            Value::Sz(text) => Self::Sz(text.clone()),
            Value::ExpandSz(text) => Self::ExpandSz(text.clone()),
            Value::MultiSz(parts) => Self::MultiSz(parts.clone()),
            Value::Dword(number) => Self::Dword(*number),
            Value::Qword(number) => Self::Qword(*number),
            Value::Binary(bytes) => Self::Binary(Bytes(bytes.clone())),
            Value::None(bytes) => Self::None(Bytes(bytes.clone())),
            Value::Other { kind, bytes } => Self::Other { kind: *kind, bytes: Bytes(bytes.clone()) },
        }
    }
}

impl Serialize for Schema {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(SCHEMA)
    }
}

impl Serialize for Path {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.map(|part| part.to_string()).join("."))
    }
}

impl Serialize for Hotfix {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("KB{}", self.0))
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let digits: Vec<String> = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        serializer.serialize_str(&digits.concat())
    }
}

impl<'de> Deserialize<'de> for Schema {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        if name == SCHEMA { Ok(Self) } else { Err(D::Error::custom(format!("schema is '{name}', not '{SCHEMA}'"))) }
    }
}

impl<'de> Deserialize<'de> for Path {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let path = String::deserialize(deserializer)?;
        match super::snapshot::canonical(&path) {
            Some(path) => Ok(Self(path)),
            None => Err(D::Error::custom(format!("the key '{path}' does not begin with a registry root"))),
        }
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let parts: Option<Vec<u32>> = text.split('.').map(|part| part.parse().ok()).collect();
        match parts.as_deref() {
            Some(&[major, minor, build, revision]) => Ok(Self([major, minor, build, revision])),
            _ => Err(D::Error::custom(format!("'{text}' is not a file version such as 10.0.17763.1"))),
        }
    }
}

impl<'de> Deserialize<'de> for Hotfix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number =
            text.get(..2).filter(|start| start.eq_ignore_ascii_case("KB")).and_then(|_| text[2..].parse().ok());
        number.map(Self).ok_or_else(|| D::Error::custom(format!("'{text}' is not an update such as KB4462923")))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = text.as_bytes();
        let fits = digits.len() % 2 == 0 && digits.iter().all(u8::is_ascii_hexdigit);
        let pair = |pair: &[u8]| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match digits.chunks_exact(2).map(pair).collect() {
            Some(bytes) if fits => Ok(Self(bytes)),
            _ => Err(D::Error::custom("bytes are written as hexadecimal digits without spaces, such as \"1800ff\"")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Lookup, Presence};
    use super::*;

    const WHOLE: &str = r#"{
  "schema": "waprobe-snapshot/1",
  "captured": "2019-03-01T10:00:00Z",
  "edition": "Enterprise", "build": "10.0.17763.316", "server": false,
  "keys": {
    "HKLM\\SOFTWARE\\A": { "Level": { "type": "dword", "data": 2 }, "Blob": { "type": "binary", "data": "18FF" },
        "": { "type": "sz", "data": "default" }, "Odd": { "type": "other", "data": { "kind": 4, "bytes": "0200" } } },
    "HKEY_LOCAL_MACHINE\\SOFTWARE\\B": null
  },
  "services": { "DiagTrack": { "start": "automatic", "running": true }, "wlidsvc": null },
  "tasks": { "\\Microsoft\\X": { "enabled": true, "last_run": "2019-03-01T03:00:00Z", "last_result": 0 } },
  "files": { "Appraiser.dll": "10.0.17763.1", "diagtrack.dll": null },
  "hotfixes": ["KB4462923"],
  "pending_xml": false
}"#;

    #[test]
    fn a_document_holds_keys_absences_and_facts() {
        let snapshot = Snapshot::read(WHOLE.as_bytes()).expect("readable");
        assert_eq!(snapshot.lookup(r"HKLM\SOFTWARE\a", "level"), Lookup::Set(&Value::Dword(2)));
        assert_eq!(snapshot.lookup(r"HKLM\SOFTWARE\A", "Blob").value(), Some(&Value::Binary(vec![0x18, 0xff])));
        assert_eq!(snapshot.lookup(r"HKLM\SOFTWARE\A", "").value(), Some(&Value::Sz("default".into())));
        assert_eq!(snapshot.presence(r"HKLM\SOFTWARE\B"), Presence::Absent);
        assert_eq!(snapshot.lookup(r"HKLM\SOFTWARE\C", "x"), Lookup::NotKnown);
        let device = &snapshot.device;
        assert_eq!(
            device.service("DIAGTRACK"),
            Some(Some(Service { start: StartType::Automatic, running: Some(true) }))
        );
        assert_eq!(device.service("wlidsvc"), Some(None));
        assert_eq!(device.service("dps"), None);
        assert_eq!(device.file("appraiser.dll"), Some(Some([10, 0, 17763, 1])));
        assert_eq!(device.file("diagtrack.dll"), Some(None));
        assert_eq!(device.hotfixes.as_deref(), Some(&[4_462_923][..]));
    }

    #[test]
    fn wrong_types_are_refused_with_their_line() {
        for (from, to, line, message) in [
            (
                r#""data": 2"#,
                r#""data": "2""#,
                6,
                r#"keys > HKLM\SOFTWARE\A > Level > data: invalid type: string "2", expected a whole number"#,
            ),
            (r#""data": 2"#, r#""data": 4294967296"#, 6, "expected a whole number from 0"),
            (r#""data": 2"#, r#""data": -1"#, 6, "Level > data: invalid value"),
            ("18FF", "18F", 6, "hexadecimal digits"),
            ("18FF", "18Fé", 6, "hexadecimal digits"),
            (r#""type": "dword""#, r#""type": "word""#, 6, "Level > type: unknown word `word`"),
            ("waprobe-snapshot/1", "waprobe-snapshot/9", 2, "schema is 'waprobe-snapshot/9'"),
            ("2019-03-01T10:00:00Z", "yesterday", 3, "year"),
            (r#""server": false"#, r#""server": "no""#, 4, "expected a boolean"),
            (r#""server": false"#, r#""servr": false"#, 4, "unknown field `servr`"),
            ("HKLM", "HKXX", 6, "does not begin with a registry root"),
            (r#""running": true"#, r#""running": 1"#, 10, "expected a boolean"),
            (r#""start": "automatic""#, r#""start": 2"#, 10, ""),
            ("10.0.17763.1\"", "10.0.17763\"", 12, "is not a file version"),
            ("KB4462923", "4462923", 13, "is not an update"),
            (r#"["KB4462923"]"#, r#""KB4462923""#, 13, "hotfixes: invalid type: string \"KB4462923\", expected a list"),
        ] {
            assert!(WHOLE.contains(from), "{from}");
            let mistake = Snapshot::read(WHOLE.replacen(from, to, 1).as_bytes()).expect_err(to);
            assert!(mistake.line.abs_diff(line) <= 1, "{to}: {mistake}");
            assert!(mistake.message.contains(message), "{to}: {mistake}");
        }
        for cut in [1, 40, WHOLE.len() - 2] {
            assert!(Snapshot::read(&WHOLE.as_bytes()[..cut]).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut snapshot = Snapshot::read(WHOLE.as_bytes()).expect("readable");
        for (name, value) in [
            ("Text", Value::Sz("a\u{1}\"\\ü北".into())),
            ("Path", Value::ExpandSz("%windir%".into())),
            ("Lines", Value::MultiSz(vec!["a".into(), String::new()])),
            ("Long", Value::Qword(u64::MAX)),
            ("Nothing", Value::None(vec![])),
        ] {
            snapshot.set(r"HKCU\Ü", name, value);
        }
        let text = to_json(&snapshot);
        assert_eq!(Snapshot::read(text.as_bytes()), Ok(snapshot), "{text}");
        assert_eq!(Snapshot::read(to_json(&Snapshot::default()).as_bytes()), Ok(Snapshot::default()));
    }

    #[test]
    fn powershell_writes_utf_16_and_a_mark() {
        let mut bytes = vec![0xff, 0xfe];
        bytes.extend(WHOLE.encode_utf16().flat_map(u16::to_le_bytes));
        assert_eq!(Snapshot::read(&bytes), Snapshot::read(WHOLE.as_bytes()));
        let marked = [b"\xef\xbb\xbf", WHOLE.as_bytes()].concat();
        assert_eq!(Snapshot::read(&marked), Snapshot::read(WHOLE.as_bytes()));
    }
}
