//! Bytes that training a transformer needs on the worst device of a parallel layout, part by part.

use crate::catalog::{Offload, ParallelLayout, Precision, Recompute, Sharding, Transformer};
use crate::units::Bytes;

use super::memory::{MemoryNeed, Part, moments};
use super::sizes::{
    Kept, Sizes, Widths, core_kept, dense_kept, every_other_product, mixer_kept, mixture_kept,
};
use super::stack::{BUCKET_ELEMENTS, Habits, TrainingStack};

/// Driver, runtime and kernel images of one process.
const PROCESS: f64 = 0.7e9;
/// Buffers of one communicator of the collective library.
const COMMUNICATOR: f64 = 0.25e9;
/// The allocator's fragmentation and rounding, as a share of what is allocated.
const FRAGMENTATION: f64 = 0.06;
/// Gradients alive while a layer's backward pass runs, as a share of the layer's activations.
const WORKING_GRADIENTS: f64 = 0.5;
/// Layers whose weights are whole on a device at once under full sharding: the one at work and the next.
const GATHERED_LAYERS: f64 = 2.0;

/// What is trained, with what does not depend on the layout computed once.
#[derive(Clone, Copy, Debug)]
pub struct MemoryJob {
    shape: Transformer,
    sequence: f64,
    element: f64,
    moments: f64,
    flash: bool,
    habits: Habits,
    sizes: Sizes,
    all: Rates,
    selective: Rates,
}

/// Kept bytes per token of each sort of layer part.
#[derive(Clone, Copy, Debug)]
struct Rates {
    mixer: Kept,
    dense: Kept,
    mixture: Kept,
    core: f64,
}

/// Bytes on one device.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MemoryBreakdown {
    /// Weights as stored, low-precision copies included.
    pub weights: f64,
    /// Gradients.
    pub gradients: f64,
    /// Master copy and moments.
    pub optimizer: f64,
    /// Activations kept for the backward pass, of all micro-batches in flight.
    pub activations: f64,
    /// Working set of one layer's backward pass: gradients of its activations, and these where they are recomputed.
    pub working: f64,
    /// Scores over the vocabulary at the peak of the loss, beyond the working set of a layer.
    pub logits: f64,
    /// Gathered layers, exchange buckets, pipeline buffers.
    pub buffers: f64,
    /// Driver, runtime and collective library.
    pub context: f64,
    /// What the allocator loses.
    pub slack: f64,
    /// Bytes in host memory, per device.
    pub host: f64,
}

impl MemoryBreakdown {
    /// Weights, gradients and optimizer.
    #[must_use]
    pub fn states(&self) -> f64 {
        self.weights + self.gradients + self.optimizer
    }

    /// What tensors occupy at the peak: the figure that frameworks print as allocated.
    #[must_use]
    pub fn allocated(&self) -> f64 {
        self.states() + self.activations + self.working + self.logits + self.buffers
    }

    /// What the allocator has taken from the device: the figure that frameworks print as reserved.
    #[must_use]
    pub fn reserved(&self) -> f64 {
        self.allocated() + self.slack
    }

    /// Everything on the device.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.reserved() + self.context
    }

    /// With the parts named.
    #[must_use]
    pub fn need(&self, present: Bytes) -> MemoryNeed {
        let parts = vec![
            (Part::Weights, Bytes(self.weights)),
            (Part::Gradients, Bytes(self.gradients)),
            (Part::Optimizer, Bytes(self.optimizer)),
            (Part::Activations, Bytes(self.activations + self.working)),
            (Part::Logits, Bytes(self.logits)),
            (Part::Buffers, Bytes(self.buffers)),
            (Part::Context, Bytes(self.context)),
            (Part::Slack, Bytes(self.slack)),
        ];
        MemoryNeed { parts, present }
    }
}

/// One pipeline stage of the layout.
#[derive(Clone, Copy)]
struct Stage {
    layers: f64,
    first: bool,
    last: bool,
    /// Micro-batches whose activations are kept at once.
    in_flight: f64,
}

