//! Scripts that choose proxies: the good, the broken and the hostile.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::tz::Offset;
use waprobe::proxies::pac::{
    Answer, Evaluation, FailureKind, Limits, NameAnswers, NotScript, Question, Remark, Script, ScriptFailure, World,
    evaluate,
};

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/fixtures/pac/{name}", env!("CARGO_MANIFEST_DIR"))).expect(name)
}

/// A Wednesday afternoon two hours east of Greenwich.
fn afternoon() -> World {
    World { offset: Offset::constant(2), ..World::at("2026-06-17T13:30:15Z".parse().expect("a moment")) }
}

fn names(list: &[(&str, &str)]) -> NameAnswers {
    let entry =
        |(name, address): &(&str, &str)| ((*name).to_owned(), vec![address.parse::<IpAddr>().expect("an address")]);
    NameAnswers::Given(list.iter().map(entry).collect())
}

fn question(url: &str) -> Question {
    let host = url.split("://").nth(1).and_then(|rest| rest.split(['/', ':']).next()).expect("a host");
    Question { url: url.to_owned(), host: host.to_owned() }
}

/// Room to be stopped in, short enough to wait for.
fn tight() -> Limits {
    Limits { question: Duration::from_millis(300), whole: Duration::from_secs(3), ..Limits::default() }
}

fn ask(script: &str, url: &str, world: &World) -> Result<Evaluation, ScriptFailure> {
    let script = Script::read(script.as_bytes()).expect("a script");
    evaluate(&script, &[question(url)], world, &tight())
}

/// The answer of a script that consists of this body.
fn answer(body: &str) -> Result<Answer, ScriptFailure> {
    answer_in(body, &afternoon())
}

fn answer_in(body: &str, world: &World) -> Result<Answer, ScriptFailure> {
    let script = format!("function FindProxyForURL(url, host) {{ {body} }}");
    ask(&script, "https://v10c.events.data.microsoft.com/", world)?.replies.remove(0)
}

/// What an expression is worth, as a text.
fn value(expression: &str) -> String {
    value_in(expression, &afternoon())
}

fn value_in(expression: &str, world: &World) -> String {
    match answer_in(&format!("return String({expression});"), world) {
        Ok(answer) => answer.text,
        Err(failure) => panic!("{expression}: {failure}"),
    }
}

fn failure(body: &str) -> ScriptFailure {
    answer(body).expect_err(body)
}

#[test]
fn a_company_s_script_sends_each_endpoint_where_it_should() {
    let script = Script::read(&fixture("office.pac")).expect("a script");
    let questions = [
        "https://v10c.events.data.microsoft.com/",
        "https://login.live.com/",
        "http://adl.windows.com/",
        "https://intranet/",
        "https://wiki.contoso.example/",
        "https://internal.example/",
    ]
    .map(question);
    let world = World { names: names(&[("internal.example", "192.0.2.7")]), ..afternoon() };
    let evaluation = evaluate(&script, &questions, &world, &Limits::default()).expect("an evaluation");
    let answers: Vec<String> = evaluation.replies.into_iter().map(|reply| reply.expect("an answer").text).collect();
    assert_eq!(
        answers,
        [
            "PROXY update-proxy.contoso.example:8080",
            "PROXY proxy1.contoso.example:8080; PROXY proxy2.contoso.example:8080; DIRECT",
            "PROXY clear.contoso.example:8080",
            "DIRECT",
            "DIRECT",
            "PROXY inner.contoso.example:3128",
        ]
    );
    let lookups = evaluation.notes.lookups.into_iter();
    let asked: BTreeMap<String, bool> = lookups.map(|lookup| (lookup.name, lookup.addresses.is_empty())).collect();
    assert_eq!(asked.get("internal.example"), Some(&false));
    assert_eq!(asked.get("login.live.com"), Some(&true), "a name nobody gave does not exist, and that is noted");
    assert!(!asked.contains_key("intranet"), "the script did not ask for it");
    assert!(!asked.contains_key("null"), "what a failed lookup gave is no name");
    assert!(evaluation.notes.own_address);
}

