//! How the lab's proxies check a login: Basic (RFC 7617) and Digest (RFC 7616), written here a second time, so that the
//! client's arithmetic cannot agree with its own mistakes.

use std::collections::HashMap;
use std::sync::Mutex;

use base64::Engine as _;
use md5::Digest as _;

use super::account::{Account, Entry};
use super::windows::{Session, Windows};
use crate::certificate::hex;

/// How a proxy wants to be convinced.
#[derive(Debug, Clone)]
pub enum Gate {
    Open,
    Basic(Account),
    Digest(Account, Digest),
    /// Basic, and the second right answer is refused.
    Faltering(Account),
    /// Basic. Once somebody was let through, right answers for one of these hosts are refused this often.
    Choosy(Account, &'static [&'static str], u64),
    /// NTLM, by itself or inside Negotiate.
    Windows(Account, Windows),
    /// A ticket of Kerberos inside Negotiate, whosever it is.
    Tickets,
    /// Nothing is ever right; every request is answered with these challenges.
    Hopeless(&'static [&'static str]),
}

/// What a Digest challenge says and accepts.
#[derive(Debug, Clone, Copy)]
pub struct Digest {
    /// As written in the challenge.
    pub algorithm: Option<Algorithm>,
    /// `qop="auth"`, or the older form without.
    pub with_quality: bool,
    pub nonces: Nonces,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    Md5,
    Md5Session,
    Sha256,
    Sha256Session,
}

/// How long a nonce is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nonces {
    Lasting,
    /// The first answer to each nonce is called stale, and the next nonce is good.
    StaleOnce,
    AlwaysStale,
}

/// A gate in use.
#[derive(Debug)]
pub(super) struct Guard {
    gate: Gate,
    /// Nonces given out, with what is left of their faults.
    nonces: Mutex<Given>,
}

#[derive(Debug, Default)]
struct Given {
    count: u64,
    known: HashMap<String, Standing>,
    /// How often right answers were refused, by target.
    refused: HashMap<String, u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Good,
    CalledStale,
}

/// Whether a target, `host:port` or an address, is at this host.
fn is_at(target: &str, host: &str) -> bool {
    target.split(['/', ':']).any(|part| part.eq_ignore_ascii_case(host))
}

const REALM: &str = "waprobe lab";

impl Guard {
    pub fn new(gate: Gate) -> Self {
        Self { gate, nonces: Mutex::default() }
    }

    /// `credential` is the value of `Proxy-Authorization`, `session` what its connection was told.
    pub fn check(&self, method: &str, target: &str, credential: Option<&str>, session: &mut Session) -> Entry {
        match &self.gate {
            Gate::Open => Entry::Open,
            Gate::Basic(account) | Gate::Faltering(account) | Gate::Choosy(account, ..) => {
                let expected = format!("{}:{}", account.name, account.password);
                match credential.and_then(|value| value.strip_prefix("Basic ")) {
                    Some(given) if decode(given).as_deref() == Some(expected.as_bytes()) && !self.falters(target) => {
                        Entry::Open
                    }
                    _ => Entry::Challenged(vec![format!("Basic realm=\"{REALM}\", charset=\"UTF-8\"")]),
                }
            }
            Gate::Tickets => {
                let token = credential.and_then(|value| value.strip_prefix("Negotiate ")).and_then(decode);
                // The tag that every first token begins with.
                let is_token = token.is_some_and(|token| token.first() == Some(&0x60));
                if is_token { Entry::Open } else { Entry::Challenged(vec!["Negotiate".to_owned()]) }
            }
            Gate::Hopeless(challenges) => Entry::Challenged(challenges.iter().map(ToString::to_string).collect()),
            Gate::Windows(account, windows) => windows.check(*account, credential, session),
            Gate::Digest(account, digest) => {
                let parameters = credential.and_then(|value| value.strip_prefix("Digest ")).map(parameters);
                self.check_digest(*account, *digest, method, target, parameters.as_ref())
            }
        }
    }

    /// Whether this right answer is refused all the same.
    fn falters(&self, target: &str) -> bool {
        let mut given = self.nonces.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        given.count += 1;
        let is_first = given.count == 1;
        match &self.gate {
            Gate::Faltering(_) => given.count == 2,
            Gate::Choosy(_, hosts, times) => {
                let is_chosen = hosts.iter().any(|host| is_at(target, host));
                let refused = given.refused.entry(target.to_owned()).or_default();
                let is_refused = is_chosen && !is_first && *refused < *times;
                *refused += u64::from(is_refused);
                is_refused
            }
            _ => false,
        }
    }

    fn check_digest(
        &self,
        account: Account,
        digest: Digest,
        method: &str,
        target: &str,
        given: Option<&HashMap<String, String>>,
    ) -> Entry {
        let Some(given) = given else { return Entry::Challenged(vec![self.challenge(digest, false)]) };
        let text = |name: &str| given.get(name).map_or("", String::as_str);
        let right = text("username") == account.name
            && text("realm") == REALM
            && text("uri") == target
            && text("response") == response(account, digest, method, target, given);
        if !right {
            return Entry::Challenged(vec![self.challenge(digest, false)]);
        }
        if self.is_good(text("nonce"), digest.nonces) {
            Entry::Open
        } else {
            Entry::Challenged(vec![self.challenge(digest, true)])
        }
    }

