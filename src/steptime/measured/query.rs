//! A question to the curves of a profile, and its answer.

use thiserror::Error;

use crate::catalog::measured::{MeasuredCurve, Section};
use crate::catalog::{Catalog, Model, Precision, Provenance};
use crate::steptime::DeviceLimit;
use crate::units::{Seconds, Significant};

use super::MeasuredSteps;
use super::draws::{factors, log_deviation};

/// A training step, asked of a profile.
#[derive(Clone, Copy, Debug)]
pub struct MeasuredQuery<'a> {
    /// The model.
    pub model: &'a Model,
    /// Precision of the arithmetic.
    pub precision: Precision,
    /// Samples of a micro-step.
    pub micro_batch: f64,
    /// Micro-steps of a step.
    pub accumulation: f64,
}

/// The step, and how well it is known.
#[derive(Clone, Debug, PartialEq)]
pub struct MeasuredAnswer {
    /// The whole step.
    pub seconds: Seconds,
    /// Evenly probable factors on it, ascending.
    pub factors: Vec<f64>,
    /// Standard deviation of their logarithms.
    pub log_error: f64,
    /// How it is known.
    pub provenance: Provenance,
    /// What the device waits for.
    pub limit: DeviceLimit,
    /// Where it comes from, in one line.
    pub basis: String,
    /// What the reader should know.
    pub warnings: Vec<String>,
}

/// A profile says nothing of what was asked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotMeasured {
    /// No curve of the model, and no measured roof at the precision.
    #[error("profile {profile} has no {what} of {model} in {precision}; it has {has}")]
    NoCurve {
        /// The profile.
        profile: String,
        /// What was asked for.
        what: &'static str,
        /// The model.
        model: String,
        /// The precision.
        precision: &'static str,
        /// What it has instead.
        has: String,
    },
    /// A curve of one size.
    #[error("profile {profile}: {curve} was measured at one size only; measure more with a larger --budget")]
    OneSize {
        /// The profile.
        profile: String,
        /// The curve.
        curve: String,
    },
    /// A rule needs a figure that nobody knows.
    #[error("profile {profile} cannot be carried to {to}: {what}")]
    NoRule {
        /// The profile.
        profile: String,
        /// The device.
        to: String,
        /// What is missing.
        what: &'static str,
    },
}

impl MeasuredSteps {
    /// The step on the machine of the profile.
    pub(super) fn own_step(
        &self,
        catalog: &Catalog,
        query: &MeasuredQuery<'_>,
    ) -> Result<MeasuredAnswer, NotMeasured> {
        let Some(curve) = self.training_curve(query, "step") else { return self.by_the_roof(catalog, query) };
        let Some(fit) = &curve.fit else {
            return Err(NotMeasured::OneSize { profile: self.profile.name.clone(), curve: curve.title() });
        };
        let at = query.micro_batch;
        let whole = fit.fitted.evaluate(at);
        // Further micro-steps take gradients only; the optimizer steps once.
        let gradients = ["forward", "backward"].map(|part| {
            self.training_curve(query, part)
                .and_then(|curve| curve.fit.as_ref())
                .map(|fit| fit.fitted.evaluate(at))
        });
        let further = match gradients {
            [Some(forward), Some(backward)] => (forward + backward).min(whole),
            _ => whole,
        };
        let seconds = whole + further * (query.accumulation - 1.0).max(0.0);
        let factors = factors(curve, at);
        let stretch = fit.fitted.stretch(at);
        let mut warnings = Vec::new();
        let mut provenance = self.provenance();
        if stretch > 1.0 {
            provenance = Provenance::Extrapolated;
            warnings.push(format!(
                "batch {at} lies {} times beyond what was measured ({} to {}): extrapolated",
                Significant(stretch, 3),
                fit.fitted.from,
                fit.fitted.to
            ));
        }
        Ok(MeasuredAnswer {
            seconds: Seconds(seconds),
            log_error: log_deviation(&factors),
            factors,
            provenance,
            limit: DeviceLimit::Compute,
            basis: format!(
                "{}: {} of {} runs, {} {} to {}, error at sizes left out {:.1} %",
                self.words(),
                curve.title(),
                curve.runs.len(),
                curve.axis,
                fit.fitted.from,
                fit.fitted.to,
                100.0 * if fit.leave_one_out.is_finite() { fit.leave_one_out } else { fit.fitted.max_error }
            ),
            warnings,
        })
    }

    /// The curve of a part of the step against the batch.
    fn training_curve(&self, query: &MeasuredQuery<'_>, quantity: &str) -> Option<&MeasuredCurve> {
        self.profile.section(Section::Train).find(|curve| {
            curve.quantity == quantity && curve.axis == "batch" && is_of(curve, query.model, query.precision)
        })
    }

    pub(super) fn no_curve(&self, what: &'static str, model: &Model, precision: Precision) -> NotMeasured {
        let mut has: Vec<String> = self
            .profile
            .curves
            .iter()
            .filter_map(|curve| {
                Some(format!("{} in {}", curve.setting("model")?, curve.setting("precision")?))
            })
            .collect();
        has.sort();
        has.dedup();
        NotMeasured::NoCurve {
            profile: self.profile.name.clone(),
            what,
            model: model.id.clone(),
            precision: Self::word(precision),
            has: if has.is_empty() { "no curves of models".to_owned() } else { has.join(", ") },
        }
    }
}

/// Whether a curve is about this model at this precision, and, of a model over sequences, at its length.
pub(super) fn is_of(curve: &MeasuredCurve, model: &Model, precision: Precision) -> bool {
    let named = |name: &str| name == model.id || model.aliases.iter().any(|alias| alias == name);
    let sequence =
        match (curve.setting("sequence").and_then(|text| text.parse::<f64>().ok()), model.sequence_length) {
            (Some(measured), Some(asked)) => measured == asked,
            _ => true,
        };
    curve.setting("model").is_some_and(named)
        && curve.setting("precision").is_none_or(|word| word == precision.word())
        && sequence
}
