//! The engine costs at most two and a half times what a bare loop over the standard heap costs for the same
//! work.

use std::time::{Duration, Instant};

#[path = "../../benches/loops/mod.rs"]
mod loops;

/// Most that the engine may cost, over the bare loop.
const RATIO: f64 = 2.5;
const ROUNDS: usize = 9;

/// The shortest of several rounds, taken in turn: a busy machine lengthens some of them, never all.
fn shortest<T: PartialEq + std::fmt::Debug>(engine: impl Fn() -> T, bare: impl Fn() -> T) -> [Duration; 2] {
    let timed = |work: &dyn Fn() -> T| {
        let began = Instant::now();
        let result = work();
        (began.elapsed(), result)
    };
    let mut best = [Duration::MAX; 2];
    for _ in 0..ROUNDS {
        let ((engine_time, by_engine), (bare_time, by_bare)) = (timed(&engine), timed(&bare));
        assert_eq!(by_engine, by_bare, "both must do the same work");
        best = [best[0].min(engine_time), best[1].min(bare_time)];
    }
    best
}

fn assert_ratio(what: &str, events: u64, [engine, bare]: [Duration; 2]) {
    let nanos = |time: Duration| time.as_nanos() as f64 / events as f64;
    let ratio = nanos(engine) / nanos(bare);
    println!("{what}: {:.1} ns per event, bare {:.1} ns, ratio {ratio:.2}", nanos(engine), nanos(bare));
    assert!(ratio <= RATIO, "{what}: the engine takes {ratio:.2} times as long as a bare loop");
}

#[test]
#[cfg_attr(debug_assertions, ignore = "a matter of optimised code")]
fn the_engine_costs_at_most_two_and_a_half_times_a_bare_heap() {
    let spans = loops::Spans::new();
    let holds = 200_000;
    for pending in [100, 10_000] {
        let times = shortest(
            || loops::hold_engine(&spans, pending, holds),
            || loops::hold_bare(&spans, pending, holds),
        );
        assert_ratio(&format!("hold of {pending}"), holds, times);
    }
    let customers = 100_000;
    let times = shortest(|| loops::mm1_engine(customers), || loops::mm1_bare(customers));
    assert_ratio("M/M/1", 2 * customers, times);
}
