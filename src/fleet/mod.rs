//! Floor 3: which machines, how many, where, on what terms.
//!
//! Owns the spread of a scenario's fleets ([`FleetSpec`]) into single candidates ([`Candidate`]). It must not know the
//! job that the fleet will do, nor what it costs.

mod candidate;
mod expand;
mod hosting;
mod spec;

pub use candidate::{Candidate, Network, inside_fabric};
pub use expand::{MAX_CANDIDATES, TooMany, expand};
pub use hosting::{HostingKind, Placement};
pub use spec::{Counts, FleetSpec, GroupRole, LayoutRequest, Replicas};
