//! So many items by a deadline: how many machines, for how long, at what cost with all that billing adds.

use thiserror::Error;

use super::super::{Ledger, Meters, Tariff};
use crate::units::{Money, Seconds};

/// Beyond the fewest machines that keep the deadline, this many more are weighed.
const MORE_MACHINES: u64 = 4096;

/// A job on like machines that start together and share the items evenly.
#[derive(Clone, Copy, Debug)]
pub struct BatchJob<'a> {
    /// Price of a machine and how its time is counted.
    pub tariff: &'a Tariff,
    /// Items per second of one machine; above zero.
    pub rate: f64,
    /// From asking for a machine to its first item: boot, image, weights.
    pub start: Seconds,
    /// From asking for the machines to the last result; `None` for no hurry.
    pub deadline: Option<Seconds>,
    /// Most machines.
    pub most: u64,
    /// Price of a run beside the machines.
    pub once: Money,
}

/// Machines, time and cost of a job.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchPlan {
    /// Machines.
    pub machines: u64,
    /// Items of the machine that has most.
    pub items_per_machine: f64,
    /// From asking for the machines to the last result.
    pub time: Seconds,
    /// Time billed for each machine.
    pub billed: Seconds,
    /// Bill of the machines.
    pub ledger: Ledger,
    /// The bill and the price of the run.
    pub cost: Money,
}

/// Why the job cannot be done.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum NoPlan {
    /// A machine does nothing.
    #[error("a machine's rate of {0} items/s does nothing")]
    NoRate(f64),
    /// Not even the start fits.
    #[error("machines take {} s to start, as long as the whole time of {} s", start.0, deadline.0)]
    StartTooLong {
        /// Start.
        start: Seconds,
        /// Deadline.
        deadline: Seconds,
    },
    /// More machines than there are.
    #[error("{needed} machines keep the deadline, {most} are allowed")]
    TooManyMachines {
        /// Needed.
        needed: f64,
        /// Allowed.
        most: u64,
    },
}

impl BatchJob<'_> {
    /// The fewest machines that keep the deadline.
    ///
    /// # Errors
    /// When no number of machines does.
    pub fn least_machines(&self, items: f64) -> Result<u64, NoPlan> {
        if !(self.rate > 0.0 && self.rate.is_finite()) {
            return Err(NoPlan::NoRate(self.rate));
        }
        let Some(deadline) = self.deadline else { return Ok(1) };
        // Whole items: a machine that has time for half an item does not do it.
        let each = ((deadline.0 - self.start.0) * self.rate * (1.0 + 1e-12)).floor();
        if each.is_nan() || each < 1.0 {
            return Err(NoPlan::StartTooLong { start: self.start, deadline });
        }
        let needed = (whole(items) / each).ceil().max(1.0);
        if needed > self.most as f64 {
            return Err(NoPlan::TooManyMachines { needed, most: self.most });
        }
        Ok(needed as u64)
    }

    /// The job on that many machines, whatever the deadline.
    #[must_use]
    pub fn on(&self, items: f64, machines: u64) -> BatchPlan {
        let machines = machines.max(1);
        let (count, items) = (machines as f64, whole(items));
        let each = (items / count).ceil();
        let time = self.time(each);
        let billed = self.tariff.billed(time);
        let meters = Meters {
            busy: Seconds(items / self.rate),
            idle: Seconds((each * count - items).max(0.0) / self.rate),
            boot: Seconds(self.start.0 * count),
            rounding: Seconds((billed.0 - time.0).max(0.0) * count),
            ..Meters::default()
        };
        let ledger = Ledger::of(&meters, self.tariff.hourly.typical, self.tariff, None);
        let cost = ledger.total() + self.once;
        BatchPlan { machines, items_per_machine: each, time, billed, ledger, cost }
    }

    /// The cheapest job that keeps the deadline. That is the one on the fewest machines, unless billing counts in long
    /// steps: then a few more may each stay within one step less.
    ///
    /// # Errors
    /// When no number of machines keeps the deadline.
    pub fn cheapest(&self, items: f64) -> Result<BatchPlan, NoPlan> {
        let least = self.least_machines(items)?;
        let (work, step) = (whole(items) / self.rate, self.tariff.minimum.0.max(self.tariff.granularity.0));
        let billed = |machines: u64| {
            let each = (whole(items) / machines as f64).ceil();
            self.tariff.billed(self.time(each)).0 * machines as f64
        };
        let mut best = (least, billed(least));
        for machines in least + 1..=self.most.min(least.saturating_add(MORE_MACHINES)) {
            // No bill is below the time that is used, nor below one step for each machine.
            let count = machines as f64;
            if (work + count * self.start.0).max(count * step) >= best.1 {
                break;
            }
            let time = billed(machines);
            if time < best.1 {
                best = (machines, time);
            }
        }
        Ok(self.on(items, best.0))
    }

    fn time(&self, items: f64) -> Seconds {
        Seconds(self.start.0 + items / self.rate)
    }
}

