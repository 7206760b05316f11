//! `--as system`: the command once more, as the account of Windows' diagnostic service.
//!
//! In: a command line that asks for it. Out: what the command printed and wrote as SYSTEM, and its exit code. Files are opened
//! here, with the rights of whoever asked: what is to be read is handed on as a copy, and what was written is put where it
//! belongs. So relative paths and mapped drives mean what they mean to that person, and SYSTEM follows no link of anybody's.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::arguments::{CheckArguments, Color, RunAs};
use super::command_line::Command;
use super::device_registry::THIS;
use super::outputs::{NewFile, Outputs};
use super::proxy::ProxyArguments;
use super::style::ExitStyle;
use super::wishes::Wishes;
use super::{Exit, Failure, files, handed, run as network, terminal};
use crate::as_system::{Carried, Input, Machine, Parcel, Patience, Readiness, Screen, Trouble, World, messenger, send};
use crate::catalogue::CatalogueSource;
use crate::net::{Clock, Entropy};

/// A command's own bounds are kept by the command; scripts are fetched and asked before its clock starts, and as long again.
const TIMES: u32 = 3;
/// For reading roots and settings, and for writing reports.
const BESIDE: Duration = Duration::from_secs(60);
/// What a command may take that says nothing about it.
const USUAL: Duration = Duration::from_secs(30);

/// Does what the task or the messenger started this process for; `None` when a person did.
pub(super) fn errand(arguments: &[OsString]) -> Option<Result<Vec<OsString>, Exit>> {
    let told = |why: &dyn std::fmt::Display| {
        terminal::complain(&format!("error: {why}"));
        Err(Exit::Internal)
    };
    let first = arguments.get(1)?;
    if first == crate::as_system::MESSENGER {
        let done = std::env::current_exe()
            .and_then(|program| program.parent().map(Path::to_path_buf).ok_or_else(|| io::Error::other("no folder")))
            .and_then(|folder| messenger::run(&folder));
        return Some(match done {
            Ok(()) => Err(Exit::Ok),
            Err(error) => told(&error),
        });
    }
    if first == crate::as_system::WORKER {
        return Some(match handed::take() {
            Ok(handed) => {
                let program = arguments.first().cloned().unwrap_or_default();
                Ok(std::iter::once(program).chain(handed.iter().map(OsString::from)).collect())
            }
            Err(why) => told(&why),
        });
    }
    None
}

/// The command's end where it asks for another account; `None` where this process does it itself.
pub(super) fn run(command: &Command, arguments: &[OsString], machine: &dyn Machine) -> Option<Result<Exit, Failure>> {
    let wishes = match command {
        Command::Check(arguments) => of_check(arguments),
        Command::Diagnose(arguments) => arguments.wishes(),
        Command::Proxy(arguments) => of_proxy(arguments),
        _ => return None,
    };
    let RunAs::System = wishes.account.run_as?;
    if handed::is_handed() {
        return None;
    }
    match machine.readiness() {
        Readiness::IsSystem => None,
        Readiness::NotWindows => Some(Err(Failure::usage(
            "--as system runs the command as Windows' SYSTEM account, through its task scheduler, and this is not Windows: run \
             it with waprobe.exe on the device, from a prompt that was opened with \"Run as administrator\"",
        ))),
        Readiness::NotElevated => Some(Err(Failure::usage(
            "--as system needs an administrator's rights, and this prompt does not have them: press the Windows key, type cmd, \
             choose \"Run as administrator\", and run the same command there",
        ))),
        Readiness::Ready => Some(sent(&wishes, arguments, machine)),
    }
}

fn of_check(arguments: &CheckArguments) -> Wishes<'_> {
    let mut inputs: Vec<&Path> = Vec::new();
    inputs.extend(registry(&arguments.registry));
    inputs.extend(arguments.trust.machine_roots.iter().map(PathBuf::as_path));
    inputs.extend([arguments.verdict.expect.as_deref(), arguments.output.baseline.as_deref()].into_iter().flatten());
    let has_password = arguments.proxy_password_file.is_some() || arguments.proxy_password_stdin;
    Wishes {
        account: &arguments.account,
        inputs,
        script: arguments.pac.as_deref(),
        trust: Some(&arguments.trust),
        password_files: [&arguments.proxy_password_file, &arguments.device_password_file]
            .into_iter()
            .filter_map(Option::as_deref)
            .collect(),
        prompt: arguments.proxy_user.as_deref().filter(|_| !has_password),
        takes_password_from_stdin: arguments.proxy_password_stdin,
        reports: Some(&arguments.output),
        records: arguments.record.as_deref(),
        timeout: Some(arguments.timeout),
        ..Wishes::default()
    }
}

