//! One calibration as the command line tells it: progress on stderr, the profile on stdout, faults with their status.

use std::path::Path;
use std::time::Duration;

use crate::calibrate::Bench;
use crate::calibrate::{
    self, BenchError, FiguresOf, Journal, JournalError, Kind, KindError, MeasureError, Measured,
    SessionError, Task, Wanted,
};
use crate::catalog::measured::SaveError;
use crate::engine::Cancel;
use crate::report::{measured_json, measured_short_table, measured_table, measured_text};

use super::screen::{Screen, picture};
use crate::cli::args::{Format, Measuring, Shared};
use crate::cli::exit::{Failure, Status};
use crate::cli::output::{lively, table_text, to_stderr, to_stdout};
use crate::cli::progress::leave_on_interrupt;

/// What is to be measured, and how it is told.
pub struct Session<'a> {
    options: &'a Measuring,
    shared: &'a Shared,
    session: calibrate::Session,
}

/// Measures a kind of work, tells and saves. `accelerator` is the catalog's name of the device.
///
/// # Errors
/// A senseless budget, an existing file that may not be replaced, or what stopped it: nothing is half-saved, and what
/// was measured waits in the journal.
pub fn run(
    kind: &Kind,
    accelerator: Option<String>,
    options: &Measuring,
    shared: &Shared,
) -> Result<Status, Failure> {
    let machine = kind.machine(accelerator, options.out.as_deref())?;
    let wanted = Wanted {
        out: options.out.clone(),
        name: options.name.clone(),
        budget: options.budget.as_deref().map(budget).transpose()?,
        accept_noise: options.accept_noise,
        restart: options.restart,
        force: options.force,
    };
    let session = calibrate::Session::new(wanted, machine, leave_on_interrupt())?;
    let program = std::env::current_exe()
        .map_err(|error| Failure::plain(Status::Io, "io", format!("cannot find this program: {error}")))?;
    let (cancel, machine): (Cancel, _) = (session.cancel().clone(), session.machine().clone());
    let mut session = Session { options, shared, session };
    let mut say = |text: &str| {
        if !shared.quiet && !options.no_progress {
            to_stderr(&format!("{text}\n"));
        }
    };
    kind.with_bench(&machine, program, &cancel, &mut say, |tasks, bench, figures| {
        session.measured(tasks, bench, figures)
    })?
}

impl Session<'_> {
    fn measured(
        &mut self,
        tasks: &[Task],
        bench: &mut dyn Bench,
        figures: FiguresOf,
    ) -> Result<Status, Failure> {
        let mut journal = self.session.journal(tasks)?;
        if let (Some(journal), Some(out), false) = (&journal, &self.options.out, self.shared.quiet)
            && journal.finished() > 0
        {
            to_stderr(&format!(
                "going on from {}: {} runs are there; --restart drops them\n",
                Journal::path_of(out).display(),
                journal.finished()
            ));
        }
        let shown = !self.options.no_progress && !self.shared.quiet;
        let screen = Screen::new(shown, lively(self.shared.color));
        let measured =
            self.session.measure(tasks, bench, journal.as_mut(), &mut |progress| screen.show(progress));
        screen.finish();
        let measured = measured.map_err(|error| stopped(error, self.options.out.as_deref()))?;
        if shown {
            plots(tasks, &measured);
        }
        self.tell_and_save(measured, figures, journal)
    }

    fn tell_and_save(
        &mut self,
        measured: Measured,
        figures: FiguresOf,
        journal: Option<Journal>,
    ) -> Result<Status, Failure> {
        let (complaint, cut_short) = (measured.quality.complaint(), measured.cut_short);
        let figures = figures(&measured.curves);
        let profile = self.session.profile(measured, figures);
        to_stdout(&match self.options.format {
            Format::Json => format!("{:#}\n", measured_json(&profile)),
            Format::Table => {
                measured_text(&profile) + &table_text(&measured_short_table(&profile), Format::Table)
            }
            form => table_text(&measured_table(&profile), form),
        })?;
        let quiet = self.shared.quiet;
        let say = |text: String| {
            if !quiet {
                to_stderr(&text);
            }
        };
        if cut_short {
            say("the budget ended before every size was repeated: intervals are wider for it\n".to_owned());
        }
        if let (None, Some(complaint)) = (&self.options.out, &complaint) {
            say(format!("{complaint}\n"));
        }
        let saved = self.session.save(profile, journal, complaint, false).map_err(|(error, _)| error)?;
        if let Some(out) = saved {
            say(format!("wrote {}\n", out.display()));
        }
        Ok(Status::Done)
    }
}

fn stopped(error: MeasureError, out: Option<&Path>) -> Failure {
    match (error, out) {
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

pub(super) fn budget(text: &str) -> Result<Duration, Failure> {
    calibrate::budget(text).map_err(|error| {
        Failure::plain(Status::Usage, "usage", format!("--budget: {error}"))
            .suggest("write it like --budget 2m or --budget \"60 s\"")
    })
}

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Self {
        let message = error.to_string();
        match error {
            SessionError::Load(error) => error.into(),
            SessionError::Unsound(faults) => faults.into(),
            SessionError::Save(error) => error.into(),
            SessionError::OtherMachine { .. } => Self::plain(Status::Calibration, "other-machine", message)
                .suggest("write to another file, or use --force to replace it"),
            SessionError::Noise(_) => Self::plain(Status::Calibration, "noise", message).suggest(
                "measure on a quiet machine with --restart, or call again with --accept-noise to keep what was measured",
            ),
        }
    }
}

impl From<KindError> for Failure {
    fn from(error: KindError) -> Self {
        match error {
            KindError::Device(error) => error.into(),
            KindError::Bench(error) => error.into(),
            KindError::Input(error) => error.into(),
        }
    }
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
