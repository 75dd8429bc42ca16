//! Rows of language models: their replicas and loads, and predictions that never saw the pair of device and model that a
//! row is about.

mod closed;
mod errors;
mod expect;
mod fitted;
mod held_out;
mod lengths;
mod row;
mod simulated;
mod words;

use std::sync::OnceLock;

use crate::catalog::Catalog;
use crate::steptime::serving::ServingProfile;
use crate::steptime::{DeviceTables, Z90};
use crate::validate::predict::Predicted;
use crate::validate::resolve::Skip;
use crate::validate::transformers::FitError;

use super::{RunPredictor, ServingConfiguration};

use errors::Errors;
pub use fitted::{LanguageFitted, LeftOut};

use expect::{Expectation, Outcome, sign};
use held_out::HeldOutProfiles;
use row::{LanguageRow, Sources};

/// What rows are read with.
#[derive(Debug)]
struct Parts {
    catalog: Catalog,
    tables: DeviceTables,
    accelerators: Vec<(String, String)>,
}

impl Parts {
    fn sources(&self) -> Sources<'_> {
        Sources { catalog: &self.catalog, tables: &self.tables, accelerators: &self.accelerators }
    }
}

/// Predicts rows of language models.
#[derive(Debug)]
pub(crate) struct LanguagePredictor {
    parts: Parts,
    /// Fitted when the first row asks.
    profiles: OnceLock<Result<HeldOutProfiles, String>>,
    errors: Errors,
}

impl LanguagePredictor {
    pub(crate) fn new(catalog: &Catalog) -> Result<Self, FitError> {
        Ok(Self { parts: Self::parts(catalog)?, profiles: OnceLock::new(), errors: Errors::embedded()? })
    }

    fn profiles(&self) -> Result<&HeldOutProfiles, Skip> {
        let fitted = || HeldOutProfiles::new(&self.parts.sources()).map_err(|error| error.to_string());
        self.profiles.get_or_init(fitted).as_ref().map_err(|error| Skip::Serving(error.clone()))
    }

    fn parts(catalog: &Catalog) -> Result<Parts, FitError> {
        Ok(Parts {
            catalog: catalog.clone(),
            tables: DeviceTables::embedded()?,
            accelerators: row::published_accelerators()?,
        })
    }

    /// The rows of one run, which share its replica and its load.
    fn run(&self, rows: &[&ServingConfiguration]) -> Result<Vec<Predicted>, Skip> {
        let Some(first) = rows.first() else { return Ok(Vec::new()) };
        let found = LanguageRow::of(&self.parts.sources(), first)?;
        let keys = held_out::keys(&found, first);
        let profile = self.profiles()?.of(&keys.accelerator, &keys.model);
        let profile = profile.map_err(|error| Skip::Serving(error.to_string()))?;
        let outcome = Outcome::of(&found, &profile.scaling(&keys));
        Ok(rows.iter().map(|row| self.one(&found, row, &outcome, profile)).collect())
    }

    fn one(
        &self,
        found: &LanguageRow,
        row: &ServingConfiguration,
        outcome: &Outcome,
        profile: &ServingProfile,
    ) -> Predicted {
        let keys = held_out::keys(found, row);
        let expected = Expectation::of(found, row, outcome);
        let offset = profile.offset(&keys);
        let own =
            if expected.limited { offset.limit * expected.beside_limit + offset.tuned } else { offset.step };
        let value = libm::exp(sign(row.metric) * (expected.base + own + offset.figure));
        let deviation = self.errors.of(&keys, profile.support(&keys));
        let factor = libm::exp(Z90 * deviation);
        Predicted { value, low: value / factor, high: value * factor, term: "" }
    }
}

impl RunPredictor for LanguagePredictor {
    fn predict(&self, rows: &[&ServingConfiguration]) -> Vec<Result<Predicted, Skip>> {
        match self.run(rows) {
            Ok(predicted) => predicted.into_iter().map(Ok).collect(),
            Err(skip) => rows.iter().map(|_| Err(skip.clone())).collect(),
        }
    }
}
