//! `waprobe enroll apply` and `undo`: a plan written into this device's registry, and taken back.
//!
//! Nothing is written without `--yes`, and nothing before the backup is safe on disk.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;

use super::arguments::{Color, SolutionId};
use super::{Exit, Failure, device, files, outputs, terminal};
use crate::enroll::Windows;
use crate::enroll::apply::{self, ApplyError, Backup, BackupMistake, LARGEST_BACKUP, Store as _};
use crate::enroll::places::{CURRENT_VERSION, PRODUCT_OPTIONS};
use crate::enroll::plan;
use crate::net::Clock;
use crate::registry::{Edit, EditError, Snapshot};
use crate::replacement::replace;
use crate::report;
use crate::report::apply::Facts;

#[derive(Debug, Args)]
pub(super) struct ApplyArguments {
    /// The Commercial ID of your workspace, a GUID.
    #[arg(long, value_name = "GUID")]
    commercial_id: String,

    /// The Windows version that this device has, such as win10-1809, where its registry does not say it; another is refused.
    #[arg(long, value_name = "ID")]
    os: Option<String>,

    /// Only what this solution needs. Default: every solution that this Windows supports.
    #[arg(long, value_name = "ID", value_enum)]
    solution: Vec<SolutionId>,

    /// Internet Explorer site discovery: 0 none, 1 intranet, trusted and local sites, 2 internet and restricted sites, 3 all.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=3))]
    site_discovery: Option<u32>,

    #[command(flatten)]
    change: ChangeArguments,
}

#[derive(Debug, Args)]
pub(super) struct ChangeArguments {
    /// Write. Without it nothing is changed, and what would be is printed.
    #[arg(long)]
    yes: bool,

    /// Where the backup lies. Default: `%ProgramData%\waprobe\enroll-backup.json`.
    #[arg(long, value_name = "FILE")]
    backup: Option<PathBuf>,

    /// When to use colour.
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    color: Color,
}

/// Applies a plan to this device.
pub(super) fn apply(arguments: &ApplyArguments) -> Result<Exit, Failure> {
    let id = device::commercial_id(&arguments.commercial_id)?;
    let chosen = arguments.os.as_deref().map(device::windows_version).transpose()?;
    let mut registry = this_device(WITHOUT_WINDOWS_APPLY)?;
    let mut store = store(arguments.change.backup.as_deref())?;
    let known = about_windows(&registry).map_err(|error| unreadable(&error))?;
    let windows = Windows::of(&known, chosen);
    if let Some(found) = windows.contradicted_by {
        return Err(Failure::usage(format!(
            "this device is of build {found}, and --os says {}: leave --os out, so that the values are those of this Windows",
            windows.label
        )));
    }
    let solutions = device::solutions(&arguments.solution);
    let plan = plan::plan(&id, &windows, &solutions, arguments.site_discovery).map_err(Failure::usage)?;
    let changes = apply::compare(&plan, &registry).map_err(|error| unreadable(&error))?;
    let is_pending = !changes.changes.is_empty();
    // Looked at before anything is said: what the backup holds decides what an undo goes back to.
    let unusable = |why: String| Failure::usage(format!("{why}. Nothing was changed"));
    let earlier = if is_pending { apply::earlier(&store, &registry).map_err(unusable)? } else { None };
    if arguments.change.yes && is_pending {
        may_change(&registry)?;
        if let Err(error) = apply::apply(&changes, &mut registry, &mut store, now()) {
            return not_applied(&error);
        }
    }
    let is_open = (is_pending && !arguments.change.yes) || !changes.contradicting.is_empty();
    let exit = if is_open { Exit::Findings } else { Exit::Ok };
    let backup = store.path.display().to_string();
    let undo = undo_command(arguments.change.backup.as_deref());
    let facts = Facts { is_done: arguments.change.yes, backup: &backup, undo: &undo, exit: exit.code() };
    let layout = terminal::layout(arguments.change.color, false);
    files::print(|mut out| report::apply::changes(&plan, (&changes, earlier.as_ref()), facts, layout, &mut out))?;
    Ok(exit)
}

fn not_applied(error: &ApplyError) -> Result<Exit, Failure> {
    match error {
        ApplyError::NotKept(_) => Err(Failure::usage(error)),
        ApplyError::TakenBack { .. } | ApplyError::HalfDone { .. } => {
            terminal::complain(&format!("error: {}", crate::harmless::sanitize(&error.to_string())));
            Ok(Exit::Findings)
        }
    }
}

