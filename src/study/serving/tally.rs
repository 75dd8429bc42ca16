//! What runs at one load say about the targets: counts that can be added up over replications and over the states of
//! a load, and compared with what the targets allow.

use crate::scenario::{LatencyTarget, RequestTime};
use crate::units::{Seconds, SimSpan};
use crate::workload::inference::ServingRun;

use super::measure::rest_share;
use super::trial::{Trial, times};

/// Share of arrivals by which a backlog may grow in the second half before the fleet is said not to keep up.
const GROWTH: f64 = 0.03;
/// Roots of the requests inside by which their number differs between two instants by chance.
const NOISE: f64 = 6.0;
/// Requests refused at most, where no goodput is asked for.
const REFUSED: f64 = 0.01;

/// What is counted, in requests; a run that stands for a part of the load has the weight of that part.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Tally {
    offered: f64,
    refused: f64,
    good: f64,
    /// Of each target, in the order of the objective: those beyond it, and those that have such a time at all.
    beyond: Vec<(f64, f64)>,
    /// Requests inside at half of the arrivals and at the last.
    backlog: (f64, f64),
    arrived: f64,
    /// Seconds in the system of those who were served, and how many they are.
    stays: (f64, f64),
}

impl Tally {
    /// Counts of a run that stands for `weight` of the load.
    pub fn of(trial: &Trial<'_>, run: &ServingRun, weight: f64) -> Self {
        let offered = run.offered as f64;
        let scale = if offered > 0.0 { weight / offered } else { 0.0 };
        let served = run.latency.count() as f64 * scale;
        let beyond = |target: &LatencyTarget| {
            let histogram = times(run, target.time);
            let known = histogram.count() + run.unfinished;
            let limit = trial.own_limit(target);
            let within = histogram.count_to(SimSpan::from_seconds(limit).0);
            ((known - within) as f64 * scale, known as f64 * scale)
        };
        let targets = &trial.asked.scenario.objective.latency;
        // Of several models each must hold every target by itself.
        let of_models = run.models.iter().flat_map(|own| {
            targets.iter().map(move |target| {
                let histogram = match target.time {
                    RequestTime::FirstToken => &own.time_to_first_token,
                    RequestTime::PerOutputToken => &own.time_per_output_token,
                    RequestTime::Whole => &own.latency,
                };
                // A model without tokens has no times of tokens.
                let none = histogram.count() == 0 && target.time != RequestTime::Whole;
                let known = if none { 0 } else { histogram.count() + own.unfinished };
                let within = histogram.count_to(SimSpan::from_seconds(trial.own_limit(target)).0);
                (known.saturating_sub(within) as f64 * scale, known as f64 * scale)
            })
        });
        Self {
            offered: offered * scale,
            refused: run.refused as f64 * scale,
            good: run.good as f64 * scale,
            beyond: targets.iter().map(beyond).chain(of_models).collect(),
            backlog: (run.backlog.0 as f64, run.backlog.1 as f64),
            arrived: offered,
            stays: (run.latency.mean().unwrap_or(0.0) / 1e9 * served, served),
        }
    }

    /// A share of the load that is served, but beyond every limit.
    pub fn late(trial: &Trial<'_>, weight: f64) -> Self {
        let models = trial.asked.spec.models();
        let each = if models > 1 { 1 + models } else { 1 };
        let targets = trial.asked.scenario.objective.latency.len() * each;
        Self { offered: weight, beyond: vec![(weight, weight); targets], ..Self::default() }
    }

    /// Adds the counts of another.
    pub fn add(&mut self, other: &Self) {
        self.offered += other.offered;
        self.refused += other.refused;
        self.good += other.good;
        if self.beyond.len() < other.beyond.len() {
            self.beyond.resize(other.beyond.len(), (0.0, 0.0));
        }
        for (own, theirs) in self.beyond.iter_mut().zip(&other.beyond) {
            own.0 += theirs.0;
            own.1 += theirs.1;
        }
        self.backlog.0 += other.backlog.0;
        self.backlog.1 += other.backlog.1;
        self.arrived += other.arrived;
        self.stays.0 += other.stays.0;
        self.stays.1 += other.stays.1;
    }

    /// How far the worst criterion is used up: 1 where the targets just hold. Infinite of a fleet that nobody was served by.
    pub fn strain(&self, trial: &Trial<'_>) -> f64 {
        if self.offered <= 0.0 {
            return f64::INFINITY;
        }
        let objective = &trial.asked.scenario.objective;
        let wanted = objective.goodput.unwrap_or(1.0 - REFUSED);
        let refused = self.refused / self.offered / (1.0 - wanted.min(1.0 - REFUSED));
        let found = trial.served.found();
        let missed = objective
            .goodput
            .and_then(|share| rest_share(share, found))
            .map_or(0.0, |share| (1.0 - self.good / self.offered) / (1.0 - share).max(1e-9));
        let late = objective.latency.iter().cycle().zip(&self.beyond).map(|(target, (beyond, known))| {
            // Limits are on all requests: those found in a store count as well, but have no pace of tokens.
            let found = if target.time == RequestTime::PerOutputToken { 0.0 } else { found };
            match rest_share(target.share, found) {
                Some(share) if *known > 0.0 => beyond / known / (1.0 - share).max(1e-9),
                None if trial.own_limit(target).0 <= 0.0 => f64::INFINITY,
                _ => 0.0,
            }
        });
        late.fold(refused.max(missed), f64::max)
    }

    /// Whether the backlog at the last arrival is near that at half of them. `spread` is the standard deviation over
    /// replications of what it grew by, for as many as are added up here.
    pub fn keeps_up(&self, spread: f64) -> bool {
        let (half, last) = self.backlog;
        let noise = (NOISE * (half + 1.0).sqrt()).max(2.0 * spread);
        last - half <= noise.max(GROWTH * 0.5 * self.arrived)
    }

    /// What the backlog grew by in the second half of the arrivals.
    pub fn growth(&self) -> f64 {
        self.backlog.1 - self.backlog.0
    }

    /// Mean time in the system of a request.
    pub fn mean_stay(&self) -> Option<Seconds> {
        (self.stays.1 > 0.0).then(|| Seconds(self.stays.0 / self.stays.1))
    }
}
