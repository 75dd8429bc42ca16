//! What panels and views read of the session; nothing here changes more than a cursor that is told once.

use std::sync::Arc;
use std::time::Duration;

use crate::catalog::Catalog;
#[cfg(feature = "calibrate")]
use crate::catalog::MeasuredProfile;
use crate::gui::document::Document;
use crate::gui::partial::Partial;
use crate::gui::recorder::{Stage, Wanted};
use crate::gui::validation::Validated;
use crate::gui::views::View;
use crate::gui::why::Told;
use crate::gui::worker::Running;

use super::{Message, Question, Session, Shown};

impl Session {
    /// The scenario being edited.
    #[must_use]
    pub fn document(&self) -> Option<&Document> {
        self.document.as_ref()
    }

    pub(in crate::gui) fn document_mut(&mut self) -> Option<&mut Document> {
        self.document.as_mut()
    }

    /// The catalog.
    #[must_use]
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The result on the screen.
    #[must_use]
    pub fn shown(&self) -> Option<&Shown> {
        self.shown.as_ref()
    }

    /// The fleets of the run going on that have finished, as a result of its own; none before the first.
    #[must_use]
    pub fn partial(&self) -> Option<&Shown> {
        self.partial.as_ref().map(Partial::shown)
    }

    /// What is told of the figure asked about.
    #[must_use]
    pub fn told(&self) -> Option<&Told> {
        self.why.told()
    }

    /// Predictions against published measurements, once they were asked for and made.
    #[must_use]
    pub fn validated(&self) -> Option<&Arc<Validated>> {
        self.validation.validated()
    }

    pub(in crate::gui) fn validation_fault(&self) -> Option<&str> {
        self.validation.fault()
    }

    /// Results of this window, the last one last.
    #[must_use]
    pub fn results(&self) -> &[Shown] {
        &self.results
    }

    /// Whether the result is of another text than the one being edited.
    #[must_use]
    pub fn stale(&self) -> bool {
        match (&self.shown, &self.document) {
            (Some(shown), Some(document)) => shown.text != document.text(),
            _ => false,
        }
    }

    /// Name of the selected fleet.
    #[must_use]
    pub fn selected(&self) -> Option<&str> {
        self.selected.as_deref()
    }

    /// The view on the screen.
    #[must_use]
    pub fn view(&self) -> View {
        self.view
    }

    /// What the status line says.
    #[must_use]
    pub fn message(&self) -> Option<&Message> {
        self.message.as_ref()
    }

    /// What the user has to decide first.
    #[must_use]
    pub fn question(&self) -> Option<Question> {
        self.question.as_ref().map(|(question, _)| *question)
    }

    /// The run going on: its share, and for how long.
    #[must_use]
    pub fn progress(&self) -> Option<(f32, Duration)> {
        let running: Option<&Running> = self.runs.running().or_else(|| self.tornadoes.running());
        running.map(|running| (running.share(), running.since.elapsed()))
    }

    /// How far the timeline of a fleet of the result is.
    #[must_use]
    pub fn timeline(&self, wanted: &Wanted) -> Stage {
        self.shown.as_ref().map_or(Stage::Nothing, |shown| self.recorder.stage(&shown.text, wanted))
    }

    /// Whether a replica is being recorded for its timeline.
    pub(in crate::gui) fn recording(&self) -> bool {
        self.recorder.running()
    }

    /// Where the text should put its cursor; told once.
    pub(in crate::gui) fn take_cursor(&mut self) -> Option<usize> {
        self.cursor.take()
    }
}

#[cfg(feature = "calibrate")]
impl Session {
    /// Whether this machine is being calibrated.
    #[must_use]
    pub fn calibrating(&self) -> bool {
        self.calibration.running()
    }

    /// How far the calibration is.
    #[must_use]
    pub fn live(&self) -> crate::gui::calibration::Live {
        self.calibration.live()
    }

    /// The calibration that has ended.
    #[must_use]
    pub fn calibrated(&self) -> Option<&crate::gui::calibration::Ended> {
        self.calibration.ended.as_ref()
    }

    /// What there is to say of the calibration: good or bad.
    #[must_use]
    pub fn calibration_message(&self) -> Option<Result<&str, &str>> {
        self.calibration.message.as_ref().map(|said| match said {
            Ok(text) => Ok(text.as_str()),
            Err(text) => Err(text.as_str()),
        })
    }

    /// Profiles saved by this window.
    #[must_use]
    pub fn saved_profiles(&self) -> &[MeasuredProfile] {
        &self.calibration.saved
    }

    /// Names the program whose processes compute, where it is not the running one.
    pub fn set_program(&mut self, program: std::path::PathBuf) {
        self.calibration.set_program(program);
    }
}
