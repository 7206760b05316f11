//! `waprobe check --pac`: a script says which endpoint goes where. Only loopback is asked: every proxy here is a port on
//! which nobody listens, and nothing is sent directly.

use std::net::TcpListener;
use std::path::Path;

use serde_json::{Value, json};

use super::command::pac::{answer, server};
use super::command::waprobe;

/// Where nobody listens: at an address of its own, so that no server of another test takes the port.
fn closed() -> String {
    let address = TcpListener::bind("127.9.9.9:0").and_then(|listener| listener.local_addr()).expect("a port");
    address.to_string()
}

fn script(body: &str) -> Vec<u8> {
    format!("function FindProxyForURL(url, host) {{ {body} }}").into_bytes()
}

/// The report of a run with these arguments; exit code 1, because every proxy is dead.
fn report(arguments: &[&str]) -> Value {
    let run = waprobe(&[&["check", "--format", "json", "--no-follow-ups"], arguments].concat(), "");
    assert_eq!((run.code, run.err.as_str()), (Some(1), ""), "{arguments:?}");
    serde_json::from_str(&run.out).expect("a report")
}

/// How many rows each route has, by its key.
fn rows_by_route(report: &Value) -> Vec<(String, usize)> {
    let mut routes: Vec<(String, usize)> = Vec::new();
    for row in report["rows"].as_array().expect("rows") {
        let key = row["route"]["key"].as_str().expect("a key");
        match routes.iter_mut().find(|(known, _)| known == key) {
            Some((_, count)) => *count += 1,
            None => routes.push((key.to_owned(), 1)),
        }
    }
    routes
}

fn file(folder: &Path, text: &[u8]) -> String {
    let path = folder.join("proxy.pac");
    std::fs::write(&path, text).expect("a file");
    path.display().to_string()
}

#[test]
fn each_endpoint_is_tried_where_the_script_sends_it_and_the_script_is_kept_with_the_run() {
    let (first, second) = (closed(), closed());
    let url = server(answer(
        "200 OK",
        &script(&format!(
            "if (shExpMatch(host, '*.blob.core.windows.net')) return 'PROXY {second}';
             return 'PROXY {first}; PROXY {second}; DIRECT';"
        )),
    ));
    let folder = tempfile::tempdir().expect("a folder");
    let recording = folder.path().join("run.jsonl").display().to_string();
    let report = report(&["--pac", &url, "--no-direct", "--record", &recording]);
    assert_eq!(
        rows_by_route(&report),
        [(format!("http://{first}|bypass"), 9), (format!("http://{second}|bypass"), 15)],
        "DIRECT is no way to fall back on without the direct route"
    );
    let told = &report["run"]["script"];
    assert_eq!((&told["name"], &told["function"]), (&json!(url), &json!("FindProxyForURL")));
    let ways = [format!("http://{first}"), format!("http://{second}"), "direct".to_owned()];
    assert_eq!(told["answers"][0]["ways"], json!(ways));
    let evidence = &report["rows"][0]["evidence"];
    assert_eq!(evidence[0], format!("the script {url} answers PROXY {first}; PROXY {second}; DIRECT"));
    assert_eq!(evidence[1], "this is the way that devices use");

    // The server is gone by now: a replay asks nobody.
    let replay = waprobe(&["replay", &recording, "--format", "json"], "");
    let again: Value = serde_json::from_str(&replay.out).expect("a report");
    assert_eq!(again, report);
}

#[test]
fn proxies_of_the_command_line_are_tried_for_every_endpoint_beside_the_script() {
    let (named, other) = (closed(), closed());
    let folder = tempfile::tempdir().expect("a folder");
    let pac =
        file(folder.path(), &script(&format!("return host == 'login.live.com' ? 'PROXY {named}' : 'PROXY {other}';")));
    let proxy = format!("http://{other}");
    let report = report(&["--pac", &pac, "--proxy", &proxy]);
    assert_eq!(
        rows_by_route(&report),
        [(format!("http://{other}|bypass"), 15), (format!("http://{named}|bypass"), 1)],
        "one row for each endpoint and route, however often it is named"
    );
}

#[test]
fn identities_ask_the_proxies_of_the_script_too() {
    let proxy = closed();
    let folder = tempfile::tempdir().expect("a folder");
    let pac = file(folder.path(), &script(&format!("return 'PROXY {proxy}';")));
    let password = folder.path().join("password");
    std::fs::write(&password, "only-good-on-loopback\n").expect("a file");
    let password = password.display().to_string();
    let report = report(&["--pac", &pac, "--proxy-user", "anna", "--proxy-password-file", &password]);
    let keys: Vec<String> = rows_by_route(&report).into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, [format!("http://{proxy}|bypass"), format!("http://{proxy}|user")]);
}

