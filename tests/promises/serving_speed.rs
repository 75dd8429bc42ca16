//! A hundred thousand conversations on four replicas take at most half a second and no memory that grows.

#[path = "../../benches/serving_load/mod.rs"]
mod serving_load;

use super::allocation::allocations;

/// CPU seconds of this thread.
fn thread_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse::<f64>().ok().map(|ns| ns / 1e9)
}

#[test]
#[cfg_attr(debug_assertions, ignore = "a matter of optimised code")]
fn a_hundred_thousand_conversations_take_half_a_second() {
    let load = serving_load::Load::new();
    let shortest = (0..3).filter_map(|_| {
        let before = thread_seconds()?;
        assert_eq!(load.run(100_000, false).finished, 100_000);
        Some(thread_seconds()? - before)
    });
    match shortest.reduce(f64::min) {
        Some(seconds) => {
            println!("100,000 conversations: {seconds:.3} s of CPU, {:?} MB", serving_load::peak_megabytes());
            assert!(seconds <= 0.5, "{seconds} s");
        }
        None => println!("the time of a thread cannot be read here; its speed is not checked"),
    }
}

#[test]
fn memory_does_not_grow_with_the_number_of_requests() {
    let load = serving_load::Load::new();
    let count = |requests| allocations(|| load.run(requests, false)).0;
    let (few, many) = (count(20_000), count(200_000));
    assert!(many <= few + 20, "{few} allocations for 20,000 requests, {many} for ten times as many");
}

#[test]
#[cfg_attr(debug_assertions, ignore = "a matter of optimised code")]
fn a_look_up_takes_at_most_two_hundred_nanoseconds() {
    let load = serving_load::Load::new();
    let looks = 200_000_u32;
    let round = || {
        let began = std::time::Instant::now();
        let sum: f64 =
            (0..looks).map(|look| load.look_up(std::hint::black_box(look.wrapping_mul(2_654_435_761)))).sum();
        assert!(sum > 0.0);
        began.elapsed().as_nanos() as f64 / f64::from(looks)
    };
    let shortest = (0..5).map(|_| round()).fold(f64::INFINITY, f64::min);
    println!("a look-up takes {shortest:.1} ns");
    assert!(shortest <= 200.0, "{shortest} ns");
}
