//! The layout of a job: searched for transformers whose shape is known, data-parallel for other models.

use crate::catalog::{Accelerator, AcceleratorKind, Model, ParallelLayout, Precision, Sharding, Transformer};
use crate::fleet::{Candidate, LayoutRequest};
use crate::units::Bytes;

use super::degrees::bad_degrees;
use super::memory::{MemoryNeed, model_memory};
use super::reason::Reason;
use super::search::{FoundLayout, LayoutQuestion, LayoutSearch, NoLayout, SearchCounts, StepCost, search};
use super::stack::TrainingStack;
use super::transformer_memory::MemoryJob;
use super::words::{LayoutWords, asked};

/// Share of a device's memory that layouts may fill: drivers keep some of it, and reckonings err by a few percent.
const USABLE_SHARE: f64 = 0.95;
/// Share of the host's memory that offloaded states may take.
const HOST_SHARE: f64 = 0.8;
/// Tokens of a sample where the model says nothing.
const DEFAULT_SEQUENCE: f64 = 2048.0;

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
    /// Devices of the fleet that have no work.
    pub idle: u64,
    /// Samples per data-parallel replica and step.
    pub local_batch: u64,
    /// Samples per data-parallel replica and micro-batch.
    pub micro_batch: u64,
    /// Micro-batches per step.
    pub gradient_accumulation: u64,
    /// Samples per step over the whole fleet.
    pub global_batch: u64,
    /// Memory of one device.
    pub memory: MemoryNeed,
    /// Every degree.
    pub parallel: ParallelLayout,
    /// The next best layouts, where they were searched.
    pub others: Vec<FoundLayout>,
    /// What the search looked at; all zero where there was none.
    pub counts: SearchCounts,
}

impl Plan {
    /// Samples per step that fall to one device: a share of one where a sample is split.
    #[must_use]
    pub fn samples_per_device(&self) -> f64 {
        self.global_batch as f64 / self.devices.max(1) as f64
    }

    /// The layout in words.
    #[must_use]
    pub fn words(&self) -> LayoutWords {
        LayoutWords(self.parallel)
    }
}

/// The answer for one candidate: "no" is a row, not a failure.
#[derive(Clone, Debug, PartialEq)]
pub enum Planned {
    /// It fits.
    Feasible(Box<Plan>),
    /// It does not, and why.
    Infeasible(Reason),
}

/// Lays a job out over a candidate: the fastest layout by `cost` for transformers, the largest micro-batch that fits for
/// other models.
#[must_use]
pub fn plan<C: StepCost + ?Sized>(
    candidate: &Candidate,
    model: &Model,
    request: &BatchRequest,
    cost: &C,
) -> Planned {
    let present = match present(candidate, request.precision) {
        Ok(present) => present,
        Err(reason) => return Planned::Infeasible(reason),
    };
    if let Some(reason) = unsplit_request(candidate, model) {
        return Planned::Infeasible(reason);
    }
    let planned = match model.split_shape().filter(|_| candidate.accelerator.is_some()) {
        Some(shape) => transformer_plan(candidate, model, shape, request, present, cost),
        None => data_parallel_plan(candidate, model, request, present),
    };
    match planned {
        Ok(plan) => Planned::Feasible(Box::new(plan)),
        Err(reason) => Planned::Infeasible(reason),
    }
}

/// Memory of a device that can do the job at all.
fn present(candidate: &Candidate, precision: Precision) -> Result<Bytes, Reason> {
    if candidate.accelerator.is_some() && candidate.instance.accelerators < 1.0 {
        return Err(Reason::SharedDevice(candidate.instance.accelerators));
    }
    match &candidate.accelerator {
        Some(accelerator) => {
            check_precision(accelerator, precision)?;
            accelerator.memory.ok_or_else(|| Reason::UnknownMemory(accelerator.name.clone()))
        }
        None => {
            if matches!(precision, Precision::Fp8 | Precision::Nvfp4) {
                let has = "fp32, bf16".to_owned();
                let accelerator = candidate.instance.id();
                return Err(Reason::Precision { accelerator, precision: precision.word(), has });
            }
            candidate.instance.memory.ok_or_else(|| Reason::UnknownMemory(candidate.instance.id()))
        }
    }
}

/// Degrees asked for of a model, or of a fleet, that trains data-parallel only.
fn unsplit_request(candidate: &Candidate, model: &Model) -> Option<Reason> {
    let request = &candidate.layout;
    let split = [
        request.tensor,
        request.pipeline,
        request.virtual_stages,
        request.context,
        request.expert,
        request.shard_group,
    ];
    let asks = split.iter().any(|degree| degree.is_some_and(|degree| degree > 1))
        || request.sharding.is_some_and(|sharding| sharding != Sharding::None);
    let whole = model.split_shape().is_none() || candidate.accelerator.is_none();
    (asks && whole).then(|| Reason::Whole { asked: asked(request) })
}

