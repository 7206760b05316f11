//! Keytabs: whose keys a file holds.
//!
//! In: a file of any content, and a name. Out: the principal of that name as the file writes it. Never: a key; those are read
//! by the system's own library.

use std::io::Read as _;
use std::path::Path;

use super::Keytab;

/// Nobody's keytab is larger.
const LARGEST: u64 = 1 << 20;
const MOST_ENTRIES: usize = 4096;
/// What a complaint lists of what is there instead.
const LISTED: usize = 6;

/// Finds `name` in the keytab `file`: with or without its realm, also as `DOMAIN\name`, in any case.
///
/// # Errors
/// Why it cannot be used, as a sentence without its full stop.
pub fn find_in_keytab(file: &Path, name: &str) -> Result<Keytab, String> {
    let shown = file.display();
    if file.to_str().is_none() {
        return Err(format!("the name of the keytab {shown} is not UTF-8"));
    }
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(file).and_then(|open| open.take(LARGEST + 1).read_to_end(&mut bytes));
    opened.map_err(|error| format!("could not read the keytab {shown}: {error}"))?;
    let principals = principals(&bytes).map_err(|what| format!("{shown} is no keytab: {what}"))?;
    if principals.is_empty() {
        return Err(format!("the keytab {shown} holds no keys"));
    }
    let principal = choose(&principals, name).map_err(|what| format!("the keytab {shown} {what}"))?;
    Ok(Keytab { file: file.to_owned(), principal })
}

fn choose(principals: &[String], name: &str) -> Result<String, String> {
    let name = name.split_once('\\').map_or(name, |(_, name)| name);
    let fits = |principal: &&String| {
        let bare = principal.rsplit_once('@').map_or(principal.as_str(), |(bare, _)| bare);
        principal.eq_ignore_ascii_case(name) || bare.eq_ignore_ascii_case(name)
    };
    let fitting: Vec<&String> = principals.iter().filter(fits).collect();
    let exact = fitting.iter().find(|principal| principal.as_str() == name);
    match (exact, &fitting[..]) {
        (Some(exact), _) => Ok((*exact).clone()),
        (None, [one]) => Ok((*one).clone()),
        (None, []) => Err(format!("has no key of {name}; it has keys of {}", list(principals.iter()))),
        (None, several) => Err(format!("has keys of {}: say which, with its realm", list(several.iter().copied()))),
    }
}

fn list<'a>(principals: impl ExactSizeIterator<Item = &'a String>) -> String {
    let more = principals.len().saturating_sub(LISTED);
    let listed = principals.take(LISTED).map(String::as_str).collect::<Vec<_>>().join(", ");
    if more == 0 { listed } else { format!("{listed} and {more} others") }
}

/// The principals in the order in which they first stand there. The format is MIT's, version 2: entries with their length,
/// which is negative for those that were deleted.
fn principals(bytes: &[u8]) -> Result<Vec<String>, String> {
    if bytes.len() as u64 > LARGEST {
        return Err(format!("it is larger than {LARGEST} bytes"));
    }
    let mut rest = match bytes {
        [5, 2, rest @ ..] => rest,
        [5, 1, ..] => return Err("it has the format of before 1993, which is not read".to_owned()),
        [] => return Err("it is empty".to_owned()),
        _ => return Err("it does not begin as one".to_owned()),
    };
    let mut found: Vec<String> = Vec::new();
    for _ in 0..MOST_ENTRIES {
        let Some((length, behind)) = rest.split_first_chunk::<4>() else { break };
        let length = i32::from_be_bytes(*length);
        if length == 0 {
            break;
        }
        let size = usize::try_from(length.unsigned_abs()).unwrap_or(usize::MAX);
        let Some((entry, behind)) = behind.split_at_checked(size) else {
            return Err("it is cut short".to_owned());
        };
        rest = behind;
        if length > 0 {
            let principal = principal(entry).ok_or("an entry has no readable name")?;
            if !found.contains(&principal) {
                found.push(principal);
            }
        }
    }
    Ok(found)
}

