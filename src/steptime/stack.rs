//! How well the training software of a job is tuned.

/// The software that runs the training, as far as published measurements tell kinds apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SoftwareStack {
    /// Tuned for the benchmark: MLPerf Training submissions (fused kernels, CUDA graphs, unpadded batches).
    Tuned,
    /// What a team gets from a vendor's reference scripts: NVIDIA DeepLearningExamples and framework benchmarks.
    #[default]
    Reference,
    /// Plain framework code as in research papers: no mixed precision, loader in the training process.
    Research,
}

impl SoftwareStack {
    /// Every stack with its word in scenarios.
    pub const ALL: &'static [(&'static str, Self)] =
        &[("tuned", Self::Tuned), ("reference", Self::Reference), ("research", Self::Research)];

    /// The word in scenarios.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, stack)| *stack == self).map_or("", |(word, _)| word)
    }

    /// The class of a stack named in the observation table: `mlperf`, `research`, or one of the frameworks.
    #[must_use]
    pub fn of_observed(stack: &str) -> Self {
        match stack {
            "mlperf" => Self::Tuned,
            "research" => Self::Research,
            _ => Self::Reference,
        }
    }

    /// The observed stack that stands for the class where none of the model's own rows names one. Most reference rows
    /// are PyTorch ones.
    pub(super) fn usual(self) -> &'static str {
        match self {
            Self::Tuned => "mlperf",
            Self::Reference => "pytorch",
            Self::Research => "research",
        }
    }

    /// Host time per micro-step in seconds that the device waits for: launches, optimizer, Python. Chosen with the
    /// regression, not measured apart.
    pub(super) fn host_time(self) -> f64 {
        match self {
            Self::Tuned => 0.0003,
            Self::Reference => 0.014,
            Self::Research => 0.015,
        }
    }

    /// Share of the gradient exchange inside a node that the backward pass leaves exposed.
    pub(super) fn exposed_share(self) -> f64 {
        match self {
            Self::Tuned => 0.03,
            Self::Reference => 0.4,
            Self::Research => 0.8,
        }
    }

    /// The same of the exchange between nodes.
    pub(super) fn exposed_share_across(self) -> f64 {
        match self {
            Self::Tuned => 0.3,
            Self::Reference => 0.4,
            Self::Research => 0.8,
        }
    }
}
