//! How far a refit misses what it was fitted to, by metric.

use crate::stats::median;

/// The misses of one metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Residual {
    /// The metric: `ttft`, `tpot`, `e2e`, `step`.
    pub metric: &'static str,
    /// Observations.
    pub rows: usize,
    /// Median of the relative errors, as a share.
    pub median_error: f64,
    /// Largest relative error, as a share.
    pub max_error: f64,
    /// Where the largest one stands.
    pub worst: String,
}

impl Residual {
    /// Of pairs of prediction and observation with their places; `None` without any.
    pub(super) fn of(metric: &'static str, pairs: &[(f64, f64, String)]) -> Option<Self> {
        let errors: Vec<f64> =
            pairs.iter().map(|(predicted, observed, _)| (predicted / observed - 1.0).abs()).collect();
        let worst = (0..errors.len()).max_by(|left, right| errors[*left].total_cmp(&errors[*right]))?;
        Some(Self {
            metric,
            rows: pairs.len(),
            median_error: median(&errors).unwrap_or(0.0),
            max_error: errors[worst],
            worst: pairs[worst].2.clone(),
        })
    }
}
