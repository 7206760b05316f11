//! What a command needs of this process where another one, SYSTEM's, does it: files, passwords, time.

use std::path::Path;
use std::time::Duration;

use super::arguments::{AccountArguments, OutputArguments, TrustArguments};

/// What a command needs to be done by another process.
#[derive(Debug)]
pub(super) struct Wishes<'a> {
    pub account: &'a AccountArguments,
    /// Files to be read.
    pub inputs: Vec<&'a Path>,
    /// A script that chooses proxies, unless it is an address.
    pub script: Option<&'a Path>,
    /// Whose files name further files.
    pub trust: Option<&'a TrustArguments>,
    pub catalogue: Option<&'a Path>,
    pub password_files: Vec<&'a Path>,
    /// The name whose password is asked for at the terminal.
    pub prompt: Option<&'a str>,
    pub takes_password_from_stdin: bool,
    pub reports: Option<&'a OutputArguments>,
    pub records: Option<&'a Path>,
    pub timeout: Option<Duration>,
}

impl Default for Wishes<'_> {
    fn default() -> Self {
        Self {
            account: &AccountArguments { run_as: None },
            inputs: Vec::new(),
            script: None,
            trust: None,
            catalogue: None,
            password_files: Vec::new(),
            prompt: None,
            takes_password_from_stdin: false,
            reports: None,
            records: None,
            timeout: None,
        }
    }
}
