//! One replica as the fleet sees it, of whichever kind.

use std::sync::Arc;

use super::super::fleet_spec::{MachineGroup, Role, ServiceModel};
use super::super::language::{Leaving, Replica, Slots};
use super::super::ledger::Fate;
use super::super::ordinary::{End, Ended, Left, Offered, OrdinaryReplica};
use super::shared::Shared;
use crate::units::{SimSpan, SimTime};
use crate::workload::Act;
use crate::workload::arrivals::Request;

/// Weight of the last gap between two ends in the mean of gaps.
const GAP_WEIGHT: f64 = 1.0 / 32.0;

/// What a replica does.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    Language(Box<Replica>),
    Ordinary(Box<OrdinaryReplica>),
    Shared(Box<Shared>),
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
        let kind = Kind::new(&spec.service, stepwise, spec.role);
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

    /// Its language models.
    pub(super) fn languages(&self) -> impl Iterator<Item = &Replica> {
        let shared = match &self.kind {
            Kind::Shared(shared) => Some(shared),
            _ => None,
        };
        let own = std::iter::once(&self.kind);
        own.chain(shared.into_iter().flat_map(|shared| shared.kinds())).filter_map(Kind::language)
    }

    /// Whether it can ever serve so many tokens of the request's model.
    pub(super) fn can_hold(&self, request: &Request, output: u32) -> bool {
        self.kind.can_hold(request, output)
    }

    pub(super) fn outstanding(&self) -> usize {
        self.kind.outstanding()
    }

    /// Requests that have not begun.
    pub(super) fn queued(&self) -> usize {
        self.kind.queued()
    }

    /// How long a request that came now would wait: those before it, at the pace of the last ends.
    pub(super) fn expected_wait(&self) -> SimSpan {
        SimSpan((self.kind.queued() as f64 * self.gap_ns) as u64)
    }

    pub(super) fn cached_tokens(&self, request: &Request) -> u32 {
        match (&self.kind, request.prefix) {
            (Kind::Language(replica), Some(prefix)) => replica.cached_tokens(prefix.group, prefix.tokens),
            (Kind::Shared(shared), Some(prefix)) => shared
                .kind(request.model)
                .and_then(Kind::language)
                .map_or(0, |replica| replica.cached_tokens(prefix.group, prefix.tokens)),
            _ => 0,
        }
    }

    pub(super) fn offer(&mut self, now: SimTime, slot: u32, slots: &mut Slots, out: &mut Vec<Out>) {
        if self.outstanding() == 0 {
            self.last_end = now;
        }
        self.kind.offer(now, slot, slots, out);
    }

    /// Lets everything end that ends now; [`Server::begin`] follows.
    pub(super) fn advance(&mut self, now: SimTime, slots: &mut Slots, out: &mut Vec<Out>) {
        self.kind.advance(now, slots, &mut self.leaving, out);
        if !out.is_empty() {
            let gap = now.since(self.last_end).0 as f64 / out.len() as f64;
            let weight = if self.gap_ns == 0.0 { 1.0 } else { GAP_WEIGHT };
            self.gap_ns += weight * (gap - self.gap_ns);
            self.last_end = now;
        }
    }

    pub(super) fn begin(&mut self, now: SimTime, slots: &mut Slots) {
        self.kind.begin(now, slots);
    }

    pub(super) fn wake_at(&self, slots: &Slots) -> SimTime {
        self.kind.wake_at(slots)
    }

    /// The machine is gone; those inside in the order of arrival.
    pub(super) fn evict(&mut self, now: SimTime, slots: &Slots) -> Vec<u32> {
        let mut inside = self.kind.evict(now, slots);
        inside.sort_unstable_by_key(|slot| slots[*slot].order);
        inside
    }

    /// Time at work until now.
    pub(super) fn busy(&mut self, now: SimTime) -> SimSpan {
        self.kind.busy(now)
    }

    /// Lets it note its batches.
    pub(super) fn watch(&mut self) {
        if let Kind::Ordinary(replica) = &mut self.kind {
            replica.watch();
        }
    }

    /// The iterations under way of a language model.
    pub(super) fn under_way(&self, now: SimTime) -> Option<(Act, [u64; 3])> {
        self.kind.language().and_then(|replica| replica.under_way(now))
    }

    /// The batches of an ordinary model that ended since the last call.
    pub(super) fn batches(&mut self) -> Vec<Ended> {
        match &mut self.kind {
            Kind::Ordinary(replica) => replica.ended(),
            Kind::Language(_) | Kind::Shared(_) => Vec::new(),
        }
    }

    /// Ends the books of what is under way.
    pub(super) fn settle(&mut self, now: SimTime) {
        self.kind.settle(now);
    }
}

