//! Stacked bars, one a fleet: the bill by item, what bounds, and the memory of a device.

use crate::study::{Comparison, Row};
use crate::units::Significant;

use super::figure::{Axis, Figure, Legend, Mark, Scale, Style};

/// The bill of every fleet with a known cost.
#[must_use]
pub fn costs(comparison: &Comparison) -> Option<Figure> {
    let monthly = comparison
        .rows
        .iter()
        .any(|row| row.serving.as_ref().is_some_and(|figures| figures.cost_per_month_usd.is_some()));
    let label = if monthly && comparison.workload != "training" { "USD" } else { "USD a run" };
    let parts = |row: &Row| -> Vec<(String, f64)> {
        row.ledger.iter().map(|line| (line.item.clone(), line.usd)).collect()
    };
    stacked(comparison, "cost", "The bill, item by item", label, parts)
}

/// Share of the step (of the run, for failures) that the bound of each fleet takes.
#[must_use]
pub fn bounds(comparison: &Comparison) -> Option<Figure> {
    let parts = |row: &Row| -> Vec<(String, f64)> {
        row.bound.iter().map(|bound| (bound.name.clone(), 100.0 * bound.share)).collect()
    };
    let mut figure = stacked(comparison, "bound", "What bounds each fleet", "share of its time, %", parts)?;
    figure.x.range = Some((0.0, 100.0));
    Some(figure)
}

/// Memory of one device, part by part.
#[must_use]
pub fn memory(comparison: &Comparison) -> Option<Figure> {
    let gib = f64::from(1_u32 << 30);
    let parts = move |row: &Row| -> Vec<(String, f64)> {
        row.memory.iter().map(|part| (part.part.clone(), part.bytes / gib)).collect()
    };
    stacked(comparison, "memory", "Memory of one accelerator", "GiB", parts)
}

fn stacked(
    comparison: &Comparison,
    name: &'static str,
    title: &str,
    label: &str,
    parts: impl Fn(&Row) -> Vec<(String, f64)>,
) -> Option<Figure> {
    let rows: Vec<(&Row, Vec<(String, f64)>)> = comparison
        .rows
        .iter()
        .map(|row| (row, parts(row)))
        .filter(|(_, parts)| parts.iter().any(|(_, value)| *value > 0.0))
        .collect();
    if rows.is_empty() {
        return None;
    }
    let mut names: Vec<&str> = Vec::new();
    for (part, value) in rows.iter().flat_map(|(_, parts)| parts) {
        if *value > 0.0 && !names.contains(&part.as_str()) {
            names.push(part);
        }
    }
    let mut marks = Vec::new();
    for (place, (row, parts)) in rows.iter().enumerate() {
        let mut from = 0.0;
        for (part, value) in parts.iter().filter(|(_, value)| *value > 0.0) {
            let index = names.iter().position(|name| name == part).unwrap_or(0);
            marks.push(Mark::Bar {
                at: place as f64,
                span: [from, from + value],
                style: Style::nth(index),
                label: format!("{}, {part}: {} {label}", row.fleet, Significant(*value, 4)),
            });
            from += value;
        }
    }
    let legend = names
        .iter()
        .enumerate()
        .map(|(index, name)| Legend { label: (*name).to_owned(), style: Style::nth(index) })
        .collect();
    Some(Figure {
        name,
        title: title.to_owned(),
        x: Axis::new(label, Scale::Linear),
        y: Axis::new("", Scale::Named(rows.iter().map(|(row, _)| row.fleet.clone()).collect())),
        marks,
        legend,
        note: String::new(),
    })
}
