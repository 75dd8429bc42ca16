//! From which load on one way of serving is cheaper than another: exact, machine by machine.

use super::supply::Supply;

/// Machines added one by one up to this many on each side; loads beyond are not looked at.
const MAX_STEPS: usize = 20_000;

/// Which of two is cheaper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cheaper {
    /// The first.
    First,
    /// The second.
    Second,
    /// Both cost the same.
    Same,
}

impl Cheaper {
    /// Seen from the other side.
    #[must_use]
    pub fn swapped(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
            Self::Same => Self::Same,
        }
    }
}

/// Loads over which one is the cheaper, or both cost the same.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LoadRange {
    /// From just above this rate (the first range: from zero).
    pub from: f64,
    /// Up to this rate.
    pub to: f64,
    /// Which is cheaper within.
    pub cheaper: Cheaper,
}

/// Which of two ways is cheaper over loads from zero up to a limit. One that cannot take a load is dearer than one that
/// can; where neither can, the ranges end. Neighbouring ranges differ.
#[must_use]
pub fn load_ranges(first: &Supply, second: &Supply, up_to: f64) -> Vec<LoadRange> {
    let mut ranges: Vec<LoadRange> = Vec::new();
    let mut push = |from: f64, to: f64, cheaper| match ranges.last_mut() {
        Some(last) if last.cheaper == cheaper => last.to = to,
        _ if to > from => ranges.push(LoadRange { from, to, cheaper }),
        _ => {}
    };
    for (from, to) in intervals(first, second, up_to) {
        // Inside the interval both are lines: no machine is added.
        let inside = from + (to - from) / 2.0;
        match (first.line(inside), second.line(inside)) {
            (None, None) => break,
            (Some(_), None) => push(from, to, Cheaper::First),
            (None, Some(_)) => push(from, to, Cheaper::Second),
            (Some((ours, our_slope)), Some((theirs, their_slope))) => {
                let crossing = (ours - theirs) / (their_slope - our_slope);
                let compare = |rate: f64| {
                    let difference = (ours - theirs) + (our_slope - their_slope) * rate;
                    match difference.total_cmp(&0.0) {
                        _ if difference == 0.0 => Cheaper::Same,
                        std::cmp::Ordering::Less => Cheaper::First,
                        _ => Cheaper::Second,
                    }
                };
                if crossing > from && crossing < to {
                    push(from, crossing, compare(from + (crossing - from) / 2.0));
                    push(crossing, to, compare(crossing + (to - crossing) / 2.0));
                } else {
                    push(from, to, compare(inside));
                }
            }
        }
    }
    ranges
}

