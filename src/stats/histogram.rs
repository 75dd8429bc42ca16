//! Quantiles of any number of values in bounded memory.

/// Buckets of each power of two: values are known to 1 part in 512.
const SUB_BITS: u32 = 8;
const SUB: usize = 1 << SUB_BITS;

/// Counts of non-negative integers (nanoseconds, as a rule) in buckets of constant relative width. Count, sum, least
/// and greatest are exact; a quantile is off by at most 0.2 %.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    counts: Vec<u64>,
    count: u64,
    sum: u128,
    least: u64,
    greatest: u64,
}

impl Histogram {
    /// An empty histogram.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts a value.
    pub fn record(&mut self, value: u64) {
        let bucket = bucket(value);
        if bucket >= self.counts.len() {
            self.counts.resize(bucket + 1, 0);
        }
        self.counts[bucket] += 1;
        self.least = if self.count == 0 { value } else { self.least.min(value) };
        self.greatest = self.greatest.max(value);
        self.count += 1;
        self.sum += u128::from(value);
    }

    /// Adds the counts of another.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        if other.counts.len() > self.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (own, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *own += theirs;
        }
        self.least = if self.count == 0 { other.least } else { self.least.min(other.least) };
        self.greatest = self.greatest.max(other.greatest);
        self.count += other.count;
        self.sum += other.sum;
    }

    /// Values counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Their mean; `None` of nothing.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum as f64 / self.count as f64)
    }

    /// The least value.
    #[must_use]
    pub fn least(&self) -> Option<u64> {
        (self.count > 0).then_some(self.least)
    }

    /// The greatest value.
    #[must_use]
    pub fn greatest(&self) -> Option<u64> {
        (self.count > 0).then_some(self.greatest)
    }

    /// The value that a share (clamped to 0…1) of the values stay under, linear within its bucket; `None` of nothing.
    #[must_use]
    pub fn quantile(&self, probability: f64) -> Option<f64> {
        if self.count == 0 {
            return None;
        }
        let rank = probability.clamp(0.0, 1.0) * self.count as f64;
        let mut before = 0.0;
        for (bucket, count) in self.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let count = *count as f64;
            if before + count >= rank {
                let (low, width) = bounds(bucket);
                let value = low as f64 + width as f64 * ((rank - before) / count).clamp(0.0, 1.0);
                return Some(value.clamp(self.least as f64, self.greatest as f64));
            }
            before += count;
        }
        Some(self.greatest as f64)
    }

    /// How many values are at most `limit`, to the resolution of a bucket.
    #[must_use]
    pub fn count_to(&self, limit: u64) -> u64 {
        self.counts.iter().take(bucket(limit) + 1).sum()
    }
}

fn bucket(value: u64) -> usize {
    if value < SUB as u64 {
        return value as usize;
    }
    let shift = value.ilog2() - SUB_BITS;
    (shift as usize + 1) * SUB + ((value >> shift) as usize - SUB)
}

/// Lower end and width of a bucket.
fn bounds(bucket: usize) -> (u64, u64) {
    if bucket < SUB {
        return (bucket as u64, 1);
    }
    let shift = bucket / SUB - 1;
    (((bucket % SUB + SUB) as u64) << shift, 1 << shift)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::{quantile, sorted};

    proptest! {
        #[test]
        fn quantiles_agree_with_the_sample_to_a_bucket(
            values in prop::collection::vec(0u64..u64::MAX >> 8, 200..400),
            probability in 0.05f64..0.95,
        ) {
            let mut histogram = Histogram::new();
            values.iter().for_each(|value| histogram.record(*value));
            let exact = sorted(&values.iter().map(|value| *value as f64).collect::<Vec<f64>>());
            let step = 1.5 / values.len() as f64;
            let low = quantile(&exact, probability - step).unwrap_or(0.0) * (1.0 - 1.0 / 256.0) - 1.0;
            let high = quantile(&exact, probability + step).unwrap_or(0.0) * (1.0 + 1.0 / 256.0) + 1.0;
            let found = histogram.quantile(probability).unwrap_or(-1.0);
            prop_assert!(low <= found && found <= high, "{low} {found} {high}");
        }

        #[test]
        fn every_value_lies_in_its_bucket(value in any::<u64>()) {
            let (low, width) = bounds(bucket(value));
            prop_assert!(low <= value && value - low < width);
        }
    }
}
