//! The registry of scenario keys: the one source of checks, defaults, JSON Schema and reference.

use crate::document::{Default, Key, Kind, Node, Table};
use crate::layout::OPTIMIZERS;
use crate::units::Dimension;

use super::keys_fleet::{GROUP, LAYOUT, MACHINE};
use super::keys_serving::SERVING;

pub(super) const fn key(name: &'static str, kind: Kind, default: Default, doc: &'static str) -> Key {
    Key { name, kind, default, doc }
}

pub(super) const TIME: Kind = Kind::non_negative(Dimension::Time);
pub(super) const SOME_TIME: Kind = Kind::positive(Dimension::Time);
pub(super) const BYTES: Kind = Kind::positive(Dimension::Bytes);
pub(super) const MONEY: Kind = Kind::positive(Dimension::Money);
pub(super) const COUNTS: Kind = Kind::Count { min: 1, max: 1_000_000 };
const SAMPLES: Kind = Kind::Number { min: 1.0, max: 1e18 };

const DOC: &str = "A workload, what is wanted of it, and the fleets that might do it.";
static TRAINING_KEYS: [Key; 8] = scenario_keys(&WORKLOAD);
static SERVING_KEYS: [Key; 8] = scenario_keys(&SERVING);

/// A scenario file that trains.
pub static SCENARIO: Table = Table { doc: DOC, keys: &TRAINING_KEYS };
/// A scenario file that serves.
pub static SERVING_SCENARIO: Table = Table { doc: DOC, keys: &SERVING_KEYS };

/// The registry of a document: the kind of its workload decides.
#[must_use]
pub fn registry_of(root: &Node) -> &'static Table {
    let kind = root.get("workload").and_then(|workload| workload.node.get("kind"));
    match kind.and_then(|kind| kind.node.text()) {
        Some("inference") => &SERVING_SCENARIO,
        _ => &SCENARIO,
    }
}

const fn scenario_keys(workload: &'static Table) -> [Key; 8] {
    [
        key("format", Kind::Count { min: 1, max: 1 }, Default::Required, "Version of the file format: 1."),
        key("name", Kind::Text, Default::Text("unnamed scenario"), "Title of the comparison."),
        key("description", Kind::Text, Default::Absent, "A remark for the reader."),
        key(
            "seed",
            Kind::Count { min: 0, max: u64::MAX >> 1 },
            Default::Count(42),
            "Seed of all random streams.",
        ),
        key("objective", Kind::Table(&OBJECTIVE), Default::Derived("table"), "What is wanted."),
        key("workload", Kind::Table(workload), Default::Required, "What is to be done."),
        key("pricing", Kind::Table(&PRICING), Default::Derived("table"), "Prices beside the catalog."),
        key("fleet", Kind::Tables(&FLEET), Default::Required, "Candidate fleets."),
    ]
}

