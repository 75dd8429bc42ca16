//! The header of a trace: where its columns are.

use std::path::Path;

use super::TraceError;
use super::lines::Lines;
use crate::workload::arrivals::TraceFormat;

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
            format: of_line(header).map(TraceFormat::word),
        })
    }
}

/// Where a name is in the header.
pub(super) fn position(header: &Lines, name: &str) -> Option<usize> {
    let text = std::str::from_utf8(header.text()).ok()?;
    let text = text.trim_start_matches('\u{feff}');
    text.split(',').position(|cell| cell.trim().trim_matches('"').eq_ignore_ascii_case(name))
}

/// The columns of each format that is a table, those with times first.
const TABLES: [(TraceFormat, &[Column]); 4] = [
    (TraceFormat::Azure, &AZURE),
    (TraceFormat::Seconds, &SECONDS),
    (TraceFormat::Windows, &WINDOWS),
    (TraceFormat::Lengths, &LENGTHS),
];

/// The format whose first line the current line is.
fn of_line(line: &Lines) -> Option<TraceFormat> {
    if line.text().trim_ascii_start().first() == Some(&b'{') {
        return Some(TraceFormat::Mooncake);
    }
    let has = |column: &Column| column.known.iter().any(|name| position(line, name).is_some());
    TABLES.iter().find(|(_, columns)| columns.iter().all(has)).map(|(format, _)| *format)
}

/// Every format with its columns, in words.
pub(super) fn formats() -> String {
    let table = |(format, columns): &(TraceFormat, &[Column])| {
        let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
        format!("{} ({})", format.word(), names.join(", "))
    };
    let tables: Vec<String> = TABLES.iter().map(table).collect();
    format!("known: {}, mooncake (lines of JSON)", tables.join(", "))
}

impl TraceFormat {
    /// Every format with its word in scenarios.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("azure", Self::Azure),
        ("seconds", Self::Seconds),
        ("mooncake", Self::Mooncake),
        ("lengths", Self::Lengths),
        ("windows", Self::Windows),
    ];

    /// The word in scenarios.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, format)| *format == self).map_or("", |(word, _)| word)
    }

    /// The format that the first line of a file is of.
    ///
    /// # Errors
    /// When it cannot be read, is empty, or is of none.
    pub fn of_file(path: &Path) -> Result<Self, TraceError> {
        let mut lines = Lines::open(path)?;
        if !lines.advance()? {
            return Err(TraceError::Empty { file: lines.file() });
        }
        of_line(&lines).ok_or_else(|| TraceError::Unknown { file: lines.file() })
    }
}
