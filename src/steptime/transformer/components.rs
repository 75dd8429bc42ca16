//! What the fit scales: every term, and the step as a whole, by what a job is known by.
//!
//! ln(step) = Σ of the step's coefficients + ln of the step made of terms, each scaled by the exponential of its own
//! coefficients. A coefficient is drawn towards 0 with its prior standard deviation, so that a key never seen leaves
//! the datasheet and the kernel efficiencies as they are.

use super::job::TransformerJob;
use super::terms::Term;

/// What a coefficient acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// The logarithm of a term.
    Term(Term),
    /// The logarithm of the step.
    Step,
}

/// What a component distinguishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Software,
    Lineage,
    Generation,
    Accelerator,
    Model,
    Precision,
    Recipe,
    Release,
    Mixture,
    Asynchronous,
    Adapters,
}

/// One component.
#[derive(Clone, Copy, Debug)]
pub(super) struct Component {
    pub target: Target,
    pub levels: &'static [Level],
    /// Prior standard deviation of its coefficients.
    pub deviation: f64,
}

const fn of(term: Term, levels: &'static [Level], deviation: f64) -> Component {
    Component { target: Target::Term(term), levels, deviation }
}

const fn step(levels: &'static [Level], deviation: f64) -> Component {
    Component { target: Target::Step, levels, deviation }
}

/// Every component.
pub(super) const COMPONENTS: &[Component] = {
    use Level as L;
    use Term as T;
    &[
        of(T::Products, &[], 0.3),
        of(T::Products, &[L::Generation], 0.2),
        of(T::Products, &[L::Generation, L::Precision], 0.2),
        of(T::Experts, &[], 0.5),
        of(T::Experts, &[L::Generation], 0.2),
        of(T::Attention, &[], 0.4),
        of(T::Attention, &[L::Generation], 0.3),
        of(T::Attention, &[L::Software], 0.3),
        of(T::Elementwise, &[], 0.4),
        of(T::Elementwise, &[L::Software], 0.4),
        of(T::Vocabulary, &[], 0.2),
        of(T::Loss, &[], 0.4),
        of(T::Loss, &[L::Software], 0.3),
        of(T::TensorExchange, &[], 0.3),
        of(T::TensorExchange, &[L::Software], 0.3),
        of(T::TensorExchange, &[L::Asynchronous], 0.4),
        of(T::ContextExchange, &[], 0.5),
        of(T::ContextExchange, &[L::Software], 1.0),
        of(T::ExpertExchange, &[], 0.5),
        of(T::ExpertExchange, &[L::Software], 0.3),
        of(T::PipelineExchange, &[], 0.4),
        of(T::PipelineExchange, &[L::Software], 0.3),
        of(T::ShardExchange, &[], 0.4),
        of(T::ShardExchange, &[L::Software], 0.4),
        of(T::GradientExchange, &[], 0.4),
        of(T::GradientExchange, &[L::Software], 0.4),
        of(T::Optimizer, &[], 0.4),
        of(T::Host, &[], 0.4),
        of(T::Host, &[L::Software], 0.5),
        step(&[], 0.3),
        step(&[L::Lineage], 0.15),
        step(&[L::Lineage, L::Generation], 0.1),
        step(&[L::Software], 0.14),
        step(&[L::Generation], 0.1),
        step(&[L::Software, L::Generation], 0.08),
        step(&[L::Accelerator], 0.08),
        step(&[L::Software, L::Model], 0.1),
        step(&[L::Model], 0.04),
        step(&[L::Software, L::Release], 0.1),
        step(&[L::Recipe], 0.2),
        step(&[L::Precision], 0.08),
        step(&[L::Mixture], 0.1),
        step(&[L::Model, L::Precision], 0.05),
        step(&[L::Software, L::Model, L::Release], 0.08),
        step(&[L::Adapters], 0.2),
    ]
};

impl Component {
    /// The name in tables: `attention.generation`, `step.software.model`.
    pub(super) fn name(&self) -> String {
        let mut name = match self.target {
            Target::Term(term) => term.word().to_owned(),
            Target::Step => "step".to_owned(),
        };
        for level in self.levels {
            name.push('.');
            name.push_str(level.word());
        }
        name
    }

    /// The key of a job in this component.
    pub(super) fn key(&self, job: &TransformerJob<'_>) -> String {
        let words: Vec<&str> = self.levels.iter().map(|level| level.of(job)).collect();
        words.join("|")
    }
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Self::Software => "software",
            Self::Lineage => "lineage",
            Self::Generation => "generation",
            Self::Accelerator => "accelerator",
            Self::Model => "model",
            Self::Precision => "precision",
            Self::Recipe => "recipe",
            Self::Release => "release",
            Self::Mixture => "mixture",
            Self::Asynchronous => "asynchronous",
            Self::Adapters => "adapters",
        }
    }

    fn of<'a>(self, job: &TransformerJob<'a>) -> &'a str {
        match self {
            Self::Software => job.software.word(),
            Self::Lineage => job.software.lineage(),
            Self::Generation => generation(job),
            Self::Accelerator => &job.accelerator.name,
            Self::Model => job.model,
            Self::Precision => units(job),
            Self::Recipe => job.recipe,
            Self::Release => job.release,
            Self::Mixture => ["dense", "mixture"][usize::from(job.shape.experts.is_some())],
            Self::Asynchronous => ["blocking", "asynchronous"][usize::from(job.asynchronous_tensor)],
            Self::Adapters => ["whole", "adapters"][usize::from(job.adapters)],
        }
    }
}

/// Devices of one maker's TPUs are one family: none has rows enough for its own.
fn generation<'a>(job: &TransformerJob<'a>) -> &'a str {
    if job.accelerator.kind == crate::catalog::AcceleratorKind::Tpu {
        "tpu"
    } else {
        &job.accelerator.generation
    }
}

fn units(job: &TransformerJob<'_>) -> &'static str {
    use crate::catalog::Precision;
    match job.precision {
        Precision::Fp32 | Precision::Tf32 => "fp32",
        Precision::Bf16 | Precision::Fp16 => "16-bit",
        Precision::Fp8 => "fp8",
        Precision::Nvfp4 => "nvfp4",
    }
}
