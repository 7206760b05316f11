//! What people and programs read: reports made by hand, in every form.

#[path = "report/changes.rs"]
mod changes;
#[path = "report/enrolment.rs"]
mod enrolment;
#[path = "report/explain.rs"]
mod explain;
#[path = "report/formats.rs"]
mod formats;
mod story;
#[path = "report/styles.rs"]
mod styles;

use insta::assert_snapshot;
use serde_json::Value;
use unicode_width::UnicodeWidthStr as _;
use waprobe::catalogue::{Catalogue, Listing, OsSelection, Solution};
use waprobe::judge::{Cause, Status};
use waprobe::plan::{Identity, PlannedRoute, Scheme};
use waprobe::report::expectation::Expectation;
use waprobe::report::outcome::{self, Conclusion, End, FailOn};
use waprobe::report::table;
use waprobe::report::terminal::Layout;
use waprobe::report::{FileVerdict, Report, endpoints, json, wording};

use story::{answer, by, through, told};

const PLAIN: Layout = Layout { width: 100, colour: false, ascii: false, verbose: false };

/// As the command line ends such a report.
fn exit_code(conclusion: &Conclusion) -> u8 {
    match conclusion {
        Conclusion::Clean => 0,
        Conclusion::Inconclusive => 3,
        Conclusion::OutOfTime => 4,
        Conclusion::Compared { unexpected } => u8::from(!unexpected.is_empty()),
        Conclusion::Findings => 1,
    }
}

fn shown(report: &Report, conclusion: &Conclusion, layout: Layout) -> String {
    let mut out = Vec::new();
    let end =
        End { conclusion, exit: exit_code(conclusion), ours: exit_code(conclusion), fail_on: None, changes: None };
    table::write(report, end, layout, &mut out).expect("memory takes everything");
    String::from_utf8(out).expect("UTF-8")
}

fn table(report: &Report, layout: Layout) -> String {
    shown(report, &outcome::conclude(report, None, None), layout)
}

fn at(width: usize) -> Layout {
    Layout { width, ..PLAIN }
}

#[test]
fn the_table_reads_at_every_width() {
    for width in [60, 80, 120, 200] {
        assert_snapshot!(format!("office_{width}"), table(&story::office(), at(width)));
    }
}

#[test]
fn no_line_is_wider_than_the_screen() {
    for report in [story::office(), story::clean(), story::many_routes()] {
        for width in [40, 60, 79, 80, 100, 120, 200] {
            for verbose in [false, true] {
                let table = table(&report, Layout { verbose, ..at(width) });
                let wide: Vec<&str> = table.lines().filter(|line| line.width() > width).collect();
                assert!(wide.is_empty(), "at {width}:\n{}", wide.join("\n"));
            }
        }
    }
}

#[test]
fn many_routes_stand_in_blocks_of_columns() {
    assert_snapshot!("many_routes_120", table(&story::many_routes(), at(120)));
    assert_snapshot!("many_routes_60", table(&story::many_routes(), at(60)));
}

#[test]
fn a_clean_network_takes_three_lines_and_more_only_when_asked() {
    let clean = story::clean();
    assert_snapshot!("clean", table(&clean, at(120)));
    assert_snapshot!("clean_verbose", table(&clean, Layout { verbose: true, ..at(120) }));
}

#[test]
fn colour_adds_nothing_but_colour_and_ascii_is_ascii() {
    let office = story::office();
    let coloured = table(&office, Layout { colour: true, ..at(120) });
    assert_snapshot!("office_colour", coloured.replace('\u{1b}', "␛"));
    let mut bare = String::new();
    let mut rest = coloured.as_str();
    while let Some((text, after)) = rest.split_once('\u{1b}') {
        bare.push_str(text);
        rest = after.split_once('m').expect("a colour ends with m").1;
    }
    bare.push_str(rest);
    assert_eq!(bare, table(&office, at(120)));
    let ascii = table(&office, Layout { ascii: true, ..at(120) });
    assert!(ascii.is_ascii(), "{:?}", ascii.chars().filter(|character| !character.is_ascii()).collect::<String>());
}

