//! What was measured of one task, size by size, and the curve through it.

use crate::stats::{Curve, Point};
use crate::units::Significant;

use super::figure::{Axis, Figure, Legend, Mark, Style};
use super::pareto::scale;

/// Places that a curve is drawn through.
const PLACES: u32 = 80;

/// The points of a task, which may still be measured, and its curve once it has one.
#[must_use]
pub fn calibration_figure(
    title: &str,
    (axis, unit): (&str, &str),
    points: &[Point],
    curve: Option<&Curve>,
) -> Figure {
    let (measured, fitted) = (Style::nth(0), Style { dashed: true, ..Style::nth(1) });
    let (low, high) = points
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), point| (low.min(point.x), high.max(point.x)));
    let x = Axis::new(axis, scale(points.iter().map(|point| point.x)));
    let y = Axis::new(unit, scale(points.iter().map(|point| point.y)));
    let mut legend = vec![Legend { label: "measured".to_owned(), style: measured }];
    let mut marks: Vec<Mark> = points
        .iter()
        .map(|point| Mark::Point {
            at: [point.x, point.y],
            across: None,
            up: None,
            style: measured,
            label: format!("{} {unit} at {axis} {}", Significant(point.y, 4), point.x),
        })
        .collect();
    if let Some(curve) = curve.filter(|_| low < high) {
        let at = |place: u32| {
            let share = f64::from(place) / f64::from(PLACES);
            let x = if low > 0.0 { low * libm::pow(high / low, share) } else { low + share * (high - low) };
            [x, curve.evaluate(x)]
        };
        let label = "fitted".to_owned();
        marks.push(Mark::Line {
            points: (0..=PLACES).map(at).collect(),
            style: fitted,
            label: label.clone(),
        });
        legend.push(Legend { label, style: fitted });
    }
    Figure { name: "calibration", title: title.to_owned(), x, y, marks, legend, note: String::new() }
}
