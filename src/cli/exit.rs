//! Exit status, and failures on their way to it.

use std::process::ExitCode;

use serde_json::json;

use crate::catalog::CatalogError;
use crate::document::{Code, Diagnostics, LoadError};
use crate::report::{draw, error_json};
use crate::study::StudyError;

/// How the program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Done.
    Done,
    /// A fault of ours.
    Fault,
    /// A wrong call.
    Usage,
    /// A scenario, price, trace or observation file is bad.
    BadFile,
    /// Refused by a limit.
    Limit,
    /// A file could not be read or written.
    Io,
    /// A calibration is missing or of another machine.
    Calibration,
    /// No fleet is feasible and able to meet the targets.
    NoFleet,
    /// A threshold was crossed.
    Threshold,
    /// Interrupted.
    Interrupted,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(match status {
            Status::Done => 0,
            Status::Fault => 1,
            Status::Usage => 2,
            Status::BadFile => 3,
            Status::Limit => 4,
            Status::Io => 5,
            Status::Calibration => 6,
            Status::NoFleet => 10,
            Status::Threshold => 11,
            Status::Interrupted => 130,
        })
    }
}

/// Why a command failed.
#[derive(Debug)]
pub enum Failure {
    /// Faults in the user's files, with places.
    Faults(Diagnostics),
    /// Anything else: status, stable code, message, way out.
    Plain {
        /// Status.
        status: Status,
        /// Stable code.
        code: &'static str,
        /// Message.
        message: String,
        /// Way out.
        suggestion: Option<String>,
    },
}

impl Failure {
    /// A failure without a place.
    pub fn plain(status: Status, code: &'static str, message: impl Into<String>) -> Self {
        Self::Plain { status, code, message: message.into(), suggestion: None }
    }

    /// With a way out.
    #[must_use]
    pub fn suggest(self, text: impl Into<String>) -> Self {
        match self {
            Self::Plain { status, code, message, .. } => {
                Self::Plain { status, code, message, suggestion: Some(text.into()) }
            }
            faults @ Self::Faults(_) => faults,
        }
    }

    /// Prints the failure on stderr and gives its status.
    pub fn tell(self, as_json: bool, quiet: bool) -> ExitCode {
        let (text, status) = match self {
            Self::Faults(faults) if as_json => (error_json(&faults) + "\n", of_faults(&faults)),
            Self::Faults(faults) => (draw(&faults), of_faults(&faults)),
            Self::Plain { status, code, message, suggestion } if as_json => {
                let error = json!({ "error": {
                    "code": code, "key": null, "file": null, "line": null, "column": null,
                    "message": message, "suggestion": suggestion,
                }});
                (format!("{error}\n"), status)
            }
            Self::Plain { status: Status::Interrupted, .. } if quiet => (String::new(), Status::Interrupted),
            Self::Plain { status, message, suggestion, .. } => {
                let way_out = suggestion.map_or_else(String::new, |text| format!("  = {text}\n"));
                (format!("error: {message}\n{way_out}"), status)
            }
        };
        super::output::to_stderr(&text);
        status.into()
    }
}

/// A file that a document names may be unreadable or too large; anything else is a bad file.
fn of_faults(faults: &Diagnostics) -> Status {
    if faults.all_are(Code::Unreadable) {
        Status::Io
    } else if faults.all_are(Code::Limit) {
        Status::Limit
    } else {
        Status::BadFile
    }
}

impl From<Diagnostics> for Failure {
    fn from(faults: Diagnostics) -> Self {
        Self::Faults(faults)
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        let (status, code) = match error {
            LoadError::Io { .. } | LoadError::NotAFile { .. } => (Status::Io, "io"),
            LoadError::TooLarge { .. } => (Status::Limit, "limit"),
            LoadError::NotText { .. } => (Status::BadFile, "not-text"),
        };
        Self::plain(status, code, error.to_string())
    }
}

impl From<CatalogError> for Failure {
    fn from(error: CatalogError) -> Self {
        match error {
            CatalogError::Load(error) => error.into(),
            CatalogError::Folder { .. } => Self::plain(Status::Io, "io", error.to_string()),
            CatalogError::Faults(faults) => Self::Faults(faults),
        }
    }
}

impl From<StudyError> for Failure {
    fn from(error: StudyError) -> Self {
        let (status, code) = match error {
            StudyError::TooMany(_) | StudyError::TooLong { .. } => (Status::Limit, "limit"),
            StudyError::Cancelled => (Status::Interrupted, "interrupted"),
            StudyError::Threads(_) => (Status::Fault, "threads"),
            StudyError::Profile(_) => (Status::Fault, "profile"),
        };
        Self::plain(status, code, error.to_string())
    }
}
