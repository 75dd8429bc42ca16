//! `capplan calibrate input`.

use std::io;
use std::path::Path;

use crate::calibrate::input::InputError;
use crate::calibrate::input::dataset::{DataSet, Extent};
use crate::calibrate::together::TogetherBench;
use crate::calibrate::{Kind, serve_worker};
use crate::engine::Cancel;

use super::compute::served;
use super::session;
use crate::cli::args::{InputPipeline, Shared};
use crate::cli::exit::{Failure, Status};

pub fn input(options: &InputPipeline, shared: &Shared) -> Result<Status, Failure> {
    session::run(&Kind::Input(options.folder.clone()), None, &options.measuring, shared)
}

/// Overlapped configurations one after another for the process that started this one and owns the data set.
pub fn worker(folder: &Path) -> Result<Status, Failure> {
    let data = DataSet::found(folder, &Extent::usual());
    let cancel = Cancel::new();
    let mut bench = TogetherBench::new(&data, &cancel);
    served(serve_worker(&mut bench, io::stdin().lock(), io::stdout().lock()))
}

impl From<InputError> for Failure {
    fn from(error: InputError) -> Self {
        match error {
            InputError::Cancelled => Self::plain(Status::Interrupted, "interrupted", "interrupted"),
            InputError::Worker | InputError::Photo(_) => {
                Self::plain(Status::Fault, "input", error.to_string())
            }
            InputError::Folder(_) => Self::plain(Status::Io, "io", error.to_string())
                .suggest("choose another place with --folder DIR"),
            error => Self::plain(Status::Io, "io", error.to_string()),
        }
    }
}
