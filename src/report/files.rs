//! `--out DIR`: all files or none, each replaced atomically, with a manifest of hashes.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::json;
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::study::Comparison;

use super::comparison::{flat_table, result_json};
#[cfg(feature = "gui")]
use super::plot::PngError;
use super::plot::{Figure, figures};
use super::summary::summary;

/// A file to write.
#[derive(Clone, Debug)]
pub struct Artifact {
    /// Its name.
    pub name: Cow<'static, str>,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Artifact {
    /// A file of that name.
    #[must_use]
    pub fn new(name: impl Into<Cow<'static, str>>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), bytes: bytes.into() }
    }
}

/// What the manifest says of the inputs.
#[derive(Clone, Debug, Default)]
pub struct Provenances {
    /// Text of the scenario as read.
    pub scenario: String,
    /// Resolved scenario.
    pub resolved: String,
    /// SHA-256 of the catalog's files, in order.
    pub catalog_digest: String,
}

/// Why a folder could not be written.
#[derive(Debug, Error)]
pub enum OutError {
    /// It holds files that would be replaced.
    #[error("{} holds {name} already; use --force to replace it", path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
        /// The file.
        name: String,
    },
    /// The system refuses.
    #[error("cannot write {}: {error}", path.display())]
    Io {
        /// What was written.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// A table could not be encoded.
    #[error("cannot encode {name}: {reason}")]
    Encode {
        /// The file.
        name: Cow<'static, str>,
        /// Why not.
        reason: String,
    },
}

/// Every file of a comparison, the manifest last.
///
/// # Errors
/// When a table cannot be encoded.
pub fn artifacts(comparison: &Comparison, provenances: &Provenances) -> Result<Vec<Artifact>, OutError> {
    let table = flat_table(comparison);
    let short = super::comparison::short_table(comparison);
    let markdown =
        format!("# {}\n\n{}\n{}", super::clean(&comparison.scenario), short.markdown(), summary(comparison));
    let mut files = vec![
        Artifact::new("result.json", result_json(comparison)),
        Artifact::new("comparison.csv", table.csv()),
        Artifact::new("comparison.md", markdown),
        Artifact::new("scenario.resolved.toml", provenances.resolved.clone()),
    ];
    #[cfg(feature = "tables")]
    {
        let name = "comparison.parquet";
        let bytes = super::frame::parquet(&table)
            .map_err(|error| OutError::Encode { name: name.into(), reason: error.to_string() })?;
        files.push(Artifact::new(name, bytes));
        let name = "comparison.xlsx";
        let bytes = super::workbook::workbook(comparison)
            .map_err(|error| OutError::Encode { name: name.into(), reason: error.to_string() })?;
        files.push(Artifact::new(name, bytes));
    }
    let page = super::html::report_html(comparison, &provenances.resolved);
    files.push(Artifact::new("report.html", page));
    files.extend(pictures(&figures(comparison))?);
    files.push(Artifact::new("manifest.json", manifest(comparison, provenances, &files)));
    Ok(files)
}

/// Pixels of a picture for each of its units.
#[cfg(feature = "gui")]
const SHARP: f32 = 2.0;

/// Every figure as SVG, and as PNG where it is not larger than pictures may be.
///
/// # Errors
/// When a picture cannot be encoded.
pub fn pictures(figures: &[Figure]) -> Result<Vec<Artifact>, OutError> {
    let mut files = Vec::new();
    for figure in figures {
        files.push(Artifact::new(format!("{}.svg", figure.name), figure.svg()));
        #[cfg(feature = "gui")]
        match figure.png(SHARP) {
            Ok(bytes) => files.push(Artifact::new(format!("{}.png", figure.name), bytes)),
            Err(PngError::Size { .. }) => {}
            Err(error) => {
                let name = format!("{}.png", figure.name).into();
                return Err(OutError::Encode { name, reason: error.to_string() });
            }
        }
    }
    Ok(files)
}

