//! Writing and taking back: in a registry that lives in memory, and fails wherever it is told to.

use std::cell::Cell;
use std::collections::BTreeMap;

use super::os;
use waprobe::enroll::Windows;
use waprobe::enroll::apply::{ApplyError, Backup, Store, apply, compare, restorations, restore};
use waprobe::enroll::places::{APPRAISER, COMPUTER_NAMES, POLICY, PREFERENCE};
use waprobe::enroll::plan::{Plan, WRITABLE, plan};
use waprobe::registry::{Edit, EditError, RawValue, Snapshot, Value};
use waprobe::report::apply::Facts;
use waprobe::report::{self, terminal::Layout};

const ID: &str = "0d6d23ac-5e8a-4c31-9f20-3a1b2c4d5e6f";
const OTHER_ID: &str = "11111111-2222-3333-4444-555555555555";

/// A registry in memory. `allowed` counts down with every change; at 0 everything fails, as when power is lost.
#[derive(Debug, Clone, Default)]
struct Memory {
    keys: BTreeMap<String, BTreeMap<String, RawValue>>,
    allowed: Option<usize>,
    /// After that many failures it works again: a passing trouble.
    recovers_after: Option<usize>,
    changed: Cell<usize>,
}

impl Memory {
    /// The keys that every Windows has.
    fn fresh() -> Self {
        let mut memory = Self::default();
        for key in [
            r"HKLM\SOFTWARE\Policies\Microsoft\Windows",
            r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion",
            r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\AppCompatFlags",
        ] {
            memory.make(key);
        }
        memory
    }

    fn make(&mut self, key: &str) {
        for (end, _) in key.match_indices('\\') {
            self.keys.entry(key[..end].to_owned()).or_default();
        }
        self.keys.entry(key.to_owned()).or_default();
    }

    fn with(mut self, key: &str, name: &str, value: &Value) -> Self {
        self.make(key);
        self.keys.get_mut(key).expect("made").insert(name.to_owned(), value.into());
        self
    }

    fn permit(&mut self) -> Result<(), EditError> {
        match &mut self.allowed {
            Some(0) => {
                if let Some(left) = &mut self.recovers_after {
                    *left -= 1;
                    if *left == 0 {
                        self.allowed = None;
                    }
                }
                return Err(EditError::Other("the disk is gone".to_owned()));
            }
            Some(left) => *left -= 1,
            None => {}
        }
        self.changed.set(self.changed.get() + 1);
        Ok(())
    }
}

impl Edit for Memory {
    fn may_change(&self) -> Result<(), EditError> {
        Ok(())
    }

    fn has_key(&self, key: &str) -> Result<bool, EditError> {
        Ok(self.keys.contains_key(key))
    }

    fn read(&self, key: &str, name: &str) -> Result<Option<RawValue>, EditError> {
        Ok(self.keys.get(key).and_then(|key| key.get(name)).cloned())
    }

    fn create_key(&mut self, key: &str) -> Result<(), EditError> {
        let (parent, _) = key.rsplit_once('\\').expect("a parent");
        assert!(self.keys.contains_key(parent), "{key} is made before its parent");
        self.permit()?;
        self.keys.entry(key.to_owned()).or_default();
        Ok(())
    }

    fn write(&mut self, key: &str, name: &str, value: &RawValue) -> Result<(), EditError> {
        assert!(self.keys.contains_key(key), "{key} does not exist");
        self.permit()?;
        self.keys.get_mut(key).expect("looked at").insert(name.to_owned(), value.clone());
        Ok(())
    }

    fn delete(&mut self, key: &str, name: &str) -> Result<(), EditError> {
        self.permit()?;
        self.keys.get_mut(key).and_then(|key| key.remove(name));
        Ok(())
    }

    fn delete_key_if_empty(&mut self, key: &str) -> Result<bool, EditError> {
        self.permit()?;
        let below = format!("{key}\\");
        if self.keys[key].is_empty() && !self.keys.keys().any(|other| other.starts_with(&below)) {
            self.keys.remove(key);
            return Ok(true);
        }
        Ok(false)
    }
}

