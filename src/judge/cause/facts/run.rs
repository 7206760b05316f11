//! What is said of rows that the run itself left undecided, and of those in order.

use super::CauseFacts;
use crate::judge::{Owner, Status};

pub(super) const OK: CauseFacts =
    CauseFacts::new("ok", Status::Ok, Owner::Nobody, "Diagnostic data gets out", "nothing to change");

pub(super) const NOT_TESTED: CauseFacts = CauseFacts::new(
    "x.not_tested",
    Status::NotTested,
    Owner::Operator,
    "It was not tested",
    "give what the row's evidence names as missing, or let the run come to its end, and check again",
);

pub(super) const INCONCLUSIVE: CauseFacts = CauseFacts::new(
    "x.inconclusive",
    Status::Inconclusive,
    Owner::Operator,
    "What was seen fits no known cause",
    "send the recording of this run to whoever maintains this tool",
);

pub(super) const FLAKY: CauseFacts = CauseFacts::new(
    "x.flaky",
    Status::Degraded,
    Owner::FirewallTeam,
    "Two tries had two different answers",
    "check again; look for a balancer or a device that treats connections differently",
);

pub(super) const BUDGET: CauseFacts = CauseFacts::new(
    "x.budget",
    Status::NotTested,
    Owner::Operator,
    "The time was up before it was tested",
    "allow more time with --timeout",
);

pub(super) const INTERNAL: CauseFacts = CauseFacts::new(
    "x.internal",
    Status::NotTested,
    Owner::Operator,
    "The tool itself failed here",
    "send the recording of this run to whoever maintains this tool",
);
