//! The rules by which a key means something: one line for each group of keys.

/// What a key needs to mean something.
pub(super) enum Needs {
    /// A model that writes tokens one after the other.
    Language,
    /// A model that does not.
    Ordinary,
    /// One of these modes.
    Mode(&'static [&'static str]),
    /// `kind` of its own table is one of these.
    Kind(&'static [&'static str]),
    /// Hosting of one of these kinds.
    Hosting(&'static [&'static str]),
    /// Another key of its own table is one of these words.
    Is(&'static str, &'static [&'static str]),
    /// One of these keys stands in the same table.
    Beside(&'static [&'static str]),
    /// None of these does.
    Alone(&'static [&'static str]),
    /// Training.
    Training,
    /// Some fleet on spot terms.
    Spot,
}

/// Keys of a table with what they need.
pub(super) struct Rule {
    /// Path of the table; `[]` stands for every entry of a list.
    pub table: &'static str,
    /// Its keys.
    pub keys: &'static [&'static str],
    /// What they need.
    pub needs: Needs,
    /// What to write instead; empty for the keys that are allowed.
    pub instead: &'static str,
}

const fn rule(
    table: &'static str,
    keys: &'static [&'static str],
    needs: Needs,
    instead: &'static str,
) -> Rule {
    Rule { table, keys, needs, instead }
}

use Needs::{Alone, Beside, Hosting, Is, Kind, Language, Mode, Ordinary, Spot, Training};

const REQUESTS: Needs = Mode(&["online", "hybrid"]);
const BATCH: Needs = Mode(&["batch"]);
const TOKEN_TIMES: &[&str] =
    &["ttft_p50", "ttft_p90", "ttft_p95", "ttft_p99", "tpot_p50", "tpot_p90", "tpot_p95", "tpot_p99"];
const TIMES: &[&str] = &[
    "ttft_p50",
    "ttft_p90",
    "ttft_p95",
    "ttft_p99",
    "tpot_p50",
    "tpot_p90",
    "tpot_p95",
    "tpot_p99",
    "latency_p50",
    "latency_p90",
    "latency_p95",
    "latency_p99",
];
const TRACE: &[&str] = &["file", "format", "speed", "repeat", "select"];
const ENGINE: &[&str] = &[
    "max_sequences",
    "max_batched_tokens",
    "max_length",
    "chunked_prefill",
    "prefix_cache",
    "preemption",
    "memory_fraction",
    "drafts",
    "acceptance",
];
const BATCHER: &[&str] =
    &["max_batch", "max_delay", "preferred", "padded_to", "instances", "max_queue", "queue_timeout"];
const TRAINING_LAYOUT: &[&str] = &[
    "data_parallel",
    "sequence_parallel",
    "virtual_stages",
    "context_parallel",
    "sharding",
    "shard_group",
    "micro_batch",
    "gradient_accumulation",
    "recompute",
    "offload",
];
const SERVING_LAYOUT: &[&str] = &["tensor_parallel", "pipeline_parallel", "expert_parallel"];
const TEXTS: &[&str] = &["input", "output", "dataset", "file", "format"];
/// Lengths of prompts and of answers, wherever they stand.
const LENGTHS: [&str; 2] = ["workload.lengths", "workload.mix[].lengths"];
const LAWS: [&str; 4] = [
    "workload.lengths.input",
    "workload.lengths.output",
    "workload.mix[].lengths.input",
    "workload.mix[].lengths.output",
];
const LAYOUTS: [&str; 2] = ["fleet[].layout", "fleet[].group[].layout"];

const JOB: &str = "a batch job has a `deadline` and a `budget`";
const SERVICE: &str =
    "a service has limits: ttft_p99 and tpot_p99 of language models, latency_p99, goodput, budget";
const NOBODY_WAITS: &str = "nobody waits for the items of a batch job: leave it out";
const BUSY: &str = "a batch job keeps its machines busy until it is done: leave it out";
const WHOLE: &str = "limit the whole request with `latency_p99`";
const OWN_LENGTHS: &str = "each [[workload.mix]] has lengths of its own";

