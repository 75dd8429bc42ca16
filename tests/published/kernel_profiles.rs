//! The shipped tables of kernels and collectives are what the reference tables give.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use capplan::catalog::{Accelerator, Catalog, Precision};
use capplan::steptime::fabric::Operation;
use capplan::steptime::kernels::{
    AttentionKernel, AttentionObservation, AttentionShape, DecodeObservation, DeviceRates,
    ElementwiseObservation, FitSummary, Fitted, KernelProfile, MatmulObservation, MatmulShape, fit_attention,
    fit_decode, fit_elementwise, fit_matmul,
};
use capplan::steptime::{CollectiveObservation, CollectiveProfile, FittedCollective, fit_collective};
use capplan::units::{Bytes, Seconds};

use super::reference_file;

/// Set it to write `assets/profiles` anew.
const WRITE: &str = "CAPPLAN_WRITE_PROFILES";
const AICONFIGURATOR: &str = "ai-dynamo/aiconfigurator:systems/data@095f58a51c4c";
const VIDUR: &str = "microsoft/vidur:data/profiling@7d47513363ec";

/// System of the tables, family, catalog name, NVLink generation.
const SYSTEMS: &[(&str, &str, &str, &str)] = &[
    ("a100_sxm", "ampere", "A100-SXM-80GB", "nvlink-v3"),
    ("h100_sxm", "hopper", "H100-SXM-80GB", "nvlink-v4"),
    ("h200_sxm", "hopper", "H200-SXM", "nvlink-v4"),
    ("b200_sxm", "blackwell", "B200-SXM", "nvlink-v5"),
    ("gb200", "blackwell", "GB200", "nvlink-v5"),
    ("a100", "ampere", "A100-SXM-80GB", "nvlink-v3"),
    ("h100", "hopper", "H100-SXM-80GB", "nvlink-v4"),
    ("a100_dgx", "ampere", "A100-SXM-80GB", "nvlink-v3"),
    ("h100_dgx", "hopper", "H100-SXM-80GB", "nvlink-v4"),
];

/// Hidden and feed-forward sizes of the models whose element-wise kernels were timed.
const SIZES: &[(&str, f64, f64)] = &[
    ("meta-llama/Llama-2-7b-hf", 4096.0, 11008.0),
    ("meta-llama/Llama-2-70b-hf", 8192.0, 28672.0),
    ("Qwen/Qwen-72B", 8192.0, 24576.0),
    ("codellama/CodeLlama-34b-Instruct-hf", 8192.0, 22016.0),
    ("internlm/internlm-20b", 5120.0, 13824.0),
];

const MATMUL_COMMENT: &str = "# Matrix products by family, format 1: parameters of src/steptime/kernels/matmul.rs (MatmulCurve), fitted by src/steptime/kernels/fit.rs to published tables;
# 16 bit: two engines, 8 and 4 bit: vLLM with its conversion of activations. log_error: standard deviation of ln(predicted / measured) over the rows fitted.
# To make it anew: CAPPLAN_WRITE_PROFILES=1 cargo test --release shipped_kernel -- --ignored
";
const ATTENTION_COMMENT: &str = "# Fused attention by family, format 1: parameters of src/steptime/kernels/attention.rs (AttentionCurve). Where rows > 0, fitted by src/steptime/kernels/fit.rs to causal
# forward passes of head size 128, but for head_half and backward_share: these, and rows = 0, are judgements after Dao 2023 (A100) and Shah et al. 2024 (H100); no table here measures them.
# To make it anew: CAPPLAN_WRITE_PROFILES=1 cargo test --release shipped_kernel -- --ignored
";
const DECODE_COMMENT: &str = "# Decode attention by family, format 1: parameters of src/steptime/kernels/decode.rs (DecodeCurve), fitted by src/steptime/kernels/fit.rs to published tables of one-token
# attention (16-bit caches, head size 128, batches 1 to 256, contexts 128 to 131072). log_error: standard deviation of ln(predicted / measured) over the rows fitted.
# To make it anew: CAPPLAN_WRITE_PROFILES=1 cargo test --release shipped_kernel -- --ignored
";
const ELEMENTWISE_COMMENT: &str = "# Kernels that only move bytes, format 1: launch_s + bytes / (bandwidth_share x bandwidth), fitted by src/steptime/kernels/fit.rs to norms, activations and additions of
# microsoft/vidur:data/profiling@7d47513363ec (A100, H100; five models, four tensor-parallel degrees). The family `default` is a judgement between them.
# To make it anew: CAPPLAN_WRITE_PROFILES=1 cargo test --release shipped_kernel -- --ignored
";
const COLLECTIVES_COMMENT: &str = "# Collectives inside one switched domain, format 1: parameters of src/steptime/fabric.rs (CollectiveCurve), fitted by src/steptime/fabric_fit.rs to NCCL calls of 2, 4 and 8 devices
# (512 B to 537 MB) and, send-receive, between two devices. log_error: standard deviation of ln(predicted / measured) over the rows fitted; rows = 0: a judgement.
# To make it anew: CAPPLAN_WRITE_PROFILES=1 cargo test --release shipped_kernel -- --ignored
";

