//! A fit as text and tables: what was used, how well it fits, and every parameter.

use serde_json::{Value, json};

use crate::stats::{median, quantile, sorted};
use crate::validate::TransformerFitted;

use super::table::{Cell, Table};

/// Reasons told.
const REASONS: usize = 20;

/// Every parameter with its standard error, rows, residual and range.
#[must_use]
pub fn calibration_table(fitted: &TransformerFitted) -> Table {
    let profile = fitted.fit.profile();
    let rows: Vec<_> = profile.iter().collect();
    let mut table = Table::default();
    table.push("parameter", rows.iter().map(|row| Cell::from(row.0.clone())));
    table.push("key", rows.iter().map(|row| Cell::from(row.1)));
    table.push("factor", rows.iter().map(|row| Cell::from(libm::exp(row.2.value))));
    table.push("standard_error", rows.iter().map(|row| Cell::from(row.2.standard_error)));
    table.push("rows", rows.iter().map(|row| Cell::from(row.2.rows)));
    table.push("residual", rows.iter().map(|row| Cell::from(row.2.residual)));
    table.push("devices_low", rows.iter().map(|row| Cell::from(row.2.devices_low)));
    table.push("devices_high", rows.iter().map(|row| Cell::from(row.2.devices_high)));
    table
}

/// Rows used and not, and the residuals of those used.
#[must_use]
pub fn calibration_text(fitted: &TransformerFitted) -> String {
    let Residuals { median, ninetieth } = Residuals::of(fitted);
    let mut text = format!(
        "Fitted to {} rows; residual median {:.1} %, 90th percentile {:.1} %.\n",
        fitted.used.len(),
        median * 100.0,
        ninetieth * 100.0
    );
    let mut reasons: Vec<(String, usize)> = Vec::new();
    for (_, skip) in &fitted.unused {
        let reason = skip.to_string();
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, count)) => *count += 1,
            None => reasons.push((reason, 1)),
        }
    }
    reasons.sort_by(|left, right| right.1.cmp(&left.1).then(left.0.cmp(&right.0)));
    if !reasons.is_empty() {
        text.push_str("Not used\n");
    }
    for (reason, count) in reasons.iter().take(REASONS) {
        text.push_str(&format!("  {count}: {}\n", super::clean(reason)));
    }
    text.push_str("\nParameters: factors on each term of a step, and on the step\n");
    text
}

/// The same as one object.
#[must_use]
pub fn calibration_json(fitted: &TransformerFitted) -> Value {
    let Residuals { median, ninetieth } = Residuals::of(fitted);
    json!({
        "format": 1,
        "rows": fitted.used.len(),
        "unused": fitted.unused.len(),
        "median_residual_pct": median * 100.0,
        "p90_residual_pct": ninetieth * 100.0,
        "parameters": calibration_table(fitted).json(),
    })
}

/// Relative residuals of the rows used.
struct Residuals {
    median: f64,
    ninetieth: f64,
}

impl Residuals {
    fn of(fitted: &TransformerFitted) -> Self {
        let sizes: Vec<f64> =
            fitted.fit.residuals().iter().map(|residual| (libm::exp(*residual) - 1.0).abs()).collect();
        let ascending = sorted(&sizes);
        Self { median: median(&sizes).unwrap_or(0.0), ninetieth: quantile(&ascending, 0.9).unwrap_or(0.0) }
    }
}
