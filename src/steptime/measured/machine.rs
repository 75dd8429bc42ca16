//! Models that were not measured, by the machine's measured roof and the share of it that measured models reached.

use crate::catalog::measured::Section;
use crate::catalog::{Catalog, Precision, Provenance};
use crate::steptime::DeviceLimit;
use crate::steptime::roofline::{Ceiling, Roofline};
use crate::units::{Bytes, BytesPerSecond, FlopsPerSecond, Seconds};

use super::MeasuredSteps;
use super::draws::widened;
use super::query::{MeasuredAnswer, MeasuredQuery, NotMeasured};

/// Passes of AdamW over the weights of a step: gradients, weights, two moments, read and written.
const PASSES: f64 = 7.0;
/// Error of a single share: within a factor of 2.7 in nine cases of ten, as for processors nobody measured. A judgement.
const ONE_SHARE_ERROR: f64 = 0.6;

impl MeasuredSteps {
    /// The roof that bare products and copies reached at a precision.
    pub(super) fn roof(&self, precision: Precision) -> Option<Roofline> {
        let of = |name: &str| {
            self.profile.figures.iter().find(|figure| {
                let same = figure.settings.get("precision").is_none_or(|word| *word == precision.word());
                figure.section == Section::Machine
                    && figure.name == name
                    && (same || name == "memory-bandwidth")
            })
        };
        let (peak, bandwidth) = (of("matmul-peak")?.value, of("memory-bandwidth")?.value);
        Some(Roofline { peak: FlopsPerSecond(peak), bandwidth: BytesPerSecond(bandwidth) })
    }

    /// A model without a curve: the roofline over the share of it that the measured models reach at their largest batch.
    pub(super) fn by_the_roof(
        &self,
        catalog: &Catalog,
        query: &MeasuredQuery<'_>,
    ) -> Result<MeasuredAnswer, NotMeasured> {
        let none = || self.no_curve("training step", query.model, query.precision);
        let roof = self.roof(query.precision).ok_or_else(none)?;
        let shares = self.shares(catalog, &roof, query.precision);
        if shares.is_empty() {
            return Err(none());
        }
        let samples = query.micro_batch * query.accumulation.max(1.0);
        let work = query.model.training_flops() * samples;
        let traffic = Bytes(query.model.parameters * query.precision.bytes() * PASSES)
            + query.model.embedding_lookup_bytes * (3.0 * samples);
        let logarithms: Vec<f64> = shares.iter().map(|(_, share)| libm::log(*share)).collect();
        let mean = logarithms.iter().sum::<f64>() / logarithms.len() as f64;
        let squares = logarithms.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>();
        let spread = (squares / logarithms.len() as f64).sqrt();
        let log_error = libm::hypot(spread, ONE_SHARE_ERROR);
        let share = libm::exp(mean);
        let measured: Vec<&str> = shares.iter().map(|(model, _)| model.as_str()).collect();
        Ok(MeasuredAnswer {
            seconds: Seconds(roof.time(work, traffic).0 / share),
            factors: widened(&[1.0], log_error),
            log_error,
            provenance: Provenance::Extrapolated,
            limit: match roof.ceiling(work, traffic) {
                Ceiling::Compute => DeviceLimit::Compute,
                Ceiling::Memory => DeviceLimit::MemoryBandwidth,
            },
            basis: format!(
                "{}: not measured; the measured roof of {:.0} GFLOP/s and {:.1} GB/s, {:.0} % of it reached as by {}",
                self.words(),
                roof.peak.0 / 1e9,
                roof.bandwidth.0 / 1e9,
                100.0 * share,
                measured.join(", ")
            ),
            warnings: vec![format!(
                "{} was not measured: its step is carried over from other models by the machine's measured roof",
                query.model.id
            )],
        })
    }

    /// The share of the roof that each measured model reaches at its largest batch.
    fn shares(&self, catalog: &Catalog, roof: &Roofline, precision: Precision) -> Vec<(String, f64)> {
        self.profile
            .section(Section::Train)
            .filter(|curve| curve.quantity == "step" && curve.axis == "batch")
            .filter(|curve| curve.setting("precision").is_none_or(|word| word == precision.word()))
            .filter_map(|curve| {
                let model = catalog.model(curve.setting("model")?).ok()?;
                let fit = curve.fit.as_ref()?;
                let batch = fit.fitted.to;
                let traffic = Bytes(model.parameters * precision.bytes() * PASSES)
                    + model.embedding_lookup_bytes * (3.0 * batch);
                let least = roof.time(model.training_flops() * batch, traffic).0;
                let share = least / fit.fitted.evaluate(batch);
                (share.is_finite() && share > 0.0).then(|| (model.id.clone(), share.min(1.0)))
            })
            .collect()
    }
}
