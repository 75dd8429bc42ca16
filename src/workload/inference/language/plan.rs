//! What the next iteration does: who decodes, whose prompts go on, who is let in, who has to give way.
//!
//! The order is that of vLLM v1 (`vllm/v1/core/sched/scheduler.py`): those that run first, decoding ones before prompts
//! under way, then those that wait. When blocks run out, the sequence of the lowest priority that came last gives way.

use std::cmp::Reverse;

use super::clock::Leap;
use super::replica::{Blocked, Replica, Work};
use super::sequence::{Slots, Stage};
use crate::catalog::{Batching, Preemption};
use crate::units::SimTime;

/// What is left of an iteration while it is planned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// Tokens.
    pub(super) tokens: u32,
    /// Blocks that decoding sequences will take.
    pub(super) reserved: u64,
    /// Whether somebody had to give way: then nobody is let in.
    pub(super) preempted: bool,
}

impl Replica {
    pub(super) fn plan(&mut self, now: SimTime, slots: &mut Slots) {
        self.meters.wait(now, self.waiting.len(), self.blocked == Blocked::Cache);
        self.take_ready(now, slots);
        self.blocked = Blocked::Not;
        self.moving_ns = 0.0;
        let mut room =
            Room { tokens: self.model.rules.max_batched_tokens.max(1), reserved: 0, preempted: false };
        let decodes = match self.model.rules.batching {
            Batching::DecodeFirst => {
                self.reserve_decodes(&mut room, slots);
                let decoding = self.decoding as u32 * self.model.table.tokens_per_decode();
                room.tokens = room.tokens.saturating_sub(decoding);
                self.continue_prompts(&mut room, slots);
                self.let_in(now, &mut room, slots);
                self.decoding > 0
            }
            Batching::PrefillFirst => {
                self.continue_prompts(&mut room, slots);
                self.let_in(now, &mut room, slots);
                if self.chunks.is_empty() {
                    self.reserve_decodes(&mut room, slots);
                }
                self.chunks.is_empty() && self.decoding > 0
            }
            Batching::Static => {
                self.form_batch(now, slots);
                self.continue_prompts(&mut room, slots);
                self.chunks.is_empty() && self.decoding > 0
            }
        };
        self.start(now, decodes, room.preempted, slots);
        if matches!(self.work, Work::Idle) && room.preempted {
            // All gave way; an empty replica lets the first in again.
            self.plan(now, slots);
        }
    }

    fn take_ready(&mut self, now: SimTime, slots: &Slots) {
        while let Some(slot) = self.coming.front().copied()
            && slots[slot].ready <= now
        {
            self.coming.pop_front();
            self.wait(slot, slots);
        }
    }

    fn wait(&mut self, slot: u32, slots: &Slots) {
        let own = &slots[slot];
        self.waiting.push(Reverse((own.request.priority, own.order, slot)));
    }

    /// Makes sure of the blocks that decoding sequences take in the next iteration.
    fn reserve_decodes(&mut self, room: &mut Room, slots: &mut Slots) {
        let tokens = self.pace.tokens(self.iterations, 1);
        loop {
            room.reserved = self.cache.growth(self.gained, tokens);
            if room.reserved <= self.cache.free() || !self.preempt(slots) {
                return;
            }
            room.preempted = true;
        }
    }

    /// Gives the prompts under way their next tokens.
    fn continue_prompts(&mut self, room: &mut Room, slots: &mut Slots) {
        let mut at = 0;
        while let Some(slot) = self.prefilling.get(at).copied()
            && room.tokens > 0
        {
            let own = &slots[slot];
            let (done, rest) = (u64::from(own.done), own.uncached() - own.done);
            let Some(chunk) = self.chunk(own.uncached(), rest, room.tokens) else { return };
            let blocks = if own.reserved > 0 {
                0
            } else {
                self.cache.blocks_of(done + u64::from(chunk)) - self.cache.blocks_of(done)
            };
            while blocks + room.reserved > self.cache.free() && slots[slot].stage == Stage::Prefilling {
                if !self.preempt(slots) {
                    return;
                }
                room.preempted = true;
                let tokens = self.pace.tokens(self.iterations, 1);
                room.reserved = if room.reserved > 0 { self.cache.growth(self.gained, tokens) } else { 0 };
            }
            if slots[slot].stage != Stage::Prefilling {
                // It gave way itself, and the next one took its place.
                continue;
            }
            self.take_chunk(slot, chunk, blocks, room);
            at = self.prefilling.iter().position(|own| *own == slot).map_or(at, |place| place + 1);
        }
    }

