//! Rank, Pareto flags, paired differences, flip points and the verdict. Nothing here depends on the order of the fleets.

use crate::catalog::Catalog;
use crate::scenario::{Minimize, Objective, Scenario};
use crate::workload::training::TrainingSpec;

use super::errors::{Linear, difference};
use super::flips::flips;
use super::outcome::Outcome;
use super::result::{Comparison, Difference, Row};
use super::verdict::{assumptions, verdict};

/// Puts the outcomes side by side.
pub(super) fn compare(
    scenario: &Scenario,
    spec: &TrainingSpec,
    catalog: &Catalog,
    seed: u64,
    mut outcomes: Vec<Outcome>,
) -> Comparison {
    let objective = &scenario.objective;
    rank(&mut outcomes, objective);
    pareto(&mut outcomes);
    let baseline = baseline(&outcomes, objective);
    differences(&mut outcomes, baseline.as_deref());
    let recommended = recommended(&outcomes, objective);
    let flips = flips(&outcomes, objective, recommended.as_deref());
    let verdict = verdict(&outcomes, objective, recommended.as_deref());
    Comparison {
        format: 1,
        scenario: scenario.name.clone(),
        seed,
        program: format!("capplan {}", env!("CARGO_PKG_VERSION")),
        catalog_date: catalog.date().map(|day| day.to_string()),
        workload: "training".to_owned(),
        baseline,
        recommended,
        verdict,
        flips,
        assumptions: assumptions(spec),
        rows: outcomes.into_iter().map(|outcome| outcome.row).collect(),
    }
}

/// Whether the targets hold with the wanted confidence.
pub(super) fn holds_targets(row: &Row, objective: &Objective) -> bool {
    let holds =
        |met: &Option<super::Probability>| met.is_none_or(|met| met.probability >= objective.confidence);
    row.feasible && holds(&row.deadline_met) && holds(&row.budget_met)
}

/// What is minimised; `None` for a row that cannot be ranked.
pub(super) fn score(row: &Row, objective: &Objective) -> Option<f64> {
    let cost = row.cost_usd.as_ref()?;
    match objective.minimize {
        Minimize::Cost => Some(cost.mean),
        Minimize::Time => row.time_s.map(|time| time.mean),
        Minimize::Carbon => row.carbon_kg.map(|carbon| carbon.mean),
    }
}

/// Fleets that hold the targets come first, then by score, ties by name. Unknown prices are never ranked.
fn rank(outcomes: &mut [Outcome], objective: &Objective) {
    let mut order: Vec<(bool, f64, String, usize)> = outcomes
        .iter()
        .enumerate()
        .filter_map(|(index, outcome)| {
            let score = score(&outcome.row, objective).filter(|_| !outcome.unfinished)?;
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

fn pareto(outcomes: &mut [Outcome]) {
    let points: Vec<Option<(f64, f64)>> = outcomes
        .iter()
        .map(|outcome| {
            outcome
                .row
                .time_s
                .filter(|_| !outcome.unfinished)
                .zip(outcome.row.cost_usd)
                .map(|(time, cost)| (time.mean, cost.mean))
        })
        .collect();
    for (index, outcome) in outcomes.iter_mut().enumerate() {
        let Some((time, cost)) = points[index] else { continue };
        let beaten = points.iter().flatten().any(|(other_time, other_cost)| {
            *other_time <= time && *other_cost <= cost && (*other_time < time || *other_cost < cost)
        });
        outcome.row.pareto = !beaten;
    }
}

/// The scenario's choice, or the fleet of fewest instances: the one large machine that the many are held against.
fn baseline(outcomes: &[Outcome], objective: &Objective) -> Option<String> {
    let named =
        objective.baseline.as_ref().filter(|name| outcomes.iter().any(|outcome| outcome.row.fleet == **name));
    if let Some(name) = named {
        return Some(name.clone());
    }
    let mut usable: Vec<&Row> =
        outcomes.iter().map(|outcome| &outcome.row).filter(|row| row.cost_usd.is_some()).collect();
    usable.sort_by(|left, right| {
        let price = |row: &Row| row.price_usd_per_hour.unwrap_or(0.0);
        left.instances
            .cmp(&right.instances)
            .then(price(right).total_cmp(&price(left)))
            .then(left.fleet.cmp(&right.fleet))
    });
    usable.first().map(|row| row.fleet.clone())
}

/// Differences replication by replication and error by error: common random numbers make them sharper than two separate
/// intervals, and what both fleets do not know cancels where they share it.
fn differences(outcomes: &mut [Outcome], baseline: Option<&str>) {
    let Some(base) = outcomes.iter().find(|outcome| Some(outcome.row.fleet.as_str()) == baseline).cloned()
    else {
        return;
    };
    let Some(theirs) = &base.errors else { return };
    for outcome in outcomes.iter_mut() {
        let Some(ours) = &outcome.errors else { continue };
        let same_device = outcome.row.accelerator == base.row.accelerator;
        let paired = |our: &[Linear], their: &[Linear]| difference((our, ours), (their, theirs), same_device);
        outcome.row.difference = Some(Difference {
            time_s: paired(&outcome.times, &base.times),
            cost_usd: paired(&outcome.costs, &base.costs),
        });
    }
}

fn recommended(outcomes: &[Outcome], objective: &Objective) -> Option<String> {
    outcomes
        .iter()
        .map(|outcome| &outcome.row)
        .filter(|row| row.rank == Some(1) && holds_targets(row, objective))
        .map(|row| row.fleet.clone())
        .next()
}
