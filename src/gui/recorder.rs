//! The timeline of the fleet that is looked at: recorded in the background, one at a time, the last one kept.

use std::sync::Arc;
use std::time::Duration;

use crate::catalog::Catalog;
use crate::report::Lanes;
use crate::scenario::Scenario;
use crate::steptime::StepTimes;
use crate::study::{self, MOST_SPANS, Record, RecordError, StudyError};
use crate::units::Seconds;

use super::worker::Worker;

/// What a recording is of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wanted {
    /// The fleet.
    pub fleet: String,
    /// The part of the simulated time; the usual one where it is `None`.
    pub window: Option<(Seconds, Seconds)>,
}

/// A recording, ready to be drawn.
#[derive(Debug)]
pub struct Recorded {
    /// What it is of.
    pub wanted: Wanted,
    /// In words.
    pub told: &'static str,
    /// The spans.
    pub lanes: Lanes,
    /// Number of the recording.
    pub number: u64,
}

/// How far a recording is.
#[derive(Clone, Debug, Default)]
pub enum Stage {
    /// Nobody asked.
    #[default]
    Nothing,
    /// It is being made, since so long.
    Recording(Duration),
    /// It is there.
    Done(Arc<Recorded>),
    /// It cannot be made, or was stopped.
    Refused(String),
}

type Made = Result<(Lanes, &'static str), RecordError>;

/// Makes recordings.
pub(super) struct Recorder {
    worker: Worker<Made>,
    /// Text of the scenario and what was asked of it last.
    asked: Option<(String, Wanted)>,
    stage: Stage,
    number: u64,
}

impl Recorder {
    pub(super) fn new(wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        Self { worker: Worker::new(wake), asked: None, stage: Stage::Nothing, number: 0 }
    }

    /// How far the recording of a scenario's text is.
    pub(super) fn stage(&self, text: &str, wanted: &Wanted) -> Stage {
        match &self.asked {
            Some((own, asked)) if own == text && asked == wanted => match self.worker.running() {
                Some(running) => Stage::Recording(running.since.elapsed()),
                None => self.stage.clone(),
            },
            _ => Stage::Nothing,
        }
    }

    /// Starts a recording; one that goes on is stopped.
    pub(super) fn start(
        &mut self,
        text: &str,
        wanted: Wanted,
        scenario: Scenario,
        (catalog, step_times): (Arc<Catalog>, Arc<StepTimes>),
    ) {
        let record =
            Record { fleet: wanted.fleet.clone(), seed: None, window: wanted.window, limit: MOST_SPANS };
        self.asked = Some((text.to_owned(), wanted));
        self.stage = Stage::Nothing;
        let started = self.worker.start(text.to_owned(), move |cancel, _| {
            study::record(&scenario, &catalog, &step_times, &record, cancel)
                .map(|recording| (Lanes::new(recording.timeline), recording.told))
        });
        if let Err(error) = started {
            self.stage = Stage::Refused(error.to_string());
        }
    }

    /// Takes what is done; true when something is.
    pub(super) fn tick(&mut self) -> bool {
        let Some(finished) = self.worker.finished() else { return false };
        self.stage = match finished.result {
            Ok((lanes, told)) => {
                self.number += 1;
                let wanted = self.asked.as_ref().map(|(_, wanted)| wanted.clone()).unwrap_or_default();
                Stage::Done(Arc::new(Recorded { wanted, told, lanes, number: self.number }))
            }
            Err(RecordError::Study(StudyError::Cancelled)) => Stage::Refused("stopped".to_owned()),
            Err(error) => Stage::Refused(error.to_string()),
        };
        true
    }

    /// Whether one is being made.
    pub(super) fn running(&self) -> bool {
        self.worker.running().is_some()
    }

    /// Stops what is being made.
    pub(super) fn stop(&mut self) {
        if self.running() {
            self.worker.cancel();
            self.stage = Stage::Refused("stopped".to_owned());
        }
    }
}
