//! Reading the tables that ship with the program.

use serde::de::DeserializeOwned;
use thiserror::Error;

/// Why a shipped table cannot be used.
#[derive(Debug, Error)]
pub enum ProfileError {
    /// Not the table that the program expects.
    #[error("{file}: {error}")]
    Table {
        /// The file inside the program.
        file: &'static str,
        /// What is wrong, with its line.
        error: csv::Error,
    },
    /// A row names what nothing else knows.
    #[error("{file}: unknown {what} `{name}`")]
    Unknown {
        /// The file inside the program.
        file: &'static str,
        /// What is named.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// The regression cannot be solved.
    #[error("the regression of step times has no solution: {0}")]
    Unsolvable(&'static str),
}

/// The rows of a shipped table; lines that start with `#` are its header.
pub(super) fn rows<T: DeserializeOwned>(file: &'static str, text: &str) -> Result<Vec<T>, ProfileError> {
    csv::ReaderBuilder::new()
        .comment(Some(b'#'))
        .from_reader(text.as_bytes())
        .into_deserialize()
        .collect::<Result<_, _>>()
        .map_err(|error| ProfileError::Table { file, error })
}