#[test]
fn a_login_that_stands_in_a_script_stands_nowhere_else() {
    let proxy = closed();
    let folder = tempfile::tempdir().expect("a folder");
    let pac = file(folder.path(), &script(&format!("return 'PROXY {proxy}; PROXY anna:hunter2@{proxy}';")));
    let recording = folder.path().join("run.jsonl").display().to_string();
    let report = report(&["--pac", &pac, "--record", &recording]);
    assert!(!report.to_string().contains("hunter2"), "{report:#}");
    let kept = std::fs::read_to_string(&recording).expect("the recording");
    assert!(kept.contains(&format!("PROXY …@{proxy}")) && !kept.contains("hunter2"), "{}", &kept[..2000]);

    let broken = file(folder.path(), b"function FindProxyForURL(u, h) { return 'PROXY anna:hunter2@p'; } }");
    let run = waprobe(&["check", "--pac", &broken], "");
    assert_eq!(run.code, Some(2));
    assert!(run.err.contains("'PROXY …@p'; } }") && !run.err.contains("hunter2"), "{}", run.err);
}

#[test]
fn an_expectation_names_the_rows_that_the_script_makes() {
    let proxy = closed();
    let folder = tempfile::tempdir().expect("a folder");
    let pac = file(folder.path(), &script(&format!("return 'PROXY {proxy}';")));
    let expect = folder.path().join("expect.toml");
    let entry = |route: &str| {
        format!(
            "schema = \"waprobe-expect/1\"\n[[expect]]\nroute = \"{route}\"\nendpoints = [\"*\"]\nstatus = [\"blocked\"]\n"
        )
    };
    let path = expect.display().to_string();
    for (route, code) in [("*|bypass", 0), ("direct", 2)] {
        std::fs::write(&expect, entry(route)).expect("a file");
        let run = waprobe(&["check", "--no-follow-ups", "--pac", &pac, "--expect", &path], "");
        assert_eq!(run.code, Some(code), "{route}: {}", run.err);
    }
}

#[test]
fn a_script_that_cannot_be_had_or_asked_ends_the_run_with_its_code_and_who_changes_what() {
    let html = b"<html><title>Sign in</title></html>".to_vec();
    let refused = format!("http://{}/proxy.pac", closed());
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str, text: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.display().to_string()
    };
    let crowd: Vec<String> = (1..=20).map(|number| format!("PROXY 127.0.0.1:{number}")).collect();
    for (pac, complaint) in [
        (
            server(answer("407 Proxy Authentication Required", b"")),
            "answered 407 (pac.http_status)\nproxy team: serve it",
        ),
        (
            server(answer("302 Found\r\nLocation: http://portal.example/", b"")),
            "pointing to http://portal.example/ (pac.http_status)",
        ),
        (server(answer("200 OK", &html)), "'Sign in', not a script (pac.not_script)\nproxy team: find out who"),
        (server(endless()), "it is larger than 1048576 bytes (pac.not_script)"),
        (at("large.pac", &vec![b' '; 5 << 20]), "(pac.not_script)"),
        (refused, "(pac.fetch_failed)\nproxy team: make it reachable"),
        ("file:///proxy.pac".to_owned(), "(pac.file_url)"),
        (at("loop.pac", &script("for (;;) {}")), "was stopped (pac.eval_timeout)\nproxy team: look for a loop"),
        (at("throw.pac", &script("throw new Error('not today');")), "line 1, column"),
        (
            at("nothing.pac", &script("")),
            "the script answered nothing (undefined), which is no list of proxies (pac.eval_error)",
        ),
        (at("crowd.pac", &script(&format!("return '{}';", crowd.join(";")))), "names 20 proxies, and one run tries 16"),
        (folder.path().join("missing.pac").display().to_string(), "could not read"),
    ] {
        let run = waprobe(&["check", "--timeout", "2s", "--pac", &pac], "");
        assert_eq!((run.code, run.out.as_str()), (Some(2), ""), "{pac}");
        assert!(run.err.contains(complaint), "{pac}: {}", run.err);
    }
    let run = waprobe(&["check", "--wpad", "example"], "");
    assert_eq!(run.code, Some(2));
    assert!(run.err.contains("(pac.wpad_not_found)") && run.err.contains("serve wpad.dat"), "{}", run.err);
}

/// An answer without an end, as far as anybody reads.
fn endless() -> Vec<u8> {
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{}", chunk.repeat(40)).into_bytes()
}

#[test]
fn a_script_comes_over_https_from_a_server_that_the_machine_trusts() {
    let proxy = closed();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let folder = tempfile::tempdir().expect("a folder");
    let roots = folder.path().join("root.pem");
    std::fs::write(&roots, made.cert.pem()).expect("a file");
    let roots = roots.display().to_string();
    let body = script(&format!("return 'PROXY {proxy}';"));
    let url = tls_server(&made, answer("200 OK", &body));
    let report = report(&["--machine-roots", &roots, "--pac", &url]);
    assert_eq!(rows_by_route(&report), [(format!("http://{proxy}|bypass"), 15)]);

    let stranger = concat!(env!("CARGO_MANIFEST_DIR"), "/catalogue/pki/root-microsoft-2011.pem");
    let url = tls_server(&made, answer("200 OK", &body));
    let run = waprobe(&["check", "--machine-roots", stranger, "--pac", &url], "");
    assert_eq!(run.code, Some(2));
    assert!(run.err.contains("UnknownIssuer (pac.fetch_failed)"), "{}", run.err);
}

