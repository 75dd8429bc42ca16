//! Forward passes without gradients: prefill, decode against a cache, whole batches of ordinary models.

use std::time::Instant;

use candle_core::{DType, Device, Result, Tensor};

use super::cnn::{self, Cnn};
use super::gpt::{self, Cache, Gpt, GptShape};
use super::plan::ModelKind;
use super::recommender::{self, Recommender, Records};

/// A model with a request on the device.
pub(super) enum ServingRun {
    Prefill(Gpt, Tensor),
    Decode(Gpt, Tensor, Cache),
    Cnn(Cnn, Tensor),
    Recommender(Recommender, Records),
}

impl ServingRun {
    pub fn prefill(batch: usize, sequence: usize, dtype: DType, device: &Device) -> Result<Self> {
        let shape = GptShape::USUAL;
        Ok(Self::Prefill(Gpt::new(shape, dtype, device)?, gpt::batch(&shape, batch, sequence, device)?))
    }

    pub fn decode(batch: usize, context: usize, dtype: DType, device: &Device) -> Result<Self> {
        let shape = GptShape::USUAL;
        let model = Gpt::new(shape, dtype, device)?;
        let cache = model.cache(batch, context, device)?;
        Ok(Self::Decode(model, gpt::batch(&shape, batch, 1, device)?, cache))
    }

    pub fn ordinary(kind: ModelKind, batch: usize, dtype: DType, device: &Device) -> Result<Self> {
        Ok(match kind {
            ModelKind::Gpt => return Self::prefill(batch, super::plan::SEQUENCE, dtype, device),
            ModelKind::Cnn => Self::Cnn(Cnn::new(dtype, device)?, cnn::batch(batch, dtype, device)?.0),
            ModelKind::Recommender => {
                Self::Recommender(Recommender::new(dtype, device)?, recommender::batch(batch, dtype, device)?)
            }
        })
    }

    /// Seconds until the answer is on the host.
    pub fn seconds(&self) -> Result<f64> {
        let start = Instant::now();
        let answer = match self {
            Self::Prefill(model, tokens) => model.prefill(tokens)?,
            Self::Decode(model, tokens, cache) => model.decode(tokens, cache)?,
            Self::Cnn(model, images) => model.forward(images)?,
            Self::Recommender(model, records) => model.forward(records)?,
        };
        let answer = answer.detach().to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
        // A device that computes nonsense is not fast.
        if answer.first().is_some_and(|value| value.is_nan()) {
            candle_core::bail!("the model answers NaN");
        }
        Ok(start.elapsed().as_secs_f64())
    }
}