fn manifest(comparison: &Comparison, provenances: &Provenances, files: &[Artifact]) -> String {
    let hashes: serde_json::Map<String, serde_json::Value> =
        files.iter().map(|file| (file.name.to_string(), json!(digest(&file.bytes)))).collect();
    let manifest = json!({
        "format": 1,
        "program": comparison.program,
        "seed": comparison.seed,
        "catalog_date": comparison.catalog_date,
        "scenario_sha256": digest(provenances.scenario.as_bytes()),
        "catalog_sha256": provenances.catalog_digest,
        "files_sha256": hashes,
    });
    format!("{manifest:#}\n")
}

/// A temporary file with the permissions of an ordinary new file, not those of a secret.
fn temporary_in(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".capplan-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

/// SHA-256 in hexadecimal.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes one file, whole or not at all. Nothing is replaced without `force`.
///
/// # Errors
/// When it is there already, or the system refuses.
pub fn write_file(path: &Path, bytes: &[u8], force: bool) -> Result<(), OutError> {
    may_write(path, force)?;
    let fault = |error| OutError::Io { path: path.to_owned(), error };
    let mut temporary = temporary_in(folder_of(path)).map_err(fault)?;
    temporary.write_all(bytes).and_then(|()| temporary.as_file().sync_all()).map_err(fault)?;
    let moved = if force { temporary.persist(path) } else { temporary.persist_noclobber(path) };
    moved.map_err(|error| fault(error.error))?;
    if let Ok(handle) = File::open(folder_of(path)) {
        let _ = handle.sync_all();
    }
    Ok(())
}

/// Whether [`write_file`] could write there, as far as can be seen beforehand.
///
/// # Errors
/// When something is there that is not to be replaced, or no folder to write into.
pub fn may_write(path: &Path, force: bool) -> Result<(), OutError> {
    let refuse =
        |words: &str| OutError::Io { path: path.to_owned(), error: io::Error::other(words.to_owned()) };
    let Some(name) = path.file_name() else { return Err(refuse("it does not name a file")) };
    if path.is_dir() {
        return Err(refuse("it is a directory"));
    }
    let folder = folder_of(path);
    if !folder.is_dir() {
        return Err(refuse(&format!("there is no folder {}", folder.display())));
    }
    // A dangling link is there as well.
    if !force && fs::symlink_metadata(path).is_ok() {
        let name = name.to_string_lossy().into_owned();
        return Err(OutError::Exists { path: folder.to_owned(), name });
    }
    Ok(())
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Writes the files into a folder, made if need be. Nothing is replaced without `force`, and a failure leaves no half
/// file: all are written beside their places first, then moved.
///
/// # Errors
/// When a file is there already, or the system refuses.
pub fn write_folder(folder: &Path, files: &[Artifact], force: bool) -> Result<(), OutError> {
    let fault = |path: &Path| {
        let path = path.to_owned();
        move |error| OutError::Io { path, error }
    };
    fs::create_dir_all(folder).map_err(fault(folder))?;
    // A dangling link is there as well.
    let present = files.iter().find(|file| fs::symlink_metadata(folder.join(&*file.name)).is_ok());
    if let Some(file) = files.iter().find(|file| folder.join(&*file.name).is_dir()) {
        let error = io::Error::other("it is a directory");
        return Err(OutError::Io { path: folder.join(&*file.name), error });
    }
    if let (false, Some(file)) = (force, present) {
        return Err(OutError::Exists { path: folder.to_owned(), name: file.name.to_string() });
    }
    let mut staged = Vec::new();
    for file in files {
        let mut temporary = temporary_in(folder).map_err(fault(folder))?;
        temporary
            .write_all(&file.bytes)
            .and_then(|()| temporary.as_file().sync_all())
            .map_err(fault(&folder.join(&*file.name)))?;
        staged.push((temporary, folder.join(&*file.name)));
    }
    for (temporary, path) in staged {
        // Without force the first file that somebody else wrote meanwhile stops us before any other is touched.
        let moved = if force { temporary.persist(&path) } else { temporary.persist_noclobber(&path) };
        moved.map_err(|error| OutError::Io { path: path.clone(), error: error.error })?;
    }
    // The folder's own entry must reach the disk too; some systems refuse to open folders, and that is no loss.
    if let Ok(handle) = File::open(folder) {
        let _ = handle.sync_all();
    }
    Ok(())
}
