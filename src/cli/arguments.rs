//! The command line as clap reads it. What values mean is checked where they are used.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use super::style::ExitStyle;
use crate::catalogue::Control;
use crate::net::ConnectToRule;
use crate::plan::{Identity, Scheme, SchemeChoice};

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(super) struct CheckArguments {
    /// Run against the loopback world inside this program instead of the internet.
    #[arg(long, conflicts_with_all = ["catalogue", "no_direct", "proxy", "pac", "wpad", "registry", "identity", "scheme", "proxy_user", "device_user", "device_keytab",
        "allow_basic_cleartext", "max_connects", "resolver", "connect_to", "anchors", "machine_roots", "timeout",
        "concurrency", "expect", "fail_on", "control",
        "no_follow_ups", "compare_resolver", "post", "hellos"])]
    pub lab: bool,

    #[command(flatten)]
    pub trust: TrustArguments,

    #[command(flatten)]
    pub scope: ScopeArguments,

    /// Leave the direct route out; with a script, only as a way to fall back on.
    #[arg(long, help_heading = "Routes")]
    pub no_direct: bool,

    /// A proxy to try, as http://host:port, https://host:port or socks5://host:port.
    // Read later: clap repeats a value that it refuses, and this one may hold a password.
    #[arg(long, value_name = "URL", help_heading = "Routes")]
    pub proxy: Vec<String>,

    /// Let a script that chooses proxies (PAC) say which endpoint goes where: a file, its address, or -.
    #[arg(long, value_name = "FILE|URL", conflicts_with = "wpad", help_heading = "Routes")]
    pub pac: Option<PathBuf>,

    /// Look for that script as Windows does by DNS (WPAD), from this domain upwards.
    #[arg(long, value_name = "DOMAIN", help_heading = "Routes")]
    pub wpad: Option<String>,

    /// Try the ways that the settings of a device lead by, as SYSTEM and as its users: `this` for the Windows device that this
    /// runs on, or a part of another's registry, made by reg export (waprobe proxy says which), or its snapshot; files may be several.
    #[arg(long, value_name = "FILE.reg|FILE.json|this", help_heading = "Routes")]
    pub registry: Vec<PathBuf>,

    /// The login at the proxy: none, user (a name with a password, or the ticket of the signed-in user), device (the computer
    /// account). Default: those for which there is a credential; none is also tested.
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = identity, help_heading = "Routes")]
    pub identity: Vec<Identity>,

    /// auto (the strongest that the proxy offers), or a list of negotiate, ntlm, digest and basic to force each.
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = scheme, default_value = "auto", help_heading = "Routes")]
    pub scheme: Vec<SchemeChoice>,

    /// The user's name for the proxy; one that ends in $ is a machine account.
    #[arg(long, value_name = "NAME", help_heading = "Routes")]
    pub proxy_user: Option<String>,

    /// A file that holds the password of --proxy-user.
    #[arg(long, value_name = "FILE", requires = "proxy_user", help_heading = "Routes")]
    pub proxy_password_file: Option<PathBuf>,

    /// Read the password of --proxy-user from standard input.
    #[arg(long, requires = "proxy_user", conflicts_with = "proxy_password_file", help_heading = "Routes")]
    pub proxy_password_stdin: bool,

    /// The machine account's name for the proxy.
    #[arg(long, value_name = "NAME", requires = "device_password_file", help_heading = "Routes")]
    pub device_user: Option<String>,

    /// A file that holds the password of --device-user.
    #[arg(long, value_name = "FILE", requires = "device_user", help_heading = "Routes")]
    pub device_password_file: Option<PathBuf>,

    /// A keytab with the machine account's keys, for Kerberos.
    #[arg(
        long,
        value_name = "FILE",
        requires = "device_principal",
        conflicts_with = "device_user",
        help_heading = "Routes"
    )]
    pub device_keytab: Option<PathBuf>,

    /// The machine account in --device-keytab, such as WS01$ or host/ws01.example.
    #[arg(long, value_name = "NAME", requires = "device_keytab", help_heading = "Routes")]
    pub device_principal: Option<String>,

    /// Allow Basic, which anyone on the way can read, over a connection to the proxy that is not encrypted.
    #[arg(long, help_heading = "Routes")]
    pub allow_basic_cleartext: bool,

    /// Connections open at one proxy at once; a tunnel counts for as long as it lasts.
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..), help_heading = "Routes")]
    pub max_connects: u16,

    /// Use only this name server's answers for the endpoints; a proxy's own name is always the system's business.
    #[arg(long, value_name = "ADDR:PORT", value_parser = resolver, help_heading = "Network")]
    pub resolver: Option<SocketAddr>,

    /// On the direct route connect to ADDR:PORT instead of looking HOST up; an empty HOST or PORT matches any.
    #[arg(long, value_name = "HOST:PORT=ADDR:PORT", help_heading = "Network")]
    pub connect_to: Vec<ConnectToRule>,

    /// The host that tells one blocked endpoint from a closed network, in place of the catalogue's; `none` asks no one,
    /// and then nothing is called offline.
    #[arg(long, value_name = "HOST|none", value_parser = control, help_heading = "Follow-ups")]
    pub control: Option<ControlChoice>,

    /// Also ask this name server for the endpoints' names, and compare.
    #[arg(long, value_name = "ADDR:PORT", value_parser = resolver, conflicts_with = "no_follow_ups", help_heading = "Follow-ups")]
    pub compare_resolver: Vec<SocketAddr>,

    /// Also shake hands by a hello of post-quantum size, and by one in two pieces, with endpoints that answer the usual one.
    #[arg(long, conflicts_with = "no_follow_ups", help_heading = "Follow-ups")]
    pub hellos: bool,

    /// Send dummy bytes, up to 2 MB, to endpoints that show their own certificate.
    #[arg(long, conflicts_with = "no_follow_ups", help_heading = "Follow-ups")]
    pub post: bool,

    /// Ask nothing beside the rows themselves, also where an answer fits several causes.
    #[arg(long, help_heading = "Follow-ups")]
    pub no_follow_ups: bool,

    /// Time for the whole run, such as 30s, 1500ms or 2m.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration, help_heading = "Network")]
    pub timeout: Duration,

    /// Probes in flight.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), help_heading = "Network")]
    pub concurrency: Option<u16>,

    #[command(flatten)]
    pub output: OutputArguments,

    /// Keep everything that was seen, to be judged again by `replay`.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub record: Option<PathBuf>,

    #[command(flatten)]
    pub verdict: VerdictArguments,

    #[command(flatten)]
    pub account: AccountArguments,
}