impl MemoryJob {
    /// A job of sequences of `sequence` tokens. `flash` says whether attention never materialises its scores.
    #[must_use]
    pub fn new(
        shape: &Transformer,
        sequence: f64,
        precision: Precision,
        optimizer: &str,
        flash: bool,
        stack: TrainingStack,
    ) -> Self {
        let habits = stack.habits(precision);
        let element = precision.bytes();
        let widths = Widths { element, input: if habits.low_inputs { 1.0 } else { element } };
        let core = if flash { 0.0 } else { core_kept(shape, sequence, element) };
        let all = Rates {
            mixer: mixer_kept(shape, widths),
            dense: dense_kept(shape, widths),
            mixture: mixture_kept(shape, widths),
            core,
        };
        let selective = if habits.every_other_product {
            let (mixer, dense, mixture) = every_other_product(shape, element);
            Rates { mixer, dense, mixture, core: 0.0 }
        } else {
            Rates { core: 0.0, ..all }
        };
        Self {
            shape: *shape,
            sequence,
            element,
            moments: moments(optimizer),
            flash,
            habits,
            sizes: Sizes::of(shape),
            all,
            selective,
        }
    }

    /// The shape.
    #[must_use]
    pub fn shape(&self) -> &Transformer {
        &self.shape
    }

    /// Tokens of a sequence.
    #[must_use]
    pub fn sequence(&self) -> f64 {
        self.sequence
    }

    /// Whether attention never materialises its scores.
    #[must_use]
    pub fn flash(&self) -> bool {
        self.flash
    }

    /// Whether selective recomputation keeps less than none does.
    #[must_use]
    pub fn selective_helps(&self) -> bool {
        self.habits.every_other_product || !self.flash
    }

    /// Bytes on the device that needs most.
    #[must_use]
    pub fn memory(&self, layout: &ParallelLayout) -> MemoryBreakdown {
        let layers = stage_layers(&self.shape, layout.pipeline, layout.virtual_stages).unwrap_or_else(|| {
            let most = (self.sizes.layers / layout.pipeline as f64).ceil();
            StageLayers { first: most, middle: most, last: most }
        });
        let last = layout.pipeline.saturating_sub(1);
        let stage = |index: u64| Stage {
            layers: match index {
                0 => layers.first,
                index if index == last => layers.last,
                _ => layers.middle,
            },
            first: index == 0,
            last: index == last,
            in_flight: in_flight(layout, index),
        };
        let mut worst = self.stage(layout, stage(0));
        // A middle stage needs more than the first only where it has more layers, or experts that the first lacks.
        let heavier = layers.middle > layers.first || self.sizes.mixtures > 0.0;
        if heavier && last > 1 {
            worst = heavier_of(worst, self.stage(layout, stage(1)));
        }
        if last > 0 {
            worst = heavier_of(worst, self.stage(layout, stage(last)));
        }
        worst
    }

    fn stage(&self, layout: &ParallelLayout, stage: Stage) -> MemoryBreakdown {
        let mut found = MemoryBreakdown::default();
        self.states(layout, stage, &mut found);
        self.activations(layout, stage, &mut found);
        found.slack = FRAGMENTATION * found.allocated();
        let degrees = [layout.data, layout.tensor, layout.pipeline, layout.context, layout.expert];
        let groups = degrees.iter().filter(|degree| **degree > 1).count();
        found.context = PROCESS + COMMUNICATOR * groups as f64;
        found
    }

