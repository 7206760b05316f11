//! What is known of a device's logins at proxies, beside the version of its Windows.

use serde::{Deserialize, Serialize};

use crate::proxies::{Overview, UserProxy};

/// Whether the services of the device can use the signed-in user's login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UserLogin {
    /// As far as anything is known of the device. Nothing known counts as usable.
    #[default]
    Usable,
    /// Its policy `DisableEnterpriseAuthProxy` is 1.
    SwitchedOff,
    /// Nobody was signed in when its registry was exported.
    NobodySignedIn,
}

impl UserLogin {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// What the settings of a device say.
    #[must_use]
    pub fn of(overview: &Overview) -> Self {
        let says = |code: &str| overview.advice.iter().any(|advice| advice.code == code);
        if overview.user_proxy == UserProxy::Disabled {
            Self::SwitchedOff
        } else if says(NOBODY_SIGNED_IN) {
            Self::NobodySignedIn
        } else {
            Self::Usable
        }
    }

    /// What the codes of a device's settings say, for a recording that has no field for it.
    pub(super) fn of_codes<'c>(codes: impl Iterator<Item = &'c str>) -> Self {
        let codes: Vec<&str> = codes.collect();
        let says = |code: &str| codes.contains(&code);
        if says(SWITCHED_OFF) {
            Self::SwitchedOff
        } else if says(NOBODY_SIGNED_IN) {
            Self::NobodySignedIn
        } else {
            Self::Usable
        }
    }
}

const SWITCHED_OFF: &str = "conf.user_auth_disabled";
const NOBODY_SIGNED_IN: &str = "conf.headless_user_auth";
