//! NTLM's three messages within a dialogue, as `NTLM` carries them or as `Negotiate` does.
//!
//! Under Negotiate they go bare first, as Windows sends them; a proxy that answers with an envelope, or with nothing, is
//! asked once more in SPNEGO. That tries no password: only the last message is made of one. Who makes the messages, this program
//! or the operating system, is decided outside: they come in as bytes.

use super::ntlm::Type2;
use super::{Answer, Offer, Unusable, spnego};
use crate::observation::{Fault, Token};
use crate::plan::{Mechanism, Scheme};

/// An exchange under way.
#[derive(Debug)]
pub struct NtlmHandshake {
    /// `NTLM` or `Negotiate`.
    carrier: Scheme,
    is_wrapped: bool,
    has_answered: bool,
    /// How often the first message went out, and met no challenge but perhaps the last time.
    openings: u32,
    /// The message that opens the exchange, bare.
    opening: Vec<u8>,
}

/// What comes next.
#[derive(Debug)]
pub enum Next {
    /// The first message, in another form or once more.
    Send(Answer),
    /// This is to be answered, in SPNEGO or bare.
    Challenged { challenge: Type2, is_wrapped: bool },
    /// The password went out, and the proxy asks again.
    Refused,
    /// This Negotiate takes no NTLM; no password went out.
    NotTaken,
}

impl NtlmHandshake {
    /// Opens an exchange with a Type 1, under Negotiate in SPNEGO at once where the proxy is known to want that.
    #[must_use]
    pub fn begin(carrier: Scheme, is_wrapped: bool, opening: Vec<u8>) -> (Self, Answer) {
        let is_wrapped = is_wrapped && carrier == Scheme::Negotiate;
        let handshake = Self { carrier, is_wrapped, has_answered: false, openings: 1, opening };
        let answer = handshake.open();
        (handshake, answer)
    }

    #[must_use]
    pub fn carrier(&self) -> Scheme {
        self.carrier
    }

    /// Whether the messages go in SPNEGO.
    #[must_use]
    pub fn is_wrapped(&self) -> bool {
        self.is_wrapped
    }

    /// Whether the message that is made of the password went out.
    #[must_use]
    pub fn has_answered(&self) -> bool {
        self.has_answered
    }

    /// How often the message that opens the exchange went out.
    #[must_use]
    pub fn openings(&self) -> u32 {
        self.openings
    }

    /// Reads the proxy's word on the message before.
    ///
    /// # Errors
    /// [`Fault::ChallengeUnreadable`] for a token that is no challenge, [`Fault::NoChallenge`] where nothing is offered any
    /// more.
    pub fn proceed(&mut self, offers: &[Offer]) -> Result<Next, Fault> {
        if self.has_answered {
            return Ok(Next::Refused);
        }
        if offers.is_empty() {
            return Err(Fault::NoChallenge);
        }
        let Some((challenge, is_wrapped)) = self.challenge(offers)? else { return Ok(self.try_otherwise()) };
        Ok(Next::Challenged { challenge, is_wrapped })
    }

    /// Sends the Type 3 that answers a challenge, in the form in which that came.
    pub fn answer(&mut self, answer: &[u8], is_wrapped: bool) -> Answer {
        self.has_answered = true;
        if is_wrapped {
            self.send(Token::NtlmType3, "type 3", true, &spnego::wrap_next(answer))
        } else {
            self.send(Token::NtlmType3, "type 3", false, answer)
        }
    }

