//! Fitting kernel curves to tables of measured kernels.
//!
//! The sum of robust losses of ln(predicted ÷ measured), minimised over the box of plausible parameters from fixed
//! starting points: the same rows give the same curve.

use crate::catalog::Precision;
use crate::stats::minimise_in_cube;
use crate::units::{Bytes, BytesPerSecond, FlopsPerSecond, Seconds};

use super::attention::{AttentionCurve, AttentionRates, AttentionShape, Pass};
use super::decode::DecodeCurve;
use super::matmul::{MatmulCurve, MatmulRates, MatmulShape};
use super::profile::Elementwise;

/// Logarithmic residual beyond which the loss grows linearly.
const ROBUST_SCALE: f64 = 0.08;
/// Steps of one descent.
const STEPS: usize = 1500;

/// One measured matrix product.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MatmulObservation {
    /// Precision of the operands.
    pub precision: Precision,
    /// Dense peak of the device in that precision.
    pub peak: FlopsPerSecond,
    /// Memory bandwidth of the device.
    pub bandwidth: BytesPerSecond,
    /// Compute units of the device.
    pub units: f64,
    /// Shape.
    pub shape: MatmulShape,
    /// Time measured.
    pub seconds: Seconds,
}

/// One measured forward pass of fused attention.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttentionObservation {
    /// Dense 16-bit peak of the device.
    pub peak: FlopsPerSecond,
    /// Memory bandwidth of the device.
    pub bandwidth: BytesPerSecond,
    /// Compute units of the device.
    pub units: f64,
    /// Shape.
    pub shape: AttentionShape,
    /// Time measured.
    pub seconds: Seconds,
}

impl MatmulObservation {
    /// ln(predicted ÷ measured) of a curve.
    #[must_use]
    pub fn log_error(&self, curve: &MatmulCurve) -> f64 {
        let rates = MatmulRates::new(*curve, self.precision, self.peak, self.bandwidth, self.units);
        libm::log(rates.seconds(self.shape) / self.seconds)
    }
}

impl AttentionObservation {
    /// ln(predicted ÷ measured) of a curve.
    #[must_use]
    pub fn log_error(&self, curve: &AttentionCurve) -> f64 {
        let rates = AttentionRates::new(*curve, self.peak, self.bandwidth, self.units);
        libm::log(rates.seconds(Pass::Forward, &self.shape) / self.seconds)
    }
}

/// How far predictions miss measurements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FitSummary {
    /// Rows.
    pub rows: usize,
    /// Median of |predicted ÷ measured − 1|.
    pub median_error: f64,
    /// Nine tenths of the rows miss by less.
    pub p90_error: f64,
    /// Standard deviation of ln(predicted ÷ measured).
    pub log_error: f64,
}

impl FitSummary {
    /// Of logarithmic errors ln(predicted ÷ measured); `None` without any.
    #[must_use]
    pub fn of(log_errors: &[f64]) -> Option<Self> {
        let count = log_errors.len() as f64;
        let relative: Vec<f64> = log_errors.iter().map(|error| libm::expm1(*error).abs()).collect();
        let mean = log_errors.iter().sum::<f64>() / count;
        let variance = log_errors.iter().map(|error| (error - mean).powi(2)).sum::<f64>() / count;
        Some(Self {
            rows: log_errors.len(),
            median_error: crate::stats::median(&relative)?,
            p90_error: crate::stats::quantile(&crate::stats::sorted(&relative), 0.9)?,
            log_error: variance.sqrt(),
        })
    }
}

/// The curve of measured matrix products.
#[must_use]
pub fn fit_matmul(observations: &[MatmulObservation]) -> MatmulCurve {
    let narrow = observations.iter().any(|row| matches!(row.precision, Precision::Fp8 | Precision::Nvfp4));
    let conversions = if narrow { 8.0 } else { 0.0 };
    let curve = |p: &[f64]| MatmulCurve {
        launch_s: within(p[0], 0.0, 3e-5),
        bandwidth_share: within(p[1], 0.3, 1.0),
        compute_share: within(p[2], 0.3, 1.0),
        inner_overhead: within(p[3], 0.0, 3000.0),
        wave_weight: p[4],
        tile_exponent: p[5],
        throttle: within(p[6], 0.0, 0.6),
        throttle_after_s: within(p[7], 5e-5, 1e-3),
        overlap_loss: p[8],
        conversion_passes: within(p[9], 0.0, conversions),
    };
    let starts = [
        [0.1, 0.8, 0.8, 0.05, 0.5, 0.2, 0.3, 0.2, 0.2, 0.3],
        [0.2, 0.7, 0.6, 0.1, 0.3, 0.3, 0.1, 0.5, 0.0, 0.2],
    ];
    let loss = |p: &[f64]| {
        let curve = curve(p);
        observations.iter().map(|row| robust(row.log_error(&curve))).sum()
    };
    curve(&descend(loss, &starts))
}

