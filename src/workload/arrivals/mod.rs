//! What arrives: requests in the order of time, drawn or replayed, one at a time.
//!
//! Owns the request ([`Request`]), arrival processes, lengths and traces. It must not know who serves them.

mod request;
mod spec;

pub use request::{Prefix, Request};
pub use spec::{ArrivalSpec, LengthLaw, LengthSpec, Mix, TraceFormat, TraceSource, TrafficSpec};
