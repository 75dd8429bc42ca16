//! The nominal terms of a step: seconds by datasheet and kernel efficiencies, before the fit scales each.

use crate::catalog::{Attention, Offload, ParallelLayout, Precision, Recompute, Sharding, Transformer};

use super::device::Device;
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
    /// Tensor-parallel exchange: bytes.
    TensorExchange,
    /// Tensor-parallel exchange: hops.
    TensorLatency,
    /// Keys and values passed around a context-parallel ring.
    ContextExchange,
    /// Tokens sent to experts and back.
    ExpertExchange,
    /// Activations passed between pipeline stages.
    PipelineExchange,
    /// Sharded weights gathered and gradients scattered, per micro-batch: bytes.
    ShardExchange,
    /// The same: hops.
    ShardLatency,
    /// Gradients reduced and weights gathered once a step.
    GradientExchange,
    /// The optimizer's memory traffic.
    Optimizer,
    /// Launches by the host.
    Host,
}

impl Term {
    /// How many there are.
    pub const COUNT: usize = 16;

    /// Every term with its word in tables.
    pub const ALL: [(&'static str, Self); Self::COUNT] = [
        ("products", Self::Products),
        ("experts", Self::Experts),
        ("attention", Self::Attention),
        ("elementwise", Self::Elementwise),
        ("vocabulary", Self::Vocabulary),
        ("loss", Self::Loss),
        ("tensor-exchange", Self::TensorExchange),
        ("tensor-latency", Self::TensorLatency),
        ("context-exchange", Self::ContextExchange),
        ("expert-exchange", Self::ExpertExchange),
        ("pipeline-exchange", Self::PipelineExchange),
        ("shard-exchange", Self::ShardExchange),
        ("shard-latency", Self::ShardLatency),
        ("gradient-exchange", Self::GradientExchange),
        ("optimizer", Self::Optimizer),
        ("host", Self::Host),
    ];

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
/// Seconds of a hop of a tensor-parallel exchange: a call, and more per rank.
const TENSOR_CALL: f64 = 20e-6;
const TENSOR_RANK: f64 = 4e-6;
/// Seconds of a pipeline message apart from its bytes.
const PIPELINE_CALL: f64 = 30e-6;
/// Seconds of a gather or scatter of one layer apart from its bytes, and more per rank.
const SHARD_CALL: f64 = 20e-6;
const SHARD_RANK: f64 = 1e-6;
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
/// What 8-bit and 4-bit products add to the memory traffic of casting and scaling.
const LOW_PRECISION_TRAFFIC: f64 = 1.25;

impl Terms {
    /// The terms of a job on its device.
    #[must_use]
    pub fn of(job: &TransformerJob<'_>) -> Self {
        let device = Device::of(job.accelerator);
        Self::on(job, &device)
    }

    /// Seconds of a step when nothing is scaled.
    #[must_use]
    pub fn nominal_seconds(&self) -> f64 {
        self.step(&[0.0; Term::COUNT]).total()
    }

    pub(super) fn on(job: &TransformerJob<'_>, device: &Device) -> Self {
        let layout = &job.layout;
        let stages = layout.pipeline as f64;
        let tokens = job.tokens();
        let layers = Layers { job, device, tokens };
        let mut seconds = [0.0; Term::COUNT];
        let mut set = |term: Term, value: f64| seconds[term as usize] = value;
        set(Term::Products, layers.dense().total(job.repeated()) / stages);
        set(Term::Experts, layers.experts().total(job.repeated()) / stages);
        set(Term::Attention, attention(job, device, tokens) / stages);
        set(Term::Elementwise, elementwise(job, device, tokens) / stages);
        set(Term::Vocabulary, layers.vocabulary());
        set(Term::Loss, loss(job, device, tokens));
        let (bytes, hops) = tensor_exchange(job, tokens);
        set(Term::TensorExchange, bytes);
        set(Term::TensorLatency, hops);
        set(Term::ContextExchange, context_exchange(job, tokens));
        set(Term::ExpertExchange, expert_exchange(job, tokens) / stages);
        set(Term::PipelineExchange, pipeline_exchange(job, tokens));
        let states = States::of(job);
        let exchange = data_exchange(job, states.exchanged);
        set(Term::ShardExchange, exchange.per_micro_batch);
        set(Term::ShardLatency, exchange.hops);
        set(Term::GradientExchange, exchange.per_step);
        set(Term::Optimizer, update(job, device, states.trained));
        let extra = if job.shape.experts.is_some() { 1.6 } else { 1.0 };
        let repeats = if layout.recompute == Recompute::Full { 1.33 } else { 1.0 };
        let all_layers = (job.shape.layers + job.shape.decoder_layers) / stages;
        set(Term::Host, all_layers * job.software.launches() * extra * repeats * LAUNCH);
        Self {
            seconds,
            micro_batches: layout.accumulation as f64,
            stages,
            chunks: layout.virtual_stages as f64,
        }
    }
}

/// Attention of all layers, forward, backward and what is repeated; state-space scans beside it.
fn attention(job: &TransformerJob<'_>, device: &Device, tokens: f64) -> f64 {
    let shape = job.shape;
    let layers = shape.attention_layers + 2.0 * shape.decoder_layers;
    let core = device.attention(job, tokens);
    let repeated = job.repeated_attention();
    let scans = shape.state_space.map_or(0.0, |mixer| {
        let forward = device.traffic(tokens * mixer.layers * mixer.inner * HALF * 8.0);
        forward * (3.0 + repeated)
    });
    layers * (core.forward * (1.0 + repeated) + core.backward) + scans
}

/// Norms, residuals and activations; what tensor parallelism leaves whole is split along the sequence where asked.
fn elementwise(job: &TransformerJob<'_>, device: &Device, tokens: f64) -> f64 {
    let (shape, layout) = (job.shape, &job.layout);
    let tensor = layout.tensor as f64;
    let whole = if layout.sequence_parallel { tensor } else { 1.0 };
    let attention = match shape.attention {
        Attention::Grouped { heads, kv_heads, head_dim } => 4.0 * (heads + kv_heads) * head_dim,
        Attention::Latent { heads, plain_dim, rotary_dim, .. } => 8.0 * heads * (plain_dim + rotary_dim),
    };
    let passes = if shape.gated { 3.0 } else { 2.0 };
    let layers = shape.layers + shape.decoder_layers;
    let feed_forward = shape.ffn_layers + shape.decoder_layers;
    let (width, routed) = match &shape.experts {
        None => (shape.ffn, 0.0),
        Some(experts) => {
            let visited = experts.top_k * experts.hidden + experts.shared * experts.shared_hidden;
            (visited, 4.0 * experts.top_k * shape.hidden * sparse_layers(shape, experts))
        }
    };
    let elements = tokens
        * (layers * 8.0 * shape.hidden / whole
            + shape.attention_layers * attention / tensor
            + feed_forward * passes * width / tensor
            + routed);
    let low =
        if matches!(job.precision, Precision::Fp8 | Precision::Nvfp4) { LOW_PRECISION_TRAFFIC } else { 1.0 };
    let forward = device.traffic(HALF * elements * low);
    forward * (3.0 + job.repeated())
}

fn loss(job: &TransformerJob<'_>, device: &Device, tokens: f64) -> f64 {
    device.traffic(tokens * job.shape.vocabulary / job.layout.tensor as f64 * LOSS_BYTES)
}

/// All-reduces of the hidden state (or the same volume as gathers and scatters): two forward, two backward, and the
/// forward ones again under full recomputation.
fn tensor_exchange(job: &TransformerJob<'_>, tokens: f64) -> (f64, f64) {
    let layout = &job.layout;
    let ranks = layout.tensor as f64;
    if ranks <= 1.0 {
        return (0.0, 0.0);
    }
    let calls = if layout.recompute == Recompute::Full { 6.0 } else { 4.0 };
    let calls = calls * (job.shape.layers + job.shape.decoder_layers) / layout.pipeline as f64;
    let bytes = 2.0 * (ranks - 1.0) / ranks * tokens * job.shape.hidden * HALF;
    (calls * bytes / job.links.of_group(ranks), calls * (TENSOR_CALL + TENSOR_RANK * ranks))
}

/// Keys and values forward, and both with their gradients backward.
fn context_exchange(job: &TransformerJob<'_>, tokens: f64) -> f64 {
    let (shape, layout) = (job.shape, &job.layout);
    let ranks = layout.context as f64;
    if ranks <= 1.0 {
        return 0.0;
    }
    let width = match shape.attention {
        Attention::Grouped { kv_heads, head_dim, .. } => 2.0 * kv_heads * head_dim / layout.tensor as f64,
        Attention::Latent { kv_rank, rotary_dim, .. } => kv_rank + rotary_dim,
    };
    let layers = shape.attention_layers / layout.pipeline as f64;
    let bytes = 3.0 * (ranks - 1.0) * tokens * width * HALF;
    layers * bytes / job.links.of_group(ranks * layout.tensor as f64)
}

/// Dispatch and combine, forward and backward. Between domains a token travels once to each domain that it visits.
fn expert_exchange(job: &TransformerJob<'_>, tokens: f64) -> f64 {
    let (shape, layout) = (job.shape, &job.layout);
    let (Some(experts), true) = (&shape.experts, layout.expert > 1) else { return 0.0 };
    let ranks = layout.expert as f64;
    let near = ranks.min(job.links.domain as f64);
    let domains = (ranks / near).max(1.0);
    let width = experts.latent.unwrap_or(shape.hidden) * HALF;
    let own = tokens / layout.tensor as f64;
    let calls =
        4.0 * sparse_layers(shape, experts) * if layout.recompute == Recompute::Full { 1.5 } else { 1.0 };
    let inside = own * experts.top_k * (near - 1.0) / near * width / job.links.of_group(near);
    let visited = domains * (1.0 - libm::pow(1.0 - 1.0 / domains, experts.top_k)) * (domains - 1.0) / domains;
    let across = own * visited * width / job.links.of_group(f64::INFINITY);
    calls * (inside + if domains > 1.0 { across } else { 0.0 })
}

fn pipeline_exchange(job: &TransformerJob<'_>, tokens: f64) -> f64 {
    let layout = &job.layout;
    if layout.pipeline <= 1 {
        return 0.0;
    }
    let bytes = tokens * job.shape.hidden * HALF / layout.tensor as f64;
    let span = layout.tensor.saturating_mul(layout.context).saturating_mul(layout.pipeline) as f64;
    layout.virtual_stages as f64 * (2.0 * bytes / job.links.of_group(span) + PIPELINE_CALL)
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
        sparse_layers(shape, &experts) * experts.count * gates * width * experts.hidden
    });
    let tables = shape.vocabulary * shape.hidden;
    let copies = if shape.tied_embeddings { 1.0 } else { 2.0 };
    ((shape.parameters() - routed - tables * copies).max(0.0), routed, tables)
}

