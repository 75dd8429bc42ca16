//! A training workload as resolved from a scenario: what is to be trained, from which data, how it is kept safe.

use std::sync::Arc;

use crate::catalog::{Model, Precision};
use crate::stats::Law;
use crate::steptime::SoftwareStack;
use crate::steptime::measured::MeasuredSteps;
use crate::units::{Bytes, BytesPerSecond, Seconds};
use crate::workload::failures::{CheckpointPolicy, SpotMarket};

/// How much training is to be done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Amount {
    /// So many optimizer steps.
    Steps(u64),
    /// So many samples.
    Samples(f64),
    /// So many passes over the data set.
    Epochs(f64),
    /// Samples to a quality target at small batch; more are needed as the batch grows.
    ToTarget {
        /// Samples at small batch.
        samples: f64,
        /// Batch at which they have doubled.
        critical_batch: f64,
    },
}

impl Amount {
    /// Samples to train on at a global batch. To a target: S·(1 + B/B_crit).
    ///
    /// Source: An Empirical Model of Large-Batch Training (arXiv 1812.06162), equation 2.11.
    #[must_use]
    pub fn samples(&self, global_batch: u64, dataset_samples: f64) -> f64 {
        match *self {
            Self::Steps(steps) => steps as f64 * global_batch as f64,
            Self::Samples(samples) => samples,
            Self::Epochs(epochs) => epochs * dataset_samples,
            Self::ToTarget { samples, critical_batch } => {
                samples * (1.0 + global_batch as f64 / critical_batch)
            }
        }
    }
}

/// How gradients reach all workers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Distribution {
    /// Synchronous all-reduce: each step waits for the slowest worker.
    AllReduce,
    /// Asynchronous parameter servers: nobody waits, gradients are stale.
    ParameterServer {
        /// Servers, each on a host of its own.
        servers: u32,
        /// Extra samples that staleness costs, as a share; the user's figure.
        staleness: f64,
    },
}

/// The data set.
#[derive(Clone, Debug, PartialEq)]
pub struct DatasetSpec {
    /// Samples in one epoch.
    pub samples: f64,
    /// Stored bytes per sample.
    pub sample_bytes: Bytes,
    /// Files it lies in.
    pub files: f64,
    /// Storage product slug; `None` for the provider's object store.
    pub storage: Option<String>,
}

/// How samples are read: the three options of the course.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputMode {
    /// The whole set in host memory, fed by a single-threaded loop.
    DirectFeed,
    /// Original files read and decoded in parallel on the host.
    NativeOps,
    /// Records written beforehand by a conversion job.
    PreprocessedRecords,
}

impl InputMode {
    /// Every mode with its word in scenarios.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("direct-feed", Self::DirectFeed),
        ("native-ops", Self::NativeOps),
        ("preprocessed-records", Self::PreprocessedRecords),
    ];

    /// The word in scenarios.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, mode)| *mode == self).map_or("", |(word, _)| word)
    }
}

/// Where samples stay after the first epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheTier {
    /// Nowhere: every epoch reads from storage.
    None,
    /// Host memory (page cache).
    Memory,
    /// Local disk.
    LocalDisk,
}

impl CacheTier {
    /// Every tier with its word in scenarios.
    pub const ALL: &'static [(&'static str, Self)] =
        &[("none", Self::None), ("memory", Self::Memory), ("local-disk", Self::LocalDisk)];
}

/// How original pictures are stored, as measured profiles name it.
pub const CODECS: &[&str] = &["jpeg", "png"];

/// The input pipeline.
#[derive(Clone, Debug, PartialEq)]
pub struct InputSpec {
    /// How samples are read.
    pub mode: InputMode,
    /// Decode workers per host; `None` for one per core.
    pub workers: Option<u64>,
    /// Batches prepared ahead.
    pub prefetch: u64,
    /// Parallel reads per host; `None` for one per vCPU.
    pub read_streams: Option<u64>,
    /// Where samples stay after the first epoch.
    pub cache: CacheTier,
    /// CPU time per sample and core to decode original files.
    pub decode_cpu: Seconds,
    /// CPU time per sample and core to decode records.
    pub record_decode_cpu: Seconds,
    /// CPU time per sample of the single-threaded feeder.
    pub feed_cpu: Seconds,
    /// Whether the scenario itself states the CPU time of its mode, so that no profile replaces it.
    pub cpu_is_stated: bool,
    /// How original pictures are stored, which picks the curve of a measured profile.
    pub codec: &'static str,
    /// Bytes per sample as fed to the device.
    pub decoded_bytes: Bytes,
    /// Stored bytes of a record over those of an original sample.
    pub record_ratio: f64,
    /// Coefficient of variation of the time to read a batch.
    pub read_variation: f64,
    /// Coefficient of variation of the time to decode a batch.
    pub decode_variation: f64,
    /// vCPUs of the machine that converts, for preprocessed records.
    pub conversion_vcpus: f64,
    /// Whether each run converts anew, as when each day brings new data.
    pub convert_each_run: bool,
}

/// How progress is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckpointSpec {
    /// When to save.
    pub policy: CheckpointPolicy,
    /// Bytes of one checkpoint; `None` for weights, master weights and moments.
    pub size: Option<Bytes>,
    /// Rate at which one host writes and reads a checkpoint.
    pub rate: BytesPerSecond,
    /// Whether a spot notice is used to save.
    pub on_notice: bool,
}

/// What interrupts the job.
#[derive(Clone, Debug, PartialEq)]
pub struct FailureSpec {
    /// Failures per node and day.
    pub per_node_day: f64,
    /// Further failures per job and day.
    pub per_job_day: f64,
    /// Until somebody notices.
    pub detection: Seconds,
    /// From noticing to restoring.
    pub restart: Seconds,
    /// The spot market, for one machine; used by fleets bought on spot terms.
    pub spot: Option<SpotMarket>,
}

/// A training workload.
#[derive(Clone, Debug)]
pub struct TrainingSpec {
    /// The model.
    pub model: Arc<Model>,
    /// Arithmetic precision.
    pub precision: Precision,
    /// Optimizer.
    pub optimizer: String,
    /// How well the training code is tuned.
    pub software: SoftwareStack,
    /// Samples per step over the whole fleet.
    pub global_batch: u64,
    /// Samples per device instead, whatever the fleet (weak scaling).
    pub batch_per_device: Option<u64>,
    /// How much is to be done.
    pub amount: Amount,
    /// Share of the samples that a warm start saves.
    pub warm_start: f64,
    /// How gradients are exchanged.
    pub distribution: Distribution,
    /// Share of the backward pass that hides the exchange between nodes; `None`: as published jobs tell, or the usual one.
    pub overlap: Option<f64>,
    /// Coefficient of variation of one node's step time.
    pub jitter: f64,
    /// The data set.
    pub dataset: DatasetSpec,
    /// The input pipeline.
    pub input: InputSpec,
    /// Checkpoints.
    pub checkpoint: CheckpointSpec,
    /// Interruptions.
    pub failures: FailureSpec,
    /// Boot time; `None` for the provider's.
    pub boot: Option<Law>,
    /// Waiting for capacity that is not spot.
    pub wait: Law,
    /// What the user measured.
    pub measured: Option<Arc<MeasuredSteps>>,
}
