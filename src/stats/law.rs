//! Laws of durations (and of anything else that is never negative) as values that can be stored and drawn
//! from.

use thiserror::Error;

use super::{Stream, normal_cdf, normal_quantile};

/// The law of a quantity that is never negative. Parameters carry the quantity's unit; durations are in
/// seconds.
///
/// Every draw takes one number from its stream.
#[derive(Clone, Debug, PartialEq)]
pub enum Law {
    /// Always the same value.
    Deterministic(f64),
    /// Evenly between two ends.
    Uniform {
        /// Lower end.
        lo: f64,
        /// Upper end.
        hi: f64,
    },
    /// Memoryless.
    Exponential {
        /// The mean.
        mean: f64,
    },
    /// Normal, with what lies below 0 moved to 0.
    Normal {
        /// Mean before the cut.
        mean: f64,
        /// Standard deviation before the cut.
        deviation: f64,
    },
    /// Lognormal; [`Law::lognormal`] makes one from mean and coefficient of variation.
    Lognormal {
        /// The median.
        median: f64,
        /// Standard deviation of the logarithm.
        sigma: f64,
    },
    /// Weibull; [`Law::weibull`] makes one from mean and shape.
    Weibull {
        /// The value exceeded with probability 1/e.
        scale: f64,
        /// Below 1 the hazard falls with age, above 1 it rises.
        shape: f64,
    },
    /// A mixture of exponentials as (probability, mean); probabilities sum to 1.
    Hyperexponential(Vec<(f64, f64)>),
    /// Quantiles at evenly spaced probabilities from 0 to 1, linear in between.
    Empirical(Vec<f64>),
}

/// A parameter with which a law would not be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum LawError {
    /// A parameter is negative, infinite or not a number, or a shape is 0.
    #[error("a parameter of a law must be finite and must not be negative")]
    Parameter,
    /// Ends of an interval or entries of a table are not in ascending order.
    #[error("the ends or quantiles of a law must ascend")]
    Order,
    /// Probabilities of a mixture do not sum to 1, or there is none.
    #[error("the probabilities of a mixture must sum to 1")]
    Mixture,
}

impl Law {
    /// Lognormal with the given mean and coefficient of variation (standard deviation / mean).
    #[must_use]
    pub fn lognormal(mean: f64, cv: f64) -> Self {
        let variance = libm::log1p(cv * cv);
        Self::Lognormal { median: mean * libm::exp(-0.5 * variance), sigma: variance.sqrt() }
    }

    /// Weibull with the given mean and shape.
    #[must_use]
    pub fn weibull(mean: f64, shape: f64) -> Self {
        Self::Weibull { scale: mean / libm::tgamma(1.0 + 1.0 / shape), shape }
    }

    /// Two exponential branches with balanced means (each contributes half of the mean) that have the given
    /// coefficient of variation, at least 1. Source: Tijms, A First Course in Stochastic Models, appendix B.
    #[must_use]
    pub fn hyperexponential(mean: f64, cv: f64) -> Self {
        let squared = (cv * cv).max(1.0);
        let fast = 0.5 * (1.0 + ((squared - 1.0) / (squared + 1.0)).sqrt());
        Self::Hyperexponential(vec![(fast, mean / (2.0 * fast)), (1.0 - fast, mean / (2.0 * (1.0 - fast)))])
    }

    /// Checks the parameters.
    ///
    /// # Errors
    /// What [`LawError`] lists.
    pub fn check(&self) -> Result<(), LawError> {
        let parameters: &[f64] = match self {
            Self::Deterministic(value) => &[*value],
            Self::Uniform { lo, hi } => &[*lo, *hi],
            Self::Exponential { mean } => &[*mean],
            Self::Normal { mean, deviation } => &[*mean, *deviation],
            Self::Lognormal { median, sigma } => &[*median, *sigma],
            Self::Weibull { scale, shape } if *shape > 0.0 => &[*scale, *shape],
            Self::Weibull { .. } => return Err(LawError::Parameter),
            Self::Hyperexponential(branches) => return check_mixture(branches),
            Self::Empirical(quantiles) => quantiles,
        };
        let ascends = parameters.is_sorted();
        if parameters.is_empty() || !parameters.iter().all(|p| p.is_finite() && *p >= 0.0) {
            Err(LawError::Parameter)
        } else if matches!(self, Self::Uniform { .. } | Self::Empirical(_)) && !ascends {
            Err(LawError::Order)
        } else {
            Ok(())
        }
    }

