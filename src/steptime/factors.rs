//! One configuration to the numbers that the regression multiplies: physics in a fixed offset, the rest as levels and
//! slopes.
//!
//! Equations: ideal compute time τ of a micro-step = arithmetic / peak; ring all-reduce 2(n−1)/n·4P/B; the offset is
//! ln of a rate that follows 0.6 of the compute ceiling and 0.4 of the memory ceiling (in logarithms), less host time
//! and exposed exchange. The regression corrects it.

use crate::catalog::{Accelerator, Model};

use super::predict::NoStepTime;
use super::stack::SoftwareStack;
use super::subject::{Arithmetic, Subjects};

/// Share of the arithmetic peak that a step reaches, as far as the host time is compared with it.
const TYPICAL_EFFICIENCY: f64 = 0.3;
/// Weight of the compute ceiling in the offset; the memory ceiling has the rest.
pub(super) const COMPUTE_WEIGHT: f64 = 0.6;

/// One configuration of one device in one host.
#[derive(Clone, Debug)]
pub struct Setting<'a> {
    /// The model.
    pub model: &'a Model,
    /// The device.
    pub accelerator: &'a Accelerator,
    /// Stack as observed: `mlperf`, `pytorch`, `tf2`, `research` …
    pub stack: &'a str,
    /// Variant of the model as published, in lower case; empty when unknown.
    pub variant: &'a str,
    /// Task of the model: `pretrain`, `finetune` or empty.
    pub task: &'a str,
    /// Units used.
    pub arithmetic: Arithmetic,
    /// Fabric inside the host: `nvlink`, `pcie`, `xgmi`, `roce`, `ici`, `packed`, `spread`, `other`; `one` when alone.
    pub fabric: &'a str,
    /// Devices that work together.
    pub devices: u64,
    /// Samples of one device in one micro-step.
    pub micro_batch: f64,
    /// Micro-steps of a step.
    pub accumulation: f64,
    /// Tokens of a sample where they differ from the model file's.
    pub sequence: Option<f64>,
}

/// The quantities with fitted slopes; outside the range seen, only the offset moves.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Slopes {
    /// ln(1 + 10 ms / τ).
    pub latency: f64,
    /// ln(1 + 100 ms / τ).
    pub overhead: f64,
    /// ln(1 + exchange over compute).
    pub exchange: f64,
    /// ln(τ / 100 ms).
    pub work: f64,
    /// ln of the devices.
    pub devices: f64,
}

impl Slopes {
    pub(super) const COUNT: usize = 5;

    pub(super) fn values(&self) -> [f64; Self::COUNT] {
        [self.latency, self.overhead, self.exchange, self.work, self.devices]
    }

    pub(super) fn from_values(values: [f64; Self::COUNT]) -> Self {
        let [latency, overhead, exchange, work, devices] = values;
        Self { latency, overhead, exchange, work, devices }
    }
}

/// A configuration as the regression sees it.
#[derive(Clone, Debug)]
pub(super) struct Factors {
    pub model: String,
    pub kin: String,
    pub family: &'static str,
    pub accelerator: String,
    pub generation: String,
    pub stack: String,
    pub class: SoftwareStack,
    pub variant: String,
    pub task: String,
    pub arithmetic: Arithmetic,
    pub fabric: String,
    pub devices: u64,
    pub slopes: Slopes,
    /// ln(peak / 100 TFLOP/s).
    pub peak: f64,
    /// ln(peak / 100 TFLOP/s) − ln(bandwidth / 1 TB/s).
    pub ridge: f64,
    /// ln(power / 300 W).
    pub power: f64,
    /// ln of samples per second of one device before any correction.
    pub offset: f64,
    /// Part of the step in which the device waits for its host, by the offset's constants.
    pub host_share: f64,
}

impl Factors {
    pub(super) fn of(subjects: &Subjects, setting: &Setting<'_>) -> Result<Self, NoStepTime> {
        let model = subjects.model(setting.model, setting.sequence)?;
        let device = subjects.device(setting.accelerator, setting.arithmetic)?;
        let class = SoftwareStack::of_observed(setting.stack);
        let devices = setting.devices.max(1);
        let tera_flops = model.flops / 1e12;
        let ideal = setting.micro_batch * tera_flops / device.peak;
        let accumulation = setting.accumulation.max(1.0);
        if !(ideal.is_finite() && ideal > 0.0 && accumulation.is_finite()) {
            return Err(NoStepTime::NoWork { model: setting.model.id.clone() });
        }
        let exchange =
            all_reduce(devices, model.reduced_parameters, fabric_bandwidth(setting)) / accumulation;
        let relative_host = TYPICAL_EFFICIENCY * class.host_time() / ideal;
        let relative_exposed = TYPICAL_EFFICIENCY * class.exposed_share() * exchange / ideal;
        let peak = libm::log(device.peak / 100.0);
        let rate = COMPUTE_WEIGHT * libm::log(device.peak)
            + (1.0 - COMPUTE_WEIGHT) * libm::log(device.bandwidth * 100.0)
            - libm::log(tera_flops)
            - libm::log1p(relative_host + relative_exposed);
        Ok(Self {
            model: model.observed,
            kin: model.kin,
            family: model.family,
            accelerator: setting.accelerator.name.clone(),
            generation: setting.accelerator.generation.clone(),
            stack: setting.stack.to_owned(),
            class,
            variant: setting.variant.to_owned(),
            task: setting.task.to_owned(),
            arithmetic: setting.arithmetic,
            fabric: if devices == 1 { "one".to_owned() } else { setting.fabric.to_owned() },
            devices,
            slopes: Slopes {
                latency: libm::log1p(0.01 / ideal),
                overhead: libm::log1p(0.1 / ideal),
                exchange: libm::log1p(TYPICAL_EFFICIENCY * exchange / ideal),
                work: libm::log(ideal / 0.1),
                devices: libm::log(devices as f64),
            },
            peak,
            ridge: peak - libm::log(device.bandwidth),
            power: libm::log(device.power / 300.0),
            offset: rate,
            host_share: relative_host / (1.0 + relative_host + relative_exposed),
        })
    }
}

/// Seconds of a ring all-reduce of 32-bit gradients at `bandwidth` bytes per second.
fn all_reduce(devices: u64, parameters: f64, bandwidth: f64) -> f64 {
    let devices = devices as f64;
    2.0 * (devices - 1.0) / devices * 4.0 * parameters / bandwidth
}

/// Nominal bytes per second that place the exchange; the slope is fitted. NVLink gives half its sheet's rate.
fn fabric_bandwidth(setting: &Setting<'_>) -> f64 {
    match setting.fabric {
        "nvlink" => 0.5 * setting.accelerator.link_bandwidth.map_or(150e9, |rate| rate.0),
        "pcie" => 10e9,
        "packed" => 8e9,
        "spread" => 1.5e9,
        "xgmi" => 150e9,
        "roce" | "ici" => 100e9,
        _ => 20e9,
    }
}

/// The word that the regression has for a fabric of the catalog.
pub(super) fn fabric_word(fabric: &str) -> &'static str {
    match fabric {
        name if name.starts_with("nvlink") => "nvlink",
        name if name.starts_with("pcie") => "pcie",
        name if name.starts_with("xgmi") => "xgmi",
        name if name.starts_with("ici") => "ici",
        "gaudi-roce" => "roce",
        _ => "other",
    }
}
