//! `waprobe completions` and `waprobe man`: what a package installs beside the program, made from the arguments themselves.

use clap::{Args, Command};
use clap_complete::Shell;

use super::{Exit, Failure, files};

#[derive(Debug, Args)]
pub(super) struct CompletionsArguments {
    /// The shell to complete for.
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Debug, Args)]
pub(super) struct ManArguments {
    /// The command to print the page of; without one the page of the program.
    command: Option<String>,
}

pub(super) fn completions(arguments: &CompletionsArguments, mut program: Command) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut program, env!("CARGO_PKG_NAME"), &mut script);
    files::print(|out| out.write_all(&script))?;
    Ok(Exit::Ok)
}

pub(super) fn man(arguments: &ManArguments, mut program: Command) -> Result<Exit, Failure> {
    program.build();
    let page = match &arguments.command {
        None => clap_mangen::Man::new(program),
        Some(name) => {
            let command = program.find_subcommand(name).cloned().ok_or_else(|| {
                let known: Vec<&str> = program.get_subcommands().map(Command::get_name).collect();
                let name = crate::catalogue::quotable(name);
                Failure::usage(format!("there is no command '{name}': they are {}", known.join(", ")))
            })?;
            let title = format!("{}-{}", env!("CARGO_PKG_NAME"), command.get_name());
            clap_mangen::Man::new(command.display_name(title.clone())).title(title)
        }
    };
    files::print(|mut out| page.render(&mut out))?;
    Ok(Exit::Ok)
}