/// Whole items, none below zero.
fn whole(items: f64) -> f64 {
    items.max(0.0).ceil()
}

#[cfg(test)]
mod tests {
    use super::super::test_tariff::tariff;
    use super::*;
    use crate::cost::Item;
    use proptest::prelude::*;

    fn job(tariff: &Tariff) -> BatchJob<'_> {
        let deadline = Some(Seconds(5.0 * 3600.0));
        BatchJob { tariff, rate: 2000.0, start: Seconds(300.0), deadline, most: 1_000_000, once: Money::ZERO }
    }

    #[test]
    fn half_a_billion_records_by_the_morning() {
        // One machine scores 2000 × (18,000 − 300) = 35.4 million in the 5 h: fifteen are needed.
        let tariff = tariff(2.0, 1.0, 60.0);
        let plan = job(&tariff).cheapest(500e6);
        let told = plan.as_ref().map(|plan| (plan.machines, plan.time.0.round(), plan.billed.0));
        assert_eq!(told, Ok((15, 16_967.0, 16_967.0)));
        // 250,000 machine-seconds of work, 15 × 300 of starting, and rounding to whole seconds.
        let cost = plan.map(|plan| plan.cost.usd()).unwrap_or_default();
        assert!((cost - 2.0 * 15.0 * 16_967.0 / 3600.0).abs() < 1e-6, "{cost}");
    }

    #[test]
    fn hourly_billing_makes_more_machines_cheaper() {
        // Two machines take 1.5 h, which is billed as 2 h each; three take 1 h each.
        let tariff = tariff(1.0, 3600.0, 0.0);
        let deadline = Some(Seconds(2.0 * 3600.0));
        let job = BatchJob { rate: 1.0, start: Seconds(0.0), deadline, ..job(&tariff) };
        let plan = job.cheapest(3.0 * 3600.0);
        assert_eq!(plan.map(|plan| (plan.machines, plan.cost)), Ok((3, Money::from_usd(3.0))));
        assert_eq!(job.on(3.0 * 3600.0, 2).cost, Money::from_usd(4.0));
        // A job of one item still pays the first hour, and says what for.
        let one = job.on(1.0, 1);
        assert_eq!(
            one.ledger.amount(Item::Rounding),
            crate::units::PricePerHour(Money::from_usd(1.0)).for_time(Seconds(3599.0))
        );
    }

    #[test]
    fn what_cannot_be_done_says_why() {
        let tariff = tariff(1.0, 1.0, 60.0);
        let of = |rate, deadline, most| {
            BatchJob { rate, deadline: Some(Seconds(deadline)), most, ..job(&tariff) }
                .cheapest(1e9)
                .map(|plan| plan.machines)
        };
        assert_eq!(of(0.0, 1e4, 10), Err(NoPlan::NoRate(0.0)));
        assert!(matches!(of(f64::NAN, 1e4, 10), Err(NoPlan::NoRate(_))));
        assert!(matches!(of(1.0, 300.0, 10), Err(NoPlan::StartTooLong { .. })));
        assert!(matches!(of(5e-324, 1e4, 10), Err(NoPlan::StartTooLong { .. })));
        assert!(matches!(of(1.0, 1e4, 10), Err(NoPlan::TooManyMachines { most: 10, .. })));
    }

    proptest! {
        #[test]
        fn more_items_are_never_cheaper(items in 1.0..1e7f64, more in 1.0..1e6f64, step in prop_oneof![Just(1.0), Just(60.0), Just(3600.0)], minimum in 0.0..7200.0f64, start in 0.0..2000.0f64) {
            let tariff = tariff(1.7, step, minimum);
            let job = BatchJob { rate: 31.0, start: Seconds(start), ..job(&tariff) };
            let (few, many) = (job.cheapest(items), job.cheapest(items + more));
            let (Ok(few), Ok(many)) = (few, many) else { return Err(TestCaseError::fail("no plan")) };
            // Each line of the bill is rounded to a nano-dollar.
            prop_assert!(many.cost.0 >= few.cost.0 - 8, "{} {}", few.cost, many.cost);
            prop_assert!(few.time.0 <= 5.0 * 3600.0 * (1.0 + 1e-9));
        }

        #[test]
        fn the_bill_is_the_billed_time(items in 1.0..1e7f64, machines in 1u64..50, step in prop_oneof![Just(1.0), Just(3600.0)], minimum in 0.0..7200.0f64) {
            let tariff = tariff(1.7, step, minimum);
            let plan = job(&tariff).on(items, machines);
            let billed = 1.7 * plan.billed.0 * machines as f64 / 3600.0;
            prop_assert!((plan.cost.usd() - billed).abs() < 1e-7 * (1.0 + billed), "{} {billed}", plan.cost);
        }
    }
}
