//! Prose in lines of a given width, measured in the columns of a terminal.

use unicode_width::UnicodeWidthStr as _;

/// `text` in lines of at most `width` columns: the first behind `first`, the others indented as deep.
#[must_use]
pub fn paragraph(first: &str, text: &str, width: usize) -> Vec<String> {
    let indent = first.width();
    let lines = wrap(text, width.saturating_sub(indent)).into_iter().enumerate();
    lines
        .map(
            |(number, line)| {
                if number == 0 { format!("{first}{line}") } else { format!("{}{line}", " ".repeat(indent)) }
            },
        )
        .collect()
}

/// Breaks `text` between words; a word that is longer than a line gets lines of its own, cut where they are full.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(10);
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is always a last line");
        let room = width.saturating_sub(line.width());
        if line.is_empty() && word.width() <= width {
            line.push_str(word);
        } else if word.width() < room {
            line.push(' ');
            line.push_str(word);
        } else if word.width() <= width {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                lines.push(String::new());
            }
            for character in word.chars() {
                let line = lines.last_mut().expect("there is always a last line");
                let mut longer = line.clone();
                longer.push(character);
                if longer.width() > width {
                    lines.push(character.to_string());
                } else {
                    *line = longer;
                }
            }
        }
    }
    for line in &mut lines {
        line.truncate(line.trim_end().len());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn text_is_broken_between_words_and_only_long_words_within() {
        assert_eq!(wrap("allow the hosts by name", 12), ["allow the", "hosts by", "name"]);
        assert_eq!(wrap("see ceuswatcab01.blob.core", 12), ["see", "ceuswatcab01", ".blob.core"]);
        assert_eq!(wrap("", 12), [""]);
        assert_eq!(wrap("北京北京北京 x", 10), ["北京北京北", "京 x"]);
    }
}
