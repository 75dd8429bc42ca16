//! Training fleets side by side: paired differences, flip points and the verdict.

use crate::catalog::Catalog;
use crate::scenario::Scenario;
use crate::workload::training::TrainingSpec;

use super::errors::{Linear, difference};
use super::flips::flips;
use super::outcome::Outcome;
use super::rank::{Ranked, baseline, pareto, rank, recommended};
use super::result::{Comparison, Difference, Row};
use super::verdict::{assumptions, verdict};

/// Puts the outcomes side by side.
pub(super) fn compare(
    scenario: &Scenario,
    spec: &TrainingSpec,
    catalog: &Catalog,
    seed: u64,
    mut outcomes: Vec<Outcome>,
) -> Comparison {
    let objective = &scenario.objective;
    rank(&mut outcomes, objective);
    pareto(&mut outcomes);
    let baseline = baseline(&outcomes, objective);
    differences(&mut outcomes, baseline.as_deref());
    let recommended = recommended(&outcomes, objective);
    let flips = flips(&outcomes, objective, recommended.as_deref());
    let verdict = verdict(&outcomes, objective, recommended.as_deref());
    Comparison {
        format: 1,
        scenario: scenario.name.clone(),
        seed,
        program: format!("capplan {}", env!("CARGO_PKG_VERSION")),
        catalog_date: catalog.date().map(|day| day.to_string()),
        workload: "training".to_owned(),
        baseline,
        recommended,
        verdict,
        flips,
        assumptions: assumptions(spec),
        rows: outcomes.into_iter().map(|outcome| outcome.row).collect(),
    }
}

impl Ranked for Outcome {
    fn row(&self) -> &Row {
        &self.row
    }

    fn row_mut(&mut self) -> &mut Row {
        &mut self.row
    }

    fn unfinished(&self) -> bool {
        self.unfinished
    }

    fn worth(&self) -> Option<f64> {
        self.row.time_s.map(|time| -time.mean)
    }

    fn price_lines(&self) -> Vec<(f64, f64)> {
        let line = || {
            let today = self.row.price_usd_per_hour? / self.row.instances as f64;
            let moves = today * self.instance_hours;
            Some((self.row.cost_usd?.mean - moves, moves))
        };
        line().into_iter().collect()
    }
}

/// Differences replication by replication and error by error: common random numbers make them sharper than two separate
/// intervals, and what both fleets do not know cancels where they share it.
fn differences(outcomes: &mut [Outcome], baseline: Option<&str>) {
    let Some(base) = outcomes.iter().find(|outcome| Some(outcome.row.fleet.as_str()) == baseline).cloned()
    else {
        return;
    };
    let Some(theirs) = &base.errors else { return };
    for outcome in outcomes.iter_mut() {
        let Some(ours) = &outcome.errors else { continue };
        let same_device = outcome.row.accelerator == base.row.accelerator;
        let paired = |our: &[Linear], their: &[Linear]| difference((our, ours), (their, theirs), same_device);
        outcome.row.difference = Some(Difference {
            time_s: paired(&outcome.times, &base.times),
            cost_usd: paired(&outcome.costs, &base.costs),
            latency_p99_s: None,
            carbon_kg: None,
        });
    }
}
