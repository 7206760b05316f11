//! A question beside a job: asked once, after the job's own answer left something open.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::plan::JobId;

/// One question, and the job that it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FollowUp {
    pub about: JobId,
    pub ask: Ask,
    /// The address that the job's own connection went to, where the question is about that one.
    pub address: Option<SocketAddr>,
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ask {
    /// The control's page, over the job's route.
    Control,
    /// A tunnel to the control, through the job's proxy.
    ControlTunnel,
    /// The same way with the control's name in the handshake.
    ControlName,
    /// The same handshake, offering TLS 1.2 alone.
    SmallHello,
    /// The same handshake, its first message in two pieces.
    SplitHello,
    /// The same handshake with a first message as large as post-quantum key exchange makes it.
    LargeHello,
    /// A first message as TLS 1.1 and older know it, for the certificate that is sent in clear.
    OldHello,
    /// A connection to an address that nobody has.
    Nobody,
}
