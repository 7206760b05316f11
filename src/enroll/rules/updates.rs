//! Updates: the monthly rollup on 7 and 8.1, a cumulative update on 10, a restart after them, and the files they bring.

use crate::catalogue::Solution;
use crate::enroll::case::Case;
use crate::enroll::findings::{Code, NO_UPDATES, Notes, RemarkCode};
use crate::enroll::places::{CURRENT_VERSION, RESTART_PENDING};
use crate::registry::Presence;

/// Why a file was not looked at.
const NO_PENDING: &str = "the snapshot does not say whether this file exists; `waprobe enroll snapshot` does";
const NO_FILES: &str = "the snapshot does not list file versions; `waprobe enroll snapshot` does";

/// Microsoft's update history of Windows 7 SP1: the rollup of October 2018, and those that include it, to the end of the
/// solutions in January 2020.
const ROLLUPS_7: [u32; 29] = [
    4_462_923, 4_462_927, 4_467_107, 4_467_108, 4_471_318, 4_480_970, 4_480_955, 4_486_563, 4_486_565, 4_489_878,
    4_489_892, 4_493_472, 4_493_453, 4_499_164, 4_499_178, 4_503_292, 4_503_277, 4_507_449, 4_507_437, 4_512_506,
    4_512_514, 4_516_065, 4_516_048, 4_524_157, 4_519_976, 4_519_972, 4_525_235, 4_530_734, 4_534_310,
];
/// The same of Windows 8.1.
const ROLLUPS_8_1: [u32; 29] = [
    4_462_926, 4_462_921, 4_467_697, 4_467_695, 4_471_320, 4_480_963, 4_480_969, 4_487_000, 4_487_016, 4_489_881,
    4_489_893, 4_493_446, 4_493_443, 4_499_151, 4_499_182, 4_503_276, 4_503_283, 4_507_448, 4_507_463, 4_512_488,
    4_512_478, 4_516_067, 4_516_041, 4_524_156, 4_520_005, 4_520_012, 4_525_243, 4_530_702, 4_534_297,
];
const DEFINITIONS: u32 = 3_150_513;

/// The revision each Windows 10 was released with: a device that has it never saw a cumulative update.
const AS_RELEASED: [(u32, u32); 7] =
    [(10240, 16384), (10586, 0), (14393, 0), (15063, 0), (16299, 15), (17134, 1), (17763, 1)];

/// The revision of diagtrack.dll that the deployment script asks for. It asks on 1803 too (320), and there the enrolment page has a
/// host of its own for devices without that update: no fault of a device.
const DIAGTRACK: [(u32, u32); 3] = [(14393, 2513), (15063, 1356), (16299, 696)];

/// From these on data goes, or may go, to v10c: update, build, revision.
const TO_V10C: [(u32, u32, u32); 3] = [(4_458_469, 17134, 319), (4_457_136, 16299, 697), (4_457_141, 15063, 1358)];

/// The oldest appraiser.dll that the deployment script takes, and the one that a later document of Microsoft's wants.
const APPRAISER: [u32; 3] = [10, 0, 14979];
const APPRAISER_LATER: [u32; 3] = [10, 0, 17673];

pub(super) fn check(case: &Case<'_>, notes: &mut Notes) {
    match case.windows.build.map(|build| build.number) {
        Some(7601) => rollup(case, &ROLLUPS_7, notes),
        Some(9600) => rollup(case, &ROLLUPS_8_1, notes),
        Some(_) => cumulative(case, notes),
        None => {}
    }
    restart(case, notes);
    if case.wants(Solution::UpgradeReadiness) {
        appraiser(case, notes);
    }
    diagtrack(case, notes);
}

/// A higher number is not always a later rollup: another product's update counts on as well. So a number that is in
/// no list leaves the question open.
fn rollup(case: &Case<'_>, rollups: &[u32], notes: &mut Notes) {
    let wanted = format!("KB{}", rollups[0]);
    let Some(installed) = &case.snapshot.device.hotfixes else {
        return notes.not_checked(&wanted, "installed updates", NO_UPDATES);
    };
    if !installed.contains(&DEFINITIONS) {
        notes.remark(
            RemarkCode::AppraiserDataUpdate,
            format!("The optional update KB{DEFINITIONS} is not installed; it brings newer definitions to older compatibility updates."),
        );
    }
    if installed.iter().any(|update| rollups.contains(update)) {
        return;
    }
    let last = rollups.iter().max().copied().unwrap_or_default();
    if let Some(newer) = installed.iter().filter(|update| **update > last).max() {
        return notes.not_checked(
            &wanted,
            "installed updates",
            &format!("neither it nor a rollup up to January 2020 is listed, but KB{newer} is newer and may include it"),
        );
    }
    notes
        .finding(Code::RollupMissing, &wanted, "installed updates")
        .is("neither it nor a later monthly rollup is installed")
        .should("the monthly rollup of October 2018 or later, and a restart")
        .because("it brings the compatibility update and the diagnostic service that the solutions were made for");
}

