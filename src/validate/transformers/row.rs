//! A row of a transformer to the job that it publishes.

use crate::catalog::{
    Accelerator, AcceleratorKind, Attention, Catalog, Experts, ParallelLayout, Precision, Recompute,
    Sharding, Transformer,
};
use crate::fleet::inside_fabric;
use crate::steptime::kernels::DeviceRates;
use crate::steptime::{DeviceTables, JobNetwork, Terms, TransformerJob, TransformerSoftware, Wiring};
use crate::units::BytesPerSecond;
use crate::validate::aliases::Aliases;
use crate::validate::configuration::{Configuration, Metric};
use crate::validate::resolve::Skip;

use super::convert::{Conversion, StepFacts};
use super::words;

/// Share of a device's memory that states may take; the rest is activations'.
const USABLE_FOR_STATES: f64 = 0.75;
/// Micro-batches tried where a row names none and nothing says how large one was: the largest that usually fits.
const UNNAMED_MICRO_BATCH: [u64; 4] = [8, 4, 2, 1];
/// Tokens times width of a micro-batch and tensor-parallel rank beyond which early layouts took a smaller one.
const USUAL_ACTIVATIONS: f64 = 4.0 * 2048.0 * 4096.0;

/// What rows are read with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sources<'a> {
    pub catalog: &'a Catalog,
    pub aliases: &'a Aliases,
    pub tables: &'a DeviceTables,
}

/// A row in the step model's terms.
#[derive(Clone, Debug)]
pub(super) struct TransformerRow {
    pub model: String,
    pub accelerator: Accelerator,
    pub shape: Transformer,
    pub sequence: f64,
    pub precision: Precision,
    pub recipe: String,
    pub release: String,
    pub optimizer: String,
    pub software: TransformerSoftware,
    pub flash: bool,
    pub adapters: bool,
    pub asynchronous_tensor: bool,
    pub layout: ParallelLayout,
    pub device: DeviceRates,
    pub network: JobNetwork,
    pub conversion: Option<Conversion>,
}

impl TransformerRow {
    /// The job of a row.
    pub(super) fn of(sources: &Sources<'_>, row: &Configuration) -> Result<Self, Skip> {
        let Sources { catalog, aliases, tables } = *sources;
        let columns = &row.transformer;
        let named = aliases.accelerator(catalog, &row.accelerator);
        let named = named.ok_or_else(|| Skip::Accelerator(row.accelerator.clone()))?;
        let accelerator = aliases.variant(catalog, &named);
        let accelerator = accelerator.ok_or_else(|| Skip::Accelerator(row.accelerator.clone()))?;
        let known = aliases.model(catalog, &row.model);
        let shape = shape(known.and_then(|model| model.transformer), row)
            .ok_or_else(|| Skip::Model(row.model.clone()))?;
        let model = known.map_or_else(|| row.model.clone(), |model| model.id.clone());
        let usual_sequence = known.and_then(|model| model.sequence_length);
        let sequence = row.sequence.or(usual_sequence).ok_or(Skip::Blank("seq_len"))?;
        let software = words::software(&row.framework, row.stack == "mlperf", columns, &accelerator);
        let devices = row.devices.ok_or(Skip::Blank("accelerator_count"))?;
        let per_host = row.per_node.unwrap_or(named.per_node).max(1);
        let device = tables.rates(&accelerator).map_err(|error| Skip::NoStepTime(error.to_string()))?;
        let network = network(sources, row, &accelerator, devices, per_host);
        let mut job = Self {
            precision: words::precision(&columns.precision, software, &accelerator),
            recipe: columns.recipe.clone(),
            release: words::release(&row.framework),
            optimizer: columns.optimizer.clone(),
            flash: words::flash(&columns.attention, software),
            adapters: row.task == "lora",
            asynchronous_tensor: columns.compile.contains("async-tp"),
            device,
            network,
            layout: ParallelLayout::default(),
            conversion: None,
            model,
            accelerator,
            shape,
            sequence,
            software,
        };
        let batch = job.lay_out(row, devices)?;
        let facts = StepFacts {
            shape: &job.shape,
            batch,
            sequence,
            devices: devices as f64,
            peak: job.accelerator.peak(Precision::Bf16).map_or(f64::NAN, |peak| peak.0),
            counts_recompute: columns.unit.contains("hardware")
                || software == TransformerSoftware::MegatronDeepSpeed
                    && job.layout.recompute == Recompute::Full,
            adapters: job.adapters,
            to_target: row.samples_to_target,
            tokens: columns.unit.contains("token"),
        };
        job.conversion = Conversion::of(&row.metric, &facts);
        if row.metric == Metric::MinutesToTarget && row.samples_to_target.is_none() {
            return Err(Skip::Blank("samples_to_target"));
        }
        Ok(job)
    }

