//! One concrete fleet.

use std::sync::Arc;

use crate::catalog::{Accelerator, AcceleratorKind, Instance, InstanceKind, Purchase};
use crate::units::{BytesPerSecond, PricePerHour};

use super::{GroupRole, HostingKind, LayoutRequest, Placement, Replicas};

/// One instance type, count, region and term.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Unique name.
    pub name: String,
    /// The machine.
    pub instance: Arc<Instance>,
    /// Its accelerator; `None` for CPU-only machines.
    pub accelerator: Option<Arc<Accelerator>>,
    /// Instances.
    pub count: u64,
    /// Region.
    pub region: String,
    /// Terms.
    pub purchase: Purchase,
    /// Layout asked for.
    pub layout: LayoutRequest,
    /// Replicas of a served model.
    pub replicas: Replicas,
    /// Where the model lives; `None` for the workload's.
    pub hosting: Option<HostingKind>,
    /// How several models share the machines.
    pub placement: Placement,
    /// Hourly price of an owned or unlisted machine.
    pub owned_price: Option<PricePerHour>,
    /// What its machines are for, where the fleet is made of groups.
    pub role: Option<GroupRole>,
    /// The groups beside this one, each with machines and terms of its own.
    pub others: Vec<Candidate>,
}

/// How accelerators of a fleet reach each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// Fabric inside a node, by catalog name.
    pub inside: String,
    /// Nominal bandwidth per accelerator and direction inside a node, where known.
    pub inside_bandwidth: Option<BytesPerSecond>,
    /// Fabric between nodes, by catalog name.
    pub across: String,
    /// NIC bandwidth of a node, where known.
    pub across_bandwidth: Option<BytesPerSecond>,
}

impl Candidate {
    /// This group and those beside it.
    pub fn groups(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.others)
    }

    /// Accelerators that share a fast fabric and a host: a whole slice for TPUs, an instance for others.
    #[must_use]
    pub fn accelerators_per_node(&self) -> u64 {
        match &self.accelerator {
            Some(_) => self.instance.whole_accelerators().max(1),
            None => 1,
        }
    }

    /// Accelerators of the whole fleet; a CPU-only machine counts as one device.
    #[must_use]
    pub fn devices(&self) -> u64 {
        self.count.saturating_mul(self.accelerators_per_node())
    }

    /// Host machines of the fleet: an instance is one, a TPU slice several.
    #[must_use]
    pub fn hosts(&self) -> u64 {
        self.count.saturating_mul(self.instance.hosts)
    }

    /// Accelerators fed by one host.
    #[must_use]
    pub fn devices_per_host(&self) -> f64 {
        self.devices() as f64 / self.hosts().max(1) as f64
    }

    /// vCPUs of one host.
    #[must_use]
    pub fn vcpus_per_host(&self) -> Option<f64> {
        self.instance.vcpus.map(|vcpus| vcpus / self.instance.hosts as f64)
    }

    /// Fabrics inside and between nodes.
    #[must_use]
    pub fn network(&self) -> Network {
        let across_bandwidth = self.instance.network.map(|rate| rate / self.instance.hosts as f64);
        let (inside, inside_bandwidth) = match &self.accelerator {
            None => ("host-memory".to_owned(), None),
            Some(accelerator) => inside_fabric(accelerator),
        };
        Network { inside, inside_bandwidth, across: self.across_fabric().to_owned(), across_bandwidth }
    }

    /// Between nodes: joined TPU slices use the data-centre network; what is not known to be faster is TCP, with a slower
    /// term of its own for two nodes (measured: 50.2 samples/s on one node of T4, 37.8 on two, 82.2 on three).
    fn across_fabric(&self) -> &'static str {
        if self.instance.kind == InstanceKind::TpuSlice {
            return "tpu-dcn";
        }
        let nic = self.instance.network.map_or(0.0, |rate| rate.0 / 125e6);
        match self.instance.provider.as_str() {
            "aws" if nic >= 100.0 => "efa",
            "gcp" if nic >= 1600.0 => "gpudirect-tcpxo",
            "gcp" if nic >= 800.0 => "gpudirect-tcpx",
            "azure" | "oci" | "lambda" | "nebius" if nic >= 400.0 => "infiniband",
            _ if self.count == 2 => "tcp-2-nodes",
            _ => "tcp",
        }
    }
}

/// The device link, or the PCIe tree of hosts whose devices have none: fabric by catalog name, nominal rate per device
/// and direction.
#[must_use]
pub fn inside_fabric(accelerator: &Accelerator) -> (String, Option<BytesPerSecond>) {
    let pcie = || (format!("pcie-gen{}", accelerator.pcie_or_oldest()), Some(accelerator.pcie_bandwidth()));
    match (accelerator.interconnect.as_str(), accelerator.kind) {
        ("nvlink", _) => {
            let version = match accelerator.generation.as_str() {
                "pascal" | "volta" => 2,
                "ampere" => 3,
                "hopper" => 4,
                _ => 5,
            };
            (format!("nvlink-v{version}"), accelerator.link_bandwidth)
        }
        ("ici", _) => {
            let version = accelerator.name.rsplit('-').next().unwrap_or_default();
            (format!("ici-{version}"), accelerator.link_bandwidth)
        }
        ("pcie" | "none", AcceleratorKind::Gpu | AcceleratorKind::Asic) => pcie(),
        (link, _) => (link.to_owned(), accelerator.link_bandwidth),
    }
}