    /// Weights, gradients, optimizer and what is gathered of them, as ZeRO divides them (arXiv 1910.02054, section 5).
    fn states(&self, layout: &ParallelLayout, stage: Stage, found: &mut MemoryBreakdown) {
        let (sizes, habits) = (&self.sizes, &self.habits);
        let tensor = layout.tensor as f64;
        let (mut dense, mut mixtures) = sizes.feed_forward_layers(stage.layers, stage.first);
        let mut layers = stage.layers;
        if stage.last && self.shape.prediction_layers > 0.0 {
            layers += self.shape.prediction_layers;
            let sort = if sizes.mixtures > 0.0 { &mut mixtures } else { &mut dense };
            *sort += self.shape.prediction_layers;
        }
        let copies = embedding_copies(stage, self.shape.tied_embeddings);
        let embedding = copies * sizes.embedding / tensor;
        let common =
            (layers * sizes.mixer + dense * sizes.dense + mixtures * sizes.shared) / tensor + embedding;
        let experts = mixtures * sizes.routed / tensor / layout.expert as f64;
        let ranks = layout.shard_ranks().max(1) as f64;
        // Experts are already spread over some of the ranks that share the rest.
        let expert_ranks = (ranks / layout.expert as f64).max(1.0);
        let sharded = common / ranks + experts / expert_ranks;
        let whole = common + experts;
        let held = |from: Sharding| if layout.sharding >= from { sharded } else { whole };
        found.weights =
            held(Sharding::Full) * habits.weight + whole_or(layout, whole, sharded) * habits.low_copies;
        found.gradients = held(Sharding::Gradients) * habits.gradient;
        found.optimizer = held(Sharding::Optimizer) * (habits.master + self.moments);
        if layout.sharding == Sharding::Full && ranks > 1.0 {
            let layer = (common - embedding + experts) / layers.max(1.0);
            found.buffers += self.element * (GATHERED_LAYERS * layer + embedding) + habits.gradient * layer;
        } else if layout.data > 1 {
            found.buffers += habits.bucket * BUCKET_ELEMENTS.min(whole);
        }
        offload(layout, found);
    }

    fn activations(&self, layout: &ParallelLayout, stage: Stage, found: &mut MemoryBreakdown) {
        let tokens = layout.micro_batch as f64 * self.sequence / layout.context as f64;
        let along = if layout.sequence_parallel { layout.tensor as f64 } else { 1.0 };
        let stream = tokens * self.element * self.shape.hidden / along;
        let (dense, mixtures) = self.sizes.feed_forward_layers(stage.layers, stage.first);
        let of = |rates: &Rates| {
            stage.layers * self.per_token(&rates.mixer, layout)
                + dense * self.per_token(&rates.dense, layout)
                + mixtures * self.per_token(&rates.mixture, layout)
                + stage.layers * rates.core / layout.tensor as f64
        };
        let everything = of(&self.all) * tokens;
        let block = everything / stage.layers.max(1.0);
        let (kept, working) = match layout.recompute {
            Recompute::None => (everything, WORKING_GRADIENTS * block),
            Recompute::Selective => (of(&self.selective) * tokens, WORKING_GRADIENTS * block),
            Recompute::Full => (stage.layers * stream, (1.0 + WORKING_GRADIENTS) * block),
        };
        let predictions = 1.0 + self.shape.prediction_layers;
        let scores = if stage.last { predictions * self.scores(tokens, layout) } else { 0.0 };
        found.activations = kept * stage.in_flight;
        found.working = working;
        // The loss has let go of the scores before the first layer's backward pass begins.
        found.logits = (scores - working).max(0.0);
        if stage.first {
            found.activations += stream * stage.in_flight;
        }
        if layout.sequence_parallel {
            found.buffers += 2.0 * stream * along;
        }
        if layout.pipeline > 1 {
            found.buffers += 2.0 * stream;
        }
        if layout.context > 1 {
            found.buffers += 2.0 * tokens * self.all.mixer.keys / self.key_split(layout);
        }
    }

    fn scores(&self, tokens: f64, layout: &ParallelLayout) -> f64 {
        let width = self.habits.logits.max(self.element);
        tokens * self.shape.vocabulary / layout.tensor as f64 * width
    }

    fn per_token(&self, kept: &Kept, layout: &ParallelLayout) -> f64 {
        let tensor = layout.tensor as f64;
        let along = if layout.sequence_parallel { tensor } else { 1.0 };
        kept.whole / along + kept.split / tensor + kept.keys / self.key_split(layout)
    }

