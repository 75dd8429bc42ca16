//! Floor 3: seconds per step, from catalog types only.
//!
//! Owns what one device needs for a batch ([`StepTimes`]: fitted to published measurements, or carried over from other
//! devices and models with a wider error), the fit itself with its left-out groups ([`Regression`], [`HeldOut`]), what
//! exchanging gradients adds ([`collectives`], [`fabric`], [`placement`]), the kernels of a step ([`kernels`]) and the
//! roofline; and steps that the user measured ([`measured`]). It must not know fleets, prices, layouts' feasibility or what a run does with its steps.

pub mod collectives;
pub mod fabric;
pub mod kernels;
pub mod measured;
pub mod ordinary;
pub mod placement;
pub mod roofline;
pub mod serving;
mod transformer;

mod across;
mod coefficients;
mod components;
mod cpu;
mod dense;
mod evidence;
mod exchange;
mod fabric_fit;
mod fabric_profile;
mod factors;
mod holdout;
mod input_curves;
mod judged;
mod observation;
mod predict;
mod refit;
mod regression;
mod stack;
mod subject;
mod system;
mod tables;
mod topology;
mod traffic;

pub use across::Across;
pub use coefficients::Coefficients;
pub use evidence::Seen;
pub use exchange::{Exchange, Exposure, FabricLink, link_of};
pub use fabric_fit::{CollectiveObservation, fit_collective};
pub use fabric_profile::{CollectiveProfile, FittedCollective};
pub use factors::Setting;
pub use holdout::{HeldOut, HeldOutError, Hidden};
pub use input_curves::{InputCurves, Read as CurveRead, Scaling as CurveScaling};
pub use judged::Z90;
pub use observation::Observation;
pub use predict::{DeviceLimit, DeviceTime, NoStepTime, RatePrediction, StepQuery, StepTimes};
pub use refit::Refit;
pub use regression::Regression;
pub use stack::SoftwareStack;
pub use subject::{Arithmetic, has_tf32};
pub use tables::ProfileError;
pub use topology::{Lane, Topology};
pub use transformer::{
    Coefficient, DeviceTables, JobNetwork, MeasuredStep, StepParts, Term, Terms, TransformerCost,
    TransformerFit, TransformerJob, TransformerProfile, TransformerSoftware, TransformerStep,
    TransformerSteps, Wiring,
};
