//! A step's seconds to the figure that a table publishes, and back.

use crate::catalog::{CausalCount, Transformer};
use crate::validate::configuration::Metric;

/// What a published figure is to the step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Conversion {
    /// The figure is the step's seconds times this.
    Proportional(f64),
    /// The figure is this over the step's seconds.
    Inverse(f64),
}

/// What a conversion starts from.
#[derive(Clone, Copy, Debug)]
pub(super) struct StepFacts<'a> {
    pub shape: &'a Transformer,
    /// Sequences of a step.
    pub batch: f64,
    /// Tokens of a sequence.
    pub sequence: f64,
    /// Devices of the job.
    pub devices: f64,
    /// Dense 16-bit peak of a device.
    pub peak: f64,
    /// Whether the table counts what is recomputed (hardware operations).
    pub counts_recompute: bool,
    /// Whether only adapters are trained.
    pub adapters: bool,
    /// Samples to the benchmark's target.
    pub to_target: Option<f64>,
    /// Whether rates count tokens.
    pub tokens: bool,
}

impl Conversion {
    /// The conversion of a metric; `None` where the metric is not one of a step.
    pub(super) fn of(metric: &Metric, facts: &StepFacts<'_>) -> Option<Self> {
        let per_device = 1.0 / facts.devices;
        Some(match metric {
            Metric::StepTime => Self::Proportional(1.0),
            Metric::StepsPerSecond => Self::Inverse(1.0),
            Metric::TokensPerDevice => Self::Inverse(facts.batch * facts.sequence * per_device),
            Metric::SamplesPerSecond if facts.tokens => Self::Inverse(facts.batch * facts.sequence),
            Metric::SamplesPerSecond => Self::Inverse(facts.batch),
            Metric::TeraFlopsPerDevice => Self::Inverse(facts.operations() * per_device / 1e12),
            Metric::ModelUtilisation => {
                Self::Inverse(facts.model_operations() * per_device / facts.peak * 100.0)
            }
            Metric::HardwareUtilisation => {
                Self::Inverse(facts.hardware_operations() * per_device / facts.peak * 100.0)
            }
            Metric::MinutesToTarget => Self::Proportional(facts.to_target? / facts.batch / 60.0),
            Metric::MemoryPerDevice | Metric::Other(_) => return None,
        })
    }

    pub(super) fn figure(self, seconds: f64) -> f64 {
        match self {
            Self::Proportional(factor) => factor * seconds,
            Self::Inverse(factor) => factor / seconds,
        }
    }

    pub(super) fn seconds(self, figure: f64) -> f64 {
        match self {
            Self::Proportional(factor) => figure / factor,
            Self::Inverse(factor) => factor / figure,
        }
    }
}

impl StepFacts<'_> {
    fn operations(&self) -> f64 {
        if self.counts_recompute { self.hardware_operations() } else { self.model_operations() }
    }

    /// 3 × the forward pass, attention counted in full (PaLM, arXiv 2204.02311, appendix B).
    fn model_operations(&self) -> f64 {
        let forward = self.shape.forward_flops(self.sequence, CausalCount::Full).0 * self.batch;
        forward * if self.adapters { 2.0 } else { 3.0 }
    }

    /// 96·B·s·L·h²·(1 + s/6h + V/16Lh): the layers' forward pass twice (arXiv 2104.04473, equation 3), written for any
    /// shape as 4 × the layers and 3 × the vocabulary's projection.
    fn hardware_operations(&self) -> f64 {
        let forward = self.shape.forward_flops(self.sequence, CausalCount::Full).0 * self.batch;
        let head = 2.0 * self.shape.head_parameters() * self.sequence * self.batch;
        4.0 * (forward - head) + 3.0 * head
    }
}
