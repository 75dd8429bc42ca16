//! The bench of overlapped configurations.

use std::sync::Arc;
use std::time::Instant;

use candle_core::Device;

use super::QUANTITIES;
use super::queue::{Prefetch, Queue, SharedLoader};
use crate::calibrate::bench::{Bench, BenchError, Quantity, Task};
use crate::calibrate::compute::{FedModel, FedRun};
use crate::calibrate::input::InputError;
use crate::calibrate::input::dataset::{DataSet, PictureSet};
use crate::calibrate::input::loader::{Memory, Pictures};
use crate::calibrate::input::photo::Codec;
use crate::catalog::measured::{Section, Settings};
use crate::engine::Cancel;
use crate::stats::median;

/// Batches made ahead, as the usual pipelines do.
const DEPTH: usize = 2;
/// Steps of each side alone.
const ALONE: usize = 3;
/// Steps before the queue is as full or as empty as it stays, and steps of one sample.
const SETTLING: usize = DEPTH + 1;
const STEPS: usize = 2;
/// What a wait of nothing is written as: profiles hold positive samples.
const NOTHING: f64 = 1e-6;

/// Where a configuration's samples come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    Pictures(Codec, u32),
    Records,
    Memory,
}

/// A model with its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Configuration {
    model: FedModel,
    from: From,
    side: u32,
    batch: usize,
}

/// Small models that wait for pictures, large ones that pictures wait for, and the same over all three ways to read.
const CONFIGURATIONS: [Configuration; 8] = [
    Configuration { model: FedModel::Linear, from: From::Pictures(Codec::Jpeg, 500), side: 64, batch: 8 },
    Configuration { model: FedModel::Linear, from: From::Pictures(Codec::Png, 707), side: 112, batch: 8 },
    Configuration { model: FedModel::Cnn, from: From::Pictures(Codec::Jpeg, 1000), side: 64, batch: 8 },
    Configuration { model: FedModel::Cnn, from: From::Pictures(Codec::Jpeg, 250), side: 224, batch: 2 },
    Configuration { model: FedModel::Cnn, from: From::Records, side: 224, batch: 2 },
    Configuration { model: FedModel::Cnn, from: From::Records, side: 112, batch: 4 },
    Configuration { model: FedModel::Cnn, from: From::Memory, side: 64, batch: 8 },
    Configuration { model: FedModel::Linear, from: From::Memory, side: 224, batch: 16 },
];

impl Configuration {
    fn name(&self) -> String {
        let from = match self.from {
            From::Pictures(codec, width) => format!("{} {width} wide", codec.word()),
            From::Records => "records".to_owned(),
            From::Memory => "memory".to_owned(),
        };
        format!("{} at {} from {from}", self.model.word(), self.side)
    }

    fn settings(&self, threads: usize) -> Settings {
        let mode = match self.from {
            From::Pictures(..) => "native-ops",
            From::Records => "preprocessed-records",
            From::Memory => "direct-feed",
        };
        [("configuration", self.name()), ("mode", mode.to_owned()), ("threads", threads.to_string())]
            .map(|(key, word)| (key.to_owned(), word))
            .into()
    }

    fn loader(&self, data: &DataSet) -> Option<SharedLoader> {
        match self.from {
            From::Pictures(codec, width) => {
                let sets: &[PictureSet] = if codec == Codec::Jpeg { &data.jpeg } else { &data.png };
                let set = sets.iter().find(|set| set.size.0 == width)?;
                Some(Arc::new(Pictures { side: self.side, ..set.pictures.clone() }))
            }
            From::Records => {
                let set = data.records.iter().find(|set| set.side == self.side)?;
                Some(Arc::new(set.records.clone()))
            }
            From::Memory => {
                let bytes = (self.side * self.side * 12) as usize;
                Some(Arc::new(Memory::new((64 << 20) / bytes, bytes)))
            }
        }
    }
}

/// Runs every configuration with one worker, on the threads that the process gives to computing.
pub struct TogetherBench<'a> {
    data: &'a DataSet,
    cancel: &'a Cancel,
    at: Option<At>,
}

struct At {
    run: FedRun,
    queue: Queue,
    compute: f64,
    input: f64,
}

impl<'a> TogetherBench<'a> {
    /// A bench that reads a data set.
    #[must_use]
    pub fn new(data: &'a DataSet, cancel: &'a Cancel) -> Self {
        Self { data, cancel, at: None }
    }

    /// Threads that computing gets, so that the one worker has a core of its own where there is a second.
    #[must_use]
    pub fn threads(cores: u64) -> usize {
        usize::try_from(cores).unwrap_or(1).saturating_sub(1).max(1)
    }

    /// Every configuration, with computing on so many threads.
    #[must_use]
    pub fn tasks(threads: usize) -> Vec<Task> {
        CONFIGURATIONS
            .iter()
            .map(|configuration| Task {
                section: Section::Together,
                axis: "batch",
                settings: configuration.settings(threads),
                quantities: QUANTITIES
                    .iter()
                    .enumerate()
                    .map(|(place, name)| Quantity::reported(name, if place < 3 { "s" } else { "1" }))
                    .collect(),
                sizes: vec![configuration.batch as f64],
                essential: true,
            })
            .collect()
    }
}

fn device_fault(error: candle_core::Error) -> BenchError {
    BenchError::Device(Box::new(error))
}

