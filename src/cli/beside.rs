//! WinHTTP's own answer for every endpoint, beside this program's evaluation of the same script.
//!
//! In: what accounts leave to a script, the addresses, and somebody who calls WinHTTP. Out: both answers as a document and as
//! lines. Never: anything where this is no Windows, or where no script is in play.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use super::run;
use super::script::{self, Wanted};
use super::terminal::write_prose;
use super::this_device;
use crate::net::{Net, load_machine_roots};
use crate::proxies::Trace;
use crate::proxies::pac::{Limits, Question, evaluate, without_logins};
use crate::proxies::settings::Target;
use crate::proxies::win_http::{Automatic, Own, Theirs, Told, WinHttp, ask, difference};

/// For all of WinHTTP's answers: detection alone may take ten seconds where nobody answers it.
const PATIENCE: Duration = Duration::from_secs(30);

/// What one set of automatic settings leads to.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Beside {
    /// Whose settings these are.
    accounts: Vec<String>,
    detect: bool,
    script: Option<String>,
    /// The script that detection led WinHTTP to.
    detected: Option<String>,
    detection_error: Option<Trouble>,
    /// WinHTTP had to show the script's server who asks.
    logged_on: bool,
    /// What keeps Windows' own script engine from running the script, with its place and the code of the finding.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    obstacles: Vec<String>,
    endpoints: Vec<Row>,
    #[serde(skip)]
    heading: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Row {
    host: String,
    port: u16,
    /// As a script would answer it; `null` where WinHTTP gave none.
    win_http: Option<String>,
    error: Option<Trouble>,
    /// What this program makes of the same script.
    own: Option<String>,
    own_failure: Option<String>,
    /// `null` where WinHTTP was silent.
    agrees: Option<bool>,
    /// One sentence where they differ.
    difference: Option<String>,
}

/// What Windows says went wrong.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct Trouble {
    /// `null` for a call that did not come back.
    code: Option<u32>,
    name: Option<&'static str>,
    text: String,
}

impl Trouble {
    fn of(theirs: &Theirs) -> Option<Self> {
        let code = match theirs {
            Theirs::Ways(_) => return None,
            Theirs::Error(code) => Some(*code),
            Theirs::Silence(_) => None,
        };
        Some(Self { code, name: code.and_then(Theirs::error_name), text: theirs.words() })
    }
}

/// An address to ask for, whole as scripts see it.
#[derive(Debug)]
pub(super) struct Address {
    pub host: String,
    pub port: u16,
    pub url: String,
}

impl Address {
    fn of(target: &Target) -> Self {
        Self { host: target.host.clone(), port: target.port, url: url(target) }
    }
}

/// Asks with these settings alone, whoever's they are; `None` where there is no WinHTTP.
pub(super) fn ask_with(automatic: &Automatic, addresses: &[Address]) -> Option<Beside> {
    let whose = vec!["the account that runs this".to_owned()];
    Some(Beside::of(this_device::win_http()?, automatic, whose, addresses, &Net::of_this_machine(Vec::new())))
}

/// Asks for every account whose settings leave something to a script; settings that several share are asked for once.
pub(super) fn ask_for(traces: &[Trace], targets: &[Target]) -> Vec<Beside> {
    let Some(first) = targets.first() else { return Vec::new() };
    let mut wanted: Vec<(Automatic, Vec<String>)> = Vec::new();
    for trace in traces {
        let Some(automatic) = Automatic::of(trace, first) else { continue };
        let account = trace.account.to_string();
        match wanted.iter_mut().find(|(known, _)| *known == automatic) {
            Some((_, accounts)) => accounts.push(account),
            None => wanted.push((automatic, vec![account])),
        }
    }
    let addresses: Vec<Address> = targets.iter().map(Address::of).collect();
    let asked = wanted.into_iter().filter_map(|(automatic, accounts)| {
        let caller = this_device::win_http()?;
        Some(Beside::of(caller, &automatic, accounts, &addresses, &Net::of_this_machine(Vec::new())))
    });
    asked.collect()
}

impl Beside {
    fn of(
        caller: Box<dyn WinHttp>,
        automatic: &Automatic,
        accounts: Vec<String>,
        addresses: &[Address],
        net: &Net,
    ) -> Self {
        let urls: Vec<String> = addresses.iter().map(|address| address.url.clone()).collect();
        let told = ask(caller, automatic, &urls, PATIENCE);
        let (own, obstacles) = own(automatic, &told, addresses, net);
        let both = told.answers.iter().zip(&own);
        let rows = addresses.iter().zip(both).map(|(address, (theirs, own))| Row::of(address, theirs, own));
        let detection = told.detected.as_ref();
        Self {
            heading: automatic.words(),
            accounts,
            detect: automatic.detect,
            script: automatic.script.clone(),
            detected: detection.and_then(|found| found.clone().ok()).map(|url| without_logins(&url)),
            detection_error: detection.and_then(|found| found.as_ref().err()).and_then(Trouble::of),
            logged_on: told.logged_on,
            obstacles,
            endpoints: rows.collect(),
        }
    }

