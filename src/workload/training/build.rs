//! A planned fleet and a workload to a job: the step of the settled pipeline, its phases, and what interrupts it.

use crate::catalog::{Catalog, Provenance, Purchase};
use crate::engine::Cancel;
use crate::fleet::Candidate;
use crate::layout::{Plan, Reason, state_bytes};
use crate::stats::Law;
use crate::steptime::StepTimes;
use crate::units::{Bytes, Seconds, SimSpan};
use crate::workload::failures::{CheckpointSignal, FailureProcess, SpotMarket, Startup};

use super::bound::{Bound, Component, bound_of};
use super::input::{HostInput, InputTimes, conversion_time};
use super::job::{Phase, TrainingJob};
use super::pipeline::{Pipeline, PipelineError, Source, Stage, SteadyStep, steady_step};
use super::spec::{CacheTier, Distribution, InputMode, TrainingSpec};
use super::transformer_step::{TransformerQuestion, basis, components, terms};
use super::whole_step::UNKNOWN_CARD_ERROR;

/// Batches simulated to learn the long-run step of a pipeline whose times vary.
pub const PILOT_BATCHES: u64 = 1500;
/// A longer job does not fit the clock of the simulation, which ends after 584 years.
const LONGEST: Seconds = Seconds(400.0 * 365.0 * 86_400.0);
/// A replica is given up after this many times its undisturbed time …
const HORIZON_FACTOR: f64 = 30.0;
/// … and this much more.
const HORIZON_EXTRA: Seconds = Seconds(30.0 * 86_400.0);

/// Traced markets that stand in where the scenario names none; no public trace of newer devices is known.
const DEFAULT_LARGE_MARKET: &str = "aws-us-west-2a-v100-x8-probe-2022-10";
const DEFAULT_SMALL_MARKET: &str = "aws-us-west-2b-v100-x1-probe-2022-10";
const DEFAULT_CPU_MARKET: &str = "gcp-us-east1-b-c3-88-held-2023-04";

/// A job with everything that explains it.
#[derive(Clone, Debug)]
pub struct Built {
    /// What replicas simulate.
    pub job: TrainingJob,
    /// Samples to train on.
    pub samples: f64,
    /// Steps to take.
    pub steps: u64,
    /// Device time of one step, the exposed exchange included.
    pub device_step: Seconds,
    /// Parts of the device time.
    pub components: Vec<(Component, Seconds)>,
    /// Terms of a step of a transformer, as if none hid another; empty for models that are timed whole.
    pub terms: Vec<(&'static str, Seconds)>,
    /// Input stages.
    pub input: InputTimes,
    /// What bounds a step of the longest phase.
    pub bound: Bound,
    /// Standard deviation of the logarithm of the step time's error.
    pub log_error: f64,
    /// Evenly probable factors on the device's step, ascending, where it was measured: the doubles of the fitted curve.
    pub factors: Vec<f64>,
    /// How the step time is known.
    pub provenance: Provenance,
    /// Where the step time comes from, in words.
    pub basis: String,
    /// Time of the conversion job; zero without one.
    pub conversion: Seconds,
    /// What the reader should know.
    pub warnings: Vec<String>,
}

/// What a builder works from.
#[derive(Clone, Copy, Debug)]
pub struct Builder<'a> {
    /// What exists.
    pub catalog: &'a Catalog,
    /// What steps take.
    pub step_times: &'a StepTimes,
    /// The workload.
    pub spec: &'a TrainingSpec,
    /// Batches simulated to learn the step; 0 takes the slowest stage's mean instead, at once and a little too short.
    pub pilot_batches: u64,
}

/// The step of one device, as the pipeline needs it.
pub(super) struct DeviceStep {
    pub total: Seconds,
    pub components: Vec<(Component, Seconds)>,
    pub terms: Vec<(&'static str, Seconds)>,
    pub log_error: f64,
    pub provenance: Provenance,
    pub basis: String,
    pub guessed_card: bool,
    /// Evenly probable factors on it, where it was measured.
    pub factors: Vec<f64>,
    pub warnings: Vec<String>,
}

impl Built {
    /// Mean step over all phases by the slowest stage alone: a little shorter than that of a pipeline whose times vary.
    #[must_use]
    pub fn planned_step(&self) -> Seconds {
        let steps: f64 = self.job.phases.iter().map(|phase| phase.steps as f64).sum();
        Seconds(self.slowest_stages(1.0, 1.0) / steps.max(1.0))
    }

