//! Everything before the first event: candidates, layouts, tariffs, jobs. What is infeasible stops here and is never simulated.

use rayon::prelude::*;

use crate::catalog::{Catalog, Purchase};
use crate::cost::{Tariff, Unpriced};
use crate::engine::Cancel;
use crate::fleet::{Candidate, expand};
use crate::layout::{BatchRequest, Plan, Planned, Reason, plan};
use crate::scenario::Scenario;
use crate::steptime::StepTimes;
use crate::workload::training::{Builder, Built, InputMode, TrainingSpec};

use super::StudyError;

/// A candidate that can run.
#[derive(Clone, Debug)]
pub struct Ready {
    /// Its layout.
    pub plan: Plan,
    /// Its job.
    pub built: Built,
    /// The job when original files are read instead of records, or records instead of original files.
    pub other_mode: Option<Built>,
}

/// Whether a candidate can run.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// It can.
    Ready(Box<Ready>),
    /// It cannot, and why.
    Infeasible(Reason),
}

/// A candidate with all that is known before simulation.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The candidate.
    pub candidate: Candidate,
    /// Its price, or why there is none.
    pub tariff: Result<Tariff, Unpriced>,
    /// Whether it can run.
    pub verdict: Verdict,
}

/// Spreads the fleets and plans each candidate.
///
/// # Errors
/// Too many candidates, or cancelled.
pub fn prepare(
    scenario: &Scenario,
    catalog: &Catalog,
    step_times: &StepTimes,
    seed: u64,
    cancel: &Cancel,
) -> Result<Vec<Prepared>, StudyError> {
    let candidates = expand(&scenario.fleets)?;
    let prepared = candidates
        .into_par_iter()
        .map(|candidate| {
            let tariff = Tariff::of(
                catalog,
                &candidate.instance,
                &candidate.region,
                candidate.purchase,
                candidate.owned_price,
                &scenario.assumptions,
            );
            let verdict = verdict(scenario, catalog, step_times, &candidate, seed, cancel);
            Prepared { candidate, tariff, verdict }
        })
        .collect();
    if cancel.is_cancelled() { Err(StudyError::Cancelled) } else { Ok(prepared) }
}

fn verdict(
    scenario: &Scenario,
    catalog: &Catalog,
    step_times: &StepTimes,
    candidate: &Candidate,
    seed: u64,
    cancel: &Cancel,
) -> Verdict {
    let spec = &scenario.training;
    let request = BatchRequest {
        precision: spec.precision,
        optimizer: spec.optimizer.clone(),
        global_batch: spec.global_batch,
        batch_per_device: spec.batch_per_device,
    };
    let plan = match plan(candidate, &spec.model, &request) {
        Planned::Feasible(plan) => *plan,
        Planned::Infeasible(reason) => return Verdict::Infeasible(reason),
    };
    let build = |spec: &TrainingSpec| Builder { catalog, step_times, spec }.build(candidate, &plan, seed, cancel);
    match build(spec) {
        Ok(mut built) => {
            if candidate.purchase == Purchase::Spot && spec.failures.spot.is_none() {
                built.warnings.push("spot availability is that of a traced V100 market".to_owned());
            }
            let other_mode = match spec.input.mode {
                InputMode::DirectFeed => None,
                mode => {
                    let mut other = spec.clone();
                    other.input.mode = match mode {
                        InputMode::PreprocessedRecords => InputMode::NativeOps,
                        _ => InputMode::PreprocessedRecords,
                    };
                    build(&other).ok()
                }
            };
            Verdict::Ready(Box::new(Ready { plan, built, other_mode }))
        }
        Err(reason) => Verdict::Infeasible(reason),
    }
}
