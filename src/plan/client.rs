//! As which Windows a row asks: what its `ClientHello` offers, and what Schannel of each version would take.
//!
//! In: columns of Windows versions. Out: the profiles that they need, and whether their Schannel offers a cipher suite. Never:
//! what a server chose; that is an observation.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::catalogue::{BuildRange, ImpactRow, OsChoice, OsSelection};

/// A `ClientHello` as one family of Windows versions sends it.
///
/// Schannel offers TLS 1.3 by default from Windows 11 and Server 2022 on, together with 1.2; older versions offer TLS 1.2 at
/// most (Microsoft Learn, "Protocols in TLS/SSL (Schannel SSP)", TLS protocol version support).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClientProfile {
    /// TLS 1.2 is the highest version: Windows 7 to 10, Server 2016 and 2019.
    Tls12,
    /// TLS 1.3 and 1.2 in one hello: Windows 11, Server 2022 and later.
    Tls13,
}

/// Whether the Schannel of some devices offers a cipher suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Offered {
    /// All of them, by default.
    Yes,
    /// Some of them do, or an application may have switched it off (`SCH_USE_STRONG_CRYPTO`).
    Perhaps,
    No,
}

impl ClientProfile {
    /// The Windows versions that shake hands so, in a sentence.
    #[must_use]
    pub fn windows(self) -> &'static str {
        match self {
            Self::Tls12 => "Windows 10, Server 2019 and older (TLS 1.2)",
            Self::Tls13 => "Windows 11, Server 2022 and later (TLS 1.3)",
        }
    }

    /// In the order in which a row starts them: TLS 1.2 takes one round trip more.
    pub const ALL: [Self; 2] = [Self::Tls12, Self::Tls13];

    /// The profile of the devices in `column`.
    #[must_use]
    pub fn of(column: ImpactRow) -> Self {
        match column {
            ImpactRow::Win7To81
            | ImpactRow::Win10To1709
            | ImpactRow::Win10V1803
            | ImpactRow::Win10V1803September2018
            | ImpactRow::Win10V1809AndLater
            | ImpactRow::Server2016 => Self::Tls12,
            ImpactRow::Win11AndLater => Self::Tls13,
        }
    }

    /// The profiles that the selected versions need, each once.
    #[must_use]
    pub fn needed(os: &OsSelection) -> Vec<Self> {
        Self::ALL.into_iter().filter(|profile| !profile.columns(os).is_empty()).collect()
    }

    /// The selected columns whose devices ask like this.
    #[must_use]
    pub fn columns(self, os: &OsSelection) -> Vec<ImpactRow> {
        os.rows().into_iter().filter(|column| Self::of(*column) == self).collect()
    }

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tls12 => "tls12",
            Self::Tls13 => "tls13",
        }
    }
}

impl fmt::Display for ClientProfile {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// What a run for Windows 7 cannot see from outside. `None` where Windows 7 was not asked for by name.
///
/// Microsoft, KB3140245 (Windows 7 SP1, Server 2008 R2, Server 2012); "Option Flags" of WinHTTP: Windows 8.1 and later enable
/// TLS 1.2 by default.
#[must_use]
pub fn winhttp_remark(os: &OsSelection) -> Option<&'static str> {
    let windows7 = BuildRange { from: (7601, 0), to: (7601, u32::MAX) };
    let is_named = !os.choices.contains(&OsChoice::All) && os.meets(ImpactRow::Win7To81, &windows7);
    is_named.then_some(
        "Windows 7 uses TLS 1.2 in WinHTTP only with update KB3140245 and the bit 0x800 in DefaultSecureProtocols \
         (HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Internet Settings\\WinHttp); this check cannot see that",
    )
}

/// What the Schannel of consecutive builds offers by default, beside the suites of TLS 1.3.
struct Offer {
    builds: BuildRange,
    /// On Microsoft Learn's list of suites that are enabled by default.
    enabled: &'static [&'static [u16]],
    /// On that list too, and filtered out for an application that passes `SCH_USE_STRONG_CRYPTO`; whether the diagnostic
    /// service passes it is not published.
    filtered: &'static [u16],
}

