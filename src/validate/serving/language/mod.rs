//! Predictions of serving rows of language models.

use crate::catalog::Catalog;
use crate::validate::predict::Predicted;
use crate::validate::resolve::Skip;
use crate::validate::transformers::FitError;

use super::{RunPredictor, ServingConfiguration};

/// Predicts rows of language models.
#[derive(Debug)]
pub(crate) struct LanguagePredictor;

impl LanguagePredictor {
    pub(crate) fn new(_catalog: &Catalog) -> Result<Self, FitError> {
        Ok(Self)
    }
}

impl RunPredictor for LanguagePredictor {
    fn predict(&self, rows: &[&ServingConfiguration]) -> Vec<Result<Predicted, Skip>> {
        rows.iter().map(|row| Err(Skip::Category(row.category.clone()))).collect()
    }
}
