//! Values of a serving scenario that mean nothing together, beyond what single keys need.

use crate::catalog::Model;
use crate::document::{Code, Reader};

use super::applies::Setting;
use super::resolve::Resolver;

/// Tells the combinations that would be ignored, or that cannot be.
pub(super) fn check(resolver: &mut Resolver<'_>, document: &Reader<'_>, setting: &Setting<'_>) {
    let workload = document.table("workload");
    kinds(resolver, &workload, setting);
    batches(resolver, &workload, setting);
    sizes(resolver, document, &workload, setting);
    losses(resolver, document, &workload, setting);
}

/// Kinds that other models or modes have.
fn kinds(resolver: &mut Resolver<'_>, workload: &Reader<'_>, setting: &Setting<'_>) {
    let router = workload.table("router");
    if let Some(kind @ ("prefix-aware" | "by-length")) = router.choice("kind")
        && !setting.language
    {
        let message = format!("router \"{kind}\" is for language models, and {} is none", setting.model);
        let fault = router.fault(Code::Conflict, "workload.router", "kind", message);
        resolver.faults.push(fault.suggest("allowed here: round-robin, least-outstanding, power-of-k"));
    }
    let hosting = workload.table("hosting");
    if setting.hosting == Some("managed-batch") && matches!(setting.mode, Some("online" | "hybrid")) {
        let message = "a managed batch job does not answer requests as they come";
        let fault = hosting.fault(Code::Conflict, "workload.hosting", "kind", message);
        resolver.faults.push(fault.suggest("\"managed-endpoint\" does; or write `mode = \"batch\"`"));
    }
}

/// Batches of models that write no text.
fn batches(resolver: &mut Resolver<'_>, workload: &Reader<'_>, setting: &Setting<'_>) {
    let (batching, hosting) = (workload.table("batching"), workload.table("hosting"));
    if setting.hosting == Some("in-process") && hosting.has("micro_batch") && batching.has("max_batch") {
        let message = "`max_batch` and `workload.hosting.micro_batch` exclude each other";
        let fault = batching.fault(Code::Conflict, "workload.batching", "max_batch", message);
        resolver
            .faults
            .push(fault.suggest("in process a batch is what the pipeline hands over: `micro_batch`"));
    }
    if setting.mode == Some("batch") && !setting.language && workload.has("mix") {
        let message = format!("items of a batch job of {} are all alike", setting.model);
        let fault = workload.fault(Code::Conflict, "workload", "mix", message);
        resolver
            .faults
            .push(fault.suggest("leave [[workload.mix]] out; `workload.lengths.items` go at once"));
    }
}

/// Numbers of machines that something else decides.
fn sizes(resolver: &mut Resolver<'_>, document: &Reader<'_>, workload: &Reader<'_>, setting: &Setting<'_>) {
    let endless = workload.table("arrivals").choice("kind").filter(|kind| ["closed", "burst"].contains(kind));
    let requests = setting.mode.is_some_and(|mode| mode != "batch");
    for (index, fleet) in document.tables("fleet").iter().enumerate() {
        let path = format!("fleet[{index}]");
        if workload.has("autoscale") && requests && fleet.has("replicas") {
            let message = "`replicas` and [workload.autoscale] exclude each other";
            let fault = fleet.fault(Code::Conflict, &path, "replicas", message);
            resolver.faults.push(fault.suggest("`count` says how many machines there are at the start"));
        }
        if let Some(kind) = endless.filter(|_| requests && fleet.text("replicas") == Some("auto")) {
            let message = format!("{kind} arrivals have no rate that machines could be found for");
            let fault = fleet.fault(Code::Conflict, &path, "replicas", message);
            resolver.faults.push(fault.suggest("state `count`, or a list of counts to compare"));
        }
    }
}

/// Nobody loses more machines than there are.
fn losses(resolver: &mut Resolver<'_>, document: &Reader<'_>, workload: &Reader<'_>, setting: &Setting<'_>) {
    if !matches!(setting.mode, Some("online" | "hybrid")) {
        return;
    }
    let most = workload.table("autoscale").count("max").filter(|_| workload.has("autoscale"));
    for (index, loss) in workload.tables("loss").iter().enumerate() {
        let lost = loss.count("machines").unwrap_or(1);
        for fleet in document.tables("fleet") {
            let has = match most {
                Some(most) => Some(most),
                None if fleet.has("replicas") || fleet.has("group") => None,
                None => least_count(&fleet),
            };
            if let Some(has) = has.filter(|has| *has < lost) {
                let name = fleet.text("name").unwrap_or_default();
                let message = format!("{lost} machines are lost of fleet \"{name}\", which has {has}");
                let fault =
                    loss.fault(Code::Conflict, &format!("workload.loss[{index}]"), "machines", message);
                resolver.faults.push(fault.suggest(format!("at most {has}")));
                break;
            }
        }
    }
}

/// Only mixtures of experts have experts to divide.
pub(super) fn experts(resolver: &mut Resolver<'_>, document: &Reader<'_>, model: &Model) {
    if model.split_shape().is_none_or(|shape| shape.experts.is_some()) {
        return;
    }
    for (index, fleet) in document.tables("fleet").iter().enumerate() {
        let own = (format!("fleet[{index}].layout"), fleet.table("layout"));
        let groups = fleet.tables("group");
        let groups = groups
            .iter()
            .enumerate()
            .map(|(at, group)| (format!("fleet[{index}].group[{at}].layout"), group.table("layout")));
        for (path, layout) in std::iter::once(own).chain(groups) {
            if layout.count("expert_parallel").is_some_and(|experts| experts > 1) {
                let message = format!("{} has no experts that devices could share", model.id);
                let fault = layout.fault(Code::Conflict, &path, "expert_parallel", message);
                resolver.faults.push(fault.suggest("leave it out"));
            }
        }
    }
}

/// The fewest machines that a fleet is compared with.
fn least_count(fleet: &Reader<'_>) -> Option<u64> {
    if let Some(count) = fleet.count("count") {
        return Some(count);
    }
    let list = fleet.numbers("count");
    match list.is_empty() {
        true => fleet.table("count").count("from"),
        false => list.into_iter().filter(|count| *count >= 1.0).map(|count| count as u64).min(),
    }
}
