//! Floor 6: what a scenario means.
//!
//! Owns the registry of scenario keys ([`SCENARIO`]) and the step from a checked tree plus the catalog to a
//! [`Scenario`] ([`resolve`]), with every fault collected and placed. It must not know how anything is simulated.

mod keys;
mod keys_fleet;
mod layout;
mod machine;
mod objective;
mod resolve;
mod schema;
mod sequence;
mod workload;

pub use keys::SCENARIO;
pub use objective::{Minimize, Objective};
pub use resolve::{Scenario, resolve};
pub use schema::{json_schema, reference_toml};
