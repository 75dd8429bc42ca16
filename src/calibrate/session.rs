//! One calibration from the first look at the disk to the saved profile; every kind of work goes this way, from the
//! command line and from the window.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use thiserror::Error;

use crate::catalog::measured::{MeasuredFigure, ProfileOrigin, SaveError};
use crate::catalog::{Fingerprint, MeasuredProfile};
use crate::document::{Diagnostics, LoadError};
use crate::engine::Cancel;
use crate::units::{Dimension, parse_quantity};

use super::bench::{Bench, RealClock, Task};
use super::here::today;
use super::journal::{Journal, JournalError};
use super::measure::{MeasureError, Measured, Method, Progress, measure};

/// What is wanted of a calibration.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Where the profile goes; nothing is kept without.
    pub out: Option<PathBuf>,
    /// Its name; by the processor if left out.
    pub name: Option<String>,
    /// All the time there is.
    pub budget: Option<Duration>,
    /// Keep the profile although the machine is noisy or throttles.
    pub accept_noise: bool,
    /// Drop what a stopped calibration had measured.
    pub restart: bool,
    /// Replace a profile of another machine, or a file that is none.
    pub force: bool,
}

/// Why a calibration does not begin, or its profile is not kept.
#[derive(Debug, Error)]
pub enum SessionError {
    /// The profile there cannot be read.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The file there is no sound profile.
    #[error("{}", words(.0))]
    Unsound(Diagnostics),
    /// The profile there is of another machine.
    #[error("{} was measured on another machine: {there}", path.display())]
    OtherMachine {
        /// Its file.
        path: PathBuf,
        /// That machine.
        there: String,
    },
    /// The machine was not quiet.
    #[error("not saved: {0}")]
    Noise(String),
    /// The profile cannot be written.
    #[error(transparent)]
    Save(#[from] SaveError),
}

fn words(faults: &Diagnostics) -> String {
    faults.sorted().iter().map(|fault| fault.to_string()).collect::<Vec<_>>().join("; ")
}

/// Why a time is no budget.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BudgetError {
    /// It cannot be read.
    #[error("{0}")]
    Unread(String),
    /// It is too short or too long.
    #[error("{0} must lie between 1 s and 1 day")]
    OutOfRange(String),
}

