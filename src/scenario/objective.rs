//! What is wanted of the job.

use crate::document::Reader;
use crate::units::{Money, Seconds};

/// What is minimised among fleets that hold the targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Minimize {
    /// Cost of one run.
    Cost,
    /// Time of one run.
    Time,
    /// Carbon of one run.
    Carbon,
}

impl Minimize {
    /// The word in scenarios.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Cost => "cost",
            Self::Time => "time",
            Self::Carbon => "carbon",
        }
    }
}

/// Targets and what is minimised.
#[derive(Clone, Debug, PartialEq)]
pub struct Objective {
    /// Deadline.
    pub deadline: Option<Seconds>,
    /// Budget of one run.
    pub budget: Option<Money>,
    /// Probability with which targets must hold.
    pub confidence: f64,
    /// Fleet that differences are taken against.
    pub baseline: Option<String>,
    /// What is minimised.
    pub minimize: Minimize,
    /// Time between two runs of a recurring job.
    pub repeat: Option<Seconds>,
    /// Time to test after training.
    pub test: Seconds,
    /// Time to deploy.
    pub deploy: Seconds,
    /// What one more run is worth.
    pub value_per_run: Option<Money>,
}

impl Objective {
    pub(super) fn read(table: &Reader<'_>) -> Self {
        Self {
            deadline: table.seconds("deadline"),
            budget: table.money("budget"),
            confidence: table.number("confidence").unwrap_or(0.9),
            baseline: table.text("baseline").map(str::to_owned),
            minimize: match table.text("minimize") {
                Some("time") => Minimize::Time,
                Some("carbon") => Minimize::Carbon,
                _ => Minimize::Cost,
            },
            repeat: table.seconds("repeat"),
            test: table.seconds("test").unwrap_or(Seconds::ZERO),
            deploy: table.seconds("deploy").unwrap_or(Seconds::ZERO),
            value_per_run: table.money("value_per_run"),
        }
    }
}
