//! What the other nodes of a job add to a step, where published jobs tell.

use crate::catalog::Catalog;
use crate::units::BytesPerSecond;

use super::factors::Setting;
use super::predict::{NoStepTime, RatePrediction, StepTimes};

/// Fabrics whose cards read device memory, or nearly. Most rows of several nodes in the shipped observations are over such a
/// network, or taken for it where they do not tell; those over Ethernet are too few to tell how far the host limits plain
/// TCP.
const MEASURED_FABRICS: &[&str] = &["infiniband", "roce", "efa", "gpudirect-tcpx", "gpudirect-tcpxo"];

/// Bytes per second in steps of two, as cards are sold: from 0.8 Gbit/s to 200 Tbit/s, and without limit.
fn cards() -> impl Iterator<Item = f64> {
    let sold = |step: i32| 12.5e9 * libm::exp2(f64::from(step));
    (-7..=11).map(sold).chain([f64::INFINITY])
}

/// The nodes of a job that exchange gradients in every step, and how they reach each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Across<'a> {
    /// Nodes, the own one included.
    pub nodes: u64,
    /// Fabric between them, by its name in the catalog.
    pub fabric: &'a str,
    /// Nominal bandwidth of all cards of a node.
    pub card: BytesPerSecond,
}

impl Across<'_> {
    /// Whether there is an exchange, and the regression has seen its like.
    pub(super) fn is_measured(&self) -> bool {
        self.nodes > 1 && MEASURED_FABRICS.contains(&self.fabric)
    }
}

impl StepTimes {
    /// The rate of one device of `node` while all nodes work together: no more than with any faster card.
    ///
    /// The fitted slopes of an exchange may outweigh its place in the offset, or set in only where rows begin, so that a
    /// slower card would seem faster.
    pub(super) fn rate_across(
        &self,
        catalog: &Catalog,
        node: &Setting<'_>,
        across: &Across<'_>,
    ) -> Result<RatePrediction, NoStepTime> {
        let over =
            |card| self.rate(catalog, &Setting { hosts: across.nodes, card: Some(card), ..node.clone() });
        let mut slowest = over(across.card.0)?;
        for card in cards().filter(|card| *card > across.card.0) {
            let faster = over(card)?.samples_per_second;
            slowest.samples_per_second = slowest.samples_per_second.min(faster);
        }
        Ok(slowest)
    }
}
