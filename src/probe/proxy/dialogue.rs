//! Legs of a dialogue: ask, read the challenge, answer it on the same connection or on a new one.

mod signed_in;

use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::header::{self, HeaderName, HeaderValue};
use secrecy::ExposeSecret as _;
use tokio::time::timeout;

use super::acquaintance::{Asking, Beginning};
use super::authenticator::Authenticator;
use super::gates::Gate;
use super::https;
use crate::auth::{self, Answer, Offer};
use crate::catalogue::Endpoint;
use crate::observation::{Credential, Fault, Leg, Token, TunnelEvidence};
use crate::plan::{Identity, PlannedRoute, Proxy, ProxyScheme, Scheme, SchemeChoice};
use crate::probe::connect::{self, Attempts};
use crate::probe::exchange::{self, Body, BodyEnd, Broken, Exchange, Head, Reply, Request, USER_AGENT};
use crate::probe::secrets::Secrets;
use crate::probe::stream::Connection;
use crate::probe::{Context, http};

/// More rounds than any scheme needs, with a renewed nonce and everything.
const MOST_ROUNDS: usize = 8;

/// A proxy that closes behind its 407 without announcing it does so at once. A password sent into the closing connection
/// would be lost, and nobody could tell whether it was looked at.
const CLOSING_PATIENCE: Duration = Duration::from_millis(20);

/// A proxy that closes every connection before anything is said on it is not tried for ever.
const MOST_CONNECTIONS: u32 = 8;

/// What the proxy is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Tunnel,
    Absolute,
}

/// One row's dialogue with its proxy.
pub(super) struct Dialogue<'a> {
    pub proxy: &'a Proxy,
    pub endpoint: &'a Endpoint,
    pub context: &'a Context,
    pub authenticator: Authenticator<'a>,
    pub evidence: TunnelEvidence,
    pub gate: Arc<Gate>,
    identity: Identity,
    target: Target,
    attempts: &'a Attempts,
    pub secrets: &'a Secrets,
    connections: u32,
}

/// The first reply that is not a challenge.
pub(super) struct Final {
    pub exchange: Exchange,
    pub reply: Reply,
    pub head: Head,
    pub asked: Instant,
}

/// What became of a connection whose refusal was read.
enum Drained {
    Open(Box<Exchange>),
    Closed,
    /// The page was longer, or slower, than this program reads: it was this side that let the connection go.
    NotRead,
}

impl Drained {
    fn into_open(self) -> Option<Exchange> {
        match self {
            Self::Open(exchange) => Some(*exchange),
            Self::Closed | Self::NotRead => None,
        }
    }
}

impl<'a> Dialogue<'a> {
    /// # Errors
    /// When there is nothing to say: no proxy, or no credential for the route's identity.
    pub fn new(
        endpoint: &'a Endpoint,
        route: &'a PlannedRoute,
        target: Target,
        attempts: &'a Attempts,
        (context, secrets): (&'a Context, &'a Secrets),
    ) -> Result<Self, (Fault, TunnelEvidence)> {
        let evidence = TunnelEvidence::default();
        let PlannedRoute::Proxy { proxy, identity, scheme } = route else {
            let detail = "the direct route has no proxy to speak to".to_owned();
            return Err((Fault::Unrecognised { detail }, evidence));
        };
        let choice = if *identity == Identity::Bypass { SchemeChoice::Auto } else { *scheme };
        let gate = context.proxies.of(proxy);
        match Authenticator::new(
            (*identity, choice),
            proxy,
            gate.clone(),
            (&context.access, &context.tickets),
            &context.net,
        ) {
            Ok(authenticator) => Ok(Self {
                proxy,
                endpoint,
                context,
                authenticator,
                evidence,
                gate,
                identity: *identity,
                target,
                attempts,
                secrets,
                connections: 1,
            }),
            Err(fault) => Err((fault, evidence)),
        }
    }

