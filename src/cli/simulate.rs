//! `capplan simulate`.

use std::path::Path;

use crate::catalog::Catalog;
use crate::report::{
    Provenances, artifacts, fitted_table, flat_table, result_json, short_table, summary, terminal,
    write_folder,
};
use crate::stats::Stopping;
use crate::steptime::StepTimes;
use crate::study::{self, Comparison, Options};

use super::args::{Format, Shared, Simulate};
use super::exit::{Failure, Status};
use super::fail_if::Threshold;
use super::input::{self, Loaded};
use super::output::{lively, to_stderr, to_stdout, width};
use super::progress::{Bar, cancel_on_interrupt};
use super::trace::Trace;

pub fn run(options: &Simulate, shared: &Shared) -> Result<Status, Failure> {
    let stopping = stopping(options)?;
    let thresholds =
        options.fail_if.iter().map(|text| Threshold::parse(text)).collect::<Result<Vec<_>, _>>()?;
    if options.out.is_some() && options.scenarios.len() > 1 {
        return Err(Failure::plain(Status::Usage, "usage", "--out takes one scenario at a time"));
    }
    let trace = Trace::of(options)?;
    let catalog = input::catalog(&options.input.catalog)?;
    let step_times = step_times()?;
    // Every scenario is read before any is simulated: what is wrong is told before anything is written.
    let loaded = options
        .scenarios
        .iter()
        .map(|name| {
            input::scenario(name, &options.input, &catalog).map_err(|error| missing(error, options.strict))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let cancel = cancel_on_interrupt();
    let study_options =
        Options { seed: options.input.seed, stopping, threads: options.input.threads.map(usize::from) };
    // A fleet that is not there is told before minutes of simulation.
    let first = loaded.first().map(|one| (&one.scenario, &catalog, &step_times));
    let named = match trace.as_ref().zip(first) {
        Some((trace, known)) => trace.named(known, &cancel)?,
        None => None,
    };
    let mut comparisons = Vec::new();
    for one in &loaded {
        let bar = Bar::new(!options.no_progress && !shared.quiet, lively(shared.color), shared.verbose > 0);
        let comparison = study::run(&one.scenario, &catalog, &step_times, &study_options, &cancel, &bar);
        bar.finish();
        comparisons.push(comparison?);
    }
    if options.strict {
        comparisons.iter().try_for_each(strict)?;
    }
    if let (Some(trace), Some(known), [comparison]) = (&trace, first, comparisons.as_slice()) {
        let said = trace.tell(named, comparison, known, &cancel)?;
        if !shared.quiet {
            to_stderr(&said);
        }
    }
    if let (Some(folder), [one], [comparison]) = (&options.out, loaded.as_slice(), comparisons.as_slice()) {
        write_out(folder, options, &catalog, one, comparison)?;
        if !shared.quiet {
            to_stderr(&format!("wrote {}\n", folder.display()));
        }
    }
    to_stdout(&texts(&comparisons, options.format))?;
    let mut worst = Status::Done;
    for comparison in &comparisons {
        let status = status(comparison, &thresholds, shared)?;
        if status != Status::Done {
            worst = status;
        }
    }
    Ok(worst)
}

/// One result as it is; several in JSON as an array, in other forms one after the other.
fn texts(comparisons: &[Comparison], format: Format) -> String {
    let all: Vec<String> = comparisons.iter().map(|comparison| text(comparison, format)).collect();
    match (format, all.as_slice()) {
        (Format::Json, [_, _, ..]) => format!("[\n{}]\n", all.join(",\n")),
        (Format::Table, _) => all.join("\n"),
        _ => all.concat(),
    }
}

/// The shipped step times.
pub(super) fn step_times() -> Result<StepTimes, Failure> {
    StepTimes::embedded().map_err(|error| Failure::plain(Status::Fault, "profile", error.to_string()))
}

fn stopping(options: &Simulate) -> Result<Stopping, Failure> {
    match (options.replicas, options.precision) {
        (Some(count), _) => Ok(Stopping::after(count as usize)),
        (None, Some(precision)) if precision > 0.0 && precision <= 1.0 => {
            Ok(Stopping { precision, cap: 2000, ..Stopping::default() })
        }
        (None, Some(precision)) => {
            let message = format!("--precision {precision} must lie between 0 and 1");
            Err(Failure::plain(Status::Usage, "usage", message))
        }
        (None, None) => Ok(Stopping::default()),
    }
}

fn text(comparison: &Comparison, format: Format) -> String {
    match format {
        Format::Json => result_json(comparison),
        Format::Csv => flat_table(comparison).csv(),
        Format::Markdown => short_table(comparison).markdown(),
        Format::Table => {
            let title = crate::report::clean(&comparison.scenario);
            format!(
                "{title}\n{}\n{}",
                terminal(&fitted_table(comparison, width()), width()),
                summary(comparison)
            )
        }
    }
}

fn write_out(
    folder: &Path,
    options: &Simulate,
    catalog: &Catalog,
    loaded: &Loaded,
    comparison: &Comparison,
) -> Result<(), Failure> {
    let provenances = Provenances {
        scenario: loaded.text.clone(),
        resolved: loaded.document.clone(),
        catalog_digest: catalog.digest.clone(),
    };
    let files = artifacts(comparison, &provenances)?;
    Ok(write_folder(folder, &files, options.force)?)
}

/// Under --strict, a profile that is not there or not sound is a missing calibration.
fn missing(failure: Failure, strict: bool) -> Failure {
    match failure {
        Failure::Faults(faults)
            if strict
                && faults
                    .sorted()
                    .iter()
                    .all(|fault| ["workload.profile", "checksum"].contains(&fault.key.as_str())) =>
        {
            let words: Vec<String> = faults.sorted().iter().map(|fault| fault.to_string()).collect();
            Failure::plain(Status::Calibration, "calibration", words.join("; "))
        }
        failure => failure,
    }
}

fn strict(comparison: &Comparison) -> Result<(), Failure> {
    use crate::catalog::Provenance;
    let loose: Vec<&str> = comparison
        .rows
        .iter()
        .filter(|row| row.provenance.is_some_and(|provenance| provenance > Provenance::Catalog))
        .map(|row| row.fleet.as_str())
        .collect();
    if loose.is_empty() {
        return Ok(());
    }
    let message = format!("step times are not measured for: {}", loose.join(", "));
    Err(Failure::plain(Status::Calibration, "calibration", message)
        .suggest("leave out --strict to accept carried-over figures"))
}

fn status(comparison: &Comparison, thresholds: &[Threshold], shared: &Shared) -> Result<Status, Failure> {
    let table = flat_table(comparison);
    for threshold in thresholds {
        let crossed = threshold.crossed(&table);
        if !crossed.is_empty() {
            if !shared.quiet {
                to_stderr(&format!("--fail-if {}: {}\n", threshold.text(), crossed.join(", ")));
            }
            return Ok(Status::Threshold);
        }
    }
    Ok(if comparison.recommended.is_some() { Status::Done } else { Status::NoFleet })
}
