//! Rows of transformers: their jobs, and predictions that never saw the pair of device and model that a row is about.

mod columns;
mod convert;
mod held_out;
mod memory;
mod row;
mod words;

pub use columns::TransformerColumns;
pub use held_out::{FitError, TransformerFitted, fit_transformers};
pub(super) use held_out::{SHIPPED, SHIPPED_TEXT, TransformerPredictor};
pub(super) use row::Sources;
