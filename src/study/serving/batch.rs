//! A number of items by a deadline: shards over machines that start, fail and are taken away.

use crate::cost::Tariff;
use crate::scenario::BatchSpec;
use crate::stats::{Law, Stream, normal_cdf};
use crate::units::{Seconds, Significant};
use crate::workload::arrivals::ArrivalSpec;
use crate::workload::failures::SpotMarket;

use super::super::LEVEL;
use super::super::outcome::price_error;
use super::super::recurring::recurring;
use super::super::result::{BoundRow, Estimate, Probability, Row};
use super::super::row::{blank_row, fill_memory, mean_ledger};
use super::capacity::{half_width, spread};
use super::demand::market;
use super::online::{ServingOutcome, blank_figures, within};
use super::paired::{Paired, Pairs};
use super::prepare::Served;
use super::profile;
use super::trial::{MIDDLE, QUICK, SLOW, Trial};
use super::way::{Way, cut_short, mean_lengths};
use super::{Asked, Z_END, bill, carbon};

/// Replications of a job: luck is in starts, failures and markets only.
const REPLICAS: u32 = 40;
/// Machines whose luck is drawn one by one; of more, so many stand for all.
const DRAWN: u64 = 256;
/// No job is sized beyond this.
const MOST_MACHINES: u64 = 100_000;
/// A job that takes so many times longer than its work never ends.
const LONGEST: f64 = 100.0;
const DAY: f64 = 86_400.0;
const YEAR: f64 = 365.25 * DAY;
/// More work for each machine is not simulated.
const LONGEST_WORK: Seconds = Seconds(10.0 * YEAR);
/// Nor a machine that is interrupted more often.
const MOST_INTERRUPTIONS: f64 = 2000.0;

/// Items per second of one unit of machines, quick, as predicted, slow; and whether its network card bounds them.
#[derive(Clone, Copy, Debug)]
pub(super) struct UnitRate {
    pub rates: [f64; 3],
    pub by_network: bool,
    /// Share of the replicas' time in iterations with prompts.
    pub reading: f64,
}

/// What a unit of machines does flat out.
pub(super) fn unit_rate(asked: &Asked<'_>, served: &Served, way: &Way, spec: &BatchSpec) -> UnitRate {
    let items = f64::from(asked.spec.items_per_request.max(1));
    let card = served
        .candidate
        .instance
        .network
        .map_or(f64::INFINITY, |network| network.0 / (spec.item_bytes.0 + spec.result_bytes.0).max(1.0));
    let trial = |speed: usize| Trial { asked, served, way, units: 1, speed };
    let free = [QUICK, MIDDLE, SLOW].map(|speed| trial(speed).sustained(0) * items * spec.efficiency);
    UnitRate {
        rates: free.map(|rate| rate.min(card)),
        by_network: free[MIDDLE] > card,
        reading: if asked.spec.is_language() { reading(&trial(MIDDLE)) } else { 0.0 },
    }
}

/// Requests of the run that tells what replicas spend their time on.
const READ_REQUESTS: u64 = 2000;

/// Share of the time of replicas that work flat out in iterations with prompts.
fn reading(trial: &Trial<'_>) -> f64 {
    let job = trial.job(ArrivalSpec::Burst, Some(READ_REQUESTS), Seconds::ZERO, Seconds(1e9));
    let run = trial.run(&job, 0);
    let (reading, writing) = (run.prefill_time.seconds().0, run.decode_time.seconds().0);
    reading / (reading + writing).max(1e-12)
}

/// One replication: how long, and for how long each machine is paid.
#[derive(Clone, Copy, Debug, PartialEq)]
struct JobRun {
    seconds: f64,
    paid: f64,
    starting: f64,
    interruptions: f64,
}

/// The luck of the machines of a job.
struct Luck<'a> {
    start: &'a Law,
    failures: Option<f64>,
    restart: Seconds,
    market: Option<SpotMarket>,
}

