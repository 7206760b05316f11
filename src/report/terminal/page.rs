//! Lines of a given width, collected and then painted.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr as _;

use super::Layout;
use super::paint::{open_mark, painted};
use crate::report::prose::wrap;

/// Prose is easier to read when it is not as wide as a wide terminal.
const WIDEST_PROSE: usize = 110;

/// A page that grows downwards.
#[derive(Debug)]
pub(in crate::report) struct Page {
    pub layout: Layout,
    lines: Vec<String>,
}

/// Where names begin that fit nowhere else.
const LEAST_INDENT: usize = 2;

impl Page {
    pub fn new(layout: Layout) -> Self {
        Self { layout, lines: Vec::new() }
    }

    pub fn width(&self) -> usize {
        self.layout.width.max(20)
    }

    pub fn prose_width(&self) -> usize {
        self.width().min(WIDEST_PROSE)
    }

    pub fn line(&mut self, text: impl Into<String>) {
        self.lines.push(text.into());
    }

    /// An empty line, unless there is one or the page just begins.
    pub fn gap(&mut self) {
        if self.lines.last().is_some_and(|line| !line.is_empty()) {
            self.lines.push(String::new());
        }
    }

    /// `text` broken between words, the first line behind `first`, the others indented as deep. A name that only fits further
    /// left begins a line there, so that it can be copied.
    pub fn prose(&mut self, first: &str, text: &str) {
        let longest = text.split(' ').map(unicode_width::UnicodeWidthStr::width).max().unwrap_or_default();
        let (width, indent) = (self.prose_width(), first.width());
        if longest > width.saturating_sub(indent)
            && longest <= width.saturating_sub(LEAST_INDENT)
            && indent > LEAST_INDENT
        {
            if !first.trim().is_empty() {
                self.lines.push(first.trim_end().to_owned());
            }
            return self.prose(&" ".repeat(LEAST_INDENT), text);
        }
        let mut before = first.to_owned();
        let indent = " ".repeat(first.width());
        for line in wrap(text, self.prose_width().saturating_sub(first.width())) {
            let line = format!("{before}{line}");
            before.clone_from(&indent);
            before.extend(open_mark(&line));
            self.lines.push(line);
        }
    }

    /// `left` behind `first`, and `right` at the right margin; below it where both do not fit.
    pub fn ends(&mut self, first: &str, left: &str, right: &str) {
        let room = self.prose_width();
        let taken = first.width() + left.width() + right.width();
        if taken + 2 <= room {
            self.lines.push(format!("{first}{left}{}{right}", " ".repeat(room - taken)));
        } else {
            self.prose(first, left);
            if !right.is_empty() {
                self.lines.push(format!("{}{right}", " ".repeat(room.saturating_sub(right.width()))));
            }
        }
    }

    pub fn table(&mut self, table: &comfy_table::Table) {
        self.lines.extend(table.lines());
    }

    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        for line in &self.lines {
            writeln!(out, "{}", painted(line, &self.layout))?;
        }
        Ok(())
    }
}

/// `text` in at most `width` columns, its middle left out: the ends of a host name tell it apart.
pub(in crate::report) fn shortened(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let keep = width.saturating_sub(1);
    let (head, tail) = (keep - keep / 2, keep / 2);
    let start: String = take(text.chars(), head);
    let end: String = take(text.chars().rev(), tail).chars().rev().collect();
    format!("{start}…{end}")
}

fn take(characters: impl Iterator<Item = char>, width: usize) -> String {
    let mut taken = String::new();
    for character in characters {
        taken.push(character);
        if taken.width() > width {
            taken.pop();
            break;
        }
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_left_whole_where_it_only_fits_further_left() {
        let lines = |width, first: &str, text: &str| {
            let mut page = Page::new(Layout { width, colour: false, ascii: false, verbose: false });
            page.prose(first, text);
            page.lines
        };
        let host = "ceuswatcab01.blob.core.windows.net";
        assert_eq!(lines(40, "      for  ", host), ["      for", "  ceuswatcab01.blob.core.windows.net"]);
        assert_eq!(lines(60, "      for  ", host), ["      for  ceuswatcab01.blob.core.windows.net"]);
        // No place is wide enough for this one.
        assert!(lines(20, "      for  ", host).len() > 2);
    }

    #[test]
    fn a_long_name_keeps_both_ends() {
        assert_eq!(shortened("short", 10), "short");
        assert_eq!(shortened("ceuswatcab01.blob.core.windows.net", 15), "ceuswat…ows.net");
        assert_eq!(shortened("北京北京北京", 5), "北…京");
    }
}
