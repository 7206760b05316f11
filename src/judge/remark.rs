//! What a dialogue that succeeded tells beside that: nothing is wrong with the row, and somebody wants to know.

use std::net::IpAddr;
use std::time::Duration;

use super::chain::ChainVerdict;
use super::{Cause, Status, filters};
use crate::observation::{Leg, NameSource, Observation, Stage, Token, TunnelEvidence};
use crate::plan::{Mechanism, PlannedRoute, Scheme};

/// What is worth knowing of a row whose proxy did what it was asked for.
pub(super) fn remarks(seen: &Observation) -> Vec<Cause> {
    let Some(tunnel) = seen.tunnel().filter(|_| seen.fault().is_none_or(|(stage, _)| stage > Stage::Proxy)) else {
        return Vec::new();
    };
    let mut remarks = Vec::new();
    if tunnel.legs.windows(2).any(|pair| is_closed_with_407(&pair[0], &pair[1])) {
        remarks.push(Cause::PauthReconnectOn407);
    }
    if tunnel.legs.windows(2).any(|pair| is_kept_by_old_name(&pair[0], &pair[1])) {
        remarks.push(Cause::PauthNeedsProxyConnection);
    }
    if tunnel.legs.last().is_some_and(is_unusual_opening) {
        remarks.push(Cause::Proxy2xxNot200);
    }
    // A first message that went out unasked and met no challenge tells nothing: nobody may have wanted to know.
    let was_challenged = tunnel.legs.iter().any(|leg| !leg.challenges.is_empty());
    if was_challenged && last_token(tunnel).is_some_and(|(_, token)| token == Token::NtlmType1) {
        remarks.push(Cause::PauthNtlmEarly200);
    }
    if was_challenged && mechanism(tunnel) == Some(Mechanism::Ntlm) {
        remarks.push(Cause::PauthNegoIsNtlm);
    }
    remarks
}

/// What a genuine chain tells of this machine's own store.
pub(super) fn of_chain(chain: Option<&ChainVerdict>) -> Vec<Cause> {
    let lacks_root = chain.is_some_and(|chain| chain.status == Status::Ok && chain.lacks_root);
    lacks_root.then_some(Cause::ChainRootAbsentLocally).into_iter().collect()
}

/// What the address itself gives away, beside the row's own `cause`.
pub(super) fn of_names(route: &PlannedRoute, seen: &Observation, cause: &Cause, is_confirmed: bool) -> Vec<Cause> {
    let Some(dns) = seen.dns().filter(|_| *route == PlannedRoute::Direct) else { return Vec::new() };
    if !matches!(dns.source, NameSource::System | NameSource::Server(_)) {
        return Vec::new();
    }
    if is_confirmed {
        let is_synthetic = dns.addresses.iter().any(is_synthetic);
        return is_synthetic.then_some(Cause::DnsSyntheticAgent).into_iter().collect();
    }
    // A page came from there: it is the row's cause, and this is where it comes from.
    let is_filter = *cause != Cause::DnsFilterVendorIp
        && matches!(filters::sign(dns), Some(filters::Sign::Address { .. } | filters::Sign::Alias { .. }));
    is_filter.then_some(Cause::DnsFilterVendorIp).into_iter().collect()
}

/// Of the two blocks that agents hand out in place of public addresses, because no network routes them: 100.64.0.0/10
/// (RFC 6598) and 198.18.0.0/15 (RFC 2544).
fn is_synthetic(address: &IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            (first == 100 && (64..128).contains(&second)) || (first == 198 && (18..20).contains(&second))
        }
        IpAddr::V6(_) => false,
    }
}

/// Beyond what the network itself needs: an ordinary handshake is one or two round trips.
const SLOW_HANDSHAKE: Duration = Duration::from_secs(2);
const MOST_ROUND_TRIPS: u32 = 6;

/// A handshake that came to its end, and took its time. The round trip is that of the connection, or the proxy's last answer.
pub(super) fn of_pace(seen: &Observation) -> Vec<Cause> {
    let took = |stage| seen.step(stage).filter(|step| step.fault.is_none()).map(|step| step.took);
    let Some(handshake) = took(Stage::Tls) else { return Vec::new() };
    let round_trip = took(Stage::Proxy).or_else(|| took(Stage::Tcp)).unwrap_or_default();
    let is_slow = handshake > SLOW_HANDSHAKE.saturating_add(round_trip.saturating_mul(MOST_ROUND_TRIPS));
    is_slow.then_some(Cause::TlsSlow).into_iter().collect()
}

/// What Negotiate carried last.
pub(super) fn mechanism(tunnel: &TunnelEvidence) -> Option<Mechanism> {
    match last_token(tunnel)? {
        (Scheme::Negotiate, Token::NtlmType1 | Token::NtlmType3) => Some(Mechanism::Ntlm),
        (Scheme::Negotiate, Token::KerberosTicket) => Some(Mechanism::Kerberos),
        _ => None,
    }
}

/// The credential that was sent last, where it was a token.
fn last_token(tunnel: &TunnelEvidence) -> Option<(Scheme, Token)> {
    let credential = tunnel.legs.iter().rev().find_map(|leg| leg.credential.as_ref())?;
    credential.token.map(|token| (credential.scheme, token))
}

/// NTLM went on over a connection that HTTP/1.0 closes, but for the header that browsers once made up.
fn is_kept_by_old_name(leg: &Leg, next: &Leg) -> bool {
    let says = |name| leg.header(name).is_some_and(|value| value.to_ascii_lowercase().contains("keep-alive"));
    let is_answer = next.credential.as_ref().is_some_and(|sent| sent.token == Some(Token::NtlmType3));
    leg.version.as_deref() == Some("HTTP/1.0")
        && says("proxy-connection")
        && !says("connection")
        && is_answer
        && next.connection == leg.connection
}

/// Any 2xx opens a tunnel (RFC 9110 §9.3.6), and clients exist that know only one.
fn is_unusual_opening(leg: &Leg) -> bool {
    leg.request.starts_with("CONNECT ") && leg.status.is_some_and(|status| (201..300).contains(&status))
}

fn is_closed_with_407(leg: &Leg, next: &Leg) -> bool {
    leg.status == Some(407)
        && leg.credential.is_none()
        && !leg.kept_open
        && !leg.left_unread
        && next.connection > leg.connection
}
