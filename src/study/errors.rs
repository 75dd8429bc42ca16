//! What is not known, carried by evenly spaced quantiles: the error of the step, the range of the price.

use crate::cost::Tariff;
use crate::stats::{Interval, normal_quantile, quantile, sorted};
use crate::units::{Money, PricePerHour};
use crate::workload::training::Built;

use super::LEVEL;
use super::result::Estimate;

/// Quantiles of each error of the step time.
const ERROR_POINTS: usize = crate::steptime::measured::FACTORS;
/// Multipliers coprime to [`ERROR_POINTS`]: they pair the quantiles of two errors without correlation.
const INPUT_PAIRING: usize = 38;
const OTHER_DEVICE_PAIRING: usize = 17;
/// Quantiles of the price range.
const PRICE_POINTS: usize = 5;

/// How wrong the predicted step may be, as factors on it.
#[derive(Clone, Debug)]
pub(super) struct StepErrors {
    /// Evenly probable factors for single runs.
    pub factors: Vec<f64>,
    /// The same with the device's error in another order: what a fleet of another device meets in the same place.
    pub apart: Vec<f64>,
    /// Expected factor: above 1 where input and device are close, since the step feels the slower of the two.
    pub mean: f64,
    /// Lower and upper end at the level of the intervals.
    pub ends: (f64, f64),
}

impl StepErrors {
    /// Device and input stages err independently; each takes its own quantiles, paired so that both are evenly spread.
    pub fn of(built: &Built) -> Self {
        let at = |log_error: f64, index: usize| {
            libm::exp(log_error * normal_quantile((index as f64 + 0.5) / ERROR_POINTS as f64))
        };
        let device: Vec<f64> = if built.factors.len() == ERROR_POINTS {
            // The doubles of a measured curve, not a law fitted to them.
            built.factors.clone()
        } else {
            (0..ERROR_POINTS).map(|index| at(built.log_error, index)).collect()
        };
        let input: Vec<f64> = (0..ERROR_POINTS).map(|index| at(built.input.log_error, index)).collect();
        let paired = |multiplier: usize| {
            let place =
                |index: usize| (index * multiplier % ERROR_POINTS, index * INPUT_PAIRING % ERROR_POINTS);
            (0..ERROR_POINTS)
                .map(|index| built.step_factor(device[place(index).0], input[place(index).1]))
                .collect::<Vec<f64>>()
        };
        let grid: Vec<f64> = device
            .iter()
            .flat_map(|device| input.iter().map(|input| built.step_factor(*device, *input)))
            .collect();
        let ascending = sorted(&grid);
        let tail = 0.5 * (1.0 - LEVEL);
        let end = |p: f64| quantile(&ascending, p).unwrap_or(1.0);
        Self {
            factors: paired(1),
            apart: paired(OTHER_DEVICE_PAIRING),
            mean: grid.iter().sum::<f64>() / grid.len() as f64,
            ends: (end(tail), end(1.0 - tail)),
        }
    }
}

/// A figure of one replica that grows linearly with the factor on its steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Linear {
    /// At factor 1.
    pub base: f64,
    /// More for each unit of factor.
    pub slope: f64,
}

impl Linear {
    pub fn at(&self, factor: f64) -> f64 {
        self.base + self.slope * (factor - 1.0)
    }
}

/// The expected value with both kinds of error, and the quantiles of single runs. `relative` is a further relative error
/// at the level of the interval, as of a price.
pub(super) fn estimate(values: &[Linear], errors: &StepErrors, relative: f64, runs: &[f64]) -> Estimate {
    let at = |factor: f64| values.iter().map(|value| value.at(factor)).collect::<Vec<f64>>();
    let mean_of = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let expected = at(errors.mean);
    let mean = mean_of(&expected);
    let half = Interval::of_sample(&expected, LEVEL).map_or(0.0, |interval| interval.half_width());
    let side = |end: f64| {
        libm::sqrt(half * half + libm::pow(mean_of(&at(end)) - mean, 2.0) + libm::pow(mean * relative, 2.0))
    };
    let ascending = sorted(runs);
    Estimate {
        mean,
        lo: (mean - side(errors.ends.0)).max(0.0),
        hi: mean + side(errors.ends.1),
        level: LEVEL,
        p50: quantile(&ascending, 0.5).unwrap_or(mean),
        p90: quantile(&ascending, 0.9).unwrap_or(mean),
    }
}

/// The paired difference of two fleets: replication by replication, and error by error. The same device errs alike on both
/// sides; so do input stages, whose law they share.
pub(super) fn difference(
    ours: (&[Linear], &StepErrors),
    theirs: (&[Linear], &StepErrors),
    same_device: bool,
) -> Option<Estimate> {
    let count = ours.0.len().min(theirs.0.len());
    let their_factors = if same_device { &theirs.1.factors } else { &theirs.1.apart };
    let at = |ours_factor: f64, their_factor: f64| -> Vec<f64> {
        ours.0[..count]
            .iter()
            .zip(&theirs.0[..count])
            .map(|(our, their)| our.at(ours_factor) - their.at(their_factor))
            .collect()
    };
    let interval = Interval::of_sample(&at(ours.1.mean, theirs.1.mean), LEVEL).ok()?;
    let runs: Vec<Vec<f64>> =
        ours.1.factors.iter().zip(their_factors).map(|(our, their)| at(*our, *their)).collect();
    let means = sorted(&runs.iter().map(|run| run.iter().sum::<f64>() / count as f64).collect::<Vec<f64>>());
    let single = sorted(&runs.concat());
    let tail = 0.5 * (1.0 - LEVEL);
    let half = interval.half_width();
    let side = |end: f64| libm::hypot(half, end - interval.mean);
    Some(Estimate {
        mean: interval.mean,
        lo: interval.mean - side(quantile(&means, tail)?),
        hi: interval.mean + side(quantile(&means, 1.0 - tail)?),
        level: LEVEL,
        p50: quantile(&single, 0.5)?,
        p90: quantile(&single, 0.9)?,
    })
}

/// Prices at evenly spaced probabilities of a triangle from least over usual to greatest.
pub(super) fn price_points(tariff: &Tariff) -> Vec<PricePerHour> {
    let range = tariff.hourly;
    if range.low == range.high {
        return vec![range.typical];
    }
    let (low, mode, high) =
        (range.low.usd_per_hour(), range.typical.usd_per_hour(), range.high.usd_per_hour());
    let split = (mode - low) / (high - low);
    (0..PRICE_POINTS)
        .map(|index| {
            let p = (index as f64 + 0.5) / PRICE_POINTS as f64;
            let price = if p < split {
                low + (p * (high - low) * (mode - low)).sqrt()
            } else {
                high - ((1.0 - p) * (high - low) * (high - mode)).sqrt()
            };
            PricePerHour(Money::from_usd(price))
        })
        .collect()
}
