//! Serving engines as data: scheduling rules and host overheads of a version.

use crate::units::{Bytes, Seconds};

use super::{Accelerator, Fact};

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
    /// Nobody gives way: a request is let in once there is room for its whole answer (`GUARANTEED_NO_EVICT`).
    Never,
}

impl Preemption {
    /// The words of files, in the order of [`Preemption::ALL`].
    pub const WORDS: &'static [&'static str] = &["recompute", "swap", "never"];
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Recompute, Self::Swap, Self::Never];

    /// The one of a word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|own| own.word() == word)
    }

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::WORDS[self as usize]
    }
}

/// What the memory share of an engine is a share of, and what has to lie in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryShare {
    /// Of the device: weights, working set, runtime and cache (vLLM, `gpu_memory_utilization`).
    Device,
    /// Of what weights, working set and runtime leave: the cache (TensorRT-LLM, `kv_cache_free_gpu_mem_fraction`).
    Free,
    /// Of the device without the runtime: weights and cache; the working set lies outside (SGLang,
    /// `mem_fraction_static`).
    Static,
}

/// Sizes that an engine takes by itself on a device of much memory.
#[derive(Clone, Debug, PartialEq)]
pub struct LargeDevice {
    /// Least memory of such a device.
    pub memory: Bytes,
    /// Generation of devices that are none, whatever their memory; blank for no exception.
    pub except: String,
    /// Most tokens of an iteration there.
    pub max_batched_tokens: u32,
    /// Most sequences of an iteration there.
    pub max_sequences: u32,
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
    /// Share of memory that the engine takes.
    pub memory_fraction: f64,
    /// What it is a share of.
    pub memory_share: MemoryShare,
    /// Its sizes on devices of much memory, where they differ.
    pub large: Option<LargeDevice>,
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

impl Engine {
    /// The engine started for prompts of up to `longest` tokens: one that does not cut prompts must have room for the
    /// longest beside the tokens of those that decode.
    #[must_use]
    pub fn for_prompts(mut self, longest: u32) -> Self {
        if !self.chunked_prefill && self.batching != Batching::Static {
            self.max_batched_tokens = self.max_batched_tokens.max(longest.saturating_add(self.max_sequences));
        }
        self
    }

    /// The engine with the sizes that it takes by itself on a device.
    #[must_use]
    pub fn on(&self, accelerator: &Accelerator) -> Self {
        let mut own = self.clone();
        if let Some(large) = &self.large
            && accelerator.memory.is_some_and(|memory| memory.0 >= large.memory.0)
            && accelerator.generation != large.except
        {
            own.max_batched_tokens = large.max_batched_tokens;
            own.max_sequences = large.max_sequences;
        }
        own
    }
}

#[cfg(test)]
mod tests {
    use crate::catalog::Catalog;

    #[test]
    fn engines_size_themselves_by_device_and_prompt() {
        let catalog = Catalog::read(&[]).unwrap_or_default();
        let sizes = |engine: &str, device: &str| {
            let found = catalog.engines.get(engine).zip(catalog.accelerators.get(device));
            found.map(|(engine, device)| {
                let own = engine.on(device);
                (own.max_batched_tokens, own.max_sequences)
            })
        };
        // EngineArgs.get_batch_defaults of vLLM: from 70 GiB on, but for the A100.
        assert_eq!(sizes("vllm-v1", "H100-SXM-80GB"), Some((8192, 1024)));
        assert_eq!(sizes("vllm-v1", "A100-SXM-80GB"), Some((2048, 256)));
        assert_eq!(sizes("vllm-v1", "RTX-4090"), Some((2048, 256)));
        let started = |engine: &str, longest| {
            catalog.engines.get(engine).map(|engine| engine.clone().for_prompts(longest).max_batched_tokens)
        };
        assert_eq!(started("tensorrt-llm", 20_000), Some(20_000 + 2048));
        assert_eq!(started("vllm-v1", 20_000), Some(2048));
    }
}