    /// Speaks until the proxy no longer asks for credentials.
    pub async fn converse(&mut self, stream: Connection) -> Result<Final, Fault> {
        let mut exchange = self.begin(stream).await?;
        let beginning = self.beginning().await;
        let mut last_offers: Vec<Offer> = beginning.offers().to_vec();
        let (mut answer, mut asking) = self.first_credential(beginning).await;
        for _ in 0..MOST_ROUNDS {
            let (reply, head, asked) = match self.leg(&mut exchange, answer.as_ref()).await {
                Ok(answered) => answered,
                Err(fault)
                    if is_closed_at_opening(&fault, answer.as_ref())
                        && self.authenticator.gives_ntlm_up(&last_offers) =>
                {
                    exchange = self.reconnect().await?;
                    answer = Some(self.next_answer(&last_offers).await?);
                    continue;
                }
                Err(fault) => return Err(fault),
            };
            let offers = challenges(&reply);
            match asking.take() {
                Some(asking) if head.status == 407 && !offers.is_empty() => asking.challenged(&offers),
                Some(asking) if offers.is_empty() => asking.let_through(),
                Some(_) | None => {}
            }
            let is_challenge = match head.status {
                407 => true,
                // Some proxies challenge under a server's status; the header tells.
                401 | 403 => !offers.is_empty() && self.authenticator.is_expectant(),
                _ => false,
            };
            if !is_challenge {
                match head.status {
                    401 | 403 if !offers.is_empty() && self.evidence.scheme.is_some() => {
                        return Err(self.authenticator.refused());
                    }
                    // These are said before a password was looked at, as often as after it. Whether it counted as a wrong
                    // one nobody knows, so it is not sent again.
                    400 | 401 | 429 | 431 | 500 | 503 if !was_passed_on(&head) => {
                        if answer.as_ref().is_some_and(Answer::tries_password) {
                            self.authenticator.broke_off();
                        }
                    }
                    _ => self.authenticator.accepted(),
                }
                return Ok(Final { exchange, reply, head, asked });
            }
            let drained = self.drain(exchange, reply, &head, asked).await?;
            let is_page_read = !matches!(drained, Drained::NotRead);
            let same = drained.into_open();
            let is_refusal = answer.as_ref().is_some_and(|sent| sent.token == Some(Token::NtlmType3));
            let same = match same {
                Some(exchange) if is_refusal && !self.authenticator.is_proved() => {
                    if self.is_signed_in(exchange).await {
                        self.authenticator.accepted();
                        return Err(Fault::CredentialsNoLongerTaken { is_first: false });
                    }
                    None
                }
                same => same,
            };
            let next = self.next_answer(&offers).await?;
            last_offers = offers;
            let is_spent = answer.as_ref().is_some_and(|sent| is_spent(sent, &next));
            let next = answer.insert(next);
            exchange = match same {
                Some(exchange) if !is_spent => exchange,
                None if next.is_bound() && is_page_read => return Err(Fault::ClosedMidExchange),
                None if next.is_bound() => return Err(Fault::PageNotRead),
                same => {
                    // Two at once would be one more than the proxy was to see.
                    drop(same);
                    self.reconnect().await?
                }
            };
        }
        Err(Fault::AuthenticationLoop)
    }

    /// What the proxy's offers get.
    async fn next_answer(&mut self, offers: &[Offer]) -> Result<Answer, Fault> {
        let uri = self.uri();
        let next = self.authenticator.answer(offers, (self.method(), &uri)).await;
        // A credential that was held back is decided by its scheme as well as one that was sent.
        self.evidence.scheme = self.authenticator.considered().or(self.evidence.scheme);
        self.evidence.passed_over = self.authenticator.passed_over().to_vec();
        next
    }

    /// What is known before anything is asked.
    async fn beginning(&self) -> Beginning {
        let acquaintance = &self.gate.acquaintance;
        if self.authenticator.has_credential() {
            acquaintance.begin(&self.request_line()).await
        } else {
            Beginning::Bare(acquaintance.ask(&self.request_line()))
        }
    }

    /// The credential of the first request, or that others may learn from its being bare.
    async fn first_credential(&mut self, beginning: Beginning) -> (Option<Answer>, Option<Asking>) {
        let uri = self.uri();
        let (answer, asking) = match beginning {
            Beginning::Challenged(offers) => {
                (self.authenticator.begin(&offers, true, (self.method(), &uri)).await, None)
            }
            Beginning::Offered(offers) => (self.authenticator.begin(&offers, false, (self.method(), &uri)).await, None),
            Beginning::LetThrough(asking) => (None, Some(asking)),
            Beginning::Bare(asking) => match self.authenticator.begin_unknown().await {
                Some(answer) => (Some(answer), None),
                None => (None, Some(asking)),
            },
        };
        self.evidence.scheme = self.authenticator.considered();
        self.evidence.passed_over = self.authenticator.passed_over().to_vec();
        (answer, asking)
    }

