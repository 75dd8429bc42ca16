//! Bytes that training needs on one device, part by part.

use std::fmt;

use serde::Serialize;

use crate::catalog::{Model, Precision};
use crate::units::Bytes;

/// Driver, runtime and collective-library buffers of one process on one device.
const CONTEXT: Bytes = Bytes(1.2e9);

/// The allocator's fragmentation and rounding, as a share of what is allocated.
const ALLOCATOR_SLACK: f64 = 0.04;

/// What memory is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// Dense weights in compute precision.
    Weights,
    /// Dense gradients.
    Gradients,
    /// Master weights and optimizer moments.
    Optimizer,
    /// This device's share of the embedding tables and their optimizer state.
    Embeddings,
    /// Keys and values of the longest sequence.
    Cache,
    /// Activations of one micro-batch, or of those in flight in a pipeline.
    Activations,
    /// Scores over the vocabulary.
    Logits,
    /// Gathered layers and buffers of exchanges.
    Buffers,
    /// Driver, runtime and collective buffers.
    Context,
    /// Allocator slack.
    Slack,
}

impl Part {
    /// The word printed in tables.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Weights => "weights",
            Self::Gradients => "gradients",
            Self::Optimizer => "optimizer",
            Self::Embeddings => "embeddings",
            Self::Cache => "cache",
            Self::Activations => "activations",
            Self::Logits => "logits",
            Self::Buffers => "buffers",
            Self::Context => "context",
            Self::Slack => "slack",
        }
    }
}

/// Bytes needed on one device, and present.
#[derive(Clone, Debug, PartialEq)]
pub struct MemoryNeed {
    /// Part by part.
    pub parts: Vec<(Part, Bytes)>,
    /// Memory of the device.
    pub present: Bytes,
}

impl MemoryNeed {
    /// All parts.
    #[must_use]
    pub fn total(&self) -> Bytes {
        self.parts.iter().map(|(_, bytes)| *bytes).sum()
    }

    /// Whether it fits.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.total() <= self.present
    }
}

impl fmt::Display for MemoryNeed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "needs {} of {}", self.total(), self.present)?;
        let parts: Vec<String> = self
            .parts
            .iter()
            .filter(|(_, bytes)| bytes.0 > 0.0)
            .map(|(part, bytes)| format!("{} {bytes}", part.word()))
            .collect();
        write!(out, " ({})", parts.join(", "))
    }
}

/// Optimizers whose state is known.
pub const OPTIMIZERS: &[&str] = &[
    "none",
    "sgd",
    "sgd-momentum",
    "sgd-nesterov",
    "lars",
    "nag",
    "adagrad",
    "rmsprop",
    "adam",
    "adamw",
    "nadam",
    "lamb",
    "novograd",
];

/// Bytes of optimizer state per parameter in 32 bit, beside any master copy of the weights.
pub(super) fn moments(optimizer: &str) -> f64 {
    match optimizer {
        "sgd" | "none" => 0.0,
        "adam" | "adamw" | "lamb" | "nadam" | "novograd" => 8.0,
        // sgd-momentum, lars, nag, adagrad, rmsprop, and what a model file may name beside.
        _ => 4.0,
    }
}

/// Memory of one device of `devices` that trains `model` on `micro_batch` samples at a time.
///
/// Mixed precision keeps 2 bytes of weights, 2 of gradients, 4 of master weights and the moments per parameter
/// (ZeRO paper, arXiv 1910.02054); 32-bit training 4, 4 and the moments. Tables are split over all devices.
#[must_use]
pub fn model_memory(
    model: &Model,
    precision: Precision,
    optimizer: &str,
    micro_batch: f64,
    devices: u64,
    present: Bytes,
) -> MemoryNeed {
    let width = precision.bytes();
    let master = if width < 4.0 { 4.0 } else { 0.0 };
    let moments = moments(optimizer);
    // Tables stay in 32 bit; the frequent rows do not tolerate 16-bit updates.
    let table_width = 4.0 + if optimizer == "sgd" { 0.0 } else { moments.min(4.0) };
    let mut parts = vec![
        (Part::Weights, Bytes(model.parameters * width)),
        (Part::Gradients, Bytes(model.parameters * width)),
        (Part::Optimizer, Bytes(model.parameters * (master + moments))),
        (Part::Embeddings, Bytes(model.embedding_parameters * table_width / devices.max(1) as f64)),
        (Part::Activations, activations(model, precision) * micro_batch),
    ];
    let allocated: Bytes = parts.iter().map(|(_, bytes)| *bytes).sum();
    parts.push((Part::Context, CONTEXT));
    parts.push((Part::Slack, allocated * ALLOCATOR_SLACK));
    MemoryNeed { parts, present }
}

/// What a checkpoint of the whole job holds: weights or their master copy, moments, and the tables with theirs.
#[must_use]
pub fn state_bytes(model: &Model, precision: Precision, optimizer: &str) -> Bytes {
    let need = model_memory(model, precision, optimizer, 0.0, 1, Bytes::ZERO);
    let kept = |part: &Part| matches!(part, Part::Weights | Part::Optimizer | Part::Embeddings);
    need.parts.iter().filter(|(part, _)| kept(part)).map(|(_, bytes)| *bytes).sum()
}

/// Activations kept per sample: measured or derived in the model file, or else s·h·(34 + 5·a·s/h) bytes per layer and
/// the logits (arXiv 2205.05198, equation 1), with the 16-bit figure doubled for 32-bit training.
fn activations(model: &Model, precision: Precision) -> Bytes {
    let half = model.activation_memory.unwrap_or_else(|| {
        let (Some(layers), Some(hidden), Some(tokens)) = (model.layers, model.hidden, model.sequence_length)
        else {
            // No shapes at all: one byte kept per eight operations is the order of convolutional networks.
            return Bytes(model.flops_forward.0 / 8.0 / 25.0);
        };
        let heads = model.heads.unwrap_or(hidden / 64.0);
        let per_layer = tokens * hidden * (34.0 + 5.0 * heads * tokens / hidden);
        let logits = tokens * model.vocabulary.unwrap_or(0.0) * 4.0;
        Bytes(layers * per_layer + logits)
    });
    half * (precision.bytes() / 2.0)
}
