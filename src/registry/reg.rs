//! The `.reg` format: what `regedit` and `reg export` write, and what people write by hand.
//!
//! Read line by line, each byte once. A line that cannot be read refuses the file: half an export would turn into
//! wrong findings. Several exports in one file, as `type a b` and `copy /b a+b` put them, are read as one: each begins with its
//! own first line, and what is in force after all of them counts.

use super::SnapshotMistake;
use super::snapshot::{Key, Snapshot, canonical};
use super::value::{Strings, Value};

const VERSION_4: &str = "REGEDIT4";
const VERSION_5: &str = "Windows Registry Editor Version 5.00";

pub(super) fn read(text: &str) -> Result<Snapshot, SnapshotMistake> {
    let mut lines = Lines { rest: text, number: 0 };
    let mut strings = header(&mut lines)?;
    let mut snapshot = Snapshot::default();
    let mut section = Section::None;
    while let Some(line) = lines.next() {
        let text = line.text.trim_matches(is_blank);
        if text.is_empty() || text.starts_with(';') {
            continue;
        }
        if let Some(next) = first_line(text) {
            (strings, section) = (next, Section::None);
            continue;
        }
        if let Some(inside) = text.strip_prefix('[') {
            section = open_section(inside, &line, &mut snapshot)?;
            continue;
        }
        let (name, data) = name(text, &line, &mut lines)?;
        let data = data.map_or(Ok(None), |data| value(data, &line, &mut lines, strings))?;
        let Section::Key(path) = &section else {
            return Err(match section {
                Section::Deleted => line.mistake("a value under a key that the line above deletes"),
                _ => line.mistake("a value before the first [key]"),
            });
        };
        let Some(key) = snapshot.hold_key(path) else { continue };
        store(key, &name, data);
    }
    snapshot.find_whole_keys();
    Ok(snapshot)
}

fn store(key: &mut Key, name: &str, value: Option<Value>) {
    match value {
        Some(value) => key.insert(name, value),
        None => key.remove(name),
    }
}

/// What the values that follow belong to.
enum Section {
    None,
    Key(String),
    Deleted,
}

struct Line<'a> {
    text: &'a str,
    number: usize,
    /// Whether the file goes on behind it: a last line without an end may be cut off.
    ended: bool,
}

struct Lines<'a> {
    rest: &'a str,
    number: usize,
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Option<Line<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        self.number += 1;
        let whole = self.rest;
        let (mut text, mut ended) = match self.rest.split_once('\n') {
            Some((line, rest)) => {
                self.rest = rest;
                (line, true)
            }
            None => (std::mem::take(&mut self.rest), false),
        };
        // An export whose last line has no end, and the next one behind it. A mark within a value is part of that value.
        let begins_another = |at: &usize| {
            let behind = text[*at..].trim_start_matches('\u{feff}');
            *at > 0 && [VERSION_4, VERSION_5].iter().any(|version| behind.starts_with(version))
        };
        if let Some(at) = text.match_indices('\u{feff}').map(|(at, _)| at).find(begins_another) {
            self.rest = &whole[at..];
            (text, ended) = (&text[..at], false);
        }
        Some(Line { text: text.strip_suffix('\r').unwrap_or(text), number: self.number, ended })
    }
}

impl Line<'_> {
    fn mistake(&self, message: impl Into<String>) -> SnapshotMistake {
        SnapshotMistake::new(self.number, message)
    }
}

fn header(lines: &mut Lines<'_>) -> Result<Strings, SnapshotMistake> {
    let first = loop {
        match lines.next() {
            Some(line) if line.text.trim().is_empty() => {}
            Some(line) => break line,
            None => return Err(SnapshotMistake::new(1, "the file is empty")),
        }
    };
    let text = first.text.trim_matches(is_blank);
    first_line(text).ok_or_else(|| {
        first.mistake(format!(
            "neither a registry export nor a snapshot: the first line is '{}', not '{VERSION_5}', '{VERSION_4}' or '{{'",
            quoted(text)
        ))
    })
}

/// The first line of an export, which stands in a file as often as exports do.
fn first_line(text: &str) -> Option<Strings> {
    match text {
        VERSION_4 => Some(Strings::EightBit),
        VERSION_5 => Some(Strings::Utf16),
        _ => None,
    }
}

