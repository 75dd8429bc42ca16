//! The law of a training step from step times that somebody else took: against the batch, and over accelerators.

use std::collections::BTreeMap;

use crate::catalog::measured::{MeasuredCurve, Run, Section, Settings};
use crate::stats::{Form, median, sorted};

use super::residual::Residual;
use super::{ImportError, ImportFormat, Imported, Told};

/// Runs kept of one size, and samples kept of one run: more tell nothing new and fill the profile.
const RUNS: usize = 5;
const SAMPLES: usize = 20;
/// Counts of accelerators that determine the law of scaling.
const COUNTS: usize = 4;
/// Batches whose scaling is fitted, at most.
const BATCHES: usize = 8;

/// One step, or the mean of several.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct StepRow {
    /// File and line, for messages.
    pub place: String,
    /// Samples of a step on one accelerator.
    pub batch: f64,
    /// Accelerators.
    pub accelerators: u64,
    /// Seconds.
    pub seconds: f64,
    /// Name of the model.
    pub model: Option<String>,
}

pub(super) fn fit(rows: &[StepRow], told: &Told, format: ImportFormat) -> Result<Imported, ImportError> {
    if rows.is_empty() {
        let message = "it tells no step times".to_owned();
        return Err(ImportError::Nothing { file: "no file".to_owned(), message });
    }
    let mut by_count: BTreeMap<u64, Vec<&StepRow>> = BTreeMap::new();
    rows.iter().for_each(|row| by_count.entry(row.accelerators).or_default().push(row));
    let model = told.model.clone().or_else(|| rows.iter().find_map(|row| row.model.clone()));
    let mut notes = Vec::new();
    if model.is_none() {
        notes.push("the files name no model; --model says which".to_owned());
    }
    let model = model.unwrap_or_else(|| "unknown".to_owned());
    let mut curves = Vec::new();
    for (count, rows) in &by_count {
        let settings = words(&[("model", &model), ("accelerators", &count.to_string())]);
        let seen = rows.iter().map(|row| (row.batch, row.seconds)).collect();
        curves.push(curve_of((Section::Train, "step", "batch"), settings, seen, &Form::TIMES));
    }
    let points = curves.iter().filter(|curve| curve.fit.is_none()).count();
    if points > 0 {
        notes.push(format!(
            "{points} of {} counts of accelerators were seen at one batch only: a point each, and no curve",
            curves.len()
        ));
    }
    let residuals = Residual::of("step", &pairs(&curves)).into_iter().collect();
    curves.extend(scaling(rows, &model));
    Ok(Imported { format, rows: rows.len(), curves, figures: Vec::new(), residuals, notes })
}

/// Throughput over accelerators, of each batch that was seen on enough counts of them.
fn scaling(rows: &[StepRow], model: &str) -> Vec<MeasuredCurve> {
    let mut by_batch: BTreeMap<u64, Vec<&StepRow>> = BTreeMap::new();
    rows.iter().for_each(|row| by_batch.entry(row.batch.to_bits()).or_default().push(row));
    let curves = by_batch.values().filter_map(|rows| {
        let mut counts: Vec<u64> = rows.iter().map(|row| row.accelerators).collect();
        counts.sort_unstable();
        counts.dedup();
        let first = rows.first().filter(|_| counts.len() >= COUNTS)?;
        let rate = |row: &&StepRow| {
            let count = row.accelerators as f64;
            (count, row.batch * count / row.seconds)
        };
        let settings = words(&[("model", model), ("batch", &first.batch.to_string())]);
        let seen = rows.iter().map(rate).collect();
        Some(curve_of((Section::Train, "samples-per-s", "accelerators"), settings, seen, &[Form::Usl]))
    });
    curves.take(BATCHES).collect()
}

fn words(pairs: &[(&str, &str)]) -> Settings {
    pairs.iter().map(|(key, word)| ((*key).to_owned(), (*word).to_owned())).collect()
}

/// Each size's median beside the fit there.
fn pairs(curves: &[MeasuredCurve]) -> Vec<(f64, f64, String)> {
    let mut pairs = Vec::new();
    for curve in curves {
        let Some(fit) = &curve.fit else { continue };
        let mut by_size: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
        curve.points().iter().for_each(|point| by_size.entry(point.x.to_bits()).or_default().push(point.y));
        for (bits, values) in by_size {
            let at = f64::from_bits(bits);
            let Some(seen) = median(&values) else { continue };
            let place = format!("batch {at} on {}", curve.setting("accelerators").unwrap_or("1"));
            pairs.push((fit.fitted.evaluate(at), seen, place));
        }
    }
    pairs
}

