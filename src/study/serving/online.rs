//! A fleet that answers requests as they come: size, capacity, latencies, cost.

mod cost;
mod distribution;
mod record;
mod targets;
mod warnings;

use std::sync::Arc;

use crate::scenario::RequestTime;
use crate::units::{Seconds, Significant, human_duration};
use crate::workload::inference::{FleetJob, ServingRun};

use super::super::outcome::price_error;
use super::super::result::{BoundRow, Estimate, Row};
use super::super::row::{blank_row, fill_memory};
use super::super::serving_result::ServingFigures;
use super::Asked;
use super::apart;
use super::bill;
use super::bound::bound;
use super::capacity::{Capacity, capacity};
use super::demand::{Demand, MOST_REPLAYED, Run, SHORT_RUN, demand, is_replay, lost_at_once, run_job, scale};
use super::groups::{self, Group};
use super::measure::{Measured, counted, measure, utilisation};
use super::paired::Pairs;
use super::prepare::Served;
use super::profile;
use super::size::{CapacityLaw, MOST_MACHINES, Size};
use super::spells::Spells;
use super::trial::{MIDDLE, Trial, keeps_up, percentile, times};
use super::way::{Way, cut_short, mean_lengths};

pub(super) use cost::{hosted_model, within};
pub(super) use distribution::distribution;

const HOUR: f64 = 3600.0;
const MILLION: f64 = 1e6;
/// A rate is taken to lie at most so many times under its mean.
const MOST_FALL: f64 = 100.0;
/// Runs of fewer requests lack percentiles for that reason.
const FEW_REQUESTS: u64 = 1000;

/// A row with what comparing needs beside it.
#[derive(Clone, Debug)]
pub(super) struct ServingOutcome {
    pub row: Row,
    /// Capacity of one unit of machines, and its price of an hour, for break-even loads.
    pub unit: Option<(f64, f64)>,
    /// Whether it has as many machines as the load needs.
    pub shrinks: bool,
    /// Ways to run it: dollars that stay, and dollars that move with the price of the machines.
    pub lines: Vec<(f64, f64)>,
    /// What it is compared with others by.
    pub pairs: Pairs,
    /// Its runs, for those who mix them with others.
    pub measured: Option<Arc<Measured>>,
}

impl ServingOutcome {
    /// A row of which no more is known; its bill is one way to run it.
    pub fn of(row: Row) -> Self {
        Self { row, unit: None, shrinks: false, lines: Vec::new(), pairs: Pairs::default(), measured: None }
    }
}

/// The row of a candidate that nothing serves on.
pub(super) fn infeasible(asked: &Asked<'_>, served: &Served) -> ServingOutcome {
    let mut row = blank_row(&served.candidate, served.tariff.as_ref().ok());
    row.serving = Some(Box::new(blank_figures(asked)));
    if let Err(reason) = &served.ways {
        row.reason = Some(reason.to_string());
        if let Some(need) = reason.memory() {
            fill_memory(&mut row, need);
        }
    }
    ServingOutcome::of(row)
}

pub(super) fn blank_figures(asked: &Asked<'_>) -> ServingFigures {
    ServingFigures {
        mode: asked.spec.mode.word().to_owned(),
        hosting: asked.spec.hosting.kind.word().to_owned(),
        ..ServingFigures::default()
    }
}

/// What is known of a fleet after simulation.
pub(super) struct Online<'a> {
    pub asked: &'a Asked<'a>,
    pub served: &'a Served,
    pub way: &'a Way,
    pub size: Size,
    pub capacity: Option<Capacity>,
    pub demand: Option<Demand>,
    pub measured: Arc<Measured>,
    /// What the clocks of a profile and of spells were sped up by.
    pub speed_up: f64,
    pub spells_up: f64,
    /// Units that planned losses take at once.
    pub lost: u64,
    /// Replicas beyond which capacity is extrapolated, where it is.
    pub extrapolated: Option<u64>,
}

/// A fleet sized for a demand, and the run that tells about it.
struct Sized {
    size: Size,
    capacity: Option<Capacity>,
    demand: Option<Demand>,
    lost: u64,
    extrapolated: Option<u64>,
    run: Run,
}

/// The run of a fleet sized for a demand, as its row has it.
pub(super) fn job(
    asked: &Asked<'_>,
    served: &Served,
    way: &Way,
    wanted: Option<&Demand>,
) -> Option<FleetJob> {
    sized(asked, served, way, wanted).ok().map(|sized| sized.run.job)
}