impl Kind {
    pub(super) fn new(service: &ServiceModel, stepwise: bool, role: Role) -> Self {
        match service {
            ServiceModel::Language(model) => {
                Self::Language(Box::new(Replica::new(model, stepwise, role == Role::Prefill)))
            }
            ServiceModel::Ordinary(table, rules) => {
                let (table, rules) = (Arc::new(table.clone()), Arc::new(rules.clone()));
                Self::Ordinary(Box::new(OrdinaryReplica::new(table, rules)))
            }
            ServiceModel::Shared(models, sharing) => {
                Self::Shared(Box::new(Shared::new(models, sharing, stepwise, role)))
            }
        }
    }

    fn language(&self) -> Option<&Replica> {
        match self {
            Self::Language(replica) => Some(replica),
            Self::Ordinary(_) | Self::Shared(_) => None,
        }
    }

    fn can_hold(&self, request: &Request, output: u32) -> bool {
        match self {
            Self::Language(replica) => replica.can_hold(request.input, output),
            Self::Ordinary(_) => true,
            Self::Shared(shared) => {
                shared.kind(request.model).is_some_and(|kind| kind.can_hold(request, output))
            }
        }
    }

    pub(super) fn outstanding(&self) -> usize {
        match self {
            Self::Language(replica) => replica.outstanding(),
            Self::Ordinary(replica) => replica.outstanding(),
            Self::Shared(shared) => shared.kinds().map(Self::outstanding).sum(),
        }
    }

    fn queued(&self) -> usize {
        match self {
            Self::Language(replica) => replica.queued(),
            Self::Ordinary(replica) => replica.waiting(),
            Self::Shared(shared) => shared.kinds().map(Self::queued).sum(),
        }
    }

    /// Sequences in the batch of a language model.
    pub(super) fn running(&self) -> &[u32] {
        self.language().map_or(&[], Replica::running)
    }

    pub(super) fn offer(&mut self, now: SimTime, slot: u32, slots: &mut Slots, out: &mut Vec<Out>) {
        match self {
            Self::Language(replica) => replica.offer(now, slot, slots),
            Self::Ordinary(replica) => {
                let request = &slots[slot].request;
                let offered =
                    Offered { id: u64::from(slot), items: request.input, priority: request.priority };
                let mut left = Vec::new();
                replica.offer(now, offered, &mut left);
                leave(&left, now, slots, out);
            }
            Self::Shared(shared) => shared.offer(now, slot, slots, out),
        }
    }

    pub(super) fn advance(
        &mut self,
        now: SimTime,
        slots: &mut Slots,
        leaving: &mut Leaving,
        out: &mut Vec<Out>,
    ) {
        match self {
            Self::Language(replica) => {
                replica.advance(now, slots, leaving);
                out.extend(leaving.finished.drain(..).map(|slot| Out::Gone(slot, Fate::Finished)));
                out.extend(leaving.passed.drain(..).map(Out::Passed));
            }
            Self::Ordinary(replica) => {
                let mut left = Vec::new();
                replica.advance(now, &mut left);
                leave(&left, now, slots, out);
            }
            Self::Shared(shared) => shared.advance(now, slots, out),
        }
    }

    /// Models that share a device begin as they advance.
    pub(super) fn begin(&mut self, now: SimTime, slots: &mut Slots) {
        if let Self::Language(replica) = self {
            replica.begin(now, slots);
        }
    }

    pub(super) fn wake_at(&self, slots: &Slots) -> SimTime {
        match self {
            Self::Language(replica) => replica.wake_at(slots),
            Self::Ordinary(replica) => replica.wake_at(),
            Self::Shared(shared) => shared.wake_at(slots),
        }
    }

    pub(super) fn evict(&mut self, now: SimTime, slots: &Slots) -> Vec<u32> {
        match self {
            Self::Language(replica) => replica.evict(now, slots),
            Self::Ordinary(replica) => replica.evict(now).into_iter().map(|id| id as u32).collect(),
            Self::Shared(shared) => shared.evict(now, slots),
        }
    }

    fn busy(&mut self, now: SimTime) -> SimSpan {
        match self {
            Self::Language(replica) => replica.busy(now),
            Self::Ordinary(replica) => replica.meters(now).busy,
            Self::Shared(shared) => shared.busy(now),
        }
    }

    pub(super) fn settle(&mut self, now: SimTime) {
        match self {
            Self::Language(replica) => replica.settle(now),
            Self::Ordinary(_) => {}
            Self::Shared(shared) => shared.settle(now),
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
