//! What arrives, as sizing sees it, and the run in which latencies and bills are taken.

use crate::catalog::Purchase;
use crate::fleet::Candidate;
use crate::scenario::ServingSpec;
use crate::units::Seconds;
use crate::workload::arrivals::{ArrivalSpec, TraceFormat};
use crate::workload::failures::SpotMarket;
use crate::workload::inference::{Autoscaler, FleetJob, Loss, ScaleSignal};

use super::Asked;
use super::capacity::Capacity;
use super::groups::Group;
use super::prepare::Served;
use super::size::Size;
use super::spells::{Spells, burstiness, cycles};
use super::trial::{LEAST_REQUESTS, MIDDLE, Trial};

/// Requests of a run that follows the clock: profiles, losses, autoscalers, spot markets.
const CLOCKED_REQUESTS: f64 = 120_000.0;
/// The same of profiles that an autoscaler follows: machines start by the clock.
const SCALED_REQUESTS: f64 = 400_000.0;
/// Requests of a run that sees several spells of a load that comes in spells, at most.
const SPELL_REQUESTS: f64 = 400_000.0;
/// Requests of a run for its latencies.
const TIMED_REQUESTS: f64 = 6000.0;
/// Runs of so many requests are short: each of them counts.
pub(super) const SHORT_RUN: f64 = 5000.0;
/// Units that it is found on.
const TARGET_UNITS: u32 = 4;
/// An autoscaled replica is to have in flight what it has at this share of its capacity.
const TARGET_SHARE: f64 = 0.7;
/// Share of a longer run that is over before it counts, at most.
const WARM_SHARE: f64 = 0.2;
/// Length of a run that waits for a spot market or an autoscaler.
const LONG_RUN: Seconds = Seconds(4.0 * 3600.0);
/// Rows of a trace that a run replays at most, unless the scenario asks for more.
pub(super) const MOST_REPLAYED: u64 = 20_000_000;
const DAY: f64 = 86_400.0;
/// Time after the last arrival, in times of a request alone.
const DRAIN: f64 = 30.0;
/// Traced markets that stand in for those of other machines, as in training.
const LARGE_MARKET: &str = "aws-us-west-2a-v100-x8-probe-2022-10";
const SMALL_MARKET: &str = "aws-us-west-2b-v100-x1-probe-2022-10";
const CPU_MARKET: &str = "gcp-us-east1-b-c3-88-held-2023-04";

/// What arrives, as sizing sees it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Demand {
    /// The process whose rate is varied to find a capacity, and its mean rate.
    pub shape: ArrivalSpec,
    /// Its mean rate.
    pub unit: f64,
    /// Requests per second that must be served: the peak of a profile.
    pub peak: f64,
    /// Mean requests per second.
    pub mean: f64,
}

/// The demand; `None` of closed loads and bursts, which have no rate.
pub(super) fn demand(spec: &ServingSpec) -> Option<Demand> {
    let arrivals = &spec.traffic.arrivals;
    match arrivals {
        ArrivalSpec::Burst | ArrivalSpec::Closed { .. } => None,
        ArrivalSpec::Profile { rate, points, .. } => {
            let mean = points.iter().sum::<f64>() / points.len().max(1) as f64;
            let peak = points.iter().copied().fold(0.0, f64::max) / mean.max(1e-12) * rate;
            let shape = ArrivalSpec::Poisson { rate: peak };
            Some(Demand { shape, unit: peak, peak, mean: *rate })
        }
        ArrivalSpec::Trace(source) => {
            let rate = spec.trace_rate? * source.speed;
            Some(Demand { shape: arrivals.clone(), unit: rate, peak: rate, mean: rate })
        }
        _ => {
            let rate = arrivals.rate()?;
            Some(Demand { shape: arrivals.clone(), unit: rate, peak: rate, mean: rate })
        }
    }
}

