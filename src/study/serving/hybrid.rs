//! A share of requests answered from results computed beforehand, the rest online: every split, and the cheapest.

use crate::cost::serving::Popularity;
use crate::scenario::{BatchSpec, HybridSpec};
use crate::units::{Bytes, Money, Seconds, Significant};

use super::super::result::Row;
use super::super::row::{blank_row, mean_ledger};
use super::super::serving_result::HybridPoint;
use super::Asked;
use super::batch::{UnitRate, describe, unit_rate};
use super::bill::{self, MONTH, Paid};
use super::demand::{Demand, demand};
use super::online::{ServingOutcome, blank_figures, online, within, words};
use super::prepare::Served;
use super::size::{Size, capacity_of, fewest, rate_with};
use super::trial::{MIDDLE, Trial};
use super::way::Way;

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

impl Splitter<'_> {
    fn point(&self, share: f64) -> HybridPoint {
        let keys = Popularity::new(self.spec.keys, self.spec.skew).items_for(share);
        let units = self.units(1.0 - share);
        let machines = units as u64 * self.way.machines_per_replica;
        let hourly = self.hourly();
        let start = if keys > 0.0 { self.served.start.mean() } else { 0.0 };
        let work = keys / self.batch_rate.rates[MIDDLE].max(1e-12);
        // The batch has machines of its own, enough to be done within its share of the time between two runs.
        let batch_units = (work / (BATCH_SHARE * self.spec.freshness.0)).ceil().max(1.0);
        let runs = MONTH * 3600.0 / self.spec.freshness.0;
        let batch_hours = (work + start * batch_units) / 3600.0 * runs;
        let of = |unit_hours: f64| hourly.map(|hourly| unit_hours * hourly);
        let store = self.store(share, keys).usd();
        let (batch, online) = (of(batch_hours), of(units * MONTH));
        HybridPoint {
            share,
            keys,
            online_machines: machines,
            batch_usd_per_month: batch,
            batch_s: work / batch_units + start,
            online_usd_per_month: online,
            store_usd_per_month: store,
            usd_per_month: batch.zip(online).map(|(batch, online)| batch + online + store),
        }
    }

    /// Units that answer what is left: those of the scenario, or the fewest that do, as for a row of its own.
    fn units(&self, left: f64) -> f64 {
        if left * self.demand.peak <= 0.0 {
            return 0.0;
        }
        if let Some(machines) = self.served.machines(self.way) {
            return (machines / self.way.machines_per_replica.max(1)).max(1) as f64;
        }
        let (asked, served, way) = (self.asked, self.served, self.way);
        let trial = Trial { asked, served, way, units: 1, speed: MIDDLE };
        let wanted = self.left(left);
        let confidence = asked.scenario.objective.confidence;
        fewest(&trial, wanted.peak, confidence, &wanted.shape, wanted.unit).0.units as f64
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

    /// Dollars of an hour of one unit, the premium of a managed service included.
    fn hourly(&self) -> Option<f64> {
        let tariff = self.served.tariff.as_ref().ok()?;
        let one = Paid { busy_hours: self.way.machines_per_replica as f64, ..Paid::default() };
        Some(bill::bill(self.asked, self.served, tariff, &one).total().usd())
    }

    /// Store and look-ups of a month.
    fn store(&self, share: f64, keys: f64) -> Money {
        if share <= 0.0 {
            return Money::ZERO;
        }
        let factor = self.asked.scenario.assumptions.factor();
        let lookups = self.demand.mean * MONTH * 3600.0;
        let kept = self
            .spec
            .store_price
            .for_time(Bytes(keys * self.spec.result_bytes.0), Seconds::from_hours(MONTH));
        (kept + self.spec.lookup_price.scaled(lookups / 1e6)).scaled(factor)
    }
}

