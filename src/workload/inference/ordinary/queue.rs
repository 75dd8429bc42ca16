//! The queue before the instances, and the rule by which batches leave it.

use std::collections::VecDeque;

use super::super::rules::BatchRules;
use crate::units::{SimSpan, SimTime};

/// A request inside a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Inside {
    pub(super) id: u64,
    pub(super) items: u32,
    pub(super) priority: u8,
    /// Since when it waits for an instance.
    pub(super) since: SimTime,
    /// How long it waited for one, once it has it.
    pub(super) queued: SimSpan,
}

/// Waiting requests: by priority, then in the order of arrival.
#[derive(Clone, Debug, Default)]
pub(super) struct BatchQueue {
    /// Levels in ascending order; few.
    levels: Vec<(u8, VecDeque<Inside>)>,
    requests: usize,
}

/// What a free instance should do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Nobody waits.
    Nothing,
    /// Take so many requests from the front.
    Send(usize),
    /// Wait for a fuller batch, until then at most.
    Wait(SimTime),
}

impl BatchQueue {
    pub(super) fn len(&self) -> usize {
        self.requests
    }

    pub(super) fn push(&mut self, request: Inside) {
        let place = self.levels.partition_point(|(priority, _)| *priority < request.priority);
        match self.levels.get_mut(place) {
            Some((priority, level)) if *priority == request.priority => level.push_back(request),
            _ => self.levels.insert(place, (request.priority, VecDeque::from([request]))),
        }
        self.requests += 1;
    }

    /// Takes back the request that was pushed last with that priority.
    pub(super) fn take_back(&mut self, priority: u8) -> Option<Inside> {
        let (_, level) = self.levels.iter_mut().find(|(own, _)| *own == priority)?;
        let request = level.pop_back()?;
        self.requests -= 1;
        Some(request)
    }

    pub(super) fn pop(&mut self) -> Option<Inside> {
        let request = self.levels.iter_mut().find_map(|(_, level)| level.pop_front())?;
        self.requests -= 1;
        Some(request)
    }

    /// Takes out one request that has waited for longer than allowed.
    pub(super) fn pop_expired(&mut self, now: SimTime, timeout: SimSpan) -> Option<Inside> {
        let expired = |front: &Inside| front.since + timeout <= now;
        let level = self.levels.iter_mut().find(|(_, level)| level.front().is_some_and(expired));
        let request = level?.1.pop_front()?;
        self.requests -= 1;
        Some(request)
    }

    /// Since when the request waits that waits longest.
    pub(super) fn oldest(&self) -> Option<SimTime> {
        self.levels.iter().filter_map(|(_, level)| level.front()).map(|front| front.since).min()
    }

