//! The Commercial ID: a GUID that says which workspace a device's data belongs to.

use std::fmt;

/// A Commercial ID without braces, in the letters that were given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommercialId(String);

/// Why a text is no Commercial ID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdMistake {
    #[error("it is empty")]
    Empty,
    #[error("it has a space in front, behind or inside")]
    Space,
    #[error("it is all zeroes, which is a placeholder and no workspace's")]
    Nil,
    #[error("its braces do not match")]
    Brace,
    #[error("its character {position} is U+{code:04X}, which only looks like a plain letter, digit or hyphen")]
    NotAscii { position: usize, code: u32 },
    #[error("it has {length} characters; a GUID has 36, or 38 with braces")]
    Length { length: usize },
    #[error("its character {position} is '{character}'; a GUID is 8-4-4-4-12 hexadecimal digits")]
    Shape { position: usize, character: char },
}

const LENGTH: usize = 36;
const HYPHENS: [usize; 4] = [8, 13, 18, 23];

impl CommercialId {
    /// The GUID, without braces.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether both name the same workspace.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl std::str::FromStr for CommercialId {
    type Err = IdMistake;

    fn from_str(text: &str) -> Result<Self, IdMistake> {
        if text.trim().is_empty() {
            return Err(IdMistake::Empty);
        }
        if let Some((index, character)) = text.chars().enumerate().find(|(_, character)| !character.is_ascii()) {
            return Err(IdMistake::NotAscii { position: index + 1, code: u32::from(character) });
        }
        if text.contains(|character: char| character.is_ascii_whitespace() || character.is_ascii_control()) {
            return Err(IdMistake::Space);
        }
        let inside = match (text.strip_prefix('{'), text.strip_suffix('}')) {
            (Some(_), Some(_)) => &text[1..text.len() - 1],
            (None, None) if !text.contains(['{', '}']) => text,
            _ => return Err(IdMistake::Brace),
        };
        if inside.len() != LENGTH {
            return Err(IdMistake::Length { length: text.len() });
        }
        for (index, character) in inside.char_indices() {
            let fits = if HYPHENS.contains(&index) { character == '-' } else { character.is_ascii_hexdigit() };
            if !fits {
                return Err(IdMistake::Shape {
                    position: index + 1 + text.len().saturating_sub(LENGTH) / 2,
                    character,
                });
            }
        }
        if inside.bytes().all(|byte| matches!(byte, b'0' | b'-')) {
            return Err(IdMistake::Nil);
        }
        Ok(Self(inside.to_owned()))
    }
}

impl fmt::Display for CommercialId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0d6d23ac-5e8a-4c31-9f20-3a1b2c4d5e6f";

    #[test]
    fn a_guid_with_and_without_braces_is_the_same() {
        let plain: CommercialId = ID.parse().expect("a GUID");
        let braced: CommercialId = format!("{{{}}}", ID.to_uppercase()).parse().expect("a GUID in braces");
        assert!(plain.is_same(&braced));
        assert_eq!(plain.as_str(), ID);
    }

    #[test]
    fn what_is_wrong_with_it_is_said() {
        for (text, message) in [
            ("", "it is empty"),
            ("   ", "it is empty"),
            (" 0d6d23ac-5e8a-4c31-9f20-3a1b2c4d5e6f", "a space"),
            ("0d6d23ac-5e8a-4c31-9f20-3a1b2c4d5e6f\r\n", "a space"),
            ("0d6d23ac 5e8a 4c31 9f20 3a1b2c4d5e6f", "a space"),
            ("{0d6d23ac-5e8a-4c31-9f20-3a1b2c4d5e6f", "its braces do not match"),
            ("0d6d23ac-5e8a-4c31-9f20-3a1b2c4d5e6f}", "its braces do not match"),
            ("}0d6d23ac-5e8a-4c31-9f20-3a1b2c4d5e6f{", "its braces do not match"),
            ("0d6d23ac-5e8a-4c31-9f20-3a1b2c4d5e6", "it has 35 characters"),
            ("0d6d23ac-5e8a-4c31-9f20-3a1b2c4d5e6f0", "it has 37 characters"),
            ("0d6d23ac5e8a4c319f203a1b2c4d5e6f", "it has 32 characters"),
            ("{}", "it has 2 characters"),
            ("{", "its braces do not match"),
            ("0d6d23аc-5e8a-4c31-9f20-3a1b2c4d5e6f", "its character 7 is U+0430"),
            ("0d6d23ac‐5e8a-4c31-9f20-3a1b2c4d5e6f", "its character 9 is U+2010"),
            ("０d6d23ac-5e8a-4c31-9f20-3a1b2c4d5e6f", "its character 1 is U+FF10"),
            ("0d6d23ac-5e8a-4c31-9f20-3a1b2c4d5e6f\u{200b}", "its character 37 is U+200B"),
            ("Od6d23ac-5e8a-4c31-9f20-3a1b2c4d5e6f", "its character 1 is 'O'"),
            ("{Od6d23ac-5e8a-4c31-9f20-3a1b2c4d5e6f}", "its character 2 is 'O'"),
            ("0d6d23ac-5e8a-4c319-f20-3a1b2c4d5e6f", "its character 19 is '9'"),
            ("Unknown", "it has 7 characters"),
            ("{00000000-0000-0000-0000-000000000000}", "it is all zeroes"),
        ] {
            let mistake = text.parse::<CommercialId>().expect_err(text).to_string();
            assert!(mistake.contains(message), "{text:?}: {mistake}");
        }
    }
}
