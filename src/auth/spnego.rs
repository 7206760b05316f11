//! SPNEGO (RFC 4178): the envelope in which Negotiate carries the token of another mechanism, or carries none and sends
//! that token bare.
//!
//! In: tokens. Out: tokens, wrapped or unwrapped, and which mechanism they belong to, found by decoding them. Never: a
//! choice between mechanisms, a list longer than the one mechanism that is spoken.

use super::ntlm;
use crate::plan::Mechanism;

const SPNEGO: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x02];
const KERBEROS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02];
/// As Windows once misspelt it, and still offers it.
const KERBEROS_OF_WINDOWS: &[u8] = &[0x2a, 0x86, 0x48, 0x82, 0xf7, 0x12, 0x01, 0x02, 0x02];
const NTLM: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x02, 0x0a];

/// Tags of DER, as far as they occur here.
mod tag {
    pub const OCTETS: u8 = 0x04;
    pub const OBJECT: u8 = 0x06;
    pub const INTEGER: u8 = 0x02;
    pub const ENUMERATED: u8 = 0x0a;
    pub const SEQUENCE: u8 = 0x30;
    /// `[APPLICATION 0]`, which begins every first token of GSS-API.
    pub const FIRST: u8 = 0x60;
    /// `[APPLICATION 30]`, an error of Kerberos.
    pub const KERBEROS_ERROR: u8 = 0x7e;
    /// `[0]` and those that follow.
    pub const CONTEXT: u8 = 0xa0;
    pub const RESPONSE: u8 = CONTEXT + 1;
}

/// A token of Negotiate, decoded as far as its mechanism.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Whether it came in SPNEGO's envelope.
    pub is_wrapped: bool,
    /// The mechanism's name in the envelope, or that of the token inside; `None` when neither says.
    pub mechanism: Option<Mechanism>,
    /// What the other side makes of the exchange so far.
    pub state: Option<State>,
    /// The mechanism's own token.
    pub inner: Option<Vec<u8>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Completed,
    Incomplete,
    Rejected,
    /// A signature over the list of mechanisms is wanted.
    SignatureWanted,
}

/// The first token of an exchange that offers one mechanism.
#[must_use]
pub fn wrap_first(mechanism: Mechanism, inner: &[u8]) -> Vec<u8> {
    let name = match mechanism {
        Mechanism::Kerberos => KERBEROS,
        Mechanism::Ntlm => NTLM,
    };
    let mechanisms = der(tag::CONTEXT, &der(tag::SEQUENCE, &der(tag::OBJECT, name)));
    let token = der(tag::CONTEXT + 2, &der(tag::OCTETS, inner));
    let init = der(tag::CONTEXT, &der(tag::SEQUENCE, &[mechanisms, token].concat()));
    der(tag::FIRST, &[der(tag::OBJECT, SPNEGO), init].concat())
}

/// A later token.
#[must_use]
pub fn wrap_next(inner: &[u8]) -> Vec<u8> {
    let token = der(tag::CONTEXT + 2, &der(tag::OCTETS, inner));
    der(tag::RESPONSE, &der(tag::SEQUENCE, &token))
}

/// Takes a token out of its envelope, or finds that it has none. Whatever the bytes are, something is said about them.
#[must_use]
pub fn unwrap(bytes: &[u8]) -> Token {
    envelope(bytes).unwrap_or_else(|| Token {
        is_wrapped: false,
        mechanism: mechanism_of(bytes),
        state: None,
        inner: (!bytes.is_empty()).then(|| bytes.to_vec()),
    })
}

