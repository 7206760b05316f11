//! Why a script gave no answer, with the line of the script.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Script;

/// Of a long line (a script without line breaks, say) this many characters around the place are quoted.
const QUOTED: usize = 100;
/// A script can throw a text of any length.
const LONGEST_MESSAGE: usize = 300;

/// A script that could not be read or did not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptFailure {
    pub kind: FailureKind,
    /// Where in the script, when the engine says so.
    pub place: Option<Place>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FailureKind {
    /// It threw, or is no valid script; the engine's words.
    Threw(String),
    /// It did not come back in this time.
    TimedOut(Duration),
    /// It was not asked: an earlier question had used up the time.
    NotAsked,
    OutOfMemory,
    /// It nests, or calls itself, without end.
    TooDeep,
    /// It defines neither `FindProxyForURL` nor `FindProxyForURLEx`.
    NoFunction,
    /// It came back with something that is no text, such as `undefined`.
    NotText(String),
    /// The engine itself could not be started.
    NoEngine(String),
}

/// A place in a script, with the line as it stands there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
    /// The line, or the part of it around the column.
    pub text: String,
    /// How many characters of `text` stand before the column.
    pub offset: usize,
}

impl ScriptFailure {
    pub(super) fn of(kind: FailureKind) -> Self {
        Self { kind, place: None }
    }

    pub(super) fn threw(message: &str) -> FailureKind {
        let mut text: String = message.chars().take(LONGEST_MESSAGE).collect();
        if text.len() < message.len() {
            text.push('…');
        }
        FailureKind::Threw(text)
    }

    /// The stable code of this finding.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.kind {
            FailureKind::TimedOut(_) | FailureKind::NotAsked => "pac.eval_timeout",
            FailureKind::Threw(_)
            | FailureKind::OutOfMemory
            | FailureKind::TooDeep
            | FailureKind::NoFunction
            | FailureKind::NotText(_)
            | FailureKind::NoEngine(_) => "pac.eval_error",
        }
    }
}

impl Place {
    pub(super) fn find(script: &Script, line: usize, column: usize) -> Option<Self> {
        let full = script.line(line)?.trim_end();
        let column = column.max(1);
        let length = full.chars().count();
        let start = if length <= QUOTED { 0 } else { (column - 1).min(length).saturating_sub(QUOTED / 2) };
        let text: String = full.chars().skip(start).take(QUOTED).collect();
        let before: String = text.chars().take((column - 1).saturating_sub(start)).collect();
        let text = without_logins(&text);
        let offset = without_logins(&before).chars().count().min(text.chars().count());
        Some(Self { line, column, text, offset })
    }
}

/// `user:password@` may stand before a proxy in a script: it is never repeated.
#[must_use]
pub fn without_logins(script: &str) -> String {
    let is_end = |character: char| character.is_whitespace() || "'\"`;,/()".contains(character);
    let mut shown = String::with_capacity(script.len());
    let mut word_start = 0;
    for (at, character) in script.char_indices() {
        if is_end(character) {
            word_start = at + character.len_utf8();
        } else if character == '@' && script[word_start..at].contains(':') {
            shown.truncate(shown.len() - (at - word_start));
            shown.push('…');
            word_start = at + 1;
        }
        shown.push(character);
    }
    shown
}

impl fmt::Display for FailureKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Threw(message) => out.write_str(message),
            Self::TimedOut(time) => {
                write!(out, "the script did not answer within {} ms and was stopped", time.as_millis())
            }
            Self::NotAsked => out.write_str("not asked: the script had used up its time on an earlier question"),
            Self::OutOfMemory => out.write_str("the script wanted more memory than it may have and was stopped"),
            Self::TooDeep => out.write_str("the script nests or calls itself too deeply and was stopped"),
            Self::NoFunction => out.write_str("the script defines no function FindProxyForURL"),
            Self::NotText(what) => write!(out, "the script answered {what}, which is no list of proxies"),
            Self::NoEngine(why) => write!(out, "could not start the script engine: {why}"),
        }
    }
}

impl fmt::Display for ScriptFailure {
    /// The words, and below them the line with a mark under the place.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(place) = &self.place else { return write!(out, "{}", self.kind) };
        let number = place.line.to_string();
        let gap: String =
            place.text.chars().take(place.offset).map(|character| if character == '\t' { '\t' } else { ' ' }).collect();
        write!(out, "line {}, column {}: {}\n  {number} | {}\n  ", place.line, place.column, self.kind, place.text)?;
        write!(out, "{:width$} | {gap}^", "", width = number.len())
    }
}

impl std::error::Error for ScriptFailure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_quoted_with_a_mark_under_the_place() {
        let script = Script::read(b"// one\n\tif (x) {\n}").expect("a script");
        let failure = ScriptFailure {
            kind: FailureKind::Threw("ReferenceError: x is not defined".into()),
            place: Place::find(&script, 2, 6),
        };
        assert_eq!(
            failure.to_string(),
            "line 2, column 6: ReferenceError: x is not defined\n  2 | \tif (x) {\n    | \t    ^"
        );
    }

    #[test]
    fn a_login_in_a_script_is_not_repeated() {
        for (script, shown) in [
            ("return 'PROXY anna:hunter2@proxy:80; DIRECT'", "return 'PROXY …@proxy:80; DIRECT'"),
            ("\"http://anna:hunter2@proxy:80/\"", "\"http://…@proxy:80/\""),
            ("a:b@c:d@e", "…@…@e"),
            ("// ask admin@contoso.example: größe", "// ask admin@contoso.example: größe"),
            ("", ""),
        ] {
            assert_eq!(without_logins(script), shown);
        }
        let script = Script::read(b"x = 'anna:hunter2@proxy'; y(").expect("a script");
        let place = Place::find(&script, 1, 27).expect("a place");
        assert_eq!(
            (place.text.as_str(), &place.text[..place.text.len() - 2]),
            ("x = '…@proxy'; y(", "x = '…@proxy'; ")
        );
        assert_eq!(place.offset, 15);
    }

    #[test]
    fn of_a_script_in_one_line_the_part_around_the_place_is_quoted() {
        let text = format!("{}here{}", "ä".repeat(5_000), "z".repeat(5_000));
        let script = Script::read(text.as_bytes()).expect("a script");
        let place = Place::find(&script, 1, 5_001).expect("a place");
        assert_eq!(place.text.chars().count(), QUOTED);
        assert_eq!(place.text.chars().skip(place.offset).take(4).collect::<String>(), "here");
        let behind = Place::find(&script, 1, 90_000).expect("a place");
        assert!(behind.offset <= behind.text.chars().count());
        assert_eq!(Place::find(&script, 2, 1), None);
        assert_eq!(Place::find(&script, 0, 0), None);
    }
}
