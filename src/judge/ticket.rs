//! Kerberos: why there was no ticket for the proxy, and what it means that the proxy refused one.

use jiff::Timestamp;

use super::opinion::Opinion;
use super::{Cause, answer, refusal};
use crate::observation::{Fault, Observation, Stage, TicketProblem, TunnelEvidence};
use crate::plan::Scheme;

/// What Kerberos allows clocks to differ by, unless somebody configured less.
const ALLOWED_SKEW: i64 = 300;

/// What it means that the system has no ticket for the proxy.
pub(super) fn missing(problem: TicketProblem, detail: &str) -> Opinion {
    let cause = match problem {
        TicketProblem::NoLibrary | TicketProblem::NoRealm => Cause::NotTested,
        TicketProblem::NoTicket => Cause::PauthKrbNoTicket,
        TicketProblem::Rejected | TicketProblem::UnknownAccount => Cause::PauthRejected,
        TicketProblem::Revoked => Cause::PauthAccountDisabled,
        TicketProblem::AccountExpired | TicketProblem::PasswordExpired => Cause::PauthAccountExpired,
        TicketProblem::UnknownService => Cause::PauthKrbSpnUnknown,
        TicketProblem::CanonicalOnly => Cause::PauthKrbCname,
        TicketProblem::Address => Cause::PauthKrbIpLiteral,
        TicketProblem::ClockSkew => Cause::PauthKrbSkew,
        TicketProblem::NoCommonEncryption => Cause::PauthKrbEtype,
        TicketProblem::KdcUnreachable | TicketProblem::KdcSilent | TicketProblem::NoKdc => {
            Cause::PauthKrbKdcUnreachable
        }
        TicketProblem::AnotherIdentity | TicketProblem::Other => Cause::Inconclusive,
    };
    let detail =
        if problem == TicketProblem::NoKdc { format!("what answers is no KDC ({detail})") } else { detail.to_owned() };
    Opinion::new(cause, Stage::Proxy).with(detail)
}

/// A Negotiate that takes Kerberos alone, before somebody who has no ticket and tried NTLM, as Windows does: the proxy offers
/// what was asked for, and what is missing is ours.
pub(super) fn wanted(tunnel: Option<&TunnelEvidence>) -> Opinion {
    let passed_over = tunnel.map(|tunnel| tunnel.passed_over.as_slice()).unwrap_or_default();
    let without_ticket = passed_over.iter().rev().find_map(|passed| match &passed.why {
        Fault::NoTicket { problem, detail } if passed.scheme == Scheme::Negotiate => Some(missing(*problem, detail)),
        _ => None,
    });
    let opinion = without_ticket.unwrap_or_else(|| Opinion::new(Cause::PauthKrbNoTicket, Stage::Proxy));
    let why = opinion.detail.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
    opinion.with(format!("the proxy's Negotiate takes Kerberos alone, for which there is no ticket{why}"))
}

/// What it means that the proxy refused a ticket, by the error of Kerberos that it gave (RFC 4120 §7.5.9).
pub(super) fn refused(error: Option<u32>) -> Opinion {
    let (cause, detail) = match error {
        Some(14) => (Cause::PauthKrbEtype, "the proxy says so (error 14)".to_owned()),
        Some(number @ (31 | 41 | 44 | 45)) => {
            (Cause::PauthKrbDuplicateSpn, format!("the proxy says so (error {number})"))
        }
        Some(number @ (33 | 37)) => (Cause::PauthKrbSkew, format!("the proxy says so (error {number})")),
        Some(number) => (Cause::PauthRejected, format!("the proxy refuses the ticket (error {number} of Kerberos)")),
        None => (Cause::PauthRejected, "the proxy refuses the ticket and gives no reason".to_owned()),
    };
    Opinion::new(cause, Stage::Proxy).with(detail)
}

/// A refusal that the ticket's size explains: of a request in absolute form, which is answered as a server answers.
pub(super) fn explained_by_size(opinion: Opinion, seen: &Observation) -> Opinion {
    let leg = seen.tunnel().and_then(|tunnel| tunnel.legs.last()).filter(|_| seen.tls().is_none());
    match seen.http().and_then(|http| http.status) {
        Some(status) if refusal::is_too_big(status, leg) => {
            Opinion::new(Cause::PauthKrbTokenTooBig, Stage::Proxy).with(format!("status {status}"))
        }
        _ => opinion,
    }
}

/// A proxy that gives no reason and whose own clock explains it.
pub(super) fn explained_by_clock(opinion: Opinion, seen: &Observation, at: Timestamp) -> Opinion {
    let Some((Stage::Proxy, Fault::TicketRefused { error: None })) = seen.fault() else { return opinion };
    let last = seen.tunnel().and_then(|tunnel| tunnel.legs.last());
    let Some(date) = last.and_then(|leg| answer::date(leg.header("date")?)) else { return opinion };
    let ahead = date.as_second() - at.as_second();
    if ahead.abs() < ALLOWED_SKEW {
        return opinion;
    }
    let direction = if ahead > 0 { "ahead of" } else { "behind" };
    let detail = format!("the proxy refuses the ticket, and its clock is {} s {direction} ours", ahead.abs());
    Opinion::new(Cause::PauthKrbSkew, Stage::Proxy).with(detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::PassedOver;
    use crate::plan::Mechanism;

    /// What is missing is not the proxy's, which offers Negotiate as it was asked to.
    #[test]
    fn a_negotiate_of_kerberos_alone_is_not_accused_by_who_has_no_ticket() {
        let passed_over = |problem| {
            let no_ticket = Fault::NoTicket { problem, detail: "SEC_E_NO_CREDENTIALS".into() };
            let of = |mechanism, why| PassedOver { scheme: Scheme::Negotiate, mechanism: Some(mechanism), why };
            let passed_over = vec![of(Mechanism::Kerberos, no_ticket), of(Mechanism::Ntlm, Fault::NtlmNotTaken)];
            wanted(Some(&TunnelEvidence { passed_over, ..TunnelEvidence::default() }))
        };
        for (problem, code) in [
            (TicketProblem::NoTicket, "pauth.krb_no_ticket"),
            (TicketProblem::NoRealm, "x.not_tested"),
            (TicketProblem::NoLibrary, "x.not_tested"),
            (TicketProblem::KdcUnreachable, "pauth.krb_kdc_unreachable"),
        ] {
            let opinion = passed_over(problem);
            assert_eq!(opinion.cause.code(), code, "{problem:?}");
            assert!(opinion.detail.is_some_and(|detail| detail.contains("SEC_E_NO_CREDENTIALS")), "{problem:?}");
        }
        // Recordings of before say of NTLM alone.
        assert_eq!(wanted(None).cause, Cause::PauthKrbNoTicket);
    }

    #[test]
    fn the_error_that_the_proxy_gives_decides() {
        for (error, code) in [
            (Some(41), "pauth.krb_duplicate_spn"),
            (Some(37), "pauth.krb_skew"),
            (Some(14), "pauth.krb_etype"),
            (Some(60), "pauth.rejected"),
            (None, "pauth.rejected"),
        ] {
            assert_eq!(refused(error).cause.code(), code, "{error:?}");
        }
    }
}
