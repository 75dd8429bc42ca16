//! Steps of transformers under any parallel layout: a sum of bounded terms, each visible, each scaled by a fit.
//!
//! Owns the job ([`TransformerJob`]), its terms by datasheet and kernel efficiencies ([`Terms`]), how they run beside
//! each other ([`StepParts`]), and the fit that scales them ([`TransformerFit`], [`TransformerProfile`]). It must not
//! know whether a layout fits in memory, nor what a step costs.

mod components;
mod fit;
mod job;
mod network;
mod predict;
mod products;
mod profile;
mod step;
mod tables;
mod terms;

pub use fit::{MeasuredStep, TransformerFit};
pub use job::{TransformerJob, TransformerSoftware};
pub use network::{JobNetwork, Wiring};
pub use predict::{TransformerCost, TransformerStep, TransformerSteps};
pub use profile::{Coefficient, TransformerProfile};
pub use step::StepParts;
pub use tables::DeviceTables;
pub use terms::{Term, Terms};

pub(super) use products::{Matrix, Split, attention_matrices, feed_forward_matrices, sparse_layers};
