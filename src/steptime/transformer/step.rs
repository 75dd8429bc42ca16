//! Scaled terms to the step they make: what runs beside what.

use super::terms::{Term, Terms};

/// How hard the slower of two concurrent sides hides the other: 1/p-norms, sharp for 6, softer for 4.
const HOST_NORM: f64 = 6.0;
const SHARD_NORM: f64 = 4.0;
/// Share of a micro-batch's time that can hide the exchange of sharded weights.
const SHARD_COVER: f64 = 0.9;
/// Share of the exchange that stays exposed however long the computation.
const SHARD_EXPOSED: f64 = 0.05;
/// Share of the experts' exchange that stays exposed.
const EXPERT_EXPOSED: f64 = 0.7;
/// Share of the last micro-batch that can hide the gradient exchange.
const GRADIENT_COVER: f64 = 0.6;
/// Share of it that stays exposed at least.
const GRADIENT_EXPOSED: f64 = 0.25;
/// Seconds of a step outside everything else.
const BETWEEN_STEPS: f64 = 0.003;

/// The logarithm by which each term is scaled.
pub(super) type Scales = [f64; Term::COUNT];

/// A step, part by part; the parts add up.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StepParts {
    /// Matrix products and attention.
    pub compute: f64,
    /// Memory traffic: element-wise operations, loss, optimizer.
    pub memory: f64,
    /// Waiting for the host's launches.
    pub host: f64,
    /// Exposed exchange inside the domain of tensor, context and expert parallelism, and between stages.
    pub exchange: f64,
    /// Exposed exchange of weights and gradients between data-parallel ranks.
    pub gradients: f64,
    /// Idle time of pipeline stages.
    pub bubble: f64,
}

impl StepParts {
    /// Seconds of the step.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.compute + self.memory + self.host + self.exchange + self.gradients + self.bubble
    }

    /// The same with every part scaled.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        Self {
            compute: self.compute * factor,
            memory: self.memory * factor,
            host: self.host * factor,
            exchange: self.exchange * factor,
            gradients: self.gradients * factor,
            bubble: self.bubble * factor,
        }
    }
}

fn norm(power: f64, left: f64, right: f64) -> f64 {
    let greatest = left.max(right);
    if greatest <= 0.0 {
        return 0.0;
    }
    let least = left.min(right) / greatest;
    greatest * libm::pow(1.0 + libm::pow(least, power), 1.0 / power)
}

impl Terms {
    /// The step when each term is scaled by the exponential of its entry.
    ///
    /// Pipelines: m micro-batches of the slowest stage and (p−1)/v of the average one (arXiv 2104.04473, section 2.2).
    #[must_use]
    pub(super) fn step(&self, scales: &Scales) -> StepParts {
        let of = |term: Term| {
            let seconds = self.seconds[term as usize];
            if seconds > 0.0 { seconds * libm::exp(scales[term as usize]) } else { 0.0 }
        };
        let head = of(Term::Vocabulary);
        let loss = of(Term::Loss);
        let compute = of(Term::Products) + of(Term::Experts) + of(Term::Attention);
        let exchange = of(Term::TensorExchange)
            + of(Term::ContextExchange)
            + EXPERT_EXPOSED * of(Term::ExpertExchange)
            + of(Term::PipelineExchange);
        let layers = compute + of(Term::Elementwise) + exchange;
        let host = of(Term::Host);
        let last = norm(HOST_NORM, layers + head + loss, host);
        let average = norm(HOST_NORM, layers + (head + loss) / self.stages, host);
        let shards = of(Term::ShardExchange);
        let cover = SHARD_COVER * last;
        let exposed =
            if shards > 0.0 { norm(SHARD_NORM, shards, cover) - cover + SHARD_EXPOSED * shards } else { 0.0 };
        let gradients = of(Term::GradientExchange);
        let gradients = (gradients * GRADIENT_EXPOSED).max(gradients - GRADIENT_COVER * last);
        let m = self.micro_batches;
        StepParts {
            compute: m * (compute + head),
            memory: m * (of(Term::Elementwise) + loss) + of(Term::Optimizer),
            host: m * (last - layers - head - loss) + BETWEEN_STEPS,
            exchange: m * exchange,
            gradients: m * exposed + gradients,
            bubble: (self.stages - 1.0) / self.chunks * average,
        }
    }
}
