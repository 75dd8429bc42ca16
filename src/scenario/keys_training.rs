//! The registry of keys of a training workload.

use crate::document::{Default, Kind, Table};
use crate::layout::OPTIMIZERS;
use crate::units::Dimension;
use crate::workload::training::CODECS;

use super::keys::{BYTES, COUNTS, SOME_TIME, TIME, key};
use super::keys_failures::{FAILURES, STARTUP};
use super::keys_profile::TRANSFER;

const SAMPLES: Kind = Kind::Number { min: 1.0, max: 1e18 };

/// A training workload.
pub(super) static WORKLOAD: Table = Table {
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
            "codec",
            Kind::Choice(CODECS),
            Default::Text("jpeg"),
            "How original pictures are stored: picks the curve of a measured profile on its own machine.",
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
