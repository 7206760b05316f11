//! Every row with what was seen, folded until somebody wants to know.

use maud::{Markup, html};

use crate::harmless::sanitize;
use crate::judge::Status;
use crate::report::advice::{Numbers, address};
use crate::report::columns::Column;
use crate::report::counts::plural;
use crate::report::{Chain, Report, Row, Timings, word, wording};

/// More rows than this make a page that no browser likes to open.
const SHOWN_ROWS: usize = 1_000;

pub(super) fn rows(report: &Report, columns: &[Column<'_>], numbers: &Numbers<'_>) -> Markup {
    let mut left = SHOWN_ROWS;
    html! {
        @if !report.rows.is_empty() {
            section.rows {
                h2 { "Every row" }
                p.facts { "Open a row to see what was seen. Printed is what is open." }
                @for column in columns {
                    @let shown = column.rows.len().min(left);
                    @if shown > 0 { h3 { (wording::route_name(column.route(), column.scheme)) } }
                    @for row in column.rows.iter().take(shown) { (details(row, numbers)) }
                    @let () = left -= shown;
                }
                @if report.rows.len() > SHOWN_ROWS {
                    p.facts { (plural(report.rows.len() - SHOWN_ROWS, "more row")) " are in the JSON report." }
                }
            }
        }
    }
}

fn details(row: &Row, numbers: &Numbers<'_>) -> Markup {
    html! {
        details {
            summary {
                span class=(format!("chip {}", row.status)) { (wording::status(row.status)) }
                " " (address(row))
                @if row.status != Status::Ok { " " code { (sanitize(&row.code)) } }
            }
            div.evidence {
                p {
                    (sanitize(&row.summary))
                    @if let Some(number) = numbers.of(row) {
                        " " a href=(format!("#change-{number}")) { "[" (number) "]" }
                    }
                }
                @if !row.evidence.is_empty() {
                    ul { @for line in &row.evidence { li { (sanitize(line)) } } }
                }
                p.facts {
                    (sanitize(&row.url)) " · " (sanitize(&row.route.key.0)) " · decided at stage " (word(&row.stage))
                    @let times = times(&row.timings_ms);
                    @if !times.is_empty() { " · " (times) }
                    @if !row.required { " · not required" }
                }
                @if let Some(chain) = &row.chain { (certificates(chain)) }
            }
        }
    }
}

fn times(times: &Timings) -> String {
    let stages = [
        ("dns", times.dns),
        ("tcp", times.tcp),
        ("proxy", times.proxy),
        ("tls", times.tls),
        ("http", times.http),
        ("in all", times.total),
    ];
    let told: Vec<String> =
        stages.into_iter().filter_map(|(stage, time)| Some(format!("{stage} {} ms", time?))).collect();
    told.join(", ")
}

fn certificates(chain: &Chain) -> Markup {
    let yes_or_no = |answer: Option<bool>| match answer {
        Some(true) => "yes",
        Some(false) => "no",
        None => "not known",
    };
    html! {
        p.facts {
            "chain leads to " (word(&chain.reached))
            " · key proved: " (yes_or_no(chain.proved))
            " · this machine trusts it: " (yes_or_no(chain.machine_trusts))
            @if let Some(product) = &chain.product { " · looks like " (sanitize(product)) }
        }
        div.wide {
            table.certificates {
                thead { tr { th scope="col" { "subject" } th scope="col" { "issuer" } th scope="col" { "valid" } th scope="col" { "SHA-256" } } }
                tbody {
                    @for certificate in chain.certificates.iter() {
                        tr {
                            td { (sanitize(&certificate.subject)) }
                            td { (sanitize(&certificate.issuer)) }
                            td { (day(&certificate.not_before)) " to " (day(&certificate.not_after)) }
                            td { code { (sanitize(&certificate.sha256)) } }
                        }
                    }
                }
            }
        }
    }
}

fn day(moment: &str) -> String {
    sanitize(moment.split('T').next().unwrap_or_default())
}
