//! Floor 6: what a scenario means.
//!
//! Owns the registry of scenario keys ([`SCENARIO`]) and the step from a checked tree plus the catalog to a
//! [`Scenario`] ([`resolve`]), with every fault collected and placed. It must not know how anything is simulated.

mod applies;
mod applies_rules;
mod combinations;
mod groups;
mod hosting;
mod keys;
mod keys_failures;
mod keys_fleet;
mod keys_objective;
mod keys_pricing;
mod keys_profile;
mod keys_serving;
mod keys_traffic;
mod keys_training;
mod layout;
mod machine;
mod models;
mod objective;
mod profile;
mod resolve;
mod schema;
mod sequence;
mod serving;
mod traffic;
mod workload;

pub use hosting::Hosting;
pub use keys::{SCENARIO, SERVING_SCENARIO, registry_of};
pub use models::ServedModel;
pub use objective::{LatencyTarget, Minimize, Objective, PERCENTILES, RequestTime};
pub use resolve::{Job, Scenario, resolve};
pub use schema::{json_schema, reference_toml};
pub use serving::{ApiPrice, BatchSpec, BatchingSpec, HybridSpec, Mode, ServingSpec};
