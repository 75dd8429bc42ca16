//! Batch servers: the batcher of the serving world against exact chains, windows and published runs.

use std::sync::Arc;

use capplan::engine::{Calendar, Cancel, Limits, World, run};
use capplan::stats::{self, Point, Stream};
use capplan::units::{Seconds, SimSpan, SimTime};
use capplan::workload::arrivals::{ArrivalSpec, LengthLaw, TrafficSpec};
use capplan::workload::inference::ordinary::{DeviceJob, DeviceRun};
use capplan::workload::inference::{BatchRules, BatchTable};

use super::judge::Answer;
use super::oracle::{Case, Row};
use super::served::{gap, kind};

const REPLICATIONS: u32 = 20;

/// A device under Poisson arrivals of single items.
fn device(rate: f64, requests: u64, table: BatchTable, rules: BatchRules) -> DeviceJob {
    DeviceJob {
        traffic: TrafficSpec {
            arrivals: ArrivalSpec::Poisson { rate },
            mixes: vec![kind(LengthLaw::Fixed(1))],
            requests: Some(requests),
            most_tokens: None,
        },
        table: Arc::new(table),
        rules: Arc::new(rules),
        target: None,
        warm_up: Seconds::ZERO,
        horizon: Seconds(1e10),
    }
}

fn replicate(job: &DeviceJob) -> Vec<DeviceRun> {
    (0..REPLICATIONS).map(|replica| job.observe(1, replica, &Cancel::new(), |_| ()).unwrap()).collect()
}

fn sampled(runs: &[DeviceRun], figure: impl Fn(&DeviceRun) -> f64) -> Answer {
    Answer::Sampled(runs.iter().map(figure).collect())
}

/// Batches of n items that take `fixed + each·n` seconds.
fn affine(fixed: f64, each: f64, most: usize) -> BatchTable {
    BatchTable::of_device((1..=most).map(|n| ((fixed + each * n as f64) * 1e9 + 0.5) as u64).collect())
}

fn batch_figure(quantity: &str) -> fn(&DeviceRun) -> f64 {
    match quantity {
        "Wq" => |run| run.queued.mean().unwrap() / 1e9,
        "W" | "W_exact" => |run| run.serving.latency.mean().unwrap() / 1e9,
        "Lq" => |run| run.serving.waiting_ns as f64 / run.reached.0 as f64,
        "mean_batch" => |run| run.meters.items as f64 / run.meters.batches as f64,
        "util" => |run| run.meters.busy.seconds().0 / run.reached.seconds().0,
        "batches_per_s" => |run| run.meters.batches as f64 / run.reached.seconds().0,
        "mean_fill_wait" => |run| run.queued.mean().unwrap() / 1e9,
        other => panic!("no such quantity: {other}"),
    }
}

/// `t(b)=0.01+0.002b s` and `alpha=0.002;tau0=0.01` say the same.
fn affine_case(case: &Case) -> (f64, f64) {
    if case.0.contains("t(b)=0.01+0.002b") {
        (0.01, 0.002)
    } else {
        (case.number("tau0"), case.number("alpha"))
    }
}

fn affine_runs(case: &Case, most: u32) -> Vec<DeviceRun> {
    let (fixed, each) = affine_case(case);
    replicate(&device(case.number("lambda"), 50_000, affine(fixed, each, 400), BatchRules::greedy(most, 1)))
}

pub fn batch_server_affine(rows: &[Row]) -> Vec<Answer> {
    let case = &rows[0].case;
    let most = case.text("Bmax").parse().unwrap_or(100_000);
    let runs = affine_runs(case, most);
    rows.iter().map(|row| sampled(&runs, batch_figure(&row.quantity))).collect()
}

/// The mean is simulated; the bound must be the table's and must hold.
pub fn batch_server_bound(rows: &[Row]) -> Vec<Answer> {
    let case = &rows[0].case;
    let (fixed, each) = affine_case(case);
    let runs = affine_runs(case, 100_000);
    let bound = stats::batch_server_bound(case.number("lambda"), each, fixed);
    let mean = runs.iter().map(batch_figure("W")).sum::<f64>() / f64::from(REPLICATIONS);
    assert!(mean < bound * 1.005, "{}: {mean} is beyond its bound {bound}", case.0);
    let answer = |row: &Row| match row.quantity.as_str() {
        "W_upper_bound" => Answer::Exact(bound),
        _ => sampled(&runs, batch_figure(&row.quantity)),
    };
    rows.iter().map(answer).collect()
}

/// Instances that are never all busy: batches of a microsecond on a hundred of them.
fn never_busy(rate: f64, requests: u64, size: u32, delay: SimSpan) -> DeviceJob {
    let table = BatchTable { sharing: vec![1.0; 100], ..affine(1e-6, 0.0, size as usize) };
    let rules = BatchRules { max_delay: delay, ..BatchRules::greedy(size, 100) };
    device(rate, requests, table, rules)
}

