//! Confidence intervals: of a mean, of a paired difference, of a probability.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};
use thiserror::Error;

use super::normal_quantile;

/// An estimate and the interval that covers the truth in the share `level` of experiments.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Interval {
    /// The estimate.
    pub mean: f64,
    /// Lower end.
    pub lo: f64,
    /// Upper end.
    pub hi: f64,
    /// Confidence level, such as 0.95.
    pub level: f64,
}

/// Why nothing can be concluded from a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SampleError {
    /// Too few values.
    #[error("{have} values are too few: at least {need} are needed")]
    TooFew {
        /// Values at hand.
        have: usize,
        /// Values needed.
        need: usize,
    },
    /// Two samples that should pair up differ in length.
    #[error("{ours} values cannot be paired with {theirs}")]
    Unpaired {
        /// Values in the first sample.
        ours: usize,
        /// Values in the second sample.
        theirs: usize,
    },
    /// A value is infinite or not a number.
    #[error("value {index} is not a finite number")]
    NotFinite {
        /// Place of the first such value, from 0.
        index: usize,
    },
    /// A probability or level lies outside its range.
    #[error("a probability or a level must lie between 0 and 1")]
    NotAProbability,
}

impl Interval {
    /// The mean of independent values with Student's t interval.
    ///
    /// # Errors
    /// Fewer than two values, a value that is not finite, or a level outside (0, 1).
    pub fn of_sample(values: &[f64], level: f64) -> Result<Self, SampleError> {
        check_level(level)?;
        if values.len() < 2 {
            return Err(SampleError::TooFew { have: values.len(), need: 2 });
        }
        if let Some(index) = values.iter().position(|value| !value.is_finite()) {
            return Err(SampleError::NotFinite { index });
        }
        let (mean, variance) = mean_and_variance(values.iter().copied());
        let half = student_quantile(values.len() - 1, level) * (variance / values.len() as f64).sqrt();
        Ok(Self { mean, lo: mean - half, hi: mean + half, level })
    }

    /// The mean of `ours − theirs`, value by value: the comparison that common random numbers make sharp.
    ///
    /// # Errors
    /// Samples of different length, and whatever [`Interval::of_sample`] refuses.
    pub fn of_paired_difference(ours: &[f64], theirs: &[f64], level: f64) -> Result<Self, SampleError> {
        if ours.len() != theirs.len() {
            return Err(SampleError::Unpaired { ours: ours.len(), theirs: theirs.len() });
        }
        let differences: Vec<f64> = ours.iter().zip(theirs).map(|(our, their)| our - their).collect();
        Self::of_sample(&differences, level)
    }

    /// A probability from `successes` in `trials`, with Wilson's score interval (1927), which stays inside
    /// [0, 1] and is honest at 0 and at all. `mean` is the plain share.
    ///
    /// # Errors
    /// No trials, more successes than trials, or a level outside (0, 1).
    pub fn of_probability(successes: u64, trials: u64, level: f64) -> Result<Self, SampleError> {
        check_level(level)?;
        if trials == 0 {
            return Err(SampleError::TooFew { have: 0, need: 1 });
        }
        if successes > trials {
            return Err(SampleError::NotAProbability);
        }
        let n = trials as f64;
        let share = successes as f64 / n;
        let z2 = normal_quantile(0.5 + 0.5 * level).powi(2);
        let centre = (share + z2 / (2.0 * n)) / (1.0 + z2 / n);
        let half = (share * (1.0 - share) * z2 / n + z2 * z2 / (4.0 * n * n)).sqrt() / (1.0 + z2 / n);
        Ok(Self {
            mean: share,
            lo: if successes == 0 { 0.0 } else { (centre - half).max(0.0) },
            hi: if successes == trials { 1.0 } else { (centre + half).min(1.0) },
            level,
        })
    }

    /// Half of the interval's width.
    #[must_use]
    pub fn half_width(&self) -> f64 {
        0.5 * (self.hi - self.lo)
    }

    /// Half-width over the size of the mean; 0 for a point, infinite for a spread around 0.
    #[must_use]
    pub fn relative_half_width(&self) -> f64 {
        let half = self.half_width();
        if half == 0.0 { 0.0 } else { half / self.mean.abs() }
    }

    /// Whether `value` lies inside, ends included.
    #[must_use]
    pub fn contains(&self, value: f64) -> bool {
        self.lo <= value && value <= self.hi
    }
}

/// The factor of the standard error in a two-sided Student interval.
fn student_quantile(freedom: usize, level: f64) -> f64 {
    match StudentsT::new(0.0, 1.0, freedom as f64) {
        Ok(student) => student.inverse_cdf(0.5 + 0.5 * level),
        // Only zero degrees of freedom are refused: nothing is known.
        Err(_) => f64::INFINITY,
    }
}

