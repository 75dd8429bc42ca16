//! `capplan check`: validate, resolve, plan; no simulation.

use crate::engine::Cancel;
use crate::report::{planned_json, planned_table, resolved_table};
use crate::study::{Depth, prepare};

use super::args::{Check, Format, Shared};
use super::exit::{Failure, Status};
use super::input;
use super::output::{table_text, to_stderr, to_stdout};
use super::simulate::step_times;

pub fn run(options: &Check, shared: &Shared) -> Result<Status, Failure> {
    let catalog = input::catalog(&options.input.catalog)?;
    let loaded = input::scenario(&options.scenario, &options.input, &catalog)?;
    if options.resolved {
        to_stdout(&table_text(&resolved_table(&loaded.resolved), options.format))?;
        return Ok(Status::Done);
    }
    let seed = options.input.seed.unwrap_or(loaded.scenario.seed);
    let plans = prepare(&loaded.scenario, &catalog, &step_times()?, seed, Depth::Plan, &Cancel::new())?;
    let table = planned_table(&plans);
    let text = match options.format {
        Format::Json => format!("{:#}\n", planned_json(&table)),
        format => table_text(&table, format),
    };
    to_stdout(&text)?;
    if !shared.quiet {
        to_stderr(&format!("{}: {} candidates, no faults\n", options.scenario, table.height()));
    }
    Ok(Status::Done)
}
