//! What WinHTTP itself answers for an address, beside what this program makes of the same script.
//!
//! In: somebody who calls WinHTTP, the automatic part of an account's settings, the addresses. Out: an answer or an error of
//! Windows' for each, whether it is this program's own, and a sentence where it is not. Never: a call of its own into Windows,
//! and no wait without an end: WinHTTP may block for long, and is left behind then.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::pac::{Answer, ScriptFailure};
use super::settings::ServerList;
use super::trace::{Trace, Way};
use crate::proxies::settings::Target;

/// The script's server asks for a name; WinHTTP shows one only to who calls again and allows it.
const LOGIN_FAILURE: u32 = 12015;

/// The numbers that these calls end with, their names in Windows' headers, and what they mean.
const ERRORS: &[(u32, &str, &str)] = &[
    (12001, "ERROR_WINHTTP_OUT_OF_HANDLES", "no more handles"),
    (12002, "ERROR_WINHTTP_TIMEOUT", "its time was up"),
    (12004, "ERROR_WINHTTP_INTERNAL_ERROR", "a fault of its own"),
    (12005, "ERROR_WINHTTP_INVALID_URL", "the address is none"),
    (12006, "ERROR_WINHTTP_UNRECOGNIZED_SCHEME", "the script's address is neither http nor https"),
    (12007, "ERROR_WINHTTP_NAME_NOT_RESOLVED", "the name of the script's server has no address"),
    (LOGIN_FAILURE, "ERROR_WINHTTP_LOGIN_FAILURE", "the script's server refuses whoever asks"),
    (12017, "ERROR_WINHTTP_OPERATION_CANCELLED", "it was cancelled"),
    (12019, "ERROR_WINHTTP_INCORRECT_HANDLE_STATE", "the session is not ready"),
    (12029, "ERROR_WINHTTP_CANNOT_CONNECT", "the script's server could not be connected to"),
    (12030, "ERROR_WINHTTP_CONNECTION_ERROR", "the connection to the script's server was lost"),
    (12166, "ERROR_WINHTTP_BAD_AUTO_PROXY_SCRIPT", "the script fails when it runs"),
    (12167, "ERROR_WINHTTP_UNABLE_TO_DOWNLOAD_SCRIPT", "the script could not be fetched"),
    (12172, "ERROR_WINHTTP_NOT_INITIALIZED", "WinHTTP is not ready"),
    (12176, "ERROR_WINHTTP_UNHANDLED_SCRIPT_TYPE", "the script is of a type that it does not run"),
    (12177, "ERROR_WINHTTP_SCRIPT_EXECUTION_ERROR", "the script fails when it runs"),
    (
        12178,
        "ERROR_WINHTTP_AUTO_PROXY_SERVICE_ERROR",
        "the service that finds scripts (WinHttpAutoProxySvc) does not run",
    ),
    (12180, "ERROR_WINHTTP_AUTODETECTION_FAILED", "the network names no script (WPAD)"),
    (12192, "ERROR_WINHTTP_FEATURE_DISABLED", "a policy has switched it off"),
    (8, "ERROR_NOT_ENOUGH_MEMORY", "not enough memory"),
    (87, "ERROR_INVALID_PARAMETER", "the call is not understood"),
];

/// These say something of the script as a whole: the next address would meet the same, after the same wait.
const OF_THE_WHOLE: [u32; 9] = [12006, 12007, LOGIN_FAILURE, 12029, 12167, 12176, 12178, 12180, 12192];

/// The automatic part of an account's settings: what there is to ask WinHTTP.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Automatic {
    /// The network is asked for a script (WPAD).
    pub detect: bool,
    /// The script at this address.
    pub script: Option<String>,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub automatic: Automatic,
    /// The address to go to.
    pub url: String,
    /// Whether the script's server may be shown who asks.
    pub logon: bool,
}

/// What WinHTTP answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    Direct,
    /// A list as Windows writes it.
    Proxies(String),
}

/// Whoever calls WinHTTP; errors are Windows' numbers.
pub trait WinHttp: Send {
    /// The address of the script that the network names.
    ///
    /// # Errors
    /// The number that Windows gives.
    fn detect(&mut self) -> Result<String, u32>;

    /// The way to one address.
    ///
    /// # Errors
    /// The number that Windows gives.
    fn proxy_for(&mut self, request: &Request) -> Result<Access, u32>;
}

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Theirs {
    /// `PROXY host:port` and `DIRECT`, in order.
    Ways(Vec<String>),
    Error(u32),
    /// Nothing within this time.
    Silence(Duration),
}

/// What this program makes of the same script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Own {
    /// As for WinHTTP: what its words leave of the answer.
    Ways(Vec<String>),
    /// Why there is no answer.
    Failure(String),
}

