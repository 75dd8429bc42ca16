//! What traffic is asked for, as a scenario states it.

use std::path::PathBuf;

use crate::units::Seconds;

/// How requests are spread in time.
#[derive(Clone, Debug, PartialEq)]
pub enum ArrivalSpec {
    /// Independent arrivals at a constant rate.
    Poisson {
        /// Requests per second.
        rate: f64,
    },
    /// Gamma-distributed gaps: burstier than Poisson above a coefficient of variation of 1.
    Gamma {
        /// Requests per second.
        rate: f64,
        /// Coefficient of variation of the gaps.
        cv: f64,
    },
    /// Two-state Markov-modulated Poisson process: quiet and burst.
    Mmpp {
        /// Requests per second while quiet.
        quiet_rate: f64,
        /// Requests per second in a burst.
        burst_rate: f64,
        /// Mean length of a quiet spell.
        quiet: Seconds,
        /// Mean length of a burst.
        burst: Seconds,
    },
    /// Poisson with a rate that follows a repeating profile, linear between points.
    Profile {
        /// Mean requests per second over the profile.
        rate: f64,
        /// Relative rates at evenly spaced times.
        points: Vec<f64>,
        /// Length of the whole profile: a day or a week.
        period: Seconds,
    },
    /// Times of a trace.
    Trace(TraceSource),
    /// All requests at once: a saturation run.
    Burst,
    /// A number of clients, each with one request in flight, thinking between.
    Closed {
        /// Clients.
        clients: u32,
        /// Mean time between an answer and the next request; exponential.
        think: Seconds,
    },
}

/// A trace file.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceSource {
    /// The file.
    pub path: PathBuf,
    /// Its columns.
    pub format: TraceFormat,
    /// Rate is multiplied by this: gaps are divided by it.
    pub speed: f64,
    /// Whether the trace starts again when it ends.
    pub repeat: bool,
    /// Which `workload` of a file of windows that holds several.
    pub select: Option<String>,
}

/// Columns of trace files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TraceFormat {
    /// `TIMESTAMP,ContextTokens,GeneratedTokens` (Azure).
    Azure,
    /// `arrival_s,input_tokens,output_tokens`, seconds; other usual names of these columns are known as well.
    Seconds,
    /// JSON lines with `timestamp` in milliseconds, `input_length`, `output_length`, `hash_ids` (Mooncake).
    Mooncake,
    /// `num_prefill_tokens,num_decode_tokens` without times: lengths only.
    Lengths,
    /// `workload,window_start_s,…,total_rate_rps,…`: a rate per window (ServeGen).
    Windows,
}

/// A law of token counts.
#[derive(Clone, Debug, PartialEq)]
pub enum LengthLaw {
    /// Always the same.
    Fixed(u32),
    /// Even between two counts.
    Uniform(u32, u32),
    /// Lognormal with a median and a mean, cut at a most.
    LogNormal {
        /// Median.
        median: f64,
        /// Mean.
        mean: f64,
        /// Most.
        most: u32,
    },
    /// Quantiles at evenly spaced probabilities, linear between.
    Empirical(Vec<u32>),
}

/// Lengths of prompts and answers.
#[derive(Clone, Debug, PartialEq)]
pub struct LengthSpec {
    /// Prompt tokens.
    pub input: LengthLaw,
    /// Answer tokens.
    pub output: LengthLaw,
    /// Lengths taken from a trace together, instead of the two laws. Where it is the trace that the times come from,
    /// each request has the lengths of its own row; otherwise the rows are taken in their order.
    pub trace: Option<TraceSource>,
}

/// One kind of traffic in a mix.
#[derive(Clone, Debug, PartialEq)]
pub struct Mix {
    /// Share of all requests.
    pub share: f64,
    /// Lengths.
    pub lengths: LengthSpec,
    /// Smaller goes first.
    pub priority: u8,
    /// Model of the mix.
    pub model: u16,
    /// Groups of requests that share a prefix, and the tokens that they share.
    pub prefix: Option<(u32, u32)>,
}

/// Everything about what arrives.
#[derive(Clone, Debug, PartialEq)]
pub struct TrafficSpec {
    /// Times.
    pub arrivals: ArrivalSpec,
    /// Kinds of requests; shares sum to 1.
    pub mixes: Vec<Mix>,
    /// Requests to draw; a trace ends with its rows where this is `None`.
    pub requests: Option<u64>,
    /// Most tokens of a prompt and its answer together: a longer prompt is cut to leave room for one token, a longer
    /// answer ends there.
    pub most_tokens: Option<u32>,
}