fn cumulative(case: &Case<'_>, notes: &mut Notes) {
    let Some(build) = case.windows.build else { return };
    upload_host(case, build.number, build.revision, notes);
    let Some(revision) = build.revision else {
        return notes.not_checked("UBR", CURRENT_VERSION, "the revision of this build is not known");
    };
    if AS_RELEASED.iter().any(|(number, released)| *number == build.number && revision <= *released) {
        notes
            .finding(Code::CumulativeUpdateMissing, "UBR", CURRENT_VERSION)
            .is(format!("10.0.{build}, as released"))
            .should("the latest cumulative update")
            .because("on Windows 10 the compatibility update and the diagnostic service come with cumulative updates, and there was none");
    }
}

/// Which host gets the data is no fault of the device, and the firewall team wants to know it.
fn upload_host(case: &Case<'_>, number: u32, revision: Option<u32>, notes: &mut Notes) {
    let updates = case.snapshot.device.hotfixes.as_deref().unwrap_or_default();
    let has_update = |(update, build, from): &(u32, u32, u32)| {
        *build == number && (updates.contains(update) || revision.is_some_and(|revision| revision >= *from))
    };
    let updated = TO_V10C.iter().any(has_update);
    let host = match number {
        15063..=16299 if updated => {
            "v10.vortex-win.data.microsoft.com, and by some of Microsoft's documents v10c.events.data.microsoft.com: open both"
        }
        0..=16299 => "v10.vortex-win.data.microsoft.com",
        17134 if updated => "v10c.events.data.microsoft.com",
        17134 if revision.is_none() => {
            "v10c.events.data.microsoft.com with the cumulative update of September 2018 (KB4458469), v10.events.data.microsoft.com without"
        }
        17134 => {
            "v10.events.data.microsoft.com, and with the cumulative update of September 2018 (KB4458469) to v10c.events.data.microsoft.com"
        }
        _ => "v10c.events.data.microsoft.com",
    };
    notes.remark(RemarkCode::UploadHost, format!("This device sends its data to {host}."));
}

/// Either sign is enough; both must be known to be absent for "no".
fn restart(case: &Case<'_>, notes: &mut Notes) {
    let file = case.snapshot.device.pending_xml;
    let key = case.snapshot.presence(RESTART_PENDING);
    let signs: Vec<&str> = [
        (file == Some(true)).then_some(r"%windir%\winsxs\pending.xml"),
        (key == Presence::Present).then_some(RESTART_PENDING),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !signs.is_empty() {
        return notes
            .finding(Code::RestartPending, "restart", &signs.join(" and "))
            .is("pending")
            .should("restarted")
            .ur_exit(16)
            .because("updates take effect after a restart, and the deployment script waits for it");
    }
    if key == Presence::NotKnown {
        notes.key_not_known("RebootPending", RESTART_PENDING);
    }
    if file.is_none() {
        notes.not_checked("pending.xml", r"%windir%\winsxs", NO_PENDING);
    }
}

fn appraiser(case: &Case<'_>, notes: &mut Notes) {
    const NAME: &str = "appraiser.dll";
    let version = match case.snapshot.device.file(NAME) {
        None => return notes.not_checked(NAME, r"%windir%\System32", NO_FILES),
        Some(None) => {
            return notes
                .finding(Code::AppraiserMissing, NAME, r"%windir%\System32")
                .is("missing")
                .should("10.0.14979 or later")
                .ur_exit(18)
                .because("the compatibility update is not installed, and nothing scans this device");
        }
        Some(Some(version)) => version,
    };
    if version[..3] < APPRAISER[..] {
        notes
            .finding(Code::AppraiserOutdated, NAME, r"%windir%\System32")
            .is(dotted(version))
            .should("10.0.14979 or later")
            .ur_exit(32)
            .because("the deployment script stops at older versions: install the latest compatibility update");
    } else if version[..3] < APPRAISER_LATER[..] {
        notes.remark(
            RemarkCode::AppraiserOld,
            format!("{NAME} {} is new enough for the deployment script; Desktop Analytics, which came later, asked for 10.0.17673.", dotted(version)),
        );
    }
}

fn diagtrack(case: &Case<'_>, notes: &mut Notes) {
    const NAME: &str = "diagtrack.dll";
    let version = match case.snapshot.device.file(NAME) {
        None => return notes.not_checked(NAME, r"%windir%\System32", NO_FILES),
        Some(None) => {
            return notes
                .finding(Code::DiagtrackMissing, NAME, r"%windir%\System32")
                .is("missing")
                .should("present")
                .ur_exit(45)
                .because("without the diagnostic service's program nothing is sent: install updates");
        }
        Some(Some(version)) => version,
    };
    let [_, _, build, revision] = version;
    let Some((_, wanted)) = DIAGTRACK.iter().find(|(number, _)| *number == build) else { return };
    if revision < *wanted {
        notes
            .finding(Code::DiagtrackOutdated, NAME, r"%windir%\System32")
            .is(dotted(version))
            .should(format!("10.0.{build}.{wanted} or later"))
            .ur_exit(44)
            .because("the deployment script asks for the version of the cumulative update of September 2018");
    }
}

fn dotted(version: [u32; 4]) -> String {
    version.map(|part| part.to_string()).join(".")
}

#[cfg(test)]
mod lists {
    use super::*;

    #[test]
    fn a_rollup_belongs_to_one_windows() {
        assert!(ROLLUPS_7.iter().all(|update| !ROLLUPS_8_1.contains(update)));
        assert_eq!((ROLLUPS_7[0], ROLLUPS_8_1[0]), (4_462_923, 4_462_926));
    }
}
