//! What every code means, for people: one by one, as a list, and as the page in `docs/`.
//!
//! In: the table of causes and what stands behind it. Out: text. Never: a word of its own on a code, so that a report, the
//! command and the page say the same.

use std::io::{self, Write};

use super::terminal::Layout;
use super::terminal::page::Page;
use super::terminal::paint::{Tone, toned, unbroken};
use super::wording::upper_first;
use crate::catalogue::{Solution, closest};
use crate::enroll::Code;
use crate::judge::explanation::{self, Elsewhere};
use crate::judge::{Cause, Comparison, Owner, Status, owners};

/// All that is known of one code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    pub code: String,
    /// What happened, as a heading.
    pub title: &'static str,
    /// The status of a row with this code; `None` for a code of findings.
    pub status: Option<Status>,
    /// Who changes it on the direct route, and wherever it is seen on no route at all.
    pub owner: Owner,
    /// Who does where a proxy is asked.
    pub owner_at_proxy: Owner,
    pub remedy: &'static str,
    pub evidence: Option<&'static str>,
    pub why: Option<&'static str>,
    pub elsewhere: Elsewhere,
}

const NOTHING_ELSEWHERE: &str = "Nothing of their own: neither curl, nor WinHTTP, nor OONI has a word for it.";

impl Explanation {
    fn of_row(cause: &Cause, code: String) -> Self {
        let facts = cause.facts();
        let (owner, owner_at_proxy) = owners(cause);
        Self {
            title: facts.title,
            status: Some(facts.status),
            owner,
            owner_at_proxy,
            remedy: facts.remedy,
            evidence: explanation::evidence(&code),
            why: explanation::why(&code),
            elsewhere: explanation::elsewhere(&code),
            code,
        }
    }

    fn of_comparison(&Comparison { code, title, owner, remedy }: &Comparison) -> Self {
        Self {
            code: code.to_owned(),
            title,
            status: None,
            owner,
            owner_at_proxy: owner,
            remedy,
            evidence: explanation::evidence(code),
            why: explanation::why(code),
            elsewhere: explanation::elsewhere(code),
        }
    }

    /// `curl: exit 60 · WinHTTP: 12038 · OONI: ssl_invalid_hostname`.
    fn others(&self) -> String {
        let Elsewhere { curl, windows, ooni } = self.elsewhere;
        let said: Vec<String> = [("curl: exit", curl), ("Windows (WinHTTP, Schannel):", windows), ("OONI:", ooni)]
            .into_iter()
            .filter_map(|(tool, said)| Some(format!("{tool} {}", said?)))
            .collect();
        if said.is_empty() { NOTHING_ELSEWHERE.to_owned() } else { said.join(" · ") }
    }

    fn standing(&self) -> String {
        match self.status {
            Some(status) if family(&self.code) == "chain" => {
                format!("a row with this code is {status}, or what the root that its chain leads to makes of it")
            }
            Some(_) if matches!(family(&self.code), "pac" | "conf") => {
                "stands in findings, or in the error of a command that cannot go on; never in a row".to_owned()
            }
            // Without TLS there is no sign at all that the service was reached.
            Some(Status::Degraded) if matches!(&*self.code, "http.empty" | "http.malformed" | "http.timeout_first_byte") => {
                "a row with this code is degraded, and blocked over plain http, where nothing else shows that the service was reached"
                    .to_owned()
            }
            Some(Status::Blocked) if self.code == "proxy.not_forwarding" => {
                "a row with this code is blocked, and inconclusive over plain http, where the service may have answered so too".to_owned()
            }
            Some(status) => format!("a row with this code is {status}"),
            None => "stands in findings only: it takes several rows, or several answers, to see it".to_owned(),
        }
    }
}

/// Every code once, family by family; the alert stands for all alerts.
#[must_use]
pub fn all() -> Vec<Explanation> {
    let mut all: Vec<Explanation> =
        Cause::ALL.iter().map(|cause| Explanation::of_row(cause, row_code(cause))).collect();
    all.extend(Comparison::ALL.map(Explanation::of_comparison));
    let mut families: Vec<String> = Vec::new();
    for known in &all {
        if !families.iter().any(|other| other == family(&known.code)) {
            families.push(family(&known.code).to_owned());
        }
    }
    all.sort_by_key(|known| families.iter().position(|other| other == family(&known.code)));
    all
}

fn row_code(cause: &Cause) -> String {
    match cause {
        Cause::TlsAlert(_) => cause.facts().code.to_owned(),
        other => other.code(),
    }
}

fn family(code: &str) -> &str {
    code.split('.').next().unwrap_or_default()
}

