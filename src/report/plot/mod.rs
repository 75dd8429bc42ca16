//! Pictures of a comparison, drawn by nobody yet.
//!
//! A view turns a [`Comparison`](crate::study::Comparison) into a [`Figure`]: axes, marks and a legend in the units of
//! the data. [`svg`](Figure::svg) draws it for files, the window draws the same figure with its own plotter, so that a
//! fleet has one colour and one marker everywhere. One file a view; a view computes no result.

mod bars;
mod calibration;
mod figure;
mod lanes;
mod latency;
mod load;
mod pareto;
#[cfg(feature = "gui")]
mod png;
mod scaling;
mod svg;
mod ticks;
mod tornado;
mod validation;

pub use bars::{bounds, costs, memory};
pub use calibration::calibration_figure;
pub use figure::{Axis, Direction, Figure, Legend, Mark, Marker, Scale, Style, fleet_style};
pub use lanes::{Lanes, Piece, act_colour, span_words};
pub use latency::{latencies, latency_times};
pub use load::break_even;
pub use pareto::{Measure, measures, pareto};
#[cfg(feature = "gui")]
pub use png::{PngError, png_of_pixels};
pub use scaling::scaling;
pub(super) use svg::escaped;
pub use ticks::{tick_text, ticks};
pub use tornado::tornado;
pub use validation::validation_figure;

use crate::study::Comparison;

/// Every figure that a comparison has data for, in the order of a report.
#[must_use]
pub fn figures(comparison: &Comparison) -> Vec<Figure> {
    let across = Measure::usual(comparison);
    let latencies = latency_times(comparison).into_iter().map(|(time, _)| latencies(comparison, time));
    let before =
        [pareto(comparison, across.0, across.1), costs(comparison), bounds(comparison), scaling(comparison)];
    let after = [break_even(comparison), memory(comparison)];
    before.into_iter().chain(latencies).chain(after).flatten().collect()
}
