//! What changed between two reports: the answer to "did this rule break anything?"
//!
//! In: two reports, of which the earlier may come from another version of this program. Out: the rows that are worse, better,
//! undecided, otherwise changed, new and gone. Never: a guess about rows that only one report has.

mod past;
mod text;

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Serialize;

use past::Way;
pub use past::{Past, PastRow, read};
pub use text::write;
pub(super) use text::{draw, groups, sentence};

/// The name of this format; additions keep it, anything else changes it.
pub const SCHEMA: &str = "waprobe-diff/1";

/// Two reports compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Changes {
    /// `waprobe-diff/1`.
    #[schemars(extend("const" = SCHEMA))]
    pub schema: &'static str,
    /// When the earlier run started, as its report says.
    pub before: String,
    pub after: String,
    /// How many rows both reports have and that are the same in both.
    pub unchanged: usize,
    /// In the order of the later report; what is gone at the end.
    pub rows: Vec<Change>,
    /// What makes the comparison less than it seems.
    pub remarks: Vec<String>,
}

/// One row that is not as it was. Across reports a row is its endpoint and its route's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Change {
    pub kind: Kind,
    pub endpoint: String,
    pub url: String,
    /// The key of its route; the later one where another scheme decides now.
    pub route: String,
    /// `null` for a new row.
    pub before: Option<State>,
    /// `null` for a row that is gone.
    pub after: Option<State>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct State {
    pub status: String,
    pub code: String,
    pub summary: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Less gets out than before.
    Worse,
    /// In the later report only.
    New,
    /// In the earlier report only.
    Gone,
    /// It was known before whether data gets out, and is not now.
    Undecided,
    /// As bad as before, for another reason.
    Changed,
    /// More gets out than before, or it is known now that it does.
    Better,
}

/// What a comparison means to the shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tendency {
    /// Something is worse, or a new row is blocked or intercepted.
    Worse,
    /// Nothing is known to be worse, but rows are gone or no longer decided.
    Unclear,
    /// Nothing is worse.
    Good,
}

impl Kind {
    pub const ALL: [Self; 6] = [Self::Worse, Self::New, Self::Gone, Self::Undecided, Self::Changed, Self::Better];

    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Worse => "Worse",
            Self::New => "New",
            Self::Gone => "Gone",
            Self::Undecided => "No longer decided",
            Self::Changed => "Changed",
            Self::Better => "Better",
        }
    }
}

/// How much gets out. Statuses of later versions say nothing to this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Worth {
    Nothing,
    WithRemark,
    Everything,
}

fn worth(status: &str) -> Option<Worth> {
    match status {
        "ok" => Some(Worth::Everything),
        "degraded" => Some(Worth::WithRemark),
        "blocked" | "intercepted" => Some(Worth::Nothing),
        _ => None,
    }
}

impl Change {
    /// Whether this is what `--fail-on new` names: less gets out than before, or a row that was not there does not get out.
    #[must_use]
    pub fn is_regression(&self) -> bool {
        let fails = self.after.as_ref().is_some_and(|after| worth(&after.status) == Some(Worth::Nothing));
        self.kind == Kind::Worse || (self.kind == Kind::New && fails)
    }
}

impl Changes {
    /// Compares `after` with `before`.
    #[must_use]
    pub fn between(before: &Past, after: &Past) -> Self {
        let partners = partners(&before.rows, &after.rows);
        let mut rows = Vec::new();
        let mut unchanged = 0;
        for (row, partner) in after.rows.iter().zip(&partners) {
            let was = partner.map(|at| &before.rows[at]);
            let kind = match was {
                None => Kind::New,
                Some(was) if was.status == row.status && was.code == row.code => {
                    unchanged += 1;
                    continue;
                }
                Some(was) => kind(was, row),
            };
            rows.push(Change {
                kind,
                endpoint: row.endpoint.clone(),
                url: row.url.clone(),
                route: row.route.key.clone(),
                before: was.map(PastRow::state),
                after: Some(row.state()),
            });
        }
        let mut stays = vec![false; before.rows.len()];
        for at in partners.into_iter().flatten() {
            stays[at] = true;
        }
        let gone = before.rows.iter().zip(stays).filter(|(_, stays)| !stays).map(|(row, _)| Change {
            kind: Kind::Gone,
            endpoint: row.endpoint.clone(),
            url: row.url.clone(),
            route: row.route.key.clone(),
            before: Some(row.state()),
            after: None,
        });
        rows.extend(gone);
        Self {
            schema: SCHEMA,
            before: before.run.started.clone(),
            after: after.run.started.clone(),
            unchanged,
            rows,
            remarks: remarks(before, after),
        }
    }

    #[must_use]
    pub fn tendency(&self) -> Tendency {
        if self.rows.iter().any(Change::is_regression) {
            Tendency::Worse
        } else if self.rows.iter().any(|row| matches!(row.kind, Kind::Gone | Kind::Undecided)) {
            Tendency::Unclear
        } else {
            Tendency::Good
        }
    }
}

fn kind(was: &PastRow, is: &PastRow) -> Kind {
    match (worth(&was.status), worth(&is.status)) {
        (Some(before), Some(after)) if after < before => Kind::Worse,
        (Some(before), Some(after)) if after > before => Kind::Better,
        (None, Some(Worth::Nothing)) => Kind::Worse,
        (None, Some(_)) => Kind::Better,
        (Some(_), None) => Kind::Undecided,
        _ => Kind::Changed,
    }
}

/// For each later row the place of the earlier one: by endpoint and route key; of what is left, by the same endpoint, proxy
/// and identity where there is only one, because a key holds the scheme only once a scheme was decided.
fn partners(before: &[PastRow], after: &[PastRow]) -> Vec<Option<usize>> {
    let mut exact: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
    for (place, row) in before.iter().enumerate().rev() {
        exact.entry((&row.endpoint, &row.route.key)).or_default().push(place);
    }
    let mut partners: Vec<Option<usize>> = after
        .iter()
        .map(|row| exact.get_mut(&(row.endpoint.as_str(), row.route.key.as_str())).and_then(Vec::pop))
        .collect();
    let mut is_free = vec![true; before.len()];
    for at in partners.iter().flatten() {
        is_free[*at] = false;
    }
    let mut left: HashMap<Way<'_>, (Vec<usize>, Vec<usize>)> = HashMap::new();
    for (place, row) in before.iter().enumerate().filter(|(place, _)| is_free[*place]) {
        left.entry(row.way()).or_default().0.push(place);
    }
    for (place, row) in after.iter().enumerate().filter(|(place, _)| partners[*place].is_none()) {
        left.entry(row.way()).or_default().1.push(place);
    }
    for (earlier, later) in left.into_values() {
        if let ([earlier], [later]) = (earlier.as_slice(), later.as_slice()) {
            partners[*later] = Some(*earlier);
        }
    }
    partners
}

fn remarks(before: &Past, after: &Past) -> Vec<String> {
    let mut remarks = Vec::new();
    for (which, past) in [("earlier", before), ("later", after)] {
        if !past.run.complete {
            remarks.push(format!("the {which} run was cut short"));
        }
    }
    if before.run.os != after.run.os {
        remarks.push(format!("the runs were about different Windows versions: {} and {}", before.run.os, after.run.os));
    }
    if before.run.catalogue != after.run.catalogue {
        remarks
            .push(format!("the runs had different catalogues: {} and {}", before.run.catalogue, after.run.catalogue));
    }
    remarks
}
