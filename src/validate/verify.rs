//! A measured profile against the machine that it was measured on: sizes that it has not seen, and a whole real job
//! against what the simulation says of the same job.

use std::sync::Arc;

use thiserror::Error;

use crate::calibrate::Task;
use crate::catalog::measured::{MeasuredCurve, Section};
use crate::catalog::{Catalog, MeasuredProfile};
use crate::document::{Diagnostics, load};
use crate::engine::Cancel;
use crate::scenario::resolve;
use crate::stats::{Interval, median};
use crate::steptime::StepTimes;
use crate::steptime::measured::predicted;
use crate::study::{self, Estimate, LEVEL, Options, StudyError};

/// Axes whose sizes in between can be measured.
const DENSE_AXES: [&str; 3] = ["batch", "sequence", "context"];
/// Name of the profile in the scenario of the job.
const PROFILE: &str = "verified";

/// A size that the profile has not seen.
#[derive(Clone, Debug, PartialEq)]
pub struct SizeCheck {
    /// The curve.
    pub curve: String,
    /// What was exercised.
    pub section: Section,
    /// Whether it is a part of a step or of a sample whose whole is checked as well.
    pub part: bool,
    /// The size.
    pub at: f64,
    /// What the curve says, with the interval of a single run.
    pub predicted: Interval,
    /// Median of what was measured now.
    pub measured: f64,
}

impl SizeCheck {
    /// Relative error, as a share.
    #[must_use]
    pub fn error(&self) -> f64 {
        self.predicted.mean / self.measured - 1.0
    }

    /// Whether the interval holds what was measured.
    #[must_use]
    pub fn is_inside(&self) -> bool {
        self.predicted.contains(self.measured)
    }
}

/// A real training job.
#[derive(Clone, Debug, PartialEq)]
pub struct JobCheck {
    /// Sequences of a step.
    pub batch: u64,
    /// Steps.
    pub steps: u64,
    /// Seconds that the simulation predicted.
    pub predicted: Estimate,
    /// What bounds it, by the simulation.
    pub bound: String,
    /// Seconds that it took.
    pub measured: f64,
    /// Share of them that the device waited for input.
    pub waited: f64,
    /// Loss of the first steps.
    pub first_loss: f64,
    /// Loss of the last ones.
    pub last_loss: f64,
}

impl JobCheck {
    /// Relative error, as a share.
    #[must_use]
    pub fn error(&self) -> f64 {
        self.predicted.mean / self.measured - 1.0
    }

    /// Whether the interval holds what was measured.
    #[must_use]
    pub fn is_inside(&self) -> bool {
        (self.predicted.lo..=self.predicted.hi).contains(&self.measured)
    }

    /// Whether the bound is the measured one: the device waits for input, or input for the device.
    #[must_use]
    pub fn is_bound_right(&self) -> bool {
        self.bound.starts_with("input") == (self.waited > 0.5)
    }
}

/// Everything that was checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Verification {
    /// Sizes.
    pub sizes: Vec<SizeCheck>,
    /// The job; none where the profile does not know the model.
    pub job: Option<JobCheck>,
}

impl Verification {
    /// Sizes of the input pipeline, or of everything else: wholes, or parts of them.
    pub fn of(&self, input: bool, part: bool) -> impl Iterator<Item = &SizeCheck> {
        self.sizes.iter().filter(move |size| (size.section == Section::Input) == input && size.part == part)
    }

    /// Median and worst error of such sizes, as shares; `None` without any.
    #[must_use]
    pub fn errors(&self, input: bool, part: bool) -> Option<(f64, f64)> {
        let errors: Vec<f64> = self.of(input, part).map(|size| size.error().abs()).collect();
        Some((median(&errors)?, errors.iter().copied().fold(0.0, f64::max)))
    }
}

