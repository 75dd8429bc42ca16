//! What a prediction may read of a row: its configuration, and nothing that was measured.

use crate::steptime::{Arithmetic, Observation};

pub use super::text::Network;
use super::transformers::TransformerColumns;

/// What a published value measures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Samples per second, of all devices unless the unit says otherwise.
    SamplesPerSecond,
    /// Steps per second: of all workers together, or of the job.
    StepsPerSecond,
    /// Seconds of a step.
    StepTime,
    /// Tokens per second of one device.
    TokensPerDevice,
    /// Minutes to the benchmark's target.
    MinutesToTarget,
    /// TFLOP/s of one device, by the table's count of operations.
    TeraFlopsPerDevice,
    /// Model operations over the 16-bit peak, in percent.
    ModelUtilisation,
    /// Operations with those repeated over the 16-bit peak, in percent.
    HardwareUtilisation,
    /// GB of one device's memory.
    MemoryPerDevice,
    /// What is not predicted yet.
    Other(String),
}

impl Metric {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("samples_s", Self::SamplesPerSecond),
        ("steps_s", Self::StepsPerSecond),
        ("step_time_s", Self::StepTime),
        ("tokens_s_per_acc", Self::TokensPerDevice),
        ("time_to_train_min", Self::MinutesToTarget),
        ("tflops_per_acc", Self::TeraFlopsPerDevice),
        ("mfu", Self::ModelUtilisation),
        ("hfu", Self::HardwareUtilisation),
        ("mem_gb_per_acc", Self::MemoryPerDevice),
    ];

    /// The metric of a word in the column `metric`.
    #[must_use]
    pub fn of(word: &str) -> Self {
        let known = Self::WORDS.iter().find(|(name, _)| *name == word);
        known.map_or_else(|| Self::Other(word.to_owned()), |(_, metric)| metric.clone())
    }

    /// The word in the column `metric`.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Other(word) => word,
            known => Self::WORDS.iter().find(|(_, metric)| metric == known).map_or("", |(word, _)| word),
        }
    }
}

/// What batches and rates of a row count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counting {
    /// Samples of the catalog's model file.
    CatalogSamples,
    /// What the table calls a sample: images, sentence pairs, sequences.
    PublishedSamples,
    /// Tokens.
    Tokens,
}

/// The configuration of a published row. It holds no value, name, source or note of the row.
#[derive(Clone, Debug, PartialEq)]
pub struct Configuration {
    /// Field: `vision`, `nlp`, `recsys`, `llm` …
    pub category: String,
    /// What is measured.
    pub metric: Metric,
    /// Whether the value is that of one device.
    pub per_device: bool,
    /// Whether steps are summed over workers.
    pub worker_steps: bool,
    /// What batches and rates count.
    pub counting: Counting,
    /// Model as named.
    pub model: String,
    /// Variant of the model, in lower case.
    pub variant: String,
    /// Task of the model.
    pub task: String,
    /// Device as named.
    pub accelerator: String,
    /// Devices of the job.
    pub devices: Option<u64>,
    /// Devices of a host.
    pub per_node: Option<u64>,
    /// Framework as named.
    pub framework: String,
    /// Stack that the regression knows it by.
    pub stack: String,
    /// Units, where the row states or implies them.
    pub precision: StatedPrecision,
    /// Fabric inside a host, where the row states it.
    pub inside: Option<String>,
    /// Network between hosts, where the row names it.
    pub network: Option<Network>,
    /// Year of the benchmark round.
    pub year: Option<f64>,
    /// Samples of one device in one micro-step.
    pub micro_batch: Option<f64>,
    /// Samples of a step.
    pub global_batch: Option<f64>,
    /// Micro-steps of a step.
    pub accumulation: Option<f64>,
    /// Tokens of a sample.
    pub sequence: Option<f64>,
    /// Samples to the benchmark's target.
    pub samples_to_target: Option<f64>,
    /// A parallelism other than over data.
    pub split: Option<&'static str>,
    /// Shape and layout, where the row is of a transformer.
    pub transformer: TransformerColumns,
}

/// Precision as a row states it; what the device makes of it is the device's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatedPrecision {
    /// 16-bit mixed precision, or nothing said.
    Mixed,
    /// TensorFloat-32.
    Tf32,
    /// 32 bit, which frameworks compute on TensorFloat-32 units where there are any.
    Single,
    /// Exactly these units.
    Units(Arithmetic),
}

impl Configuration {
    /// The configuration of a shipped row.
    #[must_use]
    pub fn of_shipped(row: &Observation) -> Self {
        Self {
            category: row.category.clone(),
            metric: Metric::SamplesPerSecond,
            per_device: false,
            worker_steps: false,
            counting: Counting::CatalogSamples,
            model: row.model.clone(),
            variant: row.variant.clone(),
            task: row.task.clone(),
            accelerator: row.accelerator.clone(),
            devices: Some(row.count),
            per_node: Some(row.per_host),
            framework: row.stack.clone(),
            stack: row.stack.clone(),
            precision: StatedPrecision::Units(row.precision),
            inside: Some(row.fabric.clone()),
            network: Some(Network { tcp: false, bandwidth: row.card }),
            year: row.year,
            micro_batch: Some(row.micro_batch * row.sharing),
            global_batch: Some(row.micro_batch * row.accumulation * row.count as f64),
            accumulation: Some(row.accumulation),
            sequence: row.sequence,
            samples_to_target: None,
            split: None,
            transformer: TransformerColumns::default(),
        }
    }
}
