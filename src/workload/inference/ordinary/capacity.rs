//! The highest rate that a device keeps.

use super::super::rules::{BatchRules, BatchTable};
use super::job::DeviceJob;
use crate::engine::Cancel;
use crate::units::{Seconds, SimSpan};
use crate::workload::arrivals::TrafficError;

/// Halvings of the range of rates: one part in a thousand of the ceiling.
const HALVINGS: u32 = 10;
/// Share of the ceiling at which a device counts as idle.
const IDLE: f64 = 1e-3;

/// A latency that a share of the requests must keep.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LatencyTarget {
    /// The share, as 0.99. Refused requests do not keep it.
    pub share: f64,
    /// The latency.
    pub latency: Seconds,
}

/// What a device can take under a target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Capacity {
    /// Highest requests per second that were seen to keep the target; 0 where even an idle device misses it.
    pub rate: f64,
    /// Least rate above that was seen to miss it.
    pub missed: f64,
    /// What it finishes when it never lacks work.
    pub ceiling: f64,
}

impl BatchTable {
    /// Requests of `items` items each that are finished per second when there is always work: full batches on all
    /// instances, or all host cores at work.
    #[must_use]
    pub fn saturated(&self, rules: &BatchRules, items: u32) -> f64 {
        let items = items.max(1);
        let full = rules.preferred.iter().copied().max().unwrap_or(rules.max_batch).min(rules.max_batch);
        let requests = (full / items).max(1);
        let instances = rules.instances.max(1);
        let alone = self.batch_ns(rules.padded(requests.saturating_mul(items))).max(1) as f64;
        let batch = alone * self.sharing_of(instances as usize) / 1e9;
        let device = f64::from(requests) * f64::from(instances) / batch;
        let host = (self.host_per_item + self.host_after_per_item).seconds().0 * f64::from(items);
        if host > 0.0 { device.min(f64::from(self.host_cores.max(1)) / host) } else { device }
    }

    /// The largest batch that takes no longer than a limit on an instance alone; `None` where one item takes longer.
    #[must_use]
    pub fn largest_within(&self, rules: &BatchRules, limit: SimSpan) -> Option<u32> {
        (1..=rules.max_batch.max(1)).rev().find(|items| self.batch_ns(rules.padded(*items)) <= limit.0)
    }
}

impl DeviceJob {
    /// The highest rate of this traffic that keeps a target, by halving between nothing and the ceiling. The same random
    /// numbers are used at every rate. Only traffic that has a rate of its own ([`ArrivalSpec::rate`]) can be made faster;
    /// other traffic has a capacity of 0.
    ///
    /// # Errors
    /// What [`Traffic::open`](crate::workload::arrivals::Traffic::open) refuses.
    ///
    /// [`ArrivalSpec::rate`]: crate::workload::arrivals::ArrivalSpec::rate
    pub fn capacity(
        &self,
        target: LatencyTarget,
        seed: u64,
        cancel: &Cancel,
    ) -> Result<Capacity, TrafficError> {
        let mean_items: f64 = self.traffic.mixes.iter().map(|mix| mix.share * mix.lengths.input.mean()).sum();
        let ceiling = self.table.saturated(&self.rules, (mean_items + 0.5) as u32);
        let own = self.traffic.arrivals.rate().filter(|rate| *rate > 0.0);
        let Some(own) = own else { return Ok(Capacity { rate: 0.0, missed: 0.0, ceiling }) };
        let keeps = |rate: f64| -> Result<bool, TrafficError> {
            let mut job = self.clone();
            job.traffic.arrivals = job.traffic.arrivals.faster(rate / own);
            job.target = Some(target.latency);
            let run = job.observe(seed, 0, cancel, |_| ())?.serving;
            Ok(run.good as f64 >= target.share * run.offered as f64)
        };
        let (mut low, mut high) = (0.0, ceiling);
        if !keeps(IDLE * ceiling)? {
            return Ok(Capacity { rate: 0.0, missed: IDLE * ceiling, ceiling });
        }
        for _ in 0..HALVINGS {
            let middle = 0.5 * (low + high);
            if keeps(middle)? { low = middle } else { high = middle }
        }
        Ok(Capacity { rate: low, missed: high, ceiling })
    }
}
