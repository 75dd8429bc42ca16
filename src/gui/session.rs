//! The model behind the window, without any widget: one document, its runs, the selection. [`Session::apply`] is the
//! only place that changes it.

mod reads;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::catalog::Catalog;
use crate::report::{Table, flat_table};
use crate::scenario::Scenario;
use crate::steptime::StepTimes;
use crate::study::{self, Comparison, Options, Sensitivity, StudyError};

#[cfg(feature = "calibrate")]
use super::calibration::Calibration;
use super::command::Command;
use super::disk::DiskWatch;
use super::document::{Document, OnDisk, OpenError};
use super::edit;
use super::partial::Partial;
use super::recorder::{Recorder, Wanted};
use super::validation::Validation;
use super::views::View;
use super::why::{Figure, Why};
use super::worker::{Finished, Worker};

/// Results remembered, so that undo shows the one that fits at once.
const RESULTS: usize = 20;
/// What a new scenario starts as.
const EMPTY: &str =
    "format = 1\nname = \"\"\n\n[workload]\nmodel = \"resnet-50\"\nglobal_batch = 256\nepochs = 1\n";

/// A result and the text that it is of.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The comparison.
    pub comparison: Arc<Comparison>,
    /// Every figure of it, as all exports have them.
    pub table: Arc<Table>,
    /// The place of each row among all fleets, by which it has its colour; those of a run going on have gaps.
    pub places: Vec<usize>,
    /// Fleets in all.
    pub fleets: usize,
    /// Number of the result, unlike that of any other.
    pub number: u64,
    /// What the text means.
    pub scenario: Arc<Scenario>,
    /// What the scenario was called when it ran.
    pub title: String,
    /// When it was there.
    pub made: SystemTime,
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
    /// Another program wrote into the file: write over it, or stay?
    Overwrite,
}

/// What a run was started with.
pub(super) struct Going {
    resolved: String,
    pub(super) scenario: Arc<Scenario>,
    title: String,
}

/// The model of one window.
pub struct Session {
    catalog: Arc<Catalog>,
    step_times: Arc<StepTimes>,
    document: Option<Document>,
    disk: DiskWatch,
    runs: Worker<Result<Comparison, StudyError>>,
    tornadoes: Worker<Result<Option<Sensitivity>, StudyError>>,
    recorder: Recorder,
    why: Why,
    validation: Validation,
    #[cfg(feature = "calibrate")]
    calibration: Calibration,
    /// The running text with every default, what it means, and what it was called.
    going: Option<Going>,
    partial: Option<Partial>,
    numbers: u64,
    shown: Option<Shown>,
    results: Vec<Shown>,
    selected: Option<String>,
    view: View,
    cursor: Option<usize>,
    message: Option<Message>,
    question: Option<(Question, Command)>,
    /// The text whose changes may be lost, as was answered.
    given_up: Option<String>,
}

