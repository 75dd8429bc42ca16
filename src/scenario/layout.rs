//! `layout` of a fleet: what it fixes, checked against the model and the fleet.

use crate::catalog::{Offload, Recompute, Sharding};
use crate::document::{Code, Reader};
use crate::fleet::{FleetSpec, LayoutRequest};
use crate::layout::{bad_degrees, divisors};
use crate::workload::training::TrainingSpec;

use super::resolve::Resolver;

/// Keys that go with any model; the others split a transformer.
const ANY_MODEL: &[&str] = &["data_parallel", "micro_batch", "gradient_accumulation"];
const SPLITTING: &[&str] = &[
    "tensor_parallel",
    "sequence_parallel",
    "pipeline_parallel",
    "virtual_stages",
    "context_parallel",
    "expert_parallel",
    "sharding",
    "shard_group",
    "recompute",
    "offload",
];

/// Larger parts of a batch are not suggested.
const SHOWN_BATCH: u64 = 4096;

/// What the table fixes.
pub(super) fn request(table: &Reader<'_>) -> LayoutRequest {
    LayoutRequest {
        data: table.count("data_parallel"),
        tensor: table.count("tensor_parallel"),
        sequence_parallel: table.has("sequence_parallel").then(|| table.boolean("sequence_parallel")),
        pipeline: table.count("pipeline_parallel"),
        virtual_stages: table.count("virtual_stages"),
        context: table.count("context_parallel"),
        expert: table.count("expert_parallel"),
        sharding: choice(table, "sharding", Sharding::ALL),
        shard_group: table.count("shard_group"),
        micro_batch: table.count("micro_batch"),
        gradient_accumulation: table.count("gradient_accumulation"),
        recompute: choice(table, "recompute", Recompute::ALL),
        offload: choice(table, "offload", Offload::ALL),
    }
}

fn choice<T: Copy>(table: &Reader<'_>, key: &str, all: &[(&'static str, T)]) -> Option<T> {
    let word = table.text(key)?;
    all.iter().find(|(name, _)| *name == word).map(|(_, value)| *value)
}

/// Tells everything in the fleets' layouts that their devices or the model do not allow.
pub(super) fn check(
    resolver: &mut Resolver<'_>,
    document: &Reader<'_>,
    fleets: &[FleetSpec],
    training: &TrainingSpec,
) {
    for (index, table) in document.tables("fleet").iter().enumerate() {
        let Some(fleet) = fleets.iter().find(|fleet| Some(fleet.name.as_str()) == table.text("name")) else {
            continue;
        };
        let layout = table.table("layout");
        let path = format!("fleet[{index}].layout");
        let known = training.model.transformer.is_some();
        if known {
            check_shape(resolver, &layout, &path, fleet, training);
        } else if let Some(key) = SPLITTING.iter().find(|key| layout.has(key)) {
            let message = format!(
                "`{key}` splits a transformer, and the shape of `{}` is not known",
                training.model.id
            );
            let fault = layout.fault(Code::Conflict, &path, key, message);
            resolver.faults.push(fault.suggest(format!("allowed here: {}", ANY_MODEL.join(", "))));
            continue;
        }
        check_devices(resolver, &layout, &path, fleet, known);
        if known && training.batch_per_device.is_none() {
            check_batch(resolver, &layout, &path, &fleet.layout, training.global_batch);
        }
    }
}

fn check_shape(
    resolver: &mut Resolver<'_>,
    layout: &Reader<'_>,
    path: &str,
    fleet: &FleetSpec,
    training: &TrainingSpec,
) {
    let Some(shape) = &training.model.transformer else { return };
    let sequence = training.model.sequence_length.unwrap_or(0.0);
    for bad in bad_degrees(shape, sequence, &fleet.layout) {
        let fault = layout.fault(Code::Conflict, path, bad.key, bad.message());
        resolver.faults.push(fault.suggest(bad.allowed()));
    }
}

/// Degrees of which all are fixed must multiply to the devices; others must leave room.
fn check_devices(
    resolver: &mut Resolver<'_>,
    layout: &Reader<'_>,
    path: &str,
    fleet: &FleetSpec,
    known: bool,
) {
    let asked = &fleet.layout;
    let degrees = [
        ("data_parallel", asked.data),
        ("tensor_parallel", asked.tensor),
        ("pipeline_parallel", asked.pipeline),
        ("context_parallel", asked.context),
    ];
    let fixed: Vec<(&str, u64)> =
        degrees.iter().filter_map(|(key, degree)| degree.map(|degree| (*key, degree))).collect();
    let Some((first, _)) = fixed.first() else { return };
    let product = fixed.iter().fold(1u64, |product, (_, degree)| product.saturating_mul(*degree));
    let each = if fleet.accelerator.is_some() { fleet.instance.whole_accelerators().max(1) } else { 1 };
    // Sequences are only split where the layout says so or nothing else is left to choose.
    let whole = !known || asked.tensor.is_some() && asked.pipeline.is_some() && asked.context.is_some();
    let works = |devices: u64| match asked.data {
        Some(_) if whole => product == devices,
        Some(_) => devices.is_multiple_of(product),
        None => product <= devices,
    };
    let devices: Vec<u64> = fleet.counts.0.iter().map(|count| count.saturating_mul(each)).collect();
    let Some(most) = devices.iter().max().filter(|_| !devices.iter().any(|devices| works(*devices))) else {
        return;
    };
    let words: Vec<String> = fixed.iter().map(|(key, degree)| format!("{key} {degree}")).collect();
    let message = format!("{} = {product} devices, but the fleet has {most}", words.join(" × "));
    let fault = layout.fault(Code::Conflict, path, first, message);
    resolver.faults.push(fault.suggest(format!(
        "allowed: degrees that multiply to {most}; leave `data_parallel` out to have it follow the fleet"
    )));
}

/// Replicas, micro-batches and their size must multiply to the global batch.
fn check_batch(
    resolver: &mut Resolver<'_>,
    layout: &Reader<'_>,
    path: &str,
    asked: &LayoutRequest,
    batch: u64,
) {
    let parts = [
        ("data_parallel", asked.data),
        ("micro_batch", asked.micro_batch),
        ("gradient_accumulation", asked.gradient_accumulation),
    ];
    let fixed: Vec<(&str, u64)> =
        parts.iter().filter_map(|(key, part)| part.map(|part| (*key, part))).collect();
    let Some((last, _)) = fixed.last() else { return };
    let product = fixed.iter().fold(1u64, |product, (_, part)| product.saturating_mul(*part));
    let exact = fixed.len() == parts.len();
    if exact && product == batch || !exact && batch.is_multiple_of(product) {
        return;
    }
    let words: Vec<String> = fixed.iter().map(|(key, part)| format!("{key} {part}")).collect();
    let verb = if exact { "is not" } else { "does not divide" };
    let message = format!("{} = {product} {verb} the global batch of {batch}", words.join(" × "));
    let others = product / fixed.last().map_or(1, |(_, part)| *part).max(1);
    let room = if others > 0 && batch.is_multiple_of(others) {
        divisors(batch / others, SHOWN_BATCH)
    } else {
        Vec::new()
    };
    let shown: Vec<String> = room.iter().take(12).map(u64::to_string).collect();
    let way_out = match (exact, shown.is_empty()) {
        (true, false) => format!("{last} = {} would", batch / others),
        (false, false) => format!("allowed for {last}: {}", shown.join(", ")),
        (_, true) => "leave one of them out to have it searched".to_owned(),
    };
    resolver.faults.push(layout.fault(Code::Conflict, path, last, message).suggest(way_out));
}
