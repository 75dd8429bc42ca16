//! A share of requests answered from results computed beforehand, the rest online: every split, and the cheapest.

use crate::cost::serving::Popularity;
use crate::scenario::{BatchSpec, HybridSpec, Minimize, RequestTime};
use crate::units::{Bytes, Money, Seconds, Significant};

use super::super::result::{Estimate, Probability, Row};
use super::super::row::{blank_row, mean_ledger};
use super::super::serving_result::{HybridPoint, Percentiles, ServingFigures};
use super::batch::{UnitRate, describe, unit_rate};
use super::bill::{self, MONTH, Paid};
use super::demand::{Demand, demand};
use super::online::{self, ServingOutcome, blank_figures, hosted_model, within, words};
use super::prepare::Served;
use super::size::CapacityLaw;
use super::trial::{MIDDLE, QUICK, SLOW, Trial};
use super::way::Way;
use super::{Asked, carbon};

/// Share of the time between two runs that a batch run may take.
const BATCH_SHARE: f64 = 0.25;

/// What is the same for every split of a fleet.
struct Splitter<'a> {
    asked: &'a Asked<'a>,
    served: &'a Served,
    way: &'a Way,
    spec: &'a HybridSpec,
    demand: &'a Demand,
    batch_rate: UnitRate,
}

/// One split, with the machine-hours of a month behind its cost.
#[derive(Clone, Copy)]
struct Split {
    point: HybridPoint,
    batch_hours: f64,
}

impl<'a> Splitter<'a> {
    fn new(
        asked: &'a Asked<'a>,
        served: &'a Served,
        way: &'a Way,
        spec: &'a HybridSpec,
        demand: &'a Demand,
    ) -> Self {
        let job = BatchSpec {
            items: spec.keys,
            item_bytes: asked.spec.model.bytes_per_sample.unwrap_or(Bytes(1000.0)),
            result_bytes: spec.result_bytes,
            efficiency: 1.0,
        };
        let batch_rate = unit_rate(asked, served, way, &job);
        Self { asked, served, way, spec, demand, batch_rate }
    }

    fn splits(&self) -> Vec<Split> {
        self.spec.shares.iter().map(|share| self.split(*share)).collect()
    }

    fn split(&self, share: f64) -> Split {
        let keys = Popularity::new(self.spec.keys, self.spec.skew).items_for(share).ceil();
        let per_unit = self.way.machines_per_replica as f64;
        let (units, busy, holds) = self.units(share);
        let start = if keys > 0.0 { self.served.start.mean() } else { 0.0 };
        let work = keys / self.batch_rate.rates[MIDDLE].max(1e-12);
        // The batch has machines of its own, enough to be done within its share of the time between two runs.
        let batch_units =
            (work / (BATCH_SHARE * self.spec.freshness.0)).ceil().max(f64::from(u8::from(keys > 0.0)));
        let runs = MONTH * 3600.0 / self.spec.freshness.0;
        let batch_hours = (work + start * batch_units) / 3600.0 * runs * per_unit;
        let hourly = self.hourly();
        let of = |machine_hours: f64| hourly.map(|hourly| machine_hours * hourly);
        let store = self.store(share, keys).usd();
        let online_hours = units as f64 * per_unit * MONTH;
        let (batch, online) = (of(batch_hours), of(online_hours));
        let served = self.served;
        let paid = Paid {
            busy_hours: batch_hours + online_hours * busy,
            idle_hours: online_hours * (1.0 - busy),
            ..Paid::default()
        };
        let hours = carbon::Hours { served, paid, busy_ends: [1.0; 2], paid_ends: [1.0; 2] };
        let point = HybridPoint {
            share,
            keys,
            holds,
            online_machines: units * self.way.machines_per_replica,
            batch_machines: (batch_units * per_unit) as u64,
            batch_usd_per_month: batch,
            batch_s: work / batch_units.max(1.0) + start,
            online_usd_per_month: online,
            store_usd_per_month: store,
            usd_per_month: batch.zip(online).map(|(batch, online)| batch + online + store),
            carbon_kg_per_month: carbon::kilograms(self.asked, &[hours]).map(|carbon| carbon.mean),
        };
        Split { point, batch_hours }
    }

    /// The machines as the rest of the requests sees them.
    fn rest(&self, share: f64) -> Served {
        let lookup = if share > 0.0 { self.spec.lookup } else { Seconds::ZERO };
        Served { online_share: 1.0 - share, lookup, ..self.served.clone() }
    }

