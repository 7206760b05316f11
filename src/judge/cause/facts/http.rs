//! What is said of the answer to the small request.

use super::CauseFacts;
use crate::judge::{Owner, Status};

pub(super) const BLOCK_PAGE: CauseFacts = CauseFacts::new(
    "http.block_page",
    Status::Blocked,
    Owner::ProxyTeam,
    "A block page is shown instead of the service",
    "allow exactly these host names in the product that shows the page",
);

pub(super) const PORTAL: CauseFacts = CauseFacts::new(
    "http.portal",
    Status::Blocked,
    Owner::FirewallTeam,
    "A sign-in portal is shown instead of the service",
    "exempt the host or the device from the portal",
);

pub(super) const FOREIGN_REDIRECT: CauseFacts = CauseFacts::new(
    "http.foreign_redirect",
    Status::Blocked,
    Owner::ProxyTeam,
    "The request is redirected to a foreign host",
    "let the host through without a redirect",
);

pub(super) const MIDDLEBOX_STATUS: CauseFacts = CauseFacts::new(
    "http.middlebox_status",
    Status::Blocked,
    Owner::ProxyTeam,
    "A device in the path answers instead of the service",
    "allow the host on the device that answers",
);

pub(super) const UNEXPECTED_STATUS: CauseFacts = CauseFacts::new(
    "http.unexpected_status",
    Status::Degraded,
    Owner::Microsoft,
    "The service answers with a status that is not documented",
    "nothing in the network; the service may have changed",
);

pub(super) const DEMAND_IN_TUNNEL: CauseFacts = CauseFacts::new(
    "http.407_in_tunnel",
    Status::Blocked,
    Owner::ProxyTeam,
    "Authentication is demanded inside the tunnel",
    "exempt these hosts from transparent authentication: no client can answer it",
);

pub(super) const TIMEOUT_FIRST_BYTE: CauseFacts = CauseFacts::new(
    "http.timeout_first_byte",
    Status::Degraded,
    Owner::ProxyTeam,
    "The request gets no answer in time",
    "look for a scanner that holds the request back",
);

pub(super) const TRUNCATED: CauseFacts = CauseFacts::new(
    "http.truncated",
    Status::Degraded,
    Owner::ProxyTeam,
    "The answer is cut off",
    "look for a scanner or proxy that breaks the connection",
);

pub(super) const EMPTY: CauseFacts = CauseFacts::new(
    "http.empty",
    Status::Degraded,
    Owner::ProxyTeam,
    "The connection ends without an answer",
    "look for a scanner or proxy that breaks the connection",
);

pub(super) const MALFORMED: CauseFacts = CauseFacts::new(
    "http.malformed",
    Status::Degraded,
    Owner::ProxyTeam,
    "The answer is not readable HTTP",
    "look for a scanner or proxy that rewrites the answer",
);

pub(super) const THROTTLED: CauseFacts = CauseFacts::new(
    "http.throttled",
    Status::Degraded,
    Owner::Microsoft,
    "The service asks to come back later",
    "check again later",
);

pub(super) const RETIRED: CauseFacts = CauseFacts::new(
    "http.retired",
    Status::Inconclusive,
    Owner::Nobody,
    "The service is retired and no longer there",
    "nothing to change",
);

pub(super) const POST_BLOCKED: CauseFacts = CauseFacts::new(
    "http.post_blocked",
    Status::Degraded,
    Owner::ProxyTeam,
    "Questions pass and uploads do not",
    "look for a rule that stops uploads (data loss prevention, upload control) and exempt these hosts",
);

pub(super) const BODY_LIMIT: CauseFacts = CauseFacts::new(
    "http.body_limit",
    Status::Degraded,
    Owner::ProxyTeam,
    "Uploads beyond a size are refused",
    "raise the limit on request bodies for these hosts to at least 2 MB, unless it is the service's own",
);

pub(super) const RESET_ON_UPLOAD: CauseFacts = CauseFacts::new(
    "http.reset_on_upload",
    Status::Degraded,
    Owner::FirewallTeam,
    "Larger uploads are broken off",
    "look for a device that ends connections by the size of what goes up, and exempt these hosts",
);
