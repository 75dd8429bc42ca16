//! A serving row to the replica and the load that it publishes.

use crate::catalog::{
    Accelerator, AcceleratorKind, Catalog, Engine, NumberFormat, ServingLayout, Transformer,
};
use crate::fleet::inside_fabric;
use crate::layout::{ServingMemory, ServingMemoryJob, serving_memory};
use crate::steptime::kernels::DeviceRates;
use crate::steptime::serving::ServingJob;
use crate::steptime::{DeviceTables, JobNetwork, Wiring};
use crate::units::{Bytes, BytesPerSecond};
use crate::validate::resolve::Skip;
use crate::validate::serving::{ServingConfiguration, ServingScenario};

use super::lengths::Lengths;
use super::words;

/// Share of a replica's memory that weights may take where the row names no layout.
const USUAL_WEIGHT_SHARE: f64 = 0.62;
/// Share of a device's memory that caches get at least where a row was published.
const LEAST_CACHE: f64 = 0.04;
/// Devices that one tensor-parallel group has at most where the row does not say.
const MOST_TENSOR: u64 = 8;

/// Requests of the published runs of `trtllm-bench` by prompt and answer
/// (NVIDIA/TensorRT-LLM:docs/source/performance/perf-overview.md, "Preparing a Dataset").
const TRTLLM_BENCH_REQUESTS: [(u64, u64, f64); 9] = [
    (128, 128, 30_000.0),
    (128, 2048, 3000.0),
    (128, 4096, 1500.0),
    (2048, 128, 3000.0),
    (2048, 2048, 1500.0),
    (5000, 500, 1500.0),
    (1000, 1000, 3000.0),
    (500, 2000, 3000.0),
    (20_000, 2000, 1000.0),
];

/// What rows are read with.
#[derive(Clone, Copy)]
pub(crate) struct Sources<'a> {
    pub catalog: &'a Catalog,
    pub tables: &'a DeviceTables,
    pub accelerators: &'a [(String, String)],
}

/// How load is put on, of one replica.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Load {
    /// One batch from start to end.
    Static(f64),
    /// More requests than the replica can run, all at once.
    Saturated,
    /// Clients, each with a request in flight.
    Closed(f64),
    /// A rate, and how many requests in all where known.
    Rate(f64, Option<f64>),
    /// So many requests at once.
    Burst(f64),
}

/// A row in the terms of the model.
#[derive(Clone, Debug)]
pub(crate) struct LanguageRow {
    pub model: String,
    pub shape: Transformer,
    pub weights: NumberFormat,
    pub cache: NumberFormat,
    pub accelerator: Accelerator,
    pub engine: Engine,
    pub release: String,
    pub layout: ServingLayout,
    /// Replicas that share the load.
    pub replicas: f64,
    /// Replicas that compute prompts, where these are apart.
    pub prefill_replicas: Option<f64>,
    pub device: DeviceRates,
    pub network: JobNetwork,
    pub lengths: Lengths,
    pub load: Load,
    pub memory: ServingMemory,
    /// Most sequences that run at once.
    pub slots: f64,
    /// Requests of the whole run, where known.
    pub requests: Option<f64>,
    /// Iterations between two looks for new requests, where the server looks less often than at each.
    pub polls: Option<f64>,
}

