//! What standard output can show.

use std::env;
use std::io::{self, IsTerminal as _, Write};

use super::arguments::Color;
use super::handed;
use crate::harmless::sanitize;
use crate::report::prose::paragraph;
use crate::report::terminal::Layout;

/// For pipes and files, where nobody says how wide the reader's screen is.
const WIDTH_WITHOUT_TERMINAL: usize = 100;

/// Width and abilities of standard output, by the conventions of `NO_COLOR`, `CLICOLOR_FORCE`, `TERM` and the locale.
pub(super) fn layout(color: Color, verbose: bool) -> Layout {
    if let Some(screen) = handed::screen() {
        let colour = color == Color::Always || color == Color::Auto && screen.colour;
        return Layout { width: screen.width, colour, ascii: screen.ascii, verbose };
    }
    let is_terminal = io::stdout().is_terminal();
    let is_dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    let colour = match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if is_set("NO_COLOR") => false,
        Color::Auto if env::var_os("CLICOLOR_FORCE").is_some_and(|value| value != "0") => true,
        Color::Auto => is_terminal && !is_dumb,
    };
    let colour = colour && (shows_colours() || color == Color::Always);
    let width = terminal_size::terminal_size()
        .filter(|_| is_terminal)
        .map(|(width, _)| usize::from(width.0))
        .or_else(|| env::var("COLUMNS").ok()?.parse().ok())
        .filter(|width| *width >= 20)
        .unwrap_or(WIDTH_WITHOUT_TERMINAL);
    Layout { width, colour, ascii: is_terminal && !speaks_utf8(), verbose }
}

/// The signs that mean colours are text to a window of Windows 7.
#[cfg(windows)]
fn shows_colours() -> bool {
    crate::windows::console::shows_colours()
}

#[cfg(not(windows))]
fn shows_colours() -> bool {
    true
}

/// The first variable that is set decides, as in the C library; without any, the C locale speaks ASCII.
fn speaks_utf8() -> bool {
    if cfg!(windows) {
        return true;
    }
    ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .filter_map(|name| env::var(name).ok())
        .find(|value| !value.is_empty())
        .is_some_and(|value| {
            let value = value.to_ascii_lowercase();
            value.contains("utf-8") || value.contains("utf8")
        })
}

/// Lines of at most `width` columns, the first behind `first`.
pub(super) fn write_prose(out: &mut dyn Write, first: &str, text: &str, width: usize) -> io::Result<()> {
    for line in paragraph(first, &sanitize(text), width) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// To standard error; nobody is left to be told when that is closed.
pub(super) fn complain(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(io::stderr(), "{text}");
}
