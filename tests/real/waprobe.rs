//! The built program, and its reports as anybody else reads them.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::nginx::Nginx;
use crate::squid::Squid;
use crate::world::World;

/// One call of `waprobe`, or of what stands in for it (`WAPROBE_PROGRAM`: the Windows program), in an environment that says
/// nothing about proxies, roots or terminals.
pub fn waprobe() -> Command {
    let built = || env!("CARGO_BIN_EXE_waprobe").into();
    let mut command = Command::new(std::env::var_os("WAPROBE_PROGRAM").unwrap_or_else(built));
    for variable in [
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "no_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "CLICOLOR_FORCE",
    ] {
        command.env_remove(variable);
    }
    command.env("NO_COLOR", "1").env("COLUMNS", "140");
    command
}

/// A check that is being put together.
pub struct Check {
    command: Command,
}

impl Check {
    /// Of the fifteen hosts, in a world whose roots stand in for Microsoft's, and a machine that knows neither them nor the
    /// company's.
    pub fn new(world: &World) -> Self {
        Self::under_the_worlds_roots(world).machine_roots(&world.unrelated_root.certificate)
    }

    /// The same, and the machine's store is what OpenSSL's users set by a variable.
    pub fn in_the_machines_store(world: &World, roots: &Path) -> Self {
        let mut check = Self::under_the_worlds_roots(world);
        check.command.env("SSL_CERT_FILE", roots);
        check
    }

    /// Of the fifteen hosts under the roots that waprobe carries.
    pub fn with_microsofts_roots(world: &World) -> Self {
        Self::bare().machine_roots(&world.unrelated_root.certificate)
    }

    /// The same as [`Self::new`], with a host that tells one blocked endpoint from a closed network.
    pub fn with_control(world: &World, control: &str) -> Self {
        Self::under_roots(world, control).machine_roots(&world.unrelated_root.certificate)
    }

    fn bare() -> Self {
        // There is no host out there; a question to one would only take time.
        Self::asking("none")
    }

    /// The same with the control that the catalogue names. Only a proxy can lead to it here.
    pub fn with_usual_control(world: &World) -> Self {
        let mut command = waprobe();
        command.arg("check");
        Self { command }.trusting(world).machine_roots(&world.unrelated_root.certificate)
    }

    fn asking(control: &str) -> Self {
        let mut command = waprobe();
        command.args(["check", "--control", control]);
        Self { command }
    }

    fn under_the_worlds_roots(world: &World) -> Self {
        Self::under_roots(world, "none")
    }

    fn under_roots(world: &World, control: &str) -> Self {
        Self::asking(control).trusting(world)
    }

    fn trusting(self, world: &World) -> Self {
        let anchors = |class: &str, path: &Path| format!("{class}={}", path.display());
        self.arg("--anchors")
            .arg(anchors("microsoft-application-root", &world.application_root.certificate))
            .arg("--anchors")
            .arg(anchors("microsoft-public", &world.public_root.certificate))
    }

    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    pub fn args<const N: usize>(mut self, arguments: [&str; N]) -> Self {
        self.command.args(arguments);
        self
    }

    /// The direct route leads to `servers`, whatever the name.
    pub fn direct_to(self, servers: &Nginx) -> Self {
        let address = servers.address;
        self.args(["--connect-to", &format!(":443={address}:443"), "--connect-to", &format!(":80={address}:80")])
    }

    pub fn through(self, proxy: &Squid) -> Self {
        self.args(["--proxy", &proxy.url])
    }

    pub fn machine_roots(self, roots: &Path) -> Self {
        self.arg("--machine-roots").arg(roots)
    }

    /// The same check by another program, such as the Windows one under Wine.
    #[allow(dead_code, reason = "of the two suites that share this file, the tests under Wine use it")]
    pub fn by(self, mut other: Command) -> Self {
        other.args(self.command.get_args());
        Self { command: other }
    }

    /// The call as it stands, for who runs it in another way.
    pub fn command(self) -> Command {
        self.command
    }

    /// Runs it for the report in a network of its own that `script`, a shell's, makes before it runs its last arguments;
    /// `words` are its first.
    pub fn report_inside(self, script: &str, words: &[&OsStr]) -> Report {
        self.report_apart("--net", script, words)
    }

