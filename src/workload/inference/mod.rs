//! Serving: replicas of a model behind a router, and what they make of the traffic.
//!
//! Owns the worlds of language models (iterations over a paged cache) and of ordinary models (dynamic batches), fleets of
//! replicas with their router, admission and autoscaler, and what a run reports ([`ServingRun`]). It must not know
//! scenarios as files, prices, rankings or threads, nor the training workload.

mod fleet;
mod fleet_spec;
mod job;
mod language;
mod ledger;
pub mod ordinary;
mod rules;
mod run;
mod source;

pub use fleet_spec::{
    AdmissionRule, Autoscaler, FleetJob, Loss, MachineGroup, Role, Router, ScaleSignal, ServiceModel, Targets,
};
pub use ledger::{Fate, RequestRecord};
pub use rules::{BatchRules, BatchTable, KvSpace, ReplicaModel, Rules, Speculation};
pub use run::{GroupMeters, ModelMeters, ServingRun};
pub use source::{Closed, Open, Source};
