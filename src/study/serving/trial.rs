//! One fleet under one load: the job that the simulation runs, and whether what came out holds the targets.

use crate::engine::Cancel;
use crate::scenario::{LatencyTarget, RequestTime};
use crate::stats::Histogram;
use crate::units::Seconds;
use crate::workload::Workload;
use crate::workload::arrivals::{ArrivalSpec, TrafficSpec};
use crate::workload::inference::{AdmissionRule, FleetJob, MachineGroup, ServiceModel, ServingRun, Targets};

use super::Asked;
use super::groups::{self, Group};
use super::measure::rest_share;
use super::prepare::Served;
use super::several;
use super::way::Way;

/// Requests of a trial at least, for a 99th percentile.
pub(super) const LEAST_REQUESTS: f64 = 2000.0;
/// And at most, whatever the fleet.
const MOST_REQUESTS: f64 = 120_000.0;
/// Clients of a saturated replica beside those that fill its batch, as a share of them, and at least.
const QUEUED: (f64, f64) = (0.25, 8.0);
/// Requests of each replica of a saturated fleet that are counted, and of all of them together at least.
const SATURATING_REQUESTS: (f64, f64) = (400.0, 3000.0);
/// Clients of a replica at most.
const MOST_CLIENTS: f64 = 100_000.0;
/// Looks at a saturated fleet: the first may be far too short or too long.
const SATURATING_LOOKS: u32 = 3;
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

    /// Replicas of a group.
    fn replicas_of(&self, group: &Group<'_>) -> f64 {
        f64::from(self.units_of(group)) * group.way.per_machine as f64
    }

    /// Replicas of the fleet.
    pub fn replicas(&self) -> f64 {
        self.groups().iter().map(|group| self.replicas_of(group)).sum()
    }

    /// Units of a group: those tried, or as many as a fleet of groups has of it.
    fn units_of(&self, group: &Group<'_>) -> u32 {
        if self.served.others.is_empty() && self.served.candidate.role.is_none() {
            return self.units;
        }
        if let Some(scaler) = self.asked.spec.autoscaler.filter(|_| group.bursts()) {
            return scaler.most;
        }
        u32::try_from(group.machines() / group.way.machines_per_replica.max(1)).unwrap_or(u32::MAX)
    }

    /// The job at a steady load: nothing fails and nothing scales.
    pub fn steady(&self, arrivals: &ArrivalSpec, rate: f64) -> FleetJob {
        self.lasting(arrivals, rate, self.alone(), LEAST_REQUESTS)
    }

    /// The same with at least so many counted requests, where a request takes `pace` under load.
    pub fn lasting(&self, arrivals: &ArrivalSpec, rate: f64, pace: Seconds, least: f64) -> FleetJob {
        let pace = pace.0.max(1e-6);
        // In flight for a while at the start; longer requests fill the fleet more slowly.
        let warm_up = (3.0 * pace).min(0.5 * MOST_REQUESTS / rate);
        let counted = (SPANS * pace).max(least / rate).min(MOST_REQUESTS.max(least) / rate);
        let requests = (rate * (warm_up + counted)).clamp(10.0, 2.0 * MOST_REQUESTS.max(least)) as u64;
        self.job(
            arrivals.clone(),
            Some(requests),
            Seconds(warm_up),
            Seconds(warm_up + counted + 10.0 * pace.max(self.alone().0)),
        )
    }

    /// Requests per second of the fleet when there is always work, whatever is refused otherwise.
    pub fn sustained(&self, replica: u32) -> f64 {
        let mut expected: f64 =
            self.groups().iter().map(|group| self.replicas_of(group) * guess(group)).sum();
        for _ in 0..SATURATING_LOOKS {
            let job = self.saturated(expected);
            let run = self.run(&job, replica);
            // Every answer brings the next request: what comes is what is served.
            let rate = run.offered as f64 / (job.horizon - job.warm_up).0;
            let far = !(0.5..=4.0).contains(&(rate / expected));
            expected = if rate > 0.0 { rate } else { 0.1 * expected };
            if !far || self.asked.cancel.is_cancelled() {
                return rate;
            }
        }
        expected
    }

    /// The job in which there is always work, for a fleet that does so many requests per second.
    pub fn saturated(&self, expected: f64) -> FleetJob {
        let groups = self.groups();
        let clients: f64 = groups
            .iter()
            .map(|group| self.replicas_of(group) * clients(&group.way.services[self.speed]))
            .sum();
        let wanted = (self.replicas() * SATURATING_REQUESTS.0).max(SATURATING_REQUESTS.1).max(clients);
        let (warm_up, counted) = (2.0 * clients / expected, wanted / expected);
        let arrivals = ArrivalSpec::Closed { clients: clients as u32, think: Seconds::ZERO };
        let mut job = self.job(arrivals, None, Seconds(warm_up), Seconds(warm_up + counted));
        job.admission = AdmissionRule::Open;
        job.groups.iter_mut().for_each(|group| let_in(&mut group.service));
        job
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
        let own = &spec.traffic;
        let traffic =
            TrafficSpec { arrivals, mixes: own.mixes.clone(), requests, most_tokens: own.most_tokens };
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

    /// Whether requests are turned away when there are too many.
    pub fn sheds(&self) -> bool {
        let rules = &self.asked.spec.batching.rules;
        let queue = rules.max_queue.is_some() || rules.queue_timeout.is_some();
        self.asked.spec.admission != AdmissionRule::Open || (queue && !self.asked.spec.is_language())
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
    pub fn own_limit(&self, target: &LatencyTarget) -> Seconds {
        match target.time {
            RequestTime::PerOutputToken => target.limit,
            _ => (target.limit - self.asked.spec.hosting.call - self.served.lookup).max(Seconds::ZERO),
        }
    }

    pub fn run(&self, job: &FleetJob, replica: u32) -> ServingRun {
        simulate(job, self.asked.seed, replica, self.asked.cancel)
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
        }) && several::every_model_holds(self, run)
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

/// A first guess at the requests per second of a replica.
fn guess(group: &Group<'_>) -> f64 {
    let replicas = group.way.per_machine as f64 / group.way.machines_per_replica.max(1) as f64;
    let guess = group.way.guess / replicas.max(1e-9);
    if guess.is_finite() && guess > 0.0 { guess } else { 1.0 }
}

/// Clients that keep a replica at work without a pause.
fn clients(service: &ServiceModel) -> f64 {
    let filling = match service {
        ServiceModel::Language(model) => f64::from(model.rules.max_sequences),
        ServiceModel::Ordinary(table, rules) => {
            f64::from(rules.max_batch) * f64::from(rules.instances.max(1)) * 2.0 + f64::from(table.host_cores)
        }
        ServiceModel::Shared(models, _) => models.iter().map(clients).sum(),
    };
    (filling + (QUEUED.0 * filling).max(QUEUED.1)).min(MOST_CLIENTS).floor()
}

/// Nobody is refused for the length of the queue.
fn let_in(service: &mut ServiceModel) {
    match service {
        ServiceModel::Language(_) => {}
        ServiceModel::Ordinary(_, rules) => (rules.max_queue, rules.queue_timeout) = (None, None),
        ServiceModel::Shared(models, _) => models.iter_mut().for_each(let_in),
    }
}
