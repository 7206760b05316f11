//! Where reports go: standard output, and files that are there in whole or not at all.
//!
//! In: `--format`, `--output FORMAT=FILE` and what else the run reads and writes. Out: places that are known to take a report
//! before the run begins. Never: a file of an earlier run harmed by a run that then could not begin or did not end.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek as _, Write};
use std::path::{Path, PathBuf};

use super::Failure;
use super::arguments::{OutputArguments, ReportFormat};
use super::style::ExitStyle;
use super::{files, handed, terminal};
use crate::replacement::replace;
use crate::report::Report;
use crate::report::change::{Changes, Past};
use crate::report::outcome::End;
use crate::report::terminal::Layout;
use crate::report::{csv, html, json, jsonl, junit, markdown, prometheus, table};

/// In a file there is no terminal: no colour, and a width that reads well anywhere.
const FILE_LAYOUT: Layout = Layout { width: 120, colour: false, ascii: false, verbose: true };

/// Names standard input and standard output among files.
const STANDARD: &str = "-";

/// Where the report goes.
#[derive(Debug)]
pub(super) struct Outputs {
    standard: Option<ReportFormat>,
    exit_style: ExitStyle,
    layout: Layout,
    quiet: bool,
    files: Vec<(ReportFormat, NewFile)>,
    baseline: Option<Past>,
}

impl Outputs {
    /// Makes sure that every file can be written, so that a wrong path is found before the run. `others` are files that the
    /// run reads or writes beside its reports, each with the argument that names it.
    pub fn open(arguments: &OutputArguments, others: &[(&str, &Path)]) -> Result<Self, Failure> {
        let mut standard = arguments.format;
        let mut named: Vec<(ReportFormat, &Path)> = Vec::new();
        for argument in &arguments.output {
            let (format, path) = argument
                .split_once('=')
                .filter(|(_, path)| !path.is_empty())
                .ok_or_else(|| Failure::usage(format!("'{argument}' is not FORMAT=FILE, such as json=report.json")))?;
            let format = self::format(format)?;
            if path != STANDARD {
                named.push((format, Path::new(path)));
            } else if standard.replace(format).is_some() {
                return Err(Failure::usage(format!(
                    "--output {argument}: standard output takes one report, and another one goes there already"
                )));
            }
        }
        let mut taken: Vec<(String, PathBuf)> =
            others.iter().map(|(argument, path)| ((*argument).to_owned(), place(path))).collect();
        for (format, path) in &named {
            let (argument, place) = (format!("--output {format}=…"), place(path));
            // Devices and pipes take what they are given.
            let is_file = !is_device(path) && !fs::metadata(&place).is_ok_and(|known| !known.is_file());
            if let Some((other, _)) = taken.iter().find(|(_, other)| is_file && is_same_place(other, &place)) {
                return Err(Failure::usage(format!("{argument} and {other} name the same file, {}", path.display())));
            }
            taken.push((argument, place));
        }
        let baseline = arguments.baseline.as_deref().map(super::diff::report).transpose()?;
        let files = named
            .into_iter()
            .map(|(format, path)| Ok((format, NewFile::create(path)?)))
            .collect::<Result<_, Failure>>()?;
        Ok(Self {
            standard,
            exit_style: arguments.exit_style,
            layout: terminal::layout(arguments.color, arguments.verbose),
            quiet: arguments.quiet,
            files,
            baseline,
        })
    }

    /// The files, for reports that another process writes.
    pub fn into_files(self) -> impl Iterator<Item = NewFile> {
        self.files.into_iter().map(|(_, file)| file)
    }

    /// Whose numbers the run ends with.
    pub fn exit_style(&self) -> ExitStyle {
        self.exit_style
    }

    /// What changed since the report of `--baseline`.
    pub fn changes(&self, report: &Report) -> Option<Changes> {
        self.baseline.as_ref().map(|baseline| Changes::between(baseline, &Past::from(report)))
    }

    /// Writes the report everywhere. What fails on the way is returned after everything that can be written was written.
    pub fn write(self, report: &Report, end: End<'_>) -> Vec<Failure> {
        let mut failures = Vec::new();
        for (format, file) in self.files {
            failures.extend(file.write(|out| render(format, report, end, FILE_LAYOUT, out)).err());
        }
        let line = self.exit_style.line(end, report).filter(|_| self.standard.is_none());
        let printed = files::print(|out| match line {
            Some(line) => out.write_all(line.as_bytes()),
            None if self.quiet && matches!(self.standard, None | Some(ReportFormat::Table)) => {
                table::write_brief(report, end, self.layout, &mut { out })
            }
            None => render(self.standard.unwrap_or(ReportFormat::Table), report, end, self.layout, out),
        });
        failures.extend(printed.err());
        failures
    }
}

