//! The backup of a device's settings, `waprobe-backup/1`: what `undo` puts back.
//!
//! Values stand in it as the registry keeps them, type number and bytes, so that an undo restores them to the bit. A folder
//! that holds it may be writable for others, so it is read as any file from outside: it can name no value that a plan
//! does not write.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Changes, is_known_key};
use crate::enroll::plan::WRITABLE;
use crate::registry::RawValue;

/// The name and version of the document.
pub const SCHEMA: &str = "waprobe-backup/1";

/// No backup is longer: it holds a handful of values.
pub const LARGEST_BACKUP: u64 = 1 << 20;

/// How the device was before waprobe changed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    pub made: Timestamp,
    /// The computer's name; `None` where Windows did not say it.
    pub device: Option<String>,
    /// Keys that waprobe created, each after its parent.
    pub created_keys: Vec<String>,
    pub values: Vec<Saved>,
}

/// One value that waprobe changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    pub key: &'static str,
    pub name: &'static str,
    /// `None` where it was not set.
    pub before: Option<RawValue>,
    /// What waprobe wrote.
    pub after: RawValue,
}

/// Why a text is no backup.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BackupMistake {
    /// Whole, and of a form that this version does not know.
    #[error("it is of the form '{form}', and this version of waprobe knows '{SCHEMA}': use the version that wrote it")]
    OfAnotherVersion { form: String },
    #[error("line {line}: {message}")]
    Damaged { line: usize, message: String },
}

impl Backup {
    #[must_use]
    pub fn new(made: Timestamp, device: Option<String>) -> Self {
        Self { made, device, created_keys: Vec::new(), values: Vec::new() }
    }

    /// What the backup holds of one value.
    #[must_use]
    pub fn saved(&self, key: &str, name: &str) -> Option<&Saved> {
        self.values.iter().find(|saved| (saved.key, saved.name) == (key, name))
    }

    /// Whether it may be used on the device of this name: values of one device are none of another's.
    ///
    /// # Errors
    /// A sentence that names both.
    pub(super) fn fits(&self, device: Option<&str>) -> Result<(), String> {
        match (self.device.as_deref(), device) {
            (Some(own), Some(this)) if !own.eq_ignore_ascii_case(this) => Err(format!(
                "the backup is of the device {own}, and this one is called {this}: give each device a backup of its own, by \
                 --backup. Where this device was called {own} before, write {this} into the file in its place"
            )),
            _ => Ok(()),
        }
    }

    /// Adds what is about to change. What the backup holds already stays as it was first seen.
    pub fn extend(&mut self, changes: &Changes) {
        for change in &changes.changes {
            if let Some(saved) =
                self.values.iter_mut().find(|saved| (saved.key, saved.name) == (change.key, change.name))
            {
                saved.after = change.after.clone();
                continue;
            }
            self.values.push(Saved {
                key: change.key,
                name: change.name,
                before: change.before.clone(),
                after: change.after.clone(),
            });
        }
        for key in &changes.missing_keys {
            if !self.created_keys.contains(key) {
                self.created_keys.push(key.clone());
            }
        }
        // A parent is a prefix of its children.
        self.created_keys.sort_by_key(|key| key.matches('\\').count());
    }

    /// # Errors
    /// [`BackupMistake`], with the line that is none of ours.
    pub fn read(text: &str) -> Result<Self, BackupMistake> {
        if let Ok(Form { schema }) = serde_json::from_str(text)
            && schema != SCHEMA
            && schema.starts_with("waprobe-backup/")
        {
            return Err(BackupMistake::OfAnotherVersion { form: schema });
        }
        let document: Document = serde_json::from_str(text).map_err(|error| {
            let place = format!(" at line {} column {}", error.line(), error.column());
            let message = error.to_string();
            let message = message.strip_suffix(place.as_str()).unwrap_or(&message).to_owned();
            BackupMistake::Damaged { line: error.line().max(1), message }
        })?;
        let mut values: Vec<Saved> = Vec::new();
        for Entry(saved) in document.values {
            if values.iter().any(|other| (other.key, other.name) == (saved.key, saved.name)) {
                let message = format!("the file holds {} twice", saved.name);
                return Err(BackupMistake::Damaged { line: 1, message });
            }
            values.push(saved);
        }
        let created_keys = document.created_keys.into_iter().map(|key| key.0).collect();
        Ok(Self { made: document.made, device: document.device, created_keys, values })
    }

    #[must_use]
    pub fn to_json(&self) -> String {
        let document = WrittenDocument {
            schema: SCHEMA,
            about: "How this device was before waprobe changed it. Keep this file: waprobe enroll undo reads it.",
            made: self.made,
            device: self.device.as_deref(),
            created_keys: &self.created_keys,
            values: self.values.iter().map(WrittenEntry::of).collect(),
        };
        // Text, numbers and lists of them: there is nothing that could fail.
        let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
        text.push('\n');
        text
    }
}

#[derive(Serialize)]
struct WrittenDocument<'a> {
    schema: &'a str,
    about: &'a str,
    made: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<&'a str>,
    created_keys: &'a [String],
    values: Vec<WrittenEntry<'a>>,
}

#[derive(Serialize)]
struct WrittenEntry<'a> {
    key: &'a str,
    name: &'a str,
    before: Option<WrittenValue>,
    after: WrittenValue,
}

#[derive(Serialize)]
struct WrittenValue {
    kind: u32,
    bytes: String,
    /// For people; nothing reads it.
    shown: String,
}

