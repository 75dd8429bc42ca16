//! Parameters and kept activations of a transformer's layers, as figures that a layout only divides.

use crate::catalog::{Attention, Transformer};

/// Parameters of one layer of each sort, and how many layers of each sort there are. Norms and biases are left out:
/// less than a thousandth.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    /// Layers, the decoder's included.
    pub layers: f64,
    /// Parameters of attention and state-space mixers, averaged over all layers.
    pub mixer: f64,
    /// Parameters of a dense feed-forward part.
    pub dense: f64,
    /// Routed parameters of a layer with experts.
    pub routed: f64,
    /// Parameters of a layer with experts that every token visits, the router included.
    pub shared: f64,
    /// Parameters of the embedding; the output projection has as many.
    pub embedding: f64,
    /// Layers with experts.
    pub mixtures: f64,
    /// First layers that stay dense.
    pub dense_first: f64,
    /// Share of layers with a feed-forward part.
    pub feed_forward: f64,
}

/// Bytes kept for the backward pass per token and layer, by what divides them. Averages over all layers, but for the
/// two sorts of feed-forward parts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Kept {
    /// Split by tensor parallelism only along the sequence.
    pub whole: f64,
    /// Split by tensor parallelism in any case.
    pub split: f64,
    /// Keys and values: split as far as there are heads.
    pub keys: f64,
}

impl Sizes {
    pub fn of(shape: &Transformer) -> Self {
        let hidden = shape.hidden;
        let layers = (shape.layers + shape.decoder_layers).max(1.0);
        let matrices = if shape.gated { 3.0 } else { 2.0 };
        let cross = shape.decoder_layers;
        let attention = attention_parameters(&shape.attention, hidden);
        let state_space = shape.state_space.map_or(0.0, |mixer| {
            let read = 2.0 * mixer.inner + 2.0 * mixer.groups * mixer.state;
            mixer.layers * hidden * (read + mixer.inner)
        });
        let attention_layers = attention_layers(shape) + cross;
        let feed_forward = (shape.ffn_layers + shape.decoder_layers) / layers;
        let (routed, shared, mixtures, dense_first) = shape.experts.map_or((0.0, 0.0, 0.0, 0.0), |experts| {
            let inside = experts.latent.unwrap_or(hidden);
            let latent = experts.latent.map_or(0.0, |latent| 2.0 * hidden * latent);
            (
                experts.count * matrices * inside * experts.hidden,
                experts.shared * matrices * hidden * experts.shared_hidden + hidden * experts.count + latent,
                ((shape.ffn_layers - experts.dense_layers) / experts.every.max(1.0)).max(0.0).floor(),
                experts.dense_layers,
            )
        });
        Self {
            layers,
            mixer: (attention * attention_layers + state_space) / layers,
            dense: matrices * hidden * shape.ffn,
            routed,
            shared,
            embedding: shape.vocabulary * hidden,
            mixtures,
            dense_first,
            feed_forward,
        }
    }

    /// Dense and expert layers among `layers` of a stage, of which the first of the model are or are not part.
    pub fn feed_forward_layers(&self, layers: f64, first: bool) -> (f64, f64) {
        let all = layers * self.feed_forward;
        if self.mixtures == 0.0 {
            return (all, 0.0);
        }
        let behind = self.layers * self.feed_forward - self.dense_first;
        let density = if behind > 0.0 { self.mixtures / behind } else { 0.0 };
        let eligible = if first { (all - self.dense_first).max(0.0) } else { all };
        let mixtures = (eligible * density).min(self.mixtures);
        (all - mixtures, mixtures)
    }
}

/// Layers with attention; those of encoder and decoder together where there are two.
fn attention_layers(shape: &Transformer) -> f64 {
    shape.attention_layers + shape.decoder_layers
}

fn attention_parameters(attention: &Attention, hidden: f64) -> f64 {
    match *attention {
        Attention::Grouped { heads, kv_heads, head_dim } => 2.0 * hidden * head_dim * (heads + kv_heads),
        Attention::Latent { heads, query_rank, kv_rank, plain_dim, rotary_dim, value_dim } => {
            let queries = heads * (plain_dim + rotary_dim);
            let down = if query_rank > 0.0 { query_rank * (hidden + queries) } else { hidden * queries };
            down + hidden * (kv_rank + rotary_dim)
                + kv_rank * heads * (plain_dim + value_dim)
                + heads * value_dim * hidden
        }
    }
}

/// Bytes of one element of activations, and of the input that a matrix product keeps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Widths {
    /// An element.
    pub element: f64,
    /// An element of a product's input, where it is kept in low precision.
    pub input: f64,
}

