//! One calibration from the first look at the disk to the saved profile; every kind of work goes this way.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::calibrate::{
    Bench, BenchError, Journal, JournalError, MeasureError, Measured, Method, RealClock, Task, measure, today,
};
use crate::catalog::measured::{MeasuredFigure, ProfileOrigin, SaveError};
use crate::catalog::{Fingerprint, MeasuredProfile};
use crate::engine::Cancel;
use crate::report::{measured_json, measured_short_table, measured_table, measured_text};
use crate::units::{Dimension, parse_quantity};

use super::screen::{Screen, picture};
use crate::cli::args::{Format, Measuring, Shared};
use crate::cli::exit::{Failure, Status};
use crate::cli::output::{lively, table_text, to_stderr, to_stdout};
use crate::cli::progress::leave_on_interrupt;

/// What is to be measured, and where its profile goes.
pub struct Session<'a> {
    options: &'a Measuring,
    shared: &'a Shared,
    machine: Fingerprint,
    /// The profile that is there already, of this machine.
    existing: Option<MeasuredProfile>,
    budget: Option<Duration>,
    cancel: Cancel,
    /// The budget counts from here: what a kind of work prepares is part of it.
    began: Instant,
}

impl<'a> Session<'a> {
    /// Looks at everything that can be wrong before the first minute is spent.
    ///
    /// # Errors
    /// A senseless budget; an existing file that may not be replaced.
    pub fn new(options: &'a Measuring, shared: &'a Shared, machine: Fingerprint) -> Result<Self, Failure> {
        let budget = options.budget.as_deref().map(budget).transpose()?;
        let existing = match &options.out {
            Some(path) => existing(path, &machine, options.force)?,
            None => None,
        };
        Ok(Self {
            options,
            shared,
            machine,
            existing,
            budget,
            cancel: leave_on_interrupt(),
            began: Instant::now(),
        })
    }

    /// The flag that Ctrl-C raises.
    pub fn cancel(&self) -> Cancel {
        self.cancel.clone()
    }

    /// Measures, tells and saves; `figures` makes single figures of what was measured.
    ///
    /// # Errors
    /// What stopped it: nothing is half-saved, and what was measured waits in the journal.
    pub fn run(
        self,
        tasks: &[Task],
        bench: &mut dyn Bench,
        figures: &dyn Fn(&Measured) -> Vec<MeasuredFigure>,
    ) -> Result<Status, Failure> {
        let mut journal = match &self.options.out {
            Some(path) => Some(self.journal(path, tasks)?),
            None => None,
        };
        let budget = self.budget.map(|budget| budget.saturating_sub(self.began.elapsed()));
        let method = Method { budget, ..Method::usual(&self.cancel) };
        let shown = !self.options.no_progress && !self.shared.quiet;
        let screen = Screen::new(shown, lively(self.shared.color));
        let clock = RealClock::start();
        let measured = measure(tasks, bench, &method, &clock, journal.as_mut(), &mut |progress| {
            screen.show(progress);
        });
        screen.finish();
        let measured = measured.map_err(|error| self.stopped(error))?;
        if shown {
            plots(tasks, &measured);
        }
        let made = figures(&measured);
        self.tell_and_save(measured, made, journal)
    }

    fn journal(&self, out: &Path, tasks: &[Task]) -> Result<Journal, Failure> {
        let path = Journal::path_of(out);
        let journal = Journal::open(&path, tasks, &self.machine, self.options.restart)?;
        if journal.finished() > 0 && !self.shared.quiet {
            to_stderr(&format!(
                "going on from {}: {} runs are there; --restart drops them\n",
                path.display(),
                journal.finished()
            ));
        }
        Ok(journal)
    }

    fn stopped(&self, error: MeasureError) -> Failure {
        match (error, &self.options.out) {
            (MeasureError::Cancelled, out) => {
                let failure = Failure::plain(Status::Interrupted, "interrupted", "interrupted");
                match out {
                    Some(_) => failure.suggest("the same call goes on from where this one stopped"),
                    None => failure,
                }
            }
            (error, _) => error.into(),
        }
    }

