//! Rows of the public serving schema, read one at a time.

use std::io::Read;

use crate::validate::resolve::Skip;
use crate::validate::table::{self, Line, ReadError};

use super::configuration::{
    LatencyLimit, ServingConfiguration, ServingMetric, ServingScenario, ServingStatistic,
};

/// Columns that every file must have.
const REQUIRED: &[&str] =
    &["category", "model", "accelerator", "accelerator_count", "scenario", "metric", "value"];
/// A published serving row: what was measured, apart from its configuration.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ServingRow {
    /// Its name, or its line where it has none.
    pub id: String,
    /// The published value; `None` when blank.
    pub value: Option<f64>,
    /// Rows that count as one measurement.
    pub weight_group: String,
    /// Metric as written.
    pub metric: String,
    /// Why the value is not to be compared with a prediction.
    pub not_scorable: Option<String>,
    /// What the prediction may read, or why there can be none.
    pub configuration: Result<ServingConfiguration, Skip>,
    /// Category, model, accelerator, framework and scenario as written, for rows that cannot be predicted too.
    pub written: [String; 5],
    /// Devices.
    pub devices: Option<u64>,
}

/// The rows of a file, as they are read.
///
/// # Errors
/// When a required column is missing; each row, when it is no row or a number is none.
pub(crate) fn rows(
    file: &str,
    source: impl Read,
) -> Result<impl Iterator<Item = Result<ServingRow, ReadError>>, ReadError> {
    table::rows(file, source, REQUIRED, row)
}

fn rate(line: &Line<'_>) -> Result<Option<f64>, ReadError> {
    match line.text("request_rate").to_lowercase().as_str() {
        "inf" | "infinity" => Ok(Some(f64::INFINITY)),
        _ => line.positive("request_rate"),
    }
}

fn limits(line: &Line<'_>) -> Result<Vec<LatencyLimit>, ReadError> {
    LatencyLimit::list(line.text("latency_limit_ms"))
        .ok_or_else(|| line.fault("latency_limit_ms", "limit like `p99=15` or `ttft_p99=2000;tpot_p99=200`"))
}

fn statistic(line: &Line<'_>) -> Result<ServingStatistic, ReadError> {
    ServingStatistic::of(line.text("statistic"))
        .ok_or_else(|| line.fault("statistic", "`mean` or quantile between p0 and p100"))
}

fn flag(line: &Line<'_>, column: &'static str) -> Result<bool, ReadError> {
    match line.text(column).to_lowercase().as_str() {
        "" | "no" | "false" => Ok(false),
        "yes" | "true" => Ok(true),
        _ => Err(line.fault(column, "`yes` or `no`")),
    }
}

/// Rows of one benchmark, model, device, count and metric count once.
fn weight_group(line: &Line<'_>) -> String {
    match line.text("group") {
        "" => {
            let digits = |letter: char| letter.is_ascii_digit();
            let prefix = line.text("id").trim_end_matches(digits).trim_end_matches('-');
            let group = ["model", "accelerator", "accelerator_count", "metric"];
            format!("{prefix}|{}", group.map(|column| line.text(column)).join("|"))
        }
        group => group.to_owned(),
    }
}

fn row(line: &Line<'_>) -> Result<ServingRow, ReadError> {
    let scorable = line.text("scorable");
    Ok(ServingRow {
        id: line.id(),
        value: line.positive("value")?,
        weight_group: weight_group(line),
        metric: line.owned("metric"),
        not_scorable: scorable
            .strip_prefix("no")
            .map(|reason| reason.trim_start_matches([':', ' ']).to_owned()),
        devices: line.count("accelerator_count")?,
        configuration: configuration(line)?,
        written: ["category", "model", "accelerator", "framework", "scenario"].map(|name| line.owned(name)),
    })
}

fn configuration(line: &Line<'_>) -> Result<Result<ServingConfiguration, Skip>, ReadError> {
    let unit = line.text("unit").to_lowercase();
    let Some(metric) = ServingMetric::of(line.text("metric")) else {
        return Ok(Err(Skip::Metric(line.owned("metric"))));
    };
    let Some(scenario) = ServingScenario::of(line.text("scenario")) else {
        return Ok(Err(Skip::Scenario(line.owned("scenario"))));
    };
    Ok(Ok(ServingConfiguration {
        category: line.owned("category"),
        model: line.owned("model"),
        params_b: line.positive("params_b")?,
        precision: line.owned("precision"),
        accelerator: line.owned("accelerator"),
        accelerator_count: line.size("accelerator_count")?,
        tensor: line.size("tp")?,
        pipeline: line.size("pp")?,
        expert: line.size_or_none("ep")?,
        framework: line.owned("framework"),
        engine_version: line.owned("engine_version"),
        scenario,
        input_tokens: line.positive("input_tokens")?,
        output_tokens: line.positive("output_tokens")?,
        batch_or_concurrency: line.size("batch_or_concurrency")?,
        request_rate: rate(line)?,
        metric,
        statistic: statistic(line)?,
        per_device: ["/gpu", "/chip", "per gpu", "per accelerator"].iter().any(|part| unit.contains(part)),
        dataset: line.owned("dataset"),
        limits: limits(line)?,
        max_batch: line.size("max_batch")?,
        batching_delay_us: line
            .checked("batching_delay_us", "number of microseconds", |delay| (0.0..=1e12).contains(&delay))?,
        instances: line.size("instances")?,
        disaggregated: flag(line, "disaggregated")?,
        prefill_accelerators: line.size_or_none("prefill_accelerators")?,
        decode_accelerators: line.size_or_none("decode_accelerators")?,
        speculative: line.owned("speculative"),
        duration_or_requests: line.owned("duration_or_requests"),
    }))
}
