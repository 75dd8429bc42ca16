//! What rows of inference say beside those of training.

use schemars::JsonSchema;
use serde::Serialize;

use crate::catalog::Purchase;
use crate::scenario::RequestTime;

use super::result::{Estimate, Probability};

/// Percentiles of a time over requests, each with its uncertainty; null where too few requests were finished to tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Percentiles {
    /// Median request.
    pub p50: Option<Estimate>,
    /// Nine requests in ten stay under this.
    pub p90: Option<Estimate>,
    /// 95 %.
    pub p95: Option<Estimate>,
    /// 99 %.
    pub p99: Option<Estimate>,
}

impl Percentiles {
    /// Each with its word.
    #[must_use]
    pub fn parts(&self) -> [(&'static str, Option<Estimate>); 4] {
        [("p50", self.p50), ("p90", self.p90), ("p95", self.p95), ("p99", self.p99)]
    }
}

/// A time over requests as a distribution, for pictures; not part of the result's JSON, whose percentiles are points of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    /// Which time.
    pub time: RequestTime,
    /// Shares of requests, rising, and the seconds that each stays under, as far as there are requests enough to tell.
    pub points: Vec<(f64, f64)>,
    /// Targets: shares, and the seconds that each is to stay under.
    pub limits: Vec<(f64, f64)>,
}

/// A fleet against a hosted model paid by the token, at the same traffic.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ApiComparison {
    /// The hosted model.
    pub name: String,
    /// What this traffic costs there in an hour.
    pub api_usd_per_hour: f64,
    /// What a million of these requests costs there.
    pub api_usd_per_million_requests: f64,
    /// Requests per second from which this fleet, as it stands, is cheaper.
    pub break_even_requests_per_s: f64,
    /// Whether the fleet can take that many.
    pub within_capacity: bool,
}

/// One split of a hybrid.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct HybridPoint {
    /// Share of requests answered from the store.
    pub share: f64,
    /// Keys computed beforehand.
    pub keys: f64,
    /// Whether the targets hold, over all requests, on those machines.
    pub holds: bool,
    /// Machines that answer the rest.
    pub online_machines: u64,
    /// Machines of the batch runs, there for a run only.
    pub batch_machines: u64,
    /// Money of a month for the batch runs.
    pub batch_usd_per_month: Option<f64>,
    /// Time of one batch run on those machines.
    pub batch_s: f64,
    /// Money of a month for the machines online.
    pub online_usd_per_month: Option<f64>,
    /// Money of a month for store and look-ups.
    pub store_usd_per_month: f64,
    /// Their sum.
    pub usd_per_month: Option<f64>,
    /// Carbon of a month.
    pub carbon_kg_per_month: Option<f64>,
}

/// One group of a fleet that is made of several.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct GroupFigures {
    /// What for: `prefill`, `decode`, `base`, `burst` or `online`.
    pub role: String,
    /// Machine.
    pub instance: String,
    /// How many.
    pub instances: u64,
    /// Terms.
    pub purchase: Purchase,
    /// Region.
    pub region: String,
    /// How replicas lie on machines.
    pub layout: String,
    /// Replicas.
    pub replicas: u64,
    /// Memory of one device.
    pub memory_per_accelerator_bytes: Option<f64>,
    /// Share of time that its replicas are at work.
    pub utilisation: f64,
    /// Price of all its machines.
    pub price_usd_per_hour: Option<f64>,
    /// Its share of the bill of a month.
    pub cost_per_month_usd: Option<f64>,
}

/// One model of a fleet that serves several.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ModelFigures {
    /// The model.
    pub model: String,
    /// Share of all requests that are for it.
    pub share: f64,
    /// Its machines, where models are apart; null where they are together.
    pub instances: Option<u64>,
    /// Its replicas, where models are apart.
    pub replicas: Option<u64>,
    /// Highest rate of its requests at which every target holds, where models are apart.
    pub capacity_requests_per_s: Option<Estimate>,
    /// Its requests finished per second.
    pub requests_per_s: Option<Estimate>,
    /// Share of its requests within all limits on times.
    pub goodput_share: Option<Estimate>,
    /// From arrival to the first token.
    pub ttft_s: Option<Percentiles>,
    /// (Last token − first token) / (tokens − 1) of a request.
    pub tpot_s: Option<Percentiles>,
    /// From arrival to the end with the call over the network, as the client sees it.
    pub latency_s: Option<Percentiles>,
    /// Its part of the bill of a month, where models are apart.
    pub cost_per_month_usd: Option<Estimate>,
}

