//! Where a script sends each endpoint.
//!
//! In: what a script answered for every endpoint. Out: the ways of each, and the routes that a plan needs for them. Never:
//! a question to the script; it was asked before, once per endpoint.
//!
//! What an answer means here:
//! - The ways are tried in their order: a device uses the first, and the others when it cannot be reached.
//! - `PROXY` and `DIRECT` are the words that Windows' services know. Entries with other words are told and not tried,
//!   because a way that Windows never goes proves nothing.
//! - Where a script fails for an endpoint, or leaves nothing that Windows knows, a device goes out directly. So does the
//!   check, and the finding says why.
//! - A Windows that cannot run the script goes directly too, so that the direct route is tried beside the script's ways where
//!   some version is known to be such a one.
//! - Without the direct route (`--no-direct`) `DIRECT` is no way to fall back on. Where it is the first way, the endpoint
//!   has no other, and leaving it out would hide what devices do.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{Path, PlannedRoute, Proxy};
use crate::proxies::pac::{
    Answer, Choice, Evaluation, Lookup, Obstacle, Place, Reading, ScriptFailure, ScriptReadability, without_logins,
    worst,
};

/// More proxies than this are no failover: somebody put a list of them into a script, and each would see a password.
const MOST_PROXIES: usize = 16;

/// What a script said, kept with the plan so that a recording says the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Directions {
    pub script: AskedScript,
    /// One per endpoint of the plan.
    pub endpoints: Vec<Direction>,
}

/// A script, and what it was told about the world.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedScript {
    /// Its address or file, without a user's name and password.
    pub name: String,
    /// Without the names and passwords that somebody may have written into it.
    pub text: String,
    /// The function that was called.
    pub function: String,
    /// The moment that it saw, as this machine's clock shows it.
    pub at: String,
    /// What it was told when it asked for the machine's own address; empty when it did not ask.
    pub own_addresses: Vec<IpAddr>,
    /// The names that it asked for.
    pub lookups: Vec<Lookup>,
    /// It draws lots: a device may get another of its answers.
    pub chance: bool,
    /// What stands in the way of Windows' own script engine; nothing in recordings that are older than this question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readability: Option<ScriptReadability>,
}

/// What a script said for one endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Direction {
    /// Index into the catalogue's endpoints.
    pub endpoint: usize,
    /// Its answer, or how it failed.
    pub said: Said,
    /// In the order in which a device tries them; never none.
    pub ways: Vec<Way>,
    pub remarks: Vec<DirectionRemark>,
    /// What stands in the way of Windows' own script engine on the script's way to this answer, beside what stands in the
    /// way of the whole script.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub obstacles: Vec<Obstacle>,
    /// Where the script decided it: the `return` of its function, then what made the value that it gave back. Empty where nobody
    /// knows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decided: Vec<Place>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Said {
    /// In the script's own words.
    Answer(String),
    /// The same, and no entry of it is a way that Windows knows.
    Unusable(String),
    Failure {
        /// `pac.eval_error` or `pac.eval_timeout`.
        code: String,
        /// With the line of the script.
        text: String,
    },
}

/// Something about one answer that somebody has to know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DirectionRemark {
    /// The code of the finding, where it is one.
    pub code: Option<String>,
    pub text: String,
}

/// One way out.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Way {
    Direct,
    Through(Proxy),
}

/// More proxies than one run tries.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the script names {0} proxies, and one run tries {MOST_PROXIES} at most: name those that matter with --proxy instead"
)]
pub struct TooManyProxies(pub usize);

