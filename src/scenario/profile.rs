//! `profile` and `[[workload.transfer]]`: what the user measured, and how it is carried to other devices.

use std::sync::Arc;

use crate::catalog::{MeasuredProfile, NoProfile};
use crate::document::{Code, Reader};
use crate::steptime::measured::{MeasuredSteps, Transfer, TransferRule};

use super::resolve::Resolver;

/// The profile of a workload; `None` without one, or after a fault.
pub(super) fn read(resolver: &mut Resolver<'_>, table: &Reader<'_>) -> Option<Arc<MeasuredSteps>> {
    let transfers = table.tables("transfer");
    let Some(name) = table.text("profile") else {
        if !transfers.is_empty() {
            let message = "there is no `profile` to carry to other devices";
            resolver.faults.push(table.fault(Code::MissingKey, "workload", "transfer", message));
        }
        return None;
    };
    let profile = find(resolver, table, "workload", ("profile", name))?;
    let mut rules = Vec::new();
    for (index, transfer) in transfers.iter().enumerate() {
        rules.extend(rule(resolver, transfer, &format!("workload.transfer[{index}]")));
    }
    Some(Arc::new(MeasuredSteps::new(profile, resolver.catalog.here.as_ref(), rules)))
}

fn rule(resolver: &mut Resolver<'_>, table: &Reader<'_>, path: &str) -> Option<Transfer> {
    let to = table.text("to")?;
    if let Err(unknown) = resolver.catalog.accelerator(to) {
        resolver.unknown(table, path, "to", unknown);
        return None;
    }
    let missing = |resolver: &mut Resolver<'_>, key: &'static str, rule: &str| {
        let message = format!("rule `{rule}` needs `{key}`");
        resolver.faults.push(table.fault(Code::MissingKey, path, key, message));
    };
    let rule = match table.text("rule")? {
        "ratio" => match table.number("ratio") {
            Some(faster) => TransferRule::Ratio { faster, error: table.number("error").unwrap_or(0.0) },
            None => {
                missing(resolver, "ratio", "ratio");
                return None;
            }
        },
        "measured-pair" => match table.text("pair") {
            Some(name) => TransferRule::MeasuredPair(find(resolver, table, path, ("pair", name))?),
            None => {
                missing(resolver, "pair", "measured-pair");
                return None;
            }
        },
        _ => TransferRule::Roofline,
    };
    Some(Transfer { to: to.to_owned(), rule })
}

/// A profile by the path of its file or by its name in the catalog.
fn find(
    resolver: &mut Resolver<'_>,
    table: &Reader<'_>,
    path: &str,
    (key, name): (&str, &str),
) -> Option<Arc<MeasuredProfile>> {
    if name.ends_with(".toml") {
        let file = resolver.folder.as_ref().map_or_else(|| name.into(), |folder| folder.join(name));
        return match MeasuredProfile::open(&file) {
            Ok(Ok(profile)) => Some(Arc::new(profile)),
            Ok(Err(faults)) => {
                resolver.faults.extend(faults);
                None
            }
            Err(error) => {
                let fault = table.fault(error.code(), path, key, error.to_string());
                resolver.faults.push(fault.suggest("measure with `capplan calibrate train --out FILE`"));
                None
            }
        };
    }
    match resolver.catalog.measured_profile(name) {
        Ok(profile) => Some(profile),
        Err(NoProfile::Unknown(unknown)) => {
            resolver.unknown(table, path, key, unknown);
            None
        }
        Err(NoProfile::Damaged { faults, .. }) => {
            resolver.faults.extend(faults);
            None
        }
    }
}
