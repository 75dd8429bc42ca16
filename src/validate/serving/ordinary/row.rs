//! One serving row to a setting of the regression, and a rate back to what the row publishes.

use crate::catalog::Catalog;
use crate::steptime::ordinary::{ServedLoad, ServedSetting};
use crate::validate::resolve::Skip;
use crate::validate::serving::configuration::{ServingConfiguration, ServingMetric, ServingScenario};

use super::names::Names;
use super::words;

/// Tokens of a sequence at which the arithmetic of served transformers is stated.
const STATED_TOKENS: f64 = 384.0;
/// Mean tokens of the question-answering set on which they are served where a row tells no length.
const SQUAD_TOKENS: f64 = 177.0;

/// A row in the regression's terms.
#[derive(Clone, Debug)]
pub(super) struct OrdinaryRow {
    pub setting: ServedSetting,
    /// Published value of a rate of one sample per second of one device (rates), or milliseconds times that rate
    /// (latencies).
    factor: f64,
}

impl OrdinaryRow {
    pub(super) fn of(catalog: &Catalog, names: &Names, row: &ServingConfiguration) -> Result<Self, Skip> {
        let mut model =
            names.model(catalog, &row.model, &row.dataset).ok_or_else(|| Skip::Model(row.model.clone()))?;
        let device = names
            .device(catalog, &row.accelerator)
            .ok_or_else(|| Skip::Accelerator(row.accelerator.clone()))?;
        if model.family == "tf" {
            let squad = (row.dataset.starts_with("squad")).then_some(SQUAD_TOKENS);
            model.gflops *= row.input_tokens.or(squad).unwrap_or(STATED_TOKENS) / STATED_TOKENS;
        }
        let tokens = row.input_tokens.map_or_else(String::new, |tokens| format!("/{tokens}"));
        model.variant = format!("{}/{}{tokens}", row.model, row.dataset);
        let stack = words::stack(&row.framework);
        let latency = match row.metric {
            ServingMetric::Latency => true,
            ServingMetric::TimeToFirstToken | ServingMetric::TimePerOutputToken => {
                return Err(Skip::Serving("it makes no tokens one by one".to_owned()));
            }
            _ => false,
        };
        let load = load(row, &stack)?;
        let devices = row.accelerator_count.unwrap_or(1.0);
        let whole = if row.per_device { 1.0 } else { devices };
        let factor = match load {
            ServedLoad::Clients(_) if latency => 1e3,
            ServedLoad::SingleStream(batch) | ServedLoad::Batch(batch) if latency => 1e3 * batch,
            ServedLoad::Saturated if latency => return Err(Skip::Blank("batch_or_concurrency")),
            ServedLoad::SingleStream(_) => 1.0,
            _ => whole,
        };
        let setting = ServedSetting {
            model,
            device,
            version: words::version(&row.framework),
            stack,
            precision: precision(&row.precision),
            load,
            latency,
            metric: metric(row.metric).to_owned(),
            devices,
        };
        Ok(Self { setting, factor })
    }

    /// What the row publishes at a rate of one device.
    pub(super) fn published(&self, rate: f64) -> f64 {
        if self.setting.latency { self.factor / rate } else { self.factor * rate }
    }

    /// The rate of one device behind a published value.
    pub(super) fn rate(&self, published: f64) -> f64 {
        if self.setting.latency { self.factor / published } else { published / self.factor }
    }
}

fn load(row: &ServingConfiguration, stack: &str) -> Result<ServedLoad, Skip> {
    let batch = row.batch_or_concurrency;
    Ok(match row.scenario {
        ServingScenario::Offline | ServingScenario::Online if stack == "triton" => {
            ServedLoad::Clients(batch.unwrap_or(1.0))
        }
        ServingScenario::SingleStream => ServedLoad::SingleStream(batch.unwrap_or(1.0)),
        ServingScenario::Offline => batch.map_or(ServedLoad::Saturated, ServedLoad::Batch),
        ServingScenario::Online => ServedLoad::Clients(batch.ok_or(Skip::Blank("batch_or_concurrency"))?),
        ServingScenario::Server => ServedLoad::Saturated,
    })
}

fn precision(written: &str) -> String {
    match written.to_lowercase().as_str() {
        "uint8" | "int8_t" => "int8".to_owned(),
        "bf16" | "float16" => "fp16".to_owned(),
        "float32" => "fp32".to_owned(),
        other => other.to_owned(),
    }
}

fn metric(metric: ServingMetric) -> &'static str {
    match metric {
        ServingMetric::Latency => "latency_ms",
        ServingMetric::OutputTokensPerSecond => "tok_s_output",
        ServingMetric::TokensPerSecond => "tok_s_total",
        _ => "samples_s",
    }
}