/// The curve of measured forward passes; `head_half` and `backward_share`, which no table tells, are taken from `like`.
#[must_use]
pub fn fit_attention(observations: &[AttentionObservation], like: &AttentionCurve) -> AttentionCurve {
    let curve = |p: &[f64]| AttentionCurve {
        launch_s: within(p[0], 0.0, 4e-5),
        compute_share: within(p[1], 0.2, 1.0),
        block_overhead: within(p[2], 0.0, 4000.0),
        critical_path: within(p[3], 0.0, 3.0),
        throttle: within(p[4], 0.0, 0.5),
        throttle_after_s: within(p[5], 1e-4, 3e-3),
        bandwidth_share: within(p[6], 0.2, 1.0),
        ..*like
    };
    let starts = [[0.2, 0.6, 0.1, 0.2, 0.1, 0.1, 0.8], [0.3, 0.8, 0.3, 0.4, 0.0, 0.3, 0.5]];
    let loss = |p: &[f64]| {
        let curve = curve(p);
        observations.iter().map(|row| robust(row.log_error(&curve))).sum()
    };
    curve(&descend(loss, &starts))
}

/// One measured call of decode attention.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DecodeObservation {
    /// Memory bandwidth of the device.
    pub bandwidth: BytesPerSecond,
    /// Bytes of cache that are read.
    pub bytes: Bytes,
    /// Time measured.
    pub seconds: Seconds,
}

impl DecodeObservation {
    /// ln(predicted ÷ measured) of a curve.
    #[must_use]
    pub fn log_error(&self, curve: &DecodeCurve) -> f64 {
        libm::log(curve.seconds(self.bytes.0, self.bandwidth) / self.seconds)
    }
}

/// The curve of measured decode attention.
#[must_use]
pub fn fit_decode(observations: &[DecodeObservation]) -> DecodeCurve {
    let curve = |p: &[f64]| DecodeCurve {
        launch_s: within(p[0], 1e-6, 5e-5),
        bandwidth_share: within(p[1], 0.3, 1.0),
        ramp: within(p[2], 0.0, 3.0),
    };
    let loss = |p: &[f64]| {
        let curve = curve(p);
        observations.iter().map(|row| robust(row.log_error(&curve))).sum()
    };
    curve(&descend(loss, &[[0.2, 0.8, 0.1], [0.4, 0.6, 0.3]]))
}

/// One measured kernel that only moves bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ElementwiseObservation {
    /// Memory bandwidth of the device.
    pub bandwidth: BytesPerSecond,
    /// Bytes read and written.
    pub bytes: Bytes,
    /// Time measured.
    pub seconds: Seconds,
}

/// Launch time and bandwidth share of measured element-wise kernels, with the standard deviation of ln(predicted ÷ measured).
#[must_use]
pub fn fit_elementwise(family: &str, observations: &[ElementwiseObservation]) -> Elementwise {
    let error = |row: &ElementwiseObservation, launch_s: f64, share: f64| {
        libm::log((launch_s + row.bytes.0 / (row.bandwidth.0 * share)) / row.seconds.0)
    };
    let curve = |p: &[f64]| (within(p[0], 0.0, 2e-5), within(p[1], 0.1, 1.0));
    let loss = |p: &[f64]| {
        let (launch_s, share) = curve(p);
        observations.iter().map(|row| robust(error(row, launch_s, share))).sum()
    };
    let (launch_s, bandwidth_share) = curve(&descend(loss, &[[0.2, 0.6]]));
    let errors: Vec<f64> = observations.iter().map(|row| error(row, launch_s, bandwidth_share)).collect();
    let log_error = FitSummary::of(&errors).map_or(0.0, |summary| summary.log_error);
    Elementwise { family: family.to_owned(), launch_s, bandwidth_share, log_error }
}

pub(in crate::steptime) fn within(share: f64, low: f64, high: f64) -> f64 {
    low + share * (high - low)
}

pub(in crate::steptime) fn robust(log_error: f64) -> f64 {
    (1.0 + (log_error / ROBUST_SCALE).powi(2)).sqrt() - 1.0
}

/// The best of several descents, each restarted once where it ended.
pub(in crate::steptime) fn descend<const N: usize>(
    loss: impl Fn(&[f64]) -> f64,
    starts: &[[f64; N]],
) -> Vec<f64> {
    let mut best: Option<(f64, Vec<f64>)> = None;
    for start in starts {
        let once = minimise_in_cube(&loss, start, STEPS);
        let again = minimise_in_cube(&loss, &once, STEPS);
        let value = loss(&again);
        if best.as_ref().is_none_or(|(lowest, _)| value < *lowest) {
            best = Some((value, again));
        }
    }
    best.map(|(_, point)| point).unwrap_or_default()
}