impl Directions {
    /// The answers of `evaluation` for `endpoints`, which were asked for in this order.
    ///
    /// # Errors
    /// When the answers name more proxies than one run tries.
    pub fn read(
        name: String,
        text: &str,
        at: String,
        own_addresses: &[IpAddr],
        endpoints: &[usize],
        evaluation: Evaluation,
    ) -> Result<Self, TooManyProxies> {
        let Evaluation { function, replies, readability, obstacles, decided, notes } = evaluation;
        let script = AskedScript {
            name,
            text: without_logins(text),
            function: function.to_owned(),
            at,
            own_addresses: if notes.own_address { own_addresses.to_vec() } else { Vec::new() },
            lookups: notes.lookups,
            chance: notes.chance,
            readability,
        };
        let obstacles = obstacles.into_iter().chain(std::iter::repeat_with(Vec::new));
        let decided = decided.into_iter().chain(std::iter::repeat_with(Vec::new));
        let endpoints = endpoints.iter().zip(replies.into_iter().zip(obstacles.zip(decided))).map(
            |(endpoint, (reply, (obstacles, decided)))| Direction {
                obstacles,
                decided,
                ..Direction::read(*endpoint, reply)
            },
        );
        let directions = Self { script, endpoints: endpoints.collect() };
        match directions.proxies().len() {
            count if count > MOST_PROXIES => Err(TooManyProxies(count)),
            _ => Ok(directions),
        }
    }

    /// What is to be tried: the direct route for those that go directly, then every proxy with the endpoints that it is
    /// named for, on the routes that `through` makes of it. `falls_back_directly` is whether `DIRECT` behind a proxy is a way.
    pub fn paths(&self, falls_back_directly: bool, through: impl Fn(&Proxy) -> Vec<PlannedRoute>) -> Vec<Path> {
        let goes_directly = |direction: &&Direction| {
            let tried = if falls_back_directly { direction.ways.len() } else { 1 };
            direction.ways.iter().take(tried).any(|way| *way == Way::Direct)
                || falls_back_directly && self.fails_somewhere(direction)
        };
        let direct: BTreeSet<usize> =
            self.endpoints.iter().filter(goes_directly).map(|direction| direction.endpoint).collect();
        let mut paths = Vec::new();
        if !direct.is_empty() {
            paths.push(Path { route: PlannedRoute::Direct, endpoints: Some(direct) });
        }
        for proxy in self.proxies() {
            let way = Way::Through(proxy.clone());
            let named = self.endpoints.iter().filter(|direction| direction.ways.contains(&way));
            let endpoints: BTreeSet<usize> = named.map(|direction| direction.endpoint).collect();
            let routes = through(proxy).into_iter();
            paths.extend(routes.map(|route| Path { route, endpoints: Some(endpoints.clone()) }));
        }
        paths
    }

    /// What the Windows of this build (such as 19045) makes of the script when it is asked for this endpoint. [`Reading::Reads`]:
    /// services go where the script sends them. [`Reading::Fails`]: they go directly or fail, whatever the script says.
    /// [`Reading::Unknown`]: nobody has published which of the two. `endpoint` is an index into the catalogue's endpoints.
    #[must_use]
    pub fn reading(&self, endpoint: usize, build: u32) -> Reading {
        let own = self.endpoints.iter().find(|direction| direction.endpoint == endpoint);
        self.reading_for(own, build)
    }

    /// The same for one of [`Self::endpoints`]; for none of them, what the Windows of this build makes of the script as a whole.
    #[must_use]
    pub fn reading_for(&self, direction: Option<&Direction>, build: u32) -> Reading {
        let whole = self.script.readability.as_ref().map_or(Reading::Reads, |script| script.reading(build));
        whole.max(direction.map_or(Reading::Reads, |direction| worst(&direction.obstacles, build)))
    }

    /// Whether something in the script, or in its answer for this one of [`Self::endpoints`], is not for every Windows.
    #[must_use]
    pub fn has_obstacle(&self, place: usize) -> bool {
        let whole = self.script.readability.iter().any(|script| !script.obstacles.is_empty());
        whole || self.endpoints.get(place).is_some_and(|direction| !direction.obstacles.is_empty())
    }

    /// Some Windows is known not to run the script for this endpoint: its services go directly.
    fn fails_somewhere(&self, direction: &Direction) -> bool {
        let whole = self.script.readability.iter().flat_map(|script| &script.obstacles);
        whole.chain(&direction.obstacles).any(|obstacle| obstacle.kind.fails_somewhere())
    }

