//! Files that arguments name, each read within a bound and refused with its name.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{IsTerminal as _, Read, Write};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use jiff::Timestamp;
use secrecy::SecretString;

use super::arguments::TrustArguments;
use super::{Failure, handed};
use crate::catalogue::{Catalogue, CatalogueSource, TrustClass};
use crate::certificate::Certificate;
use crate::net::load_machine_roots;
use crate::observation::recording::{MachineRootsNote, Roots};

const LARGEST_TEXT: u64 = 16 << 20;
const LARGEST_REPORT: u64 = 512 << 20;
const LARGEST_PASSWORD: u64 = 4096;

/// Whether a path stands for standard input.
pub(super) fn is_standard(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// A path as messages name it.
pub(super) fn name(path: &Path) -> String {
    if is_standard(path) { "standard input".to_owned() } else { path.display().to_string() }
}

/// Opens a file, or standard input.
pub(super) fn open(path: &Path) -> Result<Box<dyn Read>, Failure> {
    let place = handed::input(path);
    if is_standard(&place) {
        return Ok(Box::new(std::io::stdin()));
    }
    let file = File::open(&place).map_err(|error| Failure::usage(format!("could not read {}: {error}", name(path))))?;
    Ok(Box::new(file))
}

/// Reads a text file of a sensible size.
pub(super) fn text(path: &Path) -> Result<String, Failure> {
    text_up_to(path, LARGEST_TEXT)
}

/// Reads PEM text; whoever hands over the binary form is told how to turn it into text.
pub(super) fn pem(path: &Path) -> Result<String, Failure> {
    /// A SEQUENCE, with which every certificate and every PKCS #7 begins.
    const SEQUENCE: u8 = 0x30;
    let bytes = bytes(path, LARGEST_TEXT)?;
    let is_binary = bytes.first() == Some(&SEQUENCE);
    decode(bytes).ok_or_else(|| {
        let name = name(path);
        let mend = if is_binary {
            format!(
                "it looks like DER; make PEM of it with: openssl x509 -inform der -in {name}, or for a PKCS #7: openssl pkcs7 \
                 -inform der -print_certs -in {name}"
            )
        } else {
            "it is not UTF-8 text".to_owned()
        };
        Failure::usage(format!("could not read {name}: {mend}"))
    })
}

/// Reads a report, which names every row with its evidence.
pub(super) fn report(path: &Path) -> Result<String, Failure> {
    text_up_to(path, LARGEST_REPORT)
}

fn text_up_to(path: &Path, largest: u64) -> Result<String, Failure> {
    let bytes = bytes(path, largest)?;
    decode(bytes).ok_or_else(|| Failure::usage(format!("could not read {}: it is not UTF-8 text", name(path))))
}

/// Text as Windows' own programs leave it: UTF-8, with a byte order mark or without, or UTF-16 with one, which is what
/// `PowerShell` 5 makes of a redirected answer.
fn decode(bytes: Vec<u8>) -> Option<String> {
    let units = |from: fn([u8; 2]) -> u16| {
        let (pairs, rest) = bytes[2..].as_chunks::<2>();
        let units: Vec<u16> = pairs.iter().copied().map(from).collect();
        String::from_utf16(&units).ok().filter(|_| rest.is_empty())
    };
    match bytes.as_slice() {
        [0xff, 0xfe, ..] => units(u16::from_le_bytes),
        [0xfe, 0xff, ..] => units(u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, text @ ..] => String::from_utf8(text.to_vec()).ok(),
        _ => String::from_utf8(bytes).ok(),
    }
}

/// The first bytes of a file that may be longer.
pub(super) fn beginning(path: &Path, most: u64) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    File::open(handed::input(path))
        .and_then(|file| file.take(most).read_to_end(&mut bytes))
        .map_err(|error| Failure::usage(format!("could not read {}: {error}", path.display())))?;
    Ok(bytes)
}

