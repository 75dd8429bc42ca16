//! One device that serves an ordinary model: nothing is lost, and time is what the rules make of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use capplan::engine::Cancel;
use capplan::stats::Stream;
use capplan::units::{Seconds, SimSpan, SimTime};
use capplan::workload::Workload;
use capplan::workload::arrivals::{ArrivalSpec, LengthLaw, LengthSpec, Mix, TrafficSpec};
use capplan::workload::inference::ordinary::{
    DeviceJob, DeviceRun, End, LatencyTarget, Offered, OrdinaryReplica,
};
use capplan::workload::inference::{BatchRules, BatchTable};
use proptest::prelude::*;

fn job(arrivals: ArrivalSpec, items: LengthLaw, table: BatchTable, rules: BatchRules) -> DeviceJob {
    let lengths = LengthSpec { input: items, output: LengthLaw::Fixed(0), trace: None };
    let mix = Mix { share: 1.0, lengths, priority: 0, model: 0, prefix: None };
    DeviceJob {
        traffic: TrafficSpec { arrivals, mixes: vec![mix], requests: Some(3000), most_tokens: None },
        table: Arc::new(table),
        rules: Arc::new(rules),
        target: Some(Seconds(0.1)),
        warm_up: Seconds::ZERO,
        horizon: Seconds(1e9),
    }
}

fn simulate(job: &DeviceJob) -> DeviceRun {
    job.simulate(7, 0, &Cancel::new()).unwrap()
}

/// `fixed + each·n` microseconds.
fn affine(fixed: u64, each: u64) -> BatchTable {
    BatchTable::of_device((1..=32).map(|n| 1000 * (fixed + each * n)).collect())
}

/// Poisson arrivals of single items at 1000 per second before 2 ms + 0.2 ms an item.
fn busy(rules: BatchRules) -> DeviceJob {
    job(ArrivalSpec::Poisson { rate: 1000.0 }, LengthLaw::Fixed(1), affine(2000, 200), rules)
}

#[derive(Debug, Clone)]
struct Setting {
    arrivals: ArrivalSpec,
    items: u32,
    table: BatchTable,
    rules: BatchRules,
}

