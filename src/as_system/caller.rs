//! The process that somebody started: it sends the errand, waits within bounds, and leaves nothing behind.
//!
//! Whatever happens after the folder was made, the task is ended and deleted and the folder removed; what stays all the same is
//! told with the command that removes it.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::errand::{Carried, Ending, Errand, Screen};
use super::task::{Scheduler, Task};
use super::{MESSENGER, names};

/// How often the folder is looked into.
const TICK: Duration = Duration::from_millis(50);
/// A file that an argument names is no larger than this.
const LARGEST_INPUT: u64 = 1 << 30;
/// More text than this is not passed on.
const LARGEST_OUTPUT: u64 = 512 << 20;

/// Where folders can be made that nobody but SYSTEM and administrators may open.
pub trait Place {
    /// Makes the folder `name`, which must not be there before.
    ///
    /// # Errors
    /// Also when it is there already: somebody else may have made it.
    fn make(&self, name: &str) -> io::Result<PathBuf>;
    /// Takes it away with all that it holds.
    ///
    /// # Errors
    /// When something is still in use.
    fn remove(&self, folder: &Path) -> io::Result<()> {
        fs::remove_dir_all(folder)
    }
}

/// How long what may take.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Until the scheduler has started the task.
    pub start: Duration,
    /// Without a sign of life of the messenger.
    pub silence: Duration,
    /// For the command itself.
    pub limit: Duration,
    /// For the command to come to an end when it is asked to.
    pub stop: Duration,
    /// For programs and virus scanners to let go of the folder's files.
    pub clean_up: Duration,
}

impl Patience {
    /// For a command that should take no longer than `limit`.
    #[must_use]
    pub fn of(limit: Duration) -> Self {
        Self {
            start: Duration::from_secs(60),
            silence: Duration::from_secs(30),
            limit,
            stop: Duration::from_secs(3),
            clean_up: Duration::from_secs(10),
        }
    }
}

/// A file that the arguments name, opened by the caller.
pub struct Input {
    /// As the arguments name it.
    pub name: String,
    pub content: Box<dyn Read>,
}

impl std::fmt::Debug for Input {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Input({})", self.name)
    }
}

/// What is sent.
#[derive(Debug)]
pub struct Parcel {
    pub arguments: Vec<String>,
    pub inputs: Vec<Input>,
    /// Files to be written, as the arguments name them.
    pub outputs: Vec<String>,
    pub secrets: BTreeMap<String, Carried>,
    pub screen: Screen,
}

/// By what it is sent.
pub struct World<'a> {
    /// This program.
    pub program: &'a Path,
    /// Of the task and of the folder; nobody can have guessed it.
    pub name: &'a str,
    pub scheduler: &'a dyn Scheduler,
    pub place: &'a dyn Place,
    pub patience: Patience,
    pub now: Timestamp,
    /// Whether the caller was asked to stop.
    pub is_interrupted: &'a dyn Fn() -> bool,
}

impl std::fmt::Debug for World<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("World").field("name", &self.name).field("patience", &self.patience).finish_non_exhaustive()
    }
}

/// Why there is no exit code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    #[error("could not make a folder that only SYSTEM and administrators may open: {0}")]
    NoFolder(String),
    #[error("could not put {what} into the folder for SYSTEM: {why}")]
    NotPacked { what: String, why: String },
    #[error("the task scheduler takes no task that runs as SYSTEM: {0}")]
    NotCreated(String),
    #[error("the task scheduler did not start the task: {0}")]
    NotRun(String),
    #[error(
        "the task scheduler took the task and had not started it {} s later: is the service \"Task Scheduler\" running, and may \
         programs start from {folder}?", .after.as_secs()
    )]
    NotStarted { after: Duration, folder: String },
    #[error("the program could not begin as SYSTEM: {0}")]
    NotBegun(String),
    #[error("the program broke as SYSTEM: it ended by {0}")]
    Crashed(String),
    #[error("the program that ran as SYSTEM was gone without a word: something on this device may have ended it")]
    Silent,
    #[error("the program still ran as SYSTEM after {} s, and was ended", .0.as_secs())]
    Late(Duration),
    #[error("interrupted")]
    Interrupted,
}

/// What came back while the folder was still there.
#[derive(Debug)]
pub struct Returned<'a> {
    folder: &'a Path,
    outputs: &'a BTreeMap<String, String>,
}

impl Returned<'_> {
    /// A file that was written in place of `name`; none when it was not.
    #[must_use]
    pub fn output(&self, name: &str) -> Option<File> {
        File::open(self.folder.join(self.outputs.get(name)?)).ok()
    }
}

