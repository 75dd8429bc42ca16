//! How wrong the regression is, by how near a configuration is to what was measured.

use crate::catalog::Provenance;

use super::factors::{Factors, Slopes};
use super::stack::SoftwareStack;

/// Standard normal quantile of 95 %: the half-width of a 90 % interval in standard deviations.
pub const Z90: f64 = 1.644_853_626_951_472_2;
/// Widening of a 90 % interval beyond the range seen (a judgement; no row tests it).
const BEYOND_ERROR: f64 = 0.25;
/// Widening for devices that are no GPU: no row of theirs is in the table (a judgement).
const FOREIGN_ERROR: f64 = 0.5;

/// Standard deviation of ln(error) that each doubling of the hosts adds (the shipped rows of 2 to 100 hosts, left out).
const SCALING_ERROR: f64 = 0.03;

/// 90 % quantiles of |ln(error)| of left-out rows: of those left out with their own device count, their pair of device
/// and model, their device (whose siblings stay), their chip, and their model. The first and fourth are a tenth wider
/// than measured, since the robust weights of those runs had seen the rows; the last one too, for want of models.
struct Quantiles {
    pair: f64,
    device: f64,
    sibling: f64,
    new: f64,
    model: f64,
}

const fn quantiles([pair, device, sibling, new, model]: [f64; 5]) -> Quantiles {
    Quantiles { pair, device, sibling, new, model }
}

impl Quantiles {
    fn of(class: SoftwareStack, recommender: bool) -> Self {
        quantiles(match (class, recommender) {
            (SoftwareStack::Tuned, false) => [0.15, 0.17, 0.20, 0.34, 0.92],
            (SoftwareStack::Reference, false) => [0.19, 0.23, 0.28, 0.34, 0.59],
            (SoftwareStack::Research, false) => [0.40, 0.60, 0.91, 1.17, 1.17],
            // Few groups each, so the order of evidence is kept where their quantiles do not.
            (SoftwareStack::Tuned, true) => [0.50, 0.55, 0.55, 0.58, 0.70],
            (SoftwareStack::Reference, true) => [0.38, 0.44, 0.48, 0.63, 1.13],
            (SoftwareStack::Research, true) => [1.43, 1.43, 1.53, 1.55, 1.55],
        })
    }
}

/// How near a device is to measured ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Nearness {
    /// This model was measured on this device with this class of software.
    Pair,
    /// The device was measured with other models.
    Device,
    /// A device of the same generation and size was.
    Sibling,
    /// Nothing like it was.
    New,
    /// No device of its kind was.
    Foreign,
}

/// What is known about a configuration, its slopes held to the range seen.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Judged {
    pub slopes: Slopes,
    pub nearness: Nearness,
    pub model_seen: bool,
    pub beyond: bool,
    /// Rows of the pair.
    pub rows: u64,
    /// Devices on which the model was measured.
    pub devices: usize,
}

impl Judged {
    /// Standard deviation of the logarithm of the error, so that ±1.645 of it covers 90 %.
    pub(super) fn log_error(&self, factors: &Factors) -> f64 {
        let quantiles = Quantiles::of(factors.class, factors.family == "rec");
        let of_device = match self.nearness {
            Nearness::Pair => quantiles.pair,
            Nearness::Device => quantiles.device,
            Nearness::Sibling => quantiles.sibling,
            Nearness::New => quantiles.new,
            Nearness::Foreign => libm::hypot(quantiles.new, FOREIGN_ERROR),
        };
        let quantile = match (self.model_seen, self.nearness) {
            (true, _) => of_device,
            (false, Nearness::New | Nearness::Foreign) => libm::hypot(quantiles.model, of_device),
            (false, _) => quantiles.model.max(of_device),
        };
        let scaling = SCALING_ERROR * self.slopes.hosts / std::f64::consts::LN_2;
        libm::hypot((quantile + if self.beyond { BEYOND_ERROR } else { 0.0 }) / Z90, scaling)
    }

    pub(super) fn provenance(&self) -> Provenance {
        if self.nearness == Nearness::Pair && !self.beyond {
            Provenance::Published
        } else {
            Provenance::Extrapolated
        }
    }

    /// One line for the reader.
    pub(super) fn basis(&self, factors: &Factors) -> String {
        let Factors { model, kin, accelerator, class, .. } = factors;
        let (software, rows, devices) = (class.word(), self.rows, self.devices);
        let device = match self.nearness {
            Nearness::Pair | Nearness::Device => format!("{accelerator} as with other models"),
            Nearness::Sibling => format!("{accelerator} as its siblings"),
            Nearness::New | Nearness::Foreign => format!("{accelerator} by its datasheet"),
        };
        let mut basis = match (self.model_seen, self.nearness) {
            (true, Nearness::Pair) => {
                format!(
                    "fitted to published rates: {model} on {accelerator} ({rows} rows), {software} software"
                )
            }
            (true, _) => {
                format!("{model} as published on {devices} other devices, {device}, {software} software")
            }
            (false, _) => format!(
                "no published rate of {model}: its arithmetic as {kin} models, {device}, {software} software"
            ),
        };
        if self.beyond {
            basis.push_str("; outside the range measured");
        }
        basis
    }
}
