//! Training on a host's processors: a roofline between assumed ceilings, since no published row covers it.

use crate::catalog::{Catalog, Precision, Provenance};
use crate::units::{Bytes, BytesPerSecond, Flops, FlopsPerSecond};

use super::predict::{DeviceLimit, DeviceTime, NoStepTime, StepQuery};
use super::roofline::{Ceiling, Roofline};
use crate::units::Seconds;

/// 32-bit peak of one vCPU (a hyper-thread) whose processor states none: half of a core with two 256-bit fused
/// multiply-add units, 16 operations a cycle, at 2.5 GHz.
const USUAL_PEAK: f64 = 16.0 * 2.5e9;
/// Memory bandwidth of one vCPU: eight channels of DDR4-3200 (205 GB/s) over 64 vCPUs.
const USUAL_BANDWIDTH: f64 = 3.2e9;
/// Share of the peak that training reaches at best: convolutions and matrix products of oneDNN at large batch. An
/// assumption, bounded above by what vendors publish for dense layers (about 0.5).
const EFFICIENCY: f64 = 0.35;
/// Reads and writes of a parameter in a step besides the layers' own: gradients, weights, and two moments.
const ADAM_PASSES: f64 = 7.0;
/// The same without moments.
const SGD_PASSES: f64 = 4.0;
/// Layers write what they read once more in the backward pass.
const TABLE_PASSES: f64 = 3.0;
/// Standard deviation of the logarithm of the error: within a factor of 2.7 in nine cases of ten. A judgement.
const LOG_ERROR: f64 = 0.6;

/// The time of one step on the vCPUs of a host, shared by its `devices`.
pub(super) fn device_time(catalog: &Catalog, query: &StepQuery<'_>) -> Result<DeviceTime, NoStepTime> {
    let vcpus = query.vcpus / query.devices.max(1) as f64;
    if !(vcpus.is_finite() && vcpus > 0.0) {
        return Err(NoStepTime::NoProcessor);
    }
    let samples = query.micro_batch * query.gradient_accumulation.max(1.0);
    let work = query.model.training_flops() * samples;
    if !(work.0.is_finite() && work.0 > 0.0) {
        return Err(NoStepTime::NoWork { model: query.model.id.clone() });
    }
    let stated = query.cpu.and_then(|name| catalog.accelerators.get(name));
    let peak = stated.and_then(|cpu| cpu.peaks.fp32).unwrap_or(FlopsPerSecond(USUAL_PEAK));
    let bandwidth = stated.and_then(|cpu| cpu.memory_bandwidth).unwrap_or(BytesPerSecond(USUAL_BANDWIDTH));
    let roofline = Roofline { peak: peak * (vcpus * EFFICIENCY), bandwidth: bandwidth * vcpus };
    let traffic = traffic(query, samples);
    let limit = match roofline.ceiling(work, traffic) {
        Ceiling::Compute => DeviceLimit::Compute,
        Ceiling::Memory => DeviceLimit::MemoryBandwidth,
    };
    Ok(DeviceTime {
        compute: roofline.time(work, traffic),
        host_overhead: Seconds::ZERO,
        exposed_inside: Seconds::ZERO,
        exposed_across: None,
        limit,
        log_error: LOG_ERROR,
        provenance: Provenance::Extrapolated,
        basis: basis(query, work, peak, vcpus),
    })
}

/// Bytes of a step: the optimizer's passes over dense parameters and the embedding rows of every sample, in 32 bit.
fn traffic(query: &StepQuery<'_>, samples: f64) -> Bytes {
    let passes = if query.optimizer.contains("sgd") { SGD_PASSES } else { ADAM_PASSES };
    Bytes(query.model.parameters * Precision::Fp32.bytes() * passes)
        + query.model.embedding_lookup_bytes * (samples * TABLE_PASSES)
}

fn basis(query: &StepQuery<'_>, work: Flops, peak: FlopsPerSecond, vcpus: f64) -> String {
    format!(
        "roofline of {vcpus} vCPUs at {:.0} GFLOP/s each, {:.0} % of it reached (assumed): {:.3} TFLOP of {}",
        peak.0 / 1e9,
        EFFICIENCY * 100.0,
        work.0 / 1e12,
        query.model.id
    )
}