/// How it went.
#[derive(Debug)]
pub struct Outcome {
    /// The command's own exit code.
    pub ending: Result<u8, Trouble>,
    pub standard_output: Vec<u8>,
    pub standard_error: Vec<u8>,
    /// What could not be cleaned up, each with the command that does.
    pub left: Vec<String>,
}

/// Sends `parcel`, and gives `deliver` what came back before it is removed.
pub fn send(world: &World<'_>, parcel: Parcel, deliver: &mut dyn FnMut(&Returned<'_>)) -> Outcome {
    let mut outcome = Outcome {
        ending: Err(Trouble::Interrupted),
        standard_output: Vec::new(),
        standard_error: Vec::new(),
        left: Vec::new(),
    };
    let folder = match world.place.make(world.name) {
        Ok(folder) => folder,
        Err(error) => {
            outcome.ending = Err(Trouble::NoFolder(error.to_string()));
            return outcome;
        }
    };
    let mut traces = Traces { world, folder: &folder, has_task: false, may_run: false, is_swept: false };
    let outputs: BTreeMap<String, String> =
        parcel.outputs.iter().enumerate().map(|(index, name)| (name.clone(), format!("out-{index}"))).collect();
    outcome.ending = attempt(world, parcel, &outputs, &mut traces);
    outcome.standard_output = text(&folder.join(names::STANDARD_OUTPUT));
    outcome.standard_error = text(&folder.join(names::STANDARD_ERROR));
    if traces.has_task {
        // Nobody writes any more, also where the command had to be ended.
        traces.end();
        deliver(&Returned { folder: &folder, outputs: &outputs });
    }
    outcome.left = traces.sweep();
    outcome
}

fn attempt(
    world: &World<'_>,
    parcel: Parcel,
    outputs: &BTreeMap<String, String>,
    traces: &mut Traces<'_>,
) -> Result<u8, Trouble> {
    let folder = traces.folder;
    let program = pack(world, parcel, outputs, folder)?;
    if (world.is_interrupted)() {
        return Err(Trouble::Interrupted);
    }
    let Patience { start, limit, stop, .. } = world.patience;
    let task =
        Task { program: &program, argument: MESSENGER, folder, limit: start + limit + stop + stop, now: world.now };
    let definition = folder.join(names::TASK);
    fill(&definition, &mut task.bytes().as_slice()).map_err(|why| not_packed("the task", &why))?;
    world.scheduler.create(world.name, &definition).map_err(|why| {
        // The scheduler's program may have been cut off behind its work. Where there is no task, there is nothing to delete.
        let _ = world.scheduler.delete(world.name);
        Trouble::NotCreated(why)
    })?;
    traces.has_task = true;
    // For the same reason: from here on it may be running, whatever the answer.
    traces.may_run = true;
    world.scheduler.run(world.name).map_err(Trouble::NotRun)?;
    let ending = wait(world, folder)?;
    traces.may_run = false;
    match ending {
        Ending::Exited { code } => u8::try_from(code).map_err(|_| Trouble::Crashed(format!("exit code {code}"))),
        Ending::Crashed { how } => Err(Trouble::Crashed(how)),
        Ending::Late => Err(Trouble::Late(limit)),
        Ending::Stopped => Err(Trouble::Interrupted),
        Ending::NotBegun { why } => Err(Trouble::NotBegun(why)),
    }
}

/// The program and all that it needs, into the folder; says where the program lies.
fn pack(
    world: &World<'_>,
    parcel: Parcel,
    outputs: &BTreeMap<String, String>,
    folder: &Path,
) -> Result<PathBuf, Trouble> {
    // Copied by its bytes alone: a mark that a browser left on the file, or a protection against writing, stays behind.
    let program = folder.join(names::PROGRAM);
    File::open(world.program)
        .and_then(|mut own| fill(&program, &mut own))
        .and_then(|()| make_executable(&program))
        .map_err(|why| not_packed("the program", &why))?;
    let mut inputs = BTreeMap::new();
    for (index, Input { name, content }) in parcel.inputs.into_iter().enumerate() {
        let copy = format!("in-{index}");
        let mut bounded = content.take(LARGEST_INPUT + 1);
        fill(&folder.join(&copy), &mut bounded).map_err(|why| not_packed(&name, &why))?;
        if bounded.limit() == 0 {
            return Err(not_packed(&name, &io::Error::other(format!("it is larger than {LARGEST_INPUT} bytes"))));
        }
        inputs.insert(name, copy);
    }
    let errand = Errand {
        arguments: parcel.arguments,
        inputs,
        outputs: outputs.clone(),
        secrets: parcel.secrets,
        screen: parcel.screen,
        limit_ms: u64::try_from(world.patience.limit.as_millis()).unwrap_or(u64::MAX),
        stop_ms: u64::try_from(world.patience.stop.as_millis()).unwrap_or(u64::MAX),
    };
    errand.write(&folder.join(names::ERRAND)).map_err(|why| not_packed("the arguments", &why))?;
    Ok(program)
}

