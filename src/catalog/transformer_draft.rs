//! A transformer's shape as a file states it, its usual values where the file is silent, and what cannot be.

use thiserror::Error;

use super::transformer::{Attention, Experts, StateSpace, Transformer};

/// More layers than this are a slip.
pub(super) const MAX_LAYERS: u64 = 1_000_000;
/// Wider than this is a slip.
pub(super) const MAX_WIDTH: u64 = 100_000_000;

/// Ranks of multi-head latent attention, as stated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct LatentRanks {
    pub query_rank: f64,
    pub kv_rank: f64,
    pub plain_dim: f64,
    pub rotary_dim: f64,
    pub value_dim: f64,
}

/// A shape as stated: `None` is silence.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub layers: f64,
    pub decoder_layers: f64,
    pub hidden: f64,
    pub heads: f64,
    pub kv_heads: Option<f64>,
    pub head_dim: Option<f64>,
    pub latent: Option<LatentRanks>,
    pub attention_layers: Option<f64>,
    pub ffn: f64,
    pub ffn_layers: Option<f64>,
    pub gated: bool,
    pub vocabulary: f64,
    pub tied_embeddings: bool,
    pub causal: bool,
    pub window: Option<(f64, f64)>,
    pub experts: Option<Experts>,
    pub state_space: Option<StateSpace>,
    pub prediction_layers: f64,
    pub context: Option<f64>,
}

/// Why a shape cannot be. `key` names the value to blame, as in `[model.transformer]`.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub(super) enum ShapeFault {
    #[error("a width of {hidden} does not split into {heads} heads")]
    Heads { hidden: f64, heads: f64 },
    #[error("{heads} heads do not share {kv_heads} heads of keys and values evenly")]
    KvHeads { heads: f64, kv_heads: f64 },
    #[error("a token cannot visit {top_k} of {count} experts")]
    TopK { top_k: f64, count: f64 },
    #[error(
        "{dense} dense layers before the experts are more than the {layers} layers with a feed-forward part"
    )]
    DenseLayers { dense: f64, layers: f64 },
    #[error("experts in every {every} layers never come up in {layers}")]
    Every { every: f64, layers: f64 },
    #[error("{some} layers with {part} are more than the {layers} layers there are")]
    MoreThanLayers { key: &'static str, part: &'static str, some: f64, layers: f64 },
}

impl ShapeFault {
    /// The value to blame.
    pub(super) fn key(&self) -> &'static str {
        match self {
            Self::Heads { .. } => "heads",
            Self::KvHeads { .. } => "kv_heads",
            Self::TopK { .. } => "experts.top_k",
            Self::DenseLayers { .. } => "experts.dense_layers",
            Self::Every { .. } => "experts.every",
            Self::MoreThanLayers { key, .. } => key,
        }
    }

    /// What is allowed.
    pub(super) fn suggestion(&self) -> String {
        match self {
            Self::Heads { .. } => {
                "give a number of heads that divides the width, or the width of a head".into()
            }
            Self::KvHeads { heads, .. } => format!("allowed: a divisor of {heads}"),
            Self::TopK { count, .. } => format!("allowed: 1 to {count}"),
            Self::DenseLayers { layers, .. } => format!("allowed: 0 to {layers}"),
            Self::Every { layers, .. } | Self::MoreThanLayers { layers, .. } => {
                format!("allowed: up to {layers}")
            }
        }
    }
}

impl Draft {
    /// The shape with its usual values.
    ///
    /// # Errors
    /// Everything that cannot be, at once.
    pub(super) fn finish(self) -> Result<Transformer, Vec<ShapeFault>> {
        let faults = self.faults();
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Transformer {
            layers: self.layers,
            decoder_layers: self.decoder_layers,
            hidden: self.hidden,
            attention: self.attention(),
            attention_layers: self.attention_layers.unwrap_or(self.layers),
            ffn: self.ffn,
            ffn_layers: self.ffn_layers.unwrap_or(self.layers),
            gated: self.gated,
            vocabulary: self.vocabulary,
            tied_embeddings: self.tied_embeddings,
            causal: self.causal,
            window: self.window,
            experts: self.experts,
            state_space: self.state_space,
            prediction_layers: self.prediction_layers,
            context: self.context,
        })
    }

    fn attention(&self) -> Attention {
        match self.latent {
            Some(ranks) => Attention::Latent {
                heads: self.heads,
                query_rank: ranks.query_rank,
                kv_rank: ranks.kv_rank,
                plain_dim: ranks.plain_dim,
                rotary_dim: ranks.rotary_dim,
                value_dim: ranks.value_dim,
            },
            None => Attention::Grouped {
                heads: self.heads,
                kv_heads: self.kv_heads.unwrap_or(self.heads),
                head_dim: self.head_dim.unwrap_or(self.hidden / self.heads),
            },
        }
    }

    fn faults(&self) -> Vec<ShapeFault> {
        let mut faults = Vec::new();
        let (hidden, heads) = (self.hidden, self.heads);
        if self.latent.is_none() && self.head_dim.is_none() && hidden % heads != 0.0 {
            faults.push(ShapeFault::Heads { hidden, heads });
        }
        let kv_heads = self.kv_heads.unwrap_or(heads);
        if self.latent.is_none() && heads % kv_heads != 0.0 {
            faults.push(ShapeFault::KvHeads { heads, kv_heads });
        }
        let mixers = self.state_space.as_ref().map(|mixers| mixers.layers);
        for (key, part, some) in [
            ("attention_layers", "attention", self.attention_layers),
            ("ffn_layers", "a feed-forward part", self.ffn_layers),
            ("state_space.layers", "state-space mixers", mixers),
        ] {
            if let Some(some) = some.filter(|some| *some > self.layers) {
                faults.push(ShapeFault::MoreThanLayers { key, part, some, layers: self.layers });
            }
        }
        if let Some(experts) = &self.experts {
            self.expert_faults(experts, &mut faults);
        }
        faults
    }

    fn expert_faults(&self, experts: &Experts, faults: &mut Vec<ShapeFault>) {
        let layers = self.ffn_layers.unwrap_or(self.layers);
        if experts.top_k > experts.count {
            faults.push(ShapeFault::TopK { top_k: experts.top_k, count: experts.count });
        }
        if experts.dense_layers > layers {
            faults.push(ShapeFault::DenseLayers { dense: experts.dense_layers, layers });
        } else if experts.every > layers {
            faults.push(ShapeFault::Every { every: experts.every, layers });
        }
    }
}