    /// The job as the step model takes it.
    pub(super) fn job(&self) -> TransformerJob<'_> {
        TransformerJob {
            model: &self.model,
            shape: &self.shape,
            sequence: self.sequence,
            precision: self.precision,
            recipe: &self.recipe,
            accelerator: &self.accelerator,
            software: self.software,
            release: &self.release,
            asynchronous_tensor: self.asynchronous_tensor,
            flash: self.flash,
            adapters: self.adapters,
            layout: self.layout,
            device: &self.device,
            network: &self.network,
        }
    }

    /// Fills the layout from the row's columns; gives the sequences of a step.
    fn lay_out(&mut self, row: &Configuration, devices: u64) -> Result<f64, Skip> {
        let columns = &row.transformer;
        let degree = |stated: Option<u64>| stated.unwrap_or(1).max(1);
        let mut layout = ParallelLayout {
            tensor: degree(columns.tensor),
            pipeline: degree(columns.pipeline),
            virtual_stages: degree(columns.virtual_stages),
            context: degree(columns.context),
            expert: degree(columns.expert),
            sharding: words::sharding(&columns.sharding, self.software),
            shard_group: words::shard_group(&columns.sharding),
            recompute: words::recompute(&columns.recompute, self.software),
            offload: words::offload(&columns.sharding),
            sequence_parallel: words::sequence_parallel(&columns.recompute, self.software),
            ..ParallelLayout::default()
        };
        self.check(&layout, devices)?;
        let split = layout.tensor * layout.pipeline * layout.context;
        layout.data = (devices / split).max(1);
        let unsplit = columns.tensor.is_none() && columns.pipeline.is_none();
        let replicas = columns.data.filter(|data| unsplit && *data < layout.data);
        let batch = row.global_batch.or_else(|| {
            let micro = row.micro_batch? * row.accumulation.unwrap_or(1.0);
            Some(micro * replicas.unwrap_or(layout.data) as f64)
        });
        let batch = batch.ok_or(Skip::Blank("global_batch"))?;
        if let Some(replicas) = replicas {
            layout.data = replicas;
        } else if batch < layout.data as f64 && batch >= 1.0 {
            // Fewer sequences than ranks: ranks share sequences.
            layout.context *= (layout.data as f64 / batch).round().max(1.0) as u64;
            layout.data = batch as u64;
        }
        let unnamed = unsplit && columns.data.is_none() && layout.sharding != Sharding::Full;
        if let Some(ranks) = self.least_ranks(devices, batch).filter(|_| unnamed) {
            layout.data = devices / ranks;
            layout.context = 1;
        }
        let spread = replicas.is_some() || unnamed && layout.data * layout.context < devices;
        let own = (batch / layout.data as f64).max(1.0);
        layout.micro_batch = self.micro_batch(row, &layout, own);
        layout.accumulation = (own / layout.micro_batch as f64).round().max(1.0) as u64;
        self.layout = layout;
        if spread {
            self.spread(devices / layout.data.max(1));
        }
        Ok(batch)
    }

    /// Refuses degrees that no such job can have had.
    fn check(&self, layout: &ParallelLayout, devices: u64) -> Result<(), Skip> {
        let (heads, layers) = (self.shape.attention.heads(), self.shape.all_layers());
        let split = layout.tensor.saturating_mul(layout.pipeline).saturating_mul(layout.context);
        let wrong = if split > devices {
            format!("a layout of {split} devices on {devices}")
        } else if heads % layout.tensor as f64 != 0.0 {
            format!("{heads} heads over {} tensor-parallel ranks", layout.tensor)
        } else if layout.pipeline as f64 > layers {
            format!("{layers} layers over {} pipeline stages", layout.pipeline)
        } else {
            return Ok(());
        };
        Err(Skip::Layout(wrong))
    }

    fn micro_batch(&self, row: &Configuration, layout: &ParallelLayout, own: f64) -> u64 {
        if let Some(micro) = row.micro_batch.or(row.accumulation.map(|steps| own / steps)) {
            return micro.round().max(1.0) as u64;
        }
        if self.software == TransformerSoftware::Jax {
            return own.round().max(1.0) as u64;
        }
        let of = |micro: u64| micro as f64 * self.sequence * self.shape.hidden / layout.tensor as f64;
        let fits = |micro: &u64| of(*micro) <= USUAL_ACTIVATIONS && *micro as f64 <= own;
        UNNAMED_MICRO_BATCH.into_iter().find(fits).unwrap_or(1)
    }

    /// The fewest devices that can share a replica: its states fit, and there is a sequence for every replica.
    fn least_ranks(&self, devices: u64, batch: f64) -> Option<u64> {
        let memory = self.accelerator.memory.map_or(0.0, |memory| memory.0);
        let fits = |ranks: &u64| {
            let replicas = devices as f64 / *ranks as f64;
            let states = self.shape.parameters() * self.state_bytes(replicas) / *ranks as f64;
            states < USABLE_FOR_STATES * memory && replicas <= batch
        };
        (0..=12).map(|power| 1_u64 << power).filter(|ranks| devices.is_multiple_of(*ranks)).find(fits)
    }

    /// Spreads each replica over `ranks` devices in the way that the unfitted terms find fastest, where a row names only
    /// its replicas.
    fn spread(&mut self, ranks: u64) {
        let mut best: Option<(f64, ParallelLayout)> = None;
        let widest = self.network.domain().min(8);
        for tensor in (0..=3)
            .map(|power| 1 << power)
            .filter(|tensor| ranks.is_multiple_of(*tensor) && *tensor <= widest)
        {
            for context in
                (0..=3).map(|power| 1 << power).filter(|context| (ranks / tensor).is_multiple_of(*context))
            {
                let pipeline = ranks / tensor / context;
                self.layout = ParallelLayout { tensor, context, pipeline, ..self.layout };
                if self.shape.layers < pipeline as f64 || !self.holds_weights() {
                    continue;
                }
                let seconds = Terms::of(&self.job()).nominal_seconds();
                if best.is_none_or(|(least, _)| seconds < least) {
                    best = Some((seconds, self.layout));
                }
            }
        }
        let tensor = ranks.min(widest);
        let usual = ParallelLayout { tensor, context: 1, pipeline: (ranks / tensor).max(1), ..self.layout };
        self.layout = best.map_or(usual, |(_, layout)| layout);
    }

    /// Whether a device holds its share of the weights in their precision, with room for as much again.
    fn holds_weights(&self) -> bool {
        let ranks = (self.layout.tensor * self.layout.pipeline) as f64;
        let memory = self.accelerator.memory.map_or(0.0, |memory| memory.0);
        self.shape.parameters() * self.state_bytes(self.layout.data as f64) / ranks
            < USABLE_FOR_STATES * memory
    }

    /// Bytes of states per parameter: weights, 32-bit gradients and Adam's 12 over the replicas, or frozen weights alone.
    fn state_bytes(&self, replicas: f64) -> f64 {
        match (self.adapters, self.precision) {
            (true, Precision::Fp8) => 1.2,
            (true, _) => 2.0,
            (false, _) => 6.0 + 12.0 / replicas,
        }
    }
}

