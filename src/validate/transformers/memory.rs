//! The memory that a table publishes for one device.

use crate::layout::{MemoryJob, TrainingStack};
use crate::steptime::TransformerSoftware;

use super::columns::TransformerColumns;
use super::row::TransformerRow;

/// Standard deviation of ln(error) of a device's memory: of the public rows, by software that releases change less and
/// more.
const MEGATRON_ERROR: f64 = 0.05;
const OTHER_ERROR: f64 = 0.12;

/// Bytes of a device and the standard deviation of the logarithm of their error.
pub(super) fn memory(row: &TransformerRow, columns: &TransformerColumns) -> (f64, f64) {
    let stack = stack(row.software);
    let optimizer = if row.optimizer.is_empty() { "adam" } else { &row.optimizer };
    let job = MemoryJob::new(&row.shape, row.sequence, row.precision, optimizer, row.flash, stack);
    let breakdown = job.memory(&row.layout);
    let bytes = if columns.unit.contains("allocated") {
        breakdown.allocated()
    } else if stack == TrainingStack::Fsdp {
        // What PyTorch tells as its peak.
        breakdown.reserved()
    } else {
        breakdown.total()
    };
    (bytes, if stack == TrainingStack::Megatron { MEGATRON_ERROR } else { OTHER_ERROR })
}

/// Bytes of the unit: tables say GiB where they mean it.
pub(super) fn unit(columns: &TransformerColumns) -> f64 {
    if columns.unit.contains("gib") { 1024.0_f64.powi(3) } else { 1e9 }
}

fn stack(software: TransformerSoftware) -> TrainingStack {
    match software {
        TransformerSoftware::FsdpEager | TransformerSoftware::FsdpCompiled => TrainingStack::Fsdp,
        TransformerSoftware::Jax => TrainingStack::Jax,
        TransformerSoftware::MegatronDeepSpeed => TrainingStack::DeepSpeed,
        TransformerSoftware::MegatronBridge
        | TransformerSoftware::MegatronCore
        | TransformerSoftware::MegatronEarly
        | TransformerSoftware::Benchmark => TrainingStack::Megatron,
    }
}