#[derive(Deserialize)]
struct Op {
    system: String,
    framework: String,
    op: String,
    dtype: String,
    m: Option<f64>,
    n: Option<f64>,
    k: Option<f64>,
    num_gpus: Option<u32>,
    message_size: Option<f64>,
    latency_ms: f64,
}

type Rows = Vec<BTreeMap<String, String>>;

fn table(name: &str) -> Option<Rows> {
    let path = reference_file(name)?;
    Some(csv::Reader::from_path(path).unwrap().deserialize().map(|row| row.unwrap()).collect())
}

fn number(row: &BTreeMap<String, String>, key: &str) -> f64 {
    row[key].parse().unwrap()
}

struct Bench {
    catalog: Catalog,
    profile: KernelProfile,
}

impl Bench {
    fn device(&self, system: &str) -> Option<(&'static str, &Accelerator, &'static str)> {
        let (_, family, name, fabric) = SYSTEMS.iter().find(|row| row.0 == system)?;
        Some((family, self.catalog.accelerator(name).unwrap(), fabric))
    }

    fn units(&self, accelerator: &Accelerator) -> f64 {
        DeviceRates::new(&self.profile, accelerator).unwrap().units
    }

    fn product(
        &self,
        system: &str,
        precision: Precision,
        shape: [f64; 3],
        ms: f64,
    ) -> Option<MatmulObservation> {
        let (_, accelerator, _) = self.device(system)?;
        Some(MatmulObservation {
            precision,
            peak: accelerator.peak(precision)?,
            bandwidth: accelerator.memory_bandwidth?,
            units: self.units(accelerator),
            shape: MatmulShape::single(shape[0], shape[1], shape[2]),
            seconds: Seconds(ms * 1e-3),
        })
    }
}

fn precision_of(dtype: &str) -> Option<Precision> {
    match dtype {
        "bfloat16" => Some(Precision::Bf16),
        "fp8" => Some(Precision::Fp8),
        "nvfp4" => Some(Precision::Nvfp4),
        _ => None,
    }
}

/// Measured products with their accelerator, by system, engine and shape.
type Products = BTreeMap<String, (String, MatmulObservation)>;

/// Products by family and precision, each measured shape once per engine.
fn fit_products(bench: &mut Bench, ops: &[Op], gemm: &Rows) {
    let mut found: BTreeMap<(&str, Precision), Products> = BTreeMap::new();
    let mut add = |bench: &Bench, system: &str, engine: &str, dtype: &str, shape: [f64; 3], ms: f64| {
        let Some(precision) = precision_of(dtype).filter(|p| *p == Precision::Bf16 || engine == "vllm")
        else {
            return;
        };
        let (Some((family, accelerator, _)), Some(row)) =
            (bench.device(system), bench.product(system, precision, shape, ms))
        else {
            return;
        };
        let key = format!("{system} {engine} {shape:?}");
        found.entry((family, precision)).or_default().insert(key, (accelerator.name.clone(), row));
    };
    for row in gemm {
        let shape = ["m_tokens", "n", "k"].map(|key| number(row, key));
        add(bench, &row["system"], "vllm", &row["dtype"], shape, number(row, "latency_ms"));
    }
    for row in ops.iter().filter(|row| row.op == "gemm") {
        let shape = [row.m, row.n, row.k].map(Option::unwrap);
        add(bench, &row.system, &row.framework, &row.dtype, shape, row.latency_ms);
    }
    for ((family, precision), rows) in found {
        let (mut accelerators, rows): (Vec<String>, Vec<MatmulObservation>) = rows.into_values().unzip();
        accelerators.sort();
        accelerators.dedup();
        let curve = fit_matmul(&rows);
        let summary =
            FitSummary::of(&rows.iter().map(|row| row.log_error(&curve)).collect::<Vec<_>>()).unwrap();
        println!("{family} {}: {summary:?}", precision.word());
        let source = AICONFIGURATOR.to_owned();
        let fitted =
            Fitted { curve, log_error: summary.log_error, rows: rows.len() as u64, accelerators, source };
        bench.profile.set_matmul(family, precision, fitted);
    }
}

