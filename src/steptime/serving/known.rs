//! What a row of the fit is known by, and what the fit scales by it.
//!
//! ln(figure) = Σ of the figure's coefficients + ln of the figure made of terms, each scaled by the exponential of its
//! own coefficients. A coefficient is drawn towards 0 with its prior standard deviation, so that a key never seen leaves
//! the datasheet and the kernel efficiencies as they are.

use super::job::ServingJob;
use super::terms::ServingTerm;

/// What a coefficient acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// The logarithm of a term.
    Term(ServingTerm),
    /// The logarithm of every time of a replica.
    Step,
    /// The logarithm of one sort of figure, as a time.
    Figure,
    /// The weight of the physical figure beside a limit.
    Limit,
    /// The logarithm of one statistic of a run that was tuned to a limit.
    Tuned,
}

/// What a component distinguishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Engine,
    Family,
    Release,
    Generation,
    Accelerator,
    Model,
    Weights,
    Harness,
    Load,
    Figure,
    Statistic,
}

/// Keys of a replica under a load. Texts that only measurements have are empty for a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServingKeys {
    /// Catalog id of the engine.
    pub engine: String,
    /// Software family.
    pub family: String,
    /// Version of the engine.
    pub release: String,
    /// Generation of the device.
    pub generation: String,
    /// Device.
    pub accelerator: String,
    /// Model.
    pub model: String,
    /// Storage of weights.
    pub weights: String,
    /// What measured: program, load and lengths.
    pub harness: String,
    /// Sort of load.
    pub load: String,
    /// Sort of figure.
    pub figure: String,
    /// Statistic of it.
    pub statistic: String,
}

impl ServingKeys {
    /// The keys of a job.
    #[must_use]
    pub fn of(job: &ServingJob<'_>) -> Self {
        Self {
            engine: job.engine.id.clone(),
            family: job.engine.family.clone(),
            release: job.version.to_owned(),
            generation: job.accelerator.generation.clone(),
            accelerator: job.accelerator.name.clone(),
            model: job.model.to_owned(),
            weights: job.weights.word().to_owned(),
            ..Self::default()
        }
    }

    fn level(&self, level: Level) -> &str {
        match level {
            Level::Engine => &self.engine,
            Level::Family => &self.family,
            Level::Release => &self.release,
            Level::Generation => &self.generation,
            Level::Accelerator => &self.accelerator,
            Level::Model => &self.model,
            Level::Weights => &self.weights,
            Level::Harness => &self.harness,
            Level::Load => &self.load,
            Level::Figure => &self.figure,
            Level::Statistic => &self.statistic,
        }
    }
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Self::Engine => "engine",
            Self::Family => "family",
            Self::Release => "release",
            Self::Generation => "generation",
            Self::Accelerator => "accelerator",
            Self::Model => "model",
            Self::Weights => "weights",
            Self::Harness => "harness",
            Self::Load => "load",
            Self::Figure => "figure",
            Self::Statistic => "statistic",
        }
    }
}

/// One component.
#[derive(Clone, Copy, Debug)]
pub(super) struct Component {
    pub target: Target,
    pub levels: &'static [Level],
    /// Prior standard deviation of its coefficients.
    pub deviation: f64,
}

const fn term(term: ServingTerm, levels: &'static [Level], deviation: f64) -> Component {
    Component { target: Target::Term(term), levels, deviation }
}

const fn on(target: Target, levels: &'static [Level], deviation: f64) -> Component {
    Component { target, levels, deviation }
}

/// Every component.
pub(super) const COMPONENTS: &[Component] = {
    use Level as L;
    use ServingTerm as T;
    &[
        term(T::Streaming, &[], 0.2),
        term(T::Arithmetic, &[], 0.2),
        term(T::Experts, &[], 0.2),
        term(T::Vocabulary, &[], 0.2),
        term(T::PromptAttention, &[], 0.2),
        term(T::DecodeAttention, &[], 0.2),
        term(T::Elementwise, &[], 0.2),
        term(T::TensorExchange, &[], 0.2),
        term(T::ExpertExchange, &[], 0.2),
        term(T::PipelineExchange, &[], 0.2),
        term(T::Host, &[], 0.2),
        term(T::PromptHost, &[], 0.2),
        term(T::Request, &[], 0.2),
        term(T::Streaming, &[L::Generation], 0.1),
        term(T::Streaming, &[L::Weights], 0.1),
        term(T::Arithmetic, &[L::Generation], 0.1),
        term(T::Arithmetic, &[L::Generation, L::Weights], 0.1),
        term(T::Experts, &[L::Generation], 0.15),
        term(T::Experts, &[L::Family], 0.15),
        term(T::Experts, &[L::Weights], 0.15),
        term(T::DecodeAttention, &[L::Generation], 0.15),
        term(T::DecodeAttention, &[L::Family], 0.15),
        term(T::PromptAttention, &[L::Generation], 0.15),
        term(T::TensorExchange, &[L::Family], 0.2),
        term(T::TensorExchange, &[L::Generation], 0.2),
        term(T::Elementwise, &[L::Engine], 0.2),
        term(T::Host, &[L::Engine], 0.3),
        term(T::Host, &[L::Engine, L::Release], 0.15),
        term(T::PromptHost, &[L::Engine], 0.3),
        term(T::PromptHost, &[L::Harness], 0.25),
        term(T::Request, &[L::Engine], 0.3),
        term(T::Request, &[L::Harness], 0.3),
        on(Target::Step, &[], 0.1),
        on(Target::Step, &[L::Engine], 0.1),
        on(Target::Step, &[L::Generation], 0.075),
        on(Target::Step, &[L::Accelerator], 0.075),
        on(Target::Step, &[L::Engine, L::Generation], 0.075),
        on(Target::Step, &[L::Harness], 0.1),
        on(Target::Step, &[L::Model], 0.12),
        on(Target::Step, &[L::Engine, L::Model], 0.1),
        on(Target::Step, &[L::Weights], 0.075),
        on(Target::Step, &[L::Generation, L::Weights], 0.075),
        on(Target::Step, &[L::Engine, L::Release], 0.075),
        on(Target::Figure, &[L::Figure, L::Harness], 0.15),
        on(Target::Figure, &[L::Figure, L::Load, L::Model], 0.1),
        on(Target::Limit, &[L::Figure], 0.15),
        on(Target::Tuned, &[L::Figure, L::Statistic], 0.3),
        on(Target::Tuned, &[L::Figure, L::Model], 0.3),
    ]
};

impl Component {
    /// The name in tables: `experts.generation`, `step.engine.model`.
    pub(super) fn name(&self) -> String {
        let mut name = match self.target {
            Target::Term(term) => term.word().to_owned(),
            Target::Step => "step".to_owned(),
            Target::Figure => "figure".to_owned(),
            Target::Limit => "limit".to_owned(),
            Target::Tuned => "tuned".to_owned(),
        };
        for level in self.levels {
            name.push('.');
            name.push_str(level.word());
        }
        name
    }

    /// The key of a row in this component; `None` where a text is empty that only measurements have.
    pub(super) fn key(&self, keys: &ServingKeys) -> Option<String> {
        let mut key = String::new();
        for level in self.levels {
            let word = keys.level(*level);
            if word.is_empty() && matches!(level, Level::Harness | Level::Load | Level::Figure) {
                return None;
            }
            if !key.is_empty() {
                key.push('|');
            }
            key.push_str(word);
        }
        Some(key)
    }
}
