//! How much of a run is open at once, so that a row that failed beside others is known from one that failed alone.
//!
//! In: where a connection or a lookup goes. Out: the most that were open there at once while it lasted. Never: a limit.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::plan::{PlannedRoute, Proxy};

/// What shares a limit: a proxy, every address of the direct route (a firewall counts per client), the DNS servers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Peer {
    Direct,
    Proxy(Proxy),
    Names,
}

impl Peer {
    pub fn of(route: &PlannedRoute) -> Self {
        route.proxy().map_or(Self::Direct, |proxy| Self::Proxy(proxy.clone()))
    }
}

/// What a run has open, by peer.
#[derive(Debug, Clone, Default)]
pub(super) struct Load(Arc<Mutex<HashMap<Peer, Open>>>);

/// Everything that is open at one peer: the most that were open at once while each of them lasted, by number.
#[derive(Debug, Default)]
struct Open {
    next: u64,
    most: HashMap<u64, u32>,
}

/// One open connection or lookup; it is over when this is dropped.
#[derive(Debug)]
pub(super) struct Counted {
    load: Load,
    peer: Peer,
    number: u64,
}

impl Load {
    /// Counts one more at `peer`.
    pub fn enter(&self, peer: Peer) -> Counted {
        let mut load = self.lock();
        let open = load.entry(peer.clone()).or_default();
        let number = open.next;
        open.next += 1;
        open.most.insert(number, 0);
        let now = u32::try_from(open.most.len()).unwrap_or(u32::MAX);
        for most in open.most.values_mut() {
            *most = now.max(*most);
        }
        drop(load);
        Counted { load: self.clone(), peer, number }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Peer, Open>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counted {
    /// The most that were open at once since this one began, itself included.
    pub fn most(&self) -> u32 {
        self.load.lock().get(&self.peer).and_then(|open| open.most.get(&self.number).copied()).unwrap_or(1)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if let Some(open) = self.load.lock().get_mut(&self.peer) {
            open.most.remove(&self.number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_knows_the_most_that_were_open_while_it_lasted() {
        let load = Load::default();
        let first = load.enter(Peer::Direct);
        assert_eq!(first.most(), 1);
        let (second, other) = (load.enter(Peer::Direct), load.enter(Peer::Names));
        assert_eq!([first.most(), second.most(), other.most()], [2, 2, 1]);
        drop(first);
        let third = load.enter(Peer::Direct);
        assert_eq!([second.most(), third.most()], [2, 2]);
        drop((second, third));
        assert_eq!(load.enter(Peer::Direct).most(), 1, "whoever has ended is not counted");
    }
}
