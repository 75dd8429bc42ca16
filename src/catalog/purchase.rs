//! Terms on which a machine is had.

use serde::{Deserialize, Serialize};

/// How a machine is paid for.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Purchase {
    /// By the second, not interruptible.
    OnDemand,
    /// Spare capacity, taken back at any time.
    Spot,
    /// Committed for one year.
    #[serde(rename = "committed-1y")]
    CommittedOneYear,
    /// Committed for three years.
    #[serde(rename = "committed-3y")]
    CommittedThreeYears,
    /// The user's own.
    Owned,
}

impl Purchase {
    /// Every term with its word in scenarios.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("on-demand", Self::OnDemand),
        ("spot", Self::Spot),
        ("committed-1y", Self::CommittedOneYear),
        ("committed-3y", Self::CommittedThreeYears),
        ("owned", Self::Owned),
    ];

    /// The word in scenarios.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, purchase)| *purchase == self).map_or("", |(word, _)| word)
    }

    /// Years of the commitment, when it is one.
    #[must_use]
    pub fn commitment_years(self) -> Option<f64> {
        match self {
            Self::CommittedOneYear => Some(1.0),
            Self::CommittedThreeYears => Some(3.0),
            Self::OnDemand | Self::Spot | Self::Owned => None,
        }
    }
}
