//! What follows from a transformer's shape alone: parameters, and arithmetic per token. Biases, norms and learned
//! positions are left out: together they are under one percent.

use crate::units::Flops;

use super::transformer::{Attention, Experts, StateSpace, Transformer};

/// Operations of a state-space scan per token and element of the state (Megatron-LM's count).
const SCAN_OPERATIONS: f64 = 7.0;
/// Width of the causal convolution in a Mamba-2 mixer.
const MIXER_CONVOLUTION: f64 = 4.0;
/// Width of a Mamba-2 head, for its gates.
const MIXER_HEAD: f64 = 64.0;

/// How the attention of a causal model is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CausalCount {
    /// Every token sees the whole sequence, as most published utilisations count (PaLM, appendix B).
    Full,
    /// Every token sees what stands before it: half of the sequence on average, as fused kernels compute.
    Half,
}

impl Attention {
    /// Parameters that act on the tokens that ask: queries and output.
    #[must_use]
    pub fn query_parameters(&self, hidden: f64) -> f64 {
        match *self {
            Self::Grouped { heads, head_dim, .. } => 2.0 * hidden * heads * head_dim,
            Self::Latent { heads, query_rank, plain_dim, rotary_dim, value_dim, .. } => {
                let width = heads * (plain_dim + rotary_dim);
                let queries = if query_rank > 0.0 { query_rank * (hidden + width) } else { hidden * width };
                queries + heads * value_dim * hidden
            }
        }
    }

    /// Parameters that act on the tokens that are looked at: keys and values.
    #[must_use]
    pub fn kv_parameters(&self, hidden: f64) -> f64 {
        match *self {
            Self::Grouped { kv_heads, head_dim, .. } => 2.0 * hidden * kv_heads * head_dim,
            Self::Latent { heads, kv_rank, plain_dim, rotary_dim, value_dim, .. } => {
                hidden * (kv_rank + rotary_dim) + kv_rank * heads * (plain_dim + value_dim)
            }
        }
    }

    /// Parameters of one attention.
    #[must_use]
    pub fn parameters(&self, hidden: f64) -> f64 {
        self.query_parameters(hidden) + self.kv_parameters(hidden)
    }

    /// Operations of one token with one token that it sees: its score and its share of the values.
    #[must_use]
    pub fn pair_flops(&self) -> f64 {
        match *self {
            Self::Grouped { heads, head_dim, .. } => 4.0 * heads * head_dim,
            Self::Latent { heads, plain_dim, rotary_dim, value_dim, .. } => {
                2.0 * heads * (plain_dim + rotary_dim + value_dim)
            }
        }
    }
}

impl StateSpace {
    /// Parameters of one mixer: input and output projections, convolution, gates.
    #[must_use]
    pub fn parameters(&self, hidden: f64) -> f64 {
        let shared = 2.0 * self.groups * self.state;
        hidden * (2.0 * self.inner + shared + self.inner / MIXER_HEAD)
            + self.inner * hidden
            + MIXER_CONVOLUTION * (self.inner + shared)
    }
}

impl Transformer {
    /// Layers of all sorts, the decoder's included.
    #[must_use]
    pub fn all_layers(&self) -> f64 {
        self.layers + self.decoder_layers
    }

    /// Layers whose feed-forward part is of experts.
    #[must_use]
    pub fn expert_layers(&self) -> f64 {
        let of = |experts: &Experts| {
            ((self.ffn_layers - experts.dense_layers).max(0.0) / experts.every.max(1.0)).floor()
        };
        self.experts.as_ref().map_or(0.0, of)
    }

    /// Layers whose feed-forward part is dense, the decoder's included.
    #[must_use]
    pub fn dense_layers(&self) -> f64 {
        self.ffn_layers - self.expert_layers() + self.decoder_layers
    }

    /// Parameters of one attention.
    #[must_use]
    pub fn attention_parameters(&self) -> f64 {
        self.attention.parameters(self.hidden)
    }

    /// Parameters of one dense feed-forward part.
    #[must_use]
    pub fn dense_parameters(&self) -> f64 {
        self.matrices() * self.hidden * self.ffn
    }

