//! Energy and carbon of a run: power × time × PUE × intensity of the grid.

use crate::catalog::Catalog;
use crate::fleet::Candidate;
use crate::units::Seconds;

/// Power usage effectiveness where the region's is unknown (the large clouds report 1.10 to 1.14).
const DEFAULT_PUE: f64 = 1.1;

/// Kilograms of CO₂ equivalent per hour of the devices of the whole fleet at work; `None` when a figure is missing.
pub(super) fn kilograms_per_hour(catalog: &Catalog, candidate: &Candidate) -> Option<f64> {
    let power = candidate.accelerator.as_ref()?.power?;
    let region = catalog.carbon_region(&candidate.instance.provider, &candidate.region)?;
    let kilowatts = power.0 * candidate.devices() as f64 / 1000.0;
    Some(kilowatts * region.pue.unwrap_or(DEFAULT_PUE) * region.grams_per_kwh / 1000.0)
}

/// Carbon of a billed time.
pub(super) fn of_time(per_hour: f64, time: Seconds) -> f64 {
    per_hour * time.hours()
}