/// Attention and state-space mixers, per token, averaged over all layers. Per layer with attention: 4h of norm and
/// product input, queries, keys, values and the output of attention, a dropout mask in ungated models: 13·h bytes with
/// as many heads of keys as of queries (arXiv 2205.05198, section 4.1).
pub(super) fn mixer_kept(shape: &Transformer, widths: Widths) -> Kept {
    let Widths { element, input } = widths;
    let hidden = shape.hidden;
    let mask = if shape.gated { 0.0 } else { hidden };
    let head = element * hidden + input * hidden + mask;
    let each = match shape.attention {
        Attention::Grouped { heads, kv_heads, head_dim } => Kept {
            whole: head,
            split: 2.0 * element * heads * head_dim + 4.0 * heads,
            keys: 2.0 * element * kv_heads * head_dim,
        },
        Attention::Latent { heads, query_rank, kv_rank, plain_dim, rotary_dim, value_dim } => Kept {
            // Both low ranks are kept before and after their norm.
            whole: head + 2.0 * element * (query_rank + kv_rank) + element * rotary_dim,
            split: element * heads * 2.0 * (plain_dim + rotary_dim + value_dim) + 4.0 * heads,
            keys: 0.0,
        },
    };
    let layers = (shape.layers + shape.decoder_layers).max(1.0);
    let share = (attention_layers(shape) + shape.decoder_layers) / layers;
    let mut kept = Kept { whole: each.whole * share, split: each.split * share, keys: each.keys * share };
    if let Some(mixer) = shape.state_space {
        let share = mixer.layers / layers;
        kept.whole += share * (element + input) * hidden;
        kept.split += share * element * (6.0 * mixer.inner + 4.0 * mixer.groups * mixer.state);
    }
    kept
}

/// The scores of attention where they are materialised, per token of one sequence of `tokens`, averaged over all
/// layers: 5·a·s bytes in 16 bit (scores, dropout mask and their product; arXiv 2205.05198, equation 1).
pub(super) fn core_kept(shape: &Transformer, tokens: f64, element: f64) -> f64 {
    let layers = (shape.layers + shape.decoder_layers).max(1.0);
    let seen = match shape.window {
        Some((width, share)) => share * width.min(tokens) + (1.0 - share) * tokens,
        None => tokens,
    };
    2.5 * element * shape.attention.heads() * seen * attention_layers(shape) / layers
}

/// A dense feed-forward part, per token: 21·h bytes with ffn = 4h, norm input included (arXiv 2205.05198, section 4.1);
/// a gated one keeps both projections beside their product.
pub(super) fn dense_kept(shape: &Transformer, widths: Widths) -> Kept {
    let Widths { element, input } = widths;
    let mask = if shape.gated { 0.0 } else { shape.hidden };
    let inner = if shape.gated { 2.0 } else { 1.0 };
    Kept {
        whole: (element + input) * shape.hidden + mask,
        split: (inner * element + input) * shape.ffn,
        keys: 0.0,
    }
}

/// A feed-forward part of experts, per token: each visited expert keeps its permuted input, its inner values and its
/// output, which the gradient of the router needs.
pub(super) fn mixture_kept(shape: &Transformer, widths: Widths) -> Kept {
    let Some(experts) = shape.experts else { return dense_kept(shape, widths) };
    let Widths { element, input } = widths;
    let inner = if shape.gated { 2.0 } else { 1.0 };
    let inside = experts.latent.unwrap_or(shape.hidden);
    let latent = experts.latent.map_or(0.0, |latent| 2.0 * element * latent);
    Kept {
        whole: (element + input) * shape.hidden
            + experts.top_k * (element + input) * inside
            + latent
            + 4.0 * experts.count,
        split: (inner * element + input)
            * (experts.top_k * experts.hidden + experts.shared * experts.shared_hidden),
        keys: 0.0,
    }
}

/// What FSDP's selective recomputation keeps instead of everything: every other matrix product, the output of
/// attention and the layer's input.
pub(super) fn every_other_product(shape: &Transformer, element: f64) -> (Kept, Kept, Kept) {
    let hidden = shape.hidden;
    let mixer = match shape.attention {
        Attention::Grouped { heads, kv_heads, head_dim } => Kept {
            whole: element * hidden,
            split: 2.0 * element * heads * head_dim,
            keys: element * kv_heads * head_dim,
        },
        Attention::Latent { heads, value_dim, plain_dim, rotary_dim, .. } => Kept {
            whole: element * hidden,
            split: element * heads * (plain_dim + rotary_dim + value_dim),
            keys: 0.0,
        },
    };
    let dense = Kept { whole: element * hidden, split: element * shape.ffn, keys: 0.0 };
    let mixture = shape.experts.map_or(dense, |experts| Kept {
        whole: element * hidden * (1.0 + experts.top_k),
        split: element * (experts.top_k * experts.hidden + experts.shared * experts.shared_hidden),
        keys: 0.0,
    });
    (mixer, dense, mixture)
}