/// Rules of inference; of several that a key breaks the first is told.
pub(super) const SERVING_RULES: &[Rule] = &[
    rule("objective", &["deadline", "repeat"], BATCH, SERVICE),
    rule("objective", TIMES, REQUESTS, JOB),
    rule("objective", &["goodput"], REQUESTS, JOB),
    rule("objective", TOKEN_TIMES, Language, WHOLE),
    rule("objective", &["goodput"], Beside(TIMES), "add a limit, as `latency_p99 = \"500 ms\"`"),
    rule(
        "objective",
        &["test", "deploy", "value_per_run"],
        Beside(&["repeat"]),
        "add `repeat`, or leave it out",
    ),
    rule("workload", &["arrivals", "router", "admission", "autoscale", "loss"], REQUESTS, BUSY),
    rule("workload", &["batch"], BATCH, "for a batch job write `mode = \"batch\"`"),
    rule("workload", &["hybrid"], Mode(&["hybrid"]), "to precompute a share write `mode = \"hybrid\"`"),
    rule("workload", &["engine", "cache_precision", "api"], Language, "leave it out"),
    rule("workload", &["software"], Ordinary, "language models have an `engine`"),
    rule("workload", &["api"], REQUESTS, "leave it out"),
    rule("workload", &["lengths"], Alone(&["mix"]), OWN_LENGTHS),
    rule(LENGTHS[0], TEXTS, Language, "such a request has a number of `items`"),
    rule(LENGTHS[0], &["items"], Ordinary, "requests of language models have `input` and `output`"),
    rule(LENGTHS[0], &["input", "output"], Alone(&["dataset", "file"]), ""),
    rule(LENGTHS[0], &["dataset"], Alone(&["file"]), ""),
    rule(LENGTHS[0], &["format"], Beside(&["file"]), "add `file`, the path of a trace"),
    rule(LENGTHS[1], TEXTS, Language, "such a request has a number of `items`"),
    rule(LENGTHS[1], &["items"], Ordinary, "requests of language models have `input` and `output`"),
    rule(LENGTHS[1], &["input", "output"], Alone(&["dataset", "file"]), ""),
    rule(LENGTHS[1], &["dataset"], Alone(&["file"]), ""),
    rule(LENGTHS[1], &["format"], Beside(&["file"]), "add `file`, the path of a trace"),
    rule("workload.mix[]", &["prefix_groups", "prefix_tokens"], Language, ""),
    law(0, 0),
    law(0, 1),
    law(0, 2),
    law(0, 3),
    law(1, 0),
    law(1, 1),
    law(1, 2),
    law(1, 3),
    law(2, 0),
    law(2, 1),
    law(2, 2),
    law(2, 3),
    law(3, 0),
    law(3, 1),
    law(3, 2),
    law(3, 3),
    rule("workload.arrivals", &["rate"], Kind(&["poisson", "gamma", "mmpp", "diurnal"]), ""),
    rule("workload.arrivals", &["cv"], Kind(&["gamma"]), ""),
    rule("workload.arrivals", &["burst_rate", "quiet", "burst"], Kind(&["mmpp"]), ""),
    rule("workload.arrivals", &["points", "peak_to_mean", "period"], Kind(&["diurnal"]), ""),
    rule("workload.arrivals", &["peak_to_mean"], Alone(&["points"]), ""),
    rule("workload.arrivals", TRACE, Kind(&["trace"]), ""),
    rule("workload.arrivals", &["clients", "think"], Kind(&["closed"]), ""),
    rule("workload.batching", ENGINE, Language, ""),
    rule("workload.batching", BATCHER, Ordinary, ""),
    rule(
        "workload.batching",
        &["acceptance"],
        Beside(&["drafts"]),
        "add `drafts`, tokens drafted per iteration",
    ),
    rule("workload.batching", &["max_delay", "max_queue", "queue_timeout"], REQUESTS, NOBODY_WAITS),
    rule(
        "workload.batching",
        &["max_delay"],
        Hosting(&["microservice", "managed-endpoint", "managed-batch", "serverless"]),
        "in process the wait is `workload.hosting.window`",
    ),
    rule("workload.router", &["choices"], Kind(&["power-of-k"]), ""),
    rule("workload.router", &["threshold"], Kind(&["by-length"]), ""),
    rule("workload.admission", &["wait"], Alone(&["outstanding"]), ""),
    rule("workload.hosting", &["micro_batch", "window"], Hosting(&["in-process"]), ""),
    rule("workload.hosting", &["concurrency", "keep_warm"], Hosting(&["serverless"]), ""),
    rule("workload.hosting", &["micro_batch", "window"], Ordinary, ""),
    rule("workload.hosting", &["call_overhead", "window"], REQUESTS, NOBODY_WAITS),
    rule("workload.failures", &["job_failures", "restart"], Training, ""),
    rule("workload.failures", &["detection"], BATCH, "a service asks for another machine at once"),
    rule("workload.failures", &["spot_process", "spot_up"], Spot, "give a fleet `purchase = \"spot\"`"),
    rule("workload.failures", &["spot_process"], Alone(&["spot_up"]), ""),
    rule("workload.failures", &["spot_down"], Beside(&["spot_up"]), "add `spot_up`"),
    rule("workload.failures", &["spot_law"], Beside(&["spot_process"]), "add `spot_process`"),
    rule("workload.startup", &["wait"], Training, ""),
    rule("pricing", &["storage_price", "egress_price", "egress_per_run"], Training, ""),
    rule(LAYOUTS[0], TRAINING_LAYOUT, Training, ""),
    rule(LAYOUTS[1], TRAINING_LAYOUT, Training, ""),
    rule(LAYOUTS[0], SERVING_LAYOUT, Language, "other models lie whole on each device"),
    rule(LAYOUTS[1], SERVING_LAYOUT, Language, "other models lie whole on each device"),
];

/// Keys of a law of lengths, by its kind.
const fn law(place: usize, kind: usize) -> Rule {
    match kind {
        0 => rule(LAWS[place], &["tokens"], Kind(&["fixed"]), ""),
        1 => rule(LAWS[place], &["low", "high"], Kind(&["uniform"]), ""),
        2 => rule(LAWS[place], &["median", "mean", "most"], Kind(&["lognormal"]), ""),
        _ => rule(LAWS[place], &["quantiles"], Kind(&["empirical"]), ""),
    }
}

const SERVERS: &str = "write `distribution = \"parameter-server\"`, or leave it out";

/// Rules of training.
pub(super) const TRAINING_RULES: &[Rule] = &[
    rule(
        "objective",
        &["test", "deploy", "value_per_run"],
        Beside(&["repeat"]),
        "add `repeat`, or leave it out",
    ),
    rule("workload", &["parameter_servers", "staleness"], Is("distribution", &["parameter-server"]), SERVERS),
    rule("workload.failures", &["spot_process", "spot_up"], Spot, "give a fleet `purchase = \"spot\"`"),
    rule("workload.failures", &["spot_process"], Alone(&["spot_up"]), ""),
    rule("workload.failures", &["spot_down"], Beside(&["spot_up"]), "add `spot_up`"),
    rule("workload.failures", &["spot_law"], Beside(&["spot_process"]), "add `spot_process`"),
];
