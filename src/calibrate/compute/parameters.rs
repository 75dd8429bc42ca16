//! Weights of a model: drawn from a named stream, so that a training job loses the same loss on every run.

use candle_core::{DType, Device, Result, Tensor, Var};

use crate::stats::Stream;

/// The weights of one model.
pub(super) struct Parameters {
    vars: Vec<Var>,
    dtype: DType,
    device: Device,
    stream: Stream,
}

impl Parameters {
    pub fn new(dtype: DType, device: &Device) -> Self {
        Self {
            vars: Vec::new(),
            dtype,
            device: device.clone(),
            stream: Stream::named(7, 0, "model", "weights"),
        }
    }

    /// Weights about zero with a deviation of 1/√inputs.
    pub fn weight(&mut self, shape: &[usize], inputs: usize) -> Result<Tensor> {
        let deviation = 1.0 / (inputs.max(1) as f64).sqrt();
        let count = shape.iter().product();
        // Uniform over ±√3 deviations: as good as normal and cheaper to draw for millions of weights.
        let half = deviation * 3.0_f64.sqrt();
        let values: Vec<f32> =
            (0..count).map(|_| ((2.0 * self.stream.uniform() - 1.0) * half) as f32).collect();
        self.keep(Tensor::from_vec(values, shape, &self.device)?)
    }

    /// A constant.
    pub fn constant(&mut self, value: f32, size: usize) -> Result<Tensor> {
        self.keep(Tensor::full(value, size, &self.device)?)
    }

    fn keep(&mut self, values: Tensor) -> Result<Tensor> {
        let var = Var::from_tensor(&values.to_dtype(self.dtype)?)?;
        let tensor = var.as_tensor().clone();
        self.vars.push(var);
        Ok(tensor)
    }

    pub fn into_vars(self) -> Vec<Var> {
        self.vars
    }
}

/// A dense layer.
#[derive(Clone, Debug)]
pub(super) struct Dense {
    weight: Tensor,
    bias: Tensor,
}

impl Dense {
    pub fn new(parameters: &mut Parameters, inputs: usize, outputs: usize) -> Result<Self> {
        Ok(Self {
            weight: parameters.weight(&[inputs, outputs], inputs)?,
            bias: parameters.constant(0.0, outputs)?,
        })
    }

    /// Rows of inputs to rows of outputs; leading dimensions are kept.
    pub fn forward(&self, rows: &Tensor) -> Result<Tensor> {
        let mut shape = rows.dims().to_vec();
        let inputs = shape.pop().unwrap_or(1);
        let count: usize = shape.iter().product();
        shape.push(self.bias.dim(0)?);
        rows.reshape((count, inputs))?.matmul(&self.weight)?.broadcast_add(&self.bias)?.reshape(shape)
    }
}

/// Whole numbers below `limit`, always the same, as a tensor.
pub(super) fn tokens(limit: usize, shape: &[usize], device: &Device) -> Result<Tensor> {
    let mut stream = Stream::named(7, 0, "data", "tokens");
    let count = shape.iter().product();
    let values: Vec<u32> = (0..count).map(|_| stream.below(limit) as u32).collect();
    Tensor::from_vec(values, shape, device)
}

/// Numbers between 0 and 1, always the same.
pub(super) fn numbers(shape: &[usize], dtype: DType, device: &Device) -> Result<Tensor> {
    let mut stream = Stream::named(7, 0, "data", "numbers");
    let count = shape.iter().product();
    let values: Vec<f32> = (0..count).map(|_| stream.uniform() as f32).collect();
    Tensor::from_vec(values, shape, device)?.to_dtype(dtype)
}
