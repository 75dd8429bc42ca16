//! Ways to serve a model on a machine: which layouts fit, their iteration times, and a first estimate of what they do.

use std::sync::Arc;

use crate::catalog::{
    Accelerator, AcceleratorKind, Engine, NumberFormat, Provenance, ServingLayout, Transformer,
};
use crate::fleet::Candidate;
use crate::layout::{MemoryNeed, Reason, ServingMemoryJob, serving_memory};
use crate::scenario::ServingSpec;
use crate::steptime::Wiring;
use crate::steptime::kernels::DeviceRates;
use crate::steptime::serving::{ServingJob, ServingSteps, TableScope};
use crate::units::{Bytes, BytesPerSecond, Seconds, SimSpan};
use crate::workload::inference::{KvSpace, ReplicaModel, Rules, ServiceModel};

use super::sketch::Sketch;
use super::{Asked, Z_END, measured_language};

/// NIC where the catalog names none: 10 Gbit/s.
pub(super) const UNKNOWN_CARD: BytesPerSecond = BytesPerSecond(1.25e9);
/// Share of host memory that swapped sequences may take.
pub(super) const SWAP_SHARE: f64 = 0.25;
/// Most machines that one replica is spread over.
const MOST_STAGES: u64 = 8;

/// How replicas lie on machines.
#[derive(Clone, Debug)]
pub struct Way {
    /// Layout of a replica of a language model.
    pub layout: Option<ServingLayout>,
    /// Replicas on one machine.
    pub per_machine: u64,
    /// Machines of one replica.
    pub machines_per_replica: u64,
    /// Memory of a device.
    pub memory: Option<MemoryNeed>,
    /// Tokens that the cache of a replica holds.
    pub cache_tokens: Option<f64>,
    /// Keys and values of a token, in bytes over all devices.
    pub cache_bytes_per_token: f64,
    /// What a replica does when its steps are quick, as predicted, and slow: the ends are those of the intervals.
    pub services: [ServiceModel; 3],
    /// Standard deviation of the logarithm of the error of its times.
    pub log_error: f64,
    /// How the times are known.
    pub provenance: Provenance,
    /// Where they come from, in words.
    pub basis: String,
    /// First estimate of requests per second of one machine.
    pub guess: f64,
    /// Time of one request alone on a replica: to the first token, and to the end.
    pub alone: (Seconds, Seconds),
    /// What its times are made of when it is busy, greatest first, as shares.
    pub parts: Vec<(&'static str, f64)>,
}

impl Way {
    /// Words for tables.
    #[must_use]
    pub fn words(&self) -> String {
        let split = match self.layout {
            Some(layout) => {
                let mut words = format!("tensor {}", layout.tensor);
                if layout.pipeline > 1 {
                    words.push_str(&format!(" × pipeline {}", layout.pipeline));
                }
                words
            }
            None => "whole".to_owned(),
        };
        if self.machines_per_replica > 1 {
            format!("{split}, {} machines a replica", self.machines_per_replica)
        } else {
            format!("{split}, {} a machine", self.per_machine)
        }
    }
}

/// Factors on times at the ends and in the middle.
pub(super) fn factors(log_error: f64) -> [f64; 3] {
    [libm::exp(-Z_END * log_error), 1.0, libm::exp(Z_END * log_error)]
}

/// Mean tokens of a request: prompt and answer.
pub(super) fn mean_lengths(spec: &ServingSpec) -> (f64, f64) {
    let mut means = (0.0, 0.0);
    for mix in &spec.traffic.mixes {
        means.0 += mix.share * mix.lengths.input.mean();
        means.1 += mix.share * mix.lengths.output.mean();
    }
    means
}

/// Longest prompt and answer together.
pub(super) fn longest(spec: &ServingSpec) -> u32 {
    let most = |mix: &crate::workload::arrivals::Mix| {
        mix.lengths.input.most().saturating_add(mix.lengths.output.most())
    };
    let longest = spec.traffic.mixes.iter().map(most).max().unwrap_or(1).max(1);
    longest.min(spec.traffic.most_tokens.unwrap_or(u32::MAX))
}

/// What is told where some requests are longer than the model takes.
pub(super) fn cut_short(spec: &ServingSpec) -> Option<String> {
    let most = spec.traffic.most_tokens?;
    let longer = spec
        .traffic
        .mixes
        .iter()
        .any(|mix| mix.lengths.input.most().saturating_add(mix.lengths.output.most()) > most);
    longer.then(|| {
        format!("requests of more than {most} tokens are cut there: {} takes no more", spec.model.id)
    })
}

/// Every way to serve a language model on the candidate's machines, the best first; or why there is none.
pub(super) fn language(
    asked: &Asked<'_>,
    steps: &ServingSteps,
    candidate: &Candidate,
) -> Result<Vec<Way>, Reason> {
    let spec = asked.spec;
    let no = |what: String| Reason::NoStepTime(what);
    if let Some(way) = measured_language::way(asked, candidate)? {
        return Ok(vec![way]);
    }
    let Some(accelerator) = candidate.accelerator.as_deref() else {
        return Err(no("language models are timed on accelerators only".to_owned()));
    };
    let shape = spec.model.transformer.as_ref().ok_or_else(|| no("the model has no shape".to_owned()))?;
    let engine = asked.catalog.engine(&spec.engine).map_err(|unknown| no(unknown.to_string()))?;
    if candidate.instance.accelerators < 1.0 {
        return Err(Reason::SharedDevice(candidate.instance.accelerators));
    }
    let device = asked.step_times.tables.rates(accelerator).map_err(|error| no(error.to_string()))?;
    let builder = Builder {
        asked,
        steps,
        candidate,
        accelerator,
        shape,
        engine: applied(&engine.on(accelerator), spec),
        device,
    };
    let mut found = Vec::new();
    let mut least: Option<MemoryNeed> = None;
    for layout in builder.layouts() {
        match builder.way(layout) {
            Ok(way) => found.push(way),
            Err(need) => {
                if least.as_ref().is_none_or(|least| need.total() < least.total()) {
                    least = Some(need);
                }
            }
        }
    }
    if found.is_empty() {
        return Err(match least {
            Some(need) => Reason::Memory(need),
            None => no("no layout divides the model over these devices".to_owned()),
        });
    }
    found.sort_by(|left, right| {
        let per_machine = |way: &Way| way.guess;
        per_machine(right).total_cmp(&per_machine(left)).then(left.layout.cmp(&right.layout))
    });
    Ok(found)
}

/// The engine with what the scenario changes of it.
pub(super) fn applied(engine: &Engine, spec: &ServingSpec) -> Engine {
    let batching = &spec.batching;
    let mut engine = engine.clone();
    engine.max_sequences = batching.max_sequences.unwrap_or(engine.max_sequences);
    engine.max_batched_tokens = batching.max_batched_tokens.unwrap_or(engine.max_batched_tokens);
    engine.chunked_prefill = batching.chunked_prefill.unwrap_or(engine.chunked_prefill);
    engine.prefix_cache = batching.prefix_cache.unwrap_or(engine.prefix_cache);
    engine.preemption = batching.preemption.unwrap_or(engine.preemption);
    engine.memory_fraction = batching.memory_fraction.unwrap_or(engine.memory_fraction);
    let longest = spec.traffic.mixes.iter().map(|mix| mix.lengths.input.most()).max();
    match (batching.max_batched_tokens, longest) {
        (None, Some(longest)) => engine.for_prompts(longest),
        _ => engine,
    }
}

/// The rules by which a replica of `blocks` schedules; overheads before a request and after it.
pub(super) fn rules(engine: &Engine, spec: &ServingSpec, blocks: u64, overheads: [SimSpan; 2]) -> Rules {
    let [request_overhead, response_overhead] = overheads;
    Rules {
        batching: engine.batching,
        chunked_prefill: engine.chunked_prefill,
        max_batched_tokens: engine.max_batched_tokens,
        max_sequences: engine.max_sequences,
        watermark_blocks: (engine.watermark * blocks as f64) as u64,
        preemption: engine.preemption,
        prefix_cache: engine.prefix_cache,
        speculation: spec.batching.speculation,
        request_overhead,
        response_overhead,
    }
}

/// What the table of iterations must hold.
pub(super) fn scope(engine: &Engine, spec: &ServingSpec) -> TableScope {
    let per_decode = spec.batching.speculation.map_or(1, |speculation| speculation.drafts + 1);
    TableScope {
        most_tokens: engine.max_batched_tokens.max(per_decode * engine.max_sequences),
        most_sequences: engine.max_sequences,
        longest: longest(spec),
        tokens_per_decode: per_decode,
    }
}

struct Builder<'a> {
    asked: &'a Asked<'a>,
    steps: &'a ServingSteps,
    candidate: &'a Candidate,
    accelerator: &'a Accelerator,
    shape: &'a Transformer,
    engine: Engine,
    device: DeviceRates,
}

