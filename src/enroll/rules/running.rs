//! What has to run: the diagnostic service, the sign-in assistant, the nightly task.

use jiff::SignedDuration;

use crate::catalogue::Solution;
use crate::enroll::case::Case;
use crate::enroll::findings::{Code, Notes, RemarkCode};
use crate::enroll::places::{APPRAISER_TASK, SERVICES};
use crate::registry::{Lookup, StartType};

const DIAGTRACK: &str = "DiagTrack";
const SIGN_IN: &str = "wlidsvc";
const NO_SERVICES: &str = "the snapshot does not say whether the service runs; `waprobe enroll snapshot` does";
const NO_TASKS: &str = "the snapshot does not list scheduled tasks; `waprobe enroll snapshot` does";
/// Up to here the deployment script stops when the sign-in assistant is disabled.
const LAST_BUILD_THAT_NEEDS_SIGN_IN: u32 = 16299;
const STALE: SignedDuration = SignedDuration::from_hours(48);
/// The task may run while the snapshot is made.
const CLOCKS: SignedDuration = SignedDuration::from_hours(1);

pub(super) fn check(case: &Case<'_>, notes: &mut Notes) {
    diagtrack(case, notes);
    if case.windows.is_windows_10() == Some(true) {
        sign_in(case, notes);
    }
    if case.wants(Solution::UpgradeReadiness) {
        task(case, notes);
    }
}

/// What is known about a service, from the service manager or from its key alone.
enum Known {
    Missing,
    Service { start: StartType, running: Option<bool> },
    Nothing,
}

fn service(case: &Case<'_>, name: &str) -> Known {
    match case.snapshot.device.service(name) {
        Some(Some(service)) => return Known::Service { start: service.start, running: service.running },
        Some(None) => return Known::Missing,
        None => {}
    }
    match case.snapshot.lookup(&format!(r"{SERVICES}\{name}"), "Start") {
        Lookup::Set(value) => match value.as_dword() {
            Some(number) => Known::Service { start: StartType::from_number(number), running: None },
            None => Known::Nothing,
        },
        Lookup::NotSet | Lookup::NotKnown => Known::Nothing,
    }
}

fn diagtrack(case: &Case<'_>, notes: &mut Notes) {
    let is = match service(case, DIAGTRACK) {
        Known::Nothing
        | Known::Service { running: None, start: StartType::Automatic | StartType::Manual | StartType::Other } => {
            return notes.not_checked(DIAGTRACK, "services", NO_SERVICES);
        }
        Known::Service { running: Some(true), .. } => return,
        Known::Missing => "missing",
        Known::Service { start: StartType::Disabled, .. } => "disabled",
        Known::Service { running: Some(false), .. } => "stopped",
    };
    notes
        .finding(Code::DiagtrackService, DIAGTRACK, "services")
        .is(is)
        .should("running, started automatically")
        .ur_exit(50)
        .because("this service, Connected User Experiences and Telemetry, is what sends the data");
}

fn sign_in(case: &Case<'_>, notes: &mut Notes) {
    let is = match service(case, SIGN_IN) {
        Known::Nothing => return notes.not_checked(SIGN_IN, "services", NO_SERVICES),
        Known::Service { start: StartType::Disabled, .. } => "disabled",
        Known::Missing => "missing",
        Known::Service { .. } => return,
    };
    let stops_script = case.windows.at_least(LAST_BUILD_THAT_NEEDS_SIGN_IN + 1, 0) == Some(false);
    if !stops_script && !case.wants(Solution::DeviceHealth) {
        notes.remark(
            RemarkCode::SignInServiceDisabled,
            format!("The Microsoft account sign-in assistant ({SIGN_IN}) is {is}: the device is known by a less reliable identity."),
        );
        return;
    }
    notes
        .finding(Code::SignInService, SIGN_IN, "services")
        .is(is)
        .should("not disabled (start type Manual is enough: Windows starts it by a trigger)")
        .ur_exit(stops_script.then_some(54))
        .because(
            "the Microsoft account sign-in assistant gives the device its identity, which Device Health needs; to keep users \
             from signing in, set the policy for that",
        );
}

/// Results that are no failure: success, what the scheduler says of a task that is ready, running, disabled or has not run yet
/// (`SCHED_S_*`, taskschd.h), and the end of a run by somebody or by its time.
const NO_FAILURE: [u32; 6] = [0, 0x0004_1300, 0x0004_1301, 0x0004_1302, 0x0004_1303, 0x0004_1306];
/// `ERROR_LOCK_VIOLATION` as an HRESULT: a scan was running already, for which the deployment script waits.
const ALREADY_RUNNING: u32 = 0x8007_0021;

fn last_result(result: Option<u32>, notes: &mut Notes) {
    let Some(result) = result.filter(|result| !NO_FAILURE.contains(result) && *result != ALREADY_RUNNING) else {
        return;
    };
    notes
        .finding(Code::AppraiserTaskFailed, NAME, APPRAISER_TASK)
        .is(format!("last result 0x{result:08X}"))
        .should("0x00000000")
        .ur_exit(33)
        .because("the last scan ended with this error, so that what has changed since the last good one was not sent");
}

const NAME: &str = "Microsoft Compatibility Appraiser";

fn task(case: &Case<'_>, notes: &mut Notes) {
    let task = match case.snapshot.device.task(APPRAISER_TASK) {
        None => return notes.not_checked(NAME, APPRAISER_TASK, NO_TASKS),
        Some(None) => {
            return notes
                .finding(Code::AppraiserTaskMissing, NAME, APPRAISER_TASK)
                .is("missing")
                .should("present and enabled")
                .because("the compatibility update brings this task, and it looks for changes every night");
        }
        Some(Some(task)) => task,
    };
    if !task.enabled {
        return notes
            .finding(Code::AppraiserTaskDisabled, NAME, APPRAISER_TASK)
            .is("disabled")
            .should("enabled")
            .because("this task looks for changes every night; without it the device's data grows old");
    }
    last_result(task.last_result, notes);
    let Some(captured) = case.snapshot.device.captured else {
        return notes.not_checked("last run", APPRAISER_TASK, "the snapshot does not say when it was made");
    };
    let is = match task.last_run {
        Some(last) if last.duration_since(captured) > CLOCKS => {
            return notes.not_checked(
                "last run",
                APPRAISER_TASK,
                &format!("it is said to have run at {last}, after the snapshot was made: one of the clocks was wrong"),
            );
        }
        Some(last) if captured.duration_since(last) <= STALE => return,
        Some(last) => format!("last run {last}"),
        None => "it never ran".to_owned(),
    };
    notes
        .finding(Code::AppraiserTaskStale, NAME, APPRAISER_TASK)
        .is(is)
        .should("a run in the two days before the snapshot")
        .because(format!(
            "the snapshot was made at {captured}; the task runs at 3 in the morning, or when the device is next on"
        ));
}
