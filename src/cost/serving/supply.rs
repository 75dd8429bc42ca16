//! Ways to have answers: machines in whole numbers, or by the request. Each gives its hourly cost at a load.

use crate::units::{Money, PricePerHour, PricePerMillion};

/// More machines than this are beyond any plan.
pub const MAX_MACHINES: f64 = 1e9;

/// Whole machines, as many as the load needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Machines {
    /// Price of one machine.
    pub hourly: PricePerHour,
    /// Requests per second that one machine takes within the targets; above zero.
    pub capacity: f64,
    /// Price that does not depend on the load: cluster fee, balancer.
    pub fixed: PricePerHour,
    /// Fewest machines kept, whatever the load; 0 scales to zero.
    pub least: u64,
    /// Most machines there are.
    pub most: Option<u64>,
}

/// By the request: somebody else's API, a serverless service, on top of what it costs to be there at all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PerUse {
    /// Price of a million requests.
    pub price: PricePerMillion,
    /// Price that does not depend on the load.
    pub fixed: PricePerHour,
}

/// One way to have answers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Supply {
    /// Whole machines.
    Machines(Machines),
    /// By the request.
    PerUse(PerUse),
}

impl Machines {
    /// Machines for a load; `None` when there are not so many.
    #[must_use]
    pub fn count(&self, rate: f64) -> Option<u64> {
        // A load that fills machines exactly does not ask for one more because of rounding.
        let needed = (rate / self.capacity * (1.0 - 1e-12)).ceil();
        // Not below zero, not NaN, not without end.
        if !(0.0..=MAX_MACHINES).contains(&needed) {
            return None;
        }
        let needed = (needed as u64).max(self.least);
        self.most.is_none_or(|most| needed <= most).then_some(needed)
    }

    /// Hourly cost of that many machines.
    #[must_use]
    pub fn cost_of(&self, count: u64) -> PricePerHour {
        PricePerHour(Money(self.hourly.0.0.saturating_mul(i128::from(count)))) + self.fixed
    }
}

impl Supply {
    /// Hourly cost at a load; `None` when the load cannot be taken.
    #[must_use]
    pub fn hourly(&self, rate: f64) -> Option<PricePerHour> {
        match self {
            Self::Machines(machines) => machines.count(rate).map(|count| machines.cost_of(count)),
            Self::PerUse(per_use) => {
                let cost = per_use.price.for_count(3600.0 * rate) + per_use.fixed.0;
                (rate >= 0.0 && rate.is_finite()).then_some(PricePerHour(cost))
            }
        }
    }

    /// The cost as a line `at zero + slope × rate`, in dollars an hour, between two neighbouring loads at which machines
    /// are added; `None` when the load cannot be taken.
    pub(super) fn line(&self, inside: f64) -> Option<(f64, f64)> {
        match self {
            Self::Machines(_) => self.hourly(inside).map(|cost| (cost.usd_per_hour(), 0.0)),
            Self::PerUse(per_use) => {
                Some((per_use.fixed.usd_per_hour(), per_use.price.usd_per_million() * 3600.0 / 1e6))
            }
        }
    }

    /// Loads up to a limit at which a machine is added, at most so many.
    pub(super) fn steps(&self, up_to: f64, most: usize) -> Vec<f64> {
        match self {
            Self::Machines(machines) => (1..=most as u64)
                .map(|count| count as f64 * machines.capacity)
                .take_while(|rate| *rate < up_to)
                .collect(),
            Self::PerUse(_) => Vec::new(),
        }
    }
}
