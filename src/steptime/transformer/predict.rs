//! Steps of jobs by a profile.

use crate::catalog::{CausalCount, ParallelLayout, Provenance};
use crate::steptime::tables::ProfileError;

use super::fit::NOISE;
use super::job::TransformerJob;
use super::profile::{Scaling, TransformerProfile};
use super::step::StepParts;
use super::terms::{Term, Terms};

/// Standard deviations of the coefficients leave out how they vary together: by this much the intervals of left-out
/// rows had to be wider to hold 90 % of them.
const WIDENING: f64 = 1.45;
/// Standard deviation that each doubling of the devices beyond those measured adds (a judgement).
const BEYOND_ERROR: f64 = 0.05;

/// A predicted step.
#[derive(Clone, Debug, PartialEq)]
pub struct TransformerStep {
    /// Its parts.
    pub parts: StepParts,
    /// Standard deviation of the logarithm of its error.
    pub log_error: f64,
    /// Seconds of each term, as if none hid another.
    pub terms: [f64; Term::COUNT],
    /// The term that takes most of it.
    pub greatest: Term,
    /// How it is known.
    pub provenance: Provenance,
}

/// Predicts steps of transformers.
#[derive(Clone, Debug)]
pub struct TransformerSteps {
    profile: TransformerProfile,
}

impl TransformerSteps {
    /// By the shipped profile.
    ///
    /// # Errors
    /// When the table is not what the program expects.
    pub fn embedded() -> Result<Self, ProfileError> {
        Ok(Self { profile: TransformerProfile::embedded()? })
    }

    /// By a profile.
    #[must_use]
    pub fn by(profile: TransformerProfile) -> Self {
        Self { profile }
    }

    /// The profile.
    #[must_use]
    pub fn profile(&self) -> &TransformerProfile {
        &self.profile
    }

    /// The cost of layouts of one job, for a search.
    #[must_use]
    pub fn cost<'a>(&self, job: &TransformerJob<'a>) -> TransformerCost<'a> {
        TransformerCost { job: *job, scaling: self.profile.scaling(job) }
    }

    /// The step of a job.
    #[must_use]
    pub fn step(&self, job: &TransformerJob<'_>) -> TransformerStep {
        let scaling = self.profile.scaling(job);
        let terms = Terms::of(job);
        let parts = terms.step(&scaling.terms).scaled(libm::exp(scaling.step));
        let parts = parts.scaled((least_seconds(job) / parts.total()).max(1.0));
        let seconds = seconds(&terms, &scaling);
        let shares = seconds.map(|seconds| (seconds / parts.total()).min(1.0));
        let mut variance = NOISE * NOISE + scaling.step_variance;
        for (share, of_term) in shares.iter().zip(&scaling.term_variances) {
            variance += share * share * of_term;
        }
        let greatest = (0..Term::COUNT).max_by(|left, right| shares[*left].total_cmp(&shares[*right]));
        let devices = job.layout.devices() as f64;
        let beyond = libm::log2(devices / scaling.most_devices.max(8.0)).max(0.0);
        // Exchanges that the software was never measured with are carried over from other software.
        let measured =
            seconds.iter().zip(&scaling.measured).all(|(seconds, known)| *known || *seconds <= 0.0);
        let known = measured && scaling.of_device > 0.0 && scaling.most_devices > 0.0;
        TransformerStep {
            parts,
            terms: seconds,
            log_error: WIDENING * variance.sqrt() + BEYOND_ERROR * beyond,
            greatest: Term::ALL[greatest.unwrap_or(0)].1,
            provenance: if known && beyond <= 1.0 { Provenance::Published } else { Provenance::Extrapolated },
        }
    }
}

/// Seconds of a step of one job under any layout.
#[derive(Clone, Copy, Debug)]
pub struct TransformerCost<'a> {
    job: TransformerJob<'a>,
    scaling: Scaling,
}

impl TransformerCost<'_> {
    /// Seconds of a step under a layout.
    #[must_use]
    pub fn seconds(&self, layout: &ParallelLayout) -> f64 {
        let job = TransformerJob { layout: *layout, ..self.job };
        let parts = Terms::of(&job).step(&self.scaling.terms);
        (parts.total() * libm::exp(self.scaling.step)).max(self.at_least(layout))
    }

    /// Seconds that the arithmetic takes at its peak.
    #[must_use]
    pub fn at_least(&self, layout: &ParallelLayout) -> f64 {
        least_seconds(&TransformerJob { layout: *layout, ..self.job })
    }
}

/// Forward and backward arithmetic at the peak of the units used, causal attention by half.
fn least_seconds(job: &TransformerJob<'_>) -> f64 {
    let passes = if job.adapters { 2.0 } else { 3.0 };
    let batch = job.layout.global_batch() as f64;
    let forward = job.shape.forward_flops(job.sequence, CausalCount::Half).0;
    let peak = job.accelerator.peak(job.precision).map_or(f64::INFINITY, |peak| peak.0);
    passes * forward * batch / (peak * job.layout.devices() as f64)
}

/// Scaled seconds of each term in a step, as if none hid another.
fn seconds(terms: &Terms, scaling: &Scaling) -> [f64; Term::COUNT] {
    let mut seconds = terms.seconds;
    for (index, value) in seconds.iter_mut().enumerate() {
        let once = matches!(Term::ALL[index].1, Term::GradientExchange | Term::Optimizer);
        let times = if once { 1.0 } else { terms.micro_batches };
        *value *= times * libm::exp(scaling.terms[index] + scaling.step);
    }
    seconds
}