#[test]
fn headlines_are_true() {
    let proxy = "http://proxy.example:3128";
    let both = || vec![PlannedRoute::Direct, through(proxy, Identity::User)];
    let direct = || vec![PlannedRoute::Direct];
    for (report, headline) in [
        (
            told(&[], direct(), |_, _| answer(Cause::Ok)),
            "Diagnostic data gets out directly: all 15 endpoints answer, and no TLS connection is intercepted.",
        ),
        (
            told(&[], direct(), |_, name| answer(if name == "oca" { Cause::HttpThrottled } else { Cause::Ok })),
            "Diagnostic data gets out directly, with a remark on 1 of 15 probes, and no TLS connection is intercepted.",
        ),
        (
            told(&[], direct(), |_, _| answer(Cause::TcpTimeout)),
            "No diagnostic data gets out directly: packets are dropped without an answer (all 15 endpoints).",
        ),
        (
            told(&[], direct(), |_, name| answer(if name == "v10" { Cause::TcpTimeout } else { Cause::Ok })),
            "Not all diagnostic data gets out directly: packets are dropped without an answer (1 of 15 endpoints).",
        ),
        (
            told(&[], direct(), |_, _| answer(Cause::NotTested)),
            "Whether diagnostic data gets out directly is not decided: nothing was tested there.",
        ),
        (
            told(&[], direct(), |_, name| answer(if name == "v10" { Cause::ChainIncomplete } else { Cause::Ok })),
            "Whether diagnostic data gets out directly is not decided: 1 of 15 endpoints is inconclusive.",
        ),
        (
            told(&[], both(), |route, _| match route {
                0 => answer(Cause::DnsNoResolver),
                _ => by(Scheme::Digest, Cause::Ok),
            }),
            "Diagnostic data gets out through proxy.example:3128 as user (digest), but not directly: no name server can \
             be reached (all 15 endpoints).",
        ),
        (
            told(&[], both(), |route, name| match (route, name) {
                (0, _) | (_, "adl") => answer(Cause::Ok),
                (_, "v10" | "v10c" | "oca") => answer(Cause::ProxyDenied403),
                _ => answer(Cause::InterceptedUntrusted),
            }),
            "Diagnostic data gets out directly, but not through proxy.example:3128 as user: Zscaler Internet Access \
             inspects 11 of 14 TLS endpoints, and 3 endpoints are blocked.",
        ),
        (
            told(&[], both(), |route, name| match (route, name) {
                (0, _) => answer(Cause::TcpRefused),
                (_, "v10" | "v10c") => answer(Cause::NotTested),
                _ => answer(Cause::Ok),
            }),
            "No diagnostic data gets out directly: the connection is refused (all 15 endpoints). Whether it gets out \
             through proxy.example:3128 as user is not decided: 2 of 15 endpoints were not tested.",
        ),
        (
            told(&[], both(), |route, name| match (route, name) {
                (0, "v10") => answer(Cause::TcpRefused),
                (0, "v10c" | "oca") => answer(Cause::TcpTimeout),
                (0, _) => answer(Cause::Ok),
                _ => answer(Cause::ProxyTcpRefused),
            }),
            "Not all diagnostic data gets out. Directly: 3 of 15 endpoints are blocked, most often because packets are \
             dropped without an answer; through proxy.example:3128 as user: the proxy refuses the connection (all 15 \
             endpoints).",
        ),
    ] {
        assert_eq!(report.answer.headline, headline);
    }
}

#[test]
fn the_recommended_way_through_a_proxy_is_said_when_another_one_works() {
    let proxy = "http://proxy.example:3128";
    let routes =
        || vec![through(proxy, Identity::Bypass), through(proxy, Identity::User), through(proxy, Identity::Device)];
    let ways = |bypass: Cause, user: Cause, device: Cause| {
        wording::approaches(&told(&[], routes(), |route, _| match route {
            0 => answer(bypass.clone()),
            1 => by(Scheme::Ntlm, user.clone()),
            _ => by(Scheme::Negotiate, device.clone()),
        }))
        .join("\n")
    };
    let only_user = ways(Cause::PauthRequired, Cause::Ok, Cause::PauthRejected);
    assert!(only_user.contains("the signed-in user's login (ntlm) works: for Windows 10 1703 and later"));
    assert!(only_user.contains("Let through without a login, these hosts would work"), "{only_user}");
    assert!(!only_user.contains("computer account"));
    let device_too = ways(Cause::PauthRequired, Cause::Ok, Cause::Ok);
    assert!(device_too.contains("the computer account (negotiate) works"), "{device_too}");
    assert!(ways(Cause::Ok, Cause::PauthRejected, Cause::PauthRejected).contains("which is the recommended way"));
    let none = ways(Cause::PauthRequired, Cause::PauthRejected, Cause::PauthRejected);
    assert!(
        none.contains("no login that was tested gets everything through") && none.contains("Recommended: let"),
        "{none}"
    );
}