impl LanguageRow {
    pub(crate) fn of(sources: &Sources<'_>, row: &ServingConfiguration) -> Result<Self, Skip> {
        let unknown = || Skip::Accelerator(row.accelerator.clone());
        let accelerator = accelerator(sources, &row.accelerator).ok_or_else(unknown)?;
        let named = || sources.catalog.models.values().find(|model| model.name == row.model);
        let found = sources.catalog.model(&row.model).ok().or_else(named);
        let model = found.ok_or_else(|| Skip::Model(row.model.clone()))?;
        let shape = model.transformer.ok_or_else(|| Skip::Model(row.model.clone()))?;
        let (weights, cache) = words::precision(&row.precision);
        let weights = stored(weights, &model.id);
        // Rounds of MLPerf state the activations' type: who has 8-bit units multiplies in 8 bit there.
        let narrow = row.dataset.starts_with("mlperf") && accelerator.peaks.fp8.is_some();
        let wide = matches!(weights, NumberFormat::Fp16 | NumberFormat::Bf16);
        let (weights, cache) =
            if narrow && wide { (NumberFormat::Fp8, NumberFormat::Fp8) } else { (weights, cache) };
        let engine = words::engine(sources.catalog, &row.framework, &row.engine_version);
        let engine = engine.ok_or_else(|| Skip::Serving("no serving engine".to_owned()))?.on(&accelerator);
        let devices = count(row.accelerator_count).ok_or(Skip::Blank("accelerator_count"))?;
        let device =
            sources.tables.rates(&accelerator).map_err(|error| Skip::NoStepTime(error.to_string()))?;
        let lengths = Lengths::of(row).ok_or(Skip::Blank("input_tokens"))?;
        let engine = engine.for_prompts(lengths.laws().0.most());
        let mut own = Self {
            model: model.id.clone(),
            shape,
            weights,
            cache,
            network: network(sources, &accelerator, devices),
            release: words::release(&row.framework, &row.engine_version),
            engine,
            device,
            lengths,
            accelerator,
            layout: ServingLayout::default(),
            replicas: 1.0,
            prefill_replicas: None,
            load: Load::Saturated,
            memory: ServingMemory::default(),
            slots: 1.0,
            requests: requests(row),
            polls: polls(row),
        };
        own.lay_out(row, devices)?;
        own.memory = own.memory_of(&own.layout);
        own.spread(row, devices);
        own.load = load(row, own.replicas)?;
        own.slots = match (row.max_batch, count(row.expert)) {
            // Tables of expert-parallel deployments count the batch of one device.
            (Some(batch), Some(expert)) if expert > 1 => batch * devices as f64 / own.replicas,
            (Some(batch), _) if !row.disaggregated => batch,
            _ => own.usual_slots(),
        };
        own.check()?;
        Ok(own)
    }

