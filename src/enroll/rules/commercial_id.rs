//! The Commercial ID: there, a GUID, and the same in policy and preference.

use crate::enroll::case::{Case, NOT_SET, shown};
use crate::enroll::commercial_id::{CommercialId, IdMistake};
use crate::enroll::findings::{Code, Notes, RemarkCode};
use crate::enroll::places::{MISPLACED, POLICY, PREFERENCE};
use crate::registry::{Lookup, Value};

const NAME: &str = "CommercialId";

/// One place where the id may stand.
struct Place<'a> {
    key: &'static str,
    value: &'a Value,
}

pub(super) fn check(case: &Case<'_>, notes: &mut Notes) {
    let (policy, preference) = (case.policy(NAME), case.preference(NAME));
    if policy == Lookup::NotSet && preference == Lookup::NotSet {
        missing(case, notes);
        return;
    }
    for (lookup, key) in [(policy, POLICY), (preference, PREFERENCE)] {
        if lookup == Lookup::NotKnown {
            notes.key_not_known(NAME, key);
        }
    }
    let places = [(POLICY, policy), (PREFERENCE, preference)]
        .into_iter()
        .filter_map(|(key, lookup)| lookup.value().map(|value| Place { key, value }));
    let ids: Vec<CommercialId> = places.filter_map(|place| id(&place, case, notes)).collect();
    if let [policy_id, preference_id] = ids.as_slice() {
        compare(case, policy_id, preference_id, notes);
    }
}

fn missing(case: &Case<'_>, notes: &mut Notes) {
    let elsewhere = MISPLACED.into_iter().find(|key| matches!(case.snapshot.lookup(key, NAME), Lookup::Set(_)));
    let why = match elsewhere {
        Some(key) => format!(
            "without it Microsoft does not know whose device this is, and it appears in no workspace; it stands in {key}, \
             where a 32-bit program put it and nothing reads it"
        ),
        None => "without it Microsoft does not know whose device this is, and it appears in no workspace".to_owned(),
    };
    notes
        .finding(Code::CommercialIdMissing, NAME, POLICY)
        .is("not set, neither as policy nor as preference")
        .should("the Commercial ID of your workspace")
        .ur_exit(6)
        .because(why);
}

/// The id, when it is one; otherwise a finding. Behind a policy that holds one the device appears all the same.
fn id(place: &Place<'_>, case: &Case<'_>, notes: &mut Notes) -> Option<CommercialId> {
    let is_id = |value: &Value| matches!(value, Value::Sz(text) if text.parse::<CommercialId>().is_ok());
    let is_overridden = place.key == PREFERENCE && case.policy(NAME).value().is_some_and(is_id);
    let out_of = if is_overridden { Vec::new() } else { case.wanted() };
    let beside = if is_overridden { "; the policy wins over it" } else { "" };
    let Value::Sz(text) = place.value else {
        notes
            .finding(Code::CommercialIdType, NAME, place.key)
            .is(shown(place.value))
            .should("the Commercial ID as REG_SZ")
            .ur_exit(48)
            .keeps_out_of(&out_of)
            .because(format!("Windows reads this value as text only{beside}"));
        return None;
    };
    match text.parse() {
        Ok(id) => Some(id),
        Err(IdMistake::Empty) => {
            notes
                .finding(Code::CommercialIdMissing, NAME, place.key)
                .is("empty")
                .should("the Commercial ID of your workspace")
                .ur_exit(6)
                .keeps_out_of(&out_of)
                .because(if is_overridden {
                    format!("an empty value is no id{beside}")
                } else {
                    "an empty value is no id, and the device appears in no workspace".to_owned()
                });
            None
        }
        Err(mistake) => {
            notes
                .finding(Code::CommercialIdInvalid, NAME, place.key)
                .is(shown(place.value))
                .should("a GUID, copied from the settings of your workspace")
                .ur_exit(48)
                .keeps_out_of(&out_of)
                .because(format!("{mistake}{beside}"));
            None
        }
    }
}

fn compare(case: &Case<'_>, policy: &CommercialId, preference: &CommercialId, notes: &mut Notes) {
    if !policy.is_same(preference) {
        notes
            .finding(Code::CommercialIdConflict, NAME, POLICY)
            .is(format!("{policy}, while the preference is {preference}"))
            .should("the same id in both")
            .ur_exit(53)
            .because(
                "the policy wins, so data goes to that workspace, and the deployment script stops at two that differ",
            );
        return;
    }
    let text = |lookup: Lookup<'_>| lookup.value().map_or_else(|| NOT_SET.to_owned(), shown).to_ascii_lowercase();
    if text(case.policy(NAME)) != text(case.preference(NAME)) {
        notes.remark(
            RemarkCode::CommercialIdBraces,
            "Policy and preference hold the same Commercial ID, one with braces and one without; the deployment script \
             compares the text and may report exit code 53.",
        );
    }
}