    /// Parameters of one routed expert; 0 where there is none.
    #[must_use]
    pub fn expert_parameters(&self) -> f64 {
        let of = |experts: &Experts| self.matrices() * experts.latent.unwrap_or(self.hidden) * experts.hidden;
        self.experts.as_ref().map_or(0.0, of)
    }

    /// Parameters of a layer of experts that every token meets: router, shared experts, way to the latent width.
    #[must_use]
    pub fn shared_expert_parameters(&self) -> f64 {
        let of = |experts: &Experts| {
            self.hidden * experts.count
                + experts.shared * self.matrices() * self.hidden * experts.shared_hidden
                + 2.0 * self.hidden * experts.latent.unwrap_or(0.0)
        };
        self.experts.as_ref().map_or(0.0, of)
    }

    /// Parameters of one state-space mixer; 0 where there is none.
    #[must_use]
    pub fn state_space_parameters(&self) -> f64 {
        self.state_space.as_ref().map_or(0.0, |mixers| mixers.parameters(self.hidden))
    }

    /// Parameters of all layers, without embeddings and further prediction layers.
    #[must_use]
    pub fn body_parameters(&self) -> f64 {
        self.body(self.experts.as_ref().map_or(0.0, |experts| experts.count))
    }

    /// Parameters of one layer, as the mean over all.
    #[must_use]
    pub fn layer_parameters(&self) -> f64 {
        self.body_parameters() / self.all_layers().max(1.0)
    }

    /// Parameters of the embedding and, where it is not tied, of the output projection.
    #[must_use]
    pub fn embedding_parameters(&self) -> f64 {
        self.vocabulary * self.hidden * if self.tied_embeddings { 1.0 } else { 2.0 }
    }

    /// All parameters, those of further prediction layers included.
    #[must_use]
    pub fn parameters(&self) -> f64 {
        let visited = self.experts.as_ref().map_or(0.0, |experts| experts.count);
        self.body(visited) + self.prediction(visited) + self.embedding_parameters()
    }

    /// Parameters that one token meets, embeddings included.
    #[must_use]
    pub fn active_parameters(&self) -> f64 {
        let visited = self.experts.as_ref().map_or(0.0, |experts| experts.top_k);
        self.body(visited) + self.prediction(visited) + self.embedding_parameters()
    }

    /// Parameters that one token is multiplied with: the active ones without the embedding, which is a look-up.
    #[must_use]
    pub fn multiplied_parameters(&self) -> f64 {
        let visited = self.experts.as_ref().map_or(0.0, |experts| experts.top_k);
        self.body(visited)
            + self.prediction(visited)
            + self.head_parameters() * (1.0 + self.prediction_layers)
    }

    /// Parameters of the projection to the vocabulary, of models that predict tokens.
    #[must_use]
    pub fn head_parameters(&self) -> f64 {
        if self.causal || self.decoder_layers > 0.0 { self.vocabulary * self.hidden } else { 0.0 }
    }

    /// Tokens that a token sees in an attention layer, as the mean over layers and places.
    #[must_use]
    pub fn tokens_seen(&self, sequence: f64, count: CausalCount) -> f64 {
        let half = self.causal && count == CausalCount::Half;
        let all = if half { sequence / 2.0 } else { sequence };
        let Some((window, share)) = self.window.filter(|(window, _)| *window < sequence) else { return all };
        let near = if half { window * (1.0 - window / (2.0 * sequence)) } else { window };
        share * near + (1.0 - share) * all
    }

    /// Forward arithmetic of one token in a sequence: two operations per parameter met, attention over the tokens
    /// seen, and the scans of state-space layers. Of an encoder with a decoder: one token of each.
    #[must_use]
    pub fn forward_flops_per_token(&self, sequence: f64, count: CausalCount) -> Flops {
        let weights = 2.0 * self.multiplied_parameters();
        let scans = |mixers: &StateSpace| SCAN_OPERATIONS * mixers.inner * mixers.state * mixers.layers;
        let scans = self.state_space.as_ref().map_or(0.0, scans);
        Flops(weights + self.attention_flops_per_token(sequence, count) + scans - self.spared(sequence))
    }