static OBJECTIVE: Table = Table {
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

static WORKLOAD: Table = Table {
    doc: "The job.",
    keys: &[
        key("kind", Kind::Choice(&["training", "inference"]), Default::Text("training"), "Sort of work."),
        key(
            "model",
            Kind::Text,
            Default::Required,
            "Catalog id, or path to a model file or to a Hugging Face config.json.",
        ),
        key(
            "precision",
            Kind::Choice(&["fp32", "tf32", "bf16", "fp16", "fp8", "nvfp4"]),
            Default::Text("bf16"),
            "Arithmetic precision.",
        ),
        key(
            "optimizer",
            Kind::Choice(OPTIMIZERS),
            Default::Derived("the model's usual"),
            "Optimizer, for the memory of its state.",
        ),
        key(
            "software",
            Kind::Choice(&["tuned", "reference", "research"]),
            Default::Text("reference"),
            "How well the training code is tuned: as in benchmark submissions, as in a vendor's published examples, or as in unoptimised research code.",
        ),
        key(
            "global_batch",
            COUNTS_LARGE,
            Default::Derived("the model's usual"),
            "Samples per step over the whole fleet; kept whatever the fleet.",
        ),
        key(
            "batch_per_accelerator",
            COUNTS,
            Default::Absent,
            "Samples per accelerator and step instead: the global batch then grows with the fleet.",
        ),
        key("epochs", Kind::Number { min: 1e-9, max: 1e9 }, Default::Absent, "Passes over the data set."),
        key("steps", COUNTS_LARGE, Default::Absent, "Optimizer steps."),
        key("samples", SAMPLES, Default::Absent, "Samples to train on."),
        key("tokens", SAMPLES, Default::Absent, "Tokens to train on, of models over sequences."),
        key(
            "sequence_length",
            Kind::Count { min: 1, max: 100_000_000 },
            Default::Derived("the model's"),
            "Tokens of one sample, of transformers whose shape is known.",
        ),
        key(
            "samples_to_target",
            SAMPLES,
            Default::Absent,
            "Samples to the wanted quality at small batch; grows with the batch by `critical_batch`.",
        ),
        key(
            "critical_batch",
            SAMPLES,
            Default::Derived("the model's"),
            "Global batch at which samples to target have doubled (gradient-noise scale).",
        ),
        key(
            "warm_start",
            Kind::Number { min: 0.0, max: 0.999 },
            Default::Number(0.0),
            "Share of the samples that starting from an earlier model saves.",
        ),
        key(
            "overlap",
            Kind::share(),
            Default::Derived("fitted to published jobs; 0.5 over plain TCP and with parameter servers"),
            "Share of the backward pass that can hide the exchange between nodes; for models not split into layers.",
        ),
        key(
            "jitter",
            Kind::Number { min: 0.0, max: 2.0 },
            Default::Number(0.02),
            "Coefficient of variation of one node's step time; a synchronous step waits for the slowest.",
        ),
        key(
            "distribution",
            Kind::Choice(&["all-reduce", "parameter-server"]),
            Default::Text("all-reduce"),
            "How gradients are exchanged.",
        ),
        key(
            "parameter_servers",
            Kind::Count { min: 1, max: 100_000 },
            Default::Count(1),
            "Asynchronous: servers that hold the parameters.",
        ),
        key(
            "staleness",
            Kind::Number { min: 0.0, max: 1000.0 },
            Default::Number(0.0),
            "Asynchronous: share of extra samples that stale gradients cost.",
        ),
        key(
            "dataset",
            Kind::Table(&DATASET),
            Default::Derived("table"),
            "The data set; what is left out is the model's usual.",
        ),
        key("input", Kind::Table(&INPUT), Default::Derived("table"), "The input pipeline."),
        key("checkpoint", Kind::Table(&CHECKPOINT), Default::Derived("table"), "How progress is kept."),
        key("failures", Kind::Table(&FAILURES), Default::Derived("table"), "What interrupts the job."),
        key(
            "startup",
            Kind::Table(&STARTUP),
            Default::Derived("table"),
            "From the request to the first step.",
        ),
    ],
};

const COUNTS_LARGE: Kind = Kind::Count { min: 1, max: 1_000_000_000_000_000_000 };

static DATASET: Table = Table {
    doc: "The data set.",
    keys: &[
        key("samples", SAMPLES, Default::Derived("the model's"), "Samples in one epoch."),
        key("sample_size", BYTES, Default::Derived("the model's"), "Stored bytes of one sample."),
        key(
            "files",
            SAMPLES,
            Default::Derived("one per sample for images, else shards of 256 MB"),
            "Files it lies in.",
        ),
        key(
            "storage",
            Kind::Text,
            Default::Derived("the provider's object store"),
            "Storage product, as `gcs-standard`.",
        ),
    ],
};

static INPUT: Table = Table {
    doc: "How samples reach the device.",
    keys: &[
        key(
            "mode",
            Kind::Choice(&["direct-feed", "native-ops", "preprocessed-records"]),
            Default::Text("native-ops"),
            "Direct feed from memory, original files decoded in parallel, or records written beforehand.",
        ),
        key("workers", COUNTS, Default::Derived("one per core"), "Decode workers per host."),
        key("prefetch", Kind::Count { min: 0, max: 10_000 }, Default::Count(2), "Batches prepared ahead."),
        key(
            "read_streams",
            Kind::Count { min: 1, max: 100_000 },
            Default::Derived("one per vCPU, 16 at least"),
            "Parallel reads per host.",
        ),
        key(
            "cache",
            Kind::Choice(&["none", "memory", "local-disk"]),
            Default::Text("none"),
            "Where samples stay after the first epoch.",
        ),
        key(
            "decode_cpu",
            TIME,
            Default::Derived("the model's"),
            "CPU time per sample and core to decode original files.",
        ),
        key(
            "record_decode_cpu",
            TIME,
            Default::Derived("the model's"),
            "CPU time per sample and core to decode records.",
        ),
        key(
            "feed_cpu",
            TIME,
            Default::Derived("5 us and 2 GB/s"),
            "Direct feed: CPU time per sample of the single-threaded loop.",
        ),
        key("decoded_size", BYTES, Default::Derived("the model's"), "Bytes per sample as fed to the device."),
        key(
            "record_ratio",
            Kind::Number { min: 1e-6, max: 1e6 },
            Default::Number(1.0),
            "Stored bytes of a record over those of an original sample.",
        ),
        key(
            "read_variation",
            Kind::Number { min: 0.0, max: 10.0 },
            Default::Number(0.25),
            "Coefficient of variation of the time to read a batch.",
        ),
        key(
            "decode_variation",
            Kind::Number { min: 0.0, max: 10.0 },
            Default::Number(0.1),
            "Coefficient of variation of the time to decode a batch.",
        ),
        key(
            "conversion_instance",
            Kind::Text,
            Default::Derived("the provider's cheapest large CPU machine"),
            "Machine that writes the records.",
        ),
        key(
            "convert",
            Kind::Choice(&["each-run", "once"]),
            Default::Text("once"),
            "Whether each run converts anew, as when each day brings new data.",
        ),
    ],
};

static CHECKPOINT: Table = Table {
    doc: "How progress is kept.",
    keys: &[
        key(
            "kind",
            Kind::Choice(&["young-daly", "interval", "none"]),
            Default::Text("young-daly"),
            "Optimal interval, fixed interval, or none.",
        ),
        key("interval", SOME_TIME, Default::Text("30 min"), "Work between two checkpoints, for `interval`."),
        key("size", BYTES, Default::Derived("weights and optimizer state"), "Bytes of one checkpoint."),
        key(
            "rate",
            Kind::positive(Dimension::BytesPerSecond),
            Default::Text("1 GB/s"),
            "Rate at which one host writes and reads it.",
        ),
        key("on_notice", Kind::Boolean, Default::Boolean(false), "Whether a spot notice is used to save."),
    ],
};

pub(super) static FAILURES: Table = Table {
    doc: "What interrupts the job.",
    keys: &[
        key("environment", Kind::Text, Default::Text("default"), "Failure rates of the catalog."),
        key(
            "node_failures",
            Kind::non_negative(Dimension::Rate),
            Default::Derived("the environment's"),
            "Failures of one node.",
        ),
        key(
            "job_failures",
            Kind::non_negative(Dimension::Rate),
            Default::Derived("the environment's"),
            "Further failures of the job, whatever its size.",
        ),
        key("detection", TIME, Default::Text("2 min"), "Until somebody notices."),
        key("restart", TIME, Default::Text("5 min"), "From noticing to restoring."),
        key(
            "spot_process",
            Kind::Text,
            Default::Derived("a traced market of V100 machines of like size, or of CPU machines"),
            "Spot availability of the catalog.",
        ),
        key("spot_up", SOME_TIME, Default::Absent, "Mean time between losses instead (exponential)."),
        key("spot_down", TIME, Default::Text("30 min"), "Mean time without capacity, with `spot_up`."),
        key(
            "spot_law",
            Kind::Choice(&["trace", "fitted"]),
            Default::Text("trace"),
            "Draw runs from the trace's quantiles or from the fitted mixture.",
        ),
    ],
};

pub(super) static STARTUP: Table = Table {
    doc: "From the request to the first step.",
    keys: &[
        key("boot", TIME, Default::Derived("the provider's range"), "Provisioning, driver and image."),
        key("wait", TIME, Default::Text("0 s"), "Waiting for capacity that is not spot."),
    ],
};

static PRICING: Table = Table {
    doc: "Prices beside the catalog.",
    keys: &[
        key(
            "discount",
            Kind::Tables(&DISCOUNT),
            Default::Absent,
            "Negotiated discounts; the first that fits holds.",
        ),
        key(
            "price_factor",
            Kind::Number { min: 0.0, max: 1000.0 },
            Default::Number(1.0),
            "Factor on every price: machines, storage, requests, egress, fees.",
        ),
        key(
            "storage_price",
            Kind::non_negative(Dimension::MoneyPerByteMonth),
            Default::Derived("the catalog's"),
            "Price of storage.",
        ),
        key(
            "egress_price",
            Kind::non_negative(Dimension::MoneyPerByte),
            Default::Derived("the catalog's"),
            "Price of egress.",
        ),
        key(
            "egress_per_run",
            Kind::non_negative(Dimension::Bytes),
            Default::Text("0 B"),
            "Data that leaves the region in each run.",
        ),
        key(
            "cluster_fee",
            Kind::non_negative(Dimension::MoneyPerHour),
            Default::Absent,
            "Management fee of the cluster.",
        ),
        key(
            "commitment_utilisation",
            Kind::Number { min: 0.001, max: 1.0 },
            Default::Number(1.0),
            "Share of committed hours that the organisation uses in all.",
        ),
    ],
};

static DISCOUNT: Table = Table {
    doc: "A negotiated discount.",
    keys: &[
        key("provider", Kind::Text, Default::Absent, "Provider id; all if left out."),
        key("family", Kind::Text, Default::Absent, "Instance family or name prefix; all if left out."),
        key("purchase", Kind::Choice(PURCHASES), Default::Absent, "Terms; all if left out."),
        key(
            "percent",
            Kind::Number { min: 0.0, max: 100.0 },
            Default::Required,
            "Percent off the list price.",
        ),
    ],
};

pub(super) const PURCHASES: &[&str] = &["on-demand", "spot", "committed-1y", "committed-3y", "owned"];

static FLEET: Table = Table {
    doc: "A candidate fleet; lists make it a sweep.",
    keys: &[
        key("name", Kind::Text, Default::Required, "Its name in the tables; unique."),
        key(
            "instance",
            Kind::Text,
            Default::Absent,
            "Catalog machine, as `gcp/a3-highgpu-8g` or `gcp/n1-standard-16+4xT4`.",
        ),
        key("machine", Kind::Table(&MACHINE), Default::Absent, "An owned or unlisted machine instead."),
        key(
            "count",
            Kind::Either(&[COUNTS, Kind::Numbers, Kind::Table(&RANGE)]),
            Default::Count(1),
            "Instances: one count, a list, or a range.",
        ),
        key(
            "region",
            Kind::Either(&[Kind::Text, Kind::Texts]),
            Default::Derived("the cheapest with a price"),
            "Region, or a list.",
        ),
        key(
            "purchase",
            Kind::Either(&[Kind::Choice(PURCHASES), Kind::Texts]),
            Default::Text("on-demand"),
            "Terms, or a list.",
        ),
        key(
            "replicas",
            Kind::Either(&[Kind::Choice(&["auto"]), COUNTS]),
            Default::Derived("as many as `count` machines hold"),
            "Inference: replicas of the model, or \"auto\" for the fewest machines that hold the targets.",
        ),
        key(
            "layout",
            Kind::Either(&[Kind::Choice(&["auto"]), Kind::Table(&LAYOUT)]),
            Default::Text("auto"),
            "Parallel layout.",
        ),
        key(
            "group",
            Kind::Tables(&GROUP),
            Default::Absent,
            "Inference online: groups of different machines, instead of `instance`.",
        ),
    ],
};

static RANGE: Table = Table {
    doc: "A range of counts.",
    keys: &[
        key("from", COUNTS, Default::Count(1), "First."),
        key("to", COUNTS, Default::Required, "Last, always included."),
        key(
            "step",
            Kind::Either(&[Kind::Choice(&["double"]), COUNTS]),
            Default::Text("double"),
            "Doubling, or a fixed step.",
        ),
    ],
};
