//! `capplan calibrate fit`: profile parameters from a table of published or own measurements.

use std::fs::File;

use crate::catalog::Catalog;
use crate::report::{Artifact, calibration_json, calibration_table, calibration_text, write_folder};
use crate::steptime::ordinary::OrdinaryFit;
use crate::validate::{
    FitError, LanguageFitted, LeftOut, ReadError, Schema, TransformerFitted, fit_served, fit_served_shipped,
    fit_transformers, schema_of,
};

use crate::cli::args::{Fit, Format, Shared};
use crate::cli::exit::{Failure, Status};
use crate::cli::input;
use crate::cli::output::{table_text, to_stderr, to_stdout};
use crate::cli::validate::regular_file;

/// The profile's file, as it ships under `assets/profiles`.
const PROFILE: &str = "transformer-steps.csv";
/// The same of served ordinary models.
const SERVED_PROFILE: &str = "serving-ordinary.csv";

pub fn fit(options: &Fit, shared: &Shared) -> Result<Status, Failure> {
    let catalog = input::catalog(&options.catalog)?;
    if let Some(path) = &options.observations {
        regular_file(path)?;
        if schema_of(path).map_err(FitError::from)? == Schema::Inference {
            let name = path.display().to_string();
            let open = || {
                let file = File::open(path).map_err(|error| ReadError::Open { file: name.clone(), error });
                file.map_err(FitError::from)
            };
            let language = LanguageFitted::of(&catalog, &name, open()?)?;
            let ordinary = match fit_served(&catalog, &name, open()?) {
                Err(FitError::NoServedRows { .. }) if language.is_some() => None,
                other => Some(other?),
            };
            return served(ordinary.as_ref(), language.as_ref(), options, shared);
        }
    }
    let fitted = match &options.observations {
        None => TransformerFitted::shipped(&catalog),
        Some(path) => {
            let name = path.display().to_string();
            let file = File::open(path).map_err(|error| ReadError::Open { file: name.clone(), error });
            file.map_err(FitError::from).and_then(|file| fit_transformers(&catalog, &name, file))
        }
    }?;
    if let Some(folder) = &options.out {
        let mut profiles = vec![Artifact::new(PROFILE, fitted.fit.profile().to_csv())];
        if options.observations.is_none() {
            profiles.push(Artifact::new(SERVED_PROFILE, served_profile(&catalog)?));
            profiles.extend(artifacts(&LanguageFitted::shipped(&catalog)?));
        }
        write_folder(folder, &profiles, options.force)?;
        if !shared.quiet {
            profiles
                .iter()
                .for_each(|profile| to_stderr(&format!("wrote {}\n", folder.join(&*profile.name).display())));
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

fn served_profile(catalog: &Catalog) -> Result<String, FitError> {
    Ok(fit_served_shipped(catalog)?.to_csv()?)
}

/// The tables of the fit of language models.
fn artifacts(fitted: &LanguageFitted) -> impl Iterator<Item = Artifact> {
    fitted.files().into_iter().map(|(name, text)| Artifact::new(name, text))
}

/// The fits of served models, told and written.
fn served(
    ordinary: Option<&OrdinaryFit>,
    language: Option<&LanguageFitted>,
    options: &Fit,
    shared: &Shared,
) -> Result<Status, Failure> {
    if let Some(folder) = &options.out {
        let mut profiles: Vec<Artifact> = language.into_iter().flat_map(artifacts).collect();
        if let Some(fit) = ordinary {
            let bytes = fit.to_csv().map_err(FitError::from)?.into_bytes();
            profiles.push(Artifact::new(SERVED_PROFILE, bytes));
        }
        write_folder(folder, &profiles, options.force)?;
        if !shared.quiet {
            profiles
                .iter()
                .for_each(|profile| to_stderr(&format!("wrote {}\n", folder.join(&*profile.name).display())));
        }
    }
    let size = ordinary.map(|fit| (fit.size(), fit.pairs().count()));
    let left_out = language.map(LanguageFitted::left_out).unwrap_or_default();
    to_stdout(&match options.format {
        Format::Json => {
            let ((rows, coefficients), pairs) = size.unwrap_or_default();
            let language: Vec<_> = left_out
                .iter()
                .map(|own| {
                    serde_json::json!({
                        "name": own.name, "rows": own.rows, "median_abs_pct_error": own.median,
                        "p90_abs_pct_error": own.p90,
                    })
                })
                .collect();
            let fitted = serde_json::json!({
                "rows": rows, "pairs": pairs, "coefficients": coefficients, "language": language,
            });
            format!("{fitted:#}\n")
        }
        _ => told(size, &left_out),
    })?;
    Ok(Status::Done)
}

/// What was fitted, in sentences.
fn told(size: Option<((usize, usize), usize)>, left_out: &[LeftOut]) -> String {
    let mut text = String::new();
    if let Some(((rows, coefficients), pairs)) = size {
        text.push_str(&format!(
            "Fitted to {rows} rows of {pairs} pairs of device and model: {coefficients} coefficients\n"
        ));
    }
    for own in left_out.iter().filter(|own| own.name == "all") {
        text.push_str(&format!(
            "Fitted to {} rows of language models; with their pair of device and model left out they lie off by \
             {:.1} % (median) and {:.1} % (90th percentile)\n",
            own.rows, own.median, own.p90
        ));
    }
    text
}

impl From<FitError> for Failure {
    fn from(error: FitError) -> Self {
        let (status, code) = match error {
            FitError::Read(error) => return error.into(),
            FitError::NoRows { .. } | FitError::NoServedRows { .. } => (Status::BadFile, "observations"),
            FitError::Profile(_) => (Status::Fault, "profile"),
        };
        Self::plain(status, code, error.to_string())
    }
}
