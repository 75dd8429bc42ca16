//! What a replica is at, for those who record it.

use super::replica::{Replica, Work};
use crate::units::SimTime;
use crate::workload::Act;

impl Replica {
    /// What is under way, with the numbers of it; of several iterations those that have begun by now.
    pub(in crate::workload::inference) fn under_way(&self, now: SimTime) -> Option<(Act, [u64; 3])> {
        match self.work {
            Work::Idle => None,
            Work::Decode(leap) => Some((Act::Decode, [leap.boundary(now), self.decoding, 0])),
            Work::Mixed { .. } if self.chunks.is_empty() => Some((Act::Decode, [1, self.decoding, 0])),
            Work::Mixed { decodes, .. } => {
                let tokens = self.chunks.iter().map(|(_, tokens)| u64::from(*tokens)).sum();
                let decoding = if decodes { self.decoding } else { 0 };
                Some((Act::Prefill, [tokens, self.chunks.len() as u64, decoding]))
            }
        }
    }
}