    fn is_good(&self, nonce: &str, nonces: Nonces) -> bool {
        let mut given = self.nonces.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match given.known.get_mut(nonce) {
            None => false,
            Some(Standing::Good) => nonces != Nonces::AlwaysStale,
            Some(standing) => {
                *standing = Standing::Good;
                false
            }
        }
    }

    fn challenge(&self, digest: Digest, stale: bool) -> String {
        let mut given = self.nonces.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        given.count += 1;
        let nonce = format!("lab-nonce-{}", given.count);
        let standing = match digest.nonces {
            Nonces::StaleOnce if !stale => Standing::CalledStale,
            Nonces::StaleOnce | Nonces::Lasting | Nonces::AlwaysStale => Standing::Good,
        };
        given.known.insert(nonce.clone(), standing);
        let mut challenge = format!("Digest realm=\"{REALM}\", nonce=\"{nonce}\"");
        if digest.with_quality {
            challenge += ", qop=\"auth\"";
        }
        if let Some(algorithm) = digest.algorithm {
            challenge.push_str(", algorithm=");
            challenge.push_str(algorithm.name());
        }
        if stale {
            challenge += ", stale=true";
        }
        challenge
    }
}

impl Algorithm {
    fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Md5Session => "MD5-sess",
            Self::Sha256 => "SHA-256",
            Self::Sha256Session => "SHA-256-sess",
        }
    }

    fn hash(self, text: &str) -> String {
        match self {
            Self::Md5 | Self::Md5Session => hex(&md5::Md5::digest(text)),
            Self::Sha256 | Self::Sha256Session => hex(&sha2::Sha256::digest(text)),
        }
    }

    fn is_session(self) -> bool {
        matches!(self, Self::Md5Session | Self::Sha256Session)
    }
}

/// The response that a client with the right password gives (RFC 7616, section 3.4.1).
fn response(account: Account, digest: Digest, method: &str, target: &str, given: &HashMap<String, String>) -> String {
    let algorithm = digest.algorithm.unwrap_or(Algorithm::Md5);
    let text = |name: &str| given.get(name).map_or("", String::as_str);
    let mut secret = algorithm.hash(&format!("{}:{REALM}:{}", account.name, account.password));
    if algorithm.is_session() {
        secret = algorithm.hash(&format!("{secret}:{}:{}", text("nonce"), text("cnonce")));
    }
    let request = algorithm.hash(&format!("{method}:{target}"));
    let between = if digest.with_quality {
        format!("{}:{}:{}:{}", text("nonce"), text("nc"), text("cnonce"), text("qop"))
    } else {
        text("nonce").to_owned()
    };
    algorithm.hash(&format!("{secret}:{between}:{request}"))
}

/// `name=value, name="value"`, as far as well-behaved clients write it.
fn parameters(text: &str) -> HashMap<String, String> {
    let mut found = HashMap::new();
    let mut rest = text;
    while let Some((name, after)) = rest.split_once('=') {
        let (value, behind) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_once(',').unwrap_or((after, "")),
        };
        found.insert(name.trim_matches([' ', ',']).to_ascii_lowercase(), value.trim().to_owned());
        rest = behind;
    }
    found
}

fn decode(text: &str) -> Option<Vec<u8>> {
    base64::engine::general_purpose::STANDARD.decode(text.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7616, section 3.9.1.
    #[test]
    fn the_arithmetic_is_that_of_the_specification() {
        let account = Account { name: "Mufasa", password: "Circle of Life" };
        let digest = |algorithm| Digest { algorithm: Some(algorithm), with_quality: true, nonces: Nonces::Lasting };
        let given = parameters(
            "username=\"Mufasa\", uri=\"/dir/index.html\", nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", \
             nc=00000001, cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", qop=auth",
        );
        // The specification's realm is another, so its first hash is put in by hand.
        for (algorithm, realm_hash, expected) in [
            (Algorithm::Md5, "3d78807defe7de2157e2b0b6573a855f", "8ca523f5e9506fed4657c9700eebdbec"),
            (
                Algorithm::Sha256,
                "7987c64c30e25f1b74be53f966b49b90f2808aa92faf9a00262392d7b4794232",
                "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
            ),
        ] {
            let secret = algorithm.hash("Mufasa:http-auth@example.org:Circle of Life");
            assert_eq!(secret, realm_hash, "{algorithm:?}");
            let ours = response(account, digest(algorithm), "GET", "/dir/index.html", &given);
            let swap = algorithm.hash(&format!("Mufasa:{REALM}:Circle of Life"));
            assert_ne!(swap, secret);
            let request = algorithm.hash("GET:/dir/index.html");
            let between = format!("{}:{}:{}:auth", given["nonce"], given["nc"], given["cnonce"]);
            assert_eq!(algorithm.hash(&format!("{secret}:{between}:{request}")), expected, "{algorithm:?}");
            assert_eq!(algorithm.hash(&format!("{swap}:{between}:{request}")), ours, "{algorithm:?}");
        }
    }
}
