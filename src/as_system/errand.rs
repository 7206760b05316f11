//! What the processes tell each other: the errand on the way there, its ending on the way back.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, Read as _, Write as _};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::replacement::replace;

/// An errand of more bytes is none of ours.
const LARGEST: u64 = 4 << 20;

/// A password on its way to the process that needs it. Unlike other secrets it can be written: into a file that only SYSTEM and
/// administrators may open, and into a pipe.
#[derive(Debug, Clone)]
pub struct Carried(pub SecretString);

impl Serialize for Carried {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose_secret())
    }
}

impl<'de> Deserialize<'de> for Carried {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(SecretString::from(text)))
    }
}

/// What the caller's standard output can show: the worker's own is a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Screen {
    pub width: usize,
    pub colour: bool,
    pub ascii: bool,
}

/// What is to be done.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Errand {
    /// As the caller was given them, without the program's name.
    pub arguments: Vec<String>,
    /// Files that the arguments name, by that name: the caller has read them, and their copies are read instead.
    pub inputs: BTreeMap<String, String>,
    /// Files that the arguments name to be written, by that name: the caller puts them where they belong.
    pub outputs: BTreeMap<String, String>,
    /// Passwords that the caller has asked for or read, by where it had them from.
    pub secrets: BTreeMap<String, Carried>,
    pub screen: Screen,
    /// What takes longer is ended.
    pub limit_ms: u64,
    /// How long the worker may take to come to an end when it is asked to.
    pub stop_ms: u64,
}

impl Errand {
    /// Into a new file.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
        file.write_all(&self.to_bytes()?)
    }

    /// One line: control characters are escaped in JSON.
    pub(super) fn to_bytes(&self) -> io::Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    pub(super) fn read(path: &Path) -> io::Result<Self> {
        let mut bytes = Vec::new();
        File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
        Self::from_bytes(&bytes)
    }

    fn from_bytes(bytes: &[u8]) -> io::Result<Self> {
        if bytes.len() as u64 > LARGEST {
            return Err(io::Error::other("the errand is too long"));
        }
        // The parser's own words would quote what it read, which may be a password.
        serde_json::from_slice(bytes).map_err(|mistake| {
            io::Error::other(format!(
                "the errand cannot be read at line {}, column {}",
                mistake.line(),
                mistake.column()
            ))
        })
    }
}

/// An errand as the worker has it.
#[derive(Debug)]
pub struct Worker {
    pub errand: Errand,
    /// Where the copies lie, and where outputs go.
    pub folder: PathBuf,
}

impl Worker {
    /// Reads the line that the messenger writes first.
    ///
    /// # Errors
    /// When it is no errand.
    pub fn take(messenger: &mut impl BufRead) -> io::Result<Self> {
        let mut line = Vec::new();
        io::Read::take(messenger, LARGEST + 1).read_until(b'\n', &mut line)?;
        Ok(Self { errand: Errand::from_bytes(&line)?, folder: std::env::current_dir()? })
    }

    /// The copy of a file that the arguments name.
    #[must_use]
    pub fn input(&self, name: &Path) -> Option<PathBuf> {
        self.errand.inputs.get(name.to_str()?).map(|copy| self.folder.join(copy))
    }

    /// What is written in place of a file that the arguments name.
    #[must_use]
    pub fn output(&self, name: &Path) -> Option<PathBuf> {
        self.errand.outputs.get(name.to_str()?).map(|copy| self.folder.join(copy))
    }

    /// The password that the caller had from there.
    #[must_use]
    pub fn secret(&self, origin: &str) -> Option<SecretString> {
        self.errand.secrets.get(origin).map(|carried| carried.0.clone())
    }
}

/// How the worker ended, as the messenger saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "end")]
pub enum Ending {
    /// By itself.
    Exited { code: i32 },
    /// By something else, in the system's words.
    Crashed { how: String },
    /// By the messenger, because it took longer than it may.
    Late,
    /// By the messenger, because it did not stop when it was asked to.
    Stopped,
    /// It never began.
    NotBegun { why: String },
}

impl Ending {
    /// Complete when it is there: written beside its place first.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        let beside = path.with_extension("part");
        fs::write(&beside, serde_json::to_vec(self)?)?;
        replace(&beside, path)
    }

    /// `None` while it is not there.
    pub(super) fn read(path: &Path) -> Option<Self> {
        let mut bytes = Vec::new();
        File::open(path).ok()?.take(LARGEST).read_to_end(&mut bytes).ok()?;
        serde_json::from_slice(&bytes).ok()
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited { code } => write!(out, "it ended with {code}"),
            Self::Crashed { how } => write!(out, "it ended by {how}"),
            Self::Late => out.write_str("it took longer than it may, and was ended"),
            Self::Stopped => out.write_str("it was stopped"),
            Self::NotBegun { why } => out.write_str(why),
        }
    }
}
