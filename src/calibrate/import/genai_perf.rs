//! Exports of AIPerf (`profile_export_aiperf.json`) and of genai-perf (`profile_export_genai_perf.json`): each metric a
//! table with its unit and its statistics.

use super::ImportError;
use super::place::Place;
use super::read::documents;
use super::serving::ServingRow;
use super::vllm::place_of;

/// Where the number of requests in flight stands in the versions of the tools.
const CONCURRENCY: [&[&str]; 4] = [
    &["input_config", "loadgen", "concurrency"],
    &["input_config", "perf_analyzer", "stimulus", "concurrency"],
    &["input_config", "concurrency"],
    &["input_config", "phases", "profiling", "concurrency"],
];
/// Where the model's name stands.
const MODEL: [&[&str]; 3] =
    [&["input_config", "endpoint", "model"], &["input_config", "model"], &["input_config", "model_name"]];

pub(super) fn rows(file: &str, text: &str) -> Result<Vec<ServingRow>, ImportError> {
    let documents = documents(file, text)?;
    let several = documents.len() > 1;
    documents
        .iter()
        .enumerate()
        .map(|(index, value)| {
            let path = if several { format!("result[{index}]") } else { String::new() };
            row(file, &Place::new(file, path, value))
        })
        .collect()
}

fn row(file: &str, export: &Place<'_>) -> Result<ServingRow, ImportError> {
    let (ttft, tpot) = (seconds(export, "time_to_first_token")?, seconds(export, "inter_token_latency")?);
    if ttft.is_none() && tpot.is_none() {
        return Err(export.missing("`time_to_first_token` and `inter_token_latency`: the run must stream"));
    }
    let mean = |name: &str| export.number_at(&[name, "avg"]);
    let model = MODEL.iter().find_map(|path| export.text_at(path)).or_else(|| {
        let names = export.find(&["input_config", "endpoint", "model_names"])?.list().ok()?;
        names.first()?.text_at(&[])
    });
    Ok(ServingRow {
        place: place_of(file, export),
        model,
        concurrency: export.first_number(&CONCURRENCY)?,
        rate: mean("request_throughput")?,
        prompt: mean("input_sequence_length")?,
        output: mean("output_sequence_length")?,
        ttft,
        tpot,
        e2e: seconds(export, "request_latency")?,
        requests: Vec::new(),
    })
}

/// The median of a time, or its mean, in seconds.
fn seconds(export: &Place<'_>, name: &str) -> Result<Option<f64>, ImportError> {
    let Some(metric) = export.find(&[name]) else { return Ok(None) };
    let Some(value) = metric.first_number(&[&["p50"], &["avg"]])? else { return Ok(None) };
    let unit = metric.text_at(&["unit"]).unwrap_or_else(|| "ms".to_owned());
    let factor = match unit.as_str() {
        "ns" | "nanoseconds" => 1e-9,
        "us" | "µs" | "microseconds" => 1e-6,
        "ms" | "milliseconds" => 1e-3,
        "s" | "sec" | "seconds" => 1.0,
        _ => return Err(metric.fault(&format!("`{unit}` is no unit of time"))),
    };
    Ok(Some(value * factor))
}
