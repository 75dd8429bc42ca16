//! The search for the fastest layout that fits: every workable split of a fleet, pruned by memory first.

use crate::catalog::{Offload, ParallelLayout, Recompute, Sharding};
use crate::fleet::LayoutRequest;
use crate::units::Bytes;

use super::degrees::{chunk_counts, divisors, pipeline_degrees, tensor_degrees};
use super::transformer_memory::{MemoryBreakdown, MemoryJob};

/// Layouts kept beside the best.
pub const OTHERS: usize = 4;
/// Degrees up to this one are all tried, of larger ones the most that go with the devices.
const SMALL_DEGREE: u64 = 64;
const LARGEST_DEGREES: usize = 8;
/// Layouts whose memory is reckoned at most.
const MOST_CONSIDERED: u64 = 4_000_000;
/// Sequences are split over devices only where each keeps at least this many tokens …
const LEAST_CONTEXT: u64 = 2048;
/// … and only from this length on.
const LONG_SEQUENCE: f64 = 16_384.0;

/// No larger micro-batch is searched: more sequences at once gain nothing.
const MOST_MICRO_BATCH: u64 = 4096;

/// Seconds that a step takes under a layout. Plain closures are costs without a bound.
pub trait StepCost {
    /// Seconds per step.
    fn seconds(&self, layout: &ParallelLayout) -> f64;

    /// Seconds that a step takes at the very least, cheap to tell: never above [`StepCost::seconds`].
    fn at_least(&self, _layout: &ParallelLayout) -> f64 {
        0.0
    }
}

impl<F: Fn(&ParallelLayout) -> f64> StepCost for F {
    fn seconds(&self, layout: &ParallelLayout) -> f64 {
        self(layout)
    }
}

/// What is to be laid out, and on what.
#[derive(Clone, Copy, Debug)]
pub struct LayoutQuestion<'a> {
    /// The job.
    pub job: &'a MemoryJob,
    /// Devices of the fleet.
    pub devices: u64,
    /// Devices of a node.
    pub per_node: u64,
    /// Sequences of a step.
    pub global_batch: u64,
    /// Memory of a device.
    pub present: Bytes,
    /// Host memory for each device; none to offload to where unknown.
    pub host: Option<Bytes>,
    /// What the scenario fixes.
    pub request: &'a LayoutRequest,
}

/// A layout that fits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FoundLayout {
    /// The layout.
    pub layout: ParallelLayout,
    /// Seconds per step by the cost function.
    pub seconds: f64,
    /// Memory of the worst device.
    pub memory: MemoryBreakdown,
}

/// How many layouts were looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SearchCounts {
    /// Layouts whose memory was reckoned.
    pub considered: u64,
    /// Of those, layouts that do not fit.
    pub too_large: u64,
    /// Layouts that fit and no cheaper choice of sharding and recomputation does at least as well.
    pub fitting: u64,
    /// Of those, layouts that were costed; the rest could not have been among the best.
    pub costed: u64,
    /// Splits of the devices whose data-parallel degree does not divide the global batch.
    pub batch_uneven: u64,
}

/// The answer.
#[derive(Clone, Debug, PartialEq)]
pub struct LayoutSearch {
    /// The fastest.
    pub best: FoundLayout,
    /// The next ones.
    pub others: Vec<FoundLayout>,
    /// What was looked at.
    pub counts: SearchCounts,
}

/// Why there is no layout.
#[derive(Clone, Debug, PartialEq)]
pub enum NoLayout {
    /// Nothing fits; the layout that needs least, and its memory.
    Memory(Box<(ParallelLayout, MemoryBreakdown)>),
    /// What is fixed does not go with the devices.
    Devices,
    /// No data-parallel degree goes with the global batch.
    Batch,
}

