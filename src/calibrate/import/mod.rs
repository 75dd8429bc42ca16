//! Measurements that other tools have written, refitted as if they had been measured here: vLLM's and SGLang's serving
//! benchmark, guidellm, AIPerf and genai-perf, MLPerf training logs, and plain tables of step times.

mod genai_perf;
mod guidellm;
mod mllog;
mod place;
mod read;
mod residual;
mod serving;
mod serving_fit;
mod step_table;
mod steps;
mod vllm;

use thiserror::Error;

use crate::catalog::measured::{MeasuredCurve, MeasuredFigure};

pub use read::{MAX_BYTES, read_files};
pub use residual::Residual;

/// A format of measurements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportFormat {
    /// Result of vLLM's `bench serve` or `benchmark_serving.py`, or of SGLang's `bench_serving`.
    Vllm,
    /// Report of guidellm.
    Guidellm,
    /// Export of AIPerf or genai-perf.
    GenaiPerf,
    /// Log of an MLPerf training run.
    Mllog,
    /// Table of step times: batch, accelerators, seconds.
    StepTable,
}

impl ImportFormat {
    /// All, with their words on the command line and what they are.
    pub const ALL: [(&'static str, Self, &'static str); 5] = [
        ("vllm", Self::Vllm, "JSON of vLLM's or SGLang's serving benchmark"),
        ("guidellm", Self::Guidellm, "JSON report of guidellm"),
        ("genai-perf", Self::GenaiPerf, "JSON export of AIPerf or genai-perf"),
        ("mllog", Self::Mllog, "log of an MLPerf training run"),
        ("steps", Self::StepTable, "CSV of step times with the columns batch, accelerators and seconds"),
    ];

    /// What it is, in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        Self::ALL.iter().find(|(_, format, _)| *format == self).map_or("", |(_, _, words)| words)
    }
}

/// What the user says beside the files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The format, where it is not to be recognised.
    pub format: Option<ImportFormat>,
    /// Name of the model, where the files do not tell.
    pub model: Option<String>,
    /// Accelerators of the run, where the files do not tell.
    pub accelerators: Option<u64>,
}

/// What was read and fitted.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The format.
    pub format: ImportFormat,
    /// Runs, steps or rows that were read.
    pub rows: usize,
    /// Curves, fitted where there is more than one size.
    pub curves: Vec<MeasuredCurve>,
    /// Single figures.
    pub figures: Vec<MeasuredFigure>,
    /// How far the fits miss what was read, by metric.
    pub residuals: Vec<Residual>,
    /// What had to be assumed or left out.
    pub notes: Vec<String>,
}

/// Why measurements could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ImportError {
    /// No known format.
    #[error("{file}: this is none of the formats that can be imported; {seen}")]
    Unknown {
        /// The file.
        file: String,
        /// What it begins with.
        seen: String,
    },
    /// Not of the syntax of its format.
    #[error("{file}:{line}:{column}: {message}")]
    Syntax {
        /// The file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// A key is missing, or holds something else.
    #[error("{file}: {path}: {message}")]
    Key {
        /// The file.
        file: String,
        /// Path of the key.
        path: String,
        /// What is wrong.
        message: String,
    },
    /// Files of different formats.
    #[error("{file} is {found}, the files before it are {before}; import them one format at a time")]
    Mixed {
        /// The file.
        file: String,
        /// Its format.
        found: &'static str,
        /// That of the others.
        before: &'static str,
    },
    /// Nothing to fit.
    #[error("{file}: {message}")]
    Nothing {
        /// The file.
        file: String,
        /// What is missing.
        message: String,
    },
}

/// Reads files of one format and fits what they hold.
///
/// # Errors
/// An unknown format, a file that is not what its format says, with the place, or nothing to fit.
pub fn import(files: &[(String, String)], told: &Told) -> Result<Imported, ImportError> {
    let mut format = told.format;
    for (file, text) in files {
        let found = match told.format {
            Some(format) => format,
            None => read::recognise(file, text)?,
        };
        match format {
            Some(before) if before != found => {
                let (file, found, before) = (file.clone(), found.words(), before.words());
                return Err(ImportError::Mixed { file, found, before });
            }
            _ => format = Some(found),
        }
    }
    let nothing =
        || ImportError::Nothing { file: "no file".to_owned(), message: "nothing to import".to_owned() };
    let format = format.ok_or_else(nothing)?;
    match format {
        ImportFormat::Vllm => serving_fit::fit(&of_each(files, vllm::rows)?, told, format),
        ImportFormat::Guidellm => serving_fit::fit(&of_each(files, guidellm::rows)?, told, format),
        ImportFormat::GenaiPerf => serving_fit::fit(&of_each(files, genai_perf::rows)?, told, format),
        ImportFormat::Mllog => {
            steps::fit(&of_each(files, |file, text| mllog::rows(file, text, told))?, told, format)
        }
        ImportFormat::StepTable => steps::fit(&of_each(files, step_table::rows)?, told, format),
    }
}

fn of_each<T>(
    files: &[(String, String)],
    rows: impl Fn(&str, &str) -> Result<Vec<T>, ImportError>,
) -> Result<Vec<T>, ImportError> {
    let mut all = Vec::new();
    for (file, text) in files {
        all.extend(rows(file, text)?);
    }
    Ok(all)
}
