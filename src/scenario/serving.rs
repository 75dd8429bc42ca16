//! `[workload]` of kind `inference`: what is served, how, and where it lives.

use std::sync::Arc;

use crate::catalog::{Model, NumberFormat, Preemption};
use crate::document::{Code, Reader};
use crate::stats::Law;
use crate::steptime::measured::MeasuredSteps;
use crate::units::{Bytes, Money, PricePerByteMonth, Seconds, SimSpan};
use crate::workload::arrivals::TrafficSpec;
use crate::workload::inference::{
    AdmissionRule, Autoscaler, BatchRules, Loss, Router, ScaleSignal, Speculation,
};
use crate::workload::training::FailureSpec;

use super::applies::{self, Setting};
use super::hosting::{self, Hosting};
use super::models::{Models, ServedModel};
use super::resolve::Resolver;
use super::{combinations, traffic, workload};

/// Vertex AI's default target of accelerator duty cycle and CPU (reference documentation).
const TARGET_UTILISATION: f64 = 0.6;
/// Requests in flight for each replica, as Knative and Cloud Run count concurrency (assumed).
const TARGET_OUTSTANDING: f64 = 16.0;
/// Requests that wait for each replica (assumed).
const TARGET_QUEUE: f64 = 1.0;
/// Shortest time between two looks of an autoscaler: metrics are not gathered more often.
const SHORTEST_PERIOD: Seconds = Seconds(0.1);

/// Whether requests come, or wait.
#[derive(Clone, Debug, PartialEq)]
pub enum Mode {
    /// Requests as they come.
    Online,
    /// A number of items.
    Batch(BatchSpec),
    /// A share precomputed, the rest online.
    Hybrid(HybridSpec),
}

impl Mode {
    /// The word in scenarios.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Batch(_) => "batch",
            Self::Hybrid(_) => "hybrid",
        }
    }
}

/// A batch job.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchSpec {
    /// Items to score.
    pub items: f64,
    /// Stored bytes of one, to be read.
    pub item_bytes: Bytes,
    /// Stored bytes of one result.
    pub result_bytes: Bytes,
    /// Share of the rate left after reading, writing and uneven shards.
    pub efficiency: f64,
}

/// Results computed beforehand for the most wanted keys.
#[derive(Clone, Debug, PartialEq)]
pub struct HybridSpec {
    /// Shares of requests answered from the store, to compare.
    pub shares: Vec<f64>,
    /// Distinct keys.
    pub keys: f64,
    /// Exponent of Zipf's law.
    pub skew: f64,
    /// Results are computed again this often.
    pub freshness: Seconds,
    /// Stored bytes of one result.
    pub result_bytes: Bytes,
    /// Time of one look-up.
    pub lookup: Seconds,
    /// Price of a million look-ups.
    pub lookup_price: Money,
    /// Price of the store.
    pub store_price: PricePerByteMonth,
}

/// Batching; what is `None` is the engine's.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchingSpec {
    /// Most sequences of an iteration.
    pub max_sequences: Option<u32>,
    /// Most tokens of an iteration.
    pub max_batched_tokens: Option<u32>,
    /// Whether long prompts are cut.
    pub chunked_prefill: Option<bool>,
    /// Whether shared beginnings are kept.
    pub prefix_cache: Option<bool>,
    /// What happens when the cache is full.
    pub preemption: Option<Preemption>,
    /// Share of device memory.
    pub memory_fraction: Option<f64>,
    /// Drafted tokens.
    pub speculation: Option<Speculation>,
    /// Dynamic batching of other models.
    pub rules: BatchRules,
}

/// Price of a hosted model.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiPrice {
    /// What it is.
    pub name: String,
    /// Dollars of a million input tokens.
    pub input: f64,
    /// Dollars of a million output tokens.
    pub output: f64,
}

