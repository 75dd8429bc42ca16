//! Collectives beside published tables of NCCL calls, and the laws that they keep.

use std::collections::BTreeMap;

use serde::Deserialize;

use capplan::catalog::{Catalog, Fabric, FabricScope};
use capplan::steptime::fabric::{
    Collective, FabricModel, Network, Operation, RankGroup, collective_seconds, fast_domain,
};
use capplan::steptime::kernels::FitSummary;
use capplan::steptime::{CollectiveObservation, CollectiveProfile, fit_collective};
use capplan::units::{Bytes, BytesPerSecond, Seconds};

use super::kernels::accelerator_of;
use super::reference_file;

const KINDS: [Collective; 5] = [
    Collective::AllReduce,
    Collective::AllGather,
    Collective::ReduceScatter,
    Collective::AllToAll { imbalance: 1.2 },
    Collective::SendReceive,
];

#[derive(Deserialize)]
struct Row {
    system: String,
    version: String,
    kind: String,
    num_gpus: u32,
    message_elements_or_bytes: f64,
    latency_ms: f64,
}

fn operation(kind: &str) -> Option<Operation> {
    match kind {
        "all_reduce" => Some(Operation::AllReduce),
        "all_gather" => Some(Operation::AllGather),
        "reduce_scatter" => Some(Operation::ReduceScatter),
        "alltoall" => Some(Operation::AllToAll),
        _ => None,
    }
}

/// NCCL calls on 16-bit elements, by system and operation.
fn calls(catalog: &Catalog) -> Option<BTreeMap<(String, Operation), Vec<CollectiveObservation>>> {
    let path = reference_file("aic_collectives.csv")?;
    let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for row in csv::Reader::from_path(path).unwrap().deserialize() {
        let row: Row = row.unwrap();
        let (Some(operation), true) = (operation(&row.kind), row.version.starts_with("nccl")) else {
            continue;
        };
        let Some((_, accelerator)) = accelerator_of(&row.system) else { continue };
        let call = CollectiveObservation {
            operation,
            ranks: row.num_gpus,
            bytes: Bytes(2.0 * row.message_elements_or_bytes),
            nominal: catalog.accelerator(accelerator).unwrap().link_bandwidth.unwrap(),
            seconds: Seconds(row.latency_ms * 1e-3),
        };
        found.entry((row.system, operation)).or_default().push(call);
    }
    Some(found)
}

#[test]
#[cfg_attr(debug_assertions, ignore = "a matter of optimised code")]
fn collectives_of_unseen_sizes_are_met_within_twenty_percent() {
    let catalog = Catalog::read(&[]).unwrap();
    let Some(calls) = calls(&catalog) else { return };
    assert!(calls.len() >= 8);
    for ((system, operation), calls) in &calls {
        let mut errors = Vec::new();
        for fold in 0..3 {
            let out = |call: &&CollectiveObservation| call.bytes.0.log2().round() as usize % 3 == fold;
            let seen: Vec<_> = calls.iter().filter(|call| !out(call)).copied().collect();
            let curve = fit_collective(&seen);
            errors.extend(calls.iter().filter(out).map(|call| call.log_error(&curve)));
        }
        let summary = FitSummary::of(&errors).unwrap();
        println!(
            "{system} {operation:?}: median error {:.1} %, p90 {:.1} %",
            summary.median_error * 100.0,
            summary.p90_error * 100.0
        );
        assert!(summary.median_error <= 0.20, "{system} {operation:?}: {summary:?}");
    }
}

/// The shipped curves on the same calls, and groups of eight by curves of two and four.
#[test]
#[cfg_attr(debug_assertions, ignore = "a matter of optimised code")]
fn shipped_curves_and_larger_groups() {
    let catalog = Catalog::read(&[]).unwrap();
    let profile = CollectiveProfile::embedded().unwrap();
    let Some(calls) = calls(&catalog) else { return };
    for ((system, operation), calls) in &calls {
        let fabric = if system == "a100_sxm" { "nvlink-v3" } else { "nvlink-v4" };
        let shipped = profile.curve(fabric, *operation).unwrap().curve;
        let own: Vec<f64> = calls.iter().map(|call| call.log_error(&shipped)).collect();
        let own = FitSummary::of(&own).unwrap();
        let small: Vec<_> = calls.iter().filter(|call| call.ranks < 8).copied().collect();
        let curve = fit_collective(&small);
        let eight: Vec<f64> =
            calls.iter().filter(|call| call.ranks == 8).map(|call| call.log_error(&curve)).collect();
        let eight = FitSummary::of(&eight).unwrap();
        println!(
            "{system} {operation:?}: shipped {:.1} %, eight devices by two and four {:.1} %",
            own.median_error * 100.0,
            eight.median_error * 100.0
        );
        assert!(own.median_error <= 0.15, "{system} {operation:?}: {own:?}");
        assert!(eight.median_error <= 0.30, "{system} {operation:?}: {eight:?}");
    }
}

fn nvlink(catalog: &Catalog, fabric: &str, nominal: f64) -> Network {
    let profile = CollectiveProfile::embedded().unwrap();
    let inside = FabricModel::new(catalog, &profile, fabric, Some(BytesPerSecond(nominal)));
    let across = FabricModel::new(catalog, &profile, "infiniband", Some(BytesPerSecond(nominal)));
    Network { inside, across }
}