    /// The mean.
    #[must_use]
    pub fn mean(&self) -> f64 {
        match self {
            Self::Deterministic(value) => *value,
            Self::Uniform { lo, hi } => 0.5 * (lo + hi),
            Self::Exponential { mean } => *mean,
            Self::Normal { mean, deviation } => cut_normal_mean(*mean, *deviation),
            Self::Lognormal { median, sigma } => median * libm::exp(0.5 * sigma * sigma),
            Self::Weibull { scale, shape } => scale * libm::tgamma(1.0 + 1.0 / shape),
            Self::Hyperexponential(branches) => branches.iter().map(|(p, mean)| p * mean).sum(),
            Self::Empirical(quantiles) => table_mean(quantiles),
        }
    }

    /// One value.
    pub fn draw(&self, stream: &mut Stream) -> f64 {
        match self {
            Self::Hyperexponential(branches) => stream.hyperexponential(branches),
            _ => self.exceeded_with(1.0 - stream.uniform()),
        }
    }

    /// The largest of `count` independent values, from one number: the maximum's distribution function is the
    /// `count`-th power of the law's, so its inverse is the law's own at a root. Exact, and as cheap for
    /// 1,024 as for one.
    pub fn draw_max(&self, count: u32, stream: &mut Stream) -> f64 {
        if count <= 1 {
            return self.draw(stream);
        }
        // 1 − u^(1/count) without losing the small tail.
        let tail = -libm::expm1(libm::log(stream.uniform()) / f64::from(count));
        self.exceeded_with(tail)
    }

    /// The value exceeded with probability `tail` in (0, 1): the inverse of the survival function.
    #[must_use]
    pub fn exceeded_with(&self, tail: f64) -> f64 {
        match self {
            Self::Deterministic(value) => *value,
            Self::Uniform { lo, hi } => hi - (hi - lo) * tail,
            Self::Exponential { mean } => -mean * libm::log(tail),
            Self::Normal { mean, deviation } => (mean - deviation * normal_quantile(tail)).max(0.0),
            Self::Lognormal { median, sigma } => median * libm::exp(-sigma * normal_quantile(tail)),
            Self::Weibull { scale, shape } => scale * libm::pow(-libm::log(tail), 1.0 / shape),
            Self::Hyperexponential(branches) => mixture_exceeded_with(branches, tail),
            Self::Empirical(quantiles) => table_at(quantiles, 1.0 - tail),
        }
    }
}

fn check_mixture(branches: &[(f64, f64)]) -> Result<(), LawError> {
    let sound = |value: f64| value.is_finite() && value >= 0.0;
    if !branches.iter().all(|(p, mean)| sound(*p) && sound(*mean)) {
        return Err(LawError::Parameter);
    }
    let sum: f64 = branches.iter().map(|(p, _)| p).sum();
    if (sum - 1.0).abs() <= 1e-9 { Ok(()) } else { Err(LawError::Mixture) }
}

/// Mean of max(0, X) for normal X.
fn cut_normal_mean(mean: f64, deviation: f64) -> f64 {
    if deviation == 0.0 {
        return mean;
    }
    let z = mean / deviation;
    let density = libm::exp(-0.5 * z * z) / (2.0 * std::f64::consts::PI).sqrt();
    mean * normal_cdf(z) + deviation * density
}

/// Newton's method on the logarithm of the survival function, which is convex and falls: from 0 it approaches
/// the root from one side and never passes it.
fn mixture_exceeded_with(branches: &[(f64, f64)], tail: f64) -> f64 {
    let target = libm::log(tail);
    let mut x = 0.0;
    for _ in 0..100 {
        let (mut survival, mut density) = (0.0, 0.0);
        for &(probability, mean) in branches.iter().filter(|(_, mean)| *mean > 0.0) {
            let part = probability * libm::exp(-x / mean);
            survival += part;
            density += part / mean;
        }
        let step = (libm::log(survival) - target) * survival / density;
        if step.is_nan() || step <= 1e-15 * x {
            break;
        }
        x += step;
    }
    x
}