    /// Everybody, in order.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Inside> {
        std::iter::from_fn(|| self.pop())
    }

    /// The rule of Triton's dynamic batcher (triton-inference-server/core, `GetDynamicBatch`, and
    /// docs/user_guide/batcher.md): requests in order, never split, up to the largest batch. The largest preferred size
    /// that is there goes at once. Otherwise, without a delay, all that fits goes; with one, a batch that can still grow
    /// waits until its oldest request has waited for the delay. Without preferred sizes the largest batch is the
    /// preferred one. TF Serving's `batch_timeout_micros` is the same delay.
    pub(super) fn form(&self, rules: &BatchRules, now: SimTime) -> Form {
        let max_batch = rules.max_batch.max(1);
        let most_preferred = rules.preferred.iter().copied().max().unwrap_or(max_batch);
        let (mut items, mut taken, mut full) = (0_u32, 0, false);
        let mut preferred = None;
        let mut oldest = SimTime::NEVER;
        for request in self.levels.iter().flat_map(|(_, level)| level) {
            let with = items.saturating_add(request.items);
            if taken > 0 {
                if with > most_preferred && preferred.is_none() {
                    preferred = Some(taken);
                }
                if with > max_batch {
                    full = true;
                    break;
                }
            }
            (items, taken) = (with, taken + 1);
            oldest = oldest.min(request.since);
            if rules.preferred.contains(&items) || (rules.preferred.is_empty() && items == max_batch) {
                preferred = Some(taken);
            }
            if items >= max_batch {
                full = true;
                break;
            }
        }
        if taken == 0 {
            return Form::Nothing;
        }
        let due = oldest + rules.max_delay;
        let exceeded = rules.max_delay > SimSpan::ZERO && due <= now;
        match preferred {
            Some(count) if !exceeded => Form::Send(count),
            _ if full || exceeded || rules.max_delay == SimSpan::ZERO || items >= most_preferred => {
                Form::Send(taken)
            }
            _ => Form::Wait(due),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(items: &[u32]) -> BatchQueue {
        let mut queue = BatchQueue::default();
        for (id, items) in items.iter().enumerate() {
            let (id, items, since) = (id as u64, *items, SimTime(id as u64));
            queue.push(Inside { id, items, priority: 0, since, queued: SimSpan::ZERO });
        }
        queue
    }

    #[test]
    fn requests_that_the_client_batched_are_not_split() {
        // The example of the batcher's documentation: sizes 4, 2, 2, 6, 2 with a largest batch of 8.
        let rules = BatchRules::greedy(8, 1);
        let mut waiting = queue(&[4, 2, 2, 6, 2]);
        assert_eq!(waiting.form(&rules, SimTime(9)), Form::Send(3));
        for id in 0..3 {
            assert_eq!(waiting.pop().map(|request| request.id), Some(id));
        }
        assert_eq!(waiting.form(&rules, SimTime(9)), Form::Send(2));
        assert_eq!(queue(&[9, 1]).form(&rules, SimTime(9)), Form::Send(1), "too large goes alone");
        assert_eq!(queue(&[]).form(&rules, SimTime(9)), Form::Nothing);
        assert_eq!(queue(&[5, 4]).form(&rules, SimTime(9)), Form::Send(1));
    }

    #[test]
    fn a_delay_counts_from_the_oldest_request() {
        let rules = BatchRules { max_delay: SimSpan(100), ..BatchRules::greedy(8, 1) };
        assert_eq!(queue(&[1, 1]).form(&rules, SimTime(50)), Form::Wait(SimTime(100)));
        assert_eq!(queue(&[1, 1]).form(&rules, SimTime(100)), Form::Send(2));
        assert_eq!(queue(&[4, 4, 1]).form(&rules, SimTime(50)), Form::Send(2));
        assert_eq!(queue(&[5, 5]).form(&rules, SimTime(50)), Form::Send(1));
    }

    #[test]
    fn preferred_sizes_go_at_once() {
        let preferred = BatchRules { preferred: vec![4, 6], ..BatchRules::greedy(8, 1) };
        let delayed = BatchRules { max_delay: SimSpan(100), ..preferred.clone() };
        let ones = |count| queue(&vec![1; count]);
        assert_eq!(ones(5).form(&preferred, SimTime(9)), Form::Send(4));
        assert_eq!(ones(7).form(&preferred, SimTime(9)), Form::Send(6));
        assert_eq!(ones(3).form(&preferred, SimTime(9)), Form::Send(3));
        assert_eq!(ones(3).form(&delayed, SimTime(9)), Form::Wait(SimTime(100)));
        assert_eq!(ones(5).form(&delayed, SimTime(9)), Form::Send(4));
        assert_eq!(ones(5).form(&delayed, SimTime(200)), Form::Send(5));
    }

    #[test]
    fn smaller_priorities_go_first_and_mix_into_one_batch() {
        let mut waiting = queue(&[1, 1]);
        let urgent = Inside { id: 7, items: 1, priority: 0, since: SimTime(5), queued: SimSpan::ZERO };
        waiting.push(Inside { id: 8, priority: 1, ..urgent });
        waiting.push(urgent);
        assert_eq!(waiting.form(&BatchRules::greedy(8, 1), SimTime(9)), Form::Send(4));
        let order: Vec<u64> = waiting.drain().map(|request| request.id).collect();
        assert_eq!(order, [0, 1, 7, 8]);
    }
}
