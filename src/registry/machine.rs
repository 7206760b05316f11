//! What a machine has to answer to become a [`Snapshot`]: its registry, and the facts beside it.
//!
//! The one implementation that asks a real machine is Windows' own; tests bring one that lives in memory. An answer that
//! Windows refuses is "not known", never "not there".

use super::device::Service;
use super::edit::RawValue;
use super::snapshot::Snapshot;

/// What a registry says of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// All of its values, by name; `""` is the default value.
    Held(Vec<(String, RawValue)>),
    /// There is no such key.
    Absent,
    /// Windows does not let this account read it, or says nothing of it.
    NotReadable,
}

/// A registry that can be read. Keys are named with a root, `HKLM\SOFTWARE\…`.
pub trait Registry {
    fn key(&self, path: &str) -> Reading;

    /// The names of the keys one level below; nothing where they cannot be listed or there is no such key.
    fn subkeys(&self, path: &str) -> Option<Vec<String>>;
}

/// A machine: its registry and what no registry holds. In every answer the outer `None` is "not known" and the inner one
/// "not there".
pub trait Machine: Registry {
    fn service(&self, name: &str) -> Option<Option<Service>>;

    /// The version of a file in `%windir%\System32`.
    fn file_version(&self, name: &str) -> Option<Option<[u32; 4]>>;

    /// The definition of a scheduled task, as XML.
    fn task_definition(&self, path: &str) -> Option<Option<Vec<u8>>>;

    /// Whether `%windir%\winsxs\pending.xml` exists.
    fn has_pending_xml(&self) -> Option<bool>;

    /// The number of the running build, and whether it is a server's: what the kernel says, whatever the registry does.
    fn kernel(&self) -> Option<Kernel>;
}

/// What the running kernel says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kernel {
    /// `10.0` as its two parts.
    pub version: (u32, u32),
    pub build: u32,
    pub is_server: bool,
}

impl Snapshot {
    /// The snapshot that holds these keys of a registry: each held, known to be absent, or not known.
    #[must_use]
    pub fn of<Name: AsRef<str>>(registry: &impl Registry, keys: impl IntoIterator<Item = Name>) -> Self {
        let mut snapshot = Self::default();
        for path in keys {
            let path = path.as_ref();
            match registry.key(path) {
                Reading::Held(values) => {
                    snapshot.hold(path);
                    for (name, value) in values {
                        snapshot.set(path, &name, value.value());
                    }
                }
                Reading::Absent => {
                    snapshot.remove(path);
                }
                Reading::NotReadable => {}
            }
        }
        snapshot
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Lookup, Presence, Value};
    use super::*;

    struct Three;

    impl Registry for Three {
        fn key(&self, path: &str) -> Reading {
            match path {
                r"HKLM\SOFTWARE\Held" => {
                    Reading::Held(vec![("Level".to_owned(), RawValue { kind: 4, bytes: vec![2, 0, 0, 0] })])
                }
                r"HKLM\SOFTWARE\Absent" => Reading::Absent,
                _ => Reading::NotReadable,
            }
        }

        fn subkeys(&self, _: &str) -> Option<Vec<String>> {
            None
        }
    }

    #[test]
    fn a_key_that_may_not_be_read_is_not_known_and_one_that_is_not_there_holds_nothing() {
        let snapshot = Snapshot::of(&Three, [r"HKLM\SOFTWARE\Held", r"HKLM\SOFTWARE\Absent", r"HKLM\SOFTWARE\Guarded"]);
        let lookup = |key: &str| snapshot.lookup(key, "Level");
        assert_eq!(lookup(r"HKLM\SOFTWARE\Held"), Lookup::Set(&Value::Dword(2)));
        assert_eq!(snapshot.lookup(r"HKLM\SOFTWARE\Held", "Other"), Lookup::NotSet);
        assert_eq!(lookup(r"HKLM\SOFTWARE\Absent"), Lookup::NotSet);
        assert_eq!(snapshot.presence(r"HKLM\SOFTWARE\Absent"), Presence::Absent);
        assert_eq!(lookup(r"HKLM\SOFTWARE\Guarded"), Lookup::NotKnown);
    }
}
