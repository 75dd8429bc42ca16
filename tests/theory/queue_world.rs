//! A queueing world on [`Station`]s: whatever arrives, waits and is served, with everything remembered.

use capplan::engine::{Calendar, Cancel, Limits, Offer, RunEnd, Station, World, run};
use capplan::stats::Stream;
use capplan::units::{Seconds, SimSpan, SimTime};

/// Draws seconds.
pub type Draw = Box<dyn Fn(&mut Stream) -> f64>;

/// A queueing system.
pub struct System {
    pub gap: Draw,
    /// Customers per arrival.
    pub bulk: usize,
    pub service: Draw,
    /// Servers of each station.
    pub servers: usize,
    /// Waiting places of each station.
    pub places: usize,
    /// Stations, each with a queue of its own; arrivals choose at random.
    pub stations: usize,
}

impl System {
    /// One station with a queue without bound.
    pub fn new(gap: Draw, service: Draw, servers: usize) -> Self {
        Self { gap, bulk: 1, service, servers, places: usize::MAX, stations: 1 }
    }
}

/// Always the same.
pub fn constant(seconds: f64) -> Draw {
    Box::new(move |_| seconds)
}

/// Exponential with the given rate.
pub fn exponential(rate: f64) -> Draw {
    Box::new(move |stream| stream.exponential(1.0 / rate))
}

/// What one replication showed, after its warm-up.
pub struct Seen {
    pub waits: Vec<f64>,
    pub sojourns: Vec<f64>,
    pub mean_wait: f64,
    pub mean_sojourn: f64,
    pub mean_serving: f64,
    pub mean_waiting: f64,
    pub refused_share: f64,
    pub empty_share: f64,
    pub throughput: f64,
}

impl Seen {
    /// Share of accepted customers that wait longer than `seconds`.
    pub fn waits_beyond(&self, seconds: f64) -> f64 {
        share_beyond(&self.waits, seconds)
    }

    /// Share of accepted customers that stay longer than `seconds`.
    pub fn sojourns_beyond(&self, seconds: f64) -> f64 {
        share_beyond(&self.sojourns, seconds)
    }
}

fn share_beyond(values: &[f64], bound: f64) -> f64 {
    values.iter().filter(|value| **value > bound).count() as f64 / values.len() as f64
}

#[derive(Clone, Copy)]
struct Customer {
    number: u64,
    arrived: SimTime,
}

#[derive(Clone, Copy)]
enum Event {
    Arrives,
    Leaves { station: usize, customer: Customer },
}

struct Queue<'a> {
    system: &'a System,
    stations: Vec<Station<Customer>>,
    gaps: Stream,
    services: Stream,
    choices: Stream,
    arrived: u64,
    customers: u64,
    warmup: u64,
    waits: Vec<f64>,
    sojourns: Vec<f64>,
    present: usize,
    empty: SimSpan,
    changed: SimTime,
    counted_from: SimTime,
}

/// Runs `customers` customers after a warm-up of a tenth as many.
pub fn simulate(system: &System, replica: u32, customers: u64) -> Seen {
    let station = || Station::bounded(system.servers, system.places);
    let warmup = customers / 10;
    let mut queue = Queue {
        system,
        stations: (0..system.stations).map(|_| station()).collect(),
        gaps: Stream::named(1, replica, "queue", "gaps"),
        services: Stream::named(1, replica, "queue", "services"),
        choices: Stream::named(1, replica, "queue", "choices"),
        arrived: 0,
        customers: customers + warmup,
        warmup,
        waits: Vec::with_capacity(customers as usize),
        sojourns: Vec::with_capacity(customers as usize),
        present: 0,
        empty: SimSpan::ZERO,
        changed: SimTime::ZERO,
        counted_from: SimTime::ZERO,
    };
    let ran = run(&mut queue, Limits::NONE, &Cancel::new());
    assert_eq!(ran.end, RunEnd::Finished);
    queue.seen(ran.reached)
}

impl Queue<'_> {
    fn arrive(&mut self, now: SimTime, calendar: &mut Calendar<Event>) {
        for _ in 0..self.system.bulk {
            let customer = Customer { number: self.arrived, arrived: now };
            self.arrived += 1;
            if customer.number == self.warmup {
                self.count_from(now);
            }
            let station = self.choices.below(self.stations.len());
            match self.stations[station].offer(now, customer) {
                Offer::Starts(customer) => self.serve(now, station, customer, calendar),
                Offer::Waits => {}
                Offer::Refused(_) => continue,
            }
            self.change(now, 1);
        }
    }

    fn serve(&mut self, now: SimTime, station: usize, customer: Customer, calendar: &mut Calendar<Event>) {
        if customer.number >= self.warmup {
            self.waits.push(now.since(customer.arrived).seconds().0);
        }
        let span = SimSpan::from_seconds(Seconds((self.system.service)(&mut self.services)));
        calendar.schedule_in(span, Event::Leaves { station, customer });
    }

    fn change(&mut self, now: SimTime, by: isize) {
        if self.present == 0 {
            self.empty += now.since(self.changed);
        }
        self.present = self.present.wrapping_add_signed(by);
        self.changed = now;
    }

    fn count_from(&mut self, now: SimTime) {
        self.stations.iter_mut().for_each(|station| station.reset_statistics(now));
        self.empty = SimSpan::ZERO;
        self.changed = now;
        self.counted_from = now;
    }

    fn seen(self, end: SimTime) -> Seen {
        let statistics: Vec<_> = self.stations.iter().map(|station| station.statistics(end)).collect();
        let span = end.since(self.counted_from).seconds().0;
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let refused: u64 = statistics.iter().map(|at| at.refused).sum();
        let accepted: u64 = statistics.iter().map(|at| at.accepted).sum();
        Seen {
            mean_wait: mean(&self.waits),
            mean_sojourn: mean(&self.sojourns),
            mean_serving: statistics.iter().map(|at| at.mean_serving()).sum(),
            mean_waiting: statistics.iter().map(|at| at.mean_waiting()).sum(),
            refused_share: refused as f64 / (refused + accepted) as f64,
            empty_share: self.empty.seconds().0 / span,
            throughput: accepted as f64 / span,
            waits: self.waits,
            sojourns: self.sojourns,
        }
    }
}

impl World for Queue<'_> {
    type Event = Event;

    fn start(&mut self, calendar: &mut Calendar<Event>) {
        let gap = SimSpan::from_seconds(Seconds((self.system.gap)(&mut self.gaps)));
        calendar.schedule_in(gap, Event::Arrives);
    }

    fn handle(&mut self, now: SimTime, event: Event, calendar: &mut Calendar<Event>) {
        match event {
            Event::Arrives => {
                self.arrive(now, calendar);
                self.start(calendar);
            }
            Event::Leaves { station, customer } => {
                if customer.number >= self.warmup {
                    self.sojourns.push(now.since(customer.arrived).seconds().0);
                }
                if let Some(next) = self.stations[station].finish(now) {
                    self.serve(now, station, next, calendar);
                }
                self.change(now, -1);
            }
        }
    }

    fn finished(&self) -> bool {
        self.arrived >= self.customers
    }
}
