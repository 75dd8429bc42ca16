//! Serving fleets side by side: rank, Pareto flags, differences, break-even loads, verdict.

use crate::cost::serving::{Cheaper, Machines, Supply, load_ranges};
use crate::scenario::{Minimize, Objective};
use crate::units::{Money, PricePerHour, Significant};

use super::super::LEVEL;
use super::super::result::{Comparison, Difference, Estimate, Flip, Row};
use super::Asked;
use super::online::ServingOutcome;
use super::verdict::{assumptions, verdict};

/// Most flips told.
const MOST_FLIPS: usize = 8;
/// Loads looked at for a crossing, as factors on the demand.
const FURTHEST: f64 = 100.0;

/// Puts the outcomes side by side.
pub(super) fn compare(asked: &Asked<'_>, mut outcomes: Vec<ServingOutcome>) -> Comparison {
    let objective = &asked.scenario.objective;
    rank(&mut outcomes, objective);
    pareto(&mut outcomes);
    let baseline = baseline(&outcomes, objective);
    differences(&mut outcomes, baseline.as_deref());
    let recommended = outcomes
        .iter()
        .map(|outcome| &outcome.row)
        .find(|row| row.rank == Some(1) && holds_targets(row, objective))
        .map(|row| row.fleet.clone());
    let flips = flips(&outcomes, objective, recommended.as_deref());
    let rows: Vec<Row> = outcomes.into_iter().map(|outcome| outcome.row).collect();
    Comparison {
        format: 1,
        scenario: asked.scenario.name.clone(),
        seed: asked.seed,
        program: format!("capplan {}", env!("CARGO_PKG_VERSION")),
        catalog_date: asked.catalog.date().map(|day| day.to_string()),
        workload: "inference".to_owned(),
        baseline,
        verdict: verdict(&rows, objective, recommended.as_deref()),
        recommended,
        flips,
        assumptions: assumptions(asked),
        rows,
    }
}

/// Whether all targets hold with the wanted confidence.
pub(super) fn holds_targets(row: &Row, objective: &Objective) -> bool {
    let met = row.serving.as_ref().and_then(|figures| figures.targets_met);
    let all = [met, row.deadline_met, row.budget_met];
    row.feasible && all.iter().flatten().all(|met| met.probability >= objective.confidence)
}

/// What is minimised; `None` for a row that cannot be ranked.
pub(super) fn score(row: &Row, objective: &Objective) -> Option<f64> {
    let cost = row.cost_usd?;
    match objective.minimize {
        Minimize::Cost => Some(cost.mean),
        Minimize::Time => {
            let latency = row.serving.as_ref().and_then(|figures| figures.latency_s);
            row.time_s.map(|time| time.mean).or_else(|| latency.map(|times| times.p99.mean))
        }
        Minimize::Carbon => row.carbon_kg.map(|carbon| carbon.mean),
    }
}

fn rank(outcomes: &mut [ServingOutcome], objective: &Objective) {
    let mut order: Vec<(bool, f64, String, usize)> = outcomes
        .iter()
        .enumerate()
        .filter_map(|(index, outcome)| {
            let score = score(&outcome.row, objective)?;
            Some((!holds_targets(&outcome.row, objective), score, outcome.row.fleet.clone(), index))
        })
        .collect();
    order.sort_by(|left, right| {
        left.0.cmp(&right.0).then(left.1.total_cmp(&right.1)).then(left.2.cmp(&right.2))
    });
    for (place, (_, _, _, index)) in order.iter().enumerate() {
        outcomes[*index].row.rank = Some(place as u64 + 1);
    }
}

/// No other fleet is both cheaper and of more capacity; of jobs, sooner done.
fn pareto(outcomes: &mut [ServingOutcome]) {
    let points: Vec<Option<(f64, f64)>> = outcomes
        .iter()
        .map(|outcome| {
            let row = &outcome.row;
            let capacity = row.serving.as_ref().and_then(|figures| figures.capacity_requests_per_s);
            let worth = row.time_s.map(|time| -time.mean).or(capacity.map(|capacity| capacity.mean))?;
            Some((worth, row.cost_usd?.mean))
        })
        .collect();
    for (index, outcome) in outcomes.iter_mut().enumerate() {
        let Some((worth, cost)) = points[index] else { continue };
        outcome.row.pareto = !points.iter().flatten().any(|(other, other_cost)| {
            *other >= worth && *other_cost <= cost && (*other > worth || *other_cost < cost)
        });
    }
}

/// The scenario's choice, or the fleet of fewest machines that has a price.
fn baseline(outcomes: &[ServingOutcome], objective: &Objective) -> Option<String> {
    let rows = || outcomes.iter().map(|outcome| &outcome.row);
    if let Some(name) = objective.baseline.as_ref().filter(|name| rows().any(|row| row.fleet == **name)) {
        return Some(name.clone());
    }
    let mut usable: Vec<&Row> = rows().filter(|row| row.cost_usd.is_some()).collect();
    usable.sort_by(|left, right| {
        let price = |row: &Row| row.price_usd_per_hour.unwrap_or(0.0);
        left.instances
            .cmp(&right.instances)
            .then(price(right).total_cmp(&price(left)))
            .then(left.fleet.cmp(&right.fleet))
    });
    usable.first().map(|row| row.fleet.clone())
}

