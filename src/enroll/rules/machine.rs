//! What the device is: its version, edition, place, and whether it is one device.

use crate::catalogue::Solution;
use crate::enroll::case::Case;
use crate::enroll::findings::{Code, Notes, RemarkCode};
use crate::enroll::places::{CURRENT_VERSION, SQM_CLIENT};
use crate::enroll::windows::Windows;
use crate::registry::{Lookup, Snapshot};

const WINDOWS_8_1: u32 = 9600;
const WINDOWS_7: u32 = 7601;

pub(super) fn check(case: &Case<'_>, notes: &mut Notes) {
    version(case, notes);
    solutions(case, notes);
    if case.wanted().is_empty() {
        return;
    }
    edition(case, notes);
    licence(case, notes);
    region(case, notes);
    machine_id(case, notes);
}

fn version(case: &Case<'_>, notes: &mut Notes) {
    if case.windows.contradicted_by.is_some() {
        let own = Windows::of(case.snapshot, None);
        let whose = if case.snapshot.device.is_live { "this device runs" } else { "the snapshot is of" };
        notes.remark(
            RemarkCode::VersionContradicted,
            format!(
                "This is the answer for {}, as --os says, and {whose} {}: for the device as it is, leave --os out.",
                case.windows.described(),
                own.described()
            ),
        );
    }
    if let Some(build) =
        case.windows.build.filter(|_| case.windows.is_released().is_none() && !case.solutions().is_empty())
    {
        notes.not_checked(
            "Windows version",
            CURRENT_VERSION,
            &format!(
                "build {} is a preview or newer than this program, which judged it as the last version that it knows",
                build.number
            ),
        );
    }
    if let Some(unreadable) = &case.windows.unreadable {
        notes.not_checked(
            "build",
            "the snapshot",
            &format!("'{unreadable}' is no build of Windows such as 10.0.17763.316: skipped"),
        );
    }
    if case.windows.build.is_none() {
        notes.not_checked(
            "Windows version",
            CURRENT_VERSION,
            "neither the snapshot nor --os says which Windows this is, so rules of one version were left out",
        );
    }
}

fn solutions(case: &Case<'_>, notes: &mut Notes) {
    if case.asked.is_empty() && case.solutions().is_empty() {
        let is_server = case.windows.server == Some(true);
        notes
            .finding(Code::SolutionUnsupported, "Windows version", CURRENT_VERSION)
            .is(described(case))
            .should("Windows 7 SP1, 8.1 or 10 on a desktop, or Windows Server 2016")
            .ur_exit(is_server.then_some(26))
            .keeps_out_of(&Solution::ALL)
            .because("no solution knows this Windows, so that no setting makes the device appear");
    }
    for solution in &case.asked {
        if case.windows.supports(*solution) != Some(false) {
            continue;
        }
        let is_server = case.windows.server == Some(true);
        let (should, why) = match solution {
            Solution::DeviceHealth => {
                ("Windows 10 on a desktop, or Windows Server 2016", "Device Health runs nowhere else")
            }
            Solution::UpdateCompliance => ("Windows 10 on a desktop", "Update Compliance runs nowhere else"),
            Solution::UpgradeReadiness => (
                "Windows 7 SP1, 8.1 or 10 on a desktop",
                "Upgrade Readiness runs nowhere else; the deployment script refuses servers",
            ),
        };
        notes
            .finding(Code::SolutionUnsupported, solution.title(), "the Windows version")
            .is(described(case))
            .should(should)
            .ur_exit(is_server.then_some(26))
            .keeps_out_of(&[*solution])
            .because(why);
    }
    let only_device_health = case.windows.server == Some(true) && case.wants(Solution::DeviceHealth);
    if only_device_health {
        notes.remark(
            RemarkCode::ScriptRefusesServer,
            "The deployment script refuses servers (exit code 26): set the values of a server by policy.",
        );
    }
}

/// The version, and that it is a server's where its name does not say so.
fn described(case: &Case<'_>) -> String {
    let described = case.windows.described();
    if let (Some(what), Some(edition)) = (case.windows.device_edition(), &case.windows.edition) {
        return format!("{described}, edition {edition} ({what})");
    }
    if case.windows.server == Some(true) && case.windows.name().is_none() {
        format!("{described}, a server")
    } else {
        described
    }
}

