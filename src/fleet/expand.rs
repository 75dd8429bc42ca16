//! Sweeps to single candidates: instance × count × region × term.

use thiserror::Error;

use crate::catalog::{Instance, Purchase};

use super::{Candidate, FleetSpec, HostingKind, Placement};

/// More candidates than this are refused.
pub const MAX_CANDIDATES: usize = 1000;

/// The sweep is too wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the fleets spread into {found} candidates; at most {MAX_CANDIDATES} are allowed")]
pub struct TooMany {
    /// How many there would be.
    pub found: usize,
}

/// Spreads every fleet, in order.
///
/// # Errors
/// When there would be more than [`MAX_CANDIDATES`].
pub fn expand(specs: &[FleetSpec]) -> Result<Vec<Candidate>, TooMany> {
    let size = |spec: &FleetSpec| {
        let lists = [
            spec.counts.0.len(),
            spec.regions.len().max(1),
            spec.purchases.len().max(1),
            spec.hostings.len().max(1),
            spec.placements.len().max(1),
        ];
        lists.into_iter().fold(1, usize::saturating_mul)
    };
    let found = specs.iter().map(size).fold(0usize, usize::saturating_add);
    if found > MAX_CANDIDATES {
        return Err(TooMany { found });
    }
    Ok(specs.iter().flat_map(candidates).collect())
}

fn candidates(spec: &FleetSpec) -> Vec<Candidate> {
    let hostings = match spec.hostings.as_slice() {
        [] => vec![None],
        kinds => kinds.iter().copied().map(Some).collect(),
    };
    let placements = match spec.placements.as_slice() {
        [] => vec![Placement::default()],
        placements => placements.to_vec(),
    };
    let mut found = Vec::new();
    for &purchase in &spec.purchases {
        let regions = match spec.regions.as_slice() {
            [] => vec![cheapest_region(&spec.instance, purchase)],
            regions => regions.to_vec(),
        };
        for region in regions {
            for &count in &spec.counts.0 {
                for &hosting in &hostings {
                    for &placement in &placements {
                        let terms = (region.as_str(), purchase, hosting, placement);
                        found.push(candidate(spec, count, terms));
                    }
                }
            }
        }
    }
    found
}

type Terms<'a> = (&'a str, Purchase, Option<HostingKind>, Placement);

fn candidate(spec: &FleetSpec, count: u64, terms: Terms<'_>) -> Candidate {
    let (region, purchase, hosting, placement) = terms;
    Candidate {
        name: name(spec, count, terms),
        instance: spec.instance.clone(),
        accelerator: spec.accelerator.clone(),
        count,
        region: region.to_owned(),
        purchase,
        layout: spec.layout,
        replicas: spec.replicas,
        hosting,
        placement,
        owned_price: spec.owned_price,
        role: spec.role,
        others: spec.others.iter().flat_map(candidates).collect(),
    }
}

/// The fleet's name, with what varies in the sweep.
fn name(spec: &FleetSpec, count: u64, (region, purchase, hosting, placement): Terms<'_>) -> String {
    let mut name = spec.name.clone();
    if spec.counts.0.len() > 1 {
        name.push_str(&format!(" x{count}"));
    }
    let mut add = |varies: bool, word: &str| {
        if varies {
            name.push(' ');
            name.push_str(word);
        }
    };
    add(spec.regions.len() > 1, region);
    add(spec.purchases.len() > 1, purchase.word());
    add(spec.hostings.len() > 1, hosting.map_or("", HostingKind::word));
    add(spec.placements.len() > 1, placement.word());
    name
}

/// The region with the least price on these terms; `any` where none has a price.
fn cheapest_region(instance: &Instance, purchase: Purchase) -> String {
    instance
        .offers
        .iter()
        .filter_map(|offer| {
            let price = match purchase {
                Purchase::Spot => offer.spot.map(|spot| spot.typical),
                _ => offer.on_demand,
            };
            price.map(|price| (price, &offer.region))
        })
        .min()
        .map_or_else(|| "any".to_owned(), |(_, region)| region.clone())
}
