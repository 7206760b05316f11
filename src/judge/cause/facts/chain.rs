//! What is said of the certificate chain, interception first.

use super::CauseFacts;
use crate::judge::{Owner, Status};

pub(super) const INTERCEPTED_TRUSTED: CauseFacts = CauseFacts::new(
    "intercepted.trusted",
    Status::Intercepted,
    Owner::ProxyTeam,
    "TLS is inspected, with a CA that this machine trusts",
    "exclude exactly these host names from TLS inspection",
);

pub(super) const INTERCEPTED_UNTRUSTED: CauseFacts = CauseFacts::new(
    "intercepted.untrusted",
    Status::Intercepted,
    Owner::ProxyTeam,
    "TLS is inspected, with a CA that this machine does not trust",
    "exclude exactly these host names from TLS inspection",
);

pub(super) const WRONG_CLASS: CauseFacts = CauseFacts::new(
    "chain.wrong_class",
    Status::Degraded,
    Owner::Microsoft,
    "The chain is genuine, under another root than last documented",
    "nothing in the network; the catalogue may be out of date",
);

pub(super) const INCOMPLETE: CauseFacts = CauseFacts::new(
    "chain.incomplete",
    Status::Inconclusive,
    Owner::Operator,
    "The chain cannot be followed to its root",
    "compare with another route: the service, or a device on the way, does not send what leads to its root",
);

pub(super) const UNCHECKED: CauseFacts = CauseFacts::new(
    "chain.unchecked",
    Status::Inconclusive,
    Owner::ProxyTeam,
    "The chain is signed in a way that cannot be checked here",
    "find out which device signs like this: no Microsoft service was seen doing so; where that is not known, compare \
     with another route",
);

pub(super) const UNPARSABLE: CauseFacts = CauseFacts::new(
    "chain.unparsable",
    Status::Inconclusive,
    Owner::ProxyTeam,
    "The certificate cannot be read",
    "find out what answers there",
);

pub(super) const EXPIRED: CauseFacts = CauseFacts::new(
    "chain.expired",
    Status::Blocked,
    Owner::Microsoft,
    "The certificate of the genuine service has expired",
    "check the clock of this machine; if it is right, Microsoft has to renew the certificate",
);

pub(super) const NOT_YET_VALID: CauseFacts = CauseFacts::new(
    "chain.not_yet_valid",
    Status::Blocked,
    Owner::DesktopTeam,
    "The certificate of the genuine service is not valid yet",
    "check the clock of this machine",
);

pub(super) const CLOCK_SKEW: CauseFacts = CauseFacts::new(
    "chain.clock_skew",
    Status::Blocked,
    Owner::DesktopTeam,
    "This machine's clock is wrong, so that genuine certificates look invalid",
    "set the clock of this machine",
);

pub(super) const NAME_MISMATCH: CauseFacts = CauseFacts::new(
    "chain.name_mismatch",
    Status::Blocked,
    Owner::FirewallTeam,
    "Another server answers, with a certificate for other names",
    "check where these hosts' names and connections are led",
);

pub(super) const WEAK: CauseFacts = CauseFacts::new(
    "chain.weak",
    Status::Blocked,
    Owner::FirewallTeam,
    "The certificate is too weak for Windows",
    "find out what answers there: no Microsoft service was seen with such keys or signatures; where every route shows the \
     same, only Microsoft can change it",
);

pub(super) const EKU: CauseFacts = CauseFacts::new(
    "chain.eku",
    Status::Blocked,
    Owner::FirewallTeam,
    "The certificate was not issued for servers",
    "find out what answers there: somebody uses a certificate for what its CA did not allow; where every route shows the \
     same, only Microsoft can change it",
);

pub(super) const CONSTRAINTS: CauseFacts = CauseFacts::new(
    "chain.constraints",
    Status::Blocked,
    Owner::FirewallTeam,
    "The certificate breaks its CAs' rules",
    "find out what answers there: whoever signed this had no right to, or the device that sends it was set up wrongly",
);

pub(super) const ROOT_ABSENT_LOCALLY: CauseFacts = CauseFacts::new(
    "chain.root_absent_locally",
    Status::Ok,
    Owner::DesktopTeam,
    "The chain is genuine, and this machine's store lacks its public root",
    "let this machine update its roots, or deploy the root: Windows fetches a root when it is first needed and has to reach \
     ctldl.windowsupdate.com for that; on Linux update the package of CA certificates",
);
