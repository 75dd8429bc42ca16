//! The engine's loop allocates nothing once it is warm; the memory of a line, of traffic and of a device does not grow with
//! what passes.
#![allow(unsafe_code, clippy::unwrap_used)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

use capplan::engine::{Calendar, Cancel, Limits, Offer, RunEnd, Station, World, resume};
use capplan::stats::{Law, Stream};
use capplan::units::{Seconds, SimSpan, SimTime};
use capplan::workload::arrivals::{
    ArrivalSpec, LengthLaw, LengthSpec, Mix, TraceFormat, TraceSource, Traffic, TrafficSpec,
};
use capplan::workload::inference::ordinary::DeviceJob;
use capplan::workload::inference::{BatchRules, BatchTable};
use capplan::workload::training::pipeline::{Pipeline, Source, Stage};

/// The system's allocator, which counts the allocations of each thread.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call is passed on unchanged to the system's allocator; the counter is a constant-initialised
// cell without a destructor, so touching it neither allocates nor fails.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above; the pointer came from `alloc` or `realloc` here, hence from the system's
        // allocator.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// How often `work` allocates on this thread.
pub(super) fn allocations<T>(work: impl FnOnce() -> T) -> (u64, T) {
    let before = ALLOCATIONS.get();
    let result = work();
    (ALLOCATIONS.get() - before, result)
}

/// Customers that circle through two stations for ever; the second is bounded, so that the first gets
/// blocked.
struct Circle {
    stations: [Station<u32>; 2],
    services: Stream,
}

#[derive(Clone, Copy)]
struct Served {
    station: usize,
    customer: u32,
}

const CUSTOMERS: u32 = 40;

impl Circle {
    fn enter(&mut self, now: SimTime, station: usize, customer: u32, calendar: &mut Calendar<Served>) {
        match self.stations[station].offer(now, customer) {
            Offer::Starts(customer) => self.serve(station, customer, calendar),
            Offer::Waits => {}
            Offer::Refused(customer) => self.stations[0].hold(now, customer),
        }
    }

    fn serve(&mut self, station: usize, customer: u32, calendar: &mut Calendar<Served>) {
        let span = SimSpan::from_seconds(Seconds(self.services.exponential(1.0)));
        calendar.schedule_in(span, Served { station, customer });
    }
}

impl World for Circle {
    type Event = Served;

    fn start(&mut self, calendar: &mut Calendar<Served>) {
        (0..CUSTOMERS).for_each(|customer| self.enter(SimTime::ZERO, 0, customer, calendar));
    }

    fn handle(
        &mut self,
        now: SimTime,
        Served { station, customer }: Served,
        calendar: &mut Calendar<Served>,
    ) {
        if station == 0 && !self.stations[1].has_room() {
            return self.stations[0].hold(now, customer);
        }
        if let Some(next) = self.stations[station].finish(now) {
            self.serve(station, next, calendar);
        }
        self.enter(now, 1 - station, customer, calendar);
        if station == 1
            && let Some(released) = self.stations[0].release(now)
        {
            if let Some(next) = released.starts {
                self.serve(0, next, calendar);
            }
            self.enter(now, 1, released.leaves, calendar);
        }
    }
}

#[test]
fn a_warm_engine_loop_never_allocates() {
    let mut world = Circle {
        stations: [Station::new(4), Station::bounded(3, 2)],
        services: Stream::named(1, 0, "circle", "services"),
    };
    let mut calendar = Calendar::new();
    world.start(&mut calendar);
    let cancel = Cancel::new();
    resume(&mut world, &mut calendar, Limits::events(10_000), &cancel);
    let (count, ran) = allocations(|| resume(&mut world, &mut calendar, Limits::events(1_000_000), &cancel));
    assert_eq!((ran.end, ran.events), (RunEnd::EventLimit, 1_000_000));
    assert!(world.stations[0].statistics(ran.reached).held > 0, "blocking was part of the loop");
    assert_eq!(count, 0, "allocations in a million events");
}

#[test]
fn a_line_of_a_million_batches_needs_no_more_memory_than_one_of_twenty_thousand() {
    let stage = |name| Stage::new(name, Law::Exponential { mean: 1.0 }).buffer(4);
    let line =
        Pipeline::new(vec![stage("read"), stage("decode"), stage("train")], Source::Saturated).unwrap();
    let count = |items| allocations(|| line.simulate(1, 0, items, &Cancel::new())).0;
    let (short, long) = (count(20_000), count(1_000_000));
    assert!(long <= short + 4, "{short} allocations for 20,000 batches, {long} for a million");
}

#[test]
fn the_allocations_of_this_thread_are_counted() {
    let (count, boxed) = allocations(|| Box::new(7));
    assert_eq!((count, *boxed), (1, 7));
}

/// Traffic of one kind.
fn traffic(arrivals: ArrivalSpec, trace: Option<TraceSource>, requests: Option<u64>) -> TrafficSpec {
    let lengths = LengthSpec { input: LengthLaw::Uniform(1, 9), output: LengthLaw::Fixed(1), trace };
    let mix = Mix { share: 1.0, lengths, priority: 0, model: 0, prefix: None };
    TrafficSpec { arrivals, mixes: vec![mix], requests, most_tokens: None }
}

#[test]
fn traffic_allocates_for_its_start_alone() {
    let spec = traffic(ArrivalSpec::Gamma { rate: 10.0, cv: 2.0 }, None, Some(200_000));
    let mut drawn = Traffic::open(&spec, 1, 0).unwrap();
    assert_eq!(allocations(|| drawn.by_ref().count()), (0, 200_000));
}

#[test]
fn a_trace_is_read_row_by_row() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let rows: String = (0..200_000).map(|row| format!("{row},{},1\n", row % 100 + 1)).collect();
    std::fs::write(file.path(), format!("arrival_s,input_tokens,output_tokens\n{rows}")).unwrap();
    let source = TraceSource {
        path: file.path().to_owned(),
        format: TraceFormat::Seconds,
        speed: 1.0,
        repeat: false,
        select: None,
    };
    let mut replayed =
        Traffic::open(&traffic(ArrivalSpec::Trace(source.clone()), Some(source), None), 1, 0).unwrap();
    let (count, rows) = allocations(|| replayed.by_ref().count());
    assert_eq!(rows, 200_000);
    assert!(count < 10, "{count} allocations for 200,000 rows");
}

#[test]
fn a_device_allocates_no_more_for_more_requests() {
    let spent = |requests| {
        let job = DeviceJob {
            traffic: traffic(ArrivalSpec::Poisson { rate: 400.0 }, None, Some(requests)),
            table: Arc::new(BatchTable::of_device((1..=32).map(|n| 1_000_000 * (2 + n)).collect())),
            rules: Arc::new(BatchRules::greedy(32, 1)),
            target: None,
            warm_up: Seconds::ZERO,
            horizon: Seconds(1e9),
        };
        allocations(|| job.observe(1, 0, &Cancel::new(), |_| ()).unwrap()).0
    };
    let (few, many) = (spent(20_000), spent(200_000));
    assert!(many < few + 50, "{few} allocations, then {many}");
}
