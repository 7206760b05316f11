//! `[[endpoint]]`: one address, who needs it, and how it is asked.

use std::collections::HashMap;
use std::ops::Range;

use serde_spanned::Spanned;
use toml::de::{DeInteger, DeValue};

use super::address;
use super::section::{Mistakes, Section, Text, choose, kind, list, text, texts};
use crate::catalogue::complaint::quotable;
use crate::catalogue::{
    BuildRange, Claim, Endpoint, HealthProbe, Lifecycle, Need, NeedLevel, Solution, TrustClass, UrlScheme,
};

const KEYS: [&str; 9] = ["name", "url", "group", "function", "trust", "lifecycle", "probe", "needs", "sources"];
const PROBE_KEYS: [&str; 2] = ["path", "healthy"];
const NEED_KEYS: [&str; 6] = ["solution", "need", "builds", "source", "as_of", "conflict"];
const CLAIM_KEYS: [&str; 3] = ["claim", "source", "as_of"];

const LONGEST_NAME: usize = 100;
const LONGEST_PATH: usize = 2_000;

/// Names seen so far, with the place of the first.
#[derive(Default)]
pub(super) struct Names {
    first: HashMap<String, Range<usize>>,
}

/// One endpoint, or `None` when something of it could not be read; every question is asked either way.
pub(super) fn read<'t>(
    value: &'t Spanned<DeValue<'t>>,
    names: &mut Names,
    file: &str,
    mistakes: &mut Mistakes,
) -> Option<Endpoint> {
    let section = Section::open("[[endpoint]]", value, &KEYS, mistakes)?;
    let name =
        section.required_text("name", "name = \"v10c\"", mistakes).and_then(|name| names.take(&name, file, mistakes));
    let address = section
        .required_text("url", "url = \"https://v10c.events.data.microsoft.com\"", mistakes)
        .and_then(|url| address::read(&url, mistakes));
    let trust = read_trust(&section, address.as_ref().map(|address| address.scheme), mistakes);
    let lifecycle = section.text("lifecycle", mistakes).map_or(Some(Lifecycle::Active), |text| {
        choose("lifecycle", &text, &[("active", Lifecycle::Active), ("retired", Lifecycle::Retired)], mistakes)
    });
    let group = section.text("group", mistakes).map_or_else(String::new, |text| text.value.to_owned());
    let function = section.text("function", mistakes).map_or_else(String::new, |text| text.value.to_owned());
    let probe = read_probe(&section, mistakes);
    let needs = section.tables("needs", NEEDS_EXAMPLE, mistakes);
    let needs = needs.iter().filter_map(|need| read_need(need, mistakes)).collect();
    let sources =
        section.tables("sources", "sources = [{ claim = \"…\", source = \"…\", as_of = \"2019\" }]", mistakes);
    let sources = sources.iter().filter_map(|claim| read_claim(claim, mistakes)).collect();
    let address = address?;
    Some(Endpoint {
        name: name?,
        url: address.url,
        scheme: address.scheme,
        host: address.host,
        port: address.port,
        function,
        group,
        trust: trust?,
        lifecycle: lifecycle?,
        probe,
        needs,
        sources,
    })
}

const TRUST_EXAMPLE: &str = "trust = [\"microsoft-public\"]";
const NEEDS_EXAMPLE: &str = "needs = [{ solution = \"device-health\", need = \"required\", builds = \"17763..\" }]";

