//! A registry that can be changed, and values exactly as it keeps them.
//!
//! The one implementation that changes anything is Windows' own; tests bring one that lives in memory and fails where
//! they want it to.

use super::value::{Strings, Value};

/// What changing a registry takes. Keys are named with a root, `HKLM\SOFTWARE\…`; an empty value name is the default
/// value.
pub trait Edit {
    /// Whether this process may change the machine's settings at all; asked before anything else.
    ///
    /// # Errors
    /// [`EditError::Denied`] where it may not.
    fn may_change(&self) -> Result<(), EditError>;

    /// # Errors
    /// What the registry says.
    fn has_key(&self, key: &str) -> Result<bool, EditError>;

    /// The value as it is kept; `None` where the key or the value does not exist.
    ///
    /// # Errors
    /// What the registry says.
    fn read(&self, key: &str, name: &str) -> Result<Option<RawValue>, EditError>;

    /// Creates one key whose parent exists; one that exists stays as it is.
    ///
    /// # Errors
    /// What the registry says.
    fn create_key(&mut self, key: &str) -> Result<(), EditError>;

    /// Sets a value under a key that exists.
    ///
    /// # Errors
    /// What the registry says.
    fn write(&mut self, key: &str, name: &str, value: &RawValue) -> Result<(), EditError>;

    /// Deletes a value; where there is none, nothing happens.
    ///
    /// # Errors
    /// What the registry says.
    fn delete(&mut self, key: &str, name: &str) -> Result<(), EditError>;

    /// Deletes a key that holds neither values nor keys. `false` where it holds some, and then it stays.
    ///
    /// # Errors
    /// What the registry says.
    fn delete_key_if_empty(&mut self, key: &str) -> Result<bool, EditError>;
}

/// Why the registry did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    #[error("access is denied")]
    Denied,
    #[error("{0}")]
    Other(String),
}

/// A value as the registry keeps it: what is read is written back without a bit changed, also where the data does not fit
/// its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawValue {
    /// The number of the type: 1 is `REG_SZ`, 4 `REG_DWORD`.
    pub kind: u32,
    pub bytes: Vec<u8>,
}

impl RawValue {
    /// The same value as rules and reports see it.
    #[must_use]
    pub fn value(&self) -> Value {
        Value::from_raw(self.kind, self.bytes.clone(), Strings::Utf16)
    }
}

impl From<&Value> for RawValue {
    fn from(value: &Value) -> Self {
        let (kind, bytes) = value.raw();
        Self { kind, bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_survives_the_way_through_its_raw_form() {
        for (value, kind, bytes) in [
            (Value::Sz("a€".into()), 1, vec![0x61, 0, 0xac, 0x20, 0, 0]),
            (Value::ExpandSz(String::new()), 2, vec![0, 0]),
            (Value::MultiSz(vec!["a".into(), "b".into()]), 7, vec![0x61, 0, 0, 0, 0x62, 0, 0, 0, 0, 0]),
            (Value::Dword(2), 4, vec![2, 0, 0, 0]),
            (Value::Qword(3), 11, vec![3, 0, 0, 0, 0, 0, 0, 0]),
            (Value::Binary(vec![9]), 3, vec![9]),
            (Value::None(Vec::new()), 0, Vec::new()),
            (Value::Other { kind: 4, bytes: vec![1] }, 4, vec![1]),
        ] {
            let raw = RawValue::from(&value);
            assert_eq!(raw, RawValue { kind, bytes }, "{value:?}");
            assert_eq!(raw.value(), value);
        }
    }
}