/// Keeps the backup as text, as a file would.
#[derive(Debug, Default)]
struct Drawer {
    text: Option<String>,
    broken: bool,
}

impl Store for Drawer {
    fn load(&self) -> Result<Option<Backup>, String> {
        let read = |text: &String| Backup::read(text).map_err(|mistake| mistake.to_string());
        self.text.as_ref().map(read).transpose()
    }

    fn save(&mut self, backup: &Backup) -> Result<(), String> {
        if self.broken {
            return Err("the folder is full".to_owned());
        }
        self.text = Some(backup.to_json());
        Ok(())
    }

    fn retire(&mut self) -> Result<(), String> {
        self.text = None;
        Ok(())
    }
}

fn made(windows: &str, id: &str) -> Plan {
    let windows = Windows::of(&Snapshot::default(), Some(os(windows)));
    plan(&id.parse().expect("a GUID"), &windows, &[], Some(1)).unwrap_or_else(|mistake| panic!("{mistake}"))
}

fn now() -> jiff::Timestamp {
    "2026-11-22T20:00:00Z".parse().expect("a moment")
}

fn run(plan: &Plan, memory: &mut Memory, drawer: &mut Drawer) -> Result<(), ApplyError> {
    let changes = compare(plan, memory).expect("readable");
    apply(&changes, memory, drawer, now())
}

fn undo(memory: &mut Memory, drawer: &Drawer) {
    let backup = drawer.load().expect("readable").expect("a backup");
    let restored = restore(&backup, memory);
    assert_eq!(restored.failures, []);
    assert_eq!(restorations(&backup, memory).expect("readable"), []);
}

/// Devices as they are found: nothing set, everything wrong, values of surprising types, keys that others use.
fn devices() -> Vec<(&'static str, Memory)> {
    let other = Value::Sz(OTHER_ID.to_owned());
    vec![
        ("nothing set", Memory::fresh()),
        ("no parents either", {
            let mut memory = Memory::default();
            memory.make(r"HKLM\SOFTWARE");
            memory
        }),
        (
            "another id and level",
            Memory::fresh()
                .with(POLICY, "CommercialId", &other)
                .with(POLICY, "AllowTelemetry", &Value::Dword(0))
                .with(POLICY, "DisableEnterpriseAuthProxy", &Value::Dword(1))
                .with(PREFERENCE, "IEDataOptIn", &Value::Dword(3)),
        ),
        (
            "wrong types",
            Memory::fresh()
                .with(POLICY, "CommercialId", &Value::ExpandSz("%ID%".to_owned()))
                .with(POLICY, "AllowTelemetry", &Value::Other { kind: 4, bytes: vec![1, 2, 3] })
                .with(APPRAISER, "RequestAllAppraiserVersions", &Value::Sz("1".to_owned())),
        ),
    ]
}

#[test]
fn applied_and_undone_leaves_everything_as_it_was() {
    for windows in ["win7-sp1", "win10-1607", "win10-1809"] {
        for (name, before) in devices() {
            let (mut memory, mut drawer) = (before.clone(), Drawer::default());
            let plan = made(windows, ID);
            run(&plan, &mut memory, &mut drawer).unwrap_or_else(|error| panic!("{windows}, {name}: {error}"));
            assert!(compare(&plan, &memory).expect("readable").changes.is_empty(), "{windows}, {name}");
            for planned in &plan.values {
                let value = memory.read(planned.key, planned.name).expect("readable").expect("set");
                assert_eq!(value.value(), planned.value, "{windows}, {name}");
            }
            undo(&mut memory, &drawer);
            assert_eq!(memory.keys, before.keys, "{windows}, {name}");
        }
    }
}

