//! A timeline tells of the run that the figures come from: every nanosecond of it, once, and no more spans than asked for.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;

use capplan::engine::Cancel;
use capplan::stats::Law;
use capplan::units::{Seconds, SimSpan, SimTime};
use capplan::workload::arrivals::{ArrivalSpec, LengthLaw, LengthSpec, Mix, Traffic, TrafficSpec};
use capplan::workload::failures::{FailureProcess, SpotMarket, Startup};
use capplan::workload::inference::{BatchRules, BatchTable, Fate, FleetJob, RequestRecord, ServiceModel};
use capplan::workload::training::pipeline::SteadyStep;
use capplan::workload::training::{Phase, TrainingJob};
use capplan::workload::{Act, Timeline, TimelineSpan, Window, Workload};
use proptest::prelude::*;

use super::serving::{model, rules};

fn exponential(mean: f64) -> Law {
    Law::Exponential { mean }
}

fn training() -> impl Strategy<Value = TrainingJob> {
    let shape = (1u64..3000, 0.2f64..2.0, prop::option::of(20.0f64..200.0), 0.0f64..9.0, 0.0f64..0.9);
    let luck = (
        prop::option::of(150.0f64..900.0),
        prop::option::of(200.0f64..900.0),
        any::<bool>(),
        prop::option::of(2u64..9),
    );
    (shape, luck).prop_map(|((steps, mean, interval, write, input_wait), (mtbf, spot, notice, workers))| {
        let step = SteadyStep { mean: Seconds(mean), deviation: Seconds(0.01), input_wait, steady: true };
        TrainingJob {
            phases: vec![Phase { steps, step }, Phase { steps: steps / 3, step }],
            checkpoint_interval: interval.map(Seconds),
            checkpoint_write: SimSpan::from_seconds(Seconds(write)),
            save_on_notice: notice,
            startup: Startup {
                before: Seconds(11.0),
                load: Seconds(2.0),
                wait: exponential(20.0),
                boot: exponential(30.0),
                restore: Seconds(4.0),
            },
            failures: FailureProcess {
                mtbf: mtbf.map(Seconds),
                detection: Seconds(1.0),
                restart: Seconds(7.0),
            },
            spot: spot.map(|up| SpotMarket {
                up: exponential(up),
                down: exponential(40.0),
                notice: Seconds(30.0),
            }),
            elastic_workers: workers,
            horizon: SimSpan::from_seconds(Seconds(9000.0)),
            stepwise: false,
        }
    })
}

/// Time of each act.
fn sums(timeline: &Timeline) -> impl Fn(&[Act]) -> u64 {
    let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
    for span in &timeline.spans {
        *sums.entry(span.act.words()).or_default() += span.end.since(span.start).0;
    }
    move |acts| acts.iter().map(|act| sums.get(act.words()).copied().unwrap_or(0)).sum()
}

