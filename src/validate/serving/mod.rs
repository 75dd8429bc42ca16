//! Rows of the serving schema: read, predicted, scored beside training rows in one report.

mod configuration;
mod language;
mod ordinary;
mod predict;
mod read;

use crate::catalog::Catalog;

use super::predict::Predicted;
use super::resolve::Skip;
use super::transformers::FitError;

use language::LanguagePredictor;
pub use language::{LanguageFitted, LeftOut};
use ordinary::OrdinaryPredictor;

pub use configuration::{
    LatencyLimit, ServingConfiguration, ServingMetric, ServingScenario, ServingStatistic,
};
pub(super) use ordinary::{SHIPPED, SHIPPED_TEXT};
pub use ordinary::{fit_served, fit_served_shipped};
pub(super) use predict::{RunPredictor, scored};
pub(super) use read::{ServingRow, rows};

/// Predicts serving rows of every field.
#[derive(Debug)]
pub(super) struct ServingPredictor {
    language: LanguagePredictor,
    ordinary: OrdinaryPredictor,
}

impl ServingPredictor {
    pub(super) fn new(catalog: &Catalog) -> Result<Self, FitError> {
        Ok(Self { language: LanguagePredictor::new(catalog)?, ordinary: OrdinaryPredictor::new(catalog)? })
    }
}

impl RunPredictor for ServingPredictor {
    fn predict(&self, rows: &[&ServingConfiguration]) -> Vec<Result<Predicted, Skip>> {
        match rows.first().map(|row| row.category.as_str()) {
            Some("llm") => self.language.predict(rows),
            _ => self.ordinary.predict(rows),
        }
    }
}