const ECDHE_ECDSA_GCM: &[u16] = &[0xc02c, 0xc02b];
const ECDHE_ECDSA_CBC: &[u16] = &[0xc024, 0xc023, 0xc00a, 0xc009];
const ECDHE_RSA_GCM: &[u16] = &[0xc030, 0xc02f];
const ECDHE_RSA_CBC: &[u16] = &[0xc028, 0xc027, 0xc014, 0xc013];
const DHE_RSA_GCM: &[u16] = &[0x009f, 0x009e];
const DHE_RSA_CBC: &[u16] = &[0x0039, 0x0033];
const RSA: &[u16] = &[0x009d, 0x009c, 0x003d, 0x003c, 0x0035, 0x002f];
const RSA_3DES: &[u16] = &[0x000a];
const DHE_DSS: &[u16] = &[0x006a, 0x0040, 0x0038, 0x0032, 0x0013];
const RC4: &[u16] = &[0x0005, 0x0004];

/// Microsoft Learn, "TLS Cipher Suites in Windows 7" (with update 3042058), "… 8.1" (with update 2919355), "… 10 v1507",
/// "… v1511", "… v1607" (also Server 2016), "… v1703", "… v1709", "… v1809", "… Windows 11": the suites enabled by default.
const OFFERS: [Offer; 5] = [
    Offer {
        builds: BuildRange { from: (0, 0), to: (9600, u32::MAX) },
        enabled: &[ECDHE_ECDSA_GCM, ECDHE_ECDSA_CBC, ECDHE_RSA_CBC, DHE_RSA_GCM, DHE_RSA_CBC, RSA, RSA_3DES, DHE_DSS],
        filtered: RC4,
    },
    Offer {
        builds: BuildRange { from: (10240, 0), to: (14393, u32::MAX) },
        enabled: &[
            ECDHE_ECDSA_GCM,
            ECDHE_ECDSA_CBC,
            ECDHE_RSA_GCM,
            ECDHE_RSA_CBC,
            DHE_RSA_GCM,
            DHE_RSA_CBC,
            RSA,
            RSA_3DES,
            DHE_DSS,
        ],
        filtered: RC4,
    },
    Offer {
        builds: BuildRange { from: (15063, 0), to: (15063, u32::MAX) },
        enabled: &[ECDHE_ECDSA_GCM, ECDHE_ECDSA_CBC, ECDHE_RSA_GCM, ECDHE_RSA_CBC, DHE_RSA_GCM, RSA, RSA_3DES],
        filtered: RC4,
    },
    Offer {
        builds: BuildRange { from: (16299, 0), to: (20347, u32::MAX) },
        enabled: &[ECDHE_ECDSA_GCM, ECDHE_ECDSA_CBC, ECDHE_RSA_GCM, ECDHE_RSA_CBC, DHE_RSA_GCM, RSA, RSA_3DES],
        filtered: &[],
    },
    Offer {
        builds: BuildRange { from: (20348, 0), to: (u32::MAX, u32::MAX) },
        enabled: &[ECDHE_ECDSA_GCM, ECDHE_ECDSA_CBC, ECDHE_RSA_GCM, ECDHE_RSA_CBC, &[0x009e], RSA],
        filtered: &[0x009f, 0x000a],
    },
];

/// Old suites that every list has: no version of Windows leaves them out. What every TLS library can finish (ECDHE with
/// AES-GCM) is in neither list: a peer that takes those has answered a usual hello.
pub const SHARED_SUITES: [&[u16]; 3] = [ECDHE_ECDSA_CBC, ECDHE_RSA_CBC, RSA];

/// The old suites of any list, those that every version offers first.
pub const SCHANNEL_SUITES: [&[u16]; 8] =
    [ECDHE_ECDSA_CBC, ECDHE_RSA_CBC, RSA, DHE_RSA_GCM, DHE_RSA_CBC, RSA_3DES, DHE_DSS, RC4];

