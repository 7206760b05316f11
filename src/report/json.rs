//! The report as JSON: the contract, in a stable order of keys.
//!
//! Text from the network stands in it as it came, and what a terminal would obey or hide is written as `\u202e`: the same text
//! to every reader of JSON, and harmless to whoever looks at the file.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};

use crate::harmless::is_harmful;

/// Writes `document` indented and with a newline at its end, as it goes: a large report is never held as text.
///
/// # Errors
/// What `out` says when it cannot take more.
pub fn write(document: &impl Serialize, out: &mut impl Write) -> io::Result<()> {
    let mut buffered = io::BufWriter::new(out);
    let mut serializer = Serializer::with_formatter(&mut buffered, Harmless(PrettyFormatter::new()));
    document.serialize(&mut serializer).map_err(io::Error::from)?;
    buffered.write_all(b"\n")?;
    buffered.flush()
}

/// Writes `document` in one line, without its end.
///
/// # Errors
/// What `out` says when it cannot take more.
pub(super) fn write_line(document: &impl Serialize, out: &mut impl Write) -> io::Result<()> {
    let mut serializer = Serializer::with_formatter(out, Harmless(CompactFormatter));
    document.serialize(&mut serializer).map_err(io::Error::from)
}

/// Another form, with everything escaped that a terminal would obey.
struct Harmless<F>(F);

impl<F: Formatter> Formatter for Harmless<F> {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, character)) = rest.char_indices().find(|(_, character)| is_harmful(*character)) {
            writer.write_all(&rest.as_bytes()[..at])?;
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = &rest[at + character.len_utf8()..];
        }
        writer.write_all(rest.as_bytes())
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn end_object_key<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_key(writer)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_terminal_is_steered_and_every_reader_gets_the_text_as_it_came() {
        let text = "safe\u{202e}gpj.exe \u{1b}[2J \u{9b}m \u{7f} \u{feff} \u{e0041} ok ü ·";
        let mut pretty = Vec::new();
        write(&[text], &mut pretty).expect("memory takes everything");
        let mut compact = Vec::new();
        write_line(&[text], &mut compact).expect("memory takes everything");
        for written in [&pretty, &compact] {
            let shown = std::str::from_utf8(written).expect("UTF-8");
            assert!(!shown.trim_end().chars().any(|shown| shown != '\n' && is_harmful(shown)), "{shown}");
            assert!(
                shown.contains("\\u202e") && shown.contains("\\udb40\\udc41") && shown.contains("ok ü ·"),
                "{shown}"
            );
            assert_eq!(serde_json::from_str::<Vec<String>>(shown).expect("JSON"), [text]);
        }
        assert!(pretty.starts_with(b"[\n  \""));
    }
}
