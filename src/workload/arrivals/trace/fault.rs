//! What can be wrong with a trace.

use thiserror::Error;

use super::{MOST_LINE, MOST_TOKENS};
use crate::document::{Code, FilePlace};

/// Why a trace cannot be read, with its place.
#[derive(Debug, Error)]
pub enum TraceError {
    /// It cannot be opened.
    #[error("{file}: {error}")]
    Open {
        /// The file.
        file: String,
        /// The system's reason.
        error: std::io::Error,
    },
    /// It cannot be read on.
    #[error("{file}:{line}: {error}")]
    Read {
        /// The file.
        file: String,
        /// The line.
        line: u64,
        /// The system's reason.
        error: std::io::Error,
    },
    /// A line is longer than any request.
    #[error("{file}:{line}: the line is longer than {MOST_LINE} bytes")]
    Long {
        /// The file.
        file: String,
        /// The line.
        line: u64,
    },
    /// It holds no request.
    #[error("{file}: there is no request in it")]
    Empty {
        /// The file.
        file: String,
    },
    /// It lacks a column.
    #[error("{file}:1: the column `{column}` is missing; known names are {known}")]
    Column {
        /// The file.
        file: String,
        /// The column.
        column: &'static str,
        /// The names that the column may have.
        known: String,
        /// The format whose columns the file has.
        format: Option<&'static str>,
    },
    /// Its first line is that of no format.
    #[error("{file}:1: the first line is that of no known trace")]
    Unknown {
        /// The file.
        file: String,
    },
    /// A value is missing or is none.
    #[error("{file}:{line}: `{column}` is \"{text}\", which is no {what}")]
    Value {
        /// The file.
        file: String,
        /// The line.
        line: u64,
        /// The column.
        column: &'static str,
        /// Where it stands in the line, in characters from 1.
        at: usize,
        /// The value as written.
        text: String,
        /// What it should be.
        what: &'static str,
    },
    /// A line of JSON is none.
    #[error(
        "{file}:{line}: {error}; a line is {{\"timestamp\": …, \"input_length\": …, \"output_length\": …}}"
    )]
    Json {
        /// The file.
        file: String,
        /// The line.
        line: u64,
        /// What is wrong.
        error: serde_json::Error,
    },
    /// Times fall.
    #[error("{file}:{line}: `{column}` falls from {before} s to {after} s; sort the rows by time")]
    Unsorted {
        /// The file.
        file: String,
        /// The line.
        line: u64,
        /// The column.
        column: &'static str,
        /// Where it stands in the line, in characters from 1.
        at: usize,
        /// Time of the row before.
        before: f64,
        /// Time of the row.
        after: f64,
    },
    /// Windows of several workloads.
    #[error("{file}:{line}: windows of \"{first}\" and of \"{second}\"; name one workload")]
    Several {
        /// The file.
        file: String,
        /// The line.
        line: u64,
        /// One workload.
        first: String,
        /// Another.
        second: String,
    },
    /// Windows of a workload that is not there.
    #[error("{file}: there is no window of \"{workload}\"")]
    Absent {
        /// The file.
        file: String,
        /// The workload asked for.
        workload: String,
    },
    /// The trace has no times but times are asked of it, or no lengths but lengths are.
    #[error("{file}: a trace of this format holds no {what}")]
    Lacks {
        /// The file.
        file: String,
        /// What it lacks.
        what: &'static str,
    },
}

impl TraceError {
    /// Where it lies.
    #[must_use]
    pub fn place(&self) -> FilePlace {
        let (file, line, column) = match self {
            Self::Open { file, .. }
            | Self::Empty { file }
            | Self::Absent { file, .. }
            | Self::Lacks { file, .. } => (file, None, None),
            Self::Read { file, line, .. } => (file, Some(*line), None),
            Self::Long { file, line } | Self::Several { file, line, .. } => (file, Some(*line), Some(1)),
            Self::Column { file, .. } | Self::Unknown { file } => (file, Some(1), Some(1)),
            Self::Value { file, line, at, .. } | Self::Unsorted { file, line, at, .. } => {
                (file, Some(*line), Some(*at))
            }
            Self::Json { file, line, error } => (file, Some(*line), Some(error.column().max(1))),
        };
        FilePlace { file: file.clone(), line, column }
    }

    /// What is wrong, without the place.
    #[must_use]
    pub fn message(&self) -> String {
        let (text, place) = (self.to_string(), self.place());
        let before = FilePlace { column: None, ..place.clone() }.words() + ": ";
        text.strip_prefix(&before).map_or_else(|| text.clone(), str::to_owned)
    }

    /// The kind of fault that it is where a scenario names the file.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Open { .. } | Self::Read { .. } => Code::Unreadable,
            Self::Long { .. } => Code::Limit,
            Self::Empty { .. } | Self::Unknown { .. } => Code::Refused,
            Self::Column { .. } | Self::Several { .. } => Code::MissingKey,
            Self::Value { text, .. } if text.parse::<f64>().is_err() => Code::WrongType,
            Self::Value { .. } => Code::OutOfRange,
            Self::Json { .. } => Code::Syntax,
            Self::Unsorted { .. } | Self::Lacks { .. } => Code::Conflict,
            Self::Absent { .. } => Code::UnknownName,
        }
    }

    /// A way out.
    #[must_use]
    pub fn suggestion(&self) -> String {
        match self {
            Self::Open { .. } | Self::Read { .. } => "paths start at the scenario's folder".to_owned(),
            Self::Long { .. } => "rows end in line ends".to_owned(),
            Self::Empty { .. } => "a trace has one row for each request".to_owned(),
            Self::Column { format: Some(format), .. } => {
                format!("the first line is that of `format = \"{format}\"`")
            }
            Self::Column { format: None, .. } | Self::Unknown { .. } => super::columns::formats(),
            Self::Value { what, .. } => format!("allowed: a {what}"),
            Self::Json { .. } => {
                "each line is an object with timestamp, input_length, output_length".to_owned()
            }
            Self::Unsorted { .. } => "sort the rows by time".to_owned(),
            Self::Several { first, .. } => format!("name one, as `select = \"{first}\"`"),
            Self::Absent { .. } => "`select` is a name in the column `workload`".to_owned(),
            Self::Lacks { .. } => "take a trace of another format".to_owned(),
        }
    }
}

/// What a time is.
pub(super) const TIME: &str = "time in seconds from 0 to 10^10";
/// What a date is.
pub(super) const DATE: &str = "time like 2023-11-16 18:15:46.680";
/// What milliseconds are.
pub(super) const MILLISECONDS: &str = "time in milliseconds from 0 to 10^13";
/// What a count of prompt tokens is.
pub(super) const INPUT: &str = "whole number from 1 to 100000000";
/// What a count of answer tokens is.
pub(super) const OUTPUT: &str = "whole number from 0 to 100000000";
/// What a rate is.
pub(super) const RATE: &str = "rate in requests per second from 0 to 10^9";

// The words above say it as a number.
const _: () = assert!(MOST_TOKENS == 100_000_000);
