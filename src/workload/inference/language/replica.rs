//! One replica of a language model: a batch that changes at every iteration, over a paged cache.
//!
//! The replica keeps no calendar. Its owner offers requests, asks when it next changes ([`Replica::wake_at`]), lets it
//! finish what ends then ([`Replica::advance`]) and lets it begin what follows ([`Replica::begin`]).

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::super::rules::ReplicaModel;
use super::cache::Cache;
use super::clock::{Fine, Leap, Pace};
use super::meters::ReplicaMeters;
use super::sequence::{Slots, Stage};
use crate::catalog::Batching;
use crate::units::{SimSpan, SimTime};

/// What the replica is at.
#[derive(Clone, Copy, Debug)]
pub(super) enum Work {
    Idle,
    /// Iterations of an unchanging decode batch.
    Decode(Leap),
    /// One iteration with prompts, or with blocks moving; decoding sequences take part or wait.
    Mixed {
        start: Fine,
        end: Fine,
        decodes: bool,
    },
}

/// How a waiting request was kept from starting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blocked {
    Not,
    /// No further sequence, or no further token, fits the iteration.
    Batch,
    Cache,
}

/// Sequences that leave a replica.
#[derive(Clone, Debug, Default)]
pub(in crate::workload::inference) struct Leaving {
    /// Done.
    pub(in crate::workload::inference) finished: Vec<u32>,
    /// Prompts computed, to be continued by another replica.
    pub(in crate::workload::inference) passed: Vec<u32>,
}

/// A replica and everybody on it.
#[derive(Clone, Debug)]
pub(in crate::workload::inference) struct Replica {
    pub(super) model: ReplicaModel,
    pub(super) cache: Cache,
    pub(super) pace: Pace,
    /// Most sequences: all of them decoding must fit the tokens of an iteration.
    pub(super) most: usize,
    /// Every decode iteration is a leap of one.
    pub(super) stepwise: bool,
    /// Whether prompts leave once they are computed.
    pub(super) prefill_only: bool,
    /// Offered and not yet ready, in the order of time.
    pub(super) coming: VecDeque<u32>,
    /// By priority, then arrival.
    pub(super) waiting: BinaryHeap<Reverse<(u8, u64, u32)>>,
    pub(super) running: Vec<u32>,
    pub(super) prefilling: VecDeque<u32>,
    pub(super) held: Vec<u32>,
    /// Decoding sequences by the tokens gained at which they are done; void where the epoch is not the sequence's.
    pub(super) ends: BinaryHeap<Reverse<(u64, u64, u32, u32)>>,
    pub(super) decoding: u64,
    /// Tokens in the cache of decoding sequences.
    pub(super) contexts: u64,
    /// Decode iterations so far, and the tokens that a sequence gained by them.
    pub(super) iterations: u64,
    pub(super) gained: u64,
    pub(super) chunks: Vec<(u32, u32)>,
    pub(super) work: Work,
    /// Between the end of an iteration and the beginning of the next.
    between: bool,
    pub(super) clock: Fine,
    pub(super) blocked: Blocked,
    pub(super) swapped_blocks: u64,
    pub(super) moving_ns: f64,
    /// Blocks of the whole answers of those that run, where nobody may give way.
    pub(super) promised: u64,
    pub(super) meters: ReplicaMeters,
}

impl Replica {
    pub(in crate::workload::inference) fn new(
        model: &ReplicaModel,
        stepwise: bool,
        prefill_only: bool,
    ) -> Self {
        let rules = &model.rules;
        let pace = rules.speculation.map_or(Pace::ONE, |own| Pace::speculating(own.drafts, own.acceptance));
        let fitting = rules.max_batched_tokens / model.table.tokens_per_decode();
        Self {
            model: model.clone(),
            cache: Cache::new(&model.kv),
            pace,
            most: rules.max_sequences.min(fitting).max(1) as usize,
            stepwise,
            prefill_only,
            coming: VecDeque::new(),
            waiting: BinaryHeap::new(),
            running: Vec::new(),
            prefilling: VecDeque::new(),
            held: Vec::new(),
            ends: BinaryHeap::new(),
            decoding: 0,
            contexts: 0,
            iterations: 0,
            gained: 0,
            chunks: Vec::new(),
            work: Work::Idle,
            between: false,
            clock: Fine::default(),
            blocked: Blocked::Not,
            swapped_blocks: 0,
            moving_ns: 0.0,
            promised: 0,
            meters: ReplicaMeters::default(),
        }
    }

