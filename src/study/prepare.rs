//! Everything before the first event: candidates, layouts, tariffs, jobs. What is infeasible stops here and is never simulated.

use rayon::prelude::*;

use crate::catalog::{Catalog, Purchase};
use crate::cost::{Tariff, Unpriced};
use crate::engine::Cancel;
use crate::fleet::{Candidate, expand};
use crate::layout::{BatchRequest, Plan, Planned, Reason, plan};
use crate::scenario::Scenario;
use crate::steptime::StepTimes;
use crate::workload::training::{
    Builder, Built, InputMode, PILOT_BATCHES, TrainingSpec, TransformerQuestion,
};

use super::StudyError;
use super::layout_cost::LayoutCost;

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

/// Whether to learn steps by simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Steps are the slowest stage's mean: nothing is simulated.
    Plan,
    /// Steps are learnt from a pilot run of the input pipeline.
    Pilot,
}

/// Spreads the fleets and plans each candidate.
///
/// # Errors
/// Too many candidates, or cancelled.
pub fn prepare(
    scenario: &Scenario,
    spec: &TrainingSpec,
    catalog: &Catalog,
    step_times: &StepTimes,
    (seed, depth): (u64, Depth),
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
            let pilot = if depth == Depth::Pilot { PILOT_BATCHES } else { 0 };
            let verdict = verdict(spec, catalog, step_times, &candidate, (seed, pilot), cancel);
            Prepared { candidate, tariff, verdict }
        })
        .collect();
    if cancel.is_cancelled() { Err(StudyError::Cancelled) } else { Ok(prepared) }
}

fn verdict(
    spec: &TrainingSpec,
    catalog: &Catalog,
    step_times: &StepTimes,
    candidate: &Candidate,
    (seed, pilot): (u64, u64),
    cancel: &Cancel,
) -> Verdict {
    let request = BatchRequest {
        precision: spec.precision,
        optimizer: spec.optimizer.clone(),
        global_batch: spec.global_batch,
        batch_per_device: spec.batch_per_device,
    };
    let question = TransformerQuestion::of(
        catalog,
        &step_times.tables,
        candidate,
        &spec.model,
        spec.precision,
        spec.software,
    );
    let question = match question {
        Ok(question) => question,
        Err(no) => return Verdict::Infeasible(Reason::NoStepTime(no.to_string())),
    };
    let cost = LayoutCost(question.as_ref().map(|question| question.cost(&step_times.transformers)));
    let plan = match plan(candidate, &spec.model, &request, &cost) {
        Planned::Feasible(plan) => *plan,
        Planned::Infeasible(reason) => return Verdict::Infeasible(reason),
    };
    let build = |spec: &TrainingSpec, pilot_batches: u64| {
        Builder { catalog, step_times, spec, pilot_batches }.build(candidate, &plan, seed, cancel)
    };
    match build(spec, pilot) {
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
                    // The pay-back compares means; a pilot run would not change it.
                    build(&other, 0).ok()
                }
            };
            Verdict::Ready(Box::new(Ready { plan, built, other_mode }))
        }
        Err(reason) => Verdict::Infeasible(reason),
    }
}
