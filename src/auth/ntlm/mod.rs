//! NTLM version 2 (MS-NLMP) for a name and a password: Type 1 asks, Type 2 challenges, Type 3 answers.
//!
//! In: the proxy's Type 2 of any length, a name, a password, a nonce and the time. Out: the messages of this side, and
//! what the Type 2 says about the server. Never: a response of version 1, a session key, a domain that nobody gave.

mod keys;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use secrecy::SecretString;

use self::keys::{ResponseKey, hmac_md5, utf16};
use super::Unusable;
use crate::observation::{NtlmChallenge, wire_text};

pub(super) const SIGNATURE: &[u8; 8] = b"NTLMSSP\0";
/// Longer ones are nobody's; what is in them goes back in the Type 3.
const LONGEST_CHALLENGE: usize = 16 << 10;
/// How much of a name is kept as evidence.
const KEPT_NAME: usize = 128;
/// What a directory sees as the computer that asks; it stands in the logs of domain controllers.
const WORKSTATION: &str = "WAPROBE";
/// Windows 10 1809, in the form of MS-NLMP §2.2.2.10: the proxy sees what it sees of the devices.
const VERSION: [u8; 8] = [10, 0, 0x63, 0x45, 0, 0, 0, 15];
/// From 1601, where Windows begins to count, to 1970.
const SECONDS_TO_1970: i64 = 11_644_473_600;

/// What is asked for in Type 1: Unicode, a target, NTLM, extended session security, 128 bits, and no key exchange,
/// because nothing is signed or sealed afterwards.
const WANTED: u32 = 0xa208_8207;
const UNICODE: u32 = 0x0000_0001;
const OEM: u32 = 0x0000_0002;
const TARGET_INFO: u32 = 0x0080_0000;
const WITH_VERSION: u32 = 0x0200_0000;
const KEY_EXCHANGE: u32 = 0x4000_0000;

/// Kinds of attribute-value pairs (MS-NLMP §2.2.2.1).
mod pair {
    pub const END: u16 = 0;
    pub const NETBIOS_COMPUTER: u16 = 1;
    pub const NETBIOS_DOMAIN: u16 = 2;
    pub const DNS_COMPUTER: u16 = 3;
    pub const DNS_DOMAIN: u16 = 4;
    pub const FLAGS: u16 = 6;
    pub const TIMESTAMP: u16 = 7;
}
/// In the pair of flags: a message integrity code is there.
const SIGNED: u32 = 2;

/// A proxy's challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Type2 {
    bytes: Vec<u8>,
    flags: u32,
    nonce: [u8; 8],
    target: Vec<u8>,
    pairs: Vec<(u16, Vec<u8>)>,
}

/// The message that opens an exchange. It names nobody.
#[must_use]
pub fn type1() -> Vec<u8> {
    let mut message = SIGNATURE.to_vec();
    message.extend_from_slice(&1_u32.to_le_bytes());
    message.extend_from_slice(&WANTED.to_le_bytes());
    // Neither a domain nor a workstation is supplied.
    message.extend_from_slice(&[0; 16]);
    message.extend_from_slice(&VERSION);
    message
}

impl Type2 {
    /// Reads what is there: 32 bytes are enough, and a field that points outside of the message counts as absent.
    ///
    /// # Errors
    /// [`Unusable`] for what is no Type 2.
    pub fn read(bytes: &[u8]) -> Result<Self, Unusable> {
        let unusable = |what: String| Err(Unusable(what));
        if bytes.len() > LONGEST_CHALLENGE {
            return unusable(format!("the NTLM challenge has {} bytes", bytes.len()));
        }
        if !bytes.starts_with(SIGNATURE) {
            return unusable("the token is no NTLM message".to_owned());
        }
        let Some(kind) = u32_at(bytes, 8) else {
            return unusable(format!("the NTLM message is cut short after {} bytes", bytes.len()));
        };
        if kind != 2 {
            return unusable(format!("an NTLM message of type {kind} came in place of type 2"));
        }
        let (Some(flags), Some(nonce)) = (u32_at(bytes, 20), bytes.get(24..32)) else {
            return unusable(format!("the NTLM challenge is cut short after {} bytes", bytes.len()));
        };
        let mut server = [0; 8];
        server.copy_from_slice(nonce);
        let info = if flags & TARGET_INFO == 0 { None } else { field(bytes, 40) };
        Ok(Self {
            flags,
            nonce: server,
            target: field(bytes, 12).unwrap_or_default().to_vec(),
            pairs: pairs(info.unwrap_or_default()),
            bytes: bytes.to_vec(),
        })
    }

