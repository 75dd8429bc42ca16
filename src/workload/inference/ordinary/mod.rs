//! Ordinary models: dynamic batching as Triton and TF Serving do it, on instances that share one device.
//!
//! Owns the replica ([`OrdinaryReplica`]: host, queue, batches, device) the run of one such device under an open or a
//! closed load ([`DeviceJob`]) and the highest rate at which it keeps a target ([`DeviceJob::capacity`]). The replica keeps no calendar: whoever owns it asks when it next changes. It must not
//! know routers, other replicas or prices.

mod capacity;
mod device;
mod host;
mod job;
mod queue;
mod replica;
mod table;

pub use capacity::{Capacity, LatencyTarget};
pub use device::Ended;
pub use job::{Departed, DeviceJob, DeviceRun};
pub use replica::{End, Left, Offered, OrdinaryMeters, OrdinaryReplica};