fn edition(case: &Case<'_>, notes: &mut Notes) {
    match case.windows.is_long_term() {
        Some(true) => notes
            .finding(Code::EditionUnsupported, "EditionID", CURRENT_VERSION)
            .is(case.windows.edition.clone().unwrap_or_default())
            .should("an edition that is not long-term servicing")
            .ur_exit(26)
            .because(if case.wants(Solution::UpgradeReadiness) {
                "the deployment script refuses long-term servicing editions, and Upgrade Readiness does not plan for them"
            } else {
                "the deployment script refuses long-term servicing editions"
            }),
        Some(false) => {}
        None if case.windows.is_windows_10() == Some(false) => {}
        None => match case.snapshot.lookup(CURRENT_VERSION, "EditionID") {
            Lookup::NotKnown => notes.key_not_known("EditionID", CURRENT_VERSION),
            Lookup::NotSet => notes.not_checked("EditionID", CURRENT_VERSION, "it is not set, so the edition is not known"),
            Lookup::Set(_) => notes.not_checked("EditionID", CURRENT_VERSION, "it is no text, so the edition is not known"),
        },
    }
}

/// Which licence a device has, no registry says; the edition is what there is to go by.
fn licence(case: &Case<'_>, notes: &mut Notes) {
    const LICENSED: [&str; 3] = ["Enterprise", "Education", "ServerRdsh"];
    let Some(edition) = case.windows.edition.as_deref().filter(|_| case.wants(Solution::DeviceHealth)) else { return };
    let is_licensed = LICENSED
        .iter()
        .any(|licensed| edition.get(..licensed.len()).is_some_and(|start| start.eq_ignore_ascii_case(licensed)));
    if case.windows.server == Some(true) || is_licensed {
        return;
    }
    notes.remark(
        RemarkCode::LicenceByEdition,
        format!(
            "Device Health takes a licence of Windows 10 Enterprise or Education, and the edition here is {edition}: see that \
             this device has one."
        ),
    );
}

fn region(case: &Case<'_>, notes: &mut Notes) {
    let is_told_apart = case.windows.is_number(WINDOWS_8_1) == Some(true) && !case.solutions().is_empty();
    if case.region.is_none() && is_told_apart {
        notes.not_checked(
            "region",
            "--region",
            "of Windows 8.1 devices in the European Economic Area and Switzerland Microsoft collects nothing: --region says \
             where this one is",
        );
    }
    if !case.in_europe() {
        return;
    }
    if case.windows.is_number(WINDOWS_8_1) == Some(true) {
        notes
            .finding(Code::RegionNotCollected, "region", "--region")
            .is(if case.region == Some(crate::enroll::Region::Switzerland) { "Switzerland" } else { "European Economic Area" })
            .should("another version of Windows: no setting changes this")
            .because("Microsoft collects no diagnostic data of Windows 8.1 devices in the European Economic Area and Switzerland, so this one will not appear");
    }
    if case.windows.is_number(WINDOWS_7) == Some(true) {
        notes.remark(
            RemarkCode::RegionWithoutUsage,
            "In the European Economic Area and Switzerland Microsoft collects neither app usage nor Internet Explorer sites \
             of Windows 7 devices: those pages stay empty for this device.",
        );
    }
}

/// Images that were cloned without being generalised share one id, and then one device hides the others.
fn machine_id(case: &Case<'_>, notes: &mut Notes) {
    const NAME: &str = "MachineId";
    let Ok(value) = notes.known(case.snapshot.lookup(SQM_CLIENT, NAME), NAME, SQM_CLIENT) else { return };
    let Some(value) = value else {
        notes.remark(
            RemarkCode::MachineIdMissing,
            "The device has no SQMClient MachineId yet; Windows makes one when the diagnostic service first runs.",
        );
        return;
    };
    let Some(id) = notes.text(value, NAME, SQM_CLIENT) else { return };
    if case.others.is_empty() {
        notes.not_checked(
            NAME,
            SQM_CLIENT,
            "whether another device has the same id takes that device's snapshot: --compare FILE",
        );
        return;
    }
    for (name, other) in &case.others {
        if other.lookup(SQM_CLIENT, NAME) == Lookup::NotKnown {
            notes.not_checked(NAME, name, "that snapshot does not hold the key of the machine id");
        }
    }
    let same: Vec<&str> =
        case.others.iter().filter(|(_, other)| has_id(other, id)).map(|(name, _)| name.as_str()).collect();
    if !same.is_empty() {
        notes
            .finding(Code::MachineIdDuplicate, NAME, SQM_CLIENT)
            .is(format!("{id}, as in {}", same.join(", ")))
            .should("an id of its own")
            .because(
                "images that were cloned without being generalised count as one device; stop DiagTrack, delete this value \
                 and start DiagTrack again",
            );
    }
}

fn has_id(snapshot: &Snapshot, id: &str) -> bool {
    let plain = |text: &str| text.trim_matches(['{', '}']).to_ascii_lowercase();
    match snapshot.lookup(SQM_CLIENT, "MachineId") {
        Lookup::Set(value) => value.as_text().is_some_and(|other| plain(other) == plain(id)),
        _ => false,
    }
}
