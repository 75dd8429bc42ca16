//! `capplan validate`: predictions against published measurements.

use std::path::Path;

use crate::document::{self, Diagnostics};
use crate::report::{
    Artifact, pictures, validation_figure, validation_rows, validation_table, validation_text, write_folder,
};
use crate::validate::{ObservationSource, ReadError, Report, Schema, ValidateError, validate};

use super::args::{Format, ObservationSchema, Shared, Validate};
use super::exit::{Failure, Status};
use super::input;
use super::output::{table_text, to_stderr, to_stdout, width};
use super::simulate::step_times;

pub fn run(options: &Validate, shared: &Shared) -> Result<Status, Failure> {
    let sources: Vec<ObservationSource> = match options.observations.as_slice() {
        [] => vec![ObservationSource::Shipped, ObservationSource::ShippedServing],
        files => files.iter().map(|path| source(path, options.schema)).collect(),
    };
    for path in &options.observations {
        regular_file(path)?;
    }
    let catalog = input::catalog(&[])?;
    if !shared.quiet && options.format != Format::Json {
        to_stderr("predicting with each row's own accelerator and model left out of the fit …\n");
    }
    let report = validate(&catalog, &step_times()?, &sources)?;
    if let Some(folder) = &options.out {
        let mut files = vec![
            Artifact::new("validation.json", json(&report)),
            Artifact::new("validation.csv", validation_rows(&report).csv()),
            Artifact::new("validation.md", validation_table(&report).markdown()),
        ];
        files.extend(pictures(&[validation_figure(&report)])?);
        write_folder(folder, &files, options.force)?;
    }
    let text = match options.format {
        Format::Json => json(&report),
        Format::Csv => validation_rows(&report).csv(),
        Format::Markdown => validation_table(&report).markdown(),
        Format::Table => {
            format!(
                "{}{}",
                table_text(&validation_table(&report), Format::Table),
                validation_text(&report, width())
            )
        }
    };
    to_stdout(&text)?;
    Ok(Status::Done)
}

fn source(path: &Path, schema: Option<ObservationSchema>) -> ObservationSource {
    let path = path.to_owned();
    match schema {
        None => ObservationSource::File(path),
        Some(ObservationSchema::Training) => ObservationSource::FileOf(path, Schema::Training),
        Some(ObservationSchema::Inference) => ObservationSource::FileOf(path, Schema::Inference),
    }
}

fn json(report: &Report) -> String {
    format!("{}\n", serde_json::to_string_pretty(report).unwrap_or_default())
}

/// A directory or a pipe is told as such, and never waited on.
pub(super) fn regular_file(path: &Path) -> Result<(), Failure> {
    document::regular_file(path)?;
    Ok(())
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        let mut faults = Diagnostics::new();
        faults.push(error.diagnostic());
        Self::Faults(faults)
    }
}

impl From<ValidateError> for Failure {
    fn from(error: ValidateError) -> Self {
        match error {
            ValidateError::Read(error) => error.into(),
            error => Self::plain(Status::Fault, "profile", error.to_string()),
        }
    }
}
