//! Floor 3: what it costs.
//!
//! Owns rates ([`Tariff`]: list price, terms, discounts, billing granularity) and the ledger ([`Ledger`]) whose lines sum
//! to the total, and the unit costs, break-evens and splits of serving ([`serving`]). It must not know how the metered time came about: it takes plain [`Meters`] and gives money.

mod ledger;
pub mod serving;
mod tariff;

pub use ledger::{Item, Ledger, Line, Meters, StorageUse};
pub use tariff::{Assumptions, NegotiatedDiscount, PriceRange, Tariff, Unpriced};
