//! Collectives on real fabrics: fitted latency, ramp and bandwidth per fabric and operation, on two tiers.
//!
//! A tier's time is `a + b + ramp·√(a·b)`: `a` the call and its hops, `b` the bytes over the bandwidth achieved by
//! large messages; the root is what pipelining messages of middle size costs (the optimum of chunks whose number
//! grows with √size). Curves of NVLink come from NCCL tables; other fabrics take the latency and share of the
//! catalog. Inside and across nodes are pipelined into each other, so that the slower tier counts.
//!
//! Sources: `assets/profiles/collectives.csv`; Thakur, Rabenseifner and Gropp 2005 for the volumes; Jouppi et al. 2023
//! for rings along the axes of a torus.

use serde::{Deserialize, Serialize};

use crate::catalog::{Accelerator, AcceleratorKind, Catalog};
use crate::units::{Bytes, BytesPerSecond, Seconds};

use super::fabric_profile::CollectiveProfile;
use super::topology::Topology;

/// A collective operation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Collective {
    /// Every rank gets the sum; `bytes` is the tensor.
    AllReduce,
    /// Every rank gets all parts; `bytes` is what each holds afterwards.
    AllGather,
    /// Every rank keeps its part of the sum; `bytes` is what each held before.
    ReduceScatter,
    /// Every rank sends a part to every other; `bytes` is what each rank sends in all.
    AllToAll {
        /// Load of the fullest rank over the mean, at least 1.
        imbalance: f64,
    },
    /// One rank to the next, as between pipeline stages; `bytes` is the message.
    SendReceive,
}

/// The operations that have a fitted curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// All-reduce.
    AllReduce,
    /// All-gather.
    AllGather,
    /// Reduce-scatter.
    ReduceScatter,
    /// All-to-all.
    AllToAll,
    /// Send and receive.
    SendReceive,
}

impl Operation {
    /// The word in the shipped table.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::AllReduce => "all-reduce",
            Self::AllGather => "all-gather",
            Self::ReduceScatter => "reduce-scatter",
            Self::AllToAll => "all-to-all",
            Self::SendReceive => "send-receive",
        }
    }
}

impl Collective {
    fn operation(self) -> Operation {
        match self {
            Self::AllReduce => Operation::AllReduce,
            Self::AllGather => Operation::AllGather,
            Self::ReduceScatter => Operation::ReduceScatter,
            Self::AllToAll { .. } => Operation::AllToAll,
            Self::SendReceive => Operation::SendReceive,
        }
    }
}

/// Who takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RankGroup {
    /// Ranks.
    pub ranks: u32,
    /// Ranks that share a node (fast domain), at most `ranks`.
    pub per_node: u32,
    /// Groups that use a node's network cards at the same time: 8 where each of a node's 8 devices belongs to its own
    /// data-parallel group, 1 where one group has them all.
    pub sharing: u32,
}

impl RankGroup {
    /// A group inside one node.
    #[must_use]
    pub fn inside(ranks: u32) -> Self {
        Self { ranks, per_node: ranks, sharing: 1 }
    }

    /// Nodes that the group spans.
    #[must_use]
    pub fn nodes(&self) -> u32 {
        self.ranks.max(1).div_ceil(self.per_node.max(1))
    }
}

/// How an operation answers to its size on a fabric; one row of `assets/profiles/collectives.csv`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CollectiveCurve {
    /// Time of an empty call, s.
    pub base_s: f64,
    /// Further time per hop, s; hops are n − 1, at most 2·log₂n + 1.
    pub hop_s: f64,
    /// Weight of the root of latency and transfer.
    pub ramp: f64,
    /// Share of the nominal bandwidth per device that large groups get; above 1 where switches add.
    pub share: f64,
    /// What small groups lose: the share of n ranks is `share·(1 − this/n)`.
    pub small_group: f64,
}

/// Latency and transfer of one tier, s.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Tier {
    latency: f64,
    transfer: f64,
    ramp: f64,
}

impl CollectiveCurve {
    fn tier(&self, ranks: f64, hops: f64, moved: f64, bandwidth: f64) -> Tier {
        let share = self.share * (1.0 - self.small_group / ranks);
        Tier {
            latency: self.base_s + self.hop_s * hops,
            transfer: moved / (bandwidth * share),
            ramp: self.ramp,
        }
    }

    /// Time of `operation` on `bytes` among `ranks` devices of one switched domain.
    #[must_use]
    pub fn seconds(
        &self,
        operation: Operation,
        ranks: u32,
        bytes: Bytes,
        nominal: BytesPerSecond,
    ) -> Seconds {
        if ranks < 2 {
            return Seconds::ZERO;
        }
        let moved = bytes.0 * volume(operation, f64::from(ranks));
        seconds(self.tier(f64::from(ranks), tree_hops(ranks), moved, nominal.0))
    }
}

/// Bytes that a rank sends over the bytes of the operation.
fn volume(operation: Operation, ranks: f64) -> f64 {
    match operation {
        Operation::AllReduce => 2.0 * (ranks - 1.0) / ranks,
        Operation::AllGather | Operation::ReduceScatter | Operation::AllToAll => (ranks - 1.0) / ranks,
        Operation::SendReceive => 1.0,
    }
}

/// Rings hop past every rank, trees twice their depth; the library takes the shorter.
fn tree_hops(ranks: u32) -> f64 {
    let ranks = f64::from(ranks.max(1));
    (ranks - 1.0).min(2.0 * libm::log2(ranks) + 1.0)
}

