//! Error reporting: without it Device Health counts the device and never shows a crash.

use crate::catalogue::Solution;
use crate::enroll::case::{Case, shown, shown_number};
use crate::enroll::findings::{Code, Notes};
use crate::enroll::places::{ERROR_REPORTING, POLICY};
use crate::registry::{Lookup, Value};

const DISABLED: &str = "Disabled";
const WITHHELD: &str = "DontSendAdditionalData";
const SERVER: &str = "CorporateWERServer";

pub(super) fn check(case: &Case<'_>, notes: &mut Notes) {
    if !case.wants(Solution::DeviceHealth) {
        return;
    }
    for [policy, preference] in ERROR_REPORTING {
        if let Some((value, key)) = first(case, DISABLED, [policy, preference], notes)
            && value.as_dword() != Some(0)
        {
            notes
                .finding(Code::ErrorReportingDisabled, DISABLED, key)
                .is(shown_number(value))
                .should("0, or not set")
                .because(known(
                    value,
                    "with error reporting off Device Health counts this device and shows no crash of it",
                ));
        }
        if let Some((value, key)) = first(case, WITHHELD, [policy, preference], notes)
            && value.as_dword() != Some(0)
        {
            notes
                .finding(Code::ErrorReportingWithheld, WITHHELD, key)
                .is(shown_number(value))
                .should("0, or not set")
                .because(known(value, "the data that explains a crash is not sent, and Device Health cannot group it"));
        }
        if let Some((value, key)) = first(case, SERVER, [policy, preference], notes)
            && !matches!(value, Value::Sz(text) if text.is_empty())
        {
            notes
                .finding(Code::ErrorReportingRedirected, SERVER, key)
                .is(shown(value))
                .should("not set")
                .because("reports go to this server in place of Microsoft's, so Device Health never sees them");
        }
    }
}

/// What the value does, where that is documented.
fn known(value: &Value, effect: &'static str) -> &'static str {
    if value.as_dword().is_some() {
        effect
    } else {
        "only a REG_DWORD is documented here; with another type Windows may take error reporting for switched off"
    }
}

/// The value that counts. Microsoft's troubleshooting page names the data collection policy as the copy that wins; the
/// policy of error reporting itself comes next. A key that is not known ends the search.
fn first<'a>(
    case: &Case<'a>,
    name: &str,
    keys: [&'static str; 2],
    notes: &mut Notes,
) -> Option<(&'a Value, &'static str)> {
    if keys[0].starts_with("HKLM")
        && let Lookup::Set(value) = case.policy(name)
    {
        return Some((value, POLICY));
    }
    for key in keys {
        if let Some(value) = notes.known(case.snapshot.lookup(key, name), name, key).ok()? {
            return Some((value, key));
        }
    }
    None
}