/// Exported files; the device's own settings are read by whoever does the command.
fn registry(named: &[PathBuf]) -> impl Iterator<Item = &Path> {
    named.iter().map(PathBuf::as_path).filter(|path| path.as_os_str() != THIS)
}

fn of_proxy(arguments: &ProxyArguments) -> Wishes<'_> {
    Wishes {
        account: &arguments.account,
        inputs: registry(&arguments.registry).collect(),
        catalogue: arguments.catalogue.as_deref(),
        ..Wishes::default()
    }
}

fn sent(wishes: &Wishes<'_>, arguments: &[OsString], machine: &dyn Machine) -> Result<Exit, Failure> {
    let places = places(wishes)?;
    let parcel = Parcel {
        arguments: words(arguments)?,
        inputs: inputs(wishes)?,
        outputs: places.iter().filter_map(|place| place.name().to_str().map(str::to_owned)).collect(),
        secrets: secrets(wishes)?,
        screen: screen(),
    };
    let program = std::env::current_exe()
        .map_err(|error| Failure::Internal(format!("could not find out where this program lies: {error}")))?;
    let program = machine.program().unwrap_or(program);
    let limit = wishes.timeout.unwrap_or(USUAL) * TIMES + BESIDE;
    let interrupted = interruption();
    let world = World {
        program: &program,
        name: &name(),
        scheduler: machine.scheduler(),
        place: machine.place(),
        patience: machine.patience(Patience::of(limit)),
        now: Clock::System.now(),
        is_interrupted: &|| interrupted.load(Ordering::Relaxed),
    };
    if io::stderr().is_terminal() {
        terminal::complain("running as SYSTEM, by the task scheduler; the report comes when it is done");
    }
    let mut failures: Vec<Failure> = Vec::new();
    let mut places = Some(places);
    let outcome = send(&world, parcel, &mut |returned| {
        for place in places.take().into_iter().flatten() {
            // What was not written leaves an older file as it is.
            if let Some(mut written) = place.name().to_str().and_then(|name| returned.output(name)) {
                failures.extend(place.write(|out| io::copy(&mut written, out).map(drop)).err());
            }
        }
    });
    let printed = files::print(|out| out.write_all(whole_characters(&outcome.standard_output)));
    // Nobody is left to be told when that is closed.
    let _ = io::stderr().write_all(&outcome.standard_error);
    for left in &outcome.left {
        terminal::complain(&format!("warning: {left}"));
    }
    let ended = match outcome.ending {
        Ok(code) => Ok(Exit::Styled(code)),
        Err(Trouble::Interrupted) => Ok(ExitStyle::of_arguments(arguments).of_the_rest(Exit::Interrupted)),
        Err(trouble @ (Trouble::Crashed(_) | Trouble::Late(_))) => Err(Failure::Internal(trouble.to_string())),
        Err(trouble) => Err(Failure::usage(trouble)),
    };
    failures.extend(printed.err());
    match (ended, failures.into_iter().next()) {
        (Ok(_), Some(failure)) => Err(failure),
        (ended, _) => ended,
    }
}

/// The arguments behind the program's name, as text: the file that carries them is text.
fn words(arguments: &[OsString]) -> Result<Vec<String>, Failure> {
    let word = |argument: &OsString| {
        argument.to_str().map(str::to_owned).ok_or_else(|| {
            Failure::usage(format!("--as system cannot hand on '{}', which is not Unicode text", argument.display()))
        })
    };
    arguments.iter().skip(1).map(word).collect()
}

/// Opened here, so that a file that may not be written is found before anything else is done.
fn places(wishes: &Wishes<'_>) -> Result<Vec<NewFile>, Failure> {
    // A wish to record to standard output is refused by the command itself.
    let record = wishes.records.filter(|path| !files::is_standard(path));
    let others: Vec<(&str, &Path)> = record.map(|path| ("--record", path)).into_iter().collect();
    let mut places: Vec<NewFile> = match wishes.reports {
        Some(arguments) => Outputs::open(arguments, &others)?.into_files().collect(),
        None => Vec::new(),
    };
    places.extend(record.map(NewFile::create).transpose()?);
    Ok(places)
}