fn seconds(Tier { latency, transfer, ramp }: Tier) -> Seconds {
    if transfer == f64::INFINITY {
        return Seconds(transfer);
    }
    Seconds(latency + transfer + ramp * (latency * transfer).sqrt())
}

/// One fabric of a machine with the curves of its operations.
#[derive(Clone, Copy, Debug)]
pub struct FabricModel {
    nominal: f64,
    topology: Topology,
    curves: [(CollectiveCurve, f64); 5],
}

impl FabricModel {
    /// A catalog fabric at a nominal bandwidth: per device and direction inside a node, of all cards of a node across.
    /// Without a nominal, the large-message bandwidth of the catalog. `None` for a fabric that the catalog lacks.
    #[must_use]
    pub fn new(
        catalog: &Catalog,
        profile: &CollectiveProfile,
        fabric: &str,
        nominal: Option<BytesPerSecond>,
    ) -> Option<Self> {
        let found = catalog.fabrics.get(fabric)?;
        let assumed = || found.large_message_bandwidth.map(|rate| rate / found.bandwidth_share.max(1e-6));
        let nominal = nominal.or_else(assumed)?.0;
        let operations = [
            Operation::AllReduce,
            Operation::AllGather,
            Operation::ReduceScatter,
            Operation::AllToAll,
            Operation::SendReceive,
        ];
        let curves = operations.map(|operation| profile.of(found, operation));
        Some(Self { nominal, topology: Topology::of_fabric(fabric), curves })
    }

    /// The same without peer access: every byte goes through the memory of the host, at the share that a training step
    /// measured on such devices.
    #[must_use]
    pub fn without_peer_access(mut self, catalog: &Catalog) -> Self {
        let share = catalog.fabrics.get("pcie-gen3").map_or(0.074, |fabric| fabric.bandwidth_share);
        for (curve, _) in &mut self.curves {
            curve.share = curve.share.min(share);
        }
        self
    }

    /// Standard deviation of ln(predicted ÷ true) of a collective.
    #[must_use]
    pub fn log_error(&self, kind: Collective) -> f64 {
        self.curves[kind.operation() as usize].1
    }

    fn tier(&self, operation: Operation, ranks: u32, moved: f64, sharing: f64) -> Tier {
        if ranks < 2 {
            return Tier::default();
        }
        let curve = &self.curves[operation as usize].0;
        let lane = self.topology.lane(operation == Operation::SendReceive, ranks);
        curve.tier(
            f64::from(ranks),
            lane.hops.unwrap_or_else(|| tree_hops(ranks)),
            moved,
            self.nominal * lane.share / sharing,
        )
    }
}

/// The fabrics that a job runs on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Network {
    /// Inside a node or fast domain; `None` when every node has one device.
    pub inside: Option<FabricModel>,
    /// Between nodes; `None` when there is one node.
    pub across: Option<FabricModel>,
}

/// Time of one collective among a group. A tier that the network lacks but the group needs takes for ever.
#[must_use]
pub fn collective_seconds(kind: Collective, bytes: Bytes, group: &RankGroup, network: &Network) -> Seconds {
    let (ranks, nodes) = (group.ranks, group.nodes());
    let per_node = group.per_node.clamp(1, ranks.max(1));
    if ranks < 2 || bytes.0 <= 0.0 {
        return Seconds::ZERO;
    }
    let operation = kind.operation();
    let (inside_bytes, across_bytes) =
        moved(kind, bytes.0, f64::from(ranks), f64::from(per_node), f64::from(nodes));
    let inside_ranks = if operation == Operation::SendReceive && nodes > 1 { 1 } else { per_node };
    let across_ranks = if operation == Operation::SendReceive { nodes.min(2) } else { nodes };
    let tier = |fabric: &Option<FabricModel>, ranks: u32, moved: f64, sharing: u32| match fabric {
        Some(fabric) => fabric.tier(operation, ranks, moved, f64::from(sharing.max(1))),
        None if ranks < 2 => Tier::default(),
        None => Tier { latency: 0.0, transfer: f64::INFINITY, ramp: 0.0 },
    };
    let inside = tier(&network.inside, inside_ranks, inside_bytes, 1);
    let across = tier(&network.across, across_ranks, across_bytes, group.sharing);
    seconds(Tier {
        latency: inside.latency + across.latency,
        transfer: inside.transfer.max(across.transfer),
        ramp: inside.ramp.max(across.ramp),
    })
}

/// Bytes that a rank sends inside its node, and that a node sends across.
fn moved(kind: Collective, bytes: f64, ranks: f64, per_node: f64, nodes: f64) -> (f64, f64) {
    let operation = kind.operation();
    match kind {
        Collective::AllToAll { imbalance } => {
            let load = bytes * imbalance.max(1.0) / ranks;
            (load * (per_node - 1.0), load * (ranks - per_node) * per_node)
        }
        Collective::SendReceive => (bytes, bytes),
        _ => (bytes * volume(operation, per_node), bytes * volume(operation, nodes)),
    }
}

/// Devices of the fast domain that an accelerator comes in: a rack for GB200 and GB300, a slice of `slice` chips for
/// TPUs, otherwise the usual host.
#[must_use]
pub fn fast_domain(accelerator: &Accelerator, slice: Option<u32>) -> u32 {
    if let Some(domain) = accelerator.link_domain {
        return u32::try_from(domain).unwrap_or(u32::MAX);
    }
    let host = u32::try_from(accelerator.per_host.unwrap_or(1)).unwrap_or(1);
    if accelerator.kind == AcceleratorKind::Tpu { slice.unwrap_or(host) } else { host }
}