    /// Units that answer what is left (those of the scenario, or the fewest that do, as for a row of its own), the
    /// share of their time at work, and whether the targets hold on them.
    fn units(&self, share: f64) -> (u64, f64, bool) {
        let left = 1.0 - share;
        if left * self.demand.peak <= 0.0 {
            return (0, 0.0, self.lookups_hold());
        }
        let (served, wanted) = (self.rest(share), self.left(left));
        let trial = Trial { asked: self.asked, served: &served, way: self.way, units: 1, speed: MIDDLE };
        let confidence = self.asked.scenario.objective.confidence;
        let law = CapacityLaw::new(&trial, &wanted.shape, wanted.unit);
        let units = match self.served.machines(self.way) {
            Some(machines) => (machines / self.way.machines_per_replica.max(1)).max(1),
            None => law.fewest(wanted.peak, confidence),
        };
        let found = law.of(units);
        let busy = (wanted.mean / found.sustained[MIDDLE].max(1e-12)).clamp(0.0, 1.0);
        (units, busy, found.rate_with(confidence) >= wanted.peak)
    }

    /// Whether a look-up alone keeps within every limit on a time.
    fn lookups_hold(&self) -> bool {
        let time = self.asked.spec.hosting.call + self.spec.lookup;
        let limits = self.asked.scenario.objective.latency.iter();
        limits.filter(|target| target.time != RequestTime::PerOutputToken).all(|target| time <= target.limit)
    }

    /// The demand of a share of the requests.
    fn left(&self, left: f64) -> Demand {
        let whole = self.demand;
        Demand {
            shape: whole.shape.faster(left),
            unit: whole.unit * left,
            peak: whole.peak * left,
            mean: whole.mean * left,
        }
    }

    /// Dollars of an hour of one machine, the premium of a managed service included.
    fn hourly(&self) -> Option<f64> {
        let tariff = self.served.tariff.as_ref().ok()?;
        let one = Paid { busy_hours: 1.0, ..Paid::default() };
        Some(bill::bill(self.asked, self.served, tariff, &one).total().usd())
    }

    /// Store and look-ups of a month at the scenario's prices; every request looks first.
    fn store_of_month(&self, share: f64, keys: f64) -> Money {
        if share <= 0.0 {
            return Money::ZERO;
        }
        let lookups = self.demand.mean * MONTH * 3600.0;
        let kept = self
            .spec
            .store_price
            .for_time(Bytes(keys * self.spec.result_bytes.0), Seconds::from_hours(MONTH));
        kept + self.spec.lookup_price.scaled(lookups / 1e6)
    }

    /// The same with the factor on every price.
    fn store(&self, share: f64, keys: f64) -> Money {
        self.store_of_month(share, keys).scaled(self.asked.scenario.assumptions.factor())
    }

    /// The split to take: of those that are fresh in time and hold the targets the least of what is minimised; where
    /// none holds, the one that computes most beforehand.
    fn best(&self, splits: &[Split]) -> Option<Split> {
        let carbon = self.asked.scenario.objective.minimize == Minimize::Carbon;
        let score = |split: &&Split| {
            let point = &split.point;
            let figure = if carbon { point.carbon_kg_per_month } else { point.usd_per_month };
            figure.unwrap_or(f64::INFINITY)
        };
        let fresh = || splits.iter().filter(|split| split.point.batch_s <= self.spec.freshness.0);
        let least = fresh()
            .filter(|split| split.point.holds)
            .min_by(|left, right| score(left).total_cmp(&score(right)));
        least
            .or_else(|| fresh().max_by(|left, right| left.point.share.total_cmp(&right.point.share)))
            .copied()
    }
}

/// The machines of the cheapest split as its online requests see them, and those requests; `None` where every request is
/// a look-up, or no split is taken.
pub(super) fn online_part(
    asked: &Asked<'_>,
    served: &Served,
    way: &Way,
    spec: &HybridSpec,
) -> Option<(Served, Option<Demand>)> {
    let Some(whole) = demand(asked.spec) else { return Some((served.clone(), None)) };
    let splitter = Splitter::new(asked, served, way, spec, &whole);
    let share = splitter.best(&splitter.splits())?.point.share;
    (share < 1.0).then(|| (splitter.rest(share), Some(splitter.left(1.0 - share))))
}

