//! Trace files: their formats, read row by row in bounded memory, and what can be wrong with them.

mod columns;
mod fault;
mod lines;
mod rows;
mod stamp;
mod survey;
mod windows;

pub use fault::TraceError;
pub(super) use rows::{Rows, TraceRow};
pub use survey::TraceSurvey;
pub(super) use windows::{Window, Windows};

/// Longest line that is read: a prompt of a million tokens names some thousands of blocks.
const MOST_LINE: usize = 1 << 20;
/// Most tokens of a request.
const MOST_TOKENS: u32 = 100_000_000;
/// Latest time: three hundred years.
const MOST_SECONDS: f64 = 1e10;
/// Most requests per second: one for each tick of the clock.
pub(super) const MOST_RATE: f64 = 1e9;
