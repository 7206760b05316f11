//! `/etc/resolv.conf` as the system's resolver reads it, which is stricter than most other readers of that file.
//!
//! In: the file. Out: why no line of it gives the system a name server although somebody wrote one. Never: a question.
//!
//! glibc (`resolv/res_init.c`) takes a line only where the word `nameserver` begins it, a space or a tab follows, and what stands
//! up to the next space, tab or line feed is an address. A carriage return in front of the line feed is part of the address
//! then, a byte order mark part of the word, and a NUL ends the line.

use std::fs::File;
use std::io::Read as _;
use std::net::{Ipv4Addr, Ipv6Addr};

const FILE: &str = "/etc/resolv.conf";
const LARGEST_FILE: u64 = 1 << 20;
const WORD: &[u8] = b"nameserver";

/// What is wrong with the file, with the line; `None` where the system can use a name server of it, where none is named, and
/// where it cannot be read.
#[must_use]
pub fn unusable_name_servers() -> Option<String> {
    if cfg!(windows) {
        return None;
    }
    let mut bytes = Vec::new();
    File::open(FILE).ok()?.take(LARGEST_FILE).read_to_end(&mut bytes).ok()?;
    unusable(&bytes).map(|what| format!("{FILE}, {what}"))
}

fn unusable(file: &[u8]) -> Option<String> {
    let lines = || file.split(|byte| *byte == b'\n');
    if lines().any(is_usable) {
        return None;
    }
    let (number, line) = lines().enumerate().find(|(_, line)| is_meant(line))?;
    Some(format!("line {}: {}", number + 1, mistake(line)))
}

/// Whether the system takes a name server from this line.
fn is_usable(line: &[u8]) -> bool {
    let line = line.split(|byte| *byte == 0).next().unwrap_or_default();
    let Some([b' ' | b'\t', rest @ ..]) = line.strip_prefix(WORD) else { return false };
    address(rest).is_some()
}

fn address(rest: &[u8]) -> Option<()> {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = rest.iter().position(|byte| !is_blank(byte))?;
    let text = rest[start..].split(is_blank).next().and_then(|text| std::str::from_utf8(text).ok())?;
    // An IPv6 address may name its interface.
    let (plain, _) = text.split_once('%').unwrap_or((text, ""));
    (text.parse::<Ipv4Addr>().is_ok() || plain.parse::<Ipv6Addr>().is_ok()).then_some(())
}

/// Whether somebody meant to name a server here, in whatever encoding.
fn is_meant(line: &[u8]) -> bool {
    let text: Vec<u8> = line
        .iter()
        .copied()
        .filter(|byte| *byte != 0)
        .skip_while(|byte| !byte.is_ascii() || byte.is_ascii_whitespace())
        .collect();
    text.strip_prefix(WORD).is_some_and(|rest| rest.first().is_none_or(|next| !next.is_ascii_alphanumeric()))
}

fn mistake(line: &[u8]) -> &'static str {
    if line.contains(&0) {
        "it holds NUL bytes, as UTF-16 text does; the system reads ASCII"
    } else if line.starts_with(&[0xef, 0xbb, 0xbf]) {
        "a byte order mark stands in front of the word nameserver"
    } else if line.ends_with(b"\r") {
        "it ends in a carriage return, as lines of Windows do, and the system takes that for a part of the address"
    } else if line.first().is_some_and(u8::is_ascii_whitespace) {
        "a blank stands in front of the word nameserver"
    } else {
        "what follows the word nameserver is no address that the system can read"
    }
}

#[cfg(test)]
mod tests {
    use super::unusable;

    #[test]
    fn a_file_is_useless_when_no_line_of_it_is_read() {
        let utf_16: Vec<u8> = [0xff, 0xfe]
            .into_iter()
            .chain("nameserver 192.0.2.1\r\n".encode_utf16().flat_map(u16::to_le_bytes))
            .collect();
        for (file, what) in [
            (&b"nameserver 192.0.2.1\r\nsearch corp.example\r\n"[..], Some("line 1: it ends in a carriage return")),
            (b"# by hand\r\nnameserver 192.0.2.1\r\n", Some("line 2: it ends in a carriage return")),
            (b"\xef\xbb\xbfnameserver 192.0.2.1\n", Some("line 1: a byte order mark")),
            (&utf_16, Some("line 1: it holds NUL bytes")),
            (b"nameserver 192.0\0.2.1\n", Some("line 1: it holds NUL bytes")),
            (b"  nameserver 192.0.2.1\n", Some("line 1: a blank stands in front")),
            (b"nameserver dns.corp.example\n", Some("line 1: what follows")),
            (b"nameserver=192.0.2.1\n", Some("line 1: what follows")),
            (b"nameserver\n", Some("line 1: what follows")),
        ] {
            let found = unusable(file);
            let text = String::from_utf8_lossy(file);
            assert_eq!(
                found.as_deref().map(|found| found.starts_with(what.unwrap_or_default())),
                Some(true),
                "{text}: {found:?}"
            );
        }
    }

    #[test]
    fn what_the_system_can_use_is_no_mistake() {
        for file in [
            &b"nameserver 192.0.2.1\nsearch a.example b.example\r\n"[..],
            b"nameserver 192.0.2.1\r\nnameserver 192.0.2.2\n",
            // A blank ends the address, so that the carriage return is no part of it.
            b"nameserver 192.0.2.1 \r\n",
            b"nameserver\t192.0.2.1\t# office\n",
            b"nameserver 192.0.2.1\0\n",
            b"nameserver fe80::1%eth0\n",
            b"nameserver 192.0.2.1",
            // Nobody named a server.
            b"",
            b"search corp.example\r\n",
            b"nameservers 192.0.2.1\r\n",
            b"# nameserver 192.0.2.1\r\n",
        ] {
            assert_eq!(unusable(file), None, "{}", String::from_utf8_lossy(file));
        }
    }
}
