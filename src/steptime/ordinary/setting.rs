//! One served configuration as the regression sees it: physics in a fixed offset, the rest as levels and slopes.
//!
//! Ideal time of a batch τ = arithmetic / peak. The offset is ln of a rate that follows 0.7 of the compute ceiling and 0.3
//! of the memory ceiling (in logarithms); latency that does not shrink with the batch enters as ln(1 + c/τ) for c of 0.1,
//! 1 and 10 ms, zero where batches are as large as the server likes.

use crate::catalog::{Accelerator, Peaks};

/// Weight of the compute ceiling in the offset; the memory ceiling has the rest.
const COMPUTE_WEIGHT: f64 = 0.7;
/// Operations per byte at which a typical layer meets both ceilings.
const TYPICAL_INTENSITY: f64 = 50.0;
/// TFLOP/s in 16 bit for each GB/s, of devices whose datasheet states the bandwidth alone (A100 and H100: 0.15 to 0.38).
const USUAL_INTENSITY: f64 = 0.25;
/// Peak (TFLOP/s), bandwidth (GB/s) and power (W) from which ratios are counted, taken for devices that state none.
const NOMINAL_PEAK: f64 = 100.0;
const NOMINAL_BANDWIDTH: f64 = 500.0;
const NOMINAL_POWER: f64 = 300.0;
/// Software version from which progress is counted (TensorRT 8.2, end of 2021).
const NOMINAL_VERSION: f64 = 8.2;

/// How load was put on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ServedLoad {
    /// Batches as large as the server likes.
    Saturated,
    /// One query at a time.
    SingleStream(f64),
    /// Static batches of this many samples.
    Batch(f64),
    /// This many clients in a closed loop, each with requests of a size that the row does not tell.
    Clients(f64),
}

/// A model being served.
#[derive(Clone, Debug, PartialEq)]
pub struct ServedModel {
    /// The model whose facts it has.
    pub id: String,
    /// The name and data set it was published under; empty when it is asked for by its id.
    pub variant: String,
    /// Family of operations: `conv`, `det`, `tf`, `rnn`, `rec`, `diffusion`, `other`.
    pub family: String,
    /// Models of which one stands in for the other where it was never measured; empty for most.
    pub kin: String,
    /// Arithmetic of one sample, GFLOP.
    pub gflops: f64,
}

/// A device as far as its rates are known.
#[derive(Clone, Debug, PartialEq)]
pub struct ServedDevice {
    /// Catalog name, or that under which its rows are counted.
    pub name: String,
    /// Name as published.
    pub published: String,
    /// Architecture generation; the name where unknown.
    pub generation: String,
    /// Dense peaks, TFLOP/s: 8-bit integers, 16 bit, TensorFloat-32, 32 bit.
    pub peaks: [Option<f64>; 4],
    /// Memory bandwidth, GB/s.
    pub bandwidth: Option<f64>,
    /// Board power, W.
    pub power: Option<f64>,
}

impl ServedDevice {
    /// A device of the catalog.
    #[must_use]
    pub fn of(accelerator: &Accelerator, published: &str) -> Self {
        let Peaks { fp32, tf32, half, int8, .. } = accelerator.peaks;
        Self {
            name: accelerator.name.clone(),
            published: published.to_owned(),
            generation: match accelerator.generation.as_str() {
                "" => accelerator.name.clone(),
                generation => generation.to_owned(),
            },
            peaks: [int8, half, tf32, fp32].map(|peak| peak.map(|peak| peak.0 / 1e12)),
            bandwidth: accelerator.memory_bandwidth.map(|bandwidth| bandwidth.0 / 1e9),
            power: accelerator.power.map(|power| power.0),
        }
    }

    /// A device of which only measurements are known.
    #[must_use]
    pub fn unlisted(name: &str, published: &str) -> Self {
        Self {
            name: name.to_owned(),
            published: published.to_owned(),
            generation: name.to_owned(),
            peaks: [None; 4],
            bandwidth: None,
            power: None,
        }
    }

    /// Peak of the units that a precision uses, TFLOP/s; matrix units do 8-bit integers twice as fast as 16 bit.
    fn peak(&self, precision: &str) -> Option<f64> {
        let [int8, half, tf32, fp32] = self.peaks;
        match precision {
            "int8" | "int8,fp16" => int8.or(half.map(|half| half * 2.0)),
            "fp32" => fp32.or(half.map(|half| half / 8.0)),
            "tf32" => tf32.or(half.map(|half| half / 2.0)),
            _ => half,
        }
    }

    /// Whether anything is known about its speed.
    #[must_use]
    pub fn has_rates(&self) -> bool {
        self.peaks.iter().any(Option::is_some) || self.bandwidth.is_some()
    }
}

