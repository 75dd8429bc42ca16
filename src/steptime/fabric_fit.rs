//! Fitting the curves of collectives to tables of measured calls.

use crate::units::{Bytes, BytesPerSecond, Seconds};

use super::fabric::{CollectiveCurve, Operation};
use super::kernels::{descend, robust, within};

/// One measured collective inside a switched domain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CollectiveObservation {
    /// Operation.
    pub operation: Operation,
    /// Devices.
    pub ranks: u32,
    /// Bytes, as [`super::fabric::Collective`] counts them.
    pub bytes: Bytes,
    /// Nominal bandwidth per device and direction.
    pub nominal: BytesPerSecond,
    /// Time measured.
    pub seconds: Seconds,
}

impl CollectiveObservation {
    /// ln(predicted ÷ measured) of a curve.
    #[must_use]
    pub fn log_error(&self, curve: &CollectiveCurve) -> f64 {
        let predicted = curve.seconds(self.operation, self.ranks, self.bytes, self.nominal);
        libm::log(predicted / self.seconds)
    }
}

/// The curve of measured calls of one operation on one fabric.
#[must_use]
pub fn fit_collective(observations: &[CollectiveObservation]) -> CollectiveCurve {
    // Between two devices hops and small groups cannot be told apart, and nothing beats the wire; reductions inside a
    // switch may.
    let pair = observations.iter().all(|row| row.operation == Operation::SendReceive);
    let (hop, fastest, loss) = if pair { (0.0, 1.0, 0.0) } else { (8e-6, 1.3, 0.95) };
    let curve = |p: &[f64]| CollectiveCurve {
        base_s: within(p[0], 0.0, 3e-5),
        hop_s: within(p[1], 0.0, hop),
        ramp: within(p[2], 0.0, 4.0),
        share: within(p[3], 0.3, fastest),
        small_group: within(p[4], 0.0, loss),
    };
    let loss = |p: &[f64]| {
        let curve = curve(p);
        observations.iter().map(|row| robust(row.log_error(&curve))).sum()
    };
    curve(&descend(loss, &[[0.2, 0.2, 0.2, 0.6, 0.4], [0.3, 0.1, 0.5, 0.4, 0.2]]))
}
