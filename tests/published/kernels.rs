//! Kernel times beside published kernel tables, on shapes and accelerators that the fit did not see.

use std::collections::BTreeMap;

use serde::Deserialize;

use capplan::catalog::{Catalog, Precision};
use capplan::steptime::kernels::{
    AttentionKernel, AttentionObservation, AttentionShape, DeviceRates, FitSummary, KernelProfile,
    MatmulObservation, MatmulShape, Pass, attention_seconds, fit_attention, fit_matmul, matmul_seconds,
};
use capplan::units::Seconds;

use super::reference_file;

/// Systems of the tables, with the family whose curve they share and the catalog name.
pub(super) const SYSTEMS: &[(&str, &str, &str)] = &[
    ("a100_sxm", "ampere", "A100-SXM-80GB"),
    ("h100_sxm", "hopper", "H100-SXM-80GB"),
    ("h200_sxm", "hopper", "H200-SXM"),
    ("b200_sxm", "blackwell", "B200-SXM"),
];
const FAMILIES: [&str; 3] = ["ampere", "hopper", "blackwell"];

pub(super) fn accelerator_of(system: &str) -> Option<(&'static str, &'static str)> {
    SYSTEMS.iter().find(|(name, ..)| *name == system).map(|(_, family, accelerator)| (*family, *accelerator))
}

#[derive(Deserialize)]
struct GemmRow {
    system: String,
    dtype: String,
    m_tokens: f64,
    n: f64,
    k: f64,
    latency_ms: f64,
}

#[derive(Deserialize)]
struct AttentionRow {
    system: String,
    phase: String,
    q_heads_per_gpu: f64,
    kv_heads_per_gpu: f64,
    batch: f64,
    new_tokens_per_seq: f64,
    latency_ms: f64,
}

/// A measurement with its system and the shape group that is left out as one.
struct Measured<T> {
    system: String,
    group: String,
    row: T,
}

fn gemm(catalog: &Catalog, profile: &KernelProfile, dtype: &str) -> Option<Vec<Measured<MatmulObservation>>> {
    let path = reference_file("aic_gemm.csv")?;
    let precision = if dtype == "bfloat16" { Precision::Bf16 } else { Precision::Fp8 };
    let mut found = Vec::new();
    for row in csv::Reader::from_path(path).unwrap().deserialize() {
        let row: GemmRow = row.unwrap();
        let Some((_, name)) = accelerator_of(&row.system).filter(|_| row.dtype == dtype) else { continue };
        let accelerator = catalog.accelerator(name).unwrap();
        let observation = MatmulObservation {
            precision,
            peak: accelerator.peak(precision).unwrap(),
            bandwidth: accelerator.memory_bandwidth.unwrap(),
            units: DeviceRates::new(profile, accelerator).unwrap().units,
            shape: MatmulShape::single(row.m_tokens, row.n, row.k),
            seconds: Seconds(row.latency_ms * 1e-3),
        };
        let group = format!("{}x{}", row.n, row.k);
        found.push(Measured { system: row.system, group, row: observation });
    }
    Some(found)
}

fn attention(catalog: &Catalog, profile: &KernelProfile) -> Option<Vec<Measured<AttentionObservation>>> {
    let path = reference_file("aic_attention_bf16.csv")?;
    let mut found = Vec::new();
    for row in csv::Reader::from_path(path).unwrap().deserialize() {
        let row: AttentionRow = row.unwrap();
        let Some((_, name)) = accelerator_of(&row.system).filter(|_| row.phase == "prefill") else {
            continue;
        };
        let accelerator = catalog.accelerator(name).unwrap();
        let observation = AttentionObservation {
            peak: accelerator.peak(Precision::Bf16).unwrap(),
            bandwidth: accelerator.memory_bandwidth.unwrap(),
            units: DeviceRates::new(profile, accelerator).unwrap().units,
            shape: AttentionShape {
                batch: row.batch,
                heads: row.q_heads_per_gpu,
                kv_heads: row.kv_heads_per_gpu,
                head_dim: 128.0,
                queries: row.new_tokens_per_seq,
                keys: row.new_tokens_per_seq,
                causal: true,
            },
            seconds: Seconds(row.latency_ms * 1e-3),
        };
        let group = format!("{}/{}", row.q_heads_per_gpu, row.kv_heads_per_gpu);
        found.push(Measured { system: row.system, group, row: observation });
    }
    Some(found)
}

