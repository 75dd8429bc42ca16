//! A small convolutional network: four stages of 3×3 convolutions, pooled in between, a head over 100 classes.

use candle_core::{DType, Device, Result, Tensor, Var};
use candle_nn::loss::cross_entropy;

use super::parameters::{Dense, Parameters, numbers, tokens};

/// Edge of its images in pixels.
pub const IMAGE: usize = 64;
pub(super) const CLASSES: usize = 100;
/// Channels of the stages.
const CHANNELS: [usize; 5] = [3, 16, 32, 64, 128];

pub(super) struct Cnn {
    stages: Vec<(Tensor, Tensor)>,
    head: Dense,
    vars: Vec<Var>,
}

impl Cnn {
    pub fn new(dtype: DType, device: &Device) -> Result<Self> {
        let mut parameters = Parameters::new(dtype, device);
        let mut stages = Vec::new();
        for pair in CHANNELS.windows(2) {
            let weight = parameters.weight(&[pair[1], pair[0], 3, 3], 9 * pair[0])?;
            let bias = parameters.constant(0.0, pair[1])?.reshape((1, pair[1], 1, 1))?;
            stages.push((weight, bias));
        }
        let head = Dense::new(&mut parameters, CHANNELS[4], CLASSES)?;
        Ok(Self { stages, head, vars: parameters.into_vars() })
    }

    pub fn vars(&self) -> Vec<Var> {
        self.vars.clone()
    }

    /// Class scores of images `(batch, 3, edge, edge)`.
    pub fn forward(&self, images: &Tensor) -> Result<Tensor> {
        let mut maps = images.clone();
        for (weight, bias) in &self.stages {
            maps = maps.conv2d(weight, 1, 1, 1, 1)?.broadcast_add(bias)?.relu()?.max_pool2d(2)?;
        }
        // Means over the image are taken in 32 bit.
        let pooled = maps.to_dtype(DType::F32)?.mean((2, 3))?.to_dtype(maps.dtype())?;
        self.head.forward(&pooled)
    }

    pub fn loss(&self, (images, labels): (&Tensor, &Tensor)) -> Result<Tensor> {
        cross_entropy(&self.forward(images)?.to_dtype(DType::F32)?, labels)
    }
}

/// Arithmetic of a forward pass over one image.
pub fn flops_forward() -> f64 {
    let mut edge = IMAGE as f64;
    let mut sum = 0.0;
    for pair in CHANNELS.windows(2) {
        sum += 2.0 * 9.0 * pair[0] as f64 * pair[1] as f64 * edge * edge;
        edge /= 2.0;
    }
    sum + 2.0 * (CHANNELS[4] * CLASSES) as f64
}

/// Bytes that training keeps for an image: maps before and after bias, rectifier and pool, and the columns that the
/// convolution multiplies.
pub fn bytes_kept() -> f64 {
    let mut edge = IMAGE as f64;
    let mut sum = 0.0;
    for pair in CHANNELS.windows(2) {
        sum += edge * edge * (8.0 * pair[1] as f64 + 9.0 * pair[0] as f64);
        edge /= 2.0;
    }
    4.0 * sum
}

/// Images with their classes.
pub(super) fn batch(batch: usize, dtype: DType, device: &Device) -> Result<(Tensor, Tensor)> {
    Ok((numbers(&[batch, 3, IMAGE, IMAGE], dtype, device)?, tokens(CLASSES, &[batch], device)?))
}
