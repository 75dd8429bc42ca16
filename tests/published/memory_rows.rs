//! Published peaks of device memory against the memory of a transformer's layout.

use std::collections::BTreeMap;

use capplan::catalog::{Attention, Experts, ParallelLayout, Precision, Recompute, Sharding, Transformer};
use capplan::layout::{MemoryBreakdown, MemoryJob, TrainingStack};

use super::reference_file;

type Row = BTreeMap<String, String>;

fn grouped(layers: f64, hidden: f64, heads: f64, kv_heads: f64, ffn: f64, vocabulary: f64) -> Transformer {
    Transformer {
        layers,
        decoder_layers: 0.0,
        hidden,
        attention: Attention::Grouped { heads, kv_heads, head_dim: hidden / heads },
        attention_layers: layers,
        ffn,
        ffn_layers: layers,
        gated: true,
        vocabulary,
        tied_embeddings: false,
        causal: true,
        window: None,
        experts: None,
        state_space: None,
        prediction_layers: 0.0,
        context: None,
    }
}

fn gpt(layers: f64, hidden: f64, heads: f64) -> Transformer {
    let shape = grouped(layers, hidden, heads, heads, 4.0 * hidden, 51_200.0);
    Transformer { gated: false, tied_embeddings: true, ..shape }
}

/// DeepSeek-V2 and V3 (arXiv 2405.04434, 2412.19437), cut to four layers of which the first is dense.
fn deepseek(hidden: f64, ffn: f64, vocabulary: f64, experts: Experts) -> Transformer {
    let shape = grouped(4.0, hidden, 128.0, 128.0, ffn, vocabulary);
    let attention = Attention::Latent {
        heads: 128.0,
        query_rank: 1536.0,
        kv_rank: 512.0,
        plain_dim: 128.0,
        rotary_dim: 64.0,
        value_dim: 128.0,
    };
    Transformer { attention, experts: Some(experts), ..shape }
}

fn experts(count: f64, top_k: f64, hidden: f64, shared: f64) -> Experts {
    Experts {
        count,
        top_k,
        hidden,
        shared,
        shared_hidden: hidden,
        every: 1.0,
        dense_layers: 1.0,
        latent: None,
    }
}

fn shape(model: &str) -> Option<Transformer> {
    Some(match model {
        "Llama 3.1 8B" => grouped(32.0, 4096.0, 32.0, 8.0, 14_336.0, 128_256.0),
        "Llama 3.1 70B" => grouped(80.0, 8192.0, 64.0, 8.0, 28_672.0, 128_256.0),
        "llama3-70b cut to 12 layers" => grouped(12.0, 8192.0, 64.0, 8.0, 28_672.0, 128_256.0),
        "deepseekv2 cut to 4 layers" => {
            deepseek(5120.0, 12_288.0, 102_400.0, experts(160.0, 6.0, 1536.0, 2.0))
        }
        "deepseekv3 cut to 4 layers" => {
            deepseek(7168.0, 18_432.0, 129_280.0, experts(256.0, 8.0, 2048.0, 1.0))
        }
        "GPT 175B" => gpt(96.0, 12_288.0, 96.0),
        "GPT 530B" => gpt(105.0, 20_480.0, 128.0),
        "GPT 1T" => gpt(128.0, 25_600.0, 160.0),
        _ => return None,
    })
}

fn number(row: &Row, key: &str) -> u64 {
    row[key].parse().unwrap_or(1)
}

fn layout(row: &Row, shape: &Transformer) -> ParallelLayout {
    let text = |key: &str| row[key].as_str();
    let (data, tensor, pipeline) = (number(row, "dp"), number(row, "tp"), number(row, "pp"));
    let recompute = match text("recompute") {
        "full" => Recompute::Full,
        "none" => Recompute::None,
        "" if text("framework") != "torchtitan" => Recompute::None,
        _ => Recompute::Selective,
    };
    // Megatron's published runs interleave three chunks where the layers allow (arXiv 2205.05198, table 3).
    let interleaved = text("vpp").is_empty() && (shape.layers as u64).is_multiple_of(pipeline * 3);
    let micro_batch = number(row, "micro_batch");
    ParallelLayout {
        data,
        tensor,
        sequence_parallel: tensor > 1 && !(text("framework") == "Megatron-LM" && text("recompute") == "none"),
        pipeline,
        virtual_stages: if pipeline > 1 && interleaved { 3 } else { number(row, "vpp") },
        context: number(row, "cp"),
        expert: number(row, "ep"),
        sharding: match text("zero_stage_or_fsdp") {
            "FSDP2" => Sharding::Full,
            "" => Sharding::None,
            _ => Sharding::Optimizer,
        },
        shard_group: 0,
        micro_batch,
        accumulation: (number(row, "global_batch") / (data * micro_batch)).max(1),
        recompute,
        offload: capplan::catalog::Offload::None,
    }
}

/// Bytes that the row's figure speaks of.
fn spoken_of(row: &Row, found: &MemoryBreakdown) -> f64 {
    let notes = row["notes_public"].as_str();
    if notes.starts_with("activations only") {
        found.activations
    } else if notes.starts_with("weights+grads+optimizer only") {
        found.states()
    } else if row["unit"].contains("allocated") {
        found.allocated()
    } else {
        found.reserved()
    }
}

fn median(errors: &mut [f64]) -> f64 {
    errors.sort_by(f64::total_cmp);
    errors[errors.len() / 2]
}

#[test]
fn memory_meets_published_peaks() {
    let Some(path) = reference_file("training_observations.csv") else { return };
    let mut reader = csv::Reader::from_path(path).unwrap();
    let rows =
        reader.deserialize::<Row>().map(Result::unwrap).filter(|row| row["metric"] == "mem_gb_per_acc");
    let mut errors: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for row in rows {
        let Some(shape) = shape(&row["model"]) else { continue };
        let precision = if row["precision"] == "fp8" { Precision::Fp8 } else { Precision::Bf16 };
        let sequence = number(&row, "seq_len") as f64;
        let flash = row["attention"] == "flash";
        let stack = TrainingStack::of_framework(&row["framework"]);
        let job = MemoryJob::new(&shape, sequence, precision, "adam", flash, stack);
        let found = job.memory(&layout(&row, &shape));
        let (published, predicted) =
            (row["value"].parse::<f64>().unwrap(), spoken_of(&row, &found) / f64::from(1u32 << 30));
        let error = 100.0 * (predicted / published - 1.0);
        println!("{} {published:.1} GiB, predicted {predicted:.1}: {error:+.1} %", row["id"]);
        for key in [&row["id"][..3], "all"] {
            errors.entry(key.to_owned()).or_default().push(error.abs());
        }
    }
    for (prefix, errors) in &mut errors {
        println!("{prefix}: {} rows, median {:.1} %", errors.len(), median(errors));
    }
    let Some(all) = errors.get_mut("all") else { panic!("no rows") };
    assert!(median(all) <= 8.0, "median error {:.1} %", median(all));
}
