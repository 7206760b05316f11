//! From a file's bytes to text: UTF-8, UTF-16 of either order, with and without a mark, and the old 8-bit exports.

use std::borrow::Cow;

use super::SnapshotMistake;

/// How the bytes 0x80 to 0x9f read in Windows-1252; the others mean the character of the same number.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

#[derive(Clone, Copy)]
enum Order {
    Little,
    Big,
}

/// The text of a file.
///
/// A mark at the start decides; without one a NUL beside the first character does. Bytes that are no UTF-8 are read as
/// Windows-1252, as a western Windows would: names and numbers that matter here are ASCII in every code page.
///
/// Files that were put together out of several exports keep the form of each: every one of them is read by itself.
pub(super) fn text(bytes: &[u8]) -> Result<Cow<'_, str>, SnapshotMistake> {
    let mut parts = parts(bytes);
    let first = one(parts.next().unwrap_or_default())?;
    let mut text = first;
    for part in parts {
        let part = one(part)
            .map_err(|mistake| SnapshotMistake::new(mistake.line + line_of(&text, text.len()) - 1, mistake.message))?;
        // The mark between two of them shows where a last line has no end.
        text = Cow::Owned(format!("{text}\u{feff}{part}"));
    }
    match text.find('\0') {
        None => Ok(text),
        Some(at) => Err(SnapshotMistake::new(
            line_of(&text, at),
            "this is no text: neither a registry export (.reg) nor a snapshot (JSON)",
        )),
    }
}

/// The parts of a file that begin with the first line of an export in a form of their own: behind a mark, or as 8-bit text behind a
/// line of UTF-16.
fn parts(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    const FIRST_LINES: [&str; 2] = ["Windows Registry Editor Version", "REGEDIT4"];
    let mut begins: Vec<Vec<u8>> = Vec::new();
    for line in FIRST_LINES {
        let marked = || format!("\u{feff}{line}");
        begins.push(marked().into_bytes());
        begins.push(marked().encode_utf16().flat_map(u16::to_le_bytes).collect());
        begins.push(marked().encode_utf16().flat_map(u16::to_be_bytes).collect());
    }
    let is_8_bit_behind_utf_16 = move |at: usize| {
        at >= 2
            && bytes[at - 2..at] == *b"\n\0"
            && FIRST_LINES.iter().any(|line| bytes[at..].starts_with(line.as_bytes()))
    };
    let begins_here = move |at: usize| {
        matches!(bytes[at], 0xef | 0xff | 0xfe) && begins.iter().any(|begin| bytes[at..].starts_with(begin))
            || matches!(bytes[at], b'W' | b'R') && is_8_bit_behind_utf_16(at)
    };
    let mut start = 0;
    let mut is_over = false;
    std::iter::from_fn(move || {
        if is_over {
            return None;
        }
        let end = (start + 1..bytes.len()).find(|at| begins_here(*at));
        let part = &bytes[start..end.unwrap_or(bytes.len())];
        (start, is_over) = (end.unwrap_or(bytes.len()), end.is_none());
        Some(part)
    })
}

fn one(bytes: &[u8]) -> Result<Cow<'_, str>, SnapshotMistake> {
    Ok(match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => eight_bit(rest),
        [0xff, 0xfe, rest @ ..] => Cow::Owned(utf_16(rest, Order::Little)?),
        [0xfe, 0xff, rest @ ..] => Cow::Owned(utf_16(rest, Order::Big)?),
        [first, 0, ..] if *first != 0 => Cow::Owned(utf_16(bytes, Order::Little)?),
        [0, second, ..] if *second != 0 => Cow::Owned(utf_16(bytes, Order::Big)?),
        _ => eight_bit(bytes),
    })
}

/// A string as REGEDIT4 puts it into hex lists: 8 bits a character.
pub(super) fn eight_bit(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(
            bytes
                .iter()
                .map(|byte| match byte {
                    0x80..=0x9f => WINDOWS_1252[usize::from(byte - 0x80)],
                    _ => char::from(*byte),
                })
                .collect(),
        ),
    }
}

/// A string as the registry keeps it. Half a surrogate pair, which the registry allows, is shown as U+FFFD.
pub(super) fn utf_16_little(bytes: &[u8]) -> String {
    units(bytes, Order::Little)
}

/// Strings as the registry keeps them, each with the NUL that ends it.
pub(super) fn utf_16_ended<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    texts.into_iter().flat_map(|text| text.encode_utf16().chain([0])).flat_map(u16::to_le_bytes).collect()
}

fn utf_16(bytes: &[u8], order: Order) -> Result<String, SnapshotMistake> {
    // `copy` without `/b` ends its result with one byte, Ctrl-Z.
    let bytes = bytes.strip_suffix(&[0x1a]).filter(|rest| rest.len() % 2 == 0).unwrap_or(bytes);
    let text = units(bytes, order);
    if bytes.len() % 2 == 1 {
        return Err(SnapshotMistake::new(line_of(&text, text.len()), "the file is cut off inside a character"));
    }
    Ok(text)
}

fn units(bytes: &[u8], order: Order) -> String {
    let units = bytes.chunks_exact(2).map(|pair| match order {
        Order::Little => u16::from_le_bytes([pair[0], pair[1]]),
        Order::Big => u16::from_be_bytes([pair[0], pair[1]]),
    });
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}
