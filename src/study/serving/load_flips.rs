//! Loads at which fleets change places: machines are bought whole, so each load is weighed anew.

use crate::cost::serving::{Cheaper, LoadRange, Machines, PerUse, Supply, load_ranges};
use crate::units::{Money, PricePerHour, PricePerMillion, Significant};

use super::super::result::Flip;
use super::online::ServingOutcome;

/// Loads looked at for a crossing, as factors on the demand.
const FURTHEST: f64 = 100.0;

/// Machines of a fleet as the load asks for them, each with the capacity that it has in the fleet at hand.
fn machines((capacity, hourly): (f64, f64)) -> Supply {
    let hourly = PricePerHour(Money::from_usd(hourly));
    Supply::Machines(Machines { hourly, capacity, fixed: PricePerHour(Money::ZERO), least: 1, most: None })
}

fn demand_of(outcome: &ServingOutcome) -> Option<f64> {
    let figures = outcome.row.serving.as_ref()?;
    figures.demand_requests_per_s.filter(|demand| *demand > 0.0)
}

/// A range in words; one that reaches the end of what was looked at has no upper end.
fn words(range: &LoadRange, end: f64) -> (f64, String) {
    let (from, to) = (Significant(range.from, 3), Significant(range.to, 3));
    if range.from <= 0.0 {
        (range.to, format!("under {to} requests/s"))
    } else if range.to >= end {
        (range.from, format!("over {from} requests/s"))
    } else {
        (range.from, format!("from {from} to {to} requests/s"))
    }
}

/// Ranges of loads, the nearest to the demand on each side, in which another fleet is the cheaper one.
pub(super) fn loads(winner: &ServingOutcome, other: &ServingOutcome) -> Vec<Flip> {
    let (Some(ours), Some(theirs), Some(demand)) = (winner.unit, other.unit, demand_of(winner)) else {
        return Vec::new();
    };
    let ranges = load_ranges(&machines(ours), &machines(theirs), FURTHEST * demand);
    let end = ranges.last().map_or(0.0, |range| range.to);
    let second = || ranges.iter().filter(|range| range.cheaper == Cheaper::Second);
    if second().any(|range| range.from < demand && demand <= range.to) {
        return Vec::new();
    }
    let under = second().rfind(|range| range.to < demand);
    let over = second().find(|range| range.from >= demand);
    let name = &other.row.fleet;
    let flip = |range: &LoadRange| {
        let (value, place) = words(range, end);
        Flip {
            fleet: name.clone(),
            kind: "load".to_owned(),
            value,
            unit: "requests/s".to_owned(),
            sentence: format!(
                "{name} is the cheaper one {place}, each with as many whole machines as it needs"
            ),
        }
    };
    under.into_iter().chain(over).map(flip).collect()
}

/// The load under which a hosted model is cheaper than the winner with as few machines as that load needs; of a fleet
/// that does not shrink, as it stands.
pub(super) fn hosted(winner: &ServingOutcome) -> Option<Flip> {
    let api = winner.row.serving.as_ref()?.api.as_ref()?;
    let per_million = api.api_usd_per_million_requests;
    let per_use = |price: f64| {
        Supply::PerUse(PerUse {
            price: PricePerMillion(Money::from_usd(price)),
            fixed: PricePerHour(Money::ZERO),
        })
    };
    let shrinking = || {
        let demand = demand_of(winner)?;
        let priced = per_million.is_finite() && (0.0..1e12).contains(&per_million);
        let ours = winner.unit.filter(|_| priced && winner.shrinks)?;
        let ranges = load_ranges(&machines(ours), &per_use(per_million), FURTHEST * demand);
        let first = ranges.first().filter(|range| range.cheaper == Cheaper::Second)?;
        let always = ranges.len() == 1;
        Some((first.to, always))
    };
    let (load, sentence) = match shrinking() {
        Some((load, true)) => (load, format!("{} is cheaper at any load looked at", api.name)),
        Some((load, false)) => (
            load,
            format!(
                "{} is cheaper under {} requests/s, however few machines are kept",
                api.name,
                Significant(load, 3)
            ),
        ),
        None => (api.break_even_requests_per_s, as_it_stands(winner)?),
    };
    Some(Flip {
        fleet: winner.row.fleet.clone(),
        kind: "api".to_owned(),
        value: load,
        unit: "requests/s".to_owned(),
        sentence,
    })
}

fn as_it_stands(winner: &ServingOutcome) -> Option<String> {
    let api = winner.row.serving.as_ref()?.api.as_ref()?;
    let rate = Significant(api.break_even_requests_per_s, 3);
    Some(if api.within_capacity {
        format!("{} is cheaper under {rate} requests/s", api.name)
    } else {
        format!(
            "{} is cheaper at any load that this fleet can take: it would have to serve {rate} requests/s",
            api.name
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_machines_change_places_more_than_once() {
        // One of 10 requests/s for 1 USD against one of 25 for 2.2: the large one is cheaper from 20 to 25, and not again
        // up to 30.
        let ranges = load_ranges(&machines((10.0, 1.0)), &machines((25.0, 2.2)), 30.0);
        let told: Vec<(f64, f64, Cheaper)> =
            ranges.iter().map(|range| (range.from, range.to, range.cheaper)).collect();
        let expected =
            [(0.0, 20.0, Cheaper::First), (20.0, 25.0, Cheaper::Second), (25.0, 30.0, Cheaper::First)];
        assert_eq!(told, expected);
        assert_eq!(words(&ranges[1], 30.0).1, "from 20 to 25 requests/s");
        assert_eq!(words(&ranges[0], 30.0).1, "under 20 requests/s");
        assert_eq!(words(&ranges[2], 30.0).1, "over 25 requests/s");
    }
}
