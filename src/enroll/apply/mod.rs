//! Writing a plan into a registry, and taking it back.
//!
//! In: a [`Plan`], a registry that can be changed, a place that keeps the backup. Out: what was, or would be, changed.
//! Never: a change before the backup is kept, and never a second backup over the first: until it is undone, the backup
//! says how the device was before waprobe touched it for the first time, however often a plan is applied.

mod backup;

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::places::{COMPUTER_NAMES, POLICY, PREFERENCE};
use super::plan::Plan;
use crate::registry::{Edit, EditError, RawValue, Value};

pub use backup::{Backup, BackupMistake, LARGEST_BACKUP, SCHEMA, Saved};

/// What applying a plan means for one device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    pub changes: Vec<Change>,
    /// Names of values that are as planned already.
    pub unchanged: Vec<&'static str>,
    /// Keys that do not exist yet, each after its parent.
    pub missing_keys: Vec<String>,
    /// Preferences that a plan leaves alone, and that stop the deployment script although the policy wins over them.
    pub contradicting: Vec<Standing>,
}

/// A value beside the plan's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub key: &'static str,
    pub name: &'static str,
    pub value: RawValue,
}

/// One value that is not as planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub key: &'static str,
    pub name: &'static str,
    pub before: Option<RawValue>,
    pub after: RawValue,
    pub why: String,
}

/// Where the backup is kept.
pub trait Store {
    /// `None` where there is none.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn load(&self) -> Result<Option<Backup>, String>;

    /// Keeps `backup` in place of the one before it, as a whole or not at all, and does not return before it would survive
    /// a loss of power.
    ///
    /// # Errors
    /// Why it cannot be kept.
    fn save(&mut self, backup: &Backup) -> Result<(), String>;

    /// Puts the backup aside: from now on there is none.
    ///
    /// # Errors
    /// Why that is not possible.
    fn retire(&mut self) -> Result<(), String>;
}

/// Why a plan was not applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    #[error("{0}. Nothing was changed")]
    NotKept(String),
    #[error("could not {what}: {error}. What had been written before it was taken back, so nothing is changed")]
    TakenBack { what: String, error: EditError },
    #[error(
        "could not {what}: {error}. What had been written before it could not be taken back either ({why}). Nothing is \
         lost: once the registry can be written, `waprobe enroll undo --yes` puts everything back"
    )]
    HalfDone { what: String, error: EditError, why: String },
}

/// What undoing a backup means for one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restoration<'a> {
    pub saved: &'a Saved,
    pub current: Option<RawValue>,
}

/// What became of an undo.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restored {
    pub removed_keys: Vec<String>,
    /// Keys that waprobe created and that hold something else by now.
    pub kept_keys: Vec<String>,
    pub failures: Vec<Failed>,
}

/// What could not be put back, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    pub key: String,
    /// `None` where it is about the key.
    pub name: Option<&'static str>,
    pub error: EditError,
}

impl std::fmt::Display for Failed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { key, name, error } = self;
        match name {
            Some(name) => write!(formatter, "{name} in {key}: {error}"),
            None => write!(formatter, "{key}: {error}"),
        }
    }
}

/// Compares `plan` with what the registry holds.
///
/// # Errors
/// What the registry says when it cannot be read.
pub fn compare(plan: &Plan, registry: &impl Edit) -> Result<Changes, EditError> {
    let mut changes =
        Changes { changes: Vec::new(), unchanged: Vec::new(), missing_keys: Vec::new(), contradicting: Vec::new() };
    for planned in &plan.values {
        if planned.key == POLICY
            && let Some(value) = registry.read(PREFERENCE, planned.name)?
            && contradicts(planned.name, &value.value(), &planned.value)
        {
            changes.contradicting.push(Standing { key: PREFERENCE, name: planned.name, value });
        }
        let after = RawValue::from(&planned.value);
        let before = registry.read(planned.key, planned.name)?;
        if before.as_ref() == Some(&after) {
            changes.unchanged.push(planned.name);
            continue;
        }
        for key in with_ancestors(planned.key) {
            if !changes.missing_keys.contains(&key) && !registry.has_key(&key)? {
                changes.missing_keys.push(key);
            }
        }
        let why = planned.why.clone();
        changes.changes.push(Change { key: planned.key, name: planned.name, before, after, why });
    }
    Ok(changes)
}

/// Whether a preference stops the deployment script (exit codes 53, 64 and 65) beside the policy `planned`.
fn contradicts(name: &str, preference: &Value, planned: &Value) -> bool {
    match name {
        "CommercialId" => {
            let plain = |value: &Value| value.as_text().map(|id| id.trim_matches(['{', '}']).to_ascii_lowercase());
            plain(preference) != plain(planned)
        }
        "AllowTelemetry" => !preference.as_dword().is_some_and(|level| (1..=3).contains(&level)),
        _ => false,
    }
}

/// The name of the device, where its registry says it.
fn device_name(registry: &impl Edit) -> Option<String> {
    COMPUTER_NAMES.iter().find_map(|key| registry.read(key, "ComputerName").ok()??.value().as_text().map(str::to_owned))
}