    pub(super) fn take_chunk(&mut self, slot: u32, chunk: u32, blocks: u64, room: &mut Room) {
        self.cache.pin(blocks);
        self.chunks.push((slot, chunk));
        room.tokens = room.tokens.saturating_sub(chunk);
    }

    /// Tokens of the `rest` of a prompt that go into an iteration with `tokens` left; `None` where it has to wait. Prompts
    /// that are not cut and as a whole larger than an iteration go without another prompt: what the cache holds of them
    /// does not tell, so that a prefix dropped meanwhile lets nobody in.
    pub(super) fn chunk(&self, whole: u32, rest: u32, tokens: u32) -> Option<u32> {
        let rules = &self.model.rules;
        if tokens == 0 {
            None
        } else if rest <= tokens {
            Some(rest)
        } else if rules.chunked_prefill {
            Some(tokens)
        } else {
            (whole > rules.max_batched_tokens && self.chunks.is_empty()).then_some(rest)
        }
    }

    /// The sequence of the lowest priority that came last gives way; `false` where nobody runs.
    fn preempt(&mut self, slots: &mut Slots) -> bool {
        let rank = |slot: &u32| (slots[*slot].request.priority, slots[*slot].order);
        let Some(slot) = self.running.iter().copied().max_by_key(rank) else { return false };
        self.meters.preemptions += 1;
        self.prefilling.retain(|own| *own != slot);
        if let Some(at) = self.chunks.iter().position(|(own, _)| *own == slot) {
            // The blocks of a chunk that is not computed go back with it.
            let (_, chunk) = self.chunks.remove(at);
            slots[slot].done += chunk;
        }
        let decoding = slots[slot].stage == Stage::Decoding;
        self.leave_batch(slot, slots);
        let own = &mut slots[slot];
        let blocks = self.cache.blocks_of(u64::from(own.done));
        let swaps = self.model.rules.preemption == Preemption::Swap
            && decoding
            && self.swapped_blocks + blocks <= self.model.kv.swap_blocks;
        if swaps {
            own.stage = Stage::Cached;
            own.swapped = true;
            self.swapped_blocks += blocks;
            self.moving_ns += blocks as f64 * self.model.kv.swap_block_ns;
        } else {
            own.stage = Stage::Fresh;
            own.done = 0;
        }
        self.wait(slot, slots);
        true
    }

    /// Starts what was planned.
    fn start(&mut self, now: SimTime, decodes: bool, preempted: bool, slots: &mut Slots) {
        if self.chunks.is_empty() && !decodes {
            self.work = Work::Idle;
            return;
        }
        let count = if decodes { self.decoding } else { 0 };
        let contexts = self.contexts + count * self.pace.tokens(self.iterations, 1);
        if self.chunks.is_empty() && self.moving_ns == 0.0 {
            let line = self.model.table.decode_line(count as u32, contexts);
            let mut leap = Leap::new(self.clock, line, (count, self.contexts), self.pace, self.iterations);
            if !self.stepwise && !preempted {
                leap.count = self.stable_iterations(&leap, line.valid_below, slots);
                if let Some(ready) = self.next_joining(slots) {
                    leap.count = leap.boundary(ready);
                }
            }
            self.work = Work::Decode(leap);
            return;
        }
        let (mut tokens, mut attention, mut sampled) = (0_u32, 0.0, count as u32);
        for (slot, chunk) in &self.chunks {
            let own = &mut slots[*slot];
            if own.started == SimTime::NEVER {
                own.started = now;
            }
            tokens = tokens.saturating_add(*chunk);
            attention += self.model.table.prefill_attention_ns(*chunk, own.done);
            sampled += u32::from(own.done + chunk >= own.uncached());
        }
        let contexts = if decodes { contexts } else { 0 };
        let ns = self.model.table.iteration_ns(count as u32, contexts, tokens, attention, sampled);
        let start = self.clock;
        self.work = Work::Mixed { start, end: start.after(ns + self.moving_ns), decodes };
    }

    /// Iterations until a sequence is done, blocks run out, or the line of the table ends.
    fn stable_iterations(&mut self, leap: &Leap, valid_below: u64, slots: &Slots) -> u64 {
        let wanted = self.next_end(slots).map_or(1, |end| end.saturating_sub(self.gained));
        let to_end = self.pace.iterations(self.iterations, wanted);
        let tokens = self.pace.tokens(self.iterations, to_end);
        let within = self.cache.room_to_grow(self.gained, tokens);
        let to_full =
            if within == tokens { to_end } else { self.pace.iterations_within(self.iterations, within) };
        to_end.min(to_full).min(leap.longest(valid_below)).max(1)
    }
}
