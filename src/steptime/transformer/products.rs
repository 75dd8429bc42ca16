//! The matrix products of a transformer's layers on one device.

use crate::catalog::{Attention, Precision, Transformer};

use crate::steptime::kernels::{MatmulShape, grouped_matmul_seconds, matmul_seconds};

use super::job::TransformerJob;

/// What tensor parallelism does to a weight matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::steptime) enum Split {
    /// Every rank has it whole.
    Whole,
    /// Output columns are split.
    Columns,
    /// Input rows are split.
    Rows,
}

/// A weight matrix: input and output width.
pub(in crate::steptime) type Matrix = (f64, f64, Split);

/// Forward and backward seconds of a set of products.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Products {
    pub forward: f64,
    pub backward: f64,
}

impl Products {
    fn times(self, count: f64) -> Self {
        Self { forward: self.forward * count, backward: self.backward * count }
    }

    fn plus(self, other: Self) -> Self {
        Self { forward: self.forward + other.forward, backward: self.backward + other.backward }
    }

    /// Seconds when a share of the forward pass is repeated.
    pub(super) fn total(self, repeated: f64) -> f64 {
        self.forward * (1.0 + repeated) + self.backward
    }
}

/// Products of the whole model on the tokens of one device: pipeline stages share them equally.
pub(super) struct Layers<'a> {
    pub job: &'a TransformerJob<'a>,
    pub tokens: f64,
}

impl Layers<'_> {
    fn products(&self, rows: f64, matrices: &[Matrix], tensor: f64, precision: Precision) -> Products {
        let mut sum = Products::default();
        for (input, output, split) in matrices {
            let input = if *split == Split::Rows { input / tensor } else { *input };
            let output = if *split == Split::Columns { output / tensor } else { *output };
            let product = |m, n, k| matmul_seconds(self.job.device, precision, m, n, k).0;
            sum.forward += product(rows, output, input);
            sum.backward += product(rows, input, output);
            if !self.job.adapters {
                sum.backward += product(output, input, rows);
            }
        }
        sum
    }

    fn split(&self, matrices: &[Matrix]) -> Products {
        self.products(self.tokens, matrices, self.job.layout.tensor as f64, self.job.precision)
    }

    /// Attention projections, dense feed-forward parts, routers, shared experts and state-space projections.
    pub(super) fn dense(&self) -> Products {
        let shape = self.job.shape;
        let (attention, count) = attention_matrices(&shape.attention, shape.hidden);
        let attention =
            self.split(&attention[..count]).times(shape.attention_layers + 2.0 * shape.decoder_layers);
        attention.plus(self.crossing()).plus(self.feed_forward()).plus(self.mixers())
    }

    /// Queries and outputs of attention to a condition; its keys and values are few.
    fn crossing(&self) -> Products {
        let shape = self.job.shape;
        if shape.context.is_none() {
            return Products::default();
        }
        let (hidden, width) = (shape.hidden, shape.hidden);
        let matrices = [(hidden, width, Split::Columns), (width, hidden, Split::Rows)];
        self.split(&matrices).times(shape.attention_layers)
    }

    fn feed_forward(&self) -> Products {
        let shape = self.job.shape;
        let dense = self.split(&feed_forward_matrices(shape, shape.ffn));
        let all = shape.ffn_layers + shape.decoder_layers;
        let Some(experts) = &shape.experts else { return dense.times(all) };
        let sparse = sparse_layers(shape);
        let hidden = shape.hidden;
        let router = self.split(&[(hidden, experts.count, Split::Whole)]);
        let mut of_sparse = router;
        if experts.shared > 0.0 {
            let width = experts.shared * experts.shared_hidden;
            of_sparse = of_sparse.plus(self.split(&feed_forward_matrices(shape, width)));
        }
        if let Some(latent) = experts.latent {
            let bridge = [(hidden, latent, Split::Whole), (latent, hidden, Split::Whole)];
            of_sparse = of_sparse.plus(self.split(&bridge));
        }
        dense.times((all - sparse).max(0.0)).plus(of_sparse.times(sparse))
    }

    fn mixers(&self) -> Products {
        let shape = self.job.shape;
        let Some(mixer) = &shape.state_space else { return Products::default() };
        let inner = 2.0 * mixer.inner + 2.0 * mixer.groups * mixer.state;
        let matrices = [(shape.hidden, inner, Split::Columns), (mixer.inner, shape.hidden, Split::Rows)];
        self.split(&matrices).times(mixer.layers)
    }

    /// Routed experts, tokens spread evenly: the published rows force balanced routing.
    pub(super) fn experts(&self) -> Products {
        let shape = self.job.shape;
        let Some(experts) = &shape.experts else { return Products::default() };
        let layout = &self.job.layout;
        let (expert, tensor) = (layout.expert as f64, layout.tensor as f64);
        let local = experts.count / expert;
        // Ranks of a tensor-parallel group bring different parts of the sequence when experts are spread.
        let own = if layout.expert > 1 { self.tokens / tensor } else { self.tokens };
        let rows = (own * expert * experts.top_k / experts.count).max(1.0);
        let width = experts.latent.unwrap_or(shape.hidden);
        let inner = experts.hidden * if shape.gated { 2.0 } else { 1.0 };
        let split = if layout.expert > 1 { 1.0 } else { tensor };
        let product = |m, n, k| {
            let shape = MatmulShape { groups: local, m, n, k };
            grouped_matmul_seconds(self.job.device, self.job.precision, shape).0
        };
        let both = |input: f64, output: f64| Products {
            forward: product(rows, output, input),
            backward: product(rows, input, output)
                + if self.job.adapters { 0.0 } else { product(output, input, rows) },
        };
        let up = both(width, inner / split);
        let down = both(experts.hidden / split, width);
        up.plus(down).times(sparse_layers(shape))
    }

    /// The projection onto the vocabulary, in 16 bit.
    pub(super) fn vocabulary(&self) -> f64 {
        let shape = self.job.shape;
        if shape.vocabulary <= 0.0 {
            return 0.0;
        }
        let heads = 1.0 + shape.prediction_layers;
        let output = shape.vocabulary / self.job.layout.tensor as f64;
        3.0 * heads * matmul_seconds(self.job.device, Precision::Bf16, self.tokens, output, shape.hidden).0
    }
}

