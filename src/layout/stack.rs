//! What training software keeps in memory beside the arithmetic's own needs: one row of figures per framework.

use crate::catalog::Precision;

/// A family of training software.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TrainingStack {
    /// Megatron-LM, Megatron-Core, NeMo: 16-bit weights, 32-bit gradient buffer and master copy.
    #[default]
    Megatron,
    /// PyTorch FSDP (torchtitan, llm-foundry): 32-bit sharded weights, gathered in compute precision.
    Fsdp,
    /// DeepSpeed ZeRO, also under Megatron-DeepSpeed.
    DeepSpeed,
    /// JAX under XLA (MaxText, Levanter): 32-bit weights, cast where used.
    Jax,
}

/// Bytes and habits of one stack.
#[derive(Clone, Copy, Debug)]
pub(super) struct Habits {
    /// Bytes of a stored weight, of its gradient and of its master copy.
    pub weight: f64,
    /// Bytes of a gradient between backward and update.
    pub gradient: f64,
    /// Bytes of the master copy beside the weight.
    pub master: f64,
    /// Bytes per element of the vocabulary's scores at the peak of the loss.
    pub logits: f64,
    /// Bytes of 8-bit copies per weight that stay between micro-batches.
    pub low_copies: f64,
    /// Whether matrix products keep their input in 8 bit for the backward pass.
    pub low_inputs: bool,
    /// Whether selective recomputation keeps every other matrix product instead of all.
    pub every_other_product: bool,
    /// Bytes per element of the flat buckets in which gradients are exchanged, and the most elements of one.
    pub bucket: f64,
}

/// DeepSpeed's default bucket of 5·10⁸ elements.
pub(super) const BUCKET_ELEMENTS: f64 = 5e8;

impl TrainingStack {
    /// Every stack with its word.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("megatron", Self::Megatron),
        ("fsdp", Self::Fsdp),
        ("deepspeed", Self::DeepSpeed),
        ("jax", Self::Jax),
    ];

    /// The stack that a published framework's name belongs to.
    #[must_use]
    pub fn of_framework(name: &str) -> Self {
        let name = name.to_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
        if has(&["deepspeed"]) {
            Self::DeepSpeed
        } else if has(&["maxtext", "levanter", "jax", "tpu"]) {
            Self::Jax
        } else if has(&["torchtitan", "fsdp", "llm-foundry", "composer"]) {
            Self::Fsdp
        } else {
            Self::Megatron
        }
    }

    /// What it keeps.
    ///
    /// Loss: Megatron's vocabulary-parallel loss holds the scores in 16 bit and once in 32 bit (2 + 4); PyTorch's own
    /// holds them in 16 bit, as 32-bit copy, as log-softmax and as its gradient (2 + 4 + 4 + 4); older Megatron, on
    /// which DeepSpeed's fork builds, clones before the exponential (2 + 4 + 4).
    pub(super) fn habits(self, precision: Precision) -> Habits {
        let wide = precision.bytes() >= 4.0;
        let low = matches!(precision, Precision::Fp8 | Precision::Nvfp4);
        let half = |weight, gradient, master| {
            if wide { (4.0, 4.0, 0.0) } else { (weight, gradient, master) }
        };
        let (weight, gradient, master) = match self {
            Self::Megatron => half(2.0, 4.0, 4.0),
            Self::Fsdp | Self::Jax => (4.0, 4.0, 0.0),
            // The 16-bit float optimizer keeps 16-bit gradients; the brain-float one adds a 32-bit accumulator.
            Self::DeepSpeed if precision == Precision::Fp16 => half(2.0, 2.0, 4.0),
            Self::DeepSpeed => half(2.0, 6.0, 4.0),
        };
        Habits {
            weight,
            gradient,
            master,
            logits: match self {
                Self::Megatron => 6.0,
                Self::Fsdp => 14.0,
                Self::DeepSpeed => 10.0,
                Self::Jax => 8.0,
            },
            // Transformer Engine caches each weight and its transpose in the low precision.
            low_copies: match (self, precision) {
                (Self::Megatron, Precision::Fp8) => 2.0,
                (Self::Megatron, Precision::Nvfp4) => 1.125,
                _ => 0.0,
            },
            low_inputs: low && self == Self::Megatron,
            every_other_product: self == Self::Fsdp,
            bucket: if self == Self::DeepSpeed { precision.bytes() } else { 0.0 },
        }
    }
}
