//! The default cost of a layout until a step-time model of split transformers takes its place: arithmetic at a bounded
//! share of peak, the pipeline's bubble, and exchanges at nominal rates, nothing hidden.

use crate::catalog::{Catalog, Model, ParallelLayout, Precision, Recompute, Sharding};
use crate::fleet::Candidate;
use crate::layout::StepCost;
use crate::steptime::link_of;
use crate::units::{Bytes, BytesPerSecond, FlopsPerSecond};
use crate::workload::training::closed_form::ModelPipeline;

/// Share of peak that large matrix products reach (assumed).
const REACHED: f64 = 0.5;
/// Rates where nothing is known (assumed).
const NO_PEAK: FlopsPerSecond = FlopsPerSecond(1e12);
const NO_LINK: BytesPerSecond = BytesPerSecond(1e9);

/// Seconds per step of one candidate.
#[derive(Clone, Copy, Debug)]
pub(super) struct RooflineCost {
    flops_per_sample: f64,
    rate: f64,
    weights: Bytes,
    stream: Bytes,
    layers: f64,
    global_batch: f64,
    per_node: u64,
    inside: f64,
    across: f64,
}

impl RooflineCost {
    pub fn of(
        catalog: &Catalog,
        candidate: &Candidate,
        model: &Model,
        precision: Precision,
        global_batch: u64,
    ) -> Self {
        let network = candidate.network();
        let link = |fabric: &str, nominal| {
            link_of(catalog, fabric, nominal).map_or(NO_LINK, |link| link.link.bandwidth).0
        };
        let per_node = candidate.accelerators_per_node();
        let peak = candidate.accelerator.as_ref().and_then(|accelerator| accelerator.peak(precision));
        let tokens = model.sequence_length.unwrap_or(1.0);
        let shape = model.transformer;
        Self {
            flops_per_sample: model.training_flops().0,
            rate: peak.unwrap_or(NO_PEAK).0 * REACHED,
            weights: Bytes(model.parameters * precision.bytes()),
            stream: Bytes(tokens * shape.map_or(0.0, |shape| shape.hidden) * precision.bytes()),
            layers: shape.map_or(1.0, |shape| shape.layers + shape.decoder_layers),
            global_batch: global_batch as f64,
            per_node,
            inside: link(&network.inside, network.inside_bandwidth),
            across: link(&network.across, network.across_bandwidth) / per_node as f64,
        }
    }

    fn bandwidth(&self, span: u64) -> f64 {
        if span <= self.per_node { self.inside } else { self.across.min(self.inside) }
    }
}

impl StepCost for RooflineCost {
    fn seconds(&self, layout: &ParallelLayout) -> f64 {
        let split = (layout.tensor * layout.pipeline) as f64;
        let micro_batches = layout.accumulation as f64;
        let stages = ModelPipeline {
            stages: u32::try_from(layout.pipeline).unwrap_or(u32::MAX),
            micro_batches: u32::try_from(layout.accumulation).unwrap_or(u32::MAX),
            chunks: u32::try_from(layout.virtual_stages).unwrap_or(u32::MAX),
        };
        let stream = self.stream.0 * layout.micro_batch as f64 / layout.context as f64;
        // Two all-reduces of a layer's output in each direction.
        let share = 2.0 * (layout.tensor - 1) as f64 / layout.tensor as f64;
        let layers = self.layers / layout.pipeline as f64;
        let tensor = 4.0 * share * stream * layers * micro_batches / self.bandwidth(layout.tensor);
        let hops = if layout.pipeline > 1 { 2.0 * layout.virtual_stages as f64 } else { 0.0 };
        let pipeline = hops * stream * micro_batches / self.bandwidth(layout.tensor * layout.pipeline);
        let ranks = layout.shard_ranks();
        let rounds = match layout.sharding {
            Sharding::None | Sharding::Optimizer => 2.0,
            Sharding::Gradients => 1.0 + micro_batches,
            Sharding::Full => 3.0 * micro_batches,
        };
        let exchanged = rounds * self.weights.0 / split * (ranks - 1) as f64 / ranks as f64;
        let data = exchanged / self.bandwidth(layout.tensor * ranks);
        (self.at_least(layout) + tensor) * (1.0 + stages.bubble_over_ideal()) + pipeline + data
    }

    fn at_least(&self, layout: &ParallelLayout) -> f64 {
        let again = if layout.recompute == Recompute::Full { 4.0 / 3.0 } else { 1.0 };
        self.flops_per_sample * self.global_batch * again / (self.rate * layout.devices() as f64)
    }
}
