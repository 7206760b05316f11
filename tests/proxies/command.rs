//! `waprobe pac eval` and `waprobe proxy` as a user runs them.

use std::io::Write as _;
use std::process::{Command, Stdio};

pub(super) struct Run {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// Runs the program beside the fixtures, with nothing of the caller's proxy settings.
pub(super) fn waprobe(arguments: &[&str], input: &str) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_waprobe"));
    command.args(arguments).current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures"));
    for name in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
        command.env_remove(name).env_remove(name.to_ascii_uppercase());
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    // A program that refuses its arguments reads nothing.
    let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("the program ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Run { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
}

#[cfg(feature = "pac")]
pub(super) mod pac {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::time::Duration;

    use waprobe::net::{FetchFailure, FetchTerms, Net};

    use super::waprobe;

    /// A server that answers one request with these bytes, and its address.
    pub(in crate::proxies) fn server(answer: Vec<u8>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            let mut request = [0; 2048];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(&answer);
            // Holds the connection until the client goes: an answer that is not whole stays so.
            let _ = stream.read(&mut request);
        });
        format!("http://{address}/proxy.pac")
    }

    pub(in crate::proxies) fn answer(head: &str, body: &[u8]) -> Vec<u8> {
        [format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(), body].concat()
    }

    #[test]
    fn a_script_is_fetched_from_its_address() {
        let url = server(answer("200 OK", b"function FindProxyForURL(u, h) { return 'PROXY p:8080'; }"));
        let run = waprobe(&["pac", "eval", &url], "");
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
        assert!(run.out.starts_with("The script's first choice for all 15 addresses is PROXY p:8080."), "{}", run.out);
    }

    #[test]
    fn what_stands_in_the_way_of_a_script_has_a_code() {
        let closed = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
        for (url, complaint) in [
            (server(answer("404 Not Found", b"")), "the server answered 404 (pac.http_status)"),
            (
                server(answer("302 Found\r\nLocation: http://portal.example/", b"")),
                "answered 302, pointing to http://portal.example/ (pac.http_status)",
            ),
            (
                server(answer("200 OK", b"<html><title>Sign in</title>")),
                "with the title 'Sign in', not a script (pac.not_script)",
            ),
            (server(answer("200 OK", &vec![b' '; 5 << 20])), "it is larger than 1048576 bytes (pac.not_script)"),
            (server(b"SSH-2.0-OpenSSH\r\n".to_vec()), "(pac.fetch_failed)"),
            (format!("http://{closed}/proxy.pac"), "(pac.fetch_failed)"),
            (
                "file:///etc/passwd".to_owned(),
                "give its path alone (pac.file_url)\ndesktop team: serve the script over http",
            ),
            ("http://anna:hunter2@127.0.0.1/proxy.pac".to_owned(), "…@127.0.0.1/proxy.pac: its address is not one"),
        ] {
            let run = waprobe(&["pac", "eval", &url], "");
            assert_eq!((run.code, run.out.as_str()), (Some(2), ""), "{url}");
            assert!(run.err.contains(complaint), "{}", run.err);
            assert!(!run.err.contains("hunter2"));
        }
    }

    #[tokio::test]
    async fn a_server_that_stops_halfway_is_not_waited_for() {
        let url = server(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nfunction".to_vec());
        let deadline = Duration::from_millis(200);
        let terms = FetchTerms { largest: 1000, deadline, roots: &rustls::RootCertStore::empty };
        let fetched = Net::of_this_machine(Vec::new()).fetch_script(&url, terms).await;
        let failure = fetched.expect_err("half a script");
        assert_eq!((failure.code(), failure), ("pac.timeout", FetchFailure::Timeout(deadline)));
    }

    #[test]
    fn every_endpoint_gets_its_line_and_what_was_made_up_is_said() {
        let run = waprobe(&["pac", "eval", "pac/office.pac", "--at", "2026-06-17T15:30:15+02:00"], "");
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
        assert!(run.out.starts_with("The script's first choice for 15 addresses: PROXY update-proxy"), "{}", run.out);
        assert!(run.out.contains("  login.live.com                       PROXY proxy1.contoso.example:8080; PROXY"));
        assert!(run.out.contains("was told that they do not exist: v10c.events"), "{}", run.out);
        assert!(run.out.contains("was told 127.0.0.1"));
        assert!(run.out.contains("as of 2026-06-17T15:30:15+02:00"));
    }

    #[test]
    fn what_is_given_is_what_the_script_sees() {
        let arguments = ["pac", "eval", "-", "--url", "https://login.live.com", "--resolve", "Inner.example=192.0.2.9"];
        let more = ["--own-address", "10.1.2.3", "--at", "2026-11-22T03:00:00-05:00", "--format", "json"];
        let script = "function FindProxyForURL(url, host) {
            alert(url + ' ' + new Date().getHours());
            return 'PROXY ' + dnsResolve('inner.example') + '; SOCKS ' + myIpAddress();
        }";
        let run = waprobe(&[&arguments[..], &more[..]].concat(), script);
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
        let json: serde_json::Value = serde_json::from_str(&run.out).expect("JSON");
        assert_eq!(json["schema"], "waprobe-pac/1");
        assert_eq!(json["at"], "2026-11-22T03:00:00-05:00");
        assert_eq!(json["endpoints"][0]["answer"], "PROXY 192.0.2.9; SOCKS 10.1.2.3");
        assert_eq!(json["endpoints"][0]["choices"][1]["port"], 1080);
        assert_eq!(json["endpoints"][0]["remarks"][0]["code"], "pac.unsupported_token");
        assert_eq!(json["notes"]["alerts"][0], "https://login.live.com/ 3");
        assert_eq!(json["caveats"], serde_json::json!([]));
    }

    #[test]
    fn a_script_that_fails_ends_with_two_and_its_line() {
        let run = waprobe(&["pac", "eval", "pac/mistyped.pac"], "");
        assert_eq!(run.code, Some(2));
        assert!(run.err.contains("failed for 6 of 15 addresses"), "{}", run.err);
        assert!(run.out.contains("3 |         return useProxy(\"storage\");"), "{}", run.out);

        let run = waprobe(&["pac", "eval", "-"], "function FindProxyForURL(url, host) {\n  return 'DIRECT\n}");
        assert_eq!((run.code, run.out.as_str()), (Some(2), ""));
        assert!(run.err.starts_with("error: standard input: line 2"), "{}", run.err);
        assert!(run.err.contains("2 |   return 'DIRECT"), "{}", run.err);

        let run = waprobe(&["pac", "eval", "pac/portal.html"], "");
        assert_eq!((run.code, run.out.as_str()), (Some(2), ""));
        assert!(run.err.contains("'Welcome to Contoso Guest WiFi', not a script (pac.not_script)"), "{}", run.err);
    }

    #[test]
    fn a_script_cannot_steer_the_terminal_or_show_a_password() {
        let script = "function FindProxyForURL() { alert('\\x1b[2J'); return 'PROXY anna:hunter2@p:1; \\x1b[31m'; }";
        for format in ["table", "json"] {
            let run = waprobe(&["pac", "eval", "-", "--url", "https://a.example", "--format", format], script);
            assert!(!run.out.contains('\u{1b}') && !run.out.contains("hunter2"), "{}", run.out);
        }
    }

    #[test]
    fn arguments_that_cannot_be_meant_are_refused() {
        for (arguments, complaint) in [
            (["--at", "yesterday"], "is not a moment"),
            (["--resolve", "proxy.example"], "is not NAME=ADDR"),
            (["--url", "login.live.com"], "is not an address"),
            (["--url", "https://anna:hunter2@x"], "user name or password"),
        ] {
            let run = waprobe(&[&["pac", "eval", "pac/office.pac"][..], &arguments[..]].concat(), "");
            assert_eq!(run.code, Some(2));
            assert!(run.err.contains(complaint), "{}", run.err);
            assert!(!run.err.contains("hunter2"));
        }
        let run = waprobe(&["pac", "eval", "--wpad", "example"], "");
        assert_eq!(run.code, Some(2));
        assert!(run.err.contains("no script was found for example (pac.wpad_not_found)"), "{}", run.err);
        assert_eq!(waprobe(&["pac", "eval"], "").code, Some(2));
        assert!(waprobe(&["pac", "eval", "no-such-file"], "").err.contains("could not read no-such-file"));
    }
}