    /// Time of all steps when the device takes `device` and the input stages `input` times as long as predicted.
    fn slowest_stages(&self, device: f64, input: f64) -> f64 {
        let rest = self.input.decode.max(self.input.host_to_device);
        let of_phase = |(phase, read): (&Phase, &Seconds)| {
            let slowest = (self.device_step * device).max(read.max(rest) * input);
            slowest.0 * phase.steps as f64
        };
        self.job.phases.iter().zip(&self.input.read).map(of_phase).sum()
    }

    /// Mean step over all phases, relative to the predicted one, when the device takes `device` and the input stages take
    /// `input` times as long as predicted. The step is as long as the slower of the two, so an error of the one that
    /// does not bound is not felt.
    #[must_use]
    pub fn step_factor(&self, device: f64, input: f64) -> f64 {
        let predicted = self.slowest_stages(1.0, 1.0);
        if predicted > 0.0 { self.slowest_stages(device, input) / predicted } else { 1.0 }
    }
}

impl Builder<'_> {
    /// Builds the job of one candidate.
    ///
    /// # Errors
    /// Why the fleet cannot do it after all: no step time, or host memory too small for direct feed.
    pub fn build(
        &self,
        candidate: &Candidate,
        plan: &Plan,
        seed: u64,
        cancel: &Cancel,
    ) -> Result<Built, Reason> {
        self.check_host_memory(candidate)?;
        let mut warnings = Vec::new();
        let mut device = self.device_step(candidate, plan)?;
        warnings.append(&mut device.warnings);
        let host_batch = plan.samples_per_device() * candidate.devices_per_host();
        let input = HostInput { catalog: self.catalog, candidate, spec: self.spec, host_batch }.times();
        if plan.global_batch != self.spec.global_batch && self.spec.batch_per_device.is_none() {
            warnings.push(format!(
                "global batch {} instead of {}: it must divide by {} devices",
                plan.global_batch, self.spec.global_batch, plan.devices
            ));
        }
        let asked = candidate.layout;
        if asked.micro_batch.is_some_and(|asked| asked != plan.micro_batch)
            || asked.gradient_accumulation.is_some_and(|asked| asked != plan.gradient_accumulation)
        {
            warnings.push(format!(
                "the layout asked for does not divide a batch of {} on each device: micro-batch {} × {} is used",
                plan.local_batch, plan.micro_batch, plan.gradient_accumulation
            ));
        }
        if plan.idle > 0 {
            warnings.push(format!(
                "{} of {} devices idle: layouts on more are slower, or divide neither model nor a batch of {}",
                plan.idle,
                plan.devices + plan.idle,
                plan.global_batch
            ));
        }
        if device.guessed_card {
            warnings.push("the network card is unknown: a measured 0.6 GB/s of TCP stands in, give or take a factor of three".to_owned());
        }
        if self.spec.input.cache == CacheTier::LocalDisk && input.cached_share <= 0.0 {
            warnings.push("no local disk is known of this machine: nothing is cached".to_owned());
        }
        let samples = self.samples(plan);
        let steps = ((samples / plan.global_batch as f64).ceil() as u64).max(1);
        let phases = self.phases(candidate, plan, &device, &input, steps, seed, cancel);
        let longest =
            phases.iter().enumerate().max_by_key(|(_, phase)| phase.steps).map_or(0, |(index, _)| index);
        let read = input.read[longest.min(1)];
        let bound =
            bound_of(read, input.decode, input.host_to_device, &device.components, phases[longest].step.mean);
        let conversion = match self.spec.input.mode {
            InputMode::PreprocessedRecords => conversion_time(self.catalog, self.spec),
            _ => Seconds::ZERO,
        };
        if self.spec.input.mode != InputMode::DirectFeed && input.provenance == Provenance::Assumed {
            warnings.push("storage or vCPU figures are assumed".to_owned());
        }
        let job = self.job(candidate, phases, &input, conversion);
        let undisturbed = job.undisturbed();
        if !(undisturbed.0 > 0.0 && undisturbed.0 <= LONGEST.0) {
            return Err(Reason::TooLong(undisturbed.hours() / 8760.0));
        }
        Ok(Built {
            job,
            samples,
            steps,
            device_step: device.total,
            components: device.components,
            terms: device.terms,
            input,
            bound,
            log_error: device.log_error,
            factors: device.factors,
            provenance: device.provenance,
            basis: device.basis,
            conversion,
            warnings,
        })
    }

    fn check_host_memory(&self, candidate: &Candidate) -> Result<(), Reason> {
        let (InputMode::DirectFeed, Some(memory)) = (self.spec.input.mode, candidate.instance.memory) else {
            return Ok(());
        };
        let needed = self.spec.input.decoded_bytes * self.spec.dataset.samples;
        let present = memory / candidate.instance.hosts as f64;
        if needed > present { Err(Reason::HostMemory { needed, present }) } else { Ok(()) }
    }

