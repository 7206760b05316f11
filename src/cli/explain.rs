//! `waprobe explain`: what a code means and what to do about it.

use clap::Args;

use super::arguments::Color;
use super::{Exit, Failure, files, terminal};
use crate::enroll::exit_codes;
use crate::lab::NOT_PRODUCIBLE;
use crate::report::{self, explain};

#[derive(Debug, Args)]
pub(super) struct ExplainArguments {
    /// A code of a row or finding, such as tcp.timeout, one of a device's settings as `enroll check` prints it, an error number from Windows' logs, such as 12002 or 0x800B0109, or an
    /// exit code of Microsoft's deployment script, as ur:27. Without one all codes are listed.
    #[arg(allow_negative_numbers = true)]
    code: Option<String>,

    /// When to use colour.
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    color: Color,
}

pub(super) fn run(arguments: &ExplainArguments) -> Result<Exit, Failure> {
    let layout = terminal::layout(arguments.color, false);
    let Some(code) = &arguments.code else {
        files::print(|mut out| explain::write_list(layout, &mut out))?;
        return Ok(Exit::Ok);
    };
    if code.trim().trim_end_matches(':').eq_ignore_ascii_case("ur") {
        files::print(|mut out| report::enroll::list_exit_codes(layout, &mut out))?;
        return Ok(Exit::Ok);
    }
    if let Some(number) = code.trim().to_ascii_lowercase().strip_prefix("ur:") {
        let digits = Some(number).filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
        let known = digits.and_then(|digits| digits.parse().ok()).and_then(exit_codes::find).ok_or_else(|| {
            Failure::usage(format!(
                "the deployment script has no exit code '{number}': they are 0 to 67 without 7, and 91 to 101 in its successor; `waprobe explain ur` lists them"
            ))
        })?;
        files::print(|mut out| report::enroll::explain(known, layout, &mut out))?;
        return Ok(Exit::Ok);
    }
    if let Some(setting) = explain::find_setting(code) {
        files::print(|mut out| explain::write_setting(setting, layout, &mut out))?;
        return Ok(Exit::Ok);
    }
    if let Some(found) = explain::find_windows_error(code) {
        let error = found.map_err(Failure::usage)?;
        files::print(|mut out| explain::write_windows_error(&error, layout, &mut out))?;
        return Ok(Exit::Ok);
    }
    let known = explain::find(code).map_err(|mistake| Failure::usage(never_given(code).unwrap_or(mistake)))?;
    files::print(|mut out| explain::write(&known, layout, &mut out))?;
    Ok(Exit::Ok)
}

/// What is said of a code that somebody may expect here, and that no row or finding has.
fn never_given(code: &str) -> Option<String> {
    let (code, reason) = NOT_PRODUCIBLE.iter().find(|(other, _)| *other == code.trim().to_ascii_lowercase())?;
    Some(format!("no row or finding has the code `{code}`: {reason}"))
}
