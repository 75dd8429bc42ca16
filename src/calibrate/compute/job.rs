//! A short real training job: tokens on disk, a reader ahead of the device, steps that lose loss.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Instant;

use candle_core::{DType, Device, Tensor};

use super::gpt::GptShape;
use super::plan::{ModelKind, SEQUENCE};
use super::train::TrainingRun;
use crate::stats::Stream;

/// Batches that the reader is ahead.
const AHEAD: usize = 2;
/// Sequences on disk.
const SEQUENCES: usize = 2048;
/// Tokens that follow each other by a rule, so that there is something to learn.
const KNOWN: usize = 97;

/// The job under way.
pub(super) struct RealJob {
    run: TrainingRun,
    batches: Receiver<io::Result<Vec<u32>>>,
    batch: usize,
    device: Device,
}

/// What a step took, and how far it came.
pub(super) struct RealStep {
    pub seconds: f64,
    /// Seconds of it that the device waited for the reader.
    pub waited: f64,
    pub loss: f64,
}

impl RealJob {
    /// Writes the data set, starts the reader and draws the weights.
    pub fn start(batch: usize, device: &Device) -> io::Result<Self> {
        let file = data_set()?;
        let (sender, batches) = sync_channel(AHEAD);
        std::thread::spawn(move || {
            let mut file = file;
            loop {
                let next = next_batch(&mut file, batch);
                let failed = next.is_err();
                // Nobody wants more.
                if sender.send(next).is_err() || failed {
                    return;
                }
            }
        });
        let width = GptShape::USUAL.hidden;
        let run = TrainingRun::new(ModelKind::Gpt, batch, (SEQUENCE, width), DType::F32, device)
            .map_err(io::Error::other)?;
        Ok(Self { run, batches, batch, device: device.clone() })
    }

    pub fn step(&mut self) -> io::Result<RealStep> {
        let start = Instant::now();
        let tokens = self.batches.recv().map_err(io::Error::other)??;
        let waited = start.elapsed().as_secs_f64();
        let shape = (self.batch, SEQUENCE + 1);
        let tokens = Tensor::from_vec(tokens, shape, &self.device).map_err(io::Error::other)?;
        self.run.feed(tokens);
        let step = self.run.step().map_err(io::Error::other)?;
        Ok(RealStep { seconds: start.elapsed().as_secs_f64(), waited, loss: step.loss })
    }
}

/// Sequences in a file that goes with its handle: each token follows from the one before, but for some that do not.
fn data_set() -> io::Result<File> {
    let mut stream = Stream::named(11, 0, "data", "sequences");
    let mut bytes = Vec::with_capacity(SEQUENCES * (SEQUENCE + 1) * 2);
    for _ in 0..SEQUENCES {
        let mut token = stream.below(KNOWN);
        for _ in 0..=SEQUENCE {
            bytes.extend((token as u16).to_le_bytes());
            token = if stream.uniform() < 0.1 { stream.below(KNOWN) } else { (5 * token + 3) % KNOWN };
        }
    }
    let mut file = tempfile::tempfile()?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    file.rewind()?;
    Ok(file)
}

/// The next sequences, from the start again at the end.
fn next_batch(file: &mut File, batch: usize) -> io::Result<Vec<u32>> {
    let mut bytes = vec![0; 2 * (SEQUENCE + 1)];
    let mut tokens = Vec::with_capacity(batch * (SEQUENCE + 1));
    for _ in 0..batch {
        if let Err(error) = file.read_exact(&mut bytes) {
            if error.kind() != io::ErrorKind::UnexpectedEof {
                return Err(error);
            }
            file.rewind()?;
            file.read_exact(&mut bytes)?;
        }
        tokens.extend(bytes.chunks_exact(2).map(|pair| u32::from(u16::from_le_bytes([pair[0], pair[1]]))));
    }
    Ok(tokens)
}
