//! What the regression knows a model and a device by.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::catalog::{Accelerator, Architecture, Model, Precision};
use crate::units::FlopsPerSecond;

use super::predict::NoStepTime;
use super::tables::{ProfileError, rows};

const KIN_FILE: &str = "assets/profiles/model-kin.csv";
const RATES_FILE: &str = "assets/profiles/matrix-rates.csv";

/// Tables smaller than this are reduced like dense gradients; larger ones are sharded over the devices.
const SHARDED_TABLE_PARAMETERS: f64 = 1e9;

/// The units that do the arithmetic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Arithmetic {
    /// 16-bit products, 32-bit sums, on matrix units.
    Mixed,
    /// TensorFloat-32 on matrix units.
    Tf32,
    /// Plain 32-bit units.
    Fp32,
}

impl Arithmetic {
    /// Every kind with its word in the observation table.
    pub const ALL: &'static [(&'static str, Self)] =
        &[("mixed", Self::Mixed), ("tf32", Self::Tf32), ("fp32", Self::Fp32)];

    /// The word in the observation table.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(word, _)| word)
    }

    /// Bytes of a value in memory.
    #[must_use]
    pub fn value_bytes(self) -> f64 {
        if self == Self::Mixed { 2.0 } else { 4.0 }
    }

    /// What a device uses for a precision. Devices without matrix units compute in 32 bit whatever is asked; 8-bit
    /// training is taken as mixed, since no published row of these models separates it.
    #[must_use]
    pub fn of(precision: Precision, accelerator: &Accelerator) -> Self {
        match precision {
            _ if lacks_matrix_units(accelerator) => Self::Fp32,
            Precision::Bf16 | Precision::Fp16 | Precision::Fp8 | Precision::Nvfp4 => Self::Mixed,
            Precision::Tf32 if has_tf32(accelerator) => Self::Tf32,
            Precision::Tf32 | Precision::Fp32 => Self::Fp32,
        }
    }
}

fn lacks_matrix_units(accelerator: &Accelerator) -> bool {
    matches!(accelerator.generation.as_str(), "kepler" | "maxwell" | "pascal")
}

/// Whether frameworks run 32-bit training on TensorFloat-32 units unless told otherwise.
#[must_use]
pub fn has_tf32(accelerator: &Accelerator) -> bool {
    matches!(accelerator.generation.as_str(), "ampere" | "ada" | "hopper" | "blackwell" | "blackwell-ultra")
}

/// Names and rates that the catalog does not hold: which models stand in for each other, and the matrix rates of
/// devices whose datasheet counts 16-bit accumulation.
#[derive(Clone, Debug, Default)]
pub(super) struct Subjects {
    kin: BTreeMap<String, (String, String)>,
    rates: BTreeMap<String, (f64, f64)>,
}

#[derive(Deserialize)]
struct KinRow {
    model: String,
    observed: String,
    kin: String,
}

#[derive(Deserialize)]
struct RateRow {
    accelerator: String,
    peak_16bit_tflops: f64,
    peak_tf32_tflops: f64,
}

/// A model to the regression.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ModelFacts {
    /// The model whose rows are its own.
    pub observed: String,
    /// Models that behave alike.
    pub kin: String,
    /// `conv`, `tr`, `rnn` or `rec`.
    pub family: &'static str,
    /// Training arithmetic of one sample.
    pub flops: f64,
    /// Parameters whose gradients every device gets.
    pub reduced_parameters: f64,
    /// Whether embedding tables are spread over the devices, so that pooled vectors travel.
    pub sharded_rows: bool,
}

/// A device to the regression.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct DeviceFacts {
    /// Peak of the units used, TFLOP/s.
    pub peak: f64,
    /// Memory bandwidth, TB/s.
    pub bandwidth: f64,
    /// Board power, W.
    pub power: f64,
}

impl Subjects {
    pub(super) fn embedded() -> Result<Self, ProfileError> {
        let kin: Vec<KinRow> = rows(KIN_FILE, include_str!("../../assets/profiles/model-kin.csv"))?;
        let rates: Vec<RateRow> = rows(RATES_FILE, include_str!("../../assets/profiles/matrix-rates.csv"))?;
        Ok(Self {
            kin: kin.into_iter().map(|row| (row.model, (row.observed, row.kin))).collect(),
            rates: rates
                .into_iter()
                .map(|row| (row.accelerator, (row.peak_16bit_tflops, row.peak_tf32_tflops)))
                .collect(),
        })
    }

    /// The model that a model's rows are counted under.
    pub(super) fn observed(&self, model: &str) -> String {
        self.kin.get(model).map_or_else(|| model.to_owned(), |(observed, _)| observed.clone())
    }