    /// The job as the laws take it.
    pub(crate) fn job(&self) -> ServingJob<'_> {
        ServingJob {
            model: &self.model,
            shape: &self.shape,
            weights: self.weights,
            cache: self.cache,
            accelerator: &self.accelerator,
            layout: self.layout,
            micro_batches: if matches!(self.load, Load::Static(_)) { 1 } else { self.layout.pipeline },
            engine: &self.engine,
            version: &self.release,
            device: &self.device,
            network: &self.network,
        }
    }

    fn memory_of(&self, layout: &ServingLayout) -> ServingMemory {
        serving_memory(&ServingMemoryJob {
            shape: &self.shape,
            weights: self.weights,
            cache: self.cache,
            layout: *layout,
            max_batched_tokens: self.engine.max_batched_tokens,
            max_sequences: self.engine.max_sequences,
            memory_fraction: self.engine.memory_fraction,
            memory_share: self.engine.memory_share,
            present: self.accelerator.memory.unwrap_or(Bytes::ZERO),
        })
    }

    /// The layout of the row, or the fewest devices that hold the weights with room for caches. An expert degree above
    /// the tensor degree spreads attention over sequences.
    fn lay_out(&mut self, row: &ServingConfiguration, devices: u64) -> Result<(), Skip> {
        let pipeline = count(row.pipeline).unwrap_or(1);
        let expert = count(row.expert).unwrap_or(1);
        let stated = count(row.tensor).or_else(|| count(row.pipeline).map(|pipeline| devices / pipeline));
        let fits = |tensor: u64| tensor >= 1 && tensor.saturating_mul(pipeline) <= devices;
        let attention = match stated {
            Some(tensor) if twice(tensor, expert, devices) => tensor.min(expert),
            // Deployments of more devices than a fast domain are groups of a host's size.
            Some(tensor) if tensor > MOST_TENSOR && self.network.domain() < tensor => MOST_TENSOR,
            Some(tensor) if fits(tensor) => tensor,
            Some(_) => devices / pipeline,
            None if row.scenario == ServingScenario::Offline && row.batch_or_concurrency.is_some() => {
                devices.min(MOST_TENSOR)
            }
            None => self.fewest(devices, expert),
        };
        let tensor = if expert > attention && fits(expert) { expert } else { attention };
        if !fits(tensor) {
            return Err(Skip::Layout(format!("{tensor} × {pipeline} of {devices} devices")));
        }
        let expert = if self.shape.experts.is_some() && tensor.is_multiple_of(expert) { expert } else { 1 };
        let attention_data = if tensor.is_multiple_of(attention) { tensor / attention } else { 1 };
        self.layout = ServingLayout { tensor, pipeline, expert, attention_data };
        Ok(())
    }

    fn fewest(&self, devices: u64, expert: u64) -> u64 {
        let mut tensor = expert.max(1);
        while tensor < devices.min(MOST_TENSOR) {
            let layout = ServingLayout { tensor, ..ServingLayout::default() };
            let memory = self.memory_of(&layout);
            if memory.weights <= USUAL_WEIGHT_SHARE * memory.present.0 {
                break;
            }
            tensor *= 2;
        }
        tensor.min(devices).max(1)
    }

    /// Replicas that share the load, and those of prompts where they are apart.
    fn spread(&mut self, row: &ServingConfiguration, devices: u64) {
        let own = self.layout.devices().max(1) as f64;
        let stated = count(row.tensor).unwrap_or(1);
        let counted_twice = twice(stated, count(row.expert).unwrap_or(1), devices);
        self.replicas = if counted_twice { 1.0 } else { (devices as f64 / own).floor().max(1.0) };
        if row.disaggregated
            && let Some((prefill, decode)) = row.prefill_accelerators.zip(row.decode_accelerators)
        {
            self.prefill_replicas = Some((prefill / own).max(1e-3));
            self.replicas = (decode / own).max(1e-3);
        }
    }

    fn usual_slots(&self) -> f64 {
        let groups = self.layout.attention_data as f64;
        match self.load {
            Load::Static(_) => 1e6,
            // A table of greatest throughput was tuned to it.
            Load::Saturated => f64::from(self.engine.max_sequences).max(1024.0) * groups,
            _ => f64::from(self.engine.max_sequences).max(256.0) * groups,
        }
    }

    /// Sequences whose caches fit at a mean number of tokens each.
    pub(crate) fn cached(&self, tokens: f64) -> f64 {
        let of_sequence = self.memory.of_sequence(&self.shape, tokens);
        if of_sequence <= 0.0 {
            return f64::INFINITY;
        }
        // What was published has run: a reserve that leaves nothing was smaller there.
        let least = LEAST_CACHE * self.memory.present.0;
        (self.memory.groups * self.memory.cache.max(least) / of_sequence).max(1.0)
    }

    fn check(&self) -> Result<(), Skip> {
        let finite = [self.lengths.input, self.lengths.output, self.replicas, self.slots];
        if finite.iter().any(|value| !(value.is_finite() && *value > 0.0)) {
            return Err(Skip::Serving("lengths or devices are not positive".to_owned()));
        }
        if self.memory.weights > 1.15 * self.memory.present.0 {
            let needed = Bytes(self.memory.weights);
            return Err(Skip::Serving(format!("weights of {needed} do not fit {}", self.memory.present)));
        }
        Ok(())
    }
}

/// Whether a table multiplied the attention and the expert degree of the same devices: 8 devices that are both appear as
/// 64, 4 as 16.
fn twice(tensor: u64, expert: u64, devices: u64) -> bool {
    expert > 1 && devices == expert.saturating_mul(expert) && (tensor == 1 || tensor == devices)
}

/// Checkpoints that are published in 4 bit only keep it under other words: gpt-oss in MXFP4.
fn stored(weights: NumberFormat, model: &str) -> NumberFormat {
    if model.starts_with("gpt-oss") && weights == NumberFormat::Fp4 { NumberFormat::Mxfp4 } else { weights }
}

fn count(value: Option<f64>) -> Option<u64> {
    value.filter(|value| *value >= 1.0 && *value <= 1e7).map(|value| value.round() as u64)
}