    /// The challenge and whether it came in an envelope; none when there is nothing to answer in this form.
    fn challenge(&self, offers: &[Offer]) -> Result<Option<(Type2, bool)>, Fault> {
        let unreadable = |Unusable(detail)| Fault::ChallengeUnreadable { detail };
        let mut fitting = offers.iter().filter(|offer| offer.is(self.carrier));
        let Some(offer) = fitting.clone().find(|offer| offer.token.is_some()).or_else(|| fitting.next()) else {
            return Ok(None);
        };
        let Some(bytes) = offer.token_bytes().map_err(unreadable)? else { return Ok(None) };
        if self.carrier == Scheme::Ntlm {
            return Type2::read(&bytes).map(|challenge| Some((challenge, false))).map_err(unreadable);
        }
        let token = spnego::unwrap(&bytes);
        // An envelope that comes in answer to a bare message is an invitation to use envelopes.
        let must_wrap_first = token.is_wrapped && !self.is_wrapped;
        match token.inner {
            Some(inner) if !must_wrap_first && token.mechanism != Some(Mechanism::Kerberos) => {
                Type2::read(&inner).map(|challenge| Some((challenge, token.is_wrapped))).map_err(unreadable)
            }
            _ => Ok(None),
        }
    }

    /// Nothing came that could be answered: the other form, or the same once more, until the dialogue has enough.
    fn try_otherwise(&mut self) -> Next {
        if self.carrier == Scheme::Negotiate {
            if self.is_wrapped {
                return Next::NotTaken;
            }
            self.is_wrapped = true;
        }
        self.openings += 1;
        Next::Send(self.open())
    }

    fn open(&self) -> Answer {
        if self.is_wrapped {
            let token = spnego::wrap_first(Mechanism::Ntlm, &self.opening);
            self.send(Token::NtlmType1, "type 1", true, &token)
        } else {
            self.send(Token::NtlmType1, "type 1", false, &self.opening)
        }
    }