/// Finds the fastest layout on at most the devices of the fleet. Ties go to fewer devices, then to smaller degrees.
///
/// # Errors
/// When nothing fits, or what is fixed goes with neither devices nor batch.
pub fn search<C: StepCost + ?Sized>(
    question: &LayoutQuestion<'_>,
    cost: &C,
) -> Result<LayoutSearch, NoLayout> {
    let passes: &[Offload] = match question.request.offload {
        Some(Offload::None) => &[Offload::None],
        Some(Offload::Optimizer) => &[Offload::Optimizer],
        Some(Offload::Parameters) => &[Offload::Parameters],
        None if question.host.is_some() => &[Offload::None, Offload::Optimizer, Offload::Parameters],
        None => &[Offload::None],
    };
    let mut walk = Walk { question, counts: SearchCounts::default(), fitting: Vec::new(), least: None };
    for offload in passes {
        walk.all(*offload);
    }
    if !walk.fitting.is_empty() {
        return Ok(walk.rank(cost));
    }
    Err(match walk.least {
        Some(least) => NoLayout::Memory(Box::new(least)),
        None if walk.counts.batch_uneven > 0 => NoLayout::Batch,
        None => NoLayout::Devices,
    })
}

struct Walk<'a> {
    question: &'a LayoutQuestion<'a>,
    counts: SearchCounts,
    fitting: Vec<ParallelLayout>,
    least: Option<(ParallelLayout, MemoryBreakdown)>,
}

/// Data-parallel degrees worth a look where a batch has very many divisors: small ones, powers of two, and those that
/// use most of the devices.
fn likely(degrees: &[u64], most: u64) -> Vec<u64> {
    let fitting = &degrees[..degrees.partition_point(|degree| *degree <= most)];
    let large = fitting.len().saturating_sub(LARGEST_DEGREES);
    let keeps = |(at, degree): (usize, &u64)| {
        (at >= large || *degree <= SMALL_DEGREE || degree.is_power_of_two()).then_some(*degree)
    };
    fitting.iter().enumerate().filter_map(keeps).collect()
}

/// Sizes at least a quarter apart, the first and powers of two always: what lies between changes little.
fn spread(sizes: Vec<u64>) -> Vec<u64> {
    let mut kept: Vec<u64> = Vec::new();
    for size in sizes {
        if size <= SMALL_DEGREE
            || size.is_power_of_two()
            || kept.last().is_none_or(|last| size as f64 >= 1.25 * *last as f64)
        {
            kept.push(size);
        }
    }
    kept
}

/// One asked for, or all that may be.
fn choices(asked: Option<u64>, all: impl FnOnce() -> Vec<u64>) -> Vec<u64> {
    asked.map_or_else(all, |one| vec![one])
}