    /// Forward arithmetic of attention over keys and values, per token: what grows with the sequence.
    #[must_use]
    pub fn attention_flops_per_token(&self, sequence: f64, count: CausalCount) -> f64 {
        let before = if count == CausalCount::Half { sequence / 2.0 } else { sequence };
        let own = (self.attention_layers + self.prediction_layers) * self.tokens_seen(sequence, count);
        let decoder = self.decoder_layers * (before + sequence);
        let condition = self.attention_layers * self.context.unwrap_or(0.0);
        self.attention.pair_flops() * (own + decoder + condition)
    }

    /// Forward arithmetic of a whole sequence.
    #[must_use]
    pub fn forward_flops(&self, sequence: f64, count: CausalCount) -> Flops {
        self.forward_flops_per_token(sequence, count) * sequence
    }

    /// The same shape with another number of layers; the sorts of a hybrid keep their shares.
    #[must_use]
    pub fn with_layers(mut self, layers: f64) -> Self {
        let scale = layers / self.layers.max(1.0);
        self.attention_layers = (self.attention_layers * scale).round();
        self.ffn_layers = (self.ffn_layers * scale).round();
        if let Some(mixers) = &mut self.state_space {
            mixers.layers = (mixers.layers * scale).round();
        }
        if let Some(experts) = &mut self.experts {
            experts.dense_layers = experts.dense_layers.min(self.ffn_layers);
        }
        self.layers = layers;
        self
    }

    fn matrices(&self) -> f64 {
        if self.gated { 3.0 } else { 2.0 }
    }

    /// Parameters of all layers when each of those with experts has `visited` of them.
    fn body(&self, visited: f64) -> f64 {
        let attention = self.attention_parameters();
        let crossing = if self.context.is_some() { attention } else { 0.0 };
        let mixers = self.state_space.as_ref().map_or(0.0, |mixers| mixers.layers);
        self.attention_layers * (attention + crossing)
            + self.decoder_layers * 2.0 * attention
            + self.dense_layers() * self.dense_parameters()
            + self.expert_layers() * self.expert_layer(visited)
            + mixers * self.state_space_parameters()
    }

    fn expert_layer(&self, visited: f64) -> f64 {
        self.shared_expert_parameters() + visited * self.expert_parameters()
    }

    /// Further prediction layers: one layer each, and a projection of state and embedding to the width.
    fn prediction(&self, visited: f64) -> f64 {
        let feed =
            if self.expert_layers() > 0.0 { self.expert_layer(visited) } else { self.dense_parameters() };
        self.prediction_layers * (self.attention_parameters() + feed + 2.0 * self.hidden * self.hidden)
    }

