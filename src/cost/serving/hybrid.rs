//! A share precomputed, the rest online: what each split costs an hour, and which is the cheapest.

use super::{BatchJob, Popularity, Supply};
use crate::units::{Bytes, Money, PricePerByteMonth, PricePerHour, PricePerMillion, Seconds};

/// Splits looked at between none and all.
const GRID: u32 = 200;
/// Splits looked at at most, as where the online part needs one machine less.
const MAX_STEPS: u32 = 2000;
/// Golden-section steps: the bracket shrinks to a millionth of itself.
const GOLDEN_STEPS: u32 = 30;

/// Where precomputed answers lie.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Store {
    /// Size of one answer.
    pub bytes_per_item: Bytes,
    /// Price of keeping answers.
    pub price: PricePerByteMonth,
    /// Price of a million look-ups; every request looks first.
    pub lookup: PricePerMillion,
    /// Price of writing a million answers.
    pub write: PricePerMillion,
}

/// A service that answers what it can from a store filled by a job that recurs, and the rest online.
#[derive(Clone, Copy, Debug)]
pub struct Hybrid<'a> {
    /// Requests per second.
    pub rate: f64,
    /// How unevenly things are asked for.
    pub popularity: Popularity,
    /// How the rest is answered.
    pub online: Supply,
    /// The job that fills the store with the most wanted things.
    pub batch: BatchJob<'a>,
    /// The job recurs after this time; it also is the latest deadline of the job.
    pub freshness: Seconds,
    /// The store.
    pub store: Store,
    /// What a million stored answers lose for each hour of their age; the user's own figure.
    pub stale_per_hour: PricePerMillion,
}

/// One split and its hourly costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Split {
    /// Share of requests answered from the store.
    pub share: f64,
    /// Things precomputed.
    pub items: f64,
    /// Machines of the job.
    pub batch_machines: u64,
    /// Machines online; `None` when they are paid by the request.
    pub online_machines: Option<u64>,
    /// Mean age of a stored answer.
    pub age: Seconds,
    /// The job.
    pub batch: PricePerHour,
    /// The rest.
    pub online: PricePerHour,
    /// Keeping and writing answers.
    pub storage: PricePerHour,
    /// Look-ups.
    pub lookups: PricePerHour,
    /// What old answers lose.
    pub stale: PricePerHour,
}

impl Split {
    /// All of it.
    #[must_use]
    pub fn total(&self) -> PricePerHour {
        self.batch + self.online + self.storage + self.lookups + self.stale
    }
}

