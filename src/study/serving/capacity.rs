//! Capacity first: the highest rate at which every target holds, by bisection with common random numbers.
//!
//! Replications are added up at every rate before they are compared with the targets: a percentile of all requests is
//! known far better than the percentiles of each run.

use rayon::prelude::*;

use crate::scenario::{LatencyTarget, RequestTime};
use crate::stats::{Interval, normal_cdf};
use crate::units::{Seconds, Significant, human_duration};
use crate::workload::arrivals::ArrivalSpec;
use crate::workload::inference::ServingRun;

use super::super::LEVEL;
use super::super::result::Estimate;
use super::Z_END;
use super::spells::{Piece, burstiness, pieces};
use super::tally::Tally;
use super::trial::{LEAST_REQUESTS, MIDDLE, QUICK, SLOW, Trial, percentile, times};

/// Bisection ends within this share of the rate.
const PRECISION: f64 = 0.015;
/// No queue is steady at all that its fleet can do: rates are looked for up to this share of the sustained rate.
pub(super) const MOST_SHARE: f64 = 0.99;
/// Rates are looked for from this share of the sustained rate upwards.
const LEAST_SHARE: f64 = 0.01;
/// The first look, which finds about where the capacity is, ends within this share.
const COARSE: f64 = 0.15;
/// First step away from a rate that does not say on which side the capacity lies.
const STEP: f64 = 1.1;
/// Replications that are added up, and those of quick and of slow steps.
const REPLICAS: u32 = 4;
const END_REPLICAS: u32 = 2;
/// Student's factor of a 90 % interval of so many replications.
const STUDENT: f64 = 2.353_363_434_801_823_8;
/// Requests of each replication, of language models and of others, whose requests are quicker to simulate.
const REQUESTS: (f64, f64) = (4000.0, 6000.0);
/// Ranges of the slope of strain over rate, both logarithms, that are believed.
const SLOPES: (f64, f64) = (1.0, 200.0);

/// What a fleet can take.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Capacity {
    /// With quick, predicted and slow steps.
    pub rates: [f64; 3],
    /// Half-width over replications at the predicted steps, of the logarithm.
    pub half: f64,
    /// The same, targets aside.
    pub sustained: [f64; 3],
    /// Half-width of that.
    pub sustained_half: f64,
    /// Mean time of a request at the capacity.
    pub pace: Seconds,
}

impl Capacity {
    pub fn estimate(&self) -> Estimate {
        let own = logarithmic(self.rates, self.half);
        let most = self.sustained_estimate();
        // What holds the targets is sustained as well.
        Estimate { hi: own.hi.min(most.hi).max(own.mean), p90: own.p90.min(most.p90).max(own.mean), ..own }
    }

    pub fn sustained_estimate(&self) -> Estimate {
        logarithmic(self.sustained, self.sustained_half)
    }

    /// All rates times a factor.
    pub fn scaled(&self, factor: f64) -> Self {
        Self {
            rates: self.rates.map(|rate| rate * factor),
            sustained: self.sustained.map(|rate| rate * factor),
            ..*self
        }
    }

    /// Between two capacities, `share` of the way to the other.
    pub fn between(&self, other: &Self, share: f64) -> Self {
        let mix = |own: f64, theirs: f64| own + (theirs - own) * share;
        let each =
            |own: [f64; 3], theirs: [f64; 3]| std::array::from_fn(|speed| mix(own[speed], theirs[speed]));
        Self {
            rates: each(self.rates, other.rates),
            half: self.half.max(other.half),
            sustained: each(self.sustained, other.sustained),
            sustained_half: self.sustained_half.max(other.sustained_half),
            pace: Seconds(mix(self.pace.0, other.pace.0)),
        }
    }

    /// Standard deviations of the logarithm towards slower and quicker fleets: model's error and replications together.
    fn deviations(&self) -> (f64, f64) {
        let middle = self.rates[MIDDLE];
        let side = |end: f64| if end > 0.0 { libm::log(end / middle).abs() } else { f64::INFINITY };
        let of = |end: f64| libm::hypot(side(end), self.half) / Z_END;
        (of(self.rates[SLOW].min(middle)), of(self.rates[QUICK].max(middle)))
    }

