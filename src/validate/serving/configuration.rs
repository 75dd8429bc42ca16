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

impl ServingMetric {
    /// The metric of a column's word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Some(match word {
            "latency_ms" => Self::Latency,
            "ttft_ms" => Self::TimeToFirstToken,
            "tpot_ms" | "itl_ms" => Self::TimePerOutputToken,
            "samples_s" => Self::SamplesPerSecond,
            "qps" => Self::QueriesPerSecond,
            "tok_s_output" => Self::OutputTokensPerSecond,
            "tok_s_total" => Self::TokensPerSecond,
            _ => return None,
        })
    }
}

/// Which figure of a distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ServingStatistic {
    /// Mean, also where the source is silent.
    Mean,
    /// A quantile, as 0.99.
    Quantile(f64),
}

impl ServingStatistic {
    /// `mean`, blank, `median`, or `p99` and its like; `None` when it is none of these, as `p101`.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        match word {
            "" | "mean" => return Some(Self::Mean),
            "median" => return Some(Self::Quantile(0.5)),
            _ => {}
        }
        let percent: f64 = word.strip_prefix('p')?.parse().ok()?;
        (percent > 0.0 && percent < 100.0).then_some(Self::Quantile(percent / 100.0))
    }
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

impl ServingScenario {
    /// The scenario of a column's word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scenario| scenario.word() == word)
    }

    const ALL: [Self; 4] = [Self::Offline, Self::Online, Self::Server, Self::SingleStream];

    /// The word of the column.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Offline => "offline",
            Self::Online => "online",
            Self::Server => "server",
            Self::SingleStream => "single_stream",
        }
    }
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

impl LatencyLimit {
    /// Reads `p99=15` or `ttft_p99=2000;tpot_p99=200`; `None` when it is neither.
    #[must_use]
    pub fn list(text: &str) -> Option<Vec<Self>> {
        text.split(';').map(str::trim).filter(|part| !part.is_empty()).map(Self::of).collect()
    }

    fn of(part: &str) -> Option<Self> {
        let (name, limit) = part.split_once('=')?;
        let (metric, quantile) = match name.rsplit_once('_') {
            None => (ServingMetric::Latency, name),
            Some(("ttft", quantile)) => (ServingMetric::TimeToFirstToken, quantile),
            Some(("tpot", quantile)) => (ServingMetric::TimePerOutputToken, quantile),
            Some(_) => return None,
        };
        let ServingStatistic::Quantile(quantile) = ServingStatistic::of(quantile.trim())? else {
            return None;
        };
        let milliseconds: f64 = limit.trim().parse().ok()?;
        (milliseconds > 0.0 && milliseconds < 1e12).then_some(Self { metric, quantile, milliseconds })
    }
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

impl ServingConfiguration {
    /// A text that rows of one run share: everything but which figure is asked for.
    #[must_use]
    pub fn run_key(&self) -> String {
        let run = Self {
            metric: ServingMetric::Latency,
            statistic: ServingStatistic::Mean,
            per_device: false,
            ..self.clone()
        };
        format!("{run:?}")
    }
}
