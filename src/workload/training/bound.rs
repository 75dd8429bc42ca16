//! What bounds a step, what is next behind it, and how far away that is.

use crate::units::Seconds;

/// A resource that a step can wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Component {
    /// Reading samples from storage.
    InputRead,
    /// Decoding and augmenting on the host.
    InputDecode,
    /// Copying to the device.
    HostToDevice,
    /// Arithmetic of the device.
    Compute,
    /// Memory of the device.
    MemoryBandwidth,
    /// Exchanging gradients.
    Network,
    /// Launching work.
    HostOverhead,
    /// Pipeline stages without a micro-batch.
    PipelineBubble,
    /// Starting over.
    Failures,
}

impl Component {
    /// The name in the result contract.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::InputRead => "input-read",
            Self::InputDecode => "input-decode",
            Self::HostToDevice => "host-to-device",
            Self::Compute => "compute",
            Self::MemoryBandwidth => "memory-bandwidth",
            Self::Network => "network",
            Self::HostOverhead => "host-overhead",
            Self::PipelineBubble => "pipeline-bubble",
            Self::Failures => "failures",
        }
    }
}

/// The bound of a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bound {
    /// What bounds.
    pub name: Component,
    /// Its time over the time of the step.
    pub share: f64,
    /// What would bound if this one were relaxed.
    pub next: Component,
    /// By what factor this one must be relaxed before the next takes over.
    pub margin: f64,
}

/// The bound of a pipelined step: the slowest of the input stages and the device; if the device, its largest part.
pub(super) fn bound_of(
    read: Seconds,
    decode: Seconds,
    host_to_device: Seconds,
    device: &[(Component, Seconds)],
    step: Seconds,
) -> Bound {
    let device_total: Seconds = device.iter().map(|(_, time)| *time).sum();
    let mut stages = vec![
        (Component::InputRead, read),
        (Component::InputDecode, decode),
        (Component::HostToDevice, host_to_device),
    ];
    let mut parts = device.to_vec();
    by_time(&mut parts);
    by_time(&mut stages);
    let largest = parts.first().copied().unwrap_or((Component::Compute, Seconds::ZERO));
    let slowest_input = stages[0];
    let step = step.max(Seconds(1e-12));
    if slowest_input.1 > device_total {
        // Behind an input bound stands either the next stage or the device with its largest part.
        let (next, next_time) =
            if stages[1].1 > device_total { stages[1] } else { (largest.0, device_total) };
        return Bound {
            name: slowest_input.0,
            share: (slowest_input.1 / step).min(1.0),
            next,
            margin: slowest_input.1 / next_time.max(Seconds(1e-12)),
        };
    }
    // The device bounds: halving its largest part helps until another part, or an input stage, is larger.
    let rest = device_total - largest.1;
    let until_input =
        if slowest_input.1 > rest { largest.1 / (slowest_input.1 - rest) } else { f64::INFINITY };
    let second = parts.get(1).copied().filter(|(_, time)| time.0 > 0.0);
    let until_part = second.map_or(f64::INFINITY, |(_, time)| largest.1 / time);
    let (next, margin) = match second {
        Some((part, _)) if until_part <= until_input => (part, until_part),
        _ if until_input.is_finite() => (slowest_input.0, until_input),
        _ => (slowest_input.0, largest.1 / slowest_input.1.max(Seconds(1e-12))),
    };
    Bound { name: largest.0, share: (largest.1 / step).min(1.0), next, margin }
}

fn by_time(items: &mut [(Component, Seconds)]) {
    items.sort_by(|left, right| right.1.0.total_cmp(&left.1.0));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(compute: f64, network: f64) -> Vec<(Component, Seconds)> {
        vec![(Component::Compute, Seconds(compute)), (Component::Network, Seconds(network))]
    }

    #[test]
    fn a_slow_decode_bounds_and_the_device_is_next() {
        let bound = bound_of(Seconds(0.1), Seconds(0.4), Seconds(0.0), &device(0.15, 0.05), Seconds(0.4));
        assert_eq!((bound.name, bound.next), (Component::InputDecode, Component::Compute));
        assert!((bound.margin - 2.0).abs() < 1e-12 && (bound.share - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_device_bound_names_its_largest_part() {
        let bound = bound_of(Seconds(0.1), Seconds(0.1), Seconds(0.0), &device(0.3, 0.6), Seconds(0.9));
        assert_eq!((bound.name, bound.next), (Component::Network, Component::Compute));
        assert!((bound.margin - 2.0).abs() < 1e-12);
    }
}
