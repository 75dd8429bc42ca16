//! `capplan calibrate train` and `infer`.

use std::io;
use std::path::Path;

use crate::calibrate::{
    ComputeBench, DeviceError, DeviceName, Kind, ModelKind, Work, infer_works, job_works, serve_worker,
    train_works,
};
use crate::catalog::Catalog;
use crate::document::nearest_list;

use super::session;
use crate::cli::args::{Compute, Shared, Worker};
use crate::cli::exit::{Failure, Status};

/// Makes the works of a section.
pub(super) type Works = fn(&[ModelKind], DeviceName, usize) -> Vec<Work>;

pub fn train(options: &Compute, shared: &Shared) -> Result<Status, Failure> {
    let (models, device) = (models(&options.model)?, DeviceName::parse(&options.device)?);
    session::run(&Kind::Train(models, device), accelerator(options)?, &options.measuring, shared)
}

pub fn infer(options: &Compute, shared: &Shared) -> Result<Status, Failure> {
    let (models, device) = (models(&options.model)?, DeviceName::parse(&options.device)?);
    session::run(&Kind::Infer(models, device), accelerator(options)?, &options.measuring, shared)
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