    /// A paragraph for each different thing to say, with the hosts that it is said of.
    pub(super) fn write(&self, width: usize, out: &mut dyn Write) -> io::Result<()> {
        let asked = format!("{}, asked {}", self.accounts.join(", "), without_logins(&self.heading));
        writeln!(out)?;
        write_prose(out, "  ", &asked, width)?;
        if let Some(url) = &self.detected {
            write_prose(out, "    ", &format!("WinHTTP finds the script {url}"), width)?;
        }
        if self.logged_on {
            let line = "the script's server asked for a name, and WinHTTP showed it that of this account";
            write_prose(out, "    ", line, width)?;
        }
        for obstacle in &self.obstacles {
            write_prose(out, "    ", &format!("Windows' own script engine cannot run the script: {obstacle}"), width)?;
        }
        let mut said: Vec<(String, Vec<&str>)> = Vec::new();
        for row in &self.endpoints {
            let sentence = row.difference.clone().unwrap_or_else(|| row.agreement());
            match said.iter_mut().find(|(known, _)| *known == sentence) {
                Some((_, hosts)) => hosts.push(&row.host),
                None => said.push((sentence, vec![&row.host])),
            }
        }
        for (sentence, hosts) in &said {
            write_prose(out, "    ", sentence, width)?;
            let is_all = hosts.len() == self.endpoints.len() && hosts.len() > 1;
            let of = if is_all { format!("all {} addresses", hosts.len()) } else { hosts.join(" ") };
            write_prose(out, "      ", &of, width)?;
        }
        Ok(())
    }

    /// The script that the network named.
    pub(super) fn detected(&self) -> Option<&str> {
        self.detected.as_deref()
    }

    /// Whether some address goes to a proxy by WinHTTP's own answer.
    pub(super) fn names_a_proxy(&self) -> bool {
        self.endpoints.iter().any(|row| row.win_http.as_ref().is_some_and(|ways| ways.starts_with("PROXY")))
    }
}

impl Row {
    fn of(address: &Address, theirs: &Theirs, own: &Own) -> Self {
        let (own_ways, own_failure) = match own {
            Own::Ways(ways) => (Some(ways.join("; ")), None),
            Own::Failure(why) => (None, Some(without_logins(why))),
        };
        Self {
            host: address.host.clone(),
            port: address.port,
            win_http: if let Theirs::Ways(ways) = theirs { Some(ways.join("; ")) } else { None },
            error: Trouble::of(theirs),
            own: own_ways,
            own_failure,
            agrees: theirs.agrees(own),
            difference: difference(theirs, own).map(|sentence| without_logins(&sentence)),
        }
    }

    fn agreement(&self) -> String {
        match (&self.win_http, &self.error) {
            (Some(ways), _) => format!("WinHTTP answers {ways}, and so does this program's own evaluation"),
            (None, Some(trouble)) => {
                let why = self.own_failure.as_deref().unwrap_or_default();
                format!("WinHTTP {}; this program gets no script either ({why})", trouble.text)
            }
            (None, None) => "WinHTTP says nothing".to_owned(),
        }
    }
}

/// The address as scripts are asked for it.
fn url(target: &Target) -> String {
    let host = if target.host.contains(':') { format!("[{}]", target.host) } else { target.host.clone() };
    let usual = if target.scheme == "https" { 443 } else { 80 };
    if target.port == usual {
        format!("{}://{host}/", target.scheme)
    } else {
        format!("{}://{host}:{}/", target.scheme, target.port)
    }
}

/// What this program makes of the script that WinHTTP was led to, else of the one that the settings name, and what stands in the
/// way of Windows' own engine in it.
fn own(automatic: &Automatic, told: &Told, addresses: &[Address], net: &Net) -> (Vec<Own>, Vec<String>) {
    let all = |why: String| (vec![Own::Failure(why); addresses.len()], Vec::new());
    let detected = told.detected.as_ref().and_then(|found| found.as_ref().ok());
    let Some(script) = detected.or(automatic.script.as_ref()) else {
        return all("it has no address of a script to ask".to_owned());
    };
    let roots = || run::root_store(&load_machine_roots().certificates);
    let found = match script::find(Wanted::At(Path::new(script)), net, Duration::MAX, &roots) {
        Ok(found) => found,
        // Behind the first line stands who changes what.
        Err(failure) => return all(failure.to_string().lines().next().unwrap_or_default().to_owned()),
    };
    let question = |address: &Address| Question { url: address.url.clone(), host: address.host.clone() };
    let questions: Vec<Question> = addresses.iter().map(question).collect();
    match evaluate(&found.script, &questions, &script::world(net), &Limits::with_lookups()) {
        Ok(mut evaluation) => {
            evaluation.add(found.served);
            let whole = evaluation.readability.iter().flat_map(|script| &script.obstacles);
            let mut obstacles: Vec<String> = Vec::new();
            for obstacle in whole.chain(evaluation.obstacles.iter().flatten()) {
                let Some(code) = obstacle.kind.code() else { continue };
                let line = format!("{obstacle} ({code})");
                if !obstacles.contains(&line) && obstacles.len() < MAX_OBSTACLES {
                    obstacles.push(line);
                }
            }
            (evaluation.replies.iter().map(Own::of).collect(), obstacles)
        }
        Err(failure) => all(failure.to_string().lines().next().unwrap_or_default().to_owned()),
    }
}

