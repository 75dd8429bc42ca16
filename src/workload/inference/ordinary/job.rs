//! One device under load: the smallest serving world.

use std::sync::Arc;

use super::super::rules::{BatchRules, BatchTable};
use super::super::run::{GroupMeters, ServingRun};
use super::replica::{End, Left, Offered, OrdinaryMeters, OrdinaryReplica};
use crate::engine::{Calendar, Cancel, Limits, World, run};
use crate::stats::Histogram;
use crate::units::{Seconds, SimSpan, SimTime};
use crate::workload::Workload;
use crate::workload::arrivals::{Traffic, TrafficError, TrafficSpec};

/// A client that was refused pauses for so long at least: without it, a full queue would be asked again and again at
/// one instant.
const REFUSED_PAUSE: SimSpan = SimSpan(1_000_000);

/// Requests inside beyond which a run is given up: its queue grows without bound.
const MOST_INSIDE: u64 = 2_000_000;

/// An ordinary model on one device, under an open load or a number of clients.
#[derive(Clone, Debug)]
pub struct DeviceJob {
    /// Traffic; `input` counts items.
    pub traffic: TrafficSpec,
    /// Times.
    pub table: Arc<BatchTable>,
    /// Batching.
    pub rules: Arc<BatchRules>,
    /// Latency that goodput counts.
    pub target: Option<Seconds>,
    /// Requests that arrive before this are served but not counted.
    pub warm_up: Seconds,
    /// The run ends here, whatever is left, and before if more than two million requests are inside.
    pub horizon: Seconds,
}

/// What one replication of a device showed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeviceRun {
    /// What every serving run reports; items count as prompt tokens, batches as iterations.
    pub serving: ServingRun,
    /// What the device did, warm-up included.
    pub meters: OrdinaryMeters,
    /// Time that counted requests waited for an instance, of those served.
    pub queued: Histogram,
    /// Items of counted requests that were served.
    pub items: u64,
    /// The instant at which the run ended.
    pub reached: SimTime,
}

/// A request that left, as an observer sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Departed {
    /// Arrival.
    pub arrived: SimTime,
    /// Departure.
    pub left: SimTime,
    /// How long it waited for an instance.
    pub queued: SimSpan,
    /// How it left.
    pub end: End,
    /// Its priority.
    pub priority: u8,
}

impl DeviceJob {
    /// Runs one replication; `observe` sees every departure in order, warm-up included.
    ///
    /// # Errors
    /// What [`Traffic::open`] refuses.
    pub fn observe(
        &self,
        seed: u64,
        replica: u32,
        cancel: &Cancel,
        observe: impl FnMut(&Departed),
    ) -> Result<DeviceRun, TrafficError> {
        let traffic = Traffic::open(&self.traffic, seed, replica)?;
        let mut world = Device::new(self, traffic, observe);
        let horizon = SimTime::ZERO + SimSpan::from_seconds(self.horizon);
        let ran = run(&mut world, Limits::until(horizon), cancel);
        Ok(world.finish(ran.reached, ran.events))
    }
}

impl Workload for DeviceJob {
    type Replica = Result<DeviceRun, TrafficError>;

    fn simulate(&self, seed: u64, replica: u32, cancel: &Cancel) -> Self::Replica {
        self.observe(seed, replica, cancel, |_| ())
    }
}

#[derive(Clone, Copy)]
enum Event {
    /// The next request of an open load, or of a client, arrives.
    Arrives,
    /// The replica changes.
    Wakes,
}

/// A request in the system.
#[derive(Clone, Copy)]
struct Present {
    arrived: SimTime,
    items: u32,
    priority: u8,
}

struct Device<F> {
    traffic: Traffic,
    observe: F,
    replica: OrdinaryReplica,
    warm_up: SimTime,
    target: SimSpan,
    /// Places of requests in the system, and those that are free.
    present: Vec<Present>,
    free: Vec<u64>,
    /// The open load's next request.
    next: Option<(SimTime, u32, u8)>,
    /// The earliest pending wake.
    wake: SimTime,
    left: Vec<Left>,
    /// Requests in the system, and when that last changed.
    count: u64,
    changed: SimTime,
    run: DeviceRun,
    first: Option<SimTime>,
    last: SimTime,
    /// Requests in the system at the last two doublings of counted arrivals, and at the last counted arrival.
    marks: (u64, u64, u64),
}

impl<F: FnMut(&Departed)> Device<F> {
    fn new(job: &DeviceJob, traffic: Traffic, observe: F) -> Self {
        Self {
            traffic,
            observe,
            replica: OrdinaryReplica::new(Arc::clone(&job.table), Arc::clone(&job.rules)),
            warm_up: SimTime::ZERO + SimSpan::from_seconds(job.warm_up),
            target: job.target.map_or(SimSpan(u64::MAX), SimSpan::from_seconds),
            present: Vec::new(),
            free: Vec::new(),
            next: None,
            wake: SimTime::NEVER,
            left: Vec::new(),
            count: 0,
            changed: SimTime::ZERO,
            run: DeviceRun::default(),
            first: None,
            last: SimTime::ZERO,
            marks: (0, 0, 0),
        }
    }

