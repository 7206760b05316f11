//! A check as a machine of a company runs it: it knows the proxy's name, and where its directory is.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::authorities::run;
use crate::waprobe::{Check, Report};

/// A check in a machine that knows the proxy's name, and whose Kerberos is configured.
pub struct Call {
    check: Check,
    hosts: PathBuf,
    configuration: PathBuf,
    cache: Option<PathBuf>,
    preloaded: Option<PathBuf>,
}

impl Call {
    /// With nobody signed in, and `hosts` for what this machine knows of names.
    pub fn new(check: Check, hosts: PathBuf, configuration: &Path) -> Self {
        Self { check, hosts, configuration: configuration.to_owned(), cache: None, preloaded: None }
    }

    pub fn args<const N: usize>(mut self, arguments: [&str; N]) -> Self {
        self.check = self.check.args(arguments);
        self
    }

    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.check = self.check.arg(argument);
        self
    }

    pub fn signed_in(mut self, cache: &Path) -> Self {
        self.cache = Some(cache.to_owned());
        self
    }

    /// With this library in the program, before all others.
    pub fn preloaded(mut self, library: &Path) -> Self {
        self.preloaded = Some(library.to_owned());
        self
    }

    pub fn by_password(self, name: &str, password: &Path) -> Self {
        self.args(["--proxy-user", name, "--proxy-password-file"]).arg(password)
    }

    pub fn configured(mut self, configuration: &Path) -> Self {
        configuration.clone_into(&mut self.configuration);
        self
    }

    pub fn report(self) -> Report {
        let output = self.output(&["--format", "json"]);
        Report::read(&output)
    }

    /// The program looks names up by the system, so that the system has to know them: in a mount namespace of its own.
    pub fn output(self, more: &[&str]) -> Output {
        let check = self.check.args::<0>([]).command();
        let is_root = run(Command::new("id").arg("-u")).trim() == "0";
        let mut command = Command::new("unshare");
        command.args(if is_root { &["--mount"][..] } else { &["--map-root-user", "--mount"] });
        command.args(["sh", "-c", "mount --bind \"$0\" /etc/hosts && exec \"$@\""]).arg(&self.hosts);
        command.arg(check.get_program()).args(check.get_args()).args(more);
        for (key, value) in check.get_envs() {
            match value {
                Some(value) => command.env(key, value),
                None => command.env_remove(key),
            };
        }
        command.env("KRB5_CONFIG", &self.configuration);
        if let Some(library) = &self.preloaded {
            command.env("LD_PRELOAD", library);
        }
        match &self.cache {
            Some(cache) => command.env("KRB5CCNAME", cache),
            None => command.env_remove("KRB5CCNAME"),
        };
        command.output().expect("waprobe starts")
    }
}