    /// The rate that is held with that confidence: on each side of the middle the logarithm is normal.
    pub fn rate_with(&self, confidence: f64) -> f64 {
        let middle = self.rates[MIDDLE];
        if middle <= 0.0 {
            return 0.0;
        }
        let z = crate::stats::normal_quantile(confidence);
        let (down, up) = self.deviations();
        let side = if z > 0.0 { down } else { up };
        if z == 0.0 { middle } else { middle * libm::exp(-z * side) }
    }

    /// Probability that a demand is covered.
    pub fn covers(&self, demand: f64) -> f64 {
        let middle = self.rates[MIDDLE];
        if middle <= 0.0 {
            return 0.0;
        }
        let wanted = libm::log(demand / middle);
        let (down, up) = self.deviations();
        let side = if wanted > 0.0 { up } else { down };
        // No error at all: the capacity is known.
        if side < 1e-9 { f64::from(u8::from(wanted <= 0.0)) } else { normal_cdf(-wanted / side) }
    }
}

/// An estimate from the values with quick, predicted and slow steps and the half-width of the logarithm.
fn logarithmic(rates: [f64; 3], half: f64) -> Estimate {
    let middle = rates[MIDDLE];
    let (low, high) =
        rates.iter().fold((middle, middle), |(low, high), rate| (low.min(*rate), high.max(*rate)));
    if middle <= 0.0 {
        return Estimate { mean: 0.0, lo: 0.0, hi: high, level: LEVEL, p50: 0.0, p90: high * 0.779 };
    }
    let side = |end: f64| libm::hypot(libm::log(end / middle), half);
    let up = side(high);
    Estimate {
        mean: middle,
        lo: if low > 0.0 { middle * libm::exp(-side(low)) } else { 0.0 },
        hi: middle * libm::exp(up),
        level: LEVEL,
        p50: middle,
        // The ends lie at 1.645 deviations; nine runs in ten lie under 1.282.
        p90: middle * libm::exp(0.779 * up),
    }
}

/// An estimate from its middle, its values at both ends of the model's error and the half-width over replications.
pub(super) fn spread(middle: f64, ends: [f64; 2], half: f64) -> Estimate {
    let (low, high) = (ends[0].min(ends[1]).min(middle), ends[0].max(ends[1]).max(middle));
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
    let (sustained, sustained_half) = sustained(trial);
    let mut load = Load {
        trial: *trial,
        shape,
        unit,
        sustained: sustained[MIDDLE],
        pace: trial.alone(),
        least: LEAST_REQUESTS,
    };
    let found = Capacity { sustained, sustained_half, pace: load.pace, ..Capacity::default() };
    let coarse = load.look(1, sustained[MIDDLE] * 0.8, COARSE);
    if coarse.rate <= 0.0 && load.look(REPLICAS, sustained[MIDDLE] * LEAST_SHARE, COARSE).rate <= 0.0 {
        return found;
    }
    let requests = if trial.asked.spec.is_language() { REQUESTS.0 } else { REQUESTS.1 };
    load.least = requests * burstiness(shape);
    load.pace = coarse.pace.unwrap_or(load.pace);
    let share = (coarse.rate / sustained[MIDDLE]).max(LEAST_SHARE);
    let looks: Vec<Look> = [QUICK, MIDDLE, SLOW]
        .par_iter()
        .map(|speed| {
            let slower = sustained[MIDDLE] / sustained[*speed].max(1e-300);
            let own = Load {
                trial: Trial { speed: *speed, ..*trial },
                sustained: sustained[*speed],
                pace: load.pace * slower,
                ..load
            };
            own.look(
                if *speed == MIDDLE { REPLICAS } else { END_REPLICAS },
                share * sustained[*speed],
                PRECISION,
            )
        })
        .collect();
    let middle = &looks[MIDDLE];
    let rates = [looks[QUICK].rate.max(middle.rate), middle.rate, looks[SLOW].rate.min(middle.rate)];
    Capacity { rates, half: middle.half, pace: middle.pace.unwrap_or(load.pace), ..found }
}

