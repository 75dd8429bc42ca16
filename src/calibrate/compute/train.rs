//! One optimizer step with its parts timed apart.

use std::time::Instant;

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::{AdamW, Optimizer, ParamsAdamW};

use super::cnn::{self, Cnn};
use super::gpt::{self, Gpt, GptShape};
use super::plan::ModelKind;
use super::recommender::{self, Recommender, Records};

/// A model with a batch on the device.
enum Resident {
    Gpt(Gpt, Tensor),
    Cnn(Cnn, (Tensor, Tensor)),
    Recommender(Recommender, Records),
}

impl Resident {
    fn loss(&self) -> Result<Tensor> {
        match self {
            Self::Gpt(model, tokens) => model.loss(tokens),
            Self::Cnn(model, (images, labels)) => model.loss((images, labels)),
            Self::Recommender(model, records) => model.loss(records),
        }
    }
}

/// A training job whose batch stays on the device.
pub struct TrainingRun {
    batch: usize,
    resident: Resident,
    optimizer: AdamW,
    device: Device,
}

/// Seconds of the parts of a step, and its loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepTimes {
    /// Loss, until it is known on the host.
    pub forward: f64,
    /// Gradients.
    pub backward: f64,
    /// New weights.
    pub optimizer: f64,
    /// The loss.
    pub loss: f64,
}

impl StepTimes {
    /// The whole step.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.forward + self.backward + self.optimizer
    }
}

impl TrainingRun {
    /// A model with fresh weights; `sequence` and `width` are a GPT's.
    ///
    /// # Errors
    /// When the device gives up.
    pub(super) fn new(
        kind: ModelKind,
        batch: usize,
        (sequence, width): (usize, usize),
        dtype: DType,
        device: &Device,
    ) -> Result<Self> {
        let (resident, vars) = match kind {
            ModelKind::Gpt => {
                let shape = GptShape { hidden: width, ..GptShape::USUAL };
                let model = Gpt::new(shape, dtype, device)?;
                let vars = model.vars();
                (Resident::Gpt(model, gpt::batch(&shape, batch, sequence + 1, device)?), vars)
            }
            ModelKind::Cnn => {
                let model = Cnn::new(dtype, device)?;
                let vars = model.vars();
                (Resident::Cnn(model, cnn::batch(batch, dtype, device)?), vars)
            }
            ModelKind::Recommender => {
                let model = Recommender::new(dtype, device)?;
                let vars = model.vars();
                (Resident::Recommender(model, recommender::batch(batch, dtype, device)?), vars)
            }
        };
        let optimizer = AdamW::new(vars, ParamsAdamW::default())?;
        Ok(Self { batch, resident, optimizer, device: device.clone() })
    }

    /// Other tokens for the next step of a GPT; other models keep their batch.
    pub fn feed(&mut self, tokens: Tensor) {
        if let Resident::Gpt(_, resident) = &mut self.resident {
            *resident = tokens;
        }
    }

    /// Samples of a step.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.batch
    }

    /// One step on the batch that is there.
    ///
    /// # Errors
    /// When the device gives up.
    pub fn step(&mut self) -> Result<StepTimes> {
        let start = Instant::now();
        let loss = self.resident.loss()?;
        // Reading the loss waits for the device.
        let value = loss.to_dtype(DType::F32)?.to_scalar::<f32>()?;
        let forward = Instant::now();
        let gradients = loss.backward()?;
        self.device.synchronize()?;
        let backward = Instant::now();
        self.optimizer.step(&gradients)?;
        self.device.synchronize()?;
        let end = Instant::now();
        Ok(StepTimes {
            forward: (forward - start).as_secs_f64(),
            backward: (backward - forward).as_secs_f64(),
            optimizer: (end - backward).as_secs_f64(),
            loss: f64::from(value),
        })
    }
}