    pub(super) fn model(
        &self,
        model: &Model,
        sequence: Option<f64>,
        task: &str,
    ) -> Result<ModelFacts, NoStepTime> {
        let flops = denoising_flops(model, sequence, task)
            .unwrap_or_else(|| model.training_flops().0 * sequence_scale(model, sequence));
        if flops.is_nan() || flops <= 0.0 {
            return Err(NoStepTime::NoWork { model: model.id.clone() });
        }
        let tables = model.embedding_parameters;
        let sharded_rows = tables >= SHARDED_TABLE_PARAMETERS;
        let reduced_tables = if sharded_rows { 0.0 } else { tables };
        let (observed, kin) = match self.kin.get(&model.id) {
            Some((observed, kin)) => (observed.clone(), kin.clone()),
            None => (model.id.clone(), usual_kin(model).to_owned()),
        };
        let reduced_parameters = model.parameters + reduced_tables;
        let family = family(model.architecture);
        Ok(ModelFacts { observed, kin, family, flops, reduced_parameters, sharded_rows })
    }

    pub(super) fn device(
        &self,
        accelerator: &Accelerator,
        arithmetic: Arithmetic,
    ) -> Result<DeviceFacts, NoStepTime> {
        let unknown = |what| NoStepTime::UnknownDevice { accelerator: accelerator.name.clone(), what };
        let tera = |rate: FlopsPerSecond| rate.0 / 1e12;
        let peaks = &accelerator.peaks;
        let own = self.rates.get(&accelerator.name);
        let half = own.map(|rates| rates.0).or(peaks.half.map(tera));
        let peak = match arithmetic {
            Arithmetic::Mixed => half.ok_or_else(|| unknown("16-bit peak"))?,
            // Where the sheet is silent: matrix units do 32-bit words at half the 16-bit rate.
            Arithmetic::Tf32 => own
                .map(|rates| rates.1)
                .or(peaks.tf32.map(tera))
                .or(half.map(|half| half / 2.0))
                .ok_or_else(|| unknown("TF32 peak"))?,
            Arithmetic::Fp32 => {
                peaks.fp32.map(tera).or(half.map(|half| half / 16.0)).ok_or_else(|| unknown("32-bit peak"))?
            }
        };
        let bandwidth = accelerator.memory_bandwidth.ok_or_else(|| unknown("memory bandwidth"))?.0 / 1e12;
        Ok(DeviceFacts { peak, bandwidth, power: accelerator.power.map_or(300.0, |power| power.0) })
    }
}

fn family(architecture: Architecture) -> &'static str {
    match architecture {
        Architecture::Convolutional | Architecture::UNet | Architecture::DiffusionUNet => "conv",
        Architecture::TransformerEncoder
        | Architecture::TransformerDecoder
        | Architecture::EncoderDecoder
        | Architecture::DiffusionTransformer => "tr",
        Architecture::Recurrent => "rnn",
        Architecture::Recommender => "rec",
    }
}

/// The kin of a model that nobody listed.
fn usual_kin(model: &Model) -> &'static str {
    match model.architecture {
        Architecture::Convolutional => "rn",
        Architecture::UNet | Architecture::DiffusionUNet => "unet",
        Architecture::TransformerEncoder
        | Architecture::TransformerDecoder
        | Architecture::DiffusionTransformer => "bert",
        Architecture::EncoderDecoder => "mt",
        Architecture::Recurrent => "rnn",
        Architecture::Recommender if model.embedding_parameters > 0.0 => "dlrm",
        Architecture::Recommender => "cf",
    }
}

/// Training arithmetic of an encoder-decoder that learns to restore its input (BART): unlike in the tasks that model
/// files state, the decoder sees as many tokens as the encoder. 2P a token, and attention of 4·h·s² in each of L layers
/// and across from each of the L/2 layers of the decoder.
fn denoising_flops(model: &Model, sequence: Option<f64>, task: &str) -> Option<f64> {
    if model.architecture != Architecture::EncoderDecoder || task != "pretrain" {
        return None;
    }
    let tokens = sequence.filter(|_| model.sequence_length.is_some()).or(model.sequence_length)?;
    let attention = 6.0 * model.layers? * model.hidden? * tokens * tokens;
    Some(3.0 * (2.0 * model.parameters * tokens + attention))
}

/// Arithmetic of a sequence of another length relative to the model file's: 2P tokens for the weights outside the
/// vocabulary and 4·L·h·s² for attention (Kaplan et al. 2020, appendix).
fn sequence_scale(model: &Model, sequence: Option<f64>) -> f64 {
    let (Some(wanted), Some(stated)) = (sequence, model.sequence_length) else { return 1.0 };
    if !model.architecture.is_transformer() || wanted == stated {
        return 1.0;
    }
    let (hidden, layers) = (model.hidden.unwrap_or(0.0), model.layers.unwrap_or(0.0));
    let outside = model.parameters - model.vocabulary.unwrap_or(0.0) * hidden;
    let weights = outside.max(0.3 * model.parameters);
    let work = |tokens: f64| 2.0 * weights * tokens + 4.0 * layers * hidden * tokens * tokens;
    work(wanted) / work(stated)
}
