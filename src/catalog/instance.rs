//! Instances (machines to rent) and the offers (prices) for them.

use crate::units::{Bytes, BytesPerSecond, Date, PricePerHour};

use super::Fact;

/// How the price of an instance is put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstanceKind {
    /// One price with everything in it.
    Machine,
    /// A host price plus an accelerator price.
    Composed,
    /// A TPU slice: chips with their hosts.
    TpuSlice,
    /// Described in the scenario, owned or unlisted.
    Described,
    /// The machine that the workload's profile was measured on.
    Measured,
}

/// A machine type of a provider.
#[derive(Clone, Debug)]
pub struct Instance {
    /// Provider id, as `gcp`.
    pub provider: String,
    /// The cloud's own name.
    pub name: String,
    /// How its price is put together.
    pub kind: InstanceKind,
    /// Catalog name of its accelerators; `None` for CPU-only machines.
    pub accelerator: Option<String>,
    /// Accelerators in one instance; a fraction for shared parts.
    pub accelerators: f64,
    /// vCPUs of the whole instance.
    pub vcpus: Option<f64>,
    /// Host memory.
    pub memory: Option<Bytes>,
    /// NIC bandwidth of the whole instance.
    pub network: Option<BytesPerSecond>,
    /// Local disk included in the price.
    pub local_disk: Option<Bytes>,
    /// Catalog name of its vCPU, where known.
    pub cpu: Option<String>,
    /// Family, for discounts and outlier checks.
    pub family: Option<String>,
    /// Host machines inside (TPU slices have several).
    pub hosts: u64,
    /// Prices.
    pub offers: Vec<Offer>,
}

/// The spot price range of one offer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpotPrice {
    /// Least seen.
    pub low: PricePerHour,
    /// Median of the sources.
    pub typical: PricePerHour,
    /// Greatest seen.
    pub high: PricePerHour,
    /// Day of the newest figure.
    pub as_of: Option<Date>,
}

/// What the loader noticed about an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// The on-demand price is older than a year.
    OldOnDemand,
    /// The spot price is older than 90 days.
    OldSpot,
    /// The on-demand price lies under three quarters of the family's median over regions.
    RegionalOutlier,
}

impl Mark {
    /// The word printed in tables.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::OldOnDemand => "on-demand price over 365 days old",
            Self::OldSpot => "spot price over 90 days old",
            Self::RegionalOutlier => "price under 75 % of the median over regions",
        }
    }
}

/// The price of one instance in one region. A missing price is unknown.
#[derive(Clone, Debug)]
pub struct Offer {
    /// Region, or `any`.
    pub region: String,
    /// On-demand price.
    pub on_demand: Option<PricePerHour>,
    /// Spot price.
    pub spot: Option<SpotPrice>,
    /// Source and date.
    pub fact: Fact,
    /// What the loader noticed.
    pub marks: Vec<Mark>,
}

impl Instance {
    /// `provider/name`, as scenarios write it.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}/{}", self.provider, self.name)
    }

    /// The offer of a region; one that holds for `any` region serves all.
    #[must_use]
    pub fn offer(&self, region: &str) -> Option<&Offer> {
        let found = |wanted: &str| self.offers.iter().find(|offer| offer.region == wanted);
        found(region).or_else(|| found("any"))
    }

    /// Whole accelerators in one instance.
    #[must_use]
    pub fn whole_accelerators(&self) -> u64 {
        self.accelerators.floor() as u64
    }

    /// vCPUs per accelerator.
    #[must_use]
    pub fn vcpus_per_accelerator(&self) -> Option<f64> {
        (self.accelerators > 0.0).then_some(self.vcpus? / self.accelerators)
    }
}
