//! Keys and values, with names compared as Windows compares them, and three answers to every question.

use std::collections::{BTreeMap, BTreeSet};

use super::device::Device;
use super::value::Value;

/// The registry as far as it was exported.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    keys: BTreeMap<String, Key>,
    /// Keys of which it is known that they do not exist, nor anything below them.
    absent: BTreeMap<String, String>,
    /// Keys that were exported with all that is below them: what is not held there does not exist.
    whole: BTreeSet<String>,
    pub device: Device,
}

/// A key that the snapshot holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    path: String,
    values: BTreeMap<String, (String, Value)>,
}

/// What a snapshot says about one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup<'a> {
    Set(&'a Value),
    /// The key was exported and does not hold the value, or the key does not exist.
    NotSet,
    /// The key was not exported.
    NotKnown,
}

/// What a snapshot says about one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    Present,
    Absent,
    NotKnown,
}

/// The roots, and the short names that Windows' own tools take for them.
const ROOTS: [(&str, &str); 5] = [
    ("HKEY_LOCAL_MACHINE", "HKLM"),
    ("HKEY_CURRENT_USER", "HKCU"),
    ("HKEY_USERS", "HKU"),
    ("HKEY_CLASSES_ROOT", "HKCR"),
    ("HKEY_CURRENT_CONFIG", "HKCC"),
];

impl<'a> Lookup<'a> {
    /// The value, when it is set.
    #[must_use]
    pub fn value(self) -> Option<&'a Value> {
        if let Self::Set(value) = self { Some(value) } else { None }
    }
}

