//! Rules that carry a measured step to another device. Each is named by the user, and its name stands in every answer.

use std::sync::Arc;

use crate::catalog::measured::Section;
use crate::catalog::{Accelerator, MeasuredProfile, Precision, Provenance};
use crate::units::Seconds;

use super::MeasuredSteps;
use super::draws::{log_deviation, widened};
use super::query::{MeasuredAnswer, NotMeasured};

/// Least error of any rule that carries whole steps between devices: the error published for the best kernel-wise rule
/// (Habitat, USENIX ATC 2021: 11.8 % over 5 models and 6 GPUs).
pub(super) const LEAST_ERROR: f64 = 0.12;
/// Error of the bare roofline: within a factor of 2.7 in nine cases of ten. A judgement, as the share of the roof that
/// small kernels reach differs between devices more than between models.
const ROOFLINE_ERROR: f64 = 0.6;

/// How a profile is carried to one device.
#[derive(Clone, Debug, PartialEq)]
pub struct Transfer {
    /// Catalog name of the device.
    pub to: String,
    /// The rule.
    pub rule: TransferRule,
}

/// The rule.
#[derive(Clone, Debug, PartialEq)]
pub enum TransferRule {
    /// The user measured the same work on both.
    Ratio {
        /// How many times faster the other device is.
        faster: f64,
        /// Relative error of that.
        error: f64,
    },
    /// Both have profiles: the ratio over the curves that they share (Sia, SOSP 2023, section 3.1).
    MeasuredPair(Arc<MeasuredProfile>),
    /// The share of its measured roof that this machine reaches, of the other device's roof.
    Roofline,
}

impl TransferRule {
    /// The words in scenarios.
    pub const WORDS: &'static [&'static str] = &["ratio", "measured-pair", "roofline"];
}

impl MeasuredSteps {
    /// A step carried to another device.
    pub(super) fn carry(
        &self,
        own: &MeasuredAnswer,
        transfer: &Transfer,
        accelerator: &Accelerator,
        precision: Precision,
    ) -> Result<MeasuredAnswer, NotMeasured> {
        let none = |what| NotMeasured::NoRule {
            profile: self.profile.name.clone(),
            to: accelerator.name.clone(),
            what,
        };
        let (faster, error, label) = match &transfer.rule {
            TransferRule::Ratio { faster, error } => {
                (*faster, *error, format!("by the user's ratio of {faster} (±{:.0} %)", 100.0 * error))
            }
            TransferRule::MeasuredPair(other) => {
                let (faster, error, count) = pair(&self.profile, other)
                    .ok_or_else(|| none("the two profiles share no curve of the same work"))?;
                let label = format!(
                    "by a measured pair: {faster:.3} times faster over {count} curves shared with profile {}",
                    other.name
                );
                (faster, error, label)
            }
            TransferRule::Roofline => {
                let roof = self.roof(precision).ok_or_else(|| none("its roof was not measured"))?;
                let half = matches!(precision, Precision::Bf16 | Precision::Fp16);
                let measured = accelerator.measured_matmul.filter(|_| half);
                let there = measured
                    .or(accelerator.peak(precision))
                    .ok_or_else(|| none("the device's peak is not known"))?;
                let faster = there / roof.peak;
                (
                    faster,
                    ROOFLINE_ERROR,
                    format!("by the ratio of peaks, {faster:.3} (within a factor of 2.7)"),
                )
            }
        };
        let factors = widened(&own.factors, error);
        let mut warnings = own.warnings.clone();
        warnings.push(format!(
            "{}: carried from the measured {} {label}",
            accelerator.name, self.profile.machine.device
        ));
        Ok(MeasuredAnswer {
            seconds: Seconds(own.seconds.0 / faster),
            log_error: log_deviation(&factors),
            factors,
            provenance: Provenance::Extrapolated,
            limit: own.limit,
            basis: format!("{}; carried to {} {label}", own.basis, accelerator.name),
            warnings,
        })
    }
}

/// How many times faster `there` is than `here` over the training curves that both have, its error, and how many those
/// are. Each is compared at the middle of the range that both cover.
fn pair(here: &MeasuredProfile, there: &MeasuredProfile) -> Option<(f64, f64, usize)> {
    let mut logarithms = Vec::new();
    for ours in here.section(Section::Train).filter(|curve| curve.quantity == "step") {
        let same = |key: &str, theirs: &crate::catalog::measured::MeasuredCurve| {
            ours.setting(key) == theirs.setting(key)
        };
        let theirs = there.section(Section::Train).find(|theirs| {
            theirs.quantity == ours.quantity
                && theirs.axis == ours.axis
                && ["model", "precision", "sequence", "batch"].iter().all(|key| same(key, theirs))
        });
        let Some((ours, theirs)) = ours.fit.as_ref().zip(theirs.and_then(|curve| curve.fit.as_ref())) else {
            continue;
        };
        let (low, high) = (ours.fitted.from.max(theirs.fitted.from), ours.fitted.to.min(theirs.fitted.to));
        if low <= high {
            let middle = (low * high).sqrt();
            logarithms.push(libm::log(ours.fitted.evaluate(middle) / theirs.fitted.evaluate(middle)));
        }
    }
    let count = logarithms.len();
    if count == 0 {
        return None;
    }
    let mean = logarithms.iter().sum::<f64>() / count as f64;
    let squares = logarithms.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>();
    let spread = if count > 1 { (squares / (count - 1) as f64).sqrt() } else { 0.0 };
    Some((libm::exp(mean), spread.max(LEAST_ERROR), count))
}