pub fn batch_window(rows: &[Row]) -> Vec<Answer> {
    let case = &rows[0].case;
    let (rate, size, window) = (case.number("lambda"), case.count("B") as u32, case.number("T"));
    let job = never_busy(rate, 50_000, size, SimSpan::from_seconds(Seconds(window)));
    let closed = stats::mean_window_batch(rate, size, window);
    // Requests of a batch leave together: the one that waited longest opened the window.
    let windows = |replica| {
        let (mut sum, mut count, mut at, mut longest) = (0.0, 0.0, SimTime::ZERO, 0.0_f64);
        let run = job.observe(1, replica, &Cancel::new(), |gone| {
            if gone.left != at {
                (sum, count, at, longest) = (sum + longest, count + 1.0, gone.left, 0.0);
            }
            longest = longest.max(gone.queued.seconds().0);
        });
        run.unwrap();
        (sum + longest) / count
    };
    let windows: Vec<f64> = (0..REPLICATIONS).map(windows).collect();
    let runs = replicate(&job);
    let answer = |row: &Row| match row.quantity.as_str() {
        "mean_window_s" => Answer::Sampled(windows.clone()),
        name => {
            let exact = if name == "mean_batch" { closed } else { rate / closed };
            assert!((exact / row.value - 1.0).abs() < 1e-9, "{}: {exact} {}", case.0, row.value);
            sampled(&runs, batch_figure(name))
        }
    };
    rows.iter().map(answer).collect()
}

pub fn batch_fill_delay(rows: &[Row]) -> Vec<Answer> {
    let case = &rows[0].case;
    let (rate, size) = (case.number("lambda"), case.count("B") as u32);
    assert!((stats::batch_fill_wait(rate, size) / rows[0].value - 1.0).abs() < 1e-9);
    let hour = SimSpan::from_seconds(Seconds(3600.0));
    let runs = replicate(&never_busy(rate, 64_000, size, hour));
    rows.iter().map(|row| sampled(&runs, batch_figure(&row.quantity))).collect()
}

/// The textbook's bulk server takes whoever is there when a service ENDS, also those who came while it ran: no server of
/// models does that, so it is simulated as it stands.
struct JoinedService {
    rates: (f64, f64),
    most: u64,
    present: u64,
    arrived: u64,
    gaps: Stream,
    services: Stream,
    changed: SimTime,
    area: f64,
    /// Arrivals that found the server idle.
    found_empty: u64,
    events: u64,
}

impl World for JoinedService {
    type Event = bool;

    fn start(&mut self, calendar: &mut Calendar<bool>) {
        calendar.schedule_in(gap(&mut self.gaps, self.rates.0), true);
        calendar.schedule_in(gap(&mut self.services, self.rates.1), false);
    }

    fn handle(&mut self, now: SimTime, arrives: bool, calendar: &mut Calendar<bool>) {
        self.area += self.present as f64 * now.since(self.changed).seconds().0;
        (self.changed, self.events) = (now, self.events + 1);
        if arrives {
            self.found_empty += u64::from(self.present == 0);
            self.arrived += 1;
            self.present += 1;
            calendar.schedule_in(gap(&mut self.gaps, self.rates.0), true);
        } else {
            // Services are memoryless: one that ends at nobody is as good as none.
            self.present -= self.present.min(self.most);
            calendar.schedule_in(gap(&mut self.services, self.rates.1), false);
        }
    }

    fn finished(&self) -> bool {
        self.arrived >= 200_000
    }
}

pub fn mm_bulk_service(rows: &[Row]) -> Vec<Answer> {
    let case = &rows[0].case;
    let seen = |replica| {
        let mut world = JoinedService {
            rates: (case.number("lambda"), case.number("mu")),
            most: case.count("K") as u64,
            present: 0,
            arrived: 0,
            gaps: Stream::named(1, replica, "bulk", "gaps"),
            services: Stream::named(1, replica, "bulk", "services"),
            changed: SimTime::ZERO,
            area: 0.0,
            found_empty: 0,
            events: 0,
        };
        let reached = run(&mut world, Limits::NONE, &Cancel::new()).reached.seconds().0;
        let customers = world.area / reached;
        // p_0 = 1 − r, as arrivals see it.
        let root = 1.0 - world.found_empty as f64 / world.arrived as f64;
        (root, customers, world.area / world.arrived as f64)
    };
    let seen: Vec<(f64, f64, f64)> = (0..REPLICATIONS).map(seen).collect();
    let answer = |row: &Row| {
        let figure = |seen: &(f64, f64, f64)| match row.quantity.as_str() {
            "r0" => seen.0,
            "L" => seen.1,
            _ => seen.2,
        };
        Answer::Sampled(seen.iter().map(figure).collect())
    };
    rows.iter().map(answer).collect()
}

