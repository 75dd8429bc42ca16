//! Floor 4: how a model is laid out over a fleet, and whether it fits.
//!
//! Owns memory arithmetic ([`MemoryNeed`], [`MemoryJob`]), the search over parallel layouts ([`search`]), the
//! choice of micro-batch and accumulation, and the reasons for "no" ([`Reason`]). It must not know how long a step takes:
//! feasibility is decided before speed, and whoever asks brings the cost of a layout ([`StepCost`]).

mod degrees;
mod memory;
mod plan;
mod reason;
mod search;
mod serving_memory;
mod sizes;
mod stack;
mod transformer_memory;
mod words;

pub use degrees::{BadCause, BadDegree, bad_degrees, divisors, pipeline_degrees, tensor_degrees};
pub use memory::{MemoryNeed, OPTIMIZERS, Part, model_memory, state_bytes};
pub use plan::{BatchRequest, Plan, Planned, memory_job, plan};
pub use reason::Reason;
pub use search::{
    FoundLayout, LayoutQuestion, LayoutSearch, NoLayout, OTHERS, SearchCounts, StepCost, search,
};
pub use serving_memory::{ServingMemory, ServingMemoryJob, serving_memory};
pub use stack::TrainingStack;
pub use transformer_memory::{MemoryBreakdown, MemoryJob, StageLayers, stage_layers, transformer_memory};
pub use words::LayoutWords;
