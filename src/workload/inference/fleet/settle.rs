//! The end of a run: what is under way is counted, and the books are closed.

use super::super::run::ServingRun;
use super::machines::State;
use super::{Fleet, time_of};
use crate::units::{SimSpan, SimTime};

impl Fleet<'_> {
    pub(super) fn settle(mut self, end: SimTime, events: u64) -> ServingRun {
        for request in self.slots.inside() {
            self.ledger.strand(end, request);
        }
        for server in &mut self.servers {
            server.settle(end);
            server.up += server.up_since.take().map_or(SimSpan::ZERO, |since| end.since(since));
        }
        for index in 0..self.machines.machines.len() as u32 {
            if self.machines.machines[index as usize].state != State::Off {
                self.stop_machine(end, index);
            }
        }
        let counted = end.since(time_of(self.job.warm_up));
        let mut groups: Vec<_> =
            self.machines.groups.iter_mut().map(|group| group.close(end, counted)).collect();
        let mut run = self.ledger.close(end);
        let (mut block_ns, mut up_ns) = (0.0, 0.0);
        for server in &mut self.servers {
            let group = &mut groups[server.group as usize];
            group.up += server.up;
            group.busy += server.busy(end);
            let up = server.up.0 as f64;
            for replica in server.languages() {
                let meters = replica.meters();
                run.preemptions += meters.preemptions;
                run.prefix_hits += meters.prefix_hits;
                run.prefill_time += meters.prefill;
                run.decode_time += meters.decode;
                run.iterations += meters.iterations;
                run.waiting_for_cache_ns += meters.waiting_for_cache;
                let (peak, share_ns) = replica.cache_shares();
                run.peak_cache = run.peak_cache.max(peak);
                block_ns += share_ns;
                up_ns += up;
            }
        }
        run.mean_cache = if up_ns > 0.0 { block_ns / up_ns } else { 0.0 };
        run.events = events;
        run.groups = groups;
        run
    }
}
