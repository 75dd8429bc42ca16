//! Serving: what answers cost, and which way of getting them is the cheaper one at which load.
//!
//! Pure functions of prices, rates and capacities that somebody else found. Rates are per second, prices per hour or per
//! million; a figure that has no value (no rate, no price) is `None`, never zero or infinite.

mod batch_job;
mod break_even;
mod hosting;
mod hybrid;
mod popularity;
mod supply;
#[cfg(test)]
mod test_tariff;
mod unit_cost;

pub use batch_job::{BatchJob, BatchPlan, NoPlan};
pub use break_even::{BreakEven, Cheaper, LoadRange, break_even, load_ranges, utilisation_to_match};
pub use hosting::{Hosted, Serverless};
pub use hybrid::{Hybrid, Split, Store};
pub use popularity::Popularity;
pub use supply::{MAX_MACHINES, Machines, PerUse, Supply};
pub use unit_cost::{TokenCosts, api_price_of_requests, cost_per_million, output_price_ratio, token_costs};