/// Sizes a fleet for a demand and runs it.
pub(super) fn online<'a>(
    asked: &'a Asked<'a>,
    served: &'a Served,
    way: &'a Way,
    wanted: Option<&Demand>,
) -> Result<Online<'a>, Box<ServingOutcome>> {
    let Sized { size, capacity, demand, lost, extrapolated, run } = sized(asked, served, way, wanted)?;
    let trial = Trial { asked, served, way, units: size.simulated, speed: MIDDLE };
    let Run { job, speed_up, spells_up } = run;
    let measured = Arc::new(measure(&trial, &job));
    Ok(Online {
        asked,
        served,
        way,
        size,
        capacity,
        demand,
        measured,
        speed_up,
        spells_up,
        lost,
        extrapolated,
    })
}

fn sized(
    asked: &Asked<'_>,
    served: &Served,
    way: &Way,
    wanted: Option<&Demand>,
) -> Result<Sized, Box<ServingOutcome>> {
    let trial = Trial { asked, served, way, units: 1, speed: MIDDLE };
    let demand = wanted.cloned().or_else(|| demand(asked.spec));
    // An autoscaled fleet can be as large as its autoscaler allows.
    let grouped = served.candidate.role.is_some();
    let scaled = asked.spec.autoscaler.map(|scaler| u64::from(scaler.most) * way.machines_per_replica);
    let machines = scaled.or_else(|| served.machines(way));
    let lost = lost_at_once(served, asked.spec);
    let units = |machines: u64| match (grouped, scaled) {
        // Groups are simulated as they are: they are one unit together.
        (true, _) => Size::of(1),
        (false, Some(_)) => Size::whole(machines / way.machines_per_replica.max(1)),
        (false, None) => Size::of(machines / way.machines_per_replica.max(1)),
    };
    let (mut size, mut found, mut extrapolated) = (units(machines.unwrap_or(1)), None, None);
    if let Some(demand) = &demand {
        let law = CapacityLaw::new(&trial, &demand.shape, demand.unit);
        if machines.is_none() {
            let least = law.fewest(demand.peak, asked.scenario.objective.confidence);
            // What planned losses leave must do.
            let all = least.saturating_add(lost);
            if all.saturating_mul(way.machines_per_replica) > MOST_MACHINES {
                return Err(Box::new(too_many(asked, served, all.saturating_mul(way.machines_per_replica))));
            }
            size = Size::of(all);
        }
        found = Some(if grouped { capacity(&trial, &demand.shape, demand.unit) } else { law.of(size.units) });
        let most = u64::from(law.most());
        extrapolated = (!grouped && size.units > most).then_some(most * way.per_machine);
    }
    let trial = Trial { units: size.simulated, ..trial };
    let run = match &demand {
        Some(demand) => run_job(&trial, size, demand, &found.unwrap_or_default()),
        None => {
            let requests = asked.spec.traffic.requests.unwrap_or(20_000);
            let arrivals = asked.spec.traffic.arrivals.faster(1.0 / size.scale());
            let mut job = trial.job(arrivals, Some(requests), Seconds::ZERO, Seconds(1e9));
            scale(&mut job, &trial, None);
            Run { job, speed_up: 1.0, spells_up: 1.0 }
        }
    };
    Ok(Sized { size, capacity: found, demand, lost, extrapolated, run })
}

/// The row of a fleet, sized for a demand or as it stands.
pub(super) fn outcome(
    asked: &Asked<'_>,
    served: &Served,
    way: &Way,
    wanted: Option<&Demand>,
) -> ServingOutcome {
    match online(asked, served, way, wanted) {
        Ok(online) => online.outcome(),
        Err(row) => *row,
    }
}

/// The row of a fleet that would be larger than any that is sized.
fn too_many(asked: &Asked<'_>, served: &Served, machines: u64) -> ServingOutcome {
    let mut row = blank_row(&served.candidate, served.tariff.as_ref().ok());
    row.serving = Some(Box::new(blank_figures(asked)));
    row.reason = Some(format!(
        "about {} machines would be needed; no fleet is sized beyond {MOST_MACHINES}",
        Significant(machines as f64, 2)
    ));
    ServingOutcome::of(row)
}