/// So many obstacles of one script are told.
const MAX_OBSTACLES: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxies::win_http::{Access, Request};

    /// Answers by host; detection finds nothing.
    struct Answers(fn(&str) -> Result<Access, u32>);

    impl WinHttp for Answers {
        fn detect(&mut self) -> Result<String, u32> {
            Err(12180)
        }

        fn proxy_for(&mut self, request: &Request) -> Result<Access, u32> {
            (self.0)(&request.url)
        }
    }

    fn targets() -> Vec<Target> {
        let target = |scheme: &str, host: &str, port| Target { scheme: scheme.into(), host: host.into(), port };
        vec![
            target("https", "login.live.com", 443),
            target("http", "adl.windows.com", 80),
            target("https", "::1", 8443),
        ]
    }

    fn addresses() -> Vec<Address> {
        targets().iter().map(Address::of).collect()
    }

    fn beside(answers: fn(&str) -> Result<Access, u32>, automatic: &Automatic) -> (serde_json::Value, String) {
        let net = Net::of_this_machine(Vec::new());
        let found = Beside::of(Box::new(Answers(answers)), automatic, vec!["SYSTEM".into()], &addresses(), &net);
        let mut out = Vec::new();
        found.write(400, &mut out).expect("memory");
        (serde_json::to_value(&found).expect("JSON"), String::from_utf8(out).expect("text"))
    }

    #[test]
    fn an_address_is_asked_for_as_a_script_sees_it() {
        let urls: Vec<String> = targets().iter().map(url).collect();
        assert_eq!(urls, ["https://login.live.com/", "http://adl.windows.com/", "https://[::1]:8443/"]);
    }

    #[cfg(feature = "pac")]
    #[test]
    fn both_answers_stand_beside_each_other_and_what_differs_is_a_sentence() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("proxy.pac");
        let text =
            "function FindProxyForURL(url, host) { return host == 'adl.windows.com' ? 'PROXY b:80' : 'PROXY a:80'; }";
        std::fs::write(&path, text).expect("a file");
        let automatic = Automatic { detect: false, script: Some(path.display().to_string()) };
        let (document, words) = beside(|_| Ok(Access::Proxies("a:80".into())), &automatic);
        let rows = document["endpoints"].as_array().expect("rows");
        assert_eq!((&rows[0]["agrees"], &rows[0]["difference"]), (&true.into(), &serde_json::Value::Null));
        assert_eq!((&rows[1]["win_http"], &rows[1]["own"]), (&"PROXY a:80".into(), &"PROXY b:80".into()));
        assert_eq!(rows[1]["agrees"], false);
        let sentence = "    WinHTTP answers PROXY a:80, and this program's own evaluation says PROXY b:80; the diagnostic service \
                        (DiagTrack) uses WinHTTP's answer\n      adl.windows.com\n";
        let same =
            "    WinHTTP answers PROXY a:80, and so does this program's own evaluation\n      login.live.com ::1\n";
        assert!(words.contains(sentence) && words.contains(same), "{words}");
        assert!(!words.contains("script engine"), "{words}");

        std::fs::write(&path, text.replace("return host", "return (() => host)()")).expect("a file");
        let (document, words) = beside(|_| Err(12166), &automatic);
        assert_eq!(document["obstacles"][0], "line 1, column 47: an arrow function (=>) (pac.needs_newer_engine)");
        assert!(words.contains("Windows' own script engine cannot run the script: line 1, column 47"), "{words}");
    }

    #[test]
    fn where_nobody_finds_a_script_that_is_one_line() {
        let (document, words) = beside(|_| Err(12180), &Automatic { detect: true, script: None });
        assert_eq!(document["detection_error"]["name"], "ERROR_WINHTTP_AUTODETECTION_FAILED");
        assert_eq!(document["endpoints"][0]["error"]["code"], 12180);
        assert_eq!(document["endpoints"][0]["agrees"], true);
        assert!(
            words.contains("  SYSTEM, asked for what the network names (WPAD)\n    WinHTTP ends with error 12180"),
            "{words}"
        );
        assert!(words.contains("\n      all 3 addresses\n"), "{words}");
    }
}