/// All the time there is, as people write it: `2m`, `90 s`, `1 h`.
///
/// # Errors
/// When it is no time, or a senseless one.
pub fn budget(text: &str) -> Result<Duration, BudgetError> {
    // Nobody means metres here.
    let minutes = text.strip_suffix('m').filter(|count| count.trim().parse::<f64>().is_ok());
    let spelt = minutes.map_or_else(|| text.to_owned(), |count| format!("{count} min"));
    let seconds =
        parse_quantity(&spelt, Dimension::Time).map_err(|error| BudgetError::Unread(error.to_string()))?;
    if !(1.0..=86_400.0).contains(&seconds) {
        return Err(BudgetError::OutOfRange(text.to_owned()));
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// What is to be measured, and where its profile goes.
#[derive(Debug)]
pub struct Session {
    wanted: Wanted,
    machine: Fingerprint,
    /// The profile that is there already, of this machine.
    existing: Option<MeasuredProfile>,
    cancel: Cancel,
    /// The budget counts from here: what a kind of work prepares is part of it.
    began: Instant,
}

impl Session {
    /// Looks at everything that can be wrong before the first minute is spent.
    ///
    /// # Errors
    /// An existing file that may not be replaced.
    pub fn new(wanted: Wanted, machine: Fingerprint, cancel: Cancel) -> Result<Self, SessionError> {
        let existing = match &wanted.out {
            Some(path) => existing(path, &machine, wanted.force)?,
            None => None,
        };
        Ok(Self { wanted, machine, existing, cancel, began: Instant::now() })
    }

    /// The flag that stops it.
    #[must_use]
    pub fn cancel(&self) -> &Cancel {
        &self.cancel
    }

    /// The machine.
    #[must_use]
    pub fn machine(&self) -> &Fingerprint {
        &self.machine
    }

    /// The journal beside the profile, with what a stopped calibration left in it; none where nothing is kept.
    ///
    /// # Errors
    /// When it cannot be written, or is of other work.
    pub fn journal(&self, tasks: &[Task]) -> Result<Option<Journal>, JournalError> {
        let open =
            |out: &PathBuf| Journal::open(&Journal::path_of(out), tasks, &self.machine, self.wanted.restart);
        self.wanted.out.as_ref().map(open).transpose()
    }

    /// Measures.
    ///
    /// # Errors
    /// What stopped it: what was measured waits in the journal.
    pub fn measure(
        &self,
        tasks: &[Task],
        bench: &mut dyn Bench,
        journal: Option<&mut Journal>,
        progress: &mut dyn FnMut(&Progress<'_>),
    ) -> Result<Measured, MeasureError> {
        let budget = self.wanted.budget.map(|budget| budget.saturating_sub(self.began.elapsed()));
        let method = Method { budget, ..Method::usual(&self.cancel) };
        measure(tasks, bench, &method, &RealClock::start(), journal, progress)
    }

    /// The profile of what was measured, with single figures made of it.
    #[must_use]
    pub fn profile(&self, measured: Measured, figures: Vec<MeasuredFigure>) -> MeasuredProfile {
        MeasuredProfile {
            name: self.wanted.name.clone().unwrap_or_else(|| name_of(&self.machine)),
            measured: today(),
            origin: ProfileOrigin::Measured,
            accepted_noise: measured.quality.complaint().is_some(),
            machine: self.machine.clone(),
            curves: measured.curves,
            figures,
        }
    }

    /// Keeps the profile: its sections replace those of the one that is there. Gives the file; none where nothing is
    /// kept. `complaint` is what there is to say against the machine, `accepted` whether the user keeps it all the same.
    ///
    /// # Errors
    /// A machine that was not quiet, or a file that cannot be written.
    pub fn save(
        &mut self,
        profile: MeasuredProfile,
        journal: Option<Journal>,
        complaint: Option<String>,
        accepted: bool,
    ) -> Result<Option<PathBuf>, (SessionError, Option<Journal>)> {
        let Some(out) = self.wanted.out.clone() else { return Ok(None) };
        if let Some(complaint) = complaint.filter(|_| !(self.wanted.accept_noise || accepted)) {
            return Err((SessionError::Noise(complaint), journal));
        }
        let saved = match self.existing.clone() {
            Some(mut existing) => {
                existing.replace_sections(profile);
                existing
            }
            None => profile,
        };
        if let Err(error) = saved.save(&out) {
            return Err((error.into(), journal));
        }
        if let Some(journal) = journal {
            journal.remove();
        }
        Ok(Some(out))
    }
}

/// Something like `amd-epyc-2-cores`.
#[must_use]
pub fn name_of(machine: &Fingerprint) -> String {
    let device = if machine.device == "cpu" { &machine.cpu } else { &machine.device };
    let mut name: String = device
        .to_lowercase()
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' })
        .collect();
    while name.contains("--") {
        name = name.replace("--", "-");
    }
    let name = name.trim_matches('-');
    let name = if name.is_empty() { "this-machine" } else { name };
    match machine.cores {
        Some(cores) if machine.device == "cpu" => format!("{name}-{cores}-cores"),
        _ => name.to_owned(),
    }
}

/// The profile that would be replaced, when it is one of this machine.
fn existing(
    path: &Path,
    machine: &Fingerprint,
    force: bool,
) -> Result<Option<MeasuredProfile>, SessionError> {
    if force || !path.exists() {
        return Ok(None);
    }
    let profile = MeasuredProfile::open(path)?.map_err(SessionError::Unsound)?;
    if profile.machine.same_machine(machine) {
        return Ok(Some(profile));
    }
    Err(SessionError::OtherMachine { path: path.to_owned(), there: profile.machine.words() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_are_read_as_people_write_them() {
        for (text, seconds) in [("2m", 120), ("60s", 60), ("90 s", 90), ("2 min", 120), ("1h", 3600)] {
            assert_eq!(budget(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["m", "soon", "0m", "2 days", "-1m"] {
            assert!(budget(text).is_err(), "{text}");
        }
    }
}