    /// Whether the cache holds a request of so many tokens to its end, alone.
    pub(in crate::workload::inference) fn can_hold(&self, input: u32, output: u32) -> bool {
        let drafts = self.model.rules.speculation.map_or(0, |own| own.drafts.min(64));
        let tokens = u64::from(input.max(1)) + u64::from(output) + u64::from(drafts);
        self.cache.blocks_of(tokens) <= self.cache.total()
    }

    /// Sequences in the batch.
    pub(in crate::workload::inference) fn running(&self) -> &[u32] {
        &self.running
    }

    /// Requests inside, wherever.
    pub(in crate::workload::inference) fn outstanding(&self) -> usize {
        self.coming.len() + self.waiting.len() + self.running.len()
    }

    /// Requests that have not begun, or have to begin again.
    pub(in crate::workload::inference) fn queued(&self) -> usize {
        self.coming.len() + self.waiting.len()
    }

    /// Time at work until now.
    pub(in crate::workload::inference) fn busy(&self, now: SimTime) -> SimSpan {
        let under_way = match self.work {
            Work::Idle => SimSpan::ZERO,
            Work::Decode(_) => Fine::of(now).since(self.clock),
            Work::Mixed { start, .. } => Fine::of(now).since(start),
        };
        self.meters.prefill + self.meters.decode + under_way
    }

    /// Prompt tokens of a prefix that are in the cache.
    pub(in crate::workload::inference) fn cached_tokens(&self, group: u32, tokens: u32) -> u32 {
        let blocks = self.cache.prefixes.blocks(group).min(u64::from(tokens / self.cache.block_tokens()));
        blocks as u32 * self.cache.block_tokens()
    }

    /// A request arrives.
    pub(in crate::workload::inference) fn offer(&mut self, now: SimTime, slot: u32, slots: &mut Slots) {
        let cached = slots[slot].stage == Stage::Cached;
        let overhead = if cached { SimSpan::ZERO } else { self.model.rules.request_overhead };
        let ready = now + overhead;
        slots[slot].ready = ready;
        self.coming.push_back(slot);
        if self.could_join(slot, slots)
            && let Work::Decode(leap) = &mut self.work
        {
            leap.count = leap.boundary(ready);
        }
    }

    /// When the replica next changes by itself; never while it is empty.
    pub(in crate::workload::inference) fn wake_at(&self, slots: &Slots) -> SimTime {
        match &self.work {
            Work::Decode(leap) => leap.end().time(),
            Work::Mixed { end, .. } => end.time(),
            Work::Idle => self.coming.front().map_or(SimTime::NEVER, |slot| slots[*slot].ready),
        }
    }

    /// Ends the iterations that end now. [`Replica::begin`] must follow.
    pub(in crate::workload::inference) fn advance(
        &mut self,
        now: SimTime,
        slots: &mut Slots,
        leaving: &mut Leaving,
    ) {
        self.between = true;
        let span = match self.work {
            Work::Idle => {
                self.clock = Fine::of(now);
                return;
            }
            Work::Decode(leap) => {
                let began = self.clock;
                self.clock = leap.end();
                self.gain(leap.count);
                self.meters.iterations += leap.count;
                let span = self.clock.since(began);
                self.meters.decode += span;
                span
            }
            Work::Mixed { start, end, decodes } => {
                self.clock = end;
                if decodes {
                    self.gain(1);
                }
                self.meters.iterations += 1;
                let span = end.since(start);
                if self.chunks.is_empty() {
                    self.meters.decode += span;
                } else {
                    self.meters.prefill += span;
                }
                span
            }
        };
        self.meters.cache(span, self.cache.pinned());
        self.finish_decodes(slots, leaving);
        self.finish_chunks(now, slots, leaving);
        self.work = Work::Idle;
    }