impl<'a> WrittenEntry<'a> {
    fn of(saved: &'a Saved) -> Self {
        let before = saved.before.as_ref().map(WrittenValue::of);
        Self { key: saved.key, name: saved.name, before, after: WrittenValue::of(&saved.after) }
    }
}

impl WrittenValue {
    fn of(raw: &RawValue) -> Self {
        let value = raw.value();
        let digits: Vec<String> = raw.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let bytes = digits.concat();
        Self { kind: raw.kind, bytes, shown: format!("{} ({})", value.shown(), value.type_name()) }
    }
}

/// As much of a document as says what the rest is like.
#[derive(Deserialize)]
struct Form {
    schema: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(rename = "schema")]
    _schema: Schema,
    #[serde(rename = "about")]
    _about: Option<String>,
    made: Timestamp,
    device: Option<String>,
    created_keys: Vec<KnownKey>,
    values: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Schema;

impl TryFrom<String> for Schema {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        if name == SCHEMA { Ok(Self) } else { Err(format!("schema is '{name}', not '{SCHEMA}'")) }
    }
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct KnownKey(String);

impl TryFrom<String> for KnownKey {
    type Error = String;

    fn try_from(key: String) -> Result<Self, String> {
        if is_known_key(&key) { Ok(Self(key)) } else { Err(format!("waprobe never creates the key '{key}'")) }
    }
}

#[derive(Deserialize)]
#[serde(try_from = "ReadEntry")]
struct Entry(Saved);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadEntry {
    key: String,
    name: String,
    before: Option<ReadValue>,
    after: ReadValue,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadValue {
    kind: u32,
    bytes: Hex,
    #[serde(rename = "shown")]
    _shown: Option<String>,
}

impl TryFrom<ReadEntry> for Entry {
    type Error = String;

    fn try_from(entry: ReadEntry) -> Result<Self, String> {
        let known = WRITABLE.iter().find(|(key, name)| *key == entry.key && *name == entry.name);
        let Some((key, name)) = known else {
            return Err(format!("waprobe never writes '{}' in '{}', so it does not undo it", entry.name, entry.key));
        };
        Ok(Self(Saved { key, name, before: entry.before.map(RawValue::from), after: entry.after.into() }))
    }
}

impl From<ReadValue> for RawValue {
    fn from(value: ReadValue) -> Self {
        Self { kind: value.kind, bytes: value.bytes.0 }
    }
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Hex(Vec<u8>);

impl TryFrom<String> for Hex {
    type Error = String;

    fn try_from(digits: String) -> Result<Self, String> {
        const COMPLAINT: &str = "bytes are written as hexadecimal digits without spaces, such as \"02000000\"";
        let digits = digits.as_bytes();
        if !digits.len().is_multiple_of(2) || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(COMPLAINT.to_owned());
        }
        let byte = |pair: &[u8]| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok());
        digits.chunks_exact(2).map(byte).collect::<Option<Vec<u8>>>().map(Self).ok_or_else(|| COMPLAINT.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Change;
    use super::*;
    use crate::enroll::places::POLICY;

    fn backup() -> Backup {
        let mut backup = Backup::new("2026-11-22T20:00:00Z".parse().expect("a moment"), Some("WS01".to_owned()));
        backup.extend(&Changes {
            changes: vec![Change {
                key: POLICY,
                name: "AllowTelemetry",
                before: Some(RawValue { kind: 1, bytes: vec![0x32, 0, 0] }),
                after: RawValue { kind: 4, bytes: vec![2, 0, 0, 0] },
                why: String::new(),
            }],
            unchanged: Vec::new(),
            missing_keys: vec![POLICY.to_owned()],
            contradicting: Vec::new(),
        });
        backup
    }

    #[test]
    fn what_is_written_is_read_back_to_the_bit() {
        let backup = backup();
        assert_eq!(Backup::read(&backup.to_json()), Ok(backup));
    }

    #[test]
    fn a_foreign_file_is_refused_with_its_line() {
        let good = backup().to_json();
        for (was, is, line, message) in [
            ("waprobe-backup/1", "waprobe-snapshot/1", 2, "schema is 'waprobe-snapshot/1'"),
            ("AllowTelemetry", "Shell", 0, "waprobe never writes 'Shell'"),
            (
                "\"HKLM\\\\SOFTWARE\\\\Policies\\\\Microsoft\\\\Windows\\\\DataCollection\"\n",
                "\"HKLM\\\\SYSTEM\"\n",
                0,
                "waprobe never creates",
            ),
            ("320000", "32000", 0, "hexadecimal digits"),
            ("\"kind\": 1", "\"kind\": -1", 0, "invalid value"),
            ("\"made\"", "\"mad\"", 4, "unknown field"),
        ] {
            let text = good.replace(was, is);
            assert_ne!(text, good, "{was} is in it");
            let mistake = Backup::read(&text).expect_err(is).to_string();
            assert!(mistake.contains(message), "{is}: {mistake}");
            assert!(line == 0 || mistake.starts_with(&format!("line {line}: ")), "{is}: {mistake}");
        }
        let newer = good.replace("waprobe-backup/1", "waprobe-backup/2").replace("\"made\"", "\"mad\"");
        let form = "waprobe-backup/2".to_owned();
        assert_eq!(Backup::read(&newer), Err(BackupMistake::OfAnotherVersion { form }), "whatever else is new in it");
        let cut = &good[..good.len() / 2];
        assert!(Backup::read(cut).is_err_and(|mistake| mistake.to_string().contains("EOF")));
        assert!(Backup::read("").is_err());
    }
}
