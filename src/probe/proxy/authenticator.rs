//! Which credential a challenge gets, and when it gets none.

use std::sync::Arc;

use super::gates::{Gate, Turn};
use crate::auth::{self, Answer, Digest, Next, NtlmHandshake, Offer};
use crate::net::{Clock, Entropy, Net};
use crate::observation::{Fault, PassedOver};
use crate::plan::{Identity, Mechanism, ProxyScheme, Scheme, SchemeChoice};
use crate::probe::{Access, Login};

/// What `auto` tries, strongest first.
const STRENGTH: [Scheme; 4] = [Scheme::Negotiate, Scheme::Ntlm, Scheme::Digest, Scheme::Basic];

/// One dialogue's side of the authentication.
pub(super) struct Authenticator<'a> {
    login: Option<&'a Login>,
    choice: SchemeChoice,
    /// Nobody between here and the proxy can read along.
    is_encrypted: bool,
    basic_cleartext: bool,
    entropy: Entropy,
    clock: Clock,
    gate: Arc<Gate>,
    sent: Sent,
    considered: Option<Scheme>,
    passed_over: Vec<PassedOver>,
    turn: Option<Turn>,
    /// The credential went out before this dialogue was asked for one.
    is_unasked: bool,
}

enum Sent {
    Nothing,
    /// A credential that one more round would not make better.
    Complete,
    /// A digest, and how often its nonce may be renewed: one that was just given once, one that others used before
    /// once more.
    Digest {
        renewals: u8,
    },
    Ntlm(NtlmHandshake),
}

enum Chosen {
    Basic(Answer),
    Digest(Digest),
    /// By NTLM itself or by Negotiate.
    Ntlm(Scheme),
}

