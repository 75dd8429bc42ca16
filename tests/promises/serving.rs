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
pub(super) fn table(scale: f64, tokens_per_decode: u32) -> Arc<StepTable> {
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

pub(super) fn rules() -> Rules {
    Rules {
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
    }
}

pub(super) fn model(blocks: u64, rules: Rules) -> ReplicaModel {
    let drafts = rules.speculation.map_or(0, |own| own.drafts);
    let kv = KvSpace { blocks, block_tokens: 16, swap_blocks: 200, swap_block_ns: 4e4 };
    ReplicaModel { table: table(1.0, 1 + drafts), kv, rules }
}

/// Requests of random lengths at random times: `rate` per second.
pub(super) fn requests(seed: u64, count: u64, rate: f64, priorities: u8) -> Vec<Request> {
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

pub(super) fn serve(job: &FleetJob, requests: &[Request], seed: u64) -> (ServingRun, Vec<RequestRecord>) {
    let mut records = Vec::new();
    let mut source = Open(requests.iter().copied());
    let run = job.serve(&mut source, (seed, 0), &mut |record| records.push(*record), &Cancel::new());
    (run, records)
}

/// Everybody leaves once, tokens and times add up.
pub(super) fn assert_books(run: &ServingRun, records: &[RequestRecord], offered: usize) {
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
    let preemption =
        prop_oneof![Just(Preemption::Recompute), Just(Preemption::Swap), Just(Preemption::Never)];
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

/// One replica and a burst.
fn burst(rules: Rules, blocks: u64, lengths: &[(u32, u32)]) -> (ServingRun, Vec<RequestRecord>) {
    let request = |&(input, output)| Request {
        at: SimTime::ZERO,
        input,
        output,
        model: 0,
        priority: 0,
        prefix: Some(Prefix { group: 1, tokens: 160 }),
    };
    let requests: Vec<Request> = lengths.iter().map(request).collect();
    serve(&FleetJob::alone(model(blocks, rules)), &requests, 1)
}

#[test]
fn one_request_takes_its_prompt_and_its_answer() {
    let (run, records) = burst(rules(), 1000, &[(1000, 11)]);
    let table = table(1.0, 1);
    let prompt = table.iteration_ns(0, 0, 512, table.prefill_attention_ns(512, 0), 0)
        + table.iteration_ns(0, 0, 488, table.prefill_attention_ns(488, 512), 1);
    let answer: f64 = (1..=10).map(|step| table.iteration_ns(1, 1000 + step, 0, 0.0, 1)).sum();
    let (first, last) = (records[0].first_token.unwrap(), records[0].last_token);
    assert!((first.0 as f64 - prompt).abs() <= 1.0, "{first} {prompt}");
    assert!((last.0 as f64 - prompt - answer).abs() <= 2.0, "{last} {prompt} {answer}");
    assert_eq!((run.iterations, run.good), (12, 1));
    assert_eq!(run.time_per_output_token.mean().unwrap() as u64, (last.0 - first.0) / 10);
    assert_eq!(run.prefill_time + run.decode_time, run.groups[0].busy);
}

#[test]
fn answers_of_no_token_and_of_one_have_no_time_per_token() {
    let (run, records) = burst(rules(), 1000, &[(100, 0), (100, 1), (0, 1)]);
    assert_eq!((run.finished, run.output_tokens, run.time_per_output_token.count()), (3, 2, 0));
    assert_eq!(run.time_to_first_token.count(), 2);
    assert!(records.iter().all(|record| record.end > SimTime::ZERO));
}

#[test]
fn what_no_cache_can_hold_is_refused_and_the_rest_served() {
    let (run, records) = burst(rules(), 10, &[(100, 10), (100, 61), (161, 0), (100, 60)]);
    assert_eq!((run.finished, run.refused, run.too_large), (2, 2, 2));
    let large: Vec<u64> =
        records.iter().filter(|own| own.fate == Fate::TooLarge).map(|own| own.order).collect();
    assert_eq!(large, [1, 2]);
    assert_eq!(burst(rules(), 0, &[(1, 1); 50]).0.too_large, 50);
}

#[test]
fn a_full_cache_preempts_the_latest_and_serves_everybody() {
    for preemption in [Preemption::Recompute, Preemption::Swap] {
        let (run, mut records) = burst(Rules { preemption, ..rules() }, 60, &[(160, 200); 5]);
        assert_eq!(run.finished, 5);
        assert!(run.preemptions > 0 && run.peak_cache > 0.9);
        records.sort_by_key(|record| record.order);
        assert!(records.windows(2).all(|pair| pair[0].end <= pair[1].end), "the first come is done first");
    }
}

#[test]
fn who_never_preempts_lets_in_what_has_room_to_its_end() {
    // Each needs 23 of 60 blocks to its end, and 10 at its start: five would fit at first, two do in the end.
    let (run, mut records) = burst(Rules { preemption: Preemption::Never, ..rules() }, 60, &[(160, 200); 5]);
    assert_eq!((run.finished, run.preemptions), (5, 0));
    assert!(run.peak_cache <= 46.0 / 60.0 + 1e-9 && run.waiting_for_cache_ns > 0, "{}", run.peak_cache);
    records.sort_by_key(|record| record.order);
    let together = records.iter().filter(|record| record.first_token < Some(records[0].last_token)).count();
    assert_eq!(together, 2);
}

#[test]
fn swapped_sequences_keep_what_they_had() {
    let work = |preemption| {
        let (run, _) = burst(Rules { preemption, ..rules() }, 60, &[(160, 200); 5]);
        (run.preemptions, run.prefill_time)
    };
    let ((recomputed, again), (swapped, once)) = (work(Preemption::Recompute), work(Preemption::Swap));
    assert!(recomputed > 0 && swapped > 0);
    assert!(once < again, "{once:?} {again:?}");
}

#[test]
fn a_kept_prefix_is_not_computed_again() {
    let lengths = [(200, 5); 20];
    let cold = burst(Rules { max_sequences: 1, ..rules() }, 100, &lengths).0;
    let warm = burst(Rules { max_sequences: 1, prefix_cache: true, ..rules() }, 100, &lengths).0;
    // 160 shared tokens are ten whole blocks, found by all but the first.
    assert_eq!((cold.prefix_hits, warm.prefix_hits), (0, 19 * 160));
    assert!(warm.prefill_time < cold.prefill_time);
    assert_eq!(warm.decode_time, cold.decode_time);
}

#[test]
fn kept_prefixes_give_way_to_what_runs() {
    let request = |order: u32| Request {
        at: SimTime(u64::from(order) * 10_000_000_000),
        input: 200,
        output: 2,
        model: 0,
        priority: 0,
        prefix: Some(Prefix { group: order % 4, tokens: 192 }),
    };
    let requests: Vec<Request> = (0..16).map(request).collect();
    let hits = |blocks| {
        let own = Rules { prefix_cache: true, ..rules() };
        serve(&FleetJob::alone(model(blocks, own)), &requests, 1).0.prefix_hits
    };
    // Four prefixes of twelve blocks fit a cache of sixty, and one does not find itself again in a cache of thirty.
    assert_eq!((hits(60), hits(30)), (12 * 192, 0));
}

#[test]
fn speculation_spares_iterations() {
    let lengths = [(100, 200); 8];
    let plain = burst(rules(), 1000, &lengths).0;
    let own = Rules { speculation: Some(Speculation { drafts: 3, acceptance: 0.7 }), ..rules() };
    let drafted = burst(own, 1000, &lengths).0;
    let gain = (1.0 - 0.7_f64.powi(4)) / 0.3;
    let ratio = plain.iterations as f64 / drafted.iterations as f64;
    assert!((ratio / gain - 1.0).abs() < 0.03, "{ratio} {gain}");
}

#[test]
fn whole_prompts_stop_the_answers_of_others_and_static_batches_let_nobody_in() {
    let at = |seconds: f64, input, output| Request {
        at: SimTime::ZERO + SimSpan::from_seconds(Seconds(seconds)),
        input,
        output,
        model: 0,
        priority: 0,
        prefix: None,
    };
    let requests = [at(0.0, 100, 100), at(0.1, 400, 2), at(0.2, 100, 2)];
    let ends = |batching| {
        let job = FleetJob::alone(model(1000, Rules { batching, ..rules() }));
        let mut records = serve(&job, &requests, 1).1;
        records.sort_by_key(|record| record.order);
        records.iter().map(|record| record.end).collect::<Vec<_>>()
    };
    let (mixed, whole, fixed) =
        (ends(Batching::DecodeFirst), ends(Batching::PrefillFirst), ends(Batching::Static));
    assert!(whole[0] > mixed[0], "its decoding waits while prompts are computed");
    assert!(mixed[1] < mixed[0] && whole[1] < whole[0]);
    assert!(fixed[0] < mixed[0] && fixed[1] > fixed[0] && fixed[2] == fixed[1]);
}

#[test]
fn the_important_go_first() {
    let urgent = Request { priority: 0, ..requests(1, 1, 1.0, 1)[0] };
    let request = |order: u64| Request {
        at: SimTime(order),
        input: 400,
        output: 50,
        priority: if order < 10 { 3 } else { 0 },
        ..urgent
    };
    let requests: Vec<Request> = (0..20).map(request).collect();
    let job = FleetJob::alone(model(1000, Rules { max_sequences: 2, ..rules() }));
    let (_, records) = serve(&job, &requests, 1);
    // One of the others had begun.
    let order: Vec<u8> = records.iter().map(|record| record.request.priority).collect();
    assert!(order[1..11].iter().all(|priority| *priority == 0), "{order:?}");
}

#[test]
fn twice_the_speed_halves_the_times() {
    let run = |scale: f64| {
        let rules = Rules { max_sequences: 16, ..rules() };
        let model = ReplicaModel { table: table(scale, 1), ..model(120, rules) };
        let mut requests = requests(3, 300, 4.0, 1);
        requests
            .iter_mut()
            .for_each(|own| own.at = SimTime((own.at.0 & !1) / if scale < 1.0 { 2 } else { 1 }));
        serve(&FleetJob::alone(model), &requests, 1)
    };
    let ((slow, slow_records), (fast, fast_records)) = (run(1.0), run(0.5));
    assert_eq!((slow.iterations, slow.preemptions), (fast.iterations, fast.preemptions));
    assert!(slow.preemptions > 0);
    for (slow, fast) in slow_records.iter().zip(&fast_records) {
        assert_eq!(slow.order, fast.order);
        let (slow, fast) = (slow.end.0 as f64, fast.end.0 as f64);
        assert!((slow - 2.0 * fast).abs() < 1e3, "{slow} {fast}");
    }
}

#[test]
fn a_load_beyond_what_is_served_leaves_a_growing_backlog() {
    let run = |rate| {
        let horizon = Seconds(600.0);
        let job = FleetJob { horizon, ..FleetJob::alone(model(1000, Rules { max_sequences: 8, ..rules() })) };
        serve(&job, &requests(5, 1_000_000, rate, 1), 1).0
    };
    let (calm, flooded) = (run(2.0), run(40.0));
    assert!(calm.backlog.1 < 60, "{:?}", calm.backlog);
    assert!(flooded.backlog.0 > 3000 && flooded.backlog.1 as f64 > 1.8 * flooded.backlog.0 as f64);
    assert!(flooded.unfinished > 10_000);
    assert_eq!(flooded.in_flight_ns, flooded.time_in_system_ns);
}

#[test]
fn an_endless_flood_ends() {
    let request =
        Request { at: SimTime::ZERO, input: 4000, output: 4000, model: 0, priority: 0, prefix: None };
    let job = FleetJob::alone(model(1000, rules()));
    let mut source = Open(std::iter::repeat(request));
    let flood = job.serve(&mut source, (1, 0), &mut |_| {}, &Cancel::new());
    assert!((2_000_000..2_100_000).contains(&flood.offered) && flood.unfinished == flood.offered);
    let job = FleetJob::alone(model(3, rules()));
    let mut source = Closed { clients: 4, requests: std::iter::repeat(request) };
    let refused = job.serve(&mut source, (1, 0), &mut |_| {}, &Cancel::new());
    assert_eq!(refused.too_large, refused.offered);
}

#[test]
fn odd_tables_end() {
    let laws: [&dyn Fn(f64) -> f64; 4] = [&|_| 0.0, &|_| f64::NAN, &|_| f64::INFINITY, &|_| 1e300];
    for law in laws {
        for most in [0, 1, 64] {
            let table = Arc::new(StepTable::tabulate(&StepLaws {
                linear: law,
                sampled: law,
                decode_attention: &|count, _| law(count),
                prefill_attention: &|tokens, _| law(tokens),
                most_tokens: most,
                most_sequences: most,
                longest: most,
                tokens_per_decode: most,
            }));
            let odd = Rules { max_batched_tokens: most, max_sequences: most, ..rules() };
            let job = FleetJob::alone(ReplicaModel { table, ..model(1000, odd) });
            let requests = requests(1, 100, 10.0, 1);
            let (run, records) = serve(&job, &requests, 1);
            assert_books(&run, &records, run.offered as usize);
        }
    }
}
