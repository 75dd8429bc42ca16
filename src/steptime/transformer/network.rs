//! Who of a job exchanges with whom over which fabric.

use crate::catalog::{Accelerator, Catalog};
use crate::steptime::fabric::{Collective, FabricModel, Network, RankGroup, collective_seconds, fast_domain};
use crate::steptime::fabric_profile::CollectiveProfile;
use crate::units::{Bytes, BytesPerSecond};

/// The fabrics of a machine as a question of steps states them.
#[derive(Clone, Copy, Debug)]
pub struct Wiring<'a> {
    /// Fabric inside a node, by catalog name.
    pub inside: &'a str,
    /// Its nominal rate per device and direction, where known.
    pub inside_rate: Option<BytesPerSecond>,
    /// Fabric between nodes, by catalog name.
    pub across: &'a str,
    /// Nominal rate of all cards of a host, where known.
    pub host_rate: Option<BytesPerSecond>,
    /// Devices of a host.
    pub per_host: u64,
    /// Devices of a slice, where hosts of a slice share one torus.
    pub slice: Option<u64>,
}

/// The network of a job.
#[derive(Clone, Copy, Debug)]
pub struct JobNetwork {
    network: Network,
    /// Devices of the fast domain: a host, a rack of one NVLink domain, or a slice.
    domain: u64,
}

impl JobNetwork {
    /// The network of a machine's fabrics. What the catalog has no fabric for is missing, and takes for ever.
    #[must_use]
    pub fn of(
        catalog: &Catalog,
        profile: &CollectiveProfile,
        accelerator: &Accelerator,
        wiring: &Wiring<'_>,
    ) -> Self {
        let per_host = wiring.per_host.max(1);
        let slice = wiring.slice.map(|slice| u32::try_from(slice).unwrap_or(u32::MAX));
        let usual = u64::from(fast_domain(accelerator, slice));
        // Hosts with fewer or more devices than usual are their own domain; racks and slices span hosts.
        let domain = if usual > accelerator.per_host.unwrap_or(per_host) { usual } else { per_host };
        let hosts = domain as f64 / per_host as f64;
        let cards = wiring.host_rate.map(|rate| rate * hosts.max(1.0));
        let inside = FabricModel::new(catalog, profile, wiring.inside, wiring.inside_rate);
        let inside = if accelerator.no_peer_access {
            inside.map(|fabric| fabric.without_peer_access(catalog))
        } else {
            inside
        };
        let network = Network { inside, across: FabricModel::new(catalog, profile, wiring.across, cards) };
        Self { network, domain }
    }

    /// Devices of the fast domain.
    #[must_use]
    pub fn domain(&self) -> u64 {
        self.domain
    }

    /// Seconds of a collective among `ranks` devices that stand `stride` apart.
    pub(in crate::steptime) fn seconds(&self, kind: Collective, bytes: f64, ranks: u64, stride: u64) -> f64 {
        if ranks <= 1 || bytes <= 0.0 {
            return 0.0;
        }
        let per_node = (self.domain / stride.max(1)).clamp(1, ranks);
        let sharing = stride.min(self.domain).max(1);
        let narrow = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        let group = RankGroup { ranks: narrow(ranks), per_node: narrow(per_node), sharing: narrow(sharing) };
        collective_seconds(kind, Bytes(bytes), &group, &self.network).0
    }

    /// Seconds of sending `bytes` along a chain of `stages` groups of `stride` devices, while all devices do: the slowest
    /// hop sets the pace, and a chain longer than a domain has one that leaves it.
    pub(in crate::steptime) fn send(&self, bytes: f64, stride: u64, stages: u64) -> f64 {
        let leaves = stride.saturating_mul(stages) > self.domain;
        let group = RankGroup {
            ranks: 2,
            per_node: if leaves { 1 } else { 2 },
            sharing: u32::try_from(stride.min(self.domain)).unwrap_or(u32::MAX).max(1),
        };
        collective_seconds(Collective::SendReceive, Bytes(bytes), &group, &self.network).0
    }

    /// Seconds of exchanging tokens with experts on `ranks` neighbours: inside a domain to each expert, across once to
    /// each domain that a token visits.
    pub(in crate::steptime) fn dispatch(&self, token_bytes: f64, visits: f64, ranks: u64) -> f64 {
        let even = Collective::AllToAll { imbalance: 1.0 };
        let near = ranks.min(self.domain);
        let inside = self.seconds(even, token_bytes * visits, near, 1);
        let domains = ranks.div_ceil(near.max(1));
        if domains <= 1 {
            return inside;
        }
        let count = domains as f64;
        let met = count * (1.0 - libm::pow(1.0 - 1.0 / count, visits));
        inside + self.seconds(even, token_bytes * met, domains, self.domain)
    }
}
