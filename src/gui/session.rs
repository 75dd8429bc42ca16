//! The model behind the window, without any widget: one document, its runs, the selection. [`Session::apply`] is the
//! only place that changes it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::catalog::Catalog;
use crate::report::{Table, flat_table};
use crate::steptime::StepTimes;
use crate::study::{self, Comparison, Options, Sensitivity, StudyError};

use super::command::Command;
use super::document::{Document, OpenError};
use super::edit;
use super::recorder::{Recorder, Stage, Wanted};
use super::views::View;
use super::worker::{Finished, Running, Worker};

/// Results remembered, so that undo shows the one that fits at once.
const RESULTS: usize = 20;
/// What a new scenario starts as.
const EMPTY: &str =
    "format = 1\nname = \"\"\n\n[workload]\nmodel = \"resnet-50\"\nglobal_batch = 256\nepochs = 1\n";

/// A result and the text that it is of.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The comparison.
    pub comparison: Comparison,
    /// Every figure of it, as all exports have them.
    pub table: Table,
    /// The text it is of.
    pub text: String,
    /// The text with every default.
    pub resolved: String,
    /// How long the run took.
    pub took: Duration,
    /// What matters, once it was asked for.
    pub sensitivity: Option<Sensitivity>,
}

/// What the status line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// In words.
    pub text: String,
    /// Whether it is bad news.
    pub fault: bool,
}

/// What the window has to ask, since only it can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Changes would be lost: save, give up, or stay?
    Unsaved,
}

/// The model of one window.
pub struct Session {
    catalog: Arc<Catalog>,
    step_times: Arc<StepTimes>,
    document: Option<Document>,
    runs: Worker<Result<Comparison, StudyError>>,
    tornadoes: Worker<Result<Option<Sensitivity>, StudyError>>,
    recorder: Recorder,
    /// The running text with every default.
    resolved: String,
    shown: Option<Shown>,
    results: Vec<Shown>,
    selected: Option<String>,
    view: View,
    cursor: Option<usize>,
    message: Option<Message>,
    question: Option<(Question, Command)>,
}

impl Session {
    /// Nothing open. `wake` asks for a repaint from any thread.
    #[must_use]
    pub fn new(catalog: Arc<Catalog>, step_times: Arc<StepTimes>, wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        Self {
            catalog,
            step_times,
            document: None,
            runs: Worker::new(wake.clone()),
            tornadoes: Worker::new(wake.clone()),
            recorder: Recorder::new(wake),
            resolved: String::new(),
            shown: None,
            results: Vec::new(),
            selected: None,
            view: View::Compare,
            cursor: None,
            message: None,
            question: None,
        }
    }

    /// The scenario being edited.
    #[must_use]
    pub fn document(&self) -> Option<&Document> {
        self.document.as_ref()
    }

