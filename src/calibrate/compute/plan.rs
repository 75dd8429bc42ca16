//! Which sizes of which work are measured.

use candle_core::DType;

use crate::catalog::measured::{Section, Settings};

use super::cnn;
use super::device::DeviceName;
use super::gpt::GptShape;
use super::recommender;
use crate::calibrate::bench::{Quantity, Task};

/// Tokens of a sequence where another axis is swept.
pub(super) const SEQUENCE: usize = 128;
/// Tokens already there where another axis of decoding is swept.
const CONTEXT: usize = 128;
/// Sequences of a batch where another axis of training is swept.
const FIXED_BATCH: usize = 2;
/// Sequences of a batch where another axis of decoding is swept.
const DECODED: usize = 8;

/// A model that can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelKind {
    /// The catalog's `capplan-gpt`.
    Gpt,
    /// The catalog's `capplan-cnn`.
    Cnn,
    /// The catalog's `capplan-recommender`.
    Recommender,
}

impl ModelKind {
    /// Every model with the word that a user types.
    pub const ALL: &'static [(&'static str, Self)] =
        &[("gpt", Self::Gpt), ("cnn", Self::Cnn), ("recommender", Self::Recommender)];

    /// Its id in the catalog.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Gpt => "capplan-gpt",
            Self::Cnn => "capplan-cnn",
            Self::Recommender => "capplan-recommender",
        }
    }

    /// Arithmetic of a forward pass over one sample; of a GPT, one usual sequence.
    #[must_use]
    pub fn flops_forward(self) -> f64 {
        match self {
            Self::Gpt => GptShape::USUAL.flops_forward(SEQUENCE),
            Self::Cnn => cnn::flops_forward(),
            Self::Recommender => recommender::flops_forward(),
        }
    }

    /// About a factor of two apart, and not only powers of it: those fill the tiles of the kernels, as other sizes do not.
    fn batches(self) -> &'static [f64] {
        match self {
            Self::Gpt => &[1.0, 2.0, 3.0, 5.0, 9.0, 16.0],
            Self::Cnn => &[1.0, 2.0, 3.0, 6.0, 11.0, 19.0, 32.0],
            Self::Recommender => &[64.0, 120.0, 240.0, 500.0, 1000.0, 2000.0, 4096.0],
        }
    }
}

/// What a task does at a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sweep {
    TrainBatch(ModelKind),
    TrainSequence,
    TrainWidth,
    TrainThreads,
    PrefillBatch,
    PrefillSequence,
    DecodeBatch,
    DecodeContext,
    Forward(ModelKind),
    Matmul,
    Copy,
    RealJob,
}

/// One sweep at one precision.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Work {
    pub(super) sweep: Sweep,
    precision: &'static str,
    pub(super) dtype: DType,
    threads: usize,
}

/// Work done once, with all its sizes told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Job {
    Train { kind: ModelKind, batch: usize, sequence: usize, width: usize },
    Prefill { batch: usize, sequence: usize },
    Decode { batch: usize, context: usize },
    Forward { kind: ModelKind, batch: usize },
    Matmul { edge: usize },
    Copy { bytes: usize },
    OnDisk { batch: usize },
}

/// Widths of the GPT whose arithmetic is swept.
const WIDTHS: [usize; 5] = [64, 128, 192, 256, 384];

/// Billions of operations of a training step of a GPT of such a width.
fn step_gflop(width: usize) -> f64 {
    let shape = GptShape { hidden: width, ..GptShape::USUAL };
    3.0 * FIXED_BATCH as f64 * shape.flops_forward(SEQUENCE) / 1e9
}

impl Work {
    /// Threads that the processor should use at a size.
    pub(crate) fn threads_at(&self, size: f64) -> usize {
        if self.sweep == Sweep::TrainThreads { size as usize } else { self.threads }
    }

    /// Whether samples per second are asked for instead of seconds.
    pub(super) fn counts_samples(&self) -> bool {
        self.sweep == Sweep::TrainThreads
    }