    fn tell_and_save(
        self,
        measured: Measured,
        figures: Vec<MeasuredFigure>,
        journal: Option<Journal>,
    ) -> Result<Status, Failure> {
        let complaint = measured.quality.complaint();
        let profile = MeasuredProfile {
            name: self.options.name.clone().unwrap_or_else(|| name_of(&self.machine)),
            measured: today(),
            origin: ProfileOrigin::Measured,
            accepted_noise: complaint.is_some(),
            machine: self.machine,
            curves: measured.curves,
            figures,
        };
        to_stdout(&match self.options.format {
            Format::Json => format!("{:#}\n", measured_json(&profile)),
            Format::Table => {
                measured_text(&profile) + &table_text(&measured_short_table(&profile), Format::Table)
            }
            form => table_text(&measured_table(&profile), form),
        })?;
        let say = |text: String| {
            if !self.shared.quiet {
                to_stderr(&text);
            }
        };
        if measured.cut_short {
            say("the budget ended before every size was repeated: intervals are wider for it\n".to_owned());
        }
        let (Some(out), Some(journal)) = (&self.options.out, journal) else {
            if let Some(complaint) = complaint {
                say(format!("{complaint}\n"));
            }
            return Ok(Status::Done);
        };
        if let Some(complaint) = complaint.filter(|_| !self.options.accept_noise) {
            let failure = Failure::plain(Status::Calibration, "noise", format!("not saved: {complaint}"));
            return Err(failure.suggest(
                "measure on a quiet machine with --restart, or call again with --accept-noise to keep what was measured",
            ));
        }
        let saved = match self.existing {
            Some(mut existing) => {
                existing.replace_sections(profile);
                existing
            }
            None => profile,
        };
        saved.save(out)?;
        journal.remove();
        say(format!("wrote {}\n", out.display()));
        Ok(Status::Done)
    }
}

/// A plot of the first quantity of every task that was fitted.
fn plots(tasks: &[Task], measured: &Measured) {
    for task in tasks {
        let Some(quantity) = task.quantities.first().filter(|quantity| !quantity.forms.is_empty()) else {
            continue;
        };
        let curve = measured.curves.iter().find(|curve| {
            curve.section == task.section
                && curve.quantity == quantity.name
                && curve.axis == task.axis
                && curve.settings == task.settings
        });
        if let Some(curve) = curve {
            to_stderr(&picture(task, &curve.points()));
        }
    }
}

/// Something like `amd-epyc-2-cores`.
fn name_of(machine: &Fingerprint) -> String {
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

pub(super) fn budget(text: &str) -> Result<Duration, Failure> {
    let wrong = |message: String| {
        Failure::plain(Status::Usage, "usage", message)
            .suggest("write it like --budget 2m or --budget \"60 s\"")
    };
    // Nobody means metres here.
    let minutes = text.strip_suffix('m').filter(|count| count.trim().parse::<f64>().is_ok());
    let spelt = minutes.map_or_else(|| text.to_owned(), |count| format!("{count} min"));
    let seconds =
        parse_quantity(&spelt, Dimension::Time).map_err(|error| wrong(format!("--budget: {error}")))?;
    if !(1.0..=86_400.0).contains(&seconds) {
        return Err(wrong(format!("--budget {text} must lie between 1 s and 1 day")));
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// The profile that would be replaced, when it is one of this machine.
fn existing(path: &Path, machine: &Fingerprint, force: bool) -> Result<Option<MeasuredProfile>, Failure> {
    if force || !path.exists() {
        return Ok(None);
    }
    let profile = MeasuredProfile::open(path)??;
    if profile.machine.same_machine(machine) {
        return Ok(Some(profile));
    }
    let there = profile.machine.words();
    let message = format!("{} was measured on another machine: {there}", path.display());
    Err(Failure::plain(Status::Calibration, "other-machine", message)
        .suggest("write to another file, or use --force to replace it"))
}

impl From<SaveError> for Failure {
    fn from(error: SaveError) -> Self {
        match error {
            SaveError::Io { .. } => Self::plain(Status::Io, "io", error.to_string()),
            SaveError::TooLarge { .. } => Self::plain(Status::Limit, "limit", error.to_string()),
        }
    }
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::Io { .. } => Self::plain(Status::Io, "io", error.to_string()),
            JournalError::Other { .. } => {
                Self::plain(Status::Calibration, "other-calibration", error.to_string())
                    .suggest("finish that one first, or use --restart to drop it")
            }
        }
    }
}

impl From<BenchError> for Failure {
    fn from(error: BenchError) -> Self {
        let (status, code) = match &error {
            BenchError::Cancelled => (Status::Interrupted, "interrupted"),
            BenchError::Io { .. } => (Status::Io, "io"),
            BenchError::Skip { .. } => (Status::Limit, "limit"),
            BenchError::Input(_) => (Status::Io, "input"),
            BenchError::Device(_) => (Status::Fault, "device"),
        };
        Self::plain(status, code, error.to_string())
    }
}

impl From<MeasureError> for Failure {
    fn from(error: MeasureError) -> Self {
        match error {
            MeasureError::Cancelled => Self::plain(Status::Interrupted, "interrupted", "interrupted"),
            MeasureError::Bench(error) => error.into(),
            MeasureError::Journal(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_are_read_as_people_write_them() {
        for (text, seconds) in [("2m", 120), ("60s", 60), ("90 s", 90), ("2 min", 120), ("1h", 3600)] {
            assert_eq!(budget(text).ok(), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["m", "soon", "0m", "2 days", "-1m"] {
            assert!(budget(text).is_err(), "{text}");
        }
    }
}