    /// `CONNECT host:443`, `GET http://host/path`.
    pub fn request_line(&self) -> String {
        format!("{} {}", self.method(), self.uri())
    }

    /// `host:port`, as a tunnel's target is written.
    pub fn authority(&self) -> String {
        format!("{}:{}", http::bracketed(&self.endpoint.host), self.endpoint.port)
    }

    pub fn connection(&self) -> u32 {
        self.connections
    }

    fn method(&self) -> &'static str {
        match self.target {
            Target::Tunnel => "CONNECT",
            Target::Absolute => "GET",
        }
    }

    fn uri(&self) -> String {
        match self.target {
            Target::Tunnel => self.authority(),
            Target::Absolute => format!("http://{}{}", http::authority(self.endpoint), self.endpoint.probe.path),
        }
    }

    /// To an https proxy: TLS first, and no credential unless this machine accepts its certificate.
    async fn begin(&mut self, stream: Connection) -> Result<Exchange, Fault> {
        let stream = if self.proxy.scheme == ProxyScheme::Https {
            let (stream, evidence) = https::shake_hands(stream, self.proxy, self.context).await;
            let detail = evidence.detail.clone();
            self.evidence.tls = Some(evidence);
            let stream = stream?;
            if let Some(detail) = detail
                && self.identity != Identity::Bypass
            {
                return Err(Fault::ProxyCertificateRejected { detail });
            }
            stream
        } else {
            stream
        };
        Exchange::begin(stream).await.map_err(|broken| match broken {
            Broken::Hyper(error) => Fault::Unrecognised { detail: error.to_string() },
            Broken::Ended | Broken::HeadTooLarge => Fault::ClosedByPeer { received: 0 },
        })
    }

    async fn reconnect(&mut self) -> Result<Exchange, Fault> {
        let deadline = self.context.plan.budget.connect;
        let stream = timeout(deadline, self.context.net.connect(self.attempts.carried()))
            .await
            .map_err(|_| Fault::ConnectTimeout)?
            .map_err(|error| connect::fault(&error))?;
        self.connections += 1;
        self.begin(Box::new(stream)).await
    }

    /// One request and the head of its reply. A connection that the proxy closed while nothing was asked of it is
    /// replaced, as every client does; but what is made of a password goes out once, so its connection is looked at before.
    async fn leg(&mut self, exchange: &mut Exchange, answer: Option<&Answer>) -> Result<(Reply, Head, Instant), Fault> {
        let tries_password = answer.is_some_and(Answer::tries_password);
        let is_bound = answer.is_some_and(Answer::is_bound);
        loop {
            let is_first_on_connection = self.evidence.legs.last().is_none_or(|leg| leg.connection != self.connections);
            // Waiting for others, the first request's connection may have grown old.
            let is_usable = !tries_password
                || is_bound
                || if is_first_on_connection {
                    exchange.is_open().await
                } else {
                    exchange.stays_open(CLOSING_PATIENCE).await
                };
            if !is_usable {
                if self.connections >= MOST_CONNECTIONS {
                    return Err(Fault::ClosedByPeer { received: 0 });
                }
                self.note_closed();
                *exchange = self.reconnect().await?;
                continue;
            }
            let request = self.request(answer)?;
            let asked = Instant::now();
            let outcome = self.await_reply(exchange, request).await;
            let closed_unasked =
                matches!(outcome, Err(Fault::ClosedByPeer { received: 0 } | Fault::ResetByPeer { received: 0 }));
            if closed_unasked && !is_first_on_connection && !tries_password {
                self.note_closed();
                *exchange = self.reconnect().await?;
                continue;
            }
            let credential = answer.map(|answer| Credential {
                scheme: answer.scheme,
                length: answer.value.expose_secret().len(),
                detail: answer.detail.clone(),
                token: answer.token,
            });
            let mut leg = self.empty_leg(self.request_line(), credential, asked.elapsed());
            if let Some(answer) = answer {
                self.evidence.scheme = Some(answer.scheme);
            }
            let result = match outcome {
                Ok(reply) => {
                    let head = Head::of(&reply, exchange.seen());
                    keep_answer(&mut leg, &head, &reply);
                    Ok((reply, head, asked))
                }
                Err(_) if closed_unasked && is_bound => Err(Fault::ClosedMidExchange),
                Err(fault) => {
                    leg.body_start = exchange.seen().start();
                    Err(fault)
                }
            };
            self.evidence.legs.push(leg);
            if result.is_err() && tries_password {
                self.authenticator.broke_off();
            }
            return result;
        }
    }

    /// What was asked, of which nobody knows yet what comes back.
    fn empty_leg(&self, request: String, credential: Option<Credential>, took: Duration) -> Leg {
        Leg {
            connection: self.connections,
            request,
            credential,
            took,
            status: None,
            version: None,
            reason: String::new(),
            headers: Vec::new(),
            challenges: Vec::new(),
            body_start: Vec::new(),
            kept_open: false,
            left_unread: false,
        }
    }

    /// The proxy let the last leg's connection go after all.
    fn note_closed(&mut self) {
        if let Some(leg) = self.evidence.legs.last_mut() {
            leg.kept_open = false;
        }
    }

    async fn await_reply(&mut self, exchange: &mut Exchange, request: Request) -> Result<Reply, Fault> {
        let seen = exchange.seen().clone();
        match timeout(self.context.plan.budget.proxy_reply, exchange.ask(request)).await {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(broken)) => Err(exchange::fault(&broken, &seen)),
            Err(_) => Err(Fault::TimedOut { received: seen.count() }),
        }
    }

    /// Reads the body of a refusal, which has to be out of the way before the connection is used again.
    async fn drain(
        &mut self,
        mut exchange: Exchange,
        reply: Reply,
        head: &Head,
        asked: Instant,
    ) -> Result<Drained, Fault> {
        use hyper::body::Body as _;
        let is_measured = reply.body().size_hint().exact().is_some();
        let keeps_by_old_name = is_measured && keeps_proxy_connection(head);
        let mut body = Body::default();
        let end = if ends_connection(head) && !keeps_by_old_name {
            exchange.read(reply.into_body(), &mut body).await
        } else {
            let patience = self.context.plan.budget.proxy_reply.saturating_sub(asked.elapsed());
            exchange.read_page(reply.into_body(), &mut body, patience).await
        };
        let mut is_open = end == BodyEnd::Complete && exchange.is_open().await;
        // HTTP/1.0 proxies keep the connection under the name that browsers once gave this.
        if !is_open && end == BodyEnd::Complete && keeps_by_old_name {
            let (stream, rest) = exchange.take_back();
            exchange = Exchange::begin(stream).await.map_err(|broken| Fault::Unrecognised {
                detail: format!("the connection cannot be used again: {broken:?}"),
            })?;
            is_open = rest.is_empty();
        }
        let is_left = end == BodyEnd::LeftAlone && !ends_connection(head);
        if let Some(leg) = self.evidence.legs.last_mut() {
            leg.body_start = body.start;
            leg.kept_open = is_open;
            leg.left_unread = is_left;
        }
        Ok(match (is_open, is_left) {
            (true, _) => Drained::Open(Box::new(exchange)),
            (false, true) => Drained::NotRead,
            (false, false) => Drained::Closed,
        })
    }

    fn request(&self, answer: Option<&Answer>) -> Result<Request, Fault> {
        let mut request = match self.target {
            Target::Absolute => {
                let mut request = http::request(self.endpoint, &self.uri());
                keep_alive(&mut request);
                request
            }
            Target::Tunnel => tunnel_request(&self.uri())?,
        };
        let headers = request.headers_mut();
        if let Some(answer) = answer {
            let mut value = HeaderValue::from_bytes(answer.value.expose_secret()).map_err(|_| Fault::Unrecognised {
                detail: "the proxy's challenge has bytes that no header can carry".to_owned(),
            })?;
            value.set_sensitive(true);
            self.secrets.sent(self.authenticator.login(), &answer.value);
            headers.insert(header::PROXY_AUTHORIZATION, value);
        }
        Ok(request)
    }
}

