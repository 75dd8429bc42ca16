//! Parallel servers behind one first-come first-served queue: the block of which queueing worlds are built.

use std::collections::VecDeque;

use crate::units::{Seconds, SimSpan, SimTime};

/// Queues of at most so many places get their memory at once.
const RESERVED_PLACES: usize = 4096;

/// `servers` parallel servers and a first-come first-served queue in front of them, bounded or not.
///
/// A station decides and keeps count; it schedules nothing. Whenever it says that a customer starts, the
/// world draws the service time and schedules the completion; on completion the world calls
/// [`Station::finish`] if the customer leaves, or [`Station::hold`] if there is no room for it downstream:
/// the server then stays blocked with the customer (blocking after service) until [`Station::release`].
///
/// Servers are alike and have no names. Whatever changes at an instant must be told with that instant, in
/// order.
#[derive(Clone, Debug)]
pub struct Station<T> {
    servers: usize,
    places: usize,
    queue: VecDeque<T>,
    held: VecDeque<T>,
    in_service: usize,
    counts: Counts,
    areas: Areas,
    since: SimTime,
    last: SimTime,
}

/// What becomes of a customer that asks for service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer<T> {
    /// A server was free: service starts now.
    Starts(T),
    /// Waits in the queue.
    Waits,
    /// Neither a server nor a place was free.
    Refused(T),
}

/// A held customer that may leave, and whoever gets its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Release<T> {
    /// The customer that was held longest.
    pub leaves: T,
    /// The head of the queue, whose service starts now.
    pub starts: Option<T>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    accepted: u64,
    refused: u64,
    finished: u64,
}

/// Integrals over time, in nanoseconds times servers or customers.
#[derive(Clone, Copy, Debug, Default)]
struct Areas {
    serving: u128,
    held: u128,
    waiting: u128,
}

impl<T> Station<T> {
    /// Servers behind a queue without bound. `usize::MAX` servers never make anybody wait.
    #[must_use]
    pub fn new(servers: usize) -> Self {
        Self::bounded(servers, usize::MAX)
    }

    /// Servers behind a queue of at most `places` waiting customers.
    #[must_use]
    pub fn bounded(servers: usize, places: usize) -> Self {
        Self {
            servers,
            places,
            queue: VecDeque::with_capacity(if places <= RESERVED_PLACES { places } else { 64 }),
            held: VecDeque::with_capacity(servers.min(64)),
            in_service: 0,
            counts: Counts::default(),
            areas: Areas::default(),
            since: SimTime::ZERO,
            last: SimTime::ZERO,
        }
    }

    /// A customer asks for service.
    pub fn offer(&mut self, now: SimTime, customer: T) -> Offer<T> {
        self.account(now);
        if self.has_free_server() {
            self.in_service += 1;
            self.counts.accepted += 1;
            Offer::Starts(customer)
        } else if self.queue.len() < self.places {
            self.queue.push_back(customer);
            self.counts.accepted += 1;
            Offer::Waits
        } else {
            self.counts.refused += 1;
            Offer::Refused(customer)
        }
    }

    /// A service ends and its customer leaves. Gives the head of the queue, whose service starts now.
    pub fn finish(&mut self, now: SimTime) -> Option<T> {
        debug_assert!(self.in_service > 0, "nobody is in service");
        self.account(now);
        self.in_service = self.in_service.saturating_sub(1);
        self.counts.finished += 1;
        self.start_next()
    }

    /// A service ends but its customer cannot leave: it keeps the server until it is released.
    pub fn hold(&mut self, now: SimTime, customer: T) {
        debug_assert!(self.in_service > 0, "nobody is in service");
        self.account(now);
        self.in_service = self.in_service.saturating_sub(1);
        self.held.push_back(customer);
    }

    /// There is room downstream: the customer held longest leaves, and its server takes the head of the
    /// queue.
    pub fn release(&mut self, now: SimTime) -> Option<Release<T>> {
        self.account(now);
        let leaves = self.held.pop_front()?;
        self.counts.finished += 1;
        Some(Release { leaves, starts: self.start_next() })
    }

    /// Whether [`Station::offer`] would accept a customer now.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.has_free_server() || self.queue.len() < self.places
    }

    /// Whether a customer would start at once.
    #[must_use]
    pub fn has_free_server(&self) -> bool {
        self.in_service + self.held.len() < self.servers
    }

    /// Customers in service.
    #[must_use]
    pub fn in_service(&self) -> usize {
        self.in_service
    }

    /// Customers in the queue.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Customers whose service is over and who keep their server.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// What happened from the start, or from the last [`Station::reset_statistics`], until `now`.
    #[must_use]
    pub fn statistics(&self, now: SimTime) -> StationStatistics {
        let mut areas = self.areas;
        areas.grow(now.since(self.last), self.in_service, self.held.len(), self.queue.len());
        StationStatistics {
            span: now.since(self.since),
            accepted: self.counts.accepted,
            refused: self.counts.refused,
            finished: self.counts.finished,
            serving: areas.serving,
            held: areas.held,
            waiting: areas.waiting,
        }
    }

    /// Forgets what was counted before `now`, as at the end of a warm-up; customers stay where they are.
    pub fn reset_statistics(&mut self, now: SimTime) {
        self.counts = Counts::default();
        self.areas = Areas::default();
        self.since = now;
        self.last = now;
    }

    fn start_next(&mut self) -> Option<T> {
        let next = self.queue.pop_front()?;
        self.in_service += 1;
        Some(next)
    }

    fn account(&mut self, now: SimTime) {
        debug_assert!(now >= self.last, "a station was told of {now} after {}", self.last);
        self.areas.grow(now.since(self.last), self.in_service, self.held.len(), self.queue.len());
        self.last = now;
    }
}