    /// As it came.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What is told of it.
    #[must_use]
    pub fn evidence(&self) -> NtlmChallenge {
        let name = |kind| self.pair(kind).map(|value| shown(value, true)).filter(|name| !name.is_empty());
        let target = shown(&self.target, self.flags & UNICODE != 0);
        NtlmChallenge {
            length: self.bytes.len(),
            flags: self.flags,
            target: (!target.is_empty()).then_some(target),
            netbios_domain: name(pair::NETBIOS_DOMAIN),
            netbios_server: name(pair::NETBIOS_COMPUTER),
            dns_domain: name(pair::DNS_DOMAIN),
            dns_server: name(pair::DNS_COMPUTER),
            time: self.time().and_then(moment),
        }
    }

    /// The Type 3 for a login: `DOMAIN\user`, `user@domain`, or a name alone, which the server looks up in its own
    /// domain. `nonce` is fresh randomness, and `now` stands in where the server does not say its time.
    ///
    /// # Errors
    /// [`Unusable`] for a name that the proxy's character set cannot carry.
    pub fn answer(
        &self,
        (name, password): (&str, &SecretString),
        nonce: [u8; 8],
        now: Timestamp,
    ) -> Result<Vec<u8>, Unusable> {
        let (domain, user) = name.split_once('\\').unwrap_or(("", name));
        let flags = self.flags & (WANTED | TARGET_INFO) & !KEY_EXCHANGE;
        let is_unicode = self.flags & UNICODE != 0 || self.flags & OEM == 0;
        let flags = if is_unicode { flags & !OEM | UNICODE } else { flags };
        let text = |text: &str| encode(text, is_unicode);

        let key = ResponseKey::of(password, user, domain);
        let server_time = self.time();
        let time = server_time.unwrap_or_else(|| since_1601(now));
        let mut responses = key.respond(self.nonce, nonce, time, &self.pairs_to_return(server_time.is_some()));
        if server_time.is_some() {
            // A server that says its time wants a signature in place of the older response (§3.1.5.1.2).
            responses.lm = [0; 24];
        }
        let fields = [responses.lm.to_vec(), responses.nt, text(domain)?, text(user)?, text(WORKSTATION)?, Vec::new()];
        let mut message = assemble(&fields, flags, server_time.is_some())?;
        if server_time.is_some() {
            let code = hmac_md5(responses.session_key.as_slice(), &[&type1(), &self.bytes, &message]);
            message[CODE_AT..CODE_AT + 16].copy_from_slice(&code);
        }
        Ok(message)
    }

    fn pair(&self, kind: u16) -> Option<&[u8]> {
        self.pairs.iter().find(|(known, _)| *known == kind).map(|(_, value)| value.as_slice())
    }

    fn time(&self) -> Option<u64> {
        self.pair(pair::TIMESTAMP)?.try_into().ok().map(u64::from_le_bytes)
    }

