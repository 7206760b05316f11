//! The keys and responses of NTLM version 2 (MS-NLMP §3.3.2).
//!
//! In: a name, a password, the server's nonce. Out: keyed hashes. Never: the older responses, which can be turned back
//! into the password.

use hmac::{Hmac, KeyInit as _, Mac as _};
use md4::{Digest as _, Md4};
use md5::Md5;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};

/// What the password and the account amount to; as good as the password itself.
pub(super) struct ResponseKey(Zeroizing<[u8; 16]>);

/// The two responses of one exchange, and the key that signs its messages.
pub(super) struct Responses {
    pub lm: [u8; 24],
    pub nt: Vec<u8>,
    pub session_key: Zeroizing<[u8; 16]>,
}

impl ResponseKey {
    /// `NTOWFv2`: the domain is taken as written, the user's name in capitals.
    pub fn of(password: &SecretString, user: &str, domain: &str) -> Self {
        let password = Zeroizing::new(utf16(password.expose_secret()));
        let hash = Zeroizing::new(<[u8; 16]>::from(Md4::digest(password.as_slice())));
        let account = utf16(&(capitals(user) + domain));
        Self(Zeroizing::new(hmac_md5(hash.as_slice(), &[&account])))
    }

    /// `pairs` is what the server said of itself, with its end mark; `time` counts from 1601 in 100 ns.
    pub fn respond(&self, server_nonce: [u8; 8], client_nonce: [u8; 8], time: u64, pairs: &[u8]) -> Responses {
        let key = self.0.as_slice();
        let mut blob = vec![1, 1, 0, 0, 0, 0, 0, 0];
        blob.extend_from_slice(&time.to_le_bytes());
        blob.extend_from_slice(&client_nonce);
        blob.extend_from_slice(&[0; 4]);
        blob.extend_from_slice(pairs);
        blob.extend_from_slice(&[0; 4]);
        let proof = hmac_md5(key, &[&server_nonce, &blob]);
        let session_key = Zeroizing::new(hmac_md5(key, &[&proof]));

        let mut lm = [0; 24];
        lm[..16].copy_from_slice(&hmac_md5(key, &[&server_nonce, &client_nonce]));
        lm[16..].copy_from_slice(&client_nonce);
        Responses { lm, nt: [proof.as_slice(), &blob].concat(), session_key }
    }
}

pub(super) fn hmac_md5(key: &[u8], parts: &[&[u8]]) -> [u8; 16] {
    let mut code = Hmac::<Md5>::new_from_slice(key).expect("HMAC takes keys of every length");
    for part in parts {
        code.update(part);
    }
    code.finalize().into_bytes().into()
}

pub(super) fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// As Windows does it: one character for one, so that `ß` stays.
fn capitals(text: &str) -> String {
    text.chars()
        .map(|character| {
            let mut upper = character.to_uppercase();
            match (upper.next(), upper.next()) {
                (Some(one), None) => one,
                _ => character,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_capitalised_letter_for_letter() {
        assert_eq!(capitals("anna.müller@corp.example"), "ANNA.MÜLLER@CORP.EXAMPLE");
        assert_eq!(capitals("strauß"), "STRAUß");
        assert_eq!(capitals("ws01$"), "WS01$");
    }
}