/// A curve through pairs of size and value: a few runs of each size, whose samples stand for all that were seen.
pub(super) fn curve_of(
    (section, quantity, axis): (Section, &str, &str),
    settings: Settings,
    seen: Vec<(f64, f64)>,
    forms: &[Form],
) -> MeasuredCurve {
    let mut by_size: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for (size, value) in seen.into_iter().filter(|(size, value)| *size > 0.0 && *value > 0.0) {
        by_size.entry(size.to_bits()).or_default().push(value);
    }
    let mut runs = Vec::new();
    for (bits, values) in by_size {
        let count = values.len().min(RUNS);
        for repeat in 0..count {
            let samples: Vec<f64> = values.iter().skip(repeat).step_by(count).copied().collect();
            let at = f64::from_bits(bits);
            runs.push(Run { at, repeat: repeat as u64 + 1, started: 0.0, samples: thinned(&samples) });
        }
    }
    let unit = if axis == "accelerators" { "samples/s" } else { "s" };
    let mut curve = MeasuredCurve {
        section,
        quantity: quantity.to_owned(),
        unit: unit.to_owned(),
        axis: axis.to_owned(),
        settings,
        runs,
        fit: None,
        noise: 0.0,
        skipped: Vec::new(),
    };
    // A curve that cannot be fitted is kept with its runs, and says so by having no fit.
    let _ = curve.refit(forms);
    curve
}

/// Quantiles of many samples, in the digits that profiles keep.
fn thinned(samples: &[f64]) -> Vec<f64> {
    let kept: Vec<f64> = if samples.len() <= SAMPLES {
        samples.to_vec()
    } else {
        let all = sorted(samples);
        (0..SAMPLES).map(|index| all[(2 * index + 1) * all.len() / (2 * SAMPLES)]).collect()
    };
    kept.into_iter().map(|value| format!("{value:.4e}").parse().unwrap_or(value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(batches: &[f64], counts: &[u64]) -> Vec<StepRow> {
        let row = |batch: f64, accelerators: u64| {
            let rate = crate::stats::usl(accelerators as f64, batch / (0.01 + 0.002 * batch), 0.05, 0.001);
            StepRow {
                place: "f".to_owned(),
                batch,
                accelerators,
                seconds: batch * accelerators as f64 / rate,
                model: None,
            }
        };
        batches.iter().flat_map(|batch| counts.iter().map(move |count| row(*batch, *count))).collect()
    }

    #[test]
    fn known_laws_come_back_over_batches_and_over_accelerators() {
        let rows = rows(&[1.0, 4.0, 16.0, 64.0], &[1, 2, 4, 8]);
        let told = Told { model: Some("m".to_owned()), ..Told::default() };
        let imported = fit(&rows, &told, ImportFormat::StepTable).unwrap();
        let one = imported.curves.iter().find(|curve| curve.setting("accelerators") == Some("1")).unwrap();
        let found = one.fit.as_ref().unwrap().fitted.evaluate(8.0);
        assert!((found / 0.026 - 1.0).abs() < 1e-3, "{found}");
        let scaling = imported.curves.iter().find(|curve| curve.axis == "accelerators").unwrap();
        let crate::stats::Curve::Usl { sigma, kappa, .. } = scaling.fit.as_ref().unwrap().fitted.curve else {
            panic!("{scaling:?}")
        };
        assert!((sigma - 0.05).abs() < 1e-3 && (kappa - 0.001).abs() < 1e-4, "{sigma} {kappa}");
        assert!(imported.residuals[0].max_error < 1e-3 && imported.residuals[0].rows == 16);
    }

    #[test]
    fn thousands_of_rows_stay_a_small_profile() {
        let many: Vec<StepRow> = (0..500).flat_map(|_| rows(&[1.0, 2.0, 4.0], &[1])).collect();
        let imported = fit(&many, &Told::default(), ImportFormat::StepTable).unwrap();
        let samples: usize = imported.curves[0].runs.iter().map(|run| run.samples.len()).sum();
        assert_eq!((imported.rows, samples), (1500, 3 * RUNS * SAMPLES));
    }
}
