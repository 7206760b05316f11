//! TOML to [`Catalogue`], mistakes collected instead of stopping at the first.

mod address;
mod endpoint;
mod section;
mod trust;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use serde_spanned::Spanned;
use toml::de::{DeTable, DeValue};

use self::section::{Mistakes, Section};
use super::{Catalogue, ClassMaterial, Complaints, Control, Endpoint, Trust, TrustClass, embedded};
use crate::certificate::Certificate;

/// A catalogue as text: its TOML and the PEM files it names. A recording carries this whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogueSource {
    /// The file's name as given, or `the embedded catalogue`.
    pub origin: String,
    pub text: String,
    /// PEM text by the name the catalogue uses; a file that could not be read has its error here.
    ///
    /// The built-in certificates of a class that the catalogue leaves out are here too, so that a recording means the
    /// same to a later version.
    pub files: BTreeMap<String, Result<String, String>>,
}

impl CatalogueSource {
    /// More text than this is not read as a catalogue.
    pub const LARGEST_TEXT: usize = 16 << 20;
    /// A file that holds more is no list of roots; readers of files stop there.
    pub const LARGEST_FILE: usize = 4 << 20;
    const MOST_FILES: usize = 1_000;

    pub(super) fn embedded() -> Self {
        Self::gather(embedded::ORIGIN, embedded::TEXT.to_owned(), |name| embedded::file(name))
    }

    /// `text` with every PEM file that it names read through `read`; what cannot be read becomes a complaint later.
    ///
    /// Of each file only the certificates are kept: a private key that lies beside them must not travel in a recording.
    pub fn gather(origin: &str, text: String, mut read: impl FnMut(&str) -> Result<String, String>) -> Self {
        let mut files = BTreeMap::new();
        if text.len() <= Self::LARGEST_TEXT {
            let (root, _) = DeTable::parse_recoverable(&text);
            let mut room = Self::LARGEST_TEXT;
            for name in trust::named_files(root.get_ref()).into_iter().take(Self::MOST_FILES) {
                let content = read(&name).and_then(|content| match content.len() {
                    length if length > Self::LARGEST_FILE => Err("it is larger than 4 MiB".to_owned()),
                    length if length > room => Err("together the files are larger than 16 MiB".to_owned()),
                    length => {
                        room -= length;
                        Ok(only_certificates(&content))
                    }
                });
                files.insert(name, content);
            }
            for class in trust::unnamed_classes(root.get_ref()) {
                let material = built_in_trust().class(class);
                files.insert(built_in_name(class, "anchors"), Ok(to_pem(&material.anchors)));
                files.insert(built_in_name(class, "helpers"), Ok(to_pem(&material.helpers)));
            }
        }
        Self { origin: origin.to_owned(), text, files }
    }

    /// The built-in certificates of `class`, as they were when this was gathered.
    fn built_in(&self, class: TrustClass) -> ClassMaterial {
        let carried = |role| match self.files.get(&built_in_name(class, role)) {
            Some(Ok(pem)) => Certificate::list_from_pem(pem).ok(),
            _ => None,
        };
        match carried("anchors") {
            Some(anchors) => ClassMaterial { anchors, helpers: carried("helpers").unwrap_or_default() },
            None => built_in_trust().class(class).clone(),
        }
    }
}

/// No path looks like this, so that it stands beside the names of files.
fn built_in_name(class: TrustClass, role: &str) -> String {
    format!("<built-in {role} of {}>", class.id())
}

fn built_in_trust() -> &'static Trust {
    static TRUST: OnceLock<Trust> = OnceLock::new();
    TRUST.get_or_init(|| Catalogue::embedded().trust)
}

fn to_pem(certificates: &[Certificate]) -> String {
    certificates.iter().map(Certificate::to_pem).collect()
}

/// `pem` with every line outside a certificate emptied; the numbers of the lines stay.
fn only_certificates(pem: &str) -> String {
    let mut inside = false;
    let mut kept = String::with_capacity(pem.len());
    for line in pem.lines() {
        let line = line.trim();
        inside |= line == "-----BEGIN CERTIFICATE-----";
        if inside {
            kept.push_str(line);
        }
        kept.push('\n');
        inside &= line != "-----END CERTIFICATE-----";
    }
    kept
}

