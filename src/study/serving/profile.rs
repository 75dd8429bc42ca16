//! What the workload's measured profile says of a fleet's device.

use crate::catalog::{InstanceKind, Precision};
use crate::fleet::Candidate;
use crate::layout::Reason;
use crate::scenario::ServingSpec;
use crate::steptime::measured::{MeasuredSteps, Way};

use super::Asked;

/// The profile and how it speaks of the candidate's device; `None` where there is no profile, it says nothing of the
/// device, or the machine has several: a profile is of one.
pub(super) fn of_device<'a>(
    asked: &'a Asked<'_>,
    candidate: &'a Candidate,
) -> Option<(&'a MeasuredSteps, Way<'a>)> {
    let steps = asked.spec.measured.as_deref()?;
    let way = named(steps, candidate)?;
    (candidate.accelerators_per_node() <= 1).then_some((steps, way))
}

fn named<'a>(steps: &'a MeasuredSteps, candidate: &'a Candidate) -> Option<Way<'a>> {
    let own = candidate.instance.kind == InstanceKind::Measured;
    steps.way(own, candidate.accelerator.as_deref())
}

/// The precision of a profile's curves that the weights are served in.
pub(super) fn precision(spec: &ServingSpec, profile: &str) -> Result<Precision, Reason> {
    let word = spec.weights.word();
    let found = Precision::ALL.iter().find(|(known, _)| *known == word).map(|(_, precision)| *precision);
    found.ok_or_else(|| Reason::NoStepTime(format!("profile {profile} has no curves in {word}")))
}

/// What the reader must know of a profile of another machine, or of one that is left aside.
pub(super) fn warnings(asked: &Asked<'_>, candidate: &Candidate) -> Vec<String> {
    let Some(steps) = asked.spec.measured.as_deref() else { return Vec::new() };
    if of_device(asked, candidate).is_some() {
        return steps.warning().into_iter().collect();
    }
    let aside = named(steps, candidate).map(|_| {
        format!(
            "profile {} is of one device; {} has {}, and the catalog's figures are used",
            steps.profile.name,
            candidate.instance.id(),
            candidate.accelerators_per_node()
        )
    });
    aside.into_iter().collect()
}
