//! The error report, as `capplan validate --format json` prints it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::score::{Comparison, Scored, weighted_mean, weighted_quantile};

/// Error figures of a set of rows. Every weight group counts once, however many of its rows are in the set; a figure
/// of no row is `None`.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Figures {
    /// Rows.
    pub rows: usize,
    /// Rows predicted and compared.
    pub scored: usize,
    /// Rows that could not be.
    pub skipped: usize,
    /// Weighted median of |predicted / published − 1|, in percent.
    pub median_abs_pct_error: Option<f64>,
    /// Its weighted mean.
    pub mean_abs_pct_error: Option<f64>,
    /// Its weighted 90 % quantile.
    pub p90_abs_pct_error: Option<f64>,
    /// Weighted median of predicted / published − 1, in percent.
    pub bias_pct: Option<f64>,
    /// Weighted share of published values inside their 90 % interval.
    pub coverage_90: Option<f64>,
    /// Weighted median of the interval's width over the prediction, in percent.
    pub median_interval_width_pct: Option<f64>,
}

/// Figures of the rows that share a key.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Group {
    /// What the rows share: `accelerator`, `model`, `framework`, `metric`, `accelerator_count`, `category`, `scenario`.
    pub by: &'static str,
    /// Its value.
    pub key: String,
    /// Rows.
    pub rows: usize,
    /// Rows predicted and compared.
    pub scored: usize,
    /// Rows that could not be.
    pub skipped: usize,
    /// As in [`Figures`].
    pub median_abs_pct_error: Option<f64>,
    /// As in [`Figures`].
    pub mean_abs_pct_error: Option<f64>,
    /// As in [`Figures`].
    pub p90_abs_pct_error: Option<f64>,
    /// As in [`Figures`].
    pub bias_pct: Option<f64>,
    /// As in [`Figures`].
    pub coverage_90: Option<f64>,
    /// As in [`Figures`].
    pub median_interval_width_pct: Option<f64>,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct RowReport {
    /// Its name.
    pub id: String,
    /// What was measured.
    pub metric: String,
    /// What was published; `None` when blank.
    pub published: Option<f64>,
    /// What is predicted; `None` when skipped.
    pub predicted: Option<f64>,
    /// Lower end of the 90 % interval.
    pub lo: Option<f64>,
    /// Upper end.
    pub hi: Option<f64>,
    /// |predicted / published − 1|, in percent.
    pub abs_pct_error: Option<f64>,
    /// Why there is no prediction.
    pub skipped: Option<String>,
    /// Field of the model.
    pub category: String,
    /// Rows that count as one measurement.
    pub weight_group: String,
    /// The term that takes most of the predicted step, where the prediction is made of terms.
    pub term: Option<String>,
    /// Its groups: what it is grouped by, and the key.
    #[serde(skip)]
    pub keys: Vec<(&'static str, String)>,
}

/// The whole report.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Report {
    /// Version of the format.
    pub format: u32,
    /// Figures of all rows.
    pub overall: Figures,
    /// Figures by what rows share, in the order of `by` and key.
    pub groups: Vec<Group>,
    /// Every row, in the order of its source.
    pub rows: Vec<RowReport>,
}

/// The value by which a row is grouped.
type KeyOf = fn(&Scored) -> String;

/// What rows are grouped by.
const GROUPINGS: &[(&str, KeyOf)] = &[
    ("accelerator", |scored| scored.keys.accelerator.clone()),
    ("model", |scored| scored.keys.model.clone()),
    ("framework", |scored| scored.keys.framework.clone()),
    ("metric", |scored| scored.keys.metric.clone()),
    ("accelerator_count", |scored| count_band(scored.keys.devices)),
    ("category", |scored| scored.keys.category.clone()),
    ("scenario", |scored| scored.keys.scenario.clone()),
];

fn count_band(devices: Option<u64>) -> String {
    let band = match devices {
        None => "unknown",
        Some(0..=1) => "1",
        Some(2..=4) => "2-4",
        Some(5..=8) => "5-8",
        Some(9..=16) => "9-16",
        Some(17..=64) => "17-64",
        Some(65..=256) => "65-256",
        Some(257..=1024) => "257-1024",
        Some(_) => "more than 1024",
    };
    band.to_owned()
}

