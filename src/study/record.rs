//! What one replica of one fleet does when: the run of [`super::run`] once more, watched.

use crate::catalog::Catalog;
use crate::document::nearest_list;
use crate::engine::Cancel;
use crate::fleet::expand;
use crate::scenario::{Job, Scenario};
use crate::steptime::StepTimes;
use crate::units::{Seconds, SimSpan, SimTime};
use crate::workload::{Timeline, Window};

use super::prepare::{self, Depth};
use super::{StudyError, Verdict, serving};

/// Most spans of a recording, unless told otherwise.
pub const MOST_SPANS: usize = 1_000_000;
/// How much of a service is recorded, where nobody says.
const SERVING_WINDOW: Seconds = Seconds(600.0);

/// What to record.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Name of the fleet.
    pub fleet: String,
    /// Seed instead of the scenario's.
    pub seed: Option<u64>,
    /// From when until when, in simulated time; of a job all, of a service the first ten minutes that count, where it
    /// is `None`.
    pub window: Option<(Seconds, Seconds)>,
    /// Most spans.
    pub limit: usize,
}

/// What one replica did when.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// Title of the scenario.
    pub scenario: String,
    /// Name of the fleet.
    pub fleet: String,
    /// Seed.
    pub seed: u64,
    /// What it is of, in words.
    pub told: &'static str,
    /// The part that was recorded.
    pub window: Window,
    /// The spans.
    pub timeline: Timeline,
}

/// Why nothing is recorded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// No such fleet.
    #[error("there is no fleet `{name}`; fleets: {known}")]
    NoFleet {
        /// As asked for.
        name: String,
        /// Near names, or all.
        known: String,
    },
    /// It cannot run.
    #[error("`{fleet}` does nothing that could be recorded: {reason}")]
    Idle {
        /// The fleet.
        fleet: String,
        /// Why.
        reason: String,
    },
    /// As of any study.
    #[error(transparent)]
    Study(#[from] StudyError),
}

impl Record {
    /// The window in simulated time; services count from `warm_up` on.
    pub(super) fn window(&self, service: Option<SimTime>) -> Window {
        let at = |seconds: Seconds| SimTime::ZERO + SimSpan::from_seconds(seconds);
        let (from, until) = match (self.window, service) {
            (Some((from, until)), _) => (at(from), at(until)),
            (None, Some(warm_up)) => (warm_up, warm_up + SimSpan::from_seconds(SERVING_WINDOW)),
            (None, None) => (SimTime::ZERO, SimTime::NEVER),
        };
        Window { from, until, limit: self.limit }
    }
}

/// Records the first replica of a fleet.
///
/// # Errors
/// No such fleet, one that cannot run, or cancelled.
pub fn record(
    scenario: &Scenario,
    catalog: &Catalog,
    step_times: &StepTimes,
    wanted: &Record,
    cancel: &Cancel,
) -> Result<Recording, RecordError> {
    let seed = wanted.seed.unwrap_or(scenario.seed);
    let mut scenario = scenario.clone();
    let candidates = expand(&scenario.fleets).map_err(StudyError::from)?;
    if !candidates.iter().any(|candidate| candidate.name == wanted.fleet) {
        let names = || candidates.iter().map(|candidate| candidate.name.as_str());
        let near = nearest_list(&wanted.fleet, names(), 5);
        let known = if near.is_empty() { names().take(10).collect::<Vec<_>>().join(", ") } else { near };
        return Err(RecordError::NoFleet { name: wanted.fleet.clone(), known });
    }
    // Only the fleet that the candidate is of is planned again.
    scenario.fleets.retain(|fleet| {
        expand(std::slice::from_ref(fleet))
            .is_ok_and(|own| own.iter().any(|candidate| candidate.name == wanted.fleet))
    });
    let idle = |reason: String| RecordError::Idle { fleet: wanted.fleet.clone(), reason };
    let (told, window, timeline) = match &scenario.job {
        Job::Training(spec) => {
            let prepared =
                prepare::prepare(&scenario, spec, catalog, step_times, (seed, Depth::Pilot), cancel)?;
            let own = prepared.into_iter().find(|prepared| prepared.candidate.name == wanted.fleet);
            let ready = match own.map(|own| own.verdict) {
                Some(Verdict::Ready(ready)) => ready,
                Some(Verdict::Infeasible(reason)) => return Err(idle(reason.to_string())),
                None => return Err(idle("it was not planned".to_owned())),
            };
            let window = wanted.window(None);
            ("the job", window, ready.built.job.timeline((seed, 0), window, cancel))
        }
        Job::Serving(spec) => {
            let known = serving::KnownCapacities::default();
            let asked = serving::Asked {
                scenario: &scenario,
                spec,
                catalog,
                step_times,
                seed,
                cancel,
                known: &known,
            };
            asked.record(wanted)?
        }
    };
    if cancel.is_cancelled() {
        return Err(StudyError::Cancelled.into());
    }
    let (scenario, fleet) = (scenario.name.clone(), wanted.fleet.clone());
    Ok(Recording { scenario, fleet, seed, told, window, timeline })
}
