//! How the lab's proxies check an NTLM login (MS-NLMP), by itself or inside Negotiate: the server's side, written here
//! for itself, so that the client's arithmetic cannot agree with its own mistakes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use md4::Digest as _;

use super::account::{Account, Entry};

/// A proxy's NTLM.
#[derive(Debug, Clone, Copy)]
pub struct Windows {
    pub carrier: Carrier,
    pub form: Form,
    pub conduct: Conduct,
    /// Challenges of other schemes beside it, which nothing answers rightly.
    pub also: &'static [&'static str],
}

/// The scheme that carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    Ntlm,
    /// Negotiate with bare messages.
    Negotiate,
    /// Negotiate that says nothing to a bare message.
    NegotiateInSpnego,
}

/// What a Type 2 is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Names of server and domain, and the time: the answer has to be signed.
    Whole,
    /// The same without the time.
    Timeless,
    /// So many bytes of head, and nothing behind them.
    Bare(usize),
    /// Grants no Unicode.
    Narrow,
    /// Points outside of itself.
    Beyond,
    /// These bytes.
    Bytes(&'static [u8]),
    /// This text, where a token should be.
    Text(&'static str),
}

/// What happens to the connection, and when the tunnel opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conduct {
    Proper,
    /// Ends the connection with the Type 2.
    ClosesWithChallenge,
    /// Opens for the Type 1.
    OpensEarly,
    /// Takes no answer, ever.
    Refuses,
    /// The answer reaches another node than the one that asked.
    Splits,
}

/// What one connection has been told.
#[derive(Debug, Default)]
pub(super) struct Session {
    /// Type 1 and Type 2.
    told: Option<(Vec<u8>, Vec<u8>)>,
}

const SIGNATURE: &[u8] = b"NTLMSSP\0";
const NONCE: [u8; 8] = *b"lab-nonc";
/// Unicode, NTLM, a target, extended session security, target information, version, 128 and 56 bits, and signing.
const FLAGS: u32 = 0xa28a_8215;
const UNICODE: u32 = 1;
const OEM: u32 = 2;
const TARGET_INFO: u32 = 0x0080_0000;
/// 2026-11-22T10:30:00Z as Windows counts; the lab's servers need no better clock.
const TIME: u64 = 134_398_170_000_000_000;

impl Windows {
    #[must_use]
    pub fn by(carrier: Carrier) -> Self {
        Self { carrier, form: Form::Whole, conduct: Conduct::Proper, also: &[] }
    }

    pub(super) fn check(&self, account: Account, credential: Option<&str>, session: &mut Session) -> Entry {
        let name = if self.carrier == Carrier::Ntlm { "NTLM" } else { "Negotiate" };
        let bare = || self.challenged(name.to_owned(), false);
        let token = credential.and_then(|value| value.strip_prefix(name)?.strip_prefix(' '));
        let Some(token) = token.and_then(|token| STANDARD.decode(token.trim()).ok()) else { return bare() };
        let is_wrapped = !token.starts_with(SIGNATURE);
        if is_wrapped != (self.carrier == Carrier::NegotiateInSpnego) {
            return bare();
        }
        // The message is the last thing in its envelope.
        let Some(start) = token.windows(SIGNATURE.len()).position(|part| part == SIGNATURE) else { return bare() };
        let message = &token[start..];
        match message.get(8) {
            Some(1) if self.conduct == Conduct::OpensEarly => Entry::Open,
            Some(1) => {
                let challenge = self.type2();
                let told = match self.form {
                    Form::Text(text) => format!("{name} {text}"),
                    _ if is_wrapped => format!("{name} {}", STANDARD.encode(envelope(&challenge))),
                    _ => format!("{name} {}", STANDARD.encode(&challenge)),
                };
                session.told = Some((message.to_vec(), challenge));
                self.challenged(told, self.conduct == Conduct::ClosesWithChallenge)
            }
            Some(3) if self.conduct == Conduct::Splits => Entry::Elsewhere(vec![name.to_owned()]),
            Some(3) if self.conduct != Conduct::Refuses => match session.told.take() {
                Some((type1, type2)) if self.is_right(account, [&type1, &type2, message]).unwrap_or(false) => {
                    Entry::Open
                }
                _ => bare(),
            },
            _ => bare(),
        }
    }

    fn challenged(&self, ours: String, closes: bool) -> Entry {
        let all = std::iter::once(ours).chain(self.also.iter().map(ToString::to_string)).collect();
        if closes { Entry::Dismissed(all) } else { Entry::Challenged(all) }
    }