impl Walk<'_> {
    fn all(&mut self, offload: Offload) {
        let question = self.question;
        let (shape, request) = (question.job.shape(), question.request);
        let most = question.devices;
        let data_degrees = choices(request.data, || self.data_degrees());
        for &tensor in &choices(request.tensor, || tensor_degrees(shape, most)) {
            let chunks = request.virtual_stages.unwrap_or(1);
            for &pipeline in &choices(request.pipeline, || pipeline_degrees(shape, chunks, most / tensor)) {
                for &context in &choices(request.context, || self.context_degrees(most / tensor)) {
                    let most = self.question.devices / (tensor * pipeline * context).max(1);
                    for &data in &likely(&data_degrees, most) {
                        let layout =
                            ParallelLayout { data, tensor, pipeline, context, offload, ..Default::default() };
                        self.split(layout);
                    }
                }
            }
        }
    }

    /// Data-parallel degrees: divisors of the global batch.
    fn data_degrees(&self) -> Vec<u64> {
        let batch = self.question.global_batch;
        let fixed = self.question.request.micro_batch.unwrap_or(1).max(1);
        divisors(if batch.is_multiple_of(fixed) { batch / fixed } else { batch }, self.question.devices)
    }

    fn context_degrees(&self, most: u64) -> Vec<u64> {
        let tokens = self.question.job.sequence();
        let mut degrees = vec![1];
        let mut degree = 2;
        while tokens >= LONG_SEQUENCE
            && degree <= most
            && (tokens as u64).is_multiple_of(2 * degree)
            && tokens as u64 / degree >= LEAST_CONTEXT
        {
            degrees.push(degree);
            degree *= 2;
        }
        degrees
    }

    /// Whether so many devices are whole nodes, or part of one.
    fn places(&self, layout: &ParallelLayout) -> bool {
        let (devices, per_node) = (layout.devices(), self.question.per_node.max(1));
        // Who says how many replicas there are leaves none of the fleet out.
        if self.question.request.data.is_some() {
            return devices == self.question.devices;
        }
        devices <= self.question.devices
            && (devices == self.question.devices || devices < per_node || devices.is_multiple_of(per_node))
    }

    fn split(&mut self, mut layout: ParallelLayout) {
        if !self.places(&layout) {
            return;
        }
        if !self.question.global_batch.is_multiple_of(layout.data) {
            self.counts.batch_uneven += 1;
            return;
        }
        let request = self.question.request;
        let along = (self.question.job.sequence() as u64 / layout.context).is_multiple_of(layout.tensor);
        layout.sequence_parallel = layout.tensor > 1 && along && request.sequence_parallel.unwrap_or(true);
        let shape = *self.question.job.shape();
        let ranks = layout.data * layout.context;
        let experts = shape.experts.map_or(1, |experts| experts.count as u64);
        for expert in choices(request.expert, || divisors(experts, ranks)) {
            if !ranks.is_multiple_of(expert) {
                continue;
            }
            for virtual_stages in choices(request.virtual_stages, || chunk_counts(&shape, layout.pipeline)) {
                self.batches(ParallelLayout { expert, virtual_stages, ..layout });
            }
        }
    }

    /// Micro-batches, rising: memory rises with them, so the first that fits in no way ends the row.
    fn batches(&mut self, layout: ParallelLayout) {
        let request = self.question.request;
        let local = self.question.global_batch / layout.data;
        let sizes = match (request.micro_batch, request.gradient_accumulation) {
            (Some(micro), _) => vec![micro],
            (None, Some(steps)) if local.is_multiple_of(steps) => vec![local / steps],
            (None, Some(_)) => Vec::new(),
            (None, None) => spread(divisors(local, MOST_MICRO_BATCH)),
        };
        for micro_batch in sizes {
            if !local.is_multiple_of(micro_batch) {
                continue;
            }
            let accumulation = local / micro_batch;
            let contradicts = request.gradient_accumulation.is_some_and(|steps| steps != accumulation);
            // The interleaved schedule works through micro-batches in rounds of as many as there are stages.
            let uneven = layout.virtual_stages > 1 && !accumulation.is_multiple_of(layout.pipeline);
            if contradicts || uneven {
                continue;
            }
            if !self.states(ParallelLayout { micro_batch, accumulation, ..layout }) {
                break;
            }
        }
    }

    /// Sharding and recomputation: each cheaper in memory costs time, so only the least of both that fits is kept, and
    /// more sharding only where it spares recomputation. Whether any fits.
    fn states(&mut self, layout: ParallelLayout) -> bool {
        let mut spared: Option<Recompute> = None;
        for (sharding, shard_group) in self.shardings(&layout) {
            let layout = ParallelLayout { sharding, shard_group, ..layout };
            let Some(recompute) = self.least_recompute(&layout, spared) else { continue };
            self.counts.fitting += 1;
            self.fitting.push(ParallelLayout { recompute, ..layout });
            spared = Some(recompute);
            if recompute == Recompute::None {
                break;
            }
        }
        spared.is_some()
    }

    fn least_recompute(&mut self, layout: &ParallelLayout, below: Option<Recompute>) -> Option<Recompute> {
        let asked = self.question.request.recompute;
        for (_, recompute) in Recompute::ALL {
            let useless = *recompute == Recompute::Selective
                && !self.question.job.selective_helps()
                && asked != Some(Recompute::Selective);
            if asked.is_some_and(|asked| asked != *recompute) || useless {
                continue;
            }
            if below.is_some_and(|below| *recompute >= below) {
                return None;
            }
            if self.fits(&ParallelLayout { recompute: *recompute, ..*layout }) {
                return Some(*recompute);
            }
        }
        None
    }

    fn fits(&mut self, layout: &ParallelLayout) -> bool {
        if self.counts.considered >= MOST_CONSIDERED {
            return false;
        }
        let memory = self.question.job.memory(layout);
        self.counts.considered += 1;
        let total = memory.total();
        let host_short = memory.host > 0.0 && self.question.host.is_none_or(|host| memory.host > host.0);
        let fits = total <= self.question.present.0 && !host_short;
        if !fits {
            self.counts.too_large += 1;
            if self.least.is_none_or(|(_, least)| total < least.total()) && !host_short {
                self.least = Some((*layout, memory));
            }
        }
        fits
    }

    /// Kinds of sharding with their groups, from the least traffic to the most.
    fn shardings(&self, layout: &ParallelLayout) -> Vec<(Sharding, u64)> {
        let request = self.question.request;
        let ranks = layout.data * layout.context;
        let inside = self.question.per_node / layout.tensor.max(1);
        let hybrid = inside > 1 && inside < ranks && ranks.is_multiple_of(inside);
        let group = request.shard_group.unwrap_or(0);
        if group > 0 && !ranks.is_multiple_of(group) {
            return Vec::new();
        }
        if let Some(sharding) = request.sharding {
            return vec![(sharding, group)];
        }
        if layout.offload == Offload::Parameters {
            return vec![(Sharding::Full, group)];
        }
        if ranks == 1 {
            return vec![(Sharding::None, 0)];
        }
        let mut kinds = vec![(Sharding::Optimizer, group), (Sharding::Gradients, group)];
        if hybrid && request.shard_group.is_none() {
            kinds.push((Sharding::Full, inside));
        }
        kinds.push((Sharding::Full, group));
        kinds
    }

    /// Costs what fits, in the order of its lower bound, until the bound is above the last of the best.
    fn rank<C: StepCost + ?Sized>(mut self, cost: &C) -> LayoutSearch {
        let mut order: Vec<(f64, ParallelLayout)> =
            self.fitting.iter().map(|layout| (cost.at_least(layout), *layout)).collect();
        order.sort_by(|(a, first), (b, second)| a.total_cmp(b).then_with(|| key(first).cmp(&key(second))));
        let mut best: Vec<(f64, ParallelLayout)> = Vec::with_capacity(OTHERS + 2);
        for (bound, layout) in order {
            if best.len() > OTHERS && best.last().is_some_and(|(last, _)| bound > *last) {
                break;
            }
            self.counts.costed += 1;
            let seconds = cost.seconds(&layout);
            let after = |other: &(f64, ParallelLayout)| {
                other.0.total_cmp(&seconds).then_with(|| key(&other.1).cmp(&key(&layout))).is_lt()
            };
            let place = best.partition_point(after);
            best.insert(place, (seconds, layout));
            best.truncate(OTHERS + 1);
        }
        let job = self.question.job;
        let mut found = best.into_iter().map(|(seconds, layout)| FoundLayout {
            layout,
            seconds,
            memory: job.memory(&layout),
        });
        // `rank` is only asked where something fits.
        let best = found.next().unwrap_or(FoundLayout {
            layout: ParallelLayout::default(),
            seconds: f64::INFINITY,
            memory: MemoryBreakdown::default(),
        });
        LayoutSearch { best, others: found.collect(), counts: self.counts }
    }
}

/// The order of layouts that cost the same: fewer devices, then smaller degrees, then less of everything else.
fn key(layout: &ParallelLayout) -> [u64; 10] {
    [
        layout.devices(),
        layout.tensor,
        layout.pipeline,
        layout.context,
        layout.expert,
        layout.virtual_stages,
        layout.sharding as u64,
        layout.recompute as u64,
        layout.micro_batch,
        layout.shard_group,
    ]
}