impl Luck<'_> {
    /// Why a job of so many seconds of work is not simulated: it would last for ages, or be interrupted without end.
    fn endless(&self, seconds: f64, units: u64) -> Option<String> {
        if seconds > LONGEST_WORK.0 {
            let years = Significant(seconds / YEAR, 3);
            return Some(format!(
                "the work would take {years} years on {units} machines: more than 10 are not simulated"
            ));
        }
        let cycle = self.market.as_ref().map(|market| market.up.mean() + market.down.mean());
        let often = |every: f64| seconds / every.max(1e-9);
        let (failures, losses) = (self.failures.map_or(0.0, often), cycle.map_or(0.0, often));
        if failures > MOST_INTERRUPTIONS {
            let times = Significant(failures, 3);
            return Some(format!("each machine would fail {times} times before the work is done"));
        }
        (losses > MOST_INTERRUPTIONS).then(|| {
            let times = Significant(losses, 3);
            format!("the spot market would take the machines away {times} times before the work is done")
        })
    }

    /// A machine's spells of work as (from, to), up to a horizon, with its interruptions; the market's are shared.
    fn spells(&self, off: &[(f64, f64)], horizon: f64, stream: &mut Stream) -> (Vec<(f64, f64)>, f64) {
        let mut spells = Vec::new();
        let mut interruptions = 0.0;
        let mut at = 0.0;
        let mut gaps = off.iter().copied().peekable();
        while at < horizon {
            // Machines are there only while the market has them.
            while let Some((_, to)) = gaps.next_if(|(from, _)| *from <= at) {
                at = f64::max(at, to);
            }
            let up = at + self.start.draw(stream);
            let failure = self.failures.map_or(f64::INFINITY, |mean| up + stream.exponential(mean));
            let taken = gaps.peek().map_or(f64::INFINITY, |(from, _)| *from);
            let end = failure.min(taken).min(horizon);
            if end > up {
                spells.push((up, end));
            }
            interruptions += f64::from(u8::from(end < horizon));
            at = if failure < taken { end + self.restart.0 } else { end.max(at + 1e-9) };
        }
        (spells, interruptions)
    }

    /// Times without capacity in the market.
    fn gaps(&self, horizon: f64, stream: &mut Stream) -> Vec<(f64, f64)> {
        let Some(market) = &self.market else { return Vec::new() };
        let mut gaps = Vec::new();
        let mut at = market.first_wait(stream).0;
        if at > 0.0 {
            gaps.push((0.0, at));
        }
        while at < horizon && gaps.len() < 100_000 {
            let from = at + market.draw_up(stream).0;
            at = from + market.draw_down(stream).0;
            gaps.push((from, at));
        }
        gaps
    }
}

/// The time at which machines that work in these spells have done `work` machine-seconds; `None` within the horizon.
fn done_at(machines: &[Vec<(f64, f64)>], work: f64, horizon: f64) -> Option<f64> {
    let at = |time: f64| -> f64 {
        let of = |spells: &Vec<(f64, f64)>| -> f64 {
            spells.iter().map(|(from, to)| (to.min(time) - from).max(0.0)).sum()
        };
        machines.iter().map(of).sum()
    };
    if at(horizon) < work {
        return None;
    }
    let (mut low, mut high) = (0.0, horizon);
    while high - low > 1e-6 * high.max(1.0) {
        let middle = 0.5 * (low + high);
        if at(middle) < work { low = middle } else { high = middle }
    }
    Some(high)
}

