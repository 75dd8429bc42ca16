//! Work that a device computes: three small models that train and answer, and the probes of the machine's roof.
//!
//! The models are the catalog's `capplan-gpt`, `capplan-cnn` and `capplan-recommender`, so that fleets of the catalog can be
//! asked about the very same work. All sums are taken in 32 bit: sums of bf16 on a processor are wrong by orders of
//! magnitude.

mod bench;
mod cnn;
mod device;
mod fed;
mod gpt;
mod job;
mod parameters;
mod plan;
mod probe;
mod recommender;
mod serve;
mod train;

pub use bench::ComputeBench;
pub use device::{DeviceError, DeviceName, describe};
pub use fed::{FedModel, FedRun};
pub use plan::{ModelKind, Work, infer_works, job_works, tasks_of, train_works};
pub use train::{StepTimes, TrainingRun};
