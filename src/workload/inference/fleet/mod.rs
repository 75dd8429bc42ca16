//! A fleet: replicas on machines behind one door.
//!
//! Owns the world of a serving run: requests come to the door, a router gives them to replicas, machines start, fail and
//! are taken, an autoscaler asks for more or fewer. What a replica does with a request is the replica's business.

mod door;
mod machines;
mod record;
mod router;
mod scaler;
mod server;
mod settle;
mod shared;
mod spot;

use std::collections::VecDeque;

use super::fleet_spec::{FleetJob, Role};
use super::language::Slots;
use super::ledger::{Counting, Fate, Ledger, Limits as TargetLimits, RequestRecord};
use super::run::ServingRun;
use super::source::Source;
use crate::engine::{Calendar, Cancel, Limits, World, run};
use crate::stats::Stream;
use crate::units::{Seconds, SimSpan, SimTime};
use crate::workload::arrivals::Request;
use crate::workload::{Timeline, Window};
use machines::Machines;
use record::Record;
use router::Routing;
use scaler::Scaling;
use server::{Out, Server};

/// Requests inside beyond which a run is given up: its queue grows without bound.
const MOST_INSIDE: u64 = 2_000_000;
/// Requests refused one after the other after which a run is given up: none will be served.
const MOST_REFUSED: u64 = 5_000_000;
/// Events without a request that comes or goes after which a run is given up: it makes no progress.
const MOST_IDLE_EVENTS: u64 = 20_000_000;

/// What can happen.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    /// The next request comes.
    Arrival,
    /// A client has thought.
    Client,
    /// A replica is due.
    Due {
        server: u32,
        generation: u32,
    },
    /// An answer has reached its client.
    Answer {
        slot: u32,
    },
    /// The cache of a computed prompt has reached the decode replicas.
    Transferred {
        slot: u32,
    },
    /// A machine has started.
    Ready {
        machine: u32,
        generation: u32,
    },
    /// A machine breaks down.
    Failure {
        machine: u32,
        generation: u32,
    },
    /// A machine is taken on purpose, and comes back.
    Loss {
        index: u32,
    },
    Return {
        group: u32,
    },
    /// The spot market of a group says that it will take the machines, takes them, has some again.
    Notice {
        group: u32,
    },
    Taken {
        group: u32,
    },
    Capacity {
        group: u32,
    },
    /// The autoscaler looks.
    Look,
}

/// The world of a serving run.
pub(super) struct Fleet<'a> {
    job: &'a FleetJob,
    source: &'a mut dyn Source,
    sink: &'a mut dyn FnMut(&RequestRecord),
    slots: Slots,
    ledger: Ledger,
    servers: Vec<Server>,
    machines: Machines,
    routing: Routing,
    scaling: Option<Scaling>,
    /// Servers that take requests, and those that take computed prompts.
    entry: Vec<u32>,
    decoders: Vec<u32>,
    list_is_old: bool,
    /// Requests that find no server.
    door: VecDeque<u32>,
    decode_door: VecDeque<u32>,
    /// The next request, at its time.
    next: Option<Request>,
    closed: bool,
    over: bool,
    arrived: u64,
    /// The server between its `advance` and its `begin`.
    between: Option<u32>,
    out: Vec<Out>,
    idle_events: u64,
    refused_in_a_row: u64,
    /// What is recorded; `None` costs nothing.
    record: Option<Box<Record>>,
}

/// Runs a fleet under a source of requests.
pub(super) fn simulate(
    job: &FleetJob,
    source: &mut dyn Source,
    (seed, replica): (u64, u32),
    sink: &mut dyn FnMut(&RequestRecord),
    cancel: &Cancel,
) -> ServingRun {
    let horizon = time_of(job.horizon);
    let mut fleet = Fleet::new(job, source, (seed, replica), sink);
    let ended = run(&mut fleet, Limits::until(horizon), cancel);
    fleet.settle(ended.reached, ended.events)
}

/// The same run with what the first replica of each group does in the window; what comes after it is not simulated.
pub(super) fn record(
    job: &FleetJob,
    source: &mut dyn Source,
    (seed, replica): (u64, u32),
    window: Window,
    cancel: &Cancel,
) -> Timeline {
    let mut sink = |_: &RequestRecord| {};
    let mut fleet = Fleet::new(job, source, (seed, replica), &mut sink);
    fleet.record = Some(Box::new(Record::new(window)));
    let ended = run(&mut fleet, Limits::until(time_of(job.horizon).min(window.until)), cancel);
    fleet.recorded(ended.reached)
}

pub(super) fn time_of(seconds: Seconds) -> SimTime {
    SimTime::ZERO + SimSpan::from_seconds(seconds)
}

impl<'a> Fleet<'a> {
    fn new(
        job: &'a FleetJob,
        source: &'a mut dyn Source,
        (seed, replica): (u64, u32),
        sink: &'a mut dyn FnMut(&RequestRecord),
    ) -> Self {
        let targets = TargetLimits::of(&job.targets);
        let routing = Routing::new(job.router, Stream::named(seed, replica, "fleet", "router"));
        Self {
            job,
            source,
            sink,
            slots: Slots::default(),
            ledger: Ledger::new(Counting { warm_up: time_of(job.warm_up), targets, models: job.models() }),
            servers: Vec::new(),
            machines: Machines::new(job, seed, replica),
            routing,
            scaling: job.autoscaler.map(Scaling::new),
            entry: Vec::new(),
            decoders: Vec::new(),
            list_is_old: true,
            door: VecDeque::new(),
            decode_door: VecDeque::new(),
            next: None,
            closed: false,
            over: false,
            arrived: 0,
            between: None,
            out: Vec::new(),
            idle_events: 0,
            refused_in_a_row: 0,
            record: None,
        }
    }

