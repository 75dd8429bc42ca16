//! Bytes that a serving replica needs on one device, and what is left for keys and values.
//!
//! The engine takes a share of the device's memory, or of what is left of it ([`MemoryShare`]); weights, the working set
//! of the largest iteration and the runtime come off it, the rest is cut into blocks of the cache. Vocabulary tables stay
//! in 16 bit.

use crate::catalog::{Attention, MemoryShare, NumberFormat, ServingLayout, Transformer};
use crate::units::Bytes;

use super::memory::{MemoryNeed, Part};

/// Driver, runtime, kernel images and captured graphs of one process.
const RUNTIME: f64 = 1.5e9;
/// Buffers of the collective library and of fused exchanges.
const EXCHANGE: f64 = 0.5e9;
/// 16-bit copies of the hidden state alive in a layer.
const HIDDEN_COPIES: f64 = 6.0;
/// Bytes of scores per sequence and word of the vocabulary while sampling: 16 and 32 bit.
const SCORE_BYTES: f64 = 6.0;
/// Bytes of a state-space mixer's state per element.
const STATE_BYTES: f64 = 4.0;

/// A replica as far as memory goes.
#[derive(Clone, Copy, Debug)]
pub struct ServingMemoryJob<'a> {
    /// Shape.
    pub shape: &'a Transformer,
    /// Storage of the layers' weights.
    pub weights: NumberFormat,
    /// Storage of keys and values.
    pub cache: NumberFormat,
    /// Layout.
    pub layout: ServingLayout,
    /// Most tokens of an iteration.
    pub max_batched_tokens: u32,
    /// Most sequences of an iteration.
    pub max_sequences: u32,
    /// Share of memory that the engine takes.
    pub memory_fraction: f64,
    /// What it is a share of.
    pub memory_share: MemoryShare,
    /// Memory of the device.
    pub present: Bytes,
}

/// Bytes on one device.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ServingMemory {
    /// Weights.
    pub weights: f64,
    /// Working set of the largest iteration.
    pub activations: f64,
    /// Scores of the sequences that are sampled at once.
    pub logits: f64,
    /// Driver, runtime, exchange buffers.
    pub context: f64,
    /// Bytes of keys and values of one token of one sequence on the device that holds most.
    pub per_token: f64,
    /// Bytes of a sequence that do not grow with it: states of state-space layers.
    pub per_sequence: f64,
    /// Bytes left for keys and values.
    pub cache: f64,
    /// Sequence groups whose caches lie on different devices (data-parallel attention).
    pub groups: f64,
    /// Memory of the device.
    pub present: Bytes,
    /// What the engine leaves alone.
    pub slack: f64,
}

/// The memory of a replica.
#[must_use]
pub fn serving_memory(job: &ServingMemoryJob<'_>) -> ServingMemory {
    let shape = job.shape;
    let weights = weights(job);
    let tensor = job.layout.tensor as f64;
    let tokens = f64::from(job.max_batched_tokens);
    let inner = match &shape.experts {
        None => shape.ffn,
        Some(experts) => experts.top_k * experts.hidden + experts.shared * experts.shared_hidden,
    };
    let activations = 2.0 * tokens * (HIDDEN_COPIES * shape.hidden + 3.0 * inner / tensor);
    let sampled = f64::from(job.max_sequences).min(tokens);
    let logits = sampled * shape.vocabulary * SCORE_BYTES;
    let context = RUNTIME + if job.layout.devices() > 1 { EXCHANGE } else { 0.0 };
    let (present, share) = (job.present.0, job.memory_fraction);
    let working = activations + logits;
    let (cache, slack) = match job.memory_share {
        MemoryShare::Device => (share * present - weights - working - context, (1.0 - share) * present),
        MemoryShare::Free => {
            let free = present - weights - working - context;
            (share * free, (1.0 - share) * free)
        }
        MemoryShare::Static => {
            let own = present - context;
            (share * own - weights, (1.0 - share) * own - working)
        }
    };
    let stages = job.layout.pipeline.max(1) as f64;
    let attention_tensor = job.layout.attention_tensor();
    let states = shape.state_space.map_or(0.0, |mixer| {
        mixer.layers * mixer.inner * mixer.state * STATE_BYTES / attention_tensor / stages
    });
    ServingMemory {
        weights,
        activations,
        logits,
        context,
        per_token: cache_per_token(job) / stages,
        per_sequence: states,
        cache: cache.max(0.0),
        groups: job.layout.attention_data.max(1) as f64,
        present: job.present,
        slack: slack.max(0.0),
    }
}

/// Bytes of weights on the device that holds most of them.
fn weights(job: &ServingMemoryJob<'_>) -> f64 {
    let (shape, layout) = (job.shape, &job.layout);
    let (tensor, stages) = (layout.tensor as f64, layout.pipeline.max(1) as f64);
    let mixers = shape.state_space.map_or(0.0, |mixer| mixer.layers * shape.state_space_parameters());
    let attention =
        (shape.attention_layers + 2.0 * shape.decoder_layers) * shape.attention_parameters() + mixers;
    let rest = shape.body_parameters() - attention;
    let body = attention / layout.attention_tensor() + rest / tensor;
    // The first stage holds the embedding and the last the output projection.
    let copies = if shape.tied_embeddings || stages > 1.0 { 1.0 } else { 2.0 };
    let embedding = copies * shape.vocabulary * shape.hidden / tensor;
    body / stages * job.weights.bytes() + embedding * job.weights.bytes().max(2.0)
}