impl Hybrid<'_> {
    /// The split that answers a share of requests from the store; `None` when the job or the machines cannot do it.
    #[must_use]
    pub fn at(&self, share: f64) -> Option<Split> {
        let share = if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) };
        let rest = (1.0 - share) * self.rate;
        let online = self.online.hourly(rest)?;
        let online_machines = match &self.online {
            Supply::Machines(machines) => machines.count(rest),
            Supply::PerUse(_) => None,
        };
        let none = PricePerHour::default();
        let items = self.popularity.items_for(share).ceil();
        let mut split = Split {
            share,
            items,
            batch_machines: 0,
            online_machines,
            age: Seconds::ZERO,
            batch: none,
            online,
            storage: none,
            lookups: none,
            stale: none,
        };
        if items <= 0.0 {
            return Some(split);
        }
        let latest = self.batch.deadline.map_or(self.freshness, |deadline| {
            if deadline.0 < self.freshness.0 { deadline } else { self.freshness }
        });
        let plan = BatchJob { deadline: Some(latest), ..self.batch }.cheapest(items).ok()?;
        let runs_per_hour = 3600.0 / self.freshness.0;
        let held = Bytes(items * self.store.bytes_per_item.0);
        split.batch_machines = plan.machines;
        split.batch = PricePerHour(plan.cost.scaled(runs_per_hour));
        split.storage = PricePerHour(
            self.store.price.for_time(held, Seconds(3600.0))
                + self.store.write.for_count(items * runs_per_hour),
        );
        split.lookups = PricePerHour(self.store.lookup.for_count(3600.0 * self.rate));
        // An answer knows what was known when its job began, and lies there until the next one is done.
        split.age = Seconds(plan.time.0 + self.freshness.0 / 2.0);
        split.stale =
            PricePerHour(self.stale_per_hour.for_count(3600.0 * self.rate * share * split.age.0 / 3600.0));
        Some(split)
    }

    /// Splits from none to all in equal steps, 2000 at most; those that cannot be done are left out.
    #[must_use]
    pub fn curve(&self, steps: u32) -> Vec<Split> {
        let steps = steps.clamp(1, MAX_STEPS);
        (0..=steps).filter_map(|step| self.at(f64::from(step) / f64::from(steps))).collect()
    }

    /// The cheapest split; of equal ones the one with least precomputed. Exact for whole machines: all but the online part
    /// only grows with the share, so the cheapest lies where the online part needs one machine less. By the request it
    /// is the best of a grid, refined around its best point.
    #[must_use]
    pub fn cheapest(&self) -> Option<Split> {
        let mut splits = self.curve(GRID);
        if let Supply::Machines(machines) = &self.online {
            let needed = (self.rate / machines.capacity).ceil();
            let steps = if needed.is_finite() { needed.clamp(0.0, f64::from(MAX_STEPS)) as u32 } else { 0 };
            splits.extend((0..=steps).filter_map(|count| {
                let share = 1.0 - f64::from(count) * machines.capacity / self.rate;
                (0.0..=1.0).contains(&share).then(|| self.at(share)).flatten()
            }));
        }
        let best = cheapest_of(splits)?;
        match self.online {
            Supply::Machines(_) => Some(best),
            Supply::PerUse(_) => cheapest_of([Some(best), self.refined(best.share)].into_iter().flatten()),
        }
    }

    /// Golden section between the neighbours of a grid point.
    fn refined(&self, near: f64) -> Option<Split> {
        let golden = (5f64.sqrt() - 1.0) / 2.0;
        let width = 1.0 / f64::from(GRID);
        let (mut low, mut high) = ((near - width).max(0.0), (near + width).min(1.0));
        let cost = |share: f64| self.at(share).map_or(Money(i128::MAX), |split| split.total().0);
        for _ in 0..GOLDEN_STEPS {
            let (left, right) = (high - golden * (high - low), low + golden * (high - low));
            if cost(left) <= cost(right) { high = right } else { low = left }
        }
        self.at(low + (high - low) / 2.0)
    }
}

fn cheapest_of(splits: impl IntoIterator<Item = Split>) -> Option<Split> {
    splits
        .into_iter()
        .min_by(|left, right| left.total().cmp(&right.total()).then(left.share.total_cmp(&right.share)))
}

#[cfg(test)]
mod tests {
    use super::super::test_tariff::tariff;
    use super::super::{Machines, PerUse};
    use super::*;
    use crate::cost::Tariff;
    use proptest::prelude::*;

    fn usd(hour: f64) -> PricePerHour {
        PricePerHour(Money::from_usd(hour))
    }

    fn million(price: f64) -> PricePerMillion {
        PricePerMillion(Money::from_usd(price))
    }

    fn machines(hour: f64, capacity: f64) -> Supply {
        Supply::Machines(Machines { hourly: usd(hour), capacity, fixed: usd(0.0), least: 0, most: None })
    }

