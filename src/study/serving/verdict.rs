//! The verdict on serving fleets in a sentence or two, and what was taken for granted.

use crate::fleet::{FleetSpec, GroupRole};
use crate::scenario::{Mode, Objective};
use crate::units::Significant;

use super::super::LEVEL;
use super::super::result::{Estimate, Row};
use super::Asked;
use super::compare::{holds_targets, score};
use super::online::words;

pub(super) fn verdict(rows: &[Row], objective: &Objective, recommended: Option<&str>) -> String {
    match rows.iter().find(|row| Some(row.fleet.as_str()) == recommended) {
        Some(row) => chosen(row, rows, objective),
        None => nobody(rows, objective),
    }
}

fn range(estimate: &Estimate, digits: usize) -> String {
    format!(
        "{} ({} to {})",
        Significant(estimate.mean, digits),
        Significant(estimate.lo, digits),
        Significant(estimate.hi, digits)
    )
}

fn chosen(row: &Row, rows: &[Row], objective: &Objective) -> String {
    let mut text = format!("Take {}:", row.fleet);
    let figures = row.serving.as_deref();
    if let Some(capacity) = figures.and_then(|figures| figures.capacity_requests_per_s) {
        text.push_str(&format!(" it takes {} requests/s within the targets", range(&capacity, 3)));
    }
    if let Some(time) = row.time_s {
        text.push_str(&format!(
            " it is done in {} ({} to {})",
            words(time.mean),
            words(time.lo),
            words(time.hi)
        ));
    }
    if let Some(cost) = row.cost_usd {
        let period = if row.time_s.is_some() { "a run" } else { "a month" };
        text.push_str(&format!(" for {} USD {period}", range(&cost, 3)));
    }
    if let Some(times) = figures.and_then(|figures| figures.latency_s) {
        text.push_str(&format!(", 99 % of requests within {}", words(times.p99.mean)));
    }
    if let Some(bound) = &row.bound {
        text.push_str(&format!(", bound by {}", bound.name));
    }
    text.push('.');
    let next = rows.iter().find(|other| other.rank == Some(2) && holds_targets(other, objective));
    if let Some((ours, (theirs, next))) =
        score(row, objective).zip(next.and_then(|next| Some((score(next, objective)?, next))))
        && ours > 0.0
    {
        let percent = Significant(100.0 * (theirs / ours - 1.0), 2);
        text.push_str(&format!(" Next is {}, {percent} % more.", next.fleet));
    }
    text
}

/// No fleet will do: what each misses.
fn nobody(rows: &[Row], objective: &Objective) -> String {
    let mut text = format!(
        "No fleet holds the targets with {} % confidence.",
        Significant(100.0 * objective.confidence, 3)
    );
    for row in rows {
        text.push_str(&format!(" {}: {}.", row.fleet, missed(row, objective)));
    }
    text
}

fn missed(row: &Row, objective: &Objective) -> String {
    if let Some(reason) = &row.reason {
        return reason.clone();
    }
    let mut said = Vec::new();
    let figures = row.serving.as_deref();
    if let Some(met) =
        figures.and_then(|figures| figures.targets_met).filter(|met| met.probability < objective.confidence)
    {
        let capacity = figures.and_then(|figures| figures.capacity_requests_per_s);
        let demand = figures.and_then(|figures| figures.demand_requests_per_s);
        if let (Some(capacity), Some(demand)) = (capacity, demand) {
            said.push(format!(
                "takes {} requests/s within the targets where {} arrive, enough with {} %",
                range(&capacity, 3),
                Significant(demand, 3),
                Significant(100.0 * met.probability, 2)
            ));
        }
    }
    for (what, met) in [("deadline", row.deadline_met), ("budget", row.budget_met)] {
        if let Some(met) = met.filter(|met| met.probability < objective.confidence) {
            said.push(format!("keeps the {what} with {} %", Significant(100.0 * met.probability, 2)));
        }
    }
    if row.cost_usd.is_none() {
        said.push("no price is known".to_owned());
    }
    if said.is_empty() { "cannot be ranked".to_owned() } else { said.join(", ") }
}

/// What the figures take for granted.
pub(super) fn assumptions(asked: &Asked<'_>) -> Vec<String> {
    let spec = asked.spec;
    let mut said = vec![
        "The same accuracy is assumed on every fleet.".to_owned(),
        format!("Intervals are {} %: the error of step times and replications together.", 100.0 * LEVEL),
        "TTFT runs from the arrival to the first token; TPOT is (last token − first token) / (tokens − 1) of each request; both, and latency, are percentiles over requests.".to_owned(),
        format!(
            "Hosting: {}; a call adds {} to TTFT and latency.",
            spec.hosting.kind.word(),
            words(spec.hosting.call.0)
        ),
    ];
    if spec.is_language() {
        said.push(format!("Engine {}: its rules of scheduling and host overheads.", spec.engine));
    }
    if spec.mode == Mode::Online {
        said.push(
            "Capacity is the highest steady rate, of the same burstiness, at which every target holds."
                .to_owned(),
        );
    }
    let reads_apart = |fleet: &FleetSpec| {
        fleet.role == Some(GroupRole::Prefill)
            || fleet.others.iter().any(|other| other.role == Some(GroupRole::Prefill))
    };
    if asked.scenario.fleets.iter().any(reads_apart) {
        said.push(
            "Caches of prompts go to decode groups over the slower machine's network card, each at its full rate."
                .to_owned(),
        );
    }
    said.push("Not included: people, traffic between zones, taxes, support plans.".to_owned());
    said
}