/// Everything that WinHTTP said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Where detection leads; `None` where it is switched off.
    pub detected: Option<Result<String, Theirs>>,
    /// In the order of the addresses.
    pub answers: Vec<Theirs>,
    /// The script's server asked for a name, and was shown who asks.
    pub logged_on: bool,
}

impl Automatic {
    /// What an account leaves to a script; `None` where everything is written down.
    #[must_use]
    pub fn of(trace: &Trace, target: &Target) -> Option<Self> {
        let ways = trace.ways(target);
        let detect = ways.contains(&Way::Detect);
        let script = ways.into_iter().find_map(|way| if let Way::Script(url) = way { Some(url) } else { None });
        (detect || script.is_some()).then_some(Self { detect, script })
    }

    /// In words, as the object of "asked".
    #[must_use]
    pub fn words(&self) -> String {
        match (self.detect, &self.script) {
            (true, None) => "for what the network names (WPAD)".to_owned(),
            (true, Some(url)) => format!("for what the network names (WPAD), else for {url}"),
            (false, Some(url)) => format!("for {url}"),
            (false, None) => "for nothing".to_owned(),
        }
    }
}

/// Asks for the way to every address, on a thread that is left behind when `patience` is over.
#[must_use]
pub fn ask(caller: Box<dyn WinHttp>, automatic: &Automatic, urls: &[String], patience: Duration) -> Told {
    let (tell, told) = mpsc::channel();
    let (asked, addresses) = (automatic.clone(), urls.to_vec());
    let thread = std::thread::Builder::new().name("winhttp".to_owned()).spawn(move || {
        // Nobody listens any more once the patience is over.
        let _ = put(caller, &asked, addresses, &tell);
    });
    let began = Instant::now();
    let next = || told.recv_timeout(patience.saturating_sub(began.elapsed())).ok();
    let mut all = Told { detected: None, answers: Vec::new(), logged_on: false };
    if thread.is_ok() {
        while all.answers.len() < urls.len() {
            match next() {
                Some(Word::Detected(found)) => all.detected = Some(found.map_err(Theirs::Error)),
                Some(Word::LoggedOn) => all.logged_on = true,
                Some(Word::Answer(answer)) => all.answers.push(answer),
                None => break,
            }
        }
    }
    if automatic.detect && all.detected.is_none() {
        all.detected = Some(Err(Theirs::Silence(patience)));
    }
    all.answers.resize(urls.len(), Theirs::Silence(patience));
    all
}

enum Word {
    Detected(Result<String, u32>),
    LoggedOn,
    Answer(Theirs),
}

fn put(
    mut caller: Box<dyn WinHttp>,
    automatic: &Automatic,
    urls: Vec<String>,
    tell: &mpsc::Sender<Word>,
) -> Result<(), mpsc::SendError<Word>> {
    if automatic.detect {
        tell.send(Word::Detected(caller.detect()))?;
    }
    let mut whole: Option<u32> = None;
    for url in urls {
        if let Some(error) = whole {
            tell.send(Word::Answer(Theirs::Error(error)))?;
            continue;
        }
        let mut request = Request { automatic: automatic.clone(), url, logon: false };
        let mut answer = caller.proxy_for(&request);
        // As Microsoft tells callers to: without a name first, because that is what a cached script can be had with.
        if answer == Err(LOGIN_FAILURE) {
            request.logon = true;
            answer = caller.proxy_for(&request);
            tell.send(Word::LoggedOn)?;
        }
        whole = answer.as_ref().err().copied().filter(|error| OF_THE_WHOLE.contains(error));
        tell.send(Word::Answer(match answer {
            Ok(access) => Theirs::Ways(access.ways()),
            Err(error) => Theirs::Error(error),
        }))?;
    }
    Ok(())
}

impl Access {
    fn ways(&self) -> Vec<String> {
        match self {
            Self::Direct => vec!["DIRECT".to_owned()],
            Self::Proxies(list) => {
                let list = ServerList::read(list);
                // For a script's answer Windows writes no schemes.
                let ways: Vec<String> =
                    list.servers_for("https").iter().map(|server| format!("PROXY {}", server.address())).collect();
                if ways.is_empty() { vec!["a list without a proxy".to_owned()] } else { ways }
            }
        }
    }
}

impl Own {
    /// The script's answer as WinHTTP's words leave it.
    #[must_use]
    pub fn of(reply: &Result<Answer, ScriptFailure>) -> Self {
        match reply {
            Ok(answer) => {
                let ways: Vec<String> = answer.for_winhttp().map(ToString::to_string).collect();
                if ways.is_empty() {
                    Self::Failure("its answer holds nothing for WinHTTP".to_owned())
                } else {
                    Self::Ways(ways)
                }
            }
            Err(failure) => Self::Failure(failure.kind.to_string()),
        }
    }

