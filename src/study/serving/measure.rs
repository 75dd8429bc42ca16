//! The run at the scenario's own traffic: latencies, rates and meters with what is not known about them.

use rayon::prelude::*;

use crate::scenario::RequestTime;
use crate::units::Seconds;
use crate::workload::inference::{FleetJob, ServingRun};

use super::super::result::{Estimate, Probability};
use super::super::serving_result::Percentiles;
use super::capacity::{half_width, spread};
use super::paired::Paired;
use super::trial::{MIDDLE, QUICK, SLOW, Trial, percentile, times};

/// Replications at the predicted steps.
const REPLICAS: u32 = 3;
/// Runs of each fleet.
pub(super) const RUNS: u64 = REPLICAS as u64 + 2;

/// Runs of one fleet: replications at the predicted steps, and the first of them with quick and slow steps.
#[derive(Debug)]
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
        let end = |run: &ServingRun| figure(run).unwrap_or(f64::NAN);
        Self::of_values(&values, [end(&self.quick), end(&self.slow)])
    }

    /// A figure from its values over the replications and those of the quick and the slow run.
    pub fn of_values(values: &[f64], ends: [f64; 2]) -> Option<Estimate> {
        if values.iter().any(|value| !value.is_finite()) {
            return None;
        }
        let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
        // The ends share the first replication: their distance from it counts.
        let first = values.first().copied().unwrap_or(mean);
        let end = |value: f64| if value.is_finite() { mean + value - first } else { mean };
        Some(spread(mean, ends.map(end), half_width(values)))
    }

    /// Percentiles of a time, with `more` seconds on each; none where no request has such a time. A percentile is known
    /// where at least one request lies beyond it in every run.
    pub fn percentiles(&self, time: RequestTime, more: Seconds) -> Option<Percentiles> {
        self.percentiles_of_all(time, more, 0.0)
    }

    /// Requests that the shortest run finished.
    pub fn finished(&self) -> u64 {
        self.runs.iter().map(|run| run.finished).min().unwrap_or(0)
    }

    /// Probability that the runs hold, quick and slow ones a quarter each; its interval is that of so few runs.
    pub fn share_of_runs(&self, held: impl Fn(&ServingRun) -> bool) -> Probability {
        let held = |run: &ServingRun| f64::from(u8::from(held(run)));
        let ends = 0.25 * (held(&self.quick) + held(&self.slow));
        let values: Vec<f64> = self.runs.iter().map(held).collect();
        let (mean, half) = (self.mean(held), half_width(&values));
        Probability {
            probability: ends + 0.5 * mean,
            lo: ends + 0.5 * (mean - half).max(0.0),
            hi: ends + 0.5 * (mean + half).min(1.0),
        }
    }

    /// The same over all requests, a share of which has its answer after `more` seconds alone, from a store.
    pub fn percentiles_of_all(&self, time: RequestTime, more: Seconds, found: f64) -> Option<Percentiles> {
        let at = |share: f64| self.percentile_of_all(time, (more, found), share);
        if self.runs.iter().all(|run| times(run, time).count() == 0) {
            return None;
        }
        Some(Percentiles { p50: at(0.5), p90: at(0.9), p95: at(0.95), p99: at(0.99) })
    }

    /// One percentile of a time over all requests.
    pub fn percentile_of_all(
        &self,
        time: RequestTime,
        (more, found): (Seconds, f64),
        share: f64,
    ) -> Option<Estimate> {
        let known = |run: &ServingRun| times(run, time).count() + run.unfinished;
        let fewest = self.runs.iter().map(known).min().unwrap_or(0);
        let Some(share) = rest_share(share, found) else { return Some(Estimate::exact(more.0)) };
        // 1 − 0.99 is a little more than a hundredth.
        let enough = fewest as f64 * (1.0 - share) >= 1.0 - 1e-9;
        let value = |run: &ServingRun| {
            percentile(times(run, time), share, run.unfinished).map(|value| value + more.0)
        };
        self.estimate(value).filter(|_| enough)
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