/// Narrow floats need units of their own; wider ones run on whatever there is.
fn check_precision(accelerator: &Accelerator, precision: Precision) -> Result<(), Reason> {
    let peaks = &accelerator.peaks;
    let lacks = match precision {
        Precision::Fp8 => peaks.fp8.is_none() && peaks.fp4.is_none(),
        Precision::Nvfp4 => peaks.fp4.is_none(),
        _ => false,
    };
    if !lacks {
        return Ok(());
    }
    let units =
        [("fp32", peaks.fp32), ("tf32", peaks.tf32), ("bf16 or fp16", peaks.half), ("fp8", peaks.fp8)];
    let has: Vec<&str> = units.iter().filter(|(_, peak)| peak.is_some()).map(|(word, _)| *word).collect();
    Err(Reason::Precision {
        accelerator: accelerator.name.clone(),
        precision: precision.word(),
        has: has.join(", "),
    })
}

/// The job whose memory a candidate's devices must hold. Kernels that never materialise the scores of attention exist
/// from Ampere on; weights sharded in full are FSDP's.
#[must_use]
pub fn memory_job(
    candidate: &Candidate,
    model: &Model,
    shape: &Transformer,
    request: &BatchRequest,
) -> MemoryJob {
    let accelerator = candidate.accelerator.as_deref();
    let old = ["kepler", "maxwell", "pascal", "volta", "turing"];
    let flash = accelerator.is_some_and(|accelerator| !old.contains(&accelerator.generation.as_str()));
    let stack = match accelerator.map(|accelerator| accelerator.kind) {
        Some(AcceleratorKind::Tpu) => TrainingStack::Jax,
        _ if candidate.layout.sharding == Some(Sharding::Full) => TrainingStack::Fsdp,
        _ => TrainingStack::Megatron,
    };
    let sequence = model.sequence_length.unwrap_or(DEFAULT_SEQUENCE);
    MemoryJob::new(shape, sequence, request.precision, &request.optimizer, flash, stack)
}

fn transformer_plan<C: StepCost + ?Sized>(
    candidate: &Candidate,
    model: &Model,
    shape: &Transformer,
    request: &BatchRequest,
    present: Bytes,
    cost: &C,
) -> Result<Plan, Reason> {
    let job = memory_job(candidate, model, shape, request);
    if let Some(bad) = bad_degrees(shape, job.sequence(), &candidate.layout).into_iter().next() {
        return Err(bad.into());
    }
    let devices = candidate.devices();
    let global_batch =
        request.batch_per_device.map_or(request.global_batch, |each| each.saturating_mul(devices));
    let question = LayoutQuestion {
        job: &job,
        devices,
        per_node: candidate.accelerators_per_node(),
        global_batch,
        present: present * USABLE_SHARE,
        host: host_memory(candidate),
        request: &candidate.layout,
    };
    match search(&question, cost) {
        Ok(found) => Ok(plan_of(&found, devices, present)),
        Err(no) => Err(reason_of(&no, devices, global_batch, &candidate.layout, present)),
    }
}

/// Host memory for the states of one device.
fn host_memory(candidate: &Candidate) -> Option<Bytes> {
    candidate.accelerator.as_ref()?;
    let memory = candidate.instance.memory?;
    Some(memory * (HOST_SHARE / candidate.accelerators_per_node() as f64))
}

fn plan_of(found: &LayoutSearch, devices: u64, present: Bytes) -> Plan {
    let layout = found.best.layout;
    Plan {
        devices: layout.devices(),
        idle: devices - layout.devices(),
        local_batch: layout.micro_batch * layout.accumulation,
        micro_batch: layout.micro_batch,
        gradient_accumulation: layout.accumulation,
        global_batch: layout.global_batch(),
        memory: found.best.memory.need(present),
        parallel: layout,
        others: found.others.clone(),
        counts: found.counts,
    }
}

fn reason_of(no: &NoLayout, devices: u64, batch: u64, request: &LayoutRequest, present: Bytes) -> Reason {
    match no {
        NoLayout::Memory(least) => {
            let (layout, memory) = **least;
            Reason::NoLayout { layout: LayoutWords(layout), need: memory.need(present) }
        }
        NoLayout::Devices => Reason::Devices { devices, asked: asked(request) },
        NoLayout::Batch => Reason::Batch { batch, asked: asked(request) },
    }
}

/// Splits the global batch over the devices of a candidate and finds the largest micro-batch that fits.
fn data_parallel_plan(
    candidate: &Candidate,
    model: &Model,
    request: &BatchRequest,
    present: Bytes,
) -> Result<Plan, Reason> {
    let devices = candidate.devices();
    if request.batch_per_device.is_none() && devices > request.global_batch {
        return Err(Reason::BatchTooSmall { devices, batch: request.global_batch });
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
        return Err(Reason::Memory(memory));
    }
    let accumulation = local_batch.div_ceil(micro_batch);
    Ok(Plan {
        devices,
        idle: 0,
        local_batch,
        micro_batch,
        gradient_accumulation: accumulation,
        global_batch: local_batch.saturating_mul(devices),
        memory,
        parallel: ParallelLayout { data: devices, micro_batch, accumulation, ..ParallelLayout::default() },
        others: Vec::new(),
        counts: SearchCounts::default(),
    })
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
