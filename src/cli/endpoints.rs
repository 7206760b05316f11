//! `waprobe endpoints`: what has to be reachable.

use super::arguments::{Color, EndpointsArguments, EndpointsCommand, Format, ScopeArguments};
use super::run::scope;
use super::{Exit, Failure, files, terminal};
use crate::catalogue::Listing;
use crate::report;

pub(super) fn run(command: Option<EndpointsCommand>) -> Result<Exit, Failure> {
    let EndpointsCommand::List(arguments) = command.unwrap_or(EndpointsCommand::List(EndpointsArguments {
        catalogue: None,
        scope: ScopeArguments { os: Vec::new(), solution: Vec::new() },
        format: Format::Table,
    }));
    let catalogue = files::catalogue_file(arguments.catalogue.as_deref())?;
    let (os, solutions) = scope(&arguments.scope)?;
    let listing = Listing::of(&catalogue, &solutions, &os);
    files::print(|mut out| match arguments.format {
        Format::Json => report::json::write(&listing, &mut out),
        Format::Table => report::endpoints::write(&listing, terminal::layout(Color::Auto, false), &mut out),
    })?;
    Ok(Exit::Ok)
}