/// Rates when there is always work, with quick, predicted and slow steps, and the half-width of the logarithm.
fn sustained(trial: &Trial<'_>) -> ([f64; 3], f64) {
    let tasks: Vec<(usize, u32)> =
        (0..REPLICAS).map(|replica| (MIDDLE, replica)).chain([(QUICK, 0), (SLOW, 0)]).collect();
    let found: Vec<f64> = tasks
        .par_iter()
        .map(|(speed, replica)| Trial { speed: *speed, ..*trial }.sustained(*replica))
        .collect();
    let (own, ends) = found.split_at(REPLICAS as usize);
    let mean = own.iter().sum::<f64>() / own.len().max(1) as f64;
    // The ends are moved with the mean of the middle: they share the first replication only.
    let shift = if own[0] > 0.0 { mean / own[0] } else { 1.0 };
    let rates = [(ends[0] * shift).max(mean), mean, (ends[1] * shift).min(mean)];
    (rates, half_width(own) / mean.max(1e-300))
}

/// A load whose rate is to be found.
#[derive(Clone, Copy)]
struct Load<'a> {
    trial: Trial<'a>,
    shape: &'a ArrivalSpec,
    unit: f64,
    /// What is served when there is always work.
    sustained: f64,
    /// Time of a request under load.
    pace: Seconds,
    /// Counted requests of a replication.
    least: f64,
}

/// What a search found.
#[derive(Clone, Copy, Debug, Default)]
struct Look {
    /// 0 when even next to no load fails.
    rate: f64,
    half: f64,
    pace: Option<Seconds>,
}

/// All replications at one rate.
struct Seen {
    rate: f64,
    strains: Vec<f64>,
    strain: f64,
    holds: bool,
    pace: Option<Seconds>,
}

impl Load<'_> {
    /// The highest rate that holds, at most the sustained one, from a first guess at it.
    fn look(&self, replicas: u32, guess: f64, precision: f64) -> Look {
        let (least, most) = (self.sustained * LEAST_SHARE, self.sustained * MOST_SHARE);
        if self.sustained.is_nan() || self.sustained <= 0.0 {
            return Look::default();
        }
        let (mut low, mut high, mut step) = (0.0, f64::INFINITY, STEP);
        let mut next = guess.clamp(least, most);
        let mut seen: Vec<Seen> = Vec::new();
        loop {
            if self.trial.asked.cancel.is_cancelled() {
                return Look::default();
            }
            let found = self.see(replicas, next);
            if found.holds {
                low = next
            } else {
                high = next
            }
            seen.push(found);
            if low >= most {
                break;
            }
            next = if low <= 0.0 {
                if high <= least {
                    return Look::default();
                }
                step *= step;
                (high / step).max(least)
            } else if high.is_infinite() {
                step *= step;
                (low * step).min(most)
            } else if high / low <= 1.0 + precision {
                break;
            } else {
                libm::sqrt(low * high)
            };
        }
        let rate = if high.is_finite() { libm::sqrt(low * high) } else { low };
        let nearest =
            seen.iter().filter(|seen| seen.holds).max_by(|one, other| one.rate.total_cmp(&other.rate));
        Look { rate, half: half(&seen, rate), pace: nearest.and_then(|seen| seen.pace) }
    }

    /// Runs all replications at a rate and adds them up.
    fn see(&self, replicas: u32, rate: f64) -> Seen {
        let shape = self.shape.faster(rate / self.unit);
        let pieces = pieces(&self.trial, &shape, rate, self.sustained);
        let runs: Vec<Vec<Tally>> =
            (0..replicas).into_par_iter().map(|replica| self.tallies(&pieces, replica)).collect();
        let together = |tallies: &mut dyn Iterator<Item = &Tally>| {
            tallies.fold(Tally::default(), |mut sum, tally| {
                sum.add(tally);
                sum
            })
        };
        let keeps_up = (0..pieces.len()).all(|piece| {
            let growths: Vec<f64> = runs.iter().map(|run| run[piece].growth()).collect();
            let spread = half_width(&growths) / STUDENT * growths.len() as f64;
            together(&mut runs.iter().map(|run| &run[piece])).keeps_up(spread)
        });
        let all = together(&mut runs.iter().flatten());
        let strains = runs.iter().map(|run| together(&mut run.iter()).strain(&self.trial)).collect();
        let strain = all.strain(&self.trial);
        Seen { rate, strains, strain, holds: keeps_up && strain <= 1.0, pace: all.mean_stay() }
    }

    fn tallies(&self, pieces: &[Piece], replica: u32) -> Vec<Tally> {
        let of = |piece: &Piece| match piece {
            Piece::Late(weight) => Tally::late(&self.trial, *weight),
            Piece::Run { weight, arrivals, rate } => {
                let least = self.least * weight.max(0.1);
                let job = self.trial.lasting(arrivals, *rate, self.pace, least);
                Tally::of(&self.trial, &self.trial.run(&job, replica), *weight)
            }
        };
        pieces.iter().map(of).collect()
    }
}

