//! The result contract, versioned: what `--format json` prints and every table is made of.

use schemars::JsonSchema;
use serde::Serialize;

use crate::catalog::{Provenance, Purchase};

use super::serving_result::ServingFigures;

/// An estimate: the expected value with its interval, and quantiles of a single run.
///
/// `lo` and `hi` bound the expected value at `level`: the replication interval and the error that the model showed
/// against published measurements, together. `p50` and `p90` are of one run, that error included.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Estimate {
    /// Expected value.
    pub mean: f64,
    /// Lower end.
    pub lo: f64,
    /// Upper end.
    pub hi: f64,
    /// Level of the interval.
    pub level: f64,
    /// Median of a run.
    pub p50: f64,
    /// Value that nine runs in ten stay under.
    pub p90: f64,
}

impl Estimate {
    /// A figure without any spread.
    #[must_use]
    pub fn exact(value: f64) -> Self {
        Self { mean: value, lo: value, hi: value, level: super::LEVEL, p50: value, p90: value }
    }

    /// Every value times a factor.
    #[must_use]
    pub fn scaled(&self, factor: f64) -> Self {
        Self {
            mean: self.mean * factor,
            lo: self.lo * factor,
            hi: self.hi * factor,
            level: self.level,
            p50: self.p50 * factor,
            p90: self.p90 * factor,
        }
    }
}

/// A probability with its interval over replications.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Probability {
    /// The probability.
    pub probability: f64,
    /// Lower end.
    pub lo: f64,
    /// Upper end.
    pub hi: f64,
}

/// What bounds a step.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct BoundRow {
    /// The bound.
    pub name: String,
    /// Its share of the step (of the run, for failures).
    pub share: f64,
    /// What would bound if this were relaxed.
    pub next: String,
    /// By what factor it must be relaxed before that.
    pub margin: f64,
}

/// One line of the bill.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct LedgerLine {
    /// What for.
    pub item: String,
    /// Mean over replications.
    pub usd: f64,
}

/// One part of a device's memory.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct MemoryPart {
    /// What for.
    pub part: String,
    /// Bytes.
    pub bytes: f64,
}

/// Difference to the baseline, paired replication by replication.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Difference {
    /// Seconds more than the baseline.
    pub time_s: Option<Estimate>,
    /// Dollars more than the baseline.
    pub cost_usd: Option<Estimate>,
    /// Inference: seconds more at the 99th percentile of latency.
    pub latency_p99_s: Option<Estimate>,
    /// Inference: kilograms of CO₂ equivalent more.
    pub carbon_kg: Option<Estimate>,
}

/// The conversion job of preprocessed records, against reading the original files.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Conversion {
    /// Time of the job.
    pub time_s: f64,
    /// Its cost; `null` when the price of its machine is unknown.
    pub cost_usd: Option<f64>,
    /// Time that one epoch saves over reading the original files.
    pub saved_s_per_epoch: f64,
    /// Money that one epoch saves.
    pub saved_usd_per_epoch: Option<f64>,
    /// Epochs after which the conversion has paid for itself; `null` when it never does.
    pub pay_back_epochs: Option<f64>,
}

/// A recurring job.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Recurring {
    /// Cost of a day.
    pub cost_per_day_usd: Option<Estimate>,
    /// Cost of a month of 730 hours.
    pub cost_per_month_usd: Option<Estimate>,
    /// Probability that train, test and deploy fit between two runs.
    pub fits: Probability,
    /// Most runs a day that this fleet can do one after the other, at its 90th percentile.
    pub most_runs_per_day: f64,
    /// Gain of a run by the user's value of it.
    pub gain_per_run_usd: Option<f64>,
    /// Runs a day beyond which one more no longer pays, if a model ages linearly.
    pub break_even_runs_per_day: Option<f64>,
}