impl Session {
    /// Nothing open. `wake` asks for a repaint from any thread.
    #[must_use]
    pub fn new(catalog: Arc<Catalog>, step_times: Arc<StepTimes>, wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        Self {
            catalog,
            step_times,
            document: None,
            disk: DiskWatch::new(wake.clone()),
            runs: Worker::new(wake.clone()),
            tornadoes: Worker::new(wake.clone()),
            recorder: Recorder::new(wake.clone()),
            why: Why::new(wake.clone()),
            #[cfg(feature = "calibrate")]
            calibration: Calibration::new(wake.clone()),
            validation: Validation::new(wake),
            going: None,
            partial: None,
            numbers: 0,
            shown: None,
            results: Vec::new(),
            selected: None,
            view: View::Compare,
            cursor: None,
            message: None,
            question: None,
            given_up: None,
        }
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
        changed |= self.look_at_rows();
        changed |= self.why.tick(self.shown.as_ref());
        changed |= self.validation.tick();
        #[cfg(feature = "calibrate")]
        {
            changed |= self.calibration.tick();
        }
        if self.disk.changed() {
            changed |= self.document.as_mut().is_some_and(Document::look);
        }
        self.disk.set(self.document.as_ref().and_then(Document::watched));
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

    /// Takes up the fleets that have finished.
    fn look_at_rows(&mut self) -> bool {
        let (Some(running), Some(going)) = (self.runs.running(), &self.going) else { return false };
        let rows = running.take_rows();
        if rows.is_empty() && !self.partial.as_ref().is_some_and(Partial::due) {
            return false;
        }
        let fleets = running.fleets().unwrap_or(0);
        let partial = self.partial.get_or_insert_with(|| {
            // Results count from below.
            Partial::new(u64::MAX - running.run, fleets, going.scenario.clone(), running.text.clone())
        });
        partial.add(rows)
    }

    fn finish(&mut self, finished: Finished<Result<Comparison, StudyError>>) {
        let Finished { text, result, took, .. } = finished;
        self.partial = None;
        match (result, self.going.take()) {
            (Ok(comparison), Some(Going { resolved, scenario, title })) => {
                let table = Arc::new(flat_table(&comparison));
                let fleets = comparison.rows.len();
                self.say(format!("{fleets} fleets in {:.1} s", took.as_secs_f64()));
                self.numbers += 1;
                let shown = Shown {
                    comparison: Arc::new(comparison),
                    table,
                    places: (0..fleets).collect(),
                    fleets,
                    number: self.numbers,
                    scenario,
                    title,
                    made: SystemTime::now(),
                    text,
                    resolved,
                    took,
                    sensitivity: None,
                };
                self.results.retain(|known| known.text != shown.text);
                self.results.push(shown.clone());
                if self.results.len() > RESULTS {
                    self.results.remove(0);
                }
                self.show(shown);
            }
            (Err(StudyError::Cancelled), _) => self.say("stopped"),
            (Err(error), _) => self.complain(error.to_string()),
            (Ok(_), None) => {}
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
        let asked = self.why.told().map(|told| told.figure.clone()).filter(|figure| known(&figure.fleet));
        self.why.close();
        self.shown = Some(shown);
        // What was asked of the last result is told of this one.
        if let Some(figure) = asked {
            self.explain(figure);
        }
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
        if let Some(question) = self.asks(&command) {
            self.question = Some((question, command));
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
            Command::Show(view) => self.look_at(view),
            #[cfg(feature = "calibrate")]
            Command::Calibrate(asked) => self.calibration.start(&asked),
            #[cfg(feature = "calibrate")]
            Command::StopCalibrating => self.calibration.cancel(),
            #[cfg(feature = "calibrate")]
            Command::KeepProfile => self.calibration.keep(true),
            Command::Recall(number) => {
                if let Some(shown) = self.results.iter().find(|known| known.number == number).cloned() {
                    self.show(shown);
                }
            }
            Command::TakeText(number) => {
                if let Some(text) = self.text_of(number) {
                    self.edit(|_| Ok(text));
                }
            }
            Command::Forget(number) => self.results.retain(|known| known.number != number),
            Command::Select(fleet) => self.selected = fleet,
            Command::Explain(Some(figure)) => {
                self.selected = Some(figure.fleet.clone());
                self.explain(figure);
            }
            Command::Explain(None) => self.why.close(),
            Command::GoTo(place) => self.cursor = Some(place),
            _ => {}
        }
    }

    fn look_at(&mut self, view: View) {
        self.view = view;
        if view == View::Validation
            && let Err(error) = self.validation.start(self.step_times.clone())
        {
            self.complain(format!("not validated: {error}"));
        }
    }

    fn text_of(&self, number: u64) -> Option<String> {
        self.results.iter().find(|known| known.number == number).map(|known| known.text.clone())
    }

    /// Answers the question: `None` stays, `Some(true)` saves first, `Some(false)` gives the changes up. Returns the
    /// command that may now be carried out.
    pub fn answer(&mut self, save: Option<bool>) -> Option<Command> {
        let (question, command) = self.question.take()?;
        let save = save?;
        let document = self.document.as_mut()?;
        if question == Question::Unsaved && save {
            document.look();
            if document.on_disk() == OnDisk::Changed {
                self.question = Some((Question::Overwrite, Command::Save));
                return None;
            }
        }
        if question == Question::Overwrite || (save && document.path().is_some()) {
            self.save(None);
            let saved = self.document.as_ref().is_some_and(|document| !document.unsaved());
            return (saved && question == Question::Unsaved).then_some(command);
        }
        if save {
            return Some(Command::SaveAsDialog);
        }
        self.given_up = Some(document.text().to_owned());
        Some(command)
    }

    /// What must be answered before a command is carried out.
    fn asks(&mut self, command: &Command) -> Option<Question> {
        let given_up = self.given_up.take();
        let document = self.document.as_mut()?;
        match command {
            Command::Open(_) | Command::New | Command::Quit => {
                let asks = document.unsaved() && given_up.as_deref() != Some(document.text());
                asks.then_some(Question::Unsaved)
            }
            Command::Save => {
                // Two windows may be open on one file.
                document.look();
                (document.on_disk() == OnDisk::Changed).then_some(Question::Overwrite)
            }
            _ => None,
        }
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
                self.why.close();
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
        let (resolved, title) = (checked.resolved.clone(), document.title());
        let scenario = Arc::new(scenario);
        self.partial = None;
        self.going = Some(Going { resolved, scenario: scenario.clone(), title });
        let started = self.runs.start(text, move |cancel, watch| {
            study::run(&scenario, &catalog, &step_times, &Options::default(), cancel, watch)
        });
        match started {
            Ok(()) => self.say("running"),
            Err(error) => self.complain(format!("not run: {error}")),
        }
    }

    fn explain(&mut self, figure: Figure) {
        let Some(shown) = &self.shown else { return };
        let known = (self.catalog.clone(), self.step_times.clone());
        if let Err(error) = self.why.ask(figure, shown, known) {
            self.complain(format!("not explained: {error}"));
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
        self.partial = None;
        self.runs.cancel();
        self.tornadoes.cancel();
        self.recorder.stop();
    }
}