/// One replication at a rate of items per second of a machine group.
fn replicate(luck: &Luck<'_>, units: u64, items: f64, rate: f64, (seed, replica): (u64, u32)) -> JobRun {
    let drawn = units.min(DRAWN);
    let work = items / rate / units as f64 * drawn as f64;
    let ideal = work / drawn as f64 + luck.start.mean();
    let mut horizon = 2.0 * ideal + 4.0 * luck.start.mean() + 1.0;
    loop {
        let gaps = luck.gaps(horizon, &mut Stream::named(seed, replica, "batch-job", "market"));
        let (machines, interruptions): (Vec<_>, Vec<f64>) = (0..drawn)
            .map(|machine| {
                let mut stream = Stream::named(seed, replica, &format!("machine-{machine}"), "batch-job");
                luck.spells(&gaps, horizon, &mut stream)
            })
            .unzip();
        let found = done_at(&machines, work, horizon);
        if let Some(seconds) = found.or((horizon > LONGEST * ideal).then_some(horizon)) {
            let off: f64 = gaps.iter().map(|(from, to)| (to.min(seconds) - from.min(seconds)).max(0.0)).sum();
            let share = seconds / horizon;
            let paid = (seconds - off).max(0.0);
            let busy = work / drawn as f64;
            return JobRun {
                seconds,
                paid: paid * units as f64,
                starting: (paid - busy).max(0.0) * units as f64,
                interruptions: interruptions.iter().sum::<f64>() * share * units as f64 / drawn as f64,
            };
        }
        horizon *= 2.0;
    }
}

/// All replications at the three speeds.
struct Job {
    runs: [Vec<JobRun>; 3],
}

fn job(asked: &Asked<'_>, luck: &Luck<'_>, units: u64, items: f64, rates: [f64; 3]) -> Job {
    let of = |rate: f64, count: u32| {
        (0..count).map(|replica| replicate(luck, units, items, rate, (asked.seed, replica))).collect()
    };
    Job { runs: [of(rates[QUICK], REPLICAS), of(rates[MIDDLE], REPLICAS), of(rates[SLOW], REPLICAS)] }
}

impl Job {
    fn estimate(&self, figure: impl Fn(&JobRun) -> f64) -> Estimate {
        let values = |speed: usize| self.runs[speed].iter().map(&figure).collect::<Vec<f64>>();
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
        let middle = values(MIDDLE);
        let ends = [mean(&values(QUICK)), mean(&values(SLOW))];
        let found = spread(mean(&middle), ends, half_width(&middle));
        let of_runs = |share: f64| self.quantile(&figure, share).unwrap_or(found.mean);
        Estimate { p50: of_runs(0.5), p90: of_runs(0.9), ..found }
    }

