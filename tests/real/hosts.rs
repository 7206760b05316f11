//! The endpoints as a network knows them: names, and which root their owner answers under.

/// Under Microsoft's private root.
pub const APPLICATION: [&str; 7] = [
    "v10c.events.data.microsoft.com",
    "v10.events.data.microsoft.com",
    "v10.vortex-win.data.microsoft.com",
    "vortex-win.data.microsoft.com",
    "settings-win.data.microsoft.com",
    "watson.telemetry.microsoft.com",
    // Either class is accepted for this one.
    "oca.telemetry.microsoft.com",
];

/// Under a public root.
pub const PUBLIC: [&str; 7] = [
    "login.live.com",
    "ceuswatcab01.blob.core.windows.net",
    "ceuswatcab02.blob.core.windows.net",
    "eaus2watcab01.blob.core.windows.net",
    "eaus2watcab02.blob.core.windows.net",
    "weus2watcab01.blob.core.windows.net",
    "weus2watcab02.blob.core.windows.net",
];

/// Without TLS.
pub const PLAIN: &str = "adl.windows.com";

/// The fourteen that are asked over TLS.
pub fn over_tls() -> impl Iterator<Item = &'static str> {
    APPLICATION.into_iter().chain(PUBLIC)
}

/// All fifteen.
pub fn all() -> impl Iterator<Item = &'static str> {
    over_tls().chain([PLAIN])
}

/// The requests of one login that is taken at once: a tunnel for each client profile to each host over TLS, and one request in
/// clear.
pub const REQUESTS: usize = 2 * 14 + 1;
