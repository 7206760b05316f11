//! Which credential a challenge gets, and when it gets none.

use std::sync::Arc;

use super::gates::{Gate, Turn};
use crate::auth::{self, Answer, Digest, Offer};
use crate::net::Entropy;
use crate::observation::Fault;
use crate::plan::{Identity, ProxyScheme, Scheme, SchemeChoice};
use crate::probe::{Access, Login};

/// What `auto` tries, strongest first. Negotiate and NTLM, which keep the password to themselves too, stand before
/// digest once there is an authenticator for them.
const STRENGTH: [Scheme; 2] = [Scheme::Digest, Scheme::Basic];

/// One dialogue's side of the authentication.
pub(super) struct Authenticator<'a> {
    login: Option<&'a Login>,
    choice: SchemeChoice,
    /// Nobody between here and the proxy can read along.
    is_encrypted: bool,
    basic_cleartext: bool,
    entropy: Entropy,
    gate: Arc<Gate>,
    sent: Sent,
    considered: Option<Scheme>,
    turn: Option<Turn>,
}

enum Sent {
    Nothing,
    /// A credential that one more round would not make better.
    Complete,
    /// A digest; once renewed, its nonce is not renewed again.
    Digest {
        renewed: bool,
    },
}

enum Chosen {
    Basic(Answer),
    Digest(Digest),
}

impl<'a> Authenticator<'a> {
    /// # Errors
    /// [`Fault::NoCredential`], when there is no login for the identity.
    pub fn new(
        (identity, choice): (Identity, SchemeChoice),
        proxy: ProxyScheme,
        gate: Arc<Gate>,
        access: &'a Access,
        entropy: Entropy,
    ) -> Result<Self, Fault> {
        let missing = |detail: &str| Fault::NoCredential { detail: detail.to_owned() };
        let login = match identity {
            Identity::Bypass => None,
            Identity::User => {
                Some(access.user.as_ref().ok_or_else(|| missing("no user name with a password was given"))?)
            }
            Identity::Device => {
                Some(access.device.as_ref().ok_or_else(|| missing("no machine account with a password was given"))?)
            }
        };
        Ok(Self {
            login,
            choice,
            is_encrypted: proxy == ProxyScheme::Https,
            basic_cleartext: access.basic_cleartext,
            entropy,
            gate,
            sent: Sent::Nothing,
            considered: None,
            turn: None,
        })
    }

    /// The login of this dialogue; none for `bypass`.
    pub fn login(&self) -> Option<&'a Login> {
        self.login
    }

    pub fn choice(&self) -> SchemeChoice {
        self.choice
    }

    /// Whether a challenge under another status than 407 is answered: once, and not by those who have no answer.
    pub fn is_expectant(&self) -> bool {
        self.login.is_some() && matches!(self.sent, Sent::Nothing)
    }

    /// Answers the offers of a proxy; `request` is method and target.
    pub async fn answer(&mut self, offers: &[Offer], request: (&str, &str)) -> Result<Answer, Fault> {
        let Some(login) = self.login else { return Err(Fault::CredentialsWanted) };
        match self.sent {
            Sent::Nothing => {}
            Sent::Digest { renewed } => match auth::strongest_digest(offers) {
                Some(Ok(digest)) if digest.is_stale() && renewed => {
                    // The proxy has checked the password twice and found no fault with it.
                    self.accepted();
                    return Err(Fault::DigestStaleLoop);
                }
                Some(Ok(digest)) if digest.is_stale() => {
                    self.sent = Sent::Digest { renewed: true };
                    return Ok(self.digest(&digest, login, request));
                }
                _ => return Err(self.refused()),
            },
            Sent::Complete => return Err(self.refused()),
        }
        if offers.is_empty() {
            return Err(Fault::NoChallenge);
        }
        let chosen = self.choose(offers, login)?;
        self.take_turn(login).await?;
        match chosen {
            Chosen::Basic(answer) => {
                self.sent = Sent::Complete;
                Ok(answer)
            }
            Chosen::Digest(digest) => {
                self.sent = Sent::Digest { renewed: false };
                Ok(self.digest(&digest, login, request))
            }
        }
    }

    /// The scheme whose turn it was, whether or not a credential went out.
    pub fn considered(&self) -> Option<Scheme> {
        self.considered
    }

    /// Waits until the login's password may be sent to this proxy.
    pub async fn take_turn(&mut self, login: &Login) -> Result<(), Fault> {
        self.turn = Some(self.gate.turn(&login.name).await.ok_or(Fault::CredentialsAlreadyRefused)?);
        Ok(())
    }

    /// Whether a password may go out as it is.
    pub fn may_send_cleartext(&self) -> Result<(), Fault> {
        if self.is_encrypted || self.basic_cleartext { Ok(()) } else { Err(Fault::CleartextRefused) }
    }

    pub fn accepted(&mut self) {
        if let Some(turn) = self.turn.take() {
            turn.accepted();
        }
    }

    pub fn refused(&mut self) -> Fault {
        if let Some(turn) = self.turn.take() {
            turn.refused();
        }
        Fault::CredentialsRefused
    }

    fn choose(&mut self, offers: &[Offer], login: &Login) -> Result<Chosen, Fault> {
        if let SchemeChoice::Forced(scheme) = self.choice {
            if !offers.iter().any(|offer| offer.is(scheme)) {
                return Err(Fault::SchemeNotOffered);
            }
            self.considered = Some(scheme);
            return self.prepare(scheme, offers, login);
        }
        let mut obstacle = Fault::CredentialsWanted;
        for scheme in STRENGTH {
            if offers.iter().any(|offer| offer.is(scheme)) {
                self.considered = Some(scheme);
                match self.prepare(scheme, offers, login) {
                    Ok(chosen) => return Ok(chosen),
                    Err(fault) => obstacle = fault,
                }
            }
        }
        Err(obstacle)
    }

    fn prepare(&self, scheme: Scheme, offers: &[Offer], login: &Login) -> Result<Chosen, Fault> {
        let unusable = |detail: String| Fault::NoCredential { detail };
        match scheme {
            Scheme::Digest => match auth::strongest_digest(offers) {
                Some(Ok(_)) if login.name.bytes().any(|byte| byte.is_ascii_control()) => {
                    Err(unusable("the user name has a control character, which no header can carry".to_owned()))
                }
                Some(Ok(digest)) => Ok(Chosen::Digest(digest)),
                Some(Err(error)) => Err(Fault::DigestUnsupported { detail: error.to_string() }),
                None => Err(Fault::SchemeNotOffered),
            },
            Scheme::Basic => {
                self.may_send_cleartext()?;
                let offer = offers.iter().find(|offer| offer.is(Scheme::Basic)).ok_or(Fault::SchemeNotOffered)?;
                let answer = auth::answer_basic(offer, &login.name, &login.password);
                answer.map(Chosen::Basic).map_err(|error| unusable(error.to_string()))
            }
            Scheme::None | Scheme::Ntlm | Scheme::Negotiate | Scheme::SocksPassword => {
                Err(unusable(format!("a name with a password is sent by basic or digest here, not by {scheme}")))
            }
        }
    }

    fn digest(&self, digest: &Digest, login: &Login, request: (&str, &str)) -> Answer {
        let count = self.gate.count(digest.nonce());
        digest.answer((&login.name, &login.password), request, self.entropy.bytes(), count)
    }
}
