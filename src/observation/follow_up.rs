//! A question beside a job: asked once, after the job's own answer left something open.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::plan::{ClientProfile, JobId};

/// One question, and the job that it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FollowUp {
    pub about: JobId,
    pub ask: Ask,
    /// The address that the job's own connection went to, where the question is about that one.
    pub address: Option<SocketAddr>,
    /// The certificate (SHA-256) that the job's own peer showed, where only that one may get what is sent.
    pub leaf: Option<[u8; 32]>,
    /// How many pauses it waits first: some filters hold a reset against the pair of addresses for a while.
    pub pauses: u32,
    /// As which client it is asked; none where the answer holds for all.
    pub profile: Option<ClientProfile>,
    /// What stops it before its handshake stops every profile: then it is not asked as the others.
    pub goes_ahead: bool,
    /// The job met silence: the answer is awaited for a part of the patience only.
    pub is_brief: bool,
}

impl FollowUp {
    /// A question that goes its own way.
    #[must_use]
    pub fn new(about: JobId, ask: Ask) -> Self {
        Self { about, ask, address: None, leaf: None, pauses: 0, profile: None, goes_ahead: false, is_brief: false }
    }
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ask {
    /// The control's page, over the job's route.
    Control,
    /// A tunnel to the control, through the job's proxy, and a handshake in it.
    ControlTunnel,
    /// The same way with the control's name in the handshake.
    ControlName,
    /// The same handshake, offering TLS 1.2 alone.
    SmallHello,
    /// The same, made as long as the usual first message.
    PaddedHello,
    /// The same handshake, its first message in two pieces.
    SplitHello,
    /// The same handshake with a first message as large as post-quantum key exchange makes it.
    LargeHello,
    /// The same handshake, over a connection that takes small packets alone.
    SmallSegments,
    /// A first message as TLS 1.1 and older know it, for the certificate that is sent in clear.
    OldHello,
    /// The same with the cipher suites alone that Schannel of every Windows version offers.
    SharedHello,
    /// A connection to an address that nobody has.
    Nobody,
    /// The endpoint's addresses, of another name server.
    Names(SocketAddr),
    /// The same, and a handshake with what stands there.
    WayBy(SocketAddr),
    /// As many dummy bytes, sent up to where the job's own connection went.
    Upload(u32),
    /// The job's own question at another address of the host, or of the proxy.
    Address(SocketAddr),
    /// The job's own question once more, on a connection of its own; the how-manieth time.
    Repeat(u8),
    /// The job's own question once more while this run has nothing else open on the job's route; the how-manieth time.
    Alone(u8),
}
