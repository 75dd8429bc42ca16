//! The registry of keys of an inference workload.

use crate::catalog::Preemption;
use crate::document::{Default, Kind, Table};
use crate::units::Dimension;

use super::keys::{BYTES, COUNTS, SOME_TIME, TIME, key};
use super::keys_failures::{FAILURES, STARTUP};
use super::keys_profile::TRANSFER;
use super::keys_traffic::{ARRIVALS, LENGTHS, MIX};
use crate::fleet::HostingKind;

const SEQUENCES: Kind = Kind::Count { min: 1, max: 65_536 };

/// An inference workload.
pub(super) static SERVING: Table = Table {
    doc: "Serving a model: requests as they come, a number of items by a deadline, or both.",
    keys: &[
        key("kind", Kind::Choice(&["training", "inference"]), Default::Text("inference"), "Sort of work."),
        key(
            "model",
            Kind::Text,
            Default::Required,
            "Catalog id, or path to a model file or to a Hugging Face config.json.",
        ),
        key(
            "profile",
            Kind::Text,
            Default::Absent,
            "Measured profile: a file of `capplan calibrate`, or a name of `capplan list profiles`.",
        ),
        key(
            "transfer",
            Kind::Tables(&TRANSFER),
            Default::Absent,
            "Devices that the profile is carried to; all others keep the catalog's prediction.",
        ),
        key(
            "precision",
            Kind::Choice(&["fp32", "bf16", "fp16", "fp8", "int8", "int4", "fp4", "mxfp4"]),
            Default::Text("bf16"),
            "How weights are stored; arithmetic is the device's own of that width, or 16 bit.",
        ),
        key(
            "cache_precision",
            Kind::Choice(&["bf16", "fp16", "fp8", "int8"]),
            Default::Derived("that of activations: 16 bit"),
            "Language models: precision of cached keys and values.",
        ),
        key(
            "mode",
            Kind::Choice(&["online", "batch", "hybrid"]),
            Default::Text("online"),
            "Requests as they come, a number of items by a deadline, or a precomputed share and the rest online.",
        ),
        key(
            "engine",
            Kind::Text,
            Default::Text("vllm-v1"),
            "Language models: serving engine of the catalog; see `capplan list engines`.",
        ),
        key(
            "software",
            Kind::Choice(&[
                "tensorrt",
                "onnxruntime",
                "pytorch",
                "tensorflow",
                "tensorflow2",
                "mxnet",
                "paddle",
            ]),
            Default::Derived("compiled networks, as in benchmark submissions"),
            "Other models: what runs the network.",
        ),
        key("arrivals", Kind::Table(&ARRIVALS), Default::Derived("table"), "When requests come."),
        key("lengths", Kind::Table(&LENGTHS), Default::Derived("table"), "Tokens of prompts and answers."),
        key(
            "mix",
            Kind::Tables(&MIX),
            Default::Absent,
            "Several kinds of requests instead of one; each may name a model of its own.",
        ),
        key("batching", Kind::Table(&BATCHING), Default::Derived("table"), "How requests share a device."),
        key("router", Kind::Table(&ROUTER), Default::Derived("table"), "Which replica takes a request."),
        key("admission", Kind::Table(&ADMISSION), Default::Derived("table"), "When a request is refused."),
        key(
            "autoscale",
            Kind::Table(&AUTOSCALE),
            Default::Absent,
            "Machines that come and go with the load.",
        ),
        key("hosting", Kind::Table(&HOSTING), Default::Derived("table"), "Where the model lives."),
        key("batch", Kind::Table(&BATCH), Default::Derived("table"), "Batch mode: what is to be scored."),
        key("hybrid", Kind::Table(&HYBRID), Default::Derived("table"), "Hybrid mode: what is precomputed."),
        key("loss", Kind::Tables(&LOSS), Default::Absent, "Machines that are taken away on purpose."),
        key("api", Kind::Table(&API), Default::Derived("table"), "Prices of hosted models to compare with."),
        key("failures", Kind::Table(&FAILURES), Default::Derived("table"), "What interrupts machines."),
        key(
            "startup",
            Kind::Table(&STARTUP),
            Default::Derived("table"),
            "From the request to the first answer.",
        ),
    ],
};