fn inputs(wishes: &Wishes<'_>) -> Result<Vec<Input>, Failure> {
    let mut inputs = Vec::new();
    let mut known = BTreeSet::new();
    let mut add = |path: &Path| -> Result<(), Failure> {
        let Some(name) = path.to_str() else {
            let name = path.display();
            return Err(Failure::usage(format!(
                "--as system cannot hand on the file '{name}', whose name is not Unicode text"
            )));
        };
        if known.insert(name.to_owned()) {
            inputs.push(Input { name: name.to_owned(), content: files::open(path)? });
        }
        Ok(())
    };
    for path in &wishes.inputs {
        add(path)?;
    }
    if let Some(script) = wishes.script.filter(|path| !path.to_string_lossy().contains("://")) {
        add(script)?;
    }
    for anchors in wishes.trust.iter().flat_map(|trust| &trust.anchors) {
        // One without a class is refused by the command itself.
        if let Some((_, path)) = anchors.split_once('=') {
            add(Path::new(path))?;
        }
    }
    if let Some(path) = wishes.catalogue.or(wishes.trust.and_then(|trust| trust.catalogue.as_deref())) {
        add(path)?;
        let beside = path.parent().unwrap_or(Path::new(""));
        if !files::is_standard(path) {
            CatalogueSource::gather("", files::text(path)?, |name| {
                // What cannot be read is told by the command, with its line.
                add(&beside.join(name)).map(|()| String::new()).map_err(|failure| failure.to_string())
            });
        }
    }
    Ok(inputs)
}

/// Read and asked for here; they go to the other process in a file that only SYSTEM and administrators may open, and that is
/// deleted before it is used.
fn secrets(wishes: &Wishes<'_>) -> Result<BTreeMap<String, Carried>, Failure> {
    let mut secrets = BTreeMap::new();
    for path in &wishes.password_files {
        let name = path.to_str().unwrap_or_default();
        secrets.insert(files::password_origin(name), Carried(files::password(path)?));
    }
    if wishes.takes_password_from_stdin {
        secrets.insert(files::STANDARD_INPUT.to_owned(), Carried(files::password_from_stdin()?));
    }
    if let Some(name) = wishes.prompt {
        secrets.insert(files::PROMPT.to_owned(), Carried(files::password_from_prompt(name)?));
    }
    Ok(secrets)
}

fn screen() -> Screen {
    let layout = terminal::layout(Color::Auto, false);
    Screen { width: layout.width, colour: layout.colour, ascii: layout.ascii }
}

/// `waprobe-as-system-0123456789abcdef0123456789abcdef`
fn name() -> String {
    use std::fmt::Write as _;
    let mut name = String::from("waprobe-as-system-");
    for byte in [Entropy::System.bytes(), Entropy::System.bytes()].concat() {
        let _ = write!(name, "{byte:02x}");
    }
    name
}

/// Set as soon as somebody interrupts this process, which from now on does not end by itself.
fn interruption() -> Arc<AtomicBool> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let told = interrupted.clone();
    std::thread::spawn(move || {
        if network::on_the_network(network::interrupt()).is_ok() {
            told.store(true, Ordering::Relaxed);
        }
    });
    interrupted
}

/// The machine that this process runs on.
#[cfg(not(windows))]
#[derive(Debug)]
pub(super) struct ThisMachine;

#[cfg(not(windows))]
mod elsewhere {
    use std::io;
    use std::path::{Path, PathBuf};

    use super::ThisMachine;
    use crate::as_system::{Machine, Place, Readiness, Scheduler};

    const NONE: &str = "this is not Windows";

    impl Machine for ThisMachine {
        fn readiness(&self) -> Readiness {
            Readiness::NotWindows
        }

        fn scheduler(&self) -> &dyn Scheduler {
            self
        }

        fn place(&self) -> &dyn Place {
            self
        }
    }

    impl Scheduler for ThisMachine {
        fn create(&self, _: &str, _: &Path) -> Result<(), String> {
            Err(NONE.to_owned())
        }

        fn run(&self, _: &str) -> Result<(), String> {
            Err(NONE.to_owned())
        }

        fn end(&self, _: &str) -> Result<(), String> {
            Err(NONE.to_owned())
        }

        fn delete(&self, _: &str) -> Result<(), String> {
            Err(NONE.to_owned())
        }
    }

    impl Place for ThisMachine {
        fn make(&self, _: &str) -> io::Result<PathBuf> {
            Err(io::Error::other(NONE))
        }
    }
}

#[cfg(not(windows))]
pub(super) fn this_machine() -> ThisMachine {
    ThisMachine
}

#[cfg(windows)]
pub(super) fn this_machine() -> crate::as_system::ThisMachine {
    crate::as_system::ThisMachine::default()
}

/// Without the character in whose middle a process was ended: a console takes no part of one.
fn whole_characters(text: &[u8]) -> &[u8] {
    match std::str::from_utf8(text) {
        Err(error) if error.error_len().is_none() => &text[..error.valid_up_to()],
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::whole_characters;

    #[test]
    fn a_character_that_was_cut_off_is_left_out() {
        let text = "für".as_bytes();
        assert_eq!(whole_characters(text), text);
        assert_eq!(whole_characters(&text[..2]), b"f");
        assert_eq!(whole_characters(b"\xff!"), b"\xff!", "what is no text at all is nobody's business here");
    }
}
