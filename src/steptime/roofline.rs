//! The roofline: what arithmetic and memory traffic take when neither can be faster than its ceiling.
//!
//! Source: Williams, Waterman and Patterson 2009.

use crate::units::{Bytes, BytesPerSecond, Flops, FlopsPerSecond, Seconds};

/// The two ceilings of a device, as given: whether a datasheet's or a measured share of it is the caller's
/// business.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Roofline {
    /// Arithmetic per second.
    pub peak: FlopsPerSecond,
    /// Memory traffic per second.
    pub bandwidth: BytesPerSecond,
}

/// The ceiling that decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ceiling {
    /// Arithmetic.
    Compute,
    /// Memory traffic.
    Memory,
}

impl Roofline {
    /// The arithmetic intensity (operations per byte) at which both ceilings are met.
    #[must_use]
    pub fn ridge(&self) -> f64 {
        self.peak.0 / self.bandwidth.0
    }

    /// The rate attainable at an intensity in operations per byte: min(peak, bandwidth·intensity).
    #[must_use]
    pub fn attainable(&self, intensity: f64) -> FlopsPerSecond {
        self.peak.min(FlopsPerSecond(self.bandwidth.0 * intensity))
    }

    /// The time of `work` that moves `traffic`, perfectly overlapped: the larger of the two times.
    #[must_use]
    pub fn time(&self, work: Flops, traffic: Bytes) -> Seconds {
        (work / self.peak).max(traffic / self.bandwidth)
    }

    /// Which ceiling decides the time of `work` that moves `traffic`; at the ridge it is compute.
    #[must_use]
    pub fn ceiling(&self, work: Flops, traffic: Bytes) -> Ceiling {
        if work / self.peak >= traffic / self.bandwidth { Ceiling::Compute } else { Ceiling::Memory }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEVICE: Roofline = Roofline { peak: FlopsPerSecond(3.0e14), bandwidth: BytesPerSecond(2.0e12) };

    #[test]
    fn time_and_attainable_rate_tell_the_same() {
        for intensity in [1.0, 100.0, 150.0, 1000.0] {
            let (work, traffic) = (Flops(1e12 * intensity), Bytes(1e12));
            let rate = work / DEVICE.time(work, traffic);
            assert!((rate.0 / DEVICE.attainable(intensity).0 - 1.0).abs() < 1e-14);
        }
    }

    #[test]
    fn the_ceiling_changes_at_the_ridge() {
        let ceiling = |intensity: f64| DEVICE.ceiling(Flops(intensity), Bytes(1.0));
        assert_eq!(DEVICE.ridge(), 150.0);
        assert_eq!(ceiling(149.0), Ceiling::Memory);
        assert_eq!(ceiling(151.0), Ceiling::Compute);
    }
}