    /// Runs it for the report where `file` stands in the place of `/etc/resolv.conf`; nothing, and a loud word, where this process
    /// may not mount.
    pub fn report_with_resolv_conf(self, file: &Path) -> Option<Report> {
        const BIND: &str = "mount --bind \"$1\" /etc/resolv.conf && shift && exec \"$@\"";
        if std::env::var_os("WAPROBE_OWN_MOUNTS").is_none() {
            eprintln!("\n!! SKIPPED a story of /etc/resolv.conf: it needs root in mounts of its own (tests/run)");
            return None;
        }
        Some(self.report_apart("--mount", BIND, &[file.as_os_str()]))
    }

    fn report_apart(self, namespace: &str, script: &str, words: &[&OsStr]) -> Report {
        let check = self.args(["--format", "json"]).command();
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", namespace, "sh", "-c", script, "sh"]).args(words);
        command.arg(check.get_program()).args(check.get_args());
        for (name, value) in check.get_envs() {
            if let Some(value) = value {
                command.env(name, value)
            } else {
                command.env_remove(name)
            };
        }
        Report::read(&command.output().expect("unshare starts"))
    }

    /// Runs it for the report.
    pub fn report(mut self) -> Report {
        self.command.args(["--format", "json"]);
        Report::read(&self.command.output().expect("waprobe starts"))
    }

    /// Runs it for the table that people read.
    pub fn table(mut self) -> String {
        let output = self.command.output().expect("waprobe starts");
        String::from_utf8(output.stdout).expect("a table in UTF-8")
    }
}

/// A report in JSON with the exit code that came with it.
pub struct Report {
    pub json: Value,
    pub exit: i32,
    /// Everything that was printed, for searching.
    pub printed: String,
}

impl Report {
    pub fn read(output: &Output) -> Self {
        let exit = output.status.code().expect("waprobe ends by itself");
        let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let json = serde_json::from_str(&stdout)
            .unwrap_or_else(|error| panic!("no report ({error}), exit {exit}:\n{stdout}\n{stderr}"));
        Self { json, exit, printed: format!("{stdout}\n{stderr}") }
    }

    pub fn rows(&self) -> &[Value] {
        self.json["rows"].as_array().map(Vec::as_slice).expect("rows")
    }

    /// The rows of a route by its key.
    pub fn on(&self, route: &str) -> Vec<&Value> {
        self.rows().iter().filter(|row| row["route"]["key"] == route).collect()
    }

    pub fn row(&self, host: &str, route: &str) -> &Value {
        let fitting: Vec<&Value> = self.on(route).into_iter().filter(|row| row["host"] == host).collect();
        let [row] = fitting[..] else { panic!("{} rows for {host} on {route} in\n{}", fitting.len(), self.outline()) };
        row
    }

    /// Every row of `route` with `status` and `code`, at least one; the message names the first that differs.
    #[track_caller]
    pub fn expect<'a>(&self, route: &str, hosts: impl IntoIterator<Item = &'a str>, status: &str, code: &str) {
        for host in hosts {
            let row = self.row(host, route);
            assert!(
                row["status"] == status && row["code"] == code,
                "{host} on {route} is not {status} {code}: {row:#}"
            );
        }
    }

    /// One line per row, for messages.
    pub fn outline(&self) -> String {
        let mut text = format!("exit {}\n", self.exit);
        for row in self.rows() {
            let _ = writeln!(
                text,
                "{} {} {} {} {}",
                row["route"]["key"], row["host"], row["status"], row["code"], row["summary"]
            );
        }
        text
    }

    pub fn evidence(&self, host: &str, route: &str) -> String {
        let lines = self.row(host, route)["evidence"].as_array().expect("evidence");
        lines.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
    }

    /// What the report says of a solution on a version and a route.
    pub fn impact(&self, solution: &str, os: &str, route: &str) -> &str {
        let fits =
            |impact: &&Value| impact["solution"] == solution && impact["os"] == os && impact["route"]["key"] == route;
        let impacts = self.json["impacts"].as_array().expect("impacts");
        let impact = impacts.iter().find(fits).unwrap_or_else(|| panic!("no impact for {solution} {os} {route}"));
        impact["status"].as_str().expect("a status")
    }

    pub fn finding(&self, code: &str) -> Option<&Value> {
        self.json["findings"].as_array().expect("findings").iter().find(|finding| finding["code"] == code)
    }
}
