//! The bench of the input pipeline: every job of a data set, size by size.

use std::fs::File;
use std::io::{BufWriter, Read as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::engine::Cancel;

use super::super::bench::{Bench, BenchError, Task};
use super::InputError;
use super::cache::{drop_pages, warm};
use super::clock::{Clock, Stage};
use super::dataset::{DataSet, Extent};
use super::jobs::Job;
use super::loader::{Loader, Memory, Pictures, Records, Worker};
use super::photo::{Codec, decode, squared};
use super::records::RecordWriter;
use super::workers::{Ran, run};

/// Pictures in one sample of one worker.
const PICTURES: usize = 4;
/// Records in one sample of one worker.
const RECORDS: usize = 32;
/// Samples held in memory to feed from: more than the caches hold.
const FED_BYTES: usize = 64 << 20;
/// Files read in one cold sample.
const COLD: usize = 12;

/// Runs every job on a data set that it wrote.
pub struct InputBench<'a> {
    data: DataSet,
    jobs: Vec<(Job, Task)>,
    cancel: &'a Cancel,
    at: Option<At>,
}

/// A job at a size, started.
struct At {
    job: Job,
    loader: Source,
    workers: usize,
    /// The next sample's index.
    next: usize,
}

/// Where the samples of a started job come from.
enum Source {
    Pictures(Pictures),
    Records(Records),
    Memory(Memory),
    Bytes(Bytes),
}

impl Source {
    fn loader(&self) -> &dyn Loader {
        match self {
            Self::Pictures(pictures) => pictures,
            Self::Records(records) => records,
            Self::Memory(memory) => memory,
            Self::Bytes(bytes) => bytes,
        }
    }
}

/// Files that are only read.
struct Bytes {
    files: Vec<PathBuf>,
}

struct ByteWorker<'a>(&'a [PathBuf], Vec<u8>);

impl Loader for Bytes {
    fn samples(&self) -> usize {
        self.files.len()
    }

    fn worker(&self, _: usize, _: usize) -> Result<Box<dyn Worker + '_>, InputError> {
        Ok(Box::new(ByteWorker(&self.files, Vec::new())))
    }
}

impl Worker for ByteWorker<'_> {
    fn prepare(&mut self, index: usize, into: &mut Vec<f32>, clock: &mut Clock) -> Result<(), InputError> {
        let Self(files, bytes) = self;
        let path = files.get(index % files.len().max(1)).ok_or(InputError::Empty)?;
        bytes.clear();
        clock
            .time(Stage::Read, || File::open(path).and_then(|mut file| file.read_to_end(bytes)))
            .map_err(|error| InputError::Read { path: path.clone(), error })?;
        into.push(bytes.len() as f32);
        Ok(())
    }
}

impl<'a> InputBench<'a> {
    /// Writes the data set into a temporary folder inside `parent`.
    ///
    /// # Errors
    /// When there is no room, the place cannot be written, or the flag is raised.
    pub fn write(
        parent: Option<&Path>,
        extent: &Extent,
        cores: u64,
        cancel: &'a Cancel,
    ) -> Result<Self, InputError> {
        let data = DataSet::write(parent, extent, cancel)?;
        let jobs = Job::all(&data, cores);
        Ok(Self { data, jobs, cancel, at: None })
    }

    /// A bench whose sizes lie between those of the usual data set, and without the counts of workers, between which there
    /// are none.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn held_out(parent: Option<&Path>, cancel: &'a Cancel) -> Result<Self, InputError> {
        let mut bench = Self::write(parent, &Extent::held_out(), 1, cancel)?;
        bench.jobs.retain(|(_, task)| task.axis == "bytes");
        for (job, task) in &mut bench.jobs {
            if *job == Job::Feed {
                task.sizes = task.sizes.windows(2).map(|pair| (pair[0] * pair[1]).sqrt().round()).collect();
            }
        }
        Ok(bench)
    }

    /// What can be measured, most telling first.
    #[must_use]
    pub fn tasks(&self) -> Vec<Task> {
        self.jobs.iter().map(|(_, task)| task.clone()).collect()
    }

    /// The data set.
    #[must_use]
    pub fn data(&self) -> &DataSet {
        &self.data
    }

    fn source(&self, job: Job, size: f64) -> Result<Source, InputError> {
        let pictures = |codec| {
            let sets = if codec == Codec::Jpeg { &self.data.jpeg } else { &self.data.png };
            sets.iter().find(|set| set.bytes == size).map(|set| set.pictures.clone())
        };
        let records =
            || self.data.records.iter().find(|set| set.bytes == size).map(|set| set.records.clone());
        let usual = || self.data.usual_pictures().map(|set| set.pictures.clone());
        let usual_records =
            |interleave| self.data.usual_records().map(|set| Records { interleave, ..set.records.clone() });
        let source = match job {
            Job::Pictures(codec) => pictures(codec).map(Source::Pictures),
            Job::Convert => pictures(Codec::Jpeg).map(Source::Pictures),
            Job::ColdPictures => {
                pictures(Codec::Jpeg).map(|pictures| Source::Bytes(Bytes { files: pictures.files }))
            }
            Job::Records | Job::ColdRecords => records().map(Source::Records),
            Job::Feed => {
                let bytes = size as usize;
                Some(Source::Memory(Memory::new(FED_BYTES / bytes.max(1), bytes)))
            }
            Job::PictureWorkers => usual().map(Source::Pictures),
            Job::ColdStreams => usual().map(|pictures| Source::Bytes(Bytes { files: pictures.files })),
            Job::RecordWorkers { interleave } => usual_records(interleave).map(Source::Records),
            Job::ColdRecordWorkers => usual_records(1).map(Source::Records),
        };
        source.ok_or(InputError::Empty)
    }
}

