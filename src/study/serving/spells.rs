//! Loads that come in spells: where a spell lasts far longer than a request, each state is a steady load of its own.

use crate::units::Seconds;
use crate::workload::arrivals::ArrivalSpec;

use super::capacity::MOST_SHARE;
use super::trial::Trial;

/// Spells so many times longer than a request, and than the longest limit on one, are steady loads.
const LONG: f64 = 20.0;
/// A bursty load is observed over so many times as many requests at most.
const MOST_BURSTINESS: f64 = 4.0;
/// Spells of a load that does not fall apart that a run should see.
const CYCLES: f64 = 25.0;

/// A part of a load.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Piece {
    /// So much of all requests comes like this.
    Run {
        /// Share of the requests.
        weight: f64,
        arrivals: ArrivalSpec,
        /// Requests per second.
        rate: f64,
    },
    /// So much of all requests waits for the length of a spell.
    Late(f64),
}

/// A two-state load by its states: rate and mean spell of the busier one and of the other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spells {
    pub high: (f64, Seconds),
    pub low: (f64, Seconds),
}

impl Spells {
    /// The spells of a load that has such.
    pub fn of(arrivals: &ArrivalSpec) -> Option<Self> {
        let ArrivalSpec::Mmpp { quiet_rate, burst_rate, quiet, burst } = arrivals else { return None };
        let (one, other) = ((*burst_rate, *burst), (*quiet_rate, *quiet));
        let (high, low) = if one.0 >= other.0 { (one, other) } else { (other, one) };
        Some(Self { high, low })
    }

    /// The load with spells so many times shorter, at the same rates.
    pub fn shortened(arrivals: ArrivalSpec, times: f64) -> ArrivalSpec {
        match arrivals {
            ArrivalSpec::Mmpp { quiet_rate, burst_rate, quiet, burst } => {
                ArrivalSpec::Mmpp { quiet_rate, burst_rate, quiet: quiet / times, burst: burst / times }
            }
            other => other,
        }
    }

    /// Mean requests of a spell of each state.
    fn requests(&self) -> (f64, f64) {
        (self.high.0 * self.high.1.0, self.low.0 * self.low.1.0)
    }

    /// Whether each state is a steady load for a fleet.
    pub fn are_long(&self, trial: &Trial<'_>) -> bool {
        let limits = trial.asked.scenario.objective.latency.iter().map(|target| target.limit.0);
        let longest = limits.fold(trial.alone().0, f64::max);
        self.high.1.0.min(self.low.1.0) >= LONG * longest
    }

    /// Share of requests in the busier state.
    pub fn busy_share(&self) -> f64 {
        let (high, low) = self.requests();
        high / (high + low).max(f64::MIN_POSITIVE)
    }
}

/// The parts of a load of a mean rate, on a fleet that can sustain so much.
pub(super) fn pieces(trial: &Trial<'_>, arrivals: &ArrivalSpec, rate: f64, sustained: f64) -> Vec<Piece> {
    let whole = || vec![Piece::Run { weight: 1.0, arrivals: arrivals.clone(), rate }];
    let Some(spells) = Spells::of(arrivals).filter(|spells| spells.are_long(trial)) else { return whole() };
    let steady =
        |weight: f64, rate: f64| Piece::Run { weight, arrivals: ArrivalSpec::Poisson { rate }, rate };
    let (high, low) = (spells.high.0, spells.low.0);
    let share = spells.busy_share();
    if high < MOST_SHARE * sustained || low >= sustained || trial.sheds() {
        return vec![steady(share, high), steady(1.0 - share, low)];
    }
    // What a burst leaves behind, as a fluid, is worked off in the quiet after it; whoever comes until then waits too.
    let left = (high - sustained).max(0.0) * spells.high.1.0;
    let behind = low * left / (sustained - low);
    let (in_burst, in_quiet) = spells.requests();
    let late = ((in_burst + behind) / (in_burst + in_quiet)).min(1.0);
    vec![Piece::Late(late), steady(1.0 - late, low)]
}

/// How many times as many requests as of independent arrivals show how a load behaves.
pub(super) fn burstiness(arrivals: &ArrivalSpec) -> f64 {
    match arrivals {
        ArrivalSpec::Gamma { cv, .. } => (0.5 * (1.0 + cv * cv)).clamp(1.0, MOST_BURSTINESS),
        _ => 1.0,
    }
}

/// Requests of a run that sees enough spells; 0 of loads without.
pub(super) fn cycles(arrivals: &ArrivalSpec) -> f64 {
    Spells::of(arrivals).map_or(0.0, |spells| {
        let (high, low) = spells.requests();
        CYCLES * (high + low)
    })
}
