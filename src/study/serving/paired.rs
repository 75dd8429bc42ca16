//! Differences of two serving fleets: replication by replication, since they share arrivals and failures, and with the
//! errors that they share taken out.

use super::super::LEVEL;
use super::super::result::{Difference, Estimate, Row};
use super::capacity::half_width;

/// A figure over replications, and what its mean would be with quick and with slow steps.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Paired {
    pub runs: Vec<f64>,
    pub ends: [f64; 2],
}

impl Paired {
    pub fn mean(&self) -> f64 {
        self.runs.iter().sum::<f64>() / self.runs.len().max(1) as f64
    }

    /// Each value through a function that only grows or only falls.
    pub fn map(&self, of: impl Fn(f64) -> f64) -> Self {
        Self { runs: self.runs.iter().map(|value| of(*value)).collect(), ends: self.ends.map(of) }
    }
}

/// What two fleets are compared by.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Pairs {
    pub time: Option<Paired>,
    pub cost: Option<Paired>,
    pub latency_p99: Option<Paired>,
    /// Dollars by which the price of the machines may be off, and the offers that it is of.
    pub price_side: f64,
    pub offers: String,
}

/// Ours less theirs. The same device errs alike on both sides; other devices err on their own. `more` is the side of
/// what else is not known of the difference.
fn difference(ours: &Paired, theirs: &Paired, same_device: bool, more: f64) -> Option<Estimate> {
    let pairs = ours.runs.iter().zip(&theirs.runs);
    let runs: Vec<f64> = pairs.map(|(ours, theirs)| ours - theirs).collect();
    if runs.is_empty() || runs.iter().chain(&ours.ends).chain(&theirs.ends).any(|value| !value.is_finite()) {
        return None;
    }
    let mean = runs.iter().sum::<f64>() / runs.len() as f64;
    let our_sides = ours.ends.map(|end| end - ours.mean());
    let their_sides = theirs.ends.map(|end| theirs.mean() - end);
    let reach = |sides: [f64; 2], sign: f64| sides.iter().map(|side| sign * side).fold(0.0, f64::max);
    let side = |sign: f64| {
        let steps = if same_device {
            reach([our_sides[0] + their_sides[0], our_sides[1] + their_sides[1]], sign)
        } else {
            libm::hypot(reach(our_sides, sign), reach(their_sides, sign))
        };
        libm::hypot(libm::hypot(steps, half_width(&runs)), more)
    };
    let high = side(1.0);
    Some(Estimate {
        mean,
        lo: mean - side(-1.0),
        hi: mean + high,
        level: LEVEL,
        p50: mean,
        p90: mean + 0.779 * high,
    })
}

/// Difference of two estimates of which nothing is known in common.
fn apart(ours: Option<Estimate>, theirs: Option<Estimate>) -> Option<Estimate> {
    let (ours, theirs) = (ours?, theirs?);
    let mean = ours.mean - theirs.mean;
    Some(Estimate {
        mean,
        lo: mean - libm::hypot(ours.mean - ours.lo, theirs.hi - theirs.mean),
        hi: mean + libm::hypot(ours.hi - ours.mean, theirs.mean - theirs.lo),
        level: LEVEL,
        p50: mean,
        p90: mean + libm::hypot(ours.p90 - ours.mean, theirs.mean - theirs.lo),
    })
}

/// All differences of a fleet to another.
pub(super) fn differences((ours, row): (&Pairs, &Row), (theirs, other): (&Pairs, &Row)) -> Difference {
    let latency =
        |row: &Row| row.serving.as_ref().and_then(|figures| figures.latency_s).and_then(|times| times.p99);
    if row.fleet == other.fleet {
        let none = |known: bool| known.then(|| Estimate::exact(0.0));
        return Difference {
            time_s: none(row.time_s.is_some()),
            cost_usd: none(row.cost_usd.is_some()),
            latency_p99_s: none(latency(row).is_some()),
            carbon_kg: none(row.carbon_kg.is_some()),
        };
    }
    let same_device = row.accelerator == other.accelerator;
    let of = |ours: &Option<Paired>, theirs: &Option<Paired>, more: f64, plain: Option<Estimate>| match (
        ours, theirs,
    ) {
        (Some(ours), Some(theirs)) => difference(ours, theirs, same_device, more),
        _ => plain,
    };
    // One and the same offer is dear or cheap for both.
    let price = if !ours.offers.is_empty() && ours.offers == theirs.offers {
        (ours.price_side - theirs.price_side).abs()
    } else {
        libm::hypot(ours.price_side, theirs.price_side)
    };
    Difference {
        time_s: of(&ours.time, &theirs.time, 0.0, apart(row.time_s, other.time_s)),
        cost_usd: of(&ours.cost, &theirs.cost, price, apart(row.cost_usd, other.cost_usd)),
        latency_p99_s: of(&ours.latency_p99, &theirs.latency_p99, 0.0, apart(latency(row), latency(other))),
        carbon_kg: apart(row.carbon_kg, other.carbon_kg),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paired(runs: &[f64], ends: [f64; 2]) -> Paired {
        Paired { runs: runs.to_vec(), ends }
    }

    #[test]
    fn what_two_fleets_share_leaves_their_difference() {
        // Both are slow in the same replications, and err alike: only two seconds are between them.
        let (ours, theirs) =
            (paired(&[12.0, 15.0, 9.0], [6.0, 24.0]), paired(&[10.0, 13.0, 7.0], [4.0, 22.0]));
        let sharp = difference(&ours, &theirs, true, 0.0);
        assert!(sharp.is_some_and(|found| (found.mean, found.lo, found.hi) == (2.0, 2.0, 2.0)), "{sharp:?}");
        // Other devices err on their own: hypot(6, 12) to each side, as slow as one and as quick as the other may be.
        let wide = difference(&ours, &theirs, false, 0.0);
        let side = libm::hypot(6.0, 12.0);
        assert!(wide.is_some_and(|found| (found.hi - 2.0 - side).abs() < 1e-9), "{wide:?}");
        assert!(wide.is_some_and(|found| (2.0 - found.lo - side).abs() < 1e-9), "{wide:?}");
        // What else is not known widens both.
        assert!(
            difference(&ours, &theirs, true, 3.0).is_some_and(|found| found.lo == -1.0 && found.hi == 5.0)
        );
    }

    #[test]
    fn without_end_there_is_no_difference() {
        let ours = paired(&[f64::INFINITY], [1.0, 1.0]);
        assert_eq!(difference(&ours, &paired(&[1.0], [1.0, 1.0]), true, 0.0), None);
        assert_eq!(difference(&paired(&[], [1.0; 2]), &paired(&[1.0], [1.0; 2]), true, 0.0), None);
    }
}
