//! Uploads: diagnostic data goes up, so that a small question that passes is not the whole answer.

use super::{about, on_route};
use crate::judge::{Cause, Grounds, Status, Verdict};
use crate::observation::{Ask, Fault, FollowUp, Observation};

/// From a heartbeat to a crash dump.
const SIZES: [u32; 3] = [1_000, 100_000, 2_000_000];

/// Rows that show their own certificate. Nobody else gets a body.
pub(super) fn questions(grounds: &Grounds<'_>, route: usize, verdicts: &[Verdict]) -> Vec<FollowUp> {
    if !grounds.plan.follow_ups.uploads {
        return Vec::new();
    }
    let mut asked = Vec::new();
    for row in on_route(grounds, route, verdicts) {
        let Some(chain) = row.chain.as_ref().filter(|chain| chain.status == Status::Ok && chain.proved == Some(true))
        else {
            continue;
        };
        let passes = matches!(row.status, Status::Ok | Status::Degraded);
        if let Some(leaf) = chain.certificates.first().filter(|_| passes) {
            let leaf = Some(*leaf.sha256());
            asked.extend(SIZES.map(|size| FollowUp { leaf, ..FollowUp::new(row.job, Ask::Upload(size)) }));
        }
    }
    asked
}

/// How one upload ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The service answered, whatever it thinks of dummy bytes.
    Answered(u16),
    TooLarge,
    Broken,
    /// The time was up, which a slow line explains as well.
    Unfinished,
}

fn end(seen: &Observation) -> Option<End> {
    let status = seen.http().and_then(|answer| answer.status);
    Some(match (status, seen.fault()) {
        (Some(413), _) => End::TooLarge,
        (Some(status), _) => End::Answered(status),
        (None, Some((_, Fault::ResetByPeer { .. } | Fault::ClosedByPeer { .. }))) => End::Broken,
        (None, Some((_, Fault::TimedOut { .. }))) => End::Unfinished,
        (None, _) => return None,
    })
}

pub(super) fn weigh(verdicts: &mut [Verdict], beside: &[&Observation]) {
    for verdict in verdicts {
        let mut ends: Vec<(u32, End)> = about(beside, verdict.job)
            .filter_map(|seen| match seen.follow_up()? {
                Ask::Upload(size) => Some((size, end(seen)?)),
                _ => None,
            })
            .collect();
        ends.sort_unstable_by_key(|(size, _)| *size);
        for (size, end) in &ends {
            let became = match end {
                End::Answered(status) => format!("answered, status {status}"),
                End::TooLarge => "refused as too large, status 413".to_owned(),
                End::Broken => "broken off".to_owned(),
                End::Unfinished => "not answered in time".to_owned(),
            };
            verdict.evidence.push(format!("follow-up: an upload of {size} bytes is {became}"));
        }
        let Some((cause, detail)) = cause(&ends) else { continue };
        if verdict.status == Status::Ok {
            verdict.status = Status::Degraded;
            verdict.summary = format!("{}: {detail}", cause.facts().title);
            verdict.cause = cause;
        }
    }
}

fn cause(ends: &[(u32, End)]) -> Option<(Cause, String)> {
    let &(smallest, first) = ends.first()?;
    if first == End::Broken && ends.iter().all(|(_, end)| matches!(end, End::Broken | End::Unfinished)) {
        return Some((Cause::HttpPostBlocked, format!("already {smallest} bytes")));
    }
    let passes = ends.iter().rev().find(|(_, end)| matches!(end, End::Answered(_))).map(|(size, _)| *size);
    let up_to = |size: u32| match passes {
        Some(passes) => format!("{passes} bytes pass, {size} do not"),
        None => format!("{size} bytes do not pass"),
    };
    ends.iter().find_map(|(size, end)| match end {
        End::TooLarge => Some((Cause::HttpBodyLimit, up_to(*size))),
        End::Broken => Some((Cause::HttpResetOnUpload, up_to(*size))),
        End::Answered(_) | End::Unfinished => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_at_which_uploads_end_says_why() {
        let code = |ends: &[(u32, End)]| cause(ends).map(|(cause, detail)| (cause.code(), detail));
        let (small, middle, large) = (1_000, 100_000, 2_000_000);
        let fine = End::Answered(404);
        assert_eq!(code(&[(small, fine), (middle, fine), (large, fine)]), None);
        assert_eq!(code(&[(small, fine), (middle, fine), (large, End::Unfinished)]), None, "a slow line is no fault");
        let limited = code(&[(small, fine), (middle, fine), (large, End::TooLarge)]);
        assert_eq!(limited, Some(("http.body_limit".into(), "100000 bytes pass, 2000000 do not".into())));
        let cut = code(&[(small, fine), (middle, End::Broken), (large, End::Broken)]);
        assert_eq!(cut, Some(("http.reset_on_upload".into(), "1000 bytes pass, 100000 do not".into())));
        let blocked = code(&[(small, End::Broken), (middle, End::Broken), (large, End::Unfinished)]);
        assert_eq!(blocked, Some(("http.post_blocked".into(), "already 1000 bytes".into())));
    }
}
