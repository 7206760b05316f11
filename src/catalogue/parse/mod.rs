//! TOML to [`Catalogue`], mistakes collected instead of stopping at the first.

mod address;
mod endpoint;
pub(crate) mod section;
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
        Self::gather(embedded::ORIGIN, embedded::TEXT.to_owned(), embedded::file)
    }

    /// `text` with every PEM file that it names read through `read`; what cannot be read becomes a complaint later.
    ///
    /// Of each file only the certificates are kept: a private key that lies beside them must not travel in a recording.
    pub fn gather(origin: &str, text: String, mut read: impl FnMut(&str) -> Result<String, String>) -> Self {
        let mut files = BTreeMap::new();
        if text.len() <= Self::LARGEST_TEXT {
            let (root, _) = DeTable::parse_recoverable(&text);
            let mut bytes_left = Self::LARGEST_TEXT;
            for name in trust::named_files(root.get_ref()).into_iter().take(Self::MOST_FILES) {
                let content = read(&name).and_then(|content| match content.len() {
                    length if length > Self::LARGEST_FILE => Err("it is larger than 4 MiB".to_owned()),
                    length if length > bytes_left => Err("together the files are larger than 16 MiB".to_owned()),
                    length => {
                        bytes_left -= length;
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
    let (complaints, left_out) = mistakes.into_complaints();
    match read {
        Some(Parts { name, endpoints, trust, control }) if complaints.is_empty() => {
            Ok(Catalogue { name, endpoints, trust, control, source })
        }
        _ => Err(Complaints { origin: source.origin, text: source.text, complaints, left_out }),
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
    let root = Section::root("the catalogue", root.get_ref(), &KEYS, mistakes);

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

fn read_endpoints(root: &Section<'_>, text: &str, mistakes: &mut Mistakes) -> Vec<Endpoint> {
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
        mistakes.add_missing(None, "no endpoint in it", ADVICE.to_owned());
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

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;

    const MINIMAL: &str = "[[endpoint]]\nname = \"v10c\"\nurl = \"https://v10c.events.data.microsoft.com\"\ntrust = [\"microsoft-application-root\"]\n";

    fn no_files(name: &str) -> Result<String, String> {
        Err(format!("{name} was not expected to be read"))
    }

    fn read_text(text: &str) -> Result<Catalogue, Complaints> {
        Catalogue::read(CatalogueSource::gather("lab.toml", text.to_owned(), no_files))
    }

    fn bad_catalogues() -> (PathBuf, Vec<PathBuf>) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/catalogue/bad");
        let entries = std::fs::read_dir(&folder).expect("the folder of bad catalogues");
        let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
        files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
        files.sort();
        (folder, files)
    }

    /// `WAPROBE_BLESS=1 cargo test` writes the complaints anew; read the difference before committing it.
    #[test]
    fn each_bad_catalogue_gives_the_complaints_beside_it() {
        let (folder, files) = bad_catalogues();
        let read = |name: &str| std::fs::read_to_string(folder.join(name)).map_err(|error| error.kind().to_string());
        let mut wrong = Vec::new();
        for path in &files {
            let name = path.file_name().expect("a file").to_string_lossy();
            let text = std::fs::read_to_string(path).expect("readable");
            let complaints = match Catalogue::read(CatalogueSource::gather(&name, text, read)) {
                Ok(_) => panic!("{name} was read without a complaint"),
                Err(complaints) => complaints.to_string(),
            };
            assert!(!complaints.chars().any(|c| c.is_control() && c != '\n'), "{name}: {complaints:?}");
            let expected = path.with_extension("txt");
            if std::env::var_os("WAPROBE_BLESS").is_some() {
                std::fs::write(&expected, &complaints).expect("written");
            }
            if std::fs::read_to_string(&expected).unwrap_or_default() != complaints {
                wrong.push(format!("{name} gives\n{complaints}"));
            }
        }
        assert!(files.len() > 20, "{files:?}");
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn a_minimal_catalogue_has_every_default() {
        let catalogue = read_text(MINIMAL).unwrap_or_else(|complaints| panic!("{complaints}"));
        let endpoint = &catalogue.endpoints[0];
        assert_eq!((catalogue.name.as_str(), &catalogue.control), ("lab", &None));
        assert_eq!((endpoint.probe.path.as_str(), endpoint.probe.healthy.len()), ("/", 0));
        assert_eq!((endpoint.lifecycle, endpoint.needs.len()), (super::super::Lifecycle::Active, 0));
        assert!(endpoint.applies(&super::super::Solution::ALL, &super::super::OsSelection::all()));
    }

    #[test]
    fn a_class_without_a_section_gets_the_built_in_certificates_and_takes_them_along() {
        let catalogue = read_text(MINIMAL).unwrap_or_else(|complaints| panic!("{complaints}"));
        let built_in = Catalogue::embedded().trust;
        assert_eq!(catalogue.trust.public.anchors, built_in.public.anchors);
        assert_eq!(catalogue.trust.public.helpers, built_in.public.helpers);

        // A recording made by a version that knew fewer roots keeps its own meaning.
        let mut source = catalogue.source;
        let one = to_pem(&built_in.application_root.anchors);
        source.files.insert(built_in_name(TrustClass::MicrosoftPublic, "anchors"), Ok(one));
        let replayed = Catalogue::read(source).unwrap_or_else(|complaints| panic!("{complaints}"));
        assert_eq!(replayed.trust.public.anchors, built_in.application_root.anchors);
        assert_eq!(replayed.trust.application_root.anchors, built_in.application_root.anchors);
    }

    #[test]
    fn a_class_with_a_section_gets_exactly_what_it_names() {
        let built_in = Catalogue::embedded().trust;
        let bundle = to_pem(&built_in.public.anchors[..3]);
        let text = format!("[trust.microsoft-application-root]\nanchors = [\"lab roots.pem\"]\n{MINIMAL}");
        let source = CatalogueSource::gather("lab.toml", text, |name| {
            assert_eq!(name, "lab roots.pem");
            Ok(bundle.clone())
        });
        let trust = Catalogue::read(source).unwrap_or_else(|complaints| panic!("{complaints}")).trust;
        assert_eq!(trust.application_root.anchors, built_in.public.anchors[..3]);
        assert!(trust.application_root.helpers.is_empty());
        assert_eq!(trust.public.anchors, built_in.public.anchors);
    }

    #[test]
    fn a_private_key_beside_a_certificate_does_not_travel() {
        let certificate = Catalogue::embedded().trust.application_root.anchors[0].to_pem();
        let mixed =
            format!("-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n{certificate}trailing notes\n");
        let text = format!("[trust.microsoft-application-root]\nanchors = [\"both.pem\"]\n{MINIMAL}");
        let source = CatalogueSource::gather("lab.toml", text, |_| Ok(mixed.clone()));
        let kept = source.files["both.pem"].clone().expect("read");
        assert!(!kept.contains("c2VjcmV0") && !kept.contains("PRIVATE") && !kept.contains("notes"), "{kept}");
        assert_eq!(kept.lines().count(), mixed.lines().count());
        assert!(Catalogue::read(source).is_ok());
    }

    #[test]
    fn a_catalogue_read_from_its_own_source_is_the_same() {
        let embedded = Catalogue::embedded();
        let json = serde_json::to_string(&embedded.source).expect("JSON");
        let source: CatalogueSource = serde_json::from_str(&json).expect("the same again");
        let again = Catalogue::read(source).unwrap_or_else(|complaints| panic!("{complaints}"));
        assert_eq!(format!("{:?}", again.endpoints), format!("{:?}", embedded.endpoints));
        assert_eq!(again.trust.public.anchors, embedded.trust.public.anchors);
    }

    #[test]
    fn line_ends_and_the_byte_order_mark_of_windows_editors_do_no_harm() {
        let text = format!("\u{feff}{}", MINIMAL.replace('\n', "\r\n"));
        assert!(read_text(&text).is_ok(), "{}", read_text(&text).unwrap_err());
    }

    #[test]
    fn files_beyond_the_bounds_are_refused_by_name() {
        let huge = " ".repeat(CatalogueSource::LARGEST_TEXT + 1);
        assert!(read_text(&huge).unwrap_err().complaints[0].message.contains("too many for a catalogue"));

        let text = format!("[trust.microsoft-public]\nanchors = [\"huge.pem\"]\n{MINIMAL}");
        let source = CatalogueSource::gather("lab.toml", text, |_| Ok("\n".repeat(CatalogueSource::LARGEST_FILE + 1)));
        let complaints = Catalogue::read(source).unwrap_err().complaints;
        assert_eq!(complaints[0].message, "could not read `huge.pem`: it is larger than 4 MiB");
    }

    #[test]
    fn one_mistake_repeated_without_end_is_counted_and_not_printed_without_end() {
        let text = "[[endpoint]]\ncolour = 1\n".repeat(10_000);
        let printed = read_text(&text).unwrap_err().to_string();
        assert!(printed.lines().count() < 500, "{}", printed.lines().count());
        // The unknown key, and a name and an address that are missing.
        assert!(printed.ends_with("29950 more are not shown\n\n30000 mistakes in lab.toml\n"), "{printed}");
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config::with_cases(200))]

        #[test]
        fn no_text_makes_the_reader_panic_or_steers_the_terminal(
            cut in 0usize..2_000, length in 0usize..60, inserted in "(\\PC|[\\[\\]{}=\",.\n#'\u{1b}\u{202e}]){0,12}"
        ) {
            let (folder, _) = bad_catalogues();
            let text = std::fs::read_to_string(folder.join("several-mistakes.toml")).expect("readable");
            let cut = cut.min(text.len());
            let end = (cut + length).min(text.len());
            let text = format!("{}{inserted}{}", &text[..cut], &text[end..]);
            if let Err(complaints) = read_text(&text) {
                let printed = complaints.to_string();
                assert!(!complaints.complaints.is_empty());
                assert!(!printed.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}'), "{printed:?}");
            }
        }
    }

    #[test]
    fn a_generated_catalogue_of_ten_thousand_endpoints_is_read() {
        use std::fmt::Write as _;
        let text = (0..10_000).fold(String::new(), |mut text, number| {
            let _ = write!(text, "[[endpoint]]\nname = \"e{number}\"\nurl = \"https://e{number}.example\"\ntrust = [\"microsoft-public\"]\n");
            text
        });
        assert_eq!(read_text(&text).map(|catalogue| catalogue.endpoints.len()).ok(), Some(10_000));
    }
}
