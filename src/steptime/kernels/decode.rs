//! Decode attention of one layer on one device: one query of each sequence over its cache.
//!
//! The cache is read once: `a + b + ramp·√(a·b)` with `a` an empty call and `b` the bytes over the bandwidth that long
//! caches reach; the root is what few and short sequences cost. Latent attention computes so much on each byte that its
//! products may bind instead.
//!
//! Sources: fitted to published kernel tables (`assets/profiles/decode-kernels.csv`), head size 128, 16-bit caches, groups
//! of 4 to 8 query heads for each head of keys and values.

use serde::{Deserialize, Serialize};

use crate::units::{BytesPerSecond, FlopsPerSecond, Seconds};

/// Share of the 16-bit peak that absorbed latent attention reaches in decoding (a judgement: half of what long prompts do).
const LATENT_SHARE: f64 = 0.4;

/// How decode attention of a family answers to its size; one row of `assets/profiles/decode-kernels.csv`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecodeCurve {
    /// Time of an empty call, s.
    pub launch_s: f64,
    /// Share of the memory bandwidth that long caches reach.
    pub bandwidth_share: f64,
    /// Weight of the root of launch and transfer.
    pub ramp: f64,
}

impl DecodeCurve {
    /// Time of one call that reads `bytes` of cache.
    #[must_use]
    pub fn seconds(&self, bytes: f64, bandwidth: BytesPerSecond) -> Seconds {
        let transfer = bytes / (bandwidth.0 * self.bandwidth_share);
        Seconds(self.launch_s + transfer + self.ramp * (self.launch_s * transfer).sqrt())
    }
}

/// Decode attention of one device.
#[derive(Clone, Copy, Debug)]
pub struct DecodeRates {
    curve: DecodeCurve,
    bandwidth: BytesPerSecond,
    peak: FlopsPerSecond,
}

impl DecodeRates {
    /// A curve on a device's memory bandwidth and 16-bit peak.
    #[must_use]
    pub fn new(curve: DecodeCurve, bandwidth: BytesPerSecond, peak: FlopsPerSecond) -> Self {
        Self { curve, bandwidth, peak }
    }

    /// Time of one call that reads `bytes` of cache and computes `flops` on them.
    #[must_use]
    pub fn seconds(&self, bytes: f64, flops: f64) -> Seconds {
        let read = self.curve.seconds(bytes, self.bandwidth);
        let computed = Seconds(self.curve.launch_s + flops / (self.peak.0 * LATENT_SHARE));
        Seconds(read.0.max(computed.0))
    }
}
