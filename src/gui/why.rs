//! Where one figure comes from: the same derivation as `capplan explain`, asked for by a click. The plans that it needs
//! are made in the background, once for each result.

use std::sync::Arc;

use crate::catalog::Catalog;
use crate::report::{self, Known, known};
use crate::steptime::StepTimes;
use crate::study::{Depth, Plans, StudyError, prepare};

use super::session::Shown;
use super::worker::{Wake, Worker};

/// A figure on the screen: a fleet and the column that it stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// Name of the fleet.
    pub fleet: String,
    /// Raw name of the column.
    pub column: String,
}

/// What is told of a figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The figure.
    pub figure: Figure,
    /// How it is known; none of a word.
    pub known: Option<Known>,
    /// The metric on the command line; none of a column that speaks for itself.
    pub metric: Option<String>,
    /// The derivation; none while it is being looked up.
    pub text: Option<String>,
}

/// Explanations of the figures of results.
pub(super) struct Why {
    worker: Worker<Result<Plans, StudyError>>,
    /// Number of the result that the plans are of.
    plans: Option<(u64, Arc<Plans>)>,
    told: Option<Told>,
}

impl Why {
    pub(super) fn new(wake: Wake) -> Self {
        Self { worker: Worker::new(wake), plans: None, told: None }
    }

    /// What is asked, and what is told of it so far.
    pub(super) fn told(&self) -> Option<&Told> {
        self.told.as_ref()
    }

    /// Tells nothing more.
    pub(super) fn close(&mut self) {
        self.told = None;
        self.worker.cancel();
    }

    /// Explains a figure of the result on the screen.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn ask(
        &mut self,
        figure: Figure,
        shown: &Shown,
        known_things: (Arc<Catalog>, Arc<StepTimes>),
    ) -> std::io::Result<()> {
        let row = shown.comparison.rows.iter().find(|row| row.fleet == figure.fleet);
        let metric = report::metric(&figure.column).map(str::to_owned);
        let known = row.and_then(|row| known(row, &figure.column));
        let text = metric.is_none().then(|| "as the scenario and the catalog name it\n".to_owned());
        self.told = Some(Told { figure, known, metric, text });
        self.answer(shown);
        let waits = self.told.as_ref().is_some_and(|told| told.text.is_none());
        let number = shown.number.to_string();
        if !waits || self.worker.running().is_some_and(|running| running.text == number) {
            return Ok(());
        }
        let (scenario, seed, (catalog, steps)) =
            (shown.scenario.clone(), shown.comparison.seed, known_things);
        self.worker
            .start(number, move |cancel, _| prepare(&scenario, &catalog, &steps, seed, Depth::Pilot, cancel))
    }

    /// Takes finished plans; true when something is newly told.
    pub(super) fn tick(&mut self, shown: Option<&Shown>) -> bool {
        let Some(finished) = self.worker.finished() else { return false };
        match (finished.result, finished.text.parse()) {
            (Ok(plans), Ok(number)) => {
                self.plans = Some((number, Arc::new(plans)));
                if let Some(shown) = shown {
                    self.answer(shown);
                }
            }
            (Err(error), _) => {
                if let Some(told) = &mut self.told {
                    told.text = Some(format!("{error}\n"));
                }
            }
            (_, Err(_)) => {}
        }
        true
    }

    /// Tells, where the plans of the result are there.
    fn answer(&mut self, shown: &Shown) {
        let (Some(told), Some((number, plans))) = (&mut self.told, &self.plans) else { return };
        let Some(metric) = told.metric.as_deref().filter(|_| told.text.is_none() && *number == shown.number)
        else {
            return;
        };
        let made = report::explain(&shown.scenario, &shown.comparison, plans, &told.figure.fleet, metric);
        told.text = Some(made.unwrap_or_else(|error| format!("{error}\n")));
    }
}