    pub(super) fn document_mut(&mut self) -> Option<&mut Document> {
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

    /// Where the text should put its cursor; told once.
    pub(super) fn take_cursor(&mut self) -> Option<usize> {
        self.cursor.take()
    }

    pub(super) fn say(&mut self, text: impl Into<String>) {
        self.message = Some(Message { text: text.into(), fault: false });
    }

    pub(super) fn complain(&mut self, text: impl Into<String>) {
        self.message = Some(Message { text: text.into(), fault: true });
    }

    /// What time and threads brought: a rested text is checked, a finished run shown. True when something changed.
    pub fn tick(&mut self) -> bool {
        let catalog = self.catalog.clone();
        let mut changed = self.document.as_mut().is_some_and(|document| document.tick(&catalog));
        if let Some(finished) = self.runs.finished() {
            self.finish(finished);
            changed = true;
        }
        if let Some(finished) = self.tornadoes.finished() {
            self.finish_tornado(finished);
            changed = true;
        }
        if self.recorder.running() && self.stale() {
            self.recorder.stop();
        }
        changed | self.recorder.tick()
    }

    fn finish(&mut self, finished: Finished<Result<Comparison, StudyError>>) {
        let Finished { text, result, took, .. } = finished;
        match result {
            Ok(comparison) => {
                let resolved = std::mem::take(&mut self.resolved);
                let table = flat_table(&comparison);
                self.say(format!("{} fleets in {:.1} s", comparison.rows.len(), took.as_secs_f64()));
                let shown = Shown { comparison, table, text, resolved, took, sensitivity: None };
                self.results.retain(|known| known.text != shown.text);
                self.results.push(shown.clone());
                if self.results.len() > RESULTS {
                    self.results.remove(0);
                }
                self.show(shown);
            }
            Err(StudyError::Cancelled) => self.say("stopped"),
            Err(error) => self.complain(error.to_string()),
        }
    }

    fn finish_tornado(&mut self, finished: Finished<Result<Option<Sensitivity>, StudyError>>) {
        let Finished { text, result, took, .. } = finished;
        match result {
            Ok(Some(found)) => {
                self.say(format!("{} numbers matter, in {:.1} s", found.swings.len(), took.as_secs_f64()));
                let of_text =
                    self.results.iter_mut().chain(&mut self.shown).filter(|shown| shown.text == text);
                of_text.for_each(|shown| shown.sensitivity = Some(found.clone()));
            }
            Ok(None) => self
                .complain("nothing is recommended as the scenario stands, so that nothing can be compared"),
            Err(StudyError::Cancelled) => self.say("stopped"),
            Err(error) => self.complain(error.to_string()),
        }
    }

    fn show(&mut self, shown: Shown) {
        let known = |name: &String| shown.comparison.rows.iter().any(|row| row.fleet == *name);
        if !self.selected.as_ref().is_some_and(known) {
            self.selected.clone_from(&shown.comparison.recommended);
        }
        self.shown = Some(shown);
    }

    /// Shows the stored result of the text, where there is one.
    fn recall(&mut self) {
        let text = self.document.as_ref().map(|document| document.text().to_owned());
        if let Some(shown) = self.results.iter().find(|known| Some(&known.text) == text.as_ref()).cloned() {
            self.show(shown);
        }
    }

    /// Carries a command out; those that need the window (dialogs, zoom) are left to it.
    pub fn apply(&mut self, command: Command) {
        if self.loses_changes(&command) {
            self.question = Some((Question::Unsaved, command));
            return;
        }
        match command {
            Command::Open(name) => self.open(&name),
            Command::New => self.replace_document(Ok(Document::new("new scenario", EMPTY, &self.catalog))),
            Command::Save => self.save(None),
            Command::SaveAs(path) => self.save(Some(&path)),
            Command::Reload => self.reload(),
            Command::KeepText => {
                if let Some(document) = &mut self.document {
                    document.keep();
                }
            }
            Command::Undo => self.step(Document::undo),
            Command::Redo => self.step(Document::redo),
            Command::Set { path, value } => self.edit(|text| edit::set(text, &path, value.as_deref())),
            Command::AddFleet { instance, region } => self.add_fleet(&instance, &region),
            Command::RemoveFleet(index) => self.edit(|text| edit::remove_fleet(text, index)),
            Command::Run => self.run(),
            Command::Cancel if self.progress().is_some() => {
                self.stop();
                self.say("stopped");
            }
            Command::Weigh => self.weigh(),
            Command::Record(wanted) => self.record(wanted),
            Command::Show(view) => self.view = view,
            Command::Select(fleet) => self.selected = fleet,
            Command::GoTo(place) => self.cursor = Some(place),
            _ => {}
        }
    }

    /// Answers the question: `None` stays, `Some(true)` saves first, `Some(false)` gives the changes up. Returns the
    /// command that may now be carried out.
    pub fn answer(&mut self, save: Option<bool>) -> Option<Command> {
        let (_, command) = self.question.take()?;
        if save? {
            self.save(None);
            if self.document.as_ref().is_some_and(Document::unsaved) {
                return Some(Command::SaveAsDialog);
            }
        } else if let Some(document) = &mut self.document {
            document.forget();
        }
        Some(command)
    }

    fn loses_changes(&self, command: &Command) -> bool {
        let leaves = matches!(command, Command::Open(_) | Command::New | Command::Quit);
        leaves && self.document.as_ref().is_some_and(Document::unsaved)
    }

    fn open(&mut self, name: &str) {
        self.replace_document(Document::open(name, &self.catalog));
    }

    fn replace_document(&mut self, opened: Result<Document, OpenError>) {
        match opened {
            Ok(document) => {
                // What runs is of the old scenario.
                self.stop();
                self.say(format!("opened {}", document.title()));
                self.document = Some(document);
                (self.shown, self.selected) = (None, None);
                self.recall();
            }
            Err(error) => self.complain(error.to_string()),
        }
    }

    fn save(&mut self, to: Option<&Path>) {
        let Some(document) = &mut self.document else { return };
        match document.save(to) {
            Ok(()) => self.say("saved"),
            Err(error) => self.complain(format!("not saved: {error}")),
        }
    }

    fn reload(&mut self) {
        let Some(document) = &mut self.document else { return };
        match document.reload(&self.catalog) {
            Ok(()) => self.say("read again"),
            Err(error) => self.complain(error.to_string()),
        }
    }

    fn step(&mut self, step: fn(&mut Document, &Catalog) -> bool) {
        let moved = self.document.as_mut().is_some_and(|document| step(document, &self.catalog));
        if moved {
            self.recall();
        }
    }

    fn edit(&mut self, change: impl FnOnce(&str) -> Result<String, edit::EditError>) {
        let Some(document) = &mut self.document else { return };
        match change(document.text()) {
            Ok(text) => {
                document.replace(text, &self.catalog);
                self.recall();
            }
            Err(error) => self.complain(error.to_string()),
        }
    }

    fn add_fleet(&mut self, instance: &str, region: &str) {
        let names: Vec<&str> = self
            .document
            .as_ref()
            .and_then(|document| document.checked().scenario.as_ref())
            .map_or_else(Vec::new, |scenario| {
                scenario.fleets.iter().map(|fleet| fleet.name.as_str()).collect()
            });
        let short = instance.split_once('/').map_or(instance, |(_, name)| name);
        let name = (1..)
            .map(|count| if count == 1 { short.to_owned() } else { format!("{short} {count}") })
            .find(|name| !names.contains(&name.as_str()))
            .unwrap_or_default();
        self.edit(|text| edit::add_fleet(text, &name, instance, region));
        self.say(format!("added {name}"));
    }

    fn run(&mut self) {
        let Some(document) = &mut self.document else { return };
        document.check(&self.catalog);
        let checked = document.checked();
        let Some(scenario) = checked.scenario.clone() else {
            let count = checked.problems.len();
            return self.complain(format!("not run: {count} problem{}", if count == 1 { "" } else { "s" }));
        };
        let (catalog, step_times) = (self.catalog.clone(), self.step_times.clone());
        let text = document.text().to_owned();
        self.resolved.clone_from(&checked.resolved);
        let started = self.runs.start(text, move |cancel, watch| {
            study::run(&scenario, &catalog, &step_times, &Options::default(), cancel, watch)
        });
        match started {
            Ok(()) => self.say("running"),
            Err(error) => self.complain(format!("not run: {error}")),
        }
    }

    /// Moves every number of the scenario, in the background.
    fn weigh(&mut self) {
        let Some(document) = &self.document else { return };
        let Some(root) = document.checked().root.clone() else { return };
        let folder = document.path().and_then(Path::parent).map(Path::to_owned);
        let (catalog, step_times) = (self.catalog.clone(), self.step_times.clone());
        let started = self.tornadoes.start(document.text().to_owned(), move |cancel, watch| {
            let known = (&*catalog, &*step_times);
            study::sensitivity(&root, folder.as_deref(), known, &Options::default(), cancel, watch)
        });
        match started {
            Ok(()) => self.say("moving every number"),
            Err(error) => self.complain(format!("not run: {error}")),
        }
    }

    /// Records what one replica of a fleet of the result does, in the background.
    fn record(&mut self, wanted: Wanted) {
        let scenario = self.document.as_ref().and_then(|document| document.checked().scenario.clone());
        let (Some(scenario), Some(shown), false) = (scenario, &self.shown, self.stale()) else { return };
        let known = (self.catalog.clone(), self.step_times.clone());
        self.recorder.start(&shown.text, wanted, scenario, known);
    }

    fn stop(&mut self) {
        self.runs.cancel();
        self.tornadoes.cancel();
        self.recorder.stop();
    }
}