fn accelerator(sources: &Sources<'_>, name: &str) -> Option<Accelerator> {
    let known = sources.accelerators.iter().find(|(published, _)| published == name);
    let name = known.map_or(name, |(_, catalog)| catalog.as_str());
    sources.catalog.accelerators.get(name).cloned()
}

fn network(sources: &Sources<'_>, accelerator: &Accelerator, devices: u64) -> JobNetwork {
    let (inside, inside_rate) = inside_fabric(accelerator);
    let per_host = accelerator.per_host.unwrap_or(8).max(1);
    let torus = accelerator.kind == AcceleratorKind::Tpu;
    let wiring = Wiring {
        inside: &inside,
        inside_rate,
        across: if torus { "tpu-dcn" } else { "infiniband" },
        host_rate: Some(BytesPerSecond(50e9 * per_host as f64)),
        per_host,
        slice: torus.then_some(devices),
    };
    sources.tables.network(sources.catalog, accelerator, &wiring)
}

/// Requests of a run: as stated, or as the program's own table says for its lengths.
fn requests(row: &ServingConfiguration) -> Option<f64> {
    if row.framework.contains("trtllm-bench") && row.scenario == ServingScenario::Offline {
        let lengths = (row.input_tokens? as u64, row.output_tokens? as u64);
        let known = TRTLLM_BENCH_REQUESTS.iter().find(|(input, output, _)| (*input, *output) == lengths);
        return known.map(|(.., requests)| *requests);
    }
    let number = row.duration_or_requests.strip_suffix(" requests")?;
    number.trim().parse().ok().filter(|count: &f64| *count >= 1.0)
}

/// Recipes of InferenceX for SGLang on Blackwell let the server look for requests every 10 iterations, and every 30 from
/// 16 clients on (`--scheduler-recv-interval`, SemiAnalysisAI/InferenceX: benchmarks of DeepSeek-R1 and Qwen3.5 on B200).
fn polls(row: &ServingConfiguration) -> Option<f64> {
    let recipe = row.framework.to_lowercase().starts_with("sglang")
        && row.dataset == "random_0.8_1.0"
        && row.accelerator.contains("B200")
        && !row.disaggregated;
    let clients = row.batch_or_concurrency.filter(|_| recipe)?;
    Some(if clients >= 16.0 { 30.0 } else { 10.0 })
}

/// The load of one replica.
fn load(row: &ServingConfiguration, replicas: f64) -> Result<Load, Skip> {
    let own = |load: f64| (load / replicas).max(1.0);
    let batch = row.batch_or_concurrency.filter(|batch| *batch >= 1.0);
    match (row.scenario, row.request_rate, batch) {
        (ServingScenario::SingleStream, ..) => Ok(Load::Static(batch.unwrap_or(1.0))),
        (ServingScenario::Offline, _, Some(batch)) => Ok(Load::Static(own(batch))),
        (ServingScenario::Offline, ..) => Ok(Load::Saturated),
        (_, Some(rate), _) if rate > 0.0 && rate.is_finite() => {
            Ok(Load::Rate(rate / replicas, requests(row).map(|count| count / replicas)))
        }
        (_, _, Some(clients)) => Ok(Load::Closed(own(clients))),
        (_, Some(rate), None) if rate == f64::INFINITY => {
            Ok(requests(row).map_or(Load::Saturated, |count| Load::Burst(own(count))))
        }
        _ => Err(Skip::Blank("request_rate")),
    }
}

/// Names of accelerators in published serving tables, with their catalog names.
pub(super) fn published_accelerators() -> Result<Vec<(String, String)>, crate::steptime::ProfileError> {
    let file = "assets/observations/serving-accelerators.csv";
    let text = include_str!("../../../../assets/observations/serving-accelerators.csv");
    csv::ReaderBuilder::new()
        .comment(Some(b'#'))
        .from_reader(text.as_bytes())
        .into_deserialize()
        .collect::<Result<_, _>>()
        .map_err(|error| crate::steptime::ProfileError::Table { file, error })
}
