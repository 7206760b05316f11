//! All mistakes of a catalogue at once, each with its line, a caret and, where there is one, a suggestion.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Origin, Renderer, Snippet};

use crate::harmless::is_harmful;

/// One mistake, with the place in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// What is wrong, as a lowercase fragment.
    pub message: String,
    /// Bytes of the catalogue's text that the caret points at.
    pub span: Option<Range<usize>>,
    /// What to write instead.
    pub suggestion: Option<String>,
}

/// Every mistake of one catalogue.
///
/// Printed as a compiler prints its errors: place, line, caret, help; nothing that the file contains can steer the
/// terminal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Complaints {
    /// The file's name as given, or `the embedded catalogue`.
    pub origin: String,
    pub text: String,
    pub complaints: Vec<Complaint>,
    /// How many more were found than are kept.
    pub left_out: usize,
}

/// Nobody mends more than these before the next try; the rest is counted.
const MOST_PRINTED: usize = 50;

/// Of a line up to this length the part around the mistake is shown; a longer one is named by its number alone.
const LONGEST_SHOWN_LINE: usize = 4_000;

impl fmt::Display for Complaints {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let renderer = Renderer::plain();
        let origin = harmless(&self.origin);
        let mut ruler = Ruler { text: &self.text, offset: 0, line: 1 };
        for complaint in self.complaints.iter().take(MOST_PRINTED) {
            let message = harmless(&complaint.message);
            let title = Level::ERROR.primary_title(message.as_ref());
            let place = complaint.span.as_ref().map(|span| ruler.place(span));
            let mut group = match &place {
                None => title.element(Origin::path(origin.as_ref())),
                Some(Place { line, column, shown: None }) => {
                    title.element(Origin::path(origin.as_ref()).line(*line).char_column(*column))
                }
                Some(Place { line, shown: Some((text, mark)), .. }) => title.element(
                    Snippet::source(text)
                        .path(origin.as_ref())
                        .line_start(*line)
                        .annotation(AnnotationKind::Primary.span(mark.clone())),
                ),
            };
            if let Some(suggestion) = &complaint.suggestion {
                group = group.element(Level::HELP.message(harmless(suggestion)));
            }
            writeln!(out, "{}\n", renderer.render(&[group]))?;
        }
        let count = self.complaints.len().saturating_add(self.left_out);
        if count > MOST_PRINTED {
            writeln!(out, "{} more are not shown\n", count - MOST_PRINTED)?;
        }
        match count {
            1 => writeln!(out, "1 mistake in {origin}"),
            count => writeln!(out, "{count} mistakes in {origin}"),
        }
    }
}

/// Finds lines in a text, from the top on, so that many complaints cost one reading.
struct Ruler<'t> {
    text: &'t str,
    offset: usize,
    line: usize,
}

struct Place {
    line: usize,
    column: usize,
    /// The line as it may be shown, and the bytes of it that are marked.
    shown: Option<(String, Range<usize>)>,
}

impl Ruler<'_> {
    fn place(&mut self, span: &Range<usize>) -> Place {
        let start = boundary(self.text, span.start);
        if start < self.offset {
            (self.offset, self.line) = (0, 1);
        }
        self.line += self.text[self.offset..start].bytes().filter(|byte| *byte == b'\n').count();
        self.offset = start;

        let line_start = self.text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let line_end = self.text[start..].find('\n').map_or(self.text.len(), |newline| start + newline);
        let before = &self.text[line_start..start];
        let shown = (line_end - line_start <= LONGEST_SHOWN_LINE).then(|| {
            let end = boundary(self.text, span.end).clamp(start, line_end);
            let mut line = harmless(before).into_owned();
            let mark_start = line.len();
            line.push_str(&harmless(&self.text[start..end]));
            let mark_end = line.len();
            line.push_str(&harmless(self.text[end..line_end].trim_end_matches('\r')));
            (line, mark_start..mark_end)
        });
        Place { line: self.line, column: before.chars().count() + 1, shown }
    }
}

fn boundary(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

/// `text` as it may be shown: what could steer a terminal or hide in one is replaced by a mark of the same width, and so
/// are the user and the password of an address.
pub(super) fn harmless(text: &str) -> Cow<'_, str> {
    // A tab has its place in a line of TOML.
    let is_harmful = |character: char| character != '\t' && is_harmful(character);
    let text =
        if text.contains(is_harmful) { text.replace(is_harmful, "\u{FFFD}").into() } else { Cow::Borrowed(text) };
    if text.contains("://") && text.contains('@') { mask_credentials(&text).into() } else { text }
}

