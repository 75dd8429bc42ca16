//! Dense matrix products on one device: how long, and which share of the peak.
//!
//! The product is cut into tiles that the compute units take in waves; the fastest of a few tile shapes counts, as in
//! the vendors' libraries. `waves·tile·(k + k₀)` over the rate of a unit is the arithmetic, operands and result over
//! the memory bandwidth the traffic; the longer one counts, a share of the shorter one is not hidden, and work beyond
//! a few hundred microseconds meets the power limit. Every parameter is fitted to published kernel tables
//! (`fit.rs`), by family of accelerators.

use serde::{Deserialize, Serialize};

use crate::catalog::Precision;
use crate::units::{BytesPerSecond, FlopsPerSecond, Seconds};

/// Rows and columns of the result that one unit computes at a time.
const TILES: [(f64, f64); 7] = [
    (128.0, 256.0),
    (256.0, 128.0),
    (128.0, 128.0),
    (64.0, 256.0),
    (64.0, 128.0),
    (128.0, 64.0),
    (64.0, 64.0),
];
/// Elements of the largest tile.
const LARGEST_TILE: f64 = 128.0 * 256.0;

/// How the matrix products of a family of accelerators answer to their size; fitted, one row of
/// `assets/profiles/matmul-kernels.csv`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MatmulCurve {
    /// Time of an empty product, s.
    pub launch_s: f64,
    /// Share of the memory bandwidth that operands and result get.
    pub bandwidth_share: f64,
    /// Share of the peak of the largest tile with all units busy and an endless inner dimension.
    pub compute_share: f64,
    /// Inner dimension lost at the start and end of a tile (k₀).
    pub inner_overhead: f64,
    /// Weight of whole waves (1: a part wave costs a whole one; 0: only the work counts).
    pub wave_weight: f64,
    /// A tile of a share x of the largest one runs at x to this power of its efficiency.
    pub tile_exponent: f64,
    /// Further time per time beyond `throttle_after_s`, for the power limit.
    pub throttle: f64,
    /// Work after which the power limit is met, s.
    pub throttle_after_s: f64,
    /// Share of the shorter of arithmetic and traffic that the longer one does not hide.
    pub overlap_loss: f64,
    /// Passes over 16-bit activations that turn them into the narrower format.
    pub conversion_passes: f64,
}

/// Bytes of one element: operands and result.
fn element_bytes(precision: Precision) -> (f64, f64) {
    match precision {
        Precision::Fp32 | Precision::Tf32 => (4.0, 4.0),
        Precision::Bf16 | Precision::Fp16 => (2.0, 2.0),
        Precision::Fp8 => (1.0, 2.0),
        // Half a byte and a scale of one byte for 16 elements.
        Precision::Nvfp4 => (0.5625, 2.0),
    }
}

/// The shape of `groups` like products `m × k` by `k × n`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MatmulShape {
    /// Products in one launch.
    pub groups: f64,
    /// Rows of each result.
    pub m: f64,
    /// Columns of each result.
    pub n: f64,
    /// Inner dimension.
    pub k: f64,
}

impl MatmulShape {
    /// One product.
    #[must_use]
    pub fn single(m: f64, n: f64, k: f64) -> Self {
        Self { groups: 1.0, m, n, k }
    }

    /// Operations: 2·m·n·k of each product.
    #[must_use]
    pub fn flops(&self) -> f64 {
        2.0 * self.groups * self.m * self.n * self.k
    }
}

/// The matrix products of one device in one precision: a family's curve on the device's own datasheet.
#[derive(Clone, Copy, Debug)]
pub struct MatmulRates {
    curve: MatmulCurve,
    /// Seconds that one unit needs per element of a tile and inner index, by tile shape.
    tile_seconds: [f64; TILES.len()],
    units: f64,
    peak: f64,
    bandwidth: f64,
    operand_bytes: f64,
    result_bytes: f64,
}

