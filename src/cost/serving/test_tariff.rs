//! A plain tariff for tests.

use crate::catalog::{Provenance, Purchase};
use crate::cost::{PriceRange, Tariff};
use crate::units::{Money, PricePerHour, Seconds};

/// So many dollars an hour, counted in steps, with a minimum.
pub fn tariff(usd_per_hour: f64, granularity: f64, minimum: f64) -> Tariff {
    let price = PricePerHour(Money::from_usd(usd_per_hour));
    Tariff {
        hourly: PriceRange { low: price, typical: price, high: price },
        list: price,
        discount: 0.0,
        granularity: Seconds(granularity),
        minimum: Seconds(minimum),
        purchase: Purchase::OnDemand,
        provenance: Provenance::Assumed,
        origin: "a test".to_owned(),
        marks: Vec::new(),
        commitment_utilisation: 1.0,
        single_snapshot: false,
    }
}
