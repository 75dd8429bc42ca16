//! What one device needs for the micro-batches of a step.

use thiserror::Error;

use crate::catalog::{Accelerator, Catalog, Model, Precision, Provenance};
use crate::units::Seconds;

use super::across::Across;
use super::coefficients::Coefficients;
use super::cpu;
use super::evidence::Evidence;
use super::factors::{Factors, Setting, fabric_word};
use super::holdout::Hidden;
use super::stack::SoftwareStack;
use super::subject::{Arithmetic, Subjects};
use super::tables::ProfileError;
use super::transformer::{DeviceTables, TransformerSteps};

/// Software of the latest round is assumed, held to the rounds that saw the model.
const LATEST_ROUND: f64 = 2025.5;

/// What a step is asked about.
#[derive(Clone, Debug)]
pub struct StepQuery<'a> {
    /// The model, as its file states it.
    pub model: &'a Model,
    /// The device; `None` when the hosts' processors train.
    pub accelerator: Option<&'a Accelerator>,
    /// vCPUs of a host.
    pub vcpus: f64,
    /// Catalog name of a host's vCPU.
    pub cpu: Option<&'a str>,
    /// Precision of the arithmetic.
    pub precision: Precision,
    /// Optimizer; part of the measured steps of accelerators, counted as memory traffic on processors.
    pub optimizer: &'a str,
    /// Training software.
    pub software: SoftwareStack,
    /// Samples of one device in one micro-step.
    pub micro_batch: f64,
    /// Micro-steps of a step.
    pub gradient_accumulation: f64,
    /// Devices of the node that work together.
    pub devices: u64,
    /// Fabric between them, by its name in the catalog.
    pub fabric: &'a str,
    /// The nodes of the job; `None` for one, or where the exchange between them is not to be looked up.
    pub across: Option<Across<'a>>,
}

/// What a device waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceLimit {
    /// Its arithmetic units.
    Compute,
    /// Its memory.
    MemoryBandwidth,
}

/// The time of one step on one device, and how well it is known.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceTime {
    /// All micro-batches of a step on the device alone, without waiting for the host.
    pub compute: Seconds,
    /// Waiting for the host: launches, the optimizer's and the framework's own time.
    pub host_overhead: Seconds,
    /// What the other devices of the node add: exchange that the backward pass does not hide.
    pub exposed_inside: Seconds,
    /// What the other nodes of the job add; `None` where they were not asked about or nothing like it was measured.
    pub exposed_across: Option<Seconds>,
    /// What the computing part waits for.
    pub limit: DeviceLimit,
    /// Standard deviation of the logarithm of the error: ±1.645 of it covers 90 %.
    pub log_error: f64,
    /// How the time is known.
    pub provenance: Provenance,
    /// Where it comes from, in one line.
    pub basis: String,
}

impl DeviceTime {
    /// The whole step of a node, with what other nodes add where that is known.
    #[must_use]
    pub fn total(&self) -> Seconds {
        let across = self.exposed_across.unwrap_or(Seconds::ZERO);
        self.compute + self.host_overhead + self.exposed_inside + across
    }
}

/// Why nothing can be said about a step.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NoStepTime {
    /// The device's datasheet lacks what every estimate starts from.
    #[error("no step time: the {what} of {accelerator} is not known")]
    UnknownDevice {
        /// The device.
        accelerator: String,
        /// What is missing.
        what: &'static str,
    },
    /// The model or batch has no arithmetic to time.
    #[error("no step time: arithmetic of {model} or its batch is not a positive number")]
    NoWork {
        /// The model.
        model: String,
    },
    /// A processor without vCPUs.
    #[error("no step time: the machine has neither accelerator nor vCPUs")]
    NoProcessor,
}

/// The rate of one device in a configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct RatePrediction {
    /// Samples per second of one device while all work together.
    pub samples_per_second: f64,
    /// Standard deviation of the logarithm of the error.
    pub log_error: f64,
    /// How it is known.
    pub provenance: Provenance,
    /// Where it comes from.
    pub basis: String,
    /// What the device waits for.
    pub limit: DeviceLimit,
    /// Part of the step in which the device waits for its host.
    pub host_share: f64,
}

/// Step times of everything in the catalog.
#[derive(Clone, Debug)]
pub struct StepTimes {
    pub(super) subjects: Subjects,
    pub(super) coefficients: Coefficients,
    pub(super) evidence: Evidence,
    /// Steps of transformers that are split layer by layer.
    pub transformers: TransformerSteps,
    /// Kernels and fabrics that those are made of.
    pub tables: DeviceTables,
}

