//! The header of a trace: where its columns are.

use super::TraceError;
use super::lines::Lines;

/// A column and the names that it may have.
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) known: &'static [&'static str],
}

pub(super) const AZURE: [Column; 3] = [
    Column { name: "TIMESTAMP", known: &["TIMESTAMP"] },
    Column { name: "ContextTokens", known: &["ContextTokens"] },
    Column { name: "GeneratedTokens", known: &["GeneratedTokens"] },
];
pub(super) const SECONDS: [Column; 3] = [
    Column {
        name: "arrival_s",
        known: &["arrival_s", "arrival", "unit_arrival", "arrived_at", "timestamp_s"],
    },
    Column { name: "input_tokens", known: &["input_tokens", "num_prefill_tokens", "prompt_tokens"] },
    Column { name: "output_tokens", known: &["output_tokens", "num_decode_tokens", "generated_tokens"] },
];
pub(super) const LENGTHS: [Column; 2] = [
    Column { name: "num_prefill_tokens", known: &["num_prefill_tokens", "input_tokens", "prompt_tokens"] },
    Column { name: "num_decode_tokens", known: &["num_decode_tokens", "output_tokens", "generated_tokens"] },
];
pub(super) const WINDOWS: [Column; 2] = [
    Column { name: "window_start_s", known: &["window_start_s"] },
    Column { name: "total_rate_rps", known: &["total_rate_rps"] },
];
/// The column of names of workloads, which a file of windows may lack.
pub(super) const WORKLOAD: &str = "workload";

impl Column {
    /// Where the column is in the header, which is the current line.
    pub(super) fn place(&self, header: &Lines) -> Result<usize, TraceError> {
        self.known.iter().find_map(|name| position(header, name)).ok_or_else(|| TraceError::Column {
            file: header.file(),
            column: self.name,
            known: self.known.join(", "),
        })
    }
}

/// Where a name is in the header.
pub(super) fn position(header: &Lines, name: &str) -> Option<usize> {
    let text = std::str::from_utf8(header.text()).ok()?;
    let text = text.trim_start_matches('\u{feff}');
    text.split(',').position(|cell| cell.trim().trim_matches('"').eq_ignore_ascii_case(name))
}
