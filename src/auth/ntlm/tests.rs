//! The vectors of MS-NLMP §4.2, and servers that keep to it as far as it suits them.

use proptest::prelude::*;

use super::*;

/// `CHALLENGE_MESSAGE` of MS-NLMP §4.2.4.3.
const CHALLENGE: &str = "4e544c4d53535000 02000000 0c000c00 38000000 33828ae2 0123456789abcdef 0000000000000000 \
                         2400240044000000 060070170000000f 530065007200760065007200 \
                         02000c0044006f006d00610069006e00 01000c00530065007200760065007200 00000000";

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let digit = |byte: u8| u8::try_from(char::from(byte).to_digit(16).expect("hexadecimal")).expect("below sixteen");
    digits.chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

fn type2(bytes: &[u8]) -> Type2 {
    Type2::read(bytes).unwrap_or_else(|error| panic!("{error}"))
}

/// A Type 2 of a server that says these pairs; 56 bytes of head, as Windows sends it.
fn challenge(flags: u32, pairs: &[(u16, &[u8])]) -> Vec<u8> {
    let mut info: Vec<u8> = Vec::new();
    for (kind, value) in pairs {
        info.extend(kind.to_le_bytes());
        info.extend(u16::try_from(value.len()).expect("short").to_le_bytes());
        info.extend_from_slice(value);
    }
    info.extend([0; 4]);
    let mut message = b"NTLMSSP\0\x02\0\0\0".to_vec();
    message.extend([0, 0, 0, 0, 56, 0, 0, 0]);
    message.extend(flags.to_le_bytes());
    message.extend([1, 2, 3, 4, 5, 6, 7, 8]);
    message.extend([0; 8]);
    let length = u16::try_from(info.len()).expect("short");
    message.extend([length.to_le_bytes(), length.to_le_bytes(), [56, 0], [0, 0]].concat());
    message.extend(VERSION);
    message.extend(info);
    message
}

const USUAL: u32 = 0xa289_8205;
const NOW: &str = "2026-11-22T10:30:00Z";

fn now() -> Timestamp {
    NOW.parse().expect("a moment")
}

/// A Type 3, taken apart.
struct Read {
    flags: u32,
    lm: Vec<u8>,
    nt: Vec<u8>,
    domain: String,
    user: String,
    bytes: Vec<u8>,
}

fn answered(challenge: &[u8], name: &str, password: &str) -> Read {
    let message = type2(challenge).answer((name, &password.into()), [0xaa; 8], now()).expect("an answer");
    assert_eq!((&message[..8], u32_at(&message, 8)), (SIGNATURE.as_slice(), Some(3)));
    let flags = u32_at(&message, 60).expect("flags");
    let part = |at| field(&message, at).expect("a field inside the message").to_vec();
    let text = |at| shown(&part(at), flags & UNICODE != 0);
    assert_eq!(text(44), "WAPROBE");
    assert_eq!(part(52), b"", "no session key was asked for");
    Read { flags, lm: part(12), nt: part(20), domain: text(28), user: text(36), bytes: message }
}

#[test]
fn the_vectors_of_the_specification() {
    let key = ResponseKey::of(&"Password".into(), "User", "Domain");
    let server = [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef];
    let pairs = bytes("02000c0044006f006d00610069006e00 01000c00530065007200760065007200 00000000");
    let responses = key.respond(server, [0xaa; 8], 0, &pairs);
    assert_eq!(responses.nt[..16], bytes("68cd0ab851e51c96aabc927bebef6a1c"));
    let blob = "0101000000000000 0000000000000000 aaaaaaaaaaaaaaaa 00000000 02000c0044006f006d00610069006e00 \
                01000c00530065007200760065007200 00000000 00000000";
    assert_eq!(responses.nt[16..], bytes(blob));
    assert_eq!(responses.lm.as_slice(), bytes("86c35097ac9cec102554764a57cccc19 aaaaaaaaaaaaaaaa"));
    assert_eq!(responses.session_key.as_slice(), bytes("8de40ccadbc14a82f15cb0ad0de95ca3"));
}

