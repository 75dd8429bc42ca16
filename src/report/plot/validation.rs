//! Predicted over published values: the published value along, the ratio up, with bands of 10 and 30 %.

use crate::validate::{Report, RowReport};

use super::figure::{Axis, Direction, Figure, Legend, Mark, Marker, Scale, Style};

/// The greatest ratio drawn; those beyond stand on the edge.
const MOST: f64 = 3.0;

/// The picture; empty axes when nothing was scored.
#[must_use]
pub fn validation_figure(report: &Report) -> Figure {
    let points: Vec<(&RowReport, f64, f64)> = report
        .rows
        .iter()
        .filter_map(|row| Some((row, row.published?, row.predicted?)))
        .filter(|(_, published, predicted)| *published > 0.0 && *predicted > 0.0)
        .collect();
    let mut categories: Vec<&str> = points.iter().map(|(row, ..)| row.category.as_str()).collect();
    categories.sort_unstable();
    categories.dedup();
    let style = |index: usize| Style { marker: Marker::Circle, faint: true, ..Style::nth(index) };
    let mut marks: Vec<Mark> = [1.3, 1.1]
        .map(|factor| Mark::Band { span: [1.0 / factor, factor], label: format!("within {factor}×") })
        .into();
    marks.push(Mark::Rule { axis: Direction::Up, value: 1.0, label: String::new() });
    marks.extend(points.iter().map(|(row, published, predicted)| {
        let index = categories.iter().position(|category| *category == row.category).unwrap_or(0);
        Mark::Point {
            at: [*published, (predicted / published).clamp(1.0 / MOST, MOST)],
            across: None,
            up: None,
            style: style(index),
            label: format!("{}: {published} published, {predicted:.4} predicted", row.id),
        }
    }));
    let legend = categories
        .iter()
        .enumerate()
        .map(|(index, category)| Legend { label: told(report, category), style: style(index) })
        .collect();
    Figure {
        name: "scatter",
        title: "Predicted over published".to_owned(),
        x: Axis::new("published, in the unit of each row", Scale::Logarithmic),
        y: Axis {
            label: "predicted over published".to_owned(),
            scale: Scale::Logarithmic,
            range: Some((1.0 / MOST, MOST)),
        },
        marks,
        legend,
        note: "own accelerator and model left out of the fit; bands of 10 and 30 %".to_owned(),
    }
}

fn told(report: &Report, category: &str) -> String {
    let group = report.groups.iter().find(|group| group.by == "category" && group.key == category);
    let median = group.and_then(|group| group.median_abs_pct_error);
    median.map_or_else(|| category.to_owned(), |median| format!("{category} {median:.1} %"))
}