impl Snapshot {
    /// What is known about the value `name` of `key`; `""` is the key's default value.
    #[must_use]
    pub fn lookup(&self, key: &str, name: &str) -> Lookup<'_> {
        let Some(path) = canonical(key) else { return Lookup::NotKnown };
        let folded = fold(&path);
        match self.keys.get(&folded) {
            Some(key) => key.get(name).map_or(Lookup::NotSet, Lookup::Set),
            None if self.is_known_absent(&folded) => Lookup::NotSet,
            None => Lookup::NotKnown,
        }
    }

    #[must_use]
    pub fn presence(&self, key: &str) -> Presence {
        let Some(path) = canonical(key) else { return Presence::NotKnown };
        let folded = fold(&path);
        if self.keys.contains_key(&folded) || self.below(&folded).next().is_some() {
            Presence::Present
        } else if self.is_known_absent(&folded) {
            Presence::Absent
        } else {
            Presence::NotKnown
        }
    }

    /// Every key that the snapshot holds, in order of its folded path.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.keys.values()
    }

    #[must_use]
    pub fn key(&self, path: &str) -> Option<&Key> {
        self.keys.get(&fold(&canonical(path)?))
    }

    /// The held keys below `key`, at every depth: `subkeys("HKU")` finds the users.
    pub fn subkeys(&self, key: &str) -> impl Iterator<Item = &Key> {
        let folded = canonical(key).map(|path| fold(&path));
        folded.into_iter().flat_map(|folded| self.below(&folded).collect::<Vec<_>>())
    }

    /// The keys of which it is known that they do not exist, nor anything below them, unless it is held.
    pub fn absent(&self) -> impl Iterator<Item = &str> {
        self.absent.iter().filter(|(folded, _)| !self.keys.contains_key(*folded)).map(|(_, path)| path.as_str())
    }

    /// Whether there is nothing in it at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.absent.is_empty()
    }

    /// Makes the snapshot hold `key`: what it does not contain from now on is not set. `false` when the path's root is
    /// no registry root.
    pub fn hold(&mut self, key: &str) -> bool {
        self.hold_key(key).is_some()
    }

    /// Sets one value; its key is held from now on. `false` when the path's root is no registry root.
    pub fn set(&mut self, key: &str, name: &str, value: Value) -> bool {
        let key = self.hold_key(key);
        key.map(|key| key.insert(name, value)).is_some()
    }

    /// Notes that the value is not set; its key is held from now on.
    pub fn unset(&mut self, key: &str, name: &str) -> bool {
        let key = self.hold_key(key);
        key.map(|key| key.remove(name)).is_some()
    }

    /// Takes a value out that nobody is to see; where its key is not held, nothing happens.
    pub fn conceal(&mut self, key: &str, name: &str) {
        let held = canonical(key).and_then(|path| self.keys.get_mut(&fold(&path)));
        if let Some(key) = held {
            key.remove(name);
        }
    }

    /// Notes that the key does not exist, nor anything below it.
    pub fn remove(&mut self, key: &str) -> bool {
        let Some(path) = canonical(key) else { return false };
        let folded = fold(&path);
        let gone: Vec<String> = self.below_paths(&folded).cloned().collect();
        for path in gone {
            self.keys.remove(&path);
        }
        self.keys.remove(&folded);
        self.absent.insert(folded, path);
        true
    }

    /// Takes over what `part` says of the registry; where both hold a value, its own counts.
    pub fn add(&mut self, part: &Self) {
        for path in part.absent() {
            if self.presence(path) == Presence::NotKnown {
                self.remove(path);
            }
        }
        self.whole.extend(part.whole.iter().cloned());
        for key in part.keys() {
            self.hold(key.path());
            for (name, value) in key.values() {
                self.set(key.path(), name, value.clone());
            }
        }
    }

    pub(super) fn hold_key(&mut self, key: &str) -> Option<&mut Key> {
        let path = canonical(key)?;
        Some(self.keys.entry(fold(&path)).or_insert_with(|| Key { path, values: BTreeMap::new() }))
    }

    fn below(&self, folded: &str) -> impl Iterator<Item = &Key> {
        self.below_paths(folded).filter_map(|path| self.keys.get(path))
    }

    fn below_paths(&self, folded: &str) -> impl Iterator<Item = &String> {
        let prefix = format!("{folded}\\");
        self.keys.range(prefix.clone()..).map(|(path, _)| path).take_while(move |path| path.starts_with(&prefix))
    }

    fn is_known_absent(&self, folded: &str) -> bool {
        ancestors(folded).any(|path| self.absent.contains_key(path) || self.whole.contains(path))
            || self.absent.contains_key(folded)
    }

    /// Finds what was exported as a whole. Windows' tools export a key with all that is below it, each key on the way by itself:
    /// so does a file in which no key below stands without the one above it. One that people wrote leaves some out.
    pub(super) fn find_whole_keys(&mut self) {
        let parents: Vec<(&str, Option<&str>)> =
            self.keys.keys().map(|key| (key.as_str(), ancestors(key).last())).collect();
        let is_held = |key: &str| self.keys.contains_key(key);
        let begin_an_export = parents.iter().filter(|(_, parent)| parent.is_some_and(|parent| !is_held(parent)));
        let torn: BTreeSet<&str> = begin_an_export.flat_map(|(key, _)| ancestors(key)).collect();
        let has_some_below = parents.iter().filter_map(|(_, parent)| *parent).filter(|parent| is_held(parent));
        self.whole = has_some_below.filter(|key| !torn.contains(key)).map(str::to_owned).collect();
    }
}

impl Key {
    /// With the root's long name, in the spelling of the file.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(&fold(name)).map(|(_, value)| value)
    }

    /// Names, in the spelling of the file, and values.
    pub fn values(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.values.values().map(|(name, value)| (name.as_str(), value))
    }

    pub(super) fn insert(&mut self, name: &str, value: Value) {
        self.values.insert(fold(name), (name.to_owned(), value));
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.values.remove(&fold(name));
    }
}

/// The paths above this one, from the root.
fn ancestors(folded: &str) -> impl Iterator<Item = &str> {
    folded.match_indices('\\').map(|(end, _)| &folded[..end])
}

/// The path with its root's long name and without empty parts at its end; `None` when the root is none.
///
/// `Wow6432Node` stays where it is: which view a program sees is the program's affair.
pub(super) fn canonical(path: &str) -> Option<String> {
    let path = path.trim_matches('\\');
    let (root, rest) = path.split_once('\\').map_or((path, ""), |(root, rest)| (root, rest));
    let (long, _) =
        ROOTS.iter().find(|(long, short)| root.eq_ignore_ascii_case(long) || root.eq_ignore_ascii_case(short))?;
    Some(if rest.is_empty() { (*long).to_owned() } else { format!("{long}\\{rest}") })
}