/// Why the job could not be predicted.
#[derive(Debug, Error)]
pub enum VerifyError {
    /// Its scenario makes no sense.
    #[error("the scenario of the job has {} faults", .0.len())]
    Scenario(Diagnostics),
    /// It could not be simulated.
    #[error(transparent)]
    Study(#[from] StudyError),
    /// It cannot run, by the simulation.
    #[error("the simulation says that the job cannot run: {0}")]
    CannotRun(String),
}

/// The tasks whose curves the profile has, each at sizes between those that it has seen.
#[must_use]
pub fn held_out(profile: &MeasuredProfile, tasks: &[Task]) -> Vec<(usize, Task)> {
    let of = |(index, task): (usize, &Task)| {
        let curve = curve_of(profile, task)?;
        let sizes = between(curve);
        (DENSE_AXES.contains(&task.axis) && !sizes.is_empty())
            .then(|| (index, Task { sizes, ..task.clone() }))
    };
    tasks.iter().enumerate().filter_map(of).collect()
}

/// The curve of a task's first quantity.
fn curve_of<'a>(profile: &'a MeasuredProfile, task: &Task) -> Option<&'a MeasuredCurve> {
    let quantity = task.quantities.first()?;
    profile.section(task.section).find(|curve| {
        curve.fit.is_some()
            && curve.quantity == quantity.name
            && curve.axis == task.axis
            && curve.settings == task.settings
    })
}

/// Whole sizes in the geometric middle of those measured.
fn between(curve: &MeasuredCurve) -> Vec<f64> {
    let mut sizes: Vec<f64> = curve.runs.iter().map(|run| run.at).collect();
    sizes.sort_by(f64::total_cmp);
    sizes.dedup();
    let middle = |pair: &[f64]| (pair[0] * pair[1]).sqrt().round();
    let mut found: Vec<f64> = sizes.windows(2).map(middle).filter(|middle| !sizes.contains(middle)).collect();
    found.dedup();
    found
}

/// Whether the profile has the whole that a curve is a part of, at the same settings.
fn is_part(profile: &MeasuredProfile, curve: &MeasuredCurve) -> bool {
    const WHOLES: [&str; 2] = ["step", "processor"];
    !WHOLES.contains(&curve.quantity.as_str())
        && profile.section(curve.section).any(|other| {
            WHOLES.contains(&other.quantity.as_str())
                && other.axis == curve.axis
                && other.settings == curve.settings
        })
}

/// What was measured now against what the profile says.
#[must_use]
pub fn check_sizes(profile: &MeasuredProfile, measured: &[MeasuredCurve]) -> Vec<SizeCheck> {
    let mut checks = Vec::new();
    for now in measured {
        let then = profile.section(now.section).find(|curve| {
            curve.quantity == now.quantity && curve.axis == now.axis && curve.settings == now.settings
        });
        let Some(then) = then else { continue };
        let mut sizes: Vec<f64> = now.runs.iter().map(|run| run.at).collect();
        sizes.sort_by(f64::total_cmp);
        sizes.dedup();
        for at in sizes {
            let same = now.points().into_iter().filter(|point| point.x == at).map(|point| point.y);
            let level = median(&same.collect::<Vec<f64>>());
            if let Some((predicted, measured)) = predicted(then, at, LEVEL).zip(level) {
                checks.push(SizeCheck {
                    curve: then.title(),
                    section: then.section,
                    part: is_part(profile, then),
                    at,
                    predicted,
                    measured,
                });
            }
        }
    }
    checks
}

/// The simulation's word on training the small GPT for so many steps on the profile's machine: time, and what bounds it.
///
/// # Errors
/// When the scenario cannot be resolved or simulated.
pub fn predict_job(
    catalog: &Catalog,
    step_times: &StepTimes,
    profile: &MeasuredProfile,
    (batch, steps): (u64, u64),
    cancel: &Cancel,
) -> Result<(Estimate, String), VerifyError> {
    let mut catalog = catalog.clone();
    catalog.measured.insert(PROFILE.to_owned(), Arc::new(profile.clone()));
    let text = format!(
        r#"
format = 1
name = "a short real job"
[workload]
model = "capplan-gpt"
precision = "fp32"
profile = "{PROFILE}"
global_batch = {batch}
steps = {steps}
[workload.dataset]
samples = 2048
[workload.input]
mode = "direct-feed"
[workload.checkpoint]
kind = "none"
[workload.failures]
node_failures = "0 /day"
[[fleet]]
name = "this machine"
machine = "this machine"
"#
    );
    let root = load("the job of `calibrate verify`", &text).map_err(VerifyError::Scenario)?;
    let scenario = resolve(&root, &catalog, None).map_err(VerifyError::Scenario)?;
    let comparison = study::run(&scenario, &catalog, step_times, &Options::default(), cancel, &())?;
    let row = comparison.rows.first();
    let told = row.and_then(|row| Some((row.time_s?, row.bound.as_ref()?.name.to_string())));
    told.ok_or_else(|| VerifyError::CannotRun(row.and_then(|row| row.reason.clone()).unwrap_or_default()))
}
