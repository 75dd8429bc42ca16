//! The bench that runs the work in this process.

use candle_core::Device;

use super::device::{DeviceError, DeviceName};
use super::gpt::GptShape;
use super::job::RealJob;
use super::plan::{Job, ModelKind, SEQUENCE, Work};
use super::probe::Probe;
use super::serve::ServingRun;
use super::train::TrainingRun;
use super::{cnn, recommender};
use crate::calibrate::bench::{Bench, BenchError};
use crate::calibrate::here::memory_available;

/// Share of the free memory that a size may take.
const MEMORY_SHARE: f64 = 0.7;
/// Copies of each weight while training with AdamW: itself, gradient, two moments, and those being computed.
const COPIES_OF_WEIGHTS: f64 = 8.0;

/// Runs each size of some work on one device.
pub struct ComputeBench {
    works: Vec<Work>,
    device: Device,
    /// Memory that may be used, asked for anew at each start where `None`.
    memory: Option<f64>,
    running: Option<Running>,
}

enum Running {
    Train(Box<TrainingRun>, bool),
    Serve(Box<ServingRun>),
    Probe(Probe),
    Job(Box<RealJob>),
}

impl ComputeBench {
    /// A bench for `works` on a device.
    ///
    /// # Errors
    /// When the device cannot be opened.
    pub fn new(works: Vec<Work>, device: DeviceName) -> Result<Self, DeviceError> {
        Ok(Self { works, device: device.open()?, memory: None, running: None })
    }

    /// Pretends that so many bytes are free.
    #[must_use]
    pub fn with_memory(self, bytes: f64) -> Self {
        Self { memory: Some(bytes), ..self }
    }

    fn running(&self, work: &Work, size: f64) -> candle_core::Result<Running> {
        let (dtype, device) = (work.dtype, &self.device);
        Ok(match work.job(size) {
            Job::Train { kind, batch, sequence, width } => {
                let run = TrainingRun::new(kind, batch, (sequence, width), dtype, device)?;
                Running::Train(Box::new(run), work.counts_samples())
            }
            Job::Prefill { batch, sequence } => {
                Running::Serve(Box::new(ServingRun::prefill(batch, sequence, dtype, device)?))
            }
            Job::Decode { batch, context } => {
                Running::Serve(Box::new(ServingRun::decode(batch, context, dtype, device)?))
            }
            Job::Forward { kind, batch } => {
                Running::Serve(Box::new(ServingRun::ordinary(kind, batch, dtype, device)?))
            }
            Job::Matmul { edge } => Running::Probe(Probe::matmul(edge, dtype, device)?),
            Job::Copy { bytes } => Running::Probe(Probe::copy(bytes, device)?),
            Job::OnDisk { batch } => Running::Job(Box::new(RealJob::start(batch, device)?)),
        })
    }
}

/// Bytes that a job takes at most.
fn bytes_needed(job: Job) -> f64 {
    let gpt = |width: usize| GptShape { hidden: width, ..GptShape::USUAL };
    let weights = |shape: &GptShape| {
        let hidden = shape.hidden as f64;
        12.0 * shape.layers as f64 * hidden * hidden
            + hidden * (2 * shape.vocabulary + shape.positions) as f64
    };
    match job {
        Job::Train { kind: ModelKind::Gpt, batch, sequence, width } => {
            let shape = gpt(width);
            batch as f64 * shape.bytes_kept(sequence) + 4.0 * COPIES_OF_WEIGHTS * weights(&shape)
        }
        Job::Train { kind: ModelKind::Cnn, batch, .. } => batch as f64 * cnn::bytes_kept(),
        Job::Train { batch, .. } => {
            batch as f64 * recommender::bytes_kept() + 4.0 * COPIES_OF_WEIGHTS * 2.6e6
        }
        Job::Prefill { batch, sequence } => batch as f64 * GptShape::USUAL.bytes_kept(sequence),
        Job::Decode { batch, context } => {
            let shape = GptShape::USUAL;
            8.0 * (batch * (context + 1) * shape.layers * shape.hidden) as f64 + 4.0 * weights(&shape)
        }
        Job::Forward { batch, .. } => batch as f64 * cnn::bytes_kept(),
        Job::Matmul { edge } => 12.0 * (edge * edge) as f64,
        Job::Copy { bytes } => 2.0 * bytes as f64,
        Job::OnDisk { batch } => {
            let shape = GptShape::USUAL;
            batch as f64 * shape.bytes_kept(SEQUENCE) + 4.0 * COPIES_OF_WEIGHTS * weights(&shape)
        }
    }
}

fn device_fault(error: candle_core::Error) -> BenchError {
    BenchError::Device(Box::new(error))
}

impl Bench for ComputeBench {
    fn start(&mut self, task: usize, size: f64) -> Result<(), BenchError> {
        self.running = None;
        let Some(work) = self.works.get(task) else {
            return Err(BenchError::Skip { reason: "no such work".to_owned() });
        };
        let free = self.memory.unwrap_or_else(|| memory_available() as f64);
        let needed = bytes_needed(work.job(size));
        // An accelerator refuses by itself what does not fit.
        if self.device.is_cpu() && needed > MEMORY_SHARE * free {
            let gib = f64::from(1_u32 << 30);
            let reason =
                format!("needs about {:.1} GiB of memory; {:.1} GiB are free", needed / gib, free / gib);
            return Err(BenchError::Skip { reason });
        }
        self.running = Some(self.running(work, size).map_err(|error| match &error {
            error if is_out_of_memory(error) => {
                BenchError::Skip { reason: "out of device memory".to_owned() }
            }
            _ => device_fault(error),
        })?);
        Ok(())
    }

    fn sample(&mut self) -> Result<Vec<f64>, BenchError> {
        match &mut self.running {
            Some(Running::Train(run, counts)) => {
                let samples = run.samples() as f64;
                let step = run.step().map_err(device_fault)?;
                Ok(match counts {
                    true => vec![samples / step.total()],
                    false => vec![step.total(), step.forward, step.backward, step.optimizer],
                })
            }
            Some(Running::Serve(run)) => Ok(vec![run.seconds().map_err(device_fault)?]),
            Some(Running::Job(job)) => {
                let step = job.step().map_err(|error| BenchError::Device(Box::new(error)))?;
                Ok(vec![step.seconds, step.waited, step.loss])
            }
            Some(Running::Probe(probe)) => Ok(vec![probe.rate().map_err(device_fault)?]),
            None => Err(BenchError::Skip { reason: "nothing was started".to_owned() }),
        }
    }
}

fn is_out_of_memory(error: &candle_core::Error) -> bool {
    let text = error.to_string().to_lowercase();
    text.contains("out of memory") || text.contains("out_of_memory")
}
