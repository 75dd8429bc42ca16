//! What interrupts a job, shared by all workloads: failures, the spot market, and how often to save.
//!
//! Owns the laws and their closed forms. It must not know which workload is interrupted.

pub mod checkpoint;
mod interruption;
mod policy;

pub use interruption::{FailureProcess, SpotMarket, Startup};
pub use policy::{CheckpointPolicy, CheckpointSignal};
