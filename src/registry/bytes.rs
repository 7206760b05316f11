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
pub(super) fn text(bytes: &[u8]) -> Result<Cow<'_, str>, SnapshotMistake> {
    let text = match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => eight_bit(rest),
        [0xff, 0xfe, rest @ ..] => Cow::Owned(utf_16(rest, Order::Little)?),
        [0xfe, 0xff, rest @ ..] => Cow::Owned(utf_16(rest, Order::Big)?),
        [first, 0, ..] if *first != 0 => Cow::Owned(utf_16(bytes, Order::Little)?),
        [0, second, ..] if *second != 0 => Cow::Owned(utf_16(bytes, Order::Big)?),
        _ => eight_bit(bytes),
    };
    match text.find('\0') {
        None => Ok(text),
        Some(at) => Err(SnapshotMistake::new(
            line_of(&text, at),
            "this is no text: neither a registry export (.reg) nor a snapshot (JSON)",
        )),
    }
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
