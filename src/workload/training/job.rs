//! A training job, reduced to what a replica needs: no catalog, no prices, no fleet.

use crate::engine::Cancel;
use crate::stats::{Interval, SampleError};
use crate::units::{Seconds, SimSpan, SimTime};
use crate::workload::failures::{FailureProcess, SpotMarket, Startup};
use crate::workload::{Timeline, Window, Workload};

use super::pipeline::SteadyStep;
use super::run;

/// Steps of one kind, as those of the first epoch (cold cache) or of the later ones.
#[derive(Clone, Debug, PartialEq)]
pub struct Phase {
    /// Steps.
    pub steps: u64,
    /// Long-run step of the settled pipeline.
    pub step: SteadyStep,
}

/// All that one replica needs.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingJob {
    /// Phases in order.
    pub phases: Vec<Phase>,
    /// Work between two checkpoints; `None` for none.
    pub checkpoint_interval: Option<Seconds>,
    /// Time to write one checkpoint, the job waiting; written at the end in any case.
    pub checkpoint_write: SimSpan,
    /// Whether a notice is used to save before the machines go.
    pub save_on_notice: bool,
    /// From the request to the first step.
    pub startup: Startup,
    /// Failures of the job.
    pub failures: FailureProcess,
    /// The spot market; `None` for machines that are not taken back.
    pub spot: Option<SpotMarket>,
    /// Workers of an asynchronous job, which goes on with the others when one fails; `None` when all must be up.
    pub elastic_workers: Option<u64>,
    /// Simulated time after which a replica is given up.
    pub horizon: SimSpan,
    /// The oracle: one event per step and per checkpoint instead of one per disturbance.
    pub stepwise: bool,
}

/// Where the time of a replica went; the parts sum to the time reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Meters {
    /// Conversion and waiting before the first machines; not billed.
    pub first_wait: SimSpan,
    /// Waiting for capacity after a loss; not billed.
    pub waiting: SimSpan,
    /// Booting, restoring, detecting.
    pub starting: SimSpan,
    /// Computing what counts.
    pub computing: SimSpan,
    /// Writing checkpoints.
    pub checkpoints: SimSpan,
    /// Computing what was lost.
    pub rework: SimSpan,
    /// Part of `computing` in which the device waited for input.
    pub input_wait: SimSpan,
    /// Failures and losses.
    pub interruptions: u64,
    /// Times that machines were granted: each is billed apart.
    pub grants: u64,
}

impl Meters {
    /// Time in which machines are held and billed.
    #[must_use]
    pub fn billed(&self) -> SimSpan {
        self.starting + self.computing + self.checkpoints + self.rework
    }

    /// All time.
    #[must_use]
    pub fn total(&self) -> SimSpan {
        self.billed() + self.first_wait + self.waiting
    }
}

/// What one replica reports.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainingReplica {
    /// When the job was done; `None` when the horizon came first.
    pub finish: Option<SimTime>,
    /// Simulated time reached.
    pub reached: SimTime,
    /// Whether somebody cancelled.
    pub cancelled: bool,
    /// Events spent.
    pub events: u64,
    /// Where the time went.
    pub meters: Meters,
}

impl TrainingJob {
    /// Time without any disturbance: boot, restore, steps, checkpoints.
    #[must_use]
    pub fn undisturbed(&self) -> Seconds {
        let steps: Seconds = self.phases.iter().map(|phase| phase.step.mean * phase.steps as f64).sum();
        let write = self.checkpoint_write.seconds();
        let checkpoints = self.checkpoint_interval.map_or(0.0, |interval| steps.0 / interval.0.max(1e-9));
        steps
            + write * (checkpoints + 1.0)
            + self.startup.before
            + Seconds(self.startup.boot.mean())
            + self.startup.load
    }

    /// Long-run mean time of a step over all phases.
    #[must_use]
    pub fn mean_step(&self) -> Seconds {
        let steps: f64 = self.phases.iter().map(|phase| phase.steps as f64).sum();
        let time: Seconds = self.phases.iter().map(|phase| phase.step.mean * phase.steps as f64).sum();
        if steps > 0.0 { time / steps } else { Seconds::ZERO }
    }
}

impl TrainingJob {
    /// What one replica does when: the same run as [`simulate`](Workload::simulate), recorded.
    #[must_use]
    pub fn timeline(&self, (seed, replica): (u64, u32), window: Window, cancel: &Cancel) -> Timeline {
        run::record(self, seed, replica, window, cancel)
    }
}

impl Workload for TrainingJob {
    type Replica = TrainingReplica;

    fn simulate(&self, seed: u64, replica: u32, cancel: &Cancel) -> TrainingReplica {
        run::simulate(self, seed, replica, cancel)
    }
}

/// Mean finish time of replicas with its interval.
///
/// # Errors
/// Fewer than two replicas finished.
pub fn mean_finish(replicas: &[TrainingReplica], level: f64) -> Result<Interval, SampleError> {
    let times: Vec<f64> =
        replicas.iter().filter_map(|replica| replica.finish).map(|time| time.seconds().0).collect();
    Interval::of_sample(&times, level)
}
