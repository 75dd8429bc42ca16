//! The kinds of work that can be measured, each with its tasks and the bench that runs them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::catalog::measured::{MeasuredCurve, MeasuredFigure};
use crate::catalog::{Fingerprint, MeasuredProfile};
use crate::engine::Cancel;

use super::bench::{Bench, BenchError, Chained, Task};
use super::compute::{
    ComputeBench, DeviceError, DeviceName, ModelKind, Work, describe, infer_works, tasks_of, train_works,
};
use super::here::here;
use super::input::cache::{Cold, cold_reads};
use super::input::dataset::Extent;
use super::input::{InputBench, InputError};
use super::remote::RemoteBench;
use super::roof::roof;
use super::together::{TogetherBench, figures};

/// What is measured.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Training steps of models on a device.
    Train(Vec<ModelKind>, DeviceName),
    /// Forward passes of models on a device.
    Infer(Vec<ModelKind>, DeviceName),
    /// The input pipeline, its data set in a folder; the system's if left out.
    Input(Option<PathBuf>),
}

/// Why nothing can be measured.
#[derive(Debug, Error)]
pub enum KindError {
    /// The device cannot compute.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// A bench cannot be made.
    #[error(transparent)]
    Bench(#[from] BenchError),
    /// The data set cannot be written.
    #[error(transparent)]
    Input(#[from] InputError),
}

/// What single figures follow from curves.
pub type FiguresOf = fn(&[MeasuredCurve]) -> Vec<MeasuredFigure>;

impl Kind {
    /// The machine that it measures: this one with the device that computes. Of the input pipeline it is the device of
    /// the profile `out` that the section goes into, which it feeds.
    ///
    /// # Errors
    /// When the device cannot be opened.
    pub fn machine(
        &self,
        accelerator: Option<String>,
        out: Option<&Path>,
    ) -> Result<Fingerprint, DeviceError> {
        match self {
            Self::Train(_, device) | Self::Infer(_, device) => describe(*device, accelerator),
            Self::Input(_) => {
                let here = here();
                Ok(match out.filter(|path| path.exists()).map(MeasuredProfile::open) {
                    Some(Ok(Ok(profile))) if profile.machine.cpu == here.cpu => {
                        let Fingerprint { device, driver, accelerator, .. } = profile.machine;
                        Fingerprint { device, driver, accelerator, ..here }
                    }
                    _ => here,
                })
            }
        }
    }

    /// Makes tasks and bench, and hands them over. `program` is this program, whose processes compute on the processor;
    /// `say` is told what takes time and what is left out.
    ///
    /// # Errors
    /// When the bench cannot be made.
    pub fn with_bench<T>(
        &self,
        machine: &Fingerprint,
        program: PathBuf,
        cancel: &Cancel,
        say: &mut dyn FnMut(&str),
        run: impl FnOnce(&[Task], &mut dyn Bench, FiguresOf) -> T,
    ) -> Result<T, KindError> {
        let cores = machine.cores.unwrap_or(1);
        let (models, device, section) = match self {
            Self::Train(models, device) => (models, *device, "train"),
            Self::Infer(models, device) => (models, *device, "infer"),
            Self::Input(folder) => return input(folder.as_deref(), cores, program, cancel, say, run),
        };
        let make = if section == "train" { train_works } else { infer_works };
        let works: Vec<Work> = make(models, device, cores as usize);
        let tasks = tasks_of(&works);
        if device != DeviceName::Cpu {
            let mut bench = ComputeBench::new(works, device)?;
            return Ok(run(&tasks, &mut bench, roof));
        }
        let words: Vec<&str> =
            ModelKind::ALL.iter().filter(|(_, kind)| models.contains(kind)).map(|(word, _)| *word).collect();
        let arguments =
            ["calibrate", "worker", section, &words.join(","), &cores.to_string()].map(OsString::from);
        let mut bench = RemoteBench::new(program, arguments.to_vec(), works);
        Ok(run(&tasks, &mut bench, roof))
    }
}

fn input<T>(
    folder: Option<&Path>,
    cores: u64,
    program: PathBuf,
    cancel: &Cancel,
    say: &mut dyn FnMut(&str),
    run: impl FnOnce(&[Task], &mut dyn Bench, FiguresOf) -> T,
) -> Result<T, KindError> {
    say("writing the data set");
    let mut bench = InputBench::write(folder, &Extent::usual(), cores, cancel)?;
    if let Cold::NotHere(reason) = cold_reads(bench.data().path()) {
        say(&format!("cold reads are not measured: {reason}"));
    }
    let mut tasks = bench.tasks();
    let threads = TogetherBench::threads(cores);
    let arguments: [OsString; 5] = [
        "calibrate".into(),
        "worker".into(),
        "together".into(),
        bench.data().path().into(),
        cores.to_string().into(),
    ];
    let mut together = RemoteBench::with_threads(program, arguments.to_vec(), threads);
    let own = tasks.len();
    tasks.extend(TogetherBench::tasks(threads));
    let mut both = Chained { first: &mut bench, tasks: own, second: &mut together, on_second: false };
    Ok(run(&tasks, &mut both, figures))
}
