//! Colour for text that is laid out first.
//!
//! A piece of text carries its tone as invisible characters of no width, so that columns are measured as they will be
//! seen. Text from outside cannot carry them: [`sanitize`](crate::harmless::sanitize) shows them as escapes.

use super::Layout;

/// What a piece of text is, and so its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::report) enum Tone {
    Good,
    Bad,
    Doubtful,
    Heading,
    Aside,
}

const END: char = '\u{2060}';
const TONES: [(Tone, char, &str); 5] = [
    (Tone::Good, '\u{2061}', "\u{1b}[32m"),
    (Tone::Bad, '\u{2062}', "\u{1b}[1;31m"),
    (Tone::Doubtful, '\u{2063}', "\u{1b}[33m"),
    (Tone::Heading, '\u{2064}', "\u{1b}[1m"),
    (Tone::Aside, '\u{200b}', "\u{1b}[2m"),
];
/// Stands for a space at which no line is broken.
const UNBROKEN: char = '\u{a0}';
const RESET: &str = "\u{1b}[0m";

/// `text`, marked to be painted in `tone` later.
pub(in crate::report) fn toned(tone: Tone, text: &str) -> String {
    let mark = TONES.iter().find(|(candidate, ..)| *candidate == tone).map_or(END, |(_, mark, _)| *mark);
    format!("{mark}{text}{END}")
}

/// `text`, kept in one line where lines are broken between words.
pub(in crate::report) fn unbroken(text: &str) -> String {
    text.replace(' ', "\u{a0}")
}

/// The tone that is still open at the end of `line`, as the mark with which the next line has to begin.
pub(super) fn open_mark(line: &str) -> Option<char> {
    let is_mark = |character: &char| *character == END || TONES.iter().any(|(_, mark, _)| mark == character);
    line.chars().rfind(is_mark).filter(|mark| *mark != END)
}

/// Turns the marks of one line into colour, or drops them, and spells out what a plain terminal cannot show.
pub(in crate::report) fn painted(line: &str, layout: &Layout) -> String {
    let mut painted = String::with_capacity(line.len() + 16);
    let mut open = false;
    for character in line.trim_end().chars() {
        if character == END {
            if layout.colour && open {
                painted.push_str(RESET);
            }
            open = false;
        } else if let Some((.., code)) = TONES.iter().find(|(_, mark, _)| *mark == character) {
            if layout.colour {
                painted.push_str(code);
            }
            open = true;
        } else if character == UNBROKEN {
            painted.push(' ');
        } else if layout.ascii {
            match character {
                '·' => painted.push('|'),
                '–' => painted.push('-'),
                '…' => painted.push_str("..."),
                '←' => painted.push_str("<-"),
                other => painted.push(other),
            }
        } else {
            painted.push(character);
        }
    }
    if layout.colour && open {
        painted.push_str(RESET);
    }
    painted
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr as _;

    use super::*;
    use crate::harmless::sanitize;

    #[test]
    fn marks_have_no_width_and_cannot_come_from_outside() {
        assert!(!sanitize(&END.to_string()).contains(END));
        for (tone, mark, _) in TONES {
            assert_eq!(toned(tone, "four").width(), 4);
            assert!(!sanitize(&mark.to_string()).contains(mark));
        }
    }

    #[test]
    fn a_tone_becomes_colour_or_nothing() {
        let line = format!("a {} b", toned(Tone::Bad, "BLOCKED"));
        let layout = |colour, ascii| Layout { width: 80, colour, ascii, verbose: false };
        assert_eq!(painted(&line, &layout(false, false)), "a BLOCKED b");
        assert_eq!(painted(&line, &layout(true, false)), "a \u{1b}[1;31mBLOCKED\u{1b}[0m b");
        assert_eq!(painted("1507–1709 · …", &layout(false, true)), "1507-1709 | ...");
    }
}