    /// The server's own pairs, and that a signature comes along.
    fn pairs_to_return(&self, is_signed: bool) -> Vec<u8> {
        let mut returned = Vec::new();
        let mut add = |kind: u16, value: &[u8]| {
            let length = u16::try_from(value.len()).expect("it was read from sixteen bits");
            returned.extend_from_slice(&kind.to_le_bytes());
            returned.extend_from_slice(&length.to_le_bytes());
            returned.extend_from_slice(value);
        };
        for (kind, value) in self.pairs.iter().filter(|(kind, _)| !is_signed || *kind != pair::FLAGS) {
            add(*kind, value);
        }
        if is_signed {
            let theirs = self.pair(pair::FLAGS).and_then(|value| u32_at(value, 0)).unwrap_or_default();
            add(pair::FLAGS, &(theirs | SIGNED).to_le_bytes());
        }
        add(pair::END, &[]);
        returned
    }
}

/// Where the message integrity code stands in a Type 3 that has one.
const CODE_AT: usize = 72;

/// A Type 3 of its fields, in their order in the head; the code is left zero.
fn assemble(fields: &[Vec<u8>; 6], flags: u32, with_code: bool) -> Result<Vec<u8>, Unusable> {
    let head = if with_code { CODE_AT + 16 } else { CODE_AT };
    let mut message = SIGNATURE.to_vec();
    message.extend_from_slice(&3_u32.to_le_bytes());
    let mut offset = head;
    for field in fields {
        let length = u16::try_from(field.len()).map_err(|_| Unusable("the name is too long for NTLM".to_owned()))?;
        message.extend_from_slice(&length.to_le_bytes());
        message.extend_from_slice(&length.to_le_bytes());
        message.extend_from_slice(&u32::try_from(offset).unwrap_or(u32::MAX).to_le_bytes());
        offset += field.len();
    }
    message.extend_from_slice(&flags.to_le_bytes());
    message.extend_from_slice(if flags & WITH_VERSION == 0 { &[0; 8] } else { &VERSION });
    message.resize(head, 0);
    message.extend(fields.iter().flatten());
    Ok(message)
}

/// The bytes that a field of the head points to: length, length again, offset.
fn field(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let length = usize::from(u16_at(bytes, at)?);
    let offset = usize::try_from(u32_at(bytes, at + 4)?).ok()?;
    bytes.get(offset..offset.checked_add(length)?)
}

/// Up to the end mark, or as far as they are whole.
fn pairs(mut bytes: &[u8]) -> Vec<(u16, Vec<u8>)> {
    let mut pairs = Vec::new();
    while let (Some(kind), Some(length)) = (u16_at(bytes, 0), u16_at(bytes, 2)) {
        let Some((value, rest)) = bytes[4..].split_at_checked(usize::from(length)) else { break };
        if kind == pair::END {
            break;
        }
        pairs.push((kind, value.to_vec()));
        bytes = rest;
    }
    pairs
}

fn encode(text: &str, is_unicode: bool) -> Result<Vec<u8>, Unusable> {
    if is_unicode {
        return Ok(utf16(text));
    }
    if text.is_ascii() {
        return Ok(text.as_bytes().to_vec());
    }
    Err(Unusable("the proxy's NTLM takes no Unicode, and the user name is not plain ASCII".to_owned()))
}

fn shown(bytes: &[u8], is_unicode: bool) -> String {
    if !is_unicode {
        return wire_text(bytes, KEPT_NAME);
    }
    let (units, _) = bytes.as_chunks::<2>();
    let units = units.iter().take(KEPT_NAME).map(|unit| u16::from_le_bytes(*unit));
    char::decode_utf16(units).map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

fn since_1601(now: Timestamp) -> u64 {
    let hundreds = now.as_nanosecond() / 100 + i128::from(SECONDS_TO_1970) * 10_000_000;
    u64::try_from(hundreds).unwrap_or_default()
}

/// To the second, which is what a comparison of clocks needs.
fn moment(time: u64) -> Option<Timestamp> {
    Timestamp::from_second(i64::try_from(time / 10_000_000).ok()? - SECONDS_TO_1970).ok()
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2)?.try_into().ok().map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
}
