//! Quantiles of a sample, with intervals that assume no distribution.

use super::interval::{Interval, SampleError, check_level};

/// The values in ascending order, as the functions here want them.
#[must_use]
pub fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted
}

/// The quantile at `probability` (clamped to 0…1) of ascending values: type 7 of Hyndman and Fan 1996, linear
/// between order statistics. `None` of nothing.
#[must_use]
pub fn quantile(ascending: &[f64], probability: f64) -> Option<f64> {
    let place = probability.clamp(0.0, 1.0) * ascending.len().checked_sub(1)? as f64;
    let below = place as usize;
    match ascending.get(below..)? {
        [low, high, ..] => Some(low + (high - low) * (place - below as f64)),
        [only] => Some(*only),
        [] => None,
    }
}

/// The quantile with an interval between two order statistics, whatever the values' distribution: the number
/// of values below the true quantile is binomial. The interval is the narrowest in ranks, around the
/// estimate, that reaches `level`.
///
/// # Errors
/// So few values that even smallest and largest do not reach the level; a probability or level outside (0,
/// 1).
pub fn quantile_interval(ascending: &[f64], probability: f64, level: f64) -> Result<Interval, SampleError> {
    check_level(level)?;
    check_level(probability)?;
    let n = ascending.len();
    let too_few = SampleError::TooFew { have: n, need: values_needed(probability, level) };
    let mean = quantile(ascending, probability).ok_or(too_few)?;
    // Ranks from 1; l and u cover the truth if l to u − 1 of the values lie below it. The likelier neighbour
    // joins.
    let start = ((n as f64 * probability) as usize + 1).min(n);
    let (mut lower, mut upper, mut covered) = (start, start, 0.0);
    while covered < level {
        let below = if lower > 1 { binomial(lower - 1, n, probability) } else { -1.0 };
        let above = if upper < n { binomial(upper, n, probability) } else { -1.0 };
        if below < 0.0 && above < 0.0 {
            return Err(too_few);
        }
        if below > above {
            lower -= 1;
            covered += below;
        } else {
            upper += 1;
            covered += above;
        }
    }
    Ok(Interval { mean, lo: ascending[lower - 1], hi: ascending[upper - 1], level })
}

/// The middle value; `None` of nothing.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    quantile(&sorted(values), 0.5)
}

/// The median distance from the median, a spread that wild values do not move; `None` of nothing.
#[must_use]
pub fn median_absolute_deviation(values: &[f64]) -> Option<f64> {
    let middle = median(values)?;
    let distances: Vec<f64> = values.iter().map(|value| (value - middle).abs()).collect();
    median(&distances)
}

/// P(exactly `k` of `n`).
fn binomial(k: usize, n: usize, probability: f64) -> f64 {
    let (k, n) = (k as f64, n as f64);
    let log_choices = libm::lgamma(n + 1.0) - libm::lgamma(k + 1.0) - libm::lgamma(n - k + 1.0);
    libm::exp(log_choices + k * libm::log(probability) + (n - k) * libm::log1p(-probability))
}

/// The values with which smallest and largest enclose the quantile at `level`: 1 − pⁿ − (1 − p)ⁿ ≥ level.
fn values_needed(probability: f64, level: f64) -> usize {
    let rarer = probability.max(1.0 - probability);
    let mut need = (libm::log(1.0 - level) / libm::log(rarer)).ceil();
    while 1.0 - libm::pow(probability, need) - libm::pow(1.0 - probability, need) < level {
        need += 1.0;
    }
    need as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Stream;

    #[test]
    fn quantiles_lie_between_order_statistics() {
        let values = [1.0, 2.0, 4.0, 8.0];
        assert_eq!(quantile(&values, 0.0), Some(1.0));
        assert_eq!(quantile(&values, 0.5), Some(3.0));
        assert_eq!(quantile(&values, 0.9), Some(4.0 + 4.0 * (0.9 * 3.0 - 2.0)));
        assert_eq!(quantile(&values, 1.0), Some(8.0));
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn the_median_interval_agrees_with_the_published_ranks() {
        // Conover 1999, table A3: n = 20, 95 %: ranks 6 to 15.
        let values: Vec<f64> = (1..=20).map(f64::from).collect();
        let interval = quantile_interval(&values, 0.5, 0.95).unwrap();
        assert_eq!((interval.lo, interval.hi), (6.0, 15.0));
    }

    #[test]
    fn intervals_cover_as_often_as_they_claim_whatever_the_law() {
        let mut stream = Stream::named(2, 0, "quantile", "coverage");
        let truth = -libm::log(0.1);
        let covered = (0..1000)
            .filter(|_| {
                let values: Vec<f64> = (0..200).map(|_| stream.exponential(1.0)).collect();
                quantile_interval(&sorted(&values), 0.9, 0.95).unwrap().contains(truth)
            })
            .count();
        assert!((940..=980).contains(&covered), "{covered}");
    }

    #[test]
    fn a_tail_needs_enough_values_and_the_error_says_how_many() {
        let values: Vec<f64> = (0..100).map(f64::from).collect();
        let Err(SampleError::TooFew { need, .. }) = quantile_interval(&values, 0.99, 0.95) else {
            panic!("100 values say nothing about p99 at 95 %");
        };
        assert_eq!(need, 299);
        let enough: Vec<f64> = (0..299).map(f64::from).collect();
        assert!(quantile_interval(&enough, 0.99, 0.95).is_ok());
    }

    #[test]
    fn one_wild_value_moves_neither_median_nor_deviation() {
        let values = [1.0, 2.0, 3.0, 4.0, 1e9];
        assert_eq!(median(&values), Some(3.0));
        assert_eq!(median_absolute_deviation(&values), Some(1.0));
        assert_eq!(median_absolute_deviation(&[]), None);
    }
}
