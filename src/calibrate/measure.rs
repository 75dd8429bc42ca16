//! The way everything is measured: a fresh start at a size, warm-up until the running median settles, samples, the next
//! size by lot; each finished run goes to the journal before the next begins.

use std::time::Duration;

use thiserror::Error;

use crate::catalog::measured::{MeasuredCurve, Run, Skipped};
use crate::engine::Cancel;
use crate::stats::{Point, median};

use super::bench::{Bench, BenchError, Clock, Task};
use super::journal::{Journal, JournalError, Line};
use super::quality::Quality;
use super::schedule::Schedule;

/// Samples of a median while warming up.
const WINDOW: usize = 3;
/// The warm-up is over when two medians in a row differ by less.
const SETTLED: f64 = 0.02;
/// Fewest samples kept of a run that was not cut short.
const FEWEST: usize = 3;
/// Samples aimed at; quick ones are averaged in groups so that no run keeps many more.
const WANTED: usize = 12;
/// Steps of a warm-up, however long they take: the first one claims memory.
const WARM: usize = 2;

/// How to measure.
#[derive(Debug)]
pub struct Method<'a> {
    /// Repeats of each size.
    pub repeats: u64,
    /// Shortest time of a run after its warm-up.
    pub shortest: Duration,
    /// Longest time of a run, which slow steps fill.
    pub longest: Duration,
    /// All the time there is; `None` for as much as it takes.
    pub budget: Option<Duration>,
    /// Seed of the order.
    pub seed: u64,
    /// Somebody may cancel.
    pub cancel: &'a Cancel,
}

impl<'a> Method<'a> {
    /// Three short repeats: runs differ more from each other than the samples of one do.
    #[must_use]
    pub fn usual(cancel: &'a Cancel) -> Self {
        Self {
            repeats: 3,
            shortest: Duration::from_millis(300),
            longest: Duration::from_millis(1500),
            budget: None,
            seed: 42,
            cancel,
        }
    }
}

/// How far a calibration is.
#[derive(Clone, Debug)]
pub struct Progress<'a> {
    /// Runs done.
    pub done: u64,
    /// Runs to do in all, as far as is known.
    pub all: u64,
    /// Expected time left.
    pub left: Duration,
    /// What was just measured.
    pub task: &'a Task,
    /// Medians of the first quantity of that task so far.
    pub points: Vec<Point>,
}

/// Everything that was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// A curve for each quantity of each task, in their order; those without runs are left out.
    pub curves: Vec<MeasuredCurve>,
    /// How quiet the machine was.
    pub quality: Quality,
    /// Seconds spent, those of a resumed calibration included.
    pub seconds: f64,
    /// Whether the budget ended it before all repeats were done.
    pub cut_short: bool,
}

