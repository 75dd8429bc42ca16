//! Carbon of a serving fleet: its devices at work and waiting, by the law of training ([`super::super::carbon`]).

use crate::scenario::Minimize;

use super::super::LEVEL;
use super::super::carbon::kilograms_per_hour;
use super::super::result::{Estimate, Row};
use super::super::serving_result::ServingFigures;
use super::prepare::Served;
use super::{Asked, bill::Paid};

/// Share of its board power that a device draws with a model loaded and nothing to do: least, usual, most. Measured on
/// H100, A100 and L40S, a context open (arXiv 2605.23918): 52 to 116 W of 400 and 700 W, about 100 of 350 W.
const IDLE: [f64; 3] = [0.12, 0.18, 0.30];

/// Machine-hours of one group, with how far the model's error may move those at work and those paid, as factors.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hours<'a> {
    pub served: &'a Served,
    pub paid: Paid,
    pub busy_ends: [f64; 2],
    pub paid_ends: [f64; 2],
}

/// Kilograms of all groups; `None` when the power of a device or the intensity of a grid is unknown.
pub(super) fn kilograms(asked: &Asked<'_>, groups: &[Hours<'_>]) -> Option<Estimate> {
    let mut total = Estimate::exact(0.0);
    let (mut low, mut high) = (0.0, 0.0);
    for group in groups {
        let candidate = &group.served.candidate;
        let per_hour = kilograms_per_hour(asked.catalog, candidate)? / candidate.count.max(1) as f64;
        let (busy, idle) = (group.paid.busy_hours, group.paid.idle_hours + group.paid.starting_hours);
        let at = |busy: f64, idle: f64, share: f64| per_hour * (busy + idle.max(0.0) * share);
        let mean = at(busy, idle, IDLE[1]);
        let side = |end: usize, share: f64| {
            let moved = busy * group.busy_ends[end];
            let paid = (busy + idle) * group.paid_ends[end];
            libm::hypot(at(moved, paid - moved, IDLE[1]) - mean, at(busy, idle, share) - mean)
        };
        total.mean += mean;
        low = libm::hypot(low, side(0, IDLE[0]));
        high = libm::hypot(high, side(1, IDLE[2]));
    }
    Some(Estimate {
        lo: (total.mean - low).max(0.0),
        hi: total.mean + high,
        level: LEVEL,
        p50: total.mean,
        p90: total.mean + 0.779 * high,
        mean: total.mean,
    })
}

/// Puts the carbon of a row beside its cost; `answers` are those of the same time.
pub(super) fn weigh(
    asked: &Asked<'_>,
    groups: &[Hours<'_>],
    answers: f64,
    row: &mut Row,
    figures: &mut ServingFigures,
) {
    row.carbon_kg = kilograms(asked, groups);
    if row.carbon_kg.is_none() && asked.scenario.objective.minimize == Minimize::Carbon {
        row.warnings.push("power or grid intensity is unknown: not ranked by carbon".to_owned());
    }
    figures.carbon_per_million_predictions_kg =
        row.carbon_kg.filter(|_| answers > 0.0).map(|carbon| carbon.scaled(1e6 / answers));
}

/// The ends of a share as factors on its middle.
pub(super) fn ends(share: Option<Estimate>) -> [f64; 2] {
    share.filter(|share| share.mean > 0.0).map_or([1.0, 1.0], |share| {
        let most = 1.0 / share.mean.max(1e-9);
        [(share.lo / share.mean).max(0.0), (share.hi / share.mean).min(most.max(1.0))]
    })
}
