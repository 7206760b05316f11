//! How many sockets this process may hold at once.

/// Raises the soft limit on open files towards `wanted`, never above the hard limit, and says what it is now.
///
/// Shells start programs with 1,024, which a run of a thousand probes outgrows; the hard limit is what the
/// administrator meant. Where the limit cannot be read or changed it stays what it is.
#[cfg(unix)]
#[must_use]
pub fn allow_open_files(wanted: u64) -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let limit = getrlimit(Resource::Nofile);
    let current = limit.current.unwrap_or(u64::MAX);
    let raised = wanted.min(limit.maximum.unwrap_or(u64::MAX));
    if raised <= current {
        return current;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum: limit.maximum }) {
        Ok(()) => raised,
        Err(_) => current,
    }
}

/// Windows has no such limit on sockets.
#[cfg(not(unix))]
#[must_use]
pub fn allow_open_files(_wanted: u64) -> u64 {
    u64::MAX
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_never_lowered_and_never_raised_above_what_the_administrator_allows() {
        use rustix::process::{Resource, getrlimit};

        let before = getrlimit(Resource::Nofile);
        assert_eq!(allow_open_files(1), before.current.unwrap_or(u64::MAX), "a small run changes nothing");
        let most = before.maximum.unwrap_or(u64::MAX);
        assert!(allow_open_files(u64::MAX) <= most);
        assert!(getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX) >= before.current.unwrap_or(u64::MAX));
    }
}