/// The network of a row's machines.
fn network(
    sources: &Sources<'_>,
    row: &Configuration,
    accelerator: &Accelerator,
    devices: u64,
    per_host: u64,
) -> JobNetwork {
    let torus = accelerator.kind == AcceleratorKind::Tpu;
    let (inside, inside_rate) = inside_fabric(accelerator);
    let host = words::host_network(&row.transformer.interconnect, per_host, accelerator);
    let wiring = Wiring {
        inside: &inside,
        inside_rate,
        across: if torus { "tpu-dcn" } else { words::host_fabric(&row.transformer.interconnect) },
        host_rate: Some(BytesPerSecond(host)),
        per_host,
        slice: torus.then(|| devices.min(largest_slice(accelerator))),
    };
    sources.tables.network(sources.catalog, accelerator, &wiring)
}

/// Chips of the largest slice: 16 × 16 of the two-dimensional tori, thousands of the others.
fn largest_slice(accelerator: &Accelerator) -> u64 {
    match accelerator.name.as_str() {
        "TPU-v5e" | "TPU-v6e" => 256,
        "TPU-v2" => 256,
        "TPU-v3" => 1024,
        _ => 4096,
    }
}

/// The shape of a row: its own columns over the catalog's model, or its columns alone where they suffice.
fn shape(known: Option<Transformer>, row: &Configuration) -> Option<Transformer> {
    let columns = &row.transformer;
    let mut shape = match known {
        Some(shape) => shape,
        None => from_columns(row)?,
    };
    if let Some(layers) = columns.layers.filter(|layers| *layers != shape.layers) {
        shape = shape.with_layers(layers);
        if let Some(experts) = &mut shape.experts {
            experts.dense_layers = experts.dense_layers.min(1.0);
        }
    }
    let heads = columns.heads;
    if let Some(hidden) = columns.hidden.filter(|hidden| *hidden != shape.hidden) {
        let own = from_columns(row)?;
        shape = Transformer { hidden, attention: own.attention, ffn: own.ffn, ..shape };
    } else if let (Some(heads), Attention::Grouped { heads: of_model, .. }) = (heads, shape.attention)
        && heads != of_model
    {
        let kv_heads = columns.kv_heads.unwrap_or(heads);
        shape.attention = Attention::Grouped { heads, kv_heads, head_dim: shape.hidden / heads };
    }
    shape.ffn = columns.ffn.unwrap_or(shape.ffn);
    shape.vocabulary = columns.vocabulary.unwrap_or(shape.vocabulary);
    Some(shape)
}

