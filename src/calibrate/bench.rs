//! What can be measured: tasks of sizes, and the bench that runs them.

use std::time::{Duration, Instant};

use thiserror::Error;

use crate::catalog::measured::{Section, Settings};
use crate::stats::Form;

/// One sweep: all sizes of an axis with everything else kept the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// What is exercised.
    pub section: Section,
    /// The size that is swept.
    pub axis: &'static str,
    /// What stays the same.
    pub settings: Settings,
    /// What each sample tells, one curve each; the first decides about warm-up and noise.
    pub quantities: Vec<Quantity>,
    /// Sizes, ascending.
    pub sizes: Vec<f64>,
    /// Whether step times are drawn from its curve; what is not comes last when time is short.
    pub essential: bool,
}

/// What is observed.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantity {
    /// Its name in profiles.
    pub name: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// Forms among which its curve is chosen; empty for a quantity that is only reported.
    pub forms: &'static [Form],
}

impl Quantity {
    /// Seconds, growing with the size.
    #[must_use]
    pub fn seconds(name: &'static str) -> Self {
        Self { name, unit: "s", forms: &Form::TIMES }
    }

    /// A rate that may saturate or fall.
    #[must_use]
    pub fn rate(name: &'static str, unit: &'static str) -> Self {
        Self { name, unit, forms: &Form::RATES }
    }

    /// A figure without a curve.
    #[must_use]
    pub fn reported(name: &'static str, unit: &'static str) -> Self {
        Self { name, unit, forms: &[] }
    }
}

impl Task {
    /// In one line: `train step against batch (gpt-mini, f32)`.
    #[must_use]
    pub fn title(&self) -> String {
        let settings: Vec<&str> = self.settings.values().map(String::as_str).collect();
        let of = if settings.is_empty() { String::new() } else { format!(" ({})", settings.join(", ")) };
        let what = self.quantities.first().map_or("", |quantity| quantity.name);
        format!("{} {what} against {}{of}", self.section.word(), self.axis)
    }
}

/// Why there is no sample.
#[derive(Debug, Error)]
pub enum BenchError {
    /// This size cannot be measured here, as when it does not fit in memory; the others can.
    #[error("{reason}")]
    Skip {
        /// Why.
        reason: String,
    },
    /// Somebody cancelled.
    #[error("interrupted")]
    Cancelled,
    /// The system refuses, as on a full disk.
    #[error("cannot use {}: {error}", path.display())]
    Io {
        /// The file or folder.
        path: std::path::PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// The input pipeline gave up.
    #[error(transparent)]
    Input(Box<super::input::InputError>),
    /// The computing library gave up.
    #[error("the device gave up: {0}")]
    Device(Box<dyn std::error::Error + Send + Sync>),
}

/// Something that can run every size of its tasks.
pub trait Bench {
    /// A fresh start at one size of the task with this index; what a former start left is dropped.
    ///
    /// # Errors
    /// When this size, or the whole bench, cannot run.
    fn start(&mut self, task: usize, size: f64) -> Result<(), BenchError>;

    /// One sample at the size started: a value of each quantity of the task, in its order.
    ///
    /// # Errors
    /// As for [`Bench::start`].
    fn sample(&mut self) -> Result<Vec<f64>, BenchError>;
}

/// Two benches as one: the tasks of the first, then those of the second.
pub struct Chained<'a> {
    /// The first.
    pub first: &'a mut dyn Bench,
    /// How many tasks it has.
    pub tasks: usize,
    /// The second.
    pub second: &'a mut dyn Bench,
    /// Whether the second one was started last.
    pub on_second: bool,
}

impl Bench for Chained<'_> {
    fn start(&mut self, task: usize, size: f64) -> Result<(), BenchError> {
        self.on_second = task >= self.tasks;
        if self.on_second { self.second.start(task - self.tasks, size) } else { self.first.start(task, size) }
    }

    fn sample(&mut self) -> Result<Vec<f64>, BenchError> {
        if self.on_second { self.second.sample() } else { self.first.sample() }
    }
}

/// Time that passes.
pub trait Clock {
    /// Since some fixed moment.
    fn now(&self) -> Duration;
}

/// The machine's own time.
#[derive(Clone, Copy, Debug)]
pub struct RealClock(Instant);

impl RealClock {
    /// A clock that starts now.
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }
}

impl Clock for RealClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}
