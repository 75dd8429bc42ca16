//! How much of a device's nominal bandwidth a group of neighbours can use.
//!
//! Switched fabrics give all of it to any group. Where every device has a link to every other (xGMI), a group of n uses
//! n − 1 of its links. In a torus a group occupies axes; each axis is a ring where it wraps around and a line, at half
//! the bandwidth, where it does not (Jouppi et al. 2023; Google Cloud's descriptions of the slices).

/// Devices of a fully connected host.
const FULLY_CONNECTED: u32 = 8;

/// The shape of a fabric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topology {
    /// A switch, or as good as one.
    Switched,
    /// A link between each two of `devices`.
    FullyConnected {
        /// Devices of the host.
        devices: u32,
    },
    /// A torus of `axes` axes.
    Torus {
        /// Two or three.
        axes: u32,
        /// An axis wraps around when its length is a multiple of this.
        wrap: u32,
    },
}

/// What a group gets of a topology.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lane {
    /// Share of the device's nominal bandwidth.
    pub share: f64,
    /// Hops around the longest way, where the topology prescribes them.
    pub hops: Option<f64>,
}

impl Topology {
    /// The topology of a catalog fabric.
    #[must_use]
    pub fn of_fabric(name: &str) -> Self {
        match name {
            "xgmi" => Self::FullyConnected { devices: FULLY_CONNECTED },
            "ici-v2" | "ici-v5e" | "ici-v6e" => Self::Torus { axes: 2, wrap: 16 },
            "ici-v3" => Self::Torus { axes: 2, wrap: 32 },
            // Cubes of 4 × 4 × 4 chips are joined by optical switches.
            "ici-v4" | "ici-v5p" | "ici-v7x" => Self::Torus { axes: 3, wrap: 4 },
            _ => Self::Switched,
        }
    }

    /// What `ranks` neighbours get; a `pair` is one message between two of them.
    #[must_use]
    pub fn lane(self, pair: bool, ranks: u32) -> Lane {
        match self {
            Self::Switched => Lane { share: 1.0, hops: None },
            Self::FullyConnected { devices } => {
                let links = if pair { 1.0 } else { f64::from(ranks.saturating_sub(1).max(1)) };
                Lane { share: (links / f64::from(devices - 1)).min(1.0), hops: None }
            }
            Self::Torus { axes, wrap } => torus(pair, ranks, axes, wrap),
        }
    }
}

/// Sides of the most cubic box of `ranks` chips with `axes` axes, powers of two first; the longest side comes last.
fn sides(ranks: u32, axes: u32) -> [u32; 3] {
    let mut sides = [1; 3];
    let mut left = ranks.max(1);
    let used = axes.clamp(1, 3) as usize;
    while left.is_multiple_of(2) {
        let smallest = (0..used).min_by_key(|axis| sides[*axis]).unwrap_or(0);
        sides[smallest] *= 2;
        left /= 2;
    }
    sides[0] *= left;
    sides
}

fn torus(pair: bool, ranks: u32, axes: u32, wrap: u32) -> Lane {
    let per_axis = 1.0 / f64::from(axes.max(1));
    if pair {
        // One of the two directions of one axis.
        return Lane { share: per_axis / 2.0, hops: Some(1.0) };
    }
    let (mut share, mut hops) = (0.0, 0.0);
    for side in sides(ranks, axes).into_iter().filter(|side| *side > 1) {
        let ring = side.is_multiple_of(wrap);
        share += if ring { per_axis } else { per_axis / 2.0 };
        hops += if ring { f64::from(side) / 2.0 } else { f64::from(side - 1) };
    }
    Lane { share: share.max(per_axis / 2.0), hops: Some(hops.max(1.0)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_are_as_cubic_as_the_count_allows() {
        assert_eq!(sides(64, 3), [4, 4, 4]);
        assert_eq!(sides(256, 2), [16, 16, 1]);
        assert_eq!(sides(128, 2), [16, 8, 1]);
        assert_eq!(sides(1, 2), [1, 1, 1]);
    }

    #[test]
    fn only_full_axes_wrap_around() {
        let v5e = Topology::of_fabric("ici-v5e");
        assert_eq!(v5e.lane(false, 256).share, 1.0);
        assert_eq!(v5e.lane(false, 64).share, 0.5);
        assert_eq!(v5e.lane(false, 128).share, 0.75);
        assert_eq!(Topology::of_fabric("ici-v4").lane(false, 64).share, 1.0);
    }

    #[test]
    fn fully_connected_hosts_give_small_groups_few_links() {
        let host = Topology::of_fabric("xgmi");
        assert_eq!(host.lane(false, 8).share, 1.0);
        assert!((host.lane(false, 2).share - 1.0 / 7.0).abs() < 1e-12);
        assert_eq!(Topology::of_fabric("nvlink-v4").lane(false, 2).share, 1.0);
    }
}
