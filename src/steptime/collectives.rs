//! Collective operations: how long ranks take to exchange tensors.
//!
//! The latency-bandwidth (α-β) model of each algorithm, for one link speed per tier. Which latency and
//! bandwidth a fabric really gives, and in what share, is measured and fitted elsewhere; a collective of one
//! rank takes no time.
//!
//! Sources: Thakur, Rabenseifner and Gropp 2005 (ring, recursive halving and doubling, binomial trees);
//! Sanders, Speck and Träff 2009 (double binary tree); NVIDIA's nccl-tests, doc/PERFORMANCE.md (bus
//! bandwidth).

use crate::units::{Bytes, BytesPerSecond, Seconds};

/// One hop between two ranks: sending `size` takes `latency + size / bandwidth`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Link {
    /// Time of an empty message (α).
    pub latency: Seconds,
    /// Bytes per second in one direction (1/β).
    pub bandwidth: BytesPerSecond,
}

impl Link {
    /// The time of one message.
    #[must_use]
    pub fn send(&self, size: Bytes) -> Seconds {
        self.latency + size / self.bandwidth
    }

    fn messages(&self, count: f64, size: Bytes) -> Seconds {
        self.latency * count + size / self.bandwidth
    }
}

/// The share of a tensor that a rank sends in a reduce-scatter or an all-gather: (n − 1)/n.
fn foreign_share(ranks: u32) -> f64 {
    f64::from(ranks.saturating_sub(1)) / f64::from(ranks.max(1))
}

/// Other ranks.
fn others(ranks: u32) -> f64 {
    f64::from(ranks.saturating_sub(1))
}

/// Rounds in which information doubles: log₂ n, rounded up.
fn doublings(ranks: u32) -> f64 {
    f64::from(ranks.max(1).next_power_of_two().trailing_zeros())
}

/// Ring all-reduce of `size`: 2(n−1)·α + 2(n−1)/n·S/B.
#[must_use]
pub fn ring_all_reduce(ranks: u32, size: Bytes, link: Link) -> Seconds {
    link.messages(2.0 * others(ranks), size * (2.0 * foreign_share(ranks)))
}

/// Ring reduce-scatter of `size`, of which each rank keeps 1/n: (n−1)·α + (n−1)/n·S/B.
#[must_use]
pub fn ring_reduce_scatter(ranks: u32, size: Bytes, link: Link) -> Seconds {
    link.messages(others(ranks), size * foreign_share(ranks))
}

/// Ring all-gather, `size` being what each rank holds afterwards: (n−1)·α + (n−1)/n·S/B.
#[must_use]
pub fn ring_all_gather(ranks: u32, size: Bytes, link: Link) -> Seconds {
    ring_reduce_scatter(ranks, size, link)
}

/// Pairwise all-to-all, `size` being what each rank sends in all: (n−1)·α + (n−1)/n·S/B.
#[must_use]
pub fn all_to_all(ranks: u32, size: Bytes, link: Link) -> Seconds {
    ring_reduce_scatter(ranks, size, link)
}

/// Binomial reduce and broadcast, whole messages: 2·⌈log₂ n⌉·(α + S/B).
#[must_use]
pub fn tree_all_reduce(ranks: u32, size: Bytes, link: Link) -> Seconds {
    link.send(size) * (2.0 * doublings(ranks))
}

/// Double binary tree, pipelined: 2·⌈log₂ n⌉·α + 2·S/B; each rank is inner node of one tree and leaf of the
/// other, so all bandwidth is used.
#[must_use]
pub fn double_binary_tree_all_reduce(ranks: u32, size: Bytes, link: Link) -> Seconds {
    if ranks <= 1 {
        return Seconds::ZERO;
    }
    link.messages(2.0 * doublings(ranks), size * 2.0)
}

/// Recursive halving and doubling: 2·log₂ n·α + 2(n−1)/n·S/B for a power of two. Otherwise the ranks beyond
/// the next lower power of two first hand in their tensor and get the sum back at the end: 2·(α + S/B) more.
#[must_use]
pub fn recursive_halving_doubling(ranks: u32, size: Bytes, link: Link) -> Seconds {
    let ranks = ranks.max(1);
    let core = 1 << ranks.ilog2();
    let folded = if core == ranks { Seconds::ZERO } else { link.send(size) * 2.0 };
    folded + link.messages(2.0 * doublings(core), size * (2.0 * foreign_share(core)))
}