/// The row of a hybrid: its figures are those of the cheapest split.
pub(super) fn hybrid(asked: &Asked<'_>, served: &Served, way: &Way, spec: &HybridSpec) -> ServingOutcome {
    let Some(whole) = demand(asked.spec) else {
        return online::outcome(asked, served, way, None);
    };
    let splitter = Splitter::new(asked, served, way, spec, &whole);
    let splits = splitter.splits();
    let points: Vec<HybridPoint> = splits.iter().map(|split| split.point).collect();
    let Some(best) = splitter.best(&splits) else {
        let mut row = blank_row(&served.candidate, served.tariff.as_ref().ok());
        let mut figures = blank_figures(asked);
        row.reason =
            Some("no split is computed again in time: the batch takes longer than `freshness`".to_owned());
        figures.hybrid = points;
        row.serving = Some(Box::new(figures));
        return ServingOutcome::of(row);
    };
    let share = best.point.share;
    let mut row = if share < 1.0 {
        let (rest, wanted) = (splitter.rest(share), splitter.left(1.0 - share));
        online::outcome(asked, &rest, way, Some(&wanted)).row
    } else {
        splitter.looked_up(&best.point)
    };
    let mut figures = row.serving.take().map_or_else(|| blank_figures(asked), |boxed| *boxed);
    figures.hybrid_share = Some(share);
    figures.hybrid = points;
    if share > 0.0 && share < 1.0 {
        splitter.whole(share, &mut figures);
        row.warnings.push(format!(
            "{} % of requests are look-ups of {}; times, capacity and rates are of all requests, use and replicas of the machines for the rest",
            Significant((100.0 * share).round(), 3),
            words(spec.lookup.0)
        ));
    }
    splitter.weigh(&best, &mut row, &mut figures);
    row.serving = Some(Box::new(figures));
    ServingOutcome { lines: splitter.price_lines(&splits), ..ServingOutcome::of(row) }
}

