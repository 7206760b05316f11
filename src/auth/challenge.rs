//! Challenges as proxies really write them: several headers or several in one, tokens, broken quotes, any bytes.
//!
//! What cannot be read is skipped up to the next scheme, because a proxy that misquotes its realm still offers NTLM
//! behind it.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::PAD;
use base64::engine::{DecodePaddingMode, GeneralPurpose};

use super::ntlm::Type2;
use super::{Unusable, spnego};
use crate::observation::{Challenge, NtlmChallenge, wire_text};
use crate::plan::Scheme;

/// Some leave the padding out.
const TOKEN: GeneralPurpose =
    GeneralPurpose::new(&STANDARD, PAD.with_decode_padding_mode(DecodePaddingMode::Indifferent));
/// Offers beyond these say nothing new.
const MOST_OFFERS: usize = 256;
const MOST_PARAMETERS: usize = 32;
/// Schemes, parameters and unreadable pieces of one header; bounds the work that a hostile value can cause.
const MOST_PIECES: usize = 1024;
/// How much of a name or value is kept as evidence.
const KEPT_TEXT: usize = 512;
/// Where broken quoting is given up.
const KNOWN_SCHEMES: [&str; 6] = ["Basic", "Digest", "NTLM", "Negotiate", "Kerberos", "Bearer"];

/// One scheme that the proxy accepts, with what it said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// As sent.
    pub scheme: String,
    /// Unquoted and unescaped, in the proxy's own bytes: they are hashed and sent back unchanged.
    pub parameters: Vec<(String, Vec<u8>)>,
    /// The token68 that stands in place of parameters (NTLM, Negotiate).
    pub token: Option<String>,
}

/// Every offer in the values of `Proxy-Authenticate`, in order.
pub fn read<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Vec<Offer> {
    let mut offers = Vec::new();
    for value in values {
        let first = offers.len();
        let mut reader = Reader { bytes: value, at: 0, last_scheme_passed: false };
        for _ in 0..MOST_PIECES {
            reader.skip(|byte| is_space(byte) || byte == b',');
            if reader.is_at_end() || offers.len() >= MOST_OFFERS {
                break;
            }
            reader.piece(&mut offers, first);
        }
    }
    offers
}

impl Offer {
    /// The first parameter called `name`, in any case.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&[u8]> {
        self.parameters.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_slice())
    }

    #[must_use]
    pub fn is(&self, scheme: Scheme) -> bool {
        self.scheme.eq_ignore_ascii_case(scheme.as_str())
    }

    /// The bytes of the token, where there is one.
    ///
    /// # Errors
    /// [`Unusable`] for a token that is not base64.
    pub fn token_bytes(&self) -> Result<Option<Vec<u8>>, Unusable> {
        let Some(token) = &self.token else { return Ok(None) };
        let bytes = TOKEN.decode(token).map_err(|error| Unusable(format!("the token is not base64: {error}")))?;
        Ok(Some(bytes))
    }

    /// What is kept of it: of a token its length, and what it says of the server.
    #[must_use]
    pub fn evidence(&self) -> Challenge {
        let parameter = |(name, value): &(String, Vec<u8>)| (name.clone(), wire_text(value, KEPT_TEXT));
        Challenge {
            scheme: self.scheme.clone(),
            parameters: self.parameters.iter().map(parameter).collect(),
            token_length: self.token.as_ref().map(String::len),
            ntlm: self.ntlm_challenge(),
        }
    }

    fn ntlm_challenge(&self) -> Option<NtlmChallenge> {
        let token = spnego::unwrap(&self.token_bytes().ok()??);
        Type2::read(&token.inner?).ok().map(|challenge| challenge.evidence())
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    /// No known scheme stands further on; looking again for every broken quote would take quadratic time.
    last_scheme_passed: bool,
}

