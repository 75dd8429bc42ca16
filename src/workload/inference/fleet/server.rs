//! One replica as the fleet sees it, of whichever kind.

use std::sync::Arc;

use super::super::fleet_spec::{MachineGroup, Role, ServiceModel};
use super::super::language::{Leaving, Replica, Slots};
use super::super::ledger::Fate;
use super::super::ordinary::{End, Left, Offered, OrdinaryReplica};
use crate::units::{SimSpan, SimTime};
use crate::workload::arrivals::Request;

/// Weight of the last gap between two ends in the mean of gaps.
const GAP_WEIGHT: f64 = 1.0 / 32.0;

/// What a replica does.
#[derive(Clone, Debug)]
enum Kind {
    Language(Box<Replica>),
    Ordinary(Box<OrdinaryReplica>),
}

/// A request that leaves a replica.
#[derive(Clone, Copy, Debug)]
pub(super) enum Out {
    /// It is done with.
    Gone(u32, Fate),
    /// Its prompt is computed: another replica goes on.
    Passed(u32),
}

/// A replica.
#[derive(Clone, Debug)]
pub(super) struct Server {
    kind: Kind,
    pub(super) group: u32,
    pub(super) machine: u32,
    /// Takes requests.
    pub(super) open: bool,
    /// Since when it is up, while it is.
    pub(super) up_since: Option<SimTime>,
    pub(super) up: SimSpan,
    /// When it is due, and the generation of that.
    pub(super) due: SimTime,
    pub(super) generation: u32,
    /// Mean time between ends while busy, and the last.
    gap_ns: f64,
    last_end: SimTime,
    leaving: Leaving,
}

impl Server {
    pub(super) fn new(spec: &MachineGroup, group: u32, machine: u32, stepwise: bool) -> Self {
        let kind = match &spec.service {
            ServiceModel::Language(model) => {
                Kind::Language(Box::new(Replica::new(model, stepwise, spec.role == Role::Prefill)))
            }
            ServiceModel::Ordinary(table, rules) => {
                let (table, rules) = (Arc::new(table.clone()), Arc::new(rules.clone()));
                Kind::Ordinary(Box::new(OrdinaryReplica::new(table, rules)))
            }
        };
        Self {
            kind,
            group,
            machine,
            open: false,
            up_since: None,
            up: SimSpan::ZERO,
            due: SimTime::NEVER,
            generation: 0,
            gap_ns: 0.0,
            last_end: SimTime::ZERO,
            leaving: Leaving::default(),
        }
    }

    pub(super) fn language(&self) -> Option<&Replica> {
        match &self.kind {
            Kind::Language(replica) => Some(replica),
            Kind::Ordinary(_) => None,
        }
    }

    /// Whether it can ever serve so many tokens.
    pub(super) fn can_hold(&self, input: u32, output: u32) -> bool {
        self.language().is_none_or(|replica| replica.can_hold(input, output))
    }

    pub(super) fn outstanding(&self) -> usize {
        match &self.kind {
            Kind::Language(replica) => replica.outstanding(),
            Kind::Ordinary(replica) => replica.outstanding(),
        }
    }

    fn queued(&self) -> usize {
        match &self.kind {
            Kind::Language(replica) => replica.queued(),
            Kind::Ordinary(replica) => replica.waiting(),
        }
    }

    /// How long a request that came now would wait: those before it, at the pace of the last ends.
    pub(super) fn expected_wait(&self) -> SimSpan {
        SimSpan((self.queued() as f64 * self.gap_ns) as u64)
    }

    pub(super) fn cached_tokens(&self, request: &Request) -> u32 {
        match (&self.kind, request.prefix) {
            (Kind::Language(replica), Some(prefix)) => replica.cached_tokens(prefix.group, prefix.tokens),
            _ => 0,
        }
    }

    pub(super) fn offer(&mut self, now: SimTime, slot: u32, slots: &mut Slots, out: &mut Vec<Out>) {
        if self.outstanding() == 0 {
            self.last_end = now;
        }
        match &mut self.kind {
            Kind::Language(replica) => replica.offer(now, slot, slots),
            Kind::Ordinary(replica) => {
                let request = &slots[slot].request;
                let offered =
                    Offered { id: u64::from(slot), items: request.input, priority: request.priority };
                let mut left = Vec::new();
                replica.offer(now, offered, &mut left);
                leave(&left, now, slots, out);
            }
        }
    }

    /// Lets everything end that ends now; [`Server::begin`] follows.
    pub(super) fn advance(&mut self, now: SimTime, slots: &mut Slots, out: &mut Vec<Out>) {
        match &mut self.kind {
            Kind::Language(replica) => {
                replica.advance(now, slots, &mut self.leaving);
                let finished = self.leaving.finished.drain(..);
                out.extend(finished.map(|slot| Out::Gone(slot, Fate::Finished)));
                out.extend(self.leaving.passed.drain(..).map(Out::Passed));
            }
            Kind::Ordinary(replica) => {
                let mut left = Vec::new();
                replica.advance(now, &mut left);
                leave(&left, now, slots, out);
            }
        }
        if !out.is_empty() {
            let gap = now.since(self.last_end).0 as f64 / out.len() as f64;
            let weight = if self.gap_ns == 0.0 { 1.0 } else { GAP_WEIGHT };
            self.gap_ns += weight * (gap - self.gap_ns);
            self.last_end = now;
        }
    }

    pub(super) fn begin(&mut self, now: SimTime, slots: &mut Slots) {
        if let Kind::Language(replica) = &mut self.kind {
            replica.begin(now, slots);
        }
    }

    pub(super) fn wake_at(&self, slots: &Slots) -> SimTime {
        match &self.kind {
            Kind::Language(replica) => replica.wake_at(slots),
            Kind::Ordinary(replica) => replica.wake_at(),
        }
    }

    /// The machine is gone; those inside in the order of arrival.
    pub(super) fn evict(&mut self, now: SimTime, slots: &Slots) -> Vec<u32> {
        let mut inside = match &mut self.kind {
            Kind::Language(replica) => replica.evict(now, slots),
            Kind::Ordinary(replica) => replica.evict(now).into_iter().map(|id| id as u32).collect(),
        };
        inside.sort_unstable_by_key(|slot| slots[*slot].order);
        inside
    }

    /// Time at work until now.
    pub(super) fn busy(&mut self, now: SimTime) -> SimSpan {
        match &mut self.kind {
            Kind::Language(replica) => replica.busy(now),
            Kind::Ordinary(replica) => replica.meters(now).busy,
        }
    }

    /// Ends the books of what is under way.
    pub(super) fn settle(&mut self, now: SimTime) {
        if let Kind::Language(replica) = &mut self.kind {
            replica.settle(now);
        }
    }
}

fn leave(left: &[Left], now: SimTime, slots: &mut Slots, out: &mut Vec<Out>) {
    for Left { id, end, queued } in left {
        let slot = *id as u32;
        let own = &mut slots[slot];
        own.started = own.request.at + *queued;
        own.last_token = now;
        let fate = match end {
            End::Finished => Fate::Finished,
            End::Refused => Fate::Refused,
            End::TimedOut => Fate::TimedOut,
        };
        out.push(Out::Gone(slot, fate));
    }
}
