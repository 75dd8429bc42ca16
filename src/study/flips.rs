//! What would turn the verdict: the value of a price, deadline or cadence at which another fleet wins.

use crate::scenario::{Minimize, Objective};
use crate::units::{Seconds, Significant, human_duration};

use super::outcome::Outcome;
use super::price_flips::price_flips;
use super::rank::{challengers, score};
use super::result::Flip;

/// Most flip points told.
const MOST: usize = 8;

pub(super) fn flips(outcomes: &[Outcome], objective: &Objective, recommended: Option<&str>) -> Vec<Flip> {
    let Some((winner, others)) = challengers(outcomes, recommended) else { return Vec::new() };
    let mut found = Vec::new();
    if objective.minimize == Minimize::Cost {
        found.extend(price_flips(winner, &others, objective));
    }
    found.extend(deadline(winner, &others, objective));
    found.extend(cadence(winner, &others, objective));
    found.truncate(MOST);
    found
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
