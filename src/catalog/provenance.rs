//! Where a figure comes from, carried to the last table.

use serde::{Deserialize, Serialize};

use crate::units::Date;

/// How a figure is known. Ordered from best to worst: a figure made of several has the worst of them.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Provenance {
    /// Measured on this machine, or given by the user as measured.
    Measured,
    /// Fitted to published measurements of this very combination.
    Published,
    /// A catalog fact (price, datasheet).
    Catalog,
    /// A default that nobody measured for this case.
    Assumed,
    /// Outside the range of what was measured, or carried over from other devices.
    Extrapolated,
}

impl Provenance {
    /// The word printed in tables.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::Published => "published",
            Self::Catalog => "catalog",
            Self::Assumed => "assumed",
            Self::Extrapolated => "extrapolated",
        }
    }
}

/// Source and date of a catalog entry.
#[derive(Clone, Debug, Default)]
pub struct Fact {
    /// Full citations.
    pub sources: Vec<String>,
    /// Day the figures hold for.
    pub as_of: Option<Date>,
}
