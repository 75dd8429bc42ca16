//! Serving engines as data: scheduling rules and host overheads of a version.

use crate::units::Seconds;

use super::Fact;

/// How an engine forms the batch of an iteration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Batching {
    /// Requests join and leave at every iteration (Orca, OSDI 2022); decoding sequences first, prompts fill what is
    /// left of the token budget.
    DecodeFirst,
    /// The same, but whole prompts go before decoding sequences (vLLM v0 without chunked prefill).
    PrefillFirst,
    /// A batch runs until its last request is done.
    Static,
}

/// What an engine does with a sequence when key-value blocks run out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preemption {
    /// Its blocks are freed and its tokens are computed again.
    Recompute,
    /// Its blocks go to host memory and come back.
    Swap,
}

/// A serving engine of one version.
#[derive(Clone, Debug)]
pub struct Engine {
    /// Catalog id, as `vllm-v1`.
    pub id: String,
    /// Name in sentences.
    pub name: String,
    /// Names in published tables, lower case.
    pub aliases: Vec<String>,
    /// Software family: `vllm`, `tensorrt-llm`, `sglang`, …
    pub family: String,
    /// How batches are formed.
    pub batching: Batching,
    /// Whether prompts are cut to the token budget.
    pub chunked_prefill: bool,
    /// Most tokens of an iteration.
    pub max_batched_tokens: u32,
    /// Most sequences of an iteration.
    pub max_sequences: u32,
    /// Tokens of a key-value block.
    pub block_tokens: u32,
    /// Share of device memory that the engine takes.
    pub memory_fraction: f64,
    /// Share of blocks kept free when a request is admitted.
    pub watermark: f64,
    /// What happens when blocks run out.
    pub preemption: Preemption,
    /// Whether prefixes are kept and found again by default.
    pub prefix_cache: bool,
    /// Host time of launching one layer, where steps are not captured as graphs: the device waits for it when its own work
    /// is shorter.
    pub layer_overhead: Seconds,
    /// Host time of a step that the device does not hide.
    pub step_overhead: Seconds,
    /// The same for each sequence of a step.
    pub sequence_overhead: Seconds,
    /// Time of a request before it may be scheduled: parsing, tokenising.
    pub request_overhead: Seconds,
    /// Time of a request after its last token.
    pub response_overhead: Seconds,
    /// Source.
    pub fact: Fact,
}
