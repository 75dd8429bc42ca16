//! `capplan calibrate train` and `infer`.

use std::ffi::OsString;
use std::io;
use std::path::Path;

use crate::calibrate::{
    Bench, ComputeBench, DeviceError, DeviceName, Measured, ModelKind, RemoteBench, Work, describe,
    infer_works, job_works, roof, serve_worker, tasks_of, train_works,
};
use crate::catalog::Catalog;
use crate::document::nearest_list;

use super::session::Session;
use crate::cli::args::{Compute, Shared, Worker};
use crate::cli::exit::{Failure, Status};

/// Makes the works of a section.
pub(super) type Works = fn(&[ModelKind], DeviceName, usize) -> Vec<Work>;

pub fn train(options: &Compute, shared: &Shared) -> Result<Status, Failure> {
    run(options, shared, "train", train_works)
}

pub fn infer(options: &Compute, shared: &Shared) -> Result<Status, Failure> {
    run(options, shared, "infer", infer_works)
}

fn run(options: &Compute, shared: &Shared, section: &str, works: Works) -> Result<Status, Failure> {
    let models = models(&options.model)?;
    let device = DeviceName::parse(&options.device)?;
    let machine = describe(device, accelerator(options)?)?;
    let cores = machine.cores.map_or(1, |cores| cores as usize);
    let session = Session::new(&options.measuring, shared, machine)?;
    let works = works(&models, device, cores);
    let tasks = tasks_of(&works);
    let mut bench: Box<dyn Bench> = if device == DeviceName::Cpu {
        let words: Vec<&str> =
            ModelKind::ALL.iter().filter(|(_, kind)| models.contains(kind)).map(|(word, _)| *word).collect();
        let arguments =
            ["calibrate", "worker", section, &words.join(","), &cores.to_string()].map(OsString::from);
        let program = std::env::current_exe().map_err(|error| {
            Failure::plain(Status::Io, "io", format!("cannot find this program: {error}"))
        })?;
        Box::new(RemoteBench::new(program, arguments.to_vec(), works))
    } else {
        Box::new(ComputeBench::new(works, device)?)
    };
    session.run(&tasks, bench.as_mut(), &|measured: &Measured| roof(&measured.curves))
}

/// One run after another for the process that started this one.
pub fn worker(options: &Worker) -> Result<Status, Failure> {
    if options.section == "together" {
        return super::input::worker(Path::new(&options.models));
    }
    let names: Vec<String> = options.models.split(',').map(str::to_owned).collect();
    let works: Works = match options.section.as_str() {
        "infer" => infer_works,
        "job" => job_works,
        _ => train_works,
    };
    let works = works(&models(&names)?, DeviceName::Cpu, options.cores);
    let mut bench = ComputeBench::new(works, DeviceName::Cpu)?;
    served(serve_worker(&mut bench, io::stdin().lock(), io::stdout().lock()))
}

/// How a worker ended.
pub fn served(ended: io::Result<()>) -> Result<Status, Failure> {
    match ended {
        // The other end has hung up.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Status::Done),
        Err(error) => Err(Failure::plain(Status::Io, "io", format!("the pipe broke: {error}"))),
        Ok(()) => Ok(Status::Done),
    }
}

fn models(words: &[String]) -> Result<Vec<ModelKind>, Failure> {
    for word in words {
        if !ModelKind::ALL.iter().any(|(known, _)| known == word) {
            let known = ModelKind::ALL.iter().map(|(known, _)| *known);
            let near = nearest_list(word, known.clone(), 1);
            let all = known.collect::<Vec<_>>().join(", ");
            let failure = Failure::plain(Status::Usage, "usage", format!("unknown model `{word}`"));
            return Err(failure.suggest(if near.is_empty() {
                format!("allowed: {all}")
            } else {
                format!("did you mean {near}? allowed: {all}")
            }));
        }
    }
    let wanted = |word: &str| words.is_empty() || words.iter().any(|one| one == word);
    Ok(ModelKind::ALL.iter().filter(|(word, _)| wanted(word)).map(|(_, kind)| *kind).collect())
}

/// The catalog's name of the device, when one was given.
fn accelerator(options: &Compute) -> Result<Option<String>, Failure> {
    let Some(name) = &options.accelerator else { return Ok(None) };
    match Catalog::read(&[])?.accelerator(name) {
        Ok(found) => Ok(Some(found.name.clone())),
        Err(unknown) => {
            let suggestion = unknown.suggestion.clone();
            Err(Failure::plain(Status::Usage, "usage", unknown.to_string()).suggest(suggestion))
        }
    }
}

impl From<DeviceError> for Failure {
    fn from(error: DeviceError) -> Self {
        let suggestion = format!("allowed: {}; the processor works everywhere", DeviceName::WORDS);
        Self::plain(Status::Usage, "device", error.to_string()).suggest(suggestion)
    }
}