#[derive(Debug, Args)]
pub(super) struct AccountArguments {
    /// Run once as this account, through the task scheduler (Windows, as administrator): what Windows' diagnostic service sees
    /// may differ from what you see. Reports are written with your own rights.
    #[arg(long = "as", value_name = "ACCOUNT", value_enum, help_heading = "Account")]
    pub run_as: Option<RunAs>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum RunAs {
    /// The account that Windows' diagnostic service runs as.
    System,
}

#[derive(Debug, Args)]
pub(super) struct TrustArguments {
    /// A catalogue in place of the one inside this program.
    #[arg(long, value_name = "FILE", help_heading = "Trust")]
    pub catalogue: Option<PathBuf>,

    /// Replace the anchors of a trust class (microsoft-application-root, microsoft-public).
    #[arg(long, value_name = "CLASS=FILE.pem", help_heading = "Trust")]
    pub anchors: Vec<String>,

    /// Take these roots for the machine's own store.
    #[arg(long, value_name = "FILE.pem", help_heading = "Trust")]
    pub machine_roots: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct ScopeArguments {
    /// Windows version: all, win7-sp1, win10-1803, win11-24h2, server-2016, or a build such as 10.0.17134.320.
    #[arg(long, value_name = "ID", help_heading = "Scope")]
    pub os: Vec<String>,

    /// Only what this solution needs.
    #[arg(long, value_name = "ID", value_enum, help_heading = "Scope")]
    pub solution: Vec<SolutionId>,
}

#[derive(Debug, Args)]
pub(super) struct OutputArguments {
    /// What goes to standard output. Default: table.
    #[arg(long, value_enum, help_heading = "Output")]
    pub format: Option<ReportFormat>,

    /// Also write a format to a file, which is replaced when the new one is whole; - is standard output.
    #[arg(long, value_name = "FORMAT=FILE", help_heading = "Output")]
    pub output: Vec<String>,

    /// Also say what changed since this JSON report of an earlier run.
    #[arg(long, value_name = "REPORT.json", help_heading = "Output")]
    pub baseline: Option<PathBuf>,

    /// Show the whole map, also of a clean network.
    #[arg(short, long, help_heading = "Output")]
    pub verbose: bool,

    /// Of the table print the headline and how it ended alone.
    #[arg(short, long, conflicts_with = "verbose", help_heading = "Output")]
    pub quiet: bool,

    /// When to use colour.
    #[arg(long, value_enum, default_value_t = Color::Auto, help_heading = "Output")]
    pub color: Color,

    /// Whose exit codes to end with.
    #[arg(long, value_name = "STYLE", value_enum, default_value_t, help_heading = "Exit code")]
    pub exit_style: ExitStyle,
}

#[derive(Debug, Args)]
pub(super) struct VerdictArguments {
    /// What the rows should be; exit 0 then means that all are.
    #[arg(long, value_name = "FILE.toml", help_heading = "Exit code")]
    pub expect: Option<PathBuf>,

    /// Statuses and codes (with * as wildcard) that make exit code 1, in place of blocked,intercepted; with --baseline also
    /// new: whatever is worse than there.
    #[arg(long, value_name = "LIST", conflicts_with = "expect", help_heading = "Exit code")]
    pub fail_on: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct ReplayArguments {
    /// A file written by `check --record`; - is standard input.
    pub recording: PathBuf,

    #[command(flatten)]
    pub trust: TrustArguments,

    #[command(flatten)]
    pub output: OutputArguments,

    #[command(flatten)]
    pub verdict: VerdictArguments,
}

#[derive(Debug, Args)]
pub(super) struct VerifyArguments {
    /// A PEM file with the server's certificate first, then what it sent along; - is standard input.
    pub chain: PathBuf,