impl MatmulRates {
    /// A curve on a device of `units` compute units; `operands` is the precision that the device can multiply in.
    #[must_use]
    pub fn new(
        curve: MatmulCurve,
        operands: Precision,
        peak: FlopsPerSecond,
        bandwidth: BytesPerSecond,
        units: f64,
    ) -> Self {
        let (operand_bytes, result_bytes) = element_bytes(operands);
        let unit_rate = peak.0 * curve.compute_share / units;
        let tile_seconds = TILES.map(|(rows, columns)| {
            let efficiency = libm::pow(rows * columns / LARGEST_TILE, curve.tile_exponent);
            2.0 * rows * columns / (unit_rate * efficiency)
        });
        Self { curve, tile_seconds, units, peak: peak.0, bandwidth: bandwidth.0, operand_bytes, result_bytes }
    }

    /// Time of the products; none for an empty shape.
    #[must_use]
    pub fn seconds(&self, shape: MatmulShape) -> Seconds {
        if shape.flops() <= 0.0 {
            return Seconds::ZERO;
        }
        let curve = &self.curve;
        let (arithmetic, traffic) = (self.arithmetic(shape), self.traffic(shape));
        let work = arithmetic.max(traffic) + curve.overlap_loss * arithmetic.min(traffic);
        let throttled = work + curve.throttle * (work - curve.throttle_after_s).max(0.0);
        Seconds(curve.launch_s + throttled + self.conversion(shape))
    }

    /// Time of the products when weights (the `n × k` operand) are stored in `weight_bytes` each, and how far reading them
    /// binds: 1 for streaming alone, 0 for arithmetic alone.
    #[must_use]
    pub fn streamed(&self, shape: MatmulShape, weight_bytes: f64) -> (Seconds, f64) {
        if shape.flops() <= 0.0 {
            return (Seconds::ZERO, 0.0);
        }
        let curve = &self.curve;
        let MatmulShape { groups, m, n, k } = shape;
        let bytes = groups * (m * k * self.operand_bytes + n * k * weight_bytes + m * n * self.result_bytes);
        let traffic = bytes / (self.bandwidth * curve.bandwidth_share);
        let arithmetic = self.arithmetic(shape);
        let work = arithmetic.max(traffic) + curve.overlap_loss * arithmetic.min(traffic);
        let throttled = work + curve.throttle * (work - curve.throttle_after_s).max(0.0);
        let seconds = Seconds(curve.launch_s + throttled + self.conversion(shape));
        let (of_traffic, of_arithmetic) = (traffic.powi(4), arithmetic.powi(4));
        (seconds, of_traffic / (of_traffic + of_arithmetic).max(f64::MIN_POSITIVE))
    }

    fn arithmetic(&self, shape: MatmulShape) -> f64 {
        let inner = shape.k + self.curve.inner_overhead;
        let mut fastest = f64::INFINITY;
        for ((rows, columns), seconds) in TILES.iter().zip(&self.tile_seconds) {
            let tiles = (shape.m / rows).ceil() * (shape.n / columns).ceil() * shape.groups;
            let waves = tiles / self.units;
            let counted = self.curve.wave_weight * waves.ceil() + (1.0 - self.curve.wave_weight) * waves;
            fastest = fastest.min(counted * seconds);
        }
        fastest * inner
    }

    fn traffic(&self, MatmulShape { groups, m, n, k }: MatmulShape) -> f64 {
        let bytes = groups * ((m + n) * k * self.operand_bytes + m * n * self.result_bytes);
        bytes / (self.bandwidth * self.curve.bandwidth_share)
    }

    fn conversion(&self, shape: MatmulShape) -> f64 {
        2.0 * self.curve.conversion_passes * shape.groups * shape.m * shape.k / self.bandwidth
    }

    /// Share of the dense peak that the products reach.
    #[must_use]
    pub fn efficiency(&self, shape: MatmulShape) -> f64 {
        let seconds = self.seconds(shape).0;
        if seconds > 0.0 { shape.flops() / (seconds * self.peak) } else { 0.0 }
    }
}
