//! A small GPT: embeddings, causal attention, MLP, a head of its own.

use candle_core::{D, DType, Device, Result, Tensor, Var};
use candle_nn::loss::cross_entropy;
use candle_nn::ops::{layer_norm_slow, softmax};

use super::parameters::{Dense, Parameters, tokens};

/// Where a masked score goes.
const MASKED: f32 = -1e9;

/// Its shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GptShape {
    pub layers: usize,
    pub hidden: usize,
    pub heads: usize,
    pub vocabulary: usize,
    /// Longest sequence.
    pub positions: usize,
}

impl GptShape {
    /// The catalog's `capplan-gpt`.
    pub const USUAL: Self = Self { layers: 4, hidden: 256, heads: 4, vocabulary: 1024, positions: 1024 };

    /// Arithmetic of a forward pass over one sequence, attention counted in full.
    pub fn flops_forward(&self, sequence: usize) -> f64 {
        let (layers, hidden) = (self.layers as f64, self.hidden as f64);
        let (sequence, vocabulary) = (sequence as f64, self.vocabulary as f64);
        sequence * (layers * (24.0 * hidden * hidden + 4.0 * sequence * hidden) + 2.0 * hidden * vocabulary)
    }

    /// Bytes that training keeps for a sequence of 32-bit values: what every operation of the forward pass leaves for
    /// the backward one, counted over this file.
    pub fn bytes_kept(&self, sequence: usize) -> f64 {
        let (layers, hidden, heads) = (self.layers as f64, self.hidden as f64, self.heads as f64);
        let sequence = sequence as f64;
        let per_layer = 60.0 * sequence * hidden + 8.0 * heads * sequence * sequence;
        4.0 * (layers * per_layer + 6.0 * sequence * self.vocabulary as f64)
    }
}

struct Norm {
    scale: Tensor,
    shift: Tensor,
}

impl Norm {
    fn new(parameters: &mut Parameters, hidden: usize) -> Result<Self> {
        Ok(Self { scale: parameters.constant(1.0, hidden)?, shift: parameters.constant(0.0, hidden)? })
    }

    fn forward(&self, rows: &Tensor) -> Result<Tensor> {
        // The fused kernel has no backward pass.
        layer_norm_slow(rows, &self.scale, &self.shift, 1e-5)
    }
}

struct Layer {
    before_attention: Norm,
    query_key_value: Dense,
    project: Dense,
    before_mlp: Norm,
    widen: Dense,
    narrow: Dense,
}

/// Keys and values of earlier tokens, one pair for each layer, with room for one more token.
pub(super) struct Cache {
    pairs: Vec<(Tensor, Tensor)>,
    context: usize,
}

pub(super) struct Gpt {
    shape: GptShape,
    embedding: Tensor,
    position: Tensor,
    layers: Vec<Layer>,
    last: Norm,
    head: Dense,
    vars: Vec<Var>,
}

impl Gpt {
    pub fn new(shape: GptShape, dtype: DType, device: &Device) -> Result<Self> {
        let mut parameters = Parameters::new(dtype, device);
        let p = &mut parameters;
        let hidden = shape.hidden;
        let embedding = p.weight(&[shape.vocabulary, hidden], hidden)?;
        let position = p.weight(&[shape.positions, hidden], hidden)?;
        let mut layers = Vec::with_capacity(shape.layers);
        for _ in 0..shape.layers {
            layers.push(Layer {
                before_attention: Norm::new(p, hidden)?,
                query_key_value: Dense::new(p, hidden, 3 * hidden)?,
                project: Dense::new(p, hidden, hidden)?,
                before_mlp: Norm::new(p, hidden)?,
                widen: Dense::new(p, hidden, 4 * hidden)?,
                narrow: Dense::new(p, 4 * hidden, hidden)?,
            });
        }
        let last = Norm::new(p, hidden)?;
        let head = Dense::new(p, hidden, shape.vocabulary)?;
        let vars = parameters.into_vars();
        Ok(Self { shape, embedding, position, layers, last, head, vars })
    }

    pub fn vars(&self) -> Vec<Var> {
        self.vars.clone()
    }

    /// Mean loss of predicting each next token of `(batch, sequence + 1)` tokens.
    pub fn loss(&self, tokens: &Tensor) -> Result<Tensor> {
        let sequence = tokens.dim(1)? - 1;
        let inputs = tokens.narrow(1, 0, sequence)?.contiguous()?;
        let targets = tokens.narrow(1, 1, sequence)?.contiguous()?.flatten_all()?;
        let mask = mask(sequence, tokens.device())?;
        let mut rows = self.embed(&inputs, 0)?;
        for layer in &self.layers {
            rows = self.layer(layer, &rows, Some(&mask), None)?;
        }
        let logits = self.head.forward(&self.last.forward(&rows)?)?;
        let logits = logits.reshape(((), self.shape.vocabulary))?;
        cross_entropy(&logits.to_dtype(DType::F32)?, &targets)
    }

