//! `capplan explain`.

use crate::report;
use crate::study::{self, Depth, Options, prepare};

use super::args::{Explain, Shared};
use super::exit::{Failure, Status};
use super::input;
use super::output::to_stdout;
use super::progress::cancel_on_interrupt;
use super::simulate::step_times;

pub fn run(options: &Explain, _shared: &Shared) -> Result<Status, Failure> {
    let usage = |error: report::ExplainError| Failure::plain(Status::Usage, "usage", error.to_string());
    report::known_metric(&options.metric).map_err(usage)?;
    let catalog = input::catalog(&options.input.catalog)?;
    let step_times = step_times()?;
    let loaded = input::scenario(&options.scenario, &options.input, &catalog)?;
    let seed = options.input.seed.unwrap_or(loaded.scenario.seed);
    let study_options =
        Options { seed: Some(seed), threads: options.input.threads.map(usize::from), ..Options::default() };
    let cancel = cancel_on_interrupt();
    let comparison = study::run(&loaded.scenario, &catalog, &step_times, &study_options, &cancel, &())?;
    let prepared = prepare(&loaded.scenario, &catalog, &step_times, seed, Depth::Pilot, &cancel)?;
    let text = report::explain(&loaded.scenario, &comparison, &prepared, &options.fleet, &options.metric)
        .map_err(usage)?;
    to_stdout(&text)?;
    Ok(Status::Done)
}
