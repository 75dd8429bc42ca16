//! Floor 5: what a fleet does.
//!
//! Owns the workloads: [`training`] and [`inference`], which never see each other, and what they share
//! ([`failures`], [`arrivals`]). Each workload is a [`crate::engine::World`] with private events behind one call per replica
//! ([`Workload::simulate`]). It must not know scenarios as files, prices, rankings or threads.

pub mod arrivals;
pub mod failures;
pub mod inference;
pub mod training;

mod timeline;

use crate::engine::Cancel;

pub use timeline::{Act, Timeline, TimelineSpan, Window};

/// A job on one planned fleet: the only dynamic dispatch of a simulation, once per replica.
pub trait Workload: Send + Sync {
    /// What one replica reports.
    type Replica: Send;

    /// Runs one replica. The same seed and replica number give the same result, whatever else runs.
    fn simulate(&self, seed: u64, replica: u32, cancel: &Cancel) -> Self::Replica;
}
