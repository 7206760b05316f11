//! The bytes of a script, read once: a bound on their size, their encoding, and whether they are a script at all.

/// Browsers and Windows read PAC files of at most this size.
const LARGEST: usize = 1 << 20;
/// How much of a page's title is repeated.
const LONGEST_TITLE: usize = 80;

/// A text that may be a script; whether it is one, the engine says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    text: String,
    encoding: &'static str,
}

/// What was found in place of a script.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotScript {
    #[error("it is empty")]
    Empty,
    #[error("it has {size} bytes, and scripts are read up to {LARGEST}")]
    TooLarge { size: usize },
    /// A login page, a block page, an error page.
    #[error("it is a web page{}, not a script", titled(title.as_deref()))]
    WebPage { title: Option<String> },
    #[error("it is not text: byte {offset} is zero")]
    Binary { offset: usize },
}

fn titled(title: Option<&str>) -> String {
    title.map(|title| format!(" with the title '{title}'")).unwrap_or_default()
}

impl NotScript {
    /// The stable code of this finding.
    #[must_use]
    pub fn code(&self) -> &'static str {
        "pac.not_script"
    }
}

impl Script {
    /// The largest script that is read, in bytes.
    pub const LARGEST: usize = LARGEST;

    /// Reads the bytes of a script.
    ///
    /// # Errors
    /// What they are instead.
    pub fn read(bytes: &[u8]) -> Result<Self, NotScript> {
        if bytes.len() > LARGEST {
            return Err(NotScript::TooLarge { size: bytes.len() });
        }
        let (text, encoding) = decode(bytes);
        if text.trim().is_empty() {
            return Err(NotScript::Empty);
        }
        if is_web_page(&text) {
            return Err(NotScript::WebPage { title: title(&text) });
        }
        if let Some(offset) = text.find('\0') {
            return Err(NotScript::Binary { offset });
        }
        Ok(Self { text, encoding })
    }

    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How the bytes were read: `UTF-8`, `UTF-16` or `Latin-1`.
    #[must_use]
    pub fn encoding(&self) -> &'static str {
        self.encoding
    }

    /// The line of this number, counted from 1 as the engine counts.
    pub(super) fn line(&self, number: usize) -> Option<&str> {
        self.text.lines().nth(number.checked_sub(1)?)
    }
}

/// A script is UTF-8, or what its byte order mark says, or else one byte per character.
fn decode(bytes: &[u8]) -> (String, &'static str) {
    let wide = |bytes: &[u8], read: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| read([pair[0], pair[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => (wide(rest, u16::from_le_bytes), "UTF-16"),
        [0xfe, 0xff, rest @ ..] => (wide(rest, u16::from_be_bytes), "UTF-16"),
        _ => match std::str::from_utf8(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)) {
            Ok(text) => (text.to_owned(), "UTF-8"),
            Err(_) => (bytes.iter().copied().map(char::from).collect(), "Latin-1"),
        },
    }
}

/// A page begins with markup. `<!--` alone may begin a script too: scripts were once hidden in pages that way.
fn is_web_page(text: &str) -> bool {
    let start = text.trim_start();
    if start.starts_with("<!--") {
        let lower = start.to_ascii_lowercase();
        return lower.contains("<html") || lower.contains("<body") || lower.contains("<head");
    }
    start.starts_with('<')
}

fn title(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let open = lower.find("<title")?;
    let start = open + lower[open..].find('>')? + 1;
    let end = start + lower[start..].find('<')?;
    let words: Vec<&str> = text[start..end].split_whitespace().collect();
    let title: String = words.join(" ").chars().take(LONGEST_TITLE).collect();
    (!title.is_empty()).then_some(title)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_read_in_the_encodings_in_which_people_save_it() {
        let text = "function FindProxyForURL(u, h) { return 'DIRECT'; } // Größe";
        let wide: Vec<u8> = [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_be_bytes).collect();
        let marked = [b"\xef\xbb\xbf", text.as_bytes()].concat();
        let single: Vec<u8> =
            text.chars().map(|character| u8::try_from(u32::from(character)).expect("Latin-1")).collect();
        for (bytes, encoding) in
            [(text.as_bytes(), "UTF-8"), (&marked, "UTF-8"), (&wide, "UTF-16"), (&big, "UTF-16"), (&single, "Latin-1")]
        {
            let script = Script::read(bytes).expect(encoding);
            assert_eq!((script.text(), script.encoding()), (text, encoding));
        }
    }

    #[test]
    fn a_login_page_is_recognised_by_its_markup_and_named_by_its_title() {
        let page = b"\r\n<!DOCTYPE html><html><head><TITLE>\n Sign in to\tGuest WiFi</TITLE>";
        assert_eq!(Script::read(page), Err(NotScript::WebPage { title: Some("Sign in to Guest WiFi".into()) }));
        assert_eq!(
            Script::read(page).unwrap_err().to_string(),
            "it is a web page with the title 'Sign in to Guest WiFi', not a script"
        );
        assert_eq!(Script::read(b"<?xml version='1.0'?>"), Err(NotScript::WebPage { title: None }));
        assert_eq!(Script::read(b"<!-- portal --><html>"), Err(NotScript::WebPage { title: None }));
        assert!(Script::read(b"<!-- hidden from old browsers\nfunction FindProxyForURL() {}").is_ok());
    }

    #[test]
    fn what_is_empty_too_large_or_not_text_is_refused_with_the_reason() {
        assert_eq!(Script::read(b""), Err(NotScript::Empty));
        assert_eq!(Script::read(b"\xef\xbb\xbf \r\n"), Err(NotScript::Empty));
        assert_eq!(Script::read(&vec![b' '; 5 << 20]), Err(NotScript::TooLarge { size: 5 << 20 }));
        assert_eq!(Script::read(b"MZ\0\0"), Err(NotScript::Binary { offset: 2 }));
    }
}