    fn send(&self, kind: Token, name: &str, is_wrapped: bool, token: &[u8]) -> Answer {
        let detail = match (self.carrier, is_wrapped) {
            (Scheme::Negotiate, true) => format!("NTLM {name} in SPNEGO"),
            (Scheme::Negotiate, false) => format!("NTLM {name}, bare"),
            _ => name.to_owned(),
        };
        Answer::of_token(self.carrier, kind, token, detail)
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use secrecy::ExposeSecret as _;

    use super::*;
    use crate::auth::{ntlm, read_challenges};

    /// 32 bytes are enough for a challenge.
    fn type2() -> Vec<u8> {
        [b"NTLMSSP\0\x02\0\0\0".as_slice(), &[0; 8], &0xa288_8205_u32.to_le_bytes(), &[7; 8]].concat()
    }

    /// What the other side says: `Negotiate`, and a token unless it is empty.
    fn says(scheme: &str, token: &[u8]) -> Vec<Offer> {
        read_challenges([format!("{scheme} {}", STANDARD.encode(token)).trim_end().as_bytes()])
    }

    fn proceed(handshake: &mut NtlmHandshake, offers: &[Offer]) -> Result<Next, Fault> {
        let now = "2026-11-22T10:30:00Z".parse().expect("a moment");
        Ok(match handshake.proceed(offers)? {
            Next::Challenged { challenge, is_wrapped } => {
                let answer = challenge.answer(("anna", &"hunter2".into()), [1; 8], now).expect("a name in Unicode");
                Next::Send(handshake.answer(&answer, is_wrapped))
            }
            next => next,
        })
    }

    fn begin(carrier: Scheme) -> (NtlmHandshake, Answer) {
        NtlmHandshake::begin(carrier, false, ntlm::type1())
    }

    fn sent(answer: &Answer) -> (spnego::Token, Option<Token>) {
        let value = String::from_utf8_lossy(answer.value.expose_secret()).into_owned();
        let (scheme, token) = value.split_once(' ').expect("a scheme and a token");
        assert_eq!(scheme, if answer.scheme == Scheme::Ntlm { "NTLM" } else { "Negotiate" });
        (spnego::unwrap(&STANDARD.decode(token).expect("base64")), answer.token)
    }

    /// The form and the kind of what goes out next.
    fn next(handshake: &mut NtlmHandshake, offers: &[Offer]) -> (bool, Option<Token>) {
        match proceed(handshake, offers) {
            Ok(Next::Send(answer)) => {
                let (token, kind) = sent(&answer);
                assert_eq!(token.mechanism, Some(Mechanism::Ntlm));
                (token.is_wrapped, kind)
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn three_messages_under_ntlm_and_the_password_once() {
        let (mut handshake, first) = begin(Scheme::Ntlm);
        assert_eq!((sent(&first).1, first.detail.as_str()), (Some(Token::NtlmType1), "type 1"));
        assert_eq!(next(&mut handshake, &says("NTLM", &type2())), (false, Some(Token::NtlmType3)));
        assert!(handshake.has_answered());
        for offers in [says("NTLM", &[]), says("NTLM", &type2()), Vec::new()] {
            assert!(matches!(proceed(&mut handshake, &offers), Ok(Next::Refused)));
        }
    }

    #[test]
    fn a_proxy_that_says_nothing_to_the_first_message_gets_it_again() {
        let (mut handshake, _) = begin(Scheme::Ntlm);
        assert_eq!(next(&mut handshake, &says("NTLM", &[])), (false, Some(Token::NtlmType1)));
        assert_eq!(next(&mut handshake, &says("Basic", &[])), (false, Some(Token::NtlmType1)));
        assert!(matches!(proceed(&mut handshake, &[]), Err(Fault::NoChallenge)));
        assert!(!handshake.has_answered());
    }

    #[test]
    fn negotiate_takes_it_bare_or_in_an_envelope() {
        let (mut bare, first) = begin(Scheme::Negotiate);
        assert_eq!((sent(&first).0.is_wrapped, first.detail.as_str()), (false, "NTLM type 1, bare"));
        assert_eq!(next(&mut bare, &says("Negotiate", &type2())), (false, Some(Token::NtlmType3)));

        let envelope = spnego::wrap_next(&type2());
        for answer in [envelope.as_slice(), &[]] {
            let (mut handshake, _) = begin(Scheme::Negotiate);
            assert_eq!(next(&mut handshake, &says("Negotiate", answer)), (true, Some(Token::NtlmType1)));
            assert_eq!(next(&mut handshake, &says("Negotiate", &envelope)), (true, Some(Token::NtlmType3)));
            assert!(matches!(proceed(&mut handshake, &says("Negotiate", &[])), Ok(Next::Refused)));
        }
    }

    #[test]
    fn a_negotiate_of_kerberos_only_takes_neither_form_and_sees_no_password() {
        // NegTokenResp: accept-incomplete, Kerberos; and a rejection.
        let kerberos = STANDARD.decode("oRQwEqADCgEBoQsGCSqGSIb3EgECAg==").expect("base64");
        let rejected = STANDARD.decode("oQcwBaADCgEC").expect("base64");
        for answer in [kerberos.as_slice(), &rejected, &[]] {
            let (mut handshake, _) = begin(Scheme::Negotiate);
            assert_eq!(next(&mut handshake, &says("Negotiate", answer)), (true, Some(Token::NtlmType1)));
            assert!(matches!(proceed(&mut handshake, &says("Negotiate", answer)), Ok(Next::NotTaken)));
            assert!(!handshake.has_answered());
        }
    }

    #[test]
    fn a_token_that_is_no_challenge_ends_it() {
        for (offers, why) in [
            (read_challenges([b"NTLM a".as_slice()]), "not base64"),
            (says("NTLM", b"hello"), "no NTLM message"),
            (says("NTLM", &type2()[..20]), "cut short"),
            (says("NTLM", &ntlm::type1()), "type 1"),
        ] {
            let (mut handshake, _) = begin(Scheme::Ntlm);
            let fault = proceed(&mut handshake, &offers).expect_err("unusable");
            assert!(matches!(&fault, Fault::ChallengeUnreadable { detail } if detail.contains(why)), "{fault:?}");
        }
    }

    #[test]
    fn what_is_told_of_an_answer_is_its_kind() {
        let (mut handshake, _) = begin(Scheme::Ntlm);
        let Ok(Next::Send(answer)) = proceed(&mut handshake, &says("NTLM", &type2())) else { panic!("an answer") };
        let value = String::from_utf8_lossy(answer.value.expose_secret()).into_owned();
        assert!(!format!("{answer:?} {handshake:?}").contains(&value[10..40]));
    }
}
