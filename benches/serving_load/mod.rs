//! The load that serving speed is measured on.

use std::sync::Arc;

use capplan::catalog::{Batching, Preemption};
use capplan::engine::Cancel;
use capplan::stats::Stream;
use capplan::steptime::serving::{StepLaws, StepTable};
use capplan::units::{Seconds, SimSpan, SimTime};
use capplan::workload::arrivals::Request;
use capplan::workload::inference::{FleetJob, KvSpace, Open, ReplicaModel, Rules, ServiceModel, ServingRun};

/// Requests per second.
const RATE: f64 = 24.0;
const REPLICAS: u32 = 4;
/// The workload in the reference data: arrivals at one per second, lengths.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/workload_conv4k_unit.csv");

/// A Llama-3-8B on an A100 of 80 GB, roughly: 9 ms to read its weights, 250 TFLOP/s, 1.5 TB/s for the cache.
pub struct Load {
    model: ReplicaModel,
    /// Gap in seconds at one request per second, prompt, answer.
    rows: Vec<(f64, u32, u32)>,
}

impl Load {
    #[must_use]
    pub fn new() -> Self {
        let rows = read().unwrap_or_else(drawn);
        Self { model: model(), rows }
    }

    /// The requests, recycled, drawn as they are asked for.
    pub fn requests(&self, count: u64) -> impl Iterator<Item = Request> {
        let mut at = 0.0;
        self.rows.iter().cycle().take(count as usize).map(move |(gap, input, output)| {
            at += gap / RATE;
            let at = SimTime::ZERO + SimSpan::from_seconds(Seconds(at));
            Request { at, input: *input, output: *output, model: 0, priority: 0, prefix: None }
        })
    }

    #[must_use]
    pub fn run(&self, count: u64, stepwise: bool) -> ServingRun {
        let service = ServiceModel::Language(self.model.clone());
        let job = FleetJob { stepwise, ..FleetJob::of(service, REPLICAS) };
        job.serve(&mut Open(self.requests(count)), (1, 0), &mut |_| {}, &Cancel::new())
    }

    /// The time of some iteration.
    #[must_use]
    pub fn look_up(&self, place: u32) -> f64 {
        let (decodes, mean) = (1 + place % 128, u64::from(place >> 8) % 4096);
        self.model.table.iteration_ns(decodes, u64::from(decodes) * mean, place % 512, 0.0, decodes)
    }
}

impl Default for Load {
    fn default() -> Self {
        Self::new()
    }
}

fn model() -> ReplicaModel {
    let table = StepTable::tabulate(&StepLaws {
        linear: &|tokens| 9e-3_f64.max(6.4e-5 * tokens) + 3e-4,
        sampled: &|count| 3e-4 + 4e-6 * count,
        decode_attention: &|count, context| 5e-5 + 8.7e-8 * count * context,
        prefill_attention: &|tokens, history| 1.5e-9 * tokens * (tokens / 2.0 + history),
        most_tokens: 8192,
        most_sequences: 128,
        longest: 8192,
        tokens_per_decode: 1,
    });
    let rules = Rules {
        batching: Batching::DecodeFirst,
        chunked_prefill: true,
        max_batched_tokens: 512,
        max_sequences: 128,
        watermark_blocks: 0,
        preemption: Preemption::Recompute,
        prefix_cache: false,
        speculation: None,
        request_overhead: SimSpan::ZERO,
        response_overhead: SimSpan::ZERO,
    };
    // 54 GB at 128 KiB per token.
    let kv = KvSpace { blocks: 25_700, block_tokens: 16, swap_blocks: 0, swap_block_ns: 0.0 };
    ReplicaModel { table: Arc::new(table), kv, rules }
}

fn read() -> Option<Vec<(f64, u32, u32)>> {
    let text = std::fs::read_to_string(FILE).ok()?;
    let mut before = 0.0;
    let row = |line: &str| {
        let mut fields = line.split(',');
        let at: f64 = fields.next()?.parse().ok()?;
        let gap = at - std::mem::replace(&mut before, at);
        Some((gap, fields.next()?.trim().parse().ok()?, fields.next()?.trim().parse().ok()?))
    };
    let rows: Vec<_> = text.lines().skip(1).filter_map(row).collect();
    (!rows.is_empty()).then_some(rows)
}

/// Where the reference data is not at hand: lengths of the same means and spread.
fn drawn() -> Vec<(f64, u32, u32)> {
    println!("the workload file is not there; its lengths are drawn instead");
    let mut stream = Stream::named(1, 0, "bench", "serving");
    let row = |_| {
        let (gap, input, output) =
            (stream.exponential(1.0), stream.gamma(1100.0, 0.9), stream.gamma(215.0, 0.75));
        (gap, input.clamp(1.0, 4000.0) as u32, output.clamp(1.0, 1000.0) as u32)
    };
    (0..10_000).map(row).collect()
}

/// Most memory of this process so far, in MB.
#[must_use]
pub fn peak_megabytes() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find(|line| line.starts_with("VmHWM"))?;
    line.split_whitespace().nth(1)?.parse::<f64>().ok().map(|kib| kib / 1024.0)
}