impl Splitter<'_> {
    /// A row without machines online: every request is a look-up.
    fn looked_up(&self, point: &HybridPoint) -> Row {
        let (asked, served) = (self.asked, self.served);
        let mut row = blank_row(&served.candidate, served.tariff.as_ref().ok());
        let mut figures = blank_figures(asked);
        row.feasible = true;
        describe(&mut row, served, self.way, point.batch_machines / self.way.machines_per_replica.max(1));
        row.bound = super::batch::bound(self.way, self.batch_rate.by_network);
        row.warnings.push("every request is a look-up; the machines are those of the batch runs".to_owned());
        let time = Estimate::exact((asked.spec.hosting.call + self.spec.lookup).0);
        let times = Percentiles { p50: Some(time), p90: Some(time), p95: Some(time), p99: Some(time) };
        let holds = f64::from(u8::from(self.lookups_hold()));
        let certain = |value: f64| Some(Probability { probability: value, lo: value, hi: value });
        figures.latency_s = Some(times);
        figures.ttft_s = self.way.layout.is_some().then_some(times);
        figures.keeps_up = Some(true);
        figures.targets_met = certain(holds);
        figures.goodput_share = Some(Estimate::exact(holds));
        figures.refused_share = Some(Estimate::exact(0.0));
        figures.demand_requests_per_s = Some(self.demand.peak);
        figures.requests_per_s = Some(Estimate::exact(self.demand.mean));
        figures.replicas = Some(0);
        row.serving = Some(Box::new(figures));
        row
    }

    /// Figures of the rest as figures of all requests.
    fn whole(&self, share: f64, figures: &mut ServingFigures) {
        let left = 1.0 - share;
        let whole = |rate: Option<Estimate>| rate.map(|rate| rate.scaled(1.0 / left));
        figures.capacity_requests_per_s = whole(figures.capacity_requests_per_s);
        figures.sustainable_requests_per_s = whole(figures.sustainable_requests_per_s);
        figures.requests_per_s = whole(figures.requests_per_s);
        figures.demand_requests_per_s = Some(self.demand.peak);
        figures.capacity_after_loss_requests_per_s =
            figures.capacity_after_loss_requests_per_s.map(|rate| rate / left);
        figures.refused_share = figures.refused_share.map(|refused| refused.scaled(left));
        let found = if self.lookups_hold() { share } else { 0.0 };
        figures.goodput_share = figures.goodput_share.map(|good| {
            let all = |good: f64| found + left * good;
            Estimate {
                mean: all(good.mean),
                lo: all(good.lo),
                hi: all(good.hi),
                p50: all(good.p50),
                p90: all(good.p90),
                ..good
            }
        });
    }

    /// Machine-hours of a month of a split, online ones at work for `busy` of their time.
    fn hours(&self, split: &Split, busy: f64) -> Paid {
        let online = split.point.online_machines as f64 * MONTH;
        Paid {
            busy_hours: online * busy + split.batch_hours,
            idle_hours: online * (1.0 - busy),
            hours: MONTH,
            store: self.store_of_month(split.point.share, split.point.keys),
            ..Paid::default()
        }
    }

    /// How far machine-hours at work and machine-hours paid may be off with the error of the steps: batch runs take
    /// longer, machines online work for more of their time.
    fn ends(&self, split: &Split, busy: f64, busy_ends: [f64; 2]) -> ([f64; 2], [f64; 2]) {
        let online = split.point.online_machines as f64 * MONTH;
        let rates = self.batch_rate.rates;
        let end = |index: usize, speed: usize| {
            let batch = split.batch_hours * rates[MIDDLE] / rates[speed].max(1e-12);
            let over = |value: f64, mean: f64| if mean > 0.0 { value / mean } else { 1.0 };
            let work = over(online * busy * busy_ends[index] + batch, online * busy + split.batch_hours);
            (work, over(online + batch, online + split.batch_hours))
        };
        let (quick, slow) = (end(0, QUICK), end(1, SLOW));
        ([quick.0, slow.0], [quick.1, slow.1])
    }

    /// Adds the batch runs and the store to what the online part costs.
    fn weigh(&self, best: &Split, row: &mut Row, figures: &mut ServingFigures) {
        let (asked, served) = (self.asked, self.served);
        let busy = figures.utilisation.map_or(0.0, |share| share.mean.clamp(0.0, 1.0));
        let paid = self.hours(best, busy);
        let rate = self.demand.mean;
        let (busy_ends, paid_ends) = self.ends(best, busy, carbon::ends(figures.utilisation));
        let hours = carbon::Hours { served, paid, busy_ends, paid_ends };
        row.warnings.retain(|said| !said.contains("not ranked by carbon"));
        carbon::weigh(asked, &[hours], rate * 3600.0 * MONTH, row, figures);
        // Tokens, and what the machines could take, are of the rest alone.
        figures.cost_per_million_tokens_usd = None;
        figures.cost_per_million_input_tokens_usd = None;
        figures.cost_per_million_output_tokens_usd = None;
        figures.cost_per_million_at_capacity_usd = None;
        let Ok(tariff) = &served.tariff else { return };
        let ledger = bill::bill(asked, served, tariff, &paid);
        let month = bill::estimate(&ledger, tariff, paid_ends);
        row.ledger = mean_ledger(std::slice::from_ref(&ledger));
        row.cost_usd = Some(month);
        row.budget_met = asked.scenario.objective.budget.map(|budget| within(&month, budget.usd()));
        figures.cost_per_month_usd = Some(month);
        figures.cost_per_day_usd = Some(month.scaled(24.0 / MONTH));
        let hour = month.scaled(1.0 / MONTH);
        figures.cost_per_hour_usd = Some(hour);
        let per_million = |rate: f64| (rate > 0.0).then(|| hour.scaled(1e6 / (3600.0 * rate)));
        figures.cost_per_million_predictions_usd = per_million(rate);
        let good = figures.goodput_share.map_or(0.0, |share| share.mean);
        figures.cost_per_million_good_usd = per_million(rate * good);
        let capacity = figures.capacity_requests_per_s.map_or(f64::INFINITY, |rate| rate.mean);
        figures.api = hosted_model(asked, hour.mean, rate, capacity);
    }

    /// What each split that may be taken costs a month: what stays, and what moves with the price of the machines.
    fn price_lines(&self, splits: &[Split]) -> Vec<(f64, f64)> {
        let usable =
            splits.iter().filter(|split| split.point.holds && split.point.batch_s <= self.spec.freshness.0);
        let machines = |point: &HybridPoint| Some(point.batch_usd_per_month? + point.online_usd_per_month?);
        usable.filter_map(|split| Some((split.point.store_usd_per_month, machines(&split.point)?))).collect()
    }
}
