//! Times of batches, and the sizes that they are padded to.

use super::super::rules::{BatchRules, BatchTable};
use crate::units::SimSpan;

impl BatchTable {
    /// Times of batches of 1, 2, … items in nanoseconds, for one instance alone and without work of the host.
    #[must_use]
    pub fn of_device(ns: Vec<u64>) -> Self {
        let none = SimSpan::ZERO;
        Self { ns, sharing: vec![1.0], host_per_item: none, host_after_per_item: none, host_cores: 1 }
    }

    /// Nanoseconds of a batch. Beyond the table its last slope goes on.
    #[must_use]
    pub fn batch_ns(&self, items: u32) -> u64 {
        let place = items.max(1) as usize - 1;
        if let Some(ns) = self.ns.get(place) {
            return *ns;
        }
        match self.ns.as_slice() {
            [.., before, last] => {
                let beyond = (place + 1 - self.ns.len()) as u64;
                last.saturating_add(last.saturating_sub(*before).saturating_mul(beyond))
            }
            [only] => only.saturating_mul(u64::from(items)),
            [] => 0,
        }
    }

    /// Factor on the times while `busy` instances of the device are at work. Beyond the table the device does no more
    /// in total than with the last entry.
    #[must_use]
    pub fn sharing_of(&self, busy: usize) -> f64 {
        let known = self.sharing.len();
        let factor = match self.sharing.get(busy.saturating_sub(1)) {
            Some(factor) => *factor,
            None => self.sharing.last().map_or(1.0, |last| last * busy as f64 / known as f64),
        };
        if factor.is_finite() { factor.max(1e-6) } else { 1.0 }
    }
}

impl BatchRules {
    /// Batches of up to so many items, sent as soon as an instance is free: Triton's dynamic batcher by default.
    #[must_use]
    pub fn greedy(max_batch: u32, instances: u32) -> Self {
        Self {
            max_batch,
            preferred: Vec::new(),
            max_delay: SimSpan::ZERO,
            padded_to: Vec::new(),
            instances,
            max_queue: None,
            queue_timeout: None,
        }
    }

    /// Items that a batch is computed as: the least allowed size that holds it.
    #[must_use]
    pub fn padded(&self, items: u32) -> u32 {
        self.padded_to.iter().copied().filter(|size| *size >= items).min().unwrap_or(items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_the_table_the_last_slope_goes_on() {
        let table = BatchTable::of_device(vec![10, 12]);
        assert_eq!([1, 2, 3, 10].map(|items| table.batch_ns(items)), [10, 12, 14, 28]);
        assert_eq!(BatchTable::of_device(vec![10]).batch_ns(3), 30);
    }

    #[test]
    fn batches_are_padded_to_the_next_allowed_size() {
        let rules = BatchRules { padded_to: vec![8, 1, 4], ..BatchRules::greedy(8, 1) };
        assert_eq!([1, 2, 4, 5, 9].map(|items| rules.padded(items)), [1, 4, 4, 8, 9]);
    }
}
