//! The binary records `WinHttpSettings` and `DefaultConnectionSettings`.
//!
//! Nobody has documented them; this is what tools that write them agree upon. Little endian: a version, a counter, the
//! switches, and then texts, each behind its length: servers, exceptions and, in the second record or where its switch is on, a
//! script's address.
//! What follows differs from version to version and is left alone.

use crate::harmless::without_login;

/// A text in a record is some hundred characters long; a length beyond this is damage, not data.
const LONGEST_TEXT: u32 = 64 << 10;

const MANUAL: u32 = 2;
const SCRIPT: u32 = 4;
const DETECT: u32 = 8;

/// Which of the two records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordKind {
    WinHttp,
    WinInet,
}

/// A record as it was written, switches and texts alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub version: u32,
    pub counter: u32,
    switches: u32,
    /// The list of servers; kept by Windows when the switch is off.
    pub servers: String,
    pub exceptions: String,
    pub script: String,
    /// Bytes behind the last text that this program knows.
    pub left_over: usize,
}

/// Why a record cannot be read, with the byte where it stops making sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordMistake {
    #[error("it is cut short: the {part} should stand at byte {offset}, and it has {size} bytes")]
    CutShort { part: &'static str, offset: usize, size: usize },
    #[error("the {part} at byte {offset} says that it is {length} bytes long, and {left} are left")]
    WildLength { part: &'static str, offset: usize, length: u32, left: usize },
    #[error("the {part} is no text: byte {offset} is 0x{byte:02x}")]
    NotText { part: &'static str, offset: usize, byte: u8 },
}

impl Record {
    /// Reads the bytes of a record.
    ///
    /// # Errors
    /// The first byte that does not fit.
    pub fn read(bytes: &[u8], kind: RecordKind) -> Result<Self, RecordMistake> {
        let mut reader = Reader { bytes, offset: 0 };
        let version = reader.number("version")?;
        let counter = reader.number("counter")?;
        let switches = reader.number("switches")?;
        let servers = reader.text("list of proxies")?;
        // A record may end behind any of its texts: what is not there is empty.
        let exceptions = reader.last_text("list of exceptions")?;
        let script = match kind {
            // `netsh winhttp set advproxy` (AutoconfigUrl, AutoDetect) is documented, and where it keeps them is not. Without the
            // switch, what follows is left alone, as ever; with it, a text that reads as the other record's is the address.
            RecordKind::WinHttp if switches & SCRIPT == 0 => String::new(),
            RecordKind::WinHttp => reader.last_text("script's address").unwrap_or_default(),
            RecordKind::WinInet => reader.last_text("script's address")?,
        };
        let left_over = bytes.len() - reader.offset;
        Ok(Self { version, counter, switches, servers, exceptions, script, left_over })
    }

    /// The list of servers is switched on.
    #[must_use]
    pub fn is_manual(&self) -> bool {
        self.switches & MANUAL != 0
    }

    /// The script is switched on.
    #[must_use]
    pub fn is_script(&self) -> bool {
        self.switches & SCRIPT != 0
    }

    /// Asking the network for a script (WPAD) is switched on.
    #[must_use]
    pub fn is_detecting(&self) -> bool {
        self.switches & DETECT != 0
    }
}

struct Reader<'b> {
    bytes: &'b [u8],
    offset: usize,
}

impl Reader<'_> {
    fn number(&mut self, part: &'static str) -> Result<u32, RecordMistake> {
        let found = self.bytes.get(self.offset..self.offset + 4).and_then(|four| four.try_into().ok());
        let four: [u8; 4] =
            found.ok_or(RecordMistake::CutShort { part, offset: self.offset, size: self.bytes.len() })?;
        self.offset += 4;
        Ok(u32::from_le_bytes(four))
    }

    fn text(&mut self, part: &'static str) -> Result<String, RecordMistake> {
        let offset = self.offset;
        let length = self.number(part)?;
        let left = self.bytes.len() - self.offset;
        let wild = RecordMistake::WildLength { part, offset, length, left };
        if length > LONGEST_TEXT {
            return Err(wild);
        }
        let length = length as usize;
        let bytes = self.bytes.get(self.offset..self.offset + length).ok_or(wild)?;
        let text = bytes.strip_suffix(&[0]).unwrap_or(bytes);
        if let Some(place) = text.iter().position(|byte| byte.is_ascii_control() && !byte.is_ascii_whitespace()) {
            return Err(RecordMistake::NotText { part, offset: self.offset + place, byte: text[place] });
        }
        self.offset += length;
        // One byte per character, by the device's code page; proxies' names are ASCII.
        Ok(text.iter().copied().map(char::from).collect())
    }

    fn last_text(&mut self, part: &'static str) -> Result<String, RecordMistake> {
        if self.offset == self.bytes.len() { Ok(String::new()) } else { self.text(part) }
    }
}

impl RecordKind {
    /// The registry value that holds it.
    #[must_use]
    pub fn value_name(self) -> &'static str {
        match self {
            Self::WinHttp => "WinHttpSettings",
            Self::WinInet => "DefaultConnectionSettings",
        }
    }
}

