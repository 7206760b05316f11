//! Where Windows keeps a trusted root, which says who put it there.
//!
//! In: the physical stores behind "Trusted Root Certification Authorities". Out: a name for each, the same in recordings and in
//! reports. Never: whether such a root is a good one.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// A physical store of Windows' trusted roots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RootPlace {
    /// `AuthRoot`: Windows itself takes roots of Microsoft's programme in when they are first needed.
    AuthRoot,
    /// The computer's own `Root` in the registry: shipped with Windows, or put there by an installer, a script, a device
    /// management or by hand.
    Registry,
    GroupPolicy,
    /// Active Directory's trusted roots, the same for every computer of the forest.
    Enterprise,
    SmartCard,
    /// The signed-in user's own `Root`; other accounts, and so services, do not see it.
    User,
    UserGroupPolicy,
    /// The store gives it out, and none of the places above holds it.
    Elsewhere,
}

/// The places of each root, by the SHA-256 of the certificate. A root may stand in several.
pub type RootPlaces = BTreeMap<[u8; 32], BTreeSet<RootPlace>>;

impl RootPlace {
    pub const ALL: [Self; 8] = [
        Self::AuthRoot,
        Self::Registry,
        Self::GroupPolicy,
        Self::Enterprise,
        Self::SmartCard,
        Self::User,
        Self::UserGroupPolicy,
        Self::Elsewhere,
    ];

    /// Its name in a list of counts.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AuthRoot => "AuthRoot",
            Self::Registry => "computer",
            Self::GroupPolicy => "group policy",
            Self::Enterprise => "Active Directory",
            Self::SmartCard => "smart card",
            Self::User => "this user",
            Self::UserGroupPolicy => "this user's group policy",
            Self::Elsewhere => "elsewhere",
        }
    }
}

/// How many roots stand where, as text: `AuthRoot 41, computer 17, group policy 1`. A root in two places counts in both.
#[must_use]
pub fn counts(places: &RootPlaces) -> String {
    let count = |place| places.values().filter(|of_root| of_root.contains(&place)).count();
    let counted = RootPlace::ALL.into_iter().map(|place| (place, count(place))).filter(|(_, count)| *count > 0);
    counted.map(|(place, count)| format!("{} {count}", place.name())).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_counted_where_they_stand_and_places_without_any_are_left_out() {
        let places = RootPlaces::from([
            ([1; 32], BTreeSet::from([RootPlace::AuthRoot])),
            ([2; 32], BTreeSet::from([RootPlace::GroupPolicy, RootPlace::AuthRoot])),
            ([3; 32], BTreeSet::from([RootPlace::Registry])),
        ]);
        assert_eq!(counts(&places), "AuthRoot 2, computer 1, group policy 1");
        assert_eq!(counts(&RootPlaces::new()), "");
    }
}
