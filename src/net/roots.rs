//! The roots that this machine trusts, and where they came from.

use std::env;

use crate::certificate::Certificate;

/// The machine's store as read.
#[derive(Debug, Clone, Default)]
pub struct MachineRoots {
    pub certificates: Vec<Certificate>,
    /// `the system's store`, or the variable that replaced it.
    pub source: String,
    /// What could not be read.
    pub problems: Vec<String>,
}

/// Reads the store that other programs on this machine use. `SSL_CERT_FILE` and `SSL_CERT_DIR` replace it silently for
/// every OpenSSL-like program, so the answer says when they did.
#[must_use]
pub fn load_machine_roots() -> MachineRoots {
    let loaded = rustls_native_certs::load_native_certs();
    let replaced: Vec<String> = ["SSL_CERT_FILE", "SSL_CERT_DIR"]
        .into_iter()
        .filter_map(|name| Some(format!("{name}={}", env::var_os(name)?.to_string_lossy())))
        .collect();
    MachineRoots {
        certificates: loaded.certs.iter().map(|der| Certificate::from_der(der.to_vec())).collect(),
        source: if replaced.is_empty() { "the system's store".to_owned() } else { replaced.join(" and ") },
        problems: loaded.errors.iter().map(ToString::to_string).collect(),
    }
}