    /// Heads of keys and values are whole on several devices where there are fewer of them than devices.
    fn key_split(&self, layout: &ParallelLayout) -> f64 {
        (layout.tensor as f64).min(self.shape.attention.kv_heads()).max(1.0)
    }
}

fn heavier_of(one: MemoryBreakdown, other: MemoryBreakdown) -> MemoryBreakdown {
    if other.total() > one.total() { other } else { one }
}

/// Low-precision copies follow the weights that a device computes with.
fn whole_or(layout: &ParallelLayout, whole: f64, sharded: f64) -> f64 {
    if layout.sharding == Sharding::Full { sharded } else { whole }
}

/// How often a stage holds the vocabulary's matrix.
fn embedding_copies(stage: Stage, tied: bool) -> f64 {
    match (stage.first, stage.last) {
        (true, true) if !tied => 2.0,
        (true, _) | (_, true) => 1.0,
        _ => 0.0,
    }
}

/// Moves states to the host: the optimizer's with the shards of gradients that it reads, then the weights.
fn offload(layout: &ParallelLayout, found: &mut MemoryBreakdown) {
    if layout.offload == Offload::None {
        return;
    }
    found.host += found.optimizer;
    found.optimizer = 0.0;
    if layout.sharding >= Sharding::Gradients {
        found.host += found.gradients;
        found.gradients = 0.0;
    }
    if layout.offload == Offload::Parameters && layout.sharding == Sharding::Full {
        found.host += found.weights;
        found.weights = 0.0;
    }
}

/// Layers of the stages of a pipeline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StageLayers {
    /// Of the first, which holds the embedding.
    pub first: f64,
    /// Of each in the middle.
    pub middle: f64,
    /// Of the last, which holds the output projection and further prediction layers.
    pub last: f64,
}

/// As many layers on each stage, or fewer on the edges, where the embedding, the loss and each further prediction layer
/// stand for one. `None` where nothing comes out even.
#[must_use]
pub fn stage_layers(shape: &Transformer, pipeline: u64, virtual_stages: u64) -> Option<StageLayers> {
    let layers = (shape.layers + shape.decoder_layers) as u64;
    let chunks = pipeline.checked_mul(virtual_stages).filter(|chunks| *chunks > 0)?;
    if layers.is_multiple_of(chunks) {
        let each = (layers / pipeline) as f64;
        return Some(StageLayers { first: each, middle: each, last: each });
    }
    let predictions = shape.prediction_layers as u64;
    // The loss alone, the embedding too, the prediction layers too.
    [(0, 1), (1, 1), (1, 1 + predictions)].into_iter().find_map(|(embedding, loss)| {
        let padded = layers + embedding + loss;
        let each = padded / pipeline;
        let even = virtual_stages == 1 && pipeline > 1 && padded.is_multiple_of(pipeline) && each > loss;
        even.then(|| StageLayers {
            first: (each - embedding) as f64,
            middle: each as f64,
            last: (each - loss) as f64,
        })
    })
}

/// Micro-batches whose activations stage `index` keeps: p − index under 1F1B; p + (p − 1)/v on the first stage when
/// interleaved (arXiv 2205.05198, section 4.2.3); never more than the step has.
fn in_flight(layout: &ParallelLayout, index: u64) -> f64 {
    let behind = layout.pipeline - 1 - index;
    let kept = if layout.virtual_stages > 1 {
        let chunks = 2 * behind + (layout.virtual_stages - 1) * layout.pipeline + 1;
        chunks as f64 / layout.virtual_stages as f64
    } else {
        behind as f64 + 1.0
    };
    kept.min(layout.accumulation as f64)
}

/// Bytes on the worst device, part by part, and present.
#[must_use]
pub fn transformer_memory(job: &MemoryJob, layout: &ParallelLayout, present: Bytes) -> MemoryNeed {
    job.memory(layout).need(present)
}
