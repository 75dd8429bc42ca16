//! What a prediction may read of a serving row: its configuration, and nothing that was measured.

/// What a published value measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServingMetric {
    /// End-to-end time of a request or of a batch.
    Latency,
    /// Time to the first token.
    TimeToFirstToken,
    /// Time per output token, the first excluded.
    TimePerOutputToken,
    /// Items per second of the whole deployment.
    SamplesPerSecond,
    /// Requests per second that the deployment was offered or reached.
    QueriesPerSecond,
    /// Output tokens per second.
    OutputTokensPerSecond,
    /// Input and output tokens per second.
    TokensPerSecond,
}

/// Which figure of a distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ServingStatistic {
    /// Mean, also where the source is silent.
    Mean,
    /// A quantile, as 0.99.
    Quantile(f64),
}

/// How load was put on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServingScenario {
    /// All at once, or one static batch.
    Offline,
    /// Requests over time: at a rate, or by a number of clients.
    Online,
    /// A Poisson rate under a latency limit (MLPerf Server).
    Server,
    /// One request at a time.
    SingleStream,
}

/// A latency that a run had to keep: `ttft_p99=2000`.
#[derive(Clone, Debug, PartialEq)]
pub struct LatencyLimit {
    /// Metric: [`ServingMetric::Latency`], first token or output token.
    pub metric: ServingMetric,
    /// Quantile.
    pub quantile: f64,
    /// Limit in milliseconds.
    pub milliseconds: f64,
}

/// The configuration of a published serving row. It holds no value, name, source or note of the row. Texts are as
/// written, blank where unknown; counts are `None` where blank.
#[derive(Clone, Debug, PartialEq)]
pub struct ServingConfiguration {
    /// Field: `llm`, `vision`, `nlp`, `recsys`, `other`.
    pub category: String,
    /// Model as named.
    pub model: String,
    /// Parameters, billions.
    pub params_b: Option<f64>,
    /// Precision as written.
    pub precision: String,
    /// Device as named.
    pub accelerator: String,
    /// Devices of the whole deployment.
    pub accelerator_count: Option<f64>,
    /// Tensor-parallel degree.
    pub tensor: Option<f64>,
    /// Pipeline-parallel degree.
    pub pipeline: Option<f64>,
    /// Expert-parallel degree.
    pub expert: Option<f64>,
    /// Framework as named.
    pub framework: String,
    /// Engine version as named.
    pub engine_version: String,
    /// How load was put on.
    pub scenario: ServingScenario,
    /// Prompt tokens, or sequence length.
    pub input_tokens: Option<f64>,
    /// Answer tokens.
    pub output_tokens: Option<f64>,
    /// Batch, or requests in flight.
    pub batch_or_concurrency: Option<f64>,
    /// Offered requests per second; infinite for `inf`.
    pub request_rate: Option<f64>,
    /// What is measured.
    pub metric: ServingMetric,
    /// Which figure of it.
    pub statistic: ServingStatistic,
    /// Whether the value is that of one device (`tokens/s/GPU`).
    pub per_device: bool,
    /// Data set that the lengths come from.
    pub dataset: String,
    /// Latency limits.
    pub limits: Vec<LatencyLimit>,
    /// Largest batch of the server.
    pub max_batch: Option<f64>,
    /// Longest wait of the server for a fuller batch, microseconds.
    pub batching_delay_us: Option<f64>,
    /// Instances of the model.
    pub instances: Option<f64>,
    /// Whether prompts and answers run on different devices.
    pub disaggregated: bool,
    /// Devices for prompts.
    pub prefill_accelerators: Option<f64>,
    /// Devices for answers.
    pub decode_accelerators: Option<f64>,
    /// Speculative decoding as written; blank for none.
    pub speculative: String,
    /// Length of the run: seconds or requests, as written.
    pub duration_or_requests: String,
}