#[test]
fn one_device_gets_a_plain_answer_and_the_first_change() {
    let proxy = "http://proxy.example:3128";
    let ask = |os: &[&str], direct: fn(&str) -> Cause, user: fn(&str) -> Cause| {
        let routes = vec![PlannedRoute::Direct, through(proxy, Identity::User)];
        let report = told(os, routes, |route, endpoint| match route {
            0 => answer(direct(endpoint)),
            _ => by(Scheme::Ntlm, user(endpoint)),
        });
        (report.answer.headline.clone(), wording::first_change(&report).unwrap_or_default())
    };
    let closed = |_: &str| Cause::TcpTimeout;
    let open = |_: &str| Cause::Ok;
    let (yes, nothing) = ask(&["10.0.17763.316"], open, closed);
    assert_eq!(yes, "Yes: diagnostic data of build 10.0.17763.316 gets out directly.");
    assert_eq!(nothing, "");
    let (routes, nothing) = ask(&[], open, open);
    assert!(routes.starts_with("Diagnostic data gets out directly and through"), "{routes}");
    assert_eq!(nothing, "", "a run about routes has its list of changes");

    let spared = |endpoint: &str| if endpoint.contains("watcab") { Cause::InterceptedTrusted } else { Cause::Ok };
    let (no, change) = ask(&["win10-1809"], closed, spared);
    assert!(no.starts_with("No: diagnostic data of Windows 10 1809 does not get out for Device Health "), "{no}");
    let rest = "It gets out for Upgrade Readiness and Update Compliance through proxy.example:3128 as user (ntlm).";
    assert!(no.ends_with(rest), "{no}");
    let first = "First change, on proxy.example:3128 · user · ntlm, by the proxy team: in Zscaler, add a rule";
    assert!(change.starts_with(first) && change.ends_with("(intercepted.trusted)."), "{change}");

    // A user's login is sent from 1703 on: before, the way that it opens is none.
    let (no, change) = ask(&["win10-1607"], closed, open);
    assert!(no.starts_with("No: diagnostic data of Windows 10 1607 does not get out"), "{no}");
    assert!(no.contains("the proxy wants a login that these devices do not send"), "{no}");
    assert!(change.contains("(pauth.client_has_no_login)"), "{change}");

    let unclear = |endpoint: &str| if endpoint == "settings-win" { Cause::ChainIncomplete } else { Cause::Ok };
    let (question, nothing) = ask(&["win7-sp1"], unclear, closed);
    assert!(question.starts_with("Not decided: whether diagnostic data of Windows 7 SP1 gets out"), "{question}");
    assert_eq!(nothing, "");
}

/// The office report with every text that can come from outside replaced by one that wants to harm.
fn hostile() -> Report {
    const EVIL: &str = "\u{1b}[2J\u{7}\u{202e}evil\u{2062}\u{200b}\r\nForged: ok\u{9b}31m\u{2028}";
    let mut report = story::office();
    for row in &mut report.rows {
        row.endpoint.push_str(EVIL);
        row.group.push_str(EVIL);
        row.host.push_str(EVIL);
        row.summary.push_str(EVIL);
        row.evidence.push(EVIL.to_owned());
        row.route.proxy = row.route.proxy.take().map(|proxy| proxy + EVIL);
        if let Some(chain) = &mut row.chain {
            chain.product = Some(EVIL.to_owned());
            chain.certificates = chain
                .certificates
                .iter()
                .cloned()
                .map(|mut certificate| {
                    EVIL.clone_into(&mut certificate.issuer);
                    certificate
                })
                .collect();
        }
    }
    for finding in &mut report.findings {
        finding.title.push_str(EVIL);
        finding.remedy.insert_str(0, EVIL);
    }
    report.run.remarks.push(EVIL.to_owned());
    report
}