fn mask_credentials(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    for (position, part) in text.split("://").enumerate() {
        if position == 0 {
            masked.push_str(part);
            continue;
        }
        masked.push_str("://");
        let authority = part.find(|c: char| c.is_whitespace() || "/\"'?#".contains(c)).unwrap_or(part.len());
        let secret = part[..authority].rfind('@').unwrap_or(0);
        masked.extend(part[..secret].chars().map(|_| '*'));
        masked.push_str(&part[secret..]);
    }
    masked
}

/// `text` fit to be quoted in a message: harmless, in one line and short.
pub(crate) fn quotable(text: &str) -> String {
    let text = harmless(text);
    let short = match text.char_indices().nth(60) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text.into_owned(),
    };
    short.replace('\t', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(text: &str, span: Range<usize>) -> String {
        let complaint =
            Complaint { message: "unknown thing".into(), span: Some(span), suggestion: Some("say another".into()) };
        Complaints { origin: "lab.toml".into(), text: text.into(), complaints: vec![complaint], left_out: 0 }
            .to_string()
    }

    #[test]
    fn a_complaint_shows_place_line_caret_and_help() {
        assert_eq!(
            printed("one = 1\ntwo = 2\n", 8..11),
            "error: unknown thing\n --> lab.toml:2:1\n  |\n2 | two = 2\n  | ^^^\n  |\n  = help: say another\n\n1 mistake in lab.toml\n"
        );
    }

    #[test]
    fn lines_are_counted_from_the_top_also_when_complaints_are_not_in_order() {
        let text = "a\nb\nc\n";
        let complaint = |span| Complaint { message: "x".into(), span, suggestion: None };
        let complaints = vec![complaint(Some(4..5)), complaint(Some(0..1)), complaint(None)];
        let printed = Complaints { origin: "f".into(), text: text.into(), complaints, left_out: 0 }.to_string();
        let places: Vec<_> = printed.lines().filter_map(|line| line.trim_start().strip_prefix("--> ")).collect();
        assert_eq!(places, ["f:3:1", "f:1:1", "f"]);
    }

    #[test]
    fn nothing_in_the_file_steers_the_terminal() {
        let text = "a = \"\u{1b}[2J\u{9b}31m\u{202e}evil\u{200b}\"\rx\n";
        let printed = printed(text, 4..20);
        assert!(!printed.chars().any(|c| c.is_control() && c != '\n'), "{printed:?}");
        assert!(!printed.contains(['\u{202e}', '\u{200b}']), "{printed:?}");
    }

    #[test]
    fn what_is_harmful_in_a_report_is_harmful_in_a_complaint() {
        assert_eq!(harmless("a\u{fff9}b\u{61c}c\u{e0041}d\u{ad}\te"), "a\u{fffd}b\u{fffd}c\u{fffd}d\u{fffd}\te");
    }

    #[test]
    fn a_password_in_the_file_is_not_repeated() {
        let text = "url = \"https://anna:p@ss@login.live.com/a@b\" # not http://bob:secret@elsewhere\n";
        let printed = printed(text, 6..43);
        assert!(
            printed.contains("\"https://*********@login.live.com/a@b\" # not http://**********@elsewhere"),
            "{printed}"
        );
        assert_eq!(quotable("https://anna:secret@x"), "https://***********@x");
        let long = format!("https://{}@x", "secret".repeat(50));
        assert!(!quotable(&long).contains("secret"));
    }

    #[test]
    fn a_long_line_is_shown_around_the_mistake_and_an_endless_one_not_at_all() {
        for (length, caret) in [(1_900, true), (1_000_000, false)] {
            let text = format!("{}here{}", "x".repeat(length), "y".repeat(length));
            let printed = printed(&text, length..length + 4);
            assert!(printed.contains(&format!("lab.toml:1:{}\n", length + 1)), "{printed}");
            assert_eq!(printed.contains("^^^^"), caret, "{printed}");
            assert!(printed.len() < 800, "{printed}");
        }
    }

    #[test]
    fn places_outside_the_text_do_no_harm() {
        for (start, end) in [(0, 0), (3, 3), (1, 99), (50, 99), (99, 1)] {
            assert!(printed("é\n", start..end).contains("lab.toml:"));
        }
        assert!(printed("", 0..0).contains("lab.toml:1:1"));
    }
}