impl StepTimes {
    /// The tables that ship with the program.
    ///
    /// # Errors
    /// When a table is not what the program expects.
    pub fn embedded() -> Result<Self, ProfileError> {
        Ok(Self {
            subjects: Subjects::embedded()?,
            coefficients: Coefficients::embedded()?,
            evidence: Evidence::embedded()?,
            transformers: TransformerSteps::embedded()?,
            tables: DeviceTables::embedded()?,
        })
    }

    /// The time of one step of a node, and what its job's other nodes add.
    ///
    /// The whole comes from the rate of all `devices` together; the computing part from the rate of one device alone,
    /// less the host's part by the constants of the software stack; the difference is exposed exchange. Where the
    /// node is predicted no slower than one device, nothing is exposed. The same between one node and all of them.
    ///
    /// # Errors
    /// When the device's datasheet or the model lacks what every estimate starts from.
    pub fn device_time(&self, catalog: &Catalog, query: &StepQuery<'_>) -> Result<DeviceTime, NoStepTime> {
        let Some(accelerator) = query.accelerator else { return cpu::device_time(catalog, query) };
        let observed = self.subjects.observed(&query.model.id);
        let (stack, variant, task) = self.evidence.usual(&observed, query.software);
        let together = Setting {
            model: query.model,
            accelerator,
            stack: &stack,
            variant: &variant,
            task: &task,
            arithmetic: Arithmetic::of(query.precision, accelerator),
            fabric: fabric_word(query.fabric),
            devices: query.devices.max(1),
            hosts: 1,
            card: None,
            sharing: 1.0,
            year: Some(LATEST_ROUND),
            micro_batch: query.micro_batch,
            accumulation: query.gradient_accumulation,
            sequence: None,
        };
        let alone = self.rate(catalog, &Setting { devices: 1, ..together.clone() })?;
        let node = self.rate(catalog, &together)?;
        let samples = query.micro_batch * query.gradient_accumulation.max(1.0);
        let whole = Seconds(samples / node.samples_per_second);
        let device = Seconds(samples / alone.samples_per_second).min(whole);
        let host_overhead = device * alone.host_share;
        let job = match query.across.filter(Across::is_measured) {
            Some(across) => Some(self.rate_across(catalog, &together, &across)?),
            None => None,
        };
        let exposed_across =
            job.as_ref().map(|job| (Seconds(samples / job.samples_per_second) - whole).max(Seconds::ZERO));
        let RatePrediction { log_error, provenance, basis, .. } = job.unwrap_or(node);
        Ok(DeviceTime {
            compute: device - host_overhead,
            host_overhead,
            exposed_inside: whole - device,
            exposed_across,
            limit: alone.limit,
            log_error,
            provenance,
            basis,
        })
    }

    /// The rate of one device in a configuration.
    ///
    /// # Errors
    /// When the device's datasheet or the model lacks what every estimate starts from.
    pub fn rate(&self, catalog: &Catalog, setting: &Setting<'_>) -> Result<RatePrediction, NoStepTime> {
        self.rate_by(&self.coefficients, catalog, setting, Hidden::Nothing)
    }

    /// The rate by other coefficients, judged as if what is hidden had never been measured.
    pub(super) fn rate_by(
        &self,
        coefficients: &Coefficients,
        catalog: &Catalog,
        setting: &Setting<'_>,
        hidden: Hidden,
    ) -> Result<RatePrediction, NoStepTime> {
        let mut factors = Factors::of(&self.subjects, setting)?;
        let judged = self.evidence.judge(catalog, setting.accelerator, &factors, hidden);
        factors.slopes = judged.slopes;
        let response = coefficients.response(&factors);
        let memory = response.of_bandwidth > response.of_peak || waits_for_tables(setting, &factors);
        Ok(RatePrediction {
            samples_per_second: libm::exp(factors.offset + response.correction),
            log_error: judged.log_error(&factors),
            provenance: judged.provenance(),
            basis: judged.basis(&factors),
            limit: if memory { DeviceLimit::MemoryBandwidth } else { DeviceLimit::Compute },
            host_share: factors.host_share,
        })
    }
}

/// Whether reading the embedding rows takes longer than the arithmetic at its peak: below the ridge of the roofline.
fn waits_for_tables(setting: &Setting<'_>, factors: &Factors) -> bool {
    let intensity = setting.model.flops_forward.0 / setting.model.embedding_lookup_bytes.0;
    let ridge = libm::exp(factors.ridge) * 100.0;
    intensity.is_finite() && intensity < ridge
}