impl Names {
    fn take(&mut self, name: &Text<'_>, file: &str, mistakes: &mut Mistakes) -> Option<String> {
        let is_plain = |character: char| character.is_ascii_alphanumeric() || "._-".contains(character);
        if name.value.is_empty() || name.value.len() > LONGEST_NAME || !name.value.chars().all(is_plain) {
            let message = match name.value {
                "" => "an endpoint's name is empty".to_owned(),
                name => format!("`{}` cannot be an endpoint's name", quotable(name)),
            };
            let suggestion = format!(
                "use up to {LONGEST_NAME} letters, digits, `.`, `_` and `-`; rows and expectations are found by it"
            );
            mistakes.add(&name.span, message, suggestion);
            return None;
        }
        // Expectations and filters do not tell `V10c` from `v10c`.
        if let Some(first) = self.first.get(&name.value.to_ascii_lowercase()) {
            if mistakes.is_full() {
                mistakes.leave_out();
            } else {
                let line =
                    file.get(..first.start).unwrap_or_default().bytes().filter(|byte| *byte == b'\n').count() + 1;
                let suggestion = format!("line {line} has it already; give each endpoint a name of its own");
                mistakes.add(&name.span, format!("two endpoints are called `{}`", name.value), suggestion);
            }
            return None;
        }
        self.first.insert(name.value.to_ascii_lowercase(), name.span.clone());
        Some(name.value.to_owned())
    }
}

fn read_trust(section: &Section<'_>, scheme: Option<UrlScheme>, mistakes: &mut Mistakes) -> Option<Vec<TrustClass>> {
    let needs_trust = scheme == Some(UrlScheme::Https);
    let value = if needs_trust { section.required("trust", TRUST_EXAMPLE, mistakes) } else { section.get("trust") };
    let Some(value) = value else {
        return (!needs_trust).then(Vec::new);
    };
    let names = texts("trust", value, mistakes)?;
    let classes = TrustClass::ALL.map(|class| (class.id(), class));
    let mut trust: Vec<TrustClass> =
        names.iter().filter_map(|name| choose("trust class", name, &classes, mistakes)).collect();
    trust.sort_unstable();
    trust.dedup();
    if names.is_empty() && needs_trust {
        let message = "no trust class: whose certificate has an https endpoint to show?";
        mistakes.add(&value.span(), message, format!("write `{TRUST_EXAMPLE}`"));
    }
    Some(trust)
}

fn read_probe(section: &Section<'_>, mistakes: &mut Mistakes) -> HealthProbe {
    let mut probe = HealthProbe { path: "/".to_owned(), healthy: Vec::new() };
    let Some(section) = section.get("probe").and_then(|value| Section::open("`probe`", value, &PROBE_KEYS, mistakes))
    else {
        return probe;
    };
    if let Some(path) = section.text("path", mistakes) {
        let is_printable = |byte: u8| byte.is_ascii_graphic() && byte != b'#';
        if !path.value.starts_with('/') {
            let message = format!("the path `{}` does not begin with a slash", quotable(path.value));
            mistakes.add(&path.span, message, format!("did you mean `/{}`?", quotable(path.value)));
        } else if !path.value.bytes().all(is_printable) || path.value.len() > LONGEST_PATH {
            let message = "the path cannot stand in a request line";
            let suggestion =
                format!("use up to {LONGEST_PATH} visible ASCII characters, and `%20` and the like for others");
            mistakes.add(&path.span, message, suggestion);
        } else {
            path.value.clone_into(&mut probe.path);
        }
    }
    if let Some(value) = section.get("healthy") {
        const EXAMPLE: &str = "healthy = [400, 404]";
        let statuses = list("healthy", value, EXAMPLE, mistakes).map_or(&[][..], |list| &**list);
        probe.healthy = statuses.iter().filter_map(|status| read_status(status, EXAMPLE, mistakes)).collect();
    }
    probe
}

fn read_status(value: &Spanned<DeValue<'_>>, example: &str, mistakes: &mut Mistakes) -> Option<u16> {
    let DeValue::Integer(number) = value.get_ref() else {
        let message = format!("a healthy status is {} where a number is expected", kind(value.get_ref()));
        mistakes.add(&value.span(), message, format!("write it without quotes: `{example}`"));
        return None;
    };
    let status = integer(number).filter(|status| (100..600).contains(status));
    if status.is_none() {
        let message = format!("{} is not an HTTP status", quotable(&number.to_string()));
        mistakes.add(
            &value.span(),
            message,
            "statuses go from 100 to 599; 200 is healthy without being named".to_owned(),
        );
    }
    status
}

fn integer(number: &DeInteger<'_>) -> Option<u16> {
    u16::from_str_radix(number.as_str(), number.radix()).ok()
}

