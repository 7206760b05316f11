//! The device that this program runs on, where that is Windows; anywhere else there is none to speak of.
#![cfg_attr(windows, allow(clippy::unnecessary_wraps, reason = "elsewhere there is no such device"))]

use std::num::NonZeroUsize;

use crate::catalogue::OsChoice;
use crate::observation::recording::ServiceAccount;
use crate::proxies::win_http::WinHttp;
use crate::registry::Snapshot;

/// Everything that the rules of enrolment ask for.
#[cfg(windows)]
pub(super) fn enrolment() -> Option<Snapshot> {
    Some(crate::enroll::live::snapshot(&crate::windows::ThisMachine, crate::net::Clock::System.now()))
}

/// Everything that is to be known of it elsewhere: for the rules of enrolment, and for the ways by which it goes.
#[cfg(windows)]
pub(super) fn for_elsewhere() -> Option<Snapshot> {
    let mut snapshot = enrolment()?;
    snapshot.add(&crate::proxies::live::handed_on(&proxies()?));
    Some(snapshot)
}

/// Its Windows version, as `--os this` means it.
#[cfg(windows)]
pub(super) fn version() -> Option<OsChoice> {
    crate::enroll::live::version(&crate::windows::ThisMachine).choice()
}

/// Every source of a proxy, for SYSTEM and for whoever is signed in.
#[cfg(windows)]
pub(super) fn proxies() -> Option<Snapshot> {
    let own = crate::windows::own_sid();
    Some(crate::proxies::live::snapshot(&crate::windows::ThisMachine, own.as_deref()))
}

/// WinHTTP, to be asked for proxies.
#[cfg(windows)]
pub(super) fn win_http() -> Option<Box<dyn WinHttp>> {
    Some(Box::new(crate::windows::win_http::Session::open()?))
}

/// The account of Windows' own as which this process runs.
#[cfg(windows)]
pub(super) fn ran_as() -> Option<ServiceAccount> {
    use crate::windows::account::{Account, account};
    match account() {
        Account::LocalSystem => Some(ServiceAccount::System),
        Account::NetworkService => Some(ServiceAccount::NetworkService),
        Account::LocalService => Some(ServiceAccount::LocalService),
        Account::Other => None,
    }
}

#[cfg(not(windows))]
pub(super) fn ran_as() -> Option<ServiceAccount> {
    None
}

#[cfg(not(windows))]
pub(super) fn enrolment() -> Option<Snapshot> {
    None
}

#[cfg(not(windows))]
pub(super) fn for_elsewhere() -> Option<Snapshot> {
    None
}

#[cfg(not(windows))]
pub(super) fn version() -> Option<OsChoice> {
    None
}

#[cfg(not(windows))]
pub(super) fn proxies() -> Option<Snapshot> {
    None
}

#[cfg(not(windows))]
pub(super) fn win_http() -> Option<Box<dyn WinHttp>> {
    None
}

/// How many threads a large run may keep busy.
pub(super) fn threads() -> NonZeroUsize {
    std::thread::available_parallelism().map_or(NonZeroUsize::MIN, |threads| threads.min(MAX_THREADS))
}

/// More threads than this gain nothing: the network and the other side are slower by then.
const MAX_THREADS: NonZeroUsize = NonZeroUsize::new(8).expect("not zero");
