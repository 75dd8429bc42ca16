//! Predictions against published measurements, as `capplan validate` makes them: asked for once, in the background.

use std::sync::Arc;

use thiserror::Error;

use crate::catalog::Catalog;
use crate::report::Table;
use crate::report::validation_table;
use crate::steptime::StepTimes;
use crate::validate::{ObservationSource, Report, ValidateError, validate};

use super::worker::{Wake, Worker};

/// The report with its table.
#[derive(Debug)]
pub struct Validated {
    /// Every row and group.
    pub report: Report,
    /// Figures of all rows and of each group, as the command line writes them.
    pub table: Table,
}

/// Why there is no report.
#[derive(Debug, Error)]
pub(super) enum Fault {
    #[error(transparent)]
    Validate(#[from] ValidateError),
    #[error("the catalog is at fault: {0}")]
    Catalog(String),
}

/// The report of this window.
pub(super) struct Validation {
    worker: Worker<Result<Validated, Fault>>,
    validated: Option<Arc<Validated>>,
    fault: Option<String>,
}

impl Validation {
    pub(super) fn new(wake: Wake) -> Self {
        Self { worker: Worker::new(wake), validated: None, fault: None }
    }

    pub(super) fn validated(&self) -> Option<&Arc<Validated>> {
        self.validated.as_ref()
    }

    pub(super) fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// Makes the report unless it is there or being made.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn start(&mut self, step_times: Arc<StepTimes>) -> std::io::Result<()> {
        if self.validated.is_some() || self.worker.running().is_some() {
            return Ok(());
        }
        self.fault = None;
        self.worker.start(String::new(), move |_, _| report(&step_times))
    }

    /// Takes the report up; true when it is there.
    pub(super) fn tick(&mut self) -> bool {
        let Some(finished) = self.worker.finished() else { return false };
        match finished.result {
            Ok(validated) => self.validated = Some(Arc::new(validated)),
            Err(error) => self.fault = Some(error.to_string()),
        }
        true
    }
}

/// The shipped rows against the shipped catalog: what a user lays over it was never measured by others.
fn report(step_times: &StepTimes) -> Result<Validated, Fault> {
    let catalog = Catalog::read(&[]).map_err(|error| Fault::Catalog(error.to_string()))?;
    let sources = [ObservationSource::Shipped, ObservationSource::ShippedServing];
    let report = validate(&catalog, step_times, &sources)?;
    let table = validation_table(&report);
    Ok(Validated { report, table })
}
