//! The shape of a transformer: what its arithmetic, memory and exchanges follow from.

/// How attention keeps keys and values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Attention {
    /// Heads with keys and values of their own, or shared by groups of heads (GQA; MQA with one).
    Grouped {
        /// Query heads.
        heads: f64,
        /// Heads of keys and values.
        kv_heads: f64,
        /// Width of a head.
        head_dim: f64,
    },
    /// Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434): queries and keys-values go through low ranks.
    Latent {
        /// Query heads.
        heads: f64,
        /// Rank of the queries; 0 where they are projected directly.
        query_rank: f64,
        /// Rank of keys and values.
        kv_rank: f64,
        /// Width of a head without position.
        plain_dim: f64,
        /// Width of a head's rotary part.
        rotary_dim: f64,
        /// Width of a head's values.
        value_dim: f64,
    },
}

/// Mixture of experts in the feed-forward part of a layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Experts {
    /// Routed experts.
    pub count: f64,
    /// Experts that a token visits.
    pub top_k: f64,
    /// Inner width of an expert.
    pub hidden: f64,
    /// Experts that every token visits.
    pub shared: f64,
    /// Inner width of each of those.
    pub shared_hidden: f64,
    /// Every how many layers has experts: 1 for all, 2 for every other (Llama 4 Maverick).
    pub every: f64,
    /// First layers that stay dense.
    pub dense_layers: f64,
    /// Width that experts read and write where it is not the hidden size (Nemotron-3-Super: latent experts).
    pub latent: Option<f64>,
}

/// Layers of a hybrid that are state-space mixers or feed-forward alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StateSpace {
    /// Layers that are Mamba-2 mixers.
    pub layers: f64,
    /// Inner width of a mixer: heads × head width.
    pub inner: f64,
    /// Width of the state.
    pub state: f64,
    /// Groups that share B and C.
    pub groups: f64,
}

/// A transformer's shape. Counts are floats because they only ever enter arithmetic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transformer {
    /// Layers; of a hybrid, all of them, of whatever sort.
    pub layers: f64,
    /// Layers of the decoder where an encoder stands before it (`layers` is then the encoder's); 0 otherwise.
    pub decoder_layers: f64,
    /// Width.
    pub hidden: f64,
    /// Attention.
    pub attention: Attention,
    /// Layers that have attention; all of them but in hybrids.
    pub attention_layers: f64,
    /// Inner width of the dense feed-forward part.
    pub ffn: f64,
    /// Layers that have a feed-forward part, dense or of experts; all of them but in hybrids.
    pub ffn_layers: f64,
    /// Whether the feed-forward part is gated (SwiGLU, GeGLU: three matrices instead of two).
    pub gated: bool,
    /// Vocabulary; 0 where there is none.
    pub vocabulary: f64,
    /// Whether the output projection is the embedding's transpose.
    pub tied_embeddings: bool,
    /// Whether a token sees only earlier ones.
    pub causal: bool,
    /// Tokens that a layer with a sliding window sees, and the share of layers that have one.
    pub window: Option<(f64, f64)>,
    /// Experts, in mixtures.
    pub experts: Option<Experts>,
    /// State-space layers, in hybrids.
    pub state_space: Option<StateSpace>,
    /// Further token-prediction layers trained on top (DeepSeek-V3: 1).
    pub prediction_layers: f64,
    /// Tokens of a condition that every layer attends to beside its own (text of a diffusion transformer).
    pub context: Option<f64>,
}

impl Attention {
    /// Query heads.
    #[must_use]
    pub fn heads(&self) -> f64 {
        match *self {
            Self::Grouped { heads, .. } | Self::Latent { heads, .. } => heads,
        }
    }

    /// Heads of keys and values.
    #[must_use]
    pub fn kv_heads(&self) -> f64 {
        match *self {
            Self::Grouped { kv_heads, .. } => kv_heads,
            Self::Latent { heads, .. } => heads,
        }
    }
}
