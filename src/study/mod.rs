//! Floor 7: the path of a scenario.
//!
//! Owns the calls from candidates to a comparison, and nobody else makes them: [`expand`](crate::fleet::expand) →
//! plan → replicate → outcome → compare. Also stopping, progress, and the result contract ([`Comparison`]). It must not
//! know files, terminals or windows.
//!
//! ```text
//! Study::prepare   candidates, layouts, tariffs        nothing is simulated
//! Study::run       replications of every feasible one  in blocks, until narrow enough
//! outcome          replicas + meters → estimates
//! compare          rank, Pareto flags, paired differences, flip points, verdict
//! ```

mod carbon;
mod compare;
mod errors;
mod flips;
mod layout_cost;
mod meter;
mod outcome;
mod prepare;
mod price_flips;
mod progress;
mod rank;
mod record;
mod recurring;
mod replicate;
mod result;
mod row;
mod sensitivity;
mod serving;
mod serving_result;
mod verdict;

use crate::catalog::Catalog;
use crate::engine::Cancel;
use crate::fleet::TooMany;
use crate::scenario::{Job, Scenario};
use crate::stats::Stopping;
use crate::steptime::StepTimes;

pub use prepare::{Depth, Prepared, Ready, Verdict};
pub use progress::{Finished, Progress, Watch};
pub use record::{MOST_SPANS, Record, RecordError, Recording, record};
pub use result::{
    BoundRow, Comparison, Conversion, Difference, Estimate, Flip, LedgerLine, MemoryPart, Probability,
    Recurring, Row,
};
pub use sensitivity::{SWING, Sensitivity, Swing, SwingEnd, sensitivity};
pub use serving::{Served, Way};
pub use serving_result::{
    ApiComparison, Distribution, GroupFigures, HybridPoint, ModelFigures, Percentiles, ServingFigures,
};

/// Level of every interval.
pub const LEVEL: f64 = 0.9;

/// How to run a study.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Seed instead of the scenario's.
    pub seed: Option<u64>,
    /// When to stop replicating.
    pub stopping: Stopping,
    /// Threads; `None` for one per core. The result does not depend on it.
    pub threads: Option<usize>,
}

/// Why a study gives no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StudyError {
    /// The sweep is too wide.
    #[error(transparent)]
    TooMany(#[from] TooMany),
    /// Simulating what is asked for would take ages.
    #[error(
        "{requests} requests in each of {runs} runs are more than are simulated ({most} in all): ask for fewer `requests`"
    )]
    TooLong {
        /// Requests of a run.
        requests: u64,
        /// Runs.
        runs: u64,
        /// Most requests of all runs.
        most: u64,
    },
    /// Somebody cancelled.
    #[error("interrupted")]
    Cancelled,
    /// Threads could not be started.
    #[error("cannot start threads: {0}")]
    Threads(String),
    /// A shipped table is not what the program expects.
    #[error("{0}")]
    Profile(String),
}

/// Runs the whole path.
///
/// # Errors
/// Too many candidates, cancelled, or no threads.
pub fn run(
    scenario: &Scenario,
    catalog: &Catalog,
    step_times: &StepTimes,
    options: &Options,
    cancel: &Cancel,
    watch: &dyn Watch,
) -> Result<Comparison, StudyError> {
    let seed = options.seed.unwrap_or(scenario.seed);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(options.threads.unwrap_or(0))
        .build()
        .map_err(|error| StudyError::Threads(error.to_string()))?;
    pool.install(|| match &scenario.job {
        Job::Training(spec) => {
            let prepared =
                prepare::prepare(scenario, spec, catalog, step_times, (seed, Depth::Pilot), cancel)?;
            let weigh = |index: usize, sample: &replicate::Sample| {
                let outcome = outcome::outcome(scenario, spec, catalog, &prepared[index], sample);
                watch.finished(Finished { index, fleets: prepared.len(), row: &outcome.row });
                outcome
            };
            let outcomes = replicate::replicate(&prepared, seed, &options.stopping, cancel, (watch, &weigh))?;
            Ok(compare::compare(scenario, spec, catalog, seed, outcomes))
        }
        Job::Serving(spec) => {
            let known = serving::KnownCapacities::default();
            let asked = serving::Asked { scenario, spec, catalog, step_times, seed, cancel, known: &known };
            serving::run(&asked, watch)
        }
    })
}

/// What is known of every candidate before any simulation.
#[derive(Clone, Debug)]
pub enum Plans {
    /// Of training.
    Training(Vec<Prepared>),
    /// Of serving.
    Serving(Vec<Served>),
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
    depth: Depth,
    cancel: &Cancel,
) -> Result<Plans, StudyError> {
    match &scenario.job {
        Job::Training(spec) => {
            prepare::prepare(scenario, spec, catalog, step_times, (seed, depth), cancel).map(Plans::Training)
        }
        Job::Serving(spec) => {
            let known = serving::KnownCapacities::default();
            let asked = serving::Asked { scenario, spec, catalog, step_times, seed, cancel, known: &known };
            serving::prepare(&asked).map(Plans::Serving)
        }
    }
}
