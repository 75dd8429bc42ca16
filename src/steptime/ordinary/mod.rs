//! Served models that are not language models: rates of batches, fitted to published measurements.

mod components;
mod facts;
mod fit;
mod setting;

pub use facts::ServedFacts;
pub use fit::{OrdinaryFit, OrdinaryView, ServedObservation, ServedRate};
pub use setting::{ServedDevice, ServedLoad, ServedModel, ServedSetting};
