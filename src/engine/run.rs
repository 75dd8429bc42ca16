//! The loop: hands each event to the world until nothing is left, or somebody says stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Calendar;
use crate::units::SimTime;

/// How many events pass between two looks at the [`Cancel`] flag: some tenths of a millisecond.
const EVENTS_BETWEEN_LOOKS: u64 = 4096;

/// A simulated system: a state machine driven by its own events.
pub trait World {
    /// What can happen; a small plain enum, private to the world.
    type Event: Copy;

    /// Schedules what happens first.
    fn start(&mut self, calendar: &mut Calendar<Self::Event>);

    /// Lets `event` happen at `now`, and schedules what follows from it.
    fn handle(&mut self, now: SimTime, event: Self::Event, calendar: &mut Calendar<Self::Event>);

    /// Whether the world has nothing more to learn, although events may be pending; asked after every event.
    fn finished(&self) -> bool {
        false
    }
}

/// Where a run stops at the latest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Events after this instant stay pending; those at this very instant still happen.
    pub until: SimTime,
    /// At most so many events happen.
    pub max_events: u64,
}

impl Limits {
    /// No limit: the run ends when the world does.
    pub const NONE: Self = Self { until: SimTime::NEVER, max_events: u64::MAX };

    /// Stops after `until`.
    #[must_use]
    pub fn until(until: SimTime) -> Self {
        Self { until, ..Self::NONE }
    }

    /// Stops after `max_events` events.
    #[must_use]
    pub fn events(max_events: u64) -> Self {
        Self { max_events, ..Self::NONE }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::NONE
    }
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// Nothing was left to happen.
    Drained,
    /// The world said that it was finished.
    Finished,
    /// The next event lies after the horizon.
    Horizon,
    /// As many events as allowed have happened.
    EventLimit,
    /// Somebody cancelled.
    Cancelled,
}

/// What a run amounted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Why it ended.
    pub end: RunEnd,
    /// How many events happened.
    pub events: u64,
    /// The simulated time reached: the horizon if that ended the run, else the time of the last event.
    pub reached: SimTime,
}

/// A flag that stops runs from elsewhere; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// A flag that is not raised.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Raises the flag, for good.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the flag is raised.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Starts `world` on an empty calendar and runs it.
pub fn run<W: World>(world: &mut W, limits: Limits, cancel: &Cancel) -> Run {
    let mut calendar = Calendar::with_capacity(64);
    world.start(&mut calendar);
    resume(world, &mut calendar, limits, cancel)
}

/// Runs a world that was started before, with what is pending in `calendar`; what a limit leaves there stays
/// for the next call.
pub fn resume<W: World>(
    world: &mut W,
    calendar: &mut Calendar<W::Event>,
    limits: Limits,
    cancel: &Cancel,
) -> Run {
    let mut events = 0;
    let ended = |end, events, reached| Run { end, events, reached };
    loop {
        if events % EVENTS_BETWEEN_LOOKS == 0 && cancel.is_cancelled() {
            return ended(RunEnd::Cancelled, events, calendar.now());
        }
        let Some(next) = calendar.peek_time() else {
            return ended(RunEnd::Drained, events, calendar.now());
        };
        if next > limits.until {
            return ended(RunEnd::Horizon, events, limits.until);
        }
        if events == limits.max_events {
            return ended(RunEnd::EventLimit, events, calendar.now());
        }
        if let Some((now, event)) = calendar.pop() {
            world.handle(now, event, calendar);
        }
        events += 1;
        if world.finished() {
            return ended(RunEnd::Finished, events, calendar.now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::SimSpan;

    /// Ticks once a nanosecond, counts, and may raise its own cancel flag.
    #[derive(Default)]
    struct Ticker {
        ticks: u64,
        stop_after: Option<u64>,
        enough: Option<u64>,
        cancel: Option<(u64, Cancel)>,
    }

    impl World for Ticker {
        type Event = ();

        fn start(&mut self, calendar: &mut Calendar<()>) {
            calendar.schedule_at(SimTime::ZERO, ());
        }

        fn handle(&mut self, _: SimTime, (): (), calendar: &mut Calendar<()>) {
            self.ticks += 1;
            if let Some((after, cancel)) = &self.cancel
                && self.ticks == *after
            {
                cancel.cancel();
            }
            if self.stop_after != Some(self.ticks) {
                calendar.schedule_in(SimSpan(1), ());
            }
        }

        fn finished(&self) -> bool {
            self.enough == Some(self.ticks)
        }
    }

    #[test]
    fn a_run_says_why_it_ended() {
        let cancel = Cancel::new();
        let end = |mut world: Ticker, limits| run(&mut world, limits, &cancel);
        let reached = |end, events, time| Run { end, events, reached: SimTime(time) };

        let drained = Ticker { stop_after: Some(10), ..Ticker::default() };
        assert_eq!(end(drained, Limits::NONE), reached(RunEnd::Drained, 10, 9));
        let finished = Ticker { enough: Some(5), ..Ticker::default() };
        assert_eq!(end(finished, Limits::NONE), reached(RunEnd::Finished, 5, 4));
        assert_eq!(end(Ticker::default(), Limits::until(SimTime(20))), reached(RunEnd::Horizon, 21, 20));
        assert_eq!(end(Ticker::default(), Limits::events(30)), reached(RunEnd::EventLimit, 30, 29));
    }

    #[test]
    fn a_cancelled_run_stops_within_4096_events() {
        let cancel = Cancel::new();
        let mut world = Ticker { cancel: Some((10_000, cancel.clone())), ..Ticker::default() };
        let ended = run(&mut world, Limits::NONE, &cancel);
        assert_eq!(ended.end, RunEnd::Cancelled);
        assert!((10_000..10_000 + EVENTS_BETWEEN_LOOKS).contains(&ended.events));
    }

    #[test]
    fn a_run_in_pieces_equals_a_run_in_one_piece() {
        let cancel = Cancel::new();
        let mut whole = Ticker { stop_after: Some(1000), ..Ticker::default() };
        let at_once = run(&mut whole, Limits::NONE, &cancel);

        let mut pieces = Ticker { stop_after: Some(1000), ..Ticker::default() };
        let mut calendar = Calendar::new();
        pieces.start(&mut calendar);
        let mut events = 0;
        for horizon in (0..).map(|piece| SimTime(piece * 7)) {
            let piece = resume(&mut pieces, &mut calendar, Limits::until(horizon), &cancel);
            events += piece.events;
            if piece.end == RunEnd::Drained {
                break;
            }
        }
        assert_eq!(events, at_once.events);
        assert_eq!(pieces.ticks, whole.ticks);
        assert_eq!(calendar.now(), at_once.reached);
    }
}
