//! `simulate --trace FILE`: what one replica does when.

use std::path::{Path, PathBuf};

use crate::catalog::Catalog;
use crate::engine::Cancel;
use crate::report::{chrome_trace, may_write, write_file};
use crate::scenario::Scenario;
use crate::steptime::StepTimes;
use crate::study::{self, Comparison, MOST_SPANS, Record, RecordError, Recording};
use crate::units::{Dimension, Seconds, human_duration, parse_quantity};

use super::args::Simulate;
use super::exit::{Failure, Status};

/// What is asked for.
pub struct Trace {
    file: PathBuf,
    force: bool,
    /// `None` for the recommended one.
    fleet: Option<String>,
    seed: Option<u64>,
    window: Option<(Seconds, Seconds)>,
}

/// What a trace is made from.
pub type Known<'a> = (&'a Scenario, &'a Catalog, &'a StepTimes);

impl Trace {
    /// What the command line asks for; a file that could not be written is refused before anything is simulated.
    pub fn of(options: &Simulate) -> Result<Option<Self>, Failure> {
        let Some(file) = &options.trace else { return Ok(None) };
        let usage = |message: &str| Failure::plain(Status::Usage, "usage", message);
        if options.scenarios.len() > 1 {
            return Err(usage("--trace takes one scenario at a time"));
        }
        if file == Path::new("-") {
            return Err(usage("--trace takes a file: the result goes to stdout"));
        }
        let window = options.trace_window.as_deref().map(window).transpose()?;
        may_write(file, options.force)?;
        Ok(Some(Self {
            file: file.clone(),
            force: options.force,
            fleet: options.trace_fleet.clone(),
            seed: options.input.seed,
            window,
        }))
    }

    /// The recording of the fleet asked for by name, where one is.
    pub fn named(&self, known: Known<'_>, cancel: &Cancel) -> Result<Option<Recording>, Failure> {
        self.fleet.as_ref().map(|fleet| self.record(fleet, known, cancel)).transpose()
    }

    /// Writes the trace of the fleet that was asked for, or else of the recommended one; what there is to say about it.
    pub fn tell(
        &self,
        named: Option<Recording>,
        comparison: &Comparison,
        known: Known<'_>,
        cancel: &Cancel,
    ) -> Result<String, Failure> {
        match (named, &comparison.recommended) {
            (Some(recording), _) => self.write(&recording),
            (None, Some(fleet)) => self.write(&self.record(fleet, known, cancel)?),
            (None, None) => Ok("no trace: no fleet is recommended; --trace-fleet names one\n".to_owned()),
        }
    }

    /// Runs a fleet's first replica once more, watched.
    fn record(&self, fleet: &str, known: Known<'_>, cancel: &Cancel) -> Result<Recording, Failure> {
        let (scenario, catalog, step_times) = known;
        let wanted =
            Record { fleet: fleet.to_owned(), seed: self.seed, window: self.window, limit: MOST_SPANS };
        Ok(study::record(scenario, catalog, step_times, &wanted, cancel)?)
    }

    /// Writes the trace; what there is to say about it.
    fn write(&self, recording: &Recording) -> Result<String, Failure> {
        write_file(&self.file, chrome_trace(recording).as_bytes(), self.force)?;
        let spans = recording.timeline.spans.len();
        let mut said = format!(
            "wrote {}: {spans} spans of {} of {}",
            self.file.display(),
            recording.told,
            recording.fleet
        );
        if let Some(capped) = recording.timeline.capped {
            said.push_str(&format!(
                "; no more are kept, so that from {} on it is not complete: --trace-window tells another part",
                human_duration(capped.seconds())
            ));
        } else if spans == 0 {
            said.push_str("; it does nothing in this part of the time");
        }
        Ok(said + "\n")
    }
}

/// `FROM..UNTIL`, either of which may be left out.
fn window(text: &str) -> Result<(Seconds, Seconds), Failure> {
    let fault = |why: String| {
        Failure::plain(Status::Usage, "usage", format!("--trace-window {text}: {why}"))
            .suggest("as in --trace-window 10min..20min")
    };
    let Some((from, until)) = text.split_once("..") else {
        return Err(fault("two times with .. between them are needed".to_owned()));
    };
    let time = |text: &str, missing: f64| {
        if text.trim().is_empty() { Ok(missing) } else { parse_quantity(text, Dimension::Time) }
    };
    let from = time(from, 0.0).map_err(|error| fault(error.to_string()))?;
    let until = time(until, f64::INFINITY).map_err(|error| fault(error.to_string()))?;
    if from < 0.0 || from >= until {
        return Err(fault("it must begin at 0 or later, and end after it begins".to_owned()));
    }
    Ok((Seconds(from), Seconds(until)))
}

impl From<RecordError> for Failure {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Study(error) => error.into(),
            error => Self::plain(Status::Usage, "usage", error.to_string()),
        }
    }
}
