//! What a serving run promises: leaping equals stepping, nobody is lost or served twice, work and time add up.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::sync::Arc;

use capplan::catalog::{Batching, Preemption};
use capplan::engine::Cancel;
use capplan::stats::Stream;
use capplan::steptime::serving::{StepLaws, StepTable};
use capplan::units::{Seconds, SimSpan, SimTime};
use capplan::workload::arrivals::{Prefix, Request};
use capplan::workload::inference::{
    Closed, Fate, FleetJob, KvSpace, Open, ReplicaModel, RequestRecord, Rules, ServingRun, Speculation,
};
use proptest::prelude::*;

/// Times of the size of an 8B model on a large device, times `scale`.
fn table(scale: f64, tokens_per_decode: u32) -> Arc<StepTable> {
    Arc::new(StepTable::tabulate(&StepLaws {
        linear: &|tokens| scale * (9e-3_f64).max(0.7e-4 * tokens),
        sampled: &|count| scale * (3e-4 + 5e-6 * count),
        decode_attention: &|count, context| scale * (2e-5 + 9e-8 * count * context),
        prefill_attention: &|tokens, history| scale * 2e-9 * tokens * (tokens / 2.0 + history),
        most_tokens: 8192,
        most_sequences: 256,
        longest: 16_384,
        tokens_per_decode,
    }))
}

fn model(blocks: u64, rules: Rules) -> ReplicaModel {
    let drafts = rules.speculation.map_or(0, |own| own.drafts);
    let kv = KvSpace { blocks, block_tokens: 16, swap_blocks: 200, swap_block_ns: 4e4 };
    ReplicaModel { table: table(1.0, 1 + drafts), kv, rules }
}

/// Requests of random lengths at random times: `rate` per second.
fn requests(seed: u64, count: u64, rate: f64, priorities: u8) -> Vec<Request> {
    let mut stream = Stream::named(seed, 0, "test", "requests");
    let mut at = 0.0;
    let request = |_| {
        at += stream.exponential(1.0 / rate);
        let input = stream.gamma(300.0, 1.2) as u32;
        let output = stream.gamma(60.0, 1.5) as u32;
        let priority = stream.below(usize::from(priorities.max(1))) as u8;
        let group = stream.below(5) as u32;
        let prefix = Some(Prefix { group, tokens: 64 * (group + 1) });
        let at = SimTime::ZERO + SimSpan::from_seconds(Seconds(at));
        Request { at, input, output, model: 0, priority, prefix }
    };
    (0..count).map(request).collect()
}

fn serve(job: &FleetJob, requests: &[Request], seed: u64) -> (ServingRun, Vec<RequestRecord>) {
    let mut records = Vec::new();
    let mut source = Open(requests.iter().copied());
    let run = job.serve(&mut source, (seed, 0), &mut |record| records.push(*record), &Cancel::new());
    (run, records)
}

/// Everybody leaves once, tokens and times add up.
fn assert_books(run: &ServingRun, records: &[RequestRecord], offered: usize) {
    let mut seen = BTreeMap::new();
    for record in records {
        *seen.entry(record.order).or_insert(0) += 1;
        assert!(record.request.at <= record.end);
        if let Some(first) = record.first_token {
            assert!(
                record.request.at <= first && first <= record.last_token && record.last_token <= record.end
            );
        }
    }
    assert!(seen.values().all(|times| *times == 1), "served twice");
    assert_eq!(records.len() as u64 + run.unfinished, offered as u64, "lost");
    assert_eq!(run.in_flight_ns, run.time_in_system_ns, "Little's law");
    let of = |fate: Fate| records.iter().filter(move |record| record.fate == fate);
    let finished = of(Fate::Finished).count() as u64;
    assert_eq!((run.offered, run.finished), (offered as u64, finished));
    assert_eq!(run.refused, records.len() as u64 - finished);
    assert_eq!(run.input_tokens, of(Fate::Finished).map(|own| u64::from(own.request.input)).sum::<u64>());
    assert_eq!(run.output_tokens, of(Fate::Finished).map(|own| u64::from(own.request.output)).sum::<u64>());
    assert_eq!(run.latency.count(), finished);
}

fn any_rules() -> impl Strategy<Value = Rules> {
    let batching = prop_oneof![
        3 => Just(Batching::DecodeFirst), 1 => Just(Batching::PrefillFirst), 1 => Just(Batching::Static)
    ];
    let preemption = prop_oneof![Just(Preemption::Recompute), Just(Preemption::Swap)];
    let speculation = prop_oneof![
        2 => Just(None),
        1 => (1u32..5, 0.0f64..1.0).prop_map(|(drafts, acceptance)| Some(Speculation { drafts, acceptance })),
    ];
    let sizes = (64u32..2048, 1u32..64, 0u64..8);
    let overheads = (0u64..20_000_000, 0u64..20_000_000, any::<bool>());
    (batching, any::<bool>(), sizes, preemption, any::<bool>(), speculation, overheads).prop_map(
        |(batching, chunked_prefill, sizes, preemption, prefix_cache, speculation, overheads)| Rules {
            batching,
            chunked_prefill,
            max_batched_tokens: sizes.0,
            max_sequences: sizes.1,
            watermark_blocks: sizes.2,
            preemption,
            prefix_cache,
            speculation,
            request_overhead: SimSpan(if overheads.2 { overheads.0 } else { 0 }),
            response_overhead: SimSpan(if overheads.2 { overheads.1 } else { 0 }),
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_leap_gives_every_request_the_times_of_its_steps(
        rules in any_rules(), blocks in 20u64..600, seed in any::<u64>(), rate in 0.2f64..40.0,
        priorities in 1u8..4, closed in any::<bool>(),
    ) {
        let requests = requests(seed, 120, rate, priorities);
        let run = |stepwise| {
            let job = FleetJob { stepwise, ..FleetJob::alone(model(blocks, rules)) };
            if !closed {
                return serve(&job, &requests, seed);
            }
            let mut records = Vec::new();
            let mut source = Closed { clients: 16, requests: requests.iter().copied() };
            let run = job.serve(&mut source, (seed, 0), &mut |record| records.push(*record), &Cancel::new());
            (run, records)
        };
        let ((leapt, leaps), (stepped, steps)) = (run(false), run(true));
        prop_assert_eq!(leaps, steps.clone());
        prop_assert!(leapt.events <= stepped.events);
        let bare = |run: ServingRun| ServingRun { events: 0, mean_cache: 0.0, ..run };
        prop_assert_eq!(leapt.iterations, stepped.iterations);
        prop_assert_eq!(leapt.preemptions, stepped.preemptions);
        prop_assert_eq!(bare(leapt.clone()).latency, bare(stepped).latency);
        assert_books(&leapt, &steps, requests.len());
        prop_assert_eq!(leapt.unfinished, 0);
        prop_assert!(leapt.peak_cache <= 1.0, "the cache holds no more than it has: {}", leapt.peak_cache);
    }
}
