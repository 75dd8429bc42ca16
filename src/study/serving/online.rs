//! A fleet that answers requests as they come: size, capacity, latencies, cost.

use crate::cost::Ledger;
use crate::scenario::RequestTime;
use crate::units::{Seconds, Significant, human_duration};
use crate::workload::inference::ServingRun;

use super::super::outcome::price_error;
use super::super::result::{BoundRow, Estimate, Probability, Row};
use super::super::row::{blank_row, fill_memory, mean_ledger};
use super::super::serving_result::{ApiComparison, ServingFigures};
use super::Asked;
use super::bill::{self, MONTH, Paid};
use super::bound::bound;
use super::capacity::{Capacity, missed_when_idle};
use super::carbon;
use super::demand::{Demand, demand, is_replay, run_job};
use super::groups::{self, Group};
use super::measure::{Measured, counted, measure, utilisation};
use super::paired::Pairs;
use super::prepare::Served;
use super::size::{Size, capacity_of, covers, fewest};
use super::trial::{MIDDLE, Trial, keeps_up, percentile, times};
use super::way::{Way, mean_lengths};

const HOUR: f64 = 3600.0;
const MILLION: f64 = 1e6;

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
}

impl ServingOutcome {
    /// A row of which no more is known; its bill is one way to run it.
    pub fn of(row: Row) -> Self {
        Self { row, unit: None, shrinks: false, lines: Vec::new(), pairs: Pairs::default() }
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
    pub measured: Measured,
    pub speed_up: f64,
}

/// Sizes a fleet for a demand and runs it.
pub(super) fn online<'a>(
    asked: &'a Asked<'a>,
    served: &'a Served,
    way: &'a Way,
    wanted: Option<&Demand>,
) -> Online<'a> {
    let trial = Trial { asked, served, way, units: 1, speed: MIDDLE };
    let own = demand(asked.spec);
    let demand = wanted.cloned().or(own);
    // An autoscaled fleet can be as large as its autoscaler allows.
    let grouped = served.candidate.role.is_some();
    let most = asked.spec.autoscaler.map(|scaler| u64::from(scaler.most) * way.machines_per_replica);
    let machines = most.or_else(|| served.machines(way));
    // Groups are simulated as they are: they are one unit together.
    let units =
        |machines: u64| Size::of(if grouped { 1 } else { machines / way.machines_per_replica.max(1) });
    let (size, capacity) = match (&demand, machines) {
        (Some(demand), None) => {
            let (size, found) =
                fewest(&trial, demand.peak, asked.scenario.objective.confidence, &demand.shape, demand.unit);
            (size, Some(found))
        }
        (Some(demand), Some(machines)) => {
            let size = units(machines);
            (size, Some(capacity_of(&trial, size, &demand.shape, demand.unit)))
        }
        (None, machines) => (units(machines.unwrap_or(1)), None),
    };
    let trial = Trial { units: size.simulated, ..trial };
    let (job, speed_up) = match &demand {
        Some(demand) => run_job(&trial, size, demand),
        None => {
            let requests = asked.spec.traffic.requests.unwrap_or(20_000);
            let arrivals = asked.spec.traffic.arrivals.faster(1.0 / size.scale());
            (trial.job(arrivals, Some(requests), Seconds::ZERO, Seconds(1e9)), 1.0)
        }
    };
    let measured = measure(&trial, &job);
    Online { asked, served, way, size, capacity, demand, measured, speed_up }
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
        row.bound = self.bound();
        let unit = self.unit_of_growth(&figures);
        let pairs = self.pairs(&row);
        let lines = bill::line(&row).into_iter().collect();
        let shrinks = !self.grouped()
            && self.asked.spec.autoscaler.is_none()
            && self.served.machines(self.way).is_none();
        row.serving = Some(Box::new(figures));
        ServingOutcome { row, unit, shrinks, lines, pairs }
    }

    fn groups(&self) -> Vec<Group<'_>> {
        groups::of(self.served, self.way)
    }

    fn grouped(&self) -> bool {
        self.served.candidate.role.is_some()
    }

    pub fn machines(&self) -> u64 {
        if self.grouped() {
            return self.groups().iter().map(Group::machines).sum();
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
        if self.size.scale() > 1.0 {
            row.warnings.push(format!(
                "simulated as {} of {} like machines with their share of the load",
                u64::from(self.size.simulated) * self.way.machines_per_replica,
                self.machines()
            ));
        }
        if self.speed_up > 1.0 {
            row.warnings.push(format!(
                "the profile is run {} times faster than the clock",
                Significant(self.speed_up, 2)
            ));
        }
    }

    fn weigh_times(&self, row: &mut Row, figures: &mut ServingFigures) {
        let call = self.asked.spec.hosting.call;
        let steady = self.keeps_up();
        figures.keeps_up = Some(steady);
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
        if !steady && let (Some(demand), Some(capacity)) = (&self.demand, &self.capacity) {
            let arrive = Significant(demand.peak, 3);
            let sustained = Significant(capacity.sustained[MIDDLE], 3);
            row.warnings.push(match (self.overloaded(), is_replay(&self.asked.spec.traffic.arrivals)) {
                (true, true) => format!(
                    "never catches up while the trace goes on: {arrive} requests/s arrive, {sustained} can be sustained"
                ),
                (true, false) => format!(
                    "not in steady state, never catches up: {arrive} requests/s arrive, {sustained} can be sustained; times are of the first minutes only"
                ),
                (false, _) => format!(
                    "the backlog of the run still grew, though {sustained} requests/s can be sustained and {arrive} arrive: times depend on the length of the run"
                ),
            });
        }
    }

    /// Whether more arrives than can be sustained.
    fn overloaded(&self) -> bool {
        match (&self.demand, &self.capacity) {
            (Some(demand), Some(capacity)) => demand.peak > capacity.sustained[MIDDLE],
            _ => false,
        }
    }

    /// More arrives than can be sustained, or the backlog of some run grew.
    fn keeps_up(&self) -> bool {
        !self.overloaded() && (self.speed_up > 1.0 || self.measured.runs.iter().all(keeps_up))
    }

    fn weigh_rates(&self, figures: &mut ServingFigures) {
        let scale = self.size.scale();
        // A fleet that keeps up serves what arrives: the end of a run, when nothing comes any more, says nothing of that.
        let arriving = self.demand.as_ref().filter(|_| self.keeps_up()).map(|demand| demand.mean);
        let rate = |of: fn(&ServingRun) -> u64| {
            self.measured.estimate(|run| match arriving {
                Some(mean) if run.offered > 0 => Some(mean * of(run) as f64 / run.offered as f64),
                _ => Some(scale * of(run) as f64 / counted(run)),
            })
        };
        figures.requests_per_s = rate(|run| run.finished);
        if self.way.layout.is_some() {
            figures.output_tokens_per_s = rate(|run| run.output_tokens);
            figures.input_tokens_per_s = rate(|run| run.input_tokens);
        }
        let share = |of: fn(&ServingRun) -> u64| {
            let share = self.measured.estimate(|run| Some(of(run) as f64 / run.offered.max(1) as f64));
            share.map(|share| Estimate { hi: share.hi.min(1.0), p90: share.p90.min(1.0), ..share })
        };
        figures.goodput_share = share(|run| run.good);
        figures.refused_share = share(|run| run.refused);
        figures.utilisation = self.measured.estimate(|run| Some(utilisation(run))).map(|share| Estimate {
            hi: share.hi.min(1.0),
            p90: share.p90.min(1.0),
            ..share
        });
        figures.demand_requests_per_s = self.demand.as_ref().map(|demand| demand.peak);
        let requests = |run: &ServingRun| run.finished.max(1) as f64;
        if self.way.layout.is_some() {
            figures.cache_peak_share = Some(self.measured.mean(|run| run.peak_cache));
            figures.preemptions_per_request =
                Some(self.measured.mean(|run| run.preemptions as f64 / requests(run)));
            figures.prefix_hit_share =
                Some(self.measured.mean(|run| run.prefix_hits as f64 / run.input_tokens.max(1) as f64));
        }
        figures.mean_machines = Some(self.paid_machines());
    }

    fn weigh_targets(&self, row: &mut Row, figures: &mut ServingFigures) {
        let (Some(capacity), Some(demand)) = (&self.capacity, &self.demand) else {
            figures.targets_met = Some(self.held_in_runs());
            return;
        };
        figures.capacity_requests_per_s = Some(capacity.estimate());
        figures.sustainable_requests_per_s = Some(capacity.sustained_estimate());
        figures.targets_met = Some(covers(capacity, demand.peak));
        // Capacity is that of the whole fleet at a steady load: what a loss or a trace does shows in the runs alone.
        if !self.asked.spec.losses.is_empty() || is_replay(&self.asked.spec.traffic.arrivals) {
            let in_runs = self.held_in_runs();
            let lower = figures.targets_met.filter(|met| met.probability <= in_runs.probability);
            figures.targets_met = Some(lower.unwrap_or(in_runs));
        }
        if capacity.rates[MIDDLE] <= 0.0 {
            let (asked, served, way) = (self.asked, self.served, self.way);
            let trial = Trial { asked, served, way, units: 1, speed: MIDDLE };
            let reason = missed_when_idle(&trial, &demand.shape, demand.unit, capacity.sustained[MIDDLE]);
            row.reason = Some(reason);
        }
        let lost: u64 = self.asked.spec.losses.iter().map(|loss| u64::from(loss.machines)).sum();
        if lost > 0 {
            let left = self.machines().saturating_sub(lost);
            let rate = capacity.rates[MIDDLE] * left as f64 / self.machines().max(1) as f64;
            figures.capacity_after_loss_requests_per_s = Some(rate);
            row.warnings.push(format!(
                "with {lost} of {} machines lost, about {} requests/s hold the targets; {} arrive",
                self.machines(),
                Significant(rate, 3),
                Significant(demand.peak, 3)
            ));
        }
    }

    /// Of a load that no rate describes: whether the runs themselves hold the targets, quick and slow ones a quarter each.
    fn held_in_runs(&self) -> Probability {
        let (asked, served, way) = (self.asked, self.served, self.way);
        let trial = Trial { asked, served, way, units: 1, speed: MIDDLE };
        let held = |run: &ServingRun| f64::from(u8::from(trial.holds_targets(run)));
        let share = 0.25 * held(&self.measured.quick)
            + 0.5 * self.measured.mean(held)
            + 0.25 * held(&self.measured.slow);
        Probability { probability: share, lo: share, hi: share }
    }

    /// Machines paid for, on average.
    fn paid_machines(&self) -> f64 {
        if self.asked.spec.autoscaler.is_none() {
            return self.machines() as f64;
        }
        let mean = self.measured.mean(|run| run.groups.iter().map(|group| group.mean_machines).sum());
        mean * self.size.scale() * self.way.machines_per_replica as f64
    }

    fn weigh_cost(&self, row: &mut Row, figures: &mut ServingFigures) {
        if let Err(unpriced) = &self.served.tariff {
            row.warnings.push(format!("{unpriced}: not ranked"));
            return;
        }
        let Some((ledger, month)) = self.bill_of_month(row, figures) else { return };
        row.ledger = mean_ledger(std::slice::from_ref(&ledger));
        row.cost_usd = Some(month);
        row.budget_met = self.asked.scenario.objective.budget.map(|budget| within(&month, budget.usd()));
        figures.cost_per_month_usd = Some(month);
        figures.cost_per_day_usd = Some(month.scaled(24.0 / MONTH));
        let hour = month.scaled(1.0 / MONTH);
        figures.cost_per_hour_usd = Some(hour);
        let per_million = |rate: f64| (rate > 0.0).then(|| hour.scaled(MILLION / (HOUR * rate)));
        let Some(requests) = figures.requests_per_s.map(|rate| rate.mean) else { return };
        figures.cost_per_million_predictions_usd = per_million(requests);
        let good = figures.goodput_share.map_or(0.0, |share| share.mean);
        let mean = self.demand.as_ref().map_or(requests, |demand| demand.mean);
        figures.cost_per_million_good_usd = per_million(mean * good);
        figures.cost_per_million_at_capacity_usd =
            self.capacity.as_ref().and_then(|capacity| per_million(capacity.rates[MIDDLE]));
        let (Some(input), Some(output)) = (figures.input_tokens_per_s, figures.output_tokens_per_s) else {
            return;
        };
        figures.cost_per_million_tokens_usd = per_million(input.mean + output.mean);
        let reading = self.reading_share();
        figures.cost_per_million_input_tokens_usd = per_million(input.mean).map(|cost| cost.scaled(reading));
        figures.cost_per_million_output_tokens_usd =
            per_million(output.mean).map(|cost| cost.scaled(1.0 - reading));
    }

    /// Machine-hours of a month of a group.
    fn hours_of_month(&self, index: usize, group: &Group<'_>, figures: &ServingFigures) -> Paid {
        let (machines, busy) = if self.grouped() {
            (group.machines() as f64, figures.groups.get(index).map_or(0.0, |group| group.utilisation))
        } else {
            (self.paid_machines(), figures.utilisation.map_or(0.0, |share| share.mean.clamp(0.0, 1.0)))
        };
        let hours = machines * MONTH;
        Paid {
            busy_hours: hours * busy,
            idle_hours: hours * (1.0 - busy),
            // One fee for the whole cluster.
            hours: if index == 0 { MONTH } else { 0.0 },
            ..Paid::default()
        }
    }

    fn weigh_carbon(&self, row: &mut Row, figures: &mut ServingFigures) {
        let (busy_ends, paid_ends) = (carbon::ends(figures.utilisation), self.machine_ends());
        let groups = self.groups();
        let mut hours = Vec::new();
        for (index, group) in groups.iter().enumerate() {
            let paid = self.hours_of_month(index, group, figures);
            hours.push(carbon::Hours { served: group.served, paid, busy_ends, paid_ends });
        }
        let answers = figures.requests_per_s.map_or(0.0, |rate| rate.mean * MONTH * HOUR);
        carbon::weigh(self.asked, &hours, answers, row, figures);
    }

    /// The bill of a month, each group at its own price, and its estimate.
    fn bill_of_month(&self, row: &mut Row, figures: &mut ServingFigures) -> Option<(Ledger, Estimate)> {
        let (mut ledgers, mut costs) = (Vec::new(), Vec::new());
        for (index, group) in self.groups().iter().enumerate() {
            let tariff = group.served.tariff.as_ref().ok()?;
            let said = bill::warnings(self.asked, tariff);
            let of_group =
                |said: String| if self.grouped() { format!("{}: {said}", group.word()) } else { said };
            row.warnings.extend(said.into_iter().map(of_group));
            let paid = self.hours_of_month(index, group, figures);
            let ledger = bill::bill(self.asked, group.served, tariff, &paid);
            if let Some(figures) = figures.groups.get_mut(index) {
                figures.cost_per_month_usd = Some(ledger.total().usd());
            }
            costs.push(bill::estimate(&ledger, tariff, self.machine_ends()));
            ledgers.push(ledger);
        }
        let ledger = groups::total(&ledgers);
        let month = groups::sum(&costs, ledger.total().usd())?;
        Some((ledger, month))
    }

    /// How far the number of paid machines may be off with the model's error, as factors.
    fn machine_ends(&self) -> [f64; 2] {
        if self.asked.spec.autoscaler.is_none() {
            return [1.0, 1.0];
        }
        let machines = self
            .measured
            .estimate(|run| Some(run.groups.iter().map(|group| group.mean_machines).sum()))
            .filter(|machines| machines.mean > 0.0);
        machines.map_or([1.0, 1.0], |found| [found.lo / found.mean, found.hi / found.mean])
    }

    /// Share of the replicas' busy time spent in iterations with prompts.
    fn reading_share(&self) -> f64 {
        let reading = self.measured.mean(|run| run.prefill_time.seconds().0);
        let all = reading + self.measured.mean(|run| run.decode_time.seconds().0);
        if all > 0.0 { reading / all } else { 0.0 }
    }

    fn compare_api(&self, figures: &mut ServingFigures) {
        let (Some(hour), Some(demand)) = (figures.cost_per_hour_usd, &self.demand) else {
            return;
        };
        let capacity = self.capacity.as_ref().map_or(0.0, |capacity| capacity.rates[MIDDLE]);
        figures.api = hosted_model(self.asked, hour.mean, demand.mean, capacity);
    }

    /// What the fleet is compared with others by, replication by replication.
    fn pairs(&self, row: &Row) -> Pairs {
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
            latency_p99: Some(latency.map(|seconds| seconds + more)),
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

/// A fleet of that hourly cost and capacity against the hosted model, at a mean rate.
pub(super) fn hosted_model(asked: &Asked<'_>, hour: f64, mean: f64, capacity: f64) -> Option<ApiComparison> {
    let api = asked.spec.api.as_ref()?;
    let (input, output) = mean_lengths(asked.spec);
    let per_request = (input * api.input + output * api.output) / MILLION;
    let break_even = hour / HOUR / per_request.max(1e-18);
    Some(ApiComparison {
        name: api.name.clone(),
        api_usd_per_hour: mean * per_request * HOUR,
        api_usd_per_million_requests: per_request * MILLION,
        break_even_requests_per_s: break_even,
        within_capacity: break_even <= capacity,
    })
}

/// Probability that a cost stays within a budget: normal within the ends of its interval.
pub(super) fn within(cost: &Estimate, budget: f64) -> super::super::result::Probability {
    let side = if budget >= cost.mean { cost.hi - cost.mean } else { cost.mean - cost.lo };
    let probability = if side <= 1e-12 * cost.mean.abs().max(1e-12) {
        f64::from(u8::from(budget >= cost.mean))
    } else {
        crate::stats::normal_cdf(super::Z_END * (budget - cost.mean) / side)
    };
    super::super::result::Probability { probability, lo: probability, hi: probability }
}

/// A time in words.
pub(super) fn words(seconds: f64) -> String {
    human_duration(Seconds(seconds))
}
