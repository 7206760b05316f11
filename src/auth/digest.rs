//! Digest (RFC 7616, and the form of RFC 2069 for proxies that offer no quality of protection).

use md5::Md5;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256, Sha512_256};

use super::{Answer, Offer, Unusable};
use crate::observation::wire_text;
use crate::plan::Scheme;

/// How much of a proxy's text is repeated as evidence.
const KEPT_TEXT: usize = 128;

/// A challenge that can be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a parameter of the challenge, and any may go with any")]
pub struct Digest {
    realm: Vec<u8>,
    nonce: Vec<u8>,
    opaque: Option<Vec<u8>>,
    algorithm: Algorithm,
    /// `None` when the proxy named no algorithm; then the answer names none either.
    algorithm_as_sent: Option<String>,
    /// The session key is hashed once more with both nonces.
    session: bool,
    /// `qop=auth`; otherwise the form of RFC 2069.
    protected: bool,
    /// The name goes out as a hash.
    userhash: bool,
    stale: bool,
}

/// Weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Algorithm {
    Md5,
    Sha256,
    Sha512_256,
}

/// The strongest digest among the offers; `None` when there is no digest at all.
///
/// # Errors
/// [`Unusable`] of the first one, when none can be answered.
pub fn strongest(offers: &[Offer]) -> Option<Result<Digest, Unusable>> {
    let read: Vec<Result<Digest, Unusable>> =
        offers.iter().filter(|offer| offer.is(Scheme::Digest)).map(Digest::read).collect();
    let best = read.iter().filter_map(|digest| digest.as_ref().ok()).rev().max_by_key(|digest| digest.algorithm);
    match best {
        Some(digest) => Some(Ok(digest.clone())),
        None => read.into_iter().next(),
    }
}

impl Digest {
    fn read(offer: &Offer) -> Result<Self, Unusable> {
        let text = |name| offer.parameter(name).map(|value| wire_text(value, KEPT_TEXT));
        let is_true = |name| offer.parameter(name).is_some_and(|value| value.eq_ignore_ascii_case(b"true"));
        let nonce = offer.parameter("nonce").ok_or_else(|| Unusable("the digest challenge has no nonce".into()))?;
        let algorithm_as_sent = text("algorithm");
        let (algorithm, session) = match algorithm_as_sent.as_deref() {
            None => (Algorithm::Md5, false),
            Some(name) => {
                Algorithm::named(name).ok_or_else(|| Unusable(format!("the digest algorithm '{name}' is not known")))?
            }
        };
        let qop = text("qop").unwrap_or_default();
        let mut qualities = qop.split([',', ' ', '\t']).filter(|quality| !quality.is_empty()).peekable();
        let is_offered = qualities.peek().is_some();
        let protected = qualities.any(|quality| quality.eq_ignore_ascii_case("auth"));
        if is_offered && !protected {
            return Err(Unusable(format!("the digest's quality of protection is '{qop}', and only 'auth' is known")));
        }
        Ok(Self {
            realm: offer.parameter("realm").unwrap_or_default().to_vec(),
            nonce: nonce.to_vec(),
            opaque: offer.parameter("opaque").map(<[u8]>::to_vec),
            algorithm,
            algorithm_as_sent,
            session,
            protected,
            userhash: is_true("userhash"),
            stale: is_true("stale"),
        })
    }

