//! A device with the kernels of its family.

use thiserror::Error;

use crate::catalog::{Accelerator, Precision};
use crate::units::{Bytes, BytesPerSecond, FlopsPerSecond, Seconds};

use super::attention::{AttentionKernel, AttentionRates, AttentionShape, Pass, unfused_seconds};
use super::decode::{DecodeCurve, DecodeRates};
use super::matmul::{MatmulRates, MatmulShape};
use super::profile::{KernelProfile, Kinship};

/// Compute units of a device whose count is not known.
const USUAL_UNITS: f64 = 100.0;
/// Further relative error of a precision that takes another precision's curve.
const OTHER_PRECISION_ERROR: f64 = 0.15;
/// Further relative error of a device whose family was measured on other devices.
const SAME_FAMILY_ERROR: f64 = 0.08;
/// Relative error of a backward pass or of a head size that no table holds.
const UNTABLED_ATTENTION_ERROR: f64 = 0.15;

/// Why a device has no kernel times.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("no kernel times: the {what} of {accelerator} is not known")]
pub struct NoKernel {
    /// Catalog name.
    pub accelerator: String,
    /// What is missing.
    pub what: &'static str,
}

/// One device's kernels: the curves of its family on its own datasheet. Look up once and keep.
#[derive(Clone, Debug)]
pub struct DeviceRates {
    /// Compute units (streaming multiprocessors, compute units, matrix units).
    pub units: f64,
    /// Memory bandwidth of the datasheet.
    pub bandwidth: BytesPerSecond,
    matmul: [(MatmulRates, f64); Precision::ALL.len()],
    attention: [(AttentionRates, f64); 2],
    decode: (DecodeRates, f64),
    launch: Seconds,
    elementwise: BytesPerSecond,
    elementwise_error: f64,
}

impl DeviceRates {
    /// The kernels of an accelerator.
    ///
    /// # Errors
    /// When the catalog knows no peak or no memory bandwidth of it.
    pub fn new(profile: &KernelProfile, accelerator: &Accelerator) -> Result<Self, NoKernel> {
        let missing = |what| NoKernel { accelerator: accelerator.name.clone(), what };
        let bandwidth = accelerator.memory_bandwidth.ok_or_else(|| missing("memory bandwidth"))?;
        accelerator.peak(Precision::Bf16).ok_or_else(|| missing("peak rate"))?;
        let kin = profile.kin(&accelerator.generation).ok_or_else(|| missing("kernel family"))?;
        let units = profile.units.get(&accelerator.name).copied().unwrap_or(USUAL_UNITS);
        let build = Build { profile, accelerator, kin, units, bandwidth };
        let mut matmul = Vec::new();
        for (_, precision) in Precision::ALL {
            matmul.push(build.matmul(*precision).ok_or_else(|| missing("matrix-product curve"))?);
        }
        let mut attention = Vec::new();
        for kernel in [AttentionKernel::Flash2, AttentionKernel::Flash] {
            attention.push(build.attention(kernel).ok_or_else(|| missing("attention curve"))?);
        }
        let plain = profile.elementwise.get(&kin.family).or_else(|| profile.elementwise.get("default"));
        let plain = plain.ok_or_else(|| missing("element-wise curve"))?;
        Ok(Self {
            units,
            bandwidth,
            matmul: matmul.try_into().map_err(|_| missing("matrix-product curve"))?,
            attention: attention.try_into().map_err(|_| missing("attention curve"))?,
            decode: build.decode().ok_or_else(|| missing("decode curve"))?,
            launch: Seconds(plain.launch_s),
            elementwise: bandwidth * plain.bandwidth_share,
            elementwise_error: plain.log_error,
        })
    }

    /// The matrix products of a precision.
    #[must_use]
    pub fn matmul(&self, precision: Precision) -> &MatmulRates {
        &self.matmul[index(precision)].0
    }

    /// Standard deviation of ln(predicted ÷ true) of matrix products.
    #[must_use]
    pub fn matmul_log_error(&self, precision: Precision) -> f64 {
        self.matmul[index(precision)].1
    }

    /// Standard deviation of ln(predicted ÷ true) of attention.
    #[must_use]
    pub fn attention_log_error(&self, kernel: AttentionKernel, pass: Pass) -> f64 {
        let own = match kernel {
            AttentionKernel::Flash2 => self.attention[0].1,
            AttentionKernel::Flash => self.attention[1].1,
            AttentionKernel::Unfused => {
                self.matmul_log_error(Precision::Bf16).hypot(self.elementwise_error).hypot(0.2)
            }
        };
        if pass == Pass::Backward { own.hypot(UNTABLED_ATTENTION_ERROR) } else { own }
    }

    /// Attention of one token over its cache.
    #[must_use]
    pub fn decode(&self) -> &DecodeRates {
        &self.decode.0
    }

    /// Standard deviation of ln(predicted ÷ true) of decode attention.
    #[must_use]
    pub fn decode_log_error(&self) -> f64 {
        self.decode.1
    }

    /// Standard deviation of ln(predicted ÷ true) of element-wise kernels.
    #[must_use]
    pub fn elementwise_log_error(&self) -> f64 {
        self.elementwise_error
    }
}

/// Time of one product `m × k` by `k × n`.
#[must_use]
pub fn matmul_seconds(device: &DeviceRates, precision: Precision, m: f64, n: f64, k: f64) -> Seconds {
    device.matmul(precision).seconds(MatmulShape::single(m, n, k))
}

/// Time of `groups` products in one launch, as of the experts of a layer with `m` tokens each.
#[must_use]
pub fn grouped_matmul_seconds(device: &DeviceRates, precision: Precision, shape: MatmulShape) -> Seconds {
    device.matmul(precision).seconds(shape)
}

