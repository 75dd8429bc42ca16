//! Floor 2: the discrete-event core.
//!
//! Owns the order of events ([`Calendar`]), the loop that hands them to a [`World`] ([`run`]) and the one
//! building block that every queueing world shares ([`Station`]). It must not know what an event means: no
//! dollars, no files, no threads, no windows, no random numbers.
//!
//! # A world
//! A world is a state machine with a private `Copy` event enum. [`World::start`] schedules the first events,
//! [`World::handle`] is called once per event in the order of `(time, order of scheduling)`, and both reach
//! the future only through the calendar. The same world and the same streams give the same bytes, whatever
//! the machine.
//!
//! # How a run ends
//! [`RunEnd`] says why: nothing is left to happen, the world is finished, the horizon or the event limit was
//! reached, or somebody cancelled. None of these is an error here; what they mean is the caller's business.
//!
//! # Leap, do not step
//! Events are spent on changes only. While nothing changes, the world computes the next change in closed form
//! and schedules that. Cancellation is a generation number in the entity: an event of an old generation dies
//! when popped.

mod calendar;
mod run;
mod station;

pub use calendar::Calendar;
pub use run::{Cancel, Limits, Run, RunEnd, World, resume, run};
pub use station::{Offer, Release, Station, StationStatistics};