/// White space, and what is left where programs put files together: a byte order mark before each, and the Ctrl-Z with which
/// `copy` without `/b` ends its result.
fn is_blank(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{feff}' | '\u{1a}')
}

/// `[KEY]` and `[-KEY]`. A name may hold a bracket, so the one that ends it is the one with nothing but a comment behind.
fn open_section(inside: &str, line: &Line<'_>, snapshot: &mut Snapshot) -> Result<Section, SnapshotMistake> {
    let end = inside.match_indices(']').map(|(at, _)| at).find(|at| is_rest(&inside[at + 1..]));
    let Some(end) = end else {
        return Err(line.mistake(format!("the key '[{}' has no closing bracket", quoted(inside))));
    };
    let (deleted, path) = match inside[..end].strip_prefix('-') {
        Some(path) => (true, path),
        None => (false, &inside[..end]),
    };
    let Some(path) = canonical(path) else {
        return Err(
            line.mistake(format!("'{}' does not begin with a registry root such as HKEY_LOCAL_MACHINE", quoted(path)))
        );
    };
    if deleted {
        snapshot.remove(&path);
        return Ok(Section::Deleted);
    }
    snapshot.hold(&path);
    Ok(Section::Key(path))
}

/// `"name"=` or `@=`; the data is what follows, `None` for `-`, which deletes the value.
fn name<'a>(
    text: &'a str,
    line: &Line<'a>,
    lines: &mut Lines<'a>,
) -> Result<(String, Option<&'a str>), SnapshotMistake> {
    let (name, rest) = match (text.strip_prefix('@'), text.strip_prefix('"')) {
        (Some(rest), _) => (String::new(), rest),
        (None, Some(inside)) => string(inside, line, lines)?,
        (None, None) => {
            return Err(line.mistake(format!("'{}' is neither a [key], a \"value\"=… nor a comment", quoted(text))));
        }
    };
    let rest = rest.trim_start();
    let Some(data) = rest.strip_prefix('=').map(str::trim_start) else {
        return Err(line.mistake(format!("no '=' after the name \"{}\"", quoted(&name))));
    };
    let deleted = data.strip_prefix('-').is_some_and(is_rest);
    Ok((name, (!deleted).then_some(data)))
}

fn value<'a>(
    data: &'a str,
    line: &Line<'a>,
    lines: &mut Lines<'a>,
    strings: Strings,
) -> Result<Option<Value>, SnapshotMistake> {
    if let Some(inside) = data.strip_prefix('"') {
        let (text, rest) = string(inside, line, lines)?;
        return if is_rest(rest) {
            Ok(Some(Value::Sz(text)))
        } else {
            Err(SnapshotMistake::new(
                lines.number,
                format!("'{}' after the closing quote of the text that begins in line {}", quoted(rest), line.number),
            ))
        };
    }
    let (kind, rest) = data.split_once(':').unwrap_or((data, ""));
    let kind = kind.trim();
    if kind.eq_ignore_ascii_case("dword") {
        return dword(rest, line).map(Some);
    }
    match hex_kind(kind) {
        Some(kind) if data.contains(':') => Ok(Some(Value::from_raw(kind, hex(rest, line, lines)?, strings))),
        _ if data.is_empty() => Err(line.mistake("nothing after the '='")),
        _ => {
            Err(line
                .mistake(format!("'{}' is no data: write \"text\", dword:…, hex:…, hex(type):… or -", quoted(data))))
        }
    }
}

/// The text up to the closing quote, and what follows that on its line. Windows writes line breaks inside a text as they
/// are, so it may go on over several lines.
fn string<'a>(inside: &'a str, line: &Line<'a>, lines: &mut Lines<'a>) -> Result<(String, &'a str), SnapshotMistake> {
    let mut text = String::new();
    let mut rest = inside;
    loop {
        let Some(at) = rest.find(['"', '\\']) else {
            text.push_str(rest);
            let Some(next) = lines.next() else {
                return Err(line.mistake("the text has no closing quote: the file is cut off"));
            };
            // The break as the file has it.
            text.push_str("\r\n");
            rest = next.text;
            continue;
        };
        text.push_str(&rest[..at]);
        let behind = &rest[at + 1..];
        if rest[at..].starts_with('"') {
            return Ok((text, behind));
        }
        match behind.chars().next() {
            Some(escaped @ ('\\' | '"')) => text.push(escaped),
            _ => {
                return Err(SnapshotMistake::new(
                    lines.number,
                    "a single backslash in a text: write \\\\ for a backslash, \\\" for a quote",
                ));
            }
        }
        rest = &behind[1..];
    }
}