    pub(super) fn job(&self, size: f64) -> Job {
        let count = size.round().max(1.0) as usize;
        let gpt = |batch, sequence, width| Job::Train { kind: ModelKind::Gpt, batch, sequence, width };
        let usual = GptShape::USUAL.hidden;
        match self.sweep {
            Sweep::TrainBatch(kind) => Job::Train { kind, batch: count, sequence: SEQUENCE, width: usual },
            Sweep::TrainSequence => gpt(FIXED_BATCH, count, usual),
            Sweep::TrainWidth => {
                let near = |width: &&usize| (step_gflop(**width) - size).abs();
                let width = WIDTHS.iter().min_by(|left, right| near(left).total_cmp(&near(right)));
                gpt(FIXED_BATCH, SEQUENCE, width.copied().unwrap_or(usual))
            }
            Sweep::TrainThreads => gpt(FIXED_BATCH, SEQUENCE, usual),
            Sweep::PrefillBatch => Job::Prefill { batch: count, sequence: SEQUENCE },
            Sweep::PrefillSequence => Job::Prefill { batch: 1, sequence: count },
            Sweep::DecodeBatch => Job::Decode { batch: count, context: CONTEXT },
            Sweep::DecodeContext => Job::Decode { batch: DECODED, context: count },
            Sweep::Forward(kind) => Job::Forward { kind, batch: count },
            Sweep::Matmul => Job::Matmul { edge: count },
            Sweep::Copy => Job::Copy { bytes: count },
            Sweep::RealJob => Job::OnDisk { batch: count },
        }
    }

    fn sizes(&self) -> Vec<f64> {
        match self.sweep {
            Sweep::TrainBatch(kind) | Sweep::Forward(kind) => kind.batches().to_vec(),
            Sweep::TrainSequence => vec![32.0, 70.0, 140.0, 280.0, 512.0],
            Sweep::TrainWidth => WIDTHS.iter().map(|width| step_gflop(*width)).collect(),
            Sweep::TrainThreads => threads(self.threads),
            Sweep::PrefillBatch => vec![1.0, 2.0, 3.0, 7.0, 16.0],
            Sweep::DecodeBatch => vec![1.0, 2.0, 3.0, 6.0, 11.0, 19.0, 32.0],
            Sweep::PrefillSequence => vec![32.0, 70.0, 140.0, 280.0, 512.0],
            Sweep::DecodeContext => vec![32.0, 100.0, 330.0, 1000.0],
            Sweep::Matmul => vec![128.0, 256.0, 512.0, 1024.0],
            Sweep::RealJob => Vec::new(),
            Sweep::Copy => [1_u64, 4, 16, 64].map(|mebibytes| (mebibytes << 20) as f64).to_vec(),
        }
    }

    fn task(&self) -> Task {
        let seconds = Quantity::seconds;
        let step = || ["step", "forward", "backward", "optimizer"].map(seconds).to_vec();
        let (section, axis, quantities) = match self.sweep {
            Sweep::TrainBatch(_) => (Section::Train, "batch", step()),
            Sweep::TrainSequence => (Section::Train, "sequence", step()),
            Sweep::TrainWidth => (Section::Train, "step-gflop", step()),
            Sweep::TrainThreads => {
                (Section::Train, "threads", vec![Quantity::rate("samples-per-s", "samples/s")])
            }
            Sweep::PrefillBatch => (Section::Infer, "batch", vec![seconds("prefill")]),
            Sweep::PrefillSequence => (Section::Infer, "sequence", vec![seconds("prefill")]),
            Sweep::DecodeBatch => (Section::Infer, "batch", vec![seconds("decode")]),
            Sweep::DecodeContext => (Section::Infer, "context", vec![seconds("decode")]),
            Sweep::Forward(_) => (Section::Infer, "batch", vec![seconds("forward")]),
            Sweep::Matmul => (Section::Machine, "edge", vec![Quantity::reported("matmul", "flop/s")]),
            Sweep::RealJob => {
                let told = [seconds("step"), seconds("waited"), Quantity::reported("loss", "1")];
                (Section::Train, "batch", told.to_vec())
            }
            Sweep::Copy => (Section::Machine, "bytes", vec![Quantity::reported("copy", "bytes/s")]),
        };
        let aside = [Sweep::TrainSequence, Sweep::TrainWidth, Sweep::TrainThreads, Sweep::Copy];
        let essential = !aside.contains(&self.sweep);
        Task { section, axis, settings: self.settings(), quantities, sizes: self.sizes(), essential }
    }

