//! All commands, as clap reads them.

use clap::{Parser, Subcommand};

use super::arguments::{CheckArguments, EndpointsCommand, LabArguments, ReplayArguments, VerifyArguments};
use super::diagnose::DiagnoseArguments;
use super::diff::DiffArguments;
use super::enroll::EnrollCommand;
use super::explain::ExplainArguments;
use super::manual::{CompletionsArguments, ManArguments};
use super::pac::PacCommand;
use super::proxy::ProxyArguments;

/// Proves, for every endpoint, route and proxy authentication, whether Windows diagnostic data can get out
/// un-intercepted, and says what is blocked, why, and who changes what.
#[derive(Debug, Parser)]
#[command(name = "waprobe", version, max_term_width = 100, arg_required_else_help = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Probe every endpoint over every route and say what has to change.
    Check(Box<CheckArguments>),
    /// Judge a recording again; nothing of this machine is used.
    Replay(ReplayArguments),
    /// What changed between two reports; exit code 1 when something is worse.
    Diff(DiffArguments),
    /// Judge the certificates in a file, without a network.
    Verify(VerifyArguments),
    /// The check against a loopback world inside this program, by scenario.
    Lab(LabArguments),
    /// Run every scenario of the lab, and print what was recognised beside what was produced.
    SelfTest,
    /// Which proxy Windows would use, as SYSTEM and as the user, and why.
    Proxy(ProxyArguments),
    /// What a script that chooses proxies (PAC) answers, in a sandbox.
    Pac {
        #[command(subcommand)]
        command: PacCommand,
    },
    /// The endpoints of the catalogue.
    Endpoints {
        #[command(subcommand)]
        command: Option<EndpointsCommand>,
    },
    /// A device's own settings: is it enrolled, and if not, what to write.
    Enroll {
        #[command(subcommand)]
        command: EnrollCommand,
    },
    /// Why does this device not appear? Its settings and the network in one answer.
    Diagnose(Box<DiagnoseArguments>),
    /// What a code means and what to do about it.
    Explain(ExplainArguments),
    /// Print a script that completes commands and options in a shell.
    Completions(CompletionsArguments),
    /// Print a manual page.
    Man(ManArguments),
}
