//! Results of vLLM's `bench serve` (formerly `benchmark_serving.py`) and of SGLang's `bench_serving`.

use super::ImportError;
use super::place::Place;
use super::read::documents;
use super::serving::ServingRow;

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

fn row(file: &str, result: &Place<'_>) -> Result<ServingRow, ImportError> {
    let milliseconds = |keys: &[&[&str]]| Ok(result.first_number(keys)?.map(|value| value / 1e3));
    let completed = result.number_at(&["completed"])?.ok_or_else(|| result.missing("`completed`"))?;
    if completed < 1.0 {
        return Err(result.fault("`completed` is 0: the run answered no request"));
    }
    let mean = |key: &str| Ok(result.number_at(&[key])?.map(|total| total / completed));
    let ttft = milliseconds(&[&["median_ttft_ms"], &["mean_ttft_ms"]])?;
    let tpot = milliseconds(&[&["median_tpot_ms"], &["mean_tpot_ms"]])?;
    if ttft.is_none() && tpot.is_none() {
        return Err(result.missing("`median_ttft_ms` and `median_tpot_ms`"));
    }
    let (prompts, firsts) = (result.numbers_at(&["input_lens"]), result.numbers_at(&["ttfts"]));
    Ok(ServingRow {
        place: place_of(file, result),
        model: result.text_at(&["model_id"]).or_else(|| result.text_at(&["model"])),
        concurrency: result.number_at(&["max_concurrency"])?,
        rate: result.number_at(&["request_throughput"])?,
        prompt: mean("total_input_tokens")?,
        output: mean("total_output_tokens")?,
        ttft,
        tpot,
        e2e: milliseconds(&[&["median_e2el_ms"], &["median_e2e_latency_ms"], &["mean_e2el_ms"]])?,
        // A request that failed has a first token after no time.
        requests: prompts
            .into_iter()
            .zip(firsts)
            .filter(|(prompt, first)| *prompt > 0.0 && *first > 0.0)
            .collect(),
    })
}

pub(super) fn place_of(file: &str, at: &Place<'_>) -> String {
    if at.path().is_empty() { file.to_owned() } else { format!("{file}: {}", at.path()) }
}
