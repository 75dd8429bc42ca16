//! `capplan calibrate input`.

use std::ffi::OsString;
use std::io;
use std::path::Path;

use crate::calibrate::input::cache::{Cold, cold_reads};
use crate::calibrate::input::dataset::{DataSet, Extent};
use crate::calibrate::input::{InputBench, InputError};
use crate::calibrate::together::{TogetherBench, figures};
use crate::calibrate::{Chained, Measured, RemoteBench, here, serve_worker};
use crate::catalog::{Fingerprint, MeasuredProfile};
use crate::engine::Cancel;

use super::compute::served;
use super::session::Session;
use crate::cli::args::{InputPipeline, Shared};
use crate::cli::exit::{Failure, Status};
use crate::cli::output::to_stderr;

pub fn input(options: &InputPipeline, shared: &Shared) -> Result<Status, Failure> {
    let machine = machine(options);
    let cores = machine.cores.unwrap_or(1);
    let session = Session::new(&options.measuring, shared, machine)?;
    let cancel = session.cancel();
    if !shared.quiet && !options.measuring.no_progress {
        to_stderr("writing the data set\n");
    }
    let mut bench = InputBench::write(options.folder.as_deref(), &Extent::usual(), cores, &cancel)?;
    if let Cold::NotHere(reason) = cold_reads(bench.data().path())
        && !shared.quiet
    {
        to_stderr(&format!("cold reads are not measured: {reason}\n"));
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
    let program = std::env::current_exe()
        .map_err(|error| Failure::plain(Status::Io, "io", format!("cannot find this program: {error}")))?;
    let mut together = RemoteBench::with_threads(program, arguments.to_vec(), threads);
    let own = tasks.len();
    tasks.extend(TogetherBench::tasks(threads));
    let mut both = Chained { first: &mut bench, tasks: own, second: &mut together, on_second: false };
    session.run(&tasks, &mut both, &|measured: &Measured| figures(&measured.curves))
}

/// Overlapped configurations one after another for the process that started this one and owns the data set.
pub fn worker(folder: &Path) -> Result<Status, Failure> {
    let data = DataSet::found(folder, &Extent::usual());
    let cancel = Cancel::new();
    let mut bench = TogetherBench::new(&data, &cancel);
    served(serve_worker(&mut bench, io::stdin().lock(), io::stdout().lock()))
}

/// This machine; the device is that of the profile that the section goes into, which feeds it.
fn machine(options: &InputPipeline) -> Fingerprint {
    let here = here();
    let known = options.measuring.out.as_deref().filter(|path| path.exists()).map(MeasuredProfile::open);
    match known {
        Some(Ok(Ok(profile))) if profile.machine.cpu == here.cpu => {
            let Fingerprint { device, driver, accelerator, .. } = profile.machine;
            Fingerprint { device, driver, accelerator, ..here }
        }
        _ => here,
    }
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