    /// The value that a share of all runs stays under, their luck and the error of their speed together: where
    /// [`Self::share_within`] reaches it.
    fn quantile(&self, figure: &impl Fn(&JobRun) -> f64, share: f64) -> Option<f64> {
        let values = || self.runs.iter().flatten().map(figure);
        let (mut low, mut high) = (0.0, 4.0 * values().reduce(f64::max)?);
        if self.share_within(figure, high) < share {
            return None;
        }
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if self.share_within(figure, middle) < share { low = middle } else { high = middle }
        }
        Some(high)
    }

    /// Share of runs of which a figure stays within a limit.
    fn share_within(&self, figure: &impl Fn(&JobRun) -> f64, limit: f64) -> f64 {
        let shares = self.shares_within(figure, limit);
        shares.iter().sum::<f64>() / shares.len().max(1) as f64
    }

    /// The same of each replication, over the error of its speed: its logarithm is normal on either side.
    fn shares_within(&self, figure: &impl Fn(&JobRun) -> f64, limit: f64) -> Vec<f64> {
        let one = |index: usize| {
            let at = |speed: usize| figure(&self.runs[speed][index]);
            let wanted = libm::log(limit / at(MIDDLE));
            let end = if wanted < 0.0 { at(QUICK) } else { at(SLOW) };
            let side = libm::log(end / at(MIDDLE)).abs();
            if side.is_nan() || side < 1e-9 {
                return f64::from(u8::from(limit >= at(MIDDLE)));
            }
            normal_cdf(Z_END * wanted / side)
        };
        (0..self.runs[MIDDLE].len()).map(one).collect()
    }

    /// Machine-hours of the mean run.
    fn hours(&self, way: &Way) -> bill::Paid {
        let mean = |figure: fn(&JobRun) -> f64| self.estimate(figure).mean / 3600.0;
        let machines = way.machines_per_replica as f64;
        let (paid, starting) = (mean(|run| run.paid), mean(|run| run.starting));
        bill::Paid {
            busy_hours: (paid - starting).max(0.0) * machines,
            starting_hours: starting.min(paid) * machines,
            rounding_hours: 0.0,
            hours: mean(|run| run.seconds),
            ..bill::Paid::default()
        }
    }

    /// Machine-hours billed and not used: each machine's time of the mean run is rounded as its provider bills it; one
    /// that was taken away is billed anew.
    fn rounding(&self, way: &Way, tariff: &Tariff, machines: u64) -> f64 {
        let mean = |figure: fn(&JobRun) -> f64| self.estimate(figure).mean;
        let machines = machines.max(1) as f64;
        let rentals = machines + mean(|run| run.interruptions) * way.machines_per_replica as f64;
        let each = Seconds(mean(|run| run.paid) * way.machines_per_replica as f64 / rentals);
        ((tariff.billed(each).0 - each.0) * rentals / 3600.0).max(0.0)
    }

    /// Probability that a job ends in time: over replications, and over the error of its speed.
    fn by(&self, deadline: f64) -> Probability {
        let shares = self.shares_within(&|run: &JobRun| run.seconds, deadline);
        let mean = shares.iter().sum::<f64>() / shares.len().max(1) as f64;
        let half = half_width(&shares);
        Probability { probability: mean, lo: (mean - half).max(0.0), hi: (mean + half).min(1.0) }
    }
}

/// The row of a batch job.
pub(super) fn batch(asked: &Asked<'_>, served: &Served, way: &Way, spec: &BatchSpec) -> ServingOutcome {
    let unit = unit_rate(asked, served, way, spec);
    let mut row = blank_row(&served.candidate, served.tariff.as_ref().ok());
    let mut figures = blank_figures(asked);
    row.feasible = true;
    if unit.rates[SLOW] <= 0.0 {
        row.feasible = false;
        row.reason = Some("no item is ever done".to_owned());
        row.serving = Some(Box::new(figures));
        return ServingOutcome::of(row);
    }
    let per_day = asked.spec.failures.per_node_day * way.machines_per_replica as f64;
    let luck = Luck {
        start: &served.start,
        failures: (per_day > 0.0).then_some(DAY / per_day),
        restart: asked.spec.failures.detection,
        market: market(asked, &served.candidate),
    };
    let of_units = |units: u64| job(asked, &luck, units, spec.items, unit.rates);
    let objective = &asked.scenario.objective;
    let units = match (served.machines(way), objective.deadline) {
        (Some(machines), _) => (machines / way.machines_per_replica.max(1)).max(1),
        (None, None) => 1,
        (None, Some(deadline)) => {
            let least = spec.items / unit.rates[QUICK] / deadline.0;
            if let Some(reason) = luck.endless(deadline.0, 1) {
                row.feasible = false;
                row.reason = Some(reason);
                row.serving = Some(Box::new(figures));
                return ServingOutcome::of(row);
            }
            fewest(least, deadline.0, objective.confidence, &of_units)
        }
    };
    if let Some(reason) = luck.endless(spec.items / unit.rates[SLOW] / units as f64, units) {
        row.feasible = false;
        row.reason = Some(reason);
        row.serving = Some(Box::new(figures));
        return ServingOutcome::of(row);
    }
    let job = of_units(units);
    row.warnings.extend(cut_short(asked.spec));
    row.warnings.extend(profile::warnings(asked, &served.candidate));
    describe(&mut row, served, way, units);
    figures.replicas = Some(units * way.per_machine);
    figures.cache_tokens = way.cache_tokens;
    let time = job.estimate(|run| run.seconds);
    row.time_s = Some(time);
    row.replications = u64::from(REPLICAS);
    row.interruptions = Some(job.estimate(|run| run.interruptions).mean);
    row.deadline_met = objective.deadline.map(|deadline| job.by(deadline.0));
    row.samples = Some(spec.items);
    figures.requests_per_s = Some(Estimate {
        mean: spec.items / time.mean,
        lo: spec.items / time.hi,
        hi: spec.items / time.lo.max(1e-9),
        level: LEVEL,
        p50: spec.items / time.p50,
        p90: spec.items / time.lo.max(1e-9),
    });
    let scale = |rate: f64| rate * units as f64;
    figures.sustainable_requests_per_s =
        Some(spread(scale(unit.rates[MIDDLE]), [scale(unit.rates[QUICK]), scale(unit.rates[SLOW])], 0.0));
    row.bound = bound(way, unit.by_network);
    weigh(asked, served, way, (&job, &unit), spec, &mut row, &mut figures);
    weigh_carbon(asked, served, way, &job, spec, &mut row, &mut figures);
    row.recurring = objective
        .repeat
        .map(|repeat| recurring(objective, repeat, &row, 0.0, |limit| job.by(limit.0.max(1e-9))));
    row.serving = Some(Box::new(figures));
    let lines = bill::line(&row).into_iter().collect();
    ServingOutcome { pairs: pairs(&job, served, &row), lines, ..ServingOutcome::of(row) }
}

