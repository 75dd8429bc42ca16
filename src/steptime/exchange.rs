//! What exchanging gradients adds to a step: the all-reduce that the backward pass does not hide.

use crate::catalog::{Catalog, Fabric};
use crate::units::{Bytes, BytesPerSecond, Seconds};

use super::collectives::{
    Link, all_to_all, double_binary_tree_all_reduce, parameter_server_sync, ring_all_gather, ring_all_reduce,
    ring_reduce_scatter,
};

/// A fabric with the bandwidth it really gives to one device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FabricLink {
    /// Latency and achieved bandwidth.
    pub link: Link,
    /// Relative error of the fit behind them.
    pub uncertainty: f64,
}

/// The link that a fabric gives where the nominal bandwidth is known: the fitted share of it, for TCP at
/// least the rate measured, and never more than the card.
#[must_use]
pub fn link_of(catalog: &Catalog, fabric: &str, nominal: Option<BytesPerSecond>) -> Option<FabricLink> {
    let Fabric { alpha, bandwidth_share, large_message_bandwidth, uncertainty, .. } =
        catalog.fabrics.get(fabric)?;
    let of_nominal = nominal.map(|rate| rate * *bandwidth_share);
    let bandwidth = match (of_nominal, large_message_bandwidth) {
        // TCP is limited by the host as much as by the card: on faster cards the measured rate is the least to expect.
        (Some(share), Some(measured)) if fabric.starts_with("tcp") => {
            share.max(*measured).min(nominal.unwrap_or(*measured))
        }
        (Some(share), _) => share,
        (None, Some(measured)) => *measured,
        (None, None) => return None,
    };
    Some(FabricLink { link: Link { latency: *alpha, bandwidth }, uncertainty: *uncertainty })
}

/// Who exchanges how much over which links.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exchange {
    /// Devices in a node.
    pub per_node: u32,
    /// Nodes.
    pub nodes: u32,
    /// Gradient bytes of the dense parameters.
    pub gradients: Bytes,
    /// Embedding bytes that each device sends to the others, each way.
    pub embeddings: Bytes,
    /// Link inside a node; `None` when a node has one device.
    pub inside: Option<FabricLink>,
    /// Link of a node to the others; `None` when there is one node.
    pub across: Option<FabricLink>,
}

/// The part of an exchange that the step feels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exposure {
    /// Time of the whole exchange.
    pub total: Seconds,
    /// What is left when the backward pass has hidden what it can.
    pub exposed: Seconds,
}

impl Exchange {
    /// Time across nodes: each node's reduced gradients over its own card, ring or double binary tree, the better one.
    #[must_use]
    pub fn across_time(&self) -> Seconds {
        let Some(FabricLink { link, .. }) = self.across.filter(|_| self.nodes > 1) else {
            return Seconds::ZERO;
        };
        let ring = ring_all_reduce(self.nodes, self.gradients, link);
        let reduce = ring.min(double_binary_tree_all_reduce(self.nodes, self.gradients, link));
        // All devices of a node share its card; pooled vectors go forward and their gradients back.
        let node_embeddings = self.embeddings * f64::from(self.per_node);
        reduce + all_to_all(self.nodes, node_embeddings, link) * 2.0
    }

    /// Time inside a node: reduce-scatter and all-gather around the exchange across, and the embeddings' all-to-all.
    #[must_use]
    pub fn inside_time(&self) -> Seconds {
        let Some(FabricLink { link, .. }) = self.inside.filter(|_| self.per_node > 1) else {
            return Seconds::ZERO;
        };
        ring_reduce_scatter(self.per_node, self.gradients, link)
            + ring_all_gather(self.per_node, self.gradients, link)
            + all_to_all(self.per_node, self.embeddings, link) * 2.0
    }

    /// Push and pull with parameter servers instead: each node reduces inside first, so that one worker a node pushes.
    #[must_use]
    pub fn parameter_server_time(&self, servers: u32) -> Seconds {
        let Some(FabricLink { link, .. }) = self.across.or(self.inside) else { return Seconds::ZERO };
        self.inside_time()
            + parameter_server_sync(self.nodes, servers.max(1), self.gradients, link.bandwidth)
            + link.latency * 2.0
    }
}

impl Exposure {
    /// What remains of `total` when `overlap` of the backward pass can hide it.
    #[must_use]
    pub fn hidden_behind(total: Seconds, backward: Seconds, overlap: f64) -> Self {
        Self { total, exposed: (total - backward * overlap).max(Seconds::ZERO) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(bandwidth: f64) -> Option<FabricLink> {
        let link = Link { latency: Seconds(1e-5), bandwidth: BytesPerSecond(bandwidth) };
        Some(FabricLink { link, uncertainty: 0.2 })
    }

    fn exchange(per_node: u32, nodes: u32) -> Exchange {
        let (inside, across) = (link(1e11), link(1e9));
        Exchange { per_node, nodes, gradients: Bytes(1e9), embeddings: Bytes::ZERO, inside, across }
    }

    #[test]
    fn the_node_boundary_is_a_cliff() {
        let inside = exchange(8, 1);
        let across = exchange(8, 2);
        assert_eq!(inside.across_time(), Seconds::ZERO);
        assert!(across.across_time().0 > 20.0 * inside.inside_time().0);
    }

    #[test]
    fn one_device_exchanges_nothing() {
        let alone = exchange(1, 1);
        assert_eq!(alone.inside_time() + alone.across_time(), Seconds::ZERO);
    }

    #[test]
    fn what_the_backward_pass_hides_costs_nothing() {
        let hidden = Exposure::hidden_behind(Seconds(0.1), Seconds(1.0), 0.5);
        assert_eq!(hidden.exposed, Seconds::ZERO);
        assert_eq!(Exposure::hidden_behind(Seconds(0.1), Seconds(1.0), 0.0).exposed, Seconds(0.1));
    }
}
