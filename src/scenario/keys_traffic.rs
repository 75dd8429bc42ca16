//! The registry of keys of traffic: arrivals, lengths, mixes.

use crate::document::{Default, Kind, Table};

use super::keys::{COUNTS, SOME_TIME, TIME, key};

/// Requests per second that make sense.
pub(super) const RATE: Kind = Kind::Number { min: 1e-6, max: 1e7 };
const TOKENS: Kind = Kind::Count { min: 0, max: 10_000_000 };

/// When requests come.
pub(super) static ARRIVALS: Table = Table {
    doc: "When requests come.",
    keys: &[
        key(
            "kind",
            Kind::Choice(&["poisson", "gamma", "mmpp", "diurnal", "trace", "burst", "closed"]),
            Default::Text("poisson"),
            "Independent, bursty, quiet and burst by turns, a daily profile, a recorded trace, all at once, or a number of clients.",
        ),
        key("rate", RATE, Default::Absent, "Mean requests per second."),
        key(
            "cv",
            Kind::Number { min: 0.05, max: 50.0 },
            Default::Number(2.0),
            "`gamma`: coefficient of variation of the gaps.",
        ),
        key(
            "burst_rate",
            RATE,
            Default::Absent,
            "`mmpp`: requests per second in a burst; `rate` holds between.",
        ),
        key("quiet", SOME_TIME, Default::Text("10 min"), "`mmpp`: mean length of a quiet spell."),
        key("burst", SOME_TIME, Default::Text("1 min"), "`mmpp`: mean length of a burst."),
        key(
            "points",
            Kind::Numbers,
            Default::Absent,
            "`diurnal`: relative rates at evenly spaced times of the period.",
        ),
        key(
            "peak_to_mean",
            Kind::Number { min: 1.0, max: 2.0 },
            Default::Number(1.6),
            "`diurnal` without points: a cosine of this peak over the mean.",
        ),
        key("period", SOME_TIME, Default::Text("1 day"), "`diurnal`: length of the profile."),
        key("file", Kind::Text, Default::Absent, "`trace`: path of the file, from the scenario's folder."),
        key(
            "format",
            Kind::Choice(&["azure", "seconds", "mooncake", "lengths", "windows"]),
            Default::Derived("by its first line"),
            "`trace`: its columns.",
        ),
        key(
            "speed",
            Kind::Number { min: 1e-6, max: 1e6 },
            Default::Number(1.0),
            "`trace`: rate over the recorded one.",
        ),
        key("repeat", Kind::Boolean, Default::Boolean(false), "`trace`: whether it starts again at its end."),
        key("select", Kind::Text, Default::Absent, "`trace` of windows: which of the workloads in the file."),
        key("clients", COUNTS, Default::Count(1), "`closed`: clients with one request in flight each."),
        key(
            "think",
            TIME,
            Default::Text("0 s"),
            "`closed`: mean time between an answer and the next request.",
        ),
        key(
            "requests",
            Kind::Count { min: 10, max: 100_000_000 },
            Default::Derived("enough for a 99th percentile over a full fleet"),
            "Requests of one replication.",
        ),
    ],
};

/// Tokens of prompts and answers.
pub(super) static LENGTHS: Table = Table {
    doc: "Tokens of prompts and answers, of language models; items of a request, of others.",
    keys: &[
        key(
            "input",
            Kind::Either(&[TOKENS, Kind::Table(&LAW)]),
            Default::Count(512),
            "Prompt tokens; a trace's own where arrivals replay one and no length is stated.",
        ),
        key("output", Kind::Either(&[TOKENS, Kind::Table(&LAW)]), Default::Count(128), "Answer tokens."),
        key("dataset", Kind::Text, Default::Absent, "Lengths of a known data set, as `sharegpt`, instead."),
        key("file", Kind::Text, Default::Absent, "Lengths taken together from a trace instead."),
        key(
            "format",
            Kind::Choice(&["azure", "seconds", "mooncake", "lengths"]),
            Default::Derived("by its first line"),
            "Columns of that file.",
        ),
        key(
            "items",
            Kind::Count { min: 1, max: 65_536 },
            Default::Count(1),
            "Other models: items of one request.",
        ),
    ],
};

/// A law of lengths.
static LAW: Table = Table {
    doc: "A law of lengths.",
    keys: &[
        key(
            "kind",
            Kind::Choice(&["fixed", "uniform", "lognormal", "empirical"]),
            Default::Text("lognormal"),
            "The law.",
        ),
        key("tokens", TOKENS, Default::Absent, "`fixed`: always so many."),
        key("low", TOKENS, Default::Absent, "`uniform`: least."),
        key("high", TOKENS, Default::Absent, "`uniform`: most."),
        key("median", Kind::Number { min: 1.0, max: 1e7 }, Default::Absent, "`lognormal`: median."),
        key(
            "mean",
            Kind::Number { min: 1.0, max: 1e7 },
            Default::Absent,
            "`lognormal`: mean, at least the median.",
        ),
        key("most", TOKENS, Default::Derived("16 times the mean"), "`lognormal`: cut here."),
        key(
            "quantiles",
            Kind::Numbers,
            Default::Absent,
            "`empirical`: quantiles at evenly spaced probabilities.",
        ),
    ],
};

/// One kind of requests in a mix.
pub(super) static MIX: Table = Table {
    doc: "One kind of requests.",
    keys: &[
        key(
            "share",
            Kind::Number { min: 1e-6, max: 1e6 },
            Default::Number(1.0),
            "Its weight among all kinds.",
        ),
        key("lengths", Kind::Table(&LENGTHS), Default::Derived("table"), "Its lengths."),
        key(
            "model",
            Kind::Text,
            Default::Derived("the workload's"),
            "Another model than the workload's: catalog id or path. Fleets serve all of them, `together` or `apart`.",
        ),
        key(
            "precision",
            Kind::Choice(&["fp32", "bf16", "fp16", "fp8", "int8", "int4", "fp4", "mxfp4"]),
            Default::Derived("the workload's"),
            "How that model's weights are stored.",
        ),
        key("priority", Kind::Count { min: 0, max: 255 }, Default::Count(0), "Smaller goes first."),
        key("prefix_groups", COUNTS, Default::Absent, "Groups of requests that begin alike."),
        key(
            "prefix_tokens",
            Kind::Count { min: 1, max: 10_000_000 },
            Default::Absent,
            "Tokens that a group shares.",
        ),
    ],
};