    fn expect_next(&mut self, calendar: &mut Calendar<Event>) {
        self.next = self.traffic.next().map(|request| (request.at, request.input, request.priority));
        if let Some((at, ..)) = self.next {
            calendar.schedule_at(at, Event::Arrives);
        }
    }

    fn arrive(&mut self, now: SimTime, items: u32, priority: u8) {
        self.change(now);
        self.count += 1;
        let present = Present { arrived: now, items, priority };
        let id = match self.free.pop() {
            Some(id) => {
                self.present[id as usize] = present;
                id
            }
            None => {
                self.present.push(present);
                self.present.len() as u64 - 1
            }
        };
        if now >= self.warm_up {
            let run = &mut self.run.serving;
            run.offered += 1;
            self.first.get_or_insert(now);
            self.marks.2 = self.count;
            if run.offered.is_power_of_two() {
                (self.marks.0, self.marks.1) = (self.marks.1, self.count);
            }
        }
        self.replica.offer(now, Offered { id, items, priority }, &mut self.left);
    }

    /// Takes note of everybody who left.
    fn settle(&mut self, now: SimTime, calendar: &mut Calendar<Event>) {
        self.change(now);
        let mut left = std::mem::take(&mut self.left);
        for gone in left.drain(..) {
            let present = self.present[gone.id as usize];
            self.free.push(gone.id);
            self.count -= 1;
            self.depart(now, present, gone);
            if self.traffic.clients().is_some() {
                let pause = if gone.end == End::Finished { SimSpan::ZERO } else { REFUSED_PAUSE };
                calendar.schedule_in(self.traffic.think().max(pause), Event::Arrives);
            }
        }
        self.left = left;
        let wake = self.replica.wake_at();
        if wake < self.wake {
            self.wake = wake;
            calendar.schedule_at(wake, Event::Wakes);
        }
    }

    fn depart(&mut self, now: SimTime, present: Present, gone: Left) {
        let stay = now.since(present.arrived);
        self.run.serving.time_in_system_ns += u128::from(stay.0);
        (self.observe)(&Departed {
            arrived: present.arrived,
            left: now,
            queued: gone.queued,
            end: gone.end,
            priority: present.priority,
        });
        if present.arrived < self.warm_up {
            return;
        }
        self.last = now;
        let run = &mut self.run.serving;
        if gone.end != End::Finished {
            run.refused += 1;
            return;
        }
        run.finished += 1;
        run.good += u64::from(stay <= self.target);
        run.latency.record(stay.0);
        run.waiting_ns += u128::from(gone.queued.0);
        run.input_tokens += u64::from(present.items);
        self.run.items += u64::from(present.items);
        self.run.queued.record(gone.queued.0);
    }

    /// The number in the system was what it is until now.
    fn change(&mut self, now: SimTime) {
        self.run.serving.in_flight_ns += u128::from(now.since(self.changed).0) * u128::from(self.count);
        self.changed = now;
    }

    fn finish(mut self, reached: SimTime, events: u64) -> DeviceRun {
        self.change(reached);
        let free: std::collections::HashSet<u64> = self.free.iter().copied().collect();
        let inside = (0..self.present.len() as u64).filter(|id| !free.contains(id));
        for present in inside.map(|id| self.present[id as usize]) {
            self.run.serving.time_in_system_ns += u128::from(reached.since(present.arrived).0);
        }
        let meters = self.replica.meters(reached);
        let up = reached.since(SimTime::ZERO);
        let run = &mut self.run.serving;
        run.unfinished = run.offered - run.finished - run.refused;
        run.iterations = meters.batches;
        run.events = events;
        run.span = self.first.map_or(SimSpan::ZERO, |first| self.last.since(first));
        let (before, latest, last) = self.marks;
        run.backlog = (if run.offered.is_power_of_two() { before } else { latest }, last);
        run.groups = vec![GroupMeters {
            billed: up,
            up,
            busy: meters.busy,
            most_machines: 1,
            mean_machines: 1.0,
            ..GroupMeters::default()
        }];
        (self.run.meters, self.run.reached) = (meters, reached);
        self.run
    }
}

impl<F: FnMut(&Departed)> World for Device<F> {
    type Event = Event;

    fn start(&mut self, calendar: &mut Calendar<Event>) {
        match self.traffic.clients() {
            Some(clients) => {
                for _ in 0..clients {
                    let think = self.traffic.think();
                    calendar.schedule_in(think, Event::Arrives);
                }
            }
            None => self.expect_next(calendar),
        }
    }

    fn handle(&mut self, now: SimTime, event: Event, calendar: &mut Calendar<Event>) {
        match event {
            Event::Wakes if now == self.wake => {
                self.wake = SimTime::NEVER;
                self.replica.advance(now, &mut self.left);
            }
            // Another wake came first.
            Event::Wakes => {}
            Event::Arrives if self.traffic.clients().is_some() => {
                if let Some(request) = self.traffic.next() {
                    self.arrive(now, request.input, request.priority);
                }
            }
            Event::Arrives => {
                if let Some((_, items, priority)) = self.next.take() {
                    self.arrive(now, items, priority);
                    self.expect_next(calendar);
                }
            }
        }
        self.settle(now, calendar);
    }
    fn finished(&self) -> bool {
        self.count > MOST_INSIDE
    }
}
