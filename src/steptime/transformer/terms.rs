//! The nominal terms of a step: seconds by datasheet and kernel efficiencies, before the fit scales each.

use crate::catalog::{
    Attention, CausalCount, Offload, ParallelLayout, Precision, Recompute, Sharding, Transformer,
};

use crate::steptime::fabric::Collective;
use crate::steptime::kernels::{AttentionShape, Pass, attention_seconds, elementwise_seconds};
use crate::units::Bytes;

use super::job::TransformerJob;
use super::products::{Layers, sparse_layers};

/// What takes time. The order is that of the arrays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Term {
    /// Dense matrix products of the layers.
    Products,
    /// Matrix products of routed experts.
    Experts,
    /// The core of attention, and state-space scans.
    Attention,
    /// Norms, activations, residuals: memory traffic.
    Elementwise,
    /// Projection onto the vocabulary.
    Vocabulary,
    /// The loss over the vocabulary: memory traffic.
    Loss,
    /// Tensor-parallel exchange.
    TensorExchange,
    /// Keys and values passed around a context-parallel ring.
    ContextExchange,
    /// Tokens sent to experts and back.
    ExpertExchange,
    /// Activations passed between pipeline stages.
    PipelineExchange,
    /// Sharded weights gathered and gradients scattered, per micro-batch.
    ShardExchange,
    /// Gradients reduced and weights gathered once a step.
    GradientExchange,
    /// The optimizer's memory traffic.
    Optimizer,
    /// Launches by the host.
    Host,
}

impl Term {
    /// How many there are.
    pub const COUNT: usize = 14;

    /// Every term with its word in tables.
    pub const ALL: [(&'static str, Self); Self::COUNT] = [
        ("products", Self::Products),
        ("experts", Self::Experts),
        ("attention", Self::Attention),
        ("elementwise", Self::Elementwise),
        ("vocabulary", Self::Vocabulary),
        ("loss", Self::Loss),
        ("tensor-exchange", Self::TensorExchange),
        ("context-exchange", Self::ContextExchange),
        ("expert-exchange", Self::ExpertExchange),
        ("pipeline-exchange", Self::PipelineExchange),
        ("shard-exchange", Self::ShardExchange),
        ("gradient-exchange", Self::GradientExchange),
        ("optimizer", Self::Optimizer),
        ("host", Self::Host),
    ];

    /// Whether only layouts have it that split the model itself.
    pub(super) fn splits_the_model(self) -> bool {
        matches!(
            self,
            Self::TensorExchange | Self::ContextExchange | Self::ExpertExchange | Self::PipelineExchange
        )
    }

    /// The word in tables.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

/// Seconds by term: of one micro-batch of the average stage, and of a step for the gradient exchange and the optimizer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Terms {
    /// By term.
    pub seconds: [f64; Term::COUNT],
    /// Micro-batches of a step.
    pub micro_batches: f64,
    /// Pipeline stages.
    pub stages: f64,
    /// Chunks of layers per stage.
    pub chunks: f64,
}

/// Bytes of a 16-bit number.
const HALF: f64 = 2.0;
/// Bytes read and written per parameter by a mixed-precision Adam update.
const UPDATE_BYTES: f64 = 30.0;
/// Bytes per second over PCIe to and from an optimizer in host memory.
const HOST_LINK: f64 = 10e9;
/// Bytes moved per parameter by an optimizer in host memory.
const OFFLOADED_BYTES: f64 = 16.0;
/// Seconds of a launch by the host.
const LAUNCH: f64 = 7e-6;
/// Bytes per element of the scores over the vocabulary, read and written by the loss forward and backward.
const LOSS_BYTES: f64 = 24.0;
/// Passes over the inner width that a state-space scan makes.
const SCAN_PASSES: f64 = 8.0;
/// What 8-bit and 4-bit products add to the memory traffic of casting and scaling.
const LOW_PRECISION_TRAFFIC: f64 = 1.25;

impl Terms {
    /// The terms of a job on its device.
    #[must_use]
    pub fn of(job: &TransformerJob<'_>) -> Self {
        let layout = &job.layout;
        let stages = layout.pipeline as f64;
        let tokens = job.tokens();
        let layers = Layers { job, tokens };
        let mut seconds = [0.0; Term::COUNT];
        let mut set = |term: Term, value: f64| seconds[term as usize] = value;
        set(Term::Products, layers.dense().total(job.repeated()) / stages);
        set(Term::Experts, layers.experts().total(job.repeated()) / stages);
        set(Term::Attention, attention(job, tokens) / stages);
        set(Term::Elementwise, elementwise(job, tokens) / stages);
        set(Term::Vocabulary, layers.vocabulary());
        set(Term::Loss, loss(job, tokens));
        set(Term::TensorExchange, tensor_exchange(job, tokens));
        set(Term::ContextExchange, context_exchange(job, tokens));
        set(Term::ExpertExchange, expert_exchange(job, tokens) / stages);
        set(Term::PipelineExchange, pipeline_exchange(job, tokens));
        let states = States::of(job);
        let exchange = data_exchange(job, states.exchanged);
        set(Term::ShardExchange, exchange.per_micro_batch + streamed(job, states.exchanged));
        set(Term::GradientExchange, exchange.per_step);
        set(Term::Optimizer, update(job, states.trained));
        let extra = if job.shape.experts.is_some() { 1.6 } else { 1.0 };
        let repeats = if layout.recompute == Recompute::Full { 1.33 } else { 1.0 };
        let own_layers = job.shape.all_layers() / stages;
        set(Term::Host, own_layers * job.software.launches() * extra * repeats * LAUNCH);
        Self {
            seconds,
            micro_batches: layout.accumulation as f64,
            stages,
            chunks: layout.virtual_stages as f64,
        }
    }