#[test]
fn whatever_write_fails_nothing_is_lost() {
    for (name, before) in devices() {
        let plan = made("win10-1809", ID);
        let mut whole = before.clone();
        run(&plan, &mut whole, &mut Drawer::default()).expect("applied");
        let steps = whole.changed.get();
        assert!(steps >= plan.values.len());
        for allowed in 0..steps {
            // The power goes: nothing can be written any more, and the undo comes later.
            let (mut memory, mut drawer) = (before.clone(), Drawer::default());
            memory.allowed = Some(allowed);
            let error = run(&plan, &mut memory, &mut drawer).expect_err("the disk is gone");
            assert_eq!(
                matches!(error, ApplyError::HalfDone { .. }),
                memory.keys != before.keys,
                "{name}, {allowed}: {error}"
            );
            memory.allowed = None;
            if drawer.text.is_some() {
                undo(&mut memory, &drawer);
            }
            assert_eq!(memory.keys, before.keys, "{name}, {allowed}");

            // One write fails and the next one works: it is taken back at once, and no backup is left over.
            let (mut memory, mut drawer) = (before.clone(), Drawer::default());
            (memory.allowed, memory.recovers_after) = (Some(allowed), Some(1));
            let error = run(&plan, &mut memory, &mut drawer).expect_err("the disk was gone");
            assert!(matches!(error, ApplyError::TakenBack { .. }), "{name}, {allowed}: {error}");
            assert_eq!(memory.keys, before.keys, "{name}, {allowed}");
            assert_eq!(drawer.text, None, "{name}, {allowed}");
        }
    }
}

#[test]
fn a_backup_is_of_one_device_and_what_it_does_not_hold_is_said() {
    let named = |name: &str, level: u32| {
        Memory::fresh().with(COMPUTER_NAMES[0], "ComputerName", &Value::Sz(name.to_owned())).with(
            POLICY,
            "AllowTelemetry",
            &Value::Dword(level),
        )
    };
    let (mut first, mut second, mut drawer) = (named("WS01", 3), named("WS02", 0), Drawer::default());
    let plan = made("win10-1809", ID);
    run(&plan, &mut first, &mut drawer).expect("applied");
    let kept = drawer.text.clone();
    let untouched = second.clone();
    let refused = run(&plan, &mut second, &mut drawer).expect_err("of another device");
    assert!(matches!(&refused, ApplyError::NotKept(why) if why.contains("WS01") && why.contains("WS02")), "{refused}");
    assert_eq!((second.keys, &drawer.text), (untouched.keys, &kept));

    // Somebody sets a level of his own, and the plan comes again.
    let mut first = first.with(POLICY, "AllowTelemetry", &Value::Dword(1));
    let changes = compare(&plan, &first).expect("readable");
    let earlier = drawer.load().expect("readable");
    run(&plan, &mut first, &mut drawer).expect("applied");
    let facts = Facts { is_done: true, backup: "b.json", undo: "waprobe enroll undo --yes", exit: 0 };
    let mut text = Vec::new();
    let layout = Layout { width: 400, colour: false, ascii: false, verbose: false };
    report::apply::changes(&plan, (&changes, earlier.as_ref()), facts, layout, &mut text).expect("written");
    let text = String::from_utf8(text).expect("text").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("an undo goes back to 3 (REG_DWORD), and 1 (REG_DWORD) is kept nowhere"), "{text}");
    assert!(text.contains("as it was before waprobe's first change"), "{text}");
}

#[test]
fn an_undo_that_is_interrupted_is_finished_by_the_next() {
    for (name, before) in devices() {
        let (mut applied, mut drawer) = (before.clone(), Drawer::default());
        run(&made("win10-1809", ID), &mut applied, &mut drawer).expect("applied");
        let backup = drawer.load().expect("readable").expect("a backup");
        let mut whole = applied.clone();
        whole.changed.set(0);
        restore(&backup, &mut whole);
        for allowed in 0..whole.changed.get() {
            let mut memory = applied.clone();
            memory.allowed = Some(allowed);
            assert!(!restore(&backup, &mut memory).failures.is_empty(), "{name}, {allowed}");
            memory.allowed = None;
            undo(&mut memory, &drawer);
            assert_eq!(memory.keys, before.keys, "{name}, {allowed}");
        }
    }
}

