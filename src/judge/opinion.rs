//! What one attempt means, before it is compared with a second one.

use super::chain::ChainVerdict;
use super::{Cause, Status, wording};
use crate::observation::{Fault, Stage};

/// A cause with its place, and the part of the sentence that only this row knows.
#[derive(Debug, Clone)]
pub(super) struct Opinion {
    pub cause: Cause,
    pub status: Status,
    pub stage: Stage,
    /// The part of the summary that only this row knows.
    pub detail: Option<String>,
    pub chain: Option<ChainVerdict>,
    /// Who signs or answers, as far as it is known.
    pub product: Option<String>,
}

impl Opinion {
    pub fn new(cause: Cause, stage: Stage) -> Self {
        let status = cause.facts().status;
        Self { cause, status, stage, detail: None, chain: None, product: None }
    }

    pub fn with(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    pub fn by(mut self, product: Option<String>) -> Self {
        self.product = product;
        self
    }

    pub fn with_status(mut self, status: Status) -> Self {
        self.status = status;
        self
    }

    /// The chain that was seen on the way to the service. Where the name leads elsewhere, what is shown there says nothing about the way.
    pub fn chain_on_the_way(&self) -> Option<&ChainVerdict> {
        self.chain.as_ref().filter(|_| self.stage > Stage::Dns)
    }

    pub fn summary(&self) -> String {
        match &self.detail {
            Some(detail) => format!("{}: {detail}", self.cause.facts().title),
            None => self.cause.facts().title.to_owned(),
        }
    }
}

/// Seen and not understood: said so, instead of being taken for a neighbour.
pub(super) fn unrecognised(stage: Stage, fault: &Fault) -> Opinion {
    match fault {
        Fault::BudgetSpent => Opinion::new(Cause::Budget, stage),
        Fault::Interrupted => Opinion::new(Cause::NotTested, stage).with("interrupted"),
        other => Opinion::new(Cause::Inconclusive, stage).with(wording::fault(other)),
    }
}