    /// Every proxy that some answer names, those that are named first before the others.
    #[must_use]
    pub fn proxies(&self) -> Vec<&Proxy> {
        let mut places: BTreeMap<String, (usize, usize, &Proxy)> = BTreeMap::new();
        for (row, direction) in self.endpoints.iter().enumerate() {
            for (place, way) in direction.ways.iter().enumerate() {
                if let Way::Through(proxy) = way {
                    let best = places.entry(proxy.to_string()).or_insert((place, row, proxy));
                    if (place, row) < (best.0, best.1) {
                        *best = (place, row, proxy);
                    }
                }
            }
        }
        let mut proxies: Vec<_> = places.into_values().collect();
        proxies.sort_by_key(|(place, row, _)| (*place, *row));
        proxies.into_iter().map(|(_, _, proxy)| proxy).collect()
    }
}

impl Direction {
    fn read(endpoint: usize, reply: Result<Answer, ScriptFailure>) -> Self {
        let answer = match reply {
            Ok(answer) => answer,
            Err(failure) => {
                let said =
                    Said::Failure { code: failure.code().to_owned(), text: without_logins(&failure.to_string()) };
                return Self {
                    endpoint,
                    said,
                    ways: vec![Way::Direct],
                    remarks: Vec::new(),
                    obstacles: Vec::new(),
                    decided: Vec::new(),
                };
            }
        };
        let mut ways: Vec<Way> = Vec::new();
        for way in answer.for_winhttp().filter_map(Way::of) {
            if !ways.contains(&way) {
                ways.push(way);
            }
        }
        let remarks = answer
            .remarks
            .iter()
            .map(|remark| DirectionRemark { code: remark.code().map(str::to_owned), text: remark.to_string() });
        let remarks = remarks.collect();
        if ways.is_empty() {
            let said = Said::Unusable(answer.text);
            return Self {
                endpoint,
                ways: vec![Way::Direct],
                remarks,
                said,
                obstacles: Vec::new(),
                decided: Vec::new(),
            };
        }
        Self { endpoint, ways, remarks, said: Said::Answer(answer.text), obstacles: Vec::new(), decided: Vec::new() }
    }

    /// The script's own choice for this endpoint is to go directly; not what is left after a failure.
    #[must_use]
    pub fn is_sent_directly(&self) -> bool {
        matches!(self.said, Said::Answer(_)) && self.ways.first() == Some(&Way::Direct)
    }
}

impl Way {
    fn of(choice: &Choice) -> Option<Self> {
        match choice {
            Choice::Direct => Some(Self::Direct),
            Choice::Proxy { .. } => choice.url()?.parse().ok().map(Self::Through),
        }
    }

    /// Whether this is the way that `route` goes.
    #[must_use]
    pub fn is_of(&self, route: &PlannedRoute) -> bool {
        match self {
            Self::Direct => route.proxy().is_none(),
            Self::Through(proxy) => route.proxy() == Some(proxy),
        }
    }
}

impl TryFrom<String> for Way {
    type Error = super::ProxyMistake;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text == "direct" { Ok(Self::Direct) } else { text.parse().map(Self::Through) }
    }
}

impl From<Way> for String {
    fn from(way: Way) -> Self {
        way.to_string()
    }
}

impl fmt::Display for Way {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Direct => out.write_str("direct"),
            Self::Through(proxy) => proxy.fmt(out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Identity, SchemeChoice};
    use crate::proxies::pac::{FailureKind, Notes};

    fn evaluation(replies: Vec<Result<Answer, ScriptFailure>>) -> Evaluation {
        let notes = Notes::default();
        Evaluation {
            function: "FindProxyForURL",
            replies,
            readability: None,
            obstacles: Vec::new(),
            decided: Vec::new(),
            notes,
        }
    }

