//! One replica of an ordinary model: host work, queue, batches, host work.

use std::sync::Arc;

use super::super::rules::{BatchRules, BatchTable};
use super::device::{Device, Ended};
use super::host::{Host, Side};
use super::queue::{BatchQueue, Form, Inside};
use crate::units::{SimSpan, SimTime};

/// A request as it is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offered {
    /// The owner's name for it.
    pub id: u64,
    /// Items that it brings; never split.
    pub items: u32,
    /// Smaller goes first.
    pub priority: u8,
}

/// How a request left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Served.
    Finished,
    /// No place in the queue.
    Refused,
    /// Waited for too long.
    TimedOut,
}

/// A request that leaves now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// The owner's name for it.
    pub id: u64,
    /// How.
    pub end: End,
    /// How long it waited for an instance.
    pub queued: SimSpan,
}

/// What a replica has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrdinaryMeters {
    /// Batches started.
    pub batches: u64,
    /// Items in them, padding excluded.
    pub items: u64,
    /// Time with at least one batch at work.
    pub busy: SimSpan,
    /// The same, summed over instances.
    pub instance_busy: SimSpan,
    /// Work of host cores.
    pub host_busy: SimSpan,
}

/// A replica. Its owner tells it what happens and asks for [`OrdinaryReplica::wake_at`] after every call; at that
/// instant at the latest it calls [`OrdinaryReplica::advance`]. Instants must not fall.
#[derive(Clone, Debug)]
pub struct OrdinaryReplica {
    table: Arc<BatchTable>,
    rules: Arc<BatchRules>,
    host: Host,
    queue: BatchQueue,
    device: Device,
    /// When a batch goes that waits to be filled.
    due: SimTime,
    /// Requests inside.
    inside: usize,
}

impl OrdinaryReplica {
    /// An empty replica.
    #[must_use]
    pub fn new(table: Arc<BatchTable>, rules: Arc<BatchRules>) -> Self {
        let host = Host::new(table.host_cores);
        let (queue, device) = (BatchQueue::default(), Device::default());
        Self { table, rules, host, queue, device, due: SimTime::NEVER, inside: 0 }
    }

    /// A request arrives. What leaves at this instant, itself perhaps, is added to `left`.
    pub fn offer(&mut self, now: SimTime, offered: Offered, left: &mut Vec<Left>) {
        self.advance(now, left);
        let before = left.len();
        let Offered { id, items, priority } = offered;
        let request = Inside { id, items: items.max(1), priority, since: now, queued: SimSpan::ZERO };
        let work = self.table.host_per_item.times(u64::from(request.items));
        if work == SimSpan::ZERO {
            self.enqueue(now, request, left);
        } else {
            self.host.offer(now, Side::Before, request, work);
        }
        self.inside = self.inside + 1 - (left.len() - before);
    }

    /// When the replica next changes by itself; [`SimTime::NEVER`] while it is empty.
    #[must_use]
    pub fn wake_at(&self) -> SimTime {
        let expires = match self.rules.queue_timeout {
            Some(timeout) => self.queue.oldest().map_or(SimTime::NEVER, |oldest| oldest + timeout),
            None => SimTime::NEVER,
        };
        self.host.next_end().min(self.device.next_end()).min(self.due).min(expires)
    }

    /// Lets everything happen that happens by `now`, in order; call at [`OrdinaryReplica::wake_at`], not after it.
    pub fn advance(&mut self, now: SimTime, left: &mut Vec<Left>) {
        let before = left.len();
        while let Some(task) = self.host.pop_done(now) {
            match task.side {
                Side::Before => self.enqueue(now, Inside { since: now, ..task.request }, left),
                Side::After => left.push(leave(task.request, End::Finished)),
            }
        }
        let mut ended = false;
        while let Some(requests) = self.device.pop_done(now, &self.table) {
            ended = true;
            requests.iter().for_each(|request| self.after(now, *request, left));
            self.device.recycle(requests);
        }
        if ended || self.due <= now {
            self.dispatch(now);
        }
        if let Some(timeout) = self.rules.queue_timeout {
            while let Some(request) = self.queue.pop_expired(now, timeout) {
                let request = Inside { queued: now.since(request.since), ..request };
                left.push(leave(request, End::TimedOut));
                // Who is left may have longer to wait for a fuller batch.
                self.dispatch(now);
            }
        }
        self.inside -= left.len() - before;
    }

    /// Requests inside, wherever.
    #[must_use]
    pub fn outstanding(&self) -> usize {
        self.inside
    }

    /// Requests that wait for an instance.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// The machine is gone: everybody inside, in no state to go on, comes back to be served elsewhere.
    pub fn evict(&mut self, now: SimTime) -> Vec<u64> {
        let mut inside = self.device.stop(now);
        inside.extend(self.queue.drain());
        inside.extend(self.host.stop());
        (self.due, self.inside) = (SimTime::NEVER, 0);
        inside.into_iter().map(|request| request.id).collect()
    }

    /// What was done until now.
    #[must_use]
    pub fn meters(&mut self, now: SimTime) -> OrdinaryMeters {
        self.device.update(now);
        OrdinaryMeters {
            batches: self.device.batches,
            items: self.device.items,
            busy: self.device.busy,
            instance_busy: self.device.instance_busy,
            host_busy: self.host.busy,
        }
    }

    /// Notes batches from now on.
    pub fn watch(&mut self) {
        self.device.ended = Some(Vec::new());
    }

    /// The batches that ended since the last call, where they are noted.
    pub fn ended(&mut self) -> Vec<Ended> {
        self.device.ended.as_mut().map(std::mem::take).unwrap_or_default()
    }

    fn enqueue(&mut self, now: SimTime, request: Inside, left: &mut Vec<Left>) {
        self.queue.push(request);
        self.dispatch(now);
        // Only who cannot start at once needs a place.
        if self.rules.max_queue.is_some_and(|most| self.queue.len() as u64 > most)
            && let Some(refused) = self.queue.take_back(request.priority)
        {
            left.push(leave(refused, End::Refused));
        }
    }

    /// Gives free instances batches for as long as the rule says so.
    fn dispatch(&mut self, now: SimTime) {
        self.due = SimTime::NEVER;
        while self.device.busy_instances() < self.rules.instances.max(1) as usize {
            match self.queue.form(&self.rules, now) {
                Form::Nothing => return,
                Form::Wait(until) => {
                    self.due = until;
                    return;
                }
                Form::Send(count) => self.start(now, count),
            }
        }
    }

    fn start(&mut self, now: SimTime, count: usize) {
        let mut requests = self.device.vector();
        let taken = std::iter::from_fn(|| self.queue.pop()).take(count);
        requests.extend(taken.map(|request| Inside { queued: now.since(request.since), ..request }));
        let items = requests.iter().fold(0_u32, |sum, request| sum.saturating_add(request.items));
        // A batch of no time would let clients without a pause turn at one instant for ever.
        let ns = self.table.batch_ns(self.rules.padded(items)).max(1);
        self.device.start(now, ns, requests, &self.table);
    }

    fn after(&mut self, now: SimTime, request: Inside, left: &mut Vec<Left>) {
        let work = self.table.host_after_per_item.times(u64::from(request.items));
        if work == SimSpan::ZERO {
            left.push(leave(request, End::Finished));
        } else {
            self.host.offer(now, Side::After, request, work);
        }
    }
}

fn leave(request: Inside, end: End) -> Left {
    Left { id: request.id, end, queued: request.queued }
}
