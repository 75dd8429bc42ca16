//! Serving fleets side by side: rank, Pareto flags, differences, break-even loads, verdict.

use crate::scenario::{Minimize, Objective};

use super::super::price_flips::price_flips;
use super::super::rank::{Ranked, baseline, challengers, pareto, rank, recommended};
use super::super::result::{Comparison, Flip, Row};
use super::Asked;
use super::load_flips::{hosted, loads};
use super::online::ServingOutcome;
use super::paired::differences;
use super::verdict::{assumptions, verdict};

/// Most flips told.
const MOST_FLIPS: usize = 8;

impl Ranked for ServingOutcome {
    fn row(&self) -> &Row {
        &self.row
    }

    fn row_mut(&mut self) -> &mut Row {
        &mut self.row
    }

    /// Of jobs sooner done, of services more capacity.
    fn worth(&self) -> Option<f64> {
        let capacity = self.row.serving.as_ref().and_then(|figures| figures.capacity_requests_per_s);
        self.row.time_s.map(|time| -time.mean).or(capacity.map(|capacity| capacity.mean))
    }

    fn price_lines(&self) -> Vec<(f64, f64)> {
        self.lines.clone()
    }
}

/// Puts the outcomes side by side.
pub(super) fn compare(asked: &Asked<'_>, mut outcomes: Vec<ServingOutcome>) -> Comparison {
    let objective = &asked.scenario.objective;
    rank(&mut outcomes, objective);
    pareto(&mut outcomes);
    let baseline = baseline(&outcomes, objective);
    put_differences(&mut outcomes, baseline.as_deref());
    let recommended = recommended(&outcomes, objective);
    let flips = flips(&outcomes, objective, recommended.as_deref());
    let verdict = verdict(&outcomes, objective, recommended.as_deref());
    Comparison {
        format: 1,
        scenario: asked.scenario.name.clone(),
        seed: asked.seed,
        program: format!("capplan {}", env!("CARGO_PKG_VERSION")),
        catalog_date: asked.catalog.date().map(|day| day.to_string()),
        workload: "inference".to_owned(),
        baseline,
        verdict,
        recommended,
        flips,
        assumptions: assumptions(asked),
        rows: outcomes.into_iter().map(|outcome| outcome.row).collect(),
    }
}

/// Differences to the baseline.
fn put_differences(outcomes: &mut [ServingOutcome], baseline: Option<&str>) {
    let base = outcomes.iter().find(|outcome| Some(outcome.row.fleet.as_str()) == baseline).cloned();
    let Some(base) = base else { return };
    for outcome in outcomes.iter_mut().filter(|outcome| outcome.row.feasible) {
        let found = differences((&outcome.pairs, &outcome.row), (&base.pairs, &base.row));
        outcome.row.difference = Some(found);
    }
}

/// What would turn the verdict: prices, loads, hosted models.
fn flips(outcomes: &[ServingOutcome], objective: &Objective, recommended: Option<&str>) -> Vec<Flip> {
    let Some((winner, others)) = challengers(outcomes, recommended) else { return Vec::new() };
    let mut found = Vec::new();
    if objective.minimize == Minimize::Cost {
        found.extend(price_flips(winner, &others, objective));
        found.extend(others.iter().flat_map(|other| loads(winner, other)));
    }
    found.extend(hosted(winner));
    found.truncate(MOST_FLIPS);
    found
}