    fn directions(answers: &[&str]) -> Directions {
        let replies = answers.iter().map(|text| match *text {
            "(fails)" => Err(ScriptFailure { kind: FailureKind::NotText("undefined".to_owned()), place: None }),
            text => Ok(Answer::read(text)),
        });
        let evaluation = evaluation(replies.collect());
        let endpoints: Vec<usize> = (0..answers.len()).collect();
        Directions::read("proxy.pac".into(), "", String::new(), &[], &endpoints, evaluation).expect("few proxies")
    }

    fn bypass(proxy: &Proxy) -> Vec<PlannedRoute> {
        vec![PlannedRoute::Proxy { proxy: proxy.clone(), identity: Identity::Bypass, scheme: SchemeChoice::Auto }]
    }

    /// Each path as its route's key and its endpoints.
    fn paths(answers: &[&str], falls_back_directly: bool) -> Vec<(String, Vec<usize>)> {
        let paths = directions(answers).paths(falls_back_directly, bypass);
        let shown = |path: Path| (path.route.key(None).0, path.endpoints.into_iter().flatten().collect());
        paths.into_iter().map(shown).collect()
    }

    #[test]
    fn each_endpoint_is_tried_on_the_ways_that_its_answer_names_and_on_no_other() {
        let answers = ["PROXY a:1; PROXY b:2", "DIRECT", "PROXY b:2; DIRECT"];
        let expected = [
            ("direct".to_owned(), vec![1, 2]),
            ("http://a:1|bypass".to_owned(), vec![0]),
            ("http://b:2|bypass".to_owned(), vec![0, 2]),
        ];
        assert_eq!(paths(&answers, true), expected);
        let closed = paths(&answers, false);
        assert_eq!(closed[0], ("direct".to_owned(), vec![1]), "what the script itself sends directly stays");
    }

    #[test]
    fn what_windows_does_not_know_is_no_way_and_where_nothing_is_left_the_endpoint_goes_directly() {
        let read = directions(&["SOCKS5 s:1; PROXY a:1", "HTTPS s:443", "(fails)", ""]);
        let ways: Vec<Vec<String>> =
            read.endpoints.iter().map(|one| one.ways.iter().map(ToString::to_string).collect()).collect();
        assert_eq!(ways, [["http://a:1"], ["direct"], ["direct"], ["direct"]]);
        let chosen: Vec<bool> = read.endpoints.iter().map(Direction::is_sent_directly).collect();
        assert_eq!(chosen, [false, false, false, true], "an empty answer means DIRECT, a failure means nothing");
        let codes: Vec<Option<&str>> =
            read.endpoints.iter().map(|one| one.remarks.first().and_then(|remark| remark.code.as_deref())).collect();
        assert_eq!(codes, [Some("pac.unsupported_token"), Some("pac.unsupported_token"), None, None]);
        assert!(matches!(&read.endpoints[2].said, Said::Failure { code, .. } if code == "pac.eval_error"));
    }

    #[test]
    fn a_script_that_names_a_crowd_of_proxies_is_refused() {
        let crowd: Vec<String> = (0..=MOST_PROXIES).map(|number| format!("PROXY p{number}:1")).collect();
        let reply = Ok(Answer::read(&crowd.join(";")));
        let evaluation = evaluation(vec![reply]);
        let read = Directions::read("proxy.pac".into(), "", String::new(), &[], &[0], evaluation);
        assert_eq!(read, Err(TooManyProxies(MOST_PROXIES + 1)));
    }

    #[test]
    fn directions_survive_a_recording() {
        let read = directions(&["PROXY [2001:DB8::1]:8080; DIRECT", "(fails)"]);
        let text = serde_json::to_string(&read).expect("JSON");
        assert!(text.contains(r#""ways":["http://[2001:db8::1]:8080","direct"]"#), "{text}");
        assert_eq!(serde_json::from_str::<Directions>(&text).expect("the same"), read);
        assert!(serde_json::from_str::<Way>("\"ftp://a\"").is_err());
    }
}