/// What the job is compared with others by.
fn pairs(job: &Job, served: &Served, row: &Row) -> Pairs {
    let paired = |figure: fn(&JobRun) -> f64| {
        let mean = |speed: usize| {
            let runs = &job.runs[speed];
            runs.iter().map(figure).sum::<f64>() / runs.len().max(1) as f64
        };
        let runs = job.runs[MIDDLE].iter().map(figure).collect();
        Paired { runs, ends: [mean(QUICK), mean(SLOW)] }
    };
    let line = bill::line(row);
    let paid = paired(|run| run.paid);
    let whole = paid.mean().max(1e-12);
    Pairs {
        time: Some(paired(|run| run.seconds)),
        cost: line.map(|(stays, moves)| paid.map(|seconds| stays + moves * seconds / whole)),
        latency_p99: None,
        price_side: line.map_or(0.0, |(_, moves)| moves) * served.tariff.as_ref().map_or(0.0, price_error),
        offers: served.tariff.as_ref().map_or_else(|_| String::new(), |tariff| tariff.origin.clone()),
    }
}

/// The fewest units that end in time with confidence; as many as are allowed where none does. Fewer than `least` would
/// not be in time without any mishap, and are not tried: their runs would last for ages.
fn fewest(least: f64, deadline: f64, confidence: f64, job: &dyn Fn(u64) -> Job) -> u64 {
    let enough = |units: u64| job(units).by(deadline).probability >= confidence;
    let floor = least.clamp(1.0, MOST_MACHINES as f64) as u64;
    let mut high = floor;
    while !enough(high) {
        if high >= MOST_MACHINES {
            return high;
        }
        high = (high * 2).min(MOST_MACHINES);
    }
    let mut low = (high / 2).max(floor - 1);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if enough(middle) { high = middle } else { low = middle }
    }
    high
}

pub(super) fn describe(row: &mut Row, served: &Served, way: &Way, units: u64) {
    row.instances = units * way.machines_per_replica;
    let devices = served.candidate.accelerators_per_node();
    row.accelerators = if row.accelerator.is_some() { row.instances * devices } else { 0 };
    row.layout = Some(way.words());
    row.split = way.layout.is_some();
    row.provenance = Some(way.provenance);
    row.basis = Some(way.basis.clone());
    if let Some(need) = &way.memory {
        fill_memory(row, need);
    }
    if let Ok(tariff) = &served.tariff {
        row.price_usd_per_hour = Some(tariff.hourly.typical.usd_per_hour() * row.instances as f64);
    }
}