fn principal(entry: &[u8]) -> Option<String> {
    let mut reader = Reader(entry);
    let parts = reader.number()?;
    let realm = reader.text()?;
    let parts = (0..parts).map(|_| reader.text()).collect::<Option<Vec<String>>>()?;
    Some(format!("{}@{realm}", parts.join("/")))
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn number(&mut self) -> Option<u16> {
        let (number, rest) = self.0.split_first_chunk::<2>()?;
        self.0 = rest;
        Some(u16::from_be_bytes(*number))
    }

    fn text(&mut self) -> Option<String> {
        let length = usize::from(self.number()?);
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        String::from_utf8(text.to_vec()).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(realm: &str, parts: &[&str]) -> Vec<u8> {
        let text = |text: &str| [&u16::try_from(text.len()).expect("short").to_be_bytes(), text.as_bytes()].concat();
        let mut entry = u16::try_from(parts.len()).expect("few").to_be_bytes().to_vec();
        entry.extend(text(realm));
        entry.extend(parts.iter().flat_map(|part| text(part)));
        // Kind of name, time, version, kind of key, and a key.
        entry.extend([0, 0, 0, 1, 0, 0, 0, 0, 2, 0, 18, 0, 2, 7, 7]);
        [&u32::try_from(entry.len()).expect("short").to_be_bytes()[..], &entry].concat()
    }

    fn keytab() -> Vec<u8> {
        let deleted = [&(-6_i32).to_be_bytes()[..], &[9; 6]].concat();
        let entries = [
            entry("CORP.EXAMPLE", &["WS01$"]),
            deleted,
            entry("CORP.EXAMPLE", &["WS01$"]),
            entry("CORP.EXAMPLE", &["host", "ws01.corp.example"]),
            entry("LAB.EXAMPLE", &["host", "ws01.corp.example"]),
        ];
        [&[5, 2][..], &entries.concat(), &[0, 0, 0, 0, 1, 2, 3]].concat()
    }

    #[test]
    fn a_name_is_found_as_people_write_it() {
        let principals = principals(&keytab()).expect("a keytab");
        assert_eq!(principals.len(), 3, "{principals:?}");
        for name in ["WS01$", "ws01$", "WS01$@CORP.EXAMPLE", "ws01$@corp.example", "CORP\\WS01$"] {
            assert_eq!(choose(&principals, name).as_deref(), Ok("WS01$@CORP.EXAMPLE"), "{name}");
        }
        let host = choose(&principals, "host/ws01.corp.example@LAB.EXAMPLE");
        assert_eq!(host.as_deref(), Ok("host/ws01.corp.example@LAB.EXAMPLE"));
        let both = choose(&principals, "host/ws01.corp.example").expect_err("two realms");
        assert!(both.contains("LAB.EXAMPLE") && both.contains("CORP.EXAMPLE"), "{both}");
        let none = choose(&principals, "WS02$").expect_err("another machine");
        assert!(none.contains("no key of WS02$") && none.contains("WS01$@CORP.EXAMPLE"), "{none}");
    }

    #[test]
    fn what_is_no_keytab_is_named() {
        for (bytes, why) in [
            (&b""[..], "empty"),
            (b"password\n", "does not begin"),
            (&[5, 1, 0, 0], "1993"),
            (&[5, 2, 0, 0, 0, 9, 1], "cut short"),
            (&[5, 2, 0, 0, 0, 2, 0, 9], "no readable name"),
        ] {
            assert!(principals(bytes).is_err_and(|error| error.contains(why)), "{why}");
        }
        assert_eq!(principals(&[5, 2]), Ok(Vec::new()));
    }

    proptest! {
        #[test]
        fn a_damaged_keytab_makes_nothing_panic(at in 0..200_usize, byte in any::<u8>(), length in 0..220_usize) {
            let mut bytes = keytab();
            let at = at.min(bytes.len() - 1);
            bytes[at] = byte;
            bytes.truncate(length);
            let _ = principals(&bytes);
        }
    }
}
