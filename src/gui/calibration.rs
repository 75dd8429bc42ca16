//! A calibration of this machine in the background: the same session as `capplan calibrate`, with its points as they
//! come.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use thiserror::Error;

use crate::calibrate::{
    self, BudgetError, DeviceError, DeviceName, Journal, JournalError, Kind, KindError, MeasureError,
    ModelKind, SessionError, Task, Wanted, budget,
};
use crate::catalog::MeasuredProfile;
use crate::engine::Cancel;
use crate::report::{Figure, calibration_figure};
use crate::stats::{Form, Point, choose};

use super::worker::{Wake, Worker};

/// What is measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Section {
    /// Training steps.
    #[default]
    Train,
    /// Forward passes.
    Infer,
    /// The input pipeline.
    Input,
}

/// What the user asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// What is measured.
    pub section: Section,
    /// Models, by their place in [`ModelKind::ALL`].
    pub models: Vec<bool>,
    /// All the time there is, as people write it; as long as it takes when empty.
    pub budget: String,
    /// File of the profile; nothing is kept when empty.
    pub out: String,
    /// Drop what a stopped calibration had measured.
    pub restart: bool,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            section: Section::Train,
            models: vec![true; ModelKind::ALL.len()],
            budget: "2m".to_owned(),
            out: String::new(),
            restart: false,
        }
    }
}

