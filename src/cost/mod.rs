//! Floor 3: what it costs.
//!
//! Owns rates ([`Tariff`]: list price, terms, discounts, billing granularity) and the ledger ([`Ledger`]) whose lines sum
//! to the total. It must not know how the metered time came about: it takes plain [`Meters`] and gives money.

mod ledger;
mod tariff;

pub use ledger::{Item, Ledger, Line, Meters, StorageUse};
pub use tariff::{Assumptions, NegotiatedDiscount, PriceRange, Tariff, Unpriced};
