//! Rows of the serving schema: read, predicted, scored beside training rows in one report.

mod configuration;
mod language;
mod predict;
mod read;

use crate::catalog::Catalog;

use super::predict::Predicted;
use super::resolve::Skip;
use super::transformers::FitError;

use language::LanguagePredictor;

pub use configuration::{
    LatencyLimit, ServingConfiguration, ServingMetric, ServingScenario, ServingStatistic,
};
pub(super) use predict::{RunPredictor, scored};
pub(super) use read::{ServingRow, rows};

/// Predicts serving rows of every field.
#[derive(Debug)]
pub(super) struct ServingPredictor {
    language: LanguagePredictor,
}

impl ServingPredictor {
    pub(super) fn new(catalog: &Catalog) -> Result<Self, FitError> {
        Ok(Self { language: LanguagePredictor::new(catalog)? })
    }
}

impl RunPredictor for ServingPredictor {
    fn predict(&self, rows: &[&ServingConfiguration]) -> Vec<Result<Predicted, Skip>> {
        match rows.first().map(|row| row.category.as_str()) {
            Some("llm") => self.language.predict(rows),
            _ => rows.iter().map(|row| Err(Skip::Category(row.category.clone()))).collect(),
        }
    }
}
