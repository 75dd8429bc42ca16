//! The columns that only rows of transformers fill.

/// A row's shape and layout as published; `None` and empty where blank.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TransformerColumns {
    /// Layers.
    pub layers: Option<f64>,
    /// Width.
    pub hidden: Option<f64>,
    /// Query heads.
    pub heads: Option<f64>,
    /// Heads of keys and values.
    pub kv_heads: Option<f64>,
    /// Inner width of the feed-forward part.
    pub ffn: Option<f64>,
    /// Vocabulary.
    pub vocabulary: Option<f64>,
    /// Routed experts.
    pub experts: Option<f64>,
    /// Experts that a token visits.
    pub top_k: Option<f64>,
    /// Inner width of an expert.
    pub experts_hidden: Option<f64>,
    /// Data-parallel replicas.
    pub data: Option<u64>,
    /// Tensor-parallel degree.
    pub tensor: Option<u64>,
    /// Pipeline stages.
    pub pipeline: Option<u64>,
    /// Chunks of layers per stage.
    pub virtual_stages: Option<u64>,
    /// Context-parallel degree.
    pub context: Option<u64>,
    /// Expert-parallel degree.
    pub expert: Option<u64>,
    /// Sharding in the table's words, in lower case.
    pub sharding: String,
    /// Recomputation in the table's words, in lower case.
    pub recompute: String,
    /// Precision in the table's words, in lower case.
    pub precision: String,
    /// Recipe of low precision, in lower case.
    pub recipe: String,
    /// Optimizer, in lower case.
    pub optimizer: String,
    /// Attention kernels in the table's words, in lower case.
    pub attention: String,
    /// Compilation in the table's words, in lower case.
    pub compile: String,
    /// Interconnect in the table's words, in lower case.
    pub interconnect: String,
    /// Unit of the value, in lower case.
    pub unit: String,
}