    fn type2(&self) -> Vec<u8> {
        let flags = match self.form {
            Form::Narrow => FLAGS & !UNICODE | OEM,
            _ => FLAGS | TARGET_INFO,
        };
        let mut pairs = Vec::new();
        let mut pair = |kind: u16, value: &[u8]| {
            pairs.extend(kind.to_le_bytes());
            pairs.extend(u16::try_from(value.len()).unwrap_or_default().to_le_bytes());
            pairs.extend_from_slice(value);
        };
        pair(2, &utf16("LAB"));
        pair(1, &utf16("PROXY"));
        pair(4, &utf16("proxy.lab"));
        pair(3, &utf16("windows.proxy.lab"));
        if self.form != Form::Timeless {
            pair(7, &TIME.to_le_bytes());
        }
        pair(0, &[]);
        let length = u16::try_from(pairs.len()).unwrap_or_default();
        let offset: u32 = if self.form == Form::Beyond { 60_000 } else { 56 };

        let mut message = SIGNATURE.to_vec();
        message.extend(2_u32.to_le_bytes());
        message.extend([0, 0, 0, 0, 56, 0, 0, 0]);
        message.extend(flags.to_le_bytes());
        message.extend(NONCE);
        message.extend([0; 8]);
        message.extend(length.to_le_bytes());
        message.extend(length.to_le_bytes());
        message.extend(offset.to_le_bytes());
        message.extend([10, 0, 0x63, 0x45, 0, 0, 0, 15]);
        match self.form {
            Form::Bare(length) => message.truncate(length),
            Form::Bytes(bytes) => message = bytes.to_vec(),
            Form::Whole | Form::Timeless | Form::Narrow | Form::Beyond | Form::Text(_) => message.extend(pairs),
        }
        message
    }

    /// Whether a Type 3 was made with the account's password, for this challenge and, where it said the time, for
    /// exactly these messages. `None` for one whose fields are not inside of it.
    fn is_right(&self, account: Account, [type1, type2, type3]: [&[u8]; 3]) -> Option<bool> {
        let number = |at: usize| Some(u32::from_le_bytes(type3.get(at..at + 4)?.try_into().ok()?));
        let field = |at: usize| {
            let length = usize::from(u16::from_le_bytes(type3.get(at..at + 2)?.try_into().ok()?));
            let start = usize::try_from(number(at + 4)?).ok()?;
            type3.get(start..start.checked_add(length)?)
        };
        let text = |bytes: &[u8]| -> String {
            if number(60).is_some_and(|flags| flags & UNICODE == 0) {
                return String::from_utf8_lossy(bytes).into_owned();
            }
            let units: Vec<u16> = bytes.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
            String::from_utf16_lossy(&units)
        };
        let (response, domain, user) = (field(20)?, text(field(28)?), text(field(36)?));
        let (proof, blob) = response.split_at_checked(16)?;
        let secret = md4::Md4::digest(utf16(account.password));
        let key = keyed(&secret, &[&utf16(&user.to_uppercase()), &utf16(&domain)]);
        let signature_fits = || {
            let mut unsigned = type3.to_vec();
            unsigned.get_mut(72..88)?.fill(0);
            let expected = keyed(&keyed(&key, &[proof]), &[type1, type2, &unsigned]);
            Some(type3.get(72..88)? == expected)
        };
        Some(
            user == account.name
                && keyed(&key, &[&NONCE, blob]) == proof
                && (self.form != Form::Whole || signature_fits().unwrap_or(false)),
        )
    }
}

/// A response of SPNEGO that goes on: state 1, NTLM, and the message.
fn envelope(message: &[u8]) -> Vec<u8> {
    let long = |kind: u8, content: &[u8]| {
        let length = u16::try_from(content.len()).unwrap_or_default().to_be_bytes();
        [&[kind, 0x82, length[0], length[1]], content].concat()
    };
    let head = [0xa0, 3, 0x0a, 1, 1, 0xa1, 12, 6, 10, 0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 2, 10];
    long(0xa1, &long(0x30, &[&head[..], &long(0xa2, &long(4, message))].concat()))
}

fn keyed(key: &[u8], parts: &[&[u8]]) -> [u8; 16] {
    let mut code = Hmac::<md5::Md5>::new_from_slice(key).expect("HMAC takes keys of every length");
    for part in parts {
        code.update(part);
    }
    code.finalize().into_bytes().into()
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}
