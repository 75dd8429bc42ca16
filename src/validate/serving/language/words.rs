//! What the words of serving rows mean. Rules over configuration text only.

use crate::catalog::{Catalog, Engine, NumberFormat};

/// Storage of weights and of keys and values by the words of the column `precision`.
pub(super) fn precision(text: &str) -> (NumberFormat, NumberFormat) {
    let text = text.to_lowercase();
    let parts: Vec<&str> = text.split(';').map(str::trim).collect();
    let tail = |part: &str| part.rsplit(['=', ' ']).next().unwrap_or_default().trim().to_owned();
    let weights_part = parts.iter().find(|part| part.starts_with("weight") || part.starts_with("weights"));
    let cache_part = parts.iter().find(|part| part.starts_with("kv"));
    let weights = weights_part.map_or_else(|| parts.first().map(|part| tail(part)), |part| Some(tail(part)));
    let weights = weights.as_deref().map_or(NumberFormat::Bf16, format);
    let cache = cache_part.map_or_else(|| usual_cache(weights), |part| format(&tail(part)));
    (weights, cache)
}

fn format(word: &str) -> NumberFormat {
    let has = |words: &[&str]| words.iter().any(|known| word.contains(known));
    if has(&["mxfp4"]) {
        NumberFormat::Mxfp4
    } else if has(&["nvfp4", "fp4"]) {
        NumberFormat::Fp4
    } else if has(&["int4", "awq", "gptq", "w4a16"]) {
        NumberFormat::Int4
    } else if has(&["fp8"]) {
        NumberFormat::Fp8
    } else if has(&["int8"]) {
        NumberFormat::Int8
    } else if has(&["fp32", "tf32"]) {
        NumberFormat::Fp32
    } else if has(&["fp16"]) {
        NumberFormat::Fp16
    } else {
        NumberFormat::Bf16
    }
}

/// Engines of quantised models keep their cache in 8 bit as a rule.
fn usual_cache(weights: NumberFormat) -> NumberFormat {
    match weights {
        NumberFormat::Fp8 | NumberFormat::Fp4 => NumberFormat::Fp8,
        NumberFormat::Fp32 => NumberFormat::Fp32,
        _ => NumberFormat::Bf16,
    }
}

/// The engine that a framework's name and version tell.
pub(super) fn engine(catalog: &Catalog, framework: &str, version: &str) -> Option<Engine> {
    let text = framework.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let id = if has(&["splitwise"]) {
        "vllm-2023"
    } else if has(&["neuron"]) {
        "neuronx"
    } else if has(&["tensorrt", "trtllm", "trt-llm"]) {
        "tensorrt-llm"
    } else if has(&["sglang"]) {
        "sglang"
    } else if has(&["deepspeed"]) {
        "deepspeed-mii"
    } else if has(&["tgi", "text-generation-inference"]) {
        "tgi"
    } else if has(&["jetstream", "maxtext"]) {
        "jetstream"
    } else if has(&["vllm"]) {
        // The second generation became the default with 0.8.
        match minor(if version.is_empty() { &text } else { version }) {
            Some(minor) if minor < 8 => "vllm-v0",
            Some(_) => "vllm-v1",
            None => "vllm-v0",
        }
    } else {
        "vllm-v1"
    };
    catalog.engines.get(id).cloned()
}

/// The minor version of `0.6.5.dev964` or of `vllm 0.12.0`; `None` where there is none.
fn minor(text: &str) -> Option<u64> {
    let word = text.split([' ', '-', ',']).find(|word| word.starts_with("0.") || word.starts_with("v0."))?;
    word.trim_start_matches('v').split('.').nth(1)?.parse().ok()
}

/// A release as coefficients know it: family and two numbers of the version, `trtllm 1.0`.
pub(super) fn release(framework: &str, version: &str) -> String {
    let text = if version.is_empty() { framework } else { version };
    let word = text
        .split([' ', '-', ','])
        .find(|word| {
            let word = word.trim_start_matches('v');
            word.contains('.') && word.chars().next().is_some_and(|letter| letter.is_ascii_digit())
        })
        .unwrap_or_default();
    let mut numbers = word.trim_start_matches('v').split('.');
    match (numbers.next(), numbers.next()) {
        (Some(major), Some(minor)) if !major.is_empty() => format!("{major}.{minor}"),
        _ => String::new(),
    }
}
