//! What was sent to a proxy and must not be kept.
//!
//! In: the login of an attempt, and each credential as it goes out. Out: evidence without them: some proxies show a
//! request's headers on their error pages, and what is kept of a page goes into recordings and reports. Never: a secret
//! that is printed or written; they are wiped when the attempt ends.

use std::sync::{Mutex, PoisonError};

use secrecy::{ExposeSecret as _, SecretSlice};

use super::Login;
use crate::harmless::without_tokens;
use crate::observation::{Challenge, Evidence, Fault, Header, HttpEvidence, TlsEvidence, TunnelEvidence};

const MASK: &[u8] = b"(masked)";
/// What is shorter stands in any text, and to mask it there would point at it.
const SHORTEST: usize = 4;
/// Where a digest's proof stands in its header.
const RESPONSE: &[u8] = b"response=\"";
/// Header fields whose values belong to a session.
const SESSION_FIELDS: [&str; 4] = ["set-cookie", "set-cookie2", "proxy-authentication-info", "authentication-info"];

/// Header fields whose values are addresses: portals put users' names and tickets there.
const ADDRESS_FIELDS: [&str; 4] = ["location", "content-location", "refresh", "link"];

/// The secrets of one attempt.
#[derive(Debug, Default)]
pub(super) struct Secrets(Mutex<Vec<SecretSlice<u8>>>);

impl Secrets {
    /// The password and the header value that is made of it: from now on the one is masked, and of the other the token or
    /// the response, which are all that is secret of it.
    pub fn sent(&self, login: Option<&Login>, value: &SecretSlice<u8>) {
        let value = value.expose_secret();
        let mut secrets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut add = |secret: &[u8]| {
            let is_known = secrets.iter().any(|known| known.expose_secret() == secret);
            if secret.len() >= SHORTEST && !is_known {
                secrets.push(secret.to_vec().into());
            }
        };
        if let Some(login) = login {
            let password = login.password.expose_secret();
            add(password.as_bytes());
            // As a page of HTML shows it.
            add(password.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").as_bytes());
            add(password
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;")
                .replace('"', "&quot;")
                .as_bytes());
        }
        // A token without its padding: `=` is written in other ways on pages and in addresses.
        if let Some(space) = value.iter().position(|byte| *byte == b' ') {
            let token = value[space + 1..].trim_ascii();
            let end = token.iter().rposition(|byte| *byte != b'=').map_or(0, |last| last + 1);
            if !token.contains(&b',') {
                add(&token[..end]);
            }
        }
        if let Some(start) = find(value, RESPONSE) {
            let rest = &value[start + RESPONSE.len()..];
            add(&rest[..rest.iter().position(|byte| *byte == b'"').unwrap_or(rest.len())]);
        }
        // The longest first, so that none is left in pieces by one that it contains.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.expose_secret().len()));
    }

    /// Masks what a stage has kept.
    pub fn mask(&self, evidence: &mut Evidence) {
        match evidence {
            Evidence::Dns(_) | Evidence::Tcp(_) | Evidence::Unfinished(_) => {}
            Evidence::Proxy(seen) => self.mask_tunnel(seen),
            Evidence::Tls(seen) => self.mask_tls(seen),
            Evidence::Http(seen) => self.mask_http(seen),
        }
    }

    /// Masks what a fault quotes of the peer.
    pub fn mask_fault(&self, fault: &mut Fault) {
        if let Fault::DigestUnsupported { detail }
        | Fault::ChallengeUnreadable { detail }
        | Fault::NoCredential { detail }
        | Fault::NoTicket { detail, .. }
        | Fault::ProxyCertificateRejected { detail }
        | Fault::MalformedReply { detail }
        | Fault::HandshakeFailed { detail }
        | Fault::Unrecognised { detail } = fault
        {
            self.text(detail);
        }
    }

    fn mask_tunnel(&self, seen: &mut TunnelEvidence) {
        if let Some(tls) = &mut seen.tls {
            self.mask_tls(tls);
        }
        for leg in &mut seen.legs {
            self.text(&mut leg.reason);
            self.headers(&mut leg.headers);
            leg.challenges.iter_mut().for_each(|challenge| self.challenge(challenge));
            if let Some(credential) = &mut leg.credential {
                self.text(&mut credential.detail);
            }
            self.bytes(&mut leg.body_start);
        }
        seen.passed_over.iter_mut().for_each(|passed| self.mask_fault(&mut passed.why));
        self.bytes(&mut seen.early_bytes);
    }

    fn mask_tls(&self, seen: &mut TlsEvidence) {
        self.bytes(&mut seen.first_bytes);
        if let Some(detail) = &mut seen.detail {
            self.text(detail);
        }
    }

    fn mask_http(&self, seen: &mut HttpEvidence) {
        self.text(&mut seen.reason);
        self.headers(&mut seen.headers);
        self.bytes(&mut seen.body_start);
    }

    fn headers(&self, headers: &mut [Header]) {
        for header in headers {
            self.text(&mut header.value);
        }
    }

    fn challenge(&self, challenge: &mut Challenge) {
        for (_, value) in &mut challenge.parameters {
            self.text(value);
        }
    }

    fn text(&self, text: &mut String) {
        let mut bytes = std::mem::take(text).into_bytes();
        self.bytes(&mut bytes);
        *text = String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    }

    /// Every secret, and the beginning of one that the end of what is kept has cut.
    fn bytes(&self, bytes: &mut Vec<u8>) {
        hide_session(bytes);
        for secret in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let secret = secret.expose_secret();
            let mut from = 0;
            while let Some(found) = find(&bytes[from..], secret) {
                let start = from + found;
                bytes.splice(start..start + secret.len(), MASK.iter().copied());
                from = start + MASK.len();
            }
            let longest = secret.len().min(bytes.len());
            let cut = (SHORTEST..longest).rev().find(|length| bytes.ends_with(&secret[..*length]));
            if let Some(length) = cut {
                bytes.truncate(bytes.len() - length);
                bytes.extend_from_slice(MASK);
            }
        }
    }
}