/// Loads between which neither adds a machine, as far as both are followed.
fn intervals(first: &Supply, second: &Supply, up_to: f64) -> Vec<(f64, f64)> {
    if !(up_to > 0.0 && up_to.is_finite()) {
        return Vec::new();
    }
    let sides = [first.steps(up_to, MAX_STEPS), second.steps(up_to, MAX_STEPS)];
    let followed = sides
        .iter()
        .filter(|steps| steps.len() == MAX_STEPS)
        .filter_map(|steps| steps.last().copied())
        .fold(up_to, f64::min);
    let mut edges: Vec<f64> = sides.concat();
    edges.push(followed);
    edges.retain(|edge| *edge > 0.0 && *edge <= followed);
    edges.sort_by(f64::total_cmp);
    edges.dedup();
    let starts = std::iter::once(0.0).chain(edges.iter().copied());
    starts.zip(edges.iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::supply::{Machines, PerUse};
    use super::*;
    use crate::units::{Money, PricePerHour, PricePerMillion};
    use proptest::prelude::*;

    fn machines(hour: f64, capacity: f64, least: u64) -> Machines {
        let hourly = PricePerHour(Money::from_usd(hour));
        Machines { hourly, capacity, fixed: PricePerHour::default(), least, most: None }
    }

    fn per_use(price: f64) -> Supply {
        Supply::PerUse(PerUse {
            price: PricePerMillion(Money::from_usd(price)),
            fixed: PricePerHour::default(),
        })
    }

    #[test]
    fn one_large_machine_wins_until_small_ones_fit_better() {
        // 10 USD/h for 10 requests/s against 1.5 USD/h for one: by 1 the small ones win up to 6 machines.
        let large = Supply::Machines(machines(10.0, 10.0, 1));
        let small = Supply::Machines(machines(1.5, 1.0, 1));
        let ranges = load_ranges(&large, &small, 12.5);
        let told: Vec<(f64, f64, Cheaper)> =
            ranges.iter().map(|range| (range.from, range.to, range.cheaper)).collect();
        assert_eq!(
            told,
            [(0.0, 6.0, Cheaper::Second), (6.0, 10.0, Cheaper::First), (10.0, 12.5, Cheaper::Second)]
        );
    }

    #[test]
    fn an_api_is_cheaper_until_the_machine_is_busy_enough() {
        // 3.6 USD/h for 10 requests/s is 100 USD a million when full; the API asks 200.
        let own = Supply::Machines(machines(3.6, 10.0, 1));
        let ranges = load_ranges(&per_use(200.0), &own, 100.0);
        let turn = ranges.iter().find(|range| range.cheaper == Cheaper::Second);
        assert!(turn.is_some_and(|range| (range.from - 5.0).abs() < 1e-9), "{ranges:?}");
        // The second machine makes 10 requests/s as dear as the API's: never dearer again.
        let last = ranges.iter().rfind(|range| range.cheaper == Cheaper::First);
        assert!(last.is_some_and(|range| (range.to - 5.0).abs() < 1e-9), "{ranges:?}");
        // At a quarter of the price no load is enough.
        let never = load_ranges(&per_use(50.0), &own, 1000.0);
        assert!(never.iter().all(|range| range.cheaper != Cheaper::Second), "{never:?}");
    }

    #[test]
    fn what_cannot_be_taken_is_dearer() {
        let few = Supply::Machines(Machines { most: Some(2), ..machines(1.0, 1.0, 1) });
        let dear = Supply::Machines(machines(50.0, 100.0, 1));
        let ranges = load_ranges(&few, &dear, 50.0);
        let told: Vec<(f64, Cheaper)> = ranges.iter().map(|range| (range.to, range.cheaper)).collect();
        assert_eq!(told, [(2.0, Cheaper::First), (50.0, Cheaper::Second)]);
        assert!(load_ranges(&few, &few, 50.0).iter().all(|range| range.to <= 2.0));
    }

    #[test]
    fn strange_figures_end() {
        for capacity in [5e-324, 1e-12, 1e308, f64::NAN, 0.0, -1.0, f64::INFINITY] {
            let strange = Supply::Machines(machines(1.0, capacity, 1));
            for up_to in [0.0, 5e-324, 1.0, 1e308, f64::INFINITY, f64::NAN] {
                let ranges = load_ranges(&strange, &per_use(1.0), up_to);
                assert!(ranges.len() <= 4 * MAX_STEPS);
                assert!(ranges.iter().all(|range| range.from.is_finite() && range.to > range.from));
            }
        }
    }

    fn supply() -> impl Strategy<Value = Supply> {
        let machine = (1u32..2000, 1u32..200, 0u64..4, proptest::option::of(4u64..40)).prop_map(
            |(cents, tenths, least, most)| {
                let one = machines(f64::from(cents) / 100.0, f64::from(tenths) / 10.0, least);
                Supply::Machines(Machines { most, ..one })
            },
        );
        prop_oneof![machine, (1u32..2000).prop_map(|price| per_use(f64::from(price)))]
    }

    proptest! {
        #[test]
        fn break_even_is_symmetric(first in supply(), second in supply()) {
            let there = load_ranges(&first, &second, 50.0);
            let mut back = load_ranges(&second, &first, 50.0);
            for range in &mut back {
                range.cheaper = range.cheaper.swapped();
            }
            prop_assert_eq!(there, back);
        }

        #[test]
        fn ranges_tell_the_truth_everywhere(first in supply(), second in supply(), at in 0.001..49.9f64) {
            let ranges = load_ranges(&first, &second, 50.0);
            let found = ranges.iter().find(|range| at > range.from && at <= range.to).map(|range| range.cheaper);
            // Within a nano-dollar of a tie, and at an edge, either answer will do.
            let near_edge = ranges.iter().any(|range| (at - range.to).abs() < 1e-6 || (at - range.from).abs() < 1e-6);
            match (first.hourly(at), second.hourly(at)) {
                (None, None) => prop_assert_eq!(found, None),
                (Some(_), None) => prop_assert!(found == Some(Cheaper::First) || near_edge),
                (None, Some(_)) => prop_assert!(found == Some(Cheaper::Second) || near_edge),
                (Some(ours), Some(theirs)) if (ours.0.0 - theirs.0.0).abs() > 2 => {
                    let truth = if ours < theirs { Cheaper::First } else { Cheaper::Second };
                    prop_assert!(found == Some(truth) || near_edge, "{found:?} {truth:?} {at}");
                }
                _ => {}
            }
        }

        #[test]
        fn doubled_prices_move_no_break_even(first in (1i64..1_000_000, 1u32..100), second in (1i64..1_000_000, 1u32..100)) {
            let of = |(nano, capacity): (i64, u32), factor: i128| Supply::Machines(Machines {
                hourly: PricePerHour(Money(i128::from(nano) * factor)),
                capacity: f64::from(capacity), fixed: PricePerHour::default(), least: 1, most: None,
            });
            let once = load_ranges(&of(first, 1), &of(second, 1), 300.0);
            prop_assert_eq!(once, load_ranges(&of(first, 2), &of(second, 2), 300.0));
        }
    }
}
