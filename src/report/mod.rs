//! Floor 9: telling.
//!
//! Owns every form in which results leave: one flat table ([`Table`]) from which terminal, CSV, Markdown and Parquet are
//! made, JSON of the same rows, files written atomically, diagnostics drawn with carets, catalog listings and
//! explanations. It must not compute results: what is not in a [`Comparison`](crate::study::Comparison) is not told.

mod accuracy;
mod actions;
mod calibration;
mod columns;
mod comparison;
mod diagnostics;
mod explain;
mod explain_figures;
mod explain_serving;
mod files;
#[cfg(feature = "tables")]
mod frame;
mod html;
mod list;
mod list_policies;
mod list_services;
mod measured;
mod plot;
mod profiles;
mod resolved;
mod serving_columns;
mod serving_summary;
mod summary;
mod table;
mod terminal;
mod terminal_plot;
mod trace;
mod validation;
#[cfg(feature = "calibrate")]
mod verification;
#[cfg(feature = "tables")]
mod workbook;

pub use calibration::{calibration_json, calibration_table, calibration_text};
pub use columns::{Heading, Known, heading, known, metric, stem};
pub use comparison::{fitted_table, flat_table, numeric_columns, result_json, result_schema, short_table};
pub use diagnostics::{draw, error_json};
pub use explain::{ExplainError, METRICS, explain, known_metric};
pub use files::{
    Artifact, OutError, Provenances, artifacts, digest, may_write, pictures, write_file, write_folder,
};
#[cfg(feature = "tables")]
pub use frame::parquet;
pub use html::report_html;
pub use list::{ListError, Listing, list};
pub use measured::{measured_json, measured_short_table, measured_table, measured_text};
pub use plot::{
    Axis, Direction, Figure, Lanes, Legend, Mark, Marker, Measure, Piece, Scale, Style, act_colour, bounds,
    break_even, calibration_figure, costs, figures, fleet_style, latencies, latency_times, measures, memory,
    pareto, scaling, span_words, tick_text, ticks, tornado, validation_figure,
};
#[cfg(feature = "gui")]
pub use plot::{PngError, png_of_pixels};
pub use profiles::profiles_table;
pub use resolved::{defaults_as_comments, planned_json, planned_table, resolved_table};
pub use summary::{Section, sections, summary};
pub use table::{Cell, Column, Table, clean};
pub use terminal::{Width, terminal};
pub use terminal_plot::curve_plot;
pub use trace::chrome_trace;
pub use validation::{validation_rows, validation_table, validation_text};
#[cfg(feature = "calibrate")]
pub use verification::{verification_json, verification_table, verification_text};
#[cfg(feature = "tables")]
pub use workbook::workbook;
