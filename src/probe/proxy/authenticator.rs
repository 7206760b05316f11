//! Which credential a challenge gets, and when it gets none.

use std::sync::Arc;

use secrecy::ExposeSecret as _;

use super::gates::{Gate, Turn};
use super::tickets::Tickets;
use crate::auth::ntlm::{self, Type2};
use crate::auth::{self, Answer, Digest, Next, NtlmHandshake, Offer, TicketVerdict, Unusable, spnego};
use crate::net::{Bearer, Clock, Entropy, Net, NtlmMessages, Ticket, TicketProblem};
use crate::observation::{Fault, PassedOver, Token};
use crate::plan::{Identity, Mechanism, Proxy, ProxyScheme, Scheme, SchemeChoice};
use crate::probe::{Access, Login};

/// What `auto` tries, strongest first.
const STRENGTH: [Scheme; 4] = [Scheme::Negotiate, Scheme::Ntlm, Scheme::Digest, Scheme::Basic];

/// How often NTLM is opened before something weaker is tried: once more than needed, for a node that knew nothing of the first.
const MOST_OPENINGS: u32 = 2;

/// One dialogue's side of the authentication.
pub(super) struct Authenticator<'a> {
    identity: Identity,
    login: Option<&'a Login>,
    /// Whose ticket can be asked for; nobody's for `bypass`.
    bearer: Option<Bearer>,
    tickets: &'a Tickets,
    /// The proxy's, after which its service is named.
    host: &'a str,
    choice: SchemeChoice,
    /// Nobody between here and the proxy can read along, or somebody allowed it.
    takes_cleartext: bool,
    entropy: Entropy,
    clock: Clock,
    gate: Arc<Gate>,
    sent: Sent,
    considered: Option<Scheme>,
    passed_over: Vec<PassedOver>,
    turn: Option<Turn>,
    /// The credential went out before this dialogue was asked for one.
    is_unasked: bool,
    /// There is something to answer a challenge of NTLM with: a password, or a sign-in that the system answers for.
    has_ntlm: bool,
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
    Ntlm {
        handshake: NtlmHandshake,
        /// The system's side of it; none where the messages are made here, and after the last one.
        system: Option<Box<dyn NtlmMessages>>,
    },
    /// A ticket, which is all that there is to say.
    Ticket,
}

enum Chosen {
    Basic(Answer),
    Digest(Digest),
    /// By NTLM itself or by Negotiate.
    Ntlm(Scheme),
    Ticket(Ticket),
}

impl<'a> Authenticator<'a> {
    /// # Errors
    /// [`Fault::NoCredential`], when the identity has nothing to show.
    pub fn new(
        (identity, choice): (Identity, SchemeChoice),
        proxy: &'a Proxy,
        gate: Arc<Gate>,
        (access, tickets): (&'a Access, &'a Tickets),
        net: &Net,
    ) -> Result<Self, Fault> {
        let keytab = access.device_keytab.as_ref();
        let login = match identity {
            Identity::Bypass => None,
            Identity::User => access.user.as_ref(),
            Identity::Device => access.device.as_ref().filter(|_| keytab.is_none()),
        };
        let by_password =
            login.map(|login| Bearer::Password { name: login.name.clone(), password: login.password.clone() });
        let by_keytab = keytab.filter(|_| identity == Identity::Device).map(|keytab| Bearer::Keytab(keytab.clone()));
        let own = tickets.vouches_for(identity);
        let bearer = by_keytab.or(by_password).or_else(|| own.is_ok().then_some(Bearer::SignedIn));
        let has_ntlm = login.is_some() || matches!(bearer, Some(Bearer::SignedIn)) && tickets.makes_ntlm();
        let authenticator = Self {
            identity,
            login,
            bearer,
            tickets,
            host: &proxy.host,
            choice,
            takes_cleartext: proxy.scheme == ProxyScheme::Https || access.basic_cleartext,
            entropy: net.entropy,
            clock: net.clock,
            gate,
            sent: Sent::Nothing,
            considered: None,
            passed_over: Vec::new(),
            turn: None,
            is_unasked: false,
            has_ntlm,
        };
        if identity == Identity::Bypass || login.is_some() {
            return Ok(authenticator);
        }
        let why = match &authenticator.bearer {
            None => Some(own.err().filter(|why| !why.is_empty()).map(|why| format!(", and {why}")).unwrap_or_default()),
            // A ticket is nothing that SOCKS could carry.
            Some(_) if proxy.scheme == ProxyScheme::Socks5 => Some(String::new()),
            Some(_) if has_ntlm => None,
            Some(_) => tickets.missing().map(|missing| format!(", and for a ticket: {missing}")),
        };
        match why {
            None => Ok(authenticator),
            Some(why) => Err(Fault::NoCredential { detail: authenticator.no_login() + &why }),
        }
    }