/// Keeps the head of what came back.
fn keep_answer(leg: &mut Leg, head: &Head, reply: &Reply) {
    leg.status = Some(head.status);
    leg.version = Some(head.version.clone());
    leg.reason.clone_from(&head.reason);
    leg.headers.clone_from(&head.headers);
    leg.challenges = challenges(reply).iter().map(Offer::evidence).collect();
    // Corrected once the body of a refusal was read.
    leg.kept_open = (200..300).contains(&head.status);
}

/// `CONNECT` for `host:port`.
fn tunnel_request(authority: &str) -> Result<Request, Fault> {
    let unusable = |_: String| Fault::Unrecognised { detail: format!("'{authority}' cannot be asked for") };
    let mut request = Request::default();
    *request.method_mut() = hyper::Method::CONNECT;
    *request.uri_mut() =
        authority.parse().map_err(|error: hyper::http::uri::InvalidUri| unusable(error.to_string()))?;
    let host = HeaderValue::from_str(authority).map_err(|error| unusable(error.to_string()))?;
    request.headers_mut().insert(header::HOST, host);
    request.headers_mut().insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    keep_alive(&mut request);
    Ok(request)
}

/// As Windows asks for it, and as proxies of HTTP/1.0 need it.
fn keep_alive(request: &mut Request) {
    request.headers_mut().insert(HeaderName::from_static("proxy-connection"), HeaderValue::from_static("Keep-Alive"));
}

