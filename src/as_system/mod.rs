//! A command of this program, run once as another account by the task scheduler: Windows' SYSTEM, as which its diagnostic
//! service runs.
//!
//! In: an [`Errand`] (arguments, files, passwords, the reader's screen), a task scheduler, and a place for a folder that nobody
//! else may open. Out: what the command printed, the files that it wrote, its exit code, and what could not be cleaned up.
//! Never: an argument or a password on a command line, a file of the caller's opened by the other account.
//!
//! Three processes take part, all of the same program. The caller ([`send`]) makes the folder, copies the program into it,
//! registers the task, starts it and waits. The messenger ([`messenger`]) is what the task starts: it takes the errand out of
//! the folder, hands it to the worker and watches over it. The worker is the command itself; it reads the errand from its
//! standard input, and ends when that ends, so that it never outlives a messenger that the scheduler has ended.

mod caller;
mod errand;
mod machine;
pub mod messenger;
mod task;

pub use caller::{Input, Outcome, Parcel, Patience, Place, Returned, Trouble, World, send};
pub use errand::{Carried, Ending, Errand, Screen, Worker};
#[cfg(windows)]
pub use machine::ThisMachine;
pub use machine::{Machine, Readiness};
pub use task::{Scheduler, Schtasks, Task};

/// The first argument of the process that the task starts; it stands in no help.
pub const MESSENGER: &str = "--errand-messenger";
/// The first argument of the process that does what was asked.
pub const WORKER: &str = "--errand-worker";

/// The names of what lies in the folder.
mod names {
    /// Program, arguments, passwords: deleted by the messenger before anything else is done.
    pub const ERRAND: &str = "errand.json";
    /// The task as the scheduler reads it.
    pub const TASK: &str = "task.xml";
    /// A number that grows while the messenger is there.
    pub const ALIVE: &str = "alive";
    /// Asks the worker to come to an end.
    pub const STOP: &str = "stop";
    pub const STANDARD_OUTPUT: &str = "stdout";
    pub const STANDARD_ERROR: &str = "stderr";
    /// How it ended; complete when it is there.
    pub const ENDING: &str = "ending.json";

    /// The program's copy.
    pub const PROGRAM: &str = if cfg!(windows) { "waprobe.exe" } else { "waprobe" };
}
