//! Series of any length in fixed memory: batch means whose batches grow.

use super::interval::mean_and_variance;

/// Means of consecutive batches of rows, in a fixed number of batches: when all are full, neighbours are
/// merged and the batch size doubles. A row holds one value of each series that is observed together.
#[derive(Clone, Debug)]
pub struct BatchMeans {
    width: usize,
    capacity: usize,
    size: u64,
    means: Vec<f64>,
    partial: Vec<f64>,
    rows_in_partial: u64,
}

impl BatchMeans {
    /// For rows of `width` values, in at most `capacity` batches (made even, at least 2). Batches begin with
    /// one row each.
    #[must_use]
    pub fn new(width: usize, capacity: usize) -> Self {
        let capacity = capacity.max(2).next_multiple_of(2);
        Self {
            width,
            capacity,
            size: 1,
            means: Vec::with_capacity(width * capacity),
            partial: vec![0.0; width],
            rows_in_partial: 0,
        }
    }

    /// Takes the next row; values beyond the width are ignored.
    pub fn push(&mut self, row: &[f64]) {
        for (sum, value) in self.partial.iter_mut().zip(row) {
            *sum += value;
        }
        self.rows_in_partial += 1;
        if self.rows_in_partial == self.size {
            self.close_batch();
        }
    }

    /// Rows per batch.
    #[must_use]
    pub fn batch_size(&self) -> u64 {
        self.size
    }

    /// Full batches.
    #[must_use]
    pub fn len(&self) -> usize {
        self.means.len().checked_div(self.width).unwrap_or(0)
    }

    /// Whether no batch is full yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The batch means of one series, oldest first.
    pub fn series(&self, column: usize) -> impl Iterator<Item = f64> + '_ {
        self.means.chunks_exact(self.width.max(1)).filter_map(move |batch| batch.get(column).copied())
    }

    /// The mean of one series without its first `cut` batches; `None` when nothing remains.
    #[must_use]
    pub fn mean_after(&self, cut: usize, column: usize) -> Option<f64> {
        (cut < self.len()).then(|| mean_and_variance(self.series(column).skip(cut)).0)
    }

    fn close_batch(&mut self) {
        for sum in &mut self.partial {
            self.means.push(*sum / self.size as f64);
            *sum = 0.0;
        }
        self.rows_in_partial = 0;
        if self.len() == self.capacity {
            self.merge_neighbours();
        }
    }

    fn merge_neighbours(&mut self) {
        let width = self.width;
        for batch in 0..self.capacity / 2 {
            for column in 0..width {
                let first = self.means[2 * batch * width + column];
                let second = self.means[(2 * batch + 1) * width + column];
                self.means[batch * width + column] = 0.5 * (first + second);
            }
        }
        self.means.truncate(self.capacity / 2 * width);
        self.size *= 2;
    }
}

/// The variance per step of a long sum: lim Var(x₁ + … + x_k) / k, autocorrelation included; 0 for fewer than
/// four values.
///
/// Overlapping batch means over windows of about √n values. Source: Meketon and Schmeiser 1984.
#[must_use]
pub fn asymptotic_variance(series: &[f64]) -> f64 {
    let n = series.len();
    if n < 4 {
        return 0.0;
    }
    let window = (n as f64).sqrt() as usize;
    let (mean, _) = mean_and_variance(series.iter().copied());
    let mut sum: f64 = series[..window].iter().map(|value| value - mean).sum();
    let mut squares = sum * sum;
    for (entering, leaving) in series[window..].iter().zip(series) {
        sum += entering - leaving;
        squares += sum * sum;
    }
    let windows = (n - window + 1) as f64;
    // Sums instead of means: one factor 1/window is left.
    squares * n as f64 / (windows * (n - window) as f64 * window as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Stream;

    #[test]
    fn memory_is_fixed_and_the_mean_is_kept() {
        let mut batches = BatchMeans::new(2, 64);
        for value in 0..100_000 {
            batches.push(&[f64::from(value), 1.0]);
            assert!(batches.len() < 64);
        }
        let used = batches.len() as u64 * batches.batch_size();
        assert!(used > 95_000);
        assert_eq!(batches.mean_after(0, 0), Some((used - 1) as f64 / 2.0));
        assert_eq!(batches.mean_after(0, 1), Some(1.0));
        assert_eq!(batches.mean_after(64, 0), None);
    }

    #[test]
    fn the_variance_of_a_sum_of_independent_values_is_theirs() {
        let mut stream = Stream::named(4, 0, "batches", "independent");
        let series: Vec<f64> = (0..20_000).map(|_| 3.0 * stream.normal()).collect();
        let variance = asymptotic_variance(&series);
        assert!((variance / 9.0 - 1.0).abs() < 0.25, "{variance}");
    }

    #[test]
    fn autocorrelation_counts() {
        // Autoregression of coefficient 0.5 and unit noise: the sum's variance per step is 1 / (1 − 0.5)².
        let mut stream = Stream::named(4, 0, "batches", "dependent");
        let mut value = 0.0;
        let series: Vec<f64> = (0..100_000)
            .map(|_| {
                value = 0.5 * value + stream.normal();
                value
            })
            .collect();
        let variance = asymptotic_variance(&series);
        assert!((variance / 4.0 - 1.0).abs() < 0.25, "{variance}");
    }

    #[test]
    fn a_constant_series_has_no_variance() {
        assert_eq!(asymptotic_variance(&[2.0; 100]), 0.0);
        assert_eq!(asymptotic_variance(&[1.0, 2.0]), 0.0);
    }
}
