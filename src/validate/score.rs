//! Predictions beside published values.

use crate::steptime::ProfileError;

use super::predict::{Predicted, Predictor};
use super::read::Row;
use super::resolve::Skip;

/// A row with its prediction, or the reason why there is none.
#[derive(Clone, Debug)]
pub(super) struct Scored {
    pub id: String,
    /// The published value; `None` when blank.
    pub published: Option<f64>,
    pub weight_group: String,
    pub keys: Keys,
    pub outcome: Result<Comparison, Skip>,
}

/// What rows are grouped by in the report.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    pub accelerator: String,
    pub model: String,
    pub framework: String,
    pub metric: String,
    pub devices: Option<u64>,
    pub category: String,
    /// How load was put on; empty for training rows.
    pub scenario: String,
}

/// A prediction beside the published value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Comparison {
    pub predicted: Predicted,
    /// Predicted over published, less one, in percent.
    pub error_pct: f64,
    /// Whether the interval holds the published value.
    pub covered: bool,
}

impl Scored {
    pub(super) fn of(row: Row, predictor: &mut Predictor<'_>) -> Result<Self, ProfileError> {
        let outcome = predictor.predict(&row.configuration)?;
        let outcome = outcome.and_then(|predicted| Comparison::of(predicted, row.value));
        let keys = Keys {
            accelerator: row.configuration.accelerator.clone(),
            model: row.configuration.model.clone(),
            framework: row.configuration.stack.clone(),
            metric: row.configuration.metric.word().to_owned(),
            devices: row.configuration.devices,
            category: row.configuration.category.clone(),
            scenario: String::new(),
        };
        Ok(Self { id: row.id, published: row.value, weight_group: row.weight_group, keys, outcome })
    }
}

impl Comparison {
    pub(super) fn of(predicted: Predicted, published: Option<f64>) -> Result<Self, Skip> {
        let published = published.filter(|value| *value > 0.0).ok_or(Skip::Value)?;
        if !(predicted.value.is_finite() && predicted.value > 0.0) {
            return Err(Skip::NoStepTime("no finite step time".to_owned()));
        }
        Ok(Self {
            predicted,
            error_pct: (predicted.value / published - 1.0) * 100.0,
            covered: (predicted.low..=predicted.high).contains(&published),
        })
    }
}

/// The value below which a share of the weight lies; `None` of nothing.
pub(super) fn weighted_quantile(values: &[(f64, f64)], share: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(|left, right| left.0.total_cmp(&right.0));
    let total: f64 = sorted.iter().map(|(_, weight)| weight).sum();
    let mut before = 0.0;
    let found = sorted.iter().find(|(_, weight)| {
        before += weight;
        // Sums of equal weights differ by rounding.
        before >= share * total * (1.0 - 1e-12)
    });
    found.or(sorted.last()).map(|(value, _)| *value)
}

/// The weighted mean; `None` of nothing.
pub(super) fn weighted_mean(values: &[(f64, f64)]) -> Option<f64> {
    let total: f64 = values.iter().map(|(_, weight)| weight).sum();
    (total > 0.0).then(|| values.iter().map(|(value, weight)| value * weight).sum::<f64>() / total)
}