pub(super) fn table_at(quantiles: &[f64], probability: f64) -> f64 {
    let place = probability * quantiles.len().saturating_sub(1) as f64;
    let below = place as usize;
    match quantiles.get(below..) {
        Some([low, high, ..]) => low + (high - low) * (place - below as f64),
        Some([only]) => *only,
        _ => 0.0,
    }
}

fn table_mean(quantiles: &[f64]) -> f64 {
    match quantiles {
        [] => 0.0,
        [only] => *only,
        [first, .., last] => {
            let sum: f64 = quantiles.iter().sum();
            (sum - 0.5 * (first + last)) / (quantiles.len() - 1) as f64
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn laws() -> Vec<Law> {
        vec![
            Law::Deterministic(2.0),
            Law::Uniform { lo: 1.0, hi: 3.0 },
            Law::Exponential { mean: 2.0 },
            Law::Normal { mean: 1.0, deviation: 1.5 },
            Law::lognormal(2.0, 0.8),
            Law::weibull(2.0, 0.7),
            Law::hyperexponential(2.0, 2.0),
            Law::Empirical(vec![0.5, 1.0, 1.5, 7.0]),
        ]
    }

    #[test]
    fn every_law_draws_the_mean_that_it_states() {
        for law in laws() {
            assert_eq!(law.check(), Ok(()));
            let mut stream = Stream::named(3, 0, "law", "mean");
            let mean = (0..400_000).map(|_| law.draw(&mut stream)).sum::<f64>() / 400_000.0;
            assert!((mean / law.mean() - 1.0).abs() < 0.015, "{law:?}: {mean}");
        }
    }

    #[test]
    fn the_largest_of_many_is_distributed_as_the_largest_of_single_draws() {
        for law in laws() {
            let mut singly = Stream::named(3, 0, "law", "singly");
            let mut at_once = Stream::named(3, 0, "law", "at once");
            let mut draw = || (0..8).map(|_| law.draw(&mut singly)).fold(0.0, f64::max);
            let singly_mean = (0..100_000).map(|_| draw()).sum::<f64>() / 1e5;
            let mean = (0..100_000).map(|_| law.draw_max(8, &mut at_once)).sum::<f64>() / 1e5;
            assert!((mean / singly_mean - 1.0).abs() < 0.02, "{law:?}: {mean} {singly_mean}");
        }
    }

    #[test]
    fn the_largest_of_very_many_keeps_its_tail() {
        let law = Law::Exponential { mean: 1.0 };
        let mut stream = Stream::named(3, 0, "law", "tail");
        let mean = (0..100_000).map(|_| law.draw_max(1_000_000_000, &mut stream)).sum::<f64>() / 1e5;
        let harmonic = libm::log(1e9) + 0.577_215_664_9;
        assert!((mean / harmonic - 1.0).abs() < 0.002, "{mean} {harmonic}");
    }

    #[test]
    fn the_mixture_is_inverted_to_the_last_digits() {
        let branches = [(0.9, 0.1), (0.1, 9.1)];
        for exponent in 1..=12 {
            let tail = libm::pow(10.0, -f64::from(exponent));
            let x = mixture_exceeded_with(&branches, tail);
            let survival: f64 = branches.iter().map(|(p, mean)| p * libm::exp(-x / mean)).sum();
            assert!((survival / tail - 1.0).abs() < 1e-12, "{tail}: {survival}");
        }
    }

    #[test]
    fn what_is_no_law_is_refused() {
        assert_eq!(Law::Deterministic(-1.0).check(), Err(LawError::Parameter));
        assert_eq!(Law::Exponential { mean: f64::NAN }.check(), Err(LawError::Parameter));
        assert_eq!(Law::Uniform { lo: 2.0, hi: 1.0 }.check(), Err(LawError::Order));
        assert_eq!(Law::Weibull { scale: 1.0, shape: 0.0 }.check(), Err(LawError::Parameter));
        assert_eq!(Law::Hyperexponential(vec![(0.5, 1.0)]).check(), Err(LawError::Mixture));
        assert_eq!(Law::Empirical(vec![]).check(), Err(LawError::Parameter));
        assert_eq!(Law::Empirical(vec![2.0, 1.0]).check(), Err(LawError::Order));
    }
}