pub(super) fn bound(way: &Way, by_network: bool) -> Option<BoundRow> {
    let (first, share) = way.parts.first().copied()?;
    let (second, next) = way.parts.get(1).copied().unwrap_or(("queue", 0.0));
    let row = |name: &str, share: f64, next: &str, margin: f64| BoundRow {
        name: name.to_owned(),
        share,
        next: next.to_owned(),
        margin: margin.clamp(1.0, 1e6),
    };
    Some(if by_network {
        row("input-read", 1.0, first, 1.0)
    } else {
        row(first, share, second, share / next.max(1e-6))
    })
}

fn weigh(
    asked: &Asked<'_>,
    served: &Served,
    way: &Way,
    (job, unit): (&Job, &UnitRate),
    spec: &BatchSpec,
    row: &mut Row,
    figures: &mut super::super::serving_result::ServingFigures,
) {
    let tariff = match &served.tariff {
        Ok(tariff) => tariff,
        Err(unpriced) => {
            row.warnings.push(format!("{unpriced}: not ranked"));
            return;
        }
    };
    row.warnings.extend(bill::warnings(asked, tariff));
    let paid = job.estimate(|run| run.paid);
    let hours = bill::Paid { rounding_hours: job.rounding(way, tariff, row.instances), ..job.hours(way) };
    let ledger = bill::bill(asked, served, tariff, &hours);
    let ends = [paid.lo / paid.mean.max(1e-12), paid.hi / paid.mean.max(1e-12)];
    let cost = bill::estimate(&ledger, tariff, ends);
    row.ledger = mean_ledger(std::slice::from_ref(&ledger));
    row.cost_usd = Some(cost);
    row.budget_met = asked.scenario.objective.budget.map(|budget| within(&cost, budget.usd()));
    figures.cost_per_million_predictions_usd = Some(cost.scaled(1e6 / spec.items));
    figures.mean_machines = Some(row.instances as f64);
    weigh_tokens(asked, unit, spec, &cost, figures);
}

/// What a million tokens costs, split by the time that replicas spend on prompts and on answers.
fn weigh_tokens(
    asked: &Asked<'_>,
    unit: &UnitRate,
    spec: &BatchSpec,
    cost: &Estimate,
    figures: &mut super::super::serving_result::ServingFigures,
) {
    if !asked.spec.is_language() {
        return;
    }
    let (input, output) = mean_lengths(asked.spec);
    let requests = spec.items / f64::from(asked.spec.items_per_request.max(1));
    let per_million =
        |tokens: f64, share: f64| (tokens > 0.0).then(|| cost.scaled(1e6 * share / (tokens * requests)));
    figures.cost_per_million_tokens_usd = per_million(input + output, 1.0);
    figures.cost_per_million_input_tokens_usd = per_million(input, unit.reading);
    figures.cost_per_million_output_tokens_usd = per_million(output, 1.0 - unit.reading);
    let items = f64::from(asked.spec.items_per_request.max(1));
    figures.input_tokens_per_s = figures.requests_per_s.map(|rate| rate.scaled(input / items));
    figures.output_tokens_per_s = figures.requests_per_s.map(|rate| rate.scaled(output / items));
}

fn weigh_carbon(
    asked: &Asked<'_>,
    served: &Served,
    way: &Way,
    job: &Job,
    spec: &BatchSpec,
    row: &mut Row,
    figures: &mut super::super::serving_result::ServingFigures,
) {
    let paid = job.estimate(|run| run.paid);
    let ends = [paid.lo / paid.mean.max(1e-12), paid.hi / paid.mean.max(1e-12)];
    // What takes longer is busy for longer: machines start once.
    let hours = carbon::Hours { served, paid: job.hours(way), busy_ends: ends, paid_ends: ends };
    carbon::weigh(asked, &[hours], spec.items, row, figures);
}