fn format(name: &str) -> Result<ReportFormat, Failure> {
    use clap::ValueEnum as _;
    ReportFormat::from_str(name, false).map_err(|_| {
        let known: Vec<String> = ReportFormat::value_variants().iter().map(ToString::to_string).collect();
        let name = crate::catalogue::quotable(name);
        Failure::usage(format!("'{name}' is not a format that can be written: use one of {}", known.join(", ")))
    })
}

fn render(
    format: ReportFormat,
    report: &Report,
    end: End<'_>,
    layout: Layout,
    mut out: &mut dyn Write,
) -> io::Result<()> {
    match format {
        ReportFormat::Table => table::write(report, end, layout, &mut out),
        ReportFormat::Json => json::write(report, &mut out),
        ReportFormat::Jsonl => jsonl::write(report, &mut out),
        ReportFormat::Junit => junit::write(report, end, &mut out),
        ReportFormat::Markdown => markdown::write(report, end, &mut out),
        ReportFormat::Html => html::write(report, end, &mut out),
        ReportFormat::Csv => csv::write(report, &mut out),
        ReportFormat::Prometheus => prometheus::write(report, &mut out),
    }
}

/// Whether Windows takes this name for a device, in whatever folder it seems to stand; elsewhere they are names like any other.
pub(super) fn is_device(path: &Path) -> bool {
    cfg!(windows) && names_device(&path.to_string_lossy())
}

fn names_device(path: &str) -> bool {
    const DEVICES: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];
    if path.starts_with(r"\\.\") {
        return true;
    }
    let name = path.rsplit(['/', '\\', ':']).find(|part| !part.is_empty()).unwrap_or_default();
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let is_numbered = |port: &str| {
        stem.strip_prefix(port).is_some_and(|number| {
            number.len() == 1 && number.starts_with(|digit| digit != '0' && char::is_ascii_digit(&digit))
        })
    };
    DEVICES.contains(&stem.as_str()) || is_numbered("COM") || is_numbered("LPT")
}

/// Windows' names are the same in capitals too.
fn is_same_place(one: &Path, other: &Path) -> bool {
    one == other || cfg!(windows) && one.to_string_lossy().to_lowercase() == other.to_string_lossy().to_lowercase()
}

/// What a path leads to, also when there is nothing yet.
fn place(path: &Path) -> PathBuf {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::canonicalize(path)
        .or_else(|_| Ok(fs::canonicalize(parent)?.join(path.file_name().unwrap_or_default())))
        .unwrap_or_else(|_: io::Error| path.to_path_buf())
}

/// A file that will be written as a whole. Until then an older file of its name stays as it is; whoever reads the name at
/// any moment reads one complete report.
#[derive(Debug)]
pub(super) struct NewFile {
    /// As it was named, for messages.
    path: PathBuf,
    file: File,
    /// The file under construction and the one it will replace; `None` where there is nothing to replace, such as a pipe.
    replaces: Option<(PathBuf, PathBuf)>,
}

impl NewFile {
    pub(super) fn create(path: &Path) -> Result<Self, Failure> {
        Self::begin(path).map_err(|error| Failure::usage(format!("could not write {}: {error}", path.display())))
    }

    fn begin(path: &Path) -> io::Result<Self> {
        if is_device(&handed::output(path)) {
            return Ok(Self {
                path: path.to_path_buf(),
                file: OpenOptions::new().write(true).open(path)?,
                replaces: None,
            });
        }
        // What a link points to is replaced, not the link.
        let target = place(&handed::output(path));
        let path = path.to_path_buf();
        let known = fs::metadata(&target).ok();
        if let Some(known) = &known {
            // Opened, not truncated: says whether it may be written at all.
            let file = OpenOptions::new().write(true).open(&target)?;
            if !known.is_file() {
                return Ok(Self { path, file, replaces: None });
            }
        }
        let name = target.file_name().ok_or_else(|| io::Error::other("it names no file"))?;
        let mut beside = std::ffi::OsString::from(".");
        beside.push(name);
        beside.push(format!(".{}.part", std::process::id()));
        let beside = target.with_file_name(beside);
        match OpenOptions::new().write(true).create_new(true).open(&beside) {
            Ok(file) => {
                if let Some(known) = known {
                    // Who could read the old file can read the new one, on Unix; on Windows the folder's list counts. Where that
                    // cannot be set, the file still counts.
                    let _ = file.set_permissions(known.permissions());
                }
                Ok(Self { path, file, replaces: Some((beside, target)) })
            }
            // A folder that takes no new files may hold one that takes new text.
            Err(_) if known.is_some() => {
                Ok(Self { path, file: OpenOptions::new().write(true).open(&target)?, replaces: None })
            }
            Err(error) => Err(error),
        }
    }