    /// The proxy says that the password was right and only the nonce too old.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.stale
    }

    /// Under which the uses of this nonce are counted.
    #[must_use]
    pub fn nonce(&self) -> &[u8] {
        &self.nonce
    }

    /// Answers for one request; `cnonce` is fresh randomness, and `count` says how often the nonce was used, this time
    /// included.
    #[must_use]
    pub fn answer(
        &self,
        (name, password): (&str, &SecretString),
        (method, uri): (&str, &str),
        cnonce: [u8; 8],
        count: u32,
    ) -> Answer {
        self.answer_with((name, password), (method, uri), &hex(&cnonce), count)
    }

    fn answer_with(
        &self,
        (name, password): (&str, &SecretString),
        (method, uri): (&str, &str),
        cnonce: &str,
        count: u32,
    ) -> Answer {
        let hash = |parts: &[&[u8]]| self.algorithm.hex(parts);
        let count = format!("{count:08x}");
        let mut secret = hash(&[name.as_bytes(), &self.realm, password.expose_secret().as_bytes()]);
        if self.session {
            secret = hash(&[secret.as_bytes(), &self.nonce, cnonce.as_bytes()]);
        }
        let request = hash(&[method.as_bytes(), uri.as_bytes()]);
        let (secret, request) = (secret.as_bytes(), request.as_bytes());
        let response = if self.protected {
            hash(&[secret, &self.nonce, count.as_bytes(), cnonce.as_bytes(), b"auth", request])
        } else {
            hash(&[secret, &self.nonce, request])
        };

        let mut value = b"Digest ".to_vec();
        let mut add = |text: &[u8]| value.extend_from_slice(text);
        if self.userhash {
            add(b"username=");
            add(&quoted(hash(&[name.as_bytes(), &self.realm]).as_bytes()));
            add(b", userhash=true");
        } else {
            add(b"username=");
            add(&quoted(name.as_bytes()));
        }
        for (name, text) in [("realm", self.realm.as_slice()), ("nonce", &self.nonce), ("uri", uri.as_bytes())] {
            add(format!(", {name}=").as_bytes());
            add(&quoted(text));
        }
        add(format!(", response=\"{response}\"").as_bytes());
        if let Some(algorithm) = &self.algorithm_as_sent {
            add(format!(", algorithm={algorithm}").as_bytes());
        }
        if let Some(opaque) = &self.opaque {
            add(b", opaque=");
            add(&quoted(opaque));
        }
        if self.protected {
            add(format!(", qop=auth, nc={count}").as_bytes());
        }
        // The session key cannot be checked without it, whatever the quality of protection.
        if self.protected || self.session {
            add(format!(", cnonce=\"{cnonce}\"").as_bytes());
        }
        let realm = wire_text(&self.realm, KEPT_TEXT);
        let algorithm = self.algorithm_as_sent.as_deref().unwrap_or("MD5");
        Answer {
            scheme: Scheme::Digest,
            value: value.into(),
            detail: format!("realm '{realm}', algorithm {algorithm}"),
            token: None,
        }
    }
}

impl Algorithm {
    /// With whether it is the `-sess` variant.
    fn named(name: &str) -> Option<(Self, bool)> {
        let upper = name.to_ascii_uppercase();
        let (base, session) = upper.strip_suffix("-SESS").map_or((upper.as_str(), false), |base| (base, true));
        let algorithm = match base {
            "MD5" => Self::Md5,
            "SHA-256" => Self::Sha256,
            "SHA-512-256" => Self::Sha512_256,
            _ => return None,
        };
        Some((algorithm, session))
    }

    /// The hash of the parts with colons between them, in hexadecimal digits.
    fn hex(self, parts: &[&[u8]]) -> String {
        let joined = parts.join(&b':');
        match self {
            Self::Md5 => hex(&Md5::digest(joined)),
            Self::Sha256 => hex(&Sha256::digest(joined)),
            Self::Sha512_256 => hex(&Sha512_256::digest(joined)),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)]))
        .collect()
}

