//! The verdict on serving fleets in a sentence or two, and what was taken for granted.

use crate::fleet::{FleetSpec, GroupRole, HostingKind};
use crate::scenario::{Minimize, Mode, Objective};
use crate::units::Significant;

use super::super::LEVEL;
use super::super::rank::{holds_targets, score};
use super::super::result::{Estimate, Row};
use super::super::verdict::percent;
use super::Asked;
use super::online::{ServingOutcome, words};
use super::paired::differences;

pub(super) fn verdict(
    outcomes: &[ServingOutcome],
    objective: &Objective,
    recommended: Option<&str>,
) -> String {
    let Some(winner) = outcomes.iter().find(|outcome| Some(outcome.row.fleet.as_str()) == recommended) else {
        let rows: Vec<&Row> = outcomes.iter().map(|outcome| &outcome.row).collect();
        return nobody(&rows, objective);
    };
    let mut text = chosen(&winner.row);
    let next =
        |outcome: &&ServingOutcome| outcome.row.rank == Some(2) && holds_targets(&outcome.row, objective);
    if let Some(next) = outcomes.iter().find(next) {
        text.push_str(&runner_up(winner, next, objective).unwrap_or_default());
    }
    text
}

/// The next fleet: how much more of what is minimised, and whether the two can be told apart under the same requests.
fn runner_up(winner: &ServingOutcome, next: &ServingOutcome, objective: &Objective) -> Option<String> {
    let (ours, theirs) = (score(&winner.row, objective)?, score(&next.row, objective)?);
    let mut text = format!(" Next is {}", next.row.fleet);
    if ours > 0.0 {
        text.push_str(&format!(", {} % more", Significant(100.0 * (theirs / ours - 1.0), 2)));
    }
    let found = differences((&next.pairs, &next.row), (&winner.pairs, &winner.row));
    let (apart, unit) = match objective.minimize {
        Minimize::Cost if winner.row.time_s.is_some() => (found.cost_usd, "USD a run"),
        Minimize::Cost => (found.cost_usd, "USD a month"),
        Minimize::Time => (found.time_s.or(found.latency_p99_s), "s"),
        Minimize::Carbon if winner.row.time_s.is_some() => (found.carbon_kg, "kg CO2 a run"),
        Minimize::Carbon => (found.carbon_kg, "kg CO2 a month"),
    };
    if let Some(apart) = apart {
        let (low, high) = (Significant(apart.lo, 3), Significant(apart.hi, 3));
        text.push_str(&if apart.lo <= 0.0 && apart.hi >= 0.0 {
            format!("; the two cannot be told apart: the difference is {low} to {high} {unit}")
        } else {
            format!(" ({low} to {high} {unit})")
        });
    }
    text.push('.');
    Some(text)
}

fn range(estimate: &Estimate, digits: usize) -> String {
    format!(
        "{} ({} to {})",
        Significant(estimate.mean, digits),
        Significant(estimate.lo, digits),
        Significant(estimate.hi, digits)
    )
}

fn chosen(row: &Row) -> String {
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
    if let Some(p99) = figures.and_then(|figures| figures.latency_s?.p99) {
        text.push_str(&format!(", 99 % of requests within {}", words(p99.mean)));
    }
    if let Some(bound) = &row.bound {
        text.push_str(&format!(", bound by {}", bound.name));
    }
    text.push('.');
    text
}

/// No fleet will do: what each misses.
fn nobody(rows: &[&Row], objective: &Objective) -> String {
    let confidence = Significant(100.0 * objective.confidence, 3);
    let mut text = match rows.iter().any(|row| holds_targets(row, objective)) {
        true => "No fleet that holds the targets can be ranked.".to_owned(),
        false => format!("No fleet holds the targets with {confidence} % confidence."),
    };
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
                "takes {} requests/s within the targets where {} arrive, enough with {}",
                range(&capacity, 3),
                Significant(demand, 3),
                percent(met.probability)
            ));
        }
    }
    for (what, met) in [("deadline", row.deadline_met), ("budget", row.budget_met)] {
        if let Some(met) = met.filter(|met| met.probability < objective.confidence) {
            said.push(format!("keeps the {what} with {}", percent(met.probability)));
        }
    }
    if row.cost_usd.is_none() {
        said.push("no price is known".to_owned());
    } else if objective.minimize == Minimize::Carbon && row.carbon_kg.is_none() {
        said.push("its carbon is not known: minimise cost or time instead".to_owned());
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
    said.push(
        "Carbon is that of the devices: board power at work, 18 % of it while waiting, PUE and grid of the region; hosts and manufacture are left out."
            .to_owned(),
    );
    if spec.models() > 1 {
        said.push("Of several models each must hold the targets; together, those that have requests share the devices' time evenly, and their memory beside the weights by the tokens that they keep.".to_owned());
    }
    let serverless = |fleet: &FleetSpec| fleet.hostings.contains(&HostingKind::Serverless);
    if spec.hosting.kind == HostingKind::Serverless || asked.scenario.fleets.iter().any(serverless) {
        said.push("Serverless instances are paid from the request for them until they go, a cold start included; weights load at 0.5 GB/s.".to_owned());
    }
    if matches!(spec.mode, Mode::Hybrid(_)) {
        said.push("Every request looks into the store first; limits on times are on all requests, found or computed.".to_owned());
    }
    said.push("Not included: people, traffic between zones, taxes, support plans.".to_owned());
    said
}