/// What `code` means.
///
/// # Errors
/// A sentence with what was probably meant.
pub fn find(code: &str) -> Result<Explanation, String> {
    let code = code.trim().to_ascii_lowercase();
    if let Some(cause) = Cause::from_code(&code) {
        return Ok(Explanation::of_row(&cause, code));
    }
    if let Some(comparison) = Comparison::from_code(&code) {
        return Ok(Explanation::of_comparison(comparison));
    }
    let all = all();
    let quoted = crate::catalogue::quotable(&code);
    let of_family: Vec<&str> =
        all.iter().map(|known| known.code.as_str()).filter(|known| family(known) == family(&code)).collect();
    Err(match closest(&code, all.iter().map(|known| known.code.as_str())) {
        Some(meant) => format!("`{quoted}` is no code: did you mean `{meant}`?"),
        None if of_family.len() > 1 => {
            format!("`{quoted}` is no code; of this family there are {}", of_family.join(", "))
        }
        None => format!("`{quoted}` is no code: `waprobe explain` alone lists all of them"),
    })
}

/// What Windows calls by `number`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowsError {
    /// As it stands in our own texts: `12002`, `0x800B0109`.
    number: String,
    /// The codes for which Windows may report it.
    codes: Vec<Explanation>,
}

/// The codes behind one of Windows' error numbers: a number of `WinHTTP`, also as the HRESULT that other logs make of it
/// (`0x80072EE2`), or one of the security libraries, also as a signed number. `None` for what is no such number.
///
/// # Errors
/// A sentence, when no fault that is told apart here has this number.
#[must_use]
pub fn find_windows_error(text: &str) -> Option<Result<WindowsError, String>> {
    let number = windows_number(text.trim())?;
    let of_number = |known: &Explanation| {
        explanation::windows_errors(&known.code).iter().any(|other| other.eq_ignore_ascii_case(&number))
    };
    let codes: Vec<Explanation> = all().into_iter().filter(of_number).collect();
    if codes.is_empty() {
        let all = all();
        let mut numbers: Vec<&str> = all.iter().flat_map(|known| explanation::windows_errors(&known.code)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        return Some(Err(format!("no code here is what Windows calls {number}; known are {}", numbers.join(", "))));
    }
    Some(Ok(WindowsError { number, codes }))
}

/// In the form in which `elsewhere` has it.
fn windows_number(text: &str) -> Option<String> {
    let value = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) if explanation::is_windows_error(text) => u32::from_str_radix(digits, 16).ok()?,
        Some(_) => return None,
        None if explanation::is_windows_error(text) => return Some(text.to_owned()),
        // Logs print the same 32 bits with a sign or without.
        None => match text.parse::<i64>().ok()? {
            negative if negative < 0 => u32::from_ne_bytes(i32::try_from(negative).ok()?.to_ne_bytes()),
            positive => u32::try_from(positive).ok().filter(|number| *number >= 0x8000_0000)?,
        },
    };
    Some(match value & 0xFFFF {
        error @ 12_000..=12_999 if value >> 16 == HRESULT_OF_WIN32 => error.to_string(),
        _ => format!("0x{value:08X}"),
    })
}

/// The upper half of an HRESULT that only wraps a Win32 error.
const HRESULT_OF_WIN32: u32 = 0x8007;

/// Writes the codes that Windows calls by one number.
///
/// # Errors
/// What `out` says when it cannot take more.
pub fn write_windows_error(error: &WindowsError, layout: Layout, out: &mut impl Write) -> io::Result<()> {
    let mut page = Page::new(layout);
    let heading = match error.codes.as_slice() {
        [_] => format!("Windows reports {} where one fault is seen here:", error.number),
        codes => {
            format!("Windows reports {} for any of {} faults that are told apart here:", error.number, codes.len())
        }
    };
    page.prose("", &toned(Tone::Heading, &heading));
    page.gap();
    let width = error.codes.iter().map(|known| known.code.len()).max().unwrap_or_default();
    for known in &error.codes {
        page.prose(&format!("  {:width$}  ", known.code), known.title);
    }
    page.gap();
    page.prose(
        "",
        &format!(
            "{} says which of them it is on this network; {} says what one means.",
            unbroken("waprobe check"),
            unbroken("waprobe explain CODE")
        ),
    );
    page.write(out)
}

/// Writes what one code means.
///
/// # Errors
/// What `out` says when it cannot take more.
pub fn write(known: &Explanation, layout: Layout, out: &mut impl Write) -> io::Result<()> {
    let mut page = Page::new(layout);
    page.prose("", &toned(Tone::Heading, &format!("{}: {}.", known.code, known.title)));
    page.gap();
    for (label, text) in parts(known) {
        page.prose(&format!("  {label:<18}"), &text);
    }
    page.write(out)
}

fn parts(known: &Explanation) -> Vec<(&'static str, String)> {
    let sentence = |text: &str| format!("{}.", upper_first(text.trim_end_matches('.')));
    let mut parts = Vec::new();
    if let Some(evidence) = known.evidence {
        parts.push(("What was seen", sentence(evidence)));
    }
    if let Some(why) = known.why {
        parts.push(("Why it matters", sentence(why)));
    }
    let who = if known.owner == known.owner_at_proxy {
        known.owner.as_str().to_owned()
    } else {
        format!("{}; where a proxy is asked, the {}", known.owner, known.owner_at_proxy)
    };
    parts.push(("Who changes it", sentence(&who)));
    let beside = explanation::beside_the_change(&known.code).map(|text| format!(" {text}")).unwrap_or_default();
    parts.push(("Change", sentence(known.remedy) + &beside));
    parts.push(("Others would say", known.others()));
    parts.push(("Standing", sentence(&known.standing())));
    parts
}

