//! What may be asked beside the jobs, once.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::catalogue::{Catalogue, Control};

/// Which follow-ups a run may send. The default sends none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowUps {
    /// Ask again, and otherwise, where an answer fits several causes.
    pub wanted: bool,
    /// The host that tells one blocked endpoint from a closed network; without it nothing is called offline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<Control>,
    /// Other name servers, which are asked for the endpoints' names as well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resolvers: Vec<SocketAddr>,
    /// Ask what shakes hands with hellos of other forms too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hellos: bool,
    /// Send dummy bytes up to endpoints that show their own certificate.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub uploads: bool,
}

impl FollowUps {
    /// All that need nobody's leave, with the catalogue's control.
    #[must_use]
    pub fn of(catalogue: &Catalogue) -> Self {
        Self { wanted: true, control: catalogue.control.clone(), ..Self::default() }
    }
}