fn fit_attentions(bench: &mut Bench, table: &Rows) {
    let mut found: BTreeMap<&str, (Vec<String>, Vec<AttentionObservation>)> = BTreeMap::new();
    for row in table.iter().filter(|row| row["phase"] == "prefill") {
        let Some((family, accelerator, _)) = bench.device(&row["system"]) else { continue };
        let length = number(row, "new_tokens_per_seq");
        let call = AttentionObservation {
            peak: accelerator.peak(Precision::Bf16).unwrap(),
            bandwidth: accelerator.memory_bandwidth.unwrap(),
            units: bench.units(accelerator),
            shape: AttentionShape {
                batch: number(row, "batch"),
                heads: number(row, "q_heads_per_gpu"),
                kv_heads: number(row, "kv_heads_per_gpu"),
                head_dim: 128.0,
                queries: length,
                keys: length,
                causal: true,
            },
            seconds: Seconds(number(row, "latency_ms") * 1e-3),
        };
        let (accelerators, calls) = found.entry(family).or_default();
        accelerators.push(accelerator.name.clone());
        calls.push(call);
    }
    for (family, (mut accelerators, calls)) in found {
        accelerators.sort();
        accelerators.dedup();
        let like = bench.profile.attention(family, AttentionKernel::Flash).unwrap().curve;
        let curve = fit_attention(&calls, &like);
        let summary =
            FitSummary::of(&calls.iter().map(|row| row.log_error(&curve)).collect::<Vec<_>>()).unwrap();
        println!("{family} attention: {summary:?}");
        let source = AICONFIGURATOR.to_owned();
        let fitted =
            Fitted { curve, log_error: summary.log_error, rows: calls.len() as u64, accelerators, source };
        bench.profile.set_attention(family, AttentionKernel::Flash, fitted);
    }
}

fn fit_decodes(bench: &mut Bench, table: &Rows) {
    let mut found: BTreeMap<&str, (Vec<String>, Vec<DecodeObservation>)> = BTreeMap::new();
    for row in table.iter().filter(|row| row["phase"] == "decode") {
        let Some((family, accelerator, _)) = bench.device(&row["system"]) else { continue };
        let context = number(row, "prior_kv_tokens") + number(row, "new_tokens_per_seq");
        // Keys and values of 128 elements in 16 bit.
        let bytes = number(row, "batch") * context * number(row, "kv_heads_per_gpu") * 2.0 * 128.0 * 2.0;
        let (accelerators, calls) = found.entry(family).or_default();
        accelerators.push(accelerator.name.clone());
        calls.push(DecodeObservation {
            bandwidth: accelerator.memory_bandwidth.unwrap(),
            bytes: Bytes(bytes),
            seconds: Seconds(number(row, "latency_ms") * 1e-3),
        });
    }
    for (family, (mut accelerators, calls)) in found {
        accelerators.sort();
        accelerators.dedup();
        let curve = fit_decode(&calls);
        let summary =
            FitSummary::of(&calls.iter().map(|row| row.log_error(&curve)).collect::<Vec<_>>()).unwrap();
        println!("{family} decode attention: {summary:?}");
        let source = AICONFIGURATOR.to_owned();
        let fitted =
            Fitted { curve, log_error: summary.log_error, rows: calls.len() as u64, accelerators, source };
        bench.profile.set_decode(family, fitted);
    }
}

fn fit_passes(bench: &mut Bench, table: &Rows) {
    let mut found: BTreeMap<&str, Vec<ElementwiseObservation>> = BTreeMap::new();
    for row in table {
        let Some((_, hidden, wide)) = SIZES.iter().find(|size| size.0 == row["model"]) else { continue };
        let Some((family, accelerator, _)) = bench.device(&row["device"]) else { continue };
        let (tokens, degree) = (number(row, "num_tokens"), number(row, "tp"));
        // 16-bit elements: a norm reads and writes, a gated activation reads two and writes one, as an addition does.
        let kernels = [
            ("input_layernorm_ms", 4.0 * tokens * hidden),
            ("mlp_act_ms", 6.0 * tokens * wide / degree),
            ("add_ms", 6.0 * tokens * hidden),
        ];
        for (column, bytes) in kernels {
            let Some(ms) = row[column].parse().ok().filter(|ms: &f64| *ms > 0.0) else { continue };
            let bandwidth = accelerator.memory_bandwidth.unwrap();
            let seconds = Seconds(ms * 1e-3);
            found.entry(family).or_default().push(ElementwiseObservation {
                bandwidth,
                bytes: Bytes(bytes),
                seconds,
            });
        }
    }
    for (family, rows) in found {
        let fitted = fit_elementwise(family, &rows);
        println!("{family} element-wise: {} rows, {fitted:?}", rows.len());
        bench.profile.set_elementwise(fitted);
    }
}