struct DataExchange {
    per_micro_batch: f64,
    hops: f64,
    per_step: f64,
}

/// Gathers and scatters of sharded weights per micro-batch, gradients and weights once a step otherwise.
fn data_exchange(job: &TransformerJob<'_>, parameters: f64) -> DataExchange {
    let layout = &job.layout;
    let ranks = layout.data.saturating_mul(layout.context) as f64;
    let mut exchange = DataExchange { per_micro_batch: 0.0, hops: 0.0, per_step: 0.0 };
    if ranks <= 1.0 {
        return exchange;
    }
    let layers = (job.shape.layers + job.shape.decoder_layers) / layout.pipeline as f64;
    let bytes = parameters * HALF * if job.adapters { 0.01 } else { 1.0 };
    // Frozen weights are gathered all the same.
    let gathered = parameters * HALF * if job.adapters { 0.5 } else { 1.0 };
    let share = |ranks: f64| (ranks - 1.0) / ranks;
    match layout.sharding {
        Sharding::Full => {
            let group = layout.shard_ranks() as f64;
            exchange.per_micro_batch = 3.0 * gathered * share(group) / bus(job, group);
            exchange.hops = 3.0 * layers * (SHARD_CALL + SHARD_RANK * group);
            let replicas = ranks / group;
            if replicas > 1.0 {
                exchange.per_step = 2.0 * bytes / group * share(replicas) / bus(job, ranks);
            }
        }
        Sharding::Gradients => {
            exchange.per_micro_batch = bytes * share(ranks) / bus(job, ranks);
            exchange.hops = 2.0 * layers * SHARD_CALL;
            exchange.per_step = bytes * share(ranks) / bus(job, ranks);
        }
        // Gradients are reduced in 32 bit, weights gathered in 16.
        Sharding::None | Sharding::Optimizer => {
            exchange.per_step = 3.0 * bytes * share(ranks) / bus(job, ranks);
        }
    }
    exchange
}

/// Bus bandwidth of a ring over the data-parallel ranks: all cards of a host carry one ring each, and ranks of other
/// tensor-parallel groups share them.
fn bus(job: &TransformerJob<'_>, ranks: f64) -> f64 {
    let links = &job.links;
    let tensor = job.layout.tensor as f64;
    let inside = links.of_group(1.0);
    if ranks * tensor <= links.domain as f64 {
        return inside;
    }
    let host = links.per_host as f64;
    inside.min(links.of_group(f64::INFINITY) * host / tensor.min(host))
}

fn update(job: &TransformerJob<'_>, device: &Device, parameters: f64) -> f64 {
    let layout = &job.layout;
    let ranks = if layout.sharding == Sharding::None { 1.0 } else { layout.shard_ranks() as f64 };
    let own = parameters / ranks;
    match layout.offload {
        Offload::None => device.traffic(own * UPDATE_BYTES),
        Offload::Optimizer | Offload::Parameters => own * OFFLOADED_BYTES / HOST_LINK,
    }
}
