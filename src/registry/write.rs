//! A snapshot as a `.reg` file that Windows imports.

use std::fmt::Write as _;

use super::bytes::utf_16_ended;
use super::snapshot::Snapshot;
use super::value::Value;

/// The file as Windows writes it: UTF-16 of little order, with a mark in front. Without the mark Windows takes a
/// "Version 5.00" file for 8-bit text.
#[must_use]
pub fn to_reg_bytes(text: &str) -> Vec<u8> {
    let mut bytes = vec![0xff, 0xfe];
    bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    bytes
}

/// The held keys with their values, in order of their paths. `remarks` become comments below the header.
#[must_use]
pub fn to_reg_text(snapshot: &Snapshot, remarks: &[String]) -> String {
    let mut text = "Windows Registry Editor Version 5.00\r\n\r\n".to_owned();
    for line in remarks.iter().flat_map(|remark| remark.lines()) {
        let _ = write!(text, "; {line}\r\n");
    }
    if !remarks.is_empty() {
        text.push_str("\r\n");
    }
    for key in snapshot.keys() {
        let _ = write!(text, "[{}]\r\n", key.path());
        for (name, value) in key.values() {
            let name = if name.is_empty() { "@".to_owned() } else { quoted(name) };
            let _ = write!(text, "{name}={}\r\n", data(value, name.chars().count() + 1));
        }
        text.push_str("\r\n");
    }
    text
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\""))
}

fn data(value: &Value, column: usize) -> String {
    match value {
        // A line break or a NUL in a text would be misread by other readers of this format.
        Value::Sz(text) if text.chars().any(char::is_control) => hex("hex(1):", &utf_16_ended([text.as_str()]), column),
        Value::Sz(text) => quoted(text),
        Value::ExpandSz(text) => hex("hex(2):", &utf_16_ended([text.as_str()]), column),
        Value::MultiSz(parts) => hex("hex(7):", &utf_16_ended(parts.iter().map(String::as_str).chain([""])), column),
        Value::Dword(number) => format!("dword:{number:08x}"),
        Value::Qword(number) => hex("hex(b):", &number.to_le_bytes(), column),
        Value::Binary(bytes) => hex("hex:", bytes, column),
        Value::None(bytes) => hex("hex(0):", bytes, column),
        Value::Other { kind, bytes } => hex(&format!("hex({kind:x}):"), bytes, column),
    }
}

/// A hex list, broken before column 80 as Windows breaks it.
fn hex(kind: &str, bytes: &[u8], column: usize) -> String {
    const WIDTH: usize = 77;
    let mut text = kind.to_owned();
    let mut column = column + kind.len();
    for (index, byte) in bytes.iter().enumerate() {
        if index > 0 {
            text.push(',');
            column += 1;
            if column + 2 > WIDTH {
                text.push_str("\\\r\n  ");
                column = 2;
            }
        }
        let _ = write!(text, "{byte:02x}");
        column += 2;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value() -> impl Strategy<Value = Value> {
        let text = "[^\0]{0,40}";
        prop_oneof![
            text.prop_map(Value::Sz),
            text.prop_map(Value::ExpandSz),
            proptest::collection::vec("[^\0]{1,12}", 0..4).prop_map(Value::MultiSz),
            any::<u32>().prop_map(Value::Dword),
            any::<u64>().prop_map(Value::Qword),
            proptest::collection::vec(any::<u8>(), 0..80).prop_map(Value::Binary),
            proptest::collection::vec(any::<u8>(), 0..80).prop_map(Value::None),
            proptest::collection::vec(any::<u8>(), 0..80).prop_map(|bytes| Value::Other { kind: 0x20, bytes }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            values in proptest::collection::btree_map("[^\0\r\n]{0,20}", value(), 0..6),
            key in r"[^\x00\r\n\\;]{1,20}",
        ) {
            let mut snapshot = Snapshot::default();
            let path = format!("HKLM\\SOFTWARE\\{key}");
            snapshot.hold(&path);
            for (name, value) in values {
                snapshot.set(&path, &name, value);
            }
            let text = to_reg_text(&snapshot, &["a remark; with [brackets]".to_owned()]);
            prop_assert_eq!(Snapshot::read(text.as_bytes()), Ok(snapshot.clone()));
            prop_assert_eq!(Snapshot::read(&to_reg_bytes(&text)), Ok(snapshot));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = Snapshot::read(&bytes);
        }

        #[test]
        fn arbitrary_lines_never_panic(text in "(\\[|\\]|\"|=|hex|\\(|\\)|:|,|\\\\|;|-|@|dword|HKLM|0|f|é|\r|\n| ){0,80}") {
            let whole = format!("Windows Registry Editor Version 5.00\n[HKLM\\X]\n{text}");
            let _ = Snapshot::read(whole.as_bytes());
        }
    }
}
