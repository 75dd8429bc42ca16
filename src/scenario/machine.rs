//! `[fleet.machine]`: an owned or unlisted machine described in the scenario.

use crate::catalog::{Instance, InstanceKind};
use crate::document::{Code, Reader};
use crate::units::{Bytes, Money, PricePerHour};

use super::keys_fleet::THIS_MACHINE;
use super::resolve::Resolver;

/// The instance and its hourly price; `None` after a fault.
pub(super) fn described(
    resolver: &mut Resolver<'_>,
    fleet: &Reader<'_>,
    path: &str,
    name: &str,
) -> Option<(Instance, Option<PricePerHour>)> {
    let table = &fleet.table("machine");
    let in_a_word = fleet.text("machine") == Some(THIS_MACHINE);
    let path = format!("{path}.machine");
    if in_a_word || table.boolean("measured") {
        return measured(resolver, fleet, table, &path, name);
    }
    let accelerator = table.text("accelerator");
    if let Some(Err(unknown)) = accelerator.map(|name| resolver.catalog.accelerator(name)) {
        resolver.unknown(table, &path, "accelerator", unknown);
        return None;
    }
    let accelerators = table.count("accelerators").unwrap_or(0);
    match (accelerator, accelerators) {
        (Some(_), 0) => {
            let message = "a machine with an accelerator needs `accelerators` of 1 or more";
            resolver.faults.push(table.fault(Code::OutOfRange, &path, "accelerators", message));
            return None;
        }
        (None, 1..) => {
            let message = "`accelerators` needs `accelerator`, their catalog name";
            resolver.faults.push(table.fault(Code::MissingKey, &path, "accelerator", message));
            return None;
        }
        _ => {}
    }
    let instance = Instance {
        provider: "owned".to_owned(),
        name: name.to_owned(),
        kind: InstanceKind::Described,
        accelerator: accelerator.map(str::to_owned),
        accelerators: accelerators as f64,
        vcpus: table.number("vcpus"),
        memory: table.bytes("memory"),
        network: table.byte_rate("network"),
        local_disk: table.bytes("local_disk"),
        cpu: None,
        family: None,
        hosts: 1,
        offers: Vec::new(),
    };
    Some((instance, hourly(table)))
}

/// The machine of the workload's profile; what the scenario says of it goes before what the profile says.
fn measured(
    resolver: &mut Resolver<'_>,
    fleet: &Reader<'_>,
    table: &Reader<'_>,
    path: &str,
    name: &str,
) -> Option<(Instance, Option<PricePerHour>)> {
    let Some(steps) = &resolver.profile else {
        // A profile that could not be read was told already.
        if resolver.faults.is_empty() {
            let message = "the machine is that of the workload's profile, and there is none";
            let fault = fleet.fault(Code::MissingKey, path, "", message);
            resolver
                .faults
                .push(fault.suggest("add `profile = \"FILE\"` to [workload]; see `capplan calibrate`"));
        }
        return None;
    };
    if table.has("accelerator") || table.has("accelerators") {
        let message = "the profile says which device computes";
        resolver.faults.push(table.fault(Code::Conflict, path, "accelerator", message));
        return None;
    }
    let machine = &steps.profile.machine;
    let instance = Instance {
        provider: "owned".to_owned(),
        name: name.to_owned(),
        kind: InstanceKind::Measured,
        accelerator: machine.accelerator.clone(),
        accelerators: if machine.accelerator.is_some() { 1.0 } else { 0.0 },
        vcpus: table.number("vcpus").or(machine.cores.map(|cores| cores as f64)),
        memory: table.bytes("memory").or(machine.memory.map(|bytes| Bytes(bytes as f64))),
        network: table.byte_rate("network"),
        local_disk: table.bytes("local_disk"),
        cpu: None,
        family: None,
        hosts: 1,
        offers: Vec::new(),
    };
    Some((instance, hourly(table)))
}

/// The stated price, or amortisation over the used hours plus electricity.
fn hourly(table: &Reader<'_>) -> Option<PricePerHour> {
    if let Some(price) = table.price_per_hour("price_per_hour") {
        return Some(price);
    }
    let price = table.money("purchase_price")?;
    let lifetime = table.seconds("lifetime")?.hours();
    let used = table.number("utilisation").unwrap_or(1.0);
    let energy = table
        .watts("power")
        .map_or(0.0, |power| power.0 / 1000.0 * table.number("electricity").unwrap_or(0.0));
    Some(PricePerHour(price.scaled(1.0 / (lifetime * used)) + Money::from_usd(energy)))
}