/// As a quoted string: quotes and backslashes are escaped, other bytes go out as they are.
fn quoted(text: &[u8]) -> Vec<u8> {
    let mut quoted = vec![b'"'];
    for byte in text {
        if matches!(byte, b'"' | b'\\') {
            quoted.push(b'\\');
        }
        quoted.push(*byte);
    }
    quoted.push(b'"');
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::auth::read_challenges;

    const CONNECT: (&str, &str) = ("CONNECT", "v10c.events.data.microsoft.com:443");

    fn digest(challenge: &str) -> Digest {
        strongest(&read_challenges([challenge.as_bytes()])).expect("a digest challenge").expect("a usable one")
    }

    fn told(answer: &Answer) -> String {
        String::from_utf8_lossy(answer.value.expose_secret()).into_owned()
    }

    fn parameter(value: &str, name: &str) -> Option<String> {
        let offers = read_challenges([value.as_bytes()]);
        offers[0].parameter(name).map(|value| String::from_utf8_lossy(value).into_owned())
    }

    fn response(challenge: &str, name: &str, password: &str, uri: &str, cnonce: &str) -> Option<String> {
        let value = told(&digest(challenge).answer_with((name, &password.into()), ("GET", uri), cnonce, 1));
        parameter(&value, "response")
    }

    #[test]
    fn the_vectors_of_rfc_7616() {
        let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        for (algorithm, expected) in [
            ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
            ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ] {
            let challenge = format!(
                "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm={algorithm}, \
                 nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", \
                 opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
            );
            let response = response(&challenge, "Mufasa", "Circle of Life", "/dir/index.html", cnonce);
            assert_eq!(response.as_deref(), Some(expected), "{algorithm}");
        }
    }

    /// RFC 7616 §3.9.2 with the values of its erratum 4897.
    #[test]
    fn a_name_is_hashed_with_its_realm_where_that_is_asked_for() {
        let asked = digest(
            "Digest realm=\"api@example.org\", qop=\"auth\", algorithm=SHA-512-256, \
             nonce=\"5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK\", \
             opaque=\"HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS\", charset=UTF-8, userhash=true",
        );
        let login = ("Jäsøn Doe", &"Secret, or not?".into());
        let cnonce = "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v";
        let value = told(&asked.answer_with(login, ("GET", "/doe.json"), cnonce, 1));
        assert_eq!(
            parameter(&value, "username").as_deref(),
            Some("793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b")
        );
        assert_eq!(
            parameter(&value, "response").as_deref(),
            Some("3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5")
        );
        assert_eq!(parameter(&value, "userhash").as_deref(), Some("true"));
    }

    /// The response of RFC 2069 §2.4 as its erratum 749 gives it.
    #[test]
    fn the_vectors_of_rfc_2617_and_rfc_2069() {
        let challenge = "Digest realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", \
                         opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"";
        let protected = format!("{challenge}, qop=\"auth,auth-int\"");
        assert_eq!(
            response(&protected, "Mufasa", "Circle Of Life", "/dir/index.html", "0a4f113b").as_deref(),
            Some("6629fae49393a05397450978507c4ef1")
        );
        assert_eq!(
            response(challenge, "Mufasa", "CircleOfLife", "/dir/index.html", "").as_deref(),
            Some("1949323746fe6a43ef61f9606e7febea")
        );
    }

    #[test]
    fn an_answer_byte_for_byte() {
        let asked = digest(r#"Digest realm="proxy", nonce="abc=", qop="auth,auth-int", opaque="o\"p", algorithm=MD5"#);
        let answer = asked.answer(("anna", &"hunter2".into()), CONNECT, [0xde, 0xad, 0xbe, 0xef, 0, 1, 2, 3], 0x1f);
        let value = told(&answer);
        let response = parameter(&value, "response").expect("a response");
        assert_eq!(
            value,
            format!(
                "Digest username=\"anna\", realm=\"proxy\", nonce=\"abc=\", uri=\"v10c.events.data.microsoft.com:443\", \
                 response=\"{response}\", algorithm=MD5, opaque=\"o\\\"p\", qop=auth, nc=0000001f, \
                 cnonce=\"deadbeef00010203\""
            )
        );
        assert_eq!(answer.detail, "realm 'proxy', algorithm MD5");
        assert!(!format!("{answer:?}").contains("hunter2"));
    }

    #[test]
    fn names_that_need_quoting_go_out_quoted_and_are_hashed_as_they_are() {
        let asked = digest(r#"Digest realm="r", nonce="n", qop="auth""#);
        for name in [r#"an"na"#, r"CORP\anna", "jäsøn"] {
            let value = told(&asked.answer((name, &"p".into()), CONNECT, [7; 8], 1));
            assert_eq!(parameter(&value, "username").as_deref(), Some(name));
            let secret = Algorithm::Md5.hex(&[name.as_bytes(), b"r", b"p"]);
            let request = Algorithm::Md5.hex(&[b"CONNECT", CONNECT.1.as_bytes()]);
            let cnonce = "0707070707070707";
            let expected = Algorithm::Md5.hex(&[
                secret.as_bytes(),
                b"n",
                b"00000001",
                cnonce.as_bytes(),
                b"auth",
                request.as_bytes(),
            ]);
            assert_eq!(parameter(&value, "response"), Some(expected), "{name}");
        }
    }

    #[test]
    fn a_realm_in_the_proxys_own_bytes_goes_back_unchanged() {
        let offers = read_challenges([b"Digest realm=\"caf\xe9\", nonce=\"n\"".as_slice()]);
        let asked = strongest(&offers).expect("a digest").expect("a usable one");
        let answer = asked.answer(("a", &"b".into()), CONNECT, [0; 8], 1);
        assert!(answer.value.expose_secret().windows(14).any(|part| part == b"realm=\"caf\xe9\", "));
    }

    #[test]
    fn the_strongest_usable_digest_is_answered() {
        let offers = read_challenges([
            br#"Digest realm="r", nonce="1", algorithm=MD5"#.as_slice(),
            br#"Digest realm="r", nonce="2", algorithm=SHA-256-sess, qop="auth""#,
            br#"Digest realm="r", nonce="3", algorithm=SHA3-999"#,
        ]);
        let best = strongest(&offers).expect("a digest").expect("a usable one");
        assert_eq!((best.nonce(), best.algorithm, best.session), (b"2".as_slice(), Algorithm::Sha256, true));
        assert_eq!(strongest(&read_challenges([b"NTLM".as_slice()])), None);
    }

    #[test]
    fn what_cannot_be_answered_says_why() {
        for (challenge, why) in [
            (r#"Digest realm="r", nonce="n", algorithm=SHA3-512"#, "'SHA3-512' is not known"),
            (r#"Digest realm="r", nonce="n", qop="auth-int""#, "'auth-int'"),
            (r#"Digest realm="r""#, "no nonce"),
        ] {
            let answer = strongest(&read_challenges([challenge.as_bytes()]));
            assert!(matches!(&answer, Some(Err(Unusable(said))) if said.contains(why)), "{answer:?}");
        }
        assert!(!digest(r#"Digest realm="r", nonce="n", qop="""#).protected);
        assert!(digest(r#"Digest realm="r", nonce="n", stale=TRUE"#).is_stale());
    }

    proptest! {
        /// Another project's implementation gives the same response to the same challenge and client nonce.
        #[test]
        fn responses_agree_with_the_http_auth_crate(
            algorithm in prop::sample::select(vec![
                "MD5", "MD5-sess", "SHA-256", "SHA-256-sess", "SHA-512-256", "SHA-512-256-sess",
            ]),
            realm in "[ -!#-\\[\\]-~]{1,20}",
            nonce in "[A-Za-z0-9+/=]{1,40}",
            name in "[a-z0-9@.$-]{1,12}",
            password in "[ -~]{0,20}",
        ) {
            let challenge = format!(
                "Digest realm=\"{realm}\", nonce=\"{nonce}\", algorithm={algorithm}, qop=\"auth\", opaque=\"o\""
            );
            let mut theirs = http_auth::PasswordClient::try_from(challenge.as_str()).expect("a challenge they can read");
            let parameters = http_auth::PasswordParams {
                username: &name,
                password: &password,
                uri: CONNECT.1,
                method: CONNECT.0,
                body: Some(b""),
            };
            let theirs = theirs.respond(&parameters).expect("an answer");
            let their_cnonce = parameter(&theirs, "cnonce").expect("a client nonce");

            let asked = digest(&challenge);
            let login = (name.as_str(), &password.as_str().into());
            let ours = told(&asked.answer_with(login, CONNECT, &their_cnonce, 1));
            for same in ["response", "username", "realm", "nonce", "uri", "algorithm", "opaque", "qop", "nc", "cnonce"] {
                prop_assert_eq!(parameter(&ours, same), parameter(&theirs, same), "{}", same);
            }
        }
    }
}
