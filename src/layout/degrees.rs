//! Which degrees a transformer's shape allows, and what is wrong with those that it does not.

use std::fmt;

use thiserror::Error;

use crate::catalog::{Attention, Offload, Sharding, Transformer};
use crate::fleet::LayoutRequest;

use super::transformer_memory::stage_layers;

/// No more than this many workable degrees are listed.
const LISTED: usize = 16;

/// A value of a layout that the shape of the model does not allow.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}; {}", self.message(), self.allowed())]
pub struct BadDegree {
    /// Its key in scenarios.
    pub key: &'static str,
    /// What was asked.
    pub asked: u64,
    /// What it must divide or needs.
    pub cause: BadCause,
    /// Degrees that work, rising.
    pub workable: Vec<u64>,
}

/// Why a degree does not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadCause {
    /// Heads, key heads or inner width are not split evenly.
    Heads {
        /// Query heads.
        heads: u64,
        /// Heads of keys and values.
        kv_heads: u64,
        /// Inner width of the feed-forward part.
        ffn: u64,
    },
    /// Layers do not come out even over stages and chunks.
    Layers {
        /// Layers.
        layers: u64,
        /// Chunks per stage.
        virtual_stages: u64,
    },
    /// Chunks without a pipeline.
    NoPipeline,
    /// The sequence is not split evenly.
    Sequence(u64),
    /// The model has no experts.
    Dense,
    /// Experts are not spread evenly.
    Experts(u64),
    /// Splitting along the sequence goes with tensor parallelism.
    NoTensor,
    /// Weights can only live on the host where they are sharded.
    NotSharded,
}

impl fmt::Display for BadCause {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Heads { heads, kv_heads, ffn } if heads == kv_heads => {
                write!(out, "does not divide {heads} heads and an inner width of {ffn}")
            }
            Self::Heads { heads, kv_heads, ffn } => write!(
                out,
                "does not divide {heads} heads, {kv_heads} heads of keys and an inner width of {ffn}"
            ),
            Self::Layers { layers, virtual_stages: 1 } => write!(out, "does not divide {layers} layers"),
            Self::Layers { layers, virtual_stages } => {
                write!(out, "does not divide {layers} layers in {virtual_stages} chunks per stage")
            }
            Self::NoPipeline => out.write_str("chunks need a pipeline"),
            Self::Sequence(tokens) => write!(out, "does not divide a sequence of {tokens} tokens"),
            Self::Dense => out.write_str("the model has no experts"),
            Self::Experts(count) => write!(out, "does not divide {count} experts"),
            Self::NoTensor => out.write_str("needs tensor_parallel"),
            Self::NotSharded => out.write_str("parameters on the host need sharding = \"zero-3\""),
        }
    }
}

impl BadDegree {
    /// What is wrong, in words.
    #[must_use]
    pub fn message(&self) -> String {
        if self.workable.is_empty() {
            return format!("`{}`: {}", self.key, self.cause);
        }
        format!("{} {}: {}", self.key, self.asked, self.cause)
    }

    /// What would work, in words.
    #[must_use]
    pub fn allowed(&self) -> String {
        if self.workable.is_empty() {
            return "leave it out".to_owned();
        }
        let shown: Vec<String> = self.workable.iter().take(LISTED).map(u64::to_string).collect();
        let more = if self.workable.len() > LISTED { ", …" } else { "" };
        format!("workable: {}{more}", shown.join(", "))
    }
}

/// Whether tensor parallelism of this degree splits heads, heads of keys and inner widths evenly. Fewer heads of keys
/// than devices are repeated.
#[must_use]
pub fn tensor_works(shape: &Transformer, degree: u64) -> bool {
    let divides = |size: f64| (size as u64).is_multiple_of(degree);
    let kv_heads = shape.attention.kv_heads() as u64;
    divides(shape.attention.heads())
        && (kv_heads.is_multiple_of(degree) || degree.is_multiple_of(kv_heads.max(1)))
        && divides(shape.ffn)
        && shape.experts.is_none_or(|experts| divides(experts.hidden))
        && shape.state_space.is_none_or(|mixer| divides(mixer.inner))
}

/// Degrees of tensor parallelism that the shape allows, up to `most`.
#[must_use]
pub fn tensor_degrees(shape: &Transformer, most: u64) -> Vec<u64> {
    let heads = shape.attention.heads() as u64;
    divisors(heads, most).into_iter().filter(|degree| tensor_works(shape, *degree)).collect()
}

