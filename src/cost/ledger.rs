//! The bill: one line per item, summing to the total to the last nano-dollar.

use serde::Serialize;

use crate::units::{Bytes, Money, PricePerByteMonth, PricePerHour, Seconds};

use super::Tariff;

/// What a line of the bill is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Item {
    /// Machines computing what counts.
    Busy,
    /// Machines waiting for input while they compute.
    Idle,
    /// Machines booting, restoring and detecting failures.
    Boot,
    /// Machines writing checkpoints.
    Checkpoint,
    /// Machines computing again what a failure took.
    Rework,
    /// Billing minimum and rounding.
    Rounding,
    /// Machines converting the data set to records.
    Preprocessing,
    /// Asynchronous training: the machines of the parameter servers.
    ParameterServers,
    /// Data set and checkpoints kept during the run.
    Storage,
    /// Storage requests.
    Requests,
    /// Data leaving the region.
    Egress,
    /// Management fee of the cluster.
    ClusterFee,
    /// Committed hours that nobody uses.
    Commitment,
    /// What a managed service adds to the machines.
    Premium,
}

impl Item {
    /// Every item, in the order of the bill.
    pub const ALL: &'static [Self] = &[
        Self::Busy,
        Self::Idle,
        Self::Boot,
        Self::Checkpoint,
        Self::Rework,
        Self::Rounding,
        Self::Preprocessing,
        Self::ParameterServers,
        Self::Storage,
        Self::Requests,
        Self::Egress,
        Self::ClusterFee,
        Self::Commitment,
        Self::Premium,
    ];

    /// Whether it moves with the price of the fleet's machines.
    #[must_use]
    pub fn of_machines(self) -> bool {
        matches!(
            self,
            Self::Busy
                | Self::Idle
                | Self::Boot
                | Self::Checkpoint
                | Self::Rework
                | Self::Rounding
                | Self::Commitment
                | Self::Premium
        )
    }

    /// The word printed in tables.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Idle => "idle",
            Self::Boot => "boot",
            Self::Checkpoint => "checkpoint",
            Self::Rework => "rework",
            Self::Rounding => "rounding",
            Self::Preprocessing => "preprocessing",
            Self::ParameterServers => "parameter-servers",
            Self::Storage => "storage",
            Self::Requests => "requests",
            Self::Egress => "egress",
            Self::ClusterFee => "cluster-fee",
            Self::Commitment => "commitment",
            Self::Premium => "premium",
        }
    }
}

/// One line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// What for.
    pub item: Item,
    /// How much.
    pub amount: Money,
}

/// Storage held during a run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StorageUse {
    /// Amount held.
    pub bytes: Bytes,
    /// Price of capacity.
    pub price: PricePerByteMonth,
    /// How long.
    pub time: Seconds,
}

/// What one replica metered; times are machine-seconds summed over instances.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Meters {
    /// Computing what counts.
    pub busy: Seconds,
    /// Waiting for input.
    pub idle: Seconds,
    /// Booting, restoring, detecting.
    pub boot: Seconds,
    /// Writing checkpoints.
    pub checkpoint: Seconds,
    /// Computing again.
    pub rework: Seconds,
    /// Billed time that no instance used: minimum and rounding.
    pub rounding: Seconds,
    /// Cost of the conversion job, on whatever machine it ran.
    pub preprocessing: Money,
    /// Cost of the parameter servers.
    pub parameter_servers: Money,
    /// Storage held.
    pub storage: Vec<StorageUse>,
    /// Storage requests.
    pub requests: Money,
    /// Egress.
    pub egress: Money,
    /// Hours of the cluster, for its management fee.
    pub cluster: Seconds,
    /// What a managed service adds, as a share of the machines' list price after discounts.
    pub premium: f64,
}

/// A bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ledger {
    /// Lines with an amount, in the order of [`Item::ALL`].
    pub lines: Vec<Line>,
}

impl Ledger {
    /// Bills the meters at an hourly price.
    #[must_use]
    pub fn of(
        meters: &Meters,
        hourly: PricePerHour,
        tariff: &Tariff,
        cluster_fee: Option<PricePerHour>,
    ) -> Self {
        let machine = |time: Seconds| hourly.for_time(time);
        let mut lines = Vec::new();
        let mut line = |item, amount: Money| {
            if amount != Money::ZERO {
                lines.push(Line { item, amount });
            }
        };
        let machines = [
            (Item::Busy, meters.busy),
            (Item::Idle, meters.idle),
            (Item::Boot, meters.boot),
            (Item::Checkpoint, meters.checkpoint),
            (Item::Rework, meters.rework),
            (Item::Rounding, meters.rounding),
        ];
        let mut compute = Money::ZERO;
        for (item, time) in machines {
            compute += machine(time);
            line(item, machine(time));
        }
        line(Item::Preprocessing, meters.preprocessing);
        line(Item::ParameterServers, meters.parameter_servers);
        line(
            Item::Storage,
            meters.storage.iter().map(|held| held.price.for_time(held.bytes, held.time)).sum(),
        );
        line(Item::Requests, meters.requests);
        line(Item::Egress, meters.egress);
        line(Item::ClusterFee, cluster_fee.map_or(Money::ZERO, |fee| fee.for_time(meters.cluster)));
        // A commitment is paid whether used or not: each used hour carries its share of the unused ones.
        let unused = 1.0 / tariff.commitment_utilisation.clamp(1e-6, 1.0) - 1.0;
        line(Item::Commitment, compute.scaled(unused));
        line(Item::Premium, compute.scaled(meters.premium));
        Self { lines }
    }

    /// The total: the sum of the lines.
    #[must_use]
    pub fn total(&self) -> Money {
        self.lines.iter().map(|line| line.amount).sum()
    }

    /// What the machines of the fleet cost: all that moves with their price.
    #[must_use]
    pub fn machines(&self) -> Money {
        self.lines.iter().filter(|line| line.item.of_machines()).map(|line| line.amount).sum()
    }

    /// The amount of one item.
    #[must_use]
    pub fn amount(&self, item: Item) -> Money {
        self.lines.iter().filter(|line| line.item == item).map(|line| line.amount).sum()
    }
}
