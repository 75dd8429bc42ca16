//! Kernels of a step: matrix products, attention, element-wise passes.
//!
//! [`KernelProfile`] holds the fitted curves by family of accelerators, [`DeviceRates`] puts them on one device's
//! datasheet (look up once, evaluate often: an evaluation takes well under a microsecond), and [`matmul_seconds`],
//! [`attention_seconds`] and [`elementwise_seconds`] are the times. A device of a family without tables gets the
//! nearest family's efficiencies on its own datasheet and a wider error. It must not know models or layouts.

mod attention;
mod decode;
mod device;
mod fit;
mod matmul;
mod profile;

pub use attention::{AttentionCurve, AttentionKernel, AttentionRates, AttentionShape, Pass};
pub use decode::{DecodeCurve, DecodeRates};
pub use device::{
    DeviceRates, NoKernel, attention_seconds, elementwise_seconds, grouped_matmul_seconds, matmul_seconds,
};
pub use fit::{
    AttentionObservation, DecodeObservation, ElementwiseObservation, FitSummary, MatmulObservation,
    fit_attention, fit_decode, fit_elementwise, fit_matmul,
};
pub use matmul::{MatmulCurve, MatmulRates, MatmulShape};
pub use profile::{Elementwise, Fitted, KernelProfile};

pub(super) use fit::{descend, robust, within};