impl Reader<'_> {
    /// Reads a scheme, or a parameter of the scheme before it.
    fn piece(&mut self, offers: &mut Vec<Offer>, first: usize) {
        let word = self.word();
        if word.is_empty() {
            self.skip(|byte| byte != b',');
            return;
        }
        if self.is_followed_by_equals(self.at) {
            self.skip(is_space);
            self.at += 1;
            self.skip(is_space);
            let value = self.value();
            // A parameter without a scheme before it belongs to nobody.
            if let Some(offer) = offers[first..].last_mut()
                && offer.parameters.len() < MOST_PARAMETERS
            {
                offer.parameters.push((word, value));
            }
            return;
        }
        // These two have parameters only, and `realm=` without a value looks like a token with its padding.
        let has_parameters = word.eq_ignore_ascii_case("basic") || word.eq_ignore_ascii_case("digest");
        let token = if has_parameters { None } else { self.token68() };
        offers.push(Offer { scheme: word, parameters: Vec::new(), token });
    }

    fn word(&mut self) -> String {
        let start = self.at;
        self.skip(is_word_byte);
        let word = &self.bytes[start..self.at.min(start + KEPT_TEXT)];
        String::from_utf8_lossy(word).into_owned()
    }

    /// A token68 that is the whole of what stands behind its scheme; otherwise nothing is consumed.
    fn token68(&mut self) -> Option<String> {
        let before = self.at;
        self.skip(is_space);
        let start = self.at;
        self.skip(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte));
        let is_empty = self.at == start;
        self.skip(|byte| byte == b'=');
        let end = self.at;
        self.skip(is_space);
        if is_empty || self.bytes.get(self.at).is_some_and(|byte| *byte != b',') {
            self.at = before;
            return None;
        }
        Some(String::from_utf8_lossy(&self.bytes[start..end]).into_owned())
    }

    fn value(&mut self) -> Vec<u8> {
        if self.bytes.get(self.at) == Some(&b'"') { self.quoted() } else { self.unquoted() }
    }

    fn quoted(&mut self) -> Vec<u8> {
        let start = self.at + 1;
        let (text, closing) = unescape(self.bytes, start);
        let is_well_formed =
            closing.is_some_and(|at| self.bytes.get(at + 1).is_none_or(|byte| is_space(*byte) || *byte == b','));
        match closing {
            Some(closing) if is_well_formed => {
                self.at = closing + 1;
                text
            }
            _ => {
                if let Some(scheme) = self.known_scheme_after(start) {
                    self.at = scheme;
                    let cut = self.bytes[start..scheme].trim_ascii_end();
                    let cut = cut.strip_suffix(b",").unwrap_or(cut).trim_ascii_end();
                    return cut.strip_suffix(b"\"").unwrap_or(cut).to_vec();
                }
                self.at = closing.map_or(self.bytes.len(), |at| at + 1);
                self.skip(|byte| byte != b',');
                text
            }
        }
    }

    /// Up to the comma; also up to a space behind which another parameter or a known scheme begins, for those who
    /// forget the comma. Other spaces belong to the value, for those who forget the quotes.
    fn unquoted(&mut self) -> Vec<u8> {
        let start = self.at;
        let mut end = start;
        loop {
            self.skip(|byte| !is_space(byte) && byte != b',');
            if self.at > end {
                end = self.at;
            }
            let space = self.at;
            self.skip(is_space);
            let word_end = self.bytes[self.at..]
                .iter()
                .position(|byte| !is_word_byte(*byte))
                .map_or(self.bytes.len(), |length| self.at + length);
            let begins_another =
                (word_end > self.at && self.is_followed_by_equals(word_end)) || self.is_known_scheme(self.at);
            if self.is_at_end() || self.bytes[self.at] == b',' || begins_another || self.at == space {
                return self.bytes[start..end].to_vec();
            }
        }
    }

    fn is_followed_by_equals(&self, at: usize) -> bool {
        self.bytes[at..].iter().find(|byte| !is_space(**byte)) == Some(&b'=')
    }

    fn known_scheme_after(&mut self, start: usize) -> Option<usize> {
        if self.last_scheme_passed {
            return None;
        }
        let is_separator = |byte: u8| is_space(byte) || byte == b',';
        let found =
            (start + 1..self.bytes.len()).find(|at| is_separator(self.bytes[at - 1]) && self.is_known_scheme(*at));
        self.last_scheme_passed = found.is_none();
        found
    }

    fn is_known_scheme(&self, at: usize) -> bool {
        let rest = &self.bytes[at..];
        KNOWN_SCHEMES.iter().any(|scheme| {
            rest.get(..scheme.len()).is_some_and(|word| word.eq_ignore_ascii_case(scheme.as_bytes()))
                && rest.get(scheme.len()).is_none_or(|byte| is_space(*byte) || *byte == b',')
        })
    }

    fn skip(&mut self, unwanted: impl Fn(u8) -> bool) {
        while self.bytes.get(self.at).is_some_and(|byte| unwanted(*byte)) {
            self.at += 1;
        }
    }

    fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }
}

