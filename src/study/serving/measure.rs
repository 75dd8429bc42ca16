//! The run at the scenario's own traffic: latencies, rates and meters with what is not known about them.

use rayon::prelude::*;

use crate::scenario::RequestTime;
use crate::units::Seconds;
use crate::workload::inference::{FleetJob, ServingRun};

use super::super::result::Estimate;
use super::super::serving_result::Percentiles;
use super::capacity::{half_width, spread};
use super::paired::Paired;
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

    /// The same over all requests, a share of which has its answer after `more` seconds alone, from a store.
    pub fn percentiles_of_all(&self, time: RequestTime, more: Seconds, found: f64) -> Option<Percentiles> {
        let at = |share: f64| match rest_share(share, found) {
            None => Some(Estimate::exact(more.0)),
            Some(share) => self.estimate(|run| {
                percentile(times(run, time), share, run.unfinished).map(|value| value + more.0)
            }),
        };
        Some(Percentiles { p50: at(0.5)?, p90: at(0.9)?, p95: at(0.95)?, p99: at(0.99)? })
    }

    /// A figure over the replications, and what its mean would be at both ends of the steps' error.
    pub fn paired(&self, figure: impl Fn(&ServingRun) -> f64) -> Paired {
        let runs: Vec<f64> = self.runs.iter().map(&figure).collect();
        let mean = runs.iter().sum::<f64>() / runs.len().max(1) as f64;
        let first = runs.first().copied().unwrap_or(mean);
        let ends = [&self.quick, &self.slow].map(|run| mean + figure(run) - first);
        Paired { runs, ends }
    }

    /// Mean of a figure over the replications.
    pub fn mean(&self, figure: impl Fn(&ServingRun) -> f64) -> f64 {
        self.runs.iter().map(figure).sum::<f64>() / self.runs.len().max(1) as f64
    }
}

/// The share of the rest that must be done for a share of all requests to be, where a share is found in a store at
/// once; `None` when those found suffice.
pub(super) fn rest_share(share: f64, found: f64) -> Option<f64> {
    if found <= 0.0 {
        return Some(share);
    }
    let left = (share - found) / (1.0 - found).max(1e-12);
    (left > 1e-9).then_some(left.min(1.0))
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
