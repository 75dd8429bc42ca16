//! The requests of a run, one after the other.

use super::clock::{Clock, Mmpp};
use super::cycle::Cycle;
use super::fault::TrafficError;
use super::kinds::Kinds;
use super::rates::{Profile, WindowRates};
use super::request::Request;
use super::spec::{ArrivalSpec, TraceFormat, TrafficSpec};
use super::trace::{MOST_RATE, TraceError, Windows};
use crate::stats::Stream;
use crate::units::{Seconds, SimSpan, SimTime};

/// Burstiest gamma gaps.
pub(super) const MOST_CV: f64 = 100.0;

/// The requests of one replication in the order of time, drawn or read as they are asked for.
///
/// Times, kinds, lengths and prefixes come from streams of their own, so that candidates share them. Requests end when
/// their number is reached, a trace is over, the rate is zero for good, or the clock's last instant is passed. A trace
/// that turns out to be wrong on the way ends them too: [`Traffic::fault`] tells, and
/// [`TraceSurvey`](super::TraceSurvey) finds it before.
#[derive(Debug)]
pub struct Traffic {
    times: Times,
    gaps: Stream,
    kinds: Kinds,
    left: u64,
    last: SimTime,
    closed: Option<Closed>,
    fault: Option<TraceError>,
}

/// Where times come from.
#[derive(Debug)]
enum Times {
    Process(Clock),
    Trace(Cycle),
    /// All at once, or when clients ask.
    Now,
    /// Never.
    None,
}

#[derive(Debug)]
struct Closed {
    clients: u32,
    mean: Seconds,
    thinks: Stream,
}

impl Traffic {
    /// The traffic of a replication.
    ///
    /// # Errors
    /// What [`TrafficSpec::check`] refuses, and traces that cannot be opened.
    pub fn open(spec: &TrafficSpec, seed: u64, replica: u32) -> Result<Self, TrafficError> {
        spec.check()?;
        let stream = |purpose| Stream::named(seed, replica, "traffic", purpose);
        let closed = match &spec.arrivals {
            ArrivalSpec::Closed { clients, think } => {
                Some(Closed { clients: *clients, mean: *think, thinks: stream("think") })
            }
            _ => None,
        };
        Ok(Self {
            times: Times::open(&spec.arrivals, stream("spells"))?,
            gaps: stream("times"),
            kinds: Kinds::open(spec, seed, replica)?,
            left: spec.requests.unwrap_or(u64::MAX),
            last: SimTime::ZERO,
            closed,
            fault: None,
        })
    }

    /// Clients of a closed load; `None` where arrivals have times of their own.
    #[must_use]
    pub fn clients(&self) -> Option<u32> {
        self.closed.as_ref().map(|closed| closed.clients)
    }

    /// How long the client that just got an answer waits before its next request; zero for an open load. The requests
    /// of a closed load come at time 0 from here: whoever runs it puts the times.
    pub fn think(&mut self) -> SimSpan {
        let closed = self.closed.as_mut();
        closed.map_or(SimSpan::ZERO, |closed| {
            SimSpan::from_seconds(Seconds(closed.thinks.exponential(closed.mean.0)))
        })
    }

    /// What ended the requests early.
    #[must_use]
    pub fn fault(&self) -> Option<&TraceError> {
        self.fault.as_ref()
    }

    fn draw(&mut self) -> Result<Option<Request>, TraceError> {
        let (at, row) = match &mut self.times {
            Times::Process(clock) => (clock.next(&mut self.gaps)?, None),
            Times::Trace(rows) => {
                let row = rows.next()?;
                (row.map(|row| row.at), row)
            }
            Times::Now => (Some(0.0), None),
            Times::None => (None, None),
        };
        let Some(at) = at else { return Ok(None) };
        let at = SimTime::ZERO + SimSpan::from_seconds(Seconds(at));
        if at == SimTime::NEVER {
            return Ok(None);
        }
        // Rounding in sums of large times must not turn two requests around.
        self.last = self.last.max(at);
        self.kinds.request(self.last, row.as_ref())
    }
}

