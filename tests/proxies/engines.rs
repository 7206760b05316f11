//! What Windows' own script engine makes of a script, and which line decided.

use std::time::Duration;

use waprobe::proxies::pac::{
    Evaluation, Limits, NameAnswers, Obstacle, ObstacleKind, Question, Reading, Script, World, evaluate, worst,
};

/// Windows 10 22H2, 11 23H2, 11 24H2.
const BUILDS: [u32; 3] = [19_045, 22_631, 26_100];

fn ask(script: &str, hosts: &[&str]) -> Evaluation {
    let script = Script::read(script.as_bytes()).expect("a script");
    let question = |host: &&str| Question { url: format!("https://{host}/"), host: (*host).to_owned() };
    let questions: Vec<Question> = hosts.iter().map(question).collect();
    let world = World {
        names: NameAnswers::Given([("proxy.example".to_owned(), vec![[10, 0, 0, 1].into()])].into()),
        ..World::at("2026-06-17T13:30:15Z".parse().expect("a moment"))
    };
    let limits = Limits { question: Duration::from_secs(5), whole: Duration::from_secs(20), ..Limits::default() };
    evaluate(&script, &questions, &world, &limits).expect("a script that can be asked")
}

/// What the builds make of the script for its one question.
fn readings(found: &Evaluation) -> [Reading; 3] {
    let whole = found.readability.as_ref().expect("somebody looked");
    BUILDS.map(|build| whole.reading(build).max(worst(&found.obstacles[0], build)))
}

/// The lines that decided each answer, the asked function's first.
fn lines(found: &Evaluation) -> Vec<Vec<usize>> {
    found.decided.iter().map(|places| places.iter().map(|place| place.line).collect()).collect()
}

const OLD: [Reading; 3] = [Reading::Reads; 3];
const BROKEN: [Reading; 3] = [Reading::Fails, Reading::Fails, Reading::Unknown];
const OPEN: [Reading; 3] = [Reading::Unknown; 3];

#[test]
fn a_script_in_modern_syntax_is_read_by_no_windows_that_is_known() {
    let modern = "const P = 'PROXY proxy.example:8080';\nfunction FindProxyForURL(u, h) { return P; }";
    let found = ask(modern, &["login.live.com"]);
    assert_eq!(found.replies[0].as_ref().expect("an answer").text, "PROXY proxy.example:8080");
    assert_eq!(readings(&found), BROKEN);
    let old = ask(&modern.replace("const", "var"), &["login.live.com"]);
    assert_eq!(readings(&old), OLD);
    // One function that is never called is enough: a script is read whole or not at all.
    let unused = "function never() { return () => 1; }\nfunction FindProxyForURL(u, h) { return 'DIRECT'; }";
    assert_eq!(readings(&ask(unused, &["login.live.com"])), BROKEN);
}

#[test]
fn a_method_of_later_editions_fails_only_where_the_script_comes_to_it() {
    let script = "function FindProxyForURL(url, host) {\n  if (host == 'login.live.com') return 'DIRECT';\n  \
                  if (host.startsWith('v10')) return 'PROXY a:1';\n  return ['PROXY', 'b:1'].reduce(function (x, y) { return x + ' ' + y; });\n}";
    let found = ask(script, &["login.live.com", "v10c.events.data.microsoft.com"]);
    assert!(found.readability.as_ref().is_some_and(|script| script.obstacles.is_empty()), "the syntax is old");
    assert_eq!(found.obstacles[0], []);
    let [Obstacle { kind: ObstacleKind::Missing, what, place: Some(place) }] = found.obstacles[1].as_slice() else {
        panic!("{:?}", found.obstacles[1]);
    };
    assert_eq!((what.as_str(), place.line), ("startsWith", 3));
    for later in [
        "['a'].forEach(function () {});",
        "[1].map(String);",
        "host.includes('x');",
        "host.trim();",
        "Object.keys({});",
        "[1].indexOf(1);",
        "Array.isArray([]);",
        "new Set();",
        "Date.now();",
        "(function () {}).bind(null);",
        "host['endsWith']('x');",
    ] {
        let found = ask(&format!("function FindProxyForURL(url, host) {{ {later} return 'DIRECT'; }}"), &["a.example"]);
        assert_eq!(readings(&found), BROKEN, "{later}");
    }
}