/// A server over TLS that answers one request.
fn tls_server(made: &rcgen::CertifiedKey<rcgen::KeyPair>, answer: Vec<u8>) -> String {
    use std::io::{Read as _, Write as _};
    use std::sync::Arc;

    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let configuration = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("a configuration");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a client");
        let connection = rustls::ServerConnection::new(Arc::new(configuration)).expect("a connection");
        let mut stream = rustls::StreamOwned::new(connection, stream);
        // A client that does not believe the certificate goes away.
        let _ = stream.read(&mut [0; 2048]);
        let _ = stream.write_all(&answer);
        stream.conn.send_close_notify();
        let _ = stream.flush();
        let _ = stream.read(&mut [0; 2048]);
    });
    format!("https://localhost:{port}/proxy.pac")
}

/// What a check by this script says, and the codes of its findings.
fn findings_by(pac: &str) -> Vec<(String, String)> {
    let run = waprobe(
        &["check", "--format", "json", "--no-follow-ups", "--no-direct", "--identity", "bypass", "--pac", pac],
        "",
    );
    let report: Value = serde_json::from_str(&run.out).unwrap_or_else(|_| panic!("{pac}: {}", run.err));
    let text = |finding: &Value, name: &str| finding[name].as_str().unwrap_or_default().to_owned();
    let findings = report["findings"].as_array().expect("findings").iter();
    findings
        .map(|finding| (text(finding, "code"), format!("{} | {}", text(finding, "title"), text(finding, "remedy"))))
        .collect()
}

#[test]
fn a_script_that_windows_own_engine_cannot_run_is_a_finding_with_line_and_column() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("proxy.pac").display().to_string();
    let proxy = closed();
    for (script, expected) in [
        (
            format!("const P = 'PROXY {proxy}';\nfunction FindProxyForURL(u, h) {{ return P; }}"),
            Some("line 1, column 1: const"),
        ),
        (
            format!("function FindProxyForURL(u, h) {{\n  var f = h => 'PROXY {proxy}';\n  return f(h);\n}}"),
            Some("line 2, column 11: an arrow function (=>)"),
        ),
        (
            format!(
                "function FindProxyForURL(u, h) {{\n  if (h.endsWith('.live.com')) return 'PROXY {proxy}';\n  return 'PROXY {proxy}';\n}}"
            ),
            Some("line 2, column 9: endsWith"),
        ),
        (format!("function FindProxyForURL(u, h) {{ return 'PROXY {proxy}'; }}"), None),
    ] {
        std::fs::write(&path, &script).expect("a file");
        let found = findings_by(&path);
        let told = found.iter().find(|(code, _)| code == "pac.needs_newer_engine").map(|(_, title)| title.as_str());
        assert_eq!(told.is_some(), expected.is_some(), "{script}: {found:?}");
        assert!(told.unwrap_or_default().contains(expected.unwrap_or_default()), "{told:?}");
        let run = waprobe(&["pac", "eval", &path, "--format", "json"], "");
        assert_eq!(run.out.contains("\"pac.needs_newer_engine\""), expected.is_some(), "{}", run.out);
    }
}

#[test]
fn a_script_that_is_served_as_no_script_of_windows_is_a_finding() {
    let script = format!("function FindProxyForURL(u, h) {{ return 'PROXY {}'; }}", closed());
    for (kind, place, is_told) in [
        ("text/html", "/proxyconfig", true),
        ("text/plain; charset=utf-8", "/pac", true),
        ("application/javascript", "/proxy.php?site=1", true),
        ("text/html", "/proxy.pac", false),
        ("text/plain", "/WPAD.DAT", false),
        ("application/x-ns-proxy-autoconfig", "/proxyconfig", false),
    ] {
        let url = server(answer(&format!("200 OK\r\nContent-Type: {kind}"), script.as_bytes()));
        let found = findings_by(&url.replace("/proxy.pac", place));
        assert_eq!(found.iter().any(|(code, _)| code == "pac.content_type"), is_told, "{kind} {place}: {found:?}");
    }
}

#[test]
fn a_black_hole_is_no_proxy_that_is_down_and_its_line_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("proxy.pac").display().to_string();
    let down = closed();
    for (hole, is_one) in [("127.0.0.1:9", true), ("localhost:1", true), (down.as_str(), false)] {
        let script =
            format!("function FindProxyForURL(u, h) {{\n  var nowhere = 'PROXY {hole}';\n  return nowhere;\n}}");
        std::fs::write(&path, &script).expect("a file");
        let found = findings_by(&path);
        let told = found.iter().find(|(code, _)| code == "proxy.black_hole").map(|(_, words)| words.as_str());
        assert_eq!(told.is_some(), is_one, "{hole}: {found:?}");
        assert_eq!(found.iter().any(|(code, _)| code == "proxy.tcp_refused"), !is_one, "{hole}: {found:?}");
        if let Some(words) = told {
            assert!(
                words.contains(&format!("line 2 of {path} sends them there")) && !words.contains("running"),
                "{words}"
            );
        }
    }
}