/// The run at the scenario's own traffic.
pub(super) struct Run {
    pub job: FleetJob,
    /// What the clock of a profile was sped up by.
    pub speed_up: f64,
    /// What the clock of spells was sped up by.
    pub spells_up: f64,
}

/// The run at the scenario's own traffic, on a fleet of that size with that capacity.
pub(super) fn run_job(trial: &Trial<'_>, size: Size, demand: &Demand, capacity: &Capacity) -> Run {
    let pace = if capacity.pace.0 > 0.0 { capacity.pace } else { trial.alone() };
    let spec = trial.asked.spec;
    let share = trial.served.online_share / size.scale();
    let mut own = spec.traffic.arrivals.faster(share);
    let rate = demand.mean / size.scale();
    let markets: Vec<Option<SpotMarket>> =
        trial.served.groups().map(|served| market(trial.asked, &served.candidate)).collect();
    let last_loss = spec.losses.iter().map(|loss| loss.at.0 + loss.back_after.map_or(0.0, |back| back.0));
    let clocked = spec.autoscaler.is_some() || markets.iter().any(Option::is_some);
    let mut spells_up = 1.0;
    if spec.traffic.requests.is_none() && !clocked && spec.losses.is_empty() {
        spells_up = (cycles(&own) / SPELL_REQUESTS).max(1.0);
        own = Spells::shortened(own, spells_up);
    }
    let least = (TIMED_REQUESTS * burstiness(&own)).max(cycles(&own).min(SPELL_REQUESTS));
    let mut job = trial.lasting(&own, rate, pace, least);
    let mut speed_up = 1.0;
    // Requests end before the run does: what is still inside then counts as unfinished, and should not be for that.
    let drain = trial.alone() * DRAIN;
    let count = |requests: f64| (requests + 0.5).clamp(10.0, 1e9) as u64;
    if let ArrivalSpec::Profile { rate, points, period } = &own {
        let usual = if spec.autoscaler.is_some() { SCALED_REQUESTS } else { CLOCKED_REQUESTS };
        let asked = spec.traffic.requests.map_or(usual, |requests| requests as f64);
        speed_up = (rate * period.0 / asked).max(1.0);
        let arrivals =
            ArrivalSpec::Profile { rate: *rate, points: points.clone(), period: *period / speed_up };
        let length = *period / speed_up;
        job = trial.job(arrivals, Some(count(rate * length.0)), Seconds::ZERO, length + drain);
    } else if is_replay(&own) && spec.traffic.requests.is_none() {
        job = trial.job(own.clone(), Some(MOST_REPLAYED), Seconds::ZERO, Seconds(1e9));
    } else if let Some(requests) = spec.traffic.requests {
        let requests = (requests as f64 * share).max(1.0);
        let warm_up =
            if requests < SHORT_RUN { 0.0 } else { job.warm_up.0.min(WARM_SHARE * requests / rate) };
        job = trial.job(own.clone(), Some(requests as u64), Seconds(warm_up), Seconds(f64::INFINITY));
    } else if clocked || !spec.losses.is_empty() {
        let needed = last_loss.fold(0.0, f64::max) + 3.0 * trial.served.start.mean() + 600.0;
        let length = if clocked { LONG_RUN.0.max(needed) } else { needed };
        let length = length.min(CLOCKED_REQUESTS / rate).max(job.horizon.0);
        job = trial.job(own.clone(), Some(count(rate * length)), job.warm_up, Seconds(length) + drain);
    }
    job.losses = spec
        .losses
        .iter()
        .map(|loss| {
            let mut loss = *loss;
            loss.at = job.warm_up + loss.at;
            loss
        })
        .collect();
    scale(&mut job, trial, in_flight(trial, size, demand, capacity));
    let per_day = spec.failures.per_node_day;
    for (group, spot) in job.groups.iter_mut().zip(markets) {
        group.failures = (per_day > 0.0).then(|| Seconds(DAY / per_day));
        group.spot = spot;
    }
    Run { job, speed_up, spells_up }
}

