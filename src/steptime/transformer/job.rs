//! What a step of a transformer is asked about.

use crate::catalog::{Accelerator, ParallelLayout, Precision, Recompute, Transformer};
use crate::steptime::kernels::{AttentionKernel, DeviceRates};

use super::network::JobNetwork;

/// Software that trains transformers, as far as published rows tell kinds apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TransformerSoftware {
    /// PyTorch with sharded data parallelism, operation by operation (llm-foundry, torchtitan uncompiled).
    FsdpEager,
    /// The same, compiled (torchtitan).
    FsdpCompiled,
    /// JAX under XLA (MaxText, Levanter).
    Jax,
    /// Megatron-Bridge and NeMo containers of 2025 and later.
    MegatronBridge,
    /// Megatron-LM with Megatron-Core.
    MegatronCore,
    /// Megatron-LM of 2021 and 2022: no fused attention.
    MegatronEarly,
    /// Megatron-DeepSpeed (BigScience).
    MegatronDeepSpeed,
    /// Submissions to MLPerf Training.
    Benchmark,
}

impl TransformerSoftware {
    /// Every kind with its word in tables.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("fsdp-eager", Self::FsdpEager),
        ("fsdp-compiled", Self::FsdpCompiled),
        ("jax", Self::Jax),
        ("megatron-bridge", Self::MegatronBridge),
        ("megatron-core", Self::MegatronCore),
        ("megatron-early", Self::MegatronEarly),
        ("megatron-deepspeed", Self::MegatronDeepSpeed),
        ("benchmark", Self::Benchmark),
    ];

    /// The word in tables.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(word, _)| word)
    }

    /// The code base that a kind descends from.
    pub(super) fn lineage(self) -> &'static str {
        match self {
            Self::FsdpEager | Self::FsdpCompiled => "fsdp",
            Self::Jax => "jax",
            Self::MegatronBridge | Self::MegatronCore | Self::MegatronEarly | Self::MegatronDeepSpeed => {
                "megatron"
            }
            Self::Benchmark => "benchmark",
        }
    }

    /// Launches of a layer's forward and backward pass that the host issues one by one; none under XLA, few with
    /// captured graphs. Orders of magnitude; the time of a launch is fitted.
    pub(super) fn launches(self) -> f64 {
        match self {
            Self::FsdpEager => 70.0,
            Self::MegatronDeepSpeed => 60.0,
            Self::MegatronEarly => 55.0,
            Self::MegatronCore => 50.0,
            Self::MegatronBridge => 45.0,
            Self::FsdpCompiled => 40.0,
            Self::Benchmark => 15.0,
            Self::Jax => 0.0,
        }
    }
}

/// One training job of a transformer on one sort of device.
#[derive(Clone, Copy, Debug)]
pub struct TransformerJob<'a> {
    /// Catalog id of the model; only names what was measured.
    pub model: &'a str,
    /// Shape.
    pub shape: &'a Transformer,
    /// Tokens of a sequence.
    pub sequence: f64,
    /// Arithmetic of the layers' matrix products; attention and the vocabulary stay in 16 bit.
    pub precision: Precision,
    /// Scaling recipe of 8-bit and 4-bit products, where known.
    pub recipe: &'a str,
    /// Device.
    pub accelerator: &'a Accelerator,
    /// Software.
    pub software: TransformerSoftware,
    /// Release of the software, where known.
    pub release: &'a str,
    /// Whether tensor-parallel exchanges are cut up to hide behind products (asynchronous tensor parallelism).
    pub asynchronous_tensor: bool,
    /// Whether attention is fused (FlashAttention, arXiv 2205.14135).
    pub flash: bool,
    /// Whether only low-rank adapters are trained (LoRA, arXiv 2106.09685).
    pub adapters: bool,
    /// Layout.
    pub layout: ParallelLayout,
    /// The device's kernels.
    pub device: &'a DeviceRates,
    /// Its network.
    pub network: &'a JobNetwork,
}

impl TransformerJob<'_> {
    /// Tokens of one device in a micro-batch before tensor parallelism.
    pub(super) fn tokens(&self) -> f64 {
        self.layout.micro_batch as f64 * self.sequence / self.layout.context as f64
    }

    /// Share of the forward pass of the layers' products that the backward pass repeats.
    pub(super) fn repeated(&self) -> f64 {
        match self.layout.recompute {
            Recompute::None => 0.0,
            // Fused attention has nothing worth repeating: what FSDP software calls selective repeats every other
            // matrix product.
            Recompute::Selective if self.flash && self.is_fsdp() => 0.45,
            Recompute::Selective => 0.0,
            Recompute::Full => 1.0,
        }
    }

    /// Share of the attention's core that the backward pass repeats beside its own needs.
    pub(super) fn repeated_attention(&self) -> f64 {
        match self.layout.recompute {
            Recompute::None => 0.0,
            Recompute::Selective if self.flash => 0.0,
            Recompute::Selective | Recompute::Full => 1.0,
        }
    }

    /// The attention kernels that the software calls.
    pub(super) fn attention_kernel(&self) -> AttentionKernel {
        match self.software {
            _ if !self.flash => AttentionKernel::Unfused,
            TransformerSoftware::FsdpEager | TransformerSoftware::FsdpCompiled => AttentionKernel::Flash2,
            _ => AttentionKernel::Flash,
        }
    }

    pub(super) fn is_fsdp(&self) -> bool {
        matches!(self.software, TransformerSoftware::FsdpEager | TransformerSoftware::FsdpCompiled)
    }
}
