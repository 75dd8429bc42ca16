//! Models that train on pictures handed in batch by batch, as the input pipeline makes them.

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::loss::cross_entropy;
use candle_nn::{AdamW, Optimizer, ParamsAdamW};

use super::cnn::{CLASSES, Cnn};
use super::parameters::{Dense, Parameters, tokens};

/// A model that takes pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FedModel {
    /// One dense layer over the means of 8 × 8 pixels: as little as a model can do.
    Linear,
    /// The catalog's `capplan-cnn`, at any size of picture.
    Cnn,
}

impl FedModel {
    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Cnn => "cnn",
        }
    }
}

enum Model {
    Linear(Dense),
    Cnn(Cnn),
}

/// A training job that waits for its batches.
pub struct FedRun {
    model: Model,
    labels: Tensor,
    /// Batch, colours, height, width.
    shape: (usize, usize, usize, usize),
    optimizer: AdamW,
    device: Device,
}

/// Edge of the squares whose means the smallest model takes.
const POOL: usize = 8;

impl FedRun {
    /// A model with fresh weights for batches of square pictures.
    ///
    /// # Errors
    /// When the device gives up.
    pub fn new(model: FedModel, batch: usize, side: usize, device: &Device) -> Result<Self> {
        let (model, vars) = match model {
            FedModel::Linear => {
                let mut parameters = Parameters::new(DType::F32, device);
                let edge = (side / POOL).max(1);
                let dense = Dense::new(&mut parameters, 3 * edge * edge, CLASSES)?;
                (Model::Linear(dense), parameters.into_vars())
            }
            FedModel::Cnn => {
                let cnn = Cnn::new(DType::F32, device)?;
                let vars = cnn.vars();
                (Model::Cnn(cnn), vars)
            }
        };
        Ok(Self {
            model,
            labels: tokens(CLASSES, &[batch], device)?,
            shape: (batch, 3, side, side),
            optimizer: AdamW::new(vars, ParamsAdamW::default())?,
            device: device.clone(),
        })
    }

    /// Numbers in a batch.
    #[must_use]
    pub fn values(&self) -> usize {
        self.shape.0 * self.shape.1 * self.shape.2 * self.shape.3
    }

    /// One step on a batch: onto the device, forward, backward, new weights. Gives the loss.
    ///
    /// # Errors
    /// When the device gives up, or the batch is of another size.
    pub fn step(&mut self, pixels: &[f32]) -> Result<f64> {
        let pictures = Tensor::from_slice(pixels, self.shape, &self.device)?;
        let loss = match &self.model {
            Model::Linear(dense) => {
                let means = pictures.avg_pool2d(POOL.min(self.shape.2))?.flatten_from(1)?;
                cross_entropy(&dense.forward(&means)?, &self.labels)?
            }
            Model::Cnn(cnn) => cnn.loss((&pictures, &self.labels))?,
        };
        self.optimizer.step(&loss.backward()?)?;
        self.device.synchronize()?;
        Ok(f64::from(loss.to_scalar::<f32>()?))
    }
}