/// Puts back what `apply` changed.
pub(super) fn undo(arguments: &ChangeArguments) -> Result<Exit, Failure> {
    let mut registry = this_device(WITHOUT_WINDOWS_UNDO)?;
    let mut store = store(arguments.backup.as_deref())?;
    let unusable = |why: String| Failure::usage(format!("{why}. Nothing was changed"));
    let Some(backup) = apply::earlier(&store, &registry).map_err(unusable)? else {
        return Err(Failure::usage(format!(
            "there is nothing to undo: no backup lies at {}. If `enroll apply` was given another place, name it with --backup",
            store.path.display()
        )));
    };
    let restorations = apply::restorations(&backup, &registry).map_err(|error| unreadable(&error))?;
    let restored = if arguments.yes {
        may_change(&registry)?;
        Some(apply::restore(&backup, &mut registry))
    } else {
        None
    };
    let exit = match &restored {
        Some(restored) if restored.failures.is_empty() => Exit::Ok,
        Some(_) | None => Exit::Findings,
    };
    let place = store.path.display().to_string();
    if exit == Exit::Ok {
        store.retire().map_err(|why| {
            Failure::usage(format!("everything is as it was, but the backup stays where it is: {why}"))
        })?;
    }
    let undo = undo_command(arguments.backup.as_deref());
    let facts = Facts { is_done: arguments.yes, backup: &place, undo: &undo, exit: exit.code() };
    let layout = terminal::layout(arguments.color, false);
    files::print(|mut out| {
        report::apply::restorations(&backup, &restorations, restored.as_ref(), facts, layout, &mut out)
    })?;
    Ok(exit)
}

fn may_change(registry: &impl Edit) -> Result<(), Failure> {
    registry.may_change().map_err(|error| match error {
        EditError::Denied => Failure::usage(
            "Windows does not let this account change the machine's settings, and nothing was changed: open the console with \
             \"Run as administrator\" and try again",
        ),
        EditError::Other(_) => Failure::usage(format!("could not open the registry for writing: {error}")),
    })
}

fn unreadable(error: &EditError) -> Failure {
    let advice = match error {
        EditError::Denied => ": open the console with \"Run as administrator\" and try again",
        EditError::Other(_) => "",
    };
    Failure::usage(format!("could not read this device's registry: {error}{advice}. Nothing was changed"))
}

/// In whole seconds: nobody reads more.
fn now() -> Timestamp {
    let now = Clock::System.now();
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

/// What tells one Windows from another.
fn about_windows(registry: &impl Edit) -> Result<Snapshot, EditError> {
    let mut snapshot = Snapshot::default();
    for (key, name) in [
        (CURRENT_VERSION, "CurrentBuildNumber"),
        (CURRENT_VERSION, "UBR"),
        (CURRENT_VERSION, "EditionID"),
        (CURRENT_VERSION, "InstallationType"),
        (PRODUCT_OPTIONS, "ProductType"),
    ] {
        if let Some(raw) = registry.read(key, name)? {
            snapshot.set(key, name, raw.value());
        }
    }
    Ok(snapshot)
}

const WITHOUT_WINDOWS_APPLY: &str = "`enroll apply` writes into the registry of the Windows device that it runs on, and this is not Windows. Run it \
     there, or make a file for the device here: `waprobe enroll plan --commercial-id GUID --os ID --for reg` (or powershell, \
     gpo, intune, mdm)";
const WITHOUT_WINDOWS_UNDO: &str =
    "`enroll undo` puts back the registry of the Windows device that it runs on, and this is not Windows: run it there";

#[cfg(windows)]
#[expect(clippy::unnecessary_wraps, reason = "anywhere else there is none")]
fn this_device(_: &str) -> Result<crate::windows::LiveRegistry, Failure> {
    Ok(crate::windows::LiveRegistry)
}

#[cfg(not(windows))]
fn this_device(refusal: &str) -> Result<elsewhere::Nowhere, Failure> {
    Err(Failure::usage(refusal))
}

/// Where there is no registry, there is no value of this type, and what would use one is compiled all the same.
#[cfg(not(windows))]
mod elsewhere {
    use crate::registry::{Edit, EditError, RawValue};

    pub(super) enum Nowhere {}

    impl Edit for Nowhere {
        fn may_change(&self) -> Result<(), EditError> {
            match *self {}
        }

        fn has_key(&self, _: &str) -> Result<bool, EditError> {
            match *self {}
        }

        fn read(&self, _: &str, _: &str) -> Result<Option<RawValue>, EditError> {
            match *self {}
        }

        fn create_key(&mut self, _: &str) -> Result<(), EditError> {
            match *self {}
        }

        fn write(&mut self, _: &str, _: &str, _: &RawValue) -> Result<(), EditError> {
            match *self {}
        }

        fn delete(&mut self, _: &str, _: &str) -> Result<(), EditError> {
            match *self {}
        }

        fn delete_key_if_empty(&mut self, _: &str) -> Result<bool, EditError> {
            match *self {}
        }
    }
}

/// The usual place of the backup, below a folder of Windows' own.
#[cfg(windows)]
mod usual {
    use std::io;
    use std::path::Path;

    pub(super) use crate::windows::locked::data_folder;
    use crate::windows::{locked, own_sid};

    /// The administrators, SYSTEM.
    const TRUSTED: [&str; 2] = ["S-1-5-32-544", "S-1-5-18"];

    pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
        match locked::make_administrators_folder(folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            done => done,
        }
    }

    /// Whose `path` is, unless it is the administrators', SYSTEM's or of whoever runs this.
    pub(super) fn stranger(path: &Path) -> io::Result<Option<String>> {
        if std::fs::symlink_metadata(path)?.file_type().is_symlink() {
            return Ok(Some("whoever laid this link".to_owned()));
        }
        let owner = locked::owner(path)?;
        let is_known = TRUSTED.contains(&owner.as_str()) || own_sid().is_some_and(|own| own == owner);
        Ok((!is_known).then_some(owner))
    }
}

