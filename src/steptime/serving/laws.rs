//! The laws of a replica's iterations: seconds by term, before and after a fit scales them.

use crate::catalog::Attention;
use crate::steptime::fabric::Collective;
use crate::steptime::kernels::{
    AttentionKernel, AttentionShape, Pass, attention_seconds, elementwise_seconds,
};
use crate::units::Bytes;

use super::hosts::pace;
use super::job::ServingJob;
use super::table::{StepLaws, StepTable};
use super::terms::{ServingScales, ServingSeconds, ServingTerm};

/// Bytes of a 16-bit number.
const HALF: f64 = 2.0;
/// Small kernels of a layer beside products and attention: two norms, position, cache, activation.
const SMALL_KERNELS: f64 = 5.0;
/// Passes over the hidden state of a layer's norms and residuals, read and written.
const HIDDEN_PASSES: f64 = 8.0;
/// Passes over a state-space mixer's state in decoding: read and written, in 32 bit.
const STATE_BYTES: f64 = 8.0;
/// Host time of launching one layer of a prompt.
const PROMPT_LAUNCHES: f64 = 0.25e-3;
/// How sharply the slower of device and host hides the other.
const HOST_NORM: f64 = 6.0;

/// The laws of one replica, scaled.
#[derive(Clone, Copy, Debug)]
pub struct ServingLaws<'a> {
    job: ServingJob<'a>,
    factors: [f64; ServingTerm::COUNT],
}

impl<'a> ServingLaws<'a> {
    /// The laws with each term scaled by the exponential of its entry.
    #[must_use]
    pub fn new(job: &ServingJob<'a>, scales: &ServingScales) -> Self {
        Self { job: *job, factors: scales.map(libm::exp) }
    }

