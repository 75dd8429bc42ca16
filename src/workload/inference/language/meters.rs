//! What a replica of a language model counts.

use crate::units::{SimSpan, SimTime};

/// Counts and times of one replica.
#[derive(Clone, Debug, Default)]
pub(in crate::workload::inference) struct ReplicaMeters {
    pub(in crate::workload::inference) iterations: u64,
    /// Time in iterations with prompts, and in those without.
    pub(in crate::workload::inference) prefill: SimSpan,
    pub(in crate::workload::inference) decode: SimSpan,
    pub(in crate::workload::inference) preemptions: u64,
    pub(in crate::workload::inference) prefix_hits: u64,
    /// Time that ready requests waited for blocks, summed over them.
    pub(in crate::workload::inference) waiting_for_cache: u128,
    /// Blocks in use, integrated over busy time.
    pub(in crate::workload::inference) block_ns: f64,
    since: SimTime,
}

impl ReplicaMeters {
    /// Lets `waiting` requests have waited until now; `for_cache` says what for.
    pub(super) fn wait(&mut self, now: SimTime, waiting: usize, for_cache: bool) {
        if for_cache {
            self.waiting_for_cache += u128::from(now.since(self.since).0) * waiting as u128;
        }
        self.since = now;
    }

    pub(super) fn cache(&mut self, span: SimSpan, blocks: u64) {
        self.block_ns += span.0 as f64 * blocks as f64;
    }
}
