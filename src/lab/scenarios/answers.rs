//! What comes back once the peer is known: the origin's own answers, odd and broken.

use std::time::Duration;

use crate::lab::blueprint::Blueprint;
use crate::lab::dns::NameAnswer;
use crate::lab::http::{Manner, Reply};
use crate::lab::origin::Answer;

pub(super) fn odd_answers() -> Blueprint {
    Blueprint::direct()
        .reply("v10c", Reply::status(500).header("Server", "Microsoft-HTTPAPI/2.0"))
        .expect(&["v10c"], "degraded", "http.unexpected_status")
        .reply("v10", Reply::status(407).header("Proxy-Authenticate", "Basic realm=\"late\""))
        .expect(&["v10"], "blocked", "http.407_in_tunnel")
        .reply("settings-win", Reply::status(503).header("Retry-After", "120"))
        .reply("watson", Reply::status(429))
        .expect(&["settings-win", "watson"], "degraded", "http.throttled")
        .reply("oca", Reply::status(404).body("chunk ".repeat(50)).manner(Manner::Chunked))
        .reply("ceuswatcab01", Reply::status(404).body("old").manner(Manner::UntilClose))
        .reply("ceuswatcab02", Reply::status(404).body("slow").manner(Manner::Dripping))
        .reply("eaus2watcab01", Reply::status(404).manner(Manner::Endless))
}

pub(super) fn broken_answers() -> Blueprint {
    Blueprint::direct()
        .answer("v10c", Answer::Silence)
        .expect(&["v10c"], "degraded", "http.timeout_first_byte")
        .reply("v10", Reply::status(200).body("and then").manner(Manner::CutOff))
        .expect(&["v10"], "degraded", "http.truncated")
        .answer("vortex-win", Answer::Nothing)
        .expect(&["vortex-win"], "degraded", "http.empty")
        .answer("settings-win", Answer::Bytes(b"HTTP/9 what\r\n\r\n"))
        .answer("watson", Answer::LongHeader(300 << 10))
        .answer("oca", Answer::Bytes(b"\x00\x01\x02\x03 no protocol at all"))
        .expect(&["settings-win", "watson", "oca"], "degraded", "http.malformed")
        .budget(|budget| budget.http = Duration::from_secs(2))
}

/// Nothing stands behind plain http but its answer: without one the row is blocked.
pub(super) fn mute_plain_http() -> Blueprint {
    Blueprint::direct().answer("adl", Answer::Nothing).expect(&["adl"], "blocked", "http.empty")
}

/// Signs of absence excuse a retired endpoint, and nothing else does.
pub(super) fn retired_endpoints() -> Blueprint {
    let mut blueprint = Blueprint::direct()
        .expect(&["watson"], "inconclusive", "http.retired")
        .name("v10-vortex-win", NameAnswer::Nxdomain)
        .expect(&["v10-vortex-win"], "inconclusive", "dns.nxdomain")
        .place("oca", crate::lab::blueprint::Place::Closed)
        .expect(&["oca"], "blocked", "tcp.refused");
    blueprint.retired = vec!["watson", "v10-vortex-win", "oca"];
    blueprint
}
