//! What can be wrong with a trace.

use thiserror::Error;

use super::{MOST_LINE, MOST_TOKENS};

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
