//! The answer in one sentence: which solutions the device is kept out of, by what, and what is left.

use super::{Answer, Cause, Part};
use crate::catalogue::Solution;
use crate::enroll::Code;

/// Which half of what a device needs was seen whole, without a setting or a host that was left open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    pub settings: bool,
    pub network: bool,
}

/// `judged` are the solutions that the device is meant to appear in.
pub(super) fn of(answer: Answer, causes: &[Cause], judged: &[&str], seen: Seen) -> String {
    match answer {
        Answer::Absent => absent(causes, judged, seen),
        Answer::Incomplete if seen.settings && seen.network => {
            "This device should appear, but not with all of its data.".to_owned()
        }
        Answer::Incomplete => {
            "Nothing was found that keeps this device from appearing, but not all of its data will be there, and not \
                               everything could be seen."
                .to_owned()
        }
        Answer::Unclear => {
            "Nothing was found that keeps this device from appearing, and not everything could be seen.".to_owned()
        }
        Answer::Wait => "Nothing keeps this device from appearing: settings and network are in order.".to_owned(),
    }
}

fn absent(causes: &[Cause], judged: &[&str], seen: Seen) -> String {
    let judged: Vec<Solution> = Solution::ALL.into_iter().filter(|one| judged.contains(&one.id())).collect();
    if judged.is_empty() {
        return "No solution knows this Windows: nothing that is set up makes this device appear.".to_owned();
    }
    let out_of = |part: Part| -> Vec<Solution> {
        let keeps_out =
            |solution: &Solution| causes.iter().any(|cause| cause.part == part && cause.solutions.contains(solution));
        judged.iter().copied().filter(keeps_out).collect()
    };
    let (device, network) = (out_of(Part::Device), out_of(Part::Network));
    let left: Vec<Solution> =
        judged.iter().copied().filter(|one| !device.contains(one) && !network.contains(one)).collect();
    let left = if left.is_empty() {
        String::new()
    } else {
        format!(" Nothing was found that keeps it out of {}.", listed(&left))
    };
    // With two Commercial IDs it depends on which of them is the workspace's.
    let is_certain = causes.iter().any(|cause| {
        cause.part == Part::Device && !cause.solutions.is_empty() && cause.code != Code::CommercialIdConflict.id()
    });
    let keeps = if is_certain { "keeps it" } else { "may keep it" };
    let kept = match (device.as_slice(), network.as_slice()) {
        (_, []) => {
            let network =
                if seen.network { "not the network" } else { "and of the network not everything could be seen" };
            format!("How this device is set up {keeps} out of {}, {network}.", listed(&device))
        }
        ([], _) => {
            let settings = if seen.settings { "its settings do not" } else { "of its settings not all are known" };
            format!("The network keeps this device out of {}; {settings}.", listed(&network))
        }
        (device, network) if device == network && is_certain => {
            format!("Both keep this device out of {}: its own settings, and then the network.", listed(device))
        }
        (device, network) => format!(
            "How this device is set up {keeps} out of {}, and the network keeps it out of {}.",
            listed(device),
            listed(network)
        ),
    };
    format!("{kept}{left}")
}

fn listed(solutions: &[Solution]) -> String {
    match solutions {
        [] => String::new(),
        [one] => one.title().to_owned(),
        [several @ .., last] => {
            let titles: Vec<&str> = several.iter().map(|solution| solution.title()).collect();
            format!("{} and {}", titles.join(", "), last.title())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enroll::Effect;
    use crate::judge::Owner;

    fn cause(part: Part, solutions: &[Solution]) -> Cause {
        Cause {
            part,
            effect: Effect::Absent,
            solutions: solutions.to_vec(),
            code: String::new(),
            title: String::new(),
            why: String::new(),
            remedy: String::new(),
            owner: Owner::DesktopTeam,
            is_planned: false,
            hosts: Vec::new(),
            routes: Vec::new(),
        }
    }

    const ALL_SEEN: Seen = Seen { settings: true, network: true };

    #[test]
    fn the_solutions_that_are_lost_are_named_and_those_that_are_not() {
        use Solution::{DeviceHealth as Health, UpdateCompliance as Updates, UpgradeReadiness as Upgrade};
        let all = Solution::ALL.map(Solution::id);
        for (device, network, said) in [
            (
                &[Health][..],
                &[][..],
                "How this device is set up keeps it out of Device Health, not the network. Nothing was found that keeps it out of \
                 Upgrade Readiness and Update Compliance.",
            ),
            (
                &[Health, Upgrade, Updates],
                &[],
                "How this device is set up keeps it out of Device Health, Upgrade Readiness and Update Compliance, not the network.",
            ),
            (
                &[],
                &[Upgrade, Updates],
                "The network keeps this device out of Upgrade Readiness and Update Compliance; its settings do not. Nothing was \
                 found that keeps it out of Device Health.",
            ),
            (
                &[Health],
                &[Upgrade],
                "How this device is set up keeps it out of Device Health, and the network keeps it out of Upgrade Readiness. \
                 Nothing was found that keeps it out of Update Compliance.",
            ),
        ] {
            let causes = [cause(Part::Device, device), cause(Part::Network, network)];
            assert_eq!(of(Answer::Absent, &causes, &all, ALL_SEEN), said);
        }
        let both = [cause(Part::Device, &[Upgrade]), cause(Part::Network, &[Upgrade])];
        assert_eq!(
            of(Answer::Absent, &both, &[Upgrade.id()], ALL_SEEN),
            "Both keep this device out of Upgrade Readiness: its own settings, and then the network."
        );
    }

    #[test]
    fn of_two_ids_one_may_be_right() {
        let mut two = cause(Part::Device, &Solution::ALL);
        two.code = Code::CommercialIdConflict.id().to_owned();
        let judged = Solution::ALL.map(Solution::id);
        assert!(
            of(Answer::Absent, &[two.clone()], &judged, ALL_SEEN)
                .starts_with("How this device is set up may keep it out of")
        );
        let other = cause(Part::Device, &Solution::ALL);
        assert!(
            of(Answer::Absent, &[two, other], &judged, ALL_SEEN)
                .starts_with("How this device is set up keeps it out of")
        );
    }

    #[test]
    fn what_could_not_be_seen_is_never_called_in_order() {
        assert!(of(Answer::Incomplete, &[], &[], ALL_SEEN).starts_with("This device should appear"));
        let half = Seen { settings: true, network: false };
        assert!(!of(Answer::Incomplete, &[], &[], half).contains("should appear"));
        let out = [cause(Part::Device, &Solution::ALL)];
        assert!(!of(Answer::Absent, &out, &Solution::ALL.map(Solution::id), half).contains("not the network"));
        let out = [cause(Part::Network, &Solution::ALL)];
        let half = Seen { settings: false, network: true };
        assert!(!of(Answer::Absent, &out, &Solution::ALL.map(Solution::id), half).contains("settings do not"));
        assert!(of(Answer::Absent, &[], &[], ALL_SEEN).starts_with("No solution knows this Windows"));
    }
}