impl Bench for InputBench<'_> {
    fn start(&mut self, task: usize, size: f64) -> Result<(), BenchError> {
        self.at = None;
        let (job, axis) = self.jobs.get(task).map_or((Job::Feed, ""), |(job, task)| (*job, task.axis));
        let loader = self.source(job, size)?;
        if let Source::Pictures(Pictures { files, .. }) | Source::Records(Records { shards: files, .. }) =
            &loader
        {
            let read = warm(files);
            read.map_err(|error| InputError::Read { path: self.data.path().to_owned(), error })?;
        }
        let workers = if axis == "workers" { size as usize } else { 1 };
        self.at = Some(At { job, loader, workers, next: 0 });
        Ok(())
    }

    fn sample(&mut self) -> Result<Vec<f64>, BenchError> {
        let Some(at) = &mut self.at else { return Err(InputError::Empty.into()) };
        Ok(at.sample(&self.data, self.cancel)?)
    }
}

impl At {
    fn sample(&mut self, data: &DataSet, cancel: &Cancel) -> Result<Vec<f64>, InputError> {
        let workers = self.workers;
        match self.job {
            Job::Pictures(_) => self.stages(PICTURES, cancel),
            Job::Records => self.stages(RECORDS, cancel),
            Job::Feed => self.stages(RECORDS, cancel),
            Job::Convert => self.convert(data.path(), cancel),
            Job::PictureWorkers => Ok(vec![self.go(PICTURES * workers, cancel)?.rate()]),
            Job::RecordWorkers { .. } => Ok(vec![self.go(2 * RECORDS * workers, cancel)?.rate()]),
            Job::ColdPictures => {
                self.cool(COLD)?;
                self.stages(COLD, cancel)
            }
            Job::ColdRecords => {
                self.cool(usize::MAX)?;
                self.stages(2 * RECORDS, cancel)
            }
            Job::ColdStreams => {
                self.cool(COLD * workers)?;
                let bytes = data.usual_pictures().map_or(0.0, |set| set.bytes);
                Ok(vec![self.go(COLD * workers, cancel)?.rate() * bytes])
            }
            Job::ColdRecordWorkers => {
                self.cool(usize::MAX)?;
                Ok(vec![self.go(2 * RECORDS * workers, cancel)?.rate()])
            }
        }
    }

    fn go(&mut self, samples: usize, cancel: &Cancel) -> Result<Ran, InputError> {
        let from = self.next;
        self.next += samples;
        run(self.loader.loader(), self.workers, (from, samples), cancel)
    }

    /// Seconds of a sample: the processor's in all where several stages are told, then each stage's.
    fn stages(&mut self, samples: usize, cancel: &Cancel) -> Result<Vec<f64>, InputError> {
        let clock = self.go(samples, cancel)?.clock;
        let stages = self.job.stages();
        let of_sample = |seconds: f64| (seconds / samples as f64).max(1e-9);
        let all = (stages.len() > 1).then(|| of_sample(clock.processor()));
        Ok(all.into_iter().chain(stages.iter().map(|stage| of_sample(clock.seconds(*stage)))).collect())
    }

    /// Drops the pages of the files that are read next.
    fn cool(&self, samples: usize) -> Result<(), InputError> {
        let files = match &self.loader {
            Source::Bytes(Bytes { files }) | Source::Records(Records { shards: files, .. }) => files,
            _ => return Ok(()),
        };
        let count = files.len().max(1);
        let next: Vec<PathBuf> = (0..samples.min(count))
            .filter_map(|index| files.get((self.next + index) % count).cloned())
            .collect();
        if drop_pages(&next) { Ok(()) } else { Err(InputError::StaysWarm) }
    }

    /// Seconds to turn a picture into a record that lies on the disk.
    fn convert(&mut self, folder: &Path, cancel: &Cancel) -> Result<Vec<f64>, InputError> {
        let Source::Pictures(pictures) = &self.loader else { return Err(InputError::Empty) };
        let count = pictures.files.len().max(1);
        let path = folder.join("converted.tfrecord");
        let failed = |error| InputError::Write { path: path.clone(), error };
        let start = Instant::now();
        let mut writer = RecordWriter::new(BufWriter::new(File::create(&path).map_err(failed)?));
        for index in self.next..self.next + PICTURES {
            if cancel.is_cancelled() {
                return Err(InputError::Cancelled);
            }
            let file = &pictures.files[index % count];
            let bytes =
                std::fs::read(file).map_err(|error| InputError::Read { path: file.clone(), error })?;
            let picture = decode(&bytes, pictures.codec)
                .map_err(|error| InputError::Picture { path: file.clone(), error })?;
            writer.write(&squared(&picture, pictures.side)).map_err(failed)?;
        }
        let written = writer.finish().map_err(failed)?;
        written.get_ref().sync_data().map_err(failed)?;
        self.next += PICTURES;
        Ok(vec![start.elapsed().as_secs_f64() / PICTURES as f64])
    }
}

impl From<InputError> for BenchError {
    fn from(error: InputError) -> Self {
        match error {
            InputError::Cancelled => Self::Cancelled,
            InputError::StaysWarm => Self::Skip { reason: error.to_string() },
            InputError::Read { path, error } | InputError::Write { path, error } => Self::Io { path, error },
            error => Self::Input(Box::new(error)),
        }
    }
}