#[test]
fn nothing_from_outside_steers_the_terminal() {
    let report = hostile();
    for width in [60, 120] {
        for verbose in [false, true] {
            let table = table(&report, Layout { verbose, ..at(width) });
            let harmful: Vec<char> = table
                .chars()
                .filter(|character| {
                    (character.is_control() && *character != '\n')
                        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
                })
                .collect();
            assert!(harmful.is_empty(), "{harmful:?}");
            assert!(!table.lines().any(|line| line.starts_with("Forged")), "a line was forged");
        }
    }
}

#[test]
fn thousands_of_endpoints_do_not_print_thousands_of_lines() {
    let mut report = story::office();
    let row = report.rows[0].clone();
    for number in 0..10_000 {
        let mut row = row.clone();
        row.id = format!("x{number}");
        row.endpoint = format!("host-{number}");
        row.host = format!("host-{number}.example.test");
        row.group = String::new();
        if number % 100 == 7 {
            row.status = Status::Blocked;
            row.code = "tcp.refused".to_owned();
            row.host = format!("a{}.{number}.example", number % 13);
        }
        report.rows.insert(0, row);
    }
    for width in [60, 120] {
        let table = table(&report, at(width));
        assert!(table.lines().count() < 200, "{} lines", table.lines().count());
        assert!(
            table.contains(if width == 60 { "BLOCKED tcp.refused: 100 of 10,015" } else { "that are not ok" }),
            "{table}"
        );
    }
}

#[test]
fn an_endpoint_that_differs_from_its_like_has_a_line_of_its_own() {
    let report = told(&[], vec![PlannedRoute::Direct], |_, name| {
        answer(if name == "eaus2watcab02" { Cause::TcpRefused } else { Cause::Ok })
    });
    let table = table(&report, at(120));
    assert!(table.contains("eaus2watcab02.blob.core.windows.net       BLOCKED [1]"), "{table}");
    assert!(table.contains("*watcab0*.blob.core.windows.net (5 of 6)  ok "), "{table}");
}

mod ends {
    use super::*;

    fn end(fail_on: Option<&str>, tell: impl Fn(&str) -> Cause) -> Conclusion {
        let fail_on = fail_on.map(|list| FailOn::read(list).expect("a list"));
        let report = told(&["win10-22h2"], vec![PlannedRoute::Direct], |_, name| answer(tell(name)));
        outcome::conclude(&report, fail_on.as_ref(), None)
    }

    #[test]
    fn the_worst_that_happened_decides() {
        use Conclusion::{Clean, Findings, Inconclusive, OutOfTime};
        for (v10c, login, conclusion) in [
            (Cause::Ok, Cause::Ok, Clean),
            (Cause::HttpThrottled, Cause::TcpV6Broken, Clean),
            (Cause::TcpRefused, Cause::Ok, Findings),
            (Cause::InterceptedTrusted, Cause::Ok, Findings),
            (Cause::ChainIncomplete, Cause::Ok, Inconclusive),
            (Cause::ChainIncomplete, Cause::Budget, OutOfTime),
            (Cause::ChainIncomplete, Cause::PauthRequired, Findings),
            (Cause::Budget, Cause::DnsNxdomain, Findings),
            // Untested for another reason than time is no pass either.
            (Cause::NotTested, Cause::Ok, Inconclusive),
        ] {
            let tell = |name: &str| match name {
                "v10c" => v10c.clone(),
                "login-live" => login.clone(),
                _ => Cause::Ok,
            };
            assert_eq!(end(None, tell), conclusion, "{v10c:?} and {login:?}");
        }
    }

    #[test]
    fn what_nobody_requires_may_be_inconclusive() {
        // Update Compliance works without the account service, Device Health does not.
        let end = |solution: Solution| {
            let tell = |_, name: &str| answer(if name == "login-live" { Cause::ChainIncomplete } else { Cause::Ok });
            let report = story::told_of(&["win10-22h2"], &[solution], vec![PlannedRoute::Direct], tell);
            outcome::conclude(&report, None, None)
        };
        assert_eq!(end(Solution::UpdateCompliance), Conclusion::Clean);
        assert_eq!(end(Solution::DeviceHealth), Conclusion::Inconclusive);
    }

