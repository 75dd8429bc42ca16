//! What arrives: requests in the order of time, drawn or replayed, one at a time.
//!
//! Owns the request ([`Request`]), arrival processes, lengths and traces ([`TrafficSpec`], [`Traffic`]), the figures of
//! known data sets ([`Dataset`]) and the check of a trace before it is used ([`TraceSurvey`]). Everything is drawn or
//! read as it is asked for: neither a trace nor a billion requests is ever held. It must not know who serves them.

mod clock;
mod cycle;
mod datasets;
mod fault;
mod kinds;
mod lengths;
mod rates;
mod request;
mod spec;
mod trace;
mod traffic;

pub use datasets::{Dataset, LengthFigures};
pub use fault::TrafficError;
pub use request::{Prefix, Request};
pub use spec::{ArrivalSpec, LengthLaw, LengthSpec, Mix, TraceFormat, TraceSource, TrafficSpec};
pub use trace::{TraceError, TraceSurvey};
pub use traffic::Traffic;
