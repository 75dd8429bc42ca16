//! Reports of guidellm: a list of benchmarks, each with distributions by the fate of its requests.

use super::ImportError;
use super::place::Place;
use super::read::documents;
use super::serving::ServingRow;
use super::vllm::place_of;

pub(super) fn rows(file: &str, text: &str) -> Result<Vec<ServingRow>, ImportError> {
    let mut rows = Vec::new();
    for report in &documents(file, text)? {
        let report = Place::new(file, String::new(), report);
        let benchmarks = report.find(&["benchmarks"]).ok_or_else(|| report.missing("`benchmarks`"))?;
        for benchmark in benchmarks.list()? {
            rows.extend(row(file, &benchmark)?);
        }
    }
    Ok(rows)
}

/// `None` for a benchmark that no request came through.
fn row(file: &str, benchmark: &Place<'_>) -> Result<Option<ServingRow>, ImportError> {
    let metrics = benchmark.find(&["metrics"]).ok_or_else(|| benchmark.missing("`metrics`"))?;
    let middle = |name: &str| {
        metrics.first_number(&[
            &[name, "successful", "median"],
            &[name, "successful", "percentiles", "p50"],
            &[name, "successful", "mean"],
        ])
    };
    let mean = |name: &str| metrics.number_at(&[name, "successful", "mean"]);
    let requests = metrics
        .first_number(&[&["request_totals", "successful"], &["request_latency", "successful", "count"]])?;
    if requests == Some(0.0) {
        return Ok(None);
    }
    let seconds =
        |name: &str| Ok(middle(name)?.map(|milliseconds| milliseconds / 1e3).filter(|value| *value > 0.0));
    let (ttft, tpot) = (seconds("time_to_first_token_ms")?, seconds("inter_token_latency_ms")?);
    if ttft.is_none() && tpot.is_none() {
        return Err(
            metrics.missing("`time_to_first_token_ms` and `inter_token_latency_ms` of successful requests")
        );
    }
    Ok(Some(ServingRow {
        place: place_of(file, benchmark),
        model: benchmark
            .text_at(&["config", "backend", "model"])
            .or_else(|| benchmark.text_at(&["benchmarker", "backend", "model"]))
            .or_else(|| benchmark.text_at(&["worker", "backend_model"])),
        concurrency: mean("request_concurrency")?.filter(|value| *value > 0.0),
        rate: mean("requests_per_second")?.filter(|value| *value > 0.0),
        prompt: mean("prompt_token_count")?.filter(|value| *value > 0.0),
        output: mean("output_token_count")?.filter(|value| *value > 0.0),
        ttft,
        tpot,
        e2e: middle("request_latency")?.filter(|value| *value > 0.0),
        requests: Vec::new(),
    }))
}
