//! What the words of transformers' rows mean. Rules over configuration text only.

use crate::catalog::{Accelerator, AcceleratorKind, Offload, Precision, Recompute, Sharding};
use crate::steptime::TransformerSoftware;

use super::columns::TransformerColumns;

/// The software that a framework's name, round and compilation tell.
pub(super) fn software(
    framework: &str,
    benchmark: bool,
    columns: &TransformerColumns,
    accelerator: &Accelerator,
) -> TransformerSoftware {
    let framework = framework.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| framework.contains(word));
    let compiled = columns.compile.contains("compile");
    if benchmark {
        TransformerSoftware::Benchmark
    } else if has(&["maxtext", "maxdiffusion", "levanter", "jax", "xla", "haliax", "palm", "pax"])
        || accelerator.kind == AcceleratorKind::Tpu
    {
        TransformerSoftware::Jax
    } else if has(&["deepspeed"]) {
        TransformerSoftware::MegatronDeepSpeed
    } else if has(&["bridge", "nemo"]) {
        TransformerSoftware::MegatronBridge
    } else if has(&["megatron"]) {
        let early = columns.attention == "not flash" || columns.attention.is_empty() && is_early(accelerator);
        if early { TransformerSoftware::MegatronEarly } else { TransformerSoftware::MegatronCore }
    } else if compiled {
        TransformerSoftware::FsdpCompiled
    } else {
        TransformerSoftware::FsdpEager
    }
}

fn is_early(accelerator: &Accelerator) -> bool {
    matches!(accelerator.generation.as_str(), "pascal" | "volta" | "ampere")
}

/// The release in a framework's name: `26.06` of `Megatron-Bridge (NeMo container 26.06)`.
pub(super) fn release(framework: &str) -> String {
    let Some(at) = framework.find("container ") else { return String::new() };
    framework[at + "container ".len()..]
        .chars()
        .take_while(|letter| letter.is_ascii_digit() || *letter == '.')
        .collect()
}

/// The precision of the layers' products. Containers of 2025 and rounds of MLPerf on devices that have 8-bit units use
/// them where nothing else is said.
pub(super) fn precision(stated: &str, software: TransformerSoftware, accelerator: &Accelerator) -> Precision {
    let low_by_default =
        matches!(software, TransformerSoftware::Benchmark | TransformerSoftware::MegatronBridge);
    if stated.contains("nvfp4") || stated.contains("fp4") {
        Precision::Nvfp4
    } else if stated.contains("fp8") {
        Precision::Fp8
    } else if stated == "fp32" {
        Precision::Fp32
    } else if stated.is_empty() && low_by_default && accelerator.peaks.fp8.is_some() {
        Precision::Fp8
    } else {
        Precision::Bf16
    }
}

/// What ranks shard. Megatron's newer kinds spread the optimizer; JAX shards everything.
pub(super) fn sharding(stated: &str, software: TransformerSoftware) -> Sharding {
    let has = |words: &[&str]| words.iter().any(|word| stated.contains(word));
    if has(&["shard_grad", "zero-2", "zero2", "zero stage 2"]) {
        Sharding::Gradients
    } else if has(&["zero-3", "zero3", "zero stage 3"]) || stated.starts_with("fsdp") && stated != "fsdp=0" {
        Sharding::Full
    } else if has(&["zero-1", "zero1", "zero stage 1", "distributed"]) {
        Sharding::Optimizer
    } else {
        match software {
            TransformerSoftware::MegatronBridge | TransformerSoftware::MegatronCore => Sharding::Optimizer,
            TransformerSoftware::Benchmark => Sharding::Optimizer,
            TransformerSoftware::Jax | TransformerSoftware::FsdpEager | TransformerSoftware::FsdpCompiled => {
                Sharding::Full
            }
            TransformerSoftware::MegatronEarly | TransformerSoftware::MegatronDeepSpeed => Sharding::None,
        }
    }
}

/// Ranks of a shard group where the words name it: `fsdp 8 within host`.
pub(super) fn shard_group(stated: &str) -> u64 {
    let Some(rest) = stated.strip_prefix("fsdp ") else { return 0 };
    rest.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or(0)
}

/// What is kept in host memory.
pub(super) fn offload(stated: &str) -> Offload {
    if stated.contains("parameter offload=y") {
        Offload::Parameters
    } else if stated.contains("offload") && !stated.contains("offload=n")
        || stated.contains("optimizer offload=y")
    {
        Offload::Optimizer
    } else {
        Offload::None
    }
}

/// What is recomputed. JAX tables that say nothing rematerialise whole layers, compiled FSDP software what it does by
/// default; `minimal` keeps all matrix products.
pub(super) fn recompute(stated: &str, software: TransformerSoftware) -> Recompute {
    if stated.starts_with("full") {
        Recompute::Full
    } else if stated.starts_with("selective") || stated.starts_with("minimal") {
        Recompute::Selective
    } else if stated.is_empty() && software == TransformerSoftware::Jax {
        Recompute::Full
    } else if stated.is_empty() && software == TransformerSoftware::FsdpCompiled {
        Recompute::Selective
    } else {
        Recompute::None
    }
}

/// Whether what tensor parallelism leaves whole is split along the sequence.
pub(super) fn sequence_parallel(stated_recompute: &str, software: TransformerSoftware) -> bool {
    stated_recompute.contains("sequence parallel")
        || !matches!(software, TransformerSoftware::MegatronEarly | TransformerSoftware::MegatronDeepSpeed)
}

/// Whether attention is fused.
pub(super) fn flash(stated: &str, software: TransformerSoftware) -> bool {
    match stated {
        "" => {
            !matches!(software, TransformerSoftware::MegatronEarly | TransformerSoftware::MegatronDeepSpeed)
        }
        words => !words.contains("not flash"),
    }
}

/// The fabric between hosts, by catalog name: InfiniBand where the words name none; nobody trains transformers over
/// plain TCP.
pub(super) fn host_fabric(text: &str) -> &'static str {
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if has(&["efa"]) {
        "efa"
    } else if has(&["roce"]) {
        "roce"
    } else {
        "infiniband"
    }
}

/// Bytes per second of a host's cards by the words of the interconnect column, or by what hosts of the generation
/// usually have.
pub(super) fn host_network(text: &str, per_host: u64, accelerator: &Accelerator) -> f64 {
    let per_host = per_host.max(1) as f64;
    if text.contains("per gpu") {
        return 50e9 * per_host;
    }
    let named = [("1600 gb", 200e9), ("omni-path", 50e9), ("hdr", 200e9), ("gcp a3", 100e9)];
    if let Some((_, rate)) = named.iter().find(|(words, _)| text.contains(words)) {
        return *rate;
    }
    if let Some(rate) = crate::validate::text::network(text).and_then(|network| network.bandwidth) {
        return rate;
    }
    let of_device = match accelerator.generation.as_str() {
        "volta" => 12.5e9,
        "ampere" => 25e9,
        "blackwell-ultra" => 100e9,
        _ => 50e9,
    };
    of_device * per_host
}