mod proxy {
    use std::net::TcpListener;

    use serde_json::{Value, json};

    use super::waprobe;

    fn overview(file: &str) -> Value {
        let run = waprobe(&["proxy", "--registry", &format!("registry/{file}.reg"), "--format", "json"], "");
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{file}");
        let overview = serde_json::from_str(&run.out).expect("JSON");
        assert_eq!(fits_its_schema(&overview), Ok(()), "{file}");
        overview
    }

    fn fits_its_schema(document: &Value) -> Result<(), String> {
        let schema = include_str!("../../schemas/waprobe-proxy-1.schema.json");
        let schema = jsonschema::draft202012::new(&serde_json::from_str(schema).expect("JSON")).expect("a schema");
        schema.validate(document).map_err(|error| format!("{}: {error}", error.instance_path))
    }

    #[test]
    fn what_is_printed_where_there_are_no_settings_fits_the_schema_and_what_is_none_does_not() {
        let run = waprobe(&["proxy", "--format", "json"], "");
        let mut environment: Value = serde_json::from_str(&run.out).expect("JSON");
        assert_eq!(fits_its_schema(&environment), Ok(()));
        environment["schema"] = "waprobe-proxy/2".into();
        assert!(fits_its_schema(&environment).is_err());
        let mut device = overview("winhttp");
        device["accounts"][0]["sources"][0]["state"] = "perhaps".into();
        assert!(fits_its_schema(&device).is_err());
    }