    /// A replica is due: what ends now ends, what follows begins.
    fn due(&mut self, now: SimTime, index: u32, calendar: &mut Calendar<Event>) {
        let mut out = std::mem::take(&mut self.out);
        self.between = Some(index);
        let server = &mut self.servers[index as usize];
        server.due = SimTime::NEVER;
        if let Some(record) = &mut self.record {
            record.ends(now, index, server);
        }
        server.advance(now, &mut self.slots, &mut out);
        self.let_out(now, index, &mut out, calendar);
        self.out = out;
        self.between = None;
        self.servers[index as usize].begin(now, &mut self.slots);
        if let Some(record) = &mut self.record {
            record.begins(now, index);
        }
        self.schedule(index, calendar);
        self.stop_if_drained(now, index, calendar);
    }

    /// Those that leave a replica go where they have to.
    fn let_out(&mut self, now: SimTime, index: u32, out: &mut Vec<Out>, calendar: &mut Calendar<Event>) {
        for leaving in out.drain(..) {
            match leaving {
                Out::Gone(slot, fate) => self.served(now, index, slot, fate, calendar),
                Out::Passed(slot) => {
                    if let Some(record) = &mut self.record {
                        record.leaves(now, index, &self.slots[slot], Some(Fate::Finished));
                    }
                    let group = &self.job.groups[self.servers[index as usize].group as usize];
                    let tokens = f64::from(self.slots[slot].cached());
                    let span = SimSpan((tokens * group.transfer_ns_per_token.max(0.0)) as u64);
                    calendar.schedule_at(now + span, Event::Transferred { slot });
                }
            }
        }
    }

    /// Sees to it that a replica is called when it is due.
    fn schedule(&mut self, index: u32, calendar: &mut Calendar<Event>) {
        if self.between == Some(index) {
            return;
        }
        let server = &mut self.servers[index as usize];
        let at = server.wake_at(&self.slots);
        if at == server.due {
            return;
        }
        server.due = at;
        server.generation = server.generation.wrapping_add(1);
        if at != SimTime::NEVER {
            let at = at.max(calendar.now());
            calendar.schedule_at(at, Event::Due { server: index, generation: server.generation });
        }
    }

    /// Lists who takes requests, if that has changed.
    fn list_servers(&mut self) {
        if !std::mem::take(&mut self.list_is_old) {
            return;
        }
        self.entry.clear();
        self.decoders.clear();
        for (index, server) in self.servers.iter().enumerate().filter(|(_, server)| server.open) {
            match self.job.groups[server.group as usize].role {
                Role::Whole | Role::Prefill => self.entry.push(index as u32),
                Role::Decode => self.decoders.push(index as u32),
            }
        }
    }
}

impl World for Fleet<'_> {
    type Event = Event;

    fn start(&mut self, calendar: &mut Calendar<Event>) {
        self.start_machines(calendar);
        self.open_door(calendar);
        if let Some(scaling) = &self.scaling {
            calendar.schedule_in(scaling.period(), Event::Look);
        }
    }

    fn handle(&mut self, now: SimTime, event: Event, calendar: &mut Calendar<Event>) {
        self.idle_events += 1;
        // Whoever comes at this instant is here before anything ends or begins at it, leapt over or stepped.
        self.take_arrivals(now, calendar);
        if !matches!(event, Event::Look) {
            self.wake_scaler(now, calendar);
        }
        match event {
            Event::Arrival => {}
            Event::Client => self.send_next(now, calendar),
            Event::Due { server, generation } => {
                if self.servers[server as usize].generation == generation {
                    self.due(now, server, calendar);
                }
            }
            Event::Answer { slot } => self.answer(now, slot, Fate::Finished, calendar),
            Event::Transferred { slot } => self.route_decode(now, slot, calendar),
            Event::Ready { machine, generation } => self.machine_ready(now, machine, generation, calendar),
            Event::Failure { machine, generation } => self.machine_fails(now, machine, generation, calendar),
            Event::Loss { index } => self.loss(now, index, calendar),
            Event::Return { group } => self.machine_returns(now, group, calendar),
            Event::Notice { group } => self.notice(now, group, calendar),
            Event::Taken { group } => self.taken(now, group, calendar),
            Event::Capacity { group } => self.capacity(now, group, calendar),
            Event::Look => self.look(now, calendar),
        }
    }

    fn finished(&self) -> bool {
        let done = self.over && self.ledger.inside() == 0;
        let stuck = self.idle_events > MOST_IDLE_EVENTS || self.refused_in_a_row > MOST_REFUSED;
        let full = self.record.as_ref().is_some_and(|record| record.full());
        done || stuck || full || self.ledger.inside() > MOST_INSIDE
    }
}
