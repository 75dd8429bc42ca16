//! What would turn the verdict: the value of a price, deadline or cadence at which another fleet wins.

use crate::scenario::{Minimize, Objective};
use crate::units::{Seconds, Significant, human_duration};

use super::compare::{holds_targets, score};
use super::outcome::Outcome;
use super::result::Flip;

/// Most flip points told.
const MOST: usize = 8;

pub(super) fn flips(outcomes: &[Outcome], objective: &Objective, recommended: Option<&str>) -> Vec<Flip> {
    let Some(winner) = outcomes.iter().find(|outcome| Some(outcome.row.fleet.as_str()) == recommended) else {
        return Vec::new();
    };
    let mut others: Vec<&Outcome> = outcomes
        .iter()
        .filter(|outcome| outcome.row.fleet != winner.row.fleet && outcome.row.cost_usd.is_some())
        .collect();
    others
        .sort_by(|left, right| left.row.rank.cmp(&right.row.rank).then(left.row.fleet.cmp(&right.row.fleet)));
    let mut found = Vec::new();
    if objective.minimize == Minimize::Cost {
        found.extend(winner_price(winner, &others, objective));
        found.extend(others.iter().filter_map(|other| other_price(winner, other, objective)));
    }
    found.extend(deadline(winner, &others, objective));
    found.extend(cadence(winner, &others, objective));
    found.truncate(MOST);
    found
}

/// The winner's price at which the next fleet that holds the targets is as cheap.
fn winner_price(winner: &Outcome, others: &[&Outcome], objective: &Objective) -> Option<Flip> {
    let next = others.iter().find(|other| holds_targets(&other.row, objective))?;
    let value = break_even(winner, score(&next.row, objective)?)?;
    let (ours, theirs) = (&winner.row.fleet, &next.row.fleet);
    Some(Flip {
        fleet: ours.clone(),
        kind: "price".to_owned(),
        value,
        unit: "USD/h per instance".to_owned(),
        sentence: format!(
            "{ours} wins while an instance costs under {} USD/h; above that {theirs} is cheaper",
            Significant(value, 3)
        ),
    })
}

/// The price at which a fleet that holds the targets would win.
fn other_price(winner: &Outcome, other: &Outcome, objective: &Objective) -> Option<Flip> {
    if !holds_targets(&other.row, objective) {
        return None;
    }
    let value = break_even(other, score(&winner.row, objective)?)?;
    let today = other.row.price_usd_per_hour? / other.row.instances as f64;
    let name = &other.row.fleet;
    Some(Flip {
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

/// The instance price at which a fleet costs `cost`: what is not machine time stays.
fn break_even(outcome: &Outcome, cost: f64) -> Option<f64> {
    let today = outcome.row.price_usd_per_hour? / outcome.row.instances as f64;
    let own = outcome.row.cost_usd?.mean;
    let rest = own - today * outcome.instance_hours;
    let value = (cost - rest) / outcome.instance_hours;
    (outcome.instance_hours > 0.0 && value > 0.0 && value.is_finite()).then_some(value)
}

/// The shortest deadline that the winner still keeps, and what then wins.
fn deadline(winner: &Outcome, others: &[&Outcome], objective: &Objective) -> Option<Flip> {
    let kept = winner.row.time_s?.p90;
    let faster = others.iter().filter(|other| other.row.time_s.is_some_and(|time| time.p90 < kept)).min_by(
        |left, right| {
            let cost = |outcome: &Outcome| score(&outcome.row, objective).unwrap_or(f64::INFINITY);
            cost(left).total_cmp(&cost(right)).then(left.row.fleet.cmp(&right.row.fleet))
        },
    )?;
    let limit = human_duration(Seconds(kept));
    let (ours, theirs) = (&winner.row.fleet, &faster.row.fleet);
    Some(Flip {
        fleet: ours.clone(),
        kind: "deadline".to_owned(),
        value: kept,
        unit: "s".to_owned(),
        sentence: format!(
            "{ours} keeps deadlines down to {limit} in nine runs of ten; below that take {theirs}"
        ),
    })
}

/// The cadence beyond which the winner cannot keep up.
fn cadence(winner: &Outcome, others: &[&Outcome], objective: &Objective) -> Option<Flip> {
    objective.repeat?;
    let most = winner.row.recurring.as_ref()?.most_runs_per_day;
    let keeps_up = others
        .iter()
        .filter(|other| {
            other.row.recurring.as_ref().is_some_and(|recurring| recurring.most_runs_per_day > most)
        })
        .min_by(|left, right| {
            let cost = |outcome: &Outcome| score(&outcome.row, objective).unwrap_or(f64::INFINITY);
            cost(left).total_cmp(&cost(right)).then(left.row.fleet.cmp(&right.row.fleet))
        });
    let (ours, value) = (&winner.row.fleet, Significant(most, 2));
    let sentence = match keeps_up {
        Some(other) => format!(
            "{} wins above {value} jobs a day: one {ours} does no more one after the other",
            other.row.fleet
        ),
        None => format!("above {value} jobs a day no fleet here keeps up"),
    };
    Some(Flip {
        fleet: ours.clone(),
        kind: "runs-per-day".to_owned(),
        value: most,
        unit: "1/day".to_owned(),
        sentence,
    })
}
