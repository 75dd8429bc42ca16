//! What a row says of a fleet and a load that were not simulated as they are.

use super::Online;
use crate::study::result::Row;
use crate::units::Significant;
use crate::workload::inference::ScaleSignal;

impl Online<'_> {
    /// What the autoscaler does to the fleet.
    pub(super) fn warn_of_scaling(&self, row: &mut Row) {
        let Some(scaler) = self.asked.spec.autoscaler else { return };
        let each = self.way.machines_per_replica;
        row.warnings.push(format!(
            "scaled from {} to {} machines by {}, from {} at the start: {} on average",
            u64::from(scaler.least) * each,
            u64::from(scaler.most) * each,
            match scaler.signal {
                ScaleSignal::Utilisation => "busy time",
                ScaleSignal::Outstanding => "requests in flight",
                ScaleSignal::Queue => "requests that wait",
            },
            self.served
                .candidate
                .count
                .clamp(u64::from(scaler.least), u64::from(scaler.most.max(scaler.least))),
            Significant(self.paid_machines(), 3)
        ));
        if scaler.signal == ScaleSignal::Utilisation && self.asked.spec.is_language() {
            row.warnings.push(
                "a language replica is busy whenever it has a request: scale by signal = \"outstanding\" instead"
                    .to_owned(),
            );
        }
    }

    /// What was simulated instead of the fleet and its load as they are.
    pub(super) fn warn_of_scale(&self, row: &mut Row) {
        if let Some(most) = self.extrapolated {
            row.warnings.push(format!(
                "capacity beyond {most} replicas is extrapolated: that of each grows by what pooling gained up to there, less and less"
            ));
        }
        if self.size.scale() > 1.0 {
            row.warnings.push(format!(
                "times are those of {} of {} like machines with their share of the load",
                u64::from(self.size.simulated) * self.way.machines_per_replica,
                self.machines()
            ));
        }
        let late = match self.asked.spec.autoscaler {
            Some(_) => {
                ", which leaves the autoscaler so much less time: times are too long rather than too short"
            }
            None => "",
        };
        for (what, times) in [("the profile is", self.speed_up), ("spells are", self.spells_up)] {
            if times > 1.0 {
                let times = Significant(times, 2);
                row.warnings.push(format!("{what} run {times} times faster than the clock{late}"));
            }
        }
        if self.lost > 0 && self.sized() {
            row.warnings.push(format!(
                "sized so that the targets hold while {} of {} machines are lost",
                self.lost * self.way.machines_per_replica,
                self.machines()
            ));
        }
    }
}
