//! Prefixes kept in the cache: groups of requests that begin alike share the blocks of their beginning.
//!
//! The blocks of a prefix that a running sequence uses are held; those that nobody uses stay until they are wanted: the
//! least recently used prefix goes first, from its end (as vLLM's block-hash cache, `vllm/v1/core/block_pool.py`).

use std::collections::{BTreeMap, HashMap};

/// A kept prefix: `held` blocks from the first are in use, the rest of `blocks` are not.
#[derive(Clone, Copy, Debug, Default)]
struct Kept {
    blocks: u64,
    held: u64,
    users: u32,
    /// When it was last used, the key of `unused`.
    stamp: u64,
}

/// All of a replica.
#[derive(Clone, Debug, Default)]
pub(super) struct Prefixes {
    kept: HashMap<u32, Kept>,
    /// Prefixes with blocks that nobody uses, by when they were last used.
    unused: BTreeMap<u64, u32>,
    unused_blocks: u64,
    stamps: u64,
}

impl Prefixes {
    /// Blocks kept of a group.
    pub(super) fn blocks(&self, group: u32) -> u64 {
        self.kept.get(&group).map_or(0, |kept| kept.blocks)
    }

    /// Blocks that come into use if somebody uses the first `shared` of a group.
    pub(super) fn idle(&self, group: u32, shared: u64) -> u64 {
        self.kept.get(&group).map_or(0, |kept| shared.saturating_sub(kept.held))
    }

    /// A sequence uses the first `shared` blocks of a group: gives those that come into use.
    pub(super) fn take(&mut self, group: u32, shared: u64) -> u64 {
        let Some(kept) = self.kept.get_mut(&group) else { return 0 };
        kept.users += 1;
        let back = shared.min(kept.blocks).saturating_sub(kept.held);
        kept.held += back;
        self.unused_blocks -= back;
        if kept.held == kept.blocks {
            self.unused.remove(&kept.stamp);
        }
        back
    }

    /// A sequence that has `own` first blocks of the group in use leaves them to it; whether it used the group before.
    /// Gives how many of its blocks are now the group's: none where others have left blocks meanwhile.
    pub(super) fn give(&mut self, group: u32, own: u64, used: bool) -> u64 {
        let kept = self.kept.entry(group).or_default();
        let others = if used { kept.blocks > kept.held } else { kept.blocks > 0 };
        if others || own <= kept.blocks {
            return 0;
        }
        let given = own - kept.blocks;
        (kept.blocks, kept.held) = (own, own);
        kept.users += u32::from(!used);
        given
    }

    /// A sequence stops to use the group: gives the blocks that nobody uses any more.
    pub(super) fn leave(&mut self, group: u32) -> u64 {
        let Some(kept) = self.kept.get_mut(&group) else { return 0 };
        kept.users = kept.users.saturating_sub(1);
        if kept.users > 0 {
            return 0;
        }
        if kept.held < kept.blocks {
            self.unused.remove(&kept.stamp);
        }
        self.stamps += 1;
        kept.stamp = self.stamps;
        self.unused.insert(kept.stamp, group);
        let freed = std::mem::take(&mut kept.held);
        self.unused_blocks += freed;
        freed
    }

    /// Drops unused blocks until they fit into `room`.
    pub(super) fn shrink_to(&mut self, room: u64) {
        while self.unused_blocks > room {
            let Some((stamp, group)) = self.unused.pop_first() else { return };
            let Some(kept) = self.kept.get_mut(&group) else { continue };
            let dropped = (self.unused_blocks - room).min(kept.blocks - kept.held);
            kept.blocks -= dropped;
            self.unused_blocks -= dropped;
            if kept.blocks > kept.held {
                self.unused.insert(stamp, group);
            } else if kept.blocks == 0 {
                self.kept.remove(&group);
            }
        }
    }
}
