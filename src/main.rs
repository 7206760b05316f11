//! The `waprobe` program: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    waprobe::cli::run(std::env::args_os()).into()
}