#[test]
fn the_message_that_opens_byte_for_byte() {
    let expected = "4e544c4d53535000 01000000 078208a2 0000000000000000 0000000000000000 0a0063450000000f";
    assert_eq!(type1(), bytes(expected));
}

#[test]
fn the_specifications_challenge_is_read_and_answered_with_both_responses() {
    let message = bytes(CHALLENGE);
    let told = type2(&message).evidence();
    assert_eq!(told.length, 104);
    assert_eq!(told.target.as_deref(), Some("Server"));
    assert_eq!((told.netbios_domain.as_deref(), told.netbios_server.as_deref()), (Some("Domain"), Some("Server")));
    assert_eq!((told.dns_domain, told.time), (None, None));

    let read = answered(&message, r"Domain\User", "Password");
    assert_eq!((read.domain.as_str(), read.user.as_str()), ("Domain", "User"));
    assert_eq!(read.flags & KEY_EXCHANGE, 0, "granted, and not taken");
    assert_eq!(read.lm, bytes("86c35097ac9cec102554764a57cccc19 aaaaaaaaaaaaaaaa"));
    assert_eq!(read.nt.len(), 16 + 28 + 36 + 4);
    assert_eq!(read.nt[24..32], since_1601(now()).to_le_bytes());
}

#[test]
fn a_server_that_says_its_time_gets_it_back_with_a_signature_over_all_three_messages() {
    let time = since_1601("2026-11-22T10:38:00Z".parse().expect("a moment"));
    let message = challenge(USUAL, &[(2, &utf16("CORP")), (6, &[1, 0, 0, 0]), (7, &time.to_le_bytes())]);
    let read = answered(&message, "anna@corp.example", "hunter2");
    assert_eq!((read.domain.as_str(), read.user.as_str()), ("", "anna@corp.example"));
    assert_eq!(read.lm, [0; 24]);
    assert_eq!(read.nt[24..32], time.to_le_bytes());
    let returned = pairs(&read.nt[44..]);
    let expected = [(2, utf16("CORP")), (7, time.to_le_bytes().to_vec()), (6, vec![3, 0, 0, 0])];
    assert_eq!(returned, expected, "the server's flags, and the one that announces the signature");

    let proof = &read.nt[..16];
    let account = utf16("ANNA@CORP.EXAMPLE");
    let key = hmac_md5(&md4(&utf16("hunter2")), &[&account]);
    let session = hmac_md5(&key, &[proof]);
    let mut unsigned = read.bytes.clone();
    unsigned[72..88].fill(0);
    assert_eq!(read.bytes[72..88], hmac_md5(&session, &[&type1(), &message, &unsigned]));
    assert_eq!(hmac_md5(&key, &[&[1, 2, 3, 4, 5, 6, 7, 8], &read.nt[16..]]), proof);
}

fn md4(bytes: &[u8]) -> [u8; 16] {
    use md4::Digest as _;
    md4::Md4::digest(bytes).into()
}

#[test]
fn a_challenge_may_be_of_every_length_that_servers_send() {
    let whole = challenge(USUAL, &[(2, &utf16("CORP"))]);
    for length in [32, 40, 48, 56] {
        let mut message = whole[..length].to_vec();
        let read = answered(&message, "anna", "hunter2");
        assert_eq!(read.nt.len(), 16 + 28 + 4 + 4, "{length} bytes hold no pairs");
        assert_eq!(read.lm.len(), 24);
        message[20..24].copy_from_slice(&(USUAL & !TARGET_INFO).to_le_bytes());
        assert_eq!(answered(&message, "anna", "hunter2").nt, read.nt);
    }
    assert_eq!(type2(&whole).evidence().netbios_domain.as_deref(), Some("CORP"));
    let unflagged = challenge(USUAL & !TARGET_INFO, &[(2, &utf16("CORP"))]);
    assert_eq!(type2(&unflagged).evidence().netbios_domain, None, "not announced");
    for length in [0, 7, 11, 12, 20, 31] {
        let error = Type2::read(&whole[..length]).expect_err("too short").to_string();
        assert!(error.contains("cut short") || error.contains("no NTLM message"), "{length}: {error}");
    }
}

