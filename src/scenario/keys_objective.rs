//! The registry of keys of what is wanted.

use crate::document::{Default, Kind, Table};

use super::keys::{MONEY, SOME_TIME, TIME, key};

pub(super) static OBJECTIVE: Table = Table {
    doc: "Targets are kept, not traded; then one thing is minimised.",
    keys: &[
        key("deadline", SOME_TIME, Default::Absent, "Time from the request for machines to the result."),
        key(
            "budget",
            MONEY,
            Default::Absent,
            "Most that one run may cost; of online and hybrid inference, a month of 730 h.",
        ),
        key(
            "ttft_p50",
            SOME_TIME,
            Default::Absent,
            "Inference: time to first token that 50 % of requests stay under.",
        ),
        key(
            "ttft_p90",
            SOME_TIME,
            Default::Absent,
            "Inference: time to first token that 90 % of requests stay under.",
        ),
        key(
            "ttft_p95",
            SOME_TIME,
            Default::Absent,
            "Inference: time to first token that 95 % of requests stay under.",
        ),
        key(
            "ttft_p99",
            SOME_TIME,
            Default::Absent,
            "Inference: time to first token that 99 % of requests stay under.",
        ),
        key(
            "tpot_p50",
            SOME_TIME,
            Default::Absent,
            "Inference: time per output token after the first that 50 % of requests stay under.",
        ),
        key(
            "tpot_p90",
            SOME_TIME,
            Default::Absent,
            "Inference: time per output token after the first that 90 % of requests stay under.",
        ),
        key(
            "tpot_p95",
            SOME_TIME,
            Default::Absent,
            "Inference: time per output token after the first that 95 % of requests stay under.",
        ),
        key(
            "tpot_p99",
            SOME_TIME,
            Default::Absent,
            "Inference: time per output token after the first that 99 % of requests stay under.",
        ),
        key(
            "latency_p50",
            SOME_TIME,
            Default::Absent,
            "Inference: time of the whole request that 50 % of requests stay under.",
        ),
        key(
            "latency_p90",
            SOME_TIME,
            Default::Absent,
            "Inference: time of the whole request that 90 % of requests stay under.",
        ),
        key(
            "latency_p95",
            SOME_TIME,
            Default::Absent,
            "Inference: time of the whole request that 95 % of requests stay under.",
        ),
        key(
            "latency_p99",
            SOME_TIME,
            Default::Absent,
            "Inference: time of the whole request that 99 % of requests stay under.",
        ),
        key(
            "goodput",
            Kind::share(),
            Default::Absent,
            "Inference: share of requests that must stay within all limits on times.",
        ),
        key(
            "confidence",
            Kind::Number { min: 0.01, max: 0.999 },
            Default::Number(0.9),
            "Probability with which targets must hold.",
        ),
        key(
            "baseline",
            Kind::Text,
            Default::Derived("the fleet of fewest instances"),
            "Fleet that differences are taken against.",
        ),
        key(
            "minimize",
            Kind::Choice(&["cost", "time", "carbon"]),
            Default::Text("cost"),
            "What is minimised among fleets that hold the targets.",
        ),
        key("repeat", SOME_TIME, Default::Absent, "A recurring job: time between two runs."),
        key("test", TIME, Default::Text("0 s"), "Recurring job: time to test the new model, after training."),
        key("deploy", TIME, Default::Text("0 s"), "Recurring job: time to deploy it."),
        key(
            "value_per_run",
            MONEY,
            Default::Absent,
            "What one more run is worth, by the user's own reckoning.",
        ),
    ],
};
