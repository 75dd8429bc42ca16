//! What an iteration takes its time for.

/// What takes time. The order is that of the arrays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServingTerm {
    /// Matrix products of the layers as far as reading weights binds.
    Streaming,
    /// Matrix products of the layers as far as arithmetic binds.
    Arithmetic,
    /// Routed experts.
    Experts,
    /// Projection onto the vocabulary, and sampling.
    Vocabulary,
    /// Attention of prompts.
    PromptAttention,
    /// Attention of decoding sequences over their caches, and state-space scans.
    DecodeAttention,
    /// Norms, activations, residuals: memory traffic and small kernels.
    Elementwise,
    /// Tensor-parallel exchange.
    TensorExchange,
    /// Tokens sent to experts and back.
    ExpertExchange,
    /// Activations passed between pipeline stages.
    PipelineExchange,
    /// The host's work of a step and of its sequences.
    Host,
    /// The host's launches of a prompt's chunk, which no graph captures.
    PromptHost,
    /// Time of a request outside iterations: before it is scheduled and after its last token.
    Request,
}

impl ServingTerm {
    /// How many there are.
    pub const COUNT: usize = 13;

    /// Every term with its word in tables.
    pub const ALL: [(&'static str, Self); Self::COUNT] = [
        ("streaming", Self::Streaming),
        ("arithmetic", Self::Arithmetic),
        ("experts", Self::Experts),
        ("vocabulary", Self::Vocabulary),
        ("prompt-attention", Self::PromptAttention),
        ("decode-attention", Self::DecodeAttention),
        ("elementwise", Self::Elementwise),
        ("tensor-exchange", Self::TensorExchange),
        ("expert-exchange", Self::ExpertExchange),
        ("pipeline-exchange", Self::PipelineExchange),
        ("host", Self::Host),
        ("prompt-host", Self::PromptHost),
        ("request", Self::Request),
    ];

    /// The word in tables.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

/// The logarithm by which each term is scaled.
pub type ServingScales = [f64; ServingTerm::COUNT];

/// Seconds by term.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ServingSeconds {
    /// By term.
    pub seconds: [f64; ServingTerm::COUNT],
}

impl ServingSeconds {
    /// Adds to a term.
    pub fn add(&mut self, term: ServingTerm, seconds: f64) {
        self.seconds[term as usize] += seconds;
    }

    /// The sum when every term is multiplied by its factor.
    #[must_use]
    pub fn total(&self, factors: &[f64; ServingTerm::COUNT]) -> f64 {
        self.seconds.iter().zip(factors).map(|(seconds, factor)| seconds * factor).sum()
    }
}
