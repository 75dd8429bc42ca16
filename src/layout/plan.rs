//! The layout of a data-parallel job: how the global batch is split, and whether each share fits.

use thiserror::Error;

use crate::catalog::{Model, Precision};
use crate::fleet::Candidate;
use crate::units::Bytes;

use super::memory::{MemoryNeed, model_memory};

/// What is asked of the layout.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchRequest {
    /// Arithmetic precision.
    pub precision: Precision,
    /// Optimizer, for its state.
    pub optimizer: String,
    /// Samples per step over the whole fleet.
    pub global_batch: u64,
    /// Fixed samples per device instead (weak scaling).
    pub batch_per_device: Option<u64>,
}

/// A layout that fits.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Devices at work.
    pub devices: u64,
    /// Samples per device and step.
    pub local_batch: u64,
    /// Samples per device and micro-batch.
    pub micro_batch: u64,
    /// Micro-batches per step.
    pub gradient_accumulation: u64,
    /// Samples per step over the whole fleet.
    pub global_batch: u64,
    /// Memory of one device.
    pub memory: MemoryNeed,
}

/// Why a fleet cannot do the job.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum Reason {
    /// Even the smallest micro-batch does not fit.
    #[error("does not fit: a device {0}")]
    Memory(MemoryNeed),
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

/// The answer for one candidate: "no" is a row, not a failure.
#[derive(Clone, Debug, PartialEq)]
pub enum Planned {
    /// It fits.
    Feasible(Box<Plan>),
    /// It does not, and why.
    Infeasible(Reason),
}

/// Splits the global batch over the devices of a candidate and finds the largest micro-batch that fits.
#[must_use]
pub fn plan(candidate: &Candidate, model: &Model, request: &BatchRequest) -> Planned {
    let devices = candidate.devices();
    if candidate.accelerator.is_some() && candidate.instance.accelerators < 1.0 {
        return Planned::Infeasible(Reason::SharedDevice(candidate.instance.accelerators));
    }
    let memory = match &candidate.accelerator {
        Some(accelerator) => accelerator.memory.ok_or_else(|| accelerator.name.clone()),
        None => candidate.instance.memory.ok_or_else(|| candidate.instance.id()),
    };
    let present = match memory {
        Ok(present) => present,
        Err(name) => return Planned::Infeasible(Reason::UnknownMemory(name)),
    };
    if request.batch_per_device.is_none() && devices > request.global_batch {
        return Planned::Infeasible(Reason::BatchTooSmall { devices, batch: request.global_batch });
    }
    let local_batch = request.batch_per_device.unwrap_or_else(|| request.global_batch.div_ceil(devices));
    let need = |micro: u64| {
        model_memory(model, request.precision, &request.optimizer, micro as f64, devices, present)
    };
    let micro_batch = match (candidate.layout.micro_batch, candidate.layout.gradient_accumulation) {
        (Some(micro), _) => micro.min(local_batch),
        (None, Some(steps)) => local_batch.div_ceil(steps.min(local_batch)),
        (None, None) => largest_fitting(local_batch, |micro| need(micro).fits()),
    };
    let memory = need(micro_batch);
    if !memory.fits() {
        return Planned::Infeasible(Reason::Memory(memory));
    }
    Planned::Feasible(Box::new(Plan {
        devices,
        local_batch,
        micro_batch,
        gradient_accumulation: local_batch.div_ceil(micro_batch),
        global_batch: local_batch.saturating_mul(devices),
        memory,
    }))
}

/// The local batch cut into the fewest equal micro-batches that fit; 1 when none does. Fitting is monotonous.
fn largest_fitting(local_batch: u64, fits: impl Fn(u64) -> bool) -> u64 {
    if fits(local_batch) {
        return local_batch;
    }
    let (mut fitting, mut failing) = (1, local_batch);
    while failing - fitting > 1 {
        let middle = fitting + (failing - fitting) / 2;
        if fits(middle) { fitting = middle } else { failing = middle }
    }
    local_batch.div_ceil(local_batch.div_ceil(fitting))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn micro_batches_are_as_few_and_as_equal_as_fit() {
        assert_eq!(largest_fitting(1024, |micro| micro <= 2000), 1024);
        assert_eq!(largest_fitting(1024, |micro| micro <= 1000), 512);
        assert_eq!(largest_fitting(1024, |micro| micro <= 400), 342);
        assert_eq!(largest_fitting(7, |_| false), 1);
    }
}