/// Mean and unbiased variance in one pass (Welford 1962); the variance of fewer than two values is 0.
pub(super) fn mean_and_variance(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
    for value in values {
        count += 1.0;
        let distance = value - mean;
        mean += distance / count;
        squares += distance * (value - mean);
    }
    (mean, if count < 2.0 { 0.0 } else { squares / (count - 1.0) })
}

pub(super) fn check_level(level: f64) -> Result<(), SampleError> {
    if level > 0.0 && level < 1.0 { Ok(()) } else { Err(SampleError::NotAProbability) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Stream;

    #[test]
    fn student_quantiles_agree_with_the_published_table() {
        for (freedom, level, expected) in [
            (1, 0.95, 12.706_204_736),
            (9, 0.95, 2.262_157_163),
            (9, 0.90, 1.833_112_933),
            (29, 0.99, 2.756_385_904),
            (999, 0.95, 1.962_341_461),
        ] {
            let quantile = student_quantile(freedom, level);
            assert!((quantile / expected - 1.0).abs() < 1e-8, "{freedom} {level}: {quantile}");
        }
    }

    #[test]
    fn a_sample_gives_its_mean_and_a_symmetric_interval() {
        let interval = Interval::of_sample(&[1.0, 2.0, 3.0, 4.0], 0.95).unwrap();
        assert_eq!(interval.mean, 2.5);
        assert!((interval.half_width() - 3.182_446_305 * (5.0f64 / 12.0).sqrt()).abs() < 1e-8);
        assert!(interval.contains(2.5) && !interval.contains(0.4));
    }

    #[test]
    fn equal_values_give_a_point_and_no_doubt() {
        let interval = Interval::of_sample(&[3.0; 10], 0.95).unwrap();
        assert_eq!((interval.lo, interval.hi, interval.relative_half_width()), (3.0, 3.0, 0.0));
    }

    #[test]
    fn intervals_cover_as_often_as_they_claim() {
        let mut stream = Stream::named(5, 0, "interval", "coverage");
        let covered = (0..4000)
            .filter(|_| {
                let sample: Vec<f64> = (0..10).map(|_| stream.normal()).collect();
                Interval::of_sample(&sample, 0.9).unwrap().contains(0.0)
            })
            .count();
        assert!((covered as f64 / 4000.0 - 0.9).abs() < 0.015, "{covered}");
    }

    #[test]
    fn pairing_removes_what_both_samples_share() {
        let mut stream = Stream::named(6, 0, "interval", "pairs");
        let theirs: Vec<f64> = (0..20).map(|_| 100.0 + 10.0 * stream.normal()).collect();
        let ours: Vec<f64> = theirs.iter().map(|value| value + 1.0).collect();
        let difference = Interval::of_paired_difference(&ours, &theirs, 0.95).unwrap();
        assert!(difference.lo > 0.999 && difference.hi < 1.001);
    }

    #[test]
    fn a_probability_is_never_certain_after_finitely_many_trials() {
        let never = Interval::of_probability(0, 10, 0.95).unwrap();
        assert_eq!((never.mean, never.lo), (0.0, 0.0));
        assert!((never.hi - 0.277_5).abs() < 1e-3);
        let always = Interval::of_probability(10, 10, 0.95).unwrap();
        assert_eq!((always.mean, always.hi), (1.0, 1.0));
        assert!((always.lo - 0.722_5).abs() < 1e-3);
        // Newcombe 1998, table I: 81 of 263.
        let newcombe = Interval::of_probability(81, 263, 0.95).unwrap();
        assert!((newcombe.lo - 0.255_3).abs() < 5e-5 && (newcombe.hi - 0.366_2).abs() < 5e-5);
    }

    #[test]
    fn what_cannot_be_concluded_is_refused() {
        assert_eq!(Interval::of_sample(&[1.0], 0.95), Err(SampleError::TooFew { have: 1, need: 2 }));
        assert_eq!(Interval::of_sample(&[1.0, f64::NAN], 0.95), Err(SampleError::NotFinite { index: 1 }));
        assert_eq!(Interval::of_sample(&[1.0, 2.0], 1.0), Err(SampleError::NotAProbability));
        assert_eq!(
            Interval::of_paired_difference(&[1.0, 2.0], &[1.0], 0.95),
            Err(SampleError::Unpaired { ours: 2, theirs: 1 })
        );
        assert_eq!(Interval::of_probability(2, 1, 0.95), Err(SampleError::NotAProbability));
    }
}