    fn words(&self) -> String {
        match self {
            Self::Ways(ways) => ways.join("; "),
            Self::Failure(why) => format!("nothing ({why})"),
        }
    }
}

impl Theirs {
    /// The error's name in Windows' headers.
    #[must_use]
    pub fn error_name(error: u32) -> Option<&'static str> {
        ERRORS.iter().find(|(number, _, _)| *number == error).map(|(_, name, _)| *name)
    }

    /// As the end of a sentence about WinHTTP.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Ways(ways) => format!("answers {}", ways.join("; ")),
            Self::Error(error) => match ERRORS.iter().find(|(number, _, _)| number == error) {
                Some((_, name, meaning)) => format!("ends with error {error}, {name}: {meaning}"),
                None => format!("ends with error {error}"),
            },
            Self::Silence(patience) => format!("did not answer within {} s", patience.as_secs()),
        }
    }

    /// Whether `own` is the same: an error on one side is a failure on the other, and one list may go on where the other ends,
    /// for what follows is for when the first proxy cannot be reached. Nobody knows while WinHTTP is silent.
    #[must_use]
    pub fn agrees(&self, own: &Own) -> Option<bool> {
        match (self, own) {
            (Self::Silence(_), _) => None,
            (Self::Ways(theirs), Own::Ways(own)) => Some(theirs.iter().zip(own).all(|(theirs, own)| theirs == own)),
            (Self::Error(_), Own::Failure(_)) => Some(true),
            (Self::Error(_), Own::Ways(_)) | (Self::Ways(_), Own::Failure(_)) => Some(false),
        }
    }
}

