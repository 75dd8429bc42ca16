//! Steps of serving: iterations of language models, batches of ordinary models.
//!
//! Owns the iteration times of one replica as a table ([`StepTable`]: look up, never evaluate, in a hot loop), the laws
//! of language models that fill it ([`ServingLaws`]) and the fit that scales them ([`ServingSteps`]). It must not know
//! queues, routers, requests or prices.

mod fit;
mod hosts;
mod job;
mod known;
mod laws;
mod layers;
mod predict;
mod profile;
mod table;
mod terms;

pub use fit::{ServingFit, ServingSample};
pub use job::ServingJob;
pub use known::ServingKeys;
pub use laws::{ServingLaws, TableScope};
pub use predict::{ServingSteps, ServingTable};
pub use profile::{ServingCoefficient, ServingOffset, ServingProfile};
pub use table::{DecodeLine, StepLaws, StepTable};
pub use terms::{ServingScales, ServingSeconds, ServingTerm};