/// Bytes of keys and values of one token over all layers on one device.
fn cache_per_token(job: &ServingMemoryJob<'_>) -> f64 {
    let shape = job.shape;
    let tensor = job.layout.attention_tensor();
    let layers = shape.attention_layers + shape.decoder_layers;
    let width = match shape.attention {
        Attention::Grouped { kv_heads, head_dim, .. } => 2.0 * (kv_heads / tensor).max(1.0) * head_dim,
        Attention::Latent { kv_rank, rotary_dim, .. } => kv_rank + rotary_dim,
    };
    layers * width * job.cache.bytes()
}

impl ServingMemory {
    /// Bytes of keys and values of a sequence of `tokens`, windows cut.
    #[must_use]
    pub fn of_sequence(&self, shape: &Transformer, tokens: f64) -> f64 {
        let kept = match shape.window.filter(|(window, _)| *window < tokens) {
            Some((window, share)) => share * window + (1.0 - share) * tokens,
            None => tokens,
        };
        self.per_token * kept + self.per_sequence
    }

    /// Tokens of all sequences that the cache holds, over all groups.
    #[must_use]
    pub fn tokens(&self) -> f64 {
        if self.per_token > 0.0 { self.groups * self.cache / self.per_token } else { f64::INFINITY }
    }

    /// Blocks of `block_tokens` that the cache holds, over all groups.
    #[must_use]
    pub fn blocks(&self, block_tokens: u32) -> u64 {
        let blocks = (self.tokens() / f64::from(block_tokens.max(1))).floor();
        if blocks >= 1e15 { 1_000_000_000_000_000 } else { blocks as u64 }
    }

    /// The need when the cache must hold one sequence of `longest` tokens, with the parts named; what the engine does
    /// not take counts as slack.
    #[must_use]
    pub fn need(&self, shape: &Transformer, longest: f64) -> MemoryNeed {
        let parts = vec![
            (Part::Weights, Bytes(self.weights)),
            (Part::Cache, Bytes(self.of_sequence(shape, longest))),
            (Part::Activations, Bytes(self.activations)),
            (Part::Logits, Bytes(self.logits)),
            (Part::Context, Bytes(self.context)),
            (Part::Slack, Bytes(self.slack)),
        ];
        MemoryNeed { parts, present: self.present }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;

    fn job<'a>(shape: &'a Transformer, layout: ServingLayout, gb: f64) -> ServingMemoryJob<'a> {
        ServingMemoryJob {
            shape,
            weights: NumberFormat::Bf16,
            cache: NumberFormat::Bf16,
            layout,
            max_batched_tokens: 2048,
            max_sequences: 256,
            memory_fraction: 0.9,
            memory_share: MemoryShare::Device,
            present: Bytes(gb * 1e9),
        }
    }

    #[test]
    fn a_consumer_card_keeps_the_cache_that_its_engine_reported() {
        let catalog = Catalog::read(&[]).unwrap_or_default();
        let shape = catalog.model("llama-3-8b").ok().and_then(|model| model.transformer);
        let Some(shape) = shape else { unreachable!("no shape") };
        let memory = serving_memory(&job(&shape, ServingLayout::default(), 25.76));
        // vLLM 0.19 on an RTX 4090 held about 41 thousand tokens of this model.
        assert!((memory.tokens() / 41e3 - 1.0).abs() < 0.15, "{}", memory.tokens());
        assert!(memory.need(&shape, 8192.0).fits());
        assert!(!serving_memory(&job(&shape, ServingLayout::default(), 16e0)).need(&shape, 8192.0).fits());
    }

    #[test]
    fn a_share_of_what_is_left_is_less_on_full_devices_and_more_on_empty_ones() {
        let catalog = Catalog::read(&[]).unwrap_or_default();
        let shape = catalog.model("llama-3-8b").ok().and_then(|model| model.transformer);
        let Some(shape) = shape else { unreachable!("no shape") };
        let of = |memory_share, gb| {
            let job = ServingMemoryJob { memory_share, ..job(&shape, ServingLayout::default(), gb) };
            serving_memory(&job)
        };
        for gb in [40.0, 85.9] {
            let [device, free, apart] =
                [MemoryShare::Device, MemoryShare::Free, MemoryShare::Static].map(|share| of(share, gb));
            let used = device.weights + device.activations + device.logits + device.context;
            assert!((free.cache / (0.9 * (gb * 1e9 - used)) - 1.0).abs() < 1e-9);
            // The working set lies in the tenth that is left, the runtime before the share is taken.
            assert!((apart.cache - (0.9 * (gb * 1e9 - apart.context) - apart.weights)).abs() < 1.0);
            assert!(free.cache > device.cache, "{gb}: a tenth of all is more than a tenth of what is left");
            for memory in [device, free, apart] {
                let all = memory.cache + used + memory.slack;
                assert!((all / (gb * 1e9) - 1.0).abs() < 1e-9, "{gb}: {all}");
            }
        }
    }

    #[test]
    fn heads_are_replicated_beyond_their_number_and_latent_caches_always() {
        let catalog = Catalog::read(&[]).unwrap_or_default();
        let per_token = |model: &str, tensor: u64, attention_data: u64| {
            let layout = ServingLayout { tensor, attention_data, ..ServingLayout::default() };
            let shape = catalog.model(model).ok().and_then(|model| model.transformer);
            shape.map_or(0.0, |shape| serving_memory(&job(&shape, layout, 2000.0)).per_token)
        };
        assert_eq!(per_token("llama-3-70b", 8, 1), per_token("llama-3-70b", 1, 1) / 8.0);
        assert_eq!(per_token("llama-3-70b", 16, 1), per_token("llama-3-70b", 8, 1));
        assert_eq!(per_token("deepseek-v3", 8, 1), 61.0 * 576.0 * 2.0);
        assert_eq!(per_token("deepseek-v3", 8, 8), per_token("deepseek-v3", 1, 1));
    }
}
