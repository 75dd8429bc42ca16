//! Batches of a served model that the user measured.

use crate::catalog::measured::{MeasuredCurve, Section};
use crate::catalog::{Model, Precision, Provenance};
use crate::steptime::DeviceLimit;
use crate::steptime::ordinary::BatchTimes;
use crate::units::Seconds;

use super::draws::{factors, log_deviation};
use super::query::{MeasuredAnswer, NotMeasured, is_of};
use super::{MeasuredSteps, Way};

impl MeasuredSteps {
    /// Times of batches of 1 to the largest of a model on the device that `way` names.
    ///
    /// # Errors
    /// When the profile has no curve of the model's forward pass, or one of a single size.
    pub fn batches(
        &self,
        way: Way<'_>,
        model: &Model,
        precision: Precision,
        largest: u32,
    ) -> Result<BatchTimes, NotMeasured> {
        let curve = self
            .forward_curve(model, precision)
            .ok_or_else(|| self.no_curve("forward pass", model, precision))?;
        let one_size = || NotMeasured::OneSize { profile: self.profile.name.clone(), curve: curve.title() };
        let fit = curve.fit.as_ref().ok_or_else(one_size)?;
        // The interval of every batch is as wide as that of the one least known.
        let widest = [1.0, f64::from(largest.max(1))]
            .map(|at| factors(curve, at))
            .into_iter()
            .max_by(|left, right| log_deviation(left).total_cmp(&log_deviation(right)))
            .unwrap_or_else(|| vec![1.0]);
        let stretch = fit.fitted.stretch(f64::from(largest.max(1))).max(fit.fitted.stretch(1.0));
        let extrapolated = stretch > 1.0;
        let own = MeasuredAnswer {
            seconds: Seconds(fit.fitted.evaluate(1.0)),
            log_error: log_deviation(&widest),
            factors: widest,
            provenance: if extrapolated { Provenance::Extrapolated } else { self.provenance() },
            limit: DeviceLimit::Compute,
            basis: format!(
                "{}: {} of {} runs, batch {} to {}{}",
                self.words(),
                curve.title(),
                curve.runs.len(),
                fit.fitted.from,
                fit.fitted.to,
                if extrapolated { format!(", extrapolated {stretch:.3} times") } else { String::new() }
            ),
            warnings: Vec::new(),
        };
        let answer = match way {
            Way::Own => own.clone(),
            Way::Carried(transfer, accelerator) => self.carry(&own, transfer, accelerator, precision)?,
        };
        let slower = answer.seconds / own.seconds;
        let ns = (1..=largest.max(1))
            .map(|items| (fit.fitted.evaluate(f64::from(items)) * slower * 1e9 + 0.5).max(1.0) as u64)
            .collect();
        Ok(BatchTimes {
            ns,
            log_error: answer.log_error,
            provenance: answer.provenance,
            basis: answer.basis,
            host_per_item: (Seconds::ZERO, Seconds::ZERO),
        })
    }

    fn forward_curve(&self, model: &Model, precision: Precision) -> Option<&MeasuredCurve> {
        self.profile.section(Section::Infer).find(|curve| {
            ["forward", "prefill"].contains(&curve.quantity.as_str())
                && curve.axis == "batch"
                && is_of(curve, model, precision)
        })
    }
}