/// Whole-call fits of published all-reduces, T = a + size/bandwidth up to 64 MB, and the rate of large messages.
#[test]
fn all_reduces_meet_the_published_lines() {
    let catalog = Catalog::read(&[]).unwrap();
    let at = |fabric: &str, nominal: f64, ranks, size: f64| {
        let network = nvlink(&catalog, fabric, nominal);
        collective_seconds(Collective::AllReduce, Bytes(size), &RankGroup::inside(ranks), &network).0
    };
    for (fabric, nominal, ranks, start, rate) in [
        ("nvlink-v3", 300e9, 2, 41e-6, 171e9),
        ("nvlink-v3", 300e9, 8, 35e-6, 85e9),
        ("nvlink-v4", 450e9, 2, 12e-6, 254e9),
        ("nvlink-v4", 450e9, 8, 28e-6, 201e9),
    ] {
        let predicted = at(fabric, nominal, ranks, 64e6);
        let published = start + 64e6 / rate;
        println!("{fabric} {ranks}: {predicted:.6} s, published {published:.6} s");
        assert!((predicted / published - 1.0).abs() < 0.25, "{fabric} {ranks}: {predicted} {published}");
    }
    for (fabric, nominal, rate) in [("nvlink-v3", 300e9, 127e9), ("nvlink-v4", 450e9, 254e9)] {
        let reached = 537e6 / at(fabric, nominal, 8, 537e6);
        assert!((reached / rate - 1.0).abs() < 0.1, "{fabric}: {reached}");
    }
}

#[test]
fn more_bytes_and_less_bandwidth_are_never_faster() {
    let catalog = Catalog::read(&[]).unwrap();
    let profile = CollectiveProfile::embedded().unwrap();
    let sizes = [1.0, 1e3, 1e5, 1e6, 1e7, 1e9, 1e11];
    for Fabric { name, scope, .. } in catalog.fabrics.values() {
        for kind in KINDS {
            for ranks in [2, 3, 8, 16, 72, 256] {
                let inside = *scope == FabricScope::IntraNode;
                let group = if inside {
                    RankGroup::inside(ranks)
                } else {
                    RankGroup { ranks, per_node: 1, sharing: 1 }
                };
                let at = |bytes: f64, nominal: f64| {
                    let model = FabricModel::new(&catalog, &profile, name, Some(BytesPerSecond(nominal)));
                    let network = if inside {
                        Network { inside: model, across: None }
                    } else {
                        Network { inside: None, across: model }
                    };
                    collective_seconds(kind, Bytes(bytes), &group, &network).0
                };
                for pair in sizes.windows(2) {
                    assert!(at(pair[0], 1e11) <= at(pair[1], 1e11), "{name} {kind:?} {ranks} {pair:?}");
                    assert!(at(pair[0], 2e11) <= at(pair[0], 1e11), "{name} {kind:?} {ranks} {pair:?}");
                }
                assert!(at(1e6, 1e11) > 0.0 && at(1e6, 1e11).is_finite());
            }
        }
    }
}

#[test]
fn a_group_of_one_waits_for_nobody_and_a_missing_wire_takes_for_ever() {
    let catalog = Catalog::read(&[]).unwrap();
    let network = nvlink(&catalog, "nvlink-v4", 450e9);
    for kind in KINDS {
        assert_eq!(collective_seconds(kind, Bytes(1e9), &RankGroup::inside(1), &network), Seconds::ZERO);
        let alone = Network::default();
        assert_eq!(collective_seconds(kind, Bytes(1e9), &RankGroup::inside(2), &alone).0, f64::INFINITY);
    }
}

#[test]
fn crossing_nodes_costs_and_shared_cards_cost_more() {
    let catalog = Catalog::read(&[]).unwrap();
    let mut network = nvlink(&catalog, "nvlink-v4", 450e9);
    network.across = FabricModel::new(
        &catalog,
        &CollectiveProfile::embedded().unwrap(),
        "infiniband",
        Some(BytesPerSecond(50e9)),
    );
    let at = |kind, group| collective_seconds(kind, Bytes(1e9), &group, &network).0;
    for kind in KINDS {
        let inside = at(kind, RankGroup::inside(8));
        let across = at(kind, RankGroup { ranks: 16, per_node: 8, sharing: 1 });
        assert!(across > 2.0 * inside, "{kind:?}: {inside} {across}");
        let own = at(kind, RankGroup { ranks: 8, per_node: 1, sharing: 1 });
        let shared = at(kind, RankGroup { ranks: 8, per_node: 1, sharing: 8 });
        assert!(shared > 5.0 * own, "{kind:?}: {own} {shared}");
    }
    let even = at(Collective::AllToAll { imbalance: 1.0 }, RankGroup::inside(8));
    assert!(at(Collective::AllToAll { imbalance: 1.5 }, RankGroup::inside(8)) > 1.2 * even);
}

#[test]
fn a_rack_is_one_domain() {
    let catalog = Catalog::read(&[]).unwrap();
    let domain = |name: &str, slice| fast_domain(catalog.accelerator(name).unwrap(), slice);
    assert_eq!(
        [domain("GB200", None), domain("H100-SXM-80GB", None), domain("TPU-v4", Some(64))],
        [72, 8, 64]
    );
}