/// One fleet.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Row {
    /// Its name.
    pub fleet: String,
    /// Whether memory fits and a layout exists.
    pub feasible: bool,
    /// Why not.
    pub reason: Option<String>,
    /// Place among fleets that can be ranked, from 1.
    pub rank: Option<u64>,
    /// Whether no other fleet is both cheaper and faster.
    pub pareto: bool,
    /// Machine type.
    pub instance: String,
    /// Instances.
    pub instances: u64,
    /// Accelerator.
    pub accelerator: Option<String>,
    /// Accelerators of the whole fleet.
    pub accelerators: u64,
    /// Terms.
    pub purchase: Purchase,
    /// Region.
    pub region: String,
    /// Layout in words.
    pub layout: Option<String>,
    /// Whether the model is split by it, layer by layer.
    pub split: bool,
    /// Time of a step of the settled pipeline.
    pub step_s: Option<Estimate>,
    /// Price of the whole fleet for an hour, after discounts; `null` when unknown.
    pub price_usd_per_hour: Option<f64>,
    /// Time from the request for machines to the result.
    pub time_s: Option<Estimate>,
    /// Cost of one run.
    pub cost_usd: Option<Estimate>,
    /// The bill.
    pub ledger: Vec<LedgerLine>,
    /// What bounds it.
    pub bound: Option<BoundRow>,
    /// Probability that the deadline is kept.
    pub deadline_met: Option<Probability>,
    /// Probability that the budget is kept.
    pub budget_met: Option<Probability>,
    /// How the step time is known.
    pub provenance: Option<Provenance>,
    /// Where the step time comes from, in words.
    pub basis: Option<String>,
    /// What the reader should know.
    pub warnings: Vec<String>,
    /// Samples per second over the whole run.
    pub samples_per_s: Option<Estimate>,
    /// Tokens per second and accelerator, for models over sequences.
    pub tokens_per_s_per_accelerator: Option<Estimate>,
    /// Model arithmetic over peak arithmetic while computing.
    pub mfu: Option<Estimate>,
    /// Share of computing time in which the device waits for input.
    pub stall_share: Option<Estimate>,
    /// Share of the run spent writing checkpoints.
    pub checkpoint_share: Option<Estimate>,
    /// Share of the run lost to failures: waiting, restarting, computing again.
    pub failure_share: Option<Estimate>,
    /// Memory needed on one accelerator.
    pub memory_per_accelerator_bytes: Option<f64>,
    /// Its parts.
    pub memory: Vec<MemoryPart>,
    /// Carbon of one run.
    pub carbon_kg: Option<Estimate>,
    /// Interruptions of one run.
    pub interruptions: Option<f64>,
    /// Optimizer steps.
    pub steps: Option<u64>,
    /// Samples trained on.
    pub samples: Option<f64>,
    /// Replications made.
    pub replications: u64,
    /// Relative half-width of the replication interval that was reached.
    pub relative_half_width: Option<f64>,
    /// Difference to the baseline.
    pub difference: Option<Difference>,
    /// The conversion job.
    pub conversion: Option<Conversion>,
    /// A recurring job.
    pub recurring: Option<Recurring>,
    /// Figures of inference.
    #[serde(flatten)]
    pub serving: Option<Box<ServingFigures>>,
}

/// What would turn the verdict.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Flip {
    /// The fleet it is about.
    pub fleet: String,
    /// `price`, `deadline`, `runs-per-day`, `budget`.
    pub kind: String,
    /// The value at which it turns.
    pub value: f64,
    /// Unit of the value.
    pub unit: String,
    /// In a sentence.
    pub sentence: String,
}

/// The comparison.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Comparison {
    /// Version of this contract.
    pub format: u32,
    /// Title of the scenario.
    pub scenario: String,
    /// Seed.
    pub seed: u64,
    /// Program and version.
    pub program: String,
    /// Newest day of any price.
    pub catalog_date: Option<String>,
    /// `training` or `inference`.
    pub workload: String,
    /// Fleet that differences are taken against.
    pub baseline: Option<String>,
    /// Fleet to take.
    pub recommended: Option<String>,
    /// In a sentence or two.
    pub verdict: String,
    /// What would turn it.
    pub flips: Vec<Flip>,
    /// What was taken for granted.
    pub assumptions: Vec<String>,
    /// One row per candidate, in the order of the scenario.
    pub rows: Vec<Row>,
}
