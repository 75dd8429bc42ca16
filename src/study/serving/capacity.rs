//! Capacity first: the highest rate at which every target holds, by bisection with common random numbers.

use rayon::prelude::*;

use crate::scenario::RequestTime;
use crate::stats::Interval;
use crate::units::{Seconds, human_duration};
use crate::workload::arrivals::ArrivalSpec;

use super::super::LEVEL;
use super::super::result::Estimate;
use super::trial::{MIDDLE, QUICK, SLOW, Trial, percentile, sustained, times};

/// Bisection ends within this share of the rate.
const PRECISION: f64 = 0.015;
/// Rates are looked for from this share of the sustained rate upwards.
const LEAST_SHARE: f64 = 0.01;
/// Replications of the middle; the ends of the model's error have one each, in common with the first.
const REPLICAS: u32 = 3;

/// What a fleet can take.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Capacity {
    /// With quick, predicted and slow steps.
    pub rates: [f64; 3],
    /// Half-width over replications at the predicted steps.
    pub half: f64,
    /// The same, targets aside.
    pub sustained: [f64; 3],
    /// Half-width of that.
    pub sustained_half: f64,
}

impl Capacity {
    pub fn estimate(&self) -> Estimate {
        spread(self.rates[MIDDLE], [self.rates[QUICK], self.rates[SLOW]], self.half)
    }

    pub fn sustained_estimate(&self) -> Estimate {
        spread(self.sustained[MIDDLE], [self.sustained[QUICK], self.sustained[SLOW]], self.sustained_half)
    }
}

/// An estimate from its middle, its values at both ends of the model's error and the half-width over replications.
pub(super) fn spread(middle: f64, ends: [f64; 2], half: f64) -> Estimate {
    let (low, high) = (ends[0].min(ends[1]).min(middle), ends[0].max(ends[1]).max(middle));
    // The ends lie at 1.645 deviations; nine runs in ten lie under 1.282.
    let p90 = middle + (high - middle) * 0.779;
    Estimate {
        mean: middle,
        lo: (middle - libm::hypot(middle - low, half)).max(0.0),
        hi: middle + libm::hypot(high - middle, half),
        level: LEVEL,
        p50: middle,
        p90,
    }
}

/// Student's half-width of a mean; 0 of one value.
pub(super) fn half_width(values: &[f64]) -> f64 {
    Interval::of_sample(values, LEVEL).map_or(0.0, |interval| interval.half_width())
}

/// Capacity of a fleet. `shape` is the arrival process whose rate is changed, `unit` its mean rate.
pub(super) fn capacity(trial: &Trial<'_>, shape: &ArrivalSpec, unit: f64) -> Capacity {
    let tasks: Vec<(usize, u32)> =
        (0..REPLICAS).map(|replica| (MIDDLE, replica)).chain([(QUICK, 0), (SLOW, 0)]).collect();
    let found: Vec<(f64, f64)> = tasks
        .par_iter()
        .map(|(speed, replica)| {
            let trial = Trial { speed: *speed, ..*trial };
            let sustained = sustained(&trial.run(&trial.saturated(), *replica));
            let rate = bisect(&trial, shape, unit, sustained, *replica, PRECISION);
            // What holds the targets is sustained as well: a burst's end leaves replicas idle.
            (rate, sustained.max(rate))
        })
        .collect();
    let replicas = REPLICAS as usize;
    let (rates, sustained): (Vec<f64>, Vec<f64>) = found.iter().copied().unzip();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    // The ends are moved with the mean of the middle: they share the first replication only.
    let ends = |values: &[f64]| {
        let shift = if values[0] > 0.0 { mean(&values[..replicas]) / values[0] } else { 1.0 };
        [values[replicas] * shift, mean(&values[..replicas]), values[replicas + 1] * shift]
    };
    Capacity {
        half: half_width(&rates[..replicas]),
        sustained_half: half_width(&sustained[..replicas]),
        rates: ends(&rates),
        sustained: ends(&sustained),
    }
}

/// The highest rate that holds, between nothing and a little above the sustained rate; 0 when even an idle fleet fails.
pub(super) fn bisect(
    trial: &Trial<'_>,
    shape: &ArrivalSpec,
    unit: f64,
    sustained: f64,
    replica: u32,
    precision: f64,
) -> f64 {
    let holds = |rate: f64| {
        let job = trial.steady(&shape.faster(rate / unit), rate);
        !trial.asked.cancel.is_cancelled() && trial.holds(&trial.run(&job, replica))
    };
    let (mut low, mut high) = (sustained * LEAST_SHARE, sustained * 1.1);
    if low <= 0.0 || !holds(low) {
        return 0.0;
    }
    // Most fleets hold to well over half of what they can sustain.
    let mut next = sustained * 0.8;
    while high / low > 1.0 + precision && !trial.asked.cancel.is_cancelled() {
        if holds(next) {
            low = next;
        } else {
            high = next;
        }
        next = libm::sqrt(low * high);
    }
    low
}

/// What a fleet of one unit misses at next to no load, in words.
pub(super) fn missed_when_idle(trial: &Trial<'_>, shape: &ArrivalSpec, unit: f64, sustained: f64) -> String {
    let rate = (sustained * LEAST_SHARE).max(1e-9);
    let run = trial.run(&trial.steady(&shape.faster(rate / unit), rate), 0);
    let call = trial.asked.spec.hosting.call;
    let misses: Vec<String> = trial
        .asked
        .scenario
        .objective
        .latency
        .iter()
        .filter_map(|target| {
            let more = if target.time == RequestTime::PerOutputToken { 0.0 } else { call.0 };
            let takes = percentile(times(&run, target.time), target.share, run.unfinished)? + more;
            (takes > target.limit.0).then(|| {
                format!(
                    "{} is {} with next to no load, over the {} allowed",
                    target.key(),
                    human_duration(Seconds(takes)),
                    human_duration(target.limit)
                )
            })
        })
        .collect();
    if misses.is_empty() { "the targets hold at no load, however low".to_owned() } else { misses.join("; ") }
}