/// Elsewhere there is none, and nothing is changed either.
#[cfg(not(windows))]
mod usual {
    use std::io;
    use std::path::{Path, PathBuf};

    pub(super) fn data_folder() -> io::Result<PathBuf> {
        Err(io::Error::other("this is not Windows"))
    }

    pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
        std::fs::create_dir_all(folder)
    }

    #[expect(clippy::unnecessary_wraps, reason = "on Windows it may fail")]
    pub(super) fn stranger(_: &Path) -> io::Result<Option<String>> {
        Ok(None)
    }
}

/// The command that undoes what was kept at `chosen`, or at the usual place.
fn undo_command(chosen: Option<&Path>) -> String {
    match chosen {
        // Whoever types it may stand in another folder.
        Some(path) => {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
            format!("waprobe enroll undo --yes --backup \"{}\"", path.display())
        }
        None => "waprobe enroll undo --yes".to_owned(),
    }
}

/// The backup in a file.
#[derive(Debug)]
struct Store {
    path: PathBuf,
    /// Nobody chose the place: it is below a folder in which every user may write, so it is looked at whose it is.
    is_usual: bool,
}

fn store(chosen: Option<&Path>) -> Result<Store, Failure> {
    if let Some(path) = chosen {
        if files::is_standard(path) || outputs::is_device(path) {
            return Err(Failure::usage(format!("--backup needs a file that stays, and {} is none", path.display())));
        }
        return Ok(Store { path: path.to_path_buf(), is_usual: false });
    }
    let folder = usual::data_folder().map_err(|error| {
        Failure::usage(format!("where the backup lies is not known ({error}): say it with --backup FILE"))
    })?;
    Ok(Store { path: folder.join("waprobe").join("enroll-backup.json"), is_usual: true })
}

impl apply::Store for Store {
    fn load(&self) -> Result<Option<Backup>, String> {
        let failed = |why: String| format!("could not read the backup {}: {why}", self.path.display());
        self.is_trustworthy().map_err(failed)?;
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error.to_string())),
        };
        let mut text = String::new();
        io::Read::read_to_string(&mut io::Read::take(file, LARGEST_BACKUP + 1), &mut text)
            .map_err(|error| failed(error.to_string()))?;
        if text.len() as u64 > LARGEST_BACKUP {
            return Err(failed(format!("it is larger than {LARGEST_BACKUP} bytes")));
        }
        Backup::read(&text).map(Some).map_err(|mistake| {
            let advice = match mistake {
                BackupMistake::OfAnotherVersion { .. } => "",
                BackupMistake::Damaged { .. } => {
                    ". What stood in the registry before is in this file alone: look for an older copy of it. To begin a new one, \
                     move it away first; what was changed before then stays as it is"
                }
            };
            failed(format!("{mistake}{advice}"))
        })
    }

    fn save(&mut self, backup: &Backup) -> Result<(), String> {
        self.replace(backup.to_json().as_bytes())
            .map_err(|error| format!("could not write the backup {}: {error}", self.path.display()))
    }

    fn retire(&mut self) -> Result<(), String> {
        let failed = |error: io::Error| format!("could not rename {}: {error}", self.path.display());
        let stem = self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let moment = now().strftime("%Y%m%dT%H%M%SZ").to_string();
        for number in 0_u32.. {
            let suffix = if number == 0 { String::new() } else { format!("-{number}") };
            let aside = self.path.with_file_name(format!("{stem}-undone-{moment}{suffix}.json"));
            if aside.try_exists().map_err(failed)? {
                continue;
            }
            return fs::rename(&self.path, aside).map_err(failed);
        }
        Ok(())
    }
}