    /// The name that was asked for.
    #[arg(long, value_name = "HOST")]
    pub host: String,

    /// The moment to judge for, such as 2025-10-01T00:00:00Z; now without it.
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,

    /// The class of a host that is not in the catalogue, or another one than it says there.
    #[arg(long = "trust", value_name = "CLASS", help_heading = "Trust")]
    pub classes: Vec<String>,

    #[command(flatten)]
    pub trust: TrustArguments,

    /// What goes to standard output.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

#[derive(Debug, Args)]
pub(super) struct LabArguments {
    /// A scenario's name; `list`, which is the default; or `up`, which keeps the servers running until Ctrl-C, so that curl, a
    /// browser or another check can use them.
    #[arg(value_name = "list|up|NAME", default_value = "list", hide_default_value = true)]
    pub name: String,

    /// With `up`: the scenario whose servers these are, in place of those of `check --lab`.
    #[arg(value_name = "NAME")]
    pub scenario: Option<String>,

    /// With `up`: where the files for a check go; otherwise into a new folder, which is removed at the end.
    #[arg(long, value_name = "FOLDER")]
    pub folder: Option<PathBuf>,

    #[command(flatten)]
    pub scope: ScopeArguments,

    #[command(flatten)]
    pub output: OutputArguments,

    /// Keep everything that was seen, to be judged again by `replay`.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub record: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(super) enum EndpointsCommand {
    /// What has to be reachable, for which solution and Windows version.
    List(EndpointsArguments),
}

#[derive(Debug, Args)]
pub(super) struct EndpointsArguments {
    /// A catalogue in place of the one inside this program.
    #[arg(long, value_name = "FILE")]
    pub catalogue: Option<PathBuf>,

    #[command(flatten)]
    pub scope: ScopeArguments,

    /// What goes to standard output.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people at a terminal.
    Table,
    /// For programs; the formats have schemas.
    Json,
}

/// The forms of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ReportFormat {
    /// For people at a terminal.
    Table,
    /// For programs; the format has a schema.
    Json,
    /// For programs that read logs: an object per line.
    Jsonl,
    /// For CI servers: a suite per route, a case per endpoint.
    Junit,
    /// For pull requests, wikis and the summary of a CI step.
    Markdown,
    /// One page to send, print and keep.
    Html,
    /// For spreadsheets: the rows.
    Csv,
    /// Metrics for the textfile collector of Prometheus' node exporter.
    Prometheus,
}

impl std::fmt::Display for ReportFormat {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.to_possible_value().as_ref().map_or("", |value| value.get_name()))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum SolutionId {
    DeviceHealth,
    UpgradeReadiness,
    UpdateCompliance,
}

fn identity(text: &str) -> Result<Identity, String> {
    text.parse()
}

fn scheme(text: &str) -> Result<SchemeChoice, String> {
    match text {
        "auto" => Ok(SchemeChoice::Auto),
        "basic" => Ok(SchemeChoice::Forced(Scheme::Basic)),
        "digest" => Ok(SchemeChoice::Forced(Scheme::Digest)),
        "ntlm" => Ok(SchemeChoice::Forced(Scheme::Ntlm)),
        "negotiate" => Ok(SchemeChoice::Forced(Scheme::Negotiate)),
        _ => Err(format!("'{text}' is not a scheme: use auto, negotiate, ntlm, digest or basic")),
    }
}

/// What `--control` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ControlChoice {
    Nobody,
    Host(Control),
}

fn control(text: &str) -> Result<ControlChoice, String> {
    if text == "none" { Ok(ControlChoice::Nobody) } else { Control::at(text).map(ControlChoice::Host) }
}

fn resolver(text: &str) -> Result<SocketAddr, String> {
    let mistake = || format!("'{text}' is not an address with a port, such as 192.168.1.53:53 or [::1]:53");
    text.parse().ok().filter(|server: &SocketAddr| server.port() != 0).ok_or_else(mistake)
}

/// `30s`, `1500ms`, `2m`, or a bare number of seconds.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    let number: f64 = digits.parse().map_err(|_| format!("'{text}' is not a time: write 30s, 1500ms or 2m"))?;
    let seconds = match &text[digits.len()..] {
        "" | "s" => number,
        "ms" => number / 1000.0,
        "m" => number * 60.0,
        unit => return Err(format!("'{unit}' is not a unit of time: write 30s, 1500ms or 2m")),
    };
    if !(0.001..=86_400.0).contains(&seconds) {
        return Err(format!("'{text}' is not between 1ms and one day"));
    }
    Ok(Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_unit_or_is_in_seconds() {
        assert_eq!(duration("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(duration("1500ms"), Ok(Duration::from_millis(1500)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(duration("7"), Ok(Duration::from_secs(7)));
        for bad in ["", "s", "-1s", "0", "1h", "1e99s", "NaN", "10 s"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }
}
