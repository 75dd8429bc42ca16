//! The training workload.
//!
//! Owns data-parallel training jobs: the input pipeline ([`pipeline`]), the step and its bound, the run with its
//! interruptions, and how a planned fleet and a workload become a job ([`Builder`]). It must not know inference,
//! scenario files or prices.

pub mod closed_form;
pub mod pipeline;

mod bound;
mod build;
mod input;
mod job;
mod measured_input;
mod measured_step;
mod record;
mod run;
mod spec;
mod stretch;
mod transformer_step;
mod whole_step;

pub use bound::{Bound, Component};
pub use build::{Builder, Built, PILOT_BATCHES};
pub use input::{InputTimes, RECORD_CHUNK, object_store};
pub use job::{Meters, Phase, TrainingJob, TrainingReplica, mean_finish};
pub use spec::{
    Amount, CODECS, CacheTier, CheckpointSpec, DatasetSpec, Distribution, FailureSpec, InputMode, InputSpec,
    TrainingSpec,
};
pub use stretch::{Progress, Stretch};
pub use transformer_step::TransformerQuestion;