#[test]
fn what_a_script_brings_along_or_looks_for_first_is_no_obstacle() {
    for script in [
        "if (!String.prototype.startsWith) String.prototype.startsWith = function (s) { return this.indexOf(s) === 0; };\n\
         function FindProxyForURL(u, h) { return h.startsWith('a') ? 'PROXY a:1' : 'DIRECT'; }",
        "function FindProxyForURL(u, h) { var list = { map: function () { return 'PROXY a:1'; } }; return list.map(); }",
        "function FindProxyForURL(u, h) { return h.indexOf('a') === 0 && h.lastIndexOf('e') > 0 ? 'PROXY a:1' : 'DIRECT'; }",
        "function FindProxyForURL(u, h) { var d = new Date(); return d.getHours() < 25 ? 'PROXY a:1' : String(Math.random()); }",
        "function FindProxyForURL(u, h) { return h.replace(/x/g, 'y').split('.').slice(0).join('.') ? 'PROXY a:1' : ''; }",
        "function FindProxyForURL(u, h) { return isInNet(dnsResolve('proxy.example'), '10.0.0.0', '255.0.0.0') ? 'PROXY a:1' : ''; }",
    ] {
        let found = ask(script, &["a.example"]);
        assert_eq!(found.replies[0].as_ref().expect("an answer").text, "PROXY a:1", "{script}");
        assert_eq!(readings(&found), OLD, "{script}: {:?}", found.obstacles);
    }
}

#[test]
fn what_jscript_does_in_another_way_is_told_as_not_known() {
    for (script, expected) in [
        // JScript takes a negative start for the beginning.
        ("function FindProxyForURL(u, h) { return h.substr(-8) == '.example' ? 'PROXY a:1' : 'DIRECT'; }", "DIRECT"),
        ("function FindProxyForURL(u, h) { return ['a', ].length == 1 ? 'PROXY a:1' : 'DIRECT'; }", "DIRECT"),
        ("function FindProxyForURL(u, h) { return parseInt('010') == 10 ? 'PROXY a:1' : 'DIRECT'; }", "DIRECT"),
    ] {
        let found = ask(script, &["a.example"]);
        assert_eq!(readings(&found), OPEN, "{script}");
        assert!(found.obstacles[0][0].what.contains(expected), "{:?}", found.obstacles);
    }
    let with_a_base = "function FindProxyForURL(u, h) { return parseInt('010', 10) + parseInt(' 7px') == 17 ? 'PROXY a:1' : 'DIRECT'; }";
    assert_eq!(readings(&ask(with_a_base, &["a.example"])), OLD);
    // The same answer in both is no matter.
    let found =
        ask("function FindProxyForURL(u, h) { return h.substr(-8) + ['a', ].join() ? 'DIRECT' : ''; }", &["a.example"]);
    assert_eq!(readings(&found), OLD);
}

#[test]
fn a_script_that_only_jscript_can_run_answers_as_it_does_there() {
    let script = "function FindProxyForURL(u, h) { CollectGarbage(); return ScriptEngine() == 'JScript' ? 'PROXY a:1' : 'DIRECT'; }";
    let found = ask(script, &["a.example"]);
    assert_eq!(found.replies[0].as_ref().expect("an answer").text, "PROXY a:1");
    let refused =
        "function FindProxyForURL(u, h) { new ActiveXObject('Scripting.FileSystemObject'); return 'DIRECT'; }";
    assert!(ask(refused, &["a.example"]).replies[0].is_err());
}

#[test]
fn the_line_that_decided_is_that_of_the_answer() {
    let script = "var HOME = 'PROXY home:1';\n\
                  function pick(host) {\n  if (host == 'a.example') {\n    return 'PROXY a:1';\n  }\n  return other(host);\n}\n\
                  function other(host) { log(host);\n  return host == 'b.example' ? 'PROXY b:1'\n    : 'DIRECT'; }\n\
                  function log(x) { return x; }\n\
                  function FindProxyForURL(url, host) {\n  if (host == 'h.example') return HOME;\n  \
                  if (host == 'd.example') return\"DIRECT\";\n  var way;\n  if (host == 'v.example') {\n    way = 'PROXY v:1';\n  } else {\n    \
                  way = pick(host);\n  }\n  return way;\n}\n";
    let found = ask(script, &["a.example", "b.example", "c.example", "d.example", "h.example", "v.example"]);
    let answers: Vec<&str> =
        found.replies.iter().map(|reply| reply.as_ref().expect("an answer").text.as_str()).collect();
    assert_eq!(answers, ["PROXY a:1", "PROXY b:1", "DIRECT", "DIRECT", "PROXY home:1", "PROXY v:1"]);
    assert_eq!(
        lines(&found),
        [vec![21, 19, 4], vec![21, 19, 6, 9], vec![21, 19, 6, 9], vec![14], vec![13, 1], vec![21, 17]],
        "{:#?}",
        found.decided
    );
}