/// Spans of a track stand in order and do not overlap.
fn assert_tracks(timeline: &Timeline) {
    for track in 0..timeline.tracks.len() {
        for pair in timeline.track(track).windows(2) {
            assert!(pair[0].end <= pair[1].start, "{}: {pair:?}", timeline.tracks[track]);
        }
    }
    assert!(timeline.spans.iter().all(|span| span.start <= span.end));
    assert!(timeline.spans.iter().all(|span| (span.track as usize) < timeline.tracks.len()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_training_timeline_tells_every_nanosecond_of_the_meters(job in training()) {
        let run = job.simulate(5, 0, &Cancel::new());
        let timeline = job.timeline((5, 0), Window::all(10_000_000), &Cancel::new());
        assert_tracks(&timeline);
        prop_assert_eq!(timeline.capped, None);
        prop_assert_eq!(timeline.reach().unwrap(), (SimTime::ZERO, run.reached));
        let sum = sums(&timeline);
        prop_assert_eq!(sum(&[Act::Checkpoint]), run.meters.checkpoints.0);
        prop_assert_eq!(
            sum(&[Act::Compute, Act::CheckpointLost]),
            (run.meters.computing + run.meters.rework).0
        );
        prop_assert_eq!(sum(&[Act::Boot, Act::Restart]), run.meters.starting.0);
        prop_assert_eq!(
            sum(&[Act::Convert, Act::WaitForMachines]),
            (run.meters.first_wait + run.meters.waiting).0
        );
        let struck =
            timeline.spans.iter().filter(|span| matches!(span.act, Act::Failure | Act::SpotLoss)).count();
        prop_assert_eq!(struck as u64, run.meters.interruptions);
        // Step by step the device waits for the share of the time that the steady pipeline has.
        let device = sum(&[Act::InputStall, Act::Step]);
        prop_assert_eq!(device, sum(&[Act::Compute]));
        if run.meters.interruptions == 0 {
            let stalls = sum(&[Act::InputStall]) as f64;
            let told: u64 = timeline.spans.iter().filter(|span| span.act == Act::Compute).map(|span| span.numbers[2]).sum();
            let metered = run.meters.input_wait.0 as f64;
            prop_assert!((stalls - metered).abs() <= 1e-6 * metered + 4000.0, "{} {}", stalls, metered);
            prop_assert!((told as f64 - metered).abs() <= 1e-6 * metered + 4000.0, "{} {}", told, metered);
        }
    }

    #[test]
    fn a_window_holds_what_the_whole_holds_there(job in training(), from in 0.0f64..3000.0, length in 1.0f64..500.0) {
        let whole = job.timeline((5, 0), Window::all(10_000_000), &Cancel::new());
        let at = |seconds| SimTime::ZERO + SimSpan::from_seconds(Seconds(seconds));
        let window = Window { from: at(from), until: at(from + length), limit: 10_000_000 };
        let part = job.timeline((5, 0), window, &Cancel::new());
        assert_tracks(&part);
        // The last step under way is told as far as it has come.
        let inside = |timeline: &Timeline| -> Vec<TimelineSpan> {
            let device = timeline.track(1).iter();
            device.filter(|span| span.start >= window.from && span.end < window.until).copied().collect()
        };
        prop_assert_eq!(inside(&whole), inside(&part));
        let inside = |timeline: &Timeline| -> u64 {
            let clip = |span: &TimelineSpan| {
                span.end.min(window.until).since(span.start.max(window.from)).0
            };
            timeline.track(0).iter().map(clip).sum()
        };
        prop_assert_eq!(inside(&whole), inside(&part));
    }

    #[test]
    fn no_more_spans_are_kept_than_asked_for(job in training(), limit in 1usize..200) {
        let timeline = job.timeline((5, 0), Window::all(limit), &Cancel::new());
        prop_assert!(timeline.spans.len() <= limit + 1, "{} {limit}", timeline.spans.len());
        let whole = job.timeline((5, 0), Window::all(10_000_000), &Cancel::new());
        prop_assert_eq!(timeline.capped.is_some(), timeline.spans.len() < whole.spans.len());
    }
}

#[test]
fn a_window_late_in_a_long_job_costs_no_more_than_an_early_one() {
    let step = SteadyStep { mean: Seconds(1.0), deviation: Seconds::ZERO, input_wait: 0.2, steady: true };
    let job = TrainingJob {
        phases: vec![Phase { steps: 1_000_000_000, step }],
        checkpoint_interval: Some(Seconds(1.0)),
        checkpoint_write: SimSpan(1000),
        save_on_notice: false,
        startup: Startup {
            before: Seconds::ZERO,
            load: Seconds::ZERO,
            wait: Law::Deterministic(0.0),
            boot: Law::Deterministic(0.0),
            restore: Seconds::ZERO,
        },
        failures: FailureProcess { mtbf: None, detection: Seconds::ZERO, restart: Seconds::ZERO },
        spot: None,
        elastic_workers: None,
        horizon: SimSpan(u64::MAX),
        stepwise: false,
    };
    let at = |seconds| SimTime::ZERO + SimSpan::from_seconds(Seconds(seconds));
    let began = std::time::Instant::now();
    let part =
        job.timeline((1, 0), Window { from: at(9e8), until: at(9e8 + 10.0), limit: 1000 }, &Cancel::new());
    assert!(began.elapsed().as_secs_f64() < 1.0, "{:?}", began.elapsed());
    assert!((40..60).contains(&part.spans.len()), "{}", part.spans.len());
}

fn served(service: ServiceModel, replicas: u32, arrivals: ArrivalSpec, output: LengthLaw) -> FleetJob {
    let lengths = LengthSpec { input: LengthLaw::Uniform(1, 300), output, trace: None };
    let mix = Mix { share: 1.0, lengths, priority: 0, model: 0, prefix: None };
    FleetJob {
        traffic: TrafficSpec { arrivals, mixes: vec![mix], requests: Some(2000), most_tokens: None },
        ..FleetJob::of(service, replicas)
    }
}

fn records(job: &FleetJob) -> (Vec<RequestRecord>, capplan::workload::inference::ServingRun) {
    let mut records = Vec::new();
    let mut traffic = Traffic::open(&job.traffic, 3, 0).unwrap();
    let run = job.serve(&mut traffic, (3, 0), &mut |record| records.push(*record), &Cancel::new());
    (records, run)
}

fn requests(timeline: &Timeline, act: Act) -> BTreeMap<u64, TimelineSpan> {
    timeline.spans.iter().filter(|span| span.act == act).map(|span| (span.numbers[0], *span)).collect()
}

#[test]
fn the_requests_and_iterations_of_a_language_model_are_those_of_the_run() {
    let service = ServiceModel::Language(model(1000, rules()));
    let job = served(service, 1, ArrivalSpec::Poisson { rate: 20.0 }, LengthLaw::Uniform(1, 80));
    let (records, run) = records(&job);
    let timeline = job.timeline((3, 0), Window::all(1_000_000), &Cancel::new());
    assert_tracks(&timeline);
    assert_eq!(timeline.capped, None);
    let (read, written) = (requests(&timeline, Act::Read), requests(&timeline, Act::Write));
    let waited = requests(&timeline, Act::Wait);
    let mut seen = 0;
    for record in records.iter().filter(|record| record.fate == Fate::Finished) {
        let read = read[&record.order];
        assert_eq!(read.end, record.first_token.unwrap());
        let came = waited.get(&record.order).map_or(read.start, |wait| wait.start);
        assert_eq!(came, record.request.at);
        if record.request.output > 1 {
            assert_eq!(written[&record.order].end, record.last_token);
        }
        seen += 1;
    }
    assert!(seen > 1900, "{seen}");
    let sum = sums(&timeline);
    let busy = run.prefill_time + run.decode_time;
    let told = sum(&[Act::Prefill, Act::Decode]);
    // Iterations end within a nanosecond of what is told.
    assert!(told.abs_diff(busy.0) <= 2 * run.iterations, "{told} {busy:?}");
    let count = |span: &TimelineSpan| match span.act {
        Act::Prefill => 1,
        Act::Decode => span.numbers[0],
        _ => 0,
    };
    assert_eq!(timeline.spans.iter().map(count).sum::<u64>(), run.iterations);
}

#[test]
fn every_request_of_an_ordinary_model_is_in_one_batch() {
    let table = BatchTable::of_device((1..=32).map(|items| 1_000_000 + 30_000 * items).collect());
    let batching = BatchRules::greedy(32, 2);
    let service = ServiceModel::Ordinary(table, batching);
    let job = served(service, 1, ArrivalSpec::Poisson { rate: 100.0 }, LengthLaw::Fixed(0));
    let (records, _) = records(&job);
    let timeline = job.timeline((3, 0), Window::all(1_000_000), &Cancel::new());
    assert_tracks(&timeline);
    assert_eq!(timeline.capped, None);
    let finished = records.iter().filter(|record| record.fate == Fate::Finished).count() as u64;
    let batches = timeline.spans.iter().filter(|span| span.act == Act::Batch);
    assert_eq!(batches.map(|span| span.numbers[0]).sum::<u64>(), finished);
    let serving = requests(&timeline, Act::Serve);
    assert_eq!(serving.len() as u64, finished);
    for record in &records {
        assert_eq!(serving[&record.order].end, record.end);
    }
    assert_eq!(timeline.tracks.iter().filter(|track| track.starts_with("batches")).count(), 2);
}

#[test]
fn machines_that_fail_and_are_taken_are_told_as_such() {
    let service = ServiceModel::Language(model(1000, rules()));
    let mut job = served(service, 2, ArrivalSpec::Poisson { rate: 2.0 }, LengthLaw::Uniform(1, 80));
    job.groups[0].start = Law::Deterministic(5.0);
    job.groups[0].failures = Some(Seconds(150.0));
    job.groups[0].spot = Some(SpotMarket {
        up: Law::Deterministic(200.0),
        down: Law::Deterministic(30.0),
        notice: Seconds(2.0),
    });
    let window = Window {
        from: SimTime::ZERO,
        until: SimTime::ZERO + SimSpan::from_seconds(Seconds(800.0)),
        limit: 1_000_000,
    };
    let timeline = job.timeline((3, 0), window, &Cancel::new());
    assert_tracks(&timeline);
    let count = |act: Act| timeline.spans.iter().filter(|span| span.act == act).count();
    assert!(count(Act::Failure) > 0 && count(Act::Boot) > 1 && count(Act::Up) > 2);
    assert!(timeline.spans.iter().all(|span| span.end <= window.until));
    // With room for few, the recording ends early and says so.
    let short = job.timeline((3, 0), Window { limit: 50, ..window }, &Cancel::new());
    assert!(short.spans.len() <= 50 && short.capped.is_some_and(|capped| capped < window.until));
}