/// What each replica has in flight when the fleet takes a share of its capacity; `None` where nobody asks. Close to the
/// capacity itself requests in flight grow so steeply that more machines would always come too late.
fn in_flight(trial: &Trial<'_>, size: Size, demand: &Demand, capacity: &Capacity) -> Option<f64> {
    let spec = trial.asked.spec;
    spec.autoscaler.filter(|scaler| scaler.signal == ScaleSignal::Outstanding && !spec.target_stated)?;
    let few = Trial { units: trial.units.min(TARGET_UNITS), ..*trial };
    let share = few.replicas() / (trial.replicas() * size.scale()).max(1.0);
    let rate = TARGET_SHARE * capacity.rates[MIDDLE] * share;
    if rate.is_nan() || rate <= 0.0 {
        return None;
    }
    let shape = demand.shape.faster(rate / demand.unit);
    let run = few.run(&few.lasting(&shape, rate, capacity.pace, LEAST_REQUESTS), 0);
    // Little's law.
    Some(rate * run.latency.mean()? / 1e9 / few.replicas().max(1.0))
}

/// Lets the scenario's autoscaler run the job: it starts with the fleet's own count of machines. `target` is what each
/// replica is to have in flight, where the scenario does not say.
pub(super) fn scale(job: &mut FleetJob, trial: &Trial<'_>, target: Option<f64>) {
    let spec = trial.asked.spec;
    let Some(scaler) = spec.autoscaler else { return };
    let groups = trial.groups();
    let scaled = groups.iter().position(Group::bursts).unwrap_or(0);
    job.autoscaler =
        Some(Autoscaler { group: scaled as u32, target: target.unwrap_or(scaler.target), ..scaler });
    if let Some((own, group)) = groups.get(scaled).zip(job.groups.get_mut(scaled)) {
        let first = own.served.candidate.count / own.way.machines_per_replica.max(1);
        let most = scaler.most.max(scaler.least);
        group.machines = u32::try_from(first).unwrap_or(u32::MAX).clamp(scaler.least, most);
    }
}

/// Units that planned losses leave the fleet without, most of them at once.
pub(super) fn lost_at_once(served: &Served, spec: &ServingSpec) -> u64 {
    let until =
        |loss: &Loss| loss.back_after.map_or(f64::INFINITY, |back| (loss.at + back).0 + served.start.mean());
    let lost_at = |at: f64| -> u64 {
        let gone = spec.losses.iter().filter(|loss| loss.at.0 <= at && at < until(loss));
        gone.map(|loss| u64::from(loss.machines)).sum()
    };
    spec.losses.iter().map(|loss| lost_at(loss.at.0)).max().unwrap_or(0)
}

/// Whether arrivals are the rows of a file, once through: such a run is all of it, from the first request to the last
/// answer.
pub(super) fn is_replay(arrivals: &ArrivalSpec) -> bool {
    match arrivals {
        ArrivalSpec::Trace(source) => !source.repeat && source.format != TraceFormat::Windows,
        _ => false,
    }
}

/// The spot market of a fleet on spot terms: the scenario's, or a traced one of machines of like size.
pub(super) fn market(asked: &Asked<'_>, candidate: &Candidate) -> Option<SpotMarket> {
    if candidate.purchase != Purchase::Spot {
        return None;
    }
    let catalog = asked.catalog;
    let notice = catalog.notices.get(&candidate.instance.provider).copied().unwrap_or(30.0);
    let traced = || {
        let id = match (&candidate.accelerator, candidate.accelerators_per_node()) {
            (None, _) => CPU_MARKET,
            (Some(_), 0..=7) => SMALL_MARKET,
            (Some(_), _) => LARGE_MARKET,
        };
        let process = catalog.spot.get(id)?;
        Some(SpotMarket::of_process(process, false, Seconds(notice)))
    };
    asked.spec.failures.spot.clone().or_else(traced)
}