/// The backup that is kept already, where there is one.
///
/// # Errors
/// Why it cannot be read, or that it is another device's.
pub fn earlier(store: &impl Store, registry: &impl Edit) -> Result<Option<Backup>, String> {
    let earlier = store.load()?;
    if let Some(backup) = &earlier {
        backup.fits(device_name(registry).as_deref())?;
    }
    Ok(earlier)
}

/// Keeps the backup, then writes. What cannot be written whole is taken back.
///
/// # Errors
/// [`ApplyError`], which says how the registry was left.
pub fn apply(
    changes: &Changes,
    registry: &mut impl Edit,
    store: &mut impl Store,
    now: Timestamp,
) -> Result<(), ApplyError> {
    if changes.changes.is_empty() {
        return Ok(());
    }
    let device = device_name(registry);
    let earlier = earlier(store, registry).map_err(ApplyError::NotKept)?;
    let mut backup = earlier.clone().unwrap_or_else(|| Backup::new(now, device.clone()));
    backup.extend(changes);
    store.save(&backup).map_err(ApplyError::NotKept)?;
    let Err((what, error)) = write(changes, registry) else { return Ok(()) };
    let mut now_only = Backup::new(now, device);
    now_only.extend(changes);
    let restored = restore(&now_only, registry);
    if !restored.failures.is_empty() {
        let why: Vec<String> = restored.failures.iter().map(Failed::to_string).collect();
        return Err(ApplyError::HalfDone { what, error, why: why.join("; ") });
    }
    // The registry is as it was, and so the backup should be; one that says too much does no harm.
    let _ = match &earlier {
        Some(earlier) => store.save(earlier),
        None => store.retire(),
    };
    Err(ApplyError::TakenBack { what, error })
}

fn write(changes: &Changes, registry: &mut impl Edit) -> Result<(), (String, EditError)> {
    for key in &changes.missing_keys {
        registry.create_key(key).map_err(|error| (format!("create {key}"), error))?;
    }
    for change in &changes.changes {
        let failed = |error| (format!("write {} in {}", change.name, change.key), error);
        registry.write(change.key, change.name, &change.after).map_err(failed)?;
    }
    Ok(())
}

/// What an undo would change: values that are not as they were.
///
/// # Errors
/// What the registry says when it cannot be read.
pub fn restorations<'a>(backup: &'a Backup, registry: &impl Edit) -> Result<Vec<Restoration<'a>>, EditError> {
    let mut restorations = Vec::new();
    for saved in &backup.values {
        let current = registry.read(saved.key, saved.name)?;
        if current != saved.before {
            restorations.push(Restoration { saved, current });
        }
    }
    Ok(restorations)
}

/// Puts everything back that can be put back; what cannot is told, and the next undo tries it again.
pub fn restore(backup: &Backup, registry: &mut impl Edit) -> Restored {
    let mut restored = Restored::default();
    for saved in &backup.values {
        if let Err(error) = restore_value(saved, registry) {
            restored.failures.push(Failed { key: saved.key.to_owned(), name: Some(saved.name), error });
        }
    }
    // Children before their parents.
    for key in backup.created_keys.iter().rev() {
        match registry.has_key(key).and_then(|is_there| is_there.then(|| registry.delete_key_if_empty(key)).transpose())
        {
            Ok(None) => {}
            Ok(Some(true)) => restored.removed_keys.push(key.clone()),
            Ok(Some(false)) => restored.kept_keys.push(key.clone()),
            Err(error) => restored.failures.push(Failed { key: key.clone(), name: None, error }),
        }
    }
    restored
}

fn restore_value(saved: &Saved, registry: &mut impl Edit) -> Result<(), EditError> {
    if registry.read(saved.key, saved.name)? == saved.before {
        return Ok(());
    }
    let Some(before) = &saved.before else { return registry.delete(saved.key, saved.name) };
    for key in with_ancestors(saved.key) {
        if !registry.has_key(&key)? {
            registry.create_key(&key)?;
        }
    }
    registry.write(saved.key, saved.name, before)
}

/// A value for people, with its type: the type may be all that is wrong.
#[must_use]
pub fn shown(value: Option<&RawValue>) -> String {
    let Some(raw) = value else { return "not set".to_owned() };
    let value = raw.value();
    format!("{} ({})", value.shown(), value.type_name())
}

/// The key and what is above it below the hive, parents first: `HKLM\SOFTWARE` always exists.
fn with_ancestors(key: &str) -> impl Iterator<Item = String> {
    key.match_indices('\\').skip(2).map(|(end, _)| &key[..end]).chain([key]).map(str::to_owned)
}

/// Whether a key is one that a plan may have created.
fn is_known_key(key: &str) -> bool {
    let keys: BTreeSet<String> = super::plan::WRITABLE.iter().flat_map(|(key, _)| with_ancestors(key)).collect();
    keys.contains(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_comes_after_its_parents() {
        let keys: Vec<String> = with_ancestors(r"HKLM\SOFTWARE\Policies\Microsoft\Windows").collect();
        assert_eq!(
            keys,
            [
                r"HKLM\SOFTWARE\Policies",
                r"HKLM\SOFTWARE\Policies\Microsoft",
                r"HKLM\SOFTWARE\Policies\Microsoft\Windows"
            ]
        );
        assert!(is_known_key(r"HKLM\SOFTWARE\Policies") && !is_known_key(r"HKLM\SOFTWARE"));
    }
}
