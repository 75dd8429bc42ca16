//! Language models: iterations over a paged cache, stepped or leapt.
//!
//! Owns one replica ([`replica::Replica`]): its batch, its cache, its clock. It must not know routers or other replicas.

mod admit;
mod cache;
mod clock;
mod meters;
mod plan;
mod prefixes;
mod replica;
mod sequence;
mod told;

pub(super) use replica::{Leaving, Replica};
pub(super) use sequence::{Sequence, Slots};
