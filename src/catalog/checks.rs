//! What a price list must satisfy as a whole, and what is marked for the reader.

use std::collections::BTreeMap;

use crate::document::{Code, Diagnostic, Diagnostics, Origin, nearest};

use super::instance::Mark;
use super::load::Catalog;

/// A spot price older than this is marked.
pub const OLD_SPOT_DAYS: i64 = 90;
/// An on-demand price older than this is marked.
pub const OLD_ON_DEMAND_DAYS: i64 = 365;
/// A regional price under this share of the median over regions is marked.
const OUTLIER_SHARE: f64 = 0.75;

/// Every accelerator that an instance or a managed service names must exist.
pub(super) fn references(catalog: &Catalog, faults: &mut Diagnostics) {
    let known = &catalog.accelerators;
    let instances = catalog
        .instances
        .values()
        .map(|instance| (format!("instance {}", instance.id()), instance.accelerator.as_ref()));
    let services = catalog
        .services
        .values()
        .map(|service| (format!("service {}", service.id()), service.accelerator.as_ref()));
    for (key, name) in instances.chain(services) {
        if let Some(name) = name.filter(|name| !known.contains_key(*name)) {
            faults.push(unknown(&catalog.places, key, "accelerator", name, known.keys()));
        }
    }
}

/// A fault at the entry that names what is not there.
pub(super) fn unknown<'a>(
    places: &BTreeMap<String, Origin>,
    key: String,
    what: &str,
    name: &str,
    known: impl Iterator<Item = &'a String>,
) -> Diagnostic {
    let place = places.get(&key);
    let mut fault = Diagnostic::new(Code::UnknownName, key, format!("unknown {what} `{name}`"));
    fault.suggestion = nearest(name, known.map(String::as_str)).map(|near| format!("did you mean `{near}`?"));
    match place {
        Some(origin) => fault.at(origin),
        None => fault,
    }
}

/// Marks old prices (against the newest day of the catalog, so that the same files give the same marks) and regional outliers.
pub(super) fn mark(catalog: &mut Catalog) {
    let Some(today) = catalog.date() else { return };
    for instance in catalog.instances.values_mut() {
        let median = median(
            instance.offers.iter().filter_map(|offer| offer.on_demand.map(|price| price.usd_per_hour())),
        );
        for offer in &mut instance.offers {
            let old =
                |day: Option<crate::units::Date>, limit| day.is_some_and(|day| today.days_since(day) > limit);
            offer.marks.clear();
            if offer.on_demand.is_some() && old(offer.fact.as_of, OLD_ON_DEMAND_DAYS) {
                offer.marks.push(Mark::OldOnDemand);
            }
            if offer.spot.is_some_and(|spot| old(spot.as_of, OLD_SPOT_DAYS)) {
                offer.marks.push(Mark::OldSpot);
            }
            let outlier = offer
                .on_demand
                .zip(median)
                .is_some_and(|(price, median)| price.usd_per_hour() < OUTLIER_SHARE * median);
            if outlier {
                offer.marks.push(Mark::RegionalOutlier);
            }
        }
    }
}

fn median(prices: impl Iterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = prices.collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().filter(|_| sorted.len() >= 3)
}
