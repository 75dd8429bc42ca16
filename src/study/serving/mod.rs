//! Serving: from candidates to rows of capacity, latency and cost.

mod apart;
mod batch;
mod bill;
mod bound;
mod capacity;
mod carbon;
mod compare;
mod demand;
mod groups;
mod hybrid;
mod load_flips;
mod measure;
mod measured_language;
mod online;
mod ordinary;
mod paired;
mod prepare;
mod profile;
mod serverless;
mod several;
mod size;
mod sketch;
mod spells;
mod tally;
mod trial;
mod verdict;
mod way;

use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use crate::catalog::Catalog;
use crate::engine::Cancel;
use crate::scenario::{Mode, Scenario, ServingSpec};
use crate::steptime::StepTimes;

use super::StudyError;
use super::progress::{Finished, Progress, Watch};
use super::result::Comparison;
use online::{ServingOutcome, infeasible};
pub(in crate::study) use size::KnownCapacities;

pub use prepare::Served;
pub(in crate::study) use prepare::prepare;
pub use way::Way;

/// Requests of all runs at a scenario's own traffic: some minutes of simulation.
const MOST_REQUESTS: u64 = 60_000_000;
/// The ends of the model's error lie at so many standard deviations: those of a 90 % interval.
const Z_END: f64 = 1.644_853_626_951_472_7;

/// What is asked, with all that answers need.
#[derive(Clone, Copy)]
pub(in crate::study) struct Asked<'a> {
    pub scenario: &'a Scenario,
    pub spec: &'a ServingSpec,
    pub catalog: &'a Catalog,
    pub step_times: &'a StepTimes,
    pub seed: u64,
    pub cancel: &'a Cancel,
    pub known: &'a KnownCapacities,
}

/// Runs the whole path of a serving scenario.
///
/// # Errors
/// Too many candidates, cancelled, or a table that cannot be read.
pub(super) fn run(asked: &Asked<'_>, watch: &dyn Watch) -> Result<Comparison, StudyError> {
    let served = prepare(asked)?;
    let fleets = served.len();
    let planned = fleets as u64;
    let runs = planned.saturating_mul(measure::RUNS);
    let requests = asked.spec.traffic.requests.unwrap_or(0);
    if requests.saturating_mul(runs) > MOST_REQUESTS {
        return Err(StudyError::TooLong { requests, runs, most: MOST_REQUESTS });
    }
    let done = AtomicU64::new(0);
    let outcomes: Vec<ServingOutcome> = served
        .par_iter()
        .enumerate()
        .map(|(index, served)| {
            let outcome = outcome(asked, served);
            // What was cut short by a cancellation is no row.
            if !asked.cancel.is_cancelled() {
                watch.finished(Finished { index, fleets, row: &outcome.row });
            }
            watch.progress(Progress { done: done.fetch_add(1, Ordering::Relaxed) + 1, planned });
            outcome
        })
        .collect();
    if asked.cancel.is_cancelled() {
        return Err(StudyError::Cancelled);
    }
    Ok(compare::compare(asked, outcomes))
}

fn outcome(asked: &Asked<'_>, served: &Served) -> ServingOutcome {
    let whole = asked;
    let asked = &Asked { spec: &served.spec, ..*asked };
    let Some(way) = served.way() else { return infeasible(asked, served) };
    if !served.models.is_empty() {
        let parts = served.models.iter().map(|own| outcome(whole, own)).collect();
        return apart::apart(asked, served, parts);
    }
    let spec = serverless::scaled(asked, served, way);
    let asked = &Asked { spec: &spec, ..*asked };
    match &asked.spec.mode {
        Mode::Online => online::outcome(asked, served, way, None),
        Mode::Batch(spec) => batch::batch(asked, served, way, spec),
        Mode::Hybrid(spec) => hybrid::hybrid(asked, served, way, spec),
    }
}
