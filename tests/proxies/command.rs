//! `waprobe pac eval` and `waprobe proxy` as a user runs them.

use std::io::Write as _;
use std::process::{Command, Stdio};

struct Run {
    code: Option<i32>,
    out: String,
    err: String,
}

/// Runs the program beside the fixtures, with nothing of the caller's proxy settings.
fn waprobe(arguments: &[&str], input: &str) -> Run {
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
mod pac {
    use super::waprobe;

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
        assert!(run.err.starts_with("error: standard input, line 2"), "{}", run.err);
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
        assert!(waprobe(&["pac", "eval", "no-such-file"], "").err.contains("could not read no-such-file"));
    }
}