#[test]
fn the_same_script_answers_otherwise_at_night_and_in_a_branch() {
    let script = String::from_utf8(fixture("office.pac")).expect("text");
    let night = World::at("2026-06-17T22:30:00Z".parse().expect("a moment"));
    let reply = ask(&script, "https://login.live.com/", &night).expect("read").replies.remove(0).expect("an answer");
    assert!(reply.text.starts_with("SOCKS5 night.contoso.example:1080"));
    assert!(matches!(reply.remarks[..], [Remark::IgnoredByWinHttp { .. }]));
    let branch = World { own_addresses: vec![[10, 20, 3, 4].into()], ..night };
    let reply = ask(&script, "https://login.live.com/", &branch).expect("read").replies.remove(0).expect("an answer");
    assert_eq!(reply.text, "DIRECT");
}

#[test]
fn every_function_of_the_specification_is_there() {
    let world = World {
        names: NameAnswers::Given(BTreeMap::from([
            ("both.example".into(), vec!["2001:db8::5".parse().expect("v6"), [198, 51, 100, 7].into()]),
            ("six.example".into(), vec!["2001:db8::6".parse().expect("v6")]),
        ])),
        own_addresses: vec!["2001:db8::1".parse().expect("v6"), [10, 0, 0, 9].into()],
        ..afternoon()
    };
    for (expression, expected) in [
        ("isPlainHostName('www')", "true"),
        ("dnsDomainIs('www.contoso.example', '.contoso.example')", "true"),
        ("localHostOrDomainIs('www', 'www.contoso.example')", "true"),
        ("isResolvable('both.example')", "true"),
        ("isResolvable('six.example')", "false"),
        ("isResolvableEx('six.example')", "true"),
        ("isInNet('both.example', '198.51.100.0', '255.255.255.0')", "true"),
        ("isInNet('nowhere.example', '198.51.100.0', '255.255.255.0')", "false"),
        ("isInNet(null, '0.0.0.0', '0.0.0.0')", "false"),
        ("dnsResolve('BOTH.example.')", "198.51.100.7"),
        ("dnsResolve('nowhere.example')", "null"),
        ("dnsResolve('nowhere.example') === null", "true"),
        ("dnsResolve('203.0.113.9')", "203.0.113.9"),
        ("dnsResolveEx('both.example')", "2001:db8::5;198.51.100.7"),
        ("dnsResolveEx('nowhere.example') === ''", "true"),
        ("myIpAddress()", "10.0.0.9"),
        ("myIpAddressEx()", "2001:db8::1;10.0.0.9"),
        ("sortIpAddressList('10.0.0.2;2001:db8::1')", "2001:db8::1;10.0.0.2"),
        ("isInNetEx('2001:db8::5', '2001:db8::/32')", "true"),
        ("isInNetEx('both.example', '0.0.0.0/0')", "false"),
        ("dnsDomainLevels('www.contoso.example')", "2"),
        ("shExpMatch('https://a/b', 'https://*/b')", "true"),
        ("convert_addr('10.0.0.1')", "167772161"),
        ("weekdayRange('WED')", "true"),
        ("dateRange('JUN')", "true"),
        ("dateRange(17, 'JUN', 2026, 17, 'JUN', 2026)", "true"),
        ("timeRange(15)", "true"),
        ("timeRange(13, 'GMT')", "true"),
        ("getClientVersion()", "1.0"),
        ("typeof alert('x')", "undefined"),
        ("isPlainHostName()", "true"),
    ] {
        assert_eq!(value_in(expression, &world), expected, "{expression}");
    }
}

#[test]
fn the_newer_function_goes_first_where_both_are_defined() {
    let script =
        "function FindProxyForURL(u, h) { return 'PROXY old:1'; } const FindProxyForURLEx = (u, h) => 'PROXY new:1';";
    let evaluation = ask(script, "https://login.live.com/", &afternoon()).expect("read");
    assert_eq!(evaluation.function, "FindProxyForURLEx");
    assert_eq!(evaluation.replies[0].as_ref().map(|answer| answer.text.as_str()), Ok("PROXY new:1"));
}