/// An inference workload.
#[derive(Clone, Debug)]
pub struct ServingSpec {
    /// The model.
    pub model: Arc<Model>,
    /// What the user measured.
    pub measured: Option<Arc<MeasuredSteps>>,
    /// Storage of weights.
    pub weights: NumberFormat,
    /// Models beside it, by the number of a kind of requests less one.
    pub others: Vec<ServedModel>,
    /// Storage of cached keys and values; `None` for 16 bit.
    pub cache: Option<NumberFormat>,
    /// Online, batch or hybrid.
    pub mode: Mode,
    /// Engine of language models.
    pub engine: String,
    /// Software of other models; empty for compiled networks as in benchmark submissions.
    pub software: String,
    /// What arrives.
    pub traffic: TrafficSpec,
    /// Mean requests per second of a trace, as the file has it; `None` of other arrivals, and of a trace without times.
    pub trace_rate: Option<f64>,
    /// Items of one request of other models.
    pub items_per_request: u32,
    /// Batching.
    pub batching: BatchingSpec,
    /// Router.
    pub router: Router,
    /// Admission.
    pub admission: AdmissionRule,
    /// Autoscaler.
    pub autoscaler: Option<Autoscaler>,
    /// Whether its target is the scenario's; otherwise one of requests in flight follows from the capacity of a replica.
    pub target_stated: bool,
    /// Hosting.
    pub hosting: Hosting,
    /// Planned losses.
    pub losses: Vec<Loss>,
    /// Hosted model to compare with.
    pub api: Option<ApiPrice>,
    /// What interrupts machines.
    pub failures: FailureSpec,
    /// Boot time; `None` for the provider's.
    pub boot: Option<Law>,
}

impl ServingSpec {
    /// Whether the model writes tokens one after the other.
    #[must_use]
    pub fn is_language(&self) -> bool {
        is_language(&self.model)
    }
}

/// Decoders with a vocabulary write tokens one after the other.
pub(super) fn is_language(model: &Model) -> bool {
    model.split_shape().is_some_and(|shape| shape.causal && shape.vocabulary > 0.0 && shape.context.is_none())
}

/// Reads the whole workload; `None` after a fault that leaves nothing to read.
pub(super) fn read(resolver: &mut Resolver<'_>, document: &Reader<'_>) -> Option<ServingSpec> {
    let table = document.table("workload");
    let model = workload::model(resolver, &table)?;
    let word = |key: &str| table.text(key).unwrap_or_default();
    let setting = Setting {
        model: table.text("model").unwrap_or_default(),
        language: is_language(&model),
        mode: table.choice("mode"),
        several: table.tables("mix").iter().any(|mix| mix.has("model")),
        hosting: table.table("hosting").choice("kind").filter(|_| !hosting::by_fleets(document)),
        spot: applies::on_spot(document),
    };
    applies::serving(resolver, document, &setting);
    combinations::check(resolver, document, &setting);
    combinations::experts(resolver, document, &model);
    let mode = mode(resolver, &table, &model);
    let weights = NumberFormat::of(word("precision")).unwrap_or(NumberFormat::Bf16);
    let mut models = Models::new(&model, weights);
    let traffic = traffic::read(resolver, &table, &mut models, !matches!(mode, Some(Mode::Batch(_))));
    let others = models.others;
    let language = is_language(&model) || others.iter().any(|other| is_language(&other.model));
    let batching = batching(resolver, &table.table("batching"));
    let autoscaler = autoscaler(resolver, &table, language);
    let hosting = hosting::read(&table.table("hosting"));
    let losses = table
        .tables("loss")
        .iter()
        .map(|loss| Loss {
            at: loss.seconds("at").unwrap_or(Seconds::ZERO),
            machines: narrow(loss.count("machines")).unwrap_or(1),
            back_after: loss.seconds("back_after"),
        })
        .collect();
    let batch_prices = matches!(mode, Some(Mode::Batch(_)));
    // Of several models no one price is that of a request.
    let api = api(resolver, &table.table("api"), &model, batch_prices).filter(|_| others.is_empty());
    let failures = workload::failures(resolver, &table.table("failures"));
    if language && let Err(unknown) = resolver.catalog.engine(word("engine")) {
        resolver.unknown(&table, "workload", "engine", unknown);
    }
    let (traffic, trace_rate) = traffic?;
    Some(ServingSpec {
        measured: resolver.profile.clone(),
        weights,
        cache: table.text("cache_precision").and_then(NumberFormat::of),
        mode: mode?,
        engine: word("engine").to_owned(),
        software: word("software").to_owned(),
        traffic,
        trace_rate,
        items_per_request: narrow(table.table("lengths").count("items")).unwrap_or(1),
        batching,
        router: router(&table.table("router")),
        admission: admission(&table.table("admission")),
        autoscaler,
        target_stated: table.table("autoscale").has("target"),
        hosting,
        losses,
        api,
        failures,
        boot: table.table("startup").seconds("boot").map(|boot| Law::Deterministic(boot.0)),
        others,
        model: Arc::new(model),
    })
}

pub(super) fn narrow(count: Option<u64>) -> Option<u32> {
    count.map(|count| u32::try_from(count).unwrap_or(u32::MAX))
}

