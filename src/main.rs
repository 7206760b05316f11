//! The `waprobe` program: everything is in the library.

use std::process::ExitCode;

use waprobe::cli::{self, Exit};

fn main() -> ExitCode {
    // What went wrong is on standard error already; to a script it is a fault of this program, and no answer.
    std::panic::catch_unwind(|| cli::run(std::env::args_os())).unwrap_or(Exit::Internal).into()
}