/// In bytes that no parser took apart, fields are lines.
fn hide_session(bytes: &mut Vec<u8>) {
    let mut start = 0;
    while start < bytes.len() {
        let end = bytes[start..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |length| start + length);
        let mut next = end + 1;
        if let Some((value, kept)) = kept_of(&bytes[start..end]) {
            next = start + value + kept.len() + 1;
            bytes.splice(start + value..end, kept);
        }
        start = next;
    }
}

/// What is kept in place of a field's value, and where that begins; `None` where the line may stay as it is.
fn kept_of(line: &[u8]) -> Option<(usize, Vec<u8>)> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let is_one_of = |fields: &[&str]| fields.iter().any(|field| line[..colon].eq_ignore_ascii_case(field.as_bytes()));
    if is_one_of(&SESSION_FIELDS) {
        return Some((colon + 1, MASK.to_vec()));
    }
    let value = &line[colon + 1..];
    let address = std::str::from_utf8(value).ok().filter(|_| is_one_of(&ADDRESS_FIELDS));
    match address {
        Some(address) => {
            let end = if address.ends_with('\r') { "\r" } else { "" };
            Some((colon + 1, format!("{}{end}", without_tokens(address.trim_end_matches('\r'))).into_bytes()))
        }
        None => is_one_of(&ADDRESS_FIELDS).then(|| (colon + 1, MASK.to_vec())),
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(value: &str, text: &str) -> String {
        let secrets = Secrets::default();
        let login = Login { name: "anna".to_owned(), password: "hunter<2&".into() };
        secrets.sent(Some(&login), &value.as_bytes().to_vec().into());
        let mut bytes = text.as_bytes().to_vec();
        secrets.bytes(&mut bytes);
        String::from_utf8(bytes).expect("text")
    }

    #[test]
    fn a_credential_is_masked_whole_in_part_and_cut_off() {
        let basic = "Basic YW5uYTpodW50ZXIyJg==";
        for (text, kept) in [
            ("<pre>Basic YW5uYTpodW50ZXIyJg==</pre>", "<pre>Basic (masked)==</pre>"),
            ("token YW5uYTpodW50ZXIyJg%3D%3D", "token (masked)%3D%3D"),
            ("anna:hunter<2& anna:hunter&lt;2&amp;", "anna:(masked) anna:(masked)"),
            ("cut off at Basic YW5uYTpo", "cut off at Basic (masked)"),
            ("cut off in YW5uYTpo", "cut off in (masked)"),
            (
                "a\r\nSet-Cookie: id=7\r\nb: c\nauthentication-info:x",
                "a\r\nSet-Cookie:(masked)\nb: c\nauthentication-info:(masked)",
            ),
            (
                "HTTP/1.1 302 Found\r\nLocation: http://anna:x@portal.example/login;jsessionid=1?token=abc&b\r\n\r\n",
                "HTTP/1.1 302 Found\r\nLocation: http://…@portal.example/login;jsessionid=…?token=…&…\r\n\r\n",
            ),
            ("nothing of the kind: Basic", "nothing of the kind: Basic"),
        ] {
            assert_eq!(masked(basic, text), kept, "{text}");
        }
    }

    #[test]
    fn a_digest_is_masked_by_its_response() {
        let digest = "Digest username=\"anna\", response=\"8ca523f5e9506fed\", cnonce=\"deadbeef\"";
        assert_eq!(masked(digest, "response=&quot;8ca523f5e9506fed&quot;"), "response=&quot;(masked)&quot;");
    }
}