impl Areas {
    fn grow(&mut self, span: SimSpan, serving: usize, held: usize, waiting: usize) {
        let span = u128::from(span.0);
        self.serving += span * serving as u128;
        self.held += span * held as u128;
        self.waiting += span * waiting as u128;
    }
}

/// Counts and time integrals of a station; the integrals are exact, in nanoseconds times servers or
/// customers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StationStatistics {
    /// The span observed.
    pub span: SimSpan,
    /// Customers that started or waited.
    pub accepted: u64,
    /// Customers turned away.
    pub refused: u64,
    /// Customers that left after service.
    pub finished: u64,
    /// Integral of the customers in service.
    pub serving: u128,
    /// Integral of the customers that kept a server after their service.
    pub held: u128,
    /// Integral of the customers in the queue.
    pub waiting: u128,
}

impl StationStatistics {
    /// Servers at work, averaged over time; 0 when no time has passed.
    #[must_use]
    pub fn mean_serving(&self) -> f64 {
        self.mean(self.serving)
    }

    /// Servers blocked by a customer that cannot leave, averaged over time.
    #[must_use]
    pub fn mean_held(&self) -> f64 {
        self.mean(self.held)
    }

    /// Customers in the queue, averaged over time.
    #[must_use]
    pub fn mean_waiting(&self) -> f64 {
        self.mean(self.waiting)
    }

    /// Mean time in the queue of an accepted customer, by Little's law; zero when none was accepted.
    #[must_use]
    pub fn mean_wait(&self) -> Seconds {
        if self.accepted == 0 {
            return Seconds::ZERO;
        }
        Seconds(self.waiting as f64 / 1e9 / self.accepted as f64)
    }

    /// Share of those offered that were refused; 0 when none was offered.
    #[must_use]
    pub fn refused_share(&self) -> f64 {
        let offered = self.accepted + self.refused;
        if offered == 0 { 0.0 } else { self.refused as f64 / offered as f64 }
    }

    fn mean(&self, area: u128) -> f64 {
        if self.span == SimSpan::ZERO { 0.0 } else { area as f64 / self.span.0 as f64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn customers_start_in_the_order_of_their_arrival() {
        let mut station = Station::new(1);
        assert_eq!(station.offer(SimTime(0), 'a'), Offer::Starts('a'));
        assert_eq!(station.offer(SimTime(1), 'b'), Offer::Waits);
        assert_eq!(station.offer(SimTime(2), 'c'), Offer::Waits);
        assert_eq!(station.finish(SimTime(5)), Some('b'));
        assert_eq!(station.finish(SimTime(6)), Some('c'));
        assert_eq!(station.finish(SimTime(7)), None);
    }

    #[test]
    fn a_full_station_refuses_and_counts() {
        let mut station = Station::bounded(2, 1);
        for customer in 0..3 {
            assert!(station.has_room());
            station.offer(SimTime(0), customer);
        }
        assert!(!station.has_room());
        assert_eq!(station.offer(SimTime(0), 3), Offer::Refused(3));
        let statistics = station.statistics(SimTime(0));
        assert_eq!((statistics.accepted, statistics.refused), (3, 1));
        assert_eq!(statistics.refused_share(), 0.25);
    }

    #[test]
    fn a_held_customer_keeps_its_server_until_released() {
        let mut station = Station::new(1);
        station.offer(SimTime(0), 1);
        station.offer(SimTime(0), 2);
        station.hold(SimTime(4), 1);
        assert!(!station.has_free_server());
        assert_eq!((station.in_service(), station.held(), station.waiting()), (0, 1, 1));
        let released = station.release(SimTime(6));
        assert_eq!(released, Some(Release { leaves: 1, starts: Some(2) }));
        assert_eq!(station.release(SimTime(6)), None);

        let statistics = station.statistics(SimTime(8));
        assert_eq!((statistics.serving, statistics.held, statistics.waiting), (6, 2, 6));
        assert_eq!(statistics.finished, 1);
    }

    #[test]
    fn statistics_are_exact_to_the_nanosecond() {
        let mut station = Station::new(1);
        station.offer(SimTime(10), ());
        station.offer(SimTime(13), ());
        station.finish(SimTime(20));
        station.finish(SimTime(25));
        let statistics = station.statistics(SimTime(30));
        assert_eq!(statistics.serving, 15);
        assert_eq!(statistics.waiting, 7);
        assert_eq!(statistics.mean_serving(), 0.5);
        assert_eq!(statistics.mean_wait(), Seconds(3.5e-9));

        station.reset_statistics(SimTime(30));
        let fresh = station.statistics(SimTime(40));
        assert_eq!((fresh.serving, fresh.accepted, fresh.span), (0, 0, SimSpan(10)));
    }
}
