//! What switches the sender off beside its level: values that policies, hardening guides and privacy tools set.

use crate::catalogue::Solution;
use crate::enroll::case::{Case, shown};
use crate::enroll::findings::{Code, Notes};
use crate::enroll::places::{
    APP_COMPAT_POLICY, POLICY, PROGRAMS, TELEMETRY_CONTROLLER, TELEMETRY_CONTROLLER_APPRAISER, TRACE_SESSION,
    image_options,
};
use crate::registry::{Lookup, Presence, Value};

const WINDOWS_10_1903: u32 = 18362;

pub(super) fn check(case: &Case<'_>, notes: &mut Notes) {
    let mut unknown = Unknown::default();
    debuggers(case, notes, &mut unknown);
    if case.wants(Solution::UpgradeReadiness) {
        inventory(case, notes, &mut unknown);
        application_telemetry(case, notes, &mut unknown);
        if case.windows.is_windows_10() == Some(true) {
            registered_scan(case, notes, &mut unknown);
        }
    }
    trace_session(case, notes, &mut unknown);
    if case.windows.at_least(WINDOWS_10_1903, 0) == Some(true) {
        settings_downloads(case, notes);
    }
    unknown.note(notes);
}

/// Keys that the snapshot does not hold. Each of them alone is seldom set, so they are one line together.
#[derive(Default)]
pub(super) struct Unknown(Vec<&'static str>);

impl Unknown {
    /// The value when it is set. A key that was not exported is noted under `name`.
    pub fn known<'a>(&mut self, lookup: Lookup<'a>, name: &'static str) -> Option<&'a Value> {
        if lookup == Lookup::NotKnown && !self.0.contains(&name) {
            self.0.push(name);
        }
        lookup.value()
    }

    pub fn note(self, notes: &mut Notes) {
        if !self.0.is_empty() {
            notes.not_checked(
                "what switches the sender off",
                &self.0.join(", "),
                "the snapshot does not hold these keys; `waprobe enroll snapshot` does",
            );
        }
    }
}

/// Windows starts the program that `Debugger` names in place of the other, with its command line behind
/// (learn.microsoft.com, Image File Execution Options).
fn debuggers(case: &Case<'_>, notes: &mut Notes, unknown: &mut Unknown) {
    const NAME: &str = "Debugger";
    for program in PROGRAMS {
        let Some((solutions, why)) = purpose(case, program) else { continue };
        let keys = image_options(program);
        unknown.known(case.snapshot.lookup(&keys[0], NAME), "Image File Execution Options");
        for key in keys {
            let Some(value) = case.snapshot.lookup(&key, NAME).value() else { continue };
            let Some(text) = notes.text(value, NAME, &key).filter(|text| !text.trim().is_empty()) else { continue };
            let is = format!("'{}', which Windows starts in place of {program}", shown_text(text));
            let draft = notes.finding(Code::ProgramDebugger, NAME, &key).is(is).should("not set");
            draft.keeps_out_of(&solutions).because(why);
        }
    }
}

fn shown_text(text: &str) -> String {
    Value::Sz(text.to_owned()).shown()
}

/// Whom a program serves, and what is missing without it; nothing where nobody who is judged needs it.
fn purpose(case: &Case<'_>, program: &str) -> Option<(Vec<Solution>, &'static str)> {
    match program {
        "CompatTelRunner.exe" => case.wants(Solution::UpgradeReadiness).then(|| {
            (vec![Solution::UpgradeReadiness], "CompatTelRunner.exe scans the device; Windows never starts it, so there is nothing to send")
        }),
        "DeviceCensus.exe" => {
            Some((Vec::new(), "DeviceCensus.exe describes the device; Windows never starts it, so what is known of the device grows old"))
        }
        _ => case.wants(Solution::DeviceHealth).then(|| {
            (Vec::new(), "this program reports errors; Windows never starts it, so Device Health counts the device and shows no crash of it")
        }),
    }
}

/// The policy "Turn off Inventory Collector": "the Inventory Collector will be turned off and data will not be sent to Microsoft"
/// (AppCompat.admx; STIG V-254351).
fn inventory(case: &Case<'_>, notes: &mut Notes, unknown: &mut Unknown) {
    const NAME: &str = "DisableInventory";
    let Some(value) = unknown.known(case.snapshot.lookup(APP_COMPAT_POLICY, NAME), "AppCompat") else { return };
    if notes.number(value, NAME, APP_COMPAT_POLICY) == Some(1) {
        notes
            .finding(Code::InventoryOff, NAME, APP_COMPAT_POLICY)
            .is("1")
            .should("0, or not set")
            .because("the policy turns the inventory collector off: programs, files and drivers are not listed, and nothing about them is sent");
    }
}

/// The policy "Turn off Application Telemetry" (AppCompat.admx): 0 stops the collection of usage data.
fn application_telemetry(case: &Case<'_>, notes: &mut Notes, unknown: &mut Unknown) {
    const NAME: &str = "AITEnable";
    let Some(value) = unknown.known(case.snapshot.lookup(APP_COMPAT_POLICY, NAME), "AppCompat") else { return };
    if notes.number(value, NAME, APP_COMPAT_POLICY) == Some(0) {
        notes
            .finding(Code::ApplicationTelemetryOff, NAME, APP_COMPAT_POLICY)
            .is("0")
            .should("1, or not set")
            .because("the policy stops the collection of application usage, so that Upgrade Readiness shows none for this device");
    }
}

/// The task starts CompatTelRunner.exe, which runs the commands that stand here; without the appraiser's the task ends with success
/// and scans nothing. Where the key itself is missing nobody knows whether this version has it.
fn registered_scan(case: &Case<'_>, notes: &mut Notes, unknown: &mut Unknown) {
    const NAME: &str = "Command";
    let lookup = case.snapshot.lookup(TELEMETRY_CONTROLLER_APPRAISER, NAME);
    let is = match unknown.known(lookup, "TelemetryController") {
        None if lookup == Lookup::NotKnown || case.snapshot.presence(TELEMETRY_CONTROLLER) != Presence::Present => {
            return;
        }
        None => "not set".to_owned(),
        Some(value) => match notes.text(value, NAME, TELEMETRY_CONTROLLER_APPRAISER) {
            None => return,
            Some(text) if text.to_ascii_lowercase().contains("appraiser") => return,
            Some(_) => shown(value),
        },
    };
    notes
        .finding(Code::ScanNotRegistered, NAME, TELEMETRY_CONTROLLER_APPRAISER)
        .is(is)
        .should(r"%windir%\system32\CompatTelRunner.exe -m:appraiser.dll -f:DoScheduledTelemetryRun")
        .because("the nightly task runs the commands that are registered here, and the scan is not among them");
}

/// Privacy tools set it to 0; the service itself records from its own start on.
fn trace_session(case: &Case<'_>, notes: &mut Notes, unknown: &mut Unknown) {
    const NAME: &str = "Start";
    let Some(value) = unknown.known(case.snapshot.lookup(TRACE_SESSION, NAME), "Autologger") else { return };
    if notes.number(value, NAME, TRACE_SESSION) == Some(0) {
        notes.finding(Code::TraceSessionOff, NAME, TRACE_SESSION).is("0").should("1").because(
            "the trace session does not start with Windows, and events before the diagnostic service starts are lost",
        );
    }
}

/// The policy "Disable `OneSettings` Downloads": Windows then does not connect to the service that settings-win is
/// (Policy CSP, System/DisableOneSettingsDownloads; versions before 1903 do not know it).
fn settings_downloads(case: &Case<'_>, notes: &mut Notes) {
    const NAME: &str = "DisableOneSettingsDownloads";
    // Where this key was not exported the level has said so.
    let Some(value) = case.policy(NAME).value() else { return };
    if notes.number(value, NAME, POLICY) == Some(1) {
        notes
            .finding(Code::SettingsDownloadsOff, NAME, POLICY)
            .is("1")
            .should("0, or not set")
            .because(
                "the policy keeps Windows from settings-win.data.microsoft.com, which says what is collected and enables the scan to send, as if that \
                 host were blocked",
            );
    }
}