impl Record {
    /// The script's address, without a user's name and password: nobody sends them to fetch it.
    #[must_use]
    pub fn script_address(&self) -> String {
        without_login(&self.script)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A record as tools write it.
    fn record(version: u32, switches: u32, texts: &[&str], behind: usize) -> Vec<u8> {
        let mut bytes: Vec<u8> = [version, 7, switches].into_iter().flat_map(u32::to_le_bytes).collect();
        for text in texts {
            bytes.extend(u32::try_from(text.len()).expect("short").to_le_bytes());
            bytes.extend(text.as_bytes());
        }
        bytes.extend(std::iter::repeat_n(0, behind));
        bytes
    }

    #[test]
    fn the_record_of_a_machine_without_a_proxy_is_the_one_that_microsoft_prints() {
        let bytes = record(0x18, 1, &["", ""], 0);
        assert_eq!(bytes, [0x18, 0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        let read = Record::read(&bytes, RecordKind::WinHttp).expect("a record");
        assert!(!read.is_manual());
        assert_eq!((read.servers.as_str(), read.left_over), ("", 0));
    }

    #[test]
    fn the_switches_and_texts_of_both_records_are_read() {
        let bytes = record(0x18, 3, &["proxy.contoso.example:8080", "<local>;*.contoso.example"], 0);
        let read = Record::read(&bytes, RecordKind::WinHttp).expect("a record");
        assert!(read.is_manual() && !read.is_script() && !read.is_detecting());
        assert_eq!(read.servers, "proxy.contoso.example:8080");
        assert_eq!(read.exceptions, "<local>;*.contoso.example");

        let bytes = record(0x46, 13, &["", "", "http://wpad.contoso.example/proxy.pac"], 32);
        let read = Record::read(&bytes, RecordKind::WinInet).expect("a record");
        assert!(!read.is_manual() && read.is_script() && read.is_detecting());
        assert_eq!((read.script.as_str(), read.left_over), ("http://wpad.contoso.example/proxy.pac", 32));
    }

    #[test]
    fn the_switches_of_advanced_settings_are_read_in_the_record_of_win_http_too() {
        let address = "http://pac.contoso.example/proxy.pac";
        let read = Record::read(&record(0x28, 5, &["", "", address], 0), RecordKind::WinHttp).expect("a record");
        assert_eq!((read.is_script(), read.is_detecting(), read.script.as_str()), (true, false, address));
        let read =
            Record::read(&record(0x28, 11, &["proxy:8080", "<local>"], 0), RecordKind::WinHttp).expect("a record");
        assert_eq!((read.is_manual(), read.is_detecting(), read.script.as_str()), (true, true, ""));
        // Bytes that nobody knows make no record unreadable that was read before.
        let odd = [record(0x28, 3, &["proxy:8080", ""], 0), vec![0xff; 7]].concat();
        let read = Record::read(&odd, RecordKind::WinHttp).expect("a record");
        assert_eq!((read.servers.as_str(), read.left_over), ("proxy:8080", 7));
    }

    #[test]
    fn a_record_longer_than_a_byte_can_count_is_read_whole() {
        let long = "p".repeat(300);
        let read = Record::read(&record(0x18, 3, &[&long, ""], 0), RecordKind::WinHttp).expect("a record");
        assert_eq!(read.servers, long);
    }

    #[test]
    fn a_record_that_is_cut_short_names_what_is_missing_and_where() {
        let whole = record(0x46, 7, &["proxy:8080", "<local>", "http://a/b.pac"], 0);
        let complaint = |size: usize| Record::read(&whole[..size], RecordKind::WinInet).expect_err("cut").to_string();
        assert_eq!(complaint(0), "it is cut short: the version should stand at byte 0, and it has 0 bytes");
        assert_eq!(complaint(10), "it is cut short: the switches should stand at byte 8, and it has 10 bytes");
        assert_eq!(complaint(14), "it is cut short: the list of proxies should stand at byte 12, and it has 14 bytes");
        assert_eq!(complaint(20), "the list of proxies at byte 12 says that it is 10 bytes long, and 4 are left");
        assert_eq!(
            complaint(28),
            "it is cut short: the list of exceptions should stand at byte 26, and it has 28 bytes"
        );
        // Behind a whole text there may be an end.
        assert!(Record::read(&whole[..26], RecordKind::WinInet).is_ok());
    }

    #[test]
    fn a_wild_length_or_wide_text_is_told_with_its_byte() {
        let mut bytes = record(0x18, 3, &["proxy:8080", ""], 0);
        bytes[12..16].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(
            Record::read(&bytes, RecordKind::WinHttp).expect_err("wild").to_string(),
            "the list of proxies at byte 12 says that it is 4294967295 bytes long, and 14 are left"
        );
        let bytes = record(0x18, 3, &["p\0r\0o\0", ""], 0);
        assert_eq!(
            Record::read(&bytes, RecordKind::WinHttp).expect_err("wide").to_string(),
            "the list of proxies is no text: byte 17 is 0x00"
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_record_or_a_mistake_inside_them(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            for kind in [RecordKind::WinHttp, RecordKind::WinInet] {
                match Record::read(&bytes, kind) {
                    Ok(record) => prop_assert!(record.left_over <= bytes.len()),
                    Err(RecordMistake::CutShort { offset, .. } | RecordMistake::WildLength { offset, .. }) => {
                        prop_assert!(offset <= bytes.len());
                    }
                    Err(RecordMistake::NotText { offset, byte, .. }) => prop_assert_eq!(bytes[offset], byte),
                }
            }
        }

        #[test]
        fn what_was_written_is_read(switches in 0u32..16, texts in proptest::collection::vec("[ -~]{0,300}", 3), behind in 0usize..40) {
            let parts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let read = Record::read(&record(0x46, switches, &parts, behind), RecordKind::WinInet).expect("a record");
            prop_assert_eq!([read.servers, read.exceptions, read.script].to_vec(), texts);
            prop_assert_eq!(read.left_over, behind);
        }
    }
}