impl Builder<'_> {
    /// Tensor degrees that divide the heads and the machine; pipelines over machines only with whole ones.
    fn layouts(&self) -> Vec<ServingLayout> {
        let devices = self.candidate.accelerators_per_node();
        let heads = self.shape.attention.heads();
        let asked = &self.candidate.layout;
        let fits = |tensor: u64| {
            devices.is_multiple_of(tensor)
                && heads % tensor as f64 == 0.0
                && asked.tensor.is_none_or(|wanted| wanted == tensor)
        };
        let tensors: Vec<u64> = (1..=devices).filter(|tensor| fits(*tensor)).collect();
        let mut layouts = Vec::new();
        for tensor in &tensors {
            let stages = asked.pipeline.unwrap_or(1);
            let expert = asked.expert.unwrap_or(1);
            layouts.push(ServingLayout { tensor: *tensor, pipeline: stages, expert, attention_data: 1 });
        }
        let enough = self.candidate.replicas != crate::fleet::Replicas::Full;
        if let (Some(tensor), None) = (tensors.last(), asked.pipeline) {
            let machines = if enough { MOST_STAGES } else { self.candidate.count.min(MOST_STAGES) };
            for stages in (2..=machines).filter(|stages| self.shape.layers % *stages as f64 == 0.0) {
                if *tensor == devices {
                    layouts.push(ServingLayout {
                        tensor: *tensor,
                        pipeline: stages,
                        expert: 1,
                        attention_data: 1,
                    });
                }
            }
        }
        layouts
    }

    /// One layout: what it needs when it does not fit.
    fn way(&self, layout: ServingLayout) -> Result<Way, MemoryNeed> {
        let spec = self.asked.spec;
        let cache = spec.cache.unwrap_or(NumberFormat::Bf16);
        let present = self.accelerator.memory.unwrap_or(Bytes::ZERO);
        let memory_job = ServingMemoryJob {
            shape: self.shape,
            weights: spec.weights,
            cache,
            layout,
            max_batched_tokens: self.engine.max_batched_tokens,
            max_sequences: self.engine.max_sequences,
            memory_fraction: self.engine.memory_fraction,
            memory_share: self.engine.memory_share,
            present,
        };
        let memory = serving_memory(&memory_job);
        let undivided = ServingLayout { tensor: 1, pipeline: 1, expert: 1, attention_data: 1 };
        let longest = longest(spec);
        let need = memory.need(self.shape, f64::from(longest));
        if !need.fits() {
            return Err(need);
        }
        let devices = self.candidate.accelerators_per_node();
        let fabrics = self.candidate.network();
        let wiring = Wiring {
            inside: &fabrics.inside,
            inside_rate: fabrics.inside_bandwidth,
            across: &fabrics.across,
            host_rate: Some(fabrics.across_bandwidth.unwrap_or(UNKNOWN_CARD)),
            per_host: devices.max(1),
            slice: (self.accelerator.kind == AcceleratorKind::Tpu).then_some(devices),
        };
        let network = self.asked.step_times.tables.network(self.asked.catalog, self.accelerator, &wiring);
        let job = ServingJob {
            model: &spec.model.id,
            shape: self.shape,
            weights: spec.weights,
            cache,
            accelerator: self.accelerator,
            layout,
            micro_batches: layout.pipeline,
            engine: &self.engine,
            version: "",
            device: &self.device,
            network: &network,
        };
        let scope = scope(&self.engine, spec);
        let known = self.steps.table(&job, &scope);
        let laws = self.steps.laws(&job);
        let blocks = memory.blocks(self.engine.block_tokens);
        let overheads = [known.request_s, known.response_s].map(|time| SimSpan::from_seconds(Seconds(time)));
        let rules = rules(&self.engine, spec, blocks, overheads);
        let block_bytes = memory.per_token * f64::from(self.engine.block_tokens);
        let host = self.candidate.instance.memory.map_or(0.0, |memory| memory.0 * SWAP_SHARE);
        let replicas = if layout.devices() <= devices { devices / layout.devices() } else { 1 };
        let kv = KvSpace {
            blocks,
            block_tokens: self.engine.block_tokens,
            swap_blocks: (host / replicas as f64 / block_bytes.max(1.0)) as u64,
            swap_block_ns: 1e9 * block_bytes / self.accelerator.pcie_bandwidth().0.max(1.0),
        };
        let service = |factor: f64| {
            let table = if factor == 1.0 { known.table.clone() } else { laws.table(&scope, factor) };
            ServiceModel::Language(ReplicaModel { table: Arc::new(table), kv, rules })
        };
        let sketch = Sketch {
            asked: self.asked,
            table: &known.table,
            rules: &rules,
            cache_tokens: memory.tokens(),
            spec,
            role: self.candidate.role,
        };
        let (guess, batch) = sketch.rate();
        let machines_per_replica = layout.devices().div_ceil(devices);
        Ok(Way {
            layout: Some(layout),
            per_machine: replicas,
            machines_per_replica,
            memory: Some(need),
            cache_tokens: Some(memory.tokens()),
            cache_bytes_per_token: serving_memory(&ServingMemoryJob { layout: undivided, ..memory_job })
                .per_token,
            services: factors(known.log_error).map(service),
            log_error: known.log_error,
            provenance: known.provenance,
            basis: format!(
                "{} on {}, {} {}: iterations from kernels, exchanges and the engine's host work",
                spec.model.id,
                self.accelerator.name,
                self.engine.name,
                spec.weights.word()
            ),
            guess: guess * replicas as f64 / machines_per_replica as f64,
            alone: sketch.alone(),
            parts: sketch.parts(batch, &laws),
        })
    }
}