    #[test]
    fn a_list_replaces_what_counts_as_a_finding() {
        use Conclusion::{Clean, Findings, Inconclusive};
        let only_v10c = |cause: Cause| move |name: &str| if name == "v10c" { cause.clone() } else { Cause::Ok };
        assert_eq!(end(Some("intercepted"), only_v10c(Cause::TcpRefused)), Clean);
        assert_eq!(end(Some("intercepted"), only_v10c(Cause::InterceptedUntrusted)), Findings);
        assert_eq!(end(Some("intercepted,tcp.*"), only_v10c(Cause::TcpRefused)), Findings);
        assert_eq!(end(Some("proxy.*"), only_v10c(Cause::TcpRefused)), Clean);
        assert_eq!(end(Some("degraded"), only_v10c(Cause::HttpThrottled)), Findings);
        assert_eq!(end(Some("blocked"), only_v10c(Cause::ChainIncomplete)), Inconclusive);
        assert_eq!(end(Some("blocked,inconclusive"), only_v10c(Cause::ChainIncomplete)), Findings);
    }
}

mod expectations {
    use super::*;

    const HEAD: &str = "schema = \"waprobe-expect/1\"\n";

    fn compare(report: &Report, entries: &str) -> Result<Vec<(String, String)>, String> {
        let text = format!("{HEAD}{entries}");
        let expectation = Expectation::read("office.toml", &text).map_err(|mistakes| mistakes.to_string())?;
        let unexpected = expectation.compare(report).map_err(|mistakes| mistakes.to_string())?;
        Ok(unexpected
            .into_iter()
            .map(|difference| {
                let row = report.rows.iter().find(|row| row.id == difference.row).expect("a row of the report");
                (format!("{} {}", row.endpoint, row.route.key), difference.expected)
            })
            .collect())
    }

    fn entry(route: &str, endpoints: &str, status: &str) -> String {
        format!("[[expect]]\nroute = \"{route}\"\nendpoints = [{endpoints}]\nstatus = [{status}]\n")
    }

    #[test]
    fn later_entries_win_and_a_row_without_one_must_get_its_data_out() {
        let report = story::office();
        let bypass = entry("*|BYPASS", "'*'", "'blocked'") + "code = ['pauth.*']\n";
        let exempt = entry("*|bypass", "'settings-win.data.microsoft.com'", "'ok'");
        let user = entry("*|user|ntlm", "'*'", "'intercepted', 'inconclusive'");
        let not_tls = entry("*|user*", "'adl', 'settings-win'", "'ok'");
        let direct = entry("direct", "'oca'", "'ok', 'degraded'");
        let all = [bypass.as_str(), &exempt, &user, &not_tls, &direct].concat();
        assert_eq!(compare(&report, &all), Ok(Vec::new()));

        // A degraded row that no entry names gets its data out.
        let all = [bypass.as_str(), &exempt, &user, &not_tls].concat();
        assert_eq!(compare(&report, &all), Ok(Vec::new()));
        let strict = entry("direct", "'oca'", "'ok'");
        let all = [bypass.as_str(), &exempt, &user, &not_tls, &strict].concat();
        assert_eq!(compare(&report, &all), Ok(vec![("oca direct".to_owned(), "ok".to_owned())]));

        // In another order the general entry hides the exemption.
        let all = [exempt.as_str(), &bypass, &user, &not_tls, &direct].concat();
        let key = "settings-win http://proxy.contoso.example:8080|bypass".to_owned();
        assert_eq!(compare(&report, &all), Ok(vec![(key, "blocked with pauth.*".to_owned())]));
    }

    /// The proxy was down, and nobody can say by which scheme the user would have come through.
    #[test]
    fn a_row_on_which_no_scheme_was_decided_is_the_row_of_each() {
        let mut report = story::office();
        for row in report.rows.iter_mut().filter(|row| row.route.identity == Some(Identity::User)) {
            row.route.scheme = None;
            row.route.key.0 = "http://proxy.contoso.example:8080|user".to_owned();
            row.status = Status::Blocked;
        }
        let others = entry("direct", "'oca'", "'degraded'") + &entry("*|bypass", "'*'", "'blocked', 'ok'");
        for route in ["*|user|ntlm", "*|user|*", "*|user"] {
            let unexpected = compare(&report, &(others.clone() + &entry(route, "'*'", "'ok'"))).expect("it names rows");
            assert_eq!(unexpected.len(), 15, "{route}: not as expected, which is no mistake in the file");
        }
        assert!(compare(&report, &(others + &entry("*|device|ntlm", "'*'", "'ok'"))).is_err());
    }

