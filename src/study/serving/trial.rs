//! One fleet under one load: the job that the simulation runs, and whether what came out holds the targets.

use crate::engine::Cancel;
use crate::scenario::{LatencyTarget, RequestTime};
use crate::stats::Histogram;
use crate::units::Seconds;
use crate::workload::Workload;
use crate::workload::arrivals::{ArrivalSpec, TrafficSpec};
use crate::workload::inference::{FleetJob, MachineGroup, ServingRun, Targets};

use super::Asked;
use super::groups::{self, Group};
use super::measure::rest_share;
use super::prepare::Served;
use super::way::Way;

/// Requests of a trial at least, for a 99th percentile.
const LEAST_REQUESTS: f64 = 2000.0;
/// And at most, whatever the fleet.
const MOST_REQUESTS: f64 = 40_000.0;
/// Requests of each replica of a saturated fleet: the last batches, which leave replicas half empty, are few of them.
const SATURATING_REQUESTS: f64 = 1500.0;
/// Requests of a saturated fleet at most.
const MOST_SATURATING: f64 = 200_000.0;
/// Counted time of a trial in times of a request: a queue that grows shows within it.
const SPANS: f64 = 6.0;
/// Share of arrivals by which a backlog may grow in the second half before the fleet is said not to keep up.
const GROWTH: f64 = 0.03;

/// Which of the three services of a way: quick, as predicted, slow.
pub(super) const QUICK: usize = 0;
pub(super) const MIDDLE: usize = 1;
pub(super) const SLOW: usize = 2;

/// A fleet to try.
#[derive(Clone, Copy)]
pub(super) struct Trial<'a> {
    pub asked: &'a Asked<'a>,
    pub served: &'a Served,
    pub way: &'a Way,
    /// Groups of machines that hold a replica each, or single machines with several.
    pub units: u32,
    /// Which service.
    pub speed: usize,
}