#[test]
fn a_script_sees_the_time_it_is_given_and_no_other() {
    for (expression, expected) in [
        ("new Date().getTime()", "1781703015000"),
        ("Date.now()", "1781703015000"),
        ("new Date().getHours()", "15"),
        ("new Date().getUTCHours()", "13"),
        ("new Date().getDay()", "3"),
        ("new Date().getMonth()", "5"),
        ("new Date().getFullYear()", "2026"),
        ("new Date().getTimezoneOffset()", "-120"),
        ("new Date()", "Wed Jun 17 2026 15:30:15 GMT+0200"),
        ("Date()", "Wed Jun 17 2026 15:30:15 GMT+0200"),
        ("new Date(2026, 5, 17, 15, 30, 15).getTime()", "1781703015000"),
        ("new Date(0).toISOString()", "1970-01-01T00:00:00.000Z"),
        ("(function () { var d = new Date(); d.setHours(23, 30); return d.getTime() - Date.now(); })()", "28800000"),
        ("new Date() instanceof Date", "true"),
        ("new Date().constructor === Date", "true"),
    ] {
        assert_eq!(value(expression), expected, "{expression}");
    }
}

#[test]
fn chance_is_the_same_every_time_and_noted() {
    let script = "function FindProxyForURL() { return 'PROXY p' + Math.floor(Math.random() * 1000) + ':80'; }";
    let first = ask(script, "https://login.live.com/", &afternoon()).expect("read");
    let second = ask(script, "https://login.live.com/", &afternoon()).expect("read");
    assert!(first.notes.chance);
    assert_eq!(first.replies, second.replies);
    assert!(!ask("function FindProxyForURL() { return ''; }", "https://x/", &afternoon()).expect("read").notes.chance);
}

#[test]
fn alerts_are_kept_up_to_a_number() {
    let script = "function FindProxyForURL() { for (var i = 0; i < 1000; i++) alert('seen ' + i + 'x'.repeat(500)); return 'DIRECT'; }";
    let evaluation = ask(script, "https://login.live.com/", &afternoon()).expect("read");
    assert_eq!(evaluation.notes.alerts.len(), 20);
    assert!(evaluation.notes.alerts[19].starts_with("seen 19x"));
    assert!(evaluation.notes.alerts[19].len() <= 200);
}

#[test]
fn a_mistake_for_one_endpoint_leaves_the_others_their_answers() {
    let script = Script::read(&fixture("mistyped.pac")).expect("a script");
    let questions = ["https://ceuswatcab01.blob.core.windows.net/", "https://login.live.com/"].map(question);
    let evaluation = evaluate(&script, &questions, &afternoon(), &tight()).expect("read");
    let failure = evaluation.replies[0].as_ref().expect_err("a mistake");
    assert_eq!(failure.code(), "pac.eval_error");
    assert_eq!(
        failure.to_string(),
        "line 3, column 16: ReferenceError: useProxy is not defined\n  3 |         return useProxy(\"storage\");\n    |                ^"
    );
    assert_eq!(
        evaluation.replies[1].as_ref().map(|answer| answer.text.as_str()),
        Ok("PROXY proxy.contoso.example:8080")
    );
}

#[test]
fn a_script_that_does_not_parse_is_quoted() {
    let failure =
        ask("function FindProxyForURL(url, host) {\n  return 'DIRECT'\n  ;;; else }\n", "https://x/", &afternoon())
            .expect_err("a mistake");
    assert_eq!(failure.code(), "pac.eval_error");
    let shown = failure.to_string();
    assert!(shown.contains("SyntaxError"), "{shown}");
    assert!(shown.contains("3 |   ;;; else }"), "{shown}");
}

#[test]
fn what_is_thrown_is_told_whatever_it_is() {
    assert_eq!(failure("throw 'no proxy today';").kind, FailureKind::Threw("threw no proxy today".into()));
    assert_eq!(
        failure("throw { toString: function () { return 'an object'; } };").kind,
        FailureKind::Threw("threw an object".into())
    );
    assert_eq!(
        failure("throw { toString: function () { throw 1; } };").kind,
        FailureKind::Threw("threw something without a text".into())
    );
    assert!(
        matches!(failure("throw new Error('x'.repeat(100000));").kind, FailureKind::Threw(text) if text.len() < 400)
    );
    assert_eq!(failure("throw { toString: function () { for (;;); } };").code(), "pac.eval_timeout");
    assert!(matches!(failure("null.x;").kind, FailureKind::Threw(text) if text.starts_with("TypeError")));
}

