//! Rows of language models: their replicas and loads, and predictions that never saw the pair of device and model that a
//! row is about.

mod closed;
mod lengths;
mod row;
mod words;

use crate::catalog::Catalog;
use crate::steptime::DeviceTables;
use crate::steptime::serving::ServingSteps;
use crate::validate::predict::Predicted;
use crate::validate::resolve::Skip;
use crate::validate::transformers::FitError;

use super::{RunPredictor, ServingConfiguration, ServingMetric};

use closed::{Figures, Replica};
use lengths::Dataset;
use row::{LanguageRow, Sources};

/// Predicts rows of language models.
#[derive(Debug)]
pub(crate) struct LanguagePredictor {
    catalog: Catalog,
    tables: DeviceTables,
    datasets: Vec<Dataset>,
    accelerators: Vec<(String, String)>,
    steps: ServingSteps,
}

impl LanguagePredictor {
    pub(crate) fn new(catalog: &Catalog) -> Result<Self, FitError> {
        Ok(Self {
            catalog: catalog.clone(),
            tables: DeviceTables::embedded()?,
            datasets: Dataset::embedded()?,
            accelerators: row::published_accelerators()?,
            steps: ServingSteps::embedded()?,
        })
    }

    fn sources(&self) -> Sources<'_> {
        Sources {
            catalog: &self.catalog,
            tables: &self.tables,
            datasets: &self.datasets,
            accelerators: &self.accelerators,
        }
    }

    fn one(&self, row: &ServingConfiguration) -> Result<Predicted, Skip> {
        let found = LanguageRow::of(&self.sources(), row)?;
        let figures = Replica::new(&found, self.steps.laws(&found.job())).figures();
        let value = published(&found, row, &figures);
        let factor = 2.0;
        Ok(Predicted { value, low: value / factor, high: value * factor, term: "" })
    }
}

/// The figure of a row in its own unit.
fn published(found: &LanguageRow, row: &ServingConfiguration, figures: &Figures) -> f64 {
    let lengths = &found.lengths;
    let devices = row.accelerator_count.unwrap_or(1.0).max(1.0);
    let counted = if row.per_device { 1.0 / devices } else { 1.0 };
    match row.metric {
        ServingMetric::Latency => 1e3 * figures.latency,
        ServingMetric::TimeToFirstToken => 1e3 * figures.first,
        ServingMetric::TimePerOutputToken => 1e3 * figures.per_token,
        ServingMetric::SamplesPerSecond | ServingMetric::QueriesPerSecond => figures.rate * counted,
        ServingMetric::OutputTokensPerSecond => figures.rate * lengths.output * counted,
        ServingMetric::TokensPerSecond => figures.rate * (lengths.input + lengths.output) * counted,
    }
}

impl RunPredictor for LanguagePredictor {
    fn predict(&self, rows: &[&ServingConfiguration]) -> Vec<Result<Predicted, Skip>> {
        rows.iter().map(|row| self.one(row)).collect()
    }
}