/// What there is to say of one address; `None` where both say the same.
#[must_use]
pub fn difference(theirs: &Theirs, own: &Own) -> Option<String> {
    let (first, second) = (theirs.words(), own.words());
    match (theirs, theirs.agrees(own)) {
        (_, Some(true)) => None,
        (_, None) => Some(format!(
            "WinHTTP {first}, and this program's own evaluation says {second}; the diagnostic service (DiagTrack) waits for WinHTTP"
        )),
        (Theirs::Error(_), Some(false)) => Some(format!(
            "WinHTTP {first}, and this program's own evaluation says {second}; the diagnostic service (DiagTrack) uses WinHTTP, so \
             for it this script names no proxy"
        )),
        (_, Some(false)) => Some(format!(
            "WinHTTP {first}, and this program's own evaluation says {second}; the diagnostic service (DiagTrack) uses WinHTTP's \
             answer"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// A WinHTTP of the test's own, which keeps what it was asked.
    struct Scripted<Reply> {
        reply: Reply,
        asked: mpsc::Sender<Request>,
    }

    impl<Reply: FnMut(&Request) -> Result<Access, u32> + Send> WinHttp for Scripted<Reply> {
        fn detect(&mut self) -> Result<String, u32> {
            Err(12180)
        }

        fn proxy_for(&mut self, request: &Request) -> Result<Access, u32> {
            let _ = self.asked.send(request.clone());
            (self.reply)(request)
        }
    }

    fn told(
        automatic: &Automatic,
        patience: Duration,
        reply: impl FnMut(&Request) -> Result<Access, u32> + Send + 'static,
    ) -> (Told, Vec<Request>) {
        let (asked, requests) = mpsc::channel();
        let urls = ["https://a.example/", "https://b.example/"].map(str::to_owned);
        let told = ask(Box::new(Scripted { reply, asked }), automatic, &urls, patience);
        (told, requests.try_iter().collect())
    }

    fn script() -> Automatic {
        Automatic { detect: false, script: Some("http://pac.contoso.example/proxy.pac".to_owned()) }
    }

    fn ways(list: &[&str]) -> Vec<String> {
        list.iter().map(|way| (*way).to_owned()).collect()
    }

    #[test]
    fn every_address_is_asked_for_without_a_name_first() {
        let (all, requests) = told(&script(), PATIENCE, |request| match request.url.as_str() {
            "https://a.example/" => Ok(Access::Direct),
            _ => Ok(Access::Proxies("P.contoso.example:8080;q".to_owned())),
        });
        assert_eq!(
            all.answers,
            [Theirs::Ways(ways(&["DIRECT"])), Theirs::Ways(ways(&["PROXY p.contoso.example:8080", "PROXY q:80"]))]
        );
        assert_eq!((all.detected, all.logged_on), (None, false));
        assert!(requests.iter().all(|request| !request.logon && request.automatic == script()), "{requests:?}");
    }

    #[test]
    fn who_asks_is_shown_to_a_server_that_wants_to_know() {
        let (all, requests) =
            told(&script(), PATIENCE, |request| if request.logon { Ok(Access::Direct) } else { Err(LOGIN_FAILURE) });
        assert_eq!(all.answers, [Theirs::Ways(ways(&["DIRECT"])), Theirs::Ways(ways(&["DIRECT"]))]);
        assert!(all.logged_on);
        assert_eq!(requests.iter().map(|request| request.logon).collect::<Vec<_>>(), [false, true, false, true]);
    }

    #[test]
    fn an_error_of_the_script_as_a_whole_is_met_once() {
        let detecting = Automatic { detect: true, script: None };
        let (all, requests) = told(&detecting, PATIENCE, |_| Err(12180));
        assert_eq!(all.answers, [Theirs::Error(12180), Theirs::Error(12180)]);
        assert_eq!(all.detected, Some(Err(Theirs::Error(12180))));
        assert_eq!(requests.len(), 1);
        // A script that fails for one address may well answer for the next.
        let (all, requests) = told(&script(), PATIENCE, |request| {
            if request.url.contains('a') && request.url.starts_with("https://a") {
                Err(12166)
            } else {
                Ok(Access::Direct)
            }
        });
        assert_eq!(all.answers, [Theirs::Error(12166), Theirs::Ways(ways(&["DIRECT"]))]);
        assert_eq!(requests.len(), 2);
    }

    #[test]
    fn a_call_that_does_not_come_back_is_left_behind() {
        let patience = Duration::from_millis(100);
        let began = Instant::now();
        let (all, _) = told(&script(), patience, |_| {
            std::thread::sleep(Duration::from_secs(30));
            Ok(Access::Direct)
        });
        assert!(began.elapsed() < Duration::from_secs(10));
        assert_eq!(all.answers, [Theirs::Silence(patience), Theirs::Silence(patience)]);
    }

    #[test]
    fn both_agree_where_the_first_ways_are_the_same() {
        let own = |list: &[&str]| Own::Ways(ways(list));
        let failure = Own::Failure("the server answered 404".to_owned());
        for (theirs, own, expected) in [
            (Theirs::Ways(ways(&["PROXY p:80"])), own(&["PROXY p:80"]), Some(true)),
            // Windows leaves out what stands behind the proxies.
            (Theirs::Ways(ways(&["PROXY p:80"])), own(&["PROXY p:80", "DIRECT"]), Some(true)),
            (Theirs::Ways(ways(&["PROXY p:80", "PROXY q:80"])), own(&["PROXY p:80", "DIRECT"]), Some(false)),
            (Theirs::Ways(ways(&["DIRECT"])), own(&["PROXY p:80", "DIRECT"]), Some(false)),
            (Theirs::Error(12167), failure.clone(), Some(true)),
            (Theirs::Error(12167), own(&["DIRECT"]), Some(false)),
            (Theirs::Ways(ways(&["DIRECT"])), failure, Some(false)),
            (Theirs::Silence(PATIENCE), own(&["DIRECT"]), None),
        ] {
            assert_eq!(theirs.agrees(&own), expected, "{theirs:?} {own:?}");
            assert_eq!(difference(&theirs, &own).is_none(), expected == Some(true), "{theirs:?} {own:?}");
        }
    }

    #[test]
    fn a_difference_names_both_answers_and_the_one_that_counts() {
        let proxy = Own::Ways(ways(&["PROXY p:80"]));
        assert_eq!(
            difference(&Theirs::Ways(ways(&["DIRECT"])), &proxy).as_deref(),
            Some(
                "WinHTTP answers DIRECT, and this program's own evaluation says PROXY p:80; the diagnostic service (DiagTrack) \
                 uses WinHTTP's answer"
            )
        );
        for (error, words) in [
            (12180, "error 12180, ERROR_WINHTTP_AUTODETECTION_FAILED: the network names no script (WPAD)"),
            (12167, "error 12167, ERROR_WINHTTP_UNABLE_TO_DOWNLOAD_SCRIPT: the script could not be fetched"),
            (12166, "error 12166, ERROR_WINHTTP_BAD_AUTO_PROXY_SCRIPT: the script fails when it runs"),
            (31337, "error 31337,"),
        ] {
            let sentence = difference(&Theirs::Error(error), &proxy).expect("a difference");
            assert!(sentence.contains(words) && sentence.ends_with("for it this script names no proxy"), "{sentence}");
        }
        let silent = difference(&Theirs::Silence(PATIENCE), &proxy).expect("a difference");
        assert!(silent.starts_with("WinHTTP did not answer within 20 s"), "{silent}");
    }
}