#[test]
fn an_answer_that_is_no_text_is_refused_and_null_means_direct() {
    assert_eq!(failure("").to_string(), "the script answered nothing (undefined), which is no list of proxies");
    assert_eq!(failure("return 42;").kind, FailureKind::NotText("the value 42".into()));
    assert_eq!(failure("return true;").kind, FailureKind::NotText("the value true".into()));
    assert_eq!(failure("return ['PROXY a'];").kind, FailureKind::NotText("a value of type array".into()));
    assert_eq!(answer("return null;").map(|answer| answer.remarks), Ok(vec![Remark::Empty]));
    assert_eq!(ask("var x = 1;", "https://x/", &afternoon()).expect_err("none").kind, FailureKind::NoFunction);
    assert_eq!(
        ask("FindProxyForURL = 'DIRECT';", "https://x/", &afternoon()).expect_err("none").kind,
        FailureKind::NoFunction
    );
}

#[test]
fn a_login_page_in_place_of_a_script_is_recognised() {
    let found = Script::read(&fixture("portal.html"));
    assert_eq!(found, Err(NotScript::WebPage { title: Some("Welcome to Contoso Guest WiFi".into()) }));
    assert_eq!(found.expect_err("a page").code(), "pac.not_script");
}

#[test]
fn five_megabytes_are_refused_before_they_are_read() {
    let script = "// padding\n".repeat(5 << 20 >> 3);
    assert!(matches!(Script::read(script.as_bytes()), Err(NotScript::TooLarge { .. })));
}

#[test]
fn an_endless_loop_is_stopped_and_the_next_question_still_asked() {
    let script = "function FindProxyForURL(url, host) { if (host == 'loop') { try { for (;;); } catch (e) {} } return 'DIRECT'; }";
    let script = Script::read(script.as_bytes()).expect("a script");
    let questions = ["https://loop/", "https://login.live.com/"].map(question);
    let evaluation = evaluate(&script, &questions, &afternoon(), &tight()).expect("read");
    let stopped = evaluation.replies[0].as_ref().expect_err("stopped");
    assert_eq!((stopped.code(), &stopped.kind), ("pac.eval_timeout", &FailureKind::TimedOut(tight().question)));
    assert!(evaluation.replies[1].is_ok());
    assert_eq!(ask("for (;;);", "https://x/", &afternoon()).expect_err("stopped").code(), "pac.eval_timeout");
}

#[test]
fn a_script_that_loops_for_everybody_does_not_cost_the_time_of_all_questions() {
    let script = Script::read(b"function FindProxyForURL() { while (true) {} }").expect("a script");
    let questions: Vec<Question> = (0..50).map(|number| question(&format!("https://host{number}/"))).collect();
    let limits =
        Limits { question: Duration::from_millis(100), whole: Duration::from_millis(300), ..Limits::default() };
    let evaluation = evaluate(&script, &questions, &afternoon(), &limits).expect("read");
    assert_eq!(evaluation.replies.len(), 50);
    assert!(
        evaluation
            .replies
            .iter()
            .all(|reply| reply.as_ref().is_err_and(|failure| failure.code() == "pac.eval_timeout"))
    );
    assert_eq!(evaluation.replies[49].as_ref().expect_err("not asked").kind, FailureKind::NotAsked);
}

#[test]
fn a_regular_expression_that_never_ends_is_stopped() {
    assert_eq!(
        failure("return /^(a+)+$/.test('a'.repeat(40) + 'b') ? 'DIRECT' : 'PROXY p:1';").code(),
        "pac.eval_timeout"
    );
}