/// What an inference row adds. All figures of an infeasible row are null.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct ServingFigures {
    /// `online`, `batch` or `hybrid`.
    pub mode: String,
    /// Where the model lives.
    pub hosting: String,
    /// Replicas of the model.
    pub replicas: Option<u64>,
    /// Requests per second that arrive; the peak of a profile.
    pub demand_requests_per_s: Option<f64>,
    /// Highest rate at which every target holds.
    pub capacity_requests_per_s: Option<Estimate>,
    /// Highest rate that is served at all, targets aside.
    pub sustainable_requests_per_s: Option<Estimate>,
    /// Whether the fleet keeps up with what arrives; a queue that grows for ever has no latency.
    pub keeps_up: Option<bool>,
    /// Probability that all targets on times and goodput hold.
    pub targets_met: Option<Probability>,
    /// Requests finished per second.
    pub requests_per_s: Option<Estimate>,
    /// Tokens written per second.
    pub output_tokens_per_s: Option<Estimate>,
    /// Tokens read per second.
    pub input_tokens_per_s: Option<Estimate>,
    /// Share of requests within all limits on times.
    pub goodput_share: Option<Estimate>,
    /// Share of requests refused.
    pub refused_share: Option<Estimate>,
    /// Share of time that replicas are at work.
    pub utilisation: Option<Estimate>,
    /// From arrival to the first token.
    pub ttft_s: Option<Percentiles>,
    /// (Last token − first token) / (tokens − 1) of a request; null where no request has two tokens.
    pub tpot_s: Option<Percentiles>,
    /// From arrival to the end, as the server sees it.
    pub e2e_s: Option<Percentiles>,
    /// The same with the call over the network, as the client sees it.
    pub latency_s: Option<Percentiles>,
    /// Hybrid: the same of the requests that were not found in the store.
    pub computed_latency_s: Option<Percentiles>,
    /// Mean number of machines that are paid.
    pub mean_machines: Option<f64>,
    /// Most machines at once.
    pub peak_machines: Option<f64>,
    /// Cost of an hour at this traffic.
    pub cost_per_hour_usd: Option<Estimate>,
    /// Cost of a day.
    pub cost_per_day_usd: Option<Estimate>,
    /// Cost of a month of 730 h.
    pub cost_per_month_usd: Option<Estimate>,
    /// Cost of a million tokens, read and written.
    pub cost_per_million_tokens_usd: Option<Estimate>,
    /// Cost of a million tokens read: the share of the replicas' time in iterations with prompts.
    pub cost_per_million_input_tokens_usd: Option<Estimate>,
    /// Cost of a million tokens written: the rest of their time.
    pub cost_per_million_output_tokens_usd: Option<Estimate>,
    /// Cost of a million answers.
    pub cost_per_million_predictions_usd: Option<Estimate>,
    /// Cost of a million answers within all limits.
    pub cost_per_million_good_usd: Option<Estimate>,
    /// Cost of a million answers when the fleet runs at its capacity.
    pub cost_per_million_at_capacity_usd: Option<Estimate>,
    /// Carbon of a million answers.
    pub carbon_per_million_predictions_kg: Option<Estimate>,
    /// Tokens that the cache of one replica holds.
    pub cache_tokens: Option<f64>,
    /// Greatest share of the cache in use.
    pub cache_peak_share: Option<f64>,
    /// Sequences preempted per request.
    pub preemptions_per_request: Option<f64>,
    /// Share of prompt tokens found in the prefix cache.
    pub prefix_hit_share: Option<f64>,
    /// Capacity of what is left after the planned losses.
    pub capacity_after_loss_requests_per_s: Option<f64>,
    /// Against a hosted model.
    pub api: Option<ApiComparison>,
    /// The split of a hybrid that the row's figures are of.
    pub hybrid_share: Option<f64>,
    /// All splits looked at.
    pub hybrid: Vec<HybridPoint>,
    /// The groups of a fleet that is made of several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupFigures>,
    /// The models of a fleet that serves several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<ModelFigures>,
    /// Times of requests as distributions.
    #[serde(skip)]
    pub distributions: Vec<Distribution>,
}