    fn samples(&self, plan: &Plan) -> f64 {
        let wanted = self.spec.amount.samples(plan.global_batch, self.spec.dataset.samples);
        let stale = match self.spec.distribution {
            Distribution::AllReduce => 1.0,
            Distribution::ParameterServer { staleness, .. } => 1.0 + staleness,
        };
        wanted * (1.0 - self.spec.warm_start) * stale
    }

    fn device_step(&self, candidate: &Candidate, plan: &Plan) -> Result<DeviceStep, Reason> {
        let spec = self.spec;
        if let Some(step) = self.measured_step(candidate, plan) {
            return step;
        }
        let question = TransformerQuestion::of(
            self.catalog,
            &self.step_times.tables,
            candidate,
            &spec.model,
            spec.precision,
            spec.software,
        );
        match question.map_err(|no| Reason::NoStepTime(no.to_string()))? {
            Some(question) => Ok(self.split_step(candidate, plan, &question)),
            None => self.whole_step(candidate, plan),
        }
    }

    /// The step of a transformer, term by term.
    fn split_step(
        &self,
        candidate: &Candidate,
        plan: &Plan,
        question: &TransformerQuestion<'_>,
    ) -> DeviceStep {
        let step = question.step(&self.step_times.transformers, plan.parallel);
        let components = components(&step.parts);
        let several = plan.devices > candidate.accelerators_per_node();
        let guessed = several && candidate.network().across_bandwidth.is_none();
        let network = (step.parts.exchange + step.parts.gradients) / step.parts.total();
        // A card of unknown speed may be several times faster or slower than the one that stands in.
        let fabric_error = if guessed { UNKNOWN_CARD_ERROR * network } else { 0.0 };
        DeviceStep {
            total: Seconds(step.parts.total()),
            components,
            terms: terms(&step),
            log_error: libm::hypot(step.log_error, fabric_error),
            provenance: if guessed { step.provenance.max(Provenance::Assumed) } else { step.provenance },
            basis: basis(&question.under(plan.parallel), &step),
            guessed_card: guessed,
            factors: Vec::new(),
            warnings: Vec::new(),
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn phases(
        &self,
        candidate: &Candidate,
        plan: &Plan,
        device: &DeviceStep,
        input: &InputTimes,
        steps: u64,
        seed: u64,
        cancel: &Cancel,
    ) -> Vec<Phase> {
        let per_epoch = ((self.spec.dataset.samples / plan.global_batch as f64).ceil() as u64).max(1);
        let cold = steps.min(per_epoch);
        let phase = |steps: u64, read: Seconds| Phase {
            steps,
            step: self
                .pipeline(candidate, device, input, read)
                .map(|line| steady_step(&line, seed, 0, self.pilot_batches, cancel))
                .ok()
                .filter(|found| found.steady || found.mean.0 > 0.0)
                .filter(|found| found.mean.0 >= 0.9 * slowest(device, input, read).0)
                // A pilot too short to tell, as with steps of years: the slowest stage decides.
                .unwrap_or_else(|| constant_step(slowest(device, input, read), device.total)),
        };
        let mut phases = vec![phase(cold, input.read[0])];
        if steps > cold {
            phases.push(phase(steps - cold, input.read[1]));
        }
        phases
    }

    /// Read → decode → prefetch → device, with bounded buffers; the device stage is as slow as the slowest node.
    fn pipeline(
        &self,
        candidate: &Candidate,
        device: &DeviceStep,
        input: &InputTimes,
        read: Seconds,
    ) -> Result<Pipeline, PipelineError> {
        let spec = &self.spec.input;
        let law = |time: Seconds, cv: f64| {
            if time.0 > 0.0 && cv > 0.0 && self.pilot_batches > 0 {
                Law::lognormal(time.0, cv)
            } else {
                Law::Deterministic(time.0.max(0.0))
            }
        };
        let prefetch = usize::try_from(spec.prefetch).unwrap_or(usize::MAX);
        let nodes = u32::try_from(candidate.count).unwrap_or(u32::MAX);
        let gang = match self.spec.distribution {
            Distribution::AllReduce => nodes.max(1),
            Distribution::ParameterServer { .. } => 1,
        };
        Pipeline::new(
            vec![
                Stage::new("read", law(read, spec.read_variation)),
                Stage::new("decode", law(input.decode, spec.decode_variation)).buffer(prefetch),
                Stage::new("host-to-device", law(input.host_to_device, 0.0)).buffer(prefetch),
                Stage::new("device", law(device.total, self.spec.jitter)).buffer(prefetch).gang(gang),
            ],
            Source::Saturated,
        )
    }

    fn job(
        &self,
        candidate: &Candidate,
        phases: Vec<Phase>,
        input: &InputTimes,
        conversion: Seconds,
    ) -> TrainingJob {
        let failures = FailureProcess::of_nodes(
            candidate.hosts(),
            self.spec.failures.per_node_day,
            self.spec.failures.per_job_day,
            self.spec.failures.detection,
            self.spec.failures.restart,
        );
        let spot = (candidate.purchase == Purchase::Spot).then(|| self.market(candidate)).flatten();
        let size = self.spec.checkpoint.size.unwrap_or_else(|| self.checkpoint_size());
        // Each host writes its share.
        let write = size / self.spec.checkpoint.rate / candidate.hosts() as f64;
        let startup = Startup {
            before: if self.spec.input.convert_each_run { conversion } else { Seconds::ZERO },
            wait: self.spec.wait.clone(),
            boot: self.boot(candidate),
            load: input.preload,
            restore: write,
        };
        let restart = failures.detection
            + failures.restart
            + startup.load
            + startup.restore
            + Seconds(startup.boot.mean());
        let signal = CheckpointSignal {
            write,
            mtbf: mtbf(&failures, spot.as_ref().map(|market| market.up.mean())),
            restart,
        };
        let mut job = TrainingJob {
            phases,
            checkpoint_interval: self.spec.checkpoint.policy.interval(&signal),
            // The finished model is written whatever the policy.
            checkpoint_write: SimSpan::from_seconds(write),
            save_on_notice: self.spec.checkpoint.on_notice,
            startup,
            failures,
            spot,
            elastic_workers: match self.spec.distribution {
                Distribution::AllReduce => None,
                Distribution::ParameterServer { .. } => Some(candidate.count),
            },
            horizon: SimSpan(u64::MAX),
            stepwise: false,
        };
        job.horizon = SimSpan::from_seconds(job.undisturbed() * HORIZON_FACTOR + HORIZON_EXTRA);
        job
    }

    /// The market that the scenario names, or the traced one nearest in kind: whole 8-accelerator machines, smaller
    /// ones, and machines without accelerators live in markets of their own.
    fn market(&self, candidate: &Candidate) -> Option<SpotMarket> {
        let notice = Seconds(self.catalog.notices.get(&candidate.instance.provider).copied().unwrap_or(30.0));
        let market = self.spec.failures.spot.clone().or_else(|| {
            let id = if candidate.accelerator.is_none() {
                DEFAULT_CPU_MARKET
            } else if candidate.accelerators_per_node() >= 8 {
                DEFAULT_LARGE_MARKET
            } else {
                DEFAULT_SMALL_MARKET
            };
            let process = self.catalog.spot.get(id)?;
            Some(SpotMarket::of_process(process, false, notice))
        })?;
        Some(SpotMarket { notice, ..market }.for_gang(candidate.count))
    }

    /// Weights, master weights, moments and tables, as they stand in memory; gradients and activations are not kept.
    fn checkpoint_size(&self) -> Bytes {
        state_bytes(&self.spec.model, self.spec.precision, &self.spec.optimizer)
    }

    fn boot(&self, candidate: &Candidate) -> Law {
        if let Some(law) = &self.spec.boot {
            return law.clone();
        }
        if candidate.purchase == Purchase::Owned {
            return Law::Deterministic(0.0);
        }
        let times =
            self.catalog.boots.get(&candidate.instance.provider).or_else(|| self.catalog.boots.get("any"));
        times.map_or(Law::Deterministic(150.0), |times| {
            Law::Empirical(vec![times.low.0, times.typical.0, times.high.0])
        })
    }
}

/// Mean time between any two interruptions.
fn mtbf(failures: &FailureProcess, up: Option<f64>) -> Option<Seconds> {
    let rate =
        failures.mtbf.map_or(0.0, |mtbf| 1.0 / mtbf.0) + up.filter(|up| *up > 0.0).map_or(0.0, |up| 1.0 / up);
    (rate > 0.0).then(|| Seconds(1.0 / rate))
}

/// The slowest stage of a step.
fn slowest(device: &DeviceStep, input: &InputTimes, read: Seconds) -> Seconds {
    device.total.max(read).max(input.decode).max(input.host_to_device)
}

fn constant_step(mean: Seconds, device: Seconds) -> SteadyStep {
    let input_wait = if mean.0 > 0.0 { 1.0 - device / mean } else { 0.0 };
    SteadyStep { mean, deviation: Seconds::ZERO, input_wait, steady: true }
}
