//! The fit over published rows, and predictions without the pair that a row is about.

use std::collections::BTreeMap;
use std::io::Read;

use crate::catalog::Catalog;
use crate::steptime::{
    DeviceTables, MeasuredStep, ProfileError, Terms, TransformerFit, TransformerProfile, TransformerSteps,
    Z90,
};
use crate::validate::aliases::Aliases;
use crate::validate::configuration::{Configuration, Metric};
use crate::validate::predict::Predicted;
use crate::validate::read::{self, Row};
use crate::validate::resolve::{Skip, TARGET_ERROR, TARGET_OVERHEAD};
use crate::validate::table::ReadError;

use super::memory::{memory, unit};
use super::row::{Sources, TransformerRow};

/// The table that the shipped profile is fitted to.
pub(crate) const SHIPPED: &str = "assets/observations/transformers.csv";
pub(crate) const SHIPPED_TEXT: &str = include_str!("../../../assets/observations/transformers.csv");

/// Why a table cannot be fitted.
#[derive(Debug, thiserror::Error)]
pub enum FitError {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It holds no row that says how long a step of a transformer took.
    #[error("{file}: no row of a transformer's step that the catalog can model")]
    NoRows {
        /// The file.
        file: String,
    },
    /// It holds no row that says how fast an ordinary model is served.
    #[error("{file}: no row of a served model that the catalog can model")]
    NoServedRows {
        /// The file.
        file: String,
    },
    /// The fit has no solution.
    #[error(transparent)]
    Profile(#[from] ProfileError),
}

/// A fit with what it was made of.
#[derive(Debug)]
pub struct TransformerFitted {
    /// The fit.
    pub fit: TransformerFit,
    /// Rows used, by id.
    pub used: Vec<String>,
    /// Rows not used, with the reason.
    pub unused: Vec<(String, Skip)>,
}

impl TransformerFitted {
    /// The fit that ships.
    ///
    /// # Errors
    /// When the shipped table does not hold together.
    pub fn shipped(catalog: &Catalog) -> Result<Self, FitError> {
        fit_transformers(catalog, SHIPPED, SHIPPED_TEXT.as_bytes())
    }
}

/// Fits the steps of the transformers in a table.
///
/// # Errors
/// When the table cannot be read, holds no usable row, or the fit has no solution.
pub fn fit_transformers(
    catalog: &Catalog,
    file: &str,
    source: impl Read,
) -> Result<TransformerFitted, FitError> {
    let (aliases, tables) = (Aliases::embedded()?, DeviceTables::embedded()?);
    let sources = Sources { catalog, aliases: &aliases, tables: &tables };
    let (mut rows, mut used, mut unused) = (Vec::new(), Vec::new(), Vec::new());
    for row in read::rows(file, source)? {
        let row = row?;
        match measured(&sources, &row) {
            Ok(found) => {
                used.push(row.id.clone());
                rows.push((found.0, found.1, row.weight_group));
            }
            Err(skip) => unused.push((row.id, skip)),
        }
    }
    if rows.is_empty() {
        return Err(FitError::NoRows { file: file.to_owned() });
    }
    let steps: Vec<MeasuredStep<'_>> = rows
        .iter()
        .map(|(row, seconds, group)| MeasuredStep {
            job: row.job(),
            seconds: *seconds,
            weight_group: group.clone(),
        })
        .collect();
    Ok(TransformerFitted { fit: TransformerFit::new(&steps)?, used, unused })
}

/// The job of a row and the seconds of its step.
fn measured(sources: &Sources<'_>, row: &Row) -> Result<(TransformerRow, f64), Skip> {
    let value = row.value.filter(|value| *value > 0.0).ok_or(Skip::Value)?;
    if row.configuration.metric == Metric::MinutesToTarget {
        return Err(Skip::Metric(row.configuration.metric.word().to_owned()));
    }
    let job = TransformerRow::of(sources, &row.configuration)?;
    let conversion =
        job.conversion.ok_or_else(|| Skip::Metric(row.configuration.metric.word().to_owned()))?;
    let seconds = conversion.seconds(value);
    let nominal = Terms::of(&job.job()).nominal_seconds();
    if !nominal.is_finite() {
        return Err(Skip::Network);
    }
    // What is a thousand times off is no measurement of this job.
    if !(1e-3..=1e3).contains(&(seconds / nominal)) {
        return Err(Skip::Value);
    }
    Ok((job, seconds))
}

/// Predicts rows of transformers, each without any measurement of its pair of device and model.
#[derive(Debug)]
pub(crate) struct TransformerPredictor {
    fit: TransformerFit,
    whole: TransformerSteps,
    without: BTreeMap<(String, String), TransformerSteps>,
}

impl TransformerPredictor {
    pub(crate) fn new(catalog: &Catalog) -> Result<Self, FitError> {
        let fit = TransformerFitted::shipped(catalog)?.fit;
        let whole = TransformerSteps::by(fit.profile());
        Ok(Self { fit, whole, without: BTreeMap::new() })
    }

    pub(crate) fn predict(
        &mut self,
        sources: &Sources<'_>,
        row: &Configuration,
    ) -> Result<Result<Predicted, Skip>, ProfileError> {
        let job = match TransformerRow::of(sources, row) {
            Ok(job) => job,
            Err(skip) => return Ok(Err(skip)),
        };
        if row.metric == Metric::MemoryPerDevice {
            return Ok(of_memory(&job, row));
        }
        let Some(conversion) = job.conversion else {
            return Ok(Err(Skip::Metric(row.metric.word().to_owned())));
        };
        let step = self.steps(&job.accelerator.name, &job.model)?.step(&job.job());
        let (overhead, extra) =
            if row.metric == Metric::MinutesToTarget { (TARGET_OVERHEAD, TARGET_ERROR) } else { (1.0, 0.0) };
        let value = conversion.figure(step.parts.total() * overhead);
        let factor = libm::exp(Z90 * libm::hypot(step.log_error, extra));
        let term = step.greatest.word();
        Ok(Ok(Predicted { value, low: value / factor, high: value * factor, term }))
    }

    fn steps(&mut self, accelerator: &str, model: &str) -> Result<&TransformerSteps, ProfileError> {
        let own = (accelerator.to_owned(), model.to_owned());
        if !self.fit.pairs().any(|pair| pair == (accelerator, model)) {
            return Ok(&self.whole);
        }
        if !self.without.contains_key(&own) {
            let profile: TransformerProfile =
                self.fit.profile_without(|device, other| (device, other) == (accelerator, model))?;
            self.without.insert(own.clone(), TransformerSteps::by(profile));
        }
        Ok(self.without.get(&own).unwrap_or(&self.whole))
    }
}

/// The memory of a row; no measurement is in it.
fn of_memory(job: &TransformerRow, row: &Configuration) -> Result<Predicted, Skip> {
    let columns = &row.transformer;
    if columns.precision.is_empty() {
        return Err(Skip::Blank("precision"));
    }
    let (bytes, error) = memory(job, columns);
    let value = bytes / unit(columns);
    let factor = libm::exp(Z90 * error);
    Ok(Predicted { value, low: value / factor, high: value * factor, term: "" })
}
