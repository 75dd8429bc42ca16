//! One configuration to the numbers that the regression multiplies: physics in a fixed offset, the rest as levels and
//! slopes.
//!
//! Equations: ideal compute time τ of a micro-step = arithmetic / peak; the offset is ln of a rate that follows 0.7 of the
//! compute ceiling and 0.3 of the memory ceiling (in logarithms), less host time, exposed exchange inside and across
//! hosts, and the traffic of embedding vectors. The regression corrects it. The constants were chosen on left-out pairs
//! of device and model of the shipped observations.

use crate::catalog::{Accelerator, Model};

use super::predict::NoStepTime;
use super::stack::SoftwareStack;
use super::subject::{Arithmetic, Subjects};
use super::traffic::Traffic;

/// Share of the arithmetic peak that a step reaches, as far as the host time is compared with it.
const TYPICAL_EFFICIENCY: f64 = 0.4;
/// Weight of the compute ceiling in the offset; the memory ceiling has the rest.
pub(super) const COMPUTE_WEIGHT: f64 = 0.7;
/// Passes of the all-to-all of embedding vectors beyond one at the nominal rate: messages are short.
const TABLE_PASSES: f64 = 2.5;
/// Share of the traffic of embedding rows that arithmetic does not hide.
const LOOKUP_SHARE: f64 = 0.2;
/// Benchmark round from which the age of tuned software is counted, as a year, and the years of one unit.
const ROUND_ORIGIN: (f64, f64) = (2022.5, 2.0);

/// One configuration of one device in a job.
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
    /// Devices of one host that work together.
    pub devices: u64,
    /// Hosts that work together.
    pub hosts: u64,
    /// Nominal bytes per second of one host's cards to the other hosts; `None`: usual for the device's generation.
    pub card: Option<f64>,
    /// Devices that share each micro-batch: more than one where the batch of the job is smaller than its devices' own.
    pub sharing: f64,
    /// Year of the benchmark round whose software it is; `None` outside of benchmark rounds.
    pub year: Option<f64>,
    /// Samples of one device in one micro-step, fewer than one where devices share a sample.
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
    /// ln of the devices of a host.
    pub devices: f64,
    /// ln(1 + exchange between hosts over compute).
    pub across: f64,
    /// ln of the hosts.
    pub hosts: f64,
    /// ln(1 + all-to-all of embedding vectors over compute).
    pub tables: f64,
    /// Units of two years of tuned software since mid-2022; 0 for other software.
    pub age: f64,
}

impl Slopes {
    pub(super) const COUNT: usize = 9;

    pub(super) fn values(&self) -> [f64; Self::COUNT] {
        let Self { latency, overhead, exchange, work, devices, across, hosts, tables, age } = *self;
        [latency, overhead, exchange, work, devices, across, hosts, tables, age]
    }

    pub(super) fn from_values(values: [f64; Self::COUNT]) -> Self {
        let [latency, overhead, exchange, work, devices, across, hosts, tables, age] = values;
        Self { latency, overhead, exchange, work, devices, across, hosts, tables, age }
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
    /// ln of the devices that share each micro-batch.
    pub sharing: f64,
    /// ln(1 + traffic of embedding rows over compute).
    pub lookups: f64,
    /// ln(peak / 100 TFLOP/s).
    pub peak: f64,
    /// ln(peak / 100 TFLOP/s) − ln(bandwidth / 1 T of 16-bit values/s · 2).
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
        let model = subjects.model(setting.model, setting.sequence, setting.task)?;
        let device = subjects.device(setting.accelerator, setting.arithmetic)?;
        let class = SoftwareStack::of_observed(setting.stack);
        let tera_flops = model.flops / 1e12;
        let ideal = setting.micro_batch * tera_flops / device.peak;
        if !(ideal.is_finite() && ideal > 0.0 && setting.accumulation.is_finite()) {
            return Err(NoStepTime::NoWork { model: setting.model.id.clone() });
        }
        let traffic = Traffic::of(setting, &model);
        let relative = |seconds: f64| TYPICAL_EFFICIENCY * seconds / ideal;
        let relative_host = relative(class.host_time());
        let lookups = traffic.lookup_bytes / (device.bandwidth * 1e12);
        let relative_exposed = relative(
            class.exposed_share() * traffic.inside
                + class.exposed_share_across() * traffic.across
                + TABLE_PASSES * traffic.tables
                + LOOKUP_SHARE * lookups,
        );
        // The memory ceiling counts values: 32-bit ones take twice the bytes.
        let values = device.bandwidth * 2.0 / setting.arithmetic.value_bytes();
        let peak = libm::log(device.peak / 100.0);
        let rate = COMPUTE_WEIGHT * libm::log(device.peak)
            + (1.0 - COMPUTE_WEIGHT) * libm::log(values * 100.0)
            - libm::log(tera_flops)
            - libm::log1p(relative_host + relative_exposed);
        let (origin, unit) = ROUND_ORIGIN;
        let year = setting.year.filter(|_| class == SoftwareStack::Tuned);
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
            fabric: if traffic.ranks() == 1 { "one".to_owned() } else { setting.fabric.to_owned() },
            devices: traffic.linked,
            slopes: Slopes {
                latency: libm::log1p(0.01 / ideal),
                overhead: libm::log1p(0.1 / ideal),
                exchange: libm::log1p(relative(traffic.inside)),
                work: libm::log(ideal / 0.1),
                devices: libm::log(traffic.linked as f64),
                across: libm::log1p(relative(traffic.across)),
                hosts: libm::log(traffic.hosts as f64),
                tables: libm::log1p(relative(traffic.tables)),
                age: year.map_or(0.0, |year| (year - origin) / unit),
            },
            sharing: libm::log(setting.sharing.max(1.0)),
            lookups: libm::log1p(relative(lookups)),
            peak,
            ridge: peak - libm::log(values),
            power: libm::log(device.power / 300.0),
            offset: rate,
            host_share: relative_host / (1.0 + relative_host + relative_exposed),
        })
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
