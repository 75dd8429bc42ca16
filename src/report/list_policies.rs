//! `capplan list policies`: every word of a behaviour that scenarios may choose, with what it means.

use crate::catalog::Purchase;
use crate::workload::failures::CheckpointPolicy;
use crate::workload::training::InputMode;

use super::list::of_rows;
use super::table::{Cell, Table};

/// Behaviours of serving; a test holds this list against the scenario's schema.
const SERVING: &[(&str, &[(&str, &str)])] = &[
    (
        "workload.mode",
        &[
            ("online", "requests as they come"),
            ("batch", "a number of items by a deadline"),
            ("hybrid", "a share precomputed, the rest online"),
        ],
    ),
    (
        "workload.hosting.kind",
        &[
            ("microservice", "an HTTP service on own machines"),
            ("managed-endpoint", "replicas that the cloud keeps, for a premium"),
            ("managed-batch", "a job of the cloud, machines for its time only, for a premium"),
            ("serverless", "instances that come and go with requests, paid while they are there"),
            ("in-process", "the model inside the workers of a data pipeline"),
        ],
    ),
    (
        "workload.arrivals.kind",
        &[
            ("poisson", "independent of each other"),
            ("gamma", "more or less bursty, by their coefficient of variation"),
            ("mmpp", "quiet and busy states that take turns"),
            ("diurnal", "a profile over the day or week"),
            ("trace", "as in a file, streamed"),
            ("burst", "all at once"),
            ("closed", "a fixed number in flight"),
        ],
    ),
    (
        "workload.router.kind",
        &[
            ("round-robin", "one replica after the other"),
            ("least-outstanding", "the replica with fewest requests in flight"),
            ("power-of-k", "the better of a few drawn at random"),
            ("prefix-aware", "the replica that holds most of the prefix, unless it is much busier"),
            ("by-length", "short prompts to one half of the replicas, long ones to the other"),
        ],
    ),
    (
        "workload.autoscale.signal",
        &[
            ("utilisation", "share of time that replicas are busy"),
            ("outstanding", "requests in flight for each replica"),
            ("queue", "requests that wait for each replica, as seen at every look"),
        ],
    ),
    (
        "workload.batching.preemption",
        &[
            ("recompute", "a sequence gives its cache blocks up and is computed again"),
            ("swap", "its blocks go to host memory and come back"),
            ("never", "a request is let in once its whole answer has room"),
        ],
    ),
];

/// All policies.
pub(super) fn policies() -> Table {
    let mut rows: Vec<[Cell; 3]> = Vec::new();
    for word in CheckpointPolicy::ALL {
        rows.push(["workload.checkpoint.kind".into(), (*word).into(), checkpoint(word).into()]);
    }
    for (word, mode) in InputMode::ALL {
        let meaning = match mode {
            InputMode::DirectFeed => "whole set in host memory, single-threaded loop",
            InputMode::NativeOps => "original files read and decoded in parallel",
            InputMode::PreprocessedRecords => "records written beforehand by a conversion job",
        };
        rows.push(["workload.input.mode".into(), (*word).into(), meaning.into()]);
    }
    for (word, meaning) in [
        ("all-reduce", "synchronous; the slowest decides"),
        ("parameter-server", "asynchronous; stale gradients"),
    ] {
        rows.push(["workload.distribution".into(), word.into(), meaning.into()]);
    }
    for (key, words) in SERVING {
        for (word, meaning) in *words {
            rows.push([(*key).into(), (*word).into(), (*meaning).into()]);
        }
    }
    for (word, purchase) in Purchase::ALL {
        let meaning = match purchase {
            Purchase::OnDemand => "by the second, not interruptible",
            Purchase::Spot => "spare capacity, taken back at any time",
            Purchase::CommittedOneYear => "paid for a year, used or not",
            Purchase::CommittedThreeYears => "paid for three years, used or not",
            Purchase::Owned => "the user's own, at `price_per_hour`",
        };
        rows.push(["fleet.purchase".into(), (*word).into(), meaning.into()]);
    }
    of_rows(["key", "policy", "meaning"], rows)
}

fn checkpoint(word: &str) -> &'static str {
    match word {
        "young-daly" => "interval that minimises the expected wall time",
        "interval" => "fixed interval of work",
        _ => "only at the end",
    }
}
