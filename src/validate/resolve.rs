//! A configuration to what the step-time model is asked: names joined with the catalog, batches counted in its samples.

use std::fmt;

use crate::catalog::{Accelerator, Catalog, Model, Precision};
use crate::steptime::{Arithmetic, Setting, has_tf32};

use super::aliases::{Aliases, PublishedAccelerator};
use super::configuration::{Configuration, Counting, Metric, StatedPrecision};
use super::text::Network;

/// Fields whose rows are modelled.
const CATEGORIES: &[&str] = &["vision", "nlp", "recsys", "diffusion"];

/// Time to target over the time of its training steps: evaluation, start and the last part of an evaluation interval.
/// Chosen on the public table's rows, which it is then scored on.
pub(super) const TARGET_OVERHEAD: f64 = 1.08;
/// Standard deviation of ln(error) that time to target adds: the samples needed differ between runs by seed (same rows).
pub(super) const TARGET_ERROR: f64 = 0.15;

/// Why a row is not predicted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Skip {
    /// Its field is not modelled yet.
    Category(String),
    /// Its metric is not modelled yet.
    Metric(String),
    /// It splits the model, not only the data.
    Split(&'static str),
    /// A column that the model needs is blank.
    Blank(&'static str),
    /// The catalog has no such model.
    Model(String),
    /// The catalog has no such device.
    Accelerator(String),
    /// Its layout cannot be.
    Layout(String),
    /// It spans hosts over a network that it does not name.
    Network,
    /// Nothing can be said about the device or the model.
    NoStepTime(String),
    /// There is no published value to compare with.
    Value,
    /// Its value says nothing about a prediction; the words of the row.
    NotScorable(String),
    /// Its kind of load is not modelled yet.
    Scenario(String),
    /// What a serving model says about it.
    Serving(String),
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Category(category) => write!(f, "category `{category}` is not modelled yet"),
            Self::Metric(metric) => write!(f, "metric `{metric}` is not modelled yet"),
            Self::Split(split) => write!(f, "{split} parallelism is not modelled yet"),
            Self::Blank(column) => write!(f, "`{column}` is blank"),
            Self::Model(model) => write!(f, "model `{model}` is not in the catalog"),
            Self::Accelerator(name) => write!(f, "accelerator `{name}` is not in the catalog"),
            Self::Layout(wrong) => write!(f, "not a layout: {wrong}"),
            Self::Network => f.write_str("several hosts over a network that the row does not name"),
            Self::NoStepTime(reason) => f.write_str(reason),
            Self::Value => f.write_str("no positive published value"),
            Self::NotScorable(words) => write!(f, "not scorable: {words}"),
            Self::Scenario(scenario) => write!(f, "scenario `{scenario}` is not modelled yet"),
            Self::Serving(reason) => f.write_str(reason),
        }
    }
}

/// A configuration in the catalog's terms.
#[derive(Clone, Debug)]
pub(super) struct Resolved<'a> {
    pub model: &'a Model,
    pub accelerator: &'a Accelerator,
    pub arithmetic: Arithmetic,
    /// Fabric inside a host.
    pub fabric: String,
    /// Devices of the job.
    pub devices: u64,
    /// Devices of the job in one host.
    pub in_host: u64,
    /// Samples of one device in one micro-step.
    pub micro_batch: f64,
    /// Devices that share each micro-batch.
    pub sharing: f64,
    pub accumulation: f64,
    /// Tokens of a sample where they differ from the model file's.
    pub sequence: Option<f64>,
    /// Hosts of the job.
    pub hosts: u64,
    /// Bytes per second of a host's cards, where the row tells.
    pub card: Option<f64>,
    /// Units of the published value per sample.
    unit: f64,
    /// Tokens of a sample.
    tokens: f64,
    /// Samples to the benchmark's target; 0 where the metric needs none.
    to_target: f64,
}

impl<'a> Resolved<'a> {
    pub(super) fn of(catalog: &'a Catalog, aliases: &Aliases, row: &Configuration) -> Result<Self, Skip> {
        if !CATEGORIES.contains(&row.category.as_str()) {
            return Err(Skip::Category(row.category.clone()));
        }
        if let Metric::Other(metric) = &row.metric {
            return Err(Skip::Metric(metric.clone()));
        }
        if let Some(split) = row.split {
            return Err(Skip::Split(split));
        }
        let named = aliases.accelerator(catalog, &row.accelerator);
        let named = named.ok_or_else(|| Skip::Accelerator(row.accelerator.clone()))?;
        let accelerator = catalog.accelerators.get(&named.accelerator);
        let accelerator = accelerator.ok_or_else(|| Skip::Accelerator(row.accelerator.clone()))?;
        let model = aliases.model(catalog, &row.model).ok_or_else(|| Skip::Model(row.model.clone()))?;
        let devices = row.devices.ok_or(Skip::Blank("accelerator_count"))?;
        let in_host = devices.min(row.per_node.unwrap_or(named.per_node).max(1));
        let hosts = devices.div_ceil(in_host);
        let card = if hosts > 1 { network(row, &named)?.card() } else { None };
        let batch = Batch::of(row, model, devices)?;
        let to_target = match (&row.metric, row.samples_to_target) {
            (Metric::MinutesToTarget, None) => return Err(Skip::Blank("samples_to_target")),
            (_, samples) => samples.unwrap_or(0.0),
        };
        Ok(Self {
            model,
            accelerator,
            arithmetic: arithmetic(row.precision, accelerator),
            fabric: fabric(row, &named, in_host),
            devices,
            in_host,
            micro_batch: batch.micro,
            sharing: batch.sharing,
            accumulation: batch.accumulation,
            sequence: row.sequence.filter(|_| model.architecture.is_transformer()),
            hosts,
            card,
            unit: batch.unit / aliases.unit(&model.id, &row.framework),
            tokens: batch.tokens,
            to_target,
        })
    }

