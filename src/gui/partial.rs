//! The fleets of a run going on that have finished: a table that grows until the result replaces it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crate::report::flat_table;
use crate::scenario::Scenario;
use crate::study::{Comparison, Row};

use super::session::Shown;

/// A table of many fleets is not made anew more often.
const REST: Duration = Duration::from_millis(250);

/// Rows so far.
pub(super) struct Partial {
    rows: BTreeMap<usize, Row>,
    shown: Shown,
    made: Option<Instant>,
}

impl Partial {
    pub(super) fn new(number: u64, fleets: usize, scenario: Arc<Scenario>, text: String) -> Self {
        let shown = Shown {
            comparison: Arc::default(),
            table: Arc::default(),
            places: Vec::new(),
            fleets,
            number,
            scenario,
            title: String::new(),
            made: SystemTime::now(),
            text,
            resolved: String::new(),
            took: Duration::ZERO,
            sensitivity: None,
        };
        Self { rows: BTreeMap::new(), shown, made: None }
    }

    /// The fleets as a result without a verdict.
    pub(super) fn shown(&self) -> &Shown {
        &self.shown
    }

    /// Whether rows wait to be shown.
    pub(super) fn due(&self) -> bool {
        self.rows.len() > self.shown.places.len() && self.made.is_none_or(|made| made.elapsed() >= REST)
    }

    /// Takes rows up; true when the table was made anew.
    pub(super) fn add(&mut self, rows: Vec<(usize, Row)>) -> bool {
        self.rows.extend(rows);
        if !self.due() {
            return false;
        }
        self.made = Some(Instant::now());
        let training = self.shown.scenario.training().is_some();
        let comparison = Comparison {
            scenario: self.shown.scenario.name.clone(),
            workload: if training { "training" } else { "inference" }.to_owned(),
            verdict: format!("{} of {} fleets", self.rows.len(), self.shown.fleets),
            rows: self.rows.values().cloned().collect(),
            ..Comparison::default()
        };
        self.shown.places = self.rows.keys().copied().collect();
        self.shown.table = Arc::new(flat_table(&comparison));
        self.shown.comparison = Arc::new(comparison);
        true
    }
}
