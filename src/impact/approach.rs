//! Which Windows versions each of the three documented approaches to an authenticating proxy serves.
//!
//! Bypass serves all of them; the signed-in user's credentials are used from Windows 10 1703 on; machine accounts serve
//! all that have a system-wide proxy ("Configuring endpoint access with proxy server authentication" of the enrolment
//! document).

use crate::catalogue::{BuildRange, ImpactRow, OsSelection};
use crate::plan::{Identity, Plan, UserLogin};

/// How many of the devices that a column of versions stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Served {
    All,
    /// The later builds of the column.
    Some,
    None,
}

/// The build of Windows 10 1703, the first to use the signed-in user's credentials.
const FIRST_WITH_USER: u32 = 15063;

/// How many of the plan's devices in column `os` a login serves.
///
/// The one place that answers this question: by the version of Windows, and by what the device's own settings say of the
/// signed-in user's login.
#[must_use]
pub fn served(identity: Identity, os: ImpactRow, plan: &Plan) -> Served {
    if identity != Identity::User {
        return Served::All;
    }
    match (plan.user_login(), by_version(os, &plan.os)) {
        (UserLogin::SwitchedOff, _) => Served::None,
        (UserLogin::NobodySignedIn, Served::All) => Served::Some,
        (UserLogin::Usable | UserLogin::NobodySignedIn, by_version) => by_version,
    }
}

/// Whether some devices of a column send the signed-in user's login, as far as their version goes.
pub(crate) fn sends_user_login(os: ImpactRow, selection: &OsSelection) -> bool {
    by_version(os, selection) != Served::None
}

/// Which devices of a column use the signed-in user's login at all.
fn by_version(os: ImpactRow, selection: &OsSelection) -> Served {
    // Server 2016 is build 14393, whatever its column is judged like.
    if os == ImpactRow::Server2016 {
        return Served::None;
    }
    let later = selection.meets(os, &BuildRange { from: (FIRST_WITH_USER, 0), to: (u32::MAX, u32::MAX) });
    let earlier = selection.meets(os, &BuildRange { from: (0, 0), to: (FIRST_WITH_USER - 1, u32::MAX) });
    match (later, earlier) {
        (true, false) => Served::All,
        (true, true) => Served::Some,
        (false, _) => Served::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ImpactRow::{Server2016, Win7To81, Win10To1709, Win10V1803, Win10V1809AndLater, Win11AndLater};

    #[test]
    fn the_users_credentials_serve_1703_and_later_and_the_other_approaches_everything() {
        let served_by = |identity, os, asked: &[&str]| {
            let catalogue = crate::catalogue::Catalogue::embedded();
            let os_asked = OsSelection::read(asked, None).expect("a version");
            let plan = Plan::new(&catalogue, Vec::new(), crate::plan::Budget::default(), os_asked, Vec::new());
            served(identity, os, &plan)
        };
        for (os, asked, expected) in [
            (Win7To81, &[][..], Served::None),
            (Win10To1709, &[], Served::Some),
            (Win10To1709, &["win10-1607"], Served::None),
            (Win10To1709, &["win10-1703"], Served::All),
            (Win10To1709, &["win10-1709"], Served::All),
            (Win10V1803, &[], Served::All),
            (Win10V1809AndLater, &[], Served::All),
            (Win11AndLater, &[], Served::All),
            (Server2016, &[], Served::None),
            (Server2016, &["server-2016"], Served::None),
        ] {
            assert_eq!(served_by(Identity::User, os, asked), expected, "{os:?} {asked:?}");
            assert_eq!(served_by(Identity::Bypass, os, asked), Served::All);
            assert_eq!(served_by(Identity::Device, os, asked), Served::All);
        }
    }
}
