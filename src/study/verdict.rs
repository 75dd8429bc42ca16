//! The verdict in a sentence or two, and what was taken for granted.

use crate::scenario::{Minimize, Objective};
use crate::units::{Seconds, Significant, human_duration};
use crate::workload::training::{Amount, InputMode, TrainingSpec};

use super::outcome::Outcome;
use super::rank::holds_targets;
use super::result::Row;

pub(super) fn verdict(outcomes: &[Outcome], objective: &Objective, recommended: Option<&str>) -> String {
    let rows: Vec<&Row> = outcomes.iter().map(|outcome| &outcome.row).collect();
    match rows.iter().find(|row| Some(row.fleet.as_str()) == recommended) {
        Some(row) => chosen(row, &rows, objective),
        None => nobody(&rows, objective),
    }
}

fn chosen(row: &Row, rows: &[&Row], objective: &Objective) -> String {
    let mut text = format!("Take {}:", row.fleet);
    if let (Some(cost), Some(time)) = (row.cost_usd, row.time_s) {
        text.push_str(&format!(
            " {} USD ({} to {}) and {} ({} to {}) a run",
            Significant(cost.mean, 3),
            Significant(cost.lo, 3),
            Significant(cost.hi, 3),
            human_duration(Seconds(time.mean)),
            human_duration(Seconds(time.lo)),
            human_duration(Seconds(time.hi)),
        ));
    }
    for (what, met) in [("deadline", row.deadline_met), ("budget", row.budget_met)] {
        if let Some(met) = met {
            text.push_str(&format!(", {what} kept with {}", percent(met.probability)));
        }
    }
    if let Some(bound) = &row.bound {
        text.push_str(&format!(", bound by {}", bound.name));
    }
    text.push('.');
    let next = rows.iter().find(|other| other.rank == Some(2) && holds_targets(other, objective));
    if let Some(sentence) = next.and_then(|next| runner_up(row, next, objective)) {
        text.push_str(&sentence);
    }
    text
}

/// The next fleet, in terms of what is minimised.
fn runner_up(row: &Row, next: &Row, objective: &Objective) -> Option<String> {
    let of = |row: &Row| match objective.minimize {
        Minimize::Cost => row.cost_usd,
        Minimize::Time => row.time_s,
        Minimize::Carbon => row.carbon_kg,
    };
    let (ours, theirs) = (of(row)?, of(next)?);
    let (figure, more) = match objective.minimize {
        Minimize::Cost => (format!("{} USD", Significant(theirs.mean, 3)), "dearer"),
        Minimize::Time => (human_duration(Seconds(theirs.mean)), "slower"),
        Minimize::Carbon => (format!("{} kg CO2", Significant(theirs.mean, 3)), "dirtier"),
    };
    let overlap =
        if ours.hi < theirs.lo { "and their ranges do not overlap" } else { "but their ranges overlap" };
    if ours.mean <= 0.0 {
        return Some(format!(" Next is {} at {figure}, {overlap}.", next.fleet));
    }
    let percent = Significant(100.0 * (theirs.mean / ours.mean - 1.0), 2);
    Some(format!(" Next is {} at {figure}, {percent} % {more}, {overlap}.", next.fleet))
}

/// A probability in words that nobody takes for more exact than it is.
pub(super) fn percent(probability: f64) -> String {
    match probability {
        p if p > 0.0 && p < 1e-4 => "less than 0.01 %".to_owned(),
        p if p < 1.0 && p > 0.9999 => "more than 99.99 %".to_owned(),
        p => format!("{} %", Significant(100.0 * p, 3)),
    }
}

/// No fleet will do: the one that comes nearest, and what it misses.
fn nobody(rows: &[&Row], objective: &Objective) -> String {
    let Some(nearest) = rows.iter().find(|row| row.rank == Some(1)) else {
        return if rows.iter().any(|row| row.feasible) {
            "No fleet can be ranked: no price is known.".to_owned()
        } else {
            "No fleet can do this job: see the reason of each row.".to_owned()
        };
    };
    let mut missed = Vec::new();
    for (what, met) in [("deadline", nearest.deadline_met), ("budget", nearest.budget_met)] {
        if let Some(met) = met.filter(|met| met.probability < objective.confidence) {
            missed.push(format!("the {what} with {}", percent(met.probability)));
        }
    }
    format!(
        "No fleet keeps the targets with {} % confidence. {} comes nearest: it keeps {}.",
        Significant(100.0 * objective.confidence, 3),
        nearest.fleet,
        if missed.is_empty() { "them, but cannot be ranked".to_owned() } else { missed.join(" and ") },
    )
}

/// What the figures take for granted, for the reader to object to.
pub(super) fn assumptions(spec: &TrainingSpec) -> Vec<String> {
    let mut said = vec![
        "The same accuracy is assumed on every fleet.".to_owned(),
        format!(
            "Step times: software class {}; intervals are {} %.",
            spec.software.word(),
            100.0 * super::LEVEL
        ),
    ];
    match spec.amount {
        Amount::ToTarget { critical_batch, .. } => said.push(format!(
            "Samples to target grow with the global batch and double at {}.",
            Significant(critical_batch, 3)
        )),
        _ if spec.batch_per_device.is_some() => {
            said.push(
                "The global batch grows with the fleet and is not charged with extra samples.".to_owned(),
            );
        }
        _ => {}
    }
    if spec.input.mode == InputMode::PreprocessedRecords && !spec.input.convert_each_run {
        said.push(
            "The data set was converted to records once, outside the run; see the pay-back.".to_owned(),
        );
    }
    said.push(format!(
        "Failures: {} per node and day, {} more per job.",
        Significant(spec.failures.per_node_day, 3),
        Significant(spec.failures.per_job_day, 3)
    ));
    said.push("Not included: people, idle machines between runs, taxes, support plans.".to_owned());
    said
}