    /// Prefill: all tokens of `(batch, sequence)`, the logits of the last ones.
    pub fn prefill(&self, tokens: &Tensor) -> Result<Tensor> {
        let sequence = tokens.dim(1)?;
        let mask = mask(sequence, tokens.device())?;
        let mut rows = self.embed(tokens, 0)?;
        for layer in &self.layers {
            rows = self.layer(layer, &rows, Some(&mask), None)?;
        }
        self.head.forward(&self.last.forward(&rows.narrow(1, sequence - 1, 1)?.contiguous()?)?)
    }

    /// A cache that holds `context` tokens of each of `batch` sequences.
    pub fn cache(&self, batch: usize, context: usize, device: &Device) -> Result<Cache> {
        let (heads, width) = (self.shape.heads, self.shape.hidden / self.shape.heads);
        let empty = || {
            let shape = (batch, heads, context + 1, width);
            Tensor::rand(0.0_f32, 1.0, shape, device)?.to_dtype(self.embedding.dtype())
        };
        let pairs = self.layers.iter().map(|_| Ok((empty()?, empty()?))).collect::<Result<_>>()?;
        Ok(Cache { pairs, context })
    }

    /// Decode: one more token of each sequence, `(batch, 1)`, against the cache. It is written in the place behind the
    /// context, so that the next call finds a context of the same length.
    pub fn decode(&self, tokens: &Tensor, cache: &Cache) -> Result<Tensor> {
        let mut rows = self.embed(tokens, cache.context.min(self.shape.positions - 1))?;
        for (layer, pair) in self.layers.iter().zip(&cache.pairs) {
            rows = self.layer(layer, &rows, None, Some((pair, cache.context)))?;
        }
        self.head.forward(&self.last.forward(&rows)?)
    }

    fn embed(&self, tokens: &Tensor, first: usize) -> Result<Tensor> {
        let (batch, sequence) = tokens.dims2()?;
        let rows = self.embedding.index_select(&tokens.flatten_all()?, 0)?;
        let rows = rows.reshape((batch, sequence, self.shape.hidden))?;
        rows.broadcast_add(&self.position.narrow(0, first, sequence)?)
    }

    fn layer(
        &self,
        layer: &Layer,
        rows: &Tensor,
        mask: Option<&Tensor>,
        cache: Option<(&(Tensor, Tensor), usize)>,
    ) -> Result<Tensor> {
        let (batch, sequence, hidden) = rows.dims3()?;
        let (heads, width) = (self.shape.heads, hidden / self.shape.heads);
        let all = layer.query_key_value.forward(&layer.before_attention.forward(rows)?)?;
        let part = |index: usize| {
            let part = all.narrow(2, index * hidden, hidden)?.reshape((batch, sequence, heads, width))?;
            part.transpose(1, 2)?.contiguous()
        };
        let (query, mut key, mut value) = (part(0)?, part(1)?, part(2)?);
        if let Some(((keys, values), context)) = cache {
            keys.slice_set(&key, 2, context)?;
            values.slice_set(&value, 2, context)?;
            (key, value) = (keys.clone(), values.clone());
        }
        let scale = 1.0 / (width as f64).sqrt();
        let mut scores = (query.matmul(&key.t()?)? * scale)?;
        if let Some(mask) = mask {
            scores = scores.broadcast_add(&mask.to_dtype(scores.dtype())?)?;
        }
        // The sum of a softmax is taken in 32 bit.
        let weights = softmax(&scores.to_dtype(DType::F32)?, D::Minus1)?.to_dtype(value.dtype())?;
        let mixed = weights.matmul(&value)?.transpose(1, 2)?.reshape((batch, sequence, hidden))?;
        let rows = (rows + layer.project.forward(&mixed)?)?;
        let wide = layer.widen.forward(&layer.before_mlp.forward(&rows)?)?.gelu()?;
        rows + layer.narrow.forward(&wide)?
    }
}

fn mask(sequence: usize, device: &Device) -> Result<Tensor> {
    let values: Vec<f32> = (0..sequence)
        .flat_map(|row| (0..sequence).map(move |column| if column > row { MASKED } else { 0.0 }))
        .collect();
    Tensor::from_vec(values, (1, 1, sequence, sequence), device)
}

/// Tokens to train on.
pub(super) fn batch(shape: &GptShape, batch: usize, sequence: usize, device: &Device) -> Result<Tensor> {
    tokens(shape.vocabulary, &[batch, sequence], device)
}