    /// Lets each decoding sequence go on by some iterations.
    fn gain(&mut self, count: u64) {
        let tokens = self.pace.tokens(self.iterations, count);
        let blocks = self.cache.growth(self.gained, tokens);
        self.cache.pin(blocks);
        self.iterations += count;
        self.gained += tokens;
        self.contexts += self.decoding * tokens;
    }

    fn finish_decodes(&mut self, slots: &mut Slots, leaving: &mut Leaving) {
        while let Some(end) = self.next_end(slots)
            && end <= self.gained
            && let Some(Reverse((_, _, slot, _))) = self.ends.pop()
        {
            self.leave_batch(slot, slots);
            slots[slot].emitted = slots[slot].request.output;
            leaving.finished.push(slot);
        }
    }

    /// Tokens gained at which the first decoding sequence is done.
    pub(super) fn next_end(&mut self, slots: &Slots) -> Option<u64> {
        while let Some(Reverse((end, _, slot, epoch))) = self.ends.peek() {
            if slots[*slot].epoch == *epoch {
                return Some(*end);
            }
            self.ends.pop();
        }
        None
    }

    fn finish_chunks(&mut self, now: SimTime, slots: &mut Slots, leaving: &mut Leaving) {
        let mut chunks = std::mem::take(&mut self.chunks);
        for (slot, tokens) in chunks.drain(..) {
            let own = &mut slots[slot];
            own.done += tokens;
            if own.done >= own.uncached() {
                self.prefilled(now, slot, slots, leaving);
            }
        }
        self.chunks = chunks;
        if self.prefilling.is_empty() && !self.held.is_empty() {
            self.release_batch(slots, leaving);
        }
    }

    /// All tokens of a sequence are computed: it yields its next one.
    fn prefilled(&mut self, now: SimTime, slot: u32, slots: &mut Slots, leaving: &mut Leaving) {
        self.prefilling.retain(|own| *own != slot);
        self.share_prefix(slot, slots);
        let own = &mut slots[slot];
        let tokens = own.uncached();
        if own.first_token == SimTime::NEVER {
            own.first_token = now;
        }
        own.emitted = own.emitted.saturating_add(1).min(own.request.output);
        own.done = tokens;
        if self.model.rules.batching == Batching::Static {
            own.stage = Stage::Held;
            self.held.push(slot);
        } else if own.missing() == 0 {
            self.leave_batch(slot, slots);
            leaving.finished.push(slot);
        } else if self.prefill_only {
            self.leave_batch(slot, slots);
            slots[slot].stage = Stage::Cached;
            leaving.passed.push(slot);
        } else {
            self.join_decode(slot, u64::from(slots[slot].missing()), slots);
        }
    }

    /// A static batch begins to decode; everybody stays until the last is done.
    fn release_batch(&mut self, slots: &mut Slots, leaving: &mut Leaving) {
        let held = std::mem::take(&mut self.held);
        let longest = held.iter().map(|slot| slots[*slot].missing()).max().unwrap_or(0);
        for slot in held {
            if longest == 0 {
                self.leave_batch(slot, slots);
                leaving.finished.push(slot);
            } else {
                self.join_decode(slot, u64::from(longest), slots);
            }
        }
    }

    /// A sequence whose cache holds `done` tokens starts to gain more.
    pub(super) fn join_decode(&mut self, slot: u32, tokens: u64, slots: &mut Slots) {
        let own = &mut slots[slot];
        own.stage = Stage::Decoding;
        own.joined = self.gained;
        self.decoding += 1;
        self.contexts += u64::from(own.done);
        if own.reserved == 0 {
            self.cache.grow(self.gained, u64::from(own.done));
        }
        self.ends.push(Reverse((self.gained + tokens, own.order, slot, own.epoch)));
    }