fn dword(digits: &str, line: &Line<'_>) -> Result<Value, SnapshotMistake> {
    let digits = without_comment(digits);
    let number = (1..=8)
        .contains(&digits.len())
        .then(|| u32::from_str_radix(digits, 16).ok())
        .flatten()
        .filter(|_| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    match number {
        None => Err(line.mistake(format!("'dword:{}' is not a number of one to eight hexadecimal digits", quoted(digits)))),
        Some(_) if digits.len() < 8 && !line.ended => Err(line.mistake(
            "the file ends inside this number; if it is whole, write all eight digits or end the line with a line break",
        )),
        Some(number) => Ok(Value::Dword(number)),
    }
}

/// `hex` is `REG_BINARY`, `hex(2)` the type in hexadecimal.
fn hex_kind(kind: &str) -> Option<u32> {
    let suffix = kind.get(..3).filter(|start| start.eq_ignore_ascii_case("hex")).map(|_| &kind[3..])?;
    if suffix.is_empty() {
        return Some(3);
    }
    u32::from_str_radix(suffix.strip_prefix('(')?.strip_suffix(')')?, 16).ok()
}

/// Bytes in hexadecimal with commas between; a backslash at the end of a line carries on to the next.
fn hex<'a>(first: &'a str, line: &Line<'a>, lines: &mut Lines<'a>) -> Result<Vec<u8>, SnapshotMistake> {
    let mut bytes = Vec::new();
    let mut text = first;
    let mut ended = line.ended;
    let mut number = line.number;
    loop {
        let part = without_comment(text);
        let (part, goes_on) = match part.strip_suffix('\\') {
            Some(part) => (part.trim_end(), true),
            None => (part, false),
        };
        let listed = part.strip_suffix(',').unwrap_or(part);
        if !listed.trim().is_empty() {
            for byte in listed.split(',') {
                bytes.push(hex_byte(byte.trim()).ok_or_else(|| {
                    SnapshotMistake::new(number, format!("'{}' is not a byte in hexadecimal", quoted(byte)))
                })?);
            }
        }
        if !goes_on {
            if !ended {
                return Err(SnapshotMistake::new(
                    number,
                    "the file ends inside a hex list; if the list is whole, end the line with a line break",
                ));
            }
            if part.ends_with(',') {
                return Err(SnapshotMistake::new(number, "the hex list ends with a comma"));
            }
            return Ok(bytes);
        }
        let Some(next) = lines.next() else {
            return Err(SnapshotMistake::new(
                number,
                "the hex list goes on in a line that is not there: the file is cut off",
            ));
        };
        (text, ended, number) = (next.text, next.ended, next.number);
    }
}

fn hex_byte(text: &str) -> Option<u8> {
    if text.len() > 2 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u8::from_str_radix(text, 16).ok()
}

/// Numbers and hex lists never hold a semicolon, so one begins a comment.
fn without_comment(text: &str) -> &str {
    text.split(';').next().unwrap_or_default().trim()
}

/// Whether nothing but a comment is left of the line.
fn is_rest(text: &str) -> bool {
    let text = text.trim_start();
    text.is_empty() || text.starts_with(';')
}

