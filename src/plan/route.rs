//! A route is direct, or a proxy with an identity and a scheme; its key names it in every output.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Proxy;

/// A way out that the run tries.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum PlannedRoute {
    Direct,
    Proxy { proxy: Proxy, identity: Identity, scheme: SchemeChoice },
}

/// Who asks the proxy: the three approaches of the enrolment document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Identity {
    /// No credentials: the proxy lets these hosts through.
    Bypass,
    /// The signed-in user, or a given name and password.
    User,
    /// The machine account.
    Device,
}

/// How the proxy is to be convinced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SchemeChoice {
    /// The strongest that the proxy offers and that there is a credential for.
    Auto,
    Forced(Scheme),
}

/// What decided an authenticated route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scheme {
    None,
    Basic,
    Digest,
    Ntlm,
    Negotiate,
    SocksPassword,
}

/// What Negotiate carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mechanism {
    Kerberos,
    Ntlm,
}

/// `direct`, `http://proxy.example:8080|bypass`, `http://proxy.example:8080|user|ntlm`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct RouteKey(pub String);

impl PlannedRoute {
    #[must_use]
    pub fn proxy(&self) -> Option<&Proxy> {
        match self {
            Self::Direct => None,
            Self::Proxy { proxy, .. } => Some(proxy),
        }
    }

    #[must_use]
    pub fn identity(&self) -> Option<Identity> {
        match self {
            Self::Direct => None,
            Self::Proxy { identity, .. } => Some(*identity),
        }
    }

    /// The scheme that is asked for by name; `None` on the direct route, for `bypass` and for `auto`.
    #[must_use]
    pub fn forced_scheme(&self) -> Option<Scheme> {
        match self {
            Self::Proxy { scheme: SchemeChoice::Forced(scheme), .. } => Some(*scheme),
            Self::Direct | Self::Proxy { .. } => None,
        }
    }

    /// The key under which this route is reported when `decided` is what the proxy accepted or refused last.
    #[must_use]
    pub fn key(&self, decided: Option<Scheme>) -> RouteKey {
        match self {
            Self::Direct => RouteKey("direct".to_owned()),
            Self::Proxy { proxy, identity, .. } => {
                let scheme = decided.or(self.forced_scheme()).filter(|scheme| *scheme != Scheme::None);
                match scheme {
                    Some(scheme) if *identity != Identity::Bypass => RouteKey(format!("{proxy}|{identity}|{scheme}")),
                    _ => RouteKey(format!("{proxy}|{identity}")),
                }
            }
        }
    }
}

impl Identity {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bypass => "bypass",
            Self::User => "user",
            Self::Device => "device",
        }
    }
}

impl Scheme {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Basic => "basic",
            Self::Digest => "digest",
            Self::Ntlm => "ntlm",
            Self::Negotiate => "negotiate",
            Self::SocksPassword => "socks-password",
        }
    }
}

impl Mechanism {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kerberos => "kerberos",
            Self::Ntlm => "ntlm",
        }
    }
}

impl FromStr for Identity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            // The first is what people read, the second what route keys say.
            "none" | "bypass" => Ok(Self::Bypass),
            "user" => Ok(Self::User),
            "device" => Ok(Self::Device),
            _ => Err(format!("'{text}' is not an identity: use none, user or device")),
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl fmt::Display for RouteKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}
