//! One registry value: its type and its data.

use super::bytes;

/// A value as the registry types it. Data that does not fit its type, such as a `REG_DWORD` of three bytes, is
/// [`Value::Other`] under that type's number: it is not repaired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Sz(String),
    ExpandSz(String),
    MultiSz(Vec<String>),
    Dword(u32),
    Qword(u64),
    Binary(Vec<u8>),
    None(Vec<u8>),
    Other { kind: u32, bytes: Vec<u8> },
}

/// How strings inside hex lists are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strings {
    EightBit,
    Utf16,
}

impl Value {
    /// The value whose raw data `bytes` is, for the type number `kind`.
    pub(super) fn from_raw(kind: u32, bytes: Vec<u8>, strings: Strings) -> Self {
        let text = |bytes: &[u8]| match strings {
            Strings::EightBit => bytes::eight_bit(bytes).into_owned(),
            Strings::Utf16 => bytes::utf_16_little(bytes),
        };
        match kind {
            0 => Self::None(bytes),
            1 => Self::Sz(until_nul(text(&bytes))),
            2 => Self::ExpandSz(until_nul(text(&bytes))),
            3 => Self::Binary(bytes),
            4 => match <[u8; 4]>::try_from(bytes.as_slice()) {
                Ok(number) => Self::Dword(u32::from_le_bytes(number)),
                Err(_) => Self::Other { kind, bytes },
            },
            7 => {
                let text = text(&bytes);
                Self::MultiSz(text.split('\0').take_while(|part| !part.is_empty()).map(str::to_owned).collect())
            }
            11 => match <[u8; 8]>::try_from(bytes.as_slice()) {
                Ok(number) => Self::Qword(u64::from_le_bytes(number)),
                Err(_) => Self::Other { kind, bytes },
            },
            _ => Self::Other { kind, bytes },
        }
    }

    /// The type's number and the data as the registry keeps them.
    pub(super) fn raw(&self) -> (u32, Vec<u8>) {
        match self {
            Self::None(bytes) => (0, bytes.clone()),
            Self::Sz(text) => (1, bytes::utf_16_ended([text.as_str()])),
            Self::ExpandSz(text) => (2, bytes::utf_16_ended([text.as_str()])),
            Self::Binary(bytes) => (3, bytes.clone()),
            Self::Dword(number) => (4, number.to_le_bytes().to_vec()),
            Self::MultiSz(parts) => (7, bytes::utf_16_ended(parts.iter().map(String::as_str).chain([""]))),
            Self::Qword(number) => (11, number.to_le_bytes().to_vec()),
            Self::Other { kind, bytes } => (*kind, bytes.clone()),
        }
    }

    /// The type as Windows names it.
    #[must_use]
    pub fn type_name(&self) -> String {
        match self {
            Self::Sz(_) => "REG_SZ".to_owned(),
            Self::ExpandSz(_) => "REG_EXPAND_SZ".to_owned(),
            Self::MultiSz(_) => "REG_MULTI_SZ".to_owned(),
            Self::Dword(_) => "REG_DWORD".to_owned(),
            Self::Qword(_) => "REG_QWORD".to_owned(),
            Self::Binary(_) => "REG_BINARY".to_owned(),
            Self::None(_) => "REG_NONE".to_owned(),
            Self::Other { kind: 4, .. } => "damaged REG_DWORD".to_owned(),
            Self::Other { kind: 11, .. } => "damaged REG_QWORD".to_owned(),
            Self::Other { kind, .. } => format!("type {kind}"),
        }
    }

    #[must_use]
    pub fn as_dword(&self) -> Option<u32> {
        if let Self::Dword(number) = self { Some(*number) } else { None }
    }

    /// The text of a `REG_SZ` or `REG_EXPAND_SZ`, variables left as they are.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Sz(text) | Self::ExpandSz(text) = self { Some(text) } else { None }
    }

    #[must_use]
    pub fn as_binary(&self) -> Option<&[u8]> {
        if let Self::Binary(bytes) = self { Some(bytes) } else { None }
    }

    /// The data as a person would write it, at most about 80 characters of it.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Sz(text) | Self::ExpandSz(text) => shortened(text),
            Self::MultiSz(parts) => shortened(&parts.join("; ")),
            Self::Dword(number) => number.to_string(),
            Self::Qword(number) => number.to_string(),
            Self::Binary(bytes) | Self::None(bytes) | Self::Other { bytes, .. } => {
                let start: Vec<String> = bytes.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
                let rest = if bytes.len() > 16 { format!(" … ({} bytes)", bytes.len()) } else { String::new() };
                format!("{}{rest}", start.join(" "))
            }
        }
    }
}

/// The registry may keep what follows the NUL; every reader stops there.
fn until_nul(mut text: String) -> String {
    if let Some(end) = text.find('\0') {
        text.truncate(end);
    }
    text
}

fn shortened(text: &str) -> String {
    const LONGEST: usize = 80;
    match text.char_indices().nth(LONGEST) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}
