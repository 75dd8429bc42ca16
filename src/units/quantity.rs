//! `f64` newtypes in SI units. Arithmetic that keeps the unit is derived; arithmetic that changes it is spelled out below.

use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, Mul, Sub};

use serde::{Deserialize, Serialize};

macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub f64);

        impl $name {
            /// Nothing of it.
            pub const ZERO: Self = Self(0.0);

            /// The bare number in the SI unit.
            #[must_use]
            pub fn get(self) -> f64 {
                self.0
            }

            /// The larger of the two.
            #[must_use]
            pub fn max(self, other: Self) -> Self {
                Self(self.0.max(other.0))
            }

            /// The smaller of the two.
            #[must_use]
            pub fn min(self, other: Self) -> Self {
                Self(self.0.min(other.0))
            }
        }

        impl Add for $name {
            type Output = Self;
            fn add(self, other: Self) -> Self {
                Self(self.0 + other.0)
            }
        }
        impl AddAssign for $name {
            fn add_assign(&mut self, other: Self) {
                self.0 += other.0;
            }
        }
        impl Sub for $name {
            type Output = Self;
            fn sub(self, other: Self) -> Self {
                Self(self.0 - other.0)
            }
        }
        impl Mul<f64> for $name {
            type Output = Self;
            fn mul(self, factor: f64) -> Self {
                Self(self.0 * factor)
            }
        }
        impl Div<f64> for $name {
            type Output = Self;
            fn div(self, divisor: f64) -> Self {
                Self(self.0 / divisor)
            }
        }
        impl Div for $name {
            type Output = f64;
            fn div(self, other: Self) -> f64 {
                self.0 / other.0
            }
        }
        impl Sum for $name {
            fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
                Self(items.map(|item| item.0).sum())
            }
        }
    };
}

quantity!(
    /// A duration in seconds, as models compute it (the engine's clock is [`crate::units::SimTime`]).
    Seconds
);
quantity!(
    /// An amount of data or memory in bytes.
    Bytes
);
quantity!(
    /// A data rate in bytes per second.
    BytesPerSecond
);
quantity!(
    /// An amount of arithmetic in floating-point operations (one multiply-add counts two).
    Flops
);
quantity!(
    /// An arithmetic rate in floating-point operations per second.
    FlopsPerSecond
);
quantity!(
    /// Electric power in watts.
    Watts
);
quantity!(
    /// Training or inference samples per second.
    SamplesPerSecond
);

impl Seconds {
    /// From hours.
    #[must_use]
    pub fn from_hours(hours: f64) -> Self {
        Self(hours * 3600.0)
    }

    /// In hours.
    #[must_use]
    pub fn hours(self) -> f64 {
        self.0 / 3600.0
    }
}

impl Bytes {
    /// From gibibytes (2³⁰ bytes).
    #[must_use]
    pub fn from_gib(gib: f64) -> Self {
        Self(gib * 1_073_741_824.0)
    }

    /// In gibibytes (2³⁰ bytes).
    #[must_use]
    pub fn gib(self) -> f64 {
        self.0 / 1_073_741_824.0
    }

    /// In gigabytes (10⁹ bytes), the unit of storage and egress prices.
    #[must_use]
    pub fn gb(self) -> f64 {
        self.0 / 1e9
    }
}

impl Div<BytesPerSecond> for Bytes {
    type Output = Seconds;
    fn div(self, rate: BytesPerSecond) -> Seconds {
        Seconds(self.0 / rate.0)
    }
}

impl Div<FlopsPerSecond> for Flops {
    type Output = Seconds;
    fn div(self, rate: FlopsPerSecond) -> Seconds {
        Seconds(self.0 / rate.0)
    }
}

impl Mul<Seconds> for BytesPerSecond {
    type Output = Bytes;
    fn mul(self, time: Seconds) -> Bytes {
        Bytes(self.0 * time.0)
    }
}

impl Div<Seconds> for Flops {
    type Output = FlopsPerSecond;
    fn div(self, time: Seconds) -> FlopsPerSecond {
        FlopsPerSecond(self.0 / time.0)
    }
}
