//! The run at the scenario's own traffic: latencies, rates and meters with what is not known about them.

use rayon::prelude::*;

use crate::scenario::RequestTime;
use crate::units::Seconds;
use crate::workload::inference::{FleetJob, ServingRun};

use super::super::result::Estimate;
use super::super::serving_result::Percentiles;
use super::capacity::{half_width, spread};
use super::trial::{MIDDLE, QUICK, SLOW, Trial, percentile, times};

/// Replications at the predicted steps.
const REPLICAS: u32 = 3;

/// Runs of one fleet: replications at the predicted steps, and the first of them with quick and slow steps.
pub(super) struct Measured {
    pub runs: Vec<ServingRun>,
    pub quick: ServingRun,
    pub slow: ServingRun,
}

/// Runs the job; its services are exchanged for quick and slow ones.
pub(super) fn measure(trial: &Trial<'_>, job: &FleetJob) -> Measured {
    let tasks: Vec<(usize, u32)> =
        (0..REPLICAS).map(|replica| (MIDDLE, replica)).chain([(QUICK, 0), (SLOW, 0)]).collect();
    let mut runs: Vec<ServingRun> = tasks
        .par_iter()
        .map(|(speed, replica)| {
            let mut job = job.clone();
            for (group, own) in job.groups.iter_mut().zip(trial.groups()) {
                group.service = own.way.services[*speed].clone();
            }
            trial.run(&job, *replica)
        })
        .collect();
    let slow = runs.pop().unwrap_or_default();
    let quick = runs.pop().unwrap_or_default();
    Measured { runs, quick, slow }
}

impl Measured {
    /// A figure of a run with its uncertainty; `None` when some run does not have it.
    pub fn estimate(&self, figure: impl Fn(&ServingRun) -> Option<f64>) -> Option<Estimate> {
        let values: Vec<f64> = self.runs.iter().map(&figure).collect::<Option<_>>()?;
        if values.iter().any(|value| !value.is_finite()) {
            return None;
        }
        let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
        // The ends share the first replication: their distance from it counts.
        let first = values.first().copied().unwrap_or(mean);
        let end = |run: &ServingRun| {
            figure(run).filter(|value| value.is_finite()).map_or(mean, |value| mean + value - first)
        };
        Some(spread(mean, [end(&self.quick), end(&self.slow)], half_width(&values)))
    }

    /// Percentiles of a time, with `more` seconds on each.
    pub fn percentiles(&self, time: RequestTime, more: Seconds) -> Option<Percentiles> {
        let at = |share: f64| {
            self.estimate(|run| {
                percentile(times(run, time), share, run.unfinished).map(|value| value + more.0)
            })
        };
        Some(Percentiles { p50: at(0.5)?, p90: at(0.9)?, p95: at(0.95)?, p99: at(0.99)? })
    }

    /// Mean of a figure over the replications.
    pub fn mean(&self, figure: impl Fn(&ServingRun) -> f64) -> f64 {
        self.runs.iter().map(figure).sum::<f64>() / self.runs.len().max(1) as f64
    }
}

/// Seconds over which a run counts.
pub(super) fn counted(run: &ServingRun) -> f64 {
    run.span.seconds().0.max(1e-9)
}

/// Share of the time that replicas are up in which they work.
pub(super) fn utilisation(run: &ServingRun) -> f64 {
    let sum =
        |of: fn(&crate::workload::inference::GroupMeters) -> f64| run.groups.iter().map(of).sum::<f64>();
    let up = sum(|group| group.up.seconds().0);
    if up > 0.0 { sum(|group| group.busy.seconds().0) / up } else { 0.0 }
}