    /// The job.
    #[must_use]
    pub fn job(&self) -> &ServingJob<'a> {
        &self.job
    }

    fn stages(&self) -> f64 {
        self.job.layout.pipeline.min(self.job.micro_batches).max(1) as f64
    }

    fn factor(&self, term: ServingTerm) -> f64 {
        self.factors[term as usize]
    }

    /// The factor of a term that the host's core is at.
    fn host_factor(&self, term: ServingTerm) -> f64 {
        self.factor(term) / pace(&self.job.accelerator.generation)
    }

    /// Seconds of what depends on the tokens of an iteration alone. Pipelines cut them into as many micro-batches as there
    /// are stages: every stage is busy, and all sequences get a token in the time that one micro-batch takes through all.
    #[must_use]
    pub fn linear(&self, tokens: f64) -> f64 {
        let device = self.device(tokens);
        if device <= 0.0 {
            return self.host();
        }
        let job = &self.job;
        let launches =
            job.engine.layer_overhead.0 * job.shape.all_layers() * self.host_factor(ServingTerm::Host);
        norm(device, launches) + self.host()
    }

    /// Seconds of the device for what depends on the tokens of an iteration alone.
    fn device(&self, tokens: f64) -> f64 {
        if tokens > 0.0 { self.device_parts(tokens).seconds.iter().sum() } else { 0.0 }
    }

    /// Scaled seconds of the device by term, of what depends on the tokens of an iteration alone.
    #[must_use]
    pub fn device_parts(&self, tokens: f64) -> ServingSeconds {
        let own = (tokens / self.stages()).max(1.0);
        let mut found = ServingSeconds::default();
        let job = &self.job;
        job.add_products(own, &mut found);
        job.add_experts(own, &mut found);
        found.add(ServingTerm::Elementwise, self.elementwise(own));
        found.add(ServingTerm::TensorExchange, self.tensor_exchange(own));
        found.add(ServingTerm::ExpertExchange, self.expert_exchange(own));
        found.add(ServingTerm::PipelineExchange, self.pipeline_exchange(own));
        for (seconds, factor) in found.seconds.iter_mut().zip(&self.factors) {
            *seconds *= factor;
        }
        found
    }

    fn host(&self) -> f64 {
        self.job.engine.step_overhead.0 * self.host_factor(ServingTerm::Host)
    }

    /// Seconds of what depends on the sequences that yield a token.
    #[must_use]
    pub fn sampled(&self, sequences: f64) -> f64 {
        let own = sequences / self.stages();
        let host = self.job.engine.sequence_overhead.0 * sequences;
        self.job.vocabulary(own) * self.factor(ServingTerm::Vocabulary)
            + host * self.host_factor(ServingTerm::Host)
    }

    /// Seconds of decode attention of `sequences` with a mean context.
    #[must_use]
    pub fn decode_attention(&self, sequences: f64, context: f64) -> f64 {
        let job = &self.job;
        let own = sequences / (job.layout.attention_data as f64 * self.stages());
        if own <= 0.0 {
            return 0.0;
        }
        let shape = job.shape;
        let layer = |context: f64| {
            let (bytes, flops) = self.decode_work(own, context);
            job.device.decode().seconds(bytes, flops).0
        };
        let attention = match shape.window.filter(|(window, _)| *window < context) {
            Some((window, share)) => share * layer(window) + (1.0 - share) * layer(context),
            None => layer(context),
        };
        let states = shape.state_space.map_or(0.0, |mixer| {
            let state = own * mixer.inner * mixer.state * STATE_BYTES / job.layout.attention_tensor();
            mixer.layers * elementwise_seconds(job.device, Bytes(state)).0
        });
        (attention * shape.attention_layers + states) * self.factor(ServingTerm::DecodeAttention)
    }

    /// Bytes of cache that one layer reads on a device, and the operations on them. Heads of keys and values are whole on
    /// several devices where there are fewer of them; the latent cache is whole on all (absorbed decoding, arXiv 2405.04434).
    fn decode_work(&self, sequences: f64, context: f64) -> (f64, f64) {
        let job = &self.job;
        let tensor = job.layout.attention_tensor();
        match job.shape.attention {
            Attention::Grouped { heads, kv_heads, head_dim } => {
                let own = (kv_heads / tensor).max(1.0);
                let elements = sequences * context * 2.0 * own * head_dim;
                (elements * job.cache.bytes(), 4.0 * sequences * context * heads / tensor * head_dim)
            }
            Attention::Latent { heads, kv_rank, rotary_dim, .. } => {
                let width = kv_rank + rotary_dim;
                let flops = 2.0 * (heads / tensor) * sequences * context * (width + kv_rank);
                (sequences * context * width * job.cache.bytes(), flops)
            }
        }
    }

    /// Seconds of the prefill attention of one chunk behind a history.
    #[must_use]
    pub fn prefill_attention(&self, chunk: f64, history: f64) -> f64 {
        if chunk <= 0.0 {
            return 0.0;
        }
        let job = &self.job;
        let shape = job.shape;
        let layer = |keys: f64| self.prefill_layer(chunk, keys.max(chunk));
        let keys = chunk + history;
        let attention = match shape.window.filter(|(window, _)| *window < keys) {
            // A query sees its window only: as many keys as the window and what the chunk adds to it.
            Some((window, share)) => {
                let seen = if chunk <= window {
                    layer((window + chunk).min(keys))
                } else {
                    self.prefill_layer(window, 2.0 * window) * chunk / window
                };
                share * seen + (1.0 - share) * layer(keys)
            }
            None => layer(keys),
        };
        attention * shape.attention_layers / self.stages() * self.factor(ServingTerm::PromptAttention)
            + self.prompt_launches(chunk)
    }

    /// Seconds by which launching a prompt's chunk, layer by layer, outlasts computing it.
    fn prompt_launches(&self, chunk: f64) -> f64 {
        let layers = self.job.shape.all_layers();
        let launches = PROMPT_LAUNCHES * layers * self.host_factor(ServingTerm::PromptHost);
        let device = self.device(chunk);
        norm(device, launches) - device
    }

    fn prefill_layer(&self, queries: f64, keys: f64) -> f64 {
        let job = &self.job;
        let tensor = job.layout.attention_tensor();
        let (heads, kv_heads, head_dim) = match job.shape.attention {
            Attention::Grouped { heads, kv_heads, head_dim } => (heads, kv_heads, head_dim),
            Attention::Latent { heads, plain_dim, rotary_dim, value_dim, .. } => {
                (heads, heads, (plain_dim + rotary_dim + value_dim) / 2.0)
            }
        };
        let shape = AttentionShape {
            batch: 1.0,
            heads: (heads / tensor).max(1.0),
            kv_heads: (kv_heads / tensor).max(1.0),
            head_dim,
            queries,
            keys,
            causal: true,
        };
        attention_seconds(job.device, AttentionKernel::Flash, Pass::Forward, &shape).0
    }

    /// Norms, residuals and activations; what tensor parallelism leaves whole is whole on every device.
    fn elementwise(&self, tokens: f64) -> f64 {
        let job = &self.job;
        let shape = job.shape;
        let tensor = job.layout.tensor as f64;
        let (heads, width) = match shape.attention {
            Attention::Grouped { heads, kv_heads, head_dim } => (heads + 2.0 * kv_heads, head_dim),
            Attention::Latent { heads, plain_dim, rotary_dim, .. } => (heads, plain_dim + rotary_dim),
        };
        let inner = match &shape.experts {
            None => 3.0 * shape.ffn / tensor,
            Some(experts) => {
                let visited = experts.top_k * experts.hidden + experts.shared * experts.shared_hidden;
                (3.0 * visited + 4.0 * experts.top_k * shape.hidden) / tensor
            }
        };
        let elements = tokens * (HIDDEN_PASSES * shape.hidden + 4.0 * heads * width / tensor + inner);
        let small = elementwise_seconds(job.device, Bytes(HALF * elements / SMALL_KERNELS)).0;
        shape.all_layers() * SMALL_KERNELS * small
    }

    /// Two all-reduces of the hidden state in each layer.
    fn tensor_exchange(&self, tokens: f64) -> f64 {
        let job = &self.job;
        let bytes = tokens * job.shape.hidden * HALF;
        let once = job.network.seconds(Collective::AllReduce, bytes, job.layout.tensor, 1);
        2.0 * job.shape.all_layers() * once
    }

    /// Dispatch and combine where experts are spread.
    fn expert_exchange(&self, tokens: f64) -> f64 {
        let job = &self.job;
        let (Some(experts), true) = (&job.shape.experts, job.layout.expert > 1) else { return 0.0 };
        let own = tokens / job.layout.tensor as f64;
        let bytes = own * experts.latent.unwrap_or(job.shape.hidden) * HALF;
        let once = job.network.dispatch(bytes.max(1.0), experts.top_k, job.layout.expert);
        2.0 * job.shape.expert_layers() * once
    }

    fn pipeline_exchange(&self, tokens: f64) -> f64 {
        let job = &self.job;
        let stages = job.layout.pipeline;
        if stages <= 1 {
            return 0.0;
        }
        let bytes = tokens * job.shape.hidden * HALF;
        stages as f64 * job.network.send(bytes, job.layout.tensor, stages)
    }

    /// Seconds of a request outside iterations: before it is scheduled, and after its last token.
    #[must_use]
    pub fn request(&self) -> (f64, f64) {
        let factor = self.host_factor(ServingTerm::Request);
        let engine = self.job.engine;
        (engine.request_overhead.0 * factor, engine.response_overhead.0 * factor)
    }

    /// The laws tabulated, every time multiplied by a factor.
    #[must_use]
    pub fn table(&self, scope: &TableScope, factor: f64) -> StepTable {
        StepTable::tabulate(&StepLaws {
            linear: &|tokens| self.linear(tokens) * factor,
            sampled: &|sequences| self.sampled(sequences) * factor,
            decode_attention: &|sequences, context| self.decode_attention(sequences, context) * factor,
            prefill_attention: &|chunk, history| self.prefill_attention(chunk, history) * factor,
            most_tokens: scope.most_tokens,
            most_sequences: scope.most_sequences,
            longest: scope.longest,
            tokens_per_decode: scope.tokens_per_decode,
        })
    }
}

/// What a table must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableScope {
    /// Most tokens of an iteration.
    pub most_tokens: u32,
    /// Most sequences of an iteration.
    pub most_sequences: u32,
    /// Longest context.
    pub longest: u32,
    /// Tokens that a decoding sequence adds to an iteration.
    pub tokens_per_decode: u32,
}

fn norm(left: f64, right: f64) -> f64 {
    let greatest = left.max(right);
    if greatest <= 0.0 {
        return 0.0;
    }
    let least = left.min(right) / greatest;
    greatest * libm::pow(1.0 + libm::pow(least, HOST_NORM), 1.0 / HOST_NORM)
}
