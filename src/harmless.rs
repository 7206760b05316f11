//! Text from the network and from files, made harmless for whoever reads it.
//!
//! In: any text. Out: the same, with what a terminal would obey or hide written as `\u{..}`. Never: a loss; what a peer sent
//! stays readable as evidence.

use std::fmt::Write as _;

/// Shows control characters, escape sequences, bidirectional overrides, line separators and what is not seen as `\u{..}`: they could
/// clear a screen, forge a line or turn a name around.
#[must_use]
pub fn sanitize(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for character in text.chars() {
        if is_harmful(character) {
            let _ = write!(clean, "\\u{{{:x}}}", u32::from(character));
        } else {
            clean.push(character);
        }
    }
    clean
}

/// [`sanitize`] for text that consists of lines: the line breaks stay.
#[must_use]
pub fn sanitize_lines(text: &str) -> String {
    text.split('\n').map(sanitize).collect::<Vec<_>>().join("\n")
}

/// Whether a terminal would obey this character, or hide it: a control, a turn of the direction, a mark without width, a
/// tag.
#[must_use]
pub fn is_harmful(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::sanitize;

    #[test]
    fn what_could_steer_a_terminal_is_shown_instead_of_sent() {
        assert_eq!(sanitize("\u{1b}[2Jcleared\u{7}"), "\\u{1b}[2Jcleared\\u{7}");
        assert_eq!(sanitize("safe\u{202e}gpj.exe"), "safe\\u{202e}gpj.exe");
        assert_eq!(sanitize("a\r\nb\u{2028}c\u{85}d"), "a\\u{d}\\u{a}b\\u{2028}c\\u{85}d");
        assert_eq!(sanitize("Größe 北京"), "Größe 北京");
    }

    #[test]
    fn what_cannot_be_seen_is_shown_instead_of_hidden() {
        for hidden in [
            '\u{ad}',
            '\u{61c}',
            '\u{180e}',
            '\u{200b}',
            '\u{2028}',
            '\u{202e}',
            '\u{2060}',
            '\u{206a}',
            '\u{206f}',
            '\u{feff}',
            '\u{fff9}',
            '\u{e0001}',
            '\u{e0041}',
            '\u{e007f}',
            '\u{e0fff}',
        ] {
            assert_eq!(sanitize(&format!("a{hidden}b")), format!("a\\u{{{:x}}}b", u32::from(hidden)));
        }
    }
}
