//! The journal of a calibration under way: each finished run on a line of its own, so that a stopped one can go on.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::catalog::Fingerprint;

use super::bench::Task;

/// A larger journal is none of ours.
const MAX_BYTES: u64 = 64 << 20;

/// Why a journal cannot be used.
#[derive(Debug, Error)]
pub enum JournalError {
    /// The system refuses.
    #[error("cannot write {}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// It belongs to a calibration of other tasks or of another machine.
    #[error("{} belongs to a calibration of other work or of another machine", path.display())]
    Other {
        /// The file.
        path: PathBuf,
    },
}

/// One line: a finished run, or a size that cannot be measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Line {
    /// Index of the task.
    pub task: usize,
    /// The size.
    pub at: f64,
    /// Which repeat, from 1.
    pub repeat: u64,
    /// Seconds from the start of the calibration.
    pub started: f64,
    /// Seconds that the run took, its warm-up included.
    pub took: f64,
    /// Samples of each quantity.
    pub samples: Vec<Vec<f64>>,
    /// Why there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    format: u64,
    plan: String,
}

/// A journal on disk.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    found: Vec<Line>,
}

impl Journal {
    /// The journal that goes with a profile's file.
    #[must_use]
    pub fn path_of(profile: &Path) -> PathBuf {
        let mut name = profile.file_name().unwrap_or_default().to_owned();
        name.push(".partial");
        profile.with_file_name(name)
    }

    /// Opens the journal for `tasks` on `machine`, with what a stopped calibration of the same left there; `afresh`
    /// drops that.
    ///
    /// # Errors
    /// When the file cannot be written, or holds something else.
    pub fn open(
        path: &Path,
        tasks: &[Task],
        machine: &Fingerprint,
        afresh: bool,
    ) -> Result<Self, JournalError> {
        let fault = |error| JournalError::Io { path: path.to_owned(), error };
        let plan = plan_of(tasks, machine);
        let left = if afresh { None } else { read(path).map_err(fault)? };
        let found = match left {
            None => None,
            Some(text) => Some(lines(&text, &plan).ok_or(JournalError::Other { path: path.to_owned() })?),
        };
        let mut file = match &found {
            Some((_, whole)) => {
                // A line torn by the stop is cut off before anything is added.
                let file = OpenOptions::new().write(true).open(path).map_err(fault)?;
                file.set_len(*whole as u64).map_err(fault)?;
                OpenOptions::new().append(true).open(path).map_err(fault)?
            }
            None => File::create(path).map_err(fault)?,
        };
        if found.is_none() {
            let head = serde_json::to_string(&Head { format: 1, plan }).unwrap_or_default();
            file.write_all(format!("{head}\n").as_bytes()).and_then(|()| file.sync_data()).map_err(fault)?;
        }
        Ok(Self { path: path.to_owned(), file, found: found.map_or(Vec::new(), |(lines, _)| lines) })
    }

    /// Runs that a stopped calibration had finished.
    #[must_use]
    pub fn finished(&self) -> usize {
        self.found.len()
    }

    pub(super) fn take(&mut self) -> Vec<Line> {
        std::mem::take(&mut self.found)
    }

    pub(super) fn add(&mut self, line: &Line) -> Result<(), JournalError> {
        let text = serde_json::to_string(line).unwrap_or_default() + "\n";
        let written = self.file.write_all(text.as_bytes()).and_then(|()| self.file.sync_data());
        written.map_err(|error| JournalError::Io { path: self.path.clone(), error })
    }

    /// Takes the file away: the profile is saved, or nobody wants it.
    pub fn remove(self) {
        drop(self.file);
        // One that is gone already is as good.
        let _ = fs::remove_file(&self.path);
    }
}

/// What two calibrations must share for one to go on where the other stopped.
fn plan_of(tasks: &[Task], machine: &Fingerprint) -> String {
    let text = format!("{tasks:?}\n{machine:?}");
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The text of an existing journal; an absent one is `None`.
fn read(path: &Path) -> io::Result<Option<String>> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
        Ok(metadata) if !metadata.is_file() || metadata.len() > MAX_BYTES => {
            return Err(io::Error::other("it is not a journal"));
        }
        Ok(_) => {}
    }
    fs::read(path).map(|bytes| Some(String::from_utf8_lossy(&bytes).into_owned()))
}

/// The whole lines after a head of this plan, and how many bytes they and the head take; `None` for another plan.
fn lines(text: &str, plan: &str) -> Option<(Vec<Line>, usize)> {
    let mut whole = text.split_inclusive('\n').take_while(|line| line.ends_with('\n'));
    let first = whole.next()?;
    let head: Head = serde_json::from_str(first).ok()?;
    if head.format != 1 || head.plan != plan {
        return None;
    }
    let (mut found, mut bytes) = (Vec::new(), first.len());
    for line in whole {
        let Ok(parsed) = serde_json::from_str(line) else { break };
        found.push(parsed);
        bytes += line.len();
    }
    Some((found, bytes))
}
