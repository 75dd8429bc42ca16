//! Ways to serve a model on a machine: which layouts fit, their iteration times, and a first estimate of what they do.

use std::sync::Arc;

use crate::catalog::{
    Accelerator, AcceleratorKind, Engine, NumberFormat, Provenance, ServingLayout, Transformer,
};
use crate::fleet::{Candidate, GroupRole};
use crate::layout::{MemoryNeed, Reason, ServingMemoryJob, serving_memory};
use crate::scenario::{RequestTime, ServingSpec};
use crate::steptime::Wiring;
use crate::steptime::kernels::DeviceRates;
use crate::steptime::serving::{
    ServingJob, ServingLaws, ServingSeconds, ServingSteps, ServingTerm, StepTable, TableScope,
};
use crate::units::{Bytes, BytesPerSecond, Seconds, SimSpan};
use crate::workload::inference::{KvSpace, ReplicaModel, Rules, ServiceModel};

use super::{Asked, Z_END};

/// NIC where the catalog names none: 10 Gbit/s.
pub(super) const UNKNOWN_CARD: BytesPerSecond = BytesPerSecond(1.25e9);
/// Share of host memory that swapped sequences may take.
const SWAP_SHARE: f64 = 0.25;
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
fn longest(spec: &ServingSpec) -> u32 {
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
fn applied(engine: &Engine, spec: &ServingSpec) -> Engine {
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
        let per_decode = spec.batching.speculation.map_or(1, |speculation| speculation.drafts + 1);
        let scope = TableScope {
            most_tokens: self.engine.max_batched_tokens.max(per_decode * self.engine.max_sequences),
            most_sequences: self.engine.max_sequences,
            longest,
            tokens_per_decode: per_decode,
        };
        let known = self.steps.table(&job, &scope);
        let laws = self.steps.laws(&job);
        let blocks = memory.blocks(self.engine.block_tokens);
        let rules = Rules {
            batching: self.engine.batching,
            chunked_prefill: self.engine.chunked_prefill,
            max_batched_tokens: self.engine.max_batched_tokens,
            max_sequences: self.engine.max_sequences,
            watermark_blocks: (self.engine.watermark * blocks as f64) as u64,
            preemption: self.engine.preemption,
            prefix_cache: self.engine.prefix_cache,
            speculation: spec.batching.speculation,
            request_overhead: SimSpan::from_seconds(Seconds(known.request_s)),
            response_overhead: SimSpan::from_seconds(Seconds(known.response_s)),
        };
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

/// What a replica does in the mean, without queues.
struct Sketch<'a> {
    table: &'a StepTable,
    rules: &'a Rules,
    cache_tokens: f64,
    spec: &'a ServingSpec,
    asked: &'a Asked<'a>,
    role: Option<GroupRole>,
}

impl Sketch<'_> {
    /// Shares of prompts and of answers that this group computes: a prefill group reads only, a decode group writes only.
    fn shares(&self) -> (f64, f64) {
        match self.role {
            Some(GroupRole::Prefill) => (1.0, 0.0),
            Some(GroupRole::Decode) => (0.0, 1.0),
            _ => (1.0, 1.0),
        }
    }

    /// Nanoseconds of prefilling the mean prompt, chunk by chunk, alone.
    fn prefill_ns(&self) -> f64 {
        let input = (mean_lengths(self.spec).0 + 0.5) as u32;
        let chunk =
            if self.rules.chunked_prefill { self.rules.max_batched_tokens.max(1) } else { input.max(1) };
        let (mut done, mut sum) = (0, 0.0);
        while done < input {
            let own = chunk.min(input - done);
            sum += self.table.iteration_ns(0, 0, own, self.table.prefill_attention_ns(own, done), 1);
            done += own;
        }
        sum
    }

    fn decode_ns(&self, sequences: u32) -> f64 {
        let (input, output) = mean_lengths(self.spec);
        let contexts = f64::from(sequences) * (input + output / 2.0);
        self.table.iteration_ns(sequences, contexts as u64, 0, 0.0, sequences)
    }

    /// Tokens that an iteration yields for each sequence.
    fn yielded(&self) -> f64 {
        self.rules.speculation.map_or(1.0, |speculation| {
            let (alpha, drafts) = (speculation.acceptance, f64::from(speculation.drafts));
            (1.0 - libm::pow(alpha, drafts + 1.0)) / (1.0 - alpha)
        })
    }

    /// Requests per second of one replica at the largest batch that keeps the tokens' pace, and that batch.
    fn rate(&self) -> (f64, u32) {
        let (input, output) = mean_lengths(self.spec);
        let held = (self.cache_tokens / (input + output).max(1.0)).max(1.0);
        let most = f64::from(self.rules.max_sequences).min(held) as u32;
        let (reads, writes) = self.shares();
        let prefill = reads * self.prefill_ns();
        let of = |batch: u32| {
            let per_token = self.decode_ns(batch) / self.yielded();
            let work = prefill + writes * output * per_token / f64::from(batch);
            // Between two tokens of a sequence, prompts of others are read as well.
            let pace = per_token + prefill * f64::from(batch) / output.max(1.0);
            (1e9 / work, pace / 1e9)
        };
        let targets = self.asked.scenario.objective.latency.iter();
        let keeps_pace = self.role != Some(GroupRole::Prefill);
        let pace_limit = targets
            .filter(|target| target.time == RequestTime::PerOutputToken)
            .map(|target| target.limit.0)
            .fold(f64::INFINITY, f64::min);
        let mut batch = most.max(1);
        while batch > 1 && keeps_pace && of(batch).1 > pace_limit {
            batch = (batch * 7 / 8).max(1).min(batch - 1);
        }
        (of(batch).0, batch)
    }

    /// A request alone: to its first token, and to its end.
    fn alone(&self) -> (Seconds, Seconds) {
        let first = self.rules.request_overhead.seconds().0 + self.prefill_ns() / 1e9;
        let output = mean_lengths(self.spec).1;
        let rest = (output - 1.0).max(0.0) * self.decode_ns(1) / self.yielded() / 1e9;
        (Seconds(first), Seconds(first + rest + self.rules.response_overhead.seconds().0))
    }

    /// What the time of a replica goes into at a batch, as shares of it by bound, greatest first.
    fn parts(&self, batch: u32, laws: &ServingLaws<'_>) -> Vec<(&'static str, f64)> {
        let (input, output) = mean_lengths(self.spec);
        let mut sums =
            [("compute", 0.0), ("memory-bandwidth", 0.0), ("network", 0.0), ("host-overhead", 0.0)];
        let mut add = |parts: &ServingSeconds, times: f64, reading: bool| {
            for (_, term) in ServingTerm::ALL {
                sums[bound_of(term, reading)].1 += times * parts.seconds[term as usize];
            }
        };
        let (reads, writes) = self.shares();
        let chunk = f64::from(self.rules.max_batched_tokens).min(input).max(1.0);
        add(&laws.device_parts(chunk), reads * input / chunk, true);
        let iterations = writes * output / self.yielded() / f64::from(batch.max(1));
        add(&laws.device_parts(f64::from(batch * self.table.tokens_per_decode())), iterations, false);
        let sequences = f64::from(batch);
        let attention = laws.decode_attention(sequences, input + output / 2.0) * iterations;
        sums[1].1 += attention + laws.sampled(sequences) * iterations;
        sums[0].1 += reads * self.table.prefill_attention_ns((input + 0.5) as u32, 0) / 1e9;
        let device: f64 = sums.iter().map(|(_, seconds)| seconds).sum();
        let written = writes * output / self.yielded() * self.decode_ns(batch) / sequences;
        let work = (reads * self.prefill_ns() + written) / 1e9;
        sums[3].1 += (work - device).max(0.0);
        let total: f64 = sums.iter().map(|(_, seconds)| seconds).sum();
        let mut shares: Vec<(&str, f64)> =
            sums.iter().map(|(name, seconds)| (*name, seconds / total.max(1e-12))).collect();
        shares.sort_by(|left, right| right.1.total_cmp(&left.1));
        shares
    }
}

/// The bound that a term belongs to, as a place in the list; `reading` of prompts.
fn bound_of(term: ServingTerm, reading: bool) -> usize {
    match term {
        ServingTerm::Arithmetic | ServingTerm::PromptAttention => 0,
        ServingTerm::Experts => usize::from(!reading),
        ServingTerm::Streaming
        | ServingTerm::Vocabulary
        | ServingTerm::DecodeAttention
        | ServingTerm::Elementwise => 1,
        ServingTerm::TensorExchange | ServingTerm::ExpertExchange | ServingTerm::PipelineExchange => 2,
        ServingTerm::Host | ServingTerm::PromptHost | ServingTerm::Request => 3,
    }
}