#[test]
fn the_line_is_right_in_every_form_of_a_function() {
    for (script, expected) in [
        ("var FindProxyForURL = function (url, host) {\n  return 'DIRECT';\n};", vec![2]),
        ("const FindProxyForURL = (url, host) =>\n  'DIRECT';", vec![2]),
        (
            "function FindProxyForURL(url, host) {\n  try {\n    return 'DIRECT';\n  } finally {\n    log();\n  }\n}\nfunction log() { return 'x'; }",
            vec![3],
        ),
        (
            "function FindProxyForURL(url, host) {\n  var d = 'DIRECT';\n  for (var i = 0; i < 3; i++) { d = 'DIRECT'; }\n  return (d);\n}",
            vec![4, 3],
        ),
        ("function FindProxyForURL(url, host) {\n  var way = 'PROXY';\n  way += ' a:1';\n  return way;\n}", vec![4, 3]),
        (
            "var o = {\n  pick: function () { return 'DIRECT'; } };\nfunction FindProxyForURL(url, host) { return o.pick(); }",
            vec![3, 2],
        ),
        (
            "function FindProxyForURL(url, host) {\n  if (isPlainHostName(host)) { return 'PROXY a:1'; }\n  else\n    return /* by default */ 'DIRECT' // here\n}",
            vec![4],
        ),
        // A function of the engine's made the text: no line but the own one.
        (
            "function name() { return 'DIRECT'; }\nfunction FindProxyForURL(url, host) {\n  return ['DIRECT', name()].slice(0, 1).join('');\n}",
            vec![3],
        ),
        (
            "function FindProxyForURLEx(url, host) { return 'DIRECT'; }\nfunction FindProxyForURL(url, host) { return 'PROXY a:1'; }",
            vec![1],
        ),
        (
            "function FindProxyForURL(url, host) {\n  return host == 'again' ? 'DIRECT' : FindProxyForURL(url, 'again');\n}",
            vec![2],
        ),
    ] {
        assert_eq!(lines(&ask(script, &["a.example"])), [expected], "{script}");
    }
}

#[test]
fn a_script_cannot_lie_about_its_lines() {
    // It finds out that it runs as a marked copy, and answers otherwise there.
    let script = "function FindProxyForURL(url, host) {\n  if (String(FindProxyForURL).indexOf('wap' + 'robe') > 0) return 'PROXY liar:1';\n  return 'DIRECT';\n}";
    let found = ask(script, &["a.example"]);
    assert_eq!(found.replies[0].as_ref().expect("an answer").text, "DIRECT");
    assert_eq!(lines(&found), [Vec::<usize>::new()]);
}

#[test]
fn what_a_script_does_is_noted_once_however_often_it_is_run() {
    let script = "function FindProxyForURL(u, h) { alert('x'); dnsResolve('proxy.example'); return h.substr(0, 1) ? 'DIRECT' : ''; }";
    let found = ask(script, &["a.example"]);
    assert_eq!((found.notes.alerts.len(), found.notes.lookups.len()), (1, 1));
}

/// The lists of the prelude and of the names that make a script run once more belong together: what is taken away and is not among
/// them would never be missed.
#[test]
fn whatever_a_later_edition_brought_is_missed() {
    for name in [
        "''.at(0)",
        "''.codePointAt(0)",
        "''.padStart(3)",
        "''.repeat(2)",
        "''.replaceAll('a', 'b')",
        "[].at(0)",
        "[].copyWithin(0, 1)",
        "[].every(String)",
        "[].fill(0)",
        "[].find(String)",
        "[].findLast(String)",
        "[].flat()",
        "[].flatMap(String)",
        "[].keys()",
        "[].some(String)",
        "[].toSorted()",
        "Array.from([])",
        "Array.of(1)",
        "Math.trunc(1)",
        "Math.sign(1)",
        "Math.hypot(1)",
        "Number.isInteger(1)",
        "Number.parseFloat('1')",
        "Object.assign({})",
        "Object.create(null)",
        "Object.entries({})",
        "Object.freeze({})",
        "Object.hasOwn({}, 'a')",
        "Reflect.ownKeys({})",
        "String.raw({ raw: [] })",
        "String.fromCodePoint(65)",
        "Symbol('a').toString()",
        "new Map().get(1)",
        "new Promise(String).then()",
        "new Proxy({}, {}).a",
        "new Uint8Array(1).length",
        "new WeakMap().get({})",
        "globalThis.parseInt('1')",
        "new Date().toISOString()",
        "BigInt(1).toString()",
    ] {
        let found = ask(&format!("function FindProxyForURL(url, host) {{ {name}; return 'DIRECT'; }}"), &["a.example"]);
        assert!(found.replies[0].is_ok(), "{name}: {:?}", found.replies);
        assert_eq!(readings(&found), BROKEN, "{name}: {:?}", found.obstacles);
    }
}