    fn settings(&self) -> Settings {
        let mut settings = Settings::new();
        let mut set = |key: &str, value: String| {
            settings.insert(key.to_owned(), value);
        };
        set("precision", self.precision.to_owned());
        if self.sweep != Sweep::TrainThreads && self.threads > 0 {
            set("threads", self.threads.to_string());
        }
        let model = match self.sweep {
            Sweep::Matmul | Sweep::Copy => None,
            Sweep::TrainBatch(kind) | Sweep::Forward(kind) => Some(kind),
            _ => Some(ModelKind::Gpt),
        };
        if let Some(kind) = model {
            set("model", kind.id().to_owned());
        }
        let sequence = matches!(
            self.sweep,
            Sweep::TrainBatch(ModelKind::Gpt) | Sweep::TrainWidth | Sweep::TrainThreads | Sweep::PrefillBatch
        );
        if sequence {
            set("sequence", SEQUENCE.to_string());
        }
        match self.sweep {
            Sweep::TrainSequence | Sweep::TrainWidth | Sweep::TrainThreads => {
                set("batch", FIXED_BATCH.to_string());
            }
            Sweep::PrefillSequence => set("batch", "1".to_owned()),
            Sweep::DecodeContext => set("batch", DECODED.to_string()),
            Sweep::DecodeBatch => set("context", CONTEXT.to_string()),
            _ => {}
        }
        settings
    }
}

/// 1, 2, 4, … up to the cores, and the cores: threads that share a core wait for each other at every product.
fn threads(cores: usize) -> Vec<f64> {
    let mut sizes: Vec<f64> = std::iter::successors(Some(1), |threads| Some(2 * threads))
        .take_while(|n| *n < cores)
        .map(|n| n as f64)
        .collect();
    sizes.push(cores as f64);
    sizes
}

/// What `calibrate train` measures.
#[must_use]
pub fn train_works(models: &[ModelKind], device: DeviceName, cores: usize) -> Vec<Work> {
    let mut sweeps = vec![Sweep::Matmul, Sweep::Copy];
    for &kind in models {
        sweeps.push(Sweep::TrainBatch(kind));
        if kind == ModelKind::Gpt {
            sweeps.extend([Sweep::TrainSequence, Sweep::TrainWidth]);
            if device == DeviceName::Cpu {
                sweeps.push(Sweep::TrainThreads);
            }
        }
    }
    works(&sweeps, device, cores)
}

/// What `calibrate infer` measures.
#[must_use]
pub fn infer_works(models: &[ModelKind], device: DeviceName, cores: usize) -> Vec<Work> {
    let mut sweeps = vec![Sweep::Matmul, Sweep::Copy];
    for &kind in models {
        match kind {
            ModelKind::Gpt => sweeps.extend([
                Sweep::PrefillBatch,
                Sweep::PrefillSequence,
                Sweep::DecodeBatch,
                Sweep::DecodeContext,
            ]),
            kind => sweeps.push(Sweep::Forward(kind)),
        }
    }
    works(&sweeps, device, cores)
}

/// A real training job with its data on disk, for `calibrate verify`.
#[must_use]
pub fn job_works(_: &[ModelKind], device: DeviceName, cores: usize) -> Vec<Work> {
    works(&[Sweep::RealJob], device, cores).into_iter().take(1).collect()
}

fn works(sweeps: &[Sweep], device: DeviceName, cores: usize) -> Vec<Work> {
    let threads = if device == DeviceName::Cpu { cores } else { 0 };
    let every = device.precisions().iter();
    let mut works: Vec<Work> = every
        .flat_map(|&(precision, dtype)| {
            sweeps.iter().map(move |&sweep| Work { sweep, precision, dtype, threads })
        })
        .collect();
    // Copies do not depend on the precision.
    works.retain(|work| work.sweep != Sweep::Copy || work.precision == "fp32");
    works
}

/// The tasks of some work, in its order.
#[must_use]
pub fn tasks_of(works: &[Work]) -> Vec<Task> {
    works.iter().map(Work::task).collect()
}
