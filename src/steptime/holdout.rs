//! Predictions that never saw the pair of device and model they are about.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::catalog::Catalog;

use super::coefficients::Coefficients;
use super::factors::Setting;
use super::observation::Observation;
use super::predict::{NoStepTime, RatePrediction, StepTimes};
use super::regression::Regression;
use super::system::Pair;
use super::tables::ProfileError;

/// What a prediction must not have seen, besides which it has seen everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hidden {
    /// Nothing is hidden.
    Nothing,
    /// This model on this device.
    Pair,
    /// This device with any model.
    Accelerator,
    /// This model on any device.
    Model,
}

impl Hidden {
    /// Whether another pair of device and model is hidden from a prediction for `own`.
    pub(super) fn hides(self, own: (&str, &str), other: (&str, &str)) -> bool {
        match self {
            Self::Nothing => false,
            Self::Pair => own == other,
            Self::Accelerator => own.0 == other.0,
            Self::Model => own.1 == other.1,
        }
    }
}

/// The shipped regression, fitted once more without what each prediction must not have seen.
#[derive(Debug)]
pub struct HeldOut<'a> {
    times: &'a StepTimes,
    catalog: &'a Catalog,
    hidden: Hidden,
    regression: Regression,
    fits: BTreeMap<Pair, Coefficients>,
}

/// Why a configuration has no held-out prediction.
#[derive(Debug, Error)]
pub enum HeldOutError {
    /// Nothing can be said about the configuration.
    #[error(transparent)]
    NoStepTime(#[from] NoStepTime),
    /// The shipped tables do not hold together.
    #[error(transparent)]
    Profile(#[from] ProfileError),
}

impl<'a> HeldOut<'a> {
    /// Prepares the fits over the shipped observations.
    ///
    /// # Errors
    /// When the shipped tables do not hold together, or the catalog lacks what they name.
    pub fn shipped(times: &'a StepTimes, catalog: &'a Catalog, hidden: Hidden) -> Result<Self, ProfileError> {
        let regression = Regression::new(times, catalog, &Observation::shipped()?)?;
        Ok(Self { times, catalog, hidden, regression, fits: BTreeMap::new() })
    }

    /// The rate of one device, predicted without any measurement of what is hidden.
    ///
    /// # Errors
    /// When nothing can be said about the configuration, or the fit has no solution.
    pub fn rate(&mut self, setting: &Setting<'_>) -> Result<RatePrediction, HeldOutError> {
        let pair = (setting.accelerator.name.clone(), self.times.subjects.observed(&setting.model.id));
        let own = (pair.0.as_str(), pair.1.as_str());
        let hides = |accelerator: &str, model: &str| self.hidden.hides(own, (accelerator, model));
        let touched = self.regression.pairs().any(|(accelerator, model)| hides(accelerator, model));
        if touched && !self.fits.contains_key(&pair) {
            let fit = self.regression.fit_without(hides)?;
            self.fits.insert(pair.clone(), fit);
        }
        let coefficients = self.fits.get(&pair).unwrap_or(&self.times.coefficients);
        Ok(self.times.rate_by(coefficients, self.catalog, setting, self.hidden)?)
    }
}
