//! The roots that this machine trusts, and where they came from.

use std::env;

use crate::certificate::Certificate;
use crate::certificate::place::RootPlaces;

/// The machine's store as read.
#[derive(Debug, Clone, Default)]
pub struct MachineRoots {
    pub certificates: Vec<Certificate>,
    /// `the system's store`, or the variable that replaced it.
    pub source: String,
    /// What could not be read.
    pub problems: Vec<String>,
    /// Where Windows keeps them; empty for every other source.
    pub places: RootPlaces,
    /// The system fetches further roots when they are first needed.
    pub on_demand: bool,
}

/// Reads the store that other programs on this machine use. `SSL_CERT_FILE` and `SSL_CERT_DIR` replace it silently for
/// every OpenSSL-like program, so the answer says when they did.
#[must_use]
pub fn load_machine_roots() -> MachineRoots {
    let replaced: Vec<String> = ["SSL_CERT_FILE", "SSL_CERT_DIR"]
        .into_iter()
        .filter_map(|name| Some(format!("{name}={}", env::var_os(name)?.to_string_lossy())))
        .collect();
    if replaced.is_empty() {
        return of_the_system();
    }
    let instead = if cfg!(windows) { ", in place of Windows' own store" } else { "" };
    let replaced = replaced.join(" and ");
    let mut roots = files(format!("{replaced}{instead}"));
    if roots.certificates.is_empty() && roots.problems.is_empty() {
        roots.problems.push(format!(
            "{replaced} holds no certificate, so that this machine seems to trust nobody: whom browsers and other programs trust \
             was not seen"
        ));
    }
    roots
}

#[cfg(windows)]
fn of_the_system() -> MachineRoots {
    use crate::certificate::place;
    use crate::windows::certificates::{StoreRead, trusted_roots};

    let StoreRead { roots, places, on_demand, problems } = trusted_roots();
    let source = format!("Windows' own store ({})", place::counts(&places));
    MachineRoots { certificates: roots, source, problems, places, on_demand }
}

#[cfg(not(windows))]
fn of_the_system() -> MachineRoots {
    files("the system's store".to_owned())
}

fn files(source: String) -> MachineRoots {
    let loaded = rustls_native_certs::load_native_certs();
    MachineRoots {
        certificates: loaded.certs.iter().map(|der| Certificate::from_der(der.to_vec())).collect(),
        source,
        problems: loaded.errors.iter().map(ToString::to_string).collect(),
        ..MachineRoots::default()
    }
}
