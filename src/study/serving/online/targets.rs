//! Whether a fleet holds its targets, and what it misses.

use super::Online;
use crate::catalog::Purchase;
use crate::study::result::{Probability, Row};
use crate::study::serving::capacity::{missed, missed_when_idle};
use crate::study::serving::demand::is_replay;
use crate::study::serving::size::covers;
use crate::study::serving::trial::{MIDDLE, Trial};
use crate::study::serving_result::ServingFigures;
use crate::units::Significant;

impl Online<'_> {
    pub(super) fn weigh_targets(&self, row: &mut Row, figures: &mut ServingFigures) {
        let (Some(capacity), Some(demand)) = (&self.capacity, &self.demand) else {
            let met = self.held_in_runs();
            figures.targets_met = Some(met);
            self.tell_missed(row, &met);
            return;
        };
        figures.capacity_requests_per_s = Some(capacity.estimate());
        figures.sustainable_requests_per_s = Some(capacity.sustained_estimate());
        figures.targets_met = Some(covers(capacity, demand.peak));
        // Capacity is that of the whole fleet at a steady load: what a loss, a trace, a market or a scaler that is late does
        // shows in the runs alone.
        let spec = self.asked.spec;
        let comes_and_goes = spec.autoscaler.is_some() || !spec.losses.is_empty() || self.on_spot();
        if comes_and_goes || is_replay(&spec.traffic.arrivals) {
            let in_runs = self.held_in_runs();
            let lower = figures.targets_met.filter(|met| met.probability <= in_runs.probability);
            figures.targets_met = Some(lower.unwrap_or(in_runs));
            self.tell_missed(row, &in_runs);
        }
        if capacity.rates[MIDDLE] <= 0.0 {
            let (asked, served, way) = (self.asked, self.served, self.way);
            let trial = Trial { asked, served, way, units: 1, speed: MIDDLE };
            let reason = missed_when_idle(&trial, &demand.shape, demand.unit, capacity.sustained[MIDDLE]);
            row.reason = Some(reason);
        }
        if self.lost > 0 {
            let share = self.size.units.saturating_sub(self.lost) as f64 / self.size.units.max(1) as f64;
            let rate = capacity.rates[MIDDLE] * share;
            figures.capacity_after_loss_requests_per_s = Some(rate);
            row.warnings.push(format!(
                "with {} of {} machines lost, about {} requests/s hold the targets; {} arrive",
                self.lost.min(self.size.units) * self.way.machines_per_replica,
                self.machines(),
                Significant(rate, 3),
                Significant(demand.peak, 3)
            ));
        }
    }

    /// Whether a market may take machines away.
    pub(super) fn on_spot(&self) -> bool {
        self.served.groups().any(|served| served.candidate.purchase == Purchase::Spot)
    }

    /// Why the runs do not hold the targets, where that decides.
    pub(super) fn tell_missed(&self, row: &mut Row, met: &Probability) {
        let Some(run) = self.measured.runs.first() else { return };
        if met.probability >= self.asked.scenario.objective.confidence {
            return;
        }
        let (asked, served, way) = (self.asked, self.served, self.way);
        // Where the predicted steps hold them, the slow ones of the interval do not.
        let trial = Trial { asked, served, way, units: 1, speed: MIDDLE };
        let mut said = missed(&trial, run, "");
        if said.is_empty() {
            said = missed(&trial, &self.measured.slow, " if steps are as slow as they may be");
        }
        if !said.is_empty() {
            row.reason = Some(said.join("; "));
        }
    }

    /// Of a load that no rate describes: whether the runs themselves hold the targets.
    pub(super) fn held_in_runs(&self) -> Probability {
        let (asked, served, way) = (self.asked, self.served, self.way);
        let trial = Trial { asked, served, way, units: 1, speed: MIDDLE };
        self.measured.share_of_runs(|run| trial.holds_targets(run))
    }
}