/// Why a calibration ended without curves.
#[derive(Debug, Error)]
pub enum MeasureError {
    /// Somebody cancelled.
    #[error("interrupted")]
    Cancelled,
    /// The bench cannot run.
    #[error(transparent)]
    Bench(BenchError),
    /// The journal cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// Measures all tasks on `bench`.
///
/// # Errors
/// Cancelled, a bench that cannot run at all, or a journal that cannot be written.
pub fn measure(
    tasks: &[Task],
    bench: &mut dyn Bench,
    method: &Method<'_>,
    clock: &dyn Clock,
    mut journal: Option<&mut Journal>,
    progress: &mut dyn FnMut(&Progress<'_>),
) -> Result<Measured, MeasureError> {
    let mut schedule = Schedule::new(tasks, method.repeats, method.shortest, method.seed);
    let mut lines: Vec<Line> = Vec::new();
    for line in journal.as_mut().map_or(Vec::new(), |journal| journal.take()) {
        note(&mut schedule, &line);
        lines.push(line);
    }
    // A resumed calibration goes on where the stopped one was.
    let before = lines.iter().map(|line| line.started + line.took).fold(0.0, f64::max);
    let began = clock.now();
    let elapsed = |now: Duration| before + now.saturating_sub(began).as_secs_f64();
    loop {
        let left = method.budget.map(|budget| budget.as_secs_f64() - elapsed(clock.now()));
        let Some(index) = schedule.next(left) else { break };
        let (task, at) = (schedule.cells[index].task, schedule.cells[index].at);
        let started = elapsed(clock.now());
        let end = left.map(|left| clock.now() + Duration::from_secs_f64(left.max(0.0)));
        let result = run(bench, (task, at), method, clock, end);
        if method.cancel.is_cancelled() {
            return Err(MeasureError::Cancelled);
        }
        let (samples, skipped) = match result {
            Ok(samples) => (samples, None),
            Err(BenchError::Skip { reason }) => (Vec::new(), Some(reason)),
            Err(BenchError::Cancelled) => return Err(MeasureError::Cancelled),
            Err(error) => return Err(MeasureError::Bench(error)),
        };
        let took = elapsed(clock.now()) - started;
        let line = Line {
            task,
            at,
            repeat: schedule.cells[index].levels.len() as u64 + 1,
            started,
            took,
            samples,
            skipped,
        };
        note(&mut schedule, &line);
        if let Some(journal) = &mut journal {
            journal.add(&line)?;
        }
        lines.push(line);
        let expected = schedule.seconds_left();
        let left = method
            .budget
            .map_or(expected, |budget| expected.min(budget.as_secs_f64() - elapsed(clock.now())));
        progress(&Progress {
            done: lines.iter().filter(|line| line.skipped.is_none()).count() as u64,
            all: schedule.all(),
            left: Duration::from_secs_f64(left.max(0.0)),
            task: &tasks[task],
            points: points(&lines, task),
        });
    }
    Ok(Measured {
        curves: curves(tasks, &lines),
        quality: Quality::of(&lines),
        seconds: elapsed(clock.now()),
        cut_short: schedule.left() > 0,
    })
}

fn note(schedule: &mut Schedule, line: &Line) {
    let cell = schedule.cells.iter_mut().find(|cell| cell.task == line.task && cell.at == line.at);
    if let Some(cell) = cell {
        cell.skipped = line.skipped.is_some();
        if let Some(level) = line.samples.first().and_then(|samples| median(samples)) {
            cell.levels.push(level);
        }
        cell.took = line.took;
    }
}

/// One run: fresh start, warm-up, samples of each quantity; past `end` it keeps the fewest samples that do.
fn run(
    bench: &mut dyn Bench,
    (task, at): (usize, f64),
    method: &Method<'_>,
    clock: &dyn Clock,
    end: Option<Duration>,
) -> Result<Vec<Vec<f64>>, BenchError> {
    bench.start(task, at)?;
    let group = warm_up(bench, method, clock)?;
    let began = clock.now();
    let mut samples: Vec<Vec<f64>> = Vec::new();
    let mut count = 0;
    loop {
        let values = grouped(bench, group, method)?;
        samples.resize(values.len(), Vec::new());
        for (all, value) in samples.iter_mut().zip(values) {
            all.push(rounded(value));
        }
        count += 1;
        let spent = clock.now().saturating_sub(began);
        let enough = spent >= method.shortest && count >= WANTED;
        let late = spent >= method.longest || end.is_some_and(|end| clock.now() >= end);
        if enough || (late && count >= FEWEST) || method.cancel.is_cancelled() {
            return Ok(samples);
        }
    }
}

/// Runs until two running medians agree, and no longer than a run may last; gives the calls that a sample should
/// average so that some twenty of them fill the shortest run.
fn warm_up(bench: &mut dyn Bench, method: &Method<'_>, clock: &dyn Clock) -> Result<usize, BenchError> {
    let began = clock.now();
    let mut seen: Vec<f64> = Vec::new();
    loop {
        let values = grouped(bench, 1, method)?;
        seen.push(values.first().copied().unwrap_or(0.0));
        let spent = clock.now().saturating_sub(began);
        let settled = seen.len() > WINDOW && {
            let last = median(&seen[seen.len() - WINDOW..]).unwrap_or(0.0);
            let former = median(&seen[seen.len() - WINDOW - 1..seen.len() - 1]).unwrap_or(0.0);
            (last - former).abs() <= SETTLED * former.abs()
        };
        let long = seen.len() > WINDOW && spent >= 2 * method.shortest;
        let late = seen.len() >= WARM && spent >= method.longest;
        if settled || long || late || method.cancel.is_cancelled() {
            let call = spent.as_secs_f64() / seen.len() as f64;
            let slot = method.shortest.as_secs_f64() / WANTED as f64;
            return Ok(if call > 0.0 { (slot / call).clamp(1.0, 100_000.0) as usize } else { 1 });
        }
    }
}

/// The mean of some calls.
fn grouped(bench: &mut dyn Bench, group: usize, method: &Method<'_>) -> Result<Vec<f64>, BenchError> {
    let mut sums: Vec<f64> = Vec::new();
    let mut calls = 0;
    while calls < group.max(1) {
        let values = bench.sample()?;
        sums.resize(values.len(), 0.0);
        sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
        calls += 1;
        if method.cancel.is_cancelled() {
            break;
        }
    }
    Ok(sums.into_iter().map(|sum| sum / calls as f64).collect())
}

/// To five digits, as profiles keep them: what is fitted now is what is read later.
fn rounded(value: f64) -> f64 {
    format!("{value:.4e}").parse().unwrap_or(value)
}

fn points(lines: &[Line], task: usize) -> Vec<Point> {
    lines
        .iter()
        .filter(|line| line.task == task)
        .filter_map(|line| Some(Point { x: line.at, y: median(line.samples.first()?)? }))
        .collect()
}

fn curves(tasks: &[Task], lines: &[Line]) -> Vec<MeasuredCurve> {
    let mut curves = Vec::new();
    for (index, task) in tasks.iter().enumerate() {
        let own = || lines.iter().filter(move |line| line.task == index);
        let skipped: Vec<Skipped> =
            own().filter_map(|line| Some(Skipped { at: line.at, reason: line.skipped.clone()? })).collect();
        for (place, quantity) in task.quantities.iter().enumerate() {
            let mut runs: Vec<Run> = own()
                .filter_map(|line| {
                    let samples = line.samples.get(place)?.clone();
                    Some(Run { at: line.at, repeat: line.repeat, started: line.started, samples })
                })
                .collect();
            runs.sort_by(|left, right| left.at.total_cmp(&right.at).then(left.repeat.cmp(&right.repeat)));
            if runs.is_empty() {
                continue;
            }
            let mut curve = MeasuredCurve {
                section: task.section,
                quantity: quantity.name.to_owned(),
                unit: quantity.unit.to_owned(),
                axis: task.axis.to_owned(),
                settings: task.settings.clone(),
                runs,
                fit: None,
                noise: 0.0,
                skipped: skipped.clone(),
            };
            // A curve that cannot be fitted is kept with its runs, and says so by having no fit.
            let _ = curve.refit(quantity.forms);
            curves.push(curve);
        }
    }
    curves
}