#[test]
fn two_hundred_thousand_parentheses_are_a_mistake_and_no_crash() {
    let deep = format!("{}1{}", "(".repeat(200_000), ")".repeat(200_000));
    let reading = ask(&format!("var x = {deep};"), "https://x/", &afternoon()).expect_err("too deep");
    assert_eq!(reading.kind, FailureKind::TooDeep, "{reading}");
    assert_eq!(failure("function f() { return f() + 1; } return f();").kind, FailureKind::TooDeep);
    let nested = failure("return eval('['.repeat(100000) + ']'.repeat(100000));");
    assert_eq!(nested.kind, FailureKind::TooDeep, "{nested}");
}

#[test]
fn a_memory_bomb_is_stopped() {
    for bomb in [
        "var a = []; for (;;) a.push(new Array(100000).join('x'));",
        "var s = 'x'; for (;;) s += s;",
        "return 'x'.repeat(1 << 29);",
        "return new ArrayBuffer(1 << 30);",
    ] {
        let failure = failure(bomb);
        // Which bound is met first is a matter of the machine's speed; a text that is too long is a mistake of its own.
        let stopped = match &failure.kind {
            FailureKind::OutOfMemory | FailureKind::TimedOut(_) => true,
            FailureKind::Threw(text) => text.contains("too long") || text.contains("invalid"),
            _ => false,
        };
        assert!(stopped, "{bomb}: {failure}");
    }
}

#[test]
fn a_resolver_that_hangs_is_left_behind() {
    let world = World {
        names: NameAnswers::Asked(Arc::new(|_| {
            std::thread::sleep(Duration::from_secs(60));
            Vec::new()
        })),
        ..afternoon()
    };
    let failure = answer_in("return dnsResolve(host) ? 'DIRECT' : 'PROXY p:1';", &world).expect_err("left behind");
    assert_eq!(failure.code(), "pac.eval_timeout");
}

#[test]
fn a_name_is_looked_up_once_and_nonsense_never() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = calls.clone();
    let names = NameAnswers::Asked(Arc::new(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
        vec![[192, 0, 2, 1].into()]
    }));
    let world = World { names, ..afternoon() };
    let body = "for (var i = 0; i < 100; i++) dnsResolve('A.example'); isInNet('a.example', '1.1.1.1', '255.0.0.0');
        dnsResolve('a b'); dnsResolve(''); dnsResolve('x'.repeat(300)); dnsResolve('a\\0b'); dnsResolve('192.0.2.7');
        for (var i = 0; i < 1000; i++) dnsResolve('host' + i); return 'DIRECT';";
    assert!(answer_in(body, &world).is_ok());
    assert_eq!(calls.load(Ordering::Relaxed), 256, "of a thousand names the first that fit the bound");
}

#[test]
fn nothing_of_this_machine_is_inside() {
    for name in [
        "require",
        "process",
        "std",
        "os",
        "fetch",
        "XMLHttpRequest",
        "ActiveXObject",
        "performance",
        "console",
        "setTimeout",
    ] {
        assert_eq!(value(&format!("typeof {name}")), "undefined", "{name}");
    }
    assert!(
        answer("return import('os') && 'DIRECT';").is_ok_and(|answer| answer.text == "DIRECT"),
        "a promise that is never kept"
    );
    assert!(ask("import * as os from 'os'; function FindProxyForURL() {}", "https://x/", &afternoon()).is_err());
}

#[test]
fn a_script_may_break_the_functions_it_was_given_without_breaking_us() {
    for body in [
        "Date = null; Math.random = 7; dnsResolve = undefined; return 'DIRECT';",
        "Object.prototype.toString = function () { for (;;); }; return 'DIRECT';",
        "String.prototype.split = null; Array.prototype.join = 1; return 'DIRECT';",
        "Object.defineProperty(Error.prototype, 'name', { get: function () { throw 1; } }); return 'DIRECT';",
    ] {
        assert_eq!(answer(body).map(|answer| answer.text), Ok("DIRECT".to_owned()), "{body}");
    }
    let odd = failure("Object.defineProperty(Error.prototype, 'name', { get: function () { throw 1; } }); null.x;");
    assert_eq!(odd.code(), "pac.eval_error");
    assert_eq!(failure("return '\\ud800';").code(), "pac.eval_error");
}
