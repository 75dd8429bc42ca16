//! Why a fleet cannot do the job: values with the figures that decide, never failures.

use thiserror::Error;

use crate::units::Bytes;

use super::degrees::BadDegree;
use super::memory::MemoryNeed;
use super::words::LayoutWords;

/// Why a fleet cannot do the job.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum Reason {
    /// Even the smallest micro-batch does not fit.
    #[error("does not fit: a device {0}")]
    Memory(MemoryNeed),
    /// No parallel layout fits; the one that needs least.
    #[error("no layout fits: even {layout} on each device {need}")]
    NoLayout {
        /// The layout that needs least.
        layout: LayoutWords,
        /// Its memory.
        need: MemoryNeed,
    },
    /// The shape of the model does not allow a degree that is asked for.
    #[error(transparent)]
    Degree(#[from] BadDegree),
    /// What is fixed of the layout does not go with the devices.
    #[error("{devices} devices cannot be split as asked: {asked}")]
    Devices {
        /// Devices of the fleet.
        devices: u64,
        /// What is fixed, in words.
        asked: String,
    },
    /// A model or a fleet that is not split.
    #[error("trains data-parallel only, not as asked: {asked}; leave it out")]
    Whole {
        /// What is asked, in words.
        asked: String,
    },
    /// What is fixed of the layout does not go with the global batch.
    #[error("a global batch of {batch} cannot be split as asked: {asked}")]
    Batch {
        /// Global batch.
        batch: u64,
        /// What is fixed, in words.
        asked: String,
    },
    /// The accelerator has no units for the precision.
    #[error("{accelerator} does not train in {precision}; it has {has}")]
    Precision {
        /// Accelerator.
        accelerator: String,
        /// What was asked.
        precision: &'static str,
        /// What it has.
        has: String,
    },
    /// The memory of the device is not in the catalog.
    #[error("the memory of {0} is unknown")]
    UnknownMemory(String),
    /// There are more devices than samples in a step.
    #[error("{devices} devices share a global batch of {batch}")]
    BatchTooSmall {
        /// Devices.
        devices: u64,
        /// Global batch.
        batch: u64,
    },
    /// A fraction of a device cannot train alone.
    #[error("the instance has {0} of an accelerator; training needs at least one")]
    SharedDevice(f64),
    /// The data set must stay in host memory and does not fit.
    #[error("direct feed keeps the whole data set in host memory: needs {needed} of {present}")]
    HostMemory {
        /// Bytes needed in each host.
        needed: Bytes,
        /// Bytes present.
        present: Bytes,
    },
    /// The job would take longer than four centuries.
    #[error("the job would take {} years", crate::units::Significant(*.0, 3))]
    TooLong(f64),
    /// No measurement and no peak rate is known.
    #[error("no step time is known: {0}")]
    NoStepTime(String),
}

impl Reason {
    /// Bytes needed and present, where they decide.
    #[must_use]
    pub fn memory(&self) -> Option<&MemoryNeed> {
        match self {
            Self::Memory(need) | Self::NoLayout { need, .. } => Some(need),
            _ => None,
        }
    }
}
