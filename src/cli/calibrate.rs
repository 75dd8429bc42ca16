//! `capplan calibrate fit`: profile parameters from a table of published or own measurements.

use std::fs::File;

use crate::report::{Artifact, calibration_json, calibration_table, calibration_text, write_folder};
use crate::validate::{FitError, ReadError, TransformerFitted, fit_transformers};

use super::args::{Calibrate, Fit, Format, Shared};
use super::exit::{Failure, Status};
use super::input;
use super::output::{table_text, to_stderr, to_stdout};
use super::validate::regular_file;

/// The profile's file, as it ships under `assets/profiles`.
const PROFILE: &str = "transformer-steps.csv";

pub fn run(what: &Calibrate, shared: &Shared) -> Result<Status, Failure> {
    match what {
        Calibrate::Fit(options) => fit(options, shared),
    }
}

fn fit(options: &Fit, shared: &Shared) -> Result<Status, Failure> {
    let catalog = input::catalog(&options.catalog)?;
    let fitted = match &options.observations {
        None => TransformerFitted::shipped(&catalog),
        Some(path) => {
            regular_file(path)?;
            let name = path.display().to_string();
            let file = File::open(path).map_err(|error| ReadError::Open { file: name.clone(), error });
            file.map_err(FitError::from).and_then(|file| fit_transformers(&catalog, &name, file))
        }
    }?;
    if let Some(folder) = &options.out {
        let profile = Artifact { name: PROFILE, bytes: fitted.fit.profile().to_csv().into_bytes() };
        write_folder(folder, &[profile], options.force)?;
        if !shared.quiet {
            to_stderr(&format!("wrote {}\n", folder.join(PROFILE).display()));
        }
    }
    let text = match options.format {
        Format::Json => format!("{:#}\n", calibration_json(&fitted)),
        Format::Table => calibration_text(&fitted) + &table_text(&calibration_table(&fitted), Format::Table),
        form => table_text(&calibration_table(&fitted), form),
    };
    to_stdout(&text)?;
    Ok(Status::Done)
}

impl From<FitError> for Failure {
    fn from(error: FitError) -> Self {
        let (status, code) = match &error {
            FitError::Read(ReadError::Open { .. }) => (Status::Io, "io"),
            FitError::Read(ReadError::TooMany { .. }) => (Status::Limit, "limit"),
            FitError::Read(_) | FitError::NoRows { .. } => (Status::BadFile, "observations"),
            FitError::Profile(_) => (Status::Fault, "profile"),
        };
        Self::plain(status, code, error.to_string())
    }
}