fn settings() -> impl Strategy<Value = Setting> {
    let arrivals = prop_oneof![
        (1.0f64..5000.0).prop_map(|rate| ArrivalSpec::Poisson { rate }),
        (1.0f64..5000.0).prop_map(|rate| ArrivalSpec::Gamma { rate, cv: 4.0 }),
        Just(ArrivalSpec::Burst),
        (1u32..40, 0.0f64..0.01)
            .prop_map(|(clients, think)| ArrivalSpec::Closed { clients, think: Seconds(think) }),
    ];
    let table = (0u64..5000, 0u64..500, 0u64..300, 0u64..300, 1u32..4, 1.0f64..2.5);
    let rules = (
        1u32..33,
        prop::collection::vec(1u32..33, 0..3),
        0u64..20_000_000,
        prop::collection::vec(1u32..33, 0..3),
        1u32..4,
        prop::option::of(0u64..50),
        prop::option::of(1u64..30_000_000),
    );
    (arrivals, 1u32..5, table, rules).prop_map(|(arrivals, items, table, rules)| {
        let (fixed, each, before, after, cores, factor) = table;
        let (max_batch, preferred, delay, padded_to, instances, max_queue, timeout) = rules;
        Setting {
            arrivals,
            items,
            table: BatchTable {
                sharing: vec![1.0, factor],
                host_per_item: SimSpan(1000 * before),
                host_after_per_item: SimSpan(1000 * after),
                host_cores: cores,
                ..affine(fixed, each)
            },
            rules: BatchRules {
                max_batch,
                preferred,
                max_delay: SimSpan(delay),
                padded_to,
                instances,
                max_queue,
                queue_timeout: timeout.map(SimSpan),
            },
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn nothing_is_lost_or_served_twice_and_littles_law_holds(setting in settings()) {
        let limited = setting.rules.max_queue.is_some() || setting.rules.queue_timeout.is_some();
        let job = job(setting.arrivals, LengthLaw::Uniform(1, setting.items), setting.table, setting.rules);
        let (mut departures, mut finished) = (0, 0);
        let run = job.observe(7, 0, &Cancel::new(), |gone| {
            departures += 1;
            finished += u64::from(gone.end == End::Finished);
        });
        let run = run.unwrap();
        let serving = &run.serving;
        prop_assert_eq!(serving.offered, 3000);
        prop_assert_eq!(serving.offered, departures);
        prop_assert_eq!(serving.finished, finished);
        prop_assert_eq!(serving.offered, serving.finished + serving.refused);
        prop_assert_eq!(serving.unfinished, 0);
        prop_assert!(limited || serving.refused == 0);
        prop_assert_eq!(serving.in_flight_ns, serving.time_in_system_ns);
        prop_assert_eq!(run.meters.items, run.items);
        prop_assert!(run.meters.instance_busy >= run.meters.busy);
        prop_assert!(run.meters.busy <= run.reached.since(SimTime::ZERO));
        prop_assert_eq!(&run, &simulate(&job));
    }

    #[test]
    fn a_world_twice_as_slow_takes_twice_as_long(setting in settings()) {
        // Arrivals of a burst and of clients without a pause have no rounding of their own.
        prop_assume!(matches!(setting.arrivals, ArrivalSpec::Burst) && setting.rules.queue_timeout.is_none());
        let slow = Setting {
            table: BatchTable {
                ns: setting.table.ns.iter().map(|ns| 2 * ns).collect(),
                host_per_item: setting.table.host_per_item.times(2),
                host_after_per_item: setting.table.host_after_per_item.times(2),
                ..setting.table.clone()
            },
            rules: BatchRules { max_delay: setting.rules.max_delay.times(2), ..setting.rules.clone() },
            ..setting.clone()
        };
        let mean = |setting: Setting| {
            let job = job(setting.arrivals, LengthLaw::Fixed(1), setting.table, setting.rules);
            simulate(&job).serving.latency.mean()
        };
        if let (Some(fast), Some(slow)) = (mean(setting), mean(slow)) {
            prop_assert!((slow / (2.0 * fast) - 1.0).abs() < 1e-5, "{fast} {slow}");
        }
    }

    #[test]
    fn whoever_is_inside_comes_back_when_the_machine_is_lost(setting in settings(), events in 1usize..300) {
        let mut replica = OrdinaryReplica::new(Arc::new(setting.table), Arc::new(setting.rules));
        let mut stream = Stream::named(1, 0, "test", "lost");
        let (mut now, mut left) = (SimTime::ZERO, Vec::new());
        for id in 0..events as u64 {
            let next = now + SimSpan(stream.bits() % 3_000_000);
            while replica.wake_at() <= next {
                now = replica.wake_at();
                replica.advance(now, &mut left);
            }
            now = next;
            replica.offer(now, Offered { id, items: setting.items, priority: (id % 3) as u8 }, &mut left);
        }
        prop_assert_eq!(replica.outstanding(), events - left.len());
        let mut seen: Vec<u64> = left.iter().map(|gone| gone.id).chain(replica.evict(now)).collect();
        seen.sort_unstable();
        prop_assert_eq!(seen, (0..events as u64).collect::<Vec<u64>>());
        prop_assert_eq!((replica.outstanding(), replica.wake_at()), (0, SimTime::NEVER));
    }
}

#[test]
fn a_longer_delay_makes_fuller_batches() {
    let mean_batch = |micros: u64| {
        let rules = BatchRules { max_delay: SimSpan(1000 * micros), ..BatchRules::greedy(32, 1) };
        let sparse = DeviceJob {
            traffic: TrafficSpec {
                arrivals: ArrivalSpec::Poisson { rate: 200.0 },
                ..busy(rules.clone()).traffic
            },
            ..busy(rules)
        };
        let run = simulate(&sparse);
        run.meters.items as f64 / run.meters.batches as f64
    };
    let means: Vec<f64> = [0, 1000, 5000, 20_000, 100_000].map(mean_batch).to_vec();
    assert!(means.is_sorted_by(|less, more| less < more), "{means:?}");
}

#[test]
fn a_full_load_makes_the_delay_of_no_effect() {
    // Full batches form by themselves: three times what the device can do without batching, in a burst.
    let run = |delay| {
        let rules = BatchRules { max_delay: delay, ..BatchRules::greedy(4, 1) };
        let mut burst = busy(rules);
        burst.traffic.arrivals = ArrivalSpec::Burst;
        simulate(&burst)
    };
    // Without a delay the very first request goes alone.
    let (without, with) = (run(SimSpan::ZERO), run(SimSpan(50_000_000)));
    assert_eq!((without.meters.batches, with.meters.batches), (751, 750));
    assert!(without.reached.since(with.reached) < SimSpan(3_000_000));
}

#[test]
fn more_instances_on_one_device_gain_what_sharing_leaves() {
    let throughput = |instances, sharing: Vec<f64>| {
        let mut saturated = busy(BatchRules::greedy(8, instances));
        saturated.traffic.arrivals = ArrivalSpec::Burst;
        saturated.table = Arc::new(BatchTable { sharing, ..affine(2000, 200) });
        let run = simulate(&saturated);
        run.items as f64 / run.serving.span.seconds().0
    };
    let one = throughput(1, vec![1.0]);
    let apart = throughput(2, vec![1.0, 1.0]);
    let shared = throughput(2, vec![1.0, 1.5]);
    let slices = throughput(2, vec![1.0]);
    assert!((apart / one - 2.0).abs() < 0.01, "{apart} {one}");
    assert!((shared / one - 2.0 / 1.5).abs() < 0.01, "{shared} {one}");
    assert!((slices / one - 1.0).abs() < 0.01, "beyond the table a device does no more in total");
}

#[test]
fn host_cores_can_be_what_limits() {
    let mut hosted = busy(BatchRules::greedy(32, 1));
    hosted.traffic.arrivals = ArrivalSpec::Burst;
    let host = |cores| BatchTable {
        host_per_item: SimSpan(3_000_000),
        host_after_per_item: SimSpan(1_000_000),
        host_cores: cores,
        ..affine(2000, 200)
    };
    for cores in [1, 4] {
        hosted.table = Arc::new(host(cores));
        let run = simulate(&hosted);
        let rate = run.items as f64 / run.serving.span.seconds().0;
        // Four milliseconds of a core for each item.
        assert!((rate / (f64::from(cores) * 250.0) - 1.0).abs() < 0.02, "{cores} cores: {rate}");
        assert_eq!(run.meters.host_busy, SimSpan(4_000_000 * 3000));
    }
}

#[test]
fn a_bounded_queue_refuses_and_a_timeout_ends_waits() {
    let overload = |rules| {
        let mut job = busy(rules);
        job.traffic.arrivals = ArrivalSpec::Poisson { rate: 20_000.0 };
        simulate(&job)
    };
    let bounded = overload(BatchRules { max_queue: Some(16), ..BatchRules::greedy(8, 1) });
    // Eight items in 3.6 ms: at most the queue and a batch before one's own.
    assert!(bounded.serving.refused > 1000);
    assert!(bounded.serving.latency.greatest().unwrap() <= 4 * 3_600_000);
    let timed = overload(BatchRules { queue_timeout: Some(SimSpan(10_000_000)), ..BatchRules::greedy(8, 1) });
    assert!(timed.serving.refused > 1000);
    assert!(timed.queued.greatest().unwrap() <= 10_000_000);
}

#[test]
fn goodput_counts_what_is_within_the_target() {
    let mut late = busy(BatchRules::greedy(1, 1));
    late.target = Some(Seconds(0.05));
    let run = simulate(&late);
    let within = run.serving.latency.count_to(50_000_000);
    assert!(run.serving.good > 0 && run.serving.good < run.serving.finished);
    assert!(run.serving.good.abs_diff(within) < 10, "{} {within}", run.serving.good);
    assert!(
        run.serving.backlog.1 > run.serving.backlog.0 + 100,
        "the queue grows: {:?}",
        run.serving.backlog
    );
}

#[test]
fn a_run_stops_at_its_horizon_and_counts_what_is_left() {
    let mut cut = busy(BatchRules::greedy(1, 1));
    cut.horizon = Seconds(1.0);
    let run = simulate(&cut);
    assert_eq!(run.reached.seconds(), Seconds(1.0));
    assert!(run.serving.unfinished > 100);
    assert_eq!(run.serving.in_flight_ns, run.serving.time_in_system_ns);
    assert_eq!(run.serving.offered, run.serving.finished + run.serving.unfinished);
}

#[test]
fn capacity_is_where_the_target_ends() {
    // M/D/1 by batches of one: 1 ms each; the wait's 99th percentile from the exact distribution (Erlang's formula)
    // reaches 8 ms at a load that the simulation must find.
    let mut single = job(
        ArrivalSpec::Poisson { rate: 1.0 },
        LengthLaw::Fixed(1),
        BatchTable::of_device(vec![1_000_000]),
        BatchRules::greedy(1, 1),
    );
    single.traffic.requests = Some(200_000);
    let target = LatencyTarget { share: 0.99, latency: Seconds(0.009) };
    let found = single.capacity(target, 3, &Cancel::new()).unwrap();
    // P(W ≤ t) = (1 − ρ) Σ (−ρ(t − k))^k/k! · e^{ρ(t − k)}, t in services.
    let within = |load: f64, t: f64| {
        let term = |k: u32| {
            let x = load * (t - f64::from(k));
            let factorial: f64 = (1..=k).map(f64::from).product();
            (-x).powi(k as i32) / factorial * x.exp()
        };
        (1.0 - load) * (0..=t as u32).map(term).sum::<f64>()
    };
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..50 {
        let middle = 0.5 * (low + high);
        if within(middle, 8.0) >= 0.99 { low = middle } else { high = middle }
    }
    println!("capacity {found:?}, exact {} per second", 1000.0 * low);
    assert!((found.rate / (1000.0 * low) - 1.0).abs() < 0.02, "{found:?} {low}");
    assert!(found.rate < found.missed && found.missed <= found.ceiling && found.ceiling == 1000.0);
    let hopeless = LatencyTarget { share: 0.99, latency: Seconds(0.0005) };
    assert_eq!(single.capacity(hopeless, 3, &Cancel::new()).unwrap().rate, 0.0);
}

#[test]
fn ceilings_are_what_a_burst_reaches() {
    let rules = BatchRules { padded_to: vec![8], ..BatchRules::greedy(7, 2) };
    let table = BatchTable { sharing: vec![1.0, 1.6], ..affine(2000, 200) };
    for items in [1, 2, 3] {
        let burst = job(ArrivalSpec::Burst, LengthLaw::Fixed(items), table.clone(), rules.clone());
        let run = simulate(&burst);
        let seen = run.serving.finished as f64 / run.serving.span.seconds().0;
        let said = table.saturated(&rules, items);
        assert!((seen / said - 1.0).abs() < 0.01, "{items}: {seen} {said}");
    }
    assert_eq!(table.largest_within(&BatchRules::greedy(16, 1), SimSpan(3_000_000)), Some(5));
    assert_eq!(table.largest_within(&rules, SimSpan(3_000_000)), None);
}

#[test]
fn a_queue_that_only_grows_ends_the_run() {
    let mut flooded = busy(BatchRules::greedy(1, 1));
    flooded.traffic.arrivals = ArrivalSpec::Poisson { rate: 1e9 };
    flooded.traffic.requests = None;
    let run = simulate(&flooded);
    assert!(run.serving.unfinished > 1_900_000 && run.reached < SimTime::ZERO + SimSpan(1_000_000_000));
    assert_eq!(run.serving.in_flight_ns, run.serving.time_in_system_ns);
}
