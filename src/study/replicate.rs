//! Replications in parallel, folded in order: the result does not depend on the number of threads.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use crate::cost::Tariff;
use crate::engine::Cancel;
use crate::stats::{Decision, Interval, Stopping};
use crate::workload::Workload;
use crate::workload::training::TrainingReplica;

use super::outcome::Outcome;
use super::prepare::{Prepared, Verdict};
use super::progress::{Progress, Watch};
use super::{LEVEL, StudyError};

/// The replicas of one candidate, in order; empty for one that cannot run.
#[derive(Clone, Debug, Default)]
pub(super) struct Sample {
    pub replicas: Vec<TrainingReplica>,
    /// Relative half-width reached by the time.
    pub relative_half_width: Option<f64>,
}

/// What becomes of a candidate's replicas once there are enough.
type Weigh<'a> = &'a (dyn Fn(usize, &Sample) -> Outcome + Sync);

/// A candidate on its way.
#[derive(Default)]
struct Going {
    sample: Sample,
    /// Replicas of this block, with their numbers, in the order of their ends.
    block: Vec<(u32, TrainingReplica)>,
    /// Replicas that end the block.
    wanted: usize,
    outcome: Option<Outcome>,
}

/// Replicates every candidate that can run, in blocks of fixed size, until each is narrow enough or capped; each is
/// weighed as soon as it is.
pub(super) fn replicate(
    prepared: &[Prepared],
    seed: u64,
    stopping: &Stopping,
    cancel: &Cancel,
    (watch, weigh): (&dyn Watch, Weigh<'_>),
) -> Result<Vec<Outcome>, StudyError> {
    let going: Vec<Mutex<Going>> = prepared.iter().map(|_| Mutex::default()).collect();
    let at = |index: usize| going[index].lock().unwrap_or_else(PoisonError::into_inner);
    for (index, item) in prepared.iter().enumerate() {
        at(index).decide(index, item, stopping, weigh);
    }
    let done = AtomicU64::new(0);
    loop {
        let tasks: Vec<(usize, u32)> = (0..prepared.len()).flat_map(|index| at(index).tasks(index)).collect();
        if tasks.is_empty() {
            break;
        }
        let planned = done.load(Ordering::Relaxed) + tasks.len() as u64;
        tasks.into_par_iter().for_each(|(index, replica)| {
            let Verdict::Ready(ready) = &prepared[index].verdict else { return };
            let result = ready.built.job.simulate(seed, replica, cancel);
            watch.progress(Progress { done: done.fetch_add(1, Ordering::Relaxed) + 1, planned });
            let mut going = at(index);
            going.block.push((replica, result));
            // What was cut short by a cancellation is no replica.
            if going.block.len() == going.wanted && !cancel.is_cancelled() {
                going.decide(index, &prepared[index], stopping, weigh);
            }
        });
        if cancel.is_cancelled() {
            return Err(StudyError::Cancelled);
        }
    }
    let ended = going.into_iter().map(|going| going.into_inner().unwrap_or_else(PoisonError::into_inner));
    Ok(ended.filter_map(|going| going.outcome).collect())
}

impl Going {
    /// Takes the block up, in the order of its numbers, and says what comes next: more replicas, or the outcome.
    fn decide(&mut self, index: usize, item: &Prepared, stopping: &Stopping, weigh: Weigh<'_>) {
        self.block.sort_by_key(|(replica, _)| *replica);
        self.sample.replicas.extend(self.block.drain(..).map(|(_, replica)| replica));
        self.wanted = 0;
        if matches!(item.verdict, Verdict::Ready(_)) {
            let interval = worst_interval(&self.sample, item.tariff.as_ref().ok());
            self.sample.relative_half_width = interval.map(|interval| interval.relative_half_width());
            if let Decision::More(count) = stopping.decide(self.sample.replicas.len(), interval.as_ref()) {
                self.wanted = count;
            }
        }
        if self.wanted == 0 {
            self.outcome = Some(weigh(index, &self.sample));
        }
    }

    /// What this candidate still needs, as (candidate, replica number).
    fn tasks(&self, index: usize) -> Vec<(usize, u32)> {
        let done = self.sample.replicas.len();
        (done..done + self.wanted)
            .map(|replica| (index, u32::try_from(replica).unwrap_or(u32::MAX)))
            .collect()
    }
}

/// The wider, relative to its mean, of the intervals of time and of billed time.
fn worst_interval(sample: &Sample, tariff: Option<&Tariff>) -> Option<Interval> {
    let interval = |value: &dyn Fn(&TrainingReplica) -> f64| {
        let values: Vec<f64> = sample.replicas.iter().map(value).collect();
        Interval::of_sample(&values, LEVEL).ok()
    };
    let time = interval(&|replica| replica.reached.seconds().0)?;
    let billed = tariff.and_then(|_| interval(&|replica| replica.meters.billed().seconds().0));
    Some(match billed {
        Some(billed) if billed.relative_half_width() > time.relative_half_width() => billed,
        _ => time,
    })
}
