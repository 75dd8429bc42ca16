//! How often to save: a policy sees a plain signal and returns an interval.

use crate::units::Seconds;

use super::checkpoint::CheckpointModel;

/// What a checkpoint policy may look at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CheckpointSignal {
    /// Time to write one checkpoint, the job waiting.
    pub write: Seconds,
    /// Mean time between interruptions; `None` when nothing interrupts.
    pub mtbf: Option<Seconds>,
    /// Time from an interruption to computing again.
    pub restart: Seconds,
}

/// When to save.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum CheckpointPolicy {
    /// At the interval that minimises the expected wall time (Daly 2006).
    YoungDaly,
    /// At a fixed interval of work.
    Interval(Seconds),
    /// Never, except at the end.
    None,
}

impl CheckpointPolicy {
    /// The words used in scenarios.
    pub const ALL: &'static [&'static str] = &["young-daly", "interval", "none"];

    /// Work between two checkpoints; `None` for no checkpoints.
    #[must_use]
    pub fn interval(&self, signal: &CheckpointSignal) -> Option<Seconds> {
        match *self {
            Self::None => None,
            Self::Interval(interval) => Some(interval),
            Self::YoungDaly => signal.mtbf.map(|mtbf| {
                let model = CheckpointModel { write: signal.write, mtbf, restart: signal.restart };
                model.optimal_interval()
            }),
        }
    }
}
