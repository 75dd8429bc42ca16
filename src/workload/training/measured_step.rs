//! The step of a device that the user measured, or that a rule of the user's carries to.

use crate::catalog::InstanceKind;
use crate::fleet::Candidate;
use crate::layout::{Plan, Reason};
use crate::steptime::DeviceTime;
use crate::steptime::measured::MeasuredQuery;
use crate::units::Seconds;

use super::build::{Builder, DeviceStep};
use super::whole_step::Spread;

impl Builder<'_> {
    /// The step by the workload's profile; `None` where it says nothing of the fleet's device. A profile is of one
    /// device: nodes of several keep the catalog's prediction.
    pub(super) fn measured_step(
        &self,
        candidate: &Candidate,
        plan: &Plan,
    ) -> Option<Result<DeviceStep, Reason>> {
        let steps = self.spec.measured.as_ref()?;
        let own = candidate.instance.kind == InstanceKind::Measured;
        let way = steps.way(own, candidate.accelerator.as_deref())?;
        if candidate.accelerators_per_node().min(plan.devices) > 1 {
            return None;
        }
        let query = MeasuredQuery {
            model: &self.spec.model,
            precision: self.spec.precision,
            micro_batch: plan.micro_batch as f64,
            accumulation: plan.gradient_accumulation as f64,
        };
        let answer = match steps.step(self.catalog, way, &query) {
            Ok(answer) => answer,
            Err(no) => return Some(Err(Reason::NoStepTime(no.to_string()))),
        };
        let device = DeviceTime {
            compute: answer.seconds,
            host_overhead: Seconds::ZERO,
            exposed_inside: Seconds::ZERO,
            exposed_across: None,
            limit: answer.limit,
            log_error: answer.log_error,
            provenance: answer.provenance,
            basis: answer.basis,
        };
        let spread = Spread { per_node: 1, nodes: plan.devices };
        let step = self.stacked_step(plan, &candidate.network(), spread, device);
        let mut warnings = answer.warnings;
        warnings.extend(steps.warning());
        Some(Ok(DeviceStep { factors: answer.factors, warnings, ..step }))
    }
}