/// All-reduce over nodes of `per_node` ranks each, every rank with a rail of its own to the other nodes:
/// reduce-scatter inside, ring all-reduce of each rank's shard across, all-gather inside.
#[must_use]
pub fn hierarchical_all_reduce(
    per_node: u32,
    nodes: u32,
    size: Bytes,
    inside: Link,
    across: Link,
) -> Seconds {
    let shard = size / f64::from(per_node.max(1));
    ring_reduce_scatter(per_node, size, inside)
        + ring_all_reduce(nodes, shard, across)
        + ring_all_gather(per_node, size, inside)
}

/// Bus bandwidth over algorithm bandwidth (size over time) of an all-reduce: 2(n−1)/n.
#[must_use]
pub fn bus_bandwidth_factor(ranks: u32) -> f64 {
    2.0 * foreign_share(ranks)
}

/// A synchronous push and pull of a dense model of `size` between `workers` and `servers` that share it
/// evenly: 2·max(w·S/(p·B), S/B), whichever side's network cards are fuller. No server means that nobody ever
/// answers.
#[must_use]
pub fn parameter_server_sync(workers: u32, servers: u32, size: Bytes, card: BytesPerSecond) -> Seconds {
    let at_servers = size * (f64::from(workers) / f64::from(servers)) / card;
    at_servers.max(size / card) * 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: Link = Link { latency: Seconds(1e-5), bandwidth: BytesPerSecond(1e10) };
    const SIZE: Bytes = Bytes(1e8);

    #[test]
    fn one_rank_has_nobody_to_wait_for() {
        for collective in [
            ring_all_reduce,
            ring_reduce_scatter,
            ring_all_gather,
            all_to_all,
            tree_all_reduce,
            double_binary_tree_all_reduce,
            recursive_halving_doubling,
        ] {
            assert_eq!(collective(1, SIZE, LINK), Seconds::ZERO);
            assert_eq!(collective(0, SIZE, LINK), Seconds::ZERO);
        }
        assert_eq!(hierarchical_all_reduce(1, 1, SIZE, LINK, LINK), Seconds::ZERO);
        assert_eq!(bus_bandwidth_factor(1), 0.0);
    }

    #[test]
    fn an_all_reduce_is_a_reduce_scatter_and_an_all_gather() {
        for ranks in [2, 3, 8, 100] {
            let parts = ring_reduce_scatter(ranks, SIZE, LINK) + ring_all_gather(ranks, SIZE, LINK);
            assert!((parts / ring_all_reduce(ranks, SIZE, LINK) - 1.0).abs() < 1e-14);
        }
    }

    #[test]
    fn trees_win_small_messages_and_rings_large_ones() {
        let small = Bytes(1e3);
        assert!(double_binary_tree_all_reduce(64, small, LINK) < ring_all_reduce(64, small, LINK));
        let large = Bytes(1e10);
        assert!(ring_all_reduce(64, large, LINK) < double_binary_tree_all_reduce(64, large, LINK));
        assert!(double_binary_tree_all_reduce(64, large, LINK) < tree_all_reduce(64, large, LINK));
    }

    #[test]
    fn a_count_that_is_no_power_of_two_pays_for_the_folded_ranks() {
        let at = |ranks| recursive_halving_doubling(ranks, SIZE, LINK);
        assert!(at(4) < at(5));
        assert_eq!(at(5), at(4) + LINK.send(SIZE) * 2.0);
    }

    #[test]
    fn two_tiers_of_equal_links_cost_no_more_bandwidth_than_one_ring() {
        let free = Link { latency: Seconds::ZERO, ..LINK };
        let tiers = hierarchical_all_reduce(8, 4, SIZE, free, free);
        assert!((tiers / ring_all_reduce(32, SIZE, free) - 1.0).abs() < 1e-14);
    }
}