/// A plain decoder from a row's columns.
fn from_columns(row: &Configuration) -> Option<Transformer> {
    let columns = &row.transformer;
    let (layers, hidden) = (columns.layers?, columns.hidden?);
    let heads = columns.heads.unwrap_or((hidden / 128.0).max(1.0));
    let kv_heads = columns.kv_heads.unwrap_or(heads);
    let experts = columns.experts.map(|count| Experts {
        count,
        top_k: columns.top_k.unwrap_or(1.0),
        hidden: columns.experts_hidden.or(columns.ffn).unwrap_or(4.0 * hidden),
        shared: 0.0,
        shared_hidden: 0.0,
        every: 1.0,
        dense_layers: 0.0,
        latent: None,
    });
    Some(Transformer {
        layers,
        decoder_layers: 0.0,
        hidden,
        attention: Attention::Grouped { heads, kv_heads, head_dim: hidden / heads },
        attention_layers: layers,
        ffn: columns.ffn.unwrap_or(4.0 * hidden),
        ffn_layers: layers,
        gated: false,
        vocabulary: columns.vocabulary.unwrap_or(51_200.0),
        tied_embeddings: true,
        causal: row.category != "diffusion",
        window: None,
        experts,
        state_space: None,
        prediction_layers: 0.0,
        context: None,
    })
}
