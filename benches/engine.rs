//! The engine against a bare loop over `std`'s binary heap that does the same work.
//!
//! `cargo bench --bench engine` prints both; `tests/promises/engine_speed.rs` keeps their ratio.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};

mod loops;

const HOLDS: u64 = 1_000_000;
const CUSTOMERS: u64 = 1_000_000;

fn main() {
    divan::main();
}

/// Time per pop and schedule, by pending events.
#[divan::bench_group(sample_count = 20, sample_size = 1)]
mod hold {
    use super::{Bencher, HOLDS, ItemsCount, black_box, loops};

    #[divan::bench(args = [100, 10_000])]
    fn engine(bencher: Bencher, pending: u32) {
        let spans = loops::Spans::new();
        bencher
            .counter(ItemsCount::new(HOLDS))
            .bench_local(|| loops::hold_engine(&spans, black_box(pending), HOLDS));
    }

    #[divan::bench(args = [100, 10_000])]
    fn bare_heap(bencher: Bencher, pending: u32) {
        let spans = loops::Spans::new();
        bencher
            .counter(ItemsCount::new(HOLDS))
            .bench_local(|| loops::hold_bare(&spans, black_box(pending), HOLDS));
    }
}

/// An M/M/1 queue of load 0.8; items are events, two per customer.
#[divan::bench_group(sample_count = 10, sample_size = 1)]
mod mm1 {
    use super::{Bencher, CUSTOMERS, ItemsCount, black_box, loops};

    #[divan::bench]
    fn engine(bencher: Bencher) {
        bencher
            .counter(ItemsCount::new(2 * CUSTOMERS))
            .bench_local(|| loops::mm1_engine(black_box(CUSTOMERS)));
    }

    #[divan::bench]
    fn bare_heap(bencher: Bencher) {
        bencher.counter(ItemsCount::new(2 * CUSTOMERS)).bench_local(|| loops::mm1_bare(black_box(CUSTOMERS)));
    }
}
