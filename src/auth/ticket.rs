//! What a proxy answers to a ticket of Kerberos that does not satisfy it.

use super::{Offer, spnego};
use crate::plan::{Mechanism, Scheme};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TicketVerdict {
    /// The ticket was read, or could not be; the error is Kerberos' own, where the proxy says one.
    Refused { error: Option<u32> },
    /// Negotiate is spoken there by NTLM alone.
    OtherMechanism,
}

/// Reads the offers of a 407 that answers a ticket.
#[must_use]
pub fn verdict(offers: &[Offer]) -> TicketVerdict {
    let negotiate = offers.iter().filter(|offer| offer.is(Scheme::Negotiate));
    let tokens = negotiate.filter_map(|offer| offer.token_bytes().ok().flatten());
    for token in tokens.map(|bytes| spnego::unwrap(&bytes)) {
        if let Some(error) = token.inner.as_deref().and_then(spnego::kerberos_error) {
            return TicketVerdict::Refused { error: Some(error) };
        }
        if token.mechanism == Some(Mechanism::Ntlm) {
            return TicketVerdict::OtherMechanism;
        }
    }
    TicketVerdict::Refused { error: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::read_challenges;

    #[test]
    fn a_refusal_is_told_with_its_reason_and_apart_from_another_mechanism() {
        for (challenge, verdict) in [
            ("Negotiate", TicketVerdict::Refused { error: None }),
            ("Basic realm=\"r\"", TicketVerdict::Refused { error: None }),
            ("Negotiate !!!", TicketVerdict::Refused { error: None }),
            // NegTokenResp: rejected; and accept-incomplete by NTLM.
            ("Negotiate oQcwBaADCgEC", TicketVerdict::Refused { error: None }),
            ("Negotiate oRUwE6ADCgEBoQwGCisGAQQBgjcCAgo=", TicketVerdict::OtherMechanism),
            // KRB-ERROR with code 41, bare.
            ("Negotiate fgwwCqADAgEFpgMCASk=", TicketVerdict::Refused { error: Some(41) }),
        ] {
            assert_eq!(super::verdict(&read_challenges([challenge.as_bytes()])), verdict, "{challenge}");
        }
    }
}