/// The text of a quoted string that begins at `start`, and where its closing quote stands.
fn unescape(bytes: &[u8], start: usize) -> (Vec<u8>, Option<usize>) {
    let mut text = Vec::new();
    let mut at = start;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return (text, Some(at)),
            b'\\' if at + 1 < bytes.len() => {
                at += 1;
                text.push(bytes[at]);
            }
            other => text.push(*other),
        }
        at += 1;
    }
    (text, None)
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// A `tchar` of RFC 9110.
fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A scheme and its parameters.
    type Read = (String, Vec<(String, Vec<u8>)>);

    /// `Scheme[token] name=value; …`, one per offer.
    fn shown(values: &[&[u8]]) -> Vec<String> {
        read(values.iter().copied())
            .iter()
            .map(|offer| {
                let token = offer.token.as_ref().map_or(String::new(), |token| format!("[{token}]"));
                let parameters: Vec<String> = offer
                    .parameters
                    .iter()
                    .map(|(name, value)| format!("{name}={}", wire_text(value, KEPT_TEXT)))
                    .collect();
                format!("{}{token} {}", offer.scheme, parameters.join("; ")).trim_end().to_owned()
            })
            .collect()
    }

    #[test]
    fn offers_are_read_as_proxies_write_them() {
        let table: [(&[u8], &[&str]); 17] = [
            (br#"Basic realm="Squid proxy""#, &["Basic realm=Squid proxy"]),
            (br#"Negotiate, NTLM, Basic realm="a, b""#, &["Negotiate", "NTLM", "Basic realm=a, b"]),
            (
                br#"Digest realm="r", nonce="n==", qop="auth,auth-int", stale=FALSE, algorithm=MD5"#,
                &["Digest realm=r; nonce=n==; qop=auth,auth-int; stale=FALSE; algorithm=MD5"],
            ),
            (br#"NTLM TlRMTVNTUAACAAAA==, Basic realm="x""#, &["NTLM[TlRMTVNTUAACAAAA==]", "Basic realm=x"]),
            (b"Negotiate oRQwEqADCgEB", &["Negotiate[oRQwEqADCgEB]"]),
            (br#"basic  realm = "spaced" ,  charset="UTF-8""#, &["basic realm=spaced; charset=UTF-8"]),
            (br#"Basic realm="say \"hello\" \\ bye""#, &[r#"Basic realm=say "hello" \ bye"#]),
            (b"Basic realm=\"caf\xe9\"", &["Basic realm=café"]),
            ("Basic realm=\"café\"".as_bytes(), &["Basic realm=café"]),
            (b"Basic realm=Our Proxy", &["Basic realm=Our Proxy"]),
            (b"Digest realm=a nonce=b qop=auth", &["Digest realm=a; nonce=b; qop=auth"]),
            (b"Basic realm=", &["Basic realm="]),
            (b"Basic", &["Basic"]),
            (br#", ,Basic realm="x",,"#, &["Basic realm=x"]),
            (br#"realm="nobody's", Basic realm="x""#, &["Basic realm=x"]),
            (b"Basic realm=\"folded\r\n line\"", &["Basic realm=folded\r\n line"]),
            (b"", &[]),
        ];
        for (value, offers) in table {
            assert_eq!(shown(&[value]), offers, "{}", String::from_utf8_lossy(value));
        }
    }

    #[test]
    fn broken_quoting_costs_its_own_offer_and_not_the_ones_behind_it() {
        let table: [(&[u8], &[&str]); 6] = [
            (br#"Basic realm="never closed"#, &["Basic realm=never closed"]),
            (br#"Basic realm="open, NTLM"#, &["Basic realm=open", "NTLM"]),
            (br#"Basic realm="open, Digest realm="r", nonce="n""#, &["Basic realm=open", "Digest realm=r; nonce=n"]),
            (br#"Basic realm="the "best" proxy", Negotiate"#, &["Basic realm=the \"best\" proxy", "Negotiate"]),
            (br#"Basic realm="a"b", charset="UTF-8""#, &["Basic realm=a; charset=UTF-8"]),
            (br#"@@@ Basic, Digest nonce="n""#, &["Digest nonce=n"]),
        ];
        for (value, offers) in table {
            assert_eq!(shown(&[value]), offers, "{}", String::from_utf8_lossy(value));
        }
    }

    #[test]
    fn a_parameter_never_moves_from_one_header_to_the_next() {
        assert_eq!(shown(&[b"NTLM", br#"realm="stray""#, br#"Basic realm="x""#]), ["NTLM", "Basic realm=x"]);
    }

    #[test]
    fn a_flood_of_offers_and_parameters_is_cut() {
        let offers = vec![r#"Basic realm="x""#; 1000].join(", ");
        assert_eq!(read([offers.as_bytes()]).len(), MOST_OFFERS);
        let parameters = format!("Digest {}", vec![r#"a="b""#; 5000].join(", "));
        assert_eq!(read([parameters.as_bytes()])[0].parameters.len(), MOST_PARAMETERS);
        // Each quote is broken and sends the reader to look for a scheme.
        let broken = r#"a="b"c,"#.repeat(20_000);
        assert_eq!(read([broken.as_bytes()]).len(), 0);
    }

    #[test]
    fn evidence_measures_a_token_and_does_not_keep_it() {
        let offers = read([b"NTLM TlRMTVNTUAACAAAA".as_slice()]);
        let kept = offers[0].evidence();
        assert_eq!(kept.token_length, Some(16));
        assert!(!format!("{kept:?}").contains("TlRM"));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(value in proptest::collection::vec(any::<u8>(), 0..400)) {
            let offers = read([value.as_slice()]);
            prop_assert!(offers.len() <= MOST_OFFERS);
        }

        #[test]
        fn nor_do_pieces_of_real_challenges_in_any_order(
            pieces in proptest::collection::vec(
                prop::sample::select(vec![
                    "Basic", "Digest", "NTLM", "realm", "nonce", "=", "\"", "\\", ",", " ", "==", "TlRM", "é",
                ]),
                0..60,
            )
        ) {
            let _ = read([pieces.concat().as_bytes()]);
        }

        /// Where the strict parser of another project can read a header, ours reads the same.
        #[test]
        fn well_formed_headers_are_read_as_the_http_auth_crate_reads_them(
            offers in proptest::collection::vec(
                (
                    "[A-Z][a-z]{2,8}",
                    proptest::collection::vec(("[a-z]{1,8}", "[ -~]{0,20}", any::<bool>()), 1..5),
                ),
                1..5,
            )
        ) {
            let mut header = Vec::new();
            for (scheme, parameters) in &offers {
                let written: Vec<String> = parameters
                    .iter()
                    .map(|(name, value, quote)| {
                        let is_token = !value.is_empty() && value.bytes().all(is_word_byte);
                        if is_token && !quote {
                            format!("{name}={value}")
                        } else {
                            format!("{name}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
                        }
                    })
                    .collect();
                header.push(format!("{scheme} {}", written.join(", ")));
            }
            let header = header.join(", ");
            if let Ok(theirs) = http_auth::parse_challenges(&header) {
                let theirs: Vec<Read> = theirs
                    .iter()
                    .map(|challenge| {
                        let value = |value: &http_auth::ParamValue<'_>| value.to_unescaped().into_bytes();
                        let parameters =
                            challenge.params.iter().map(|(name, text)| ((*name).to_owned(), value(text))).collect();
                        (challenge.scheme.to_owned(), parameters)
                    })
                    .collect();
                let ours: Vec<Read> =
                    read([header.as_bytes()]).into_iter().map(|offer| (offer.scheme, offer.parameters)).collect();
                prop_assert_eq!(ours, theirs, "{}", header);
            }
        }
    }
}
