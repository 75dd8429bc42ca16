//! Load against cost: up to where each fleet holds its targets, and what an answer costs on the way.

use crate::study::{Comparison, Row};

use super::figure::{Axis, Direction, Figure, Legend, Mark, Scale, fleet_style};

/// Places along the load at which a fleet's cost is drawn.
const PLACES: u32 = 40;

/// Cost of a million answers at each load up to the capacity of each fleet as it stands, with the load of the scenario.
#[must_use]
pub fn break_even(comparison: &Comparison) -> Option<Figure> {
    let known: Vec<(usize, &Row, f64, f64)> = comparison
        .rows
        .iter()
        .enumerate()
        .filter_map(|(index, row)| {
            let figures = row.serving.as_ref()?;
            let hour = figures.cost_per_hour_usd?.mean;
            let capacity = figures.capacity_requests_per_s?.mean;
            (capacity > 0.0 && hour > 0.0).then_some((index, row, hour, capacity))
        })
        .collect();
    if known.len() < 2 {
        return None;
    }
    let most = known.iter().map(|(.., capacity)| *capacity).fold(0.0, f64::max);
    let least = known.iter().map(|(.., capacity)| *capacity).fold(f64::INFINITY, f64::min) / 20.0;
    let mut marks = Vec::new();
    let mut legend = Vec::new();
    for (index, row, hour, capacity) in &known {
        let style = fleet_style(*index);
        let points: Vec<[f64; 2]> = (0..=PLACES)
            .map(|place| least * libm::pow(capacity / least, f64::from(place) / f64::from(PLACES)))
            .map(|rate| [rate, hour / (rate * 3600.0) * 1e6])
            .collect();
        let end = points.last().copied().unwrap_or([*capacity, *hour]);
        marks.push(Mark::Line { points, style, label: row.fleet.clone() });
        let label = format!("{}: capacity", row.fleet);
        marks.push(Mark::Point { at: end, across: None, up: None, style, label });
        legend.push(Legend { label: row.fleet.clone(), style });
    }
    let demand = comparison.rows.iter().find_map(|row| row.serving.as_ref()?.demand_requests_per_s);
    if let Some(value) = demand.filter(|demand| *demand > 0.0 && *demand < 4.0 * most) {
        marks.push(Mark::Rule { axis: Direction::Across, value, label: "this scenario".to_owned() });
    }
    Some(Figure {
        name: "break-even",
        title: "Cost of an answer against load".to_owned(),
        x: Axis::new("requests/s", Scale::Logarithmic),
        y: Axis::new("USD per million answers", Scale::Logarithmic),
        marks,
        legend,
        note: "each line ends at the capacity of the fleet as it stands".to_owned(),
    })
}