/// Pipeline stages that the layers allow with so many chunks each, up to `most`.
#[must_use]
pub fn pipeline_degrees(shape: &Transformer, virtual_stages: u64, most: u64) -> Vec<u64> {
    let layers = (shape.layers + shape.decoder_layers) as u64;
    (1..=most.min(layers)).filter(|stages| stage_layers(shape, *stages, virtual_stages).is_some()).collect()
}

/// Chunks per stage that the layers allow, plain 1F1B first.
#[must_use]
pub fn chunk_counts(shape: &Transformer, pipeline: u64) -> Vec<u64> {
    let layers = (shape.layers + shape.decoder_layers) as u64;
    if pipeline == 1 || !layers.is_multiple_of(pipeline) {
        return vec![1];
    }
    divisors(layers / pipeline, u64::MAX)
}

/// Divisors of a number up to `most`, rising.
#[must_use]
pub fn divisors(number: u64, most: u64) -> Vec<u64> {
    let mut small = Vec::new();
    let mut large = Vec::new();
    let mut divisor = 1;
    while divisor <= most && divisor <= number / divisor {
        if number.is_multiple_of(divisor) {
            small.push(divisor);
            let other = number / divisor;
            if other != divisor && other <= most {
                large.push(other);
            }
        }
        divisor += 1;
    }
    small.extend(large.into_iter().rev());
    small
}

/// Everything in a request that the shape does not allow, whatever the fleet.
#[must_use]
pub fn bad_degrees(shape: &Transformer, sequence: f64, request: &LayoutRequest) -> Vec<BadDegree> {
    let mut found = Vec::new();
    let mut bad = |key, asked, cause, workable| found.push(BadDegree { key, asked, cause, workable });
    if let Some(asked) = request.tensor.filter(|degree| !tensor_works(shape, *degree)) {
        bad("tensor_parallel", asked, heads(shape), tensor_degrees(shape, u64::MAX));
    }
    if request.sequence_parallel == Some(true) && request.tensor == Some(1) {
        bad("sequence_parallel", 1, BadCause::NoTensor, Vec::new());
    }
    let layers = (shape.layers + shape.decoder_layers) as u64;
    let virtual_stages = request.virtual_stages.unwrap_or(1);
    match request.pipeline {
        Some(1) if virtual_stages > 1 => {
            bad("virtual_stages", virtual_stages, BadCause::NoPipeline, vec![1]);
        }
        Some(asked) if stage_layers(shape, asked, virtual_stages).is_none() => {
            let cause = BadCause::Layers { layers, virtual_stages };
            if stage_layers(shape, asked, 1).is_some() {
                bad("virtual_stages", virtual_stages, cause, chunk_counts(shape, asked));
            } else {
                bad("pipeline_parallel", asked, cause, pipeline_degrees(shape, virtual_stages, layers));
            }
        }
        _ => {}
    }
    let tokens = sequence as u64;
    if let Some(asked) = request.context.filter(|degree| !tokens.is_multiple_of(*degree)) {
        bad("context_parallel", asked, BadCause::Sequence(tokens), divisors(tokens, u64::MAX));
    }
    match (request.expert, shape.experts) {
        (Some(asked), None) if asked > 1 => bad("expert_parallel", asked, BadCause::Dense, vec![1]),
        (Some(asked), Some(experts)) if !(experts.count as u64).is_multiple_of(asked) => {
            let count = experts.count as u64;
            bad("expert_parallel", asked, BadCause::Experts(count), divisors(count, u64::MAX));
        }
        _ => {}
    }
    if request.offload == Some(Offload::Parameters)
        && request.sharding.is_some_and(|sharding| sharding != Sharding::Full)
    {
        bad("offload", 1, BadCause::NotSharded, Vec::new());
    }
    found
}

fn heads(shape: &Transformer) -> BadCause {
    let attention = &shape.attention;
    let kv_heads = match attention {
        Attention::Grouped { kv_heads, .. } => *kv_heads,
        Attention::Latent { heads, .. } => *heads,
    };
    BadCause::Heads { heads: attention.heads() as u64, kv_heads: kv_heads as u64, ffn: shape.ffn as u64 }
}
