//! Laws of token counts, ready to be drawn from.

use super::spec::LengthLaw;
use crate::stats::{Stream, normal_cdf};

/// A law made ready.
#[derive(Debug)]
pub(super) enum Sampler {
    Fixed(u32),
    Uniform { least: u32, count: usize },
    LogNormal { median: f64, sigma: f64, most: f64 },
    Table(Vec<f64>),
}

impl Sampler {
    pub(super) fn new(law: &LengthLaw) -> Self {
        match law {
            LengthLaw::Fixed(tokens) => Self::Fixed(*tokens),
            LengthLaw::Uniform(one, other) => {
                let (least, most) = (*one.min(other), *one.max(other));
                Self::Uniform { least, count: (most - least) as usize + 1 }
            }
            LengthLaw::LogNormal { median, mean, most } => {
                let most = f64::from(*most);
                Self::LogNormal { median: *median, sigma: sigma_of(*median, *mean, most), most }
            }
            LengthLaw::Empirical(quantiles) => {
                Self::Table(quantiles.iter().map(|tokens| f64::from(*tokens)).collect())
            }
        }
    }

    pub(super) fn draw(&self, stream: &mut Stream) -> u32 {
        match self {
            Self::Fixed(tokens) => *tokens,
            Self::Uniform { least, count } => least + stream.below(*count) as u32,
            Self::LogNormal { median, sigma, most } => {
                let value = median * libm::exp(sigma * stream.normal());
                (value.min(*most) + 0.5) as u32
            }
            Self::Table(quantiles) => (stream.empirical(quantiles) + 0.5) as u32,
        }
    }
}

/// Mean of a lognormal law whose values above `most` become `most`.
fn cut_mean(median: f64, sigma: f64, most: f64) -> f64 {
    if sigma == 0.0 {
        return median.min(most);
    }
    let edge = libm::log(most / median) / sigma;
    median * libm::exp(0.5 * sigma * sigma) * normal_cdf(edge - sigma) + most * (1.0 - normal_cdf(edge))
}

/// The spread with which the law, cut at its most, has its mean. With the spread the mean of the cut law rises to a
/// greatest value and falls again: the least spread is taken, and for a mean out of reach the one that comes nearest.
fn sigma_of(median: f64, mean: f64, most: f64) -> f64 {
    let rises = median > 0.0 && mean > median && most > median && mean.is_finite();
    if !rises {
        return 0.0;
    }
    let steps = (1..=80).map(|step| f64::from(step) * 0.1);
    let mut nearest = (0.0, median);
    for sigma in steps {
        let reached = cut_mean(median, sigma, most);
        if reached >= mean {
            return bisect(sigma - 0.1, sigma, |sigma| cut_mean(median, sigma, most) < mean);
        }
        if reached > nearest.1 {
            nearest = (sigma, reached);
        }
    }
    nearest.0
}

/// Where a condition that holds at `low` and not at `high` ceases to hold.
pub(super) fn bisect(mut low: f64, mut high: f64, holds: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if holds(middle) { low = middle } else { high = middle }
    }
    low
}

impl LengthLaw {
    /// Mean tokens of the law.
    #[must_use]
    pub fn mean(&self) -> f64 {
        match self {
            Self::Fixed(tokens) => f64::from(*tokens),
            Self::Uniform(one, other) => 0.5 * (f64::from(*one) + f64::from(*other)),
            Self::LogNormal { median, mean, most } => {
                let most = f64::from(*most);
                cut_mean(*median, sigma_of(*median, *mean, most), most)
            }
            Self::Empirical(quantiles) => match quantiles.as_slice() {
                [] => 0.0,
                [only] => f64::from(*only),
                [first, .., last] => {
                    let sum: f64 = quantiles.iter().copied().map(f64::from).sum();
                    let ends = 0.5 * (f64::from(*first) + f64::from(*last));
                    (sum - ends) / (quantiles.len() - 1) as f64
                }
            },
        }
    }

    /// Greatest value of the law.
    #[must_use]
    pub fn most(&self) -> u32 {
        match self {
            Self::Fixed(tokens) => *tokens,
            Self::Uniform(one, other) => *one.max(other),
            Self::LogNormal { most, .. } => *most,
            Self::Empirical(quantiles) => quantiles.iter().copied().max().unwrap_or(0),
        }
    }

    /// The same shape with another mean: every value times the same factor, rounded, at least 1.
    #[must_use]
    pub fn with_mean(&self, mean: f64) -> Self {
        let own = self.mean();
        let factor = if own > 0.0 && mean.is_finite() && mean > 0.0 { mean / own } else { 1.0 };
        let scale = |tokens: u32| (f64::from(tokens) * factor + 0.5).max(1.0) as u32;
        match self {
            Self::Fixed(tokens) => Self::Fixed(scale(*tokens)),
            Self::Uniform(one, other) => Self::Uniform(scale(*one), scale(*other)),
            Self::LogNormal { median, mean, most } => {
                Self::LogNormal { median: median * factor, mean: mean * factor, most: scale(*most) }
            }
            Self::Empirical(quantiles) => {
                Self::Empirical(quantiles.iter().map(|tokens| scale(*tokens)).collect())
            }
        }
    }

    /// The law with values above a limit set to it: a model's longest context, a cap on answers.
    #[must_use]
    pub fn cut_at(&self, limit: u32) -> Self {
        match self {
            Self::Fixed(tokens) => Self::Fixed((*tokens).min(limit)),
            Self::Uniform(one, other) => Self::Uniform((*one).min(limit), (*other).min(limit)),
            Self::LogNormal { median, mean, most } => {
                Self::LogNormal { median: *median, mean: *mean, most: (*most).min(limit) }
            }
            Self::Empirical(quantiles) => {
                Self::Empirical(quantiles.iter().map(|tokens| (*tokens).min(limit)).collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn laws_draw_the_mean_that_they_state() {
        let laws = [
            LengthLaw::Fixed(7),
            LengthLaw::Uniform(10, 20),
            LengthLaw::LogNormal { median: 129.0, mean: 211.0, most: 1000 },
            LengthLaw::Empirical(vec![10, 20, 500]),
        ];
        for law in laws {
            let sampler = Sampler::new(&law);
            let mut stream = Stream::named(1, 0, "test", "lengths");
            let drawn: Vec<u32> = (0..200_000).map(|_| sampler.draw(&mut stream)).collect();
            let mean = drawn.iter().copied().map(f64::from).sum::<f64>() / drawn.len() as f64;
            assert!((mean / law.mean() - 1.0).abs() < 0.01, "{law:?}: {mean} {}", law.mean());
            assert!(drawn.iter().all(|tokens| *tokens <= law.most()), "{law:?}");
        }
        let cut = LengthLaw::LogNormal { median: 129.0, mean: 211.0, most: 1000 };
        assert!((cut.mean() - 211.0).abs() < 0.1, "the cut is made up for: {}", cut.mean());
    }

    #[test]
    fn a_uniform_law_reaches_both_ends() {
        let sampler = Sampler::new(&LengthLaw::Uniform(3, 1));
        let mut stream = Stream::named(1, 0, "test", "lengths");
        let drawn: std::collections::BTreeSet<u32> = (0..200).map(|_| sampler.draw(&mut stream)).collect();
        assert_eq!(drawn.into_iter().collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(Sampler::new(&LengthLaw::Uniform(0, u32::MAX)).draw(&mut stream) as u64 >> 32, 0);
    }
}
