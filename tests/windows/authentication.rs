//! Squid wants to know who asks: Basic, Digest, NTLM and Negotiate by SSPI, with what the Linux program says in the same world.
//!
//! Both programs ask the same proxy with the same name and password, one after the other. The stories themselves, with what
//! each code has to be, are those of the tests against real servers; here the two systems may not differ, and neither may send
//! a credential more than the other.

use std::collections::BTreeSet;
use std::process::{Command, Output};

use serde_json::Value;

use super::lab::said;
use super::wine::{Wine, everything};
use crate::accounts::{NAME, PASSWORD, basic, samba};
use crate::nginx::Nginx;
use crate::squid::{Policy, Squid};
use crate::waprobe::Check;
use crate::world::World;

/// Six hosts in place of fifteen: a login is judged by the first answers.
const FEWER_HOSTS: [&str; 5] = ["--no-direct", "--os", "win10-1803", "--solution", "update-compliance"];

#[test]
fn basic_and_digest_are_judged_as_on_linux() {
    let Some(story) = Story::new() else { return };
    let clear = ["--allow-basic-cleartext"];
    let basic = story.squid("basic", &Policy::Basic { name: NAME, password: PASSWORD });
    story.same(&basic, NAME, PASSWORD, &clear, &["ok ok", "blocked pauth.required"]);
    story.same(&basic, NAME, "not-this-one", &clear, &["blocked pauth.rejected"]);
    story.same(&basic, NAME, PASSWORD, &[], &["blocked pauth.basic_cleartext"]);

    let digest = story.squid("digest", &Policy::Digest { name: NAME, password: PASSWORD });
    story.same(&digest, NAME, PASSWORD, &[], &["ok ok", "blocked pauth.required"]);
    story.same(&digest, NAME, "not-this-one", &[], &["blocked pauth.rejected"]);
}

#[test]
fn ntlm_by_sspi_is_judged_as_on_linux() {
    let Some(story) = Story::new() else { return };
    let squid = story.squid("ntlm", &Policy::Schemes(&[("ntlm", samba(&story.world, "squid-2.5-ntlmssp"))]));
    let user = ["--identity", "user"];
    for name in [NAME, "CORP\\anna"] {
        story.same(&squid, name, PASSWORD, &user, &["ok ok"]);
    }
    story.same(&squid, NAME, "not-this-one", &user, &["blocked pauth.rejected"]);
    // This helper asks for one password, whoever is said to have it in whatever domain.
    story.same(&squid, "ELSEWHERE\\anna", PASSWORD, &user, &["ok ok"]);
}

#[test]
fn negotiate_that_carries_ntlm_and_a_list_of_schemes_are_judged_as_on_linux() {
    let Some(story) = Story::new() else { return };
    let spnego = samba(&story.world, "gss-spnego");
    let user = ["--identity", "user"];
    let negotiate = story.squid("negotiate", &Policy::Schemes(&[("negotiate", spnego.clone())]));
    story.same(&negotiate, NAME, PASSWORD, &user, &["ok ok"]);
    story.same(&negotiate, NAME, "not-this-one", &user, &["blocked pauth.rejected"]);

    let schemes =
        [("negotiate", spnego), ("ntlm", samba(&story.world, "squid-2.5-ntlmssp")), ("basic", basic(&story.world))];
    let several = story.squid("several", &Policy::Schemes(&schemes));
    let list = ["--identity", "user", "--allow-basic-cleartext", "--scheme", "negotiate,ntlm,digest,basic"];
    story.same(&several, NAME, PASSWORD, &list, &["ok ok", "blocked pauth.no_common_scheme"]);
}

/// Wine, and the servers that both programs ask.
struct Story {
    wine: Wine,
    world: World,
    servers: Nginx,
}

impl Story {
    fn new() -> Option<Self> {
        let wine = Wine::start()?;
        let world = World::new()?;
        let servers = world.genuine_servers();
        Some(Self { wine, world, servers })
    }

    fn squid(&self, name: &str, policy: &Policy) -> Squid {
        self.world.proxy(name, &self.servers, policy)
    }

    /// Runs both programs; `expected` are statuses and codes that rows have to have, so that two broken programs do not agree.
    #[track_caller]
    fn same(&self, squid: &Squid, name: &str, password: &str, more: &[&str], expected: &[&str]) {
        let what = format!("{name} with {password} and {more:?} at {}", squid.url);
        let check = |command: Option<Command>| {
            let file = self.world.file("password", &format!("{password}\n"));
            let mut check = Check::new(&self.world).direct_to(&self.servers).through(squid).args(FEWER_HOSTS);
            for argument in more {
                check = check.arg(argument);
            }
            check = check.args(["--proxy-user", name, "--proxy-password-file"]).arg(file).args(["--format", "json"]);
            command.into_iter().fold(check, Check::by).command()
        };
        let sent_by = |program: Option<Command>| {
            let before = squid.credentials().len();
            let output = check(program).output().expect("it starts");
            assert!(!everything(&output).contains(password), "{what}: the password was printed");
            (output, squid.credentials().len() - before)
        };
        let (linux, sent_on_linux) = sent_by(None);
        let (windows, sent_under_wine) = sent_by(Some(self.wine.waprobe()));

        let under_wine = same_verdicts(&what, &linux, &windows);
        assert_eq!(sent_under_wine, sent_on_linux, "{what}: as many credentials: {:#?}", squid.credentials());
        for row in expected {
            assert!(under_wine.contains(*row), "{what}: no row is {row}: {under_wine:#?}");
        }
    }
}

/// What both said; fails where they differ.
#[track_caller]
pub(super) fn same_verdicts(what: &str, linux: &Output, windows: &Output) -> BTreeSet<String> {
    let (on_linux, under_wine) = (verdicts(linux), verdicts(windows));
    let only = |one: &BTreeSet<String>, other: &BTreeSet<String>| {
        one.difference(other).cloned().collect::<Vec<_>>().join("\n  ")
    };
    assert!(
        on_linux == under_wine,
        "{what}\nunder Wine alone:\n  {}\non Linux alone:\n  {}",
        only(&under_wine, &on_linux),
        only(&on_linux, &under_wine)
    );
    assert_eq!(windows.status.code(), linux.status.code(), "{what}");
    under_wine
}

/// What a report says, and every pair of status and code in it, and which mechanism vouched on each route.
fn verdicts(output: &Output) -> BTreeSet<String> {
    let mut verdicts = said(output);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    for row in report["rows"].as_array().into_iter().flatten() {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        verdicts.insert(format!("{} {}", text(&row["status"]), text(&row["code"])));
        verdicts.insert(format!("{} by {}", row["route"]["key"], row["route"]["mechanism"]));
    }
    verdicts
}
