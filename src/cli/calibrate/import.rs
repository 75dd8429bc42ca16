//! `capplan calibrate import`.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::calibrate::import::{ImportError, ImportFormat, Imported, Told, import as read, read_files};
use crate::calibrate::today;
use crate::catalog::measured::ProfileOrigin;
use crate::catalog::{Catalog, Fingerprint, MeasuredProfile};
use crate::report::{measured_json, measured_table, measured_text};

use crate::cli::args::{Format, Import, ImportedFrom, Shared};
use crate::cli::exit::{Failure, Status};
use crate::cli::output::{table_text, to_stderr, to_stdout};

/// This program with its version.
const PROGRAM: &str = concat!("capplan ", env!("CARGO_PKG_VERSION"));

pub fn import(options: &Import, shared: &Shared) -> Result<Status, Failure> {
    if let Some(out) = options.out.as_deref().filter(|out| out.exists() && !options.force) {
        let failure = Failure::plain(Status::Io, "io", format!("{} exists already", out.display()));
        return Err(failure.suggest("write to another file, or use --force to replace it"));
    }
    let accelerator = options.accelerator.as_deref().map(catalog_name).transpose()?;
    let files = read_files(&options.files).map_err(|(path, error)| unreadable(&path, &error))?;
    let told = Told {
        format: options.from.map(format_of),
        model: options.model.clone(),
        accelerators: options.accelerators,
    };
    let imported = read(&files, &told)?;
    let profile = profile(options, &imported, accelerator);
    to_stdout(&text(options.format, &profile, &imported))?;
    let say = |text: String| {
        if !shared.quiet {
            to_stderr(&text);
        }
    };
    imported.notes.iter().for_each(|note| say(format!("{note}\n")));
    if let Some(out) = &options.out {
        profile.save(out)?;
        say(format!("wrote {}\n", out.display()));
    }
    Ok(Status::Done)
}

fn text(format: Format, profile: &MeasuredProfile, imported: &Imported) -> String {
    if format == Format::Json {
        let mut value = measured_json(profile);
        value["residuals"] = imported
            .residuals
            .iter()
            .map(|one| {
                json!({
                    "metric": one.metric, "rows": one.rows, "median_error": one.median_error,
                    "max_error": one.max_error, "worst": one.worst,
                })
            })
            .collect();
        value["notes"] = json!(imported.notes);
        return format!("{value:#}\n");
    }
    let table = table_text(&measured_table(profile), format);
    if format != Format::Table {
        return table;
    }
    let residuals: String = imported
        .residuals
        .iter()
        .map(|one| {
            format!(
                "  {} of {} rows: misses by {:.1} % in the middle, {:.1} % at worst ({})\n",
                one.metric,
                one.rows,
                100.0 * one.median_error,
                100.0 * one.max_error,
                one.worst
            )
        })
        .collect();
    measured_text(profile) + &residuals + &table
}

fn profile(options: &Import, imported: &Imported, accelerator: Option<String>) -> MeasuredProfile {
    let first = options.files.first().map(PathBuf::as_path).unwrap_or(Path::new(""));
    let word = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let more = match options.files.len() {
        0 | 1 => String::new(),
        count => format!(" and {} more", count - 1),
    };
    let from = format!("{}{more}, {}", first.display(), imported.format.words());
    MeasuredProfile {
        name: options.name.clone().unwrap_or_else(|| word(first)),
        measured: today(),
        origin: ProfileOrigin::Imported { from },
        accepted_noise: false,
        machine: Fingerprint {
            device: accelerator.clone().unwrap_or_else(|| "unknown".to_owned()),
            accelerator,
            program: PROGRAM.to_owned(),
            ..Fingerprint::default()
        },
        curves: imported.curves.clone(),
        figures: imported.figures.clone(),
    }
}

fn catalog_name(name: &str) -> Result<String, Failure> {
    match Catalog::read(&[])?.accelerator(name) {
        Ok(found) => Ok(found.name.clone()),
        Err(unknown) => {
            let suggestion = unknown.suggestion.clone();
            Err(Failure::plain(Status::Usage, "usage", unknown.to_string()).suggest(suggestion))
        }
    }
}

fn format_of(word: ImportedFrom) -> ImportFormat {
    match word {
        ImportedFrom::Vllm => ImportFormat::Vllm,
        ImportedFrom::Guidellm => ImportFormat::Guidellm,
        ImportedFrom::GenaiPerf => ImportFormat::GenaiPerf,
        ImportedFrom::Mllog => ImportFormat::Mllog,
        ImportedFrom::Steps => ImportFormat::StepTable,
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    let message = format!("cannot read {}: {error}", path.display());
    match error.kind() {
        std::io::ErrorKind::FileTooLarge => Failure::plain(Status::Limit, "limit", message),
        std::io::ErrorKind::InvalidData => Failure::plain(Status::BadFile, "not-text", message),
        _ => Failure::plain(Status::Io, "io", message),
    }
}

impl From<ImportError> for Failure {
    fn from(error: ImportError) -> Self {
        let failure = Self::plain(Status::BadFile, "import", error.to_string());
        match error {
            ImportError::Unknown { .. } => {
                let known = ImportFormat::ALL.map(|(word, _, words)| format!("{word}: {words}")).join("; ");
                failure.suggest(format!("--from says which it is: {known}"))
            }
            _ => failure,
        }
    }
}