    pub(super) fn write(mut self, write: impl FnOnce(&mut File) -> io::Result<()>) -> Result<(), Failure> {
        let done = self.fill(write);
        done.map_err(|error| Failure::usage(format!("could not write {}: {error}", self.path.display())))
    }

    /// As it was named.
    pub(super) fn name(&self) -> &Path {
        &self.path
    }

    fn fill(&mut self, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
        write(&mut self.file)?;
        self.file.flush()?;
        match &self.replaces {
            Some((beside, target)) => {
                replace(beside, target)?;
                self.replaces = None;
            }
            None if self.file.metadata().is_ok_and(|known| known.is_file()) => {
                let length = self.file.stream_position()?;
                self.file.set_len(length)?;
            }
            None => {}
        }
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if let Some((beside, _)) = &self.replaces {
            let _ = fs::remove_file(beside);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::arguments::Color;

    fn arguments(format: Option<ReportFormat>, output: &[String]) -> OutputArguments {
        OutputArguments {
            format,
            output: output.to_vec(),
            baseline: None,
            verbose: false,
            quiet: false,
            color: Color::Never,
            exit_style: ExitStyle::Default,
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn an_older_file_stays_until_the_new_one_is_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("report.json");
        fs::write(&path, "old").expect("written");
        let read = || fs::read_to_string(&path).expect("readable");

        drop(NewFile::create(&path).expect("opened"));
        assert_eq!(read(), "old");
        let failed = NewFile::create(&path).expect("opened").write(|out| {
            out.write_all(b"half")?;
            Err(io::Error::other("no space"))
        });
        assert!(failed.is_err_and(|failure| failure.to_string().contains("no space")));
        assert_eq!(read(), "old");
        NewFile::create(&path).expect("opened").write(|out| out.write_all(b"new")).expect("written");
        assert_eq!(read(), "new");
        assert_eq!(names(folder.path()), ["report.json"]);
    }

    #[test]
    fn windows_devices_are_known_by_their_names() {
        for path in
            ["NUL", "nul", "con", r"C:\reports\nul", "reports/NUL.json", r"\\.\NUL", "NUL:", "com1", "LPT9.txt", "aux "]
        {
            assert!(names_device(path), "{path}");
        }
        for path in ["", "null", "report.json", "com", "com0", "com10", "console", r"C:\NUL\report.json", "my nul"] {
            assert!(!names_device(path), "{path}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_followed_and_rights_are_kept() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let folder = tempfile::tempdir().expect("a folder");
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::write(&real, "a longer text than the new one").expect("written");
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).expect("set");
        symlink(&real, &link).expect("linked");
        NewFile::create(&link).expect("opened").write(|out| out.write_all(b"new")).expect("written");
        assert_eq!(fs::read_to_string(&real).expect("readable"), "new");
        assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
        assert_eq!(fs::metadata(&real).expect("there").permissions().mode() & 0o777, 0o640);
    }

    #[test]
    fn a_mistake_in_any_output_leaves_all_files_as_they_were() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name).display().to_string();
        let (json, record) = (path("report.json"), path("run.jsonl"));
        fs::write(&json, "old").expect("written");
        let open = |format, output: &[String]| {
            Outputs::open(&arguments(format, output), &[("--record", Path::new(&record))])
                .map(drop)
                .map_err(|failure| failure.to_string())
        };
        for (format, output, complaint) in [
            (None, vec![format!("json={json}"), format!("jsno={json}2")], "'jsno' is not a format"),
            (
                None,
                vec![format!("json={json}"), format!("csv={json}")],
                "--output csv=… and --output json=… name the same file",
            ),
            (None, vec![format!("json={record}")], "--output json=… and --record name the same file"),
            (None, vec![format!("json={}/../{}/report.json", folder.path().display(), "nowhere")], "could not write"),
            (None, vec![format!("json={json}"), "json".to_owned()], "is not FORMAT=FILE"),
            (None, vec!["json=".to_owned()], "is not FORMAT=FILE"),
            (None, vec!["json=-".to_owned(), "csv=-".to_owned()], "standard output takes one report"),
            (Some(ReportFormat::Table), vec!["json=-".to_owned()], "standard output takes one report"),
        ] {
            assert!(open(format, &output).is_err_and(|mistake| mistake.contains(complaint)), "{output:?}");
        }
        assert_eq!(open(None, &["json=-".to_owned(), format!("csv={}", path("new.csv"))]), Ok(()));
        assert_eq!(fs::read_to_string(&json).expect("readable"), "old");
        assert_eq!(names(folder.path()), ["report.json"]);
    }
}
