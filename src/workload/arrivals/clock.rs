//! Arrival processes: the time of one arrival after the other.

use super::rates::{Profile, WindowRates};
use super::trace::TraceError;
use crate::stats::Stream;

/// Changes of state without an arrival after which a burst process is taken to be silent for good.
const MOST_SPELLS: u32 = 1_000_000;

/// A process in time. Times are in seconds from the start and never fall; `None` is the end.
#[derive(Debug)]
pub(super) enum Clock {
    Poisson { gap: f64, now: f64 },
    Gamma { gap: f64, cv: f64, now: f64 },
    Mmpp(Mmpp),
    Profile(Profile),
    Windows(Box<WindowRates>),
}

impl Clock {
    /// The time of the next arrival.
    pub(super) fn next(&mut self, times: &mut Stream) -> Result<Option<f64>, TraceError> {
        let at = match self {
            Self::Poisson { gap, now } => {
                *now += times.exponential(*gap);
                Some(*now)
            }
            Self::Gamma { gap, cv, now } => {
                *now += times.gamma(*gap, *cv);
                Some(*now)
            }
            Self::Mmpp(process) => process.next(times.exponential(1.0)),
            Self::Profile(profile) => profile.next(times.exponential(1.0)),
            Self::Windows(windows) => windows.next(times.exponential(1.0))?,
        };
        // An infinite gap is the end; so is one that is none, of an infinite mean.
        Ok(at.filter(|at| at.is_finite()))
    }
}

/// A Poisson process that switches between two rates after exponential spells.
#[derive(Debug)]
pub(super) struct Mmpp {
    /// Rate and mean spell of each state.
    states: [(f64, f64); 2],
    state: usize,
    now: f64,
    until: f64,
    spells: Stream,
}

impl Mmpp {
    /// Starts in the long run: in each state with its share of time.
    pub(super) fn new(quiet: (f64, f64), burst: (f64, f64), mut spells: Stream) -> Self {
        let state = usize::from(spells.uniform() * (quiet.1 + burst.1) >= quiet.1);
        let states = [quiet, burst];
        let until = spells.exponential(states[state].1);
        Self { states, state, now: 0.0, until, spells }
    }

    /// The time by which the integral of the rate has grown by `work`: exact, since the rate is constant in between.
    fn next(&mut self, mut work: f64) -> Option<f64> {
        for _ in 0..MOST_SPELLS {
            let rate = self.states[self.state].0;
            let within = rate * (self.until - self.now);
            if work <= within {
                self.now += work / rate;
                return Some(self.now);
            }
            work -= within;
            self.now = self.until;
            self.state = 1 - self.state;
            self.until += self.spells.exponential(self.states[self.state].1);
        }
        None
    }
}
