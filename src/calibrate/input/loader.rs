//! The three ways to read of the seed course, as real loaders: from memory, from original files, from records.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::PathBuf;

use super::InputError;
use super::clock::{Clock, Stage};
use super::photo::{Codec, FED_BYTES, decode, normalise, squared};
use super::records::{RecordReader, check};

/// Bytes that a reader of records asks for at once.
const READ_AHEAD: usize = 1 << 18;

/// Something that samples can be had from.
pub trait Loader: Sync {
    /// Different samples.
    fn samples(&self) -> usize;
    /// One of `workers` that share the samples.
    ///
    /// # Errors
    /// When a file cannot be opened.
    fn worker(&self, worker: usize, workers: usize) -> Result<Box<dyn Worker + '_>, InputError>;
    /// Most workers that can share the work.
    fn most_workers(&self) -> usize {
        usize::MAX
    }
}

/// One thread's part of a loader.
pub trait Worker {
    /// Puts a sample, ready for the device, at the end of `into`.
    ///
    /// # Errors
    /// When a file cannot be read, or holds something else than was written.
    fn prepare(&mut self, index: usize, into: &mut Vec<f32>, clock: &mut Clock) -> Result<(), InputError>;
}

/// Original pictures, a file each: read, decoded, resized, normalised.
#[derive(Clone, Debug)]
pub struct Pictures {
    /// Files.
    pub files: Vec<PathBuf>,
    /// How they are stored.
    pub codec: Codec,
    /// Side of the square that they are resized to.
    pub side: u32,
}

struct PictureWorker<'a> {
    pictures: &'a Pictures,
    bytes: Vec<u8>,
}

impl Loader for Pictures {
    fn samples(&self) -> usize {
        self.files.len()
    }

    fn worker(&self, _: usize, _: usize) -> Result<Box<dyn Worker + '_>, InputError> {
        Ok(Box::new(PictureWorker { pictures: self, bytes: Vec::new() }))
    }
}

impl Worker for PictureWorker<'_> {
    fn prepare(&mut self, index: usize, into: &mut Vec<f32>, clock: &mut Clock) -> Result<(), InputError> {
        let files = &self.pictures.files;
        let Some(path) = files.get(index % files.len().max(1)) else { return Err(InputError::Empty) };
        let bytes = &mut self.bytes;
        bytes.clear();
        clock
            .time(Stage::Read, || File::open(path).and_then(|mut file| file.read_to_end(bytes)))
            .map_err(|error| InputError::Read { path: path.clone(), error })?;
        let damaged = |error| InputError::Picture { path: path.clone(), error };
        let picture = clock.time(Stage::Decode, || decode(bytes, self.pictures.codec)).map_err(damaged)?;
        let square = clock.time(Stage::Resize, || squared(&picture, self.pictures.side));
        clock.time(Stage::Convert, || normalise(&square, into));
        Ok(())
    }
}

/// Records of pictures that were decoded and resized beforehand.
#[derive(Clone, Debug)]
pub struct Records {
    /// Files; each worker reads its own.
    pub shards: Vec<PathBuf>,
    /// Records in all.
    pub samples: usize,
    /// Files that one worker has open at a time, a record of each in turn; 1 reads them one after the other.
    pub interleave: usize,
}

struct RecordWorker {
    /// The worker's files, read again and again.
    shards: Vec<PathBuf>,
    next: usize,
    open: Vec<(PathBuf, RecordReader<BufReader<File>>)>,
    interleave: usize,
    turn: usize,
    record: Vec<u8>,
}

impl Loader for Records {
    fn samples(&self) -> usize {
        self.samples
    }

    fn worker(&self, worker: usize, workers: usize) -> Result<Box<dyn Worker + '_>, InputError> {
        let shards: Vec<PathBuf> = self.shards.iter().skip(worker).step_by(workers.max(1)).cloned().collect();
        if shards.is_empty() {
            return Err(InputError::Empty);
        }
        let interleave = self.interleave.clamp(1, shards.len());
        Ok(Box::new(RecordWorker {
            shards,
            next: 0,
            open: Vec::new(),
            interleave,
            turn: 0,
            record: Vec::new(),
        }))
    }

    fn most_workers(&self) -> usize {
        self.shards.len()
    }
}

impl RecordWorker {
    /// The framed bytes of the next record.
    fn read(&mut self) -> Result<(), InputError> {
        // Every file may be at its end once; a second round would mean that none holds a record.
        for _ in 0..=2 * self.shards.len() {
            if self.open.len() < self.interleave {
                let path = self.shards[self.next % self.shards.len()].clone();
                self.next += 1;
                let file =
                    File::open(&path).map_err(|error| InputError::Read { path: path.clone(), error })?;
                self.open.push((path, RecordReader::new(BufReader::with_capacity(READ_AHEAD, file))));
                continue;
            }
            self.turn = (self.turn + 1) % self.open.len();
            let (path, reader) = &mut self.open[self.turn];
            let found = reader.read_raw(&mut self.record);
            if found.map_err(|error| InputError::Record { path: path.clone(), error })? {
                return Ok(());
            }
            self.open.swap_remove(self.turn);
        }
        Err(InputError::Empty)
    }
}

impl Worker for RecordWorker {
    fn prepare(&mut self, _: usize, into: &mut Vec<f32>, clock: &mut Clock) -> Result<(), InputError> {
        clock.time(Stage::Read, || self.read())?;
        if !clock.time(Stage::Check, || check(&mut self.record)) {
            let path = self.open.get(self.turn).map(|(path, _)| path.clone()).unwrap_or_default();
            return Err(InputError::Damaged { path });
        }
        clock.time(Stage::Convert, || normalise(&self.record, into));
        Ok(())
    }
}

/// A set in memory, fed by one thread.
#[derive(Clone, Debug)]
pub struct Memory {
    values: Vec<f32>,
    of_sample: usize,
}

impl Memory {
    /// `samples` of `bytes` each.
    #[must_use]
    pub fn new(samples: usize, bytes: usize) -> Self {
        let of_sample = (bytes / 4).max(1);
        let values = (0..samples * of_sample).map(|index| (index % 251) as f32).collect();
        Self { values, of_sample }
    }

    /// Samples as large as normalised pictures.
    #[must_use]
    pub fn of_pictures(samples: usize) -> Self {
        Self::new(samples, FED_BYTES)
    }
}

struct MemoryWorker<'a>(&'a Memory);

impl Loader for Memory {
    fn samples(&self) -> usize {
        self.values.len() / self.of_sample
    }

    fn worker(&self, _: usize, _: usize) -> Result<Box<dyn Worker + '_>, InputError> {
        Ok(Box::new(MemoryWorker(self)))
    }

    /// The loop that feeds is one thread's.
    fn most_workers(&self) -> usize {
        1
    }
}

impl Worker for MemoryWorker<'_> {
    fn prepare(&mut self, index: usize, into: &mut Vec<f32>, clock: &mut Clock) -> Result<(), InputError> {
        let memory = self.0;
        let from = index % memory.samples().max(1) * memory.of_sample;
        let sample = memory.values.get(from..from + memory.of_sample).ok_or(InputError::Empty)?;
        clock.time(Stage::Feed, || into.extend_from_slice(sample));
        Ok(())
    }
}
