//! Serving: what answers cost, and which way of getting them is the cheaper one at which load.
//!
//! Pure functions of prices, rates and capacities that somebody else found. Rates are per second, prices per hour or per
//! million; a figure that has no value (no rate, no price) is `None`, never zero or infinite.

mod break_even;
mod hosting;
mod popularity;
mod supply;

pub use break_even::{Cheaper, LoadRange, load_ranges};
pub use hosting::{Hosted, Serverless};
pub use popularity::Popularity;
pub use supply::{MAX_MACHINES, Machines, PerUse, Supply};
