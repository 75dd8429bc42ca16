//! Prefixes kept in the cache: groups of requests that begin alike share the blocks of their beginning.
//!
//! A prefix is kept while a sequence uses it and after, until its blocks are wanted: the least recently used goes first,
//! from its end (as vLLM's block-hash cache, `vllm/v1/core/block_pool.py`).

use std::collections::{BTreeMap, HashMap};

/// A kept prefix.
#[derive(Clone, Copy, Debug)]
struct Kept {
    blocks: u64,
    users: u32,
    /// When it was last used, as a key of `unused`.
    stamp: u64,
}

/// All of a replica.
#[derive(Clone, Debug, Default)]
pub(super) struct Prefixes {
    kept: HashMap<u32, Kept>,
    /// Prefixes without users by when they lost their last.
    unused: BTreeMap<u64, u32>,
    unused_blocks: u64,
    stamps: u64,
}

impl Prefixes {
    /// Blocks kept of a group.
    pub(super) fn blocks(&self, group: u32) -> u64 {
        self.kept.get(&group).map_or(0, |kept| kept.blocks)
    }

    /// Blocks that come back into use if somebody uses the group.
    pub(super) fn idle_blocks(&self, group: u32) -> u64 {
        self.kept.get(&group).map_or(0, |kept| if kept.users == 0 { kept.blocks } else { 0 })
    }

    /// A sequence uses the group: gives the blocks that come back into use.
    pub(super) fn take(&mut self, group: u32) -> u64 {
        let Some(kept) = self.kept.get_mut(&group) else { return 0 };
        kept.users += 1;
        if kept.users > 1 {
            return 0;
        }
        self.unused.remove(&kept.stamp);
        self.unused_blocks -= kept.blocks;
        kept.blocks
    }

    /// A sequence that holds `own` of the first blocks of the group gives them to it, and uses it from now on unless it
    /// did before; the number that the group took.
    pub(super) fn give(&mut self, group: u32, own: u64, used_before: bool) -> u64 {
        let kept = self.kept.entry(group).or_insert(Kept { blocks: 0, users: 0, stamp: 0 });
        // An idle prefix is not touched: its blocks are not the giver's.
        if (kept.users == 0 && kept.blocks > 0) || own <= kept.blocks {
            return 0;
        }
        let taken = own - kept.blocks;
        // Somebody else may have given the first blocks meanwhile: then the giver's stay its own.
        if !used_before && kept.blocks > 0 {
            return 0;
        }
        kept.blocks = own;
        if !used_before {
            kept.users += 1;
        }
        taken
    }

    /// A sequence stops to use the group: gives the blocks that nobody uses any more.
    pub(super) fn leave(&mut self, group: u32) -> u64 {
        let Some(kept) = self.kept.get_mut(&group) else { return 0 };
        kept.users = kept.users.saturating_sub(1);
        if kept.users > 0 {
            return 0;
        }
        self.stamps += 1;
        kept.stamp = self.stamps;
        self.unused.insert(kept.stamp, group);
        self.unused_blocks += kept.blocks;
        kept.blocks
    }

    /// Drops unused blocks until they fit into `room`.
    pub(super) fn shrink_to(&mut self, room: u64) {
        while self.unused_blocks > room {
            let Some((stamp, group)) = self.unused.first_key_value().map(|(stamp, group)| (*stamp, *group)) else {
                self.unused_blocks = 0;
                return;
            };
            let excess = self.unused_blocks - room;
            let Some(kept) = self.kept.get_mut(&group) else {
                self.unused.remove(&stamp);
                continue;
            };
            let dropped = excess.min(kept.blocks);
            kept.blocks -= dropped;
            self.unused_blocks -= dropped;
            if kept.blocks == 0 {
                self.kept.remove(&group);
                self.unused.remove(&stamp);
            }
        }
    }
}