    /// The credential to begin with, where it is known what the proxy will ask for and nothing speaks against it. Without
    /// one the dialogue begins bare, and what comes back decides.
    ///
    /// What is made of a password goes out unasked only if the proxy asked for it for this very target (`is_own`) or is
    /// known to take it: a proxy that lets everybody through there would seem to have taken it. A ticket likewise.
    pub async fn begin(&mut self, offers: &[Offer], is_own: bool, request: (&str, &str)) -> Option<Answer> {
        self.bearer.as_ref()?;
        let chosen = self.choose(offers).await.ok();
        let is_usable = match &chosen {
            None => false,
            Some(Chosen::Ticket(_)) => is_own || self.is_proved(),
            Some(chosen) => {
                let names_nobody = matches!(chosen, Chosen::Ntlm(_));
                self.take_turn().await.is_ok() && (names_nobody || is_own || self.is_proved())
            }
        };
        if !is_usable {
            self.turn = None;
            self.considered = None;
            self.passed_over.clear();
        }
        self.is_unasked = is_usable;
        let chosen = chosen.filter(|_| is_usable)?;
        self.send(chosen, request).await.ok()
    }

    /// NTLM's first message names nobody, so that it goes out first where NTLM alone was asked for.
    pub async fn begin_unknown(&mut self) -> Option<Answer> {
        if !self.has_ntlm || self.choice != SchemeChoice::Forced(Scheme::Ntlm) {
            return None;
        }
        self.take_turn().await.ok()?;
        let opening = self.open_ntlm(Scheme::Ntlm).await.ok()?;
        self.considered = Some(Scheme::Ntlm);
        self.is_unasked = true;
        Some(opening)
    }

