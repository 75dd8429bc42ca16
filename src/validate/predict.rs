//! Predictions of published values, from configurations alone.

use crate::catalog::Catalog;
use crate::steptime::{DeviceTables, HeldOut, HeldOutError, Hidden, ProfileError, StepTimes, Z90};

use super::aliases::Aliases;
use super::configuration::Configuration;
use super::resolve::{Resolved, Skip};
use super::transformers::{FitError, Sources, TransformerPredictor};

/// A predicted value with its 90 % interval, in the row's own metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Predicted {
    pub value: f64,
    pub low: f64,
    pub high: f64,
    /// The term that takes most of the step.
    pub term: &'static str,
}

/// Predicts rows, each without any measurement of its pair of device and model.
#[derive(Debug)]
pub(super) struct Predictor<'a> {
    catalog: &'a Catalog,
    aliases: Aliases,
    held_out: HeldOut<'a>,
    transformers: TransformerPredictor,
    tables: &'a DeviceTables,
}

impl<'a> Predictor<'a> {
    pub(super) fn new(catalog: &'a Catalog, steps: &'a StepTimes) -> Result<Self, FitError> {
        let held_out = HeldOut::shipped(steps, catalog, Hidden::Pair)?;
        let transformers = TransformerPredictor::new(catalog)?;
        Ok(Self { catalog, aliases: Aliases::embedded()?, held_out, transformers, tables: &steps.tables })
    }

    /// The prediction of a row, or why there is none.
    pub(super) fn predict(&mut self, row: &Configuration) -> Result<Result<Predicted, Skip>, ProfileError> {
        if self.is_transformer(row) {
            let sources = Sources { catalog: self.catalog, aliases: &self.aliases, tables: self.tables };
            return self.transformers.predict(&sources, row);
        }
        let resolved = match Resolved::of(self.catalog, &self.aliases, row) {
            Ok(resolved) => resolved,
            Err(skip) => return Ok(Err(skip)),
        };
        let rate = match self.held_out.rate(&resolved.setting(row)) {
            Ok(rate) => rate,
            Err(HeldOutError::NoStepTime(reason)) => return Ok(Err(Skip::NoStepTime(reason.to_string()))),
            Err(HeldOutError::Profile(error)) => return Err(error),
        };
        let value = resolved.published(row, rate.samples_per_second);
        let factor = libm::exp(Z90 * libm::hypot(rate.log_error, Resolved::metric_error(row)));
        Ok(Ok(Predicted { value, low: value / factor, high: value * factor, term: "" }))
    }

    /// Whether a row is of a model that is split into layers and terms.
    fn is_transformer(&self, row: &Configuration) -> bool {
        match row.category.as_str() {
            "llm" | "moe" => true,
            "diffusion" => {
                let model = self.aliases.model(self.catalog, &row.model);
                model.is_some_and(|model| model.transformer.is_some())
            }
            _ => false,
        }
    }
}