#[test]
fn applied_twice_it_changes_nothing_and_keeps_the_first_backup() {
    for (name, before) in devices() {
        let (mut memory, mut drawer) = (before.clone(), Drawer::default());
        let plan = made("win10-1809", ID);
        run(&plan, &mut memory, &mut drawer).expect("applied");
        let (first, writes) = (drawer.text.clone(), memory.changed.get());
        run(&plan, &mut memory, &mut drawer).expect("applied again");
        assert_eq!((&drawer.text, memory.changed.get()), (&first, writes), "{name}");

        // Another plan, and one for another Windows, add to the backup; what it knew stays.
        run(&made("win10-1809", OTHER_ID), &mut memory, &mut drawer).expect("another id");
        run(&made("win7-sp1", ID), &mut memory, &mut drawer).expect("another version");
        undo(&mut memory, &drawer);
        assert_eq!(memory.keys, before.keys, "{name}");
    }
}

#[test]
fn interrupted_applied_again_and_undone_it_is_as_before_the_first() {
    for (name, before) in devices() {
        let (mut memory, mut drawer) = (before.clone(), Drawer::default());
        let plan = made("win10-1809", ID);
        memory.allowed = Some(2);
        run(&plan, &mut memory, &mut drawer).expect_err("the disk is gone");
        memory.allowed = None;
        run(&plan, &mut memory, &mut drawer).expect("applied");
        undo(&mut memory, &drawer);
        assert_eq!(memory.keys, before.keys, "{name}");
    }
}

#[test]
fn without_a_backup_nothing_is_written() {
    let (mut memory, mut drawer) = (Memory::fresh(), Drawer { broken: true, ..Drawer::default() });
    let error = run(&made("win10-1809", ID), &mut memory, &mut drawer).expect_err("no backup");
    assert_eq!(error.to_string(), "the folder is full. Nothing was changed");
    assert_eq!(memory.changed.get(), 0);

    // Neither over a backup that cannot be read: it may be the only one there is.
    let mut drawer = Drawer { text: Some("{ \"schema\": ".to_owned()), broken: false };
    let error = run(&made("win10-1809", ID), &mut memory, &mut drawer).expect_err("a damaged backup").to_string();
    assert!(error.starts_with("line 1: EOF") && memory.changed.get() == 0, "{error}");
}

#[test]
fn a_key_that_others_use_by_now_stays() {
    let (mut memory, mut drawer) = (Memory::fresh(), Drawer::default());
    run(&made("win10-1809", ID), &mut memory, &mut drawer).expect("applied");
    let mut memory = memory.with(POLICY, "DoNotShowFeedbackNotifications", &Value::Dword(1));
    let restored = restore(&drawer.load().expect("readable").expect("a backup"), &mut memory);
    assert_eq!(restored.kept_keys, [POLICY]);
    assert_eq!(memory.keys[POLICY].len(), 1);
}

#[test]
fn no_plan_writes_what_an_undo_would_refuse() {
    for windows in ["win7-sp1", "win8.1", "win10-1507", "win10-1709", "win11-24h2"] {
        for planned in made(windows, ID).values {
            assert!(WRITABLE.contains(&(planned.key, planned.name)), "{windows}: {}", planned.name);
        }
    }
}

#[test]
fn a_preference_that_stops_the_script_is_named_beside_what_is_written() {
    let plan = made("win10-1809", ID);
    let preferences = |id: &str, level: u32| {
        let memory = Memory::fresh().with(PREFERENCE, "CommercialId", &Value::Sz(id.into()));
        let memory = memory.with(PREFERENCE, "AllowTelemetry", &Value::Dword(level));
        let found = compare(&plan, &memory).expect("it can be read");
        found.contradicting.iter().map(|standing| standing.name).collect::<Vec<_>>()
    };
    assert_eq!(preferences(OTHER_ID, 0), ["CommercialId", "AllowTelemetry"]);
    assert!(preferences(&format!("{{{}}}", ID.to_uppercase()), 1).is_empty());
    let text = Memory::fresh().with(PREFERENCE, "AllowTelemetry", &Value::Sz("1".into()));
    assert_eq!(compare(&plan, &text).expect("it can be read").contradicting.len(), 1, "a level of another type");
}
