//! Attention of one layer on one device: forward and backward, fused (flash) and not.
//!
//! A fused kernel keeps the scores on the chip: blocks of 128 queries run over the keys before them, so that the
//! causal half is skipped but for the diagonal blocks. Each block loses a start-up (in keys), the longest block is a
//! critical path when there are few, and long kernels meet the power limit. Unfused attention is two batched products
//! and several passes over the scores, the masked half included.
//!
//! Sources: fitted to published kernel tables (head size 128, forward, causal); Dao 2023 and Shah et al. 2024 for the
//! backward pass (five products against two, at a lower rate) and other head sizes.

use serde::{Deserialize, Serialize};

use crate::units::{BytesPerSecond, FlopsPerSecond, Seconds};

use super::matmul::{MatmulRates, MatmulShape};

/// Queries of one block.
const BLOCK: f64 = 128.0;
/// Head size of the kernel tables.
const TABLE_HEAD: f64 = 128.0;
/// Products of the backward pass over those of the forward pass: five against two.
const BACKWARD_WORK: f64 = 2.5;
/// Passes over 16-bit scores between the two products of unfused attention: scale and mask, softmax (read and write each).
const FORWARD_PASSES: f64 = 4.0;
/// The same backward: softmax reads two and writes one, scale and mask read and write.
const BACKWARD_PASSES: f64 = 5.0;

/// Which kernel computes attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttentionKernel {
    /// Batched products with the scores in memory.
    Unfused,
    /// FlashAttention 2, on whatever device.
    Flash2,
    /// The newest fused kernel of the device's family (FlashAttention 2 on Ampere, 3 on Hopper, cuDNN on Blackwell).
    Flash,
}

impl AttentionKernel {
    /// The word in the shipped table.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Unfused => "unfused",
            Self::Flash2 => "flash2",
            Self::Flash => "flash",
        }
    }
}

/// Which pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// Forward.
    Forward,
    /// Backward, without recomputing the forward pass.
    Backward,
}

/// Sizes of one attention call on one device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttentionShape {
    /// Sequences.
    pub batch: f64,
    /// Query heads on this device.
    pub heads: f64,
    /// Key and value heads on this device.
    pub kv_heads: f64,
    /// Elements of a head.
    pub head_dim: f64,
    /// Queries of a sequence.
    pub queries: f64,
    /// Keys of a sequence; the last query sees all of them.
    pub keys: f64,
    /// Whether a query sees only the keys before it.
    pub causal: bool,
}

impl AttentionShape {
    /// Operations of the forward pass as model FLOPs count them: 4·d·pairs, half of the square when causal.
    #[must_use]
    pub fn forward_flops(&self) -> f64 {
        let pairs = if self.causal {
            self.queries * (self.keys - self.queries / 2.0).max(self.keys / 2.0)
        } else {
            self.queries * self.keys
        };
        4.0 * self.head_dim * self.batch * self.heads * pairs
    }

    /// Query blocks and the pairs that their key ranges cover, diagonal blocks whole.
    fn blocks(&self) -> (f64, f64) {
        let blocks = (self.queries / BLOCK).ceil();
        let rows = blocks * BLOCK;
        if !self.causal {
            return (blocks, rows * self.keys.max(BLOCK));
        }
        let before = (self.keys - self.queries).max(0.0);
        (blocks, rows * before + BLOCK * BLOCK * blocks * (blocks + 1.0) / 2.0)
    }
}

/// How a fused kernel of a family answers to its sizes; one row of `assets/profiles/attention-kernels.csv`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttentionCurve {
    /// Time of an empty call, s.
    pub launch_s: f64,
    /// Share of the 16-bit peak of long sequences, forward, head size 128.
    pub compute_share: f64,
    /// Keys lost at the start and end of each query block.
    pub block_overhead: f64,
    /// Weight of the longest block's own time.
    pub critical_path: f64,
    /// Further time per time beyond `throttle_after_s`.
    pub throttle: f64,
    /// Work after which the power limit is met, s.
    pub throttle_after_s: f64,
    /// Share of the memory bandwidth.
    pub bandwidth_share: f64,
    /// Head size at which half of the rate is left, relative to 128: rate ∝ d/(d + this).
    pub head_half: f64,
    /// Rate of the backward pass over that of the forward pass.
    pub backward_share: f64,
}

/// Fused attention of one device.
#[derive(Clone, Copy, Debug)]
pub struct AttentionRates {
    curve: AttentionCurve,
    peak: f64,
    bandwidth: f64,
    units: f64,
}

impl AttentionRates {
    /// A curve on a device's 16-bit peak, memory bandwidth and compute units.
    #[must_use]
    pub fn new(curve: AttentionCurve, peak: FlopsPerSecond, bandwidth: BytesPerSecond, units: f64) -> Self {
        Self { curve, peak: peak.0, bandwidth: bandwidth.0, units }
    }

    /// Time of one call.
    #[must_use]
    pub fn seconds(&self, pass: Pass, shape: &AttentionShape) -> Seconds {
        let curve = &self.curve;
        if shape.forward_flops() <= 0.0 {
            return Seconds::ZERO;
        }
        let (work_factor, share, launches) = match pass {
            Pass::Forward => (1.0, 1.0, 1.0),
            Pass::Backward => (BACKWARD_WORK, curve.backward_share, 2.0),
        };
        let rate = self.peak * curve.compute_share * self.head_factor(shape.head_dim) * share / work_factor;
        let (blocks, pairs) = shape.blocks();
        let overhead = blocks * BLOCK * curve.block_overhead;
        let arithmetic = 4.0 * shape.head_dim * shape.batch * shape.heads * (pairs + overhead) / rate;
        let longest = 4.0 * shape.head_dim * BLOCK * (shape.keys + curve.block_overhead);
        let critical = curve.critical_path * longest * self.units / rate;
        let work = arithmetic.max(work_factor * self.traffic(shape)) + critical;
        let throttled = work + curve.throttle * (work - curve.throttle_after_s).max(0.0);
        Seconds(launches * curve.launch_s + throttled)
    }

    fn head_factor(&self, head: f64) -> f64 {
        let saturating = |size: f64| size / (size + self.curve.head_half);
        (saturating(head) / saturating(TABLE_HEAD)).min(1.0)
    }

    /// Queries and results, keys and values, in 16 bit.
    fn traffic(&self, shape: &AttentionShape) -> f64 {
        let elements = 2.0 * shape.queries * shape.heads + 2.0 * shape.keys * shape.kv_heads;
        2.0 * shape.batch * shape.head_dim * elements / (self.bandwidth * self.curve.bandwidth_share)
    }
}

/// Time of attention by batched products with the scores in memory, on `products` and element-wise passes of `pass_s`
/// seconds per byte after `launch_s` each.
pub(super) fn unfused_seconds(
    products: &MatmulRates,
    pass: Pass,
    shape: &AttentionShape,
    elementwise: impl Fn(f64) -> Seconds,
) -> Seconds {
    let AttentionShape { head_dim, queries, keys, .. } = *shape;
    let groups = shape.batch * shape.heads;
    let scores = products.seconds(MatmulShape { groups, m: queries, n: keys, k: head_dim });
    let values = products.seconds(MatmulShape { groups, m: queries, n: head_dim, k: keys });
    let (rounds, passes) = match pass {
        Pass::Forward => (1.0, FORWARD_PASSES),
        Pass::Backward => (2.0, BACKWARD_PASSES),
    };
    (scores + values) * rounds + elementwise(2.0 * passes * groups * queries * keys)
}