    #[test]
    fn an_entry_that_matches_no_row_is_a_mistake_with_its_line() {
        let report = story::clean();
        let mistakes = compare(&report, &(entry("direct", "'*'", "'ok'") + &entry("*|user", "'*'", "'ok'")))
            .expect_err("there is no such route");
        assert_snapshot!(mistakes, @r"
        error: this entry matches no row of the report
         --> office.toml:6:1
          |
        6 | [[expect]]
          | ^^^^^^^^^^
          |
          = help: the routes of this report are `direct`, `http://proxy.contoso.example:8080|bypass`

        1 mistake in office.toml
        ");
        let mistakes = compare(&report, &entry("direct", "'v11'", "'ok'")).expect_err("there is no such endpoint");
        assert!(mistakes.contains("the endpoints of this report are `v10c`, `v10`, "), "{mistakes}");
    }

    #[test]
    fn an_entry_that_can_match_no_row_is_a_mistake_before_the_run() {
        use waprobe::plan::{Budget, Plan};
        let catalogue = Catalogue::embedded();
        let routes = vec![PlannedRoute::Direct, through("http://proxy.example:3128", Identity::User)];
        let os = OsSelection::read(&["win10-22h2"], None).expect("a version");
        let plan = Plan::new(&catalogue, routes, Budget::default(), os, Solution::ALL.to_vec());
        let check = |route: &str, endpoints: &str| {
            let text = format!("{HEAD}{}", entry(route, endpoints, "'ok'"));
            let expectation = Expectation::read("office.toml", &text).expect("readable");
            expectation.check_against(&catalogue, &plan).map_err(|mistakes| mistakes.to_string())
        };
        // Which scheme will decide is not known yet.
        for route in ["direct", "*|user", "*|user|ntlm", "*|user|*"] {
            assert_eq!(check(route, "'*'"), Ok(()), "{route}");
        }
        let mistake = check("*|bypass", "'*'").expect_err("nobody asks without credentials");
        assert!(mistake.contains("the routes of this run are `direct`, `http://proxy.example:3128|user`"), "{mistake}");
        assert!(mistake.contains("office.toml:2:1"), "{mistake}");
        // Known to the catalogue, and needed by no such device.
        assert!(
            check("direct", "'vortex-win'").is_err_and(|said| said.contains("the endpoints of this run are `v10c`"))
        );
    }

    #[test]
    fn all_mistakes_of_a_file_come_at_once() {
        let entries = "[[expect]]\nroutes = 'direct'\nendpoints = '*'\nstatus = ['blokced']\ncode = ['tcp.refuse']\n\
                       [[expect]]\nroute = 'direct'\nendpoints = []\nstatus = ['ok']\n";
        assert_snapshot!(compare(&story::clean(), entries).expect_err("full of mistakes"));
        assert!(Expectation::read("x", "").is_err_and(|mistakes| mistakes.to_string().contains("`schema` is missing")));
        assert!(Expectation::read("x", "schema = 'waprobe-expect/2'").is_err());
        assert!(Expectation::read("x", "[[[").is_err());
        assert!(Expectation::read("x", &" ".repeat(2 << 20)).is_err());
    }

    #[test]
    fn the_table_names_the_rows_that_differ() {
        let report = story::office();
        let expectation = Expectation::read("x", &format!("{HEAD}{}", entry("*|bypass", "'*'", "'blocked'")));
        let conclusion = outcome::compare(&report, &expectation.expect("readable")).expect("every entry has rows");
        assert_snapshot!("office_differs", shown(&report, &conclusion, at(120)));
        let clean = story::clean();
        let expectation = Expectation::read("x", &format!("{HEAD}{}", entry("direct", "'*'", "'ok'")));
        let conclusion = outcome::compare(&clean, &expectation.expect("readable")).expect("every entry has rows");
        assert!(shown(&clean, &conclusion, PLAIN).contains("Exit 0: all 30 rows are as expected."));
    }
}

mod contract {
    use std::fs;
    use std::path::PathBuf;

    use schemars::JsonSchema;
    use schemars::generate::SchemaSettings;

    use super::*;