const KEYS: [&str; 5] = ["schema", "name", "trust", "control", "endpoint"];
const CONTROL_KEYS: [&str; 3] = ["url", "body", "host"];
const SCHEMA: &str = "waprobe-catalogue/1";

pub(super) fn read(source: CatalogueSource) -> Result<Catalogue, Complaints> {
    let mut mistakes = Mistakes::default();
    let read = interpret(&source, &mut mistakes);
    let complaints = mistakes.into_complaints();
    match read {
        Some(Parts { name, endpoints, trust, control }) if complaints.is_empty() => {
            Ok(Catalogue { name, endpoints, trust, control, source })
        }
        _ => Err(Complaints { origin: source.origin, text: source.text, complaints }),
    }
}

struct Parts {
    name: String,
    endpoints: Vec<Endpoint>,
    trust: Trust,
    control: Option<Control>,
}

fn interpret(source: &CatalogueSource, mistakes: &mut Mistakes) -> Option<Parts> {
    let text = &source.text;
    if text.len() > CatalogueSource::LARGEST_TEXT {
        let message = format!("{} bytes are too many for a catalogue", text.len());
        mistakes.add_without_place(message, "up to 16 MiB are read".to_owned());
        return None;
    }
    let (root, errors) = DeTable::parse_recoverable(text);
    mistakes.add_broken(errors, text);
    let root = Section::root(root.get_ref(), &KEYS, mistakes);

    // A minimal catalogue leaves the schema out: it is read as this version.
    if let Some(schema) = root.text("schema", mistakes)
        && schema.value != SCHEMA
    {
        let message = format!("unknown schema `{}`", super::complaint::quotable(schema.value));
        mistakes.add(&schema.span, message, format!("this version of waprobe reads `{SCHEMA}`"));
    }
    let name = root.text("name", mistakes).map_or_else(|| file_stem(&source.origin), |name| name.value.to_owned());
    let trust = trust::read(root.get("trust"), source, mistakes);
    let control = root.get("control").and_then(|control| read_control(control, mistakes));
    let endpoints = read_endpoints(&root, text, mistakes);
    Some(Parts { name, endpoints, trust, control })
}

fn read_endpoints<'t>(root: &Section<'t>, text: &str, mistakes: &mut Mistakes) -> Vec<Endpoint> {
    const ADVICE: &str = "write `[[endpoint]]` and below it `name`, `url` and `trust`";
    let entries = match root.get("endpoint").map(|value| (value.get_ref(), value.span())) {
        Some((DeValue::Array(entries), _)) => &**entries,
        Some((DeValue::Table(_), span)) => {
            mistakes.add(
                &span,
                "one table where a list of endpoints is expected",
                "write `[[endpoint]]`, in two brackets".to_owned(),
            );
            return Vec::new();
        }
        Some((other, span)) => {
            let message = format!("`endpoint` is {} where a list of tables is expected", section::kind(other));
            mistakes.add(&span, message, ADVICE.to_owned());
            return Vec::new();
        }
        None => &[],
    };
    if entries.is_empty() {
        mistakes.add_without_place("no endpoint in it", ADVICE.to_owned());
    }
    let mut names = endpoint::Names::default();
    entries.iter().filter_map(|entry| endpoint::read(entry, &mut names, text, mistakes)).collect()
}

fn read_control<'t>(value: &'t Spanned<DeValue<'t>>, mistakes: &mut Mistakes) -> Option<Control> {
    let section = Section::open("[control]", value, &CONTROL_KEYS, mistakes)?;
    let address = section
        .required_text("url", "url = \"http://www.msftconnecttest.com/connecttest.txt\"", mistakes)
        .and_then(|url| address::read_control(&url, mistakes));
    let body = section.required_text("body", "body = \"Microsoft Connect Test\"", mistakes);
    let host = section.text("host", mistakes).map(|host| address::read_host(&host, mistakes));
    let (url, own_host) = address?;
    Some(Control { url, body: body?.value.to_owned(), host: host.unwrap_or(Some(own_host))? })
}

/// `lab` of `fixtures/lab.toml`: the name of a catalogue that gives itself none.
fn file_stem(origin: &str) -> String {
    let file = origin.rsplit(['/', '\\']).next().unwrap_or(origin);
    file.strip_suffix(".toml").unwrap_or(file).to_owned()
}
