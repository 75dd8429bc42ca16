//! Requests on their way through a replica, in recycled slots.

use crate::units::SimTime;
use crate::workload::arrivals::Request;

/// Where a sequence is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::workload::inference) enum Stage {
    /// Its tokens are to be computed, from the first.
    #[default]
    Fresh,
    /// Its cache exists and has to come in: from the host's memory, or from a prefill replica.
    Cached,
    /// Its tokens are being computed.
    Prefilling,
    /// All its tokens are computed; it waits for the rest of a static batch.
    Held,
    /// It gains tokens.
    Decoding,
}

/// A request and what is known of it.
#[derive(Clone, Copy, Debug)]
pub(in crate::workload::inference) struct Sequence {
    pub(in crate::workload::inference) request: Request,
    /// Number in the order of arrival at the door.
    pub(in crate::workload::inference) order: u64,
    /// When it may be scheduled.
    pub(in crate::workload::inference) ready: SimTime,
    /// When its first iteration began.
    pub(in crate::workload::inference) started: SimTime,
    /// When its first token came.
    pub(in crate::workload::inference) first_token: SimTime,
    /// Tokens of the answer so far; while decoding, as they were when decoding began.
    pub(in crate::workload::inference) emitted: u32,
    /// Prompt tokens computed; while decoding, tokens in the cache when decoding began.
    pub(super) done: u32,
    /// The replica's tokens per sequence when decoding began.
    pub(super) joined: u64,
    /// Blocks of its prefix that it shares.
    pub(super) shared: u32,
    /// Blocks set aside for it, in a static batch.
    pub(super) reserved: u64,
    /// Blocks of its whole answer, while it runs and nobody may give way.
    pub(super) promised: u64,
    /// Grows whenever the sequence leaves a batch: older entries of it are void.
    pub(super) epoch: u32,
    /// Place among those that run.
    pub(super) place: u32,
    pub(super) stage: Stage,
    /// Whether its blocks are in the memory of the host.
    pub(super) swapped: bool,
    /// When its last token came.
    pub(in crate::workload::inference) last_token: SimTime,
    /// Whether the slot holds a request that has not left.
    pub(in crate::workload::inference) inside: bool,
}

impl Sequence {
    /// Tokens that must be in the cache before it yields its next one: the prompt, and what it had said before it was preempted.
    pub(super) fn uncached(&self) -> u32 {
        self.request.input.saturating_add(self.emitted).max(1)
    }

    /// Tokens in the cache, while it lies elsewhere.
    pub(in crate::workload::inference) fn cached(&self) -> u32 {
        self.done
    }

    /// Tokens of the answer that are missing.
    pub(in crate::workload::inference) fn missing(&self) -> u32 {
        self.request.output.saturating_sub(self.emitted)
    }
}

/// Slots of sequences.
#[derive(Clone, Debug, Default)]
pub(in crate::workload::inference) struct Slots {
    slots: Vec<Sequence>,
    free: Vec<u32>,
}

impl Slots {
    /// Places a request that arrives as number `order`.
    pub(in crate::workload::inference) fn place(&mut self, request: Request, order: u64) -> u32 {
        let mut sequence = Sequence {
            request,
            order,
            ready: request.at,
            started: SimTime::NEVER,
            first_token: SimTime::NEVER,
            emitted: 0,
            done: 0,
            joined: 0,
            shared: 0,
            reserved: 0,
            promised: 0,
            epoch: 0,
            place: 0,
            stage: Stage::Fresh,
            swapped: false,
            last_token: SimTime::NEVER,
            inside: true,
        };
        if let Some(slot) = self.free.pop() {
            sequence.epoch = self[slot].epoch.wrapping_add(1);
            self[slot] = sequence;
            return slot;
        }
        self.slots.push(sequence);
        (self.slots.len() - 1) as u32
    }

    /// Gives a slot back.
    pub(in crate::workload::inference) fn release(&mut self, slot: u32) {
        self[slot].inside = false;
        self.free.push(slot);
    }

    /// Requests that have not left.
    pub(in crate::workload::inference) fn inside(&self) -> impl Iterator<Item = &Request> {
        self.slots.iter().filter(|own| own.inside).map(|own| &own.request)
    }

    /// Starts a sequence again from nothing: its replica is lost.
    pub(in crate::workload::inference) fn restart(&mut self, slot: u32) {
        let own = &mut self[slot];
        own.epoch = own.epoch.wrapping_add(1);
        (own.emitted, own.done, own.shared, own.reserved, own.promised) = (0, 0, 0, 0, 0);
        own.first_token = SimTime::NEVER;
        (own.stage, own.swapped) = (Stage::Fresh, false);
    }
}

impl std::ops::Index<u32> for Slots {
    type Output = Sequence;
    fn index(&self, slot: u32) -> &Sequence {
        &self.slots[slot as usize]
    }
}

impl std::ops::IndexMut<u32> for Slots {
    fn index_mut(&mut self, slot: u32) -> &mut Sequence {
        &mut self.slots[slot as usize]
    }
}
