//! The roof of the machine: bare products and bare copies.

use std::time::Instant;

use candle_core::{DType, Device, Result, Tensor};

use super::parameters::numbers;

/// Square matrices to multiply, or values to copy.
pub(super) enum Probe {
    /// Two matrices.
    Matmul(Tensor, Tensor, Device),
    /// Values, read and written once.
    Copy(Tensor, Device),
}

impl Probe {
    pub fn matmul(edge: usize, dtype: DType, device: &Device) -> Result<Self> {
        let matrix = || numbers(&[edge, edge], dtype, device);
        Ok(Self::Matmul(matrix()?, matrix()?, device.clone()))
    }

    pub fn copy(bytes: usize, device: &Device) -> Result<Self> {
        Ok(Self::Copy(Tensor::zeros(bytes / 4, DType::F32, device)?, device.clone()))
    }

    /// Arithmetic or bytes per second.
    pub fn rate(&self) -> Result<f64> {
        let start = Instant::now();
        match self {
            Self::Matmul(left, right, device) => {
                let edge = left.dim(0)? as f64;
                let product = left.matmul(right)?;
                device.synchronize()?;
                drop(product);
                Ok(2.0 * edge * edge * edge / start.elapsed().as_secs_f64())
            }
            Self::Copy(values, device) => {
                // One read and one write of every value; arithmetic is far below the roof.
                let copied = values.affine(1.0, 1.0)?;
                device.synchronize()?;
                drop(copied);
                Ok(8.0 * values.elem_count() as f64 / start.elapsed().as_secs_f64())
            }
        }
    }
}