/// The bytes of a file, up to a bound.
pub(super) fn bytes(path: &Path, largest: u64) -> Result<Vec<u8>, Failure> {
    let fail = |error: &dyn std::fmt::Display| Failure::usage(format!("could not read {}: {error}", name(path)));
    let file = open(path)?;
    let mut bytes = Vec::new();
    file.take(largest + 1).read_to_end(&mut bytes).map_err(|error| fail(&error))?;
    if bytes.len() as u64 > largest {
        return Err(fail(&format!("it is larger than {largest} bytes")));
    }
    Ok(bytes)
}

/// Every certificate of a PEM file.
pub(super) fn certificates(path: &Path) -> Result<(Vec<Certificate>, String), Failure> {
    let text = text(path)?;
    let list = Certificate::list_from_pem(&text)
        .map_err(|mistake| Failure::usage(format!("{}: {mistake}", path.display())))?;
    Ok((list, text))
}

/// The catalogue that was asked for, with `--anchors` applied, and their PEM texts for a recording.
pub(super) fn catalogue(arguments: &TrustArguments) -> Result<(Catalogue, BTreeMap<String, String>), Failure> {
    let mut catalogue = catalogue_file(arguments.catalogue.as_deref())?;
    let anchors = anchors(&arguments.anchors)?;
    apply_anchors(&mut catalogue, &anchors)?;
    Ok((catalogue, anchors))
}

pub(super) fn catalogue_file(path: Option<&Path>) -> Result<Catalogue, Failure> {
    let Some(path) = path else { return Ok(Catalogue::embedded()) };
    let beside = path.parent().map(Path::to_path_buf).unwrap_or_default();
    let source = CatalogueSource::gather(&path.display().to_string(), text(path)?, |name| {
        text(&beside.join(name)).map_err(|failure| failure.to_string())
    });
    Catalogue::read(source).map_err(Failure::usage)
}

/// `CLASS=FILE.pem`, the PEM texts of one class put together.
pub(super) fn anchors(arguments: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let mut anchors: BTreeMap<String, String> = BTreeMap::new();
    for argument in arguments {
        let (class, path) = argument.split_once('=').ok_or_else(|| {
            Failure::usage(format!("'{argument}' is not CLASS=FILE.pem, such as microsoft-public=lab-root.pem"))
        })?;
        let class = trust_class(class)?;
        let (_, text) = certificates(Path::new(path))?;
        anchors.entry(class.id().to_owned()).or_default().push_str(&text);
    }
    Ok(anchors)
}

pub(super) fn trust_class(id: &str) -> Result<TrustClass, Failure> {
    TrustClass::from_id(id).ok_or_else(|| {
        let known = TrustClass::ALL.map(TrustClass::id).join(" or ");
        Failure::usage(format!("'{id}' is not a trust class: use {known}"))
    })
}

/// Puts the anchors of `--anchors`, or of a recording, in place of the catalogue's.
pub(super) fn apply_anchors(catalogue: &mut Catalogue, anchors: &BTreeMap<String, String>) -> Result<(), Failure> {
    for (class, pem) in anchors {
        let list = Certificate::list_from_pem(pem)
            .map_err(|mistake| Failure::usage(format!("the anchors of {class}: {mistake}")))?;
        catalogue.trust.replace_anchors(trust_class(class)?, list);
    }
    Ok(())
}

/// The machine's roots while they are read: hundreds of certificates, which need nothing that the catalogue says.
pub(super) struct RootsToCome(JoinHandle<Result<Roots, Failure>>);

impl RootsToCome {
    /// Begins to read the machine's roots, or those of `--machine-roots`, beside whatever else there is to do.
    pub fn begin(paths: &[PathBuf]) -> Self {
        let paths = paths.to_vec();
        Self(std::thread::spawn(move || machine_roots(&paths)))
    }

    pub fn wait(self) -> Result<Roots, Failure> {
        let broken = |_| Err(Failure::Internal("the thread that reads the machine's roots broke".to_owned()));
        self.0.join().unwrap_or_else(broken)
    }
}