#[test]
fn pairs_that_end_early_count_as_far_as_they_are_whole() {
    let whole = challenge(USUAL, &[(2, &utf16("CORP")), (4, &utf16("corp.example"))]);
    let cut = |length: u8| {
        let mut message = whole.clone();
        message[40] = length;
        type2(&message).evidence()
    };
    assert_eq!(cut(12).netbios_domain.as_deref(), Some("CORP"));
    assert_eq!(cut(20).dns_domain, None);
    assert_eq!(cut(11).netbios_domain, None);
    assert_eq!(cut(255).netbios_domain, None, "beyond the message");
}

#[test]
fn a_server_that_grants_less_is_answered_with_less() {
    let oem = USUAL & !UNICODE | OEM;
    let read = answered(&challenge(oem, &[]), r"CORP\anna", "hunter2");
    assert_eq!((read.domain.as_str(), read.user.as_str(), read.flags & UNICODE), ("CORP", "anna", 0));
    let strange = type2(&challenge(oem, &[])).answer(("jäsøn", &"p".into()), [0; 8], now());
    assert!(strange.is_err_and(|error| error.to_string().contains("plain ASCII")));

    let read = answered(&challenge(0, &[]), "anna", "hunter2");
    assert_eq!((read.flags, read.user.as_str()), (UNICODE, "anna"), "nothing granted: Unicode all the same");
    assert_eq!(read.bytes[64..72], [0; 8], "no version");
}

#[test]
fn what_is_no_challenge_says_what_it_is() {
    for (bytes, why) in [
        (b"hello".to_vec(), "no NTLM message"),
        (type1(), "type 1 came in place of type 2"),
        ([SIGNATURE.as_slice(), &[0; LONGEST_CHALLENGE]].concat(), "16392 bytes"),
    ] {
        let error = Type2::read(&bytes).expect_err("unusable").to_string();
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn a_password_shows_nowhere_but_in_the_response() {
    let message = answered(&challenge(USUAL, &[]), "anna", "correct-horse").bytes;
    let spread = utf16("correct-horse");
    assert!(!message.windows(spread.len()).any(|part| part == spread));
    assert!(!message.windows(16).any(|part| part == md4(&spread)));
}

#[test]
fn the_clock_of_a_server_is_read_to_the_second() {
    let time = since_1601("2026-11-22T10:38:00.25Z".parse().expect("a moment"));
    let told = type2(&challenge(USUAL, &[(7, &time.to_le_bytes())])).evidence();
    assert_eq!(told.time.map(|time| time.to_string()).as_deref(), Some("2026-11-22T10:38:00Z"));
    let wild = type2(&challenge(USUAL, &[(7, &[255; 8])])).evidence();
    assert_eq!(wild.time.map(|time| time.to_string()), None);
}

proptest! {
    /// Whatever a proxy sends is read or refused, and what is read is answered; its fields stay inside the message.
    #[test]
    fn no_challenge_breaks_anything(
        mut message in prop::collection::vec(any::<u8>(), 0..200),
        head in prop::sample::select(vec![0_usize, 12]),
        name in "\\PC{0,20}",
        password in "\\PC{0,20}",
        nonce in any::<[u8; 8]>(),
    ) {
        let start = b"NTLMSSP\0\x02\0\0\0";
        let length = head.min(message.len());
        message[..length].copy_from_slice(&start[..length]);
        if let Ok(read) = Type2::read(&message) {
            let _ = read.evidence();
            if let Ok(answer) = read.answer((&name, &password.into()), nonce, now()) {
                for at in (12..60).step_by(8) {
                    prop_assert!(field(&answer, at).is_some());
                }
            }
        }
    }

    /// A whole challenge cut anywhere, with one byte changed.
    #[test]
    fn a_damaged_challenge_breaks_nothing(length in 0..104_usize, at in 0..104_usize, byte in any::<u8>()) {
        let mut message = bytes(CHALLENGE);
        message[at] = byte;
        message.truncate(length);
        if let Ok(read) = Type2::read(&message) {
            let _ = (read.evidence(), read.answer(("a", &"b".into()), [0; 8], now()));
        }
    }
}
