//! Money as integer nano-dollars: sums are exact and associative, so totals equal the sum of their lines on any thread count.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub};

use serde::{Deserialize, Serialize};

use super::{Bytes, Seconds};

const NANO: f64 = 1e9;

/// An amount of US dollars in nano-dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Money(pub i128);

impl Money {
    /// No money.
    pub const ZERO: Self = Self(0);

    /// Rounds dollars to the nearest nano-dollar; NaN becomes zero.
    #[must_use]
    pub fn from_usd(usd: f64) -> Self {
        Self((usd * NANO).round() as i128)
    }

    /// In dollars.
    #[must_use]
    pub fn usd(self) -> f64 {
        self.0 as f64 / NANO
    }

    /// Scaled by a factor, rounded once to the nearest nano-dollar.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        Self((self.0 as f64 * factor).round() as i128)
    }
}

impl Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}
impl AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}
impl Sub for Money {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}
impl Neg for Money {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}
impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
        items.fold(Self::ZERO, Add::add)
    }
}
impl fmt::Display for Money {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} USD", super::Significant(self.usd(), 6))
    }
}

/// A rental price: money for one hour of one thing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PricePerHour(pub Money);

impl PricePerHour {
    /// Cost of `time`, rounded once to the nearest nano-dollar.
    #[must_use]
    pub fn for_time(self, time: Seconds) -> Money {
        self.0.scaled(time.0 / 3600.0)
    }

    /// In dollars per hour.
    #[must_use]
    pub fn usd_per_hour(self) -> f64 {
        self.0.usd()
    }

    /// Scaled by a factor, as by a discount or a count of instances.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        Self(self.0.scaled(factor))
    }
}

impl Add for PricePerHour {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

/// A storage price: money for keeping one gigabyte (10⁹ bytes) for a month of 730 hours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PricePerByteMonth(pub Money);

impl PricePerByteMonth {
    /// Scaled by a factor.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        Self(self.0.scaled(factor))
    }

    /// Cost of keeping `amount` for `time`.
    #[must_use]
    pub fn for_time(self, amount: Bytes, time: Seconds) -> Money {
        self.0.scaled(amount.gb() * time.hours() / super::HOURS_PER_MONTH)
    }
}

/// A price of use: money for a million tokens, requests, predictions or lookups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PricePerMillion(pub Money);

impl PricePerMillion {
    /// Cost of `count` things, rounded once to the nearest nano-dollar.
    #[must_use]
    pub fn for_count(self, count: f64) -> Money {
        self.0.scaled(count / 1e6)
    }

    /// In dollars per million.
    #[must_use]
    pub fn usd_per_million(self) -> f64 {
        self.0.usd()
    }

    /// Scaled by a factor.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        Self(self.0.scaled(factor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_costs_the_hourly_price_exactly() {
        let price = PricePerHour(Money(88_490_000_000));
        assert_eq!(price.for_time(Seconds(3600.0)), Money(88_490_000_000));
        assert_eq!(price.scaled(2.0).for_time(Seconds(1800.0)), Money(88_490_000_000));
    }
}