/// The machine's roots, or those of `--machine-roots` in their place.
pub(super) fn machine_roots(paths: &[PathBuf]) -> Result<Roots, Failure> {
    if paths.is_empty() {
        let loaded = load_machine_roots();
        let note = MachineRootsNote {
            source: loaded.source,
            count: loaded.certificates.len(),
            problems: loaded.problems,
            on_demand: loaded.on_demand,
        };
        return Ok(Roots { machine: loaded.certificates, note, public: None, places: loaded.places });
    }
    let mut machine = Vec::new();
    for path in paths {
        machine.extend(certificates(path)?.0);
    }
    let names = paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
    let note = MachineRootsNote {
        source: format!("--machine-roots {names}"),
        count: machine.len(),
        ..MachineRootsNote::default()
    };
    Ok(Roots { machine, note, ..Roots::default() })
}

/// A password from a file; one line break at its end is the editor's.
pub(super) fn password(path: &Path) -> Result<SecretString, Failure> {
    if let Some(known) = path.to_str().and_then(|path| handed::secret(&password_origin(path))) {
        return Ok(known);
    }
    secret(bytes(path, LARGEST_PASSWORD)?, &path.display().to_string())
}

/// By what a password is handed on that was read from a file.
pub(super) fn password_origin(path: &str) -> String {
    format!("file {path}")
}

/// The same for standard input, and for the prompt.
pub(super) const STANDARD_INPUT: &str = "standard input";
pub(super) const PROMPT: &str = "prompt";

/// A password from standard input.
pub(super) fn password_from_stdin() -> Result<SecretString, Failure> {
    if let Some(known) = handed::secret(STANDARD_INPUT) {
        return Ok(known);
    }
    let mut bytes = Vec::new();
    std::io::stdin()
        .take(LARGEST_PASSWORD + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::usage(format!("could not read the password from standard input: {error}")))?;
    if bytes.len() as u64 > LARGEST_PASSWORD {
        return Err(Failure::usage(format!(
            "the password from standard input is longer than {LARGEST_PASSWORD} bytes"
        )));
    }
    secret(bytes, "standard input")
}

/// A password typed at the terminal.
pub(super) fn password_from_prompt(name: &str) -> Result<SecretString, Failure> {
    if let Some(known) = handed::secret(PROMPT) {
        return Ok(known);
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage(format!(
            "no password for {name}: give --proxy-password-file FILE or --proxy-password-stdin"
        )));
    }
    let typed = rpassword::prompt_password(format!("Password of {name} for the proxy: "))
        .map_err(|error| Failure::usage(format!("could not read the password: {error}")))?;
    secret(typed.into_bytes(), "the prompt")
}

fn secret(bytes: Vec<u8>, origin: &str) -> Result<SecretString, Failure> {
    let text = decode(bytes).ok_or_else(|| {
        Failure::usage(format!("the password from {origin} is neither UTF-8 text nor UTF-16 with a byte order mark"))
    })?;
    // Programs that put files together leave a mark of each.
    let text = text.trim_start_matches('\u{feff}');
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        return Err(Failure::usage(format!("the password from {origin} is empty")));
    }
    if text.contains('\0') {
        return Err(Failure::usage(format!(
            "the password from {origin} holds NUL bytes, as UTF-16 without a byte order mark (BOM) does: save it as UTF-8"
        )));
    }
    if text.contains(['\n', '\r']) {
        return Err(Failure::usage(format!("the password from {origin} has more than one line")));
    }
    Ok(SecretString::from(text.to_owned()))
}

/// A file that results go to, opened before the run so that a run is not lost to a wrong path.
#[derive(Debug)]
pub(super) struct OutputFile {
    pub file: File,
    pub path: PathBuf,
}

impl OutputFile {
    pub(super) fn create(path: &Path) -> Result<Self, Failure> {
        let file = File::create(handed::output(path))
            .map_err(|error| Failure::usage(format!("could not write {}: {error}", path.display())))?;
        Ok(Self { file, path: path.to_path_buf() })
    }
}