    /// The step-time question of the job.
    pub(super) fn setting<'b>(&'b self, row: &'b Configuration) -> Setting<'b> {
        Setting {
            model: self.model,
            accelerator: self.accelerator,
            stack: &row.stack,
            variant: &row.variant,
            task: &row.task,
            arithmetic: self.arithmetic,
            fabric: &self.fabric,
            devices: self.in_host,
            hosts: self.hosts,
            card: self.card,
            sharing: self.sharing,
            year: row.year,
            micro_batch: self.micro_batch,
            accumulation: self.accumulation,
            sequence: self.sequence,
        }
    }

    /// Standard deviation of ln(error) that the metric adds to that of the rate.
    pub(super) fn metric_error(row: &Configuration) -> f64 {
        if row.metric == Metric::MinutesToTarget { TARGET_ERROR } else { 0.0 }
    }

    /// The value that a table would publish for a rate of one device in samples per second.
    pub(super) fn published(&self, row: &Configuration, rate: f64) -> f64 {
        let step = self.micro_batch * self.accumulation / rate;
        let counted = if row.per_device { 1.0 } else { self.devices as f64 };
        match row.metric {
            Metric::StepsPerSecond if row.worker_steps => rate * counted / self.micro_batch,
            Metric::StepsPerSecond => 1.0 / step,
            Metric::StepTime => step,
            Metric::TokensPerDevice => rate * self.tokens,
            Metric::MinutesToTarget => TARGET_OVERHEAD * self.to_target / (rate * self.devices as f64) / 60.0,
            _ => rate * self.unit * counted,
        }
    }
}

fn arithmetic(stated: StatedPrecision, accelerator: &Accelerator) -> Arithmetic {
    let catalogued = match stated {
        StatedPrecision::Units(units) => return units,
        StatedPrecision::Mixed => Precision::Fp16,
        StatedPrecision::Single if !has_tf32(accelerator) => Precision::Fp32,
        StatedPrecision::Tf32 | StatedPrecision::Single => Precision::Tf32,
    };
    Arithmetic::of(catalogued, accelerator)
}

/// The network of a row that spans hosts. Hosts of benchmark rounds whose devices have links of their own are joined by
/// InfiniBand or its like where the row does not say.
fn network(row: &Configuration, named: &PublishedAccelerator) -> Result<Network, Skip> {
    let usual = Network { tcp: false, bandwidth: None };
    row.network.or((row.stack == "mlperf" && named.fabric == "nvlink").then_some(usual)).ok_or(Skip::Network)
}

fn fabric(row: &Configuration, named: &PublishedAccelerator, in_host: u64) -> String {
    if in_host == 1 { "one".to_owned() } else { row.inside.clone().unwrap_or_else(|| named.fabric.clone()) }
}

/// Batches in samples of the model file.
struct Batch {
    micro: f64,
    /// Devices that share a micro-batch: a job may have fewer samples in a step than its devices could take.
    sharing: f64,
    accumulation: f64,
    /// Published units per sample.
    unit: f64,
    /// Tokens per sample.
    tokens: f64,
}

impl Batch {
    fn of(row: &Configuration, model: &Model, devices: u64) -> Result<Self, Skip> {
        let of_job = row.global_batch.map(|batch| batch / devices as f64);
        let micro = row.micro_batch.or(of_job).ok_or(Skip::Blank("micro_batch"))?;
        let accumulation = row.accumulation.or(of_job.map(|batch| batch / micro)).unwrap_or(1.0).max(1.0);
        let length = row.sequence.or(model.sequence_length).unwrap_or(1.0);
        let tokens = if model.sample == "token" { 1.0 } else { length };
        // Tables over tokens still count batches in sentences or sequences; translation with sentences of any length
        // fills batches by tokens.
        let (per_batch, unit) = match row.counting {
            Counting::CatalogSamples => (1.0, 1.0),
            Counting::PublishedSamples if model.sample == "token" => (length, 1.0 / length),
            Counting::PublishedSamples => (1.0, 1.0),
            Counting::Tokens if model.sample == "token" => (length, 1.0),
            Counting::Tokens if model.sample == "sentence" => (1.0 / length, length),
            Counting::Tokens => (1.0, length),
        };
        // Batches are whole numbers, so a share of one may differ by rounding.
        let sharing = of_job.map_or(1.0, |own| micro / own).max(1.0);
        Ok(Self { micro: micro / sharing * per_batch, sharing, accumulation, unit, tokens })
    }
}
