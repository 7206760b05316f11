//! The dialogue with a proxy: a tunnel by CONNECT, or one request in absolute form.

use std::time::Duration;

use super::connect::Attempts;
use super::stream::Connection;
use super::{Context, StageOutcome};
use crate::catalogue::Endpoint;
use crate::observation::HttpEvidence;
use crate::plan::{Plan, PlannedRoute};

/// What the jobs of one run share about each proxy: how many ask at once, and which credential was refused.
#[derive(Debug)]
pub(super) struct Gates {}

impl Gates {
    pub fn new(_plan: &Plan) -> Self {
        Self {}
    }
}

/// Opens a tunnel to the endpoint through the route's proxy, answering its challenges.
pub(super) async fn open_tunnel(
    _stream: Connection,
    _endpoint: &Endpoint,
    _route: &PlannedRoute,
    _attempts: &Attempts,
    _context: &Context,
) -> StageOutcome<Connection> {
    todo!()
}

/// Asks for a plain http address in absolute form, answering the proxy's challenges.
pub(super) async fn ask_absolute(
    _stream: Connection,
    _endpoint: &Endpoint,
    _route: &PlannedRoute,
    _attempts: &Attempts,
    _context: &Context,
) -> StageOutcome<(HttpEvidence, Duration)> {
    todo!()
}
