//! Fleets in order: what is minimised, who holds the targets, rank, Pareto flags, the baseline, the winner and its
//! challengers. One law for training and serving; nothing depends on the order of the fleets.

use crate::scenario::{Minimize, Objective};

use super::result::Row;

/// An outcome that can be put in order.
pub(super) trait Ranked {
    /// Its row.
    fn row(&self) -> &Row;
    /// Its row, to be completed.
    fn row_mut(&mut self) -> &mut Row;
    /// Whether its figures are lower bounds, by which nothing is ranked.
    fn unfinished(&self) -> bool {
        false
    }
    /// What speaks for it beside a low cost; more is better.
    fn worth(&self) -> Option<f64>;
    /// Ways to run it as (dollars that stay, dollars that move with the price of its machines), at today's prices: it
    /// takes the cheapest.
    fn price_lines(&self) -> Vec<(f64, f64)>;
}

/// Whether all targets hold with the wanted confidence.
pub(super) fn holds_targets(row: &Row, objective: &Objective) -> bool {
    let met = row.serving.as_ref().and_then(|figures| figures.targets_met);
    let all = [met, row.deadline_met, row.budget_met];
    row.feasible && all.iter().flatten().all(|met| met.probability >= objective.confidence)
}

/// What is minimised; `None` for a row that cannot be ranked. Unknown prices are never ranked.
pub(super) fn score(row: &Row, objective: &Objective) -> Option<f64> {
    let cost = row.cost_usd?;
    match objective.minimize {
        Minimize::Cost => Some(cost.mean),
        Minimize::Time => {
            let latency = row.serving.as_ref().and_then(|figures| figures.latency_s);
            row.time_s.or_else(|| latency?.p99).map(|time| time.mean)
        }
        Minimize::Carbon => row.carbon_kg.map(|carbon| carbon.mean),
    }
}

/// Fleets that hold the targets come first, then by score, ties by name.
pub(super) fn rank<O: Ranked>(outcomes: &mut [O], objective: &Objective) {
    let mut order: Vec<(bool, f64, String, usize)> = outcomes
        .iter()
        .enumerate()
        .filter_map(|(index, outcome)| {
            let row = outcome.row();
            let score = score(row, objective).filter(|_| !outcome.unfinished())?;
            Some((!holds_targets(row, objective), score, row.fleet.clone(), index))
        })
        .collect();
    order.sort_by(|left, right| {
        left.0.cmp(&right.0).then(left.1.total_cmp(&right.1)).then(left.2.cmp(&right.2))
    });
    for (place, (_, _, _, index)) in order.iter().enumerate() {
        outcomes[*index].row_mut().rank = Some(place as u64 + 1);
    }
}

/// No other fleet is both cheaper and worth more.
pub(super) fn pareto<O: Ranked>(outcomes: &mut [O]) {
    let point = |outcome: &O| {
        let worth = outcome.worth().filter(|_| !outcome.unfinished())?;
        Some((worth, outcome.row().cost_usd?.mean))
    };
    let points: Vec<Option<(f64, f64)>> = outcomes.iter().map(point).collect();
    for (index, outcome) in outcomes.iter_mut().enumerate() {
        let Some((worth, cost)) = points[index] else { continue };
        outcome.row_mut().pareto = !points.iter().flatten().any(|(other, other_cost)| {
            *other >= worth && *other_cost <= cost && (*other > worth || *other_cost < cost)
        });
    }
}

/// The scenario's choice, or the fleet of fewest instances that has a price: the one large machine that the many are
/// held against.
pub(super) fn baseline<O: Ranked>(outcomes: &[O], objective: &Objective) -> Option<String> {
    let rows = || outcomes.iter().map(Ranked::row);
    if let Some(name) = objective.baseline.as_ref().filter(|name| rows().any(|row| row.fleet == **name)) {
        return Some(name.clone());
    }
    let price = |row: &Row| row.price_usd_per_hour.unwrap_or(0.0);
    rows()
        .filter(|row| row.cost_usd.is_some())
        .min_by(|left, right| {
            left.instances
                .cmp(&right.instances)
                .then(price(right).total_cmp(&price(left)))
                .then(left.fleet.cmp(&right.fleet))
        })
        .map(|row| row.fleet.clone())
}

/// The fleet to take: the first, if it holds the targets.
pub(super) fn recommended<O: Ranked>(outcomes: &[O], objective: &Objective) -> Option<String> {
    let mut rows = outcomes.iter().map(Ranked::row);
    rows.find(|row| row.rank == Some(1) && holds_targets(row, objective)).map(|row| row.fleet.clone())
}

/// The winner, and the others that have a price, the best first.
pub(super) fn challengers<'a, O: Ranked>(
    outcomes: &'a [O],
    recommended: Option<&str>,
) -> Option<(&'a O, Vec<&'a O>)> {
    let winner = outcomes.iter().find(|outcome| Some(outcome.row().fleet.as_str()) == recommended)?;
    let mut others: Vec<&O> = outcomes
        .iter()
        .filter(|outcome| outcome.row().fleet != winner.row().fleet && outcome.row().cost_usd.is_some())
        .collect();
    others.sort_by(|left, right| {
        let (left, right) = (left.row(), right.row());
        left.rank.cmp(&right.rank).then(left.fleet.cmp(&right.fleet))
    });
    Some((winner, others))
}