/// One served configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct ServedSetting {
    /// What is served.
    pub model: ServedModel,
    /// On what.
    pub device: ServedDevice,
    /// Software: `TensorRT`, `PyTorch`, `triton` …
    pub stack: String,
    /// Its version, counted as that of TensorRT at the time.
    pub version: Option<f64>,
    /// Precision as written, in lower case: `int8`, `fp16` …; empty when unknown.
    pub precision: String,
    /// How load was put on.
    pub load: ServedLoad,
    /// Whether a latency is asked for (the rate is then batch over latency).
    pub latency: bool,
    /// Unit of what is counted when it is not samples: `tok_s_total` …
    pub metric: String,
    /// Devices that share the load.
    pub devices: f64,
}

/// The words and numbers that components take.
#[derive(Clone, Debug)]
pub(super) struct Factors {
    pub precision: String,
    pub model: String,
    pub variant: String,
    pub metric: String,
    pub family: String,
    pub kin: String,
    pub generation: String,
    pub accelerator: String,
    pub published: String,
    pub stack: String,
    pub kind: &'static str,
    /// ln(1 + c/τ) for c of 0.1, 1 and 10 ms.
    pub latency: [f64; 3],
    /// ln of the batch, or of the clients.
    pub batch: f64,
    /// ln of the devices.
    pub devices: f64,
    pub version: f64,
    pub ridge: f64,
    pub power: f64,
    /// ln of samples per second of one device before any correction.
    pub offset: f64,
}

impl ServedSetting {
    /// Precision whose units count: where a row tells none, submissions of compiled networks are in 8 bit, framework
    /// examples in 16.
    fn units(&self) -> &str {
        const FRAMEWORKS: [&str; 8] = [
            "TensorFlow",
            "TensorFlow2",
            "PyTorch",
            "PaddlePaddle",
            "MxNet",
            "CUDA-Optimized",
            "triton",
            "neuron",
        ];
        match self.precision.as_str() {
            "" if FRAMEWORKS.contains(&self.stack.as_str()) => "fp16",
            "" => "int8",
            precision => precision,
        }
    }

    fn kind(&self) -> &'static str {
        match self.load {
            ServedLoad::Saturated => "sat",
            ServedLoad::SingleStream(_) => "ss",
            ServedLoad::Batch(_) => "batch",
            ServedLoad::Clients(_) if self.latency => "clients-latency",
            ServedLoad::Clients(_) => "clients-rate",
        }
    }

    /// Samples that one published latency is of, or clients.
    pub(super) fn batch(&self) -> f64 {
        match self.load {
            ServedLoad::Saturated => 1.0,
            ServedLoad::SingleStream(batch) | ServedLoad::Batch(batch) => batch,
            ServedLoad::Clients(clients) => clients,
        }
    }

    pub(super) fn factors(&self) -> Factors {
        let known = self.device.peak(self.units());
        let usual = self.device.bandwidth.map(|bandwidth| bandwidth * USUAL_INTENSITY);
        let peak = known.or(usual).unwrap_or(NOMINAL_PEAK);
        let bandwidth = self.device.bandwidth.unwrap_or(NOMINAL_BANDWIDTH);
        let batch = self.batch();
        let ideal = batch * self.model.gflops * 1e9 / (peak * 1e12);
        let bounded = matches!(self.load, ServedLoad::SingleStream(_) | ServedLoad::Batch(_));
        let latency = [1e-4, 1e-3, 1e-2].map(|c| if bounded { libm::log1p(c / ideal) } else { 0.0 });
        let ln_peak = libm::log(peak / NOMINAL_PEAK);
        let ln_bandwidth = libm::log(bandwidth / NOMINAL_BANDWIDTH);
        Factors {
            precision: self.precision.clone(),
            model: self.model.id.clone(),
            variant: self.model.variant.clone(),
            metric: self.metric.clone(),
            family: self.model.family.clone(),
            kin: self.model.kin.clone(),
            generation: self.device.generation.clone(),
            accelerator: self.device.name.clone(),
            published: self.device.published.clone(),
            stack: self.stack.clone(),
            kind: self.kind(),
            latency,
            batch: if self.load == ServedLoad::Saturated { 0.0 } else { libm::log(batch) },
            devices: if self.latency || matches!(self.load, ServedLoad::SingleStream(_)) {
                0.0
            } else {
                libm::log(self.devices)
            },
            version: self.version.map_or(0.0, |version| version - NOMINAL_VERSION),
            ridge: if known.is_some() && self.device.bandwidth.is_some() {
                ln_peak - ln_bandwidth
            } else {
                0.0
            },
            power: libm::log(self.device.power.unwrap_or(NOMINAL_POWER) / NOMINAL_POWER),
            offset: COMPUTE_WEIGHT * libm::log(peak * 1e12)
                + (1.0 - COMPUTE_WEIGHT) * libm::log(bandwidth * 1e9 * TYPICAL_INTENSITY)
                - libm::log(self.model.gflops * 1e9),
        }
    }
}
