//! The paged cache of keys and values, counted in blocks.
//!
//! All decoding sequences of a replica gain the same tokens in an iteration. A sequence takes a new block whenever the
//! tokens gained since some origin are congruent to a number of its own modulo the tokens of a block, so it is enough to
//! count the sequences of each residue: the blocks of any number of iterations follow without looking at a sequence.

use super::super::rules::KvSpace;
use super::prefixes::Prefixes;

/// Largest block that is counted by residues; a contiguous cache is one block for each sequence anyway.
const MOST_BLOCK_TOKENS: u32 = 1 << 16;

#[derive(Clone, Debug)]
pub(super) struct Cache {
    blocks: u64,
    block_tokens: u32,
    /// Blocks of running sequences and of the prefixes that they share.
    pinned: u64,
    /// Sequences that grow, by the residue at which they need a block.
    residues: Vec<u32>,
    growing: u64,
    pub(super) prefixes: Prefixes,
    /// Most blocks in use so far, prefixes that nobody uses excluded.
    pub(super) peak: u64,
}

impl Cache {
    pub(super) fn new(space: &KvSpace) -> Self {
        let block_tokens = space.block_tokens.clamp(1, MOST_BLOCK_TOKENS);
        Self {
            blocks: space.blocks,
            block_tokens,
            pinned: 0,
            residues: vec![0; block_tokens as usize],
            growing: 0,
            prefixes: Prefixes::default(),
            peak: 0,
        }
    }

    pub(super) fn blocks_of(&self, tokens: u64) -> u64 {
        tokens.div_ceil(u64::from(self.block_tokens))
    }

    pub(super) fn block_tokens(&self) -> u32 {
        self.block_tokens
    }

    pub(super) fn total(&self) -> u64 {
        self.blocks
    }

    pub(super) fn pinned(&self) -> u64 {
        self.pinned
    }

    /// Blocks that can be had: empty ones, and those of prefixes that nobody uses.
    pub(super) fn free(&self) -> u64 {
        self.blocks.saturating_sub(self.pinned)
    }

    pub(super) fn pin(&mut self, blocks: u64) {
        self.pinned += blocks;
        self.peak = self.peak.max(self.pinned);
        let room = self.free();
        self.prefixes.shrink_to(room);
    }

    pub(super) fn unpin(&mut self, blocks: u64) {
        self.pinned = self.pinned.saturating_sub(blocks);
    }

    /// A sequence of `tokens` begins to grow, when `gained` tokens have been gained.
    pub(super) fn grow(&mut self, gained: u64, tokens: u64) {
        let residue = self.residue(gained, tokens);
        self.residues[residue] += 1;
        self.growing += 1;
    }

    /// It grows no more; `gained` and `tokens` are those of any one instant of its growth.
    pub(super) fn stop(&mut self, gained: u64, tokens: u64) {
        let residue = self.residue(gained, tokens);
        self.residues[residue] = self.residues[residue].saturating_sub(1);
        self.growing = self.growing.saturating_sub(1);
    }

    fn residue(&self, gained: u64, tokens: u64) -> usize {
        let size = u64::from(self.block_tokens);
        ((gained % size + size - tokens % size) % size) as usize
    }

    /// New blocks while each growing sequence gains `tokens` more.
    pub(super) fn growth(&self, gained: u64, tokens: u64) -> u64 {
        let size = u64::from(self.block_tokens);
        let rest: u64 = (0..tokens % size).map(|token| self.needing(gained + token)).sum();
        tokens / size * self.growing + rest
    }

    /// Most tokens up to `wanted` that every growing sequence can gain before blocks run out.
    pub(super) fn room_to_grow(&self, gained: u64, wanted: u64) -> u64 {
        let size = u64::from(self.block_tokens);
        let free = self.free();
        if self.growing == 0 || (wanted / size + 1).saturating_mul(self.growing) <= free {
            return wanted;
        }
        let rounds = free / self.growing;
        let mut left = free - rounds * self.growing;
        let mut tokens = rounds.saturating_mul(size);
        while tokens < wanted {
            let needing = self.needing(gained + tokens);
            if needing > left {
                break;
            }
            left -= needing;
            tokens += 1;
        }
        tokens.min(wanted)
    }

    fn needing(&self, gained: u64) -> u64 {
        u64::from(self.residues[(gained % u64::from(self.block_tokens)) as usize])
    }

    /// Everything is gone.
    pub(super) fn clear(&mut self) {
        self.pinned = 0;
        self.residues.fill(0);
        self.growing = 0;
        self.prefixes = Prefixes::default();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn residues_count_the_blocks_that_sequences_need(
            lengths in prop::collection::vec((1u64..200, 0u64..300), 1..40), size in 1u32..40,
            tokens in 0u64..200, free in 0u64..600,
        ) {
            let space = KvSpace { blocks: u64::MAX, block_tokens: size, swap_blocks: 0, swap_block_ns: 0.0 };
            let mut cache = Cache::new(&space);
            for (length, gained) in &lengths {
                cache.grow(*gained, *length);
            }
            // At 300 tokens gained, each has grown from when it joined.
            let now = 300;
            let blocks = |more: u64| -> u64 {
                lengths.iter().map(|(length, gained)| cache.blocks_of(length + now - gained + more)).sum()
            };
            prop_assert_eq!(cache.growth(now, tokens), blocks(tokens) - blocks(0));
            cache.blocks = cache.pinned + free;
            let room = cache.room_to_grow(now, tokens);
            prop_assert!(cache.growth(now, room) <= free);
            prop_assert!(room == tokens || cache.growth(now, room + 1) > free);
        }
    }
}
