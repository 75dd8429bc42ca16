//! A fleet as a workload, and one replica on its own.

use super::fleet;
use super::fleet_spec::{AdmissionRule, FleetJob, MachineGroup, Role, Router, ServiceModel, Targets};
use super::ledger::RequestRecord;
use super::rules::ReplicaModel;
use super::run::ServingRun;
use super::source::Source;
use crate::engine::Cancel;
use crate::stats::Law;
use crate::units::Seconds;
use crate::workload::arrivals::{ArrivalSpec, Traffic, TrafficSpec};
use crate::workload::{Timeline, Window, Workload};

impl FleetJob {
    /// One replica of a language model, always there, until all requests are served.
    #[must_use]
    pub fn alone(model: ReplicaModel) -> Self {
        Self::of(ServiceModel::Language(model), 1)
    }

    /// Like replicas on a machine each, always there, the least busy one first, until all requests are served.
    #[must_use]
    pub fn of(service: ServiceModel, replicas: u32) -> Self {
        let group = MachineGroup {
            role: Role::Whole,
            service,
            machines: replicas,
            replicas_per_machine: 1,
            billed_per_machine: 1,
            start: Law::Deterministic(0.0),
            failures: None,
            spot: None,
            transfer_ns_per_token: 0.0,
        };
        Self {
            traffic: TrafficSpec {
                arrivals: ArrivalSpec::Burst,
                mixes: Vec::new(),
                requests: Some(0),
                most_tokens: None,
            },
            groups: vec![group],
            router: Router::LeastOutstanding,
            admission: AdmissionRule::Open,
            autoscaler: None,
            losses: Vec::new(),
            targets: Targets::default(),
            warm: true,
            warm_up: Seconds::ZERO,
            horizon: Seconds(f64::INFINITY),
            stepwise: false,
        }
    }

    /// Models that its replicas hold.
    #[must_use]
    pub fn models(&self) -> usize {
        self.groups.iter().map(|group| group.service.models()).max().unwrap_or(1)
    }

    /// Runs the fleet under a source of requests instead of its own traffic, until all are served, the horizon is
    /// reached, or more than two million requests are inside. `sink` sees every request as it leaves.
    pub fn serve(
        &self,
        source: &mut dyn Source,
        (seed, replica): (u64, u32),
        sink: &mut dyn FnMut(&RequestRecord),
        cancel: &Cancel,
    ) -> ServingRun {
        fleet::simulate(self, source, (seed, replica), sink, cancel)
    }
}

impl FleetJob {
    /// What the first replica of each group does when: the same run as [`simulate`](Workload::simulate), recorded.
    #[must_use]
    pub fn timeline(&self, (seed, replica): (u64, u32), window: Window, cancel: &Cancel) -> Timeline {
        match Traffic::open(&self.traffic, seed, replica) {
            Ok(mut traffic) => fleet::record(self, &mut traffic, (seed, replica), window, cancel),
            Err(_) => Timeline::default(),
        }
    }
}

impl Workload for FleetJob {
    type Replica = ServingRun;

    /// Traffic that cannot be drawn gives an empty run: it is checked before a job is made.
    fn simulate(&self, seed: u64, replica: u32, cancel: &Cancel) -> ServingRun {
        match Traffic::open(&self.traffic, seed, replica) {
            Ok(mut traffic) => self.serve(&mut traffic, (seed, replica), &mut |_| {}, cancel),
            Err(_) => ServingRun::default(),
        }
    }
}