/// The row of a hybrid: its figures are those of the cheapest split.
pub(super) fn hybrid(asked: &Asked<'_>, served: &Served, way: &Way, spec: &HybridSpec) -> ServingOutcome {
    let Some(whole) = demand(asked.spec) else {
        return online(asked, served, way, None).outcome();
    };
    let trial = Trial { asked, served, way, units: 1, speed: MIDDLE };
    let one = capacity_of(&trial, Size::of(1), &whole.shape, whole.unit);
    if rate_with(&one, asked.scenario.objective.confidence) <= 0.0 {
        return online(asked, served, way, None).outcome();
    }
    let job = BatchSpec {
        items: spec.keys,
        item_bytes: asked.spec.model.bytes_per_sample.unwrap_or(Bytes(1000.0)),
        result_bytes: spec.result_bytes,
        efficiency: 1.0,
    };
    let batch_rate = unit_rate(asked, served, way, &job);
    let splitter = Splitter { asked, served, way, spec, demand: &whole, batch_rate };
    let points: Vec<HybridPoint> = spec.shares.iter().map(|share| splitter.point(*share)).collect();
    let fresh = |point: &&HybridPoint| point.batch_s <= spec.freshness.0;
    let cost = |point: &HybridPoint| point.usd_per_month.unwrap_or(f64::INFINITY);
    let best = points.iter().filter(fresh).min_by(|left, right| cost(left).total_cmp(&cost(right)));
    let Some(best) = best.copied() else {
        let mut row = blank_row(&served.candidate, served.tariff.as_ref().ok());
        let mut figures = blank_figures(asked);
        row.reason =
            Some("no split is computed again in time: the batch takes longer than `freshness`".to_owned());
        figures.hybrid = points;
        row.serving = Some(Box::new(figures));
        return ServingOutcome { row, unit: None };
    };
    let mut outcome = if best.share < 1.0 {
        let left = 1.0 - best.share;
        let wanted = splitter.left(left);
        let served = Served { online_share: left, ..served.clone() };
        online(asked, &served, way, Some(&wanted)).outcome()
    } else {
        let mut row = blank_row(&served.candidate, served.tariff.as_ref().ok());
        row.feasible = true;
        describe(&mut row, served, way, 1);
        row.instances = 0;
        ServingOutcome { row, unit: None }
    };
    finish(&splitter, &mut outcome.row, &best, points);
    outcome.unit = None;
    outcome
}

/// Adds the batch runs and the store to what the online part costs.
fn finish(splitter: &Splitter<'_>, row: &mut Row, best: &HybridPoint, points: Vec<HybridPoint>) {
    let mut figures = row.serving.take().map_or_else(|| blank_figures(splitter.asked), |boxed| *boxed);
    figures.hybrid_share = Some(best.share);
    figures.hybrid = points;
    if best.share > 0.0 {
        row.warnings.push(format!(
            "{} % of requests are look-ups of {}; times are of the rest",
            Significant((100.0 * best.share).round(), 3),
            words(splitter.spec.lookup.0)
        ));
    }
    if let (Ok(tariff), Some(hourly)) = (&splitter.served.tariff, splitter.hourly()) {
        let unit = splitter.way.machines_per_replica as f64;
        let online = row.instances as f64 * MONTH;
        let used = figures.utilisation.map_or(0.0, |share| share.mean.clamp(0.0, 1.0));
        let batch = best.batch_usd_per_month.unwrap_or(0.0) / hourly.max(1e-12) * unit;
        let paid = Paid {
            busy_hours: online * used + batch,
            idle_hours: online * (1.0 - used),
            hours: MONTH,
            store: splitter.store(best.share, best.keys),
            starting_hours: 0.0,
        };
        // The store is scaled by the price factor once, in the bill.
        let factor = splitter.asked.scenario.assumptions.factor().max(1e-12);
        let paid = Paid { store: paid.store.scaled(1.0 / factor), ..paid };
        let ledger = bill::bill(splitter.asked, splitter.served, tariff, &paid);
        let month = bill::estimate(&ledger, tariff, [1.0, 1.0]);
        row.ledger = mean_ledger(std::slice::from_ref(&ledger));
        row.cost_usd = Some(month);
        row.budget_met = splitter.asked.scenario.objective.budget.map(|budget| within(&month, budget.usd()));
        figures.cost_per_month_usd = Some(month);
        figures.cost_per_day_usd = Some(month.scaled(24.0 / MONTH));
        let hour = month.scaled(1.0 / MONTH);
        figures.cost_per_hour_usd = Some(hour);
        let rate = splitter.demand.mean;
        figures.cost_per_million_predictions_usd = Some(hour.scaled(1e6 / (3600.0 * rate)));
        figures.cost_per_million_good_usd = None;
    }
    row.serving = Some(Box::new(figures));
}