fn challenges(reply: &Reply) -> Vec<Offer> {
    auth::read_challenges(reply.headers().get_all(header::PROXY_AUTHENTICATE).iter().map(HeaderValue::as_bytes))
}

/// The proxy ended the connection on NTLM's first message, which names nobody.
fn is_closed_at_opening(fault: &Fault, sent: Option<&Answer>) -> bool {
    let is_closed = matches!(fault, Fault::ClosedByPeer { received: 0 } | Fault::ResetByPeer { received: 0 });
    is_closed && sent.is_some_and(|sent| sent.token == Some(Token::NtlmType1))
}

/// Whether the connection is of no use for `next`: schemes that sign a connection in have it for themselves. Where
/// Negotiate was tried, Squid looks at no other, and refuses a right password.
fn is_spent(sent: &Answer, next: &Answer) -> bool {
    let signs_in = matches!(sent.scheme, Scheme::Ntlm | Scheme::Negotiate);
    signs_in && (sent.scheme != next.scheme || sent.token == Some(Token::KerberosTicket))
}

/// Whether a refusal tells of the way beyond the proxy, on which nobody is sent whose password was not taken: Squid's own
/// header, or the standard one (RFC 9209).
fn was_passed_on(head: &Head) -> bool {
    const SQUID: [&str; 6] = [
        "ERR_DNS_FAIL",
        "ERR_CONNECT_FAIL",
        "ERR_SECURE_CONNECT_FAIL",
        "ERR_CANNOT_FORWARD",
        "ERR_READ_TIMEOUT",
        "ERR_LIFETIME_EXP",
    ];
    const STANDARD: [&str; 6] = [
        "error=dns_",
        "error=destination_",
        "error=tls_",
        "error=connection_refused",
        "error=connection_timeout",
        "error=connection_terminated",
    ];
    let says = |name: &str, words: &[&str]| {
        head.headers
            .iter()
            .filter(|header| header.name.eq_ignore_ascii_case(name))
            .any(|header| words.iter().any(|word| header.value.contains(word)))
    };
    says("x-squid-error", &SQUID) || says("proxy-status", &STANDARD)
}

fn keeps_proxy_connection(head: &Head) -> bool {
    head.version == "HTTP/1.0" && says(head, "proxy-connection", "keep-alive") && !says(head, "connection", "close")
}

/// Whether the proxy says that it closes the connection behind this answer (RFC 9112 §9.3).
fn ends_connection(head: &Head) -> bool {
    let is_kept_by_default = head.version != "HTTP/1.0";
    says(head, "connection", "close") || !(is_kept_by_default || says(head, "connection", "keep-alive"))
}

/// Whether a header of options holds this one.
fn says(head: &Head, name: &str, option: &str) -> bool {
    head.headers
        .iter()
        .filter(|header| header.is(name))
        .any(|header| header.value.split(',').any(|one| one.trim().eq_ignore_ascii_case(option)))
}
