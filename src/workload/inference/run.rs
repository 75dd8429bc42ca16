//! What one replication of a serving run reports.

use crate::stats::Histogram;
use crate::units::SimSpan;

/// Time of one group of machines.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupMeters {
    /// Machine time that is billed: from the request for a machine to its release, summed over machines.
    pub billed: SimSpan,
    /// Of it, time before a machine could serve.
    pub starting: SimSpan,
    /// Replica time that was up.
    pub up: SimSpan,
    /// Replica time spent in iterations or batches.
    pub busy: SimSpan,
    /// Interruptions of machines.
    pub interruptions: u64,
    /// Most machines at once.
    pub most_machines: u32,
    /// Machine-seconds over the counted time, divided by it.
    pub mean_machines: f64,
}

/// Requests of one model of a fleet that serves several.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelMeters {
    /// Requests that arrived in the counted time.
    pub offered: u64,
    /// Of them, finished, within all targets, refused, unfinished.
    pub finished: u64,
    /// See `finished`.
    pub good: u64,
    /// See `finished`.
    pub refused: u64,
    /// See `finished`.
    pub unfinished: u64,
    /// Time to first token.
    pub time_to_first_token: Histogram,
    /// Time per output token.
    pub time_per_output_token: Histogram,
    /// From arrival to the end.
    pub latency: Histogram,
}

/// One replication. Times are in nanoseconds. Little's law holds: `in_flight_ns` is the integral of requests in the
/// system and equals the sum of their times.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServingRun {
    /// Requests that arrived in the counted time.
    pub offered: u64,
    /// Of them, finished.
    pub finished: u64,
    /// Of them, refused at the door or timed out.
    pub refused: u64,
    /// Of those refused, larger than the cache of any replica that could take them.
    pub too_large: u64,
    /// Of them, unfinished at the end.
    pub unfinished: u64,
    /// Finished within all targets.
    pub good: u64,
    /// Prompt tokens of finished requests.
    pub input_tokens: u64,
    /// Answer tokens of finished requests.
    pub output_tokens: u64,
    /// Time to first token, from the arrival at the door.
    pub time_to_first_token: Histogram,
    /// (Last token − first token) / (tokens − 1), of requests of at least 2 tokens.
    pub time_per_output_token: Histogram,
    /// From arrival to the end.
    pub latency: Histogram,
    /// Integral of requests in the system over the whole run, warm-up included.
    pub in_flight_ns: u128,
    /// Sum of the times in the system of all requests, warm-up and unfinished included.
    pub time_in_system_ns: u128,
    /// Sequences preempted.
    pub preemptions: u64,
    /// Prompt tokens found in the prefix cache.
    pub prefix_hits: u64,
    /// Greatest share of cache blocks in use.
    pub peak_cache: f64,
    /// Time-weighted mean of that share.
    pub mean_cache: f64,
    /// Replica time in iterations with prompts, and in those without.
    pub prefill_time: SimSpan,
    /// See `prefill_time`.
    pub decode_time: SimSpan,
    /// Time that requests waited before their first iteration, summed.
    pub waiting_ns: u128,
    /// Of it, while the cache was full.
    pub waiting_for_cache_ns: u128,
    /// Iterations simulated, leapt ones included.
    pub iterations: u64,
    /// Events spent.
    pub events: u64,
    /// First counted arrival to last end of a counted request.
    pub span: SimSpan,
    /// Requests in the system at half of the counted arrivals and at the last: a queue that grows between does not hold.
    pub backlog: (u64, u64),
    /// One entry per group.
    pub groups: Vec<GroupMeters>,
    /// One entry per model, where replicas hold several.
    pub models: Vec<ModelMeters>,
}
