//! What can be wrong with traffic.

use thiserror::Error;

use super::trace::TraceError;

/// Why there is no traffic.
#[derive(Debug, Error)]
pub enum TrafficError {
    /// A trace.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// A figure.
    // Debug writes 1e308 as that, and not with three hundred zeros.
    #[error("{what} is {value:?}; it may be from {least} to {most}")]
    Range {
        /// Which figure.
        what: &'static str,
        /// As given.
        value: f64,
        /// Least allowed.
        least: f64,
        /// Most allowed.
        most: f64,
    },
    /// No kind of request.
    #[error("there is no kind of request")]
    NoKind,
    /// Shares of a mix.
    #[error("the shares of the kinds of requests sum to {sum}; they must sum to 1")]
    Shares {
        /// Their sum.
        sum: f64,
    },
    /// A burst without a number.
    #[error("a burst without a number of requests never ends; state the number")]
    Endless,
    /// A law of lengths.
    #[error("a law of {what} tokens {fault}")]
    Lengths {
        /// `prompt` or `answer`.
        what: &'static str,
        /// What is wrong with it.
        fault: &'static str,
    },
}
