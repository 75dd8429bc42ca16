//! A fleet as the scenario describes it, possibly a sweep.

use std::sync::Arc;

use crate::catalog::{Accelerator, Instance, Offload, Purchase, Recompute, Sharding};
use crate::units::PricePerHour;

use super::{HostingKind, Placement};

/// How many instances: one count, a list, or a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts(pub Vec<u64>);

impl Counts {
    /// From `from` to `to`, doubling, always including `to`.
    #[must_use]
    pub fn doubling(from: u64, to: u64) -> Self {
        let mut counts = Vec::new();
        let mut count = from.max(1);
        while count < to {
            counts.push(count);
            count = count.saturating_mul(2);
        }
        counts.push(to);
        Self(counts)
    }
}

/// The parallel layout asked for; what is `None` is searched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LayoutRequest {
    /// Data-parallel replicas.
    pub data: Option<u64>,
    /// Tensor-parallel degree.
    pub tensor: Option<u64>,
    /// Whether what tensor parallelism leaves whole is split along the sequence.
    pub sequence_parallel: Option<bool>,
    /// Pipeline stages.
    pub pipeline: Option<u64>,
    /// Chunks of layers per stage.
    pub virtual_stages: Option<u64>,
    /// Ranks that share one sequence.
    pub context: Option<u64>,
    /// Ranks over which experts are spread.
    pub expert: Option<u64>,
    /// What data-parallel ranks shard.
    pub sharding: Option<Sharding>,
    /// Ranks of one shard group.
    pub shard_group: Option<u64>,
    /// Samples per accelerator and micro-batch; of one replica where a model is split.
    pub micro_batch: Option<u64>,
    /// Micro-batches per step.
    pub gradient_accumulation: Option<u64>,
    /// Recomputation.
    pub recompute: Option<Recompute>,
    /// Offload.
    pub offload: Option<Offload>,
}

/// How many replicas of a served model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Replicas {
    /// As many as the machines hold.
    #[default]
    Full,
    /// The fewest machines that hold the targets.
    Auto,
    /// So many, on as many machines as they need.
    Fixed(u64),
}

/// What a group of machines of a served fleet is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupRole {
    /// Prompts only; their cache then goes to a decode group.
    Prefill,
    /// Answers only.
    Decode,
    /// Whole requests: what is always there.
    Base,
    /// Whole requests: what is added to it.
    Burst,
    /// Whole requests.
    Online,
}

impl GroupRole {
    /// The words in scenarios.
    pub const WORDS: &'static [&'static str] = &["prefill", "decode", "base", "burst", "online"];
    const ALL: [Self; 5] = [Self::Prefill, Self::Decode, Self::Base, Self::Burst, Self::Online];

    /// The role of a word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        let at = Self::WORDS.iter().position(|known| *known == word)?;
        Self::ALL.get(at).copied()
    }

    /// The word in scenarios.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::WORDS[self as usize]
    }
}

/// One `[[fleet]]`.
#[derive(Clone, Debug)]
pub struct FleetSpec {
    /// Its name.
    pub name: String,
    /// The machine.
    pub instance: Arc<Instance>,
    /// Its accelerator; `None` for CPU-only machines.
    pub accelerator: Option<Arc<Accelerator>>,
    /// How many instances.
    pub counts: Counts,
    /// Regions; empty for the cheapest region that has a price.
    pub regions: Vec<String>,
    /// Terms.
    pub purchases: Vec<Purchase>,
    /// Layout.
    pub layout: LayoutRequest,
    /// Replicas of a served model.
    pub replicas: Replicas,
    /// Where the model lives, several to compare; none for the workload's.
    pub hostings: Vec<HostingKind>,
    /// How several models share the machines, several ways to compare; none for together.
    pub placements: Vec<Placement>,
    /// Hourly price of an owned or unlisted machine.
    pub owned_price: Option<PricePerHour>,
    /// What its machines are for, where the fleet is made of groups.
    pub role: Option<GroupRole>,
    /// The groups beside this one.
    pub others: Vec<FleetSpec>,
}