/// Why there is no profile.
#[derive(Debug, Error)]
pub enum Fault {
    /// No model is chosen.
    #[error("choose a model to measure")]
    NoModel,
    /// The budget is none.
    #[error("budget: {0}; write it like 2m or 60 s")]
    Budget(#[from] BudgetError),
    /// This program cannot be found, which its workers are.
    #[error("cannot find this program: {0}")]
    Program(std::io::Error),
    /// There is no such device.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// There is no bench.
    #[error(transparent)]
    Kind(#[from] KindError),
    /// The journal is of no use.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// It ended early.
    #[error(transparent)]
    Measure(#[from] MeasureError),
    /// It does not begin, or is not kept.
    #[error(transparent)]
    Session(#[from] SessionError),
}

/// A task with what was measured of it so far.
#[derive(Clone, Debug)]
pub struct Measuring {
    /// Its title.
    pub title: String,
    /// Its points and the curve through them.
    pub figure: Figure,
}

/// How far a calibration is.
#[derive(Clone, Debug, Default)]
pub struct Live {
    /// Runs done, and runs in all as far as is known.
    pub runs: (u64, u64),
    /// Expected time left.
    pub left: Duration,
    /// Tasks in the order in which they were first measured.
    pub tasks: Vec<Measuring>,
    /// Title of the task measured last.
    pub last: String,
    /// What was said on the way.
    pub said: Vec<String>,
}

/// A calibration that has ended with a profile.
pub struct Ended {
    session: calibrate::Session,
    journal: Option<Journal>,
    /// The profile.
    pub profile: MeasuredProfile,
    /// What there is to say against the machine.
    pub complaint: Option<String>,
    /// Whether the budget ended it.
    pub cut_short: bool,
    /// Where it was saved.
    pub saved: Option<PathBuf>,
}

/// The calibration of this window.
pub(super) struct Calibration {
    worker: Worker<Result<Ended, Fault>>,
    live: Arc<Mutex<Live>>,
    wake: Wake,
    /// The program whose processes compute.
    program: Option<PathBuf>,
    pub(super) ended: Option<Ended>,
    pub(super) message: Option<Result<String, String>>,
    /// Profiles saved by this window.
    pub(super) saved: Vec<MeasuredProfile>,
}

impl Calibration {
    pub(super) fn new(wake: Wake) -> Self {
        Self {
            worker: Worker::new(wake.clone()),
            live: Arc::default(),
            wake,
            program: None,
            ended: None,
            message: None,
            saved: Vec::new(),
        }
    }

    /// Names the program whose processes compute, where it is not the running one.
    pub(super) fn set_program(&mut self, program: PathBuf) {
        self.program = Some(program);
    }

    /// Whether it goes on.
    pub(super) fn running(&self) -> bool {
        self.worker.running().is_some()
    }

    /// How far it is.
    pub(super) fn live(&self) -> Live {
        self.live.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Starts, or says why not.
    pub(super) fn start(&mut self, asked: &Asked) {
        (self.ended, self.message) = (None, None);
        // What a stopped one still tells goes nowhere.
        self.live = Arc::default();
        let begun = self.begin(asked);
        if let Err(error) = begun {
            self.message = Some(Err(error.to_string()));
        }
    }

    fn begin(&mut self, asked: &Asked) -> Result<(), Fault> {
        let models = ModelKind::ALL.iter().zip(&asked.models).filter(|(_, wanted)| **wanted);
        let models: Vec<ModelKind> = models.map(|((_, kind), _)| *kind).collect();
        let kind = match asked.section {
            Section::Train | Section::Infer if models.is_empty() => return Err(Fault::NoModel),
            Section::Train => Kind::Train(models, DeviceName::Cpu),
            Section::Infer => Kind::Infer(models, DeviceName::Cpu),
            Section::Input => Kind::Input(None),
        };
        let text = asked.budget.trim();
        let wanted = Wanted {
            out: Some(asked.out.trim()).filter(|out| !out.is_empty()).map(PathBuf::from),
            budget: (!text.is_empty()).then(|| budget(text)).transpose()?,
            restart: asked.restart,
            ..Wanted::default()
        };
        let program = match &self.program {
            Some(program) => program.clone(),
            None => std::env::current_exe().map_err(Fault::Program)?,
        };
        let live = Told { live: self.live.clone(), wake: self.wake.clone() };
        let started = self
            .worker
            .start(String::new(), move |cancel, _| calibrated(&kind, wanted, program, cancel.clone(), &live));
        started.map_err(Fault::Program)
    }

    /// Stops it; what was measured waits in the journal.
    pub(super) fn cancel(&mut self) {
        if self.running() {
            self.worker.cancel();
            self.message =
                Some(Ok("stopped; the same call goes on from there where a file was named".to_owned()));
        }
    }

    /// Takes the profile up; true when it has ended.
    pub(super) fn tick(&mut self) -> bool {
        let Some(finished) = self.worker.finished() else { return false };
        match finished.result {
            Ok(ended) => {
                self.ended = Some(ended);
                self.keep(false);
            }
            Err(error) => self.message = Some(Err(error.to_string())),
        }
        true
    }

    /// Saves the profile as the command line does; `accepted` keeps it although the machine was noisy.
    pub(super) fn keep(&mut self, accepted: bool) {
        let Some(ended) = &mut self.ended else { return };
        let (profile, complaint) = (ended.profile.clone(), ended.complaint.clone());
        match ended.session.save(profile, ended.journal.take(), complaint, accepted) {
            Ok(saved) => {
                self.message = Some(Ok(match &saved {
                    Some(path) => format!("wrote {}", path.display()),
                    None => "measured; name a file to keep a profile".to_owned(),
                }));
                if saved.is_some() {
                    self.saved.push(ended.profile.clone());
                }
                ended.saved = saved;
            }
            Err((error, journal)) => {
                ended.journal = journal;
                self.message = Some(Err(error.to_string()));
            }
        }
    }
}

struct Told {
    live: Arc<Mutex<Live>>,
    wake: Wake,
}

impl Told {
    fn change(&self, change: impl FnOnce(&mut Live)) {
        change(&mut self.live.lock().unwrap_or_else(PoisonError::into_inner));
        (self.wake)();
    }

    fn progress(&self, progress: &calibrate::Progress<'_>) {
        let figure = picture(progress.task, &progress.points);
        let title = progress.task.title();
        self.change(|live| {
            live.runs = (progress.done, progress.all);
            live.left = progress.left;
            live.last.clone_from(&title);
            match live.tasks.iter_mut().find(|task| task.title == title) {
                Some(task) => task.figure = figure,
                None => live.tasks.push(Measuring { title, figure }),
            }
        });
    }
}

/// The points of a task so far with the curve that fits them best.
fn picture(task: &Task, points: &[Point]) -> Figure {
    let quantity = task.quantities.first();
    let forms = quantity.map_or(&[][..], |quantity| quantity.forms);
    let forms: &[Form] = if forms.is_empty() { &Form::RATES } else { forms };
    let curve = choose(forms, points).ok().map(|choice| choice.fitted.curve);
    let unit = quantity.map_or("", |quantity| quantity.unit);
    calibration_figure(&task.title(), (task.axis, unit), points, curve.as_ref())
}

fn calibrated(
    kind: &Kind,
    wanted: Wanted,
    program: PathBuf,
    cancel: Cancel,
    told: &Told,
) -> Result<Ended, Fault> {
    let machine = kind.machine(None, wanted.out.as_deref())?;
    let session = calibrate::Session::new(wanted, machine.clone(), cancel.clone())?;
    let mut say = |text: &str| told.change(|live| live.said.push(text.to_owned()));
    kind.with_bench(&machine, program, &cancel, &mut say, move |tasks, bench, figures| {
        let mut journal = session.journal(tasks)?;
        let measured =
            session.measure(tasks, bench, journal.as_mut(), &mut |progress| told.progress(progress))?;
        let (complaint, cut_short) = (measured.quality.complaint(), measured.cut_short);
        let figures = figures(&measured.curves);
        let profile = session.profile(measured, figures);
        Ok(Ended { session, journal, profile, complaint, cut_short, saved: None })
    })?
}
