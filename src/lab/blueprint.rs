//! What a world is to be like, before anything runs. A blueprint that says nothing is a healthy one.

use std::collections::HashMap;

use serde::Serialize;

use super::account::Account;
use super::dns::NameAnswer;
use super::http::Reply;
use super::origin::{Answer, Breakage, Filter, Front, Site, Tls};
use super::proxy::ProxyPlan;
use super::tickets::TicketPlan;
use crate::catalogue::TrustClass;
use crate::plan::{Budget, Identity, PlannedRoute, Proxy, SchemeChoice};

/// The plan of one world: every endpoint healthy and every name known, except as said here.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the check")]
pub struct Blueprint {
    /// Answers of the name server, by the endpoint's name in the catalogue.
    pub names: HashMap<&'static str, NameAnswer>,
    pub sites: HashMap<&'static str, Site>,
    /// Where endpoints stand, instead of at one address with their site behind it.
    pub places: HashMap<&'static str, Place>,
    /// Where all the others stand.
    pub elsewhere: Option<Place>,
    /// What a second name server, which the check compares with, says otherwise than the truth; none without it.
    pub other_names: Option<HashMap<&'static str, NameAnswer>>,
    /// The check sends dummy bytes up.
    pub uploads: bool,
    /// The check shakes hands with hellos of other forms too.
    pub hellos: bool,
    /// A device on the way accepts connections to addresses that nobody has.
    pub everybody_accepts: bool,
    /// A device on the direct route resets what is open at once beyond so many connections.
    pub limit: Option<usize>,
    /// Where the control stands: closed, silent or unreachable. Every other place is its own.
    pub control: Option<Place>,
    pub resolver: ResolverPlace,
    pub proxies: Vec<(ProxyPlan, ProxyPlace)>,
    pub routes: Vec<PlannedRoute>,
    /// A script that says which endpoint goes where, beside those routes.
    pub script: Option<ScriptPlan>,
    /// The device's own settings beside those routes: its registry, as Windows exports one.
    pub settings: Option<String>,
    /// Who logs in, and as what machine.
    pub user: Option<Account>,
    pub device: Option<Account>,
    pub basic_cleartext: bool,
    /// What tickets somebody gets, by the proxy's name; without any there is no Kerberos.
    pub tickets: Vec<(&'static str, TicketPlan)>,
    pub budget: Budget,
    /// Endpoints that the catalogue calls retired.
    pub retired: Vec<&'static str>,
    /// Classes whose root this machine's store lacks.
    pub missing_roots: Vec<TrustClass>,
    /// How far this machine's clock is ahead of everybody else's.
    pub clock_ahead: jiff::Span,
    pub expectations: Vec<Expectation>,
}

/// How an address treats a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Nobody listens.
    Closed,
    /// What arrives there is dropped. Only Linux lets an unprivileged program do that.
    #[cfg(target_os = "linux")]
    Silent,
    /// There is no way to the address.
    Unreachable,
    /// A second address, where nobody listens.
    OneOfTwoClosed,
    /// An IPv6 address beside the other, where nobody listens.
    Ipv6Closed,
    /// A second address, where somebody re-signs what the first leaves alone.
    OneOfTwoInspected,
    /// The same with an IPv6 address beside the other.
    Ipv6Inspected,
    /// An IPv6 address alone, and no way there.
    Ipv6Only,
    /// A private address behind a private-link alias.
    PrivateLink,
    /// The address of a blocklist, in place of its own.
    Sinkhole(std::net::Ipv4Addr),
    /// An alias of a filter in place of its own, and an address at which nobody listens.
    FilterAlias(&'static str),
    /// The same, and what the blueprint puts into the endpoint's place answers there.
    FilterPage(&'static str),
    /// An address that an agent on the way made up, and that leads to the endpoint all the same.
    Steered(std::net::Ipv4Addr),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyPlace {
    Listening,
    Closed,
    #[cfg(target_os = "linux")]
    Silent,
    Unreachable,
    /// Nobody knows the name.
    Unnamed,
}

/// A script, its server, and how the device comes by it.
#[derive(Debug, Clone)]
pub struct ScriptPlan {
    pub text: &'static str,
    /// How its server answers; nobody listens where it does not.
    pub answer: Option<Answer>,
    pub source: ScriptSource,
}

/// What leads a device to a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScriptSource {
    /// The check is given its address.
    Address,
    /// The check is given this domain, and this is the name wpad that exists.
    Wpad { domain: &'static str, name: Option<&'static str> },
    /// The device's settings name its address.
    Settings,
}

impl ScriptPlan {
    /// Served as it should be, at an address that the check is given.
    #[must_use]
    pub fn served(text: &'static str) -> Self {
        Self { text, answer: Some(Answer::Healthy), source: ScriptSource::Address }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResolverPlace {
    Listening,
    /// Over UDP; the TCP port is closed.
    DatagramsOnly,
    Closed,
}

/// What rows must come out as; one `[[expect]]` of `waprobe-expect/1`.
#[derive(Debug, Clone, Serialize)]
pub struct Expectation {
    /// A route's key or a pattern.
    pub route: String,
    pub endpoints: Vec<&'static str>,
    pub status: Vec<&'static str>,
    pub code: Vec<&'static str>,
}

impl Default for Blueprint {
    fn default() -> Self {
        Self {
            names: HashMap::new(),
            sites: HashMap::new(),
            places: HashMap::new(),
            elsewhere: None,
            other_names: None,
            uploads: false,
            hellos: false,
            everybody_accepts: false,
            limit: None,
            control: None,
            resolver: ResolverPlace::Listening,
            proxies: Vec::new(),
            routes: Vec::new(),
            script: None,
            settings: None,
            user: None,
            device: None,
            basic_cleartext: false,
            tickets: Vec::new(),
            budget: Budget::default(),
            retired: Vec::new(),
            missing_roots: Vec::new(),
            clock_ahead: jiff::Span::new(),
            expectations: Vec::new(),
        }
    }
}

/// Sites, names and routes are said one by one, so that a scenario reads like a story.
impl Blueprint {
    /// A healthy world with the direct route.
    #[must_use]
    pub fn direct() -> Self {
        Self { routes: vec![PlannedRoute::Direct], ..Self::default() }
    }

    /// A healthy world in which this script chooses the ways.
    #[must_use]
    pub fn directed_by(script: &'static str) -> Self {
        Self::choosing(ScriptPlan::served(script))
    }

    /// The same, with this of its server or of the way to it.
    #[must_use]
    pub fn choosing(script: ScriptPlan) -> Self {
        Self { script: Some(script), ..Self::default() }
    }

    /// A healthy world, checked along the ways of a device with these settings.
    #[must_use]
    pub fn of_device(settings: String) -> Self {
        Self { settings: Some(settings), ..Self::default() }
    }

    /// Adds this proxy, and the route through it that no one authenticates.
    #[must_use]
    pub fn through(self, proxy: ProxyPlan) -> Self {
        self.route(&proxy, Identity::Bypass, SchemeChoice::Auto).proxy(proxy)
    }

    /// Adds this proxy, and the routes through it on which the user and the machine account log in.
    #[must_use]
    pub fn as_both(self, proxy: ProxyPlan) -> Self {
        self.route(&proxy, Identity::User, SchemeChoice::Auto)
            .route(&proxy, Identity::Device, SchemeChoice::Auto)
            .proxy(proxy)
    }

    /// Adds this proxy, and the route through it on which the user logs in.
    #[must_use]
    pub fn as_user(self, proxy: ProxyPlan) -> Self {
        self.route(&proxy, Identity::User, SchemeChoice::Auto).proxy(proxy)
    }

    /// The same, and this is what the directory says of a ticket for it.
    #[must_use]
    pub fn by_ticket(mut self, proxy: ProxyPlan, ticket: TicketPlan) -> Self {
        self.tickets.push((proxy.name, ticket));
        self.as_user(proxy)
    }

    /// A healthy world with this proxy, and the route through it that no one authenticates.
    #[must_use]
    pub fn behind(proxy: ProxyPlan) -> Self {
        Self::default().through(proxy)
    }

    #[must_use]
    pub fn proxy(self, proxy: ProxyPlan) -> Self {
        self.proxy_at(proxy, ProxyPlace::Listening)
    }

    #[must_use]
    pub fn proxy_at(mut self, proxy: ProxyPlan, place: ProxyPlace) -> Self {
        self.proxies.push((proxy, place));
        self
    }

    #[must_use]
    pub fn route(mut self, proxy: &ProxyPlan, identity: Identity, scheme: SchemeChoice) -> Self {
        self.routes.push(PlannedRoute::Proxy { proxy: address(proxy), identity, scheme });
        self
    }

    /// The user's login; Basic may go in clear, because nothing here leaves the machine.
    #[must_use]
    pub fn user(mut self, account: Account) -> Self {
        self.user = Some(account);
        self.basic_cleartext = true;
        self
    }

    #[must_use]
    pub fn name(mut self, endpoint: &'static str, answer: NameAnswer) -> Self {
        self.names.insert(endpoint, answer);
        self
    }

    #[must_use]
    pub fn place(mut self, endpoint: &'static str, place: Place) -> Self {
        self.places.insert(endpoint, place);
        self
    }

    /// Every endpoint without a place of its own stands there.
    #[must_use]
    pub fn everything(self, place: Place) -> Self {
        Self { elsewhere: Some(place), ..self }
    }

    /// The host that tells one blocked endpoint from a closed network stands there.
    #[must_use]
    pub fn control(self, place: Place) -> Self {
        Self { control: Some(place), ..self }
    }

    /// The endpoint is healthy but for its certificate and handshake.
    #[must_use]
    pub fn tls(mut self, endpoint: &'static str, change: impl FnOnce(Tls) -> Tls) -> Self {
        let mut site = Site::healthy(true);
        if let Front::Tls(tls) = site.front {
            site.front = Front::Tls(change(tls));
        }
        self.sites.insert(endpoint, site);
        self
    }

    /// Connections to the endpoint never get as far as HTTP.
    #[must_use]
    pub fn broken(self, endpoint: &'static str, breakage: Breakage) -> Self {
        self.front(endpoint, Front::Broken(breakage))
    }

    /// A device before the endpoint stops some hellos.
    #[must_use]
    pub fn filtered(self, endpoint: &'static str, filter: Filter, breakage: Breakage) -> Self {
        self.front(endpoint, Front::Filtered(filter, breakage))
    }

    /// What stands before the endpoint's answers.
    #[must_use]
    pub fn front(mut self, endpoint: &'static str, front: Front) -> Self {
        self.sites.insert(endpoint, Site { front, ..Site::healthy(false) });
        self
    }

    /// The endpoint is healthy but for its answers.
    #[must_use]
    pub fn answer(mut self, endpoint: &'static str, answer: Answer) -> Self {
        let site = Site { answer, ..Site::healthy(endpoint != PLAIN_ENDPOINT) };
        self.sites.insert(endpoint, site);
        self
    }

    #[must_use]
    pub fn reply(self, endpoint: &'static str, reply: Reply) -> Self {
        self.answer(endpoint, Answer::Reply(Box::new(reply)))
    }

    #[must_use]
    pub fn budget(mut self, change: impl FnOnce(&mut Budget)) -> Self {
        change(&mut self.budget);
        self
    }

    /// These rows of the route last added come out as `status` with `code`.
    #[must_use]
    pub fn expect(self, endpoints: &[&'static str], status: &'static str, code: &'static str) -> Self {
        let key = match self.routes.last() {
            // What decides is only known when the proxy has said what it offers.
            Some(route @ PlannedRoute::Proxy { identity: Identity::User | Identity::Device, .. }) => {
                format!("{}*", route.key(None))
            }
            Some(route) => route.key(None).0,
            None => "*".to_owned(),
        };
        self.expect_on(&key, endpoints, status, code)
    }

    /// These rows of the route last added come out in one of these ways, and who of them how is left open.
    #[must_use]
    pub fn expect_any(self, status: &[&'static str], code: &[&'static str]) -> Self {
        let mut blueprint = self.expect(&["*"], "ok", "ok");
        if let Some(expectation) = blueprint.expectations.last_mut() {
            expectation.status = status.to_vec();
            expectation.code = code.to_vec();
        }
        blueprint
    }

    #[must_use]
    pub fn expect_on(
        mut self,
        route: &str,
        endpoints: &[&'static str],
        status: &'static str,
        code: &'static str,
    ) -> Self {
        self.expectations.push(Expectation {
            route: route.to_owned(),
            endpoints: endpoints.to_vec(),
            status: vec![status],
            code: vec![code],
        });
        self
    }

    /// The expectations as `waprobe-expect/1`, behind the first of all: that every row is ok.
    pub(super) fn expectation_text(&self) -> String {
        #[derive(Serialize)]
        struct File {
            schema: &'static str,
            expect: Vec<Expectation>,
        }
        let all_ok = Expectation { route: "*".to_owned(), endpoints: vec!["*"], status: vec!["ok"], code: vec!["ok"] };
        let expect = std::iter::once(all_ok).chain(self.expectations.iter().cloned()).collect();
        toml::to_string(&File { schema: "waprobe-expect/1", expect }).expect("texts and lists have a form in TOML")
    }
}

/// The one endpoint without TLS.
const PLAIN_ENDPOINT: &str = "adl";

/// The proxy as routes name it.
pub(super) fn address(proxy: &ProxyPlan) -> Proxy {
    Proxy { scheme: proxy.scheme, host: proxy.host(), port: proxy.port }
}
