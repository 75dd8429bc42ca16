//! The same work twice: once through the engine, once in a bare loop over `std`'s binary heap. The benchmark
//! prints both, and a test keeps their ratio.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use capplan::engine::{Calendar, Cancel, Limits, Offer, Station, World, run};
use capplan::stats::Stream;
use capplan::units::{Seconds, SimSpan, SimTime};

/// Exponential spans of mean one second from a table, so that drawing them costs next to nothing.
pub struct Spans(Vec<SimSpan>);

impl Spans {
    const COUNT: usize = 1024;

    #[must_use]
    pub fn new() -> Self {
        let mut stream = Stream::named(1, 0, "bench", "spans");
        let span = |_| SimSpan::from_seconds(Seconds(stream.exponential(1.0)));
        Self((0..Self::COUNT).map(span).collect())
    }

    fn get(&self, index: u64) -> SimSpan {
        self.0[index as usize % Self::COUNT]
    }
}

/// An event of sixteen bytes, as real worlds have.
#[derive(Clone, Copy)]
enum Tick {
    Of { entity: u32, generation: u64 },
}

/// The hold model: every event schedules itself anew, so that `pending` events stay pending.
struct Hold<'a> {
    spans: &'a Spans,
    pending: u32,
    holds: u64,
    done: u64,
    checksum: u64,
}

impl World for Hold<'_> {
    type Event = Tick;

    fn start(&mut self, calendar: &mut Calendar<Tick>) {
        for entity in 0..self.pending {
            calendar.schedule_in(self.spans.get(u64::from(entity)), Tick::Of { entity, generation: 0 });
        }
    }

    fn handle(&mut self, _: SimTime, event: Tick, calendar: &mut Calendar<Tick>) {
        let Tick::Of { entity, generation } = event;
        self.done += 1;
        self.checksum = self.checksum.wrapping_mul(31).wrapping_add(u64::from(entity));
        calendar.schedule_in(self.spans.get(self.done), Tick::Of { entity, generation: generation + 1 });
    }

    fn finished(&self) -> bool {
        self.done == self.holds
    }
}

/// `holds` holds on the engine; gives a checksum of the order of events.
#[must_use]
pub fn hold_engine(spans: &Spans, pending: u32, holds: u64) -> u64 {
    let mut world = Hold { spans, pending, holds, done: 0, checksum: 0 };
    run(&mut world, Limits::NONE, &Cancel::new());
    world.checksum
}

/// The heap's entry: its order is that of the key alone.
struct Entry<E>(u128, E);

impl<E> Ord for Entry<E> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}

impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<E> Eq for Entry<E> {}

/// The same holds in a bare loop; the same checksum.
#[must_use]
pub fn hold_bare(spans: &Spans, pending: u32, holds: u64) -> u64 {
    let mut heap = BinaryHeap::with_capacity(pending as usize);
    let mut scheduled = 0u64;
    for entity in 0..pending {
        let key = u128::from(spans.get(u64::from(entity)).0) << 64 | u128::from(scheduled);
        heap.push(Reverse(Entry(key, Tick::Of { entity, generation: 0 })));
        scheduled += 1;
    }
    let mut checksum = 0u64;
    for done in 1..=holds {
        let Some(Reverse(Entry(key, Tick::Of { entity, generation }))) = heap.pop() else { break };
        checksum = checksum.wrapping_mul(31).wrapping_add(u64::from(entity));
        let time = (key >> 64) as u64 + spans.get(done).0;
        let key = u128::from(time) << 64 | u128::from(scheduled);
        heap.push(Reverse(Entry(key, Tick::Of { entity, generation: generation + 1 })));
        scheduled += 1;
    }
    checksum
}

const MEAN_GAP: f64 = 1.25;
const MEAN_SERVICE: f64 = 1.0;

/// The two streams of an M/M/1 queue of load 0.8.
struct Draws {
    gaps: Stream,
    services: Stream,
}

impl Draws {
    fn new() -> Self {
        let stream = |purpose| Stream::named(1, 0, "mm1", purpose);
        Self { gaps: stream("gaps"), services: stream("services") }
    }

    fn gap(&mut self) -> SimSpan {
        SimSpan::from_seconds(Seconds(self.gaps.exponential(MEAN_GAP)))
    }

    fn service(&mut self) -> SimSpan {
        SimSpan::from_seconds(Seconds(self.services.exponential(MEAN_SERVICE)))
    }
}

#[derive(Clone, Copy)]
enum Event {
    Arrives,
    Leaves(SimTime),
}

struct Queue {
    draws: Draws,
    station: Station<SimTime>,
    to_come: u64,
    sojourns: u128,
}

impl World for Queue {
    type Event = Event;

    fn start(&mut self, calendar: &mut Calendar<Event>) {
        calendar.schedule_in(self.draws.gap(), Event::Arrives);
    }

    fn handle(&mut self, now: SimTime, event: Event, calendar: &mut Calendar<Event>) {
        let starts = match event {
            Event::Arrives => {
                self.to_come -= 1;
                if self.to_come > 0 {
                    calendar.schedule_in(self.draws.gap(), Event::Arrives);
                }
                match self.station.offer(now, now) {
                    Offer::Starts(arrived) => Some(arrived),
                    Offer::Waits | Offer::Refused(_) => None,
                }
            }
            Event::Leaves(arrived) => {
                self.sojourns += u128::from(now.since(arrived).0);
                self.station.finish(now)
            }
        };
        if let Some(arrived) = starts {
            calendar.schedule_in(self.draws.service(), Event::Leaves(arrived));
        }
    }
}

/// M/M/1 with its statistics on the engine (two events per customer); gives the summed sojourn in
/// nanoseconds.
#[must_use]
pub fn mm1_engine(customers: u64) -> u128 {
    let mut world = Queue { draws: Draws::new(), station: Station::new(1), to_come: customers, sojourns: 0 };
    run(&mut world, Limits::NONE, &Cancel::new());
    world.sojourns
}

/// The same queue in a bare loop without statistics of the station; the same sum.
#[must_use]
pub fn mm1_bare(customers: u64) -> u128 {
    let mut heap = BinaryHeap::new();
    let mut draws = Draws::new();
    let mut scheduled = 0u64;
    let mut schedule = |heap: &mut BinaryHeap<_>, time: u64, event: Event| {
        heap.push(Reverse(Entry(u128::from(time) << 64 | u128::from(scheduled), event)));
        scheduled += 1;
    };
    let (mut queue, mut busy, mut to_come, mut sojourns) = (VecDeque::new(), false, customers, 0u128);
    schedule(&mut heap, draws.gap().0, Event::Arrives);
    while let Some(Reverse(Entry(key, event))) = heap.pop() {
        let now = (key >> 64) as u64;
        let starts = match event {
            Event::Arrives => {
                to_come -= 1;
                if to_come > 0 {
                    schedule(&mut heap, now + draws.gap().0, Event::Arrives);
                }
                if busy {
                    queue.push_back(SimTime(now));
                    None
                } else {
                    Some(SimTime(now))
                }
            }
            Event::Leaves(arrived) => {
                sojourns += u128::from(now - arrived.0);
                busy = false;
                queue.pop_front()
            }
        };
        if let Some(arrived) = starts {
            busy = true;
            schedule(&mut heap, now + draws.service().0, Event::Leaves(arrived));
        }
    }
    sojourns
}