/// Differences to the baseline; what is not known of two fleets is taken to be independent.
fn differences(outcomes: &mut [ServingOutcome], baseline: Option<&str>) {
    let Some(base) = outcomes.iter().find(|outcome| Some(outcome.row.fleet.as_str()) == baseline) else {
        return;
    };
    let (time, cost, fleet) = (base.row.time_s, base.row.cost_usd, base.row.fleet.clone());
    let apart = |ours: Option<Estimate>, theirs: Option<Estimate>, same: bool| {
        let (ours, theirs) = (ours?, theirs?);
        if same {
            return Some(Estimate::exact(0.0));
        }
        let mean = ours.mean - theirs.mean;
        Some(Estimate {
            mean,
            lo: mean - libm::hypot(ours.mean - ours.lo, theirs.hi - theirs.mean),
            hi: mean + libm::hypot(ours.hi - ours.mean, theirs.mean - theirs.lo),
            level: LEVEL,
            p50: mean,
            p90: mean + libm::hypot(ours.p90 - ours.mean, theirs.mean - theirs.lo),
        })
    };
    for outcome in outcomes.iter_mut().filter(|outcome| outcome.row.feasible) {
        let same = outcome.row.fleet == fleet;
        outcome.row.difference = Some(Difference {
            time_s: apart(outcome.row.time_s, time, same),
            cost_usd: apart(outcome.row.cost_usd, cost, same),
        });
    }
}

/// What would turn the verdict: prices, loads, hosted models.
fn flips(outcomes: &[ServingOutcome], objective: &Objective, recommended: Option<&str>) -> Vec<Flip> {
    let Some(winner) = outcomes.iter().find(|outcome| Some(outcome.row.fleet.as_str()) == recommended) else {
        return Vec::new();
    };
    let mut others: Vec<&ServingOutcome> = outcomes
        .iter()
        .filter(|outcome| outcome.row.fleet != winner.row.fleet && outcome.row.cost_usd.is_some())
        .collect();
    others
        .sort_by(|left, right| left.row.rank.cmp(&right.row.rank).then(left.row.fleet.cmp(&right.row.fleet)));
    let mut found = Vec::new();
    if objective.minimize == Minimize::Cost {
        found.extend(others.iter().filter_map(|other| price(winner, other, objective)));
        found.extend(others.iter().flat_map(|other| loads(winner, other)));
    }
    found.extend(hosted(winner));
    found.truncate(MOST_FLIPS);
    found
}

/// The price at which another fleet that holds the targets would be as cheap.
fn price(winner: &ServingOutcome, other: &ServingOutcome, objective: &Objective) -> Option<Flip> {
    if !holds_targets(&other.row, objective) {
        return None;
    }
    let (ours, theirs) = (winner.row.cost_usd?.mean, other.row.cost_usd?.mean);
    let today = other.row.price_usd_per_hour? / other.row.instances.max(1) as f64;
    let value = today * ours / theirs;
    let name = &other.row.fleet;
    (theirs > 0.0).then(|| Flip {
        fleet: name.clone(),
        kind: "price".to_owned(),
        value,
        unit: "USD/h per instance".to_owned(),
        sentence: format!(
            "{name} would win under {} USD/h an instance (now {})",
            Significant(value, 3),
            Significant(today, 3)
        ),
    })
}

/// Loads, nearest to the demand on each side, at which another fleet is the cheaper one when each has as many machines
/// as the load needs.
fn loads(winner: &ServingOutcome, other: &ServingOutcome) -> Vec<Flip> {
    let (Some(ours), Some(theirs)) = (winner.unit, other.unit) else { return Vec::new() };
    let demand = winner.row.serving.as_ref().and_then(|figures| figures.demand_requests_per_s);
    let Some(demand) = demand.filter(|demand| *demand > 0.0) else { return Vec::new() };
    let supply = |(capacity, hourly): (f64, f64)| {
        Supply::Machines(Machines {
            hourly: PricePerHour(Money::from_usd(hourly)),
            capacity,
            fixed: PricePerHour(Money::ZERO),
            least: 1,
            most: None,
        })
    };
    let ranges = load_ranges(&supply(ours), &supply(theirs), FURTHEST * demand);
    let second = || ranges.iter().filter(|range| range.cheaper == Cheaper::Second);
    if second().any(|range| range.from < demand && demand <= range.to) {
        return Vec::new();
    }
    let under = second().filter(|range| range.to < demand).map(|range| range.to).reduce(f64::max);
    let over = second().filter(|range| range.from >= demand).map(|range| range.from).reduce(f64::min);
    let name = &other.row.fleet;
    [("under", under), ("over", over)]
        .into_iter()
        .filter_map(|(word, load)| {
            let load = load?;
            Some(Flip {
                fleet: name.clone(),
                kind: "load".to_owned(),
                value: load,
                unit: "requests/s".to_owned(),
                sentence: format!(
                    "{name} is the cheaper one {word} {} requests/s, with as many machines as each needs",
                    Significant(load, 2)
                ),
            })
        })
        .collect()
}

/// The load under which a hosted model is cheaper than the winner.
fn hosted(winner: &ServingOutcome) -> Option<Flip> {
    let api = winner.row.serving.as_ref()?.api.as_ref()?;
    let load = api.break_even_requests_per_s;
    let rate = Significant(load, 3);
    Some(Flip {
        fleet: winner.row.fleet.clone(),
        kind: "api".to_owned(),
        value: load,
        unit: "requests/s".to_owned(),
        sentence: if api.within_capacity {
            format!("{} is cheaper under {rate} requests/s", api.name)
        } else {
            format!(
                "{} is cheaper at any load that this fleet can take: it would have to serve {rate} requests/s",
                api.name
            )
        },
    })
}