/// The start of a text from the file, for a message.
fn quoted(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Lookup, Presence};
    use super::*;

    const KEY: &str = r"HKEY_LOCAL_MACHINE\SOFTWARE\Test";

    fn under_key(lines: &str) -> Result<Snapshot, SnapshotMistake> {
        read(&format!("{VERSION_5}\r\n\r\n[{KEY}]\r\n{lines}"))
    }

    fn one(line: &str) -> Value {
        let snapshot = under_key(&format!("{line}\r\n")).unwrap_or_else(|mistake| panic!("{line}: {mistake}"));
        let key = snapshot.key(KEY).expect("the key is held");
        let (_, value) = key.values().next().unwrap_or_else(|| panic!("{line}: no value"));
        value.clone()
    }

    #[test]
    fn what_a_whole_export_does_not_hold_does_not_exist() {
        let presence = |keys: &[&str], asked: &str| {
            let keys: Vec<String> = keys.iter().map(|key| format!("[HKEY_LOCAL_MACHINE\\{key}]")).collect();
            let snapshot = read(&format!("{VERSION_5}\r\n\r\n{}\r\n", keys.join("\r\n\r\n"))).expect("a registry file");
            snapshot.presence(&format!(r"HKLM\{asked}"))
        };
        let exported = ["SOFTWARE", r"SOFTWARE\Policies", r"SOFTWARE\Policies\Microsoft", r"SOFTWARE\Zoo"];
        assert_eq!(presence(&exported, r"SOFTWARE\Policies\Microsoft\Windows\DataCollection"), Presence::Absent);
        assert_eq!(presence(&exported, r"SOFTWARE\policies"), Presence::Present);
        assert_eq!(presence(&exported, r"SYSTEM\Setup"), Presence::NotKnown, "of another export");
        assert_eq!(presence(&exported[2..], r"SOFTWARE\Policies\Microsoft\Windows"), Presence::NotKnown, "a key alone");
        // Somebody picked these: what is between them is left out, so other things may be too.
        let picked = [r"SOFTWARE\Microsoft", r"SOFTWARE\Microsoft\Windows\CurrentVersion", r"SOFTWARE\Microsoft\Zoo"];
        assert_eq!(presence(&picked, r"SOFTWARE\Microsoft\Windows Defender"), Presence::NotKnown);
        let beside = [r"SOFTWARE\A", r"SOFTWARE\A\B", r"SOFTWARE\A C\D"];
        assert_eq!(presence(&beside, r"SOFTWARE\A\C"), Presence::Absent, "a name that goes on is another key's");
    }

    #[test]
    fn every_type_is_read_as_windows_writes_it() {
        for (line, value) in [
            (r#""a"="C:\\Windows\\\"x\"""#, Value::Sz(r#"C:\Windows\"x""#.into())),
            (r#""a"="""#, Value::Sz(String::new())),
            (r#"@="default""#, Value::Sz("default".into())),
            (r#""a"="; no comment [here]" ; a comment"#, Value::Sz("; no comment [here]".into())),
            ("\"a\"=dword:0000000a", Value::Dword(10)),
            ("\"a\" = DWORD:FFFFFFFF ; all", Value::Dword(u32::MAX)),
            ("\"a\"=dword:2", Value::Dword(2)),
            ("\"a\"=hex:18,00,0F", Value::Binary(vec![0x18, 0, 15])),
            ("\"a\"=hex:", Value::Binary(vec![])),
            ("\"a\"=hex:01,\\\r\n  02,\\\r\n  03", Value::Binary(vec![1, 2, 3])),
            ("\"a\"=hex:01,\\ ; and on\r\n  02", Value::Binary(vec![1, 2])),
            ("\"a\"=hex(1):61,00,00,00", Value::Sz("a".into())),
            ("\"a\"=hex(2):25,00,61,00,25,00,00,00", Value::ExpandSz("%a%".into())),
            ("\"a\"=hex(7):61,00,00,00,62,00,00,00,00,00", Value::MultiSz(vec!["a".into(), "b".into()])),
            ("\"a\"=hex(7):00,00", Value::MultiSz(vec![])),
            ("\"a\"=hex(4):02,00,00,00", Value::Dword(2)),
            ("\"a\"=hex(4):02,00,00", Value::Other { kind: 4, bytes: vec![2, 0, 0] }),
            ("\"a\"=hex(5):00,00,00,02", Value::Other { kind: 5, bytes: vec![0, 0, 0, 2] }),
            ("\"a\"=hex(b):02,00,00,00,00,00,00,00", Value::Qword(2)),
            ("\"a\"=hex(0):", Value::None(vec![])),
            ("\"a\"=hex(ffff0012):01", Value::Other { kind: 0xffff_0012, bytes: vec![1] }),
            ("\"a\"=\"two\r\nlines\"", Value::Sz("two\r\nlines".into())),
            ("   \"a\"=\"indented\"   ", Value::Sz("indented".into())),
        ] {
            assert_eq!(one(line), value, "{line}");
        }
    }

    #[test]
    fn an_export_of_windows_95_holds_strings_of_eight_bits() {
        let text = "REGEDIT4\n\n[HKLM\\SOFTWARE\\Test]\n\"a\"=hex(2):25,61,25,00\n";
        let snapshot = read(text).expect("readable");
        assert_eq!(snapshot.lookup(KEY, "a"), Lookup::Set(&Value::ExpandSz("%a%".into())));
    }

    #[test]
    fn deletions_are_known_absences() {
        let snapshot = under_key(
            "\"gone\"=dword:00000001\r\n\"gone\"=-\r\n; [HKLM\\Comment]\r\n[-HKLM\\SOFTWARE\\Away]\r\n\r\n[HKLM\\SOFTWARE\\Odd]name] ; x\r\n",
        )
        .expect("readable");
        assert_eq!(snapshot.lookup(KEY, "gone"), Lookup::NotSet);
        assert_eq!(snapshot.lookup(r"HKLM\SOFTWARE\Away\Below", "x"), Lookup::NotSet);
        assert_eq!(snapshot.lookup(r"HKLM\SOFTWARE\Odd]name", "x"), Lookup::NotSet);
        assert_eq!(snapshot.lookup(r"HKLM\Comment", "x"), Lookup::NotKnown);
    }

    #[test]
    fn a_key_may_come_twice_and_the_last_value_counts() {
        let snapshot = under_key(
            "\"A\"=dword:00000001\r\n[HKLM\\Software\\other]\r\n[hklm\\software\\TEST]\r\n\"a\"=dword:00000002\r\n\"b\"=\"x\"\r\n",
        )
        .expect("readable");
        assert_eq!(snapshot.lookup(KEY, "a"), Lookup::Set(&Value::Dword(2)));
        assert_eq!(snapshot.key(KEY).map(|key| key.values().count()), Some(2));
    }

    #[test]
    fn several_exports_in_one_file_are_one() {
        let one = format!("{VERSION_5}\r\n\r\n[{KEY}]\r\n\"a\"=dword:00000001\r\n\"b\"=\"machine\"\r\n\r\n");
        let two = format!(
            "{VERSION_5}\r\n\r\n[HKEY_CURRENT_USER\\Test]\r\n\"c\"=hex(2):25,00,00,00\r\n\r\n[{KEY}]\r\n\"a\"=dword:00000002\r\n"
        );
        let old = "REGEDIT4\r\n\r\n[HKEY_CURRENT_USER\\Test]\r\n\"c\"=hex(2):25,00\r\n";
        let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        let marked = |text: &str| wide(&format!("\u{feff}{text}"));
        let without_end = one.trim_end();
        for (how, bytes) in [
            ("type a b", format!("{one}{two}").into_bytes()),
            ("type a b, with marks", format!("\u{feff}{one}\u{feff}{two}").into_bytes()),
            ("copy /b a+b, as regedit writes them", [marked(&one), marked(&two)].concat()),
            ("copy a+b, which ends with Ctrl-Z", [marked(&one), marked(&two), vec![0x1a]].concat()),
            ("copy a+b of old exports", format!("{one}{two}\u{1a}").into_bytes()),
            ("UTF-16 and then UTF-8", [marked(&one), two.clone().into_bytes()].concat()),
            ("UTF-8 and then UTF-16", [one.clone().into_bytes(), marked(&two)].concat()),
            ("no line break between them", [marked(without_end), marked(&two)].concat()),
        ] {
            let snapshot = Snapshot::read(&bytes).unwrap_or_else(|mistake| panic!("{how}: {mistake}"));
            assert_eq!(snapshot.lookup(KEY, "a"), Lookup::Set(&Value::Dword(2)), "{how}: the later one counts");
            assert_eq!(snapshot.lookup(KEY, "b"), Lookup::Set(&Value::Sz("machine".into())), "{how}");
            assert_eq!(snapshot.lookup(r"HKCU\Test", "c"), Lookup::Set(&Value::ExpandSz("%".into())), "{how}");
        }
        let mixed =
            Snapshot::read(&[marked(&one), old.as_bytes().to_vec()].concat()).expect("each by its own first line");
        assert_eq!(mixed.lookup(r"HKCU\Test", "c"), Lookup::Set(&Value::ExpandSz("%".into())));
        // What follows a first line stands under no key.
        let stray = format!("{one}{VERSION_5}\r\n\"x\"=\"y\"\r\n");
        assert_eq!(Snapshot::read(stray.as_bytes()).expect_err("no key").line, 8);
        // A text that holds such a line is a text.
        let text = format!("{VERSION_5}\r\n[{KEY}]\r\n\"a\"=\"one\r\n{VERSION_5}\r\ntwo\"\r\n");
        let value = Snapshot::read(text.as_bytes()).expect("readable").lookup(KEY, "a").value().cloned();
        assert_eq!(value, Some(Value::Sz(format!("one\r\n{VERSION_5}\r\ntwo"))));
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_its_line() {
        for (lines, line, message) in [
            ("\"a\"=dword:0000000g\r\n", 4, "'dword:0000000g' is not a number"),
            ("\"a\"=dword:\r\n", 4, "is not a number"),
            ("\"a\"=dword:000000001\r\n", 4, "is not a number"),
            ("\"a\"=dword:+1\r\n", 4, "is not a number"),
            ("\"a\"=dword:0000", 4, "the file ends inside this number"),
            ("\"b\"=\"x\"\r\n\"a\"=hex:01,0", 5, "the file ends inside a hex list"),
            ("\"a\"=hex:01,02,\r\n", 4, "ends with a comma"),
            ("\"a\"=hex:01,,02\r\n", 4, "'' is not a byte"),
            ("\"a\"=hex:01,\\\r\n  0x2\r\n", 5, "'0x2' is not a byte"),
            ("\"a\"=hex:01,\\\r\n", 4, "the file is cut off"),
            ("\"a\"=hex(2:00\r\n", 4, "is no data"),
            ("\"a\"=hex\r\n", 4, "is no data"),
            ("\"a\"=\"cut of", 4, "no closing quote"),
            ("\"a\"=\"one\r\n\"b\"=\"two\"\r\n", 5, "after the closing quote of the text that begins in line 4"),
            ("\"a\"=\"C:\\Windows\"\r\n", 4, "a single backslash"),
            ("\"a\"=\"x\" y\r\n", 4, "' y' after the closing quote"),
            ("\"a\"\r\n", 4, "no '='"),
            ("\"a\"=\r\n", 4, "nothing after the '='"),
            ("\"a\"=true\r\n", 4, "'true' is no data"),
            ("\"a", 4, "no closing quote"),
            ("a=1\r\n", 4, "neither a [key]"),
            ("[HKLM\\SOFTWARE\\Mic", 4, "has no closing bracket"),
            ("[HKEY_LOCAL\\SOFTWARE]\r\n", 4, "does not begin with a registry root"),
            ("[]\r\n", 4, "does not begin with a registry root"),
            ("[-HKLM\\X]\r\n\"a\"=\"b\"\r\n", 5, "a key that the line above deletes"),
        ] {
            let mistake = under_key(lines).expect_err(lines);
            assert_eq!(mistake.line, line, "{lines}: {mistake}");
            assert!(mistake.message.contains(message), "{lines}: {mistake}");
        }
        assert_eq!(read(&format!("{VERSION_5}\n\"a\"=\"b\"\n")).expect_err("no key").line, 2);
        assert_eq!(read("").expect_err("empty").to_string(), "line 1: the file is empty");
        assert_eq!(read("\n\nhello\n").expect_err("no header").line, 3);
    }

    #[test]
    fn no_cut_of_an_export_passes_for_a_smaller_number_or_text() {
        let whole = format!(
            "{VERSION_5}\r\n\r\n[{KEY}]\r\n\"level\"=dword:00000012\r\n\"text\"=\"abc\"\r\n\"list\"=hex:01,02,03\r\n"
        );
        let full = read(&whole).expect("readable");
        for end in 0..whole.len() {
            let Ok(cut) = read(&whole[..end]) else { continue };
            for key in cut.keys() {
                assert_eq!(key.path(), KEY, "cut at {end}");
                for (name, value) in key.values() {
                    assert_eq!(Some(value), full.lookup(KEY, name).value(), "cut at {end}: {name}");
                }
            }
        }
    }
}
