//! Floor 0: quantities, money and time.
//!
//! Owns every number that carries a unit: [`Seconds`], [`Bytes`], rates, powers and work as `f64` newtypes in SI
//! units, [`Money`] as integer nano-dollars, and the engine's integer [`SimTime`]; and how they are read from and
//! written as text. It must not know what a quantity is used for: no files, no catalog, no scenario.

mod date;
mod display;
mod money;
mod parse;
mod quantity;
mod time;

pub use date::Date;
pub use display::{Significant, human_duration};
pub use money::{Money, PricePerByteMonth, PricePerHour, PricePerMillion};
pub use parse::{Dimension, QuantityError, parse_decimal, parse_quantity};
pub use quantity::{Bytes, BytesPerSecond, Flops, FlopsPerSecond, SamplesPerSecond, Seconds, Watts};
pub use time::{NANOS_PER_SECOND, SimSpan, SimTime};

/// Hours in the month that every cloud's list price assumes.
pub const HOURS_PER_MONTH: f64 = 730.0;