/// Errors of a kind of kernel, each shape group predicted by a fit of the other groups of the same family.
fn held_out<T: Copy, C>(
    rows: &[Measured<T>],
    fit: impl Fn(&[T]) -> C,
    error: impl Fn(&T, &C) -> f64,
) -> BTreeMap<String, Vec<f64>> {
    let mut errors: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for family in FAMILIES {
        let own: Vec<&Measured<T>> = rows
            .iter()
            .filter(|row| accelerator_of(&row.system).is_some_and(|(found, _)| found == family))
            .collect();
        let mut groups: Vec<&str> = own.iter().map(|row| row.group.as_str()).collect();
        groups.sort_unstable();
        groups.dedup();
        for fold in 0..FOLDS {
            let out = |row: &&Measured<T>| {
                groups.iter().position(|group| *group == row.group).unwrap() % FOLDS == fold
            };
            let seen: Vec<T> = own.iter().filter(|row| !out(row)).map(|row| row.row).collect();
            if seen.is_empty() {
                continue;
            }
            let curve = fit(&seen);
            for row in own.iter().filter(|row| out(row)) {
                errors.entry(row.system.clone()).or_default().push(error(&row.row, &curve));
            }
        }
    }
    errors
}

/// Shape groups are left out in this many folds.
const FOLDS: usize = 3;

fn check(what: &str, errors: &BTreeMap<String, Vec<f64>>, bar: f64) {
    for (system, errors) in errors {
        let FitSummary { rows, median_error, p90_error, log_error } = FitSummary::of(errors).unwrap();
        println!(
            "{what} {system}: {rows} rows held out, median error {:.1} %, p90 {:.1} %, std of ln {log_error:.3}",
            median_error * 100.0,
            p90_error * 100.0
        );
        assert!(median_error <= bar, "{what} {system}: {median_error}");
    }
}

#[test]
#[cfg_attr(debug_assertions, ignore = "a matter of optimised code")]
fn matrix_products_of_unseen_shapes_are_met_within_ten_percent() {
    let catalog = Catalog::read(&[]).unwrap();
    let profile = KernelProfile::embedded().unwrap();
    for dtype in ["bfloat16", "fp8"] {
        let Some(rows) = gemm(&catalog, &profile, dtype) else { return };
        check(dtype, &held_out(&rows, fit_matmul, MatmulObservation::log_error), 0.10);
    }
}

#[test]
#[cfg_attr(debug_assertions, ignore = "a matter of optimised code")]
fn attention_of_unseen_heads_is_met_within_fifteen_percent() {
    let catalog = Catalog::read(&[]).unwrap();
    let profile = KernelProfile::embedded().unwrap();
    let Some(rows) = attention(&catalog, &profile) else { return };
    let like = profile.attention("ampere", AttentionKernel::Flash).unwrap().curve;
    let fit = |rows: &[AttentionObservation]| fit_attention(rows, &like);
    check("attention", &held_out(&rows, fit, AttentionObservation::log_error), 0.15);
}

/// What the tables of one accelerator are worth on another: figures for the record.
#[test]
#[cfg_attr(debug_assertions, ignore = "a matter of optimised code")]
fn curves_carried_to_another_accelerator_miss_more() {
    let catalog = Catalog::read(&[]).unwrap();
    let profile = KernelProfile::embedded().unwrap();
    let Some(rows) = gemm(&catalog, &profile, "bfloat16") else { return };
    let of =
        |system: &str| rows.iter().filter(|row| row.system == system).map(|row| row.row).collect::<Vec<_>>();
    for (seen, unseen, bar) in [
        ("h100_sxm", "h200_sxm", 0.10),
        ("h200_sxm", "h100_sxm", 0.10),
        ("h100_sxm", "a100_sxm", 0.20),
        ("h100_sxm", "b200_sxm", 0.25),
        ("a100_sxm", "h100_sxm", 0.25),
    ] {
        let curve = fit_matmul(&of(seen));
        let errors: Vec<f64> = of(unseen).iter().map(|row| row.log_error(&curve)).collect();
        let summary = FitSummary::of(&errors).unwrap();
        println!(
            "{unseen} by the curve of {seen}: median error {:.1} %, std of ln {:.3}",
            summary.median_error * 100.0,
            summary.log_error
        );
        assert!(summary.median_error <= bar, "{unseen} by {seen}: {summary:?}");
    }
}

fn devices() -> Vec<(String, DeviceRates)> {
    let catalog = Catalog::read(&[]).unwrap();
    let profile = KernelProfile::embedded().unwrap();
    let rates = |device: &capplan::catalog::Accelerator| {
        DeviceRates::new(&profile, device).ok().map(|rates| (device.name.clone(), rates))
    };
    catalog.accelerators.values().filter_map(rates).collect()
}