impl Times {
    fn open(arrivals: &ArrivalSpec, spells: Stream) -> Result<Self, TraceError> {
        let process = |rate: f64, clock: Clock| if rate > 0.0 { Self::Process(clock) } else { Self::None };
        Ok(match arrivals {
            ArrivalSpec::Poisson { rate } => process(*rate, Clock::Poisson { gap: 1.0 / rate, now: 0.0 }),
            ArrivalSpec::Gamma { rate, cv } => {
                process(*rate, Clock::Gamma { gap: 1.0 / rate, cv: *cv, now: 0.0 })
            }
            ArrivalSpec::Mmpp { quiet_rate, burst_rate, quiet, burst } => {
                let process = Mmpp::new((*quiet_rate, quiet.0), (*burst_rate, burst.0), spells);
                Self::Process(Clock::Mmpp(process))
            }
            ArrivalSpec::Profile { rate, points, period } => {
                process(*rate, Clock::Profile(Profile::new(*rate, points, period.0)))
            }
            ArrivalSpec::Trace(source) if source.format == TraceFormat::Windows => {
                let rates = WindowRates::new(Windows::open(source)?, source.speed, source.repeat);
                Self::Process(Clock::Windows(Box::new(rates)))
            }
            ArrivalSpec::Trace(source) => Self::Trace(Cycle::open(source)?),
            ArrivalSpec::Burst | ArrivalSpec::Closed { .. } => Self::Now,
        })
    }
}

impl Iterator for Traffic {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        if self.left == 0 {
            return None;
        }
        let request = match self.draw() {
            Ok(request) => request,
            Err(fault) => {
                self.fault = Some(fault);
                None
            }
        };
        self.left = if request.is_some() { self.left - 1 } else { 0 };
        request
    }
}

impl ArrivalSpec {
    /// The same traffic, `factor` times as fast: rates and speeds are multiplied, bursts and profiles keep their times.
    /// Clients of a closed load are multiplied and rounded, at least 1; a burst stays one.
    #[must_use]
    pub fn faster(&self, factor: f64) -> Self {
        let mut faster = self.clone();
        match &mut faster {
            Self::Poisson { rate } | Self::Gamma { rate, .. } | Self::Profile { rate, .. } => *rate *= factor,
            Self::Mmpp { quiet_rate, burst_rate, .. } => {
                *quiet_rate *= factor;
                *burst_rate *= factor;
            }
            Self::Trace(source) => source.speed *= factor,
            Self::Closed { clients, .. } => *clients = (f64::from(*clients) * factor + 0.5).max(1.0) as u32,
            Self::Burst => {}
        }
        faster
    }

    /// Requests per second in the long run; `None` of traces (their survey tells), bursts and closed loads.
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        match self {
            Self::Poisson { rate } | Self::Gamma { rate, .. } | Self::Profile { rate, .. } => Some(*rate),
            Self::Mmpp { quiet_rate, burst_rate, quiet, burst } => {
                Some((quiet_rate * quiet.0 + burst_rate * burst.0) / (quiet.0 + burst.0))
            }
            Self::Trace(_) | Self::Burst | Self::Closed { .. } => None,
        }
    }

    /// Checks the figures; files are left alone.
    ///
    /// # Errors
    /// The first figure that is out of its range.
    pub fn check(&self) -> Result<(), TrafficError> {
        let rate = |what, rate| within(what, rate, 0.0, MOST_RATE);
        match self {
            Self::Poisson { rate: own } => rate("the rate", *own),
            Self::Gamma { rate: own, cv } => {
                rate("the rate", *own)?;
                within("the coefficient of variation", *cv, 0.0, MOST_CV)
            }
            Self::Mmpp { quiet_rate, burst_rate, quiet, burst } => {
                rate("the quiet rate", *quiet_rate)?;
                rate("the burst rate", *burst_rate)?;
                within("the mean quiet spell in seconds", quiet.0, 1e-3, 1e9)?;
                within("the mean burst in seconds", burst.0, 1e-3, 1e9)
            }
            Self::Profile { rate: own, points, period } => {
                rate("the rate", *own)?;
                within("the period in seconds", period.0, 1e-3, 1e9)?;
                within("the number of points of a profile", points.len() as f64, 1.0, 1e5)?;
                points.iter().try_for_each(|point| within("a point of the profile", *point, 0.0, 1e9))
            }
            Self::Trace(source) => within("the speed of a trace", source.speed, 1e-6, 1e9),
            Self::Burst => Ok(()),
            Self::Closed { clients, think } => {
                within("the number of clients", f64::from(*clients), 1.0, 1e7)?;
                within("the think time in seconds", think.0, 0.0, 1e9)
            }
        }
    }
}

/// Refuses what is not between two ends; NaN is not.
pub(super) fn within(what: &'static str, value: f64, least: f64, most: f64) -> Result<(), TrafficError> {
    if (least..=most).contains(&value) {
        Ok(())
    } else {
        Err(TrafficError::Range { what, value, least, most })
    }
}