impl Report {
    pub(super) fn of(scored: Vec<Scored>) -> Self {
        let all: Vec<&Scored> = scored.iter().collect();
        let mut groups = Vec::new();
        for (by, key_of) in GROUPINGS {
            let mut by_key: BTreeMap<String, Vec<&Scored>> = BTreeMap::new();
            for row in &scored {
                by_key.entry(key_of(row)).or_default().push(row);
            }
            // Training rows have no scenario.
            by_key.retain(|key, _| *by != "scenario" || !key.is_empty());
            groups.extend(by_key.into_iter().map(|(key, rows)| Group::of(by, key, Figures::of(&rows))));
        }
        Self {
            format: 1,
            overall: Figures::of(&all),
            groups,
            rows: scored.iter().map(RowReport::of).collect(),
        }
    }
}

impl Figures {
    fn of(rows: &[&Scored]) -> Self {
        let mut sizes: BTreeMap<&str, f64> = BTreeMap::new();
        let compared: Vec<(&Scored, &Comparison)> =
            rows.iter().filter_map(|row| Some((*row, row.outcome.as_ref().ok()?))).collect();
        for (row, _) in &compared {
            *sizes.entry(&row.weight_group).or_default() += 1.0;
        }
        let weighted = |figure: fn(&Comparison) -> f64| -> Vec<(f64, f64)> {
            let weight = |row: &Scored| 1.0 / sizes.get(row.weight_group.as_str()).copied().unwrap_or(1.0);
            compared.iter().map(|(row, comparison)| (figure(comparison), weight(row))).collect()
        };
        let errors = weighted(|comparison| comparison.error_pct.abs());
        let widths = weighted(|comparison| {
            (comparison.predicted.high - comparison.predicted.low) / comparison.predicted.value * 100.0
        });
        Self {
            rows: rows.len(),
            scored: compared.len(),
            skipped: rows.len() - compared.len(),
            median_abs_pct_error: weighted_quantile(&errors, 0.5),
            mean_abs_pct_error: weighted_mean(&errors),
            p90_abs_pct_error: weighted_quantile(&errors, 0.9),
            bias_pct: weighted_quantile(&weighted(|comparison| comparison.error_pct), 0.5),
            coverage_90: weighted_mean(&weighted(|comparison| f64::from(u8::from(comparison.covered)))),
            median_interval_width_pct: weighted_quantile(&widths, 0.5),
        }
    }
}

impl Group {
    fn of(by: &'static str, key: String, figures: Figures) -> Self {
        Self {
            by,
            key,
            rows: figures.rows,
            scored: figures.scored,
            skipped: figures.skipped,
            median_abs_pct_error: figures.median_abs_pct_error,
            mean_abs_pct_error: figures.mean_abs_pct_error,
            p90_abs_pct_error: figures.p90_abs_pct_error,
            bias_pct: figures.bias_pct,
            coverage_90: figures.coverage_90,
            median_interval_width_pct: figures.median_interval_width_pct,
        }
    }
}

impl RowReport {
    fn of(scored: &Scored) -> Self {
        let comparison = scored.outcome.as_ref().ok();
        Self {
            id: scored.id.clone(),
            metric: scored.keys.metric.clone(),
            published: scored.published,
            predicted: comparison.map(|comparison| comparison.predicted.value),
            lo: comparison.map(|comparison| comparison.predicted.low),
            hi: comparison.map(|comparison| comparison.predicted.high),
            abs_pct_error: comparison.map(|comparison| comparison.error_pct.abs()),
            skipped: scored.outcome.as_ref().err().map(ToString::to_string),
            category: scored.keys.category.clone(),
            weight_group: scored.weight_group.clone(),
            term: comparison
                .map(|comparison| comparison.predicted.term.to_owned())
                .filter(|term| !term.is_empty()),
            keys: GROUPINGS.iter().map(|(by, key_of)| (*by, key_of(scored))).collect(),
        }
    }
}