impl<'a> Authenticator<'a> {
    /// # Errors
    /// [`Fault::NoCredential`], when there is no login for the identity.
    pub fn new(
        (identity, choice): (Identity, SchemeChoice),
        proxy: ProxyScheme,
        gate: Arc<Gate>,
        access: &'a Access,
        net: &Net,
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
            entropy: net.entropy,
            clock: net.clock,
            gate,
            sent: Sent::Nothing,
            considered: None,
            passed_over: Vec::new(),
            turn: None,
            is_unasked: false,
        })
    }

    /// The credential to begin with, where it is known what the proxy will ask for and nothing speaks against it. Without
    /// one the dialogue begins bare, and what comes back decides.
    ///
    /// What is made of a password goes out unasked only if the proxy asked for it for this very target (`is_own`) or is
    /// known to take it: a proxy that lets everybody through there would seem to have taken it.
    pub async fn begin(&mut self, offers: &[Offer], is_own: bool, request: (&str, &str)) -> Option<Answer> {
        let login = self.login?;
        let chosen = self.choose(offers, login).ok();
        let is_usable = match &chosen {
            None => false,
            Some(chosen) => {
                let names_nobody = matches!(chosen, Chosen::Ntlm(_));
                self.take_turn(login).await.is_ok()
                    && (names_nobody || is_own || self.turn.as_ref().is_some_and(Turn::is_proved))
            }
        };
        if !is_usable {
            self.turn = None;
            self.considered = None;
            self.passed_over.clear();
        }
        self.is_unasked = is_usable;
        chosen.filter(|_| is_usable).map(|chosen| self.send(chosen, login, request))
    }

    /// NTLM's first message names nobody, so that it goes out first where NTLM alone was asked for.
    pub async fn begin_unknown(&mut self) -> Option<Answer> {
        let login = self.login.filter(|_| self.choice == SchemeChoice::Forced(Scheme::Ntlm))?;
        self.take_turn(login).await.ok()?;
        self.considered = Some(Scheme::Ntlm);
        self.is_unasked = true;
        Some(self.open_ntlm(Scheme::Ntlm))
    }

    /// The login of this dialogue; none for `bypass`.
    pub fn login(&self) -> Option<&'a Login> {
        self.login
    }

    pub fn choice(&self) -> SchemeChoice {
        self.choice
    }

    /// Whether a challenge under another status than 407 is answered: not by those who have no answer, and not after a
    /// credential was sent in full.
    pub fn is_expectant(&self) -> bool {
        let is_open = match &self.sent {
            Sent::Nothing => true,
            Sent::Ntlm(handshake) => !handshake.has_answered(),
            Sent::Complete | Sent::Digest { .. } => false,
        };
        self.login.is_some() && is_open
    }

    /// Answers the offers of a proxy; `request` is method and target.
    pub async fn answer(&mut self, offers: &[Offer], request: (&str, &str)) -> Result<Answer, Fault> {
        let Some(login) = self.login else { return Err(Fault::CredentialsWanted) };
        if std::mem::take(&mut self.is_unasked) {
            self.reconsider(offers);
        }
        match &mut self.sent {
            Sent::Nothing => {}
            Sent::Digest { renewals } => match auth::strongest_digest(offers) {
                Some(Ok(digest)) if digest.is_stale() && *renewals == 0 => {
                    // The proxy has checked the password twice and found no fault with it.
                    self.accepted();
                    return Err(Fault::DigestStaleLoop);
                }
                Some(Ok(digest)) if digest.is_stale() => {
                    *renewals -= 1;
                    return Ok(self.digest(&digest, login, request));
                }
                _ => return Err(self.refused()),
            },
            Sent::Ntlm(handshake) => {
                let credential = (login.name.as_str(), &login.password);
                match handshake.proceed(offers, credential, self.entropy.bytes(), self.clock.now())? {
                    Next::Send(answer) => {
                        if handshake.has_answered() && handshake.is_wrapped() {
                            self.gate.acquaintance.found_in_spnego();
                        }
                        return Ok(answer);
                    }
                    Next::Refused => return Err(self.refused()),
                    Next::NotTaken => {
                        self.sent = Sent::Nothing;
                        self.gate.acquaintance.found_without_ntlm();
                        self.pass_over(Scheme::Negotiate, Some(Mechanism::Ntlm), Fault::NtlmNotTaken);
                    }
                }
            }
            Sent::Complete => return Err(self.refused()),
        }
        if offers.is_empty() {
            return Err(Fault::NoChallenge);
        }
        let chosen = self.choose(offers, login)?;
        self.take_turn(login).await?;
        Ok(self.send(chosen, login, request))
    }

    fn send(&mut self, chosen: Chosen, login: &Login, request: (&str, &str)) -> Answer {
        match chosen {
            Chosen::Basic(answer) => {
                self.sent = Sent::Complete;
                answer
            }
            Chosen::Digest(digest) => {
                self.sent = Sent::Digest { renewals: 1 + u8::from(self.is_unasked) };
                self.digest(&digest, login, request)
            }
            Chosen::Ntlm(carrier) => self.open_ntlm(carrier),
        }
    }

    fn open_ntlm(&mut self, carrier: Scheme) -> Answer {
        let (handshake, answer) = NtlmHandshake::begin_in(carrier, self.gate.acquaintance.wants_spnego());
        self.sent = Sent::Ntlm(handshake);
        answer
    }

    /// What went out unasked met a challenge. Where that has nothing to do with it, the dialogue begins anew: a first message
    /// of a scheme that is not offered here, and a password that is known to be right with a scheme or a nonce that is
    /// not taken any more.
    fn reconsider(&mut self, offers: &[Offer]) {
        let is_offered = |scheme| offers.iter().any(|offer| offer.is(scheme));
        let is_proved = self.turn.as_ref().is_some_and(Turn::is_proved);
        let is_beside_it = match &self.sent {
            Sent::Nothing => false,
            Sent::Complete => is_proved && !is_offered(Scheme::Basic),
            Sent::Digest { .. } => {
                is_proved && !matches!(auth::strongest_digest(offers), Some(Ok(digest)) if digest.is_stale())
            }
            Sent::Ntlm(handshake) => !is_offered(handshake.carrier()),
        };
        if is_beside_it {
            self.sent = Sent::Nothing;
            self.passed_over.clear();
        }
    }

    /// The scheme whose turn it was, whether or not a credential went out.
    pub fn considered(&self) -> Option<Scheme> {
        self.considered
    }

    /// What was offered and could not be used.
    pub fn passed_over(&self) -> &[PassedOver] {
        &self.passed_over
    }

    /// Waits until the login's password may be sent to this proxy. NTLM waits before its first message: behind the
    /// challenge its connection would grow old.
    pub async fn take_turn(&mut self, login: &Login) -> Result<(), Fault> {
        if self.turn.is_some() {
            return Ok(());
        }
        self.turn = Some(self.gate.turn(&login.name).await?);
        Ok(())
    }

    /// Whether a password may go out as it is.
    pub fn may_send_cleartext(&self) -> Result<(), Fault> {
        if self.is_encrypted || self.basic_cleartext { Ok(()) } else { Err(Fault::CleartextRefused) }
    }

    /// The proxy goes on; whether that says something of the password depends on whether it was sent.
    pub fn accepted(&mut self) {
        let is_sent = match &self.sent {
            Sent::Nothing | Sent::Complete | Sent::Digest { .. } => true,
            Sent::Ntlm(handshake) => handshake.has_answered(),
        };
        if let Some(turn) = self.turn.take().filter(|_| is_sent) {
            turn.accepted();
        }
    }

    pub fn refused(&mut self) -> Fault {
        self.turn.take().map_or(Fault::CredentialsRefused, Turn::refused)
    }

    /// The password went out, and the connection ended or fell silent instead of an answer.
    pub fn broke_off(&mut self) {
        if let Some(turn) = self.turn.take() {
            turn.unanswered();
        }
    }

    fn choose(&mut self, offers: &[Offer], login: &Login) -> Result<Chosen, Fault> {
        let is_offered = |scheme| offers.iter().any(|offer| offer.is(scheme));
        if let SchemeChoice::Forced(scheme) = self.choice {
            if let Some(obstacle) = self.obstacle() {
                return Err(obstacle);
            }
            if !is_offered(scheme) {
                return Err(Fault::SchemeNotOffered);
            }
            self.considered = Some(scheme);
            return self.prepare(scheme, offers, login);
        }
        for scheme in STRENGTH {
            if is_offered(scheme) && !self.passed_over.iter().any(|passed| passed.scheme == scheme) {
                self.considered = Some(scheme);
                match self.prepare(scheme, offers, login) {
                    Ok(chosen) => return Ok(chosen),
                    Err(fault) => self.pass_over(scheme, None, fault),
                }
            }
        }
        Err(self.obstacle().unwrap_or(Fault::CredentialsWanted))
    }

    fn pass_over(&mut self, scheme: Scheme, mechanism: Option<Mechanism>, why: Fault) {
        self.passed_over.push(PassedOver { scheme, mechanism, why });
    }

    /// What stands in the way when nothing is left: the last of what somebody could change.
    fn obstacle(&self) -> Option<Fault> {
        let missing = |passed: &&PassedOver| matches!(passed.why, Fault::NoCredential { .. });
        let obstacle = self.passed_over.iter().rfind(|passed| !missing(passed)).or(self.passed_over.last())?;
        Some(obstacle.why.clone())
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
            Scheme::Negotiate if self.gate.acquaintance.takes_no_ntlm() => Err(Fault::NtlmNotTaken),
            Scheme::Ntlm | Scheme::Negotiate => Ok(Chosen::Ntlm(scheme)),
            Scheme::None | Scheme::SocksPassword => {
                Err(unusable(format!("a name with a password is not sent by {scheme} to an http proxy")))
            }
        }
    }

    fn digest(&self, digest: &Digest, login: &Login, request: (&str, &str)) -> Answer {
        let count = self.gate.count(digest.nonce());
        digest.answer((&login.name, &login.password), request, self.entropy.bytes(), count)
    }
}