/// Names are kept in their spelling and compared without it.
fn fold(name: &str) -> String {
    if name.is_ascii() { name.to_ascii_lowercase() } else { name.to_lowercase() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = r"HKLM\SOFTWARE\Policies\Microsoft\Windows\DataCollection";

    fn with_level() -> Snapshot {
        let mut snapshot = Snapshot::default();
        assert!(snapshot.set(KEY, "AllowTelemetry", Value::Dword(2)));
        snapshot
    }

    #[test]
    fn a_value_is_set_not_set_or_not_known() {
        let snapshot = with_level();
        assert_eq!(snapshot.lookup(KEY, "AllowTelemetry"), Lookup::Set(&Value::Dword(2)));
        assert_eq!(snapshot.lookup(KEY, "CommercialId"), Lookup::NotSet);
        // The key above and the key below were not exported.
        assert_eq!(snapshot.lookup(r"HKLM\SOFTWARE\Policies\Microsoft\Windows", "X"), Lookup::NotKnown);
        assert_eq!(snapshot.lookup(&format!(r"{KEY}\Users"), "X"), Lookup::NotKnown);
    }

    #[test]
    fn names_are_compared_without_their_case_and_roots_by_either_name() {
        let snapshot = with_level();
        for key in [
            r"HKEY_LOCAL_MACHINE\Software\POLICIES\microsoft\windows\datacollection",
            r"hklm\SOFTWARE\Policies\Microsoft\Windows\DataCollection\",
        ] {
            assert_eq!(snapshot.lookup(key, "ALLOWTELEMETRY").value(), Some(&Value::Dword(2)), "{key}");
        }
        let elsewhere = r"HKLM\SOFTWARE\Wow6432Node\Policies\Microsoft\Windows\DataCollection";
        assert_eq!(snapshot.lookup(elsewhere, "AllowTelemetry"), Lookup::NotKnown);
        assert_eq!(snapshot.lookup(r"HKEY_LOCAL\SOFTWARE", "X"), Lookup::NotKnown);
    }

    #[test]
    fn a_part_adds_what_it_holds_and_what_it_knows_to_be_gone() {
        let mut whole = with_level();
        let mut part = Snapshot::default();
        part.set(KEY, "AllowTelemetry", Value::Dword(3));
        part.remove(r"HKU\S-1-5-18");
        let mut other = Snapshot::default();
        other.remove(r"HKLM\SOFTWARE\Policies");
        whole.add(&part);
        whole.add(&other);
        assert_eq!(whole.lookup(KEY, "AllowTelemetry").value(), Some(&Value::Dword(3)));
        assert_eq!(whole.lookup(r"HKU\S-1-5-18\SOFTWARE", "X"), Lookup::NotSet);
    }

    #[test]
    fn a_key_that_is_gone_takes_everything_below_with_it() {
        let mut snapshot = with_level();
        snapshot.remove(r"HKLM\SOFTWARE\Policies");
        assert_eq!(snapshot.lookup(KEY, "AllowTelemetry"), Lookup::NotSet);
        assert_eq!(snapshot.presence(KEY), Presence::Absent);
        assert_eq!(snapshot.presence(r"HKLM\SOFTWARE"), Presence::NotKnown);
        snapshot.set(KEY, "AllowTelemetry", Value::Dword(1));
        assert_eq!(snapshot.lookup(KEY, "AllowTelemetry").value(), Some(&Value::Dword(1)));
        assert_eq!(snapshot.presence(r"HKLM\SOFTWARE\Policies"), Presence::Present);
        assert_eq!(snapshot.lookup(r"HKLM\SOFTWARE\Policies\Other", "X"), Lookup::NotSet);
    }

    #[test]
    fn a_neighbour_whose_name_goes_on_is_no_subkey() {
        let mut snapshot = Snapshot::default();
        snapshot.hold(r"HKU\S-1-5-21-1");
        snapshot.hold(r"HKU\S-1-5-21-1\Software");
        snapshot.hold(r"HKU\S-1-5-21-1_Classes");
        let below: Vec<&str> = snapshot.subkeys(r"HKU\S-1-5-21-1").map(Key::path).collect();
        assert_eq!(below, [r"HKEY_USERS\S-1-5-21-1\Software"]);
        assert_eq!(snapshot.subkeys("HKEY_USERS").count(), 3);
    }
}
