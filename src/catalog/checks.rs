//! What a price list must satisfy as a whole, and what is marked for the reader.

use crate::document::{Code, Diagnostic, Diagnostics, nearest};

use super::instance::Mark;
use super::load::Catalog;

/// A spot price older than this is marked.
pub const OLD_SPOT_DAYS: i64 = 90;
/// An on-demand price older than this is marked.
pub const OLD_ON_DEMAND_DAYS: i64 = 365;
/// A regional price under this share of the median over regions is marked.
const OUTLIER_SHARE: f64 = 0.75;

/// Every accelerator that an instance names must exist.
pub(super) fn references(catalog: &Catalog, faults: &mut Diagnostics) {
    for instance in catalog.instances.values() {
        let Some(name) = &instance.accelerator else { continue };
        if !catalog.accelerators.contains_key(name) {
            let mut fault = Diagnostic::new(
                Code::UnknownName,
                format!("instance {}", instance.id()),
                format!("unknown accelerator `{name}`"),
            );
            fault.suggestion = nearest(name, catalog.accelerators.keys().map(String::as_str))
                .map(|near| format!("did you mean `{near}`?"));
            faults.push(fault);
        }
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
