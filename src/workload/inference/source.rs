//! Where the requests of a run come from.

use crate::units::SimSpan;
use crate::workload::arrivals::{Request, Traffic};

/// Requests of a run: at their times, or asked for by clients.
pub trait Source: Iterator<Item = Request> {
    /// Clients that each keep one request in flight; the times of requests are then of no matter. `None` for requests
    /// that come at their times, which must not fall.
    fn clients(&self) -> Option<u32>;

    /// How long a client waits between an answer and its next request.
    fn think(&mut self) -> SimSpan;
}

impl Source for Traffic {
    fn clients(&self) -> Option<u32> {
        self.clients()
    }

    fn think(&mut self) -> SimSpan {
        self.think()
    }
}

/// Requests at their own times.
#[derive(Clone, Debug)]
pub struct Open<I>(pub I);

/// Requests that clients send as soon as they have an answer.
#[derive(Clone, Debug)]
pub struct Closed<I> {
    /// Clients.
    pub clients: u32,
    /// What they send, whatever its time.
    pub requests: I,
}

impl<I: Iterator<Item = Request>> Iterator for Open<I> {
    type Item = Request;
    fn next(&mut self) -> Option<Request> {
        self.0.next()
    }
}

impl<I: Iterator<Item = Request>> Source for Open<I> {
    fn clients(&self) -> Option<u32> {
        None
    }

    fn think(&mut self) -> SimSpan {
        SimSpan::ZERO
    }
}

impl<I: Iterator<Item = Request>> Iterator for Closed<I> {
    type Item = Request;
    fn next(&mut self) -> Option<Request> {
        self.requests.next()
    }
}

impl<I: Iterator<Item = Request>> Source for Closed<I> {
    fn clients(&self) -> Option<u32> {
        Some(self.clients)
    }

    fn think(&mut self) -> SimSpan {
        SimSpan::ZERO
    }
}