fn not_packed(what: &str, why: &io::Error) -> Trouble {
    Trouble::NotPacked { what: what.to_owned(), why: why.to_string() }
}

/// Into a new file, whole.
fn fill(path: &Path, content: &mut dyn Read) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    io::copy(content, &mut file).map(drop)
}

#[cfg(unix)]
fn make_executable(program: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(program, fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it may fail")]
fn make_executable(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Until the messenger has said how it ended, or is not to be waited for any longer.
fn wait(world: &World<'_>, folder: &Path) -> Result<Ending, Trouble> {
    let Patience { start, silence, limit, stop, .. } = world.patience;
    let (ending, alive) = (folder.join(names::ENDING), folder.join(names::ALIVE));
    let began = Instant::now();
    let (mut beat, mut last_beat) = (None, Instant::now());
    let mut first_beat = None;
    let mut asked = None;
    loop {
        if let Some(ending) = Ending::read(&ending) {
            return Ok(ending);
        }
        let heard = fs::read(&alive).ok();
        if heard != beat {
            (beat, last_beat) = (heard, Instant::now());
            first_beat.get_or_insert(last_beat);
        }
        match first_beat {
            None if began.elapsed() > start => {
                return Err(Trouble::NotStarted { after: start, folder: folder.display().to_string() });
            }
            Some(_) if last_beat.elapsed() > silence => return Err(Trouble::Silent),
            // The messenger keeps to the limit by itself; this is for one that hangs.
            Some(first) if first.elapsed() > limit + stop + stop => return Err(Trouble::Late(limit)),
            _ => {}
        }
        if (world.is_interrupted)() {
            let since: Instant = *asked.get_or_insert_with(|| {
                let _ = File::create(folder.join(names::STOP));
                Instant::now()
            });
            // One that has not begun has nothing to tell.
            if first_beat.is_none() || since.elapsed() > stop + TICK * 10 {
                return Err(Trouble::Interrupted);
            }
        }
        std::thread::sleep(TICK);
    }
}

fn text(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Ok(file) = File::open(path) {
        let _ = file.take(LARGEST_OUTPUT).read_to_end(&mut bytes);
    }
    bytes
}

/// What there is to clean up.
struct Traces<'a> {
    world: &'a World<'a>,
    folder: &'a Path,
    has_task: bool,
    may_run: bool,
    is_swept: bool,
}

impl Traces<'_> {
    /// Ends what still runs.
    fn end(&mut self) {
        if std::mem::take(&mut self.may_run) {
            // Where it has ended meanwhile, the scheduler says that there is nothing to end.
            let _ = self.world.scheduler.end(self.world.name);
        }
    }

    /// Takes everything away, and says what stays.
    fn sweep(&mut self) -> Vec<String> {
        self.is_swept = true;
        let mut left = Vec::new();
        self.end();
        if self.has_task
            && let Err(why) = self.world.scheduler.delete(self.world.name)
        {
            let name = self.world.name;
            left.push(format!(
                "the task {name} could not be deleted ({why}). This removes it: schtasks /Delete /TN {name} /F"
            ));
        }
        // First, whatever else can be removed: it may hold a password.
        let errand = self.folder.join(names::ERRAND);
        let _ = fs::remove_file(&errand);
        if let Err(why) = self.remove() {
            let folder = self.folder.display();
            let password = if errand.exists() { ", and with it the arguments and passwords of this check" } else { "" };
            left.push(format!(
                "the folder {folder} stays{password} ({why}); only SYSTEM and administrators may open it. This removes it: \
                 rmdir /s /q \"{folder}\""
            ));
        }
        left
    }

    /// As often as it takes a program that has just ended to let go of its files.
    fn remove(&self) -> io::Result<()> {
        let began = Instant::now();
        loop {
            match self.world.place.remove(self.folder) {
                Err(error) if error.kind() == io::ErrorKind::NotFound && !self.folder.exists() => return Ok(()),
                Err(error) if began.elapsed() > self.world.patience.clean_up => return Err(error),
                Err(_) => std::thread::sleep(TICK * 2),
                Ok(()) => return Ok(()),
            }
        }
    }
}

impl Drop for Traces<'_> {
    /// Also when something panicked in between.
    fn drop(&mut self) {
        if !self.is_swept {
            self.sweep();
        }
    }
}
