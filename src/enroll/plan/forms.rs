//! The plan as a registry file, for group policy and for device management.

use std::fmt::Write as _;

use super::{Plan, PlanMistake};
use crate::registry::{Value, to_reg_bytes, to_reg_text};

/// A `.reg` file as Windows imports it: UTF-16 with a mark.
#[must_use]
pub fn reg(plan: &Plan) -> Vec<u8> {
    to_reg_bytes(&to_reg_text(&plan.snapshot(), &plan.remarks()))
}

/// The text that Microsoft's LGPO tool takes with /t.
#[must_use]
pub fn lgpo(plan: &Plan) -> String {
    let mut text = String::new();
    for remark in plan.remarks() {
        let _ = write!(text, "; {remark}\r\n");
    }
    for planned in &plan.values {
        let key = planned.key.trim_start_matches("HKLM\\");
        let action = match &planned.value {
            Value::Dword(number) => format!("DWORD:{number}"),
            other => format!("SZ:{}", other.as_text().unwrap_or_default()),
        };
        let _ = write!(text, "\r\nComputer\r\n{key}\r\n{}\r\n{action}\r\n", planned.name);
    }
    text
}

/// A table of OMA-URI settings for Intune.
///
/// # Errors
/// [`PlanMistake`] where a value has no node.
pub fn intune(plan: &Plan) -> Result<String, PlanMistake> {
    let mut text = String::from("Name,Description,OMA-URI,Data type,Value\r\n");
    for (name, why, node, value) in nodes(plan)? {
        let kind = if matches!(value, Value::Dword(_)) { "Integer" } else { "String" };
        // The warning belongs to the one value that it is about: a table has no other place for it.
        let why = if name == "CommercialId" { format!("{why}. {}", super::WARNING) } else { why.to_owned() };
        let cells = [name, &why, node, kind, &plain(value)].map(|cell| format!("\"{}\"", cell.replace('"', "\"\"")));
        let _ = write!(text, "{}\r\n", cells.join(","));
    }
    Ok(text)
}

/// `SyncML` commands for any management server.
///
/// # Errors
/// [`PlanMistake`] where a value has no node.
pub fn syncml(plan: &Plan) -> Result<String, PlanMistake> {
    let nodes = nodes(plan)?;
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<!--\n");
    for remark in plan.remarks() {
        let _ = writeln!(text, "  {}", remark.replace("--", "- -"));
    }
    text.push_str("-->\n<SyncML xmlns=\"SYNCML:SYNCML1.2\">\n  <SyncBody>\n");
    for (index, (_, _, node, value)) in nodes.into_iter().enumerate() {
        let format = if matches!(value, Value::Dword(_)) { "int" } else { "chr" };
        let _ = write!(
            text,
            "    <Replace>\n      <CmdID>{}</CmdID>\n      <Item>\n        <Target>\n          <LocURI>{}</LocURI>\n        \
             </Target>\n        <Meta>\n          <Format xmlns=\"syncml:metinf\">{format}</Format>\n          \
             <Type xmlns=\"syncml:metinf\">text/plain</Type>\n        </Meta>\n        <Data>{}</Data>\n      \
             </Item>\n    </Replace>\n",
            index + 1,
            escaped(&node.replace(' ', "%20")),
            escaped(&plain(value)),
        );
    }
    text.push_str("    <Final/>\n  </SyncBody>\n</SyncML>\n");
    Ok(text)
}

/// Every value with its node; device management exists from Windows 10 on.
fn nodes(plan: &Plan) -> Result<Vec<(&'static str, &str, &'static str, &Value)>, PlanMistake> {
    let node = |planned: &super::PlannedValue| {
        planned.node.ok_or_else(|| match planned.name {
            "IEDataOptIn" => PlanMistake::NoNode { name: planned.name },
            _ => PlanMistake::NoManagement { windows: plan.windows.clone() },
        })
    };
    plan.values.iter().map(|planned| Ok((planned.name, planned.why.as_str(), node(planned)?, &planned.value))).collect()
}

fn plain(value: &Value) -> String {
    value.as_text().map_or_else(|| value.shown(), str::to_owned)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