/// The error code of Kerberos (RFC 4120 §7.5.9) in a mechanism's token, where the token is an error.
#[must_use]
pub fn kerberos_error(inner: &[u8]) -> Option<u32> {
    let bare = match first(inner) {
        // Behind the mechanism's name stand two bytes that say what follows: 3, 0 is an error.
        Some((KERBEROS | KERBEROS_OF_WINDOWS, rest)) => rest.strip_prefix(&[3, 0])?,
        _ => inner,
    };
    let fields = Reader(bare).take(tag::KERBEROS_ERROR).and_then(|error| Reader(error).take(tag::SEQUENCE))?;
    let code = Reader(fields).find(tag::CONTEXT + 6).and_then(|code| Reader(code).take(tag::INTEGER))?;
    let (1..=4) = code.len() else { return None };
    Some(code.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
}

fn envelope(bytes: &[u8]) -> Option<Token> {
    let fields = match first(bytes) {
        Some((SPNEGO, rest)) => Reader(rest).take(tag::CONTEXT)?,
        Some(_) => return None,
        None => Reader(bytes).take(tag::RESPONSE)?,
    };
    let is_first = bytes.first() == Some(&tag::FIRST);
    let fields = Reader(fields).take(tag::SEQUENCE)?;
    let inner = Reader(fields).find(tag::CONTEXT + 2).and_then(|token| Reader(token).take(tag::OCTETS));
    let (named, state) = if is_first {
        let mechanisms = Reader(fields).find(tag::CONTEXT).and_then(|list| Reader(list).take(tag::SEQUENCE));
        (mechanisms.and_then(|list| Reader(list).take(tag::OBJECT)), None)
    } else {
        let state = Reader(fields).find(tag::CONTEXT).and_then(|state| Reader(state).take(tag::ENUMERATED));
        let named = Reader(fields).find(tag::CONTEXT + 1).and_then(|name| Reader(name).take(tag::OBJECT));
        (named, state.and_then(state_of))
    };
    let mechanism = inner.and_then(mechanism_of).or_else(|| named.and_then(mechanism_named));
    Some(Token { is_wrapped: true, mechanism, state, inner: inner.map(<[u8]>::to_vec) })
}

/// The mechanism's name and what follows it, in the first token of an exchange (RFC 2743 §3.1).
fn first(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut reader = Reader(Reader(bytes).take(tag::FIRST)?);
    let name = reader.next().filter(|(kind, _)| *kind == tag::OBJECT)?.1;
    Some((name, reader.0))
}

fn mechanism_of(token: &[u8]) -> Option<Mechanism> {
    if token.starts_with(ntlm::SIGNATURE) {
        return Some(Mechanism::Ntlm);
    }
    first(token).and_then(|(name, _)| mechanism_named(name))
}

fn mechanism_named(name: &[u8]) -> Option<Mechanism> {
    match name {
        KERBEROS | KERBEROS_OF_WINDOWS => Some(Mechanism::Kerberos),
        NTLM => Some(Mechanism::Ntlm),
        _ => None,
    }
}

fn state_of(value: &[u8]) -> Option<State> {
    match value {
        [0] => Some(State::Completed),
        [1] => Some(State::Incomplete),
        [2] => Some(State::Rejected),
        [3] => Some(State::SignatureWanted),
        _ => None,
    }
}

fn der(kind: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    match u8::try_from(content.len()) {
        Ok(length @ 0..=0x7f) => bytes.push(length),
        Ok(length) => bytes.extend_from_slice(&[0x81, length]),
        Err(_) => {
            let length = content.len().to_be_bytes();
            let length = &length[length.iter().position(|byte| *byte != 0).unwrap_or_default()..];
            bytes.push(0x80 | u8::try_from(length.len()).expect("a length has eight bytes at most"));
            bytes.extend_from_slice(length);
        }
    }
    bytes.extend_from_slice(content);
    bytes
}

/// Reads values of DER one after the other; what is cut short is not there.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The content of the value that stands here, when it is of this kind.
    fn take(mut self, kind: u8) -> Option<&'a [u8]> {
        self.next().filter(|(found, _)| *found == kind).map(|(_, content)| content)
    }

    /// The content of the first value of this kind.
    fn find(mut self, kind: u8) -> Option<&'a [u8]> {
        std::iter::from_fn(|| self.next()).find(|(found, _)| *found == kind).map(|(_, content)| content)
    }

    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (kind, rest) = self.0.split_first()?;
        let (length, rest) = rest.split_first()?;
        let (length, rest) = match *length {
            short @ 0..=0x7f => (usize::from(short), rest),
            0x81..=0x84 => {
                let (digits, rest) = rest.split_at_checked(usize::from(*length & 0x7f))?;
                (digits.iter().fold(0, |number, digit| number << 8 | usize::from(*digit)), rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((*kind, content))
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use proptest::prelude::*;

    use super::*;

    fn bytes(base64: &str) -> Vec<u8> {
        base64::engine::general_purpose::STANDARD.decode(base64).expect("base64")
    }

    #[test]
    fn a_first_token_byte_for_byte() {
        let mut expected = vec![0x60, 0x25, 6, 6];
        expected.extend_from_slice(SPNEGO);
        expected.extend_from_slice(&[0xa0, 0x1b, 0x30, 0x19, 0xa0, 0x0e, 0x30, 0x0c, 6, 10]);
        expected.extend_from_slice(NTLM);
        expected.extend_from_slice(&[0xa2, 0x07, 4, 5]);
        expected.extend_from_slice(b"token");
        assert_eq!(wrap_first(Mechanism::Ntlm, b"token"), expected);
        assert_eq!(wrap_next(b"token"), [&[0xa1, 0x0b, 0x30, 0x09, 0xa2, 0x07, 4, 5], b"token".as_slice()].concat());
    }

    #[test]
    fn what_is_wrapped_comes_out_again_whatever_its_length() {
        for length in [0, 1, 100, 127, 128, 255, 256, 12_000, 70_000] {
            let mut token = ntlm::SIGNATURE.to_vec();
            token.resize(8 + length, 7);
            let opened = unwrap(&wrap_first(Mechanism::Ntlm, &token));
            assert_eq!((opened.is_wrapped, opened.mechanism), (true, Some(Mechanism::Ntlm)), "{length}");
            assert_eq!(opened.inner.as_deref(), Some(token.as_slice()));
            let opened = unwrap(&wrap_next(&token));
            assert_eq!((opened.mechanism, opened.inner), (Some(Mechanism::Ntlm), Some(token)));
        }
    }

    /// The last words of a server, in the three forms in which servers say them.
    #[test]
    fn a_servers_verdict_is_read() {
        for (token, mechanism, state) in [
            ("oRQwEqADCgEAoQsGCSqGSIb3EgECAg==", Some(Mechanism::Kerberos), State::Completed),
            ("oRQwEqADCgEBoQsGCSqGSIL3EgECAg==", Some(Mechanism::Kerberos), State::Incomplete),
            ("oRUwE6ADCgEBoQwGCisGAQQBgjcCAgo=", Some(Mechanism::Ntlm), State::Incomplete),
            ("oQcwBaADCgEC", None, State::Rejected),
            ("oQcwBaADCgED", None, State::SignatureWanted),
        ] {
            let read = unwrap(&bytes(token));
            assert_eq!(read, Token { is_wrapped: true, mechanism, state: Some(state), inner: None }, "{token}");
        }
    }

    #[test]
    fn the_token_inside_says_more_than_the_name_on_the_envelope() {
        let mislabelled = wrap_first(Mechanism::Kerberos, &ntlm::type1());
        assert_eq!(unwrap(&mislabelled).mechanism, Some(Mechanism::Ntlm));
    }

    #[test]
    fn bare_tokens_are_told_apart() {
        let kerberos = der(tag::FIRST, &[der(tag::OBJECT, KERBEROS), vec![1, 0, 0x6e, 0]].concat());
        for (token, mechanism) in [
            (ntlm::type1(), Some(Mechanism::Ntlm)),
            (kerberos, Some(Mechanism::Kerberos)),
            (b"hello".to_vec(), None),
            (vec![0x60, 0x80], None),
        ] {
            let read = unwrap(&token);
            assert_eq!(read, Token { is_wrapped: false, mechanism, state: None, inner: Some(token) });
        }
        assert_eq!(unwrap(&[]).inner, None);
    }

    #[test]
    fn an_error_of_kerberos_is_read_bare_and_in_its_mechanisms_frame() {
        let code = |code: &[u8]| der(tag::CONTEXT + 6, &der(tag::INTEGER, code));
        let error = |code: Vec<u8>| {
            let version = der(tag::CONTEXT, &der(tag::INTEGER, &[5]));
            der(tag::KERBEROS_ERROR, &der(tag::SEQUENCE, &[version, code].concat()))
        };
        let framed = |error: &[u8]| der(tag::FIRST, &[der(tag::OBJECT, KERBEROS), vec![3, 0], error.to_vec()].concat());
        assert_eq!(kerberos_error(&error(code(&[37]))), Some(37));
        assert_eq!(kerberos_error(&framed(&error(code(&[41])))), Some(41));
        assert_eq!(kerberos_error(&error(code(&[0, 60]))), Some(60));
        assert_eq!(kerberos_error(&error(code(&[]))), None);
        assert_eq!(kerberos_error(&error(Vec::new())), None);
        assert_eq!(kerberos_error(&ntlm::type1()), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let read = unwrap(&bytes);
            prop_assert!(read.is_wrapped || read.inner.unwrap_or_default() == bytes);
            let _ = kerberos_error(&bytes);
        }

        #[test]
        fn a_damaged_token_makes_it_panic_neither(at in 0..60_usize, byte in any::<u8>(), length in 0..90_usize) {
            let mut token = wrap_first(Mechanism::Ntlm, &ntlm::type1());
            let at = at.min(token.len() - 1);
            token[at] = byte;
            token.truncate(length);
            let _ = (unwrap(&token), kerberos_error(&token));
        }
    }
}
