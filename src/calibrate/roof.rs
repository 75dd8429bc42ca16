//! The machine's achieved peaks, from the bare products and copies among what was measured.

use crate::catalog::measured::{MeasuredCurve, MeasuredFigure, Section};
use crate::stats::median;

/// The best product and the largest copy, with the spread of their runs.
#[must_use]
pub fn roof(curves: &[MeasuredCurve]) -> Vec<MeasuredFigure> {
    let probes = curves.iter().filter(|curve| curve.section == Section::Machine);
    probes.filter_map(best).collect()
}

fn best(curve: &MeasuredCurve) -> Option<MeasuredFigure> {
    let points = curve.points();
    let levels =
        |at: f64| -> Vec<f64> { points.iter().filter(|point| point.x == at).map(|point| point.y).collect() };
    let sizes = points.iter().map(|point| point.x);
    let measured = sizes.filter_map(|at| Some((at, median(&levels(at))?)));
    let (at, value) = if curve.quantity == "copy" {
        // Smaller ones never leave the caches.
        measured.max_by(|left, right| left.0.total_cmp(&right.0))?
    } else {
        measured.max_by(|left, right| left.1.total_cmp(&right.1))?
    };
    let (lo, hi) = levels(at).iter().fold((value, value), |(lo, hi), level| (lo.min(*level), hi.max(*level)));
    let name = match curve.quantity.as_str() {
        "matmul" => "matmul-peak",
        "copy" => "memory-bandwidth",
        other => other,
    };
    let mut settings = curve.settings.clone();
    settings.insert(curve.axis.clone(), at.to_string());
    Some(MeasuredFigure {
        section: Section::Machine,
        name: name.to_owned(),
        unit: curve.unit.clone(),
        value,
        lo,
        hi,
        settings,
    })
}
