//! How many machines: those of the scenario, or the fewest whose capacity covers the demand with the wanted confidence.

use crate::stats::{normal_cdf, normal_quantile};
use crate::workload::arrivals::ArrivalSpec;

use super::super::result::Probability;
use super::Z_END;
use super::capacity::{Capacity, capacity};
use super::trial::{MIDDLE, QUICK, SLOW, Trial};

/// Fleets of more units are simulated as so many of them, with their share of the load.
pub(super) const MOST_UNITS: u32 = 48;
/// No fleet is sized beyond this.
const MOST_MACHINES: f64 = 1e6;
/// Corrections of a size before it is taken as it is.
const CORRECTIONS: usize = 4;

/// Units as they are, and as they are simulated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Size {
    /// Units of the fleet.
    pub units: u64,
    /// Of them simulated.
    pub simulated: u32,
}

impl Size {
    pub fn of(units: u64) -> Self {
        let units = units.max(1);
        Self { units, simulated: u32::try_from(units).unwrap_or(u32::MAX).min(MOST_UNITS) }
    }

    /// Simulated figures times this are the fleet's.
    pub fn scale(&self) -> f64 {
        self.units as f64 / f64::from(self.simulated)
    }
}

/// Capacity of a fleet of that size.
pub(super) fn capacity_of(trial: &Trial<'_>, size: Size, shape: &ArrivalSpec, unit: f64) -> Capacity {
    let found = capacity(&Trial { units: size.simulated, ..*trial }, shape, unit);
    let scale = size.scale();
    Capacity {
        rates: found.rates.map(|rate| rate * scale),
        half: found.half * scale,
        sustained: found.sustained.map(|rate| rate * scale),
        sustained_half: found.sustained_half * scale,
    }
}

/// The rate that the fleet can take with that confidence: between the middle and the ends the logarithm is normal.
pub(super) fn rate_with(found: &Capacity, confidence: f64) -> f64 {
    let z = normal_quantile(confidence);
    let middle = found.rates[MIDDLE];
    let end = if z > 0.0 { found.rates[SLOW] } else { found.rates[QUICK] };
    if middle <= 0.0 || end <= 0.0 {
        return if z > 0.0 { end.min(middle) } else { middle };
    }
    middle * libm::pow(end / middle, (z / Z_END).abs())
}

/// Probability that the capacity covers a demand.
pub(super) fn covers(found: &Capacity, demand: f64) -> Probability {
    let probability_at = |middle: f64| {
        if middle <= 0.0 {
            return 0.0;
        }
        let (quick, slow) = (found.rates[QUICK].max(middle), found.rates[SLOW].min(middle));
        let wanted = libm::log(demand / middle);
        let end = if wanted > 0.0 { libm::log(quick / middle) } else { libm::log(slow.max(1e-12) / middle) };
        // No error at all: the capacity is known.
        if end.abs() < 1e-9 {
            return if wanted <= 0.0 { 1.0 } else { 0.0 };
        }
        normal_cdf(-Z_END * wanted / end.abs())
    };
    let middle = found.rates[MIDDLE];
    Probability {
        probability: probability_at(middle),
        lo: probability_at((middle - found.half).max(0.0)),
        hi: probability_at(middle + found.half),
    }
}

/// The fewest units that cover the demand with confidence, and their capacity; one unit where none ever does.
pub(super) fn fewest(
    trial: &Trial<'_>,
    demand: f64,
    confidence: f64,
    shape: &ArrivalSpec,
    unit: f64,
) -> (Size, Capacity) {
    let one = capacity_of(trial, Size::of(1), shape, unit);
    let rate = rate_with(&one, confidence);
    if rate <= 0.0 {
        return (Size::of(1), one);
    }
    let enough = |found: &Capacity| rate_with(found, confidence) >= demand;
    let mut best: Option<(Size, Capacity)> = enough(&one).then(|| (Size::of(1), one.clone()));
    let mut failed = if best.is_some() { 0 } else { 1 };
    let mut next = (demand / rate).ceil().min(MOST_MACHINES) as u64;
    for _ in 0..CORRECTIONS {
        let least = best.as_ref().map_or(u64::MAX, |(size, _)| size.units);
        next = next.clamp(failed + 1, least.saturating_sub(1).max(failed + 1));
        if failed + 1 >= least {
            break;
        }
        let size = Size::of(next);
        let found = capacity_of(trial, size, shape, unit);
        let per_unit = rate_with(&found, confidence) / size.units as f64;
        if enough(&found) {
            best = Some((size, found));
        } else {
            failed = size.units;
        }
        next = if per_unit > 0.0 { (demand / per_unit).ceil().min(MOST_MACHINES) as u64 } else { next * 2 };
    }
    best.unwrap_or_else(|| {
        let size = Size::of(next.max(failed + 1));
        let found = capacity_of(trial, size, shape, unit);
        (size, found)
    })
}
