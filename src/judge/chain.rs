//! Whose certificate is it? Decided by the anchors that the recorded chain reaches, and by nothing else.

use jiff::Timestamp;

use super::{Cause, Status};
use crate::catalogue::{Trust, TrustClass};
use crate::certificate::Certificate;
use crate::observation::Signature;
use crate::observation::recording::Roots;

/// One chain, and what it should be.
#[derive(Debug, Clone)]
pub struct ChainQuestion<'a> {
    /// As the peer sent it.
    pub chain: &'a [Certificate],
    /// The name that was asked for.
    pub host: &'a str,
    pub expected: &'a [TrustClass],
    pub proof: Proof<'a>,
    /// The moment for which dates are judged.
    pub at: Timestamp,
    /// The `Date` of an HTTP answer on this connection.
    pub peer_date: Option<Timestamp>,
}

/// What is known of the peer's proof that it holds the leaf's key.
#[derive(Debug, Clone, Copy)]
pub enum Proof<'a> {
    /// The handshake's signature.
    Handshake(&'a Signature),
    /// A file: nobody could prove anything, and nobody expects it.
    File,
}

/// Where the path ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    Class(TrustClass),
    /// Another public root.
    Public,
    /// A root that only this machine's store holds.
    Machine,
    /// A root or key that nobody knows.
    Nowhere,
    /// The issuer is neither sent nor known, and the chain says where it could be fetched.
    Incomplete,
}

/// The answer to one [`ChainQuestion`].
#[derive(Debug, Clone)]
pub struct ChainVerdict {
    pub status: Status,
    /// `Cause::Ok`, or the first question that is not met.
    pub cause: Cause,
    pub expected: Vec<TrustClass>,
    pub reached: Reached,
    pub anchor: Option<Certificate>,
    /// `None` when nobody could check it.
    pub proved: Option<bool>,
    /// What a browser on that machine would say; `None` when its roots are not known.
    pub machine_trusts: Option<bool>,
    /// A known inspection product that signs like this; never what decides.
    pub product: Option<String>,
    /// Stable short names of hints (`same-key`, `fresh-leaf`, `no-sct`); shown, never what decides.
    pub tells: Vec<&'static str>,
    /// One fact per line, in the words of reports.
    pub evidence: Vec<String>,
    pub certificates: Vec<Certificate>,
}

/// Answers chain questions for one catalogue and one machine's roots.
#[derive(Debug)]
pub struct ChainJudge {}

impl ChainJudge {
    #[must_use]
    pub fn new(_trust: &Trust, _roots: &Roots) -> Self {
        Self {}
    }

    #[must_use]
    pub fn judge(&self, _question: &ChainQuestion<'_>) -> ChainVerdict {
        todo!()
    }
}

/// The product whose block page or header this answer carries.
#[must_use]
pub fn product_by_answer(_answer: &crate::observation::HttpEvidence) -> Option<String> {
    None
}