static BATCHING: Table = Table {
    doc: "How requests share a device. What is left out is the engine's.",
    keys: &[
        key(
            "max_sequences",
            SEQUENCES,
            Default::Derived("the engine's"),
            "Language models: most sequences of an iteration.",
        ),
        key(
            "max_batched_tokens",
            Kind::Count { min: 1, max: 1_048_576 },
            Default::Derived("the engine's"),
            "Language models: most tokens of an iteration; with chunked prefill the size of a chunk.",
        ),
        key(
            "max_length",
            Kind::Count { min: 2, max: 100_000_000 },
            Default::Derived("the model's context length"),
            "Language models: most tokens of a prompt and its answer together; what is longer is cut.",
        ),
        key(
            "chunked_prefill",
            Kind::Boolean,
            Default::Derived("the engine's"),
            "Whether long prompts are cut.",
        ),
        key(
            "prefix_cache",
            Kind::Boolean,
            Default::Derived("the engine's"),
            "Whether shared beginnings are kept.",
        ),
        key(
            "preemption",
            Kind::Choice(Preemption::WORDS),
            Default::Derived("the engine's"),
            "What happens to a sequence when the cache is full.",
        ),
        key(
            "memory_fraction",
            Kind::Number { min: 0.05, max: 1.0 },
            Default::Derived("the engine's"),
            "Share of memory; of what, is the engine's: the device (vLLM), what weights and activations leave (TensorRT-LLM).",
        ),
        key(
            "drafts",
            Kind::Count { min: 1, max: 32 },
            Default::Absent,
            "Speculative decoding: tokens drafted per iteration.",
        ),
        key(
            "acceptance",
            Kind::Number { min: 0.0, max: 0.999 },
            Default::Number(0.7),
            "Speculative decoding: probability that a drafted token is accepted.",
        ),
        key(
            "max_batch",
            Kind::Count { min: 1, max: 65_536 },
            Default::Count(32),
            "Other models: most items of a batch.",
        ),
        key(
            "max_delay",
            TIME,
            Default::Text("0 s"),
            "Other models: longest wait of the oldest request for a fuller batch.",
        ),
        key("preferred", Kind::Numbers, Default::Absent, "Other models: batch sizes that are sent at once."),
        key(
            "padded_to",
            Kind::Numbers,
            Default::Absent,
            "Other models: batches are padded up to one of these sizes.",
        ),
        key(
            "instances",
            Kind::Count { min: 1, max: 64 },
            Default::Count(1),
            "Other models: instances that share one device.",
        ),
        key(
            "max_queue",
            Kind::Count { min: 1, max: 1_000_000_000 },
            Default::Absent,
            "Other models: most requests that wait.",
        ),
        key(
            "queue_timeout",
            SOME_TIME,
            Default::Absent,
            "Other models: longest wait before a request is refused.",
        ),
    ],
};

static ROUTER: Table = Table {
    doc: "Which replica takes a request.",
    keys: &[
        key(
            "kind",
            Kind::Choice(&["round-robin", "least-outstanding", "power-of-k", "prefix-aware", "by-length"]),
            Default::Text("least-outstanding"),
            "The rule.",
        ),
        key(
            "choices",
            Kind::Count { min: 1, max: 64 },
            Default::Count(2),
            "For `power-of-k`: replicas looked at.",
        ),
        key(
            "threshold",
            COUNTS,
            Default::Count(1024),
            "For `by-length`: prompts up to so many tokens are short.",
        ),
    ],
};

static ADMISSION: Table = Table {
    doc: "When a request is refused at the door.",
    keys: &[
        key("outstanding", COUNTS, Default::Absent, "When so many are in flight for each replica."),
        key("wait", SOME_TIME, Default::Absent, "When the expected wait is longer."),
    ],
};

static AUTOSCALE: Table = Table {
    doc: "An autoscaler: target tracking over a window. A fleet starts with its `count` of machines; of a fleet of groups the burst group is scaled.",
    keys: &[
        key(
            "min",
            Kind::Count { min: 0, max: 100_000 },
            Default::Count(1),
            "Fewest machines; 0 scales to zero.",
        ),
        key("max", Kind::Count { min: 1, max: 100_000 }, Default::Required, "Most machines."),
        key(
            "signal",
            Kind::Choice(&["utilisation", "outstanding", "queue"]),
            Default::Derived("outstanding of language models, utilisation of others"),
            "What is looked at: share of busy time, requests in flight, or requests that wait for each replica.",
        ),
        key(
            "target",
            Kind::Number { min: 1e-3, max: 1e6 },
            Default::Derived(
                "0.6 of the time, 1 that waits, or what is in flight at 0.7 of a replica's capacity",
            ),
            "The wanted value of the signal.",
        ),
        key("period", SOME_TIME, Default::Text("15 s"), "Time between two looks, 0.1 s or more."),
        key(
            "out_window",
            SOME_TIME,
            Default::Text("1 min"),
            "Window that the signal is averaged over before growing.",
        ),
        key("in_window", SOME_TIME, Default::Text("5 min"), "Window before shrinking."),
        key("cooldown", TIME, Default::Text("0 s"), "Time after a change before the next."),
    ],
};