fn fit_calls(bench: &Bench, ops: &[Op], vidur: &Rows) -> CollectiveProfile {
    let mut profile = CollectiveProfile::embedded().unwrap();
    let mut found: BTreeMap<(&str, Operation), (&str, Vec<CollectiveObservation>)> = BTreeMap::new();
    let mut add = |system: &str, operation, ranks, bytes, ms: f64, source| {
        let Some((_, accelerator, fabric)) = bench.device(system) else { return };
        let nominal = accelerator.link_bandwidth.unwrap();
        let (bytes, seconds) = (Bytes(bytes), Seconds(ms * 1e-3));
        let call = CollectiveObservation { operation, ranks, bytes, nominal, seconds };
        found.entry((fabric, operation)).or_insert_with(|| (source, Vec::new())).1.push(call);
    };
    for row in ops.iter().filter(|row| row.framework == "nccl" && row.dtype == "half") {
        let operation = match row.op.as_str() {
            "all_reduce" => Operation::AllReduce,
            "all_gather" => Operation::AllGather,
            "reduce_scatter" => Operation::ReduceScatter,
            "alltoall" => Operation::AllToAll,
            _ => continue,
        };
        let (ranks, elements) = (row.num_gpus.unwrap(), row.message_size.unwrap());
        add(&row.system, operation, ranks, 2.0 * elements, row.latency_ms, AICONFIGURATOR);
    }
    // Machines with pairwise links are left out: their two topologies state the same times, beyond the older one's links.
    for row in vidur.iter().filter(|row| row["collective"] == "send_recv" && row["devices_per_node"] == "2") {
        let bytes = number(row, "size_bytes");
        add(&row["topology"], Operation::SendReceive, 2, bytes, number(row, "median_ms"), VIDUR);
    }
    for ((fabric, operation), (source, calls)) in found {
        let curve = fit_collective(&calls);
        let summary =
            FitSummary::of(&calls.iter().map(|row| row.log_error(&curve)).collect::<Vec<_>>()).unwrap();
        println!("{fabric} {}: {summary:?}", operation.word());
        let (log_error, rows, source) = (summary.log_error, calls.len() as u64, source.to_owned());
        profile.set(fabric, operation, FittedCollective { curve, log_error, rows, source });
    }
    profile
}

#[test]
#[ignore = "fits all tables anew: half a minute"]
fn shipped_kernel_tables_are_what_the_reference_tables_give() {
    let tables = ["aic_gemm.csv", "aic_attention_bf16.csv", "vidur_linear_ops.csv", "vidur_collectives.csv"];
    let Some(tables) = tables.map(table).into_iter().collect::<Option<Vec<Rows>>>() else { return };
    let Some(path) = reference_file("inference_op_measurements.csv") else { return };
    let ops: Vec<Op> = csv::Reader::from_path(path).unwrap().deserialize().map(|row| row.unwrap()).collect();
    let mut bench =
        Bench { catalog: Catalog::read(&[]).unwrap(), profile: KernelProfile::embedded().unwrap() };
    fit_products(&mut bench, &ops, &tables[0]);
    fit_attentions(&mut bench, &tables[1]);
    fit_decodes(&mut bench, &tables[1]);
    fit_passes(&mut bench, &tables[2]);
    let collectives = fit_calls(&bench, &ops, &tables[3]);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/profiles");
    for (file, comment, rows) in [
        ("matmul-kernels.csv", MATMUL_COMMENT, bench.profile.matmul_csv()),
        ("attention-kernels.csv", ATTENTION_COMMENT, bench.profile.attention_csv()),
        ("decode-kernels.csv", DECODE_COMMENT, bench.profile.decode_csv()),
        ("elementwise-kernels.csv", ELEMENTWISE_COMMENT, bench.profile.elementwise_csv()),
        ("collectives.csv", COLLECTIVES_COMMENT, collectives.to_csv()),
    ] {
        let text = format!("{comment}{rows}");
        if std::env::var_os(WRITE).is_some() {
            fs::write(folder.join(file), text).unwrap();
            println!("{file} written; build again");
        } else {
            assert_eq!(fs::read_to_string(folder.join(file)).unwrap(), text, "{file}");
        }
    }
}