/// Time of one layer's attention.
#[must_use]
pub fn attention_seconds(
    device: &DeviceRates,
    kernel: AttentionKernel,
    pass: Pass,
    shape: &AttentionShape,
) -> Seconds {
    match kernel {
        AttentionKernel::Flash2 => device.attention[0].0.seconds(pass, shape),
        AttentionKernel::Flash => device.attention[1].0.seconds(pass, shape),
        AttentionKernel::Unfused => {
            let products = device.matmul(Precision::Bf16);
            unfused_seconds(products, pass, shape, |bytes| elementwise_seconds(device, Bytes(bytes)))
        }
    }
}

/// Time of a kernel that only moves `bytes` (reads and writes together).
#[must_use]
pub fn elementwise_seconds(device: &DeviceRates, bytes: Bytes) -> Seconds {
    if bytes.0 <= 0.0 { Seconds::ZERO } else { device.launch + bytes / device.elementwise }
}

fn index(precision: Precision) -> usize {
    match precision {
        Precision::Fp32 => 0,
        Precision::Tf32 => 1,
        Precision::Bf16 => 2,
        Precision::Fp16 => 3,
        Precision::Fp8 => 4,
        Precision::Nvfp4 => 5,
    }
}

impl KernelProfile {
    fn kin(&self, generation: &str) -> Option<&Kinship> {
        self.families.get(generation).or_else(|| self.families.get("default"))
    }
}

struct Build<'a> {
    profile: &'a KernelProfile,
    accelerator: &'a Accelerator,
    kin: &'a Kinship,
    units: f64,
    bandwidth: BytesPerSecond,
}

impl Build<'_> {
    fn matmul(&self, precision: Precision) -> Option<(MatmulRates, f64)> {
        let (native, peak) = self.native(precision)?;
        let exact = self.profile.matmul(&self.kin.family, native);
        let fitted = match exact {
            Some(fitted) => fitted,
            None => self.profile.matmul(&self.kin.family, Precision::Bf16)?,
        };
        let borrowed = exact.is_none() && !matches!(native, Precision::Fp16);
        let mut curve = fitted.curve;
        curve.compute_share = (curve.compute_share * self.kin.compute_factor).min(1.0);
        let own_tables = fitted.accelerators.contains(&self.accelerator.name);
        if let (false, Some(ceiling)) = (own_tables, self.ceiling(native)) {
            curve.compute_share = curve.compute_share.min(ceiling / peak.0);
        }
        let carried = if own_tables { 0.0 } else { SAME_FAMILY_ERROR.max(self.kin.carried_error) };
        let borrowed = if borrowed { OTHER_PRECISION_ERROR } else { 0.0 };
        let rates = MatmulRates::new(curve, native, peak, self.bandwidth, self.units);
        Some((rates, fitted.log_error.hypot(carried).hypot(borrowed)))
    }

    /// The precision in which the device multiplies what is asked, and its peak.
    fn native(&self, precision: Precision) -> Option<(Precision, FlopsPerSecond)> {
        let peaks = &self.accelerator.peaks;
        let half = peaks.half.map(|rate| (Precision::Bf16, rate));
        let plain = peaks.fp32.map(|rate| (Precision::Fp32, rate));
        let eighth = peaks.fp8.map(|rate| (Precision::Fp8, rate));
        // Where the sheet is silent: plain units at a sixteenth of the matrix units.
        let plain = plain.or(half.map(|(_, rate)| (Precision::Fp32, rate / 16.0)));
        match precision {
            Precision::Fp32 => plain,
            Precision::Tf32 => peaks.tf32.map(|rate| (Precision::Tf32, rate)).or(plain),
            Precision::Bf16 | Precision::Fp16 => half.or(plain),
            Precision::Fp8 => eighth.or(half).or(plain),
            Precision::Nvfp4 => peaks.fp4.map(|rate| (Precision::Nvfp4, rate)).or(eighth).or(half).or(plain),
        }
    }

    /// The best rate measured, for 16-bit products only.
    fn ceiling(&self, native: Precision) -> Option<f64> {
        let sixteen = matches!(native, Precision::Bf16 | Precision::Fp16);
        self.accelerator.measured_matmul.filter(|_| sixteen).map(|rate| rate.0)
    }

    fn attention(&self, kernel: AttentionKernel) -> Option<(AttentionRates, f64)> {
        let newest = || self.profile.attention(&self.kin.family, AttentionKernel::Flash);
        let fitted = self.profile.attention(&self.kin.family, kernel).or_else(newest)?;
        let (native, peak) = self.native(Precision::Bf16)?;
        let mut curve = fitted.curve;
        curve.compute_share = (curve.compute_share * self.kin.compute_factor).min(1.0);
        if let Some(ceiling) = self.ceiling(native) {
            curve.compute_share = curve.compute_share.min(ceiling / peak.0);
        }
        let own_tables = fitted.accelerators.contains(&self.accelerator.name);
        let carried = if own_tables { 0.0 } else { SAME_FAMILY_ERROR.max(self.kin.carried_error) };
        let rates = AttentionRates::new(curve, peak, self.bandwidth, self.units);
        Some((rates, fitted.log_error.hypot(carried)))
    }

    fn decode(&self) -> Option<(DecodeRates, f64)> {
        let fitted = self.profile.decode(&self.kin.family)?;
        let (_, peak) = self.native(Precision::Bf16)?;
        let own_tables = fitted.accelerators.contains(&self.accelerator.name);
        let carried = if own_tables { 0.0 } else { SAME_FAMILY_ERROR.max(self.kin.carried_error) };
        let curve: DecodeCurve = fitted.curve;
        Some((DecodeRates::new(curve, self.bandwidth, peak), fitted.log_error.hypot(carried)))
    }
}