impl<'a> Trial<'a> {
    /// The groups of machines.
    pub fn groups(&self) -> Vec<Group<'a>> {
        groups::of(self.served, self.way)
    }

    /// Time of one request alone, on the slowest group.
    pub fn alone(&self) -> Seconds {
        self.groups().iter().map(|group| group.way.alone.1).fold(Seconds::ZERO, Seconds::max)
    }

    /// Units of a group: those tried, or as many as a fleet of groups has of it.
    fn units_of(&self, group: &Group<'_>) -> u32 {
        if self.served.others.is_empty() && self.served.candidate.role.is_none() {
            return self.units;
        }
        u32::try_from(group.machines() / group.way.machines_per_replica.max(1)).unwrap_or(u32::MAX)
    }

    /// The job at a steady load, `factor` times that of the scenario: nothing fails and nothing scales.
    pub fn steady(&self, arrivals: &ArrivalSpec, rate: f64) -> FleetJob {
        let alone = self.alone().0.max(1e-6);
        // In flight for a while at the start; longer requests fill the fleet more slowly.
        let warm_up = 3.0 * alone;
        let counted = (SPANS * alone).max(LEAST_REQUESTS / rate).min(MOST_REQUESTS / rate);
        let requests = (rate * (warm_up + counted)).clamp(10.0, 2.0 * MOST_REQUESTS) as u64;
        self.job(
            arrivals.clone(),
            Some(requests),
            Seconds(warm_up),
            Seconds(warm_up + counted + 10.0 * alone),
        )
    }

    /// A fleet with everything at once, for its sustained rate.
    pub fn saturated(&self) -> FleetJob {
        let replicas: f64 = self
            .groups()
            .iter()
            .map(|group| f64::from(self.units_of(group)) * group.way.per_machine as f64)
            .sum();
        let requests = (replicas * SATURATING_REQUESTS).clamp(LEAST_REQUESTS, MOST_SATURATING) as u64;
        self.job(ArrivalSpec::Burst, Some(requests), Seconds::ZERO, Seconds(1e9))
    }

    /// The job with machines that are up and stay up.
    pub fn job(
        &self,
        arrivals: ArrivalSpec,
        requests: Option<u64>,
        warm_up: Seconds,
        horizon: Seconds,
    ) -> FleetJob {
        let spec = self.asked.spec;
        let traffic = TrafficSpec { arrivals, mixes: spec.traffic.mixes.clone(), requests };
        FleetJob {
            traffic,
            groups: self.groups().iter().map(|group| self.group(group)).collect(),
            router: spec.router,
            admission: spec.admission,
            autoscaler: None,
            losses: Vec::new(),
            targets: self.limits(),
            warm: true,
            warm_up,
            horizon,
            stepwise: false,
        }
    }

    fn group(&self, group: &Group<'_>) -> MachineGroup {
        let narrow = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        MachineGroup {
            role: group.role(),
            service: group.way.services[self.speed].clone(),
            machines: self.units_of(group),
            replicas_per_machine: narrow(group.way.per_machine),
            billed_per_machine: narrow(group.way.machines_per_replica),
            start: group.served.start.clone(),
            failures: None,
            spot: None,
            transfer_ns_per_token: group.served.transfer_ns_per_token,
        }
    }

    /// Limits on single requests, the call over the network taken off: the tightest of each time.
    fn limits(&self) -> Targets {
        let of = |time: RequestTime| {
            let targets = self.asked.scenario.objective.latency.iter().filter(|target| target.time == time);
            targets.map(|target| self.own_limit(target)).reduce(Seconds::min)
        };
        Targets {
            time_to_first_token: of(RequestTime::FirstToken),
            time_per_output_token: of(RequestTime::PerOutputToken),
            latency: of(RequestTime::Whole),
        }
    }

    /// What is left of a limit for the fleet itself.
    fn own_limit(&self, target: &LatencyTarget) -> Seconds {
        match target.time {
            RequestTime::PerOutputToken => target.limit,
            _ => (target.limit - self.asked.spec.hosting.call - self.served.lookup).max(Seconds::ZERO),
        }
    }

    pub fn run(&self, job: &FleetJob, replica: u32) -> ServingRun {
        simulate(job, self.asked.seed, replica, self.asked.cancel)
    }

    /// Whether a run keeps up and holds every target.
    pub fn holds(&self, run: &ServingRun) -> bool {
        run.offered > 0 && keeps_up(run) && self.holds_targets(run)
    }

    /// Whether a run holds every target, whatever its backlog.
    pub fn holds_targets(&self, run: &ServingRun) -> bool {
        let objective = &self.asked.scenario.objective;
        let offered = run.offered.max(1) as f64;
        let wanted = objective.goodput.unwrap_or(0.99);
        if run.refused as f64 > (1.0 - wanted.min(0.99)) * offered {
            return false;
        }
        let goodput = objective.goodput.and_then(|share| rest_share(share, self.served.found()));
        if goodput.is_some_and(|share| (run.good as f64) < share * offered) {
            return false;
        }
        objective.latency.iter().all(|target| {
            // Limits are on all requests: those found in a store count as well, but have no pace of tokens.
            let found = if target.time == RequestTime::PerOutputToken { 0.0 } else { self.served.found() };
            let Some(share) = rest_share(target.share, found) else { return self.own_limit(target).0 > 0.0 };
            let at = percentile(times(run, target.time), share, run.unfinished);
            at.is_none_or(|seconds| seconds <= self.own_limit(target).0)
        })
    }
}

/// Runs one replication.
pub(super) fn simulate(job: &FleetJob, seed: u64, replica: u32, cancel: &Cancel) -> ServingRun {
    job.simulate(seed, replica, cancel)
}

/// The histogram of a time.
pub(super) fn times(run: &ServingRun, time: RequestTime) -> &Histogram {
    match time {
        RequestTime::FirstToken => &run.time_to_first_token,
        RequestTime::PerOutputToken => &run.time_per_output_token,
        RequestTime::Whole => &run.latency,
    }
}

/// Seconds that a share of requests stays under, those unfinished counted as never done; `None` of nothing.
pub(super) fn percentile(times: &Histogram, share: f64, unfinished: u64) -> Option<f64> {
    let known = times.count();
    if known == 0 {
        return (unfinished > 0).then_some(f64::INFINITY);
    }
    // Requests of one token have no pace: they are neither known nor waited for.
    let rank = share * (known + unfinished) as f64 / known as f64;
    if rank > 1.0 { Some(f64::INFINITY) } else { times.quantile(rank).map(|ns| ns / 1e9) }
}

/// Whether the backlog of the second half of arrivals stays near that of the first.
pub(super) fn keeps_up(run: &ServingRun) -> bool {
    let (half, last) = run.backlog;
    let grown = last.saturating_sub(half) as f64;
    let noise = 3.0 * (half as f64 + 1.0).sqrt();
    grown <= noise.max(GROWTH * 0.5 * run.offered as f64)
}

/// Requests per second of a saturated run.
pub(super) fn sustained(run: &ServingRun) -> f64 {
    run.finished as f64 / run.span.seconds().0.max(1e-9)
}
