//! The rules, one file per thing that can be wrong.
//!
//! Each looks at one case and writes findings, remarks and what it could not look at. None depends on another's
//! findings, except that a level which is wrong anyway gets no remark.

mod commercial_id;
mod defender;
mod error_reporting;
mod firewall;
mod level;
mod machine;
mod opt_in;
mod proxy;
mod running;
mod site_discovery;
mod switches;
mod tls;
mod updates;

pub(super) use site_discovery::zones;

use super::case::Case;
use super::findings::{Notes, RemarkCode};
use super::waiting::{AFTER_SENDING, WITHOUT_THE_SCRIPT};

pub(super) fn apply(case: &Case<'_>, notes: &mut Notes) {
    machine::check(case, notes);
    if case.wanted().is_empty() {
        // No setting makes this device appear, so none is wrong.
        return;
    }
    commercial_id::check(case, notes);
    level::check(case, notes);
    opt_in::check(case, notes);
    switches::check(case, notes);
    firewall::check(case, notes);
    site_discovery::check(case, notes);
    tls::check(case, notes);
    updates::check(case, notes);
    defender::check(case, notes);
    proxy::check(case, notes);
    error_reporting::check(case, notes);
    running::check(case, notes);
    notes.remark(
        RemarkCode::ScriptRecommended,
        "Microsoft recommends its deployment script over setting keys alone, because it checks more: run it once by hand on a \
         few devices in pilot mode, and schedule it monthly, so that a full inventory is sent.",
    );
    notes.remark(
        RemarkCode::Patience,
        format!(
            "The first full scan sends about 2 MB and later ones very little. {AFTER_SENDING} {WITHOUT_THE_SCRIPT}"
        ),
    );
}