/// Half-width of the logarithm of the rate: how far the strains of the replications lie apart, over how steeply strain
/// grows with the rate.
fn half(seen: &[Seen], rate: f64) -> f64 {
    let known = |seen: &&Seen| seen.strain > 0.0 && seen.strain.is_finite();
    let ends = |one: &&Seen, other: &&Seen| one.rate.total_cmp(&other.rate);
    let (first, last) = (seen.iter().filter(known).min_by(ends), seen.iter().filter(known).max_by(ends));
    let slope = match (first, last) {
        (Some(first), Some(last)) if last.rate > first.rate => {
            libm::log(last.strain / first.strain) / libm::log(last.rate / first.rate)
        }
        _ => SLOPES.1,
    };
    let off = |seen: &&Seen| libm::log(seen.rate / rate).abs();
    let nearest = seen.iter().filter(known).min_by(|one, other| off(one).total_cmp(&off(other)));
    let spread = nearest.filter(|seen| seen.strains.iter().all(|strain| strain.is_finite()));
    // A bisection knows the rate no better than its own precision.
    // Under a strain of 1 the targets are not what ends the rate.
    let own = spread.map_or(0.0, |seen| half_width(&seen.strains) / seen.strain.max(1.0));
    libm::hypot(own / slope.clamp(SLOPES.0, SLOPES.1), 0.5 * PRECISION)
}

/// What a fleet of one unit misses at next to no load, in words.
pub(super) fn missed_when_idle(trial: &Trial<'_>, shape: &ArrivalSpec, unit: f64, sustained: f64) -> String {
    let rate = (sustained * LEAST_SHARE).max(1e-9);
    let run = trial.run(&trial.steady(&shape.faster(rate / unit), rate), 0);
    let misses = missed(trial, &run, " with next to no load");
    if misses.is_empty() { "the targets hold at no load, however low".to_owned() } else { misses.join("; ") }
}

/// What a run misses, in words: each limit, the share within all of them, what was turned away.
pub(super) fn missed(trial: &Trial<'_>, run: &ServingRun, when: &str) -> Vec<String> {
    let objective = &trial.asked.scenario.objective;
    let call = trial.asked.spec.hosting.call;
    let limit = |target: &LatencyTarget| {
        let more = if target.time == RequestTime::PerOutputToken { 0.0 } else { call.0 };
        let takes = percentile(times(run, target.time), target.share, run.unfinished)? + more;
        let (key, allowed) = (target.key(), human_duration(target.limit));
        if takes.is_infinite() {
            return Some(format!("{key} is beyond the end of the run{when}, {allowed} are allowed"));
        }
        let takes = Seconds(takes);
        (takes > target.limit)
            .then(|| format!("{key} is {}{when}, over the {allowed} allowed", human_duration(takes)))
    };
    let mut said: Vec<String> = objective.latency.iter().filter_map(limit).collect();
    let offered = run.offered.max(1) as f64;
    let percent = |share: f64| Significant(100.0 * share, 3);
    if let Some(wanted) = objective.goodput.filter(|wanted| (run.good as f64) < wanted * offered) {
        let good = percent(run.good as f64 / offered);
        said.push(format!("{good} % of requests stay within all limits, of {} % wanted", percent(wanted)));
    }
    if run.refused > 0 {
        said.push(format!("{} % of requests are refused", percent(run.refused as f64 / offered)));
    }
    said
}