/// The code of a device's settings that `code` is.
#[must_use]
pub fn find_setting(code: &str) -> Option<Code> {
    let code = code.trim();
    Code::ALL.into_iter().find(|known| known.id().eq_ignore_ascii_case(code))
}

/// Writes what one code of a device's settings means.
///
/// # Errors
/// What `out` says when it cannot take more.
pub fn write_setting(code: Code, layout: Layout, out: &mut impl Write) -> io::Result<()> {
    let mut page = Page::new(layout);
    page.prose("", &toned(Tone::Heading, &format!("{}: {}.", code.id(), code.guide().title)));
    page.gap();
    for (label, text) in setting_parts(code) {
        page.prose(&format!("  {label:<18}"), &text);
    }
    page.write(out)
}

fn setting_parts(code: Code) -> [(&'static str, String); 4] {
    let effect = match code.keeps_out_of(&Solution::ALL).as_slice() {
        [] => "The device appears, and some of its data does not, or comes late, or not where one looks.".to_owned(),
        [one] => format!("The device does not appear in {}.", one.title()),
        _ => "The device does not appear, or not in every solution: `waprobe diagnose` says in which.".to_owned(),
    };
    [
        ("Why it matters", effect),
        ("Who changes it", format!("{}.", upper_first(Owner::DesktopTeam.as_str()))),
        ("Change", format!("{}.", upper_first(code.guide().change))),
        (
            "Standing",
            "Stands in `waprobe enroll check` and `waprobe diagnose`, with what this device has there.".to_owned(),
        ),
    ]
}

/// Writes a line for every code.
///
/// # Errors
/// What `out` says when it cannot take more.
pub fn write_list(layout: Layout, out: &mut impl Write) -> io::Result<()> {
    let mut page = Page::new(layout);
    let all = all();
    let width = all.iter().map(|known| known.code.len()).max().unwrap_or_default();
    let mut last = String::new();
    for known in &all {
        if !last.is_empty() && last != family(&known.code) {
            page.gap();
        }
        family(&known.code).clone_into(&mut last);
        page.prose(&format!("{:width$}  ", known.code), known.title);
    }
    page.gap();
    let width = Code::ALL.iter().map(|known| known.id().len()).max().unwrap_or_default();
    for known in Code::ALL {
        page.prose(&format!("{:width$}  ", known.id()), known.guide().title);
    }
    page.gap();
    page.prose("", &format!("One of them in full: {}", unbroken("waprobe explain CODE")));
    page.write(out)
}

/// Writes the page of all codes in Markdown, with an anchor for each. `not_producible` are the codes that the loopback world
/// of this program cannot show, each with the reason.
///
/// # Errors
/// What `out` says when it cannot take more.
pub fn write_page(not_producible: &[(&str, &str)], out: &mut impl Write) -> io::Result<()> {
    let all = all();
    writeln!(
        out,
        "# Codes\n\n<!-- Generated from the table of causes: UPDATE_DOCS=1 cargo test --test report -->\n\n\
         Every code that a row or a finding can have. `waprobe explain CODE` prints the same. Beside each code stands what\n\
         other tools report for the same fault, as far as their documentation says.\n"
    )?;
    for known in &all {
        writeln!(out, "- [`{}`](#{}): {}", known.code, known.code, known.title)?;
    }
    for known in &all {
        let code = &known.code;
        writeln!(out, "\n<a id=\"{code}\"></a>\n\n## `{code}`\n\n{}.\n", known.title)?;
        for (label, text) in parts(known) {
            writeln!(out, "- **{label}**: {text}")?;
        }
        if let Some((_, reason)) = not_producible.iter().find(|(other, _)| other == code) {
            writeln!(out, "- **In the lab**: not shown by `waprobe lab`: {reason}.")?;
        }
    }
    let never: Vec<&(&str, &str)> =
        not_producible.iter().filter(|(code, _)| !all.iter().any(|known| known.code == *code)).collect();
    if !never.is_empty() {
        writeln!(out, "\n## Never given\n\nWhat others might look for, and no row or finding has:\n")?;
    }
    for (code, reason) in never {
        writeln!(out, "- <a id=\"{code}\"></a>`{code}`: {reason}.")?;
    }
    writeln!(
        out,
        "\n## Settings of a device\n\nWhat `waprobe enroll check` finds in a device's registry, services, tasks and updates. Policies stand in group\n\
         policy under Computer Configuration > Administrative Templates > Windows Components > Data Collection and Preview Builds,\n\
         unless another place is named."
    )?;
    for known in Code::ALL {
        let (id, title) = (known.id(), known.guide().title);
        writeln!(out, "\n<a id=\"{id}\"></a>\n\n### `{id}`\n\n{title}.\n")?;
        for (label, text) in setting_parts(known) {
            writeln!(out, "- **{label}**: {text}")?;
        }
    }
    writeln!(
        out,
        "\n## `ur:N`\n\nExit codes of Microsoft's deployment script are explained by `waprobe explain ur:27` and the like."
    )
}