/// Writes to standard output; a reader that closed the pipe has seen enough.
pub(super) fn print(write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> Result<(), Failure> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if !is_closed(&error) => Err(Failure::usage(format!("could not write to standard output: {error}"))),
        _ => Ok(()),
    }
}

/// Writes what is of use only as a whole, such as a file to import: a reader that closed the pipe too early has half of it.
pub(super) fn deliver(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(|error| {
        let why = if is_closed(&error) {
            "its reader closed it before everything was written".to_owned()
        } else {
            error.to_string()
        };
        Failure::usage(format!("could not write to standard output: {why}"))
    })
}

/// Nobody reads at the other end any more. Windows has a third number for that, which the standard library does not know.
fn is_closed(error: &std::io::Error) -> bool {
    const ERROR_PIPE_NOT_CONNECTED: i32 = 233;
    error.kind() == std::io::ErrorKind::BrokenPipe
        || cfg!(windows) && error.raw_os_error() == Some(ERROR_PIPE_NOT_CONNECTED)
}

/// The moment of `--at`, or now.
pub(super) fn moment(text: Option<&str>) -> Result<Timestamp, Failure> {
    match text {
        None => Ok(crate::net::Clock::System.now()),
        Some(text) => text
            .parse()
            .map_err(|_| Failure::usage(format!("'{text}' is not a moment: write it as 2025-10-01T00:00:00Z"))),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::{decode, secret};

    #[test]
    fn a_byte_order_mark_is_no_part_of_a_password() {
        let utf_16 =
            |text: &str, to_bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(to_bytes).collect::<Vec<u8>>();
        // Notepad and `Out-File -Encoding utf8` of Windows PowerShell 5.1; its plain `Out-File`; the other order; both marks.
        for bytes in [
            b"Winter-2026".to_vec(),
            b"\xef\xbb\xbfWinter-2026\r\n".to_vec(),
            utf_16("\u{feff}Winter-2026\r\n", u16::to_le_bytes),
            utf_16("\u{feff}Winter-2026\r\n", u16::to_be_bytes),
            b"\xef\xbb\xbf\xef\xbb\xbfWinter-2026\n".to_vec(),
        ] {
            let read = secret(bytes.clone(), "file pw").unwrap_or_else(|failure| panic!("{bytes:x?}: {failure}"));
            assert_eq!(read.expose_secret(), "Winter-2026", "{bytes:x?}");
        }
        for (bytes, why) in [
            (utf_16("Winter-2026\r\n", u16::to_le_bytes), "byte order mark (BOM)"),
            (b"\xef\xbb\xbf\r\n".to_vec(), "is empty"),
            (b"Winter\r\n2026\r\n".to_vec(), "more than one line"),
            (b"W\xfcnter".to_vec(), "neither UTF-8 text"),
        ] {
            let refused = secret(bytes.clone(), "file pw").expect_err("refused").to_string();
            assert!(refused.contains(why) && refused.contains("file pw"), "{bytes:x?}: {refused}");
        }
    }

    #[test]
    fn text_is_read_in_every_form_in_which_windows_writes_it() {
        let utf16 =
            |to_bytes: fn(u16) -> [u8; 2]| "\u{feff}Zürich".encode_utf16().flat_map(to_bytes).collect::<Vec<u8>>();
        for bytes in [
            "Zürich".as_bytes().to_vec(),
            "\u{feff}Zürich".as_bytes().to_vec(),
            utf16(u16::to_le_bytes),
            utf16(u16::to_be_bytes),
        ] {
            assert_eq!(decode(bytes.clone()).as_deref(), Some("Zürich"), "{bytes:x?}");
        }
        assert_eq!(decode(b"Z\xfcrich".to_vec()), None, "an old code page");
        assert_eq!(decode(b"\xff\xfeZ".to_vec()), None, "half a character");
        assert_eq!(decode(b"\xff\xfe\x00\xd8".to_vec()), None, "half a pair");
    }
}