/// Clients that send requests of two items to a text recogniser, each the next as soon as it has its answer.
fn triton(clients: u32, table: BatchTable, rules: BatchRules) -> DeviceRun {
    let job = DeviceJob {
        traffic: TrafficSpec {
            arrivals: ArrivalSpec::Closed { clients, think: Seconds::ZERO },
            mixes: vec![kind(LengthLaw::Fixed(2))],
            requests: Some(20_000),
            most_tokens: None,
        },
        table: Arc::new(table),
        rules: Arc::new(rules),
        target: None,
        warm_up: Seconds(1.0),
        horizon: Seconds(1e9),
    };
    job.observe(1, 0, &Cancel::new(), |_| ()).unwrap()
}

fn items_per_second(run: &DeviceRun) -> f64 {
    run.items as f64 / run.serving.span.seconds().0
}

/// The recogniser's times: a line through the two compute times that its server reported (tutorials of Triton).
fn recogniser() -> (f64, f64) {
    let line = stats::ordinary_least_squares(&[
        Point { x: 2.0, y: 2040.0 },
        // 393,140 items in 64,217 batches.
        Point { x: 393_140.0 / 64_217.0, y: 2396.0 },
    ]);
    let line = line.unwrap().line;
    (line.intercept, line.slope)
}

fn recogniser_table() -> BatchTable {
    let (fixed, each) = recogniser();
    affine(fixed / 1e6, each / 1e6, 8)
}

pub fn triton_affine_check(rows: &[Row]) -> Vec<Answer> {
    let (fixed, each) = recogniser();
    let answer = |row: &Row| match row.quantity.as_str() {
        "b_us_per_item" => Answer::Exact(each),
        "a_us" => Answer::Exact(fixed),
        "predicted_items_per_s" => {
            Answer::Exact(stats::batch_throughput_affine(8.0, fixed / 1e6, each / 1e6))
        }
        _ => {
            // Each request alone, in the time that the measured throughput means.
            let alone = vec![0, (2.0 / 975.048 * 1e9) as u64];
            let run = triton(16, BatchTable::of_device(alone), BatchRules::greedy(2, 1));
            Answer::Sampled(vec![run.serving.latency.quantile(0.5).unwrap() / 1e3])
        }
    };
    rows.iter().map(answer).collect()
}

#[test]
fn triton_without_batching_answers_sixteen_clients_as_measured() {
    let run = triton(16, recogniser_table(), BatchRules::greedy(2, 1));
    let median = run.serving.latency.quantile(0.5).unwrap() / 1e6;
    println!("sixteen in flight: p50 {median:.3} ms, measured 32.566, N·S law 32.819");
    assert!((median / 32.8 - 1.0).abs() < 0.01, "{median}");
    assert!((items_per_second(&run) / 975.0 - 1.0).abs() < 0.01, "{}", items_per_second(&run));
}

#[test]
fn triton_with_batching_reaches_the_measured_plateau() {
    // Measured items per second by requests in flight (tutorials of Triton, Conceptual_Guide part 2).
    let measured = [
        (2, 998.141),
        (4, 1765.66),
        (6, 2518.48),
        (8, 3095.85),
        (10, 3182.83),
        (12, 3181.3),
        (14, 3184.54),
        (16, 3187.76),
    ];
    for (clients, measured) in measured {
        let run = triton(clients, recogniser_table(), BatchRules::greedy(8, 1));
        let ours = items_per_second(&run);
        let batch = run.meters.items as f64 / run.meters.batches as f64;
        println!("{clients} in flight: {ours:.0} items/s, measured {measured}; mean batch {batch:.2}");
        let allowed = if clients >= 10 { 0.05 } else { 0.15 };
        assert!((ours / measured - 1.0).abs() < allowed, "{clients}: {ours} {measured}");
    }
}

#[test]
fn two_instances_share_their_device() {
    // Batches of 4.833 items took 3332 µs beside a second instance: the factor, from compute times alone.
    let (fixed, each) = recogniser();
    let factor = 3332.0 / (fixed + each * 4.833);
    let table = BatchTable { sharing: vec![1.0, factor], ..recogniser_table() };
    let run = triton(16, table, BatchRules::greedy(8, 2));
    let ours = items_per_second(&run);
    println!("two instances: {ours:.0} items/s, measured 4134; factor {factor:.3}");
    assert!((ours / 4134.09 - 1.0).abs() < 0.1, "{ours}");
}
