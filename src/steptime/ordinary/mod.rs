//! Served models that are not language models: rates of batches, fitted to published measurements.

mod components;
mod cpu;
mod errors;
mod facts;
mod fit;
mod profile;
mod setting;
mod times;

pub use facts::ServedFacts;
pub use fit::{OrdinaryFit, OrdinaryView, ServedObservation, ServedRate};
pub use profile::{OrdinaryProfile, ServedKnowledge};
pub use setting::{ServedDevice, ServedLoad, ServedModel, ServedSetting};
pub use times::{BatchQuery, BatchTimes, MAX_BATCH, OrdinaryTimes, TWO_INSTANCES};