impl Store {
    /// Whether what lies in the usual place was put there by somebody who may change the machine's settings anyway.
    fn is_trustworthy(&self) -> Result<(), String> {
        let folder = self.path.parent().unwrap_or(&self.path);
        for path in [folder, &self.path].into_iter().filter(|_| self.is_usual) {
            match usual::stranger(path) {
                Ok(None) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Ok(Some(owner)) => {
                    return Err(format!(
                        "{} belongs to {owner}, and not to the administrators: who made it may have written what stands there. Look at \
                         it; what is right can be moved elsewhere and named with --backup, and then this can go",
                        path.display()
                    ));
                }
                Err(error) => return Err(format!("whose {} is cannot be read: {error}", path.display())),
            }
        }
        Ok(())
    }

    /// Writes beside the file, waits for the disk, then takes its place: at any moment there is the old backup or the new.
    fn replace(&self, bytes: &[u8]) -> io::Result<()> {
        let folder = self.path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if self.is_usual { usual::make_folder(folder) } else { fs::create_dir_all(folder) }?;
        self.is_trustworthy().map_err(io::Error::other)?;
        let mut name = self.path.file_name().ok_or_else(|| io::Error::other("it names no file"))?.to_owned();
        name.push(format!(".{}.part", std::process::id()));
        let beside = self.path.with_file_name(name);
        // Never through a name that somebody else has put there.
        let mut file = OpenOptions::new().write(true).create_new(true).open(&beside)?;
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        drop(file);
        let done = written.and_then(|()| replace(&beside, &self.path));
        if done.is_err() {
            let _ = fs::remove_file(&beside);
            return done;
        }
        // The new name has to survive as well; Windows keeps names in a journal and opens no folder as a file.
        #[cfg(unix)]
        File::open(folder)?.sync_all()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A registry that lets itself be read and not changed, as for an account without the administrator's rights.
    struct Guarded(EditError);

    impl Edit for Guarded {
        fn may_change(&self) -> Result<(), EditError> {
            Err(self.0.clone())
        }

        fn has_key(&self, _: &str) -> Result<bool, EditError> {
            Ok(true)
        }

        fn read(&self, _: &str, _: &str) -> Result<Option<crate::registry::RawValue>, EditError> {
            Ok(None)
        }

        fn create_key(&mut self, _: &str) -> Result<(), EditError> {
            Err(self.0.clone())
        }

        fn write(&mut self, _: &str, _: &str, _: &crate::registry::RawValue) -> Result<(), EditError> {
            Err(self.0.clone())
        }

        fn delete(&mut self, _: &str, _: &str) -> Result<(), EditError> {
            Err(self.0.clone())
        }

        fn delete_key_if_empty(&mut self, _: &str) -> Result<bool, EditError> {
            Err(self.0.clone())
        }
    }

    #[test]
    fn an_account_without_rights_is_told_what_to_do_before_anything_is_written() {
        let denied = may_change(&Guarded(EditError::Denied)).expect_err("denied").to_string();
        assert!(denied.contains("nothing was changed") && denied.contains("Run as administrator"), "{denied}");
        let other =
            may_change(&Guarded(EditError::Other("the hive is full".to_owned()))).expect_err("broken").to_string();
        assert!(other.contains("the hive is full") && !other.contains("administrator"), "{other}");
        let read = unreadable(&EditError::Denied).to_string();
        assert!(read.contains("Run as administrator"), "{read}");
    }

    #[test]
    fn a_backup_lies_on_disk_as_a_whole_and_is_put_aside_without_loss() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("deep").join("backup.json");
        let mut store = Store { path: path.clone(), is_usual: false };
        assert_eq!(store.load(), Ok(None));
        let backup = Backup::new("2026-11-22T20:00:00Z".parse().expect("a moment"), None);
        for _ in 0..2 {
            store.save(&backup).expect("saved");
            assert_eq!(store.load(), Ok(Some(backup.clone())));
            store.retire().expect("put aside");
            assert_eq!(store.load(), Ok(None));
        }
        let names = fs::read_dir(path.parent().expect("a folder")).expect("readable");
        assert_eq!(names.count(), 2, "both were kept, and nothing half-written");
    }

    #[test]
    fn a_backup_that_cannot_be_read_is_named_with_its_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store { is_usual: false, path: folder.path().join("backup.json") };
        for (text, message) in [("{\n  \"schema\": 3\n}", "line 2"), ("", "line 1"), ("[]", "line 1")] {
            fs::write(&store.path, text).expect("written");
            let mistake = store.load().expect_err(text);
            assert!(mistake.contains("backup.json") && mistake.contains(message), "{mistake}");
        }
        fs::write(&store.path, vec![b' '; 2 << 20]).expect("written");
        assert!(store.load().is_err_and(|mistake| mistake.contains("larger than")));
    }
}