pub(super) fn span(time: Option<Seconds>) -> SimSpan {
    SimSpan::from_seconds(time.unwrap_or(Seconds::ZERO))
}

fn mode(resolver: &mut Resolver<'_>, table: &Reader<'_>, model: &Model) -> Option<Mode> {
    let missing = |resolver: &mut Resolver<'_>, inner: &Reader<'_>, path: &str, key: &str, hint: &str| {
        let message = format!("this mode needs `{key}`");
        resolver.faults.push(inner.fault(Code::MissingKey, path, key, message).suggest(hint.to_owned()));
    };
    match table.text("mode") {
        Some("batch") => {
            let batch = table.table("batch");
            let Some(items) = batch.number("items") else {
                missing(resolver, &batch, "workload.batch", "items", "items to score, as `items = 5e8`");
                return None;
            };
            Some(Mode::Batch(BatchSpec {
                items,
                item_bytes: batch.bytes("item_size").or(model.bytes_per_sample).unwrap_or(Bytes(1000.0)),
                result_bytes: batch.bytes("result_size").unwrap_or(Bytes(100.0)),
                efficiency: batch.number("efficiency").unwrap_or(1.0),
            }))
        }
        Some("hybrid") => {
            let hybrid = table.table("hybrid");
            let Some(keys) = hybrid.number("keys") else {
                missing(
                    resolver,
                    &hybrid,
                    "workload.hybrid",
                    "keys",
                    "distinct users or items, as `keys = 2e7`",
                );
                return None;
            };
            Some(Mode::Hybrid(HybridSpec {
                shares: shares(resolver, &hybrid),
                keys,
                skew: hybrid.number("skew").unwrap_or(0.8),
                freshness: hybrid.seconds("freshness").unwrap_or(Seconds(86_400.0)),
                result_bytes: hybrid.bytes("result_size").unwrap_or(Bytes(1000.0)),
                lookup: hybrid.seconds("lookup").unwrap_or(Seconds::ZERO),
                lookup_price: hybrid.money("lookup_price").unwrap_or_default(),
                store_price: PricePerByteMonth(hybrid.money("store_price").unwrap_or_default()),
            }))
        }
        _ => Some(Mode::Online),
    }
}

fn shares(resolver: &mut Resolver<'_>, hybrid: &Reader<'_>) -> Vec<f64> {
    if let Some(share) = hybrid.number("share") {
        return vec![share];
    }
    if !hybrid.has("share") {
        return (0..=10).map(|tenth| f64::from(tenth) / 10.0).collect();
    }
    let mut list = hybrid.numbers("share");
    if list.is_empty() || list.len() > 1000 || list.iter().any(|share| !(0.0..=1.0).contains(share)) {
        let message = "shares are 1 to 1000 numbers from 0 to 1";
        resolver.faults.push(hybrid.fault(Code::OutOfRange, "workload.hybrid", "share", message));
    }
    list.sort_by(f64::total_cmp);
    list.dedup();
    list
}

fn batching(resolver: &mut Resolver<'_>, table: &Reader<'_>) -> BatchingSpec {
    let max_batch = narrow(table.count("max_batch")).unwrap_or(1);
    let mut sizes = |key: &str| -> Vec<u32> {
        let list = table.numbers(key);
        let fits = |size: &f64| size.fract() == 0.0 && *size >= 1.0 && *size <= f64::from(max_batch);
        if list.iter().any(|size| !fits(size)) {
            let message = format!("batch sizes are integers from 1 to max_batch, {max_batch}");
            resolver.faults.push(table.fault(Code::OutOfRange, "workload.batching", key, message));
        }
        let mut sizes: Vec<u32> = list.iter().filter(|size| fits(size)).map(|size| *size as u32).collect();
        sizes.sort_unstable();
        sizes.dedup();
        sizes
    };
    let rules = BatchRules {
        max_batch,
        preferred: sizes("preferred"),
        max_delay: span(table.seconds("max_delay")),
        padded_to: sizes("padded_to"),
        instances: narrow(table.count("instances")).unwrap_or(1),
        max_queue: table.count("max_queue"),
        queue_timeout: table.seconds("queue_timeout").map(SimSpan::from_seconds),
    };
    let given = |key: &str| table.has(key).then(|| table.boolean(key));
    BatchingSpec {
        max_sequences: narrow(table.count("max_sequences")),
        max_batched_tokens: narrow(table.count("max_batched_tokens")),
        chunked_prefill: given("chunked_prefill"),
        prefix_cache: given("prefix_cache"),
        preemption: table.text("preemption").and_then(Preemption::of),
        memory_fraction: table.number("memory_fraction"),
        speculation: narrow(table.count("drafts"))
            .map(|drafts| Speculation { drafts, acceptance: table.number("acceptance").unwrap_or(0.7) }),
        rules,
    }
}

