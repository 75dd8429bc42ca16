//! The step of a model that was measured whole: one device, its node, and the exchange between nodes.

use crate::catalog::Provenance;
use crate::fleet::{Candidate, Network};
use crate::layout::{Plan, Reason};
use crate::steptime::{Across, DeviceLimit, DeviceTime, Exchange, Exposure, StepQuery, link_of};
use crate::units::{Bytes, Seconds};

use super::bound::Component;
use super::build::{Builder, DeviceStep};
use super::spec::Distribution;

/// Standard deviation of the logarithm of a network whose card is not known.
pub(super) const UNKNOWN_CARD_ERROR: f64 = 0.7;
/// Share of the backward pass that hides the exchange where neither the scenario nor a published job tells (assumed).
const USUAL_OVERLAP: f64 = 0.5;

/// Devices of a node, and the nodes that they make.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spread {
    pub per_node: u64,
    pub nodes: u64,
}

impl Builder<'_> {
    /// The step of a node by the rates fitted to published jobs. What the other nodes add comes from the same fit; where
    /// nothing like it was measured, or the scenario says how much is hidden, from the collective's own time.
    pub(super) fn whole_step(&self, candidate: &Candidate, plan: &Plan) -> Result<DeviceStep, Reason> {
        let per_node = candidate.accelerators_per_node().min(plan.devices);
        let spread = Spread { per_node, nodes: plan.devices.div_ceil(per_node) };
        let network = candidate.network();
        let device = self.device_time(candidate, plan, &network, spread)?;
        Ok(match device.exposed_across {
            Some(_) => fitted_step(device),
            None => self.stacked_step(plan, &network, spread, device),
        })
    }

    fn device_time(
        &self,
        candidate: &Candidate,
        plan: &Plan,
        network: &Network,
        spread: Spread,
    ) -> Result<DeviceTime, Reason> {
        let fitted = self.spec.overlap.is_none() && self.spec.distribution == Distribution::AllReduce;
        // All cards of the instance: it may be of several hosts.
        let card = candidate.instance.network.filter(|_| fitted);
        let across = |card| Across { nodes: spread.nodes, fabric: &network.across, card };
        let query = StepQuery {
            model: &self.spec.model,
            accelerator: candidate.accelerator.as_deref(),
            vcpus: candidate.instance.vcpus.unwrap_or(1.0),
            cpu: candidate.instance.cpu.as_deref(),
            precision: self.spec.precision,
            optimizer: &self.spec.optimizer,
            software: self.spec.software,
            micro_batch: plan.micro_batch as f64,
            gradient_accumulation: plan.gradient_accumulation as f64,
            devices: spread.per_node,
            fabric: &network.inside,
            across: card.map(across),
        };
        let device = self
            .step_times
            .device_time(self.catalog, &query)
            .map_err(|no| Reason::NoStepTime(no.to_string()))?;
        Ok(DeviceTime { compute: device.compute.max(self.floor(candidate, plan)), ..device })
    }

    /// No device computes faster than its peak: published runs that did used a lower precision than they said.
    fn floor(&self, candidate: &Candidate, plan: &Plan) -> Seconds {
        let peak =
            candidate.accelerator.as_ref().and_then(|accelerator| accelerator.peak(self.spec.precision));
        peak.map_or(Seconds::ZERO, |peak| self.spec.model.training_flops() * plan.samples_per_device() / peak)
    }

    /// The step of a node and on it what the backward pass does not hide of the exchange between nodes.
    pub(super) fn stacked_step(
        &self,
        plan: &Plan,
        network: &Network,
        spread: Spread,
        device: DeviceTime,
    ) -> DeviceStep {
        let exchange = self.exchange(plan, network, spread);
        let network_time = self.network_time(&exchange, plan, &device);
        let components = components(&device, network_time);
        // The exchange across nodes carries the error of its fabric, in proportion to its part of the step.
        let total: Seconds = components.iter().map(|(_, time)| *time).sum();
        let across_share =
            if total.0 > 0.0 { (network_time - device.exposed_inside).0.max(0.0) / total.0 } else { 0.0 };
        let several = spread.nodes > 1;
        let fabric_error = exchange.across.filter(|_| several).map_or(0.0, |across| across.uncertainty);
        let provenance = if several && across_share > 0.2 {
            device.provenance.max(Provenance::Assumed)
        } else {
            device.provenance
        };
        // A card of unknown speed may be several times faster or slower than the measured one.
        let guessed = several && network.across_bandwidth.is_none();
        let fabric_error = if guessed { fabric_error.max(UNKNOWN_CARD_ERROR) } else { fabric_error };
        DeviceStep {
            total,
            components,
            terms: Vec::new(),
            log_error: libm::hypot(device.log_error, fabric_error * across_share),
            provenance,
            basis: device.basis,
            guessed_card: guessed && across_share > 0.05,
            factors: Vec::new(),
            warnings: Vec::new(),
        }
    }

    fn exchange(&self, plan: &Plan, network: &Network, spread: Spread) -> Exchange {
        let link = |fabric: &str, nominal| link_of(self.catalog, fabric, nominal);
        let embedding_share = if self.spec.model.embedding_parameters > 0.0 { 1.0 } else { 0.0 };
        Exchange {
            per_node: u32::try_from(spread.per_node).unwrap_or(u32::MAX),
            nodes: u32::try_from(spread.nodes).unwrap_or(u32::MAX),
            gradients: Bytes(self.spec.model.parameters * self.spec.precision.bytes()),
            embeddings: self.pooled_bytes() * (plan.samples_per_device() * embedding_share),
            inside: link(&network.inside, network.inside_bandwidth),
            across: link(&network.across, network.across_bandwidth),
        }
    }

    /// Exposed exchange inside and between nodes.
    fn network_time(&self, exchange: &Exchange, plan: &Plan, device: &DeviceTime) -> Seconds {
        let backward = device.compute * (2.0 / 3.0) / plan.gradient_accumulation as f64;
        let overlap = self.spec.overlap.unwrap_or(USUAL_OVERLAP);
        match self.spec.distribution {
            Distribution::AllReduce => {
                let across = Exposure::hidden_behind(exchange.across_time(), backward, overlap);
                device.exposed_inside + across.exposed
            }
            Distribution::ParameterServer { servers, .. } => {
                let pull = exchange.parameter_server_time(servers);
                Exposure::hidden_behind(pull, backward, overlap).exposed
            }
        }
    }

    /// Pooled embedding vectors that a sample sends to other devices: one vector per table and the gradient back.
    fn pooled_bytes(&self) -> Bytes {
        // 26 categorical features of 128 values in compute precision is the usual recommender; models without that
        // figure exchange nothing.
        let lookups = self.spec.model.embedding_lookup_bytes;
        lookups.min(Bytes(26.0 * 128.0 * self.spec.precision.bytes()))
    }
}

/// The step of the whole job by the fit alone.
fn fitted_step(device: DeviceTime) -> DeviceStep {
    let across = device.exposed_across.unwrap_or(Seconds::ZERO);
    let components = components(&device, device.exposed_inside + across);
    DeviceStep {
        total: components.iter().map(|(_, time)| *time).sum(),
        components,
        terms: Vec::new(),
        log_error: device.log_error,
        provenance: device.provenance,
        basis: device.basis,
        guessed_card: false,
        factors: Vec::new(),
        warnings: Vec::new(),
    }
}

fn components(device: &DeviceTime, network: Seconds) -> Vec<(Component, Seconds)> {
    let computing = match device.limit {
        DeviceLimit::Compute => Component::Compute,
        DeviceLimit::MemoryBandwidth => Component::MemoryBandwidth,
    };
    vec![
        (computing, device.compute),
        (Component::HostOverhead, device.host_overhead),
        (Component::Network, network),
    ]
}
