//! The future: pending events in the order of `(time, order of scheduling)`.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::units::{SimSpan, SimTime};

/// Pending events, earliest first; events of the same instant come out in the order in which they were
/// scheduled.
///
/// The order is one `u128` comparison: time in the upper half, a counter of schedulings in the lower. The
/// queue behind it is `std`'s binary heap, which at the 10² to 10⁴ pending events of a good model costs 40 to
/// 65 ns per event.
#[derive(Clone, Debug)]
pub struct Calendar<E: Copy> {
    pending: BinaryHeap<Entry<E>>,
    scheduled: u64,
    now: SimTime,
}

#[derive(Clone, Copy, Debug)]
struct Entry<E> {
    key: u128,
    event: E,
}

impl<E: Copy> Calendar<E> {
    /// An empty calendar at [`SimTime::ZERO`].
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(0)
    }

    /// An empty calendar with room for `events` pending events before it allocates.
    #[must_use]
    pub fn with_capacity(events: usize) -> Self {
        Self { pending: BinaryHeap::with_capacity(events), scheduled: 0, now: SimTime::ZERO }
    }

    /// The time of the event popped last.
    #[must_use]
    pub fn now(&self) -> SimTime {
        self.now
    }

    /// Schedules `event` at an instant, behind whatever is already scheduled there.
    ///
    /// An instant before [`Calendar::now`] is a fault of the world: debug builds stop, release builds take it
    /// as now, so that time never goes back.
    pub fn schedule_at(&mut self, time: SimTime, event: E) {
        debug_assert!(time >= self.now, "an event for {time} was scheduled at {}", self.now);
        let time = time.max(self.now);
        let key = u128::from(time.0) << 64 | u128::from(self.scheduled);
        self.scheduled += 1;
        self.pending.push(Entry { key, event });
    }

    /// Schedules `event` a span from [`Calendar::now`].
    pub fn schedule_in(&mut self, span: SimSpan, event: E) {
        self.schedule_at(self.now + span, event);
    }

    /// Takes the earliest event and moves the clock to it.
    pub fn pop(&mut self) -> Option<(SimTime, E)> {
        let entry = self.pending.pop()?;
        debug_assert!(entry.time() >= self.now, "time went back");
        self.now = entry.time();
        Some((self.now, entry.event))
    }

    /// The time of the earliest event.
    #[must_use]
    pub fn peek_time(&self) -> Option<SimTime> {
        self.pending.peek().map(Entry::time)
    }

    /// How many events are pending.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pending.len()
    }

    /// Whether nothing is left to happen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Forgets all events and returns to [`SimTime::ZERO`]; keeps its memory for the next replica.
    pub fn clear(&mut self) {
        self.pending.clear();
        self.scheduled = 0;
        self.now = SimTime::ZERO;
    }
}

impl<E: Copy> Default for Calendar<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> Entry<E> {
    fn time(&self) -> SimTime {
        SimTime((self.key >> 64) as u64)
    }
}

// The standard heap gives the greatest first: the order is reversed so that this is the earliest.
impl<E> Ord for Entry<E> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.key.cmp(&self.key)
    }
}

impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl<E> Eq for Entry<E> {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn drain(calendar: &mut Calendar<usize>) -> Vec<(u64, usize)> {
        std::iter::from_fn(|| calendar.pop()).map(|(time, event)| (time.0, event)).collect()
    }

    #[test]
    fn events_of_one_instant_come_out_in_the_order_of_scheduling() {
        let mut calendar = Calendar::new();
        for event in 0..1000 {
            calendar.schedule_at(SimTime(event as u64 % 3), event);
        }
        let order = drain(&mut calendar);
        let mut expected: Vec<_> = (0..1000).map(|event| (event as u64 % 3, event)).collect();
        expected.sort();
        assert_eq!(order, expected);
    }

    #[test]
    fn an_event_scheduled_now_comes_after_those_already_there() {
        let mut calendar = Calendar::new();
        calendar.schedule_at(SimTime(7), 1);
        calendar.schedule_at(SimTime(7), 2);
        assert_eq!(calendar.pop(), Some((SimTime(7), 1)));
        calendar.schedule_in(SimSpan::ZERO, 3);
        assert_eq!(drain(&mut calendar), [(7, 2), (7, 3)]);
    }

    #[test]
    fn a_cleared_calendar_starts_again_at_zero() {
        let mut calendar = Calendar::with_capacity(4);
        calendar.schedule_at(SimTime(9), 1);
        calendar.pop();
        calendar.schedule_in(SimSpan(1), 2);
        calendar.clear();
        assert!(calendar.is_empty());
        assert_eq!(calendar.now(), SimTime::ZERO);
        calendar.schedule_in(SimSpan(1), 3);
        assert_eq!(drain(&mut calendar), [(1, 3)]);
    }

    #[test]
    fn the_end_of_time_is_reached_and_not_wrapped() {
        let mut calendar = Calendar::new();
        calendar.schedule_at(SimTime(5), 0);
        calendar.pop();
        calendar.schedule_in(SimSpan(u64::MAX), 1);
        assert_eq!(calendar.peek_time(), Some(SimTime::NEVER));
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "was scheduled at")]
    fn scheduling_into_the_past_stops_a_debug_build() {
        let mut calendar = Calendar::new();
        calendar.schedule_at(SimTime(5), 0);
        calendar.pop();
        calendar.schedule_at(SimTime(4), 1);
    }

    #[test]
    #[cfg(not(debug_assertions))]
    fn scheduling_into_the_past_happens_now() {
        let mut calendar = Calendar::new();
        calendar.schedule_at(SimTime(5), 0);
        calendar.pop();
        calendar.schedule_at(SimTime(4), 1);
        assert_eq!(drain(&mut calendar), [(5, 1)]);
    }

    proptest! {
        #[test]
        fn any_mixture_of_schedules_and_pops_equals_a_sorted_list(
            steps in prop::collection::vec((0u64..20, any::<bool>()), 1..200),
        ) {
            let mut calendar = Calendar::new();
            let mut list: Vec<(u64, usize)> = Vec::new();
            for (event, (span, pop)) in steps.into_iter().enumerate() {
                let time = calendar.now() + SimSpan(span);
                calendar.schedule_at(time, event);
                list.push((time.0, event));
                if pop {
                    list.sort();
                    let (time, event) = list.remove(0);
                    prop_assert_eq!(calendar.pop(), Some((SimTime(time), event)));
                }
            }
            list.sort();
            prop_assert_eq!(drain(&mut calendar), list);
        }
    }
}
