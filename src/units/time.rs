//! The engine's clock: `u64` nanoseconds, so that ties are defined and no epsilon is ever needed.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};

use super::Seconds;

/// Nanoseconds in a second.
pub const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// An instant of simulated time, in nanoseconds since the start of the replica (584 years fit).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SimTime(pub u64);

/// A span of simulated time in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SimSpan(pub u64);

impl SimTime {
    /// The start of the replica.
    pub const ZERO: Self = Self(0);
    /// Later than every instant that is reached.
    pub const NEVER: Self = Self(u64::MAX);

    /// In seconds.
    #[must_use]
    pub fn seconds(self) -> Seconds {
        Seconds(self.0 as f64 / NANOS_PER_SECOND as f64)
    }

    /// The span since `earlier`; zero when `earlier` lies ahead.
    #[must_use]
    pub fn since(self, earlier: Self) -> SimSpan {
        SimSpan(self.0.saturating_sub(earlier.0))
    }
}

impl SimSpan {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// Rounds seconds to the nearest nanosecond; negative and NaN become zero, too long becomes the longest span.
    #[must_use]
    pub fn from_seconds(seconds: Seconds) -> Self {
        // A float-to-integer cast saturates, and NaN becomes zero.
        // Half up by hand: `round` is a library call on plain x86-64.
        Self((seconds.0 * NANOS_PER_SECOND as f64 + 0.5) as u64)
    }

    /// In seconds.
    #[must_use]
    pub fn seconds(self) -> Seconds {
        Seconds(self.0 as f64 / NANOS_PER_SECOND as f64)
    }

    /// `count` times the span, saturating.
    #[must_use]
    pub fn times(self, count: u64) -> Self {
        Self(self.0.saturating_mul(count))
    }
}

impl Add<SimSpan> for SimTime {
    type Output = Self;
    fn add(self, span: SimSpan) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl AddAssign<SimSpan> for SimTime {
    fn add_assign(&mut self, span: SimSpan) {
        *self = *self + span;
    }
}

impl Add for SimSpan {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for SimSpan {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for SimSpan {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for SimTime {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:.9} s", self.seconds().0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_saturate_instead_of_wrapping() {
        assert_eq!(SimSpan::from_seconds(Seconds(1e30)), SimSpan(u64::MAX));
        assert_eq!(SimSpan::from_seconds(Seconds(f64::NAN)), SimSpan::ZERO);
        assert_eq!(SimSpan::from_seconds(Seconds(-1.0)), SimSpan::ZERO);
        assert_eq!(SimTime(5) + SimSpan(u64::MAX), SimTime::NEVER);
        assert_eq!(SimSpan(u64::MAX).times(2), SimSpan(u64::MAX));
    }
}
