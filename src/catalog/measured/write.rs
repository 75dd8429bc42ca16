//! Profile to text and to a file: all of it or nothing.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::document::MAX_DOCUMENT_BYTES;

use super::read::{FORMS, digest};
use super::{
    CurveFit, Fingerprint, MeasuredCurve, MeasuredFigure, MeasuredProfile, PROFILE_FORMAT, ProfileOrigin,
    Settings,
};

/// Why a profile could not be saved.
#[derive(Debug, Error)]
pub enum SaveError {
    /// The system refuses.
    #[error("cannot write {}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// It would be larger than a document may be when it is read.
    #[error("the profile would hold {bytes} bytes; a document may hold {MAX_DOCUMENT_BYTES}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
}

impl MeasuredProfile {
    /// The profile as a TOML document with its checksum.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let head = format!(
            "# Measured by `capplan calibrate`. The checksum covers every byte: edit nothing.\nformat = {PROFILE_FORMAT}\nchecksum = \""
        );
        let rest = format!("\"\n{}", body(self));
        let digits = digest(&format!("{head}{rest}"));
        format!("{head}{digits}{rest}")
    }

    /// Writes the file atomically: a temporary one beside it, synced, renamed. A failure leaves what was there.
    ///
    /// # Errors
    /// When the system refuses, as on a full disk or in a folder that may only be read.
    pub fn save(&self, path: &Path) -> Result<(), SaveError> {
        let text = self.to_toml();
        if text.len() as u64 > MAX_DOCUMENT_BYTES {
            return Err(SaveError::TooLarge { bytes: text.len() });
        }
        let fault = |error| SaveError::Io { path: path.to_owned(), error };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let mut file = temporary_in(folder.unwrap_or(Path::new("."))).map_err(fault)?;
        file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(fault)?;
        file.persist(path).map_err(|error| fault(error.error))?;
        Ok(())
    }
}

/// A temporary file with the permissions of an ordinary new file, not those of a secret.
fn temporary_in(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let permissions = std::fs::Permissions::from_mode(0o666);
        tempfile::Builder::new().prefix(".capplan-").permissions(permissions).tempfile_in(folder)
    }
    #[cfg(not(unix))]
    tempfile::Builder::new().prefix(".capplan-").tempfile_in(folder)
}

/// A text as a TOML basic string.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            letter if letter.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(letter));
            }
            letter => out.push(letter),
        }
    }
    out.push('"');
    out
}

/// A figure in full.
fn exact(value: f64) -> String {
    let plain = value == 0.0 || (1e-4..1e15).contains(&value.abs());
    if plain { format!("{value:?}") } else { format!("{value:e}") }
}

fn line(out: &mut String, key: &str, value: &str) {
    let _ = writeln!(out, "{key} = {value}");
}

fn body(profile: &MeasuredProfile) -> String {
    let mut out = String::new();
    line(&mut out, "name", &quoted(&profile.name));
    line(&mut out, "measured", &quoted(&profile.measured.to_string()));
    if let ProfileOrigin::Imported { from } = &profile.origin {
        line(&mut out, "imported_from", &quoted(from));
    }
    if profile.accepted_noise {
        line(&mut out, "accepted_noise", "true");
    }
    machine(&mut out, &profile.machine);
    profile.curves.iter().for_each(|entry| curve(&mut out, entry));
    profile.figures.iter().for_each(|entry| figure(&mut out, entry));
    out
}

fn machine(out: &mut String, machine: &Fingerprint) {
    out.push_str("\n[machine]\n");
    let mut text = |key: &str, value: &str| {
        if !value.is_empty() {
            line(out, key, &quoted(value));
        }
    };
    text("cpu", &machine.cpu);
    text("system", &machine.system);
    text("device", &machine.device);
    text("driver", machine.driver.as_deref().unwrap_or_default());
    text("accelerator", machine.accelerator.as_deref().unwrap_or_default());
    text("program", &machine.program);
    text("candle", machine.candle.as_deref().unwrap_or_default());
    for (key, value) in [("cores", machine.cores), ("memory", machine.memory)] {
        if let Some(value) = value {
            line(out, key, &value.to_string());
        }
    }
}

fn settings(out: &mut String, settings: &Settings) {
    if !settings.is_empty() {
        let words: Vec<String> =
            settings.iter().map(|(key, value)| format!("{} = {}", quoted(key), quoted(value))).collect();
        line(out, "settings", &format!("{{ {} }}", words.join(", ")));
    }
}

fn curve(out: &mut String, curve: &MeasuredCurve) {
    out.push_str("\n[[curve]]\n");
    line(out, "section", &quoted(curve.section.word()));
    line(out, "quantity", &quoted(&curve.quantity));
    line(out, "unit", &quoted(&curve.unit));
    line(out, "axis", &quoted(&curve.axis));
    settings(out, &curve.settings);
    line(out, "noise", &exact(curve.noise));
    let runs: Vec<String> = curve
        .runs
        .iter()
        .map(|run| {
            // Five digits are more than any clock repeats.
            let samples: Vec<String> = run.samples.iter().map(|sample| format!("{sample:.4e}")).collect();
            let (at, started) = (exact(run.at), format!("{:.2}", run.started));
            let samples = samples.join(", ");
            format!(
                "  {{ at = {at}, repeat = {}, started = {started}, samples = [{samples}] }},\n",
                run.repeat
            )
        })
        .collect();
    let _ = writeln!(out, "run = [\n{}]", runs.concat());
    if !curve.skipped.is_empty() {
        let skipped: Vec<String> = curve
            .skipped
            .iter()
            .map(|entry| format!("{{ at = {}, reason = {} }}", exact(entry.at), quoted(&entry.reason)))
            .collect();
        line(out, "skipped", &format!("[{}]", skipped.join(", ")));
    }
    if let Some(found) = &curve.fit {
        fit(out, found);
    }
}

fn fit(out: &mut String, fit: &CurveFit) {
    out.push_str("[curve.fit]\n");
    let form = fit.fitted.curve.form();
    let word = FORMS.iter().find(|(_, known)| *known == form).map_or("", |(word, _)| *word);
    line(out, "form", &quoted(word));
    let coefficients: Vec<String> = fit
        .intervals
        .iter()
        .map(|one| format!("{} = [{}, {}, {}]", one.name, exact(one.value), exact(one.lo), exact(one.hi)))
        .collect();
    line(out, "coefficient", &format!("{{ {} }}", coefficients.join(", ")));
    line(out, "from", &exact(fit.fitted.from));
    line(out, "to", &exact(fit.fitted.to));
    line(out, "median_error", &exact(fit.fitted.median_error));
    line(out, "max_error", &exact(fit.fitted.max_error));
    if fit.leave_one_out.is_finite() {
        line(out, "leave_one_out", &exact(fit.leave_one_out));
    }
    if let Some(gap) = fit.theil_sen_gap.filter(|gap| gap.is_finite()) {
        line(out, "theil_sen_gap", &exact(gap));
    }
}

fn figure(out: &mut String, figure: &MeasuredFigure) {
    out.push_str("\n[[figure]]\n");
    line(out, "section", &quoted(figure.section.word()));
    line(out, "name", &quoted(&figure.name));
    line(out, "unit", &quoted(&figure.unit));
    line(out, "value", &exact(figure.value));
    line(out, "lo", &exact(figure.lo));
    line(out, "hi", &exact(figure.hi));
    settings(out, &figure.settings);
}
