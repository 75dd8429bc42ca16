//! Instances at work on one device: each goes slower while others are busy.

use super::super::rules::BatchTable;
use super::queue::Inside;
use crate::units::{SimSpan, SimTime};

/// A batch at work.
#[derive(Clone, Debug)]
struct Running {
    /// Nanoseconds left, if the instance had the device alone.
    left: f64,
    since: SimTime,
    requests: Vec<Inside>,
}

/// A batch that has ended, for those who record it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// When it began.
    pub start: SimTime,
    /// When it ended.
    pub end: SimTime,
    /// Requests in it.
    pub requests: u64,
    /// Items in it, padding excluded.
    pub items: u64,
}

/// The device and what it has done.
#[derive(Clone, Debug, Default)]
pub(super) struct Device {
    running: Vec<Running>,
    /// When `left` was true.
    updated: SimTime,
    /// Factor on times since then.
    factor: f64,
    /// Vectors of finished batches, to be used again.
    spare: Vec<Vec<Inside>>,
    /// Batches that ended, where somebody wants to know.
    pub(super) ended: Option<Vec<Ended>>,
    pub(super) batches: u64,
    pub(super) items: u64,
    /// Time with at least one batch, and the sum over instances.
    pub(super) busy: SimSpan,
    pub(super) instance_busy: SimSpan,
}

impl Device {
    pub(super) fn busy_instances(&self) -> usize {
        self.running.len()
    }

    /// An empty vector for the requests of a batch.
    pub(super) fn vector(&mut self) -> Vec<Inside> {
        self.spare.pop().unwrap_or_default()
    }

    /// Starts a batch that takes `ns` alone.
    pub(super) fn start(&mut self, now: SimTime, ns: u64, requests: Vec<Inside>, table: &BatchTable) {
        self.update(now);
        self.batches += 1;
        self.items += requests.iter().map(|request| u64::from(request.items)).sum::<u64>();
        self.running.push(Running { left: ns as f64, since: now, requests });
        self.factor = table.sharing_of(self.running.len());
    }

    /// When the next batch ends, if none starts before.
    pub(super) fn next_end(&self) -> SimTime {
        let least = self.running.iter().map(|batch| batch.left).reduce(f64::min);
        least.map_or(SimTime::NEVER, |left| self.updated + SimSpan((left * self.factor + 0.5) as u64))
    }

    /// The requests of a batch that is done by now; call until there is none.
    pub(super) fn pop_done(&mut self, now: SimTime, table: &BatchTable) -> Option<Vec<Inside>> {
        if self.running.is_empty() || self.next_end() > now {
            return None;
        }
        self.update(now);
        // The first of those that end together: the one that started first.
        let least = self.running.iter().map(|batch| batch.left).fold(f64::INFINITY, f64::min);
        let place = self.running.iter().position(|batch| batch.left <= least)?;
        let batch = self.running.remove(place);
        self.note(now, &batch);
        self.factor = table.sharing_of(self.running.len());
        Some(batch.requests)
    }

    /// Gives an emptied vector back.
    pub(super) fn recycle(&mut self, mut requests: Vec<Inside>) {
        requests.clear();
        self.spare.push(requests);
    }

    /// Stops everything and gives back who was inside.
    pub(super) fn stop(&mut self, now: SimTime) -> Vec<Inside> {
        self.update(now);
        let stopped = std::mem::take(&mut self.running);
        stopped.iter().for_each(|batch| self.note(now, batch));
        stopped.into_iter().flat_map(|batch| batch.requests).collect()
    }

    fn note(&mut self, now: SimTime, batch: &Running) {
        if let Some(ended) = &mut self.ended {
            let items = batch.requests.iter().map(|request| u64::from(request.items)).sum();
            let requests = batch.requests.len() as u64;
            ended.push(Ended { start: batch.since, end: now, requests, items });
        }
    }

    /// Lets time pass until now.
    pub(super) fn update(&mut self, now: SimTime) {
        let passed = now.since(self.updated);
        self.updated = now;
        if self.running.is_empty() || passed == SimSpan::ZERO {
            return;
        }
        self.busy += passed;
        self.instance_busy += passed.times(self.running.len() as u64);
        let done = passed.0 as f64 / self.factor;
        for batch in &mut self.running {
            batch.left = (batch.left - done).max(0.0);
        }
    }
}