    /// The login of this dialogue; none for `bypass`.
    pub fn login(&self) -> Option<&'a Login> {
        self.login
    }

    /// Whether there is anything to answer a challenge with.
    pub fn has_credential(&self) -> bool {
        self.bearer.is_some()
    }

    pub fn choice(&self) -> SchemeChoice {
        self.choice
    }

    /// Whether a challenge under another status than 407 is answered: not by those who have no answer, and not after a
    /// credential was sent in full.
    pub fn is_expectant(&self) -> bool {
        let is_open = match &self.sent {
            Sent::Nothing => true,
            Sent::Ntlm { handshake, .. } => !handshake.has_answered(),
            Sent::Complete | Sent::Digest { .. } | Sent::Ticket => false,
        };
        self.bearer.is_some() && is_open
    }

    /// Answers the offers of a proxy; `request` is method and target.
    pub async fn answer(&mut self, offers: &[Offer], request: (&str, &str)) -> Result<Answer, Fault> {
        if self.bearer.is_none() {
            return Err(Fault::CredentialsWanted);
        }
        if std::mem::take(&mut self.is_unasked) {
            self.reconsider(offers);
        }
        if let Some(answer) = self.proceed(offers, request).await? {
            return Ok(answer);
        }
        if offers.is_empty() {
            return Err(Fault::NoChallenge);
        }
        let chosen = self.choose(offers).await?;
        if !matches!(chosen, Chosen::Ticket(_)) {
            self.take_turn().await?;
        }
        self.send(chosen, request).await
    }

    /// Goes on with what was sent before; nothing, when something else is to be chosen.
    async fn proceed(&mut self, offers: &[Offer], request: (&str, &str)) -> Result<Option<Answer>, Fault> {
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
                    return self.digest(&digest, request).map(Some);
                }
                _ => return Err(self.refused()),
            },
            Sent::Ntlm { handshake, .. } => match handshake.proceed(offers)? {
                Next::Send(answer) => {
                    let is_enough = handshake.carrier() == Scheme::Ntlm && handshake.openings() > MOST_OPENINGS;
                    if !(is_enough && self.gives_ntlm_up(offers)) {
                        return Ok(Some(answer));
                    }
                }
                Next::Challenged { challenge, is_wrapped } => {
                    return self.answer_ntlm(&challenge, is_wrapped).await.map(Some);
                }
                Next::Refused => return Err(self.refused()),
                Next::NotTaken => {
                    self.sent = Sent::Nothing;
                    self.gate.acquaintance.found_without_ntlm();
                    self.pass_over(Scheme::Negotiate, Some(Mechanism::Ntlm), Fault::NtlmNotTaken);
                }
            },
            Sent::Ticket => match auth::verdict_on_ticket(offers) {
                TicketVerdict::Refused { error } => {
                    self.refused();
                    return Err(Fault::TicketRefused { error });
                }
                TicketVerdict::OtherMechanism if !self.has_ntlm => return Err(Fault::KerberosNotTaken),
                TicketVerdict::OtherMechanism => {
                    self.turn = None;
                    self.pass_over(Scheme::Negotiate, Some(Mechanism::Kerberos), Fault::KerberosNotTaken);
                    return self.open_ntlm(Scheme::Negotiate).await.map(Some);
                }
            },
            Sent::Complete => return Err(self.refused()),
        }
        Ok(None)
    }

    /// NTLM's first message met no challenge, for which no password went out. Goes on to something weaker that is offered
    /// and can be used; where there is nothing of the kind, what NTLM came to is what the row is about.
    pub fn gives_ntlm_up(&mut self, offers: &[Offer]) -> bool {
        let Sent::Ntlm { handshake, .. } = &self.sent else { return false };
        let carrier = handshake.carrier();
        let is_usable = |scheme: &Scheme| match scheme {
            Scheme::Digest => matches!(auth::strongest_digest(offers), Some(Ok(_))),
            Scheme::Basic => self.takes_cleartext,
            _ => true,
        };
        let has_other = STRENGTH
            .iter()
            .skip_while(|scheme| **scheme != carrier)
            .skip(1)
            .any(|scheme| is_usable(scheme) && offers.iter().any(|offer| offer.is(*scheme)));
        if handshake.has_answered() || self.choice != SchemeChoice::Auto || self.login.is_none() || !has_other {
            return false;
        }
        self.sent = Sent::Nothing;
        let mechanism = (carrier == Scheme::Negotiate).then_some(Mechanism::Ntlm);
        self.pass_over(carrier, mechanism, Fault::NtlmUnanswered);
        true
    }

    async fn send(&mut self, chosen: Chosen, request: (&str, &str)) -> Result<Answer, Fault> {
        match chosen {
            Chosen::Basic(answer) => {
                self.sent = Sent::Complete;
                Ok(answer)
            }
            Chosen::Digest(digest) => {
                self.sent = Sent::Digest { renewals: 1 + u8::from(self.is_unasked) };
                self.digest(&digest, request)
            }
            Chosen::Ntlm(carrier) => self.open_ntlm(carrier).await,
            Chosen::Ticket(ticket) => {
                self.sent = Sent::Ticket;
                Ok(with_ticket(&ticket))
            }
        }
    }

    /// Where the system makes NTLM's messages it makes all of them, so that its rules (who may speak NTLM to whom) hold here
    /// as they do for everything else on the machine.
    async fn open_ntlm(&mut self, carrier: Scheme) -> Result<Answer, Fault> {
        let bearer = self.bearer.as_ref().ok_or(Fault::CredentialsWanted)?;
        let (system, opening) = match self.tickets.open_ntlm(bearer, self.host).await {
            Some(opened) => opened.map(|(system, opening)| (Some(system), opening))?,
            None => (None, ntlm::type1()),
        };
        let is_wrapped = self.gate.acquaintance.wants_spnego();
        let (handshake, answer) = NtlmHandshake::begin(carrier, is_wrapped, opening);
        self.sent = Sent::Ntlm { handshake, system };
        Ok(answer)
    }

    async fn answer_ntlm(&mut self, challenge: &Type2, is_wrapped: bool) -> Result<Answer, Fault> {
        let Sent::Ntlm { handshake, system } = &mut self.sent else { return Err(Fault::CredentialsWanted) };
        let answer = if let Some(system) = system.take() {
            let token = self.tickets.answer_ntlm(system, challenge.bytes()).await?;
            let mut answer = handshake.answer(token.expose_secret(), is_wrapped);
            answer.detail.push_str(", made by the system");
            answer
        } else {
            let login = self.login.ok_or(Fault::CredentialsWanted)?;
            let credential = (login.name.as_str(), &login.password);
            let token = challenge.answer(credential, self.entropy.bytes(), self.clock.now());
            handshake.answer(&token.map_err(|Unusable(detail)| Fault::NoCredential { detail })?, is_wrapped)
        };
        if handshake.is_wrapped() {
            self.gate.acquaintance.found_in_spnego();
        }
        Ok(answer)
    }

    /// What went out unasked met a challenge. Where that has nothing to do with it, the dialogue begins anew: a first message
    /// of a scheme that is not offered here, and a password that is known to be right with a scheme or a nonce that is
    /// not taken any more.
    fn reconsider(&mut self, offers: &[Offer]) {
        let is_offered = |scheme| offers.iter().any(|offer| offer.is(scheme));
        let is_proved = self.is_proved();
        let is_beside_it = match &self.sent {
            Sent::Nothing => false,
            Sent::Complete => is_proved && !is_offered(Scheme::Basic),
            Sent::Digest { .. } => {
                is_proved && !matches!(auth::strongest_digest(offers), Some(Ok(digest)) if digest.is_stale())
            }
            Sent::Ntlm { handshake, .. } => !is_offered(handshake.carrier()),
            Sent::Ticket => !is_offered(Scheme::Negotiate),
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

    /// Waits until the login's password may be tried at this proxy. NTLM waits before its first message: behind the
    /// challenge its connection would grow old.
    pub async fn take_turn(&mut self) -> Result<(), Fault> {
        if self.turn.is_none() && (self.login.is_some() || self.has_ntlm) {
            // What the system answers of a sign-in counts as a try of that password.
            let signed_in = format!("\0{} as signed in", self.identity);
            let whose = self.login.map_or(signed_in.as_str(), |login| &login.name);
            self.turn = Some(self.gate.turn(whose).await?);
        }
        Ok(())
    }

    /// Whether a password may go out as it is.
    pub fn may_send_cleartext(&self) -> Result<(), Fault> {
        if self.takes_cleartext { Ok(()) } else { Err(Fault::CleartextRefused) }
    }

    /// Whether the proxy took this login before.
    pub fn is_proved(&self) -> bool {
        self.turn.as_ref().is_some_and(Turn::is_proved)
    }

    /// The proxy goes on; whether that says something of the password depends on whether it was sent.
    pub fn accepted(&mut self) {
        let is_sent = match &self.sent {
            Sent::Nothing | Sent::Complete | Sent::Digest { .. } | Sent::Ticket => true,
            Sent::Ntlm { handshake, .. } => handshake.has_answered(),
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

    async fn choose(&mut self, offers: &[Offer]) -> Result<Chosen, Fault> {
        let is_offered = |scheme| offers.iter().any(|offer| offer.is(scheme));
        if let SchemeChoice::Forced(scheme) = self.choice {
            if let Some(obstacle) = self.obstacle() {
                return Err(obstacle.why.clone());
            }
            if !is_offered(scheme) {
                return Err(Fault::SchemeNotOffered);
            }
            self.considered = Some(scheme);
            return self.prepare(scheme, offers).await;
        }
        for scheme in STRENGTH {
            if is_offered(scheme) && !self.passed_over.iter().any(|passed| passed.scheme == scheme) {
                self.considered = Some(scheme);
                match self.prepare(scheme, offers).await {
                    Ok(chosen) => return Ok(chosen),
                    Err(fault) if is_final(&fault) => return Err(fault),
                    // Negotiate says of each of its mechanisms why it was none.
                    Err(_) if self.passed_over.iter().any(|passed| passed.scheme == scheme) => {}
                    Err(fault) => self.pass_over(scheme, None, fault),
                }
            }
        }
        let Some((scheme, why)) = self.obstacle().map(|passed| (passed.scheme, passed.why.clone())) else {
            return Err(Fault::CredentialsWanted);
        };
        self.considered = Some(scheme);
        Err(why)
    }

    fn pass_over(&mut self, scheme: Scheme, mechanism: Option<Mechanism>, why: Fault) {
        self.passed_over.push(PassedOver { scheme, mechanism, why });
    }

    /// What stands in the way when nothing is left: the last of what somebody could change most easily.
    fn obstacle(&self) -> Option<&PassedOver> {
        self.passed_over.iter().max_by_key(|passed| match &passed.why {
            Fault::NoCredential { .. } => 0,
            Fault::NoTicket { problem: TicketProblem::NoLibrary, .. } => 1,
            Fault::NoTicket { problem: TicketProblem::NoTicket | TicketProblem::NoRealm, .. } => 2,
            Fault::NtlmNotTaken => 3,
            _ => 4,
        })
    }

    async fn prepare(&mut self, scheme: Scheme, offers: &[Offer]) -> Result<Chosen, Fault> {
        let unusable = |detail: String| Fault::NoCredential { detail };
        if scheme == Scheme::Negotiate {
            return self.prepare_negotiate().await;
        }
        if scheme == Scheme::Ntlm && self.has_ntlm {
            return Ok(Chosen::Ntlm(scheme));
        }
        let login = self.login.ok_or_else(|| unusable(self.no_login()))?;
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
            Scheme::Ntlm | Scheme::Negotiate | Scheme::None | Scheme::SocksPassword => {
                Err(unusable(format!("a name with a password is not sent by {scheme} to an http proxy")))
            }
        }
    }

    /// Kerberos, and where there is no ticket but a password, NTLM, as Windows does.
    async fn prepare_negotiate(&mut self) -> Result<Chosen, Fault> {
        let Some(bearer) = self.bearer.clone() else { return Err(Fault::CredentialsWanted) };
        // A wrong password counts at the KDC as it does at the proxy.
        if self.login.is_some()
            && let Err(refusal) = self.take_turn().await
        {
            // Where it was the directory that refused, all rows say what it said.
            return Err(self.tickets.failure(self.identity, self.host).filter(is_final).unwrap_or(refusal));
        }
        let why = match self.tickets.ticket(self.identity, &bearer, self.host).await {
            Ok(ticket) => {
                // The directory has taken the password, and the proxy does not see it.
                if let Some(turn) = self.turn.take() {
                    turn.accepted();
                }
                // Whether the proxy takes such tickets one job finds out, and the others then begin with theirs. What one
                // was refused for need not stop another: nothing counts them.
                self.turn = self.gate.turn(&format!("\0ticket of {}", self.identity)).await.ok();
                return Ok(Chosen::Ticket(ticket));
            }
            Err(why) => why,
        };
        if is_final(&why) {
            self.refused();
            return Err(why);
        }
        if !self.has_ntlm {
            return Err(why);
        }
        self.pass_over(Scheme::Negotiate, Some(Mechanism::Kerberos), why);
        if self.gate.acquaintance.takes_no_ntlm() {
            self.pass_over(Scheme::Negotiate, Some(Mechanism::Ntlm), Fault::NtlmNotTaken);
            return Err(self.obstacle().map_or(Fault::NtlmNotTaken, |passed| passed.why.clone()));
        }
        Ok(Chosen::Ntlm(Scheme::Negotiate))
    }

    fn digest(&self, digest: &Digest, request: (&str, &str)) -> Result<Answer, Fault> {
        let login = self.login.ok_or_else(|| Fault::NoCredential { detail: self.no_login() })?;
        let count = self.gate.count(digest.nonce());
        Ok(digest.answer((&login.name, &login.password), request, self.entropy.bytes(), count))
    }

    /// What is missing where there is no login.
    fn no_login(&self) -> String {
        match self.identity {
            Identity::Bypass | Identity::User => "no user name with a password was given".to_owned(),
            Identity::Device => "no machine account with a password was given".to_owned(),
        }
    }
}

/// Whether the account itself is refused, so that its password is not to be tried in another way.
fn is_final(fault: &Fault) -> bool {
    matches!(fault, Fault::NoTicket { problem, .. } if problem.is_about_account())
}

fn with_ticket(ticket: &Ticket) -> Answer {
    let token = spnego::wrap_first(Mechanism::Kerberos, ticket.token.expose_secret());
    let detail = format!("ticket of {} for {}", ticket.initiator, ticket.service);
    Answer::of_token(Scheme::Negotiate, Token::KerberosTicket, &token, detail)
}