impl Bench for TogetherBench<'_> {
    fn start(&mut self, task: usize, _: f64) -> Result<(), BenchError> {
        self.at = None;
        let Some(configuration) = CONFIGURATIONS.get(task) else {
            return Err(BenchError::Skip { reason: "no such configuration".to_owned() });
        };
        let (batch, side) = (configuration.batch, configuration.side as usize);
        let loader = configuration.loader(self.data).ok_or(InputError::Empty)?;
        let mut run = FedRun::new(configuration.model, batch, side, &Device::Cpu).map_err(device_fault)?;
        let compute = alone(&mut run, self.cancel)?;
        let prefetch = Prefetch { workers: 1, batch, depth: DEPTH };
        let queue = Queue::start(loader, prefetch, self.cancel);
        let input = drained(&queue)?;
        let mut at = At { run, queue, compute, input };
        at.steps(SETTLING)?;
        self.at = Some(at);
        Ok(())
    }

    fn sample(&mut self) -> Result<Vec<f64>, BenchError> {
        let Some(at) = &mut self.at else { return Err(InputError::Empty.into()) };
        let blocked = at.queue.blocked();
        let start = Instant::now();
        let waited = at.steps(STEPS)?;
        let seconds = start.elapsed().as_secs_f64();
        let share = |wait: f64| (wait / seconds).clamp(NOTHING, 1.0);
        let blocked = share(at.queue.blocked() - blocked);
        Ok(vec![seconds / STEPS as f64, at.compute, at.input, share(waited), blocked])
    }
}

impl At {
    /// Takes and trains; the seconds that batches were waited for.
    fn steps(&mut self, steps: usize) -> Result<f64, BenchError> {
        let mut waited = 0.0;
        for _ in 0..steps {
            let taken = self.queue.take()?;
            waited += taken.waited;
            self.run.step(&taken.batch).map_err(device_fault)?;
            self.queue.give_back(taken.batch);
        }
        Ok(waited)
    }
}

/// Seconds of a step whose batch is there, nobody else working; the first steps are warm-up.
fn alone(run: &mut FedRun, cancel: &Cancel) -> Result<f64, BenchError> {
    let batch = vec![0.5; run.values()];
    let mut seconds = Vec::with_capacity(ALONE);
    for step in 0..ALONE + 2 {
        if cancel.is_cancelled() {
            return Err(BenchError::Cancelled);
        }
        let start = Instant::now();
        run.step(&batch).map_err(device_fault)?;
        if step > 1 {
            seconds.push(start.elapsed().as_secs_f64());
        }
    }
    Ok(median(&seconds).unwrap_or(NOTHING))
}

/// Seconds to make a batch when every one is taken at once.
fn drained(queue: &Queue) -> Result<f64, BenchError> {
    // The first ones lay there already.
    for _ in 0..DEPTH + 2 {
        let taken = queue.take()?;
        queue.give_back(taken.batch);
    }
    let start = Instant::now();
    for _ in 0..ALONE {
        let taken = queue.take()?;
        queue.give_back(taken.batch);
    }
    Ok(start.elapsed().as_secs_f64() / ALONE as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibrate::input::dataset::Extent;

    fn empty() -> Extent {
        Extent { jpeg: Vec::new(), png: Vec::new(), records: Vec::new() }
    }

    #[test]
    fn a_model_fed_from_memory_runs_and_tells_who_waited() {
        let cancel = Cancel::new();
        let data = DataSet::write(None, &empty(), &cancel).unwrap();
        let mut bench = TogetherBench::new(&data, &cancel);
        let tasks = TogetherBench::tasks(1);
        let fed = tasks.iter().position(|task| task.settings["mode"] == "direct-feed").unwrap();
        bench.start(fed, tasks[fed].sizes[0]).unwrap();
        let values = bench.sample().unwrap();
        assert_eq!(values.len(), tasks[fed].quantities.len());
        assert!(values.iter().all(|value| *value > 0.0 && value.is_finite()), "{values:?}");
        assert!(values[3] <= 1.0 && values[4] <= 1.0, "{values:?}");
        // A convolution over 16 pictures takes longer than copying them, whatever else the machine does.
        assert!(values[1] > values[2], "{values:?}");
    }

    #[test]
    fn every_configuration_finds_its_files_in_the_usual_data_set_and_only_there() {
        let usual = DataSet::found(std::path::Path::new("anywhere"), &Extent::usual());
        assert!(CONFIGURATIONS.iter().all(|configuration| configuration.loader(&usual).is_some()));
        let cancel = Cancel::new();
        let none = DataSet::found(std::path::Path::new("anywhere"), &empty());
        let mut bench = TogetherBench::new(&none, &cancel);
        assert!(bench.start(0, 8.0).is_err() && bench.sample().is_err());
        assert!(matches!(bench.start(99, 8.0), Err(BenchError::Skip { .. })));
    }

    #[test]
    fn six_configurations_and_more_differ_and_cover_every_way_to_read() {
        let tasks = TogetherBench::tasks(1);
        let names: std::collections::BTreeSet<&String> =
            tasks.iter().map(|task| &task.settings["configuration"]).collect();
        let modes: std::collections::BTreeSet<&String> =
            tasks.iter().map(|task| &task.settings["mode"]).collect();
        assert!(names.len() == tasks.len() && names.len() >= 6 && modes.len() == 3);
        assert_eq!([1, 2, 8].map(TogetherBench::threads), [1, 1, 7]);
    }
}