    /// Seconds of a step when nothing is scaled.
    #[must_use]
    pub fn nominal_seconds(&self) -> f64 {
        self.step(&[0.0; Term::COUNT]).total()
    }
}

/// Attention of all layers, forward, backward and what is repeated; state-space scans beside it.
fn attention(job: &TransformerJob<'_>, tokens: f64) -> f64 {
    let shape = job.shape;
    let repeated = job.repeated_attention();
    let mut total = 0.0;
    let layers = shape.attention_layers + shape.decoder_layers;
    // Layers with a window compute the share of pairs that they see.
    let seen = shape.tokens_seen(job.sequence, CausalCount::Half);
    let whole = if shape.causal { job.sequence / 2.0 } else { job.sequence };
    total += layers * (seen / whole).min(1.0) * core(job, job.sequence, shape.causal, repeated);
    if shape.decoder_layers > 0.0 {
        total += shape.decoder_layers * core(job, job.sequence, false, repeated);
    }
    if let Some(condition) = shape.context {
        total += shape.attention_layers * core(job, condition, false, repeated);
    }
    let scans = shape.state_space.map_or(0.0, |mixer| {
        let forward = traffic(job, tokens * mixer.layers * mixer.inner * HALF * SCAN_PASSES);
        forward * (3.0 + repeated)
    });
    total + scans
}

/// One layer's attention to `keys` tokens, shared by the ranks of a context-parallel group.
fn core(job: &TransformerJob<'_>, keys: f64, causal: bool, repeated: f64) -> f64 {
    let (heads, kv_heads, head_dim) = match job.shape.attention {
        Attention::Grouped { heads, kv_heads, head_dim } => (heads, kv_heads, head_dim),
        Attention::Latent { heads, plain_dim, rotary_dim, value_dim, .. } => {
            (heads, heads, (plain_dim + rotary_dim + value_dim) / 2.0)
        }
    };
    let layout = &job.layout;
    let tensor = layout.tensor as f64;
    let shape = AttentionShape {
        batch: layout.micro_batch as f64,
        heads: heads / tensor,
        kv_heads: (kv_heads / tensor).max(1.0),
        head_dim,
        queries: job.sequence,
        keys,
        causal,
    };
    let kernel = job.attention_kernel();
    let pass = |pass| attention_seconds(job.device, kernel, pass, &shape).0;
    ((1.0 + repeated) * pass(Pass::Forward) + pass(Pass::Backward)) / layout.context as f64
}

fn traffic(job: &TransformerJob<'_>, bytes: f64) -> f64 {
    elementwise_seconds(job.device, Bytes(bytes)).0
}

/// Norms, residuals and activations; what tensor parallelism leaves whole is split along the sequence where asked.
fn elementwise(job: &TransformerJob<'_>, tokens: f64) -> f64 {
    let (shape, layout) = (job.shape, &job.layout);
    let tensor = layout.tensor as f64;
    let whole = if layout.sequence_parallel { tensor } else { 1.0 };
    let attention = match shape.attention {
        Attention::Grouped { heads, kv_heads, head_dim } => 4.0 * (heads + kv_heads) * head_dim,
        Attention::Latent { heads, plain_dim, rotary_dim, .. } => 8.0 * heads * (plain_dim + rotary_dim),
    };
    let passes = if shape.gated { 3.0 } else { 2.0 };
    let feed_forward = shape.ffn_layers + shape.decoder_layers;
    let (width, routed) = match &shape.experts {
        None => (shape.ffn, 0.0),
        Some(experts) => {
            let visited = experts.top_k * experts.hidden + experts.shared * experts.shared_hidden;
            (visited, 4.0 * experts.top_k * shape.hidden * sparse_layers(shape))
        }
    };
    let elements = tokens
        * (shape.all_layers() * 8.0 * shape.hidden / whole
            + shape.attention_layers * attention / tensor
            + feed_forward * passes * width / tensor
            + routed);
    let low = matches!(job.precision, Precision::Fp8 | Precision::Nvfp4);
    let forward = traffic(job, HALF * elements * if low { LOW_PRECISION_TRAFFIC } else { 1.0 });
    forward * (3.0 + job.repeated())
}

fn loss(job: &TransformerJob<'_>, tokens: f64) -> f64 {
    traffic(job, tokens * job.shape.vocabulary / job.layout.tensor as f64 * LOSS_BYTES)
}

/// All-reduces of the hidden state (or the same volume as gathers and scatters): two forward, two backward, and the
/// forward ones again under full recomputation.
fn tensor_exchange(job: &TransformerJob<'_>, tokens: f64) -> f64 {
    let layout = &job.layout;
    let calls = if layout.recompute == Recompute::Full { 6.0 } else { 4.0 };
    let calls = calls * job.shape.all_layers() / layout.pipeline as f64;
    calls * job.network.seconds(Collective::AllReduce, tokens * job.shape.hidden * HALF, layout.tensor, 1)
}

/// Keys and values gathered forward, and both with their gradients backward.
fn context_exchange(job: &TransformerJob<'_>, tokens: f64) -> f64 {
    let (shape, layout) = (job.shape, &job.layout);
    let width = match shape.attention {
        Attention::Grouped { kv_heads, head_dim, .. } => 2.0 * kv_heads * head_dim / layout.tensor as f64,
        Attention::Latent { kv_rank, rotary_dim, .. } => kv_rank + rotary_dim,
    };
    let bytes = layout.context as f64 * tokens * width * HALF;
    let once = job.network.seconds(Collective::AllGather, bytes, layout.context, layout.tensor);
    3.0 * once * shape.attention_layers / layout.pipeline as f64
}

/// Dispatch and combine, forward and backward.
fn expert_exchange(job: &TransformerJob<'_>, tokens: f64) -> f64 {
    let (shape, layout) = (job.shape, &job.layout);
    let (Some(experts), true) = (&shape.experts, layout.expert > 1) else { return 0.0 };
    let repeats = if layout.recompute == Recompute::Full { 1.5 } else { 1.0 };
    let bytes = tokens / layout.tensor as f64 * experts.latent.unwrap_or(shape.hidden) * HALF;
    let once = job.network.dispatch(bytes, experts.top_k, layout.expert);
    4.0 * repeats * sparse_layers(shape) * once
}

fn pipeline_exchange(job: &TransformerJob<'_>, tokens: f64) -> f64 {
    let layout = &job.layout;
    if layout.pipeline <= 1 {
        return 0.0;
    }
    let bytes = tokens * job.shape.hidden * HALF / layout.tensor as f64;
    let stride = layout.tensor.saturating_mul(layout.context).saturating_mul(layout.data);
    2.0 * layout.virtual_stages as f64 * job.network.send(bytes, stride, layout.pipeline)
}

/// Parameters of one device before sharding.
struct States {
    /// Whose gradients are exchanged or weights gathered.
    exchanged: f64,
    /// That the optimizer updates.
    trained: f64,
}

impl States {
    fn of(job: &TransformerJob<'_>) -> Self {
        let (dense, routed, tables) = parameters(job.shape);
        let ParallelLayout { tensor, pipeline, expert, .. } = job.layout;
        let tensor = tensor as f64;
        let own = (dense / tensor + routed / (expert as f64).max(tensor)) / pipeline as f64 + tables / tensor;
        Self { exchanged: own, trained: if job.adapters { 0.0 } else { own } }
    }
}

/// Parameters of the dense parts, of routed experts, and of one vocabulary table.
fn parameters(shape: &Transformer) -> (f64, f64, f64) {
    let gates = if shape.gated { 3.0 } else { 2.0 };
    let routed = shape.experts.map_or(0.0, |experts| {
        let width = experts.latent.unwrap_or(shape.hidden);
        sparse_layers(shape) * experts.count * gates * width * experts.hidden
    });
    let tables = shape.vocabulary * shape.hidden;
    let copies = if shape.tied_embeddings { 1.0 } else { 2.0 };
    ((shape.parameters() - routed - tables * copies).max(0.0), routed, tables)
}

#[derive(Default)]
struct DataExchange {
    per_micro_batch: f64,
    per_step: f64,
}

/// Gathers and scatters of sharded weights, layer by layer, per micro-batch; gradients and weights once a step otherwise.
fn data_exchange(job: &TransformerJob<'_>, parameters: f64) -> DataExchange {
    let layout = &job.layout;
    let (ranks, stride) = (layout.data.saturating_mul(layout.context), layout.tensor);
    let layers = (job.shape.all_layers() / layout.pipeline as f64).max(1.0);
    // Adapters have few gradients; the frozen weights are gathered all the same.
    let gradients = parameters * HALF * if job.adapters { 0.01 } else { 1.0 };
    let gathers = if job.adapters { 0.5 } else { 1.0 } * parameters * HALF;
    let calls = |kind: Collective, bytes: f64, ranks: u64, stride: u64| {
        layers * job.network.seconds(kind, bytes / layers, ranks, stride)
    };
    match layout.sharding {
        Sharding::Full => {
            let group = layout.shard_ranks();
            let replicas = ranks / group.max(1);
            DataExchange {
                per_micro_batch: 2.0 * calls(Collective::AllGather, gathers, group, stride)
                    + calls(Collective::ReduceScatter, gathers, group, stride),
                per_step: calls(
                    Collective::AllReduce,
                    gradients / group as f64,
                    replicas,
                    stride.saturating_mul(group),
                ),
            }
        }
        Sharding::Gradients => DataExchange {
            per_micro_batch: calls(Collective::ReduceScatter, gradients, ranks, stride),
            per_step: calls(Collective::AllGather, gradients, ranks, stride),
        },
        // Gradients are reduced in 32 bit, weights gathered in 16.
        Sharding::None | Sharding::Optimizer => DataExchange {
            per_micro_batch: 0.0,
            per_step: calls(Collective::ReduceScatter, 2.0 * gradients, ranks, stride)
                + calls(Collective::AllGather, gradients, ranks, stride),
        },
    }
}

/// Weights in host memory: read for the forward and the backward pass of every micro-batch, over PCIe.
fn streamed(job: &TransformerJob<'_>, parameters: f64) -> f64 {
    if job.layout.offload != Offload::Parameters {
        return 0.0;
    }
    let ranks = if job.layout.sharding == Sharding::Full { job.layout.shard_ranks() as f64 } else { 1.0 };
    3.0 * parameters * HALF / ranks / HOST_LINK
}

fn update(job: &TransformerJob<'_>, parameters: f64) -> f64 {
    let layout = &job.layout;
    let ranks = if layout.sharding == Sharding::None { 1.0 } else { layout.shard_ranks() as f64 };
    let own = parameters / ranks;
    match layout.offload {
        Offload::None => traffic(job, own * UPDATE_BYTES),
        Offload::Optimizer | Offload::Parameters => own * OFFLOADED_BYTES / HOST_LINK,
    }
}
