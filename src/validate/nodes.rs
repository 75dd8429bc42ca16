//! What several hosts add to a step: the exchange between them that the backward pass does not hide.

use crate::catalog::Catalog;
use crate::steptime::{Exchange, Exposure, link_of};
use crate::units::{Bytes, BytesPerSecond, Seconds};

use super::configuration::Configuration;
use super::resolve::{Resolved, Skip};
use super::text;

/// Part of the backward pass that can hide the exchange, as a scenario assumes by default.
const OVERLAP: f64 = 0.5;
/// Slowdown per doubling of the hosts, as ln(time): steps wait for the slowest of more inputs. Chosen on the rows of
/// several hosts of the public table (2 to 100 hosts), which it is then scored on.
const STRAGGLING: f64 = 0.04;
/// Standard deviation of ln(error) that scaling out adds: at two hosts, and per further doubling (same rows).
const SCALING_ERROR: [f64; 2] = [0.12, 0.06];

/// The hosts of a job and what joins them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Across {
    pub nodes: u64,
    network: text::Network,
}

/// The network of a row that spans hosts whose devices are `linked` to each other or not.
pub(super) fn across(row: &Configuration, nodes: u64, linked: bool) -> Result<Across, Skip> {
    let usual = text::Network { fabric: "infiniband", bandwidth: None };
    // Hosts of benchmark rounds whose devices have links of their own are joined by InfiniBand or its like.
    let network = text::network(&row.network).or((row.stack == "mlperf" && linked).then_some(usual));
    Ok(Across { nodes, network: network.ok_or(Skip::Network)? })
}

/// The rate of one device with the exchange between hosts, and the error that it adds.
pub(super) fn over_hosts(
    catalog: &Catalog,
    row: &Resolved<'_>,
    across: Across,
    rate: f64,
) -> Option<(f64, f64)> {
    let nominal =
        across.network.bandwidth.map_or_else(|| usual_bandwidth(row, across.network.fabric), BytesPerSecond);
    let link = link_of(catalog, across.network.fabric, Some(nominal))?;
    let bytes = if row.arithmetic == crate::steptime::Arithmetic::Mixed { 2.0 } else { 4.0 };
    let step = row.micro_batch * row.accumulation / rate;
    let exchange = Exchange {
        per_node: u32::try_from(row.in_host).ok()?,
        nodes: u32::try_from(across.nodes).ok()?,
        gradients: Bytes(row.model.parameters * bytes),
        embeddings: pooled(row, bytes),
        inside: None,
        across: Some(link),
    };
    // The backward pass of the last micro-step hides what it can: two thirds of its time are backward.
    let backward = Seconds(row.micro_batch / rate * 2.0 / 3.0);
    let exposed = Exposure::hidden_behind(exchange.across_time(), backward, OVERLAP).exposed.0;
    let doublings = libm::log2(across.nodes as f64);
    let whole = (step + exposed) * libm::exp(STRAGGLING * doublings);
    let scaling = SCALING_ERROR[0] + SCALING_ERROR[1] * (doublings - 1.0).max(0.0);
    let error = libm::hypot(scaling, link.uncertainty * exposed / whole);
    Some((row.micro_batch * row.accumulation / whole, error))
}

/// Pooled embedding vectors that a device sends: 26 of 128 values for each sample, or fewer where it reads fewer.
fn pooled(row: &Resolved<'_>, bytes: f64) -> Bytes {
    if row.model.embedding_parameters > 0.0 {
        row.model.embedding_lookup_bytes.min(Bytes(26.0 * 128.0 * bytes)) * row.micro_batch
    } else {
        Bytes::ZERO
    }
}

/// Where a row names the network but no rate: one 200 Gbit/s card a device for InfiniBand and its like, 10 Gbit/s a
/// host for Ethernet.
fn usual_bandwidth(row: &Resolved<'_>, fabric: &str) -> BytesPerSecond {
    if fabric == "tcp" { BytesPerSecond(1.25e9) } else { BytesPerSecond(25e9 * row.in_host as f64) }
}
