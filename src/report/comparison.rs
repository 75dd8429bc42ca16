//! A comparison as JSON, as the flat table of all exports, and as the short table of the terminal.

use crate::catalog::Purchase;
use crate::study::{Comparison, Estimate, GroupFigures, Probability, Row};
use crate::units::{Seconds, Significant, human_duration};

use super::serving_columns;
use super::table::{BREAK, Cell, Table};
use super::terminal::Width;

/// A figure of a row.
pub(super) type Figure<'a, T> = &'a dyn Fn(&Row) -> Option<T>;

/// The result contract as JSON text.
#[must_use]
pub fn result_json(comparison: &Comparison) -> String {
    // Every type of the contract serialises: numbers are finite, keys are strings.
    let mut text = serde_json::to_string_pretty(comparison).unwrap_or_default();
    text.push('\n');
    text
}

/// JSON Schema of the result contract.
#[must_use]
pub fn result_schema() -> serde_json::Value {
    serde_json::to_value(schemars::schema_for!(Comparison)).unwrap_or_default()
}

/// One row per fleet, one column per figure: what CSV, Parquet and Markdown hold.
#[must_use]
pub fn flat_table(comparison: &Comparison) -> Table {
    let rows = &comparison.rows;
    let mut table = Table::default();
    let mut plain = |name: &str, value: &dyn Fn(&Row) -> Cell| table.push(name, rows.iter().map(value));
    plain("fleet", &|row| row.fleet.as_str().into());
    plain("rank", &|row| row.rank.into());
    plain("recommended", &|row| (comparison.recommended.as_deref() == Some(&row.fleet)).into());
    plain("pareto", &|row| row.pareto.into());
    plain("feasible", &|row| row.feasible.into());
    plain("reason", &|row| row.reason.clone().into());
    plain("instance", &|row| row.instance.as_str().into());
    plain("instances", &|row| row.instances.into());
    plain("accelerator", &|row| row.accelerator.clone().into());
    plain("accelerators", &|row| row.accelerators.into());
    plain("purchase", &|row| row.purchase.word().into());
    plain("region", &|row| row.region.as_str().into());
    plain("layout", &|row| row.layout.clone().into());
    plain("price_usd_per_hour", &|row| row.price_usd_per_hour.into());
    let estimates: [(&str, Figure<'_, Estimate>); 9] = [
        ("time_s", &|row| row.time_s),
        ("cost_usd", &|row| row.cost_usd),
        ("samples_per_s", &|row| row.samples_per_s),
        ("tokens_per_s_per_accelerator", &|row| row.tokens_per_s_per_accelerator),
        ("mfu", &|row| row.mfu),
        ("stall_share", &|row| row.stall_share),
        ("checkpoint_share", &|row| row.checkpoint_share),
        ("failure_share", &|row| row.failure_share),
        ("carbon_kg", &|row| row.carbon_kg),
    ];
    for (name, value) in estimates {
        estimate_columns(&mut table, name, rows, value);
    }
    let probabilities: [(&str, Figure<'_, Probability>); 2] =
        [("deadline_met", &|row| row.deadline_met), ("budget_met", &|row| row.budget_met)];
    for (name, value) in probabilities {
        probability_columns(&mut table, name, rows, value);
    }
    if comparison.workload != "training" {
        serving_columns::push(&mut table, rows);
    }
    let mut plain = |name: &str, value: &dyn Fn(&Row) -> Cell| table.push(name, rows.iter().map(value));
    plain("bound", &|row| row.bound.as_ref().map(|bound| bound.name.clone()).into());
    plain("bound_share", &|row| row.bound.as_ref().map(|bound| bound.share).into());
    plain("bound_next", &|row| row.bound.as_ref().map(|bound| bound.next.clone()).into());
    plain("bound_margin", &|row| row.bound.as_ref().map(|bound| bound.margin).into());
    plain("memory_per_accelerator_bytes", &|row| row.memory_per_accelerator_bytes.into());
    plain("interruptions", &|row| row.interruptions.into());
    plain("steps", &|row| row.steps.into());
    plain("samples", &|row| row.samples.into());
    plain("replications", &|row| row.replications.into());
    plain("relative_half_width", &|row| row.relative_half_width.into());
    plain("provenance", &|row| row.provenance.map(|provenance| provenance.word()).into());
    plain("basis", &|row| row.basis.clone().into());
    plain("warnings", &|row| row.warnings.join("; ").into());
    for item in crate::cost::Item::ALL {
        let name = format!("ledger_{}_usd", item.word().replace('-', "_"));
        table.push(name, rows.iter().map(|row| ledger_cell(row, item.word())));
    }
    table
}

/// Names of the columns of [`flat_table`] that hold numbers.
#[must_use]
pub fn numeric_columns() -> Vec<String> {
    const WORDS: &[&str] = &[
        "fleet",
        "recommended",
        "pareto",
        "feasible",
        "reason",
        "instance",
        "accelerator",
        "purchase",
        "region",
        "layout",
        "bound",
        "bound_next",
        "provenance",
        "basis",
        "warnings",
    ];
    let names = flat_table(&Comparison::default()).columns.into_iter().map(|column| column.name);
    names
        .filter(|name| !WORDS.contains(&name.as_str()) && !serving_columns::WORDS.contains(&name.as_str()))
        .collect()
}

fn ledger_cell(row: &Row, item: &str) -> Cell {
    if row.cost_usd.is_none() {
        return Cell::Null;
    }
    row.ledger.iter().find(|line| line.item == item).map_or(0.0, |line| line.usd).into()
}

pub(super) fn estimate_columns(table: &mut Table, name: &str, rows: &[Row], value: Figure<'_, Estimate>) {
    type Part = fn(&Estimate) -> f64;
    let parts: [(&str, Part); 5] = [
        ("mean", |estimate| estimate.mean),
        ("lo", |estimate| estimate.lo),
        ("hi", |estimate| estimate.hi),
        ("p50", |estimate| estimate.p50),
        ("p90", |estimate| estimate.p90),
    ];
    for (suffix, part) in parts {
        table.push(
            format!("{name}_{suffix}"),
            rows.iter().map(|row| value(row).map(|estimate| part(&estimate)).into()),
        );
    }
}

pub(super) fn probability_columns(
    table: &mut Table,
    name: &str,
    rows: &[Row],
    value: Figure<'_, Probability>,
) {
    type Part = fn(&Probability) -> f64;
    let parts: [(&str, Part); 3] =
        [("probability", |met| met.probability), ("lo", |met| met.lo), ("hi", |met| met.hi)];
    for (suffix, part) in parts {
        table
            .push(format!("{name}_{suffix}"), rows.iter().map(|row| value(row).map(|met| part(&met)).into()));
    }
}

/// What a person wants at first sight, one row per fleet, best first.
#[must_use]
pub fn short_table(comparison: &Comparison) -> Table {
    let mut rows: Vec<&Row> = comparison.rows.iter().collect();
    rows.sort_by_key(|row| (row.rank.unwrap_or(u64::MAX), !row.feasible));
    if comparison.workload == "inference" {
        return serving_columns::short(comparison, &rows);
    }
    let mut table = Table::default();
    let mut column =
        |name: &str, value: &dyn Fn(&Row) -> Cell| table.push(name, rows.iter().map(|row| value(row)));
    column("", &|row| if comparison.recommended.as_deref() == Some(&row.fleet) { "*" } else { "" }.into());
    column("fleet", &|row| row.fleet.as_str().into());
    column("machines", &|row| machines(row).into());
    column("time", &|row| row.time_s.map(|time| duration_range(&time)).into());
    column("cost USD", &|row| row.cost_usd.map(|cost| range(&cost)).into());
    if rows.iter().any(|row| row.deadline_met.is_some()) {
        column("deadline", &|row| row.deadline_met.map(|met| percent(&met)).into());
    }
    if rows.iter().any(|row| row.budget_met.is_some()) {
        column("budget", &|row| row.budget_met.map(|met| percent(&met)).into());
    }
    column("bound (next)", &|row| match (&row.bound, &row.reason) {
        (Some(bound), _) => {
            let margin = Significant(bound.margin.min(999.0), 2);
            format!("{}{BREAK}({} at {margin}×)", bound.name, bound.next).into()
        }
        (None, Some(reason)) => reason.as_str().into(),
        (None, None) => Cell::Null,
    });
    column("stall", &|row| {
        row.stall_share.map(|stall| format!("{} %", Significant((100.0 * stall.mean).round(), 3))).into()
    });
    column("known", &|row| row.provenance.map(|provenance| provenance.word()).into());
    table
}

/// The short table without the columns that a narrow terminal has no room for.
#[must_use]
pub fn fitted_table(comparison: &Comparison, width: Width) -> Table {
    let mut table = short_table(comparison);
    let spare: &[&str] = match width.0 {
        0..90 => &["known", "stall", "machines", "busy", "TPOT p50/p99", "USD/Mtok in+out", "USD/M answers"],
        90..120 => &["known", "stall", "busy", "USD/Mtok in+out", "USD/M answers"],
        _ => &[],
    };
    table.columns.retain(|column| !spare.contains(&column.name.as_str()));
    table
}

pub(super) fn range(estimate: &Estimate) -> String {
    format!(
        "{}{BREAK}({}–{})",
        Significant(estimate.mean, 3),
        Significant(estimate.lo, 3),
        Significant(estimate.hi, 3)
    )
}

/// Machines without the provider, which the region tells as well, and with terms only where they are not the usual.
pub(super) fn machines(row: &Row) -> String {
    let groups = row.serving.as_ref().map_or(&[][..], |figures| figures.groups.as_slice());
    if !groups.is_empty() {
        let words = |group: &GroupFigures| some_machines(group.instances, &group.instance, group.purchase);
        return groups.iter().map(words).collect::<Vec<_>>().join(" + ");
    }
    some_machines(row.instances, &row.instance, row.purchase)
}

fn some_machines(count: u64, instance: &str, purchase: Purchase) -> String {
    let name = instance.split_once('/').map_or(instance, |(_, name)| name);
    let terms = if purchase == Purchase::OnDemand { String::new() } else { format!(" {}", purchase.word()) };
    format!("{count} × {name}{terms}")
}

/// A duration with its range in the unit that suits the mean: `2.3 h (1.5–3.5)`.
fn duration_range(estimate: &Estimate) -> String {
    let text = human_duration(Seconds(estimate.mean));
    let (value, unit) = text.split_once(' ').unwrap_or((&text, ""));
    let scale = value.parse::<f64>().map_or(1.0, |value| estimate.mean / value);
    let part = |seconds: f64| Significant(seconds / scale, 3);
    format!("{value} {unit}{BREAK}({}–{})", part(estimate.lo), part(estimate.hi))
}

pub(super) fn percent(met: &Probability) -> String {
    let share = 100.0 * met.probability;
    if share > 99.5 && share < 100.0 { ">99 %".to_owned() } else { format!("{} %", share.round()) }
}
