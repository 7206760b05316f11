//! A world for others: where another process on this machine finds its servers.
//!
//! In: a blueprint and the world made of it. Out: addresses on loopback, or why they alone would not show what the world is
//! about. Never: a name or an address that leads off the machine.

use std::net::SocketAddr;

use super::blueprint::{Blueprint, Place, ProxyPlace, ResolverPlace};
use super::running::{CONTROL_ADDRESS, World, endpoint_address};
use crate::net::{Dial, SystemNames};
use crate::plan::{PlannedRoute, Proxy, ProxyScheme};

/// Where a world's servers listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Host and port of each endpoint and of the control, and where they are.
    pub hosts: Vec<(String, u16, SocketAddr)>,
    /// The proxies as the world's routes name them, and as they are reached.
    pub proxies: Vec<(Proxy, Proxy)>,
    /// What every row must come out as, with the proxies as they are reached; `None` where a command line cannot ask for the
    /// world's routes and no others.
    pub expectation: Option<String>,
}

impl Offer {
    /// How to come to `world`, which was made of `blueprint`.
    ///
    /// # Errors
    /// What the world is about that no other process would meet, as the rest of "it is about …".
    pub fn of(blueprint: &Blueprint, world: &World) -> Result<Self, &'static str> {
        if let Some(reason) = only_inside(blueprint) {
            return Err(reason);
        }
        let (Dial::Mapped(map), SystemNames::Fixed(names)) = (&world.net.dial, &world.net.system_names) else {
            return Err("a network that is not its own");
        };
        let at = |address: SocketAddr| map.get(&address).copied();
        let endpoints = world.catalogue.endpoints.iter().zip(0..).filter_map(|(endpoint, number)| {
            let address = at((endpoint_address(number), endpoint.port).into())?;
            Some((endpoint.host.clone(), endpoint.port, address))
        });
        let control = world.catalogue.control.iter();
        let control = control.filter_map(|known| Some((known.host.clone(), 80, at((CONTROL_ADDRESS, 80).into())?)));
        let hosts = endpoints.chain(control).collect();
        let mut proxies: Vec<(Proxy, Proxy)> = Vec::new();
        for proxy in world.routes.iter().filter_map(PlannedRoute::proxy) {
            let address = names.get(&proxy.host).and_then(|addresses| addresses.first());
            let Some(address) = address.and_then(|address| at((*address, proxy.port).into())) else {
                return Err("a proxy that cannot be reached");
            };
            if !proxies.iter().any(|(known, _)| known == proxy) {
                let reached = Proxy { scheme: proxy.scheme, host: address.ip().to_string(), port: address.port() };
                proxies.push((proxy.clone(), reached));
            }
        }
        let expectation = asks_for_all(&world.routes).then(|| {
            proxies.iter().fold(world.expectation.clone(), |text, (named, reached)| {
                text.replace(&named.to_string(), &reached.to_string())
            })
        });
        Ok(Self { hosts, proxies, expectation })
    }
}

/// What is only met by a check that takes this world for its network.
fn only_inside(blueprint: &Blueprint) -> Option<&'static str> {
    let is_shown = |place: &Place| match place {
        Place::Closed => true,
        #[cfg(target_os = "linux")]
        Place::Silent => true,
        _ => false,
    };
    let mut places = blueprint.places.values().chain(&blueprint.elsewhere).chain(&blueprint.control);
    let is_listening = |place: &ProxyPlace| match place {
        ProxyPlace::Listening | ProxyPlace::Closed => true,
        #[cfg(target_os = "linux")]
        ProxyPlace::Silent => true,
        _ => false,
    };
    let by_name = blueprint.resolver != ResolverPlace::Listening || blueprint.other_names.is_some();
    if !blueprint.names.is_empty() || by_name {
        Some("names, and another process is given addresses")
    } else if !places.all(is_shown) || blueprint.everybody_accepts {
        Some("addresses that lead nowhere on this machine")
    } else if blueprint.script.is_some() || blueprint.settings.is_some() {
        Some("a script or a device's settings, which name proxies that exist inside only")
    } else if !blueprint.tickets.is_empty() {
        Some("Kerberos tickets that exist inside only")
    } else if !blueprint.clock_ahead.is_zero() {
        Some("a clock that is wrong")
    } else if !blueprint.proxies.iter().all(|(_, place)| is_listening(place)) {
        Some("a proxy that cannot be reached")
    } else if blueprint.proxies.iter().any(|(plan, _)| plan.scheme == ProxyScheme::Https) {
        Some("a proxy with a certificate for a name, and another process is given its address")
    } else {
        None
    }
}

/// Whether every proxy is asked by every identity and scheme that any is asked by: a command line can say only that.
fn asks_for_all(routes: &[PlannedRoute]) -> bool {
    let asked = routes.iter().filter_map(|route| match route {
        PlannedRoute::Direct => None,
        PlannedRoute::Proxy { proxy, identity, scheme } => Some((proxy, (identity, scheme))),
    });
    let asked: Vec<_> = asked.collect();
    asked.iter().all(|(proxy, _)| asked.iter().all(|(_, how)| asked.contains(&(*proxy, *how))))
}
