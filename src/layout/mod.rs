//! Floor 4: how a model is laid out over a fleet, and whether it fits.
//!
//! Owns memory arithmetic ([`MemoryNeed`]), the choice of micro-batch and accumulation, and the reasons for "no"
//! ([`Reason`]). It must not know how long a step takes: feasibility is decided before speed.

mod memory;
mod plan;
mod sizes;
mod stack;
mod transformer_memory;

pub use memory::{MemoryNeed, OPTIMIZERS, Part, model_memory, state_bytes};
pub use plan::{BatchRequest, Plan, Planned, Reason, plan};
pub use stack::TrainingStack;
pub use transformer_memory::{
    MemoryBreakdown, TransformerJob, pipeline_bubble, stage_layers, transformer_memory,
};
