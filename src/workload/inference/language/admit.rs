//! Who of those that wait is let into the batch.

use std::cmp::Reverse;

use super::plan::Room;
use super::replica::{Blocked, Replica};
use super::sequence::{Slots, Stage};
use crate::catalog::{Batching, Preemption};
use crate::units::SimTime;

impl Replica {
    /// Lets in who fits, in order; the first that does not keeps those behind it out.
    pub(super) fn let_in(&mut self, now: SimTime, room: &mut Room, slots: &mut Slots) {
        while !room.preempted
            && let Some(Reverse((_, _, slot))) = self.waiting.peek().copied()
        {
            let verdict = if self.running.len() >= self.most {
                Blocked::Batch
            } else if !self.may_promise(slot, slots) {
                Blocked::Cache
            } else if slots[slot].stage == Stage::Cached {
                self.bring_in(now, slot, room, slots)
            } else {
                self.admit(slot, room, slots)
            };
            if verdict != Blocked::Not {
                self.blocked = verdict;
                return;
            }
        }
    }

    /// Blocks of a request to its end, where nobody may give way; none otherwise.
    fn promise_of(&self, slot: u32, slots: &Slots) -> u64 {
        if self.model.rules.preemption != Preemption::Never {
            return 0;
        }
        let request = &slots[slot].request;
        let drafts = self.model.rules.speculation.map_or(0, |own| own.drafts.min(64));
        let tokens = u64::from(request.input.max(1)) + u64::from(request.output) + u64::from(drafts);
        self.cache.blocks_of(tokens)
    }

    /// Whether a whole answer has room beside those that were let in.
    fn may_promise(&self, slot: u32, slots: &Slots) -> bool {
        let own = self.promise_of(slot, slots);
        self.running.is_empty() || self.promised.saturating_add(own) <= self.cache.total()
    }

    /// Whether so many blocks are free beside those kept back; an empty replica keeps nothing back.
    fn has_blocks(&self, blocks: u64, reserved: u64) -> bool {
        let kept = if self.running.is_empty() { 0 } else { self.model.rules.watermark_blocks };
        blocks.saturating_add(reserved).saturating_add(kept) <= self.cache.free()
    }

    /// Starts a prompt. All its blocks must be there, although it takes those of its first chunk only: a prompt that
    /// runs into the end of the cache would be computed twice.
    fn admit(&mut self, slot: u32, room: &mut Room, slots: &mut Slots) -> Blocked {
        let need = slots[slot].uncached();
        let (shared, idle) = self.found_prefix(slot, slots);
        let blocks = self.cache.blocks_of(u64::from(need)) - u64::from(shared) + idle;
        if !self.has_blocks(blocks, room.reserved) {
            return Blocked::Cache;
        }
        let hit = shared * self.cache.block_tokens();
        let Some(chunk) = self.chunk(need, need - hit, room.tokens) else { return Blocked::Batch };
        self.enter(slot, slots);
        if let Some(prefix) = slots[slot].request.prefix
            && shared > 0
        {
            let back = self.cache.prefixes.take(prefix.group, u64::from(shared));
            self.cache.pin(back);
            self.meters.prefix_hits += u64::from(hit);
        }
        let own = &mut slots[slot];
        (own.stage, own.done, own.shared) = (Stage::Prefilling, hit, shared);
        self.prefilling.push_back(slot);
        let blocks = self.cache.blocks_of(u64::from(hit + chunk)) - u64::from(shared);
        self.take_chunk(slot, chunk, blocks, room);
        Blocked::Not
    }

    /// Blocks of its prefix that a prompt finds in the cache, and those of them that nobody uses. The last token is
    /// always computed.
    fn found_prefix(&self, slot: u32, slots: &Slots) -> (u32, u64) {
        let own = &slots[slot];
        match own.request.prefix {
            Some(prefix) if self.model.rules.prefix_cache => {
                let shared = self.prefix_blocks(prefix.tokens, own.uncached());
                let kept = self.cache.prefixes.blocks(prefix.group);
                let shared = u64::from(shared).min(kept) as u32;
                (shared, self.cache.prefixes.idle(prefix.group, u64::from(shared)))
            }
            _ => (0, 0),
        }
    }