    fn written(document: &impl serde::Serialize) -> String {
        let mut out = Vec::new();
        json::write(document, &mut out).expect("memory takes everything");
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn a_report_is_written_in_a_stable_order_and_read_back_the_same() {
        let mut report = story::office_on(&["win7-sp1"]);
        report.tool.version = "0.0.0".to_owned();
        let text = written(&report);
        assert_snapshot!("office_json", text);
        let read: Report = serde_json::from_str(&text).expect("our own report");
        assert_eq!(read, report);
    }

    /// The committed schemas are generated: `UPDATE_SCHEMAS=1 cargo test --test report` writes them anew.
    pub fn committed<T: JsonSchema>(name: &str) -> Value {
        is_committed(name, &SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>())
    }

    /// The same of what is read: there a key may be left out.
    pub fn committed_input<T: JsonSchema>(name: &str) -> Value {
        is_committed(
            name,
            &SchemaSettings::draft2020_12().for_deserialize().into_generator().into_root_schema_for::<T>(),
        )
    }

    fn is_committed(name: &str, schema: &schemars::Schema) -> Value {
        let generated = serde_json::to_string_pretty(schema).expect("a schema is JSON") + "\n";
        let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "schemas", name].iter().collect();
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            fs::write(&path, &generated).expect("schemas can be written");
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == generated, "{name} differs from the types: run UPDATE_SCHEMAS=1 cargo test --test report");
        serde_json::from_str(&committed).expect("a schema is JSON")
    }

    pub fn check(schema: &Value, document: &Value) -> Result<(), String> {
        let validator = jsonschema::draft202012::new(schema).expect("a schema");
        validator.validate(document).map_err(|error| format!("{}: {error}", error.instance_path))
    }

    #[test]
    fn reports_fit_the_committed_schema() {
        let schema = committed::<Report>("waprobe-report-1.schema.json");
        for report in [story::office(), story::clean(), story::many_routes(), hostile()] {
            let document: Value = serde_json::from_str(&written(&report)).expect("JSON");
            assert_eq!(check(&schema, &document), Ok(()));
        }
        let mut document: Value = serde_json::from_str(&written(&story::clean())).expect("JSON");
        document["rows"][0]["status"] = "fine".into();
        assert!(check(&schema, &document).is_err(), "the schema refuses a status that is none");
        let mut document: Value = serde_json::from_str(&written(&story::clean())).expect("JSON");
        document["rows"][0].as_object_mut().expect("a row").remove("chain");
        assert!(check(&schema, &document).is_err(), "the schema misses a key that is always there");
    }

    #[test]
    fn listings_and_verdicts_on_files_fit_theirs() {
        let schema = committed::<Listing>("waprobe-endpoints-1.schema.json");
        let listing = Listing::of(&Catalogue::embedded(), &Solution::ALL, &OsSelection::all());
        assert_eq!(check(&schema, &serde_json::to_value(&listing).expect("JSON")), Ok(()));

        let schema = committed::<FileVerdict>("waprobe-verdict-1.schema.json");
        let report = story::office();
        for chain in report.rows.iter().filter_map(|row| row.chain.clone()) {
            let verdict = FileVerdict {
                host: "v10c.events.data.microsoft.com".to_owned(),
                status: Status::Ok,
                code: "ok".to_owned(),
                summary: String::new(),
                chain,
            };
            assert_eq!(check(&schema, &serde_json::to_value(&verdict).expect("JSON")), Ok(()));
        }
    }
}

#[test]
fn the_endpoints_are_listed_for_people() {
    let listing = Listing::of(&Catalogue::embedded(), &Solution::ALL, &OsSelection::all());
    for width in [60, 100] {
        let mut out = Vec::new();
        endpoints::write(&listing, at(width), &mut out).expect("memory takes everything");
        let text = String::from_utf8(out).expect("UTF-8");
        assert!(text.lines().all(|line| line.width() <= width), "{text}");
        if width == 100 {
            assert_snapshot!("endpoints", text);
        }
    }
}

#[test]
fn what_is_written_is_json_with_numbers() {
    let mut out = Vec::new();
    json::write(&story::office(), &mut out).expect("memory takes everything");
    let document: Value = serde_json::from_slice(&out).expect("JSON");
    let timings = &document["rows"][0]["timings_ms"];
    assert!(timings["total"].is_f64() && timings["proxy"].is_null(), "{timings}");
    assert_eq!(document["rows"][15]["route"]["key"], "http://proxy.contoso.example:8080|bypass");
    assert_eq!(document["rows"][30]["route"]["key"], "http://proxy.contoso.example:8080|user|ntlm");
    assert!(out.ends_with(b"}\n"));
}
