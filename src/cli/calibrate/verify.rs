//! `capplan calibrate verify PROFILE`.

use std::ffi::OsString;
use std::time::Instant;

use crate::calibrate::{
    Bench, DeviceName, Measured, Method, ModelKind, RealClock, RemoteBench, Task, Work, describe, here,
    infer_works, job_works, measure, tasks_of, train_works,
};
use crate::catalog::MeasuredProfile;
use crate::engine::Cancel;
use crate::report::{verification_json, verification_table, verification_text};
use crate::validate::{JobCheck, Verification, VerifyError, check_sizes, held_out, predict_job};

use super::screen::Screen;
use crate::cli::args::{Format, Shared, Verify};
use crate::cli::exit::{Failure, Status};
use crate::cli::input;
use crate::cli::output::{lively, table_text, to_stdout};
use crate::cli::progress::leave_on_interrupt;
use crate::cli::simulate::step_times;

/// Seconds that the real job should take.
const JOB_SECONDS: f64 = 20.0;
/// Sequences of a step of the job: none of the sizes that profiles measure.
const JOB_BATCH: u64 = 12;
/// Losses averaged at both ends.
const LOSSES: usize = 5;

pub fn verify(options: &Verify, shared: &Shared) -> Result<Status, Failure> {
    let profile = MeasuredProfile::open(&options.profile)??;
    let machine = describe(DeviceName::Cpu, None).unwrap_or_else(|_| here());
    if !profile.machine.same_machine(&machine) {
        let message = format!(
            "{} was measured on another machine ({}): it can be verified there only",
            options.profile.display(),
            profile.machine.words()
        );
        return Err(Failure::plain(Status::Calibration, "other-machine", message));
    }
    let budget = options.budget.as_deref().map(super::session::budget).transpose()?;
    let catalog = input::catalog(&[])?;
    let cores = machine.cores.map_or(1, |cores| cores as usize);
    let cancel = leave_on_interrupt();
    let kinds: Vec<ModelKind> = ModelKind::ALL.iter().map(|(_, kind)| *kind).collect();
    let mut verification = Verification { sizes: Vec::new(), job: None };
    for (section, works) in [("train", train_works as super::compute::Works), ("infer", infer_works)] {
        let works = works(&kinds, DeviceName::Cpu, cores);
        let tasks = tasks_of(&works);
        let (chosen, unseen): (Vec<usize>, Vec<Task>) = held_out(&profile, &tasks).into_iter().unzip();
        if unseen.is_empty() {
            continue;
        }
        let mut bench = Chosen { bench: remote(section, &kinds, works, cores)?, chosen };
        let method = Method { repeats: 2, budget: budget.map(|budget| budget / 3), ..Method::usual(&cancel) };
        let screen = Screen::new(!shared.quiet, lively(shared.color));
        let measured: Measured =
            measure(&unseen, &mut bench, &method, &RealClock::start(), None, &mut |progress| {
                screen.show(progress)
            })?;
        screen.finish();
        verification.sizes.extend(check_sizes(&profile, &measured.curves));
    }
    let input = super::verify_input::sizes(
        &profile,
        options.folder.as_deref(),
        budget.map(|budget| budget / 3),
        shared,
        &cancel,
    )?;
    verification.sizes.extend(input);
    verification.job = job(&catalog, &profile, &kinds, cores, &cancel)?;
    to_stdout(&match options.format {
        Format::Json => format!("{:#}\n", verification_json(&verification)),
        Format::Table => {
            verification_text(&verification) + &table_text(&verification_table(&verification), Format::Table)
        }
        form => table_text(&verification_table(&verification), form),
    })?;
    Ok(Status::Done)
}

/// A bench of which only some tasks are asked for.
struct Chosen {
    bench: RemoteBench,
    chosen: Vec<usize>,
}

impl Bench for Chosen {
    fn start(&mut self, task: usize, size: f64) -> Result<(), crate::calibrate::BenchError> {
        self.bench.start(self.chosen.get(task).copied().unwrap_or(usize::MAX), size)
    }

    fn sample(&mut self) -> Result<Vec<f64>, crate::calibrate::BenchError> {
        self.bench.sample()
    }
}

fn remote(
    section: &str,
    kinds: &[ModelKind],
    works: Vec<Work>,
    cores: usize,
) -> Result<RemoteBench, Failure> {
    let words: Vec<&str> =
        ModelKind::ALL.iter().filter(|(_, kind)| kinds.contains(kind)).map(|(word, _)| *word).collect();
    let arguments =
        ["calibrate", "worker", section, &words.join(","), &cores.to_string()].map(OsString::from);
    let program = std::env::current_exe()
        .map_err(|error| Failure::plain(Status::Io, "io", format!("cannot find this program: {error}")))?;
    Ok(RemoteBench::new(program, arguments.to_vec(), works))
}

/// The short real job, when the profile knows its model.
fn job(
    catalog: &crate::catalog::Catalog,
    profile: &MeasuredProfile,
    kinds: &[ModelKind],
    cores: usize,
    cancel: &Cancel,
) -> Result<Option<JobCheck>, Failure> {
    let settings = [("model", "capplan-gpt"), ("precision", "fp32")];
    let section = crate::catalog::measured::Section::Train;
    let curve = profile.curve(section, "step", "batch", &settings);
    let Some(fit) = curve.and_then(|curve| curve.fit.as_ref()) else { return Ok(None) };
    let step = fit.fitted.evaluate(JOB_BATCH as f64);
    let steps = ((JOB_SECONDS / step) as u64).clamp(20, 20_000);
    let (predicted, bound) = predict_job(catalog, &step_times()?, profile, (JOB_BATCH, steps), cancel)?;
    let mut bench = remote("job", kinds, job_works(kinds, DeviceName::Cpu, cores), cores)?;
    bench.start(0, JOB_BATCH as f64)?;
    let mut losses = Vec::new();
    let mut waited = 0.0;
    let began = Instant::now();
    for _ in 0..steps {
        if cancel.is_cancelled() {
            return Err(Failure::plain(Status::Interrupted, "interrupted", "interrupted"));
        }
        if let [_, wait, loss] = bench.sample()?[..] {
            waited += wait;
            losses.push(loss);
        }
    }
    let measured = began.elapsed().as_secs_f64();
    let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len().max(1) as f64;
    let ends = LOSSES.min(losses.len());
    Ok(Some(JobCheck {
        batch: JOB_BATCH,
        steps,
        predicted,
        bound,
        measured,
        waited: waited / measured,
        first_loss: mean(&losses[..ends]),
        last_loss: mean(&losses[losses.len() - ends..]),
    }))
}

impl From<VerifyError> for Failure {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Scenario(faults) => Self::Faults(faults),
            VerifyError::Study(error) => error.into(),
            VerifyError::CannotRun(_) => Self::plain(Status::NoFleet, "cannot-run", error.to_string()),
        }
    }
}