    /// Whole blocks of a prefix within a prompt.
    fn prefix_blocks(&self, prefix: u32, prompt: u32) -> u32 {
        prefix.min(prompt.saturating_sub(1)) / self.cache.block_tokens()
    }

    /// A computed prompt leaves the blocks of its prefix to those that come after it.
    pub(super) fn share_prefix(&mut self, slot: u32, slots: &mut Slots) {
        let rules = &self.model.rules;
        let own = &mut slots[slot];
        if let Some(prefix) = own.request.prefix
            && rules.prefix_cache
            && rules.batching != Batching::Static
        {
            let whole = prefix.tokens.min(own.uncached().saturating_sub(1)) / self.cache.block_tokens();
            if whole > own.shared {
                let taken = self.cache.prefixes.give(prefix.group, u64::from(whole), own.shared > 0);
                own.shared += taken as u32;
            }
        }
    }

    /// Brings in a sequence whose cache lies elsewhere; it decodes in the coming iteration already.
    fn bring_in(&mut self, now: SimTime, slot: u32, room: &mut Room, slots: &mut Slots) -> Blocked {
        let held = u64::from(slots[slot].done);
        let blocks = self.cache.blocks_of(held);
        // Room for the most that an iteration may add: what does not fit now then does not fit later either, whatever
        // the pace, until somebody leaves.
        let grown = self.cache.blocks_of(held + self.pace.most()) - blocks;
        let decode_first = self.model.rules.batching == Batching::DecodeFirst;
        let cost = self.model.table.tokens_per_decode();
        if decode_first && room.tokens < cost {
            return Blocked::Batch;
        }
        if !self.has_blocks(blocks + grown, room.reserved) {
            return Blocked::Cache;
        }
        self.enter(slot, slots);
        self.cache.pin(blocks);
        if decode_first {
            room.reserved += grown;
            room.tokens -= cost;
        }
        let own = &mut slots[slot];
        if own.swapped {
            own.swapped = false;
            self.swapped_blocks = self.swapped_blocks.saturating_sub(blocks);
            self.moving_ns += blocks as f64 * self.model.kv.swap_block_ns;
        }
        if own.started == SimTime::NEVER {
            own.started = now;
        }
        let missing = u64::from(own.missing());
        self.join_decode(slot, missing, slots);
        Blocked::Not
    }

    /// Fills an empty replica with a static batch; the cache of each request is set aside to its end.
    pub(super) fn form_batch(&mut self, _: SimTime, slots: &mut Slots) {
        if !self.running.is_empty() {
            return;
        }
        while let Some(Reverse((_, _, slot))) = self.waiting.peek().copied() {
            let own = &slots[slot];
            let tokens = u64::from(own.request.input.max(1)) + u64::from(own.request.output);
            let blocks = self.cache.blocks_of(tokens).max(1);
            if self.running.len() >= self.most {
                self.blocked = Blocked::Batch;
                return;
            }
            if !self.has_blocks(blocks, 0) {
                self.blocked = Blocked::Cache;
                return;
            }
            self.enter(slot, slots);
            self.cache.pin(blocks);
            let own = &mut slots[slot];
            (own.stage, own.done, own.reserved) = (Stage::Prefilling, 0, blocks);
            self.prefilling.push_back(slot);
        }
    }

    fn enter(&mut self, slot: u32, slots: &mut Slots) {
        self.waiting.pop();
        slots[slot].promised = self.promise_of(slot, slots);
        self.promised += slots[slot].promised;
        slots[slot].place = self.running.len() as u32;
        self.running.push(slot);
    }
}