    /// Keys and values of a condition are made once per sequence, not once per token.
    fn spared(&self, sequence: f64) -> f64 {
        let kv = self.attention.kv_parameters(self.hidden);
        let spared = |tokens: f64| 2.0 * self.attention_layers * kv * (1.0 - tokens / sequence.max(1.0));
        self.context.map_or(0.0, spared)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::transformer_draft::Draft;

    /// A gated decoder with grouped heads of 128.
    fn decoder((layers, hidden, heads): (f64, f64, f64), kv_heads: f64, ffn: f64, vocabulary: f64) -> Draft {
        Draft {
            layers,
            decoder_layers: 0.0,
            hidden,
            heads,
            kv_heads: Some(kv_heads),
            head_dim: Some(128.0),
            latent: None,
            attention_layers: None,
            ffn,
            ffn_layers: None,
            gated: true,
            vocabulary,
            tied_embeddings: false,
            causal: true,
            window: None,
            experts: None,
            state_space: None,
            prediction_layers: 0.0,
            context: None,
        }
    }

    fn shape(draft: Draft) -> Transformer {
        match draft.finish() {
            Ok(shape) => shape,
            Err(faults) => unreachable!("{faults:?}"),
        }
    }

    fn llama_8b() -> Transformer {
        shape(decoder((32.0, 4096.0, 32.0), 8.0, 14_336.0, 128_256.0))
    }

    fn near(found: f64, published: f64, tolerance: f64) {
        assert!((found / published - 1.0).abs() < tolerance, "{found:.4e} is not {published:.4e}");
    }

    #[test]
    fn dense_decoders_have_their_published_size() {
        near(llama_8b().parameters(), 8.03e9, 0.001);
        near(shape(decoder((80.0, 8192.0, 64.0), 8.0, 28_672.0, 128_256.0)).parameters(), 70.55e9, 0.001);
        near(
            shape(decoder((126.0, 16_384.0, 128.0), 8.0, 53_248.0, 128_256.0)).parameters(),
            405.85e9,
            0.001,
        );
        let mut gpt = decoder((96.0, 12_288.0, 96.0), 96.0, 49_152.0, 51_200.0);
        (gpt.gated, gpt.tied_embeddings) = (false, true);
        near(shape(gpt).parameters(), 175e9, 0.01);
    }

    #[test]
    fn a_mixture_meets_a_part_of_its_parameters() {
        let mut mixtral = decoder((32.0, 4096.0, 32.0), 8.0, 14_336.0, 32_000.0);
        mixtral.experts = Some(Experts {
            count: 8.0,
            top_k: 2.0,
            hidden: 14_336.0,
            shared: 0.0,
            shared_hidden: 14_336.0,
            every: 1.0,
            dense_layers: 0.0,
            latent: None,
        });
        let mixtral = shape(mixtral);
        near(mixtral.parameters(), 46.7e9, 0.001);
        near(mixtral.active_parameters(), 12.9e9, 0.005);
        let looked_up = mixtral.vocabulary * mixtral.hidden;
        near(mixtral.active_parameters() - mixtral.multiplied_parameters(), looked_up, 1e-6);
    }

    #[test]
    fn arithmetic_is_two_operations_a_parameter_and_attention() {
        let llama = llama_8b();
        let matrices = 2.0 * (llama.parameters() - 128_256.0 * 4096.0);
        let full = llama.forward_flops_per_token(8192.0, CausalCount::Full).0;
        assert_eq!(full, matrices + 32.0 * 4.0 * 8192.0 * 4096.0);
        let half = llama.forward_flops_per_token(8192.0, CausalCount::Half).0;
        assert_eq!(half, matrices + 32.0 * 2.0 * 8192.0 * 4096.0);
    }

    #[test]
    fn a_window_limits_what_is_seen() {
        let mut gemma = llama_8b();
        gemma.window = Some((1024.0, 0.75));
        assert_eq!(gemma.tokens_seen(4096.0, CausalCount::Full), 0.75 * 1024.0 + 0.25 * 4096.0);
        assert_eq!(gemma.tokens_seen(4096.0, CausalCount::Half), 0.75 * 896.0 + 0.25 * 2048.0);
        assert_eq!(gemma.tokens_seen(512.0, CausalCount::Full), 512.0);
    }

    #[test]
    fn fewer_layers_keep_the_sorts_of_a_hybrid_and_its_dense_start() {
        let mut hybrid = llama_8b();
        hybrid.state_space = Some(StateSpace { layers: 16.0, inner: 8192.0, state: 128.0, groups: 8.0 });
        hybrid.attention_layers = 8.0;
        let cut = hybrid.with_layers(4.0);
        assert_eq!((cut.layers, cut.attention_layers, cut.ffn_layers), (4.0, 1.0, 4.0));
        assert_eq!(cut.state_space.map(|mixers| mixers.layers), Some(2.0));
        near(cut.layer_parameters() * 4.0, cut.body_parameters(), 1e-12);
    }

    #[test]
    fn impossible_shapes_are_told_all_at_once() {
        let mut draft = decoder((4.0, 100.0, 6.0), 4.0, 400.0, 1000.0);
        draft.head_dim = None;
        draft.attention_layers = Some(5.0);
        let keys: Vec<&str> =
            draft.finish().err().unwrap_or_default().iter().map(|fault| fault.key()).collect();
        assert_eq!(keys, ["heads", "kv_heads", "attention_layers"]);
    }
}
