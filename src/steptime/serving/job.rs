//! What the iterations of a language model are asked about.

use crate::catalog::{Accelerator, Engine, NumberFormat, ServingLayout, Transformer};
use crate::steptime::kernels::DeviceRates;
use crate::steptime::transformer::JobNetwork;

/// One replica of a language model on one sort of device.
#[derive(Clone, Copy, Debug)]
pub struct ServingJob<'a> {
    /// Catalog id of the model; only names what was measured.
    pub model: &'a str,
    /// Shape.
    pub shape: &'a Transformer,
    /// Storage of the layers' weights; embeddings and the output projection stay in 16 bit.
    pub weights: NumberFormat,
    /// Storage of keys and values.
    pub cache: NumberFormat,
    /// Device.
    pub accelerator: &'a Accelerator,
    /// Layout.
    pub layout: ServingLayout,
    /// Micro-batches that pass through a pipeline at once, at most its stages: 1 where one batch goes through all of it.
    pub micro_batches: u64,
    /// Engine.
    pub engine: &'a Engine,
    /// Version of the engine, where known; only names what was measured.
    pub version: &'a str,
    /// The device's kernels.
    pub device: &'a DeviceRates,
    /// Its network.
    pub network: &'a JobNetwork,
}
