//! Replications in parallel, folded in order: the result does not depend on the number of threads.

use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use crate::cost::Tariff;
use crate::engine::Cancel;
use crate::stats::{Decision, Interval, Stopping};
use crate::workload::Workload;
use crate::workload::training::TrainingReplica;

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

/// Replicates every candidate that can run, in blocks of fixed size, until each is narrow enough or capped.
pub(super) fn replicate(
    prepared: &[Prepared],
    seed: u64,
    stopping: &Stopping,
    cancel: &Cancel,
    watch: &dyn Watch,
) -> Result<Vec<Sample>, StudyError> {
    let mut samples = vec![Sample::default(); prepared.len()];
    let done = AtomicU64::new(0);
    loop {
        let tasks = next_tasks(prepared, &mut samples, stopping);
        if tasks.is_empty() {
            return Ok(samples);
        }
        let planned = done.load(Ordering::Relaxed) + tasks.len() as u64;
        let block: Vec<(usize, TrainingReplica)> = tasks
            .into_par_iter()
            .filter_map(|(index, replica)| {
                let Verdict::Ready(ready) = &prepared[index].verdict else { return None };
                let result = ready.built.job.simulate(seed, replica, cancel);
                watch.progress(Progress { done: done.fetch_add(1, Ordering::Relaxed) + 1, planned });
                Some((index, result))
            })
            .collect();
        if cancel.is_cancelled() {
            return Err(StudyError::Cancelled);
        }
        for (index, replica) in block {
            samples[index].replicas.push(replica);
        }
    }
}

/// What each candidate still needs, as (candidate, replica number).
fn next_tasks(prepared: &[Prepared], samples: &mut [Sample], stopping: &Stopping) -> Vec<(usize, u32)> {
    let mut tasks = Vec::new();
    for (index, (item, sample)) in prepared.iter().zip(samples).enumerate() {
        if !matches!(item.verdict, Verdict::Ready(_)) {
            continue;
        }
        let interval = worst_interval(sample, item.tariff.as_ref().ok());
        sample.relative_half_width = interval.map(|interval| interval.relative_half_width());
        let done = sample.replicas.len();
        if let Decision::More(count) = stopping.decide(done, interval.as_ref()) {
            tasks.extend(
                (done..done + count).map(|replica| (index, u32::try_from(replica).unwrap_or(u32::MAX))),
            );
        }
    }
    tasks
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
