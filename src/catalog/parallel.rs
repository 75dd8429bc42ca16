//! Parallel layouts: the degrees by which a training job or a serving replica is split.

/// What data-parallel ranks hold of the model's states (ZeRO, arXiv 1910.02054).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sharding {
    /// Everything: plain data parallelism.
    #[default]
    None,
    /// A share of the optimizer's state (ZeRO-1, distributed optimizer).
    Optimizer,
    /// A share of that and of the gradients (ZeRO-2).
    Gradients,
    /// A share of everything (ZeRO-3, FSDP).
    Full,
}

impl Sharding {
    /// Every kind with its word in scenarios.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("none", Self::None),
        ("zero-1", Self::Optimizer),
        ("zero-2", Self::Gradients),
        ("zero-3", Self::Full),
    ];
}

/// What the backward pass computes anew instead of keeping.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Recompute {
    /// Nothing.
    #[default]
    None,
    /// The core of attention (arXiv 2205.05198).
    Selective,
    /// Whole layers from their input.
    Full,
}

impl Recompute {
    /// Every kind with its word in scenarios.
    pub const ALL: &'static [(&'static str, Self)] =
        &[("none", Self::None), ("selective", Self::Selective), ("full", Self::Full)];
}

/// What lives in host memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Offload {
    /// Nothing.
    #[default]
    None,
    /// The optimizer's state, updated by the host.
    Optimizer,
    /// That and the weights.
    Parameters,
}

impl Offload {
    /// Every kind with its word in scenarios.
    pub const ALL: &'static [(&'static str, Self)] =
        &[("none", Self::None), ("optimizer", Self::Optimizer), ("parameters", Self::Parameters)];
}

/// A parallel layout. The devices are `data · tensor · pipeline · context`; experts are spread over ranks of the data and
/// context dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ParallelLayout {
    /// Data-parallel replicas.
    pub data: u64,
    /// Tensor-parallel degree.
    pub tensor: u64,
    /// Whether what tensor parallelism leaves whole is split along the sequence (arXiv 2205.05198).
    pub sequence_parallel: bool,
    /// Pipeline stages.
    pub pipeline: u64,
    /// Chunks of layers per stage (interleaved schedule); 1 for plain 1F1B.
    pub virtual_stages: u64,
    /// Ranks that share one sequence.
    pub context: u64,
    /// Ranks over which the experts of a layer are spread.
    pub expert: u64,
    /// What data-parallel ranks shard.
    pub sharding: Sharding,
    /// Ranks of one shard group where it is smaller than the data dimension (hybrid shard); 0 for all of them.
    pub shard_group: u64,
    /// Sequences of one replica in a micro-batch.
    pub micro_batch: u64,
    /// Micro-batches of a step.
    pub accumulation: u64,
    /// Recomputation.
    pub recompute: Recompute,
    /// Offload.
    pub offload: Offload,
}

impl Default for ParallelLayout {
    fn default() -> Self {
        Self {
            data: 1,
            tensor: 1,
            sequence_parallel: false,
            pipeline: 1,
            virtual_stages: 1,
            context: 1,
            expert: 1,
            sharding: Sharding::None,
            shard_group: 0,
            micro_batch: 1,
            accumulation: 1,
            recompute: Recompute::None,
            offload: Offload::None,
        }
    }
}

impl ParallelLayout {
    /// Devices at work.
    #[must_use]
    pub fn devices(&self) -> u64 {
        self.data.saturating_mul(self.tensor).saturating_mul(self.pipeline).saturating_mul(self.context)
    }

    /// Sequences of a step over the whole job.
    #[must_use]
    pub fn global_batch(&self) -> u64 {
        self.data.saturating_mul(self.micro_batch).saturating_mul(self.accumulation)
    }

    /// Ranks that share the model's states.
    #[must_use]
    pub fn shard_ranks(&self) -> u64 {
        let all = self.data.saturating_mul(self.context);
        if self.shard_group == 0 { all } else { self.shard_group.min(all) }
    }
}

/// How one serving replica is split over its devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServingLayout {
    /// Devices that share every layer.
    pub tensor: u64,
    /// Pipeline stages.
    pub pipeline: u64,
    /// Devices of a tensor group that hold different experts; a divisor of `tensor`. 1 splits every expert over all.
    pub expert: u64,
    /// Groups of a tensor group that attend to different sequences (data-parallel attention); a divisor of `tensor`. Each
    /// has the attention weights of its own.
    pub attention_data: u64,
}

impl Default for ServingLayout {
    fn default() -> Self {
        Self { tensor: 1, pipeline: 1, expert: 1, attention_data: 1 }
    }
}

impl ServingLayout {
    /// Devices of the replica.
    #[must_use]
    pub fn devices(&self) -> u64 {
        self.tensor.saturating_mul(self.pipeline)
    }

    /// Devices that share the attention of one sequence.
    #[must_use]
    pub fn attention_tensor(&self) -> f64 {
        (self.tensor as f64 / self.attention_data.max(1) as f64).max(1.0)
    }
}
