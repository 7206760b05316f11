//! Arguments to settings, settings to a run, a run to an exit code.
//!
//! In: the command line, files, the environment. Out: text on standard output, progress on standard error, an
//! [`Exit`]. The only module where all others meet.

mod apply;
mod arguments;
mod beside;
mod check;
mod command_line;
mod device;
mod device_registry;
mod diagnose;
mod diff;
mod endpoints;
mod enroll;
mod exit;
mod explain;
mod failure;
mod files;
mod handed;
mod lab;
mod lab_up;
mod lab_world;
mod manual;
mod outputs;
mod pac;
mod progress;
mod proxy;
mod replay;
mod run;
mod script;
mod self_test;
mod show;
mod style;
mod system;
mod terminal;
mod this_device;
mod verify;
mod wishes;

use std::ffi::OsString;

use clap::{CommandFactory as _, Parser as _};

use crate::as_system::Machine;
use command_line::{Arguments, Command};
pub use exit::Exit;
pub use failure::Failure;
use style::ExitStyle;

/// Runs the command line `arguments` (the program's name first) and says how the process ends.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    run_on(&system::this_machine(), arguments)
}

/// The same where `machine` is told to do what is asked to be done as SYSTEM.
pub fn run_on(machine: &dyn Machine, arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let arguments = match system::errand(&arguments) {
        None => arguments,
        Some(Ok(handed)) => handed,
        Some(Err(exit)) => return exit,
    };
    let style = ExitStyle::of_arguments(&arguments);
    let command = match Arguments::try_parse_from(&arguments) {
        Ok(arguments) => arguments.command,
        Err(error) => {
            // Help and version go to standard output and are no failure.
            let _ = error.print();
            if !error.use_stderr() {
                return Exit::Ok;
            }
            tell_monitor(style, "its command line is wrong: see standard error");
            return style.of_the_rest(Exit::Usage);
        }
    };
    let done = system::run(&command, &arguments, machine).unwrap_or_else(|| do_here(command));
    done.unwrap_or_else(|failure| {
        let text = crate::harmless::sanitize_lines(&failure.to_string());
        tell_monitor(style, &text);
        style.of_the_rest(match failure {
            Failure::Usage(_) => {
                // Complaints about a file begin so themselves, each of them.
                let text = text.trim_end();
                let prefix = if text.starts_with("error: ") { "" } else { "error: " };
                terminal::complain(&format!("{prefix}{text}"));
                Exit::Usage
            }
            Failure::Internal(_) => {
                terminal::complain(&format!("waprobe failed, which is a mistake of its own: {}", text.trim_end()));
                Exit::Internal
            }
        })
    })
}

/// Does the command in this process.
fn do_here(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Check(arguments) if arguments.lab => lab::check(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Diff(arguments) => diff::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Lab(arguments) => lab::run(&arguments),
        Command::SelfTest => self_test::run(),
        Command::Pac { command } => pac::run(&command),
        Command::Proxy(arguments) => proxy::run(&arguments),
        Command::Endpoints { command } => endpoints::run(command),
        Command::Enroll { command } => enroll::run(&command),
        Command::Diagnose(arguments) => diagnose::run(&arguments),
        Command::Completions(arguments) => manual::completions(&arguments, Arguments::command()),
        Command::Man(arguments) => manual::man(&arguments, Arguments::command()),
        Command::Explain(arguments) => explain::run(&arguments),
    }
}

/// A monitoring server shows what stands on standard output, and nothing else.
fn tell_monitor(style: ExitStyle, text: &str) {
    if let Some(line) = style.line_of_failure(text) {
        // Nobody is left to be told when that is closed.
        let _ = files::print(|out| out.write_all(line.as_bytes()));
    }
}