    /// A recommender: a million users, 2000 requests/s, a machine of 1 USD/h for 100 requests/s online or 5000 in batches.
    fn recommender(tariff: &Tariff, skew: f64) -> Hybrid<'_> {
        let (start, most) = (Seconds(300.0), 10_000);
        Hybrid {
            rate: 2000.0,
            popularity: Popularity::new(1e6, skew),
            online: machines(1.0, 100.0),
            batch: BatchJob { tariff, rate: 1000.0, start, deadline: None, most, once: Money::ZERO },
            freshness: Seconds(86_400.0),
            store: Store {
                bytes_per_item: Bytes(2000.0),
                price: PricePerByteMonth(Money::from_usd(0.2)),
                lookup: million(0.05),
                write: million(1.0),
            },
            stale_per_hour: million(0.0),
        }
    }

    #[test]
    fn nothing_precomputed_is_all_online() {
        let tariff = tariff(1.0, 1.0, 60.0);
        let split = recommender(&tariff, 1.0).at(0.0);
        assert_eq!(
            split.map(|split| (split.total(), split.online_machines, split.items)),
            Some((usd(20.0), Some(20), 0.0))
        );
    }

    #[test]
    fn cheap_batches_take_all_and_a_price_on_age_takes_less() {
        let tariff = tariff(1.0, 1.0, 60.0);
        let hybrid = recommender(&tariff, 1.0);
        // Scoring all users nightly takes 1000 s of one machine, about 0.4 USD a day; the look-ups are 0.36 USD an hour.
        let best = hybrid.cheapest();
        assert!(best.is_some_and(|best| best.share == 1.0 && best.total() < usd(1.0)), "{best:?}");
        // Answers lose more by age than online ones cost: none is precomputed.
        let aged = Hybrid { stale_per_hour: million(1.0), ..hybrid };
        assert_eq!(aged.cheapest().map(|best| best.share), Some(0.0));
    }

    #[test]
    fn the_tail_is_served_online_where_it_is_long() {
        // A hundred times as many users: the last of them are asked for too rarely.
        let tariff = tariff(1.0, 1.0, 60.0);
        let mut hybrid = recommender(&tariff, 1.0);
        hybrid.popularity = Popularity::new(500e6, 1.0);
        let best = hybrid.cheapest();
        assert!(best.is_some_and(|best| best.share > 0.5 && best.share < 1.0), "{best:?}");
        let ends = [hybrid.at(0.0), hybrid.at(1.0)].map(|end| end.map(|end| end.total()));
        assert!(ends.iter().all(|end| *end > best.map(|best| best.total())), "{ends:?}");
    }

    #[test]
    fn strange_figures_end() {
        let tariff = tariff(1.0, 1.0, 60.0);
        for rate in [0.0, 5e-324, 1e308, f64::NAN, f64::INFINITY, -1.0] {
            for freshness in [0.0, 5e-324, 1e308] {
                let hybrid = Hybrid { rate, freshness: Seconds(freshness), ..recommender(&tariff, 0.8) };
                let _ = hybrid.cheapest();
                assert!(hybrid.curve(u32::MAX).len() <= 2001);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn no_split_is_cheaper_than_the_cheapest(skew in 0.0..1.5f64, rate in 10.0..5000.0f64, users in 1e4..1e9f64, share in 0.0..1.0f64, by_request in any::<bool>()) {
            let tariff = tariff(1.0, 1.0, 60.0);
            let mut hybrid = Hybrid { rate, popularity: Popularity::new(users, skew), ..recommender(&tariff, skew) };
            if by_request {
                hybrid.online = Supply::PerUse(PerUse { price: million(3.0), fixed: usd(0.0) });
            }
            let (Some(best), Some(other)) = (hybrid.cheapest(), hybrid.at(share)) else { return Err(TestCaseError::fail("none")) };
            // By the request, between points of the grid, billing steps may hide a little.
            let slack = if by_request { 1e-3 } else { 1e-9 };
            prop_assert!(best.total().usd_per_hour() <= other.total().usd_per_hour() * (1.0 + slack), "{best:?} {other:?}");
        }

        #[test]
        fn doubled_prices_double_every_split(share in 0.0..1.0f64, stale in 0.0..2.0f64) {
            let of = |factor: f64| {
                let tariff = tariff(factor, 1.0, 60.0);
                let one = recommender(&tariff, 0.9);
                let store = Store {
                    price: one.store.price.scaled(factor), lookup: one.store.lookup.scaled(factor),
                    write: one.store.write.scaled(factor), ..one.store
                };
                let doubled = Hybrid { store, online: machines(factor, 100.0), stale_per_hour: million(factor * stale), ..one };
                doubled.at(share).map(|split| split.total().usd_per_hour()).unwrap_or_default()
            };
            prop_assert!((of(2.0) / of(1.0) - 2.0).abs() < 1e-6);
        }

        #[test]
        fn more_uneven_demand_is_never_dearer(skew in 0.0..1.4f64, more in 0.0..0.5f64) {
            let tariff = tariff(1.0, 1.0, 60.0);
            let cost = |skew: f64| {
                let mut hybrid = recommender(&tariff, skew);
                hybrid.popularity = Popularity::new(200e6, skew);
                hybrid.cheapest().map(|best| best.total().usd_per_hour()).unwrap_or_default()
            };
            prop_assert!(cost(skew + more) <= cost(skew) * (1.0 + 1e-9));
        }
    }
}
