//! What one replica is: its times, its memory, its rules.

use std::sync::Arc;

use crate::catalog::{Batching, Preemption};
use crate::steptime::serving::StepTable;
use crate::units::SimSpan;

/// The paged cache of keys and values of one replica.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KvSpace {
    /// Blocks.
    pub blocks: u64,
    /// Tokens of a block.
    pub block_tokens: u32,
    /// Blocks in host memory for swapped sequences.
    pub swap_blocks: u64,
    /// Nanoseconds to move a block to or from the host.
    pub swap_block_ns: f64,
}

/// Drafted tokens (speculative decoding, arXiv 2211.17192).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speculation {
    /// Tokens drafted per iteration.
    pub drafts: u32,
    /// Probability that a drafted token is accepted, given that those before it were.
    pub acceptance: f64,
}

/// Scheduling rules of a replica.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// How batches are formed.
    pub batching: Batching,
    /// Whether prompts are cut to the token budget.
    pub chunked_prefill: bool,
    /// Most tokens of an iteration.
    pub max_batched_tokens: u32,
    /// Most sequences of an iteration.
    pub max_sequences: u32,
    /// Blocks kept free when a request is admitted.
    pub watermark_blocks: u64,
    /// What happens when blocks run out.
    pub preemption: Preemption,
    /// Whether prefixes are kept and found again.
    pub prefix_cache: bool,
    /// Drafted tokens.
    pub speculation: Option<Speculation>,
    /// Time of a request before it may be scheduled.
    pub request_overhead: SimSpan,
    /// Time of a request after its last token.
    pub response_overhead: SimSpan,
}

/// One replica of a language model.
#[derive(Clone, Debug)]
pub struct ReplicaModel {
    /// Iteration times.
    pub table: Arc<StepTable>,
    /// Cache.
    pub kv: KvSpace,
    /// Rules.
    pub rules: Rules,
}

/// Times of batches of an ordinary model on one instance: `ns[n − 1]` for n items.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchTable {
    /// Nanoseconds by items, from 1 to the largest batch.
    pub ns: Vec<u64>,
    /// Factor on every batch's time while `n` instances of the device are busy: `sharing[n − 1]`, 1 for one.
    pub sharing: Vec<f64>,
    /// Work of a host core before the batch, for each item: decoding, tokenising, looking up.
    pub host_per_item: SimSpan,
    /// Work of a host core after the batch, for each item.
    pub host_after_per_item: SimSpan,
    /// Cores for that work; one request is on one core.
    pub host_cores: u32,
}

/// Dynamic batching of an ordinary model, as Triton and TF Serving do it.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchRules {
    /// Most items of a batch.
    pub max_batch: u32,
    /// Sizes that are sent without waiting; empty for any.
    pub preferred: Vec<u32>,
    /// Longest wait of the oldest request for a fuller batch; 0 sends what there is.
    pub max_delay: SimSpan,
    /// Batches are padded up to one of these; empty for no padding (TF Serving: allowed_batch_sizes).
    pub padded_to: Vec<u32>,
    /// Instances that share one device.
    pub instances: u32,
    /// Most requests that wait; more are refused.
    pub max_queue: Option<u64>,
    /// Longest wait before a request is refused.
    pub queue_timeout: Option<SimSpan>,
}