fn read_need<'t>(value: &'t Spanned<DeValue<'t>>, mistakes: &mut Mistakes) -> Option<Need> {
    let section = Section::open("an entry of `needs`", value, &NEED_KEYS, mistakes)?;
    let solution = section
        .required_text("solution", "solution = \"device-health\"", mistakes)
        .and_then(|text| choose("solution", &text, &Solution::ALL.map(|solution| (solution.id(), solution)), mistakes));
    let levels = [("required", NeedLevel::Required), ("improves", NeedLevel::Improves)];
    let level = section
        .required_text("need", "need = \"required\"", mistakes)
        .and_then(|text| choose("need", &text, &levels, mistakes));
    let builds = section.required("builds", "builds = \"17763..\"", mistakes).map(|value| read_builds(value, mistakes));
    let source = section.text("source", mistakes).map_or_else(String::new, |text| text.value.to_owned());
    let as_of = read_date(&section, mistakes);
    let conflict = section.text("conflict", mistakes).map(|text| text.value.to_owned());
    Some(Need { solution: solution?, level: level?, builds: builds?, source, as_of, conflict })
}

/// One range, or a list of them.
fn read_builds<'t>(value: &'t Spanned<DeValue<'t>>, mistakes: &mut Mistakes) -> Vec<BuildRange> {
    const EXAMPLE: &str = "builds = [\"17134.319..\", \"15063\"]";
    let written = match value.get_ref() {
        DeValue::Array(list) if list.is_empty() => {
            mistakes.add(&value.span(), "`builds` names no build", format!("write `{EXAMPLE}`"));
            return Vec::new();
        }
        DeValue::Array(_) => texts("builds", value, mistakes),
        _ => text("builds", value, mistakes).map(|range| vec![range]),
    };
    let read = |range: &Text<'_>| match range.value.parse::<BuildRange>() {
        Ok(builds) => Some(builds),
        Err(mistake) => {
            mistakes.add(&range.span, mistake.to_string(), mistake.suggestion());
            None
        }
    };
    written.unwrap_or_default().iter().filter_map(read).collect()
}

fn read_claim<'t>(value: &'t Spanned<DeValue<'t>>, mistakes: &mut Mistakes) -> Option<Claim> {
    let section = Section::open("an entry of `sources`", value, &CLAIM_KEYS, mistakes)?;
    let claim = section.required_text("claim", "claim = \"what is said\"", mistakes);
    let source = section.required_text("source", "source = \"who says it\"", mistakes);
    let as_of = read_date(&section, mistakes);
    Some(Claim { claim: claim?.value.to_owned(), source: source?.value.to_owned(), as_of })
}

/// `as_of`: a year, a month or a day, as text or as a TOML date; empty when it is not said.
fn read_date(section: &Section<'_>, mistakes: &mut Mistakes) -> String {
    let Some(value) = section.get("as_of") else { return String::new() };
    if let DeValue::Datetime(moment) = value.get_ref()
        && let Some(date) = moment.date
    {
        return date.to_string();
    }
    let Some(date) = text("as_of", value, mistakes) else { return String::new() };
    if !is_date(date.value) {
        let message = format!("`{}` is not a date", quotable(date.value));
        mistakes.add(&date.span, message, "write `2019-03-31`, `2019-03` or `2019`".to_owned());
    }
    date.value.to_owned()
}

fn is_date(text: &str) -> bool {
    let full = match text.len() {
        4 => format!("{text}-01-01"),
        7 => format!("{text}-01"),
        10 => text.to_owned(),
        _ => return false,
    };
    full.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') && full.parse::<jiff::civil::Date>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::is_date;

    #[test]
    fn a_date_is_a_year_a_month_or_a_day_that_exists() {
        for date in ["2019", "2019-03", "2020-02-29"] {
            assert!(is_date(date), "{date}");
        }
        for date in
            ["", "19", "2019-13", "2019-02-30", "2019-3-1", "+019", "March 2019", "2019-03-31T00:00", "２０１９"]
        {
            assert!(!is_date(date), "{date}");
        }
    }
}
