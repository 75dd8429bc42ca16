//! A fleet of replicas as the simulation takes it: what a scenario and a plan are turned into.

use crate::stats::Law;
use crate::units::{Seconds, SimSpan};
use crate::workload::arrivals::TrafficSpec;
use crate::workload::failures::SpotMarket;

use super::rules::{BatchRules, BatchTable, ReplicaModel};

/// What serves.
#[derive(Clone, Debug)]
pub enum ServiceModel {
    /// A language model.
    Language(ReplicaModel),
    /// An ordinary model: its times and its batching.
    Ordinary(BatchTable, BatchRules),
    /// Several models on one device, by [`Request::model`](crate::workload::arrivals::Request::model), and the factor on
    /// all times while 1, 2, … of them have requests.
    Shared(Vec<ServiceModel>, Vec<f64>),
}

impl ServiceModel {
    /// Models that it holds.
    #[must_use]
    pub fn models(&self) -> usize {
        match self {
            Self::Language(_) | Self::Ordinary(..) => 1,
            Self::Shared(models, _) => models.len(),
        }
    }
}

/// What a group of machines is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Whole requests.
    Whole,
    /// Prompts only; the cache then goes to a decode group.
    Prefill,
    /// Answers only.
    Decode,
}

/// Like machines that hold like replicas.
#[derive(Clone, Debug)]
pub struct MachineGroup {
    /// What for.
    pub role: Role,
    /// What each replica does.
    pub service: ServiceModel,
    /// Machines that are rented together with a replica or hold several: a failure takes all replicas of a machine.
    pub machines: u32,
    /// Replicas on each machine; below 1 never: a replica over several machines counts as one machine here.
    pub replicas_per_machine: u32,
    /// Machines billed for each machine of the group (a replica that spans two has 2).
    pub billed_per_machine: u32,
    /// Time from asking for a machine to its first request: boot, image, weights.
    pub start: Law,
    /// Mean time between failures of one machine; `None` for never.
    pub failures: Option<Seconds>,
    /// Spot market, with its notice.
    pub spot: Option<SpotMarket>,
    /// Time to send one token's cache to a decode replica (prefill groups).
    pub transfer_ns_per_token: f64,
}

/// Which replica takes a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Router {
    /// One after the other.
    RoundRobin,
    /// The one with fewest requests in flight.
    LeastOutstanding,
    /// The better of a few drawn at random.
    PowerOfChoices(u32),
    /// The one that holds the longest part of the prefix, unless it is much busier.
    PrefixAware,
    /// By prompt length: short ones to the first half of the replicas, long ones to the rest.
    ByLength(u32),
}

/// When a request is refused at the door.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AdmissionRule {
    /// Never.
    Open,
    /// When so many are in flight for each replica.
    Outstanding(u32),
    /// When the expected wait is longer than this.
    Wait(SimSpan),
}

/// What an autoscaler looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScaleSignal {
    /// Share of time that replicas are busy. A language replica is at work whenever it has a request.
    Utilisation,
    /// Requests in flight for each replica.
    Outstanding,
    /// Requests that wait for each replica, seen at every look.
    Queue,
}

/// An autoscaler: target tracking over a window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Autoscaler {
    /// Group that it scales; groups of the same role beside it take their part of the signal.
    pub group: u32,
    /// Fewest machines; 0 scales to zero.
    pub least: u32,
    /// Most machines.
    pub most: u32,
    /// Signal.
    pub signal: ScaleSignal,
    /// Its target.
    pub target: f64,
    /// Time between looks.
    pub period: SimSpan,
    /// Window that the signal is averaged over before growing.
    pub out_window: SimSpan,
    /// Window before shrinking.
    pub in_window: SimSpan,
    /// Time after a change before the next.
    pub cooldown: SimSpan,
}

/// A machine that is taken away on purpose.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loss {
    /// When.
    pub at: Seconds,
    /// How many machines.
    pub machines: u32,
    /// Until a replacement is asked for; `None` for never.
    pub back_after: Option<Seconds>,
}

/// Targets of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Targets {
    /// Time to first token.
    pub time_to_first_token: Option<Seconds>,
    /// Time per output token, the first excluded.
    pub time_per_output_token: Option<Seconds>,
    /// End to end.
    pub latency: Option<Seconds>,
}

/// Everything that one replication of a serving run needs.
#[derive(Clone, Debug)]
pub struct FleetJob {
    /// Traffic.
    pub traffic: TrafficSpec,
    /// Machines.
    pub groups: Vec<MachineGroup>,
    /// Router.
    pub router: Router,
    /// Admission.
    pub admission: AdmissionRule,
    /// Autoscaler of one of the groups.
    pub autoscaler: Option<Autoscaler>,
    /// Planned losses.
    pub losses: Vec<Loss>,
    /// Targets that goodput counts.
    pub targets: Targets,
    /// Whether the fleet is up at time 0, or has to start first.
    pub warm: bool,
    /// Requests that arrive before this are served but not counted.
    pub warm_up: Seconds,
    /// The run ends here, whatever is left.
    pub horizon: Seconds,
    /// Stepwise instead of leaping: the oracle.
    pub stepwise: bool,
}
