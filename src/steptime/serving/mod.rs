//! Steps of serving: iterations of language models, batches of ordinary models.
//!
//! Owns the iteration times of one replica as a table ([`StepTable`]: look up, never evaluate, in a hot loop) and the
//! models and fits that fill it. It must not know queues, routers, requests or prices.

mod table;

pub use table::{DecodeLine, StepLaws, StepTable};
