//! Prices that would turn the verdict.

use crate::scenario::Objective;
use crate::units::Significant;

use super::rank::{Ranked, holds_targets};
use super::result::Flip;

/// The price up to which the winner wins, and the prices at which others would.
pub(super) fn price_flips<O: Ranked>(winner: &O, others: &[&O], objective: &Objective) -> Vec<Flip> {
    let mut found: Vec<Flip> = winner_price(winner, others, objective).into_iter().collect();
    found.extend(others.iter().filter_map(|other| other_price(winner, *other, objective)));
    found
}

/// The winner's price at which the next fleet that holds the targets is as cheap.
fn winner_price<O: Ranked>(winner: &O, others: &[&O], objective: &Objective) -> Option<Flip> {
    let next = others.iter().find(|other| holds_targets(other.row(), objective))?.row();
    let (value, _) = break_even(winner, next.cost_usd?.mean)?;
    let (ours, theirs) = (&winner.row().fleet, &next.fleet);
    Some(flip(
        ours,
        value,
        format!(
            "{ours} wins while an instance costs under {} USD/h; above that {theirs} is cheaper",
            Significant(value, 3)
        ),
    ))
}

/// The price at which a fleet that holds the targets would win.
fn other_price<O: Ranked>(winner: &O, other: &O, objective: &Objective) -> Option<Flip> {
    if !holds_targets(other.row(), objective) {
        return None;
    }
    let (value, today) = break_even(other, winner.row().cost_usd?.mean)?;
    let name = &other.row().fleet;
    Some(flip(
        name,
        value,
        format!(
            "{name} would win under {} USD/h an instance (now {})",
            Significant(value, 3),
            Significant(today, 3)
        ),
    ))
}

fn flip(fleet: &str, value: f64, sentence: String) -> Flip {
    let (kind, unit) = ("price".to_owned(), "USD/h per instance".to_owned());
    Flip { fleet: fleet.to_owned(), kind, value, unit, sentence }
}

/// The instance price at which a fleet costs `cost`, each way to run it weighed anew at that price, and today's price.
/// What is not machine time stays. `None` for fleets of several kinds of machines, which have no such price.
fn break_even<O: Ranked>(outcome: &O, cost: f64) -> Option<(f64, f64)> {
    let row = outcome.row();
    let today = row.price_usd_per_hour? / row.instances.max(1) as f64;
    // It costs no more than `cost` as soon as one way does: the highest of the ways' prices.
    let factors = outcome.price_lines().into_iter().map(|(stays, moves)| (cost - stays) / moves);
    let factor = factors.filter(|factor| factor.is_finite()).fold(f64::NEG_INFINITY, f64::max);
    let value = today * factor;
    (value > 0.0 && value.is_finite()).then_some((value, today))
}