/// Server 2016's build: its column is judged by the needs of others.
const SERVER_2016: BuildRange = BuildRange { from: (14393, 0), to: (14393, u32::MAX) };

/// Whether Schannel of the selected devices in `column` offers `suite` in TLS 1.2, as the number of its registry at IANA.
#[must_use]
pub fn offered(suite: u16, column: ImpactRow, os: &OsSelection) -> Offered {
    let concerns = |offer: &&Offer| match column {
        ImpactRow::Server2016 => offer.builds.overlaps(&SERVER_2016),
        _ => os.meets(column, &offer.builds),
    };
    let by_build = OFFERS.iter().filter(concerns).map(|offer| {
        if offer.enabled.iter().any(|suites| suites.contains(&suite)) {
            Offered::Yes
        } else if offer.filtered.contains(&suite) {
            Offered::Perhaps
        } else {
            Offered::No
        }
    });
    let answers: Vec<Offered> = by_build.collect();
    match (answers.iter().min(), answers.iter().max()) {
        (Some(best), Some(worst)) if best == worst => *best,
        (Some(_), Some(_)) => Offered::Perhaps,
        _ => Offered::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> OsSelection {
        OsSelection::all()
    }

    fn of(versions: &[&str]) -> OsSelection {
        OsSelection::read(versions, None).expect("a version")
    }

    #[test]
    fn a_run_asks_with_the_profiles_of_the_chosen_versions_only() {
        use ClientProfile::{Tls12, Tls13};
        assert_eq!(ClientProfile::needed(&all()), [Tls12, Tls13]);
        for (version, profile) in [
            ("win7-sp1", Tls12),
            ("win10-22h2", Tls12),
            ("10.0.17763", Tls12),
            ("server-2016", Tls12),
            ("win11-21h2", Tls13),
            ("10.0.20348", Tls13),
        ] {
            assert_eq!(ClientProfile::needed(&of(&[version])), [profile], "{version}");
        }
        assert_eq!(ClientProfile::needed(&of(&["win10-1809", "win11-24h2"])), [Tls12, Tls13]);
    }

    #[test]
    fn a_suite_is_offered_by_the_versions_on_whose_lists_it_is() {
        use ImpactRow::{Server2016, Win7To81, Win10To1709, Win10V1809AndLater, Win11AndLater};
        use Offered::{No, Perhaps, Yes};
        let columns = [Win7To81, Win10To1709, Win10V1809AndLater, Win11AndLater, Server2016];
        for (suite, expected) in [
            (0x009d, [Yes, Yes, Yes, Yes, Yes]),
            (0xc013, [Yes, Yes, Yes, Yes, Yes]),
            (0xc02f, [No, Yes, Yes, Yes, Yes]),
            (0x0039, [Yes, Perhaps, No, No, Yes]),
            (0x009e, [Yes, Yes, Yes, Yes, Yes]),
            (0x009f, [Yes, Yes, Yes, Perhaps, Yes]),
            (0x0005, [Perhaps, Perhaps, No, No, Perhaps]),
            (0x0001, [No, No, No, No, No]),
        ] {
            assert_eq!(columns.map(|column| offered(suite, column, &all())), expected, "{suite:#06x}");
        }
        assert_eq!(offered(0x0039, Win10To1709, &of(&["win10-1607"])), Yes);
        assert_eq!(offered(0x0039, Win10To1709, &of(&["win10-1703"])), No);
    }

    #[test]
    fn what_is_called_shared_is_on_every_list_and_what_is_sent_is_on_some() {
        for suite in SHARED_SUITES.concat() {
            assert!(OFFERS.iter().all(|offer| offer.enabled.concat().contains(&suite)), "{suite:#06x}");
        }
        let listed =
            |suite| OFFERS.iter().any(|one| one.enabled.concat().contains(suite) || one.filtered.contains(suite));
        assert!(SCHANNEL_SUITES.concat().iter().all(listed));
    }
}
