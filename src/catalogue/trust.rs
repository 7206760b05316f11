//! Whose certificate an endpoint must show: trust classes and their anchors.

use serde::{Deserialize, Serialize};

use crate::certificate::Certificate;

/// A family of roots under which Microsoft serves an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TrustClass {
    /// The private root of the diagnostic services: Microsoft Root Certificate Authority 2011.
    MicrosoftApplicationRoot,
    /// The public roots Microsoft documents for Azure and account services.
    MicrosoftPublic,
}

/// The anchors of every class, and known issuing CAs that complete a short chain.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    pub application_root: ClassMaterial,
    pub public: ClassMaterial,
}

#[derive(Debug, Clone, Default)]
pub struct ClassMaterial {
    /// Roots; compared by subject and public key, never by certificate.
    pub anchors: Vec<Certificate>,
    /// Issuing CAs and cross-certificates: they help to build a path and never end one.
    pub helpers: Vec<Certificate>,
}

impl TrustClass {
    pub const ALL: [Self; 2] = [Self::MicrosoftApplicationRoot, Self::MicrosoftPublic];

    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::MicrosoftApplicationRoot => "microsoft-application-root",
            Self::MicrosoftPublic => "microsoft-public",
        }
    }

    #[must_use]
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.id() == id)
    }
}

impl Trust {
    #[must_use]
    pub fn class(&self, class: TrustClass) -> &ClassMaterial {
        match class {
            TrustClass::MicrosoftApplicationRoot => &self.application_root,
            TrustClass::MicrosoftPublic => &self.public,
        }
    }

    pub fn class_mut(&mut self, class: TrustClass) -> &mut ClassMaterial {
        match class {
            TrustClass::MicrosoftApplicationRoot => &mut self.application_root,
            TrustClass::MicrosoftPublic => &mut self.public,
        }
    }

    /// Replaces the anchors of `class` (`--anchors CLASS=FILE`) and puts its helper certificates aside.
    pub fn replace_anchors(&mut self, class: TrustClass, anchors: Vec<Certificate>) {
        *self.class_mut(class) = ClassMaterial { anchors, helpers: Vec::new() };
    }
}