    fn codes(overview: &Value) -> Vec<&str> {
        overview["findings"].as_array().into_iter().flatten().filter_map(|finding| finding["code"].as_str()).collect()
    }

    /// What the account's sources say, and where it sends v10c.
    fn account(overview: &Value, position: usize) -> (Vec<&str>, &Value) {
        let account = &overview["accounts"][position];
        let sources = account["sources"].as_array().into_iter().flatten();
        let states = sources.map(|source| source["state"].as_str().expect("a state")).collect();
        (states, &account["endpoints"][0]["ways"])
    }

    #[test]
    fn each_device_gets_its_findings_and_its_value_for_the_deployment_script() {
        for (file, findings, value) in [
            ("direct", json!(["conf.none"]), json!("Direct")),
            ("winhttp", json!([]), json!("System")),
            ("by-scheme", json!([]), json!("System")),
            ("user-script-only", json!(["conf.context_mismatch"]), json!("User")),
            ("user-only", json!([]), json!(null)),
            ("environment-only", json!(["conf.env_only"]), json!("Direct")),
            ("per-machine", json!([]), json!("User")),
            ("defender", json!(["conf.context_mismatch", "conf.mde_conflict"]), json!("User")),
            ("user-disabled", json!(["conf.user_auth_disabled", "pac.file_url"]), json!("System")),
            ("nobody", json!(["conf.headless_user_auth"]), json!("System")),
            ("damaged", json!([]), json!(null)),
        ] {
            let overview = overview(file);
            assert_eq!(overview["schema"], "waprobe-proxy/1");
            assert_eq!(json!(codes(&overview)), findings, "{file}");
            assert_eq!(overview["client_proxy"]["value"], value, "{file}");
            assert!(
                overview["client_proxy"]["because"].as_array().is_some_and(|reasons| !reasons.is_empty()),
                "{file}"
            );
        }
    }

