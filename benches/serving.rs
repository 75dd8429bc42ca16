//! What a serving run costs: the conversation workload on four replicas, recycled to any number of requests.
//!
//! `cargo bench --bench serving` prints times and memory; `tests/promises/serving_speed.rs` keeps them. A number of
//! requests as argument (`-- 10000000`) runs that many once and prints time, memory and events.
#![allow(clippy::expect_used)]

use std::time::Instant;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};

mod serving_load;

fn main() {
    let many = std::env::args().skip(1).find_map(|argument| argument.parse::<u64>().ok());
    match many {
        Some(requests) => report(requests),
        None => divan::main(),
    }
}

/// Requests on four replicas at 24 per second.
#[divan::bench(args = [10_000, 100_000], sample_count = 10, sample_size = 1)]
fn conversations(bencher: Bencher, requests: u64) {
    let load = serving_load::Load::new();
    bencher.counter(ItemsCount::new(requests)).bench_local(|| load.run(black_box(requests), false));
}

/// The same, an event for every iteration.
#[divan::bench(args = [10_000], sample_count = 5, sample_size = 1)]
fn conversations_stepwise(bencher: Bencher, requests: u64) {
    let load = serving_load::Load::new();
    bencher.counter(ItemsCount::new(requests)).bench_local(|| load.run(black_box(requests), true));
}

/// One look-up of an iteration time.
#[divan::bench]
fn look_up(bencher: Bencher) {
    let load = serving_load::Load::new();
    let mut place = 0_u32;
    bencher.bench_local(|| {
        place = place.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        load.look_up(black_box(place))
    });
}

/// CPU seconds of this process so far.
fn cpu_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = text.rsplit(')').next()?.split_whitespace().collect();
    let ticks: f64 = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    Some(ticks / 100.0)
}

/// Runs so many requests once and prints what it took.
fn report(requests: u64) {
    let load = serving_load::Load::new();
    let (before, began) = (cpu_seconds(), Instant::now());
    let run = load.run(requests, false);
    let wall = began.elapsed().as_secs_f64();
    let cpu = cpu_seconds().zip(before).map(|(after, before)| after - before);
    println!("{requests} requests: {wall:.3} s wall, {cpu:?} s CPU, {:?} MB", serving_load::peak_megabytes());
    println!(
        "{} events, {} iterations, {} finished, latency p50 {:.3} s, first token p99 {:.3} s",
        run.events,
        run.iterations,
        run.finished,
        run.latency.quantile(0.5).unwrap_or(0.0) / 1e9,
        run.time_to_first_token.quantile(0.99).unwrap_or(0.0) / 1e9,
    );
}