    /// Takes a sequence out of the batch and frees its blocks; `done` and `emitted` are brought up to now.
    pub(super) fn leave_batch(&mut self, slot: u32, slots: &mut Slots) {
        let own = &mut slots[slot];
        own.epoch = own.epoch.wrapping_add(1);
        if own.stage == Stage::Decoding {
            let tokens = self.gained - own.joined;
            let held = u64::from(own.done) + tokens;
            self.decoding -= 1;
            self.contexts -= held;
            if own.reserved == 0 {
                self.cache.stop(self.gained, held);
            }
            own.done = u32::try_from(held).unwrap_or(u32::MAX);
            let emitted = u64::from(own.emitted) + tokens;
            own.emitted = u32::try_from(emitted).unwrap_or(u32::MAX).min(own.request.output);
        }
        let blocks = if own.reserved > 0 { own.reserved } else { self.cache.blocks_of(u64::from(own.done)) };
        self.cache.unpin(blocks.saturating_sub(u64::from(own.shared)));
        if own.shared > 0
            && let Some(prefix) = own.request.prefix
        {
            let idle = self.cache.prefixes.leave(prefix.group);
            self.cache.unpin(idle);
        }
        (own.shared, own.reserved) = (0, 0);
        self.promised = self.promised.saturating_sub(std::mem::take(&mut own.promised));
        let place = own.place as usize;
        self.running.swap_remove(place);
        if let Some(moved) = self.running.get(place) {
            slots[*moved].place = place as u32;
        }
    }

    /// Whether a request that comes could change the batch that decodes now.
    fn could_join(&self, slot: u32, slots: &Slots) -> bool {
        if self.between || self.running.len() >= self.most || self.no_joining() {
            return false;
        }
        let own = &slots[slot];
        match self.waiting.peek() {
            Some(Reverse((priority, order, _))) => (own.request.priority, own.order) < (*priority, *order),
            None => true,
        }
    }

    /// A static batch takes nobody while it runs.
    fn no_joining(&self) -> bool {
        self.model.rules.batching == Batching::Static && !self.running.is_empty()
    }

    /// When the first request comes that could change the batch.
    pub(super) fn next_joining(&self, slots: &Slots) -> Option<SimTime> {
        if self.running.len() >= self.most || self.no_joining() {
            return None;
        }
        self.coming.iter().find(|slot| self.could_join(**slot, slots)).map(|slot| slots[*slot].ready)
    }

    /// Begins the next iteration, if there is anything to do.
    pub(in crate::workload::inference) fn begin(&mut self, now: SimTime, slots: &mut Slots) {
        self.between = false;
        self.plan(now, slots);
    }

    /// The machine is gone: everybody comes back to be served elsewhere, in the order of arrival.
    pub(in crate::workload::inference) fn evict(&mut self, now: SimTime, slots: &Slots) -> Vec<u32> {
        self.settle(now);
        let mut inside: Vec<u32> = self.coming.drain(..).collect();
        inside.extend(self.waiting.drain().map(|Reverse((_, _, slot))| slot));
        inside.append(&mut self.running);
        inside.sort_unstable_by_key(|slot| slots[*slot].order);
        self.prefilling.clear();
        self.held.clear();
        self.ends.clear();
        self.chunks.clear();
        self.cache.clear();
        (self.decoding, self.contexts, self.swapped_blocks, self.promised) = (0, 0, 0, 0);
        (self.work, self.between, self.blocked) = (Work::Idle, false, Blocked::Not);
        inside
    }

    /// Counts the time of what is under way, which is given up.
    pub(in crate::workload::inference) fn settle(&mut self, now: SimTime) {
        self.meters.wait(now, self.waiting.len(), self.blocked == Blocked::Cache);
        let (start, prefill) = match std::mem::replace(&mut self.work, Work::Idle) {
            Work::Idle => return,
            Work::Decode(_) => (self.clock, false),
            Work::Mixed { start, .. } => (start, !self.chunks.is_empty()),
        };
        let span = Fine::of(now).since(start);
        self.meters.cache(span, self.cache.pinned());
        if prefill {
            self.meters.prefill += span;
        } else {
            self.meters.decode += span;
        }
    }

    /// What was done.
    pub(in crate::workload::inference) fn meters(&self) -> &ReplicaMeters {
        &self.meters
    }

    /// Greatest share of the cache in use, and blocks in all.
    pub(in crate::workload::inference) fn cache_shares(&self) -> (f64, f64) {
        let total = self.cache.total().max(1) as f64;
        (self.cache.peak as f64 / total, self.meters.block_ns / total)
    }
}
