//! The matrix products of a replica's layers on the tokens of one iteration.

use crate::catalog::{Precision, Transformer};
use crate::steptime::kernels::MatmulShape;
use crate::steptime::transformer::{Matrix, Split, attention_matrices, feed_forward_matrices, sparse_layers};

use super::job::ServingJob;
use super::terms::{ServingSeconds, ServingTerm};

/// Passes of the sampler over the scores of a sequence, in 32 bit.
const SAMPLER_BYTES: f64 = 20.0;

/// Whether reading or arithmetic binds is told by the products themselves.
#[derive(Clone, Copy, Default)]
struct Products {
    streaming: f64,
    arithmetic: f64,
}

impl Products {
    fn plus(self, other: Self) -> Self {
        Self { streaming: self.streaming + other.streaming, arithmetic: self.arithmetic + other.arithmetic }
    }

    fn times(self, count: f64) -> Self {
        Self { streaming: self.streaming * count, arithmetic: self.arithmetic * count }
    }
}

impl ServingJob<'_> {
    fn product(&self, shape: MatmulShape) -> Products {
        let rates = self.device.matmul(self.weights.arithmetic(self.accelerator));
        let (seconds, share) = rates.streamed(shape, self.weights.bytes());
        Products { streaming: seconds.0 * share, arithmetic: seconds.0 * (1.0 - share) }
    }

    fn products(&self, rows: f64, matrices: &[Matrix], tensor: f64) -> Products {
        matrices.iter().fold(Products::default(), |sum, (input, output, split)| {
            let input = if *split == Split::Rows { input / tensor } else { *input };
            let output = if *split == Split::Columns { output / tensor } else { *output };
            sum.plus(self.product(MatmulShape::single(rows, output, input)))
        })
    }

    /// Products of all layers on `tokens`, experts apart.
    pub(super) fn add_products(&self, tokens: f64, found: &mut ServingSeconds) {
        let shape = self.shape;
        let own = tokens / self.layout.attention_data as f64;
        let (matrices, count) = attention_matrices(&shape.attention, shape.hidden);
        let attention = self.products(own, &matrices[..count], self.layout.attention_tensor());
        let mut sum = attention.times(shape.attention_layers + 2.0 * shape.decoder_layers);
        sum = sum.plus(self.mixers(own)).plus(self.feed_forward(tokens));
        found.add(ServingTerm::Streaming, sum.streaming);
        found.add(ServingTerm::Arithmetic, sum.arithmetic);
    }

    fn mixers(&self, tokens: f64) -> Products {
        let Some(mixer) = &self.shape.state_space else { return Products::default() };
        let inner = 2.0 * mixer.inner + 2.0 * mixer.groups * mixer.state;
        let hidden = self.shape.hidden;
        let matrices = [(hidden, inner, Split::Columns), (mixer.inner, hidden, Split::Rows)];
        self.products(tokens, &matrices, self.layout.attention_tensor()).times(mixer.layers)
    }

    fn feed_forward(&self, tokens: f64) -> Products {
        let (shape, tensor) = (self.shape, self.layout.tensor as f64);
        let all = shape.ffn_layers + shape.decoder_layers;
        let dense = || self.products(tokens, &feed_forward_matrices(shape, shape.ffn), tensor);
        let Some(experts) = &shape.experts else { return dense().times(all) };
        // Further prediction layers do not run.
        let sparse = sparse_layers(shape) - shape.prediction_layers;
        let mut of_sparse = self.products(tokens, &[(shape.hidden, experts.count, Split::Whole)], 1.0);
        if experts.shared > 0.0 {
            let width = experts.shared * experts.shared_hidden;
            of_sparse = of_sparse.plus(self.products(tokens, &feed_forward_matrices(shape, width), tensor));
        }
        if let Some(latent) = experts.latent {
            let bridge = [(shape.hidden, latent, Split::Whole), (latent, shape.hidden, Split::Whole)];
            of_sparse = of_sparse.plus(self.products(tokens, &bridge, 1.0));
        }
        let rest = (all - sparse).max(0.0);
        let dense = if rest > 0.0 { dense().times(rest) } else { Products::default() };
        dense.plus(of_sparse.times(sparse))
    }

    /// Routed experts: the distinct experts that the tokens visit decide which weights are read.
    pub(super) fn add_experts(&self, tokens: f64, found: &mut ServingSeconds) {
        let shape = self.shape;
        let Some(experts) = &shape.experts else { return };
        let expert = self.layout.expert as f64;
        let tensor = self.layout.tensor as f64 / expert;
        let untouched = libm::pow(1.0 - experts.top_k / experts.count, tokens);
        let distinct = (experts.count / expert * (1.0 - untouched)).max(experts.top_k.min(tokens) / expert);
        let rows = (tokens * experts.top_k / expert / distinct).max(1.0);
        let width = experts.latent.unwrap_or(shape.hidden);
        let inner = experts.hidden / tensor;
        let gates = if shape.gated { 2.0 } else { 1.0 };
        let up = self.product(MatmulShape { groups: distinct, m: rows, n: inner * gates, k: width });
        let down = self.product(MatmulShape { groups: distinct, m: rows, n: width, k: inner });
        let layer = up.plus(down);
        let sparse = sparse_layers(shape) - shape.prediction_layers;
        found.add(ServingTerm::Experts, (layer.streaming + layer.arithmetic) * sparse);
    }

    /// The projection onto the vocabulary in 16 bit, and the sampler's passes over the scores.
    pub(super) fn vocabulary(&self, sequences: f64) -> f64 {
        let shape: &Transformer = self.shape;
        if shape.vocabulary <= 0.0 || sequences <= 0.0 {
            return 0.0;
        }
        let own = shape.vocabulary / self.layout.tensor as f64;
        let rates = self.device.matmul(Precision::Bf16);
        let head = rates.streamed(MatmulShape::single(sequences, own, shape.hidden), 2.0).0;
        let passes = sequences * shape.vocabulary * SAMPLER_BYTES / self.device.bandwidth.0;
        head.0 + passes
    }
}