    #[test]
    fn a_telemetry_proxy_that_nobody_answers_at_is_found_where_connecting_was_asked_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let alive = listener.local_addr().expect("an address").to_string();
        let dead = TcpListener::bind("127.0.0.1:0").and_then(|gone| gone.local_addr()).expect("a port").to_string();
        let export = folder.path().join("device.reg");
        let path = export.display().to_string();
        let found = |proxies: &str, arguments: &[&str]| -> Value {
            let key = r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\Windows\DataCollection";
            let header = "Windows Registry Editor Version 5.00\r\n\r\n";
            let text = format!("{header}[{key}]\r\n\"TelemetryProxyServer\"=\"{proxies}\"\r\n");
            std::fs::write(&export, text).expect("a file");
            let run = waprobe(&[&["proxy", "--registry", &path, "--format", "json"], arguments].concat(), "");
            assert_eq!(run.code, Some(0), "{}", run.err);
            serde_json::from_str(&run.out).expect("JSON")
        };
        let code = "conf.telemetry_proxy_dead";
        assert!(!codes(&found(&dead, &[])).contains(&code), "nobody was asked");
        let reached = found(&dead, &["--connect"]);
        assert!(codes(&reached).contains(&code), "{reached}");
        assert!(reached["reached"][0]["failure"].as_str().is_some_and(|text| text.contains("refused")), "{reached}");
        let both = found(&format!("{dead};{alive}"), &["--connect"]);
        assert!(!codes(&both).contains(&code), "the second one answers: {both}");
        assert_eq!(both["reached"][1], json!({ "proxy": alive, "failure": null }));
    }

    #[test]
    fn what_to_run_next_follows_from_the_ways_and_holds_nothing_for_a_shell() {
        let next = |file: &str| overview(file)["next"].clone();
        assert_eq!(
            next("winhttp"),
            json!([
                "waprobe check --registry registry/winhttp.reg",
                "waprobe check --no-direct --proxy proxy.contoso.example:8080",
                "waprobe check"
            ])
        );
        let script = "waprobe check --pac http://proxy.contoso.example/proxy.pac";
        let settings = "waprobe check --registry registry/user-script-only.reg";
        assert_eq!(next("user-script-only"), json!([settings, "waprobe check --wpad DOMAIN", "waprobe check", script]));
        let user = r"HKEY_CURRENT_USER\SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings";
        let commands = |url: &str| -> Vec<String> {
            let run = of_export(&format!("[{user}]\n\"AutoConfigURL\"=\"{url}\"\n"), &[]);
            run.out.lines().filter(|line| line.starts_with("  waprobe ")).map(str::to_owned).collect()
        };
        // In quotes where that is enough, by the settings themselves where it is not; never to be filled in.
        assert_eq!(commands("http://a/;reboot")[2], "  waprobe check --pac \"http://a/;reboot\"");
        let unquotable = commands("http://a/$(reboot)");
        assert!(unquotable[0].starts_with("  waprobe check --registry ") && unquotable[0].ends_with("device.reg"));
        assert_eq!(unquotable[1..], ["  waprobe check"]);
    }

    /// `waprobe proxy` on an export of these keys.
    fn of_export(keys: &str, arguments: &[&str]) -> super::Run {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("device.reg").display().to_string();
        std::fs::write(&path, format!("Windows Registry Editor Version 5.00\n\n{keys}")).expect("a file");
        let run = waprobe(&[&["proxy", "--registry", &path], arguments].concat(), "");
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{keys}");
        run
    }

    /// `WinHttpSettings` with these proxies and exceptions, beside everything else that SYSTEM's way rests on.
    fn win_http(proxies: &str, exceptions: &str) -> String {
        let mut bytes: Vec<u8> = [0x18_u32, 7, 3].into_iter().flat_map(u32::to_le_bytes).collect();
        for text in [proxies, exceptions] {
            bytes.extend(u32::try_from(text.len()).expect("short").to_le_bytes());
            bytes.extend(text.as_bytes());
        }
        let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        format!(
            "[HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies]\n\n\
             [HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Internet Settings\\Connections]\n\
             \"WinHttpSettings\"=hex:{}\n",
            digits.join(",")
        )
    }

    #[test]
    fn what_is_set_and_cannot_be_read_is_not_called_unknown() {
        let policy = r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\Windows\DataCollection";
        for value in ["dword:00000005", "hex:00", "\"tproxy.contoso.example:99999\""] {
            let run = of_export(&format!("[{policy}]\n\"TelemetryProxyServer\"={value}\n"), &[]);
            let words = run.out.split_whitespace().collect::<Vec<_>>().join(" ");
            let unless = "unless TelemetryProxyServer (policy) says otherwise, which is set and cannot be read; or one of \
                          these says otherwise, which is not known: WinHTTP";
            assert!(words.contains(unless), "{}", run.out);
            assert!(words.contains("first correct or delete it"), "{}", run.out);
        }
        let odd = of_export(&format!("[{policy}]\n\"DisableEnterpriseAuthProxy\"=dword:00000002\n"), &[]);
        assert!(odd.out.contains("DisableEnterpriseAuthProxy: set to something that nobody documents"), "{}", odd.out);
    }

    #[test]
    fn a_proxy_that_no_address_goes_to_is_not_the_one_to_test_with() {
        let json =
            |keys: &str| -> Value { serde_json::from_str(&of_export(keys, &["--format", "json"]).out).expect("JSON") };
        let reason = |overview: &Value| overview["client_proxy"]["because"].to_string();
        let starred = json(&win_http("proxy.contoso.example:8080", "*"));
        assert_eq!(starred["client_proxy"]["value"], "Direct");
        assert!(reason(&starred).contains("keep every address from it: the device goes directly"), "{starred:#}");
        assert!(!codes(&starred).contains(&"conf.none"), "a source does name a proxy: {starred:#}");
        let some = json(&win_http("proxy.contoso.example:8080", "login.live.com"));
        assert_eq!(some["client_proxy"]["value"], "System");
        assert!(reason(&some).contains("1 of 15 addresses do not go to it"), "{some:#}");
        let by_scheme = json(&win_http("http=a:80;https=b:80", ""));
        assert!(reason(&by_scheme).contains("write one proxy for all in place of the list by scheme"), "{by_scheme:#}");
        // Switched on, and nothing in it.
        let empty = json(&win_http("", "<local>"));
        assert_eq!(empty["accounts"][0]["sources"][1]["state"], "not-set", "{empty:#}");
    }

    #[test]
    fn a_proxy_without_a_port_is_shown_and_asked_with_the_one_that_windows_takes() {
        for (list, address) in [("c", "c:80"), ("socks=s", "socks5://s:1080")] {
            let run = of_export(&win_http(list, ""), &[]);
            let words = run.out.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(run.out.starts_with(&format!("SYSTEM: PROXY {address}\n")), "{}", run.out);
            assert!(words.contains(&format!("waprobe check --no-direct --proxy {address}")), "{}", run.out);
            assert!(words.contains("has no port, and Windows takes"), "{}", run.out);
        }
        let policy = r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\Windows\DataCollection";
        let run = of_export(&format!("[{policy}]\n\"TelemetryProxyServer\"=\"t.contoso.example\"\n"), &[]);
        let words = run.out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("this does: waprobe check --no-direct --proxy t.contoso.example:80 "), "{}", run.out);
    }

    /// Device management writes beside group policy's place, and counts where that sets none.
    #[test]
    fn a_proxy_that_device_management_sets_is_the_services() {
        let policy = r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\Windows\DataCollection";
        let managed = "\"TelemetryProxyServer_PolicyManager\"=\"m.contoso.example:8080\"\n";
        let run = of_export(&format!("[{policy}]\n{managed}"), &[]);
        assert!(run.out.starts_with("SYSTEM: PROXY m.contoso.example:8080\n"), "{}", run.out);
        let group = "\"TelemetryProxyServer\"=\"g.contoso.example:8080\"\n";
        let run = of_export(&format!("[{policy}]\n{managed}{group}"), &[]);
        assert!(run.out.starts_with("SYSTEM: PROXY g.contoso.example:8080\n"), "{}", run.out);
    }

    /// As `type a b` and `copy /b a+b` put two exports into one file.
    #[test]
    fn two_exports_in_one_file_are_one_device() {
        let machine = win_http("proxy.contoso.example:8080", "");
        let user = "[HKEY_CURRENT_USER\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Internet Settings]\n\
             \"ProxyEnable\"=dword:00000001\n\"ProxyServer\"=\"user.contoso.example:8080\"\n";
        for between in ["", "\u{feff}"] {
            let run = of_export(&format!("{machine}\n{between}Windows Registry Editor Version 5.00\n\n{user}"), &[]);
            assert_eq!(run.code, Some(0), "{}", run.err);
            assert!(run.out.starts_with("SYSTEM: PROXY proxy.contoso.example:8080\n"), "{}", run.out);
            assert!(run.out.contains("PROXY user.contoso.example:8080"), "{}", run.out);
        }
    }

    #[test]
    fn a_user_s_script_does_not_reach_system() {
        let overview = overview("user-script-only");
        assert_eq!(
            account(&overview, 0),
            (
                vec!["not-set", "not-set", "passed-over", "not-set"],
                &json!([{ "kind": "detect" }, { "kind": "direct", "exception": null }])
            )
        );
        let script = "http://proxy.contoso.example/proxy.pac";
        let ways =
            json!([{ "kind": "detect" }, { "kind": "script", "url": script }, { "kind": "direct", "exception": null }]);
        assert_eq!(account(&overview, 1), (vec!["passed-over", "set"], &ways));
    }

    #[test]
    fn an_exception_sends_one_endpoint_another_way() {
        let overview = overview("winhttp");
        let (_, ways) = account(&overview, 0);
        assert_eq!(*ways, json!([{ "kind": "proxies", "servers": ["proxy.contoso.example:8080"] }]));
        let endpoints = overview["accounts"][0]["endpoints"].as_array().expect("endpoints");
        let login = endpoints.iter().find(|endpoint| endpoint["host"] == "login.live.com").expect("login.live.com");
        assert_eq!(login["ways"], json!([{ "kind": "direct", "exception": "login.live.com" }]));
    }

    #[test]
    fn settings_of_the_machine_count_for_everybody_and_a_list_without_https_is_direct() {
        let overview = overview("per-machine");
        for position in [0, 1] {
            let (_, ways) = account(&overview, position);
            assert_eq!(*ways, json!([{ "kind": "direct", "exception": "the list has no proxy for https" }]));
        }
        let remarks = &overview["accounts"][1]["sources"][0]["remarks"];
        assert!(remarks[0].as_str().is_some_and(|remark| remark.contains("write '*.contoso.example'")), "{remarks}");
    }

    #[test]
    fn what_was_not_exported_or_is_damaged_stays_in_doubt() {
        let part = overview("user-only");
        assert_eq!(account(&part, 0).0, ["not-known"; 4]);
        assert_eq!(account(&part, 0).1[0], json!({ "kind": "unless-set", "source": "telemetry-proxy-server" }));
        assert_eq!(account(&part, 1).1[1], json!({ "kind": "proxies", "servers": ["proxy.contoso.example:8080"] }));

        let damaged = overview("damaged");
        assert_eq!(account(&damaged, 0).0, ["damaged", "damaged", "passed-over", "not-set"]);
        let says = damaged["accounts"][0]["sources"][1]["says"].as_str().expect("words");
        assert!(says.contains("at byte 12 says that it is 4294967280 bytes long"), "{says}");
    }

    #[test]
    fn an_export_says_of_a_key_below_it_that_it_is_not_there() {
        let header = "Windows Registry Editor Version 5.00\r\n\r\n";
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str, key: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, format!("{header}[{key}]\r\n")).expect("a file");
            path.display().to_string()
        };
        let policies = file("policies.reg", r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies");
        let machine =
            file("machine.reg", r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings");
        let run = waprobe(&["proxy", "--registry", &policies, "--registry", &machine, "--format", "json"], "");
        let overview: Value = serde_json::from_str(&run.out).expect("JSON");
        assert_eq!(account(&overview, 0).0, ["not-set", "not-set", "passed-over", "not-known"]);
    }

    #[test]
    fn the_table_tells_the_same_and_no_password() {
        let run = waprobe(&["proxy", "--registry", "registry/environment-only.reg"], "");
        assert!(run.out.starts_with("SYSTEM: what the network answers (WPAD), else DIRECT\n"), "{}", run.out);
        assert!(run.out.contains("HTTPS_PROXY in HKCU\\Environment: Windows' services ignore it"), "{}", run.out);
        assert!(run.out.contains("services ignore them (desktop team)"), "{}", run.out);
        assert!(run.out.contains("\n      conf.env_only\n"), "{}", run.out);
        assert!(run.out.contains("RunConfig.bat: ClientProxy=Direct"), "{}", run.out);
        assert!(!run.out.contains("hunter2"));
    }

    #[test]
    fn without_a_registry_only_the_environment_is_shown_and_that_is_said() {
        let run = waprobe(&["proxy"], "");
        assert_eq!(run.code, Some(0));
        assert!(run.out.starts_with("No environment variable names a proxy."), "{}", run.out);
        assert!(run.out.contains("Windows' own settings were not looked at"), "{}", run.out);
        assert!(run.out.contains("reg export"), "{}", run.out);
    }

    #[test]
    fn a_file_that_is_no_export_is_refused_with_its_line() {
        let run = waprobe(&["proxy", "--registry", "pac/portal.html"], "");
        assert_eq!((run.code, run.out.as_str()), (Some(2), ""));
        assert!(run.err.starts_with("error: pac/portal.html, line 1: "), "{}", run.err);
    }
}