static HOSTING: Table = Table {
    doc: "Where the model lives: an own service, a managed endpoint or batch job, serverless, or inside a data pipeline.",
    keys: &[
        key(
            "kind",
            Kind::Choice(HostingKind::WORDS),
            Default::Text("microservice"),
            "An HTTP service on own machines, a managed endpoint, a managed batch job, serverless instances paid while they are there, or in process in a pipeline.",
        ),
        key(
            "premium",
            Kind::Number { min: 0.0, max: 10.0 },
            Default::Derived("the catalog's for the provider's managed service; 0 for own machines"),
            "What the service adds to the price of the machine, as a share of it; of managed ones alone where a fleet states `hosting`.",
        ),
        key(
            "call_overhead",
            TIME,
            Default::Derived("2 ms over the network, none in process"),
            "Round trip and serialisation of one call.",
        ),
        key(
            "micro_batch",
            Kind::Count { min: 1, max: 65_536 },
            Default::Derived("max_batch"),
            "In process: items that a pipeline hands to the model at once.",
        ),
        key("window", TIME, Default::Text("0 s"), "In process: longest wait for a full micro-batch."),
        key(
            "concurrency",
            Kind::Count { min: 1, max: 1000 },
            Default::Derived("max_batch, or 16 of language models"),
            "Serverless: requests of one instance beyond which another is started.",
        ),
        key(
            "keep_warm",
            SOME_TIME,
            Default::Text("10 min"),
            "Serverless: how long an instance that is not needed stays.",
        ),
    ],
};

static BATCH: Table = Table {
    doc: "What a batch job scores.",
    keys: &[
        key(
            "items",
            Kind::Number { min: 1.0, max: 1e15 },
            Default::Absent,
            "Items to score; `objective.deadline` bounds the time.",
        ),
        key("item_size", BYTES, Default::Absent, "Stored bytes of one item, to be read."),
        key("result_size", BYTES, Default::Text("100 B"), "Stored bytes of one result, to be written."),
        key(
            "efficiency",
            Kind::Number { min: 0.01, max: 1.0 },
            Default::Number(1.0),
            "Share of the machines' rate left after reading, writing and uneven shards.",
        ),
    ],
};

static HYBRID: Table = Table {
    doc: "A share of requests is answered from results computed beforehand, the rest online.",
    keys: &[
        key(
            "share",
            Kind::Either(&[Kind::share(), Kind::Numbers]),
            Default::Derived("swept from 0 to 1 in steps of 0.1"),
            "Share of requests answered from the store, or a list of them.",
        ),
        key(
            "keys",
            Kind::Number { min: 1.0, max: 1e15 },
            Default::Absent,
            "Distinct things asked for: users, items.",
        ),
        key(
            "skew",
            Kind::Number { min: 0.0, max: 3.0 },
            Default::Number(0.8),
            "How unevenly they are asked for: exponent of Zipf's law, 0 for evenly.",
        ),
        key("freshness", SOME_TIME, Default::Text("1 day"), "Results are computed again this often."),
        key("result_size", BYTES, Default::Text("1 kB"), "Stored bytes of one result."),
        key("lookup", TIME, Default::Text("5 ms"), "Time of one look-up."),
        key(
            "lookup_price",
            Kind::non_negative(Dimension::Money),
            Default::Text("0.4 USD"),
            "Price of a million look-ups.",
        ),
        key(
            "store_price",
            Kind::non_negative(Dimension::MoneyPerByteMonth),
            Default::Text("0.25 USD/GB-month"),
            "Price of the store that answers look-ups.",
        ),
    ],
};

static LOSS: Table = Table {
    doc: "A machine that is taken away on purpose.",
    keys: &[
        key("at", TIME, Default::Required, "When, from the start of the counted time."),
        key("machines", COUNTS, Default::Count(1), "How many."),
        key("back_after", TIME, Default::Absent, "Until a replacement is asked for; never if left out."),
    ],
};

static API: Table = Table {
    doc: "Prices of hosted models, for the break-even; the lowest of the same shape if left out.",
    keys: &[
        key(
            "model",
            Kind::Text,
            Default::Absent,
            "Entry of the catalog, as `openrouter/meta-llama/llama-3.1-8b-instruct`.",
        ),
        key(
            "input_usd_per_mtok",
            Kind::Number { min: 0.0, max: 1e6 },
            Default::Absent,
            "Price of a million input tokens instead.",
        ),
        key(
            "output_usd_per_mtok",
            Kind::Number { min: 0.0, max: 1e6 },
            Default::Absent,
            "Price of a million output tokens instead.",
        ),
    ],
};