/// Layers whose feed-forward part is a mixture.
pub(in crate::steptime) fn sparse_layers(shape: &Transformer) -> f64 {
    shape.expert_layers() + if shape.experts.is_some() { shape.prediction_layers } else { 0.0 }
}

/// The weight matrices of one attention, the unused ones last, and how many there are.
pub(in crate::steptime) fn attention_matrices(attention: &Attention, hidden: f64) -> ([Matrix; 5], usize) {
    let none = (0.0, 0.0, Split::Whole);
    match *attention {
        Attention::Grouped { heads, kv_heads, head_dim } => {
            let inputs = (hidden, (heads + 2.0 * kv_heads) * head_dim, Split::Columns);
            ([inputs, (heads * head_dim, hidden, Split::Rows), none, none, none], 2)
        }
        Attention::Latent { heads, query_rank, kv_rank, plain_dim, rotary_dim, value_dim } => {
            let queries = heads * (plain_dim + rotary_dim);
            let keys = (hidden, kv_rank + rotary_dim, Split::Whole);
            let values = (kv_rank, heads * (plain_dim + value_dim), Split::Columns);
            let output = (heads * value_dim, hidden, Split::Rows);
            if query_rank > 0.0 {
                let down = (hidden, query_rank, Split::Whole);
                ([down, (query_rank, queries, Split::Columns), keys, values, output], 5)
            } else {
                ([(hidden, queries, Split::Columns), keys, values, output, none], 4)
            }
        }
    }
}

/// The weight matrices of one feed-forward part of an inner width.
pub(in crate::steptime) fn feed_forward_matrices(shape: &Transformer, inner: f64) -> [Matrix; 2] {
    let gates = if shape.gated { 2.0 } else { 1.0 };
    [(shape.hidden, inner * gates, Split::Columns), (inner, shape.hidden, Split::Rows)]
}