fn router(table: &Reader<'_>) -> Router {
    match table.text("kind") {
        Some("round-robin") => Router::RoundRobin,
        Some("power-of-k") => Router::PowerOfChoices(narrow(table.count("choices")).unwrap_or(2)),
        Some("prefix-aware") => Router::PrefixAware,
        Some("by-length") => Router::ByLength(narrow(table.count("threshold")).unwrap_or(1024)),
        _ => Router::LeastOutstanding,
    }
}

fn admission(table: &Reader<'_>) -> AdmissionRule {
    match (narrow(table.count("outstanding")), table.seconds("wait")) {
        (Some(most), _) => AdmissionRule::Outstanding(most),
        (None, Some(wait)) => AdmissionRule::Wait(SimSpan::from_seconds(wait)),
        (None, None) => AdmissionRule::Open,
    }
}

fn autoscaler(resolver: &mut Resolver<'_>, workload: &Reader<'_>, language: bool) -> Option<Autoscaler> {
    if !workload.has("autoscale") {
        return None;
    }
    let table = workload.table("autoscale");
    let (least, most) = (narrow(table.count("min"))?, narrow(table.count("max"))?);
    if least > most {
        let message = format!("min {least} is above max {most}");
        let fault = table.fault(Code::Conflict, "workload.autoscale", "min", message);
        resolver.faults.push(fault.suggest(format!("min from 0 to {most}")));
    }
    let signal = match table.text("signal") {
        Some("outstanding") => ScaleSignal::Outstanding,
        Some("queue") => ScaleSignal::Queue,
        None if language => ScaleSignal::Outstanding,
        _ => ScaleSignal::Utilisation,
    };
    let usual = match signal {
        ScaleSignal::Utilisation => TARGET_UTILISATION,
        ScaleSignal::Outstanding => TARGET_OUTSTANDING,
        ScaleSignal::Queue => TARGET_QUEUE,
    };
    if table.seconds("period").is_some_and(|period| period < SHORTEST_PERIOD) {
        let message = "an autoscaler does not look more often than every 0.1 s";
        let fault = table.fault(Code::OutOfRange, "workload.autoscale", "period", message);
        resolver.faults.push(fault.suggest("a time like \"15 s\""));
    }
    let target = table.number("target").unwrap_or(usual);
    if signal == ScaleSignal::Utilisation && target > 1.0 {
        let message = format!("a utilisation of {target} cannot be reached");
        let fault = table.fault(Code::OutOfRange, "workload.autoscale", "target", message);
        resolver.faults.push(fault.suggest("a share of the time, at most 1"));
    }
    Some(Autoscaler {
        group: 0,
        least,
        most,
        signal,
        target,
        period: span(table.seconds("period")),
        out_window: span(table.seconds("out_window")),
        in_window: span(table.seconds("in_window")),
        cooldown: span(table.seconds("cooldown")),
    })
}

/// The price that the scenario names, or else the lowest at which a model of the same shape is hosted.
fn api(resolver: &mut Resolver<'_>, table: &Reader<'_>, model: &Model, batch: bool) -> Option<ApiPrice> {
    match (table.number("input_usd_per_mtok"), table.number("output_usd_per_mtok")) {
        (Some(input), Some(output)) => {
            let name = table.text("model").unwrap_or("the scenario's API").to_owned();
            return Some(ApiPrice { name, input, output });
        }
        (None, None) => {}
        (given, _) => {
            let other = if given.is_some() { "output_usd_per_mtok" } else { "input_usd_per_mtok" };
            let message = format!("`{other}` is missing: both prices are needed");
            resolver.faults.push(table.fault(Code::MissingKey, "workload.api", other, message));
            return None;
        }
    }
    let of = |price: &crate::catalog::ApiPrice| ApiPrice {
        name: price.id(),
        input: price.input.usd_per_million(),
        output: price.output.usd_per_million(),
    };
    let Some(name) = table.text("model") else {
        return resolver.catalog.api_prices_of(&model.id, (1.0, 1.0), batch).first().map(|price| of(price));
    };
    match resolver.catalog.api_price(name) {
        Ok(price) => Some(of(price)),
        Err(unknown) => {
            resolver.unknown(table, "workload.api", "model", unknown);
            None
        }
    }
}