#[test]
fn more_work_is_never_faster() {
    let sizes = [1.0, 63.0, 64.0, 65.0, 128.0, 160.0, 192.0, 1000.0, 4096.0, 5000.0, 16384.0];
    let devices = devices();
    assert!(devices.len() > 40, "{}", devices.len());
    for (name, device) in &devices {
        for (_, precision) in Precision::ALL {
            for n in sizes {
                for pair in sizes.windows(2) {
                    let at = |m, n, k| matmul_seconds(device, *precision, m, n, k);
                    assert!(at(pair[0], n, 512.0) <= at(pair[1], n, 512.0), "{name} {n} {pair:?}");
                    assert!(at(n, pair[0], 512.0) <= at(n, pair[1], 512.0), "{name} {n} {pair:?}");
                    assert!(at(512.0, n, pair[0]) <= at(512.0, n, pair[1]), "{name} {n} {pair:?}");
                }
            }
            let large = device.matmul(*precision).efficiency(MatmulShape::single(8192.0, 8192.0, 8192.0));
            assert!(large > 0.1 && large <= 1.0, "{name} {precision:?} {large}");
        }
    }
}

#[test]
fn longer_sequences_and_backward_passes_take_longer() {
    for (name, device) in &devices() {
        for kernel in [AttentionKernel::Unfused, AttentionKernel::Flash2, AttentionKernel::Flash] {
            for causal in [false, true] {
                let at = |pass, length: f64, batch| {
                    let shape = AttentionShape {
                        batch,
                        heads: 16.0,
                        kv_heads: 4.0,
                        head_dim: 128.0,
                        queries: length,
                        keys: length,
                        causal,
                    };
                    attention_seconds(device, kernel, pass, &shape)
                };
                for pair in [1.0, 100.0, 128.0, 129.0, 1024.0, 2048.0, 65536.0].windows(2) {
                    for pass in [Pass::Forward, Pass::Backward] {
                        assert!(
                            at(pass, pair[0], 1.0) <= at(pass, pair[1], 1.0),
                            "{name} {kernel:?} {pair:?}"
                        );
                        assert!(
                            at(pass, pair[0], 1.0) <= at(pass, pair[0], 2.0),
                            "{name} {kernel:?} {pair:?}"
                        );
                    }
                    assert!(at(Pass::Forward, pair[0], 1.0) < at(Pass::Backward, pair[0], 1.0));
                }
            }
        }
    }
}

#[test]
fn a_device_that_no_table_measured_says_so() {
    let devices: BTreeMap<String, DeviceRates> = devices().into_iter().collect();
    let error = |name: &str| devices[name].matmul_log_error(Precision::Bf16);
    assert!(error("H100-SXM-80GB") < error("H100-PCIe-80GB"));
    assert!(error("H100-PCIe-80GB") < error("MI300X"));
    let reached = |name: &str| {
        devices[name].matmul(Precision::Bf16).efficiency(MatmulShape::single(8192.0, 8192.0, 8192.0))
    };
    // The best rate measured on an MI300X is 668 of 1300 TFLOP/s.
    assert!(reached("MI300X") <= 0.515 && reached("A100-SXM-80GB") > 0.8);
}

#[test]
#[cfg_attr(debug_assertions, ignore = "a matter of optimised code")]
fn a_kernel_time_costs_a_third_of_a_microsecond_at_most() {
    let devices = devices();
    let (_, device) = devices.iter().find(|(name, _)| name == "H100-SXM-80GB").unwrap();
    let shape = AttentionShape {
        batch: 1.0,
        heads: 32.0,
        kv_heads: 8.0,
        head_dim: 128.0,
        queries: 4096.0,
        keys: 4096.0,
        causal: true,
    };
    let fastest = (0..20)
        .map(|_| {
            let began = std::time::Instant::now();
            for index in 0..1000 {
                let size = std::hint::black_box(4096.0 + f64::from(index));
                std::hint::black_box(matmul_seconds(device, Precision::Bf16, size, 4096.0, 4096.0));
                let shape = AttentionShape { queries: size, keys: size, ..shape };
                std::hint::black_box(attention_seconds(
                    device,
                    AttentionKernel::Flash,
                    Pass::Forward,
                    &shape,
                ));
            }
            began.elapsed().as_nanos() / 2000
        })
        .min()
        .unwrap();
    println!("{fastest} ns a call");
    assert!(fastest <= 300, "{fastest} ns");
}
