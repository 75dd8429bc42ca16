//! Floor 2: what exists.
//!
//! Owns accelerators, instances with their offers, models, measured profiles, fabrics, storage, tariffs' facts, failure and spot facts:
//! plain types, the registry of catalog keys, and the loader that reads them from the files embedded in the program
//! and from the user's overlays. It must not know how anything behaves: no step times, no costs, no scenario.

mod accelerator;
mod checks;
mod config_fault;
mod config_level;
mod config_values;
mod embedded;
mod engine;
mod facts;
mod families;
mod huggingface;
mod instance;
mod keys;
mod keys_engines;
mod keys_models;
mod keys_prices;
mod load;
mod load_engines;
mod load_facts;
mod load_models;
mod load_prices;
mod load_services;
mod lookup;
pub mod measured;
mod model;
mod number_format;
mod parallel;
mod provenance;
mod purchase;
mod services;
mod transformer;
mod transformer_counts;
mod transformer_draft;

pub use accelerator::{Accelerator, AcceleratorKind, Peaks, Precision};
pub use checks::{OLD_ON_DEMAND_DAYS, OLD_SPOT_DAYS};
pub use embedded::{EXAMPLES, example};
pub use engine::{Batching, Engine, LargeDevice, MemoryShare, Preemption};
pub use facts::{
    BillingRule, BootTimes, CarbonRegion, DecodeScaling, Discount, Egress, EgressKind, Fabric, FabricScope,
    FailureRates, Phases, RestartTimes, SpotProcess, Storage, StorageKind, StorageReader,
};
pub use instance::{Instance, InstanceKind, Mark, Offer, SpotPrice};
pub use keys::CATALOG_FILE;
pub use load::{Catalog, CatalogError};
pub use lookup::{NoProfile, Unknown};
pub use measured::{Fingerprint, MeasuredProfile};
pub use model::{Architecture, Dataset, Model};
pub use number_format::NumberFormat;
pub use parallel::{Offload, ParallelLayout, Recompute, ServingLayout, Sharding};
pub use provenance::{Fact, Provenance};
pub use purchase::Purchase;
pub use services::{ApiPrice, ManagedService, ServiceKind, ServiceUnit};
pub use transformer::{Attention, Experts, StateSpace, Transformer};
pub use transformer_counts::CausalCount;