impl Online<'_> {
    pub fn outcome(&self) -> ServingOutcome {
        let mut row = blank_row(&self.served.candidate, self.served.tariff.as_ref().ok());
        let mut figures = blank_figures(self.asked);
        row.feasible = true;
        self.describe(&mut row, &mut figures);
        self.weigh_times(&mut row, &mut figures);
        self.weigh_rates(&mut figures);
        self.weigh_targets(&mut row, &mut figures);
        self.weigh_cost(&mut row, &mut figures);
        self.weigh_carbon(&mut row, &mut figures);
        self.compare_api(&mut figures);
        let rate = self.demand.as_ref().map_or(0.0, |demand| demand.mean);
        figures.models = apart::of_runs(self.asked, &self.measured, rate);
        row.bound = self.bound();
        let unit = self.unit_of_growth(&figures);
        let pairs = self.pairs(&row, &figures);
        let lines = bill::line(&row).into_iter().collect();
        let shrinks = !self.grouped() && self.sized();
        row.serving = Some(Box::new(figures));
        ServingOutcome { row, unit, shrinks, lines, pairs, measured: Some(self.measured.clone()) }
    }

    fn groups(&self) -> Vec<Group<'_>> {
        groups::of(self.served, self.way)
    }

    /// Machines of a group of several, at most.
    fn most_machines(&self, group: &Group<'_>) -> u64 {
        match self.asked.spec.autoscaler.filter(|_| group.bursts()) {
            Some(scaler) => u64::from(scaler.most) * group.way.machines_per_replica,
            None => group.machines(),
        }
    }

    fn grouped(&self) -> bool {
        self.served.candidate.role.is_some()
    }

    pub fn machines(&self) -> u64 {
        if self.grouped() {
            return self.groups().iter().map(|group| self.most_machines(group)).sum();
        }
        self.size.units * self.way.machines_per_replica
    }

    fn describe(&self, row: &mut Row, figures: &mut ServingFigures) {
        let devices = self.served.candidate.accelerators_per_node();
        row.instances = self.machines();
        row.accelerators = if row.accelerator.is_some() { row.instances * devices } else { 0 };
        row.layout = Some(self.way.words());
        row.split = self.way.layout.is_some();
        row.provenance = Some(self.way.provenance);
        row.basis = Some(self.way.basis.clone());
        row.replications = self.measured.runs.len() as u64;
        if let Some(need) = &self.way.memory {
            fill_memory(row, need);
        }
        if let Ok(tariff) = &self.served.tariff {
            row.price_usd_per_hour = Some(tariff.hourly.typical.usd_per_hour() * row.instances as f64);
        }
        figures.replicas = Some(self.size.units * self.way.per_machine);
        figures.cache_tokens = self.way.cache_tokens;
        if self.grouped() {
            figures.groups = groups::describe(row, &self.groups(), &self.measured);
            figures.replicas = Some(figures.groups.iter().map(|group| group.replicas).sum());
        }
        row.interruptions = Some(
            self.size.scale()
                * self
                    .measured
                    .mean(|run| run.groups.iter().map(|group| group.interruptions).sum::<u64>() as f64),
        );
        row.warnings.extend(cut_short(self.asked.spec));
        row.warnings.extend(profile::warnings(self.asked, &self.served.candidate));
        if self.measured.runs.iter().any(|run| run.offered >= MOST_REPLAYED)
            && self.asked.spec.traffic.requests.is_none()
        {
            row.warnings.push(format!(
                "the first {MOST_REPLAYED} rows of the trace are replayed; `requests` asks for more"
            ));
        }
        self.warn_of_scale(row);
        self.warn_of_scaling(row);
    }

    /// Whether the planner chose the number of machines.
    fn sized(&self) -> bool {
        self.asked.spec.autoscaler.is_none() && self.served.machines(self.way).is_none()
    }

    fn weigh_times(&self, row: &mut Row, figures: &mut ServingFigures) {
        figures.keeps_up = Some(self.keeps_up());
        let replay = is_replay(&self.asked.spec.traffic.arrivals);
        if self.overloaded() && !replay {
            row.warnings.push(format!(
                "never catches up: {}; times and goodput grow worse for ever and are not stated, rates and costs are those of what can be sustained",
                self.arrive_and_sustained()
            ));
            return;
        }
        if self.floods() {
            row.warnings.push(format!(
                "bursts bring more than can be sustained ({}): times grow with the length of a burst",
                self.arrive_and_sustained()
            ));
        }
        let call = self.asked.spec.hosting.call;
        // Every request looks into the store first, where there is one; the share that is found there ends with that.
        let (found, more) = (self.served.found(), call + self.served.lookup);
        if self.way.layout.is_some() {
            figures.ttft_s = self.measured.percentiles_of_all(RequestTime::FirstToken, more, found);
            figures.tpot_s = self.measured.percentiles(RequestTime::PerOutputToken, Seconds::ZERO);
        }
        figures.e2e_s = self.measured.percentiles(RequestTime::Whole, Seconds::ZERO);
        figures.latency_s = self.measured.percentiles_of_all(RequestTime::Whole, more, found);
        if found > 0.0 {
            figures.computed_latency_s = self.measured.percentiles(RequestTime::Whole, more);
        }
        let whole = |time: RequestTime, known: (Seconds, f64)| {
            distribution(self.asked, time, |share| self.measured.percentile_of_all(time, known, share))
        };
        let told = [
            figures.ttft_s.and_then(|_| whole(RequestTime::FirstToken, (more, found))),
            figures.tpot_s.and_then(|_| whole(RequestTime::PerOutputToken, (Seconds::ZERO, 0.0))),
            figures.latency_s.and_then(|_| whole(RequestTime::Whole, (more, found))),
        ];
        figures.distributions = told.into_iter().flatten().collect();
        let untold = figures.e2e_s.map_or_else(Vec::new, |times| {
            times.parts().into_iter().filter(|(_, time)| time.is_none()).map(|(word, _)| word).collect()
        });
        let finished = self.measured.finished();
        if finished < FEW_REQUESTS && (!untold.is_empty() || figures.e2e_s.is_none()) {
            let untold = if untold.is_empty() { "any time".to_owned() } else { untold.join(", ") };
            row.warnings.push(format!("too few requests ({finished} finished) to state {untold}"));
        }
        if !self.keeps_up() {
            let said = if self.overloaded() {
                format!("never catches up while the trace goes on: {}", self.arrive_and_sustained())
            } else {
                format!(
                    "the backlog of the run still grew ({}): times depend on the length of the run",
                    self.arrive_and_sustained()
                )
            };
            row.warnings.push(said);
        }
    }

    fn arrive_and_sustained(&self) -> String {
        let rate = |rate: Option<f64>| Significant(rate.unwrap_or(0.0), 3).to_string();
        format!(
            "{} requests/s arrive, {} can be sustained",
            rate(self.demand.as_ref().map(|demand| demand.peak)),
            rate(self.capacity.as_ref().map(|capacity| capacity.sustained[MIDDLE]))
        )
    }

    /// Whether more arrives than can be sustained, and nothing of it is turned away.
    fn overloaded(&self) -> bool {
        let (asked, served, way) = (self.asked, self.served, self.way);
        let sheds = Trial { asked, served, way, units: 1, speed: MIDDLE }.sheds();
        match (&self.demand, &self.capacity) {
            (Some(demand), Some(capacity)) => !sheds && demand.peak > capacity.sustained[MIDDLE],
            _ => false,
        }
    }

    /// Whether the bursts of a load that is sustained in the mean bring more than that.
    fn floods(&self) -> bool {
        let (Some(demand), Some(capacity)) = (&self.demand, &self.capacity) else { return false };
        let bursts =
            Spells::of(&demand.shape).map_or(0.0, |spells| spells.high.0 / demand.unit * demand.peak);
        bursts > capacity.sustained[MIDDLE]
    }

    /// More arrives than can be sustained, or the backlog of some run grew.
    fn keeps_up(&self) -> bool {
        let traffic = &self.asked.spec.traffic;
        // Too few requests show no growth, and the growth of a day or of a burst is no sign.
        let short = traffic.requests.is_some_and(|requests| (requests as f64) < SHORT_RUN);
        let clocked = short || self.speed_up > 1.0 || Spells::of(&traffic.arrivals).is_some();
        !self.overloaded() && (clocked || self.measured.runs.iter().all(keeps_up))
    }

    fn weigh_rates(&self, figures: &mut ServingFigures) {
        figures.demand_requests_per_s = self.demand.as_ref().map(|demand| demand.peak);
        figures.utilisation = self.measured.estimate(|run| Some(utilisation(run))).map(at_most_one);
        self.weigh_machines(figures);
        if self.overloaded() && !is_replay(&self.asked.spec.traffic.arrivals) {
            // What is served of a load that is too much is what can be sustained.
            figures.requests_per_s = self.capacity.as_ref().map(Capacity::sustained_estimate);
            if self.way.layout.is_some() {
                let (input, output) = mean_lengths(self.asked.spec);
                figures.input_tokens_per_s = figures.requests_per_s.map(|rate| rate.scaled(input));
                figures.output_tokens_per_s = figures.requests_per_s.map(|rate| rate.scaled(output));
            }
            return;
        }
        let scale = self.size.scale();
        // A fleet that keeps up serves what arrives: the end of a run, when nothing comes any more, says nothing of that.
        let arriving = self.demand.as_ref().filter(|_| self.keeps_up()).map(|demand| demand.mean);
        let rate = |of: fn(&ServingRun) -> u64| {
            self.measured.estimate(|run| match arriving {
                _ if run.offered == 0 => None,
                Some(mean) => Some(mean * of(run) as f64 / run.offered as f64),
                None => Some(scale * of(run) as f64 / counted(run)),
            })
        };
        figures.requests_per_s = rate(|run| run.finished);
        if self.way.layout.is_some() {
            figures.output_tokens_per_s = rate(|run| run.output_tokens);
            figures.input_tokens_per_s = rate(|run| run.input_tokens);
        }
        let share = |of: fn(&ServingRun) -> u64| {
            let of_run = |run: &ServingRun| (run.offered > 0).then(|| of(run) as f64 / run.offered as f64);
            self.measured.estimate(of_run).map(at_most_one)
        };
        figures.goodput_share = share(|run| run.good);
        figures.refused_share = share(|run| run.refused);
        let requests = |run: &ServingRun| run.finished.max(1) as f64;
        if self.way.layout.is_some() {
            figures.cache_peak_share = Some(self.measured.mean(|run| run.peak_cache));
            figures.preemptions_per_request =
                Some(self.measured.mean(|run| run.preemptions as f64 / requests(run)));
            figures.prefix_hit_share =
                Some(self.measured.mean(|run| run.prefix_hits as f64 / run.input_tokens.max(1) as f64));
        }
    }

    /// Machines paid for, and the most of them.
    fn weigh_machines(&self, figures: &mut ServingFigures) {
        figures.mean_machines = Some(self.paid_machines());
        let peak =
            |run: &ServingRun| run.groups.iter().map(|group| f64::from(group.most_machines)).sum::<f64>();
        figures.peak_machines = Some(match self.asked.spec.autoscaler {
            None => self.machines() as f64,
            Some(_) => {
                let most = self.measured.runs.iter().map(peak).fold(0.0, f64::max);
                most * self.way.machines_per_replica as f64
            }
        });
    }

    /// What the fleet is compared with others by, replication by replication.
    fn pairs(&self, row: &Row, figures: &ServingFigures) -> Pairs {
        let tariffs: Vec<_> =
            self.groups().iter().filter_map(|group| group.served.tariff.as_ref().ok()).collect();
        let machines = |run: &ServingRun| run.groups.iter().map(|group| group.mean_machines).sum::<f64>();
        let scales = self.asked.spec.autoscaler.is_some();
        let cost = bill::line(row).map(|(stays, moves)| {
            let paired = self.measured.paired(|run| if scales { machines(run) } else { 1.0 });
            let mean = paired.mean().max(1e-12);
            paired.map(|machines| stays + moves * machines / mean)
        });
        let moves = bill::line(row).map_or(0.0, |(_, moves)| moves);
        let error = tariffs.iter().map(|tariff| price_error(tariff)).fold(0.0, f64::max);
        let latency = self.measured.paired(|run| {
            percentile(times(run, RequestTime::Whole), 0.99, run.unfinished).unwrap_or(f64::NAN)
        });
        let more = self.asked.spec.hosting.call.0;
        Pairs {
            time: None,
            cost,
            // What the row does not state is not compared.
            latency_p99: figures
                .latency_s
                .and_then(|times| times.p99)
                .map(|_| latency.map(|seconds| seconds + more)),
            price_side: moves * error,
            offers: tariffs.iter().map(|tariff| tariff.origin.as_str()).collect::<Vec<_>>().join("; "),
        }
    }

    fn bound(&self) -> Option<BoundRow> {
        let short = self
            .capacity
            .as_ref()
            .map(|capacity| capacity.rates[MIDDLE] / capacity.sustained[MIDDLE].max(1e-12));
        // Of several groups the busiest one bounds.
        let way = groups::busiest(&self.groups(), &self.measured).map_or(self.way, |group| group.way);
        bound(way, &self.measured, short)
    }

    /// Capacity and price of an hour of one unit.
    fn unit_of_growth(&self, figures: &ServingFigures) -> Option<(f64, f64)> {
        let capacity = self.capacity.as_ref()?.rates[MIDDLE] / self.size.units as f64;
        if self.grouped() {
            return (capacity > 0.0).then_some((capacity, figures.cost_per_hour_usd?.mean));
        }
        let hour = figures.cost_per_hour_usd?.mean / self.paid_machines().max(1e-9);
        (capacity > 0.0).then_some((capacity, hour * self.way.machines_per_replica as f64))
    }
}

/// A share, whose interval ends at 1.
fn at_most_one(share: Estimate) -> Estimate {
    Estimate { hi: share.hi.min(1.0), p90: share.p90.min(1.0), ..share }
}

/// A time in words.
pub(super) fn words(seconds: f64) -> String {
    human_duration(Seconds(seconds))
}
