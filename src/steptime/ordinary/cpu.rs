//! Serving on a host's processors: a roofline between assumed ceilings, since no published row covers it.

use crate::steptime::predict::NoStepTime;

use super::times::{Affine, BatchQuery};

/// 32-bit peak of one vCPU at 2.5 GHz: a hyper-thread is half of a core with two fused multiply-add units of 512 bits …
const WIDE: f64 = 32.0 * 2.5e9;
/// … or of 256 bits, and of cores without hyper-threads.
const NARROW: f64 = 16.0 * 2.5e9;
/// Generations whose units are 512 bits wide, or whose vCPU is a whole core of two 256-bit units.
const WIDE_GENERATIONS: &[&str] = &[
    "skylake-sp",
    "cascade-lake",
    "sunny-cove",
    "golden-cove",
    "raptor-cove",
    "zen4",
    "zen5",
    "neoverse-v1",
];
/// Share of the peak that convolutions and matrix products reach (oneDNN at batch 1 to 32). A judgement.
const EFFICIENCY: f64 = 0.5;
/// 8-bit products (VNNI, dot-product instructions) beside 32-bit ones, as far as whole networks gain. A judgement.
const INT8_GAIN: f64 = 2.5;
/// Time of a batch that does not depend on its size, seconds: the framework's calls.
const OVERHEAD: f64 = 0.5e-3;
/// Standard deviation of the logarithm of the error: within a factor of 2.3 in nine cases of ten. A judgement.
pub(super) const LOG_ERROR: f64 = 0.5;

/// t(b) of a model on the vCPUs of one instance.
pub(super) fn law(query: &BatchQuery<'_>, gflops: f64) -> Result<(Affine, String), NoStepTime> {
    if !(query.vcpus.is_finite() && query.vcpus > 0.0) {
        return Err(NoStepTime::NoProcessor);
    }
    let cpu = query.accelerator;
    let wide = WIDE_GENERATIONS.contains(&cpu.generation.as_str());
    let usual = if wide { WIDE } else { NARROW };
    let peak = cpu.peaks.fp32.map_or(usual, |peak| peak.0) * query.vcpus;
    let gain = if query.precision.starts_with("int8") { INT8_GAIN } else { 1.0 };
    let reached = peak * EFFICIENCY * gain;
    let each = gflops * 1e9 / reached;
    let basis = format!(
        "roofline of {} vCPUs of {}: {:.0} GFLOP/s reached (assumed), {gflops} GFLOP of {} each",
        query.vcpus,
        cpu.name,
        reached / 1e9,
        query.model.id
    );
    Ok((Affine { first: OVERHEAD + each, each }, basis))
}
