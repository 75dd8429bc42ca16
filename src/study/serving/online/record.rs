//! The run of a serving fleet that its row tells of, watched.

use crate::scenario::Mode;
use crate::units::{SimSpan, SimTime};
use crate::workload::inference::FleetJob;
use crate::workload::{Timeline, Window};

use super::super::super::record::{Record, RecordError};
use super::super::prepare::{Served, prepare};
use super::super::trial::{MIDDLE, Trial};
use super::super::{Asked, hybrid, serverless};

impl Asked<'_> {
    /// Records a fleet: what it is of in words, the part recorded, and the spans.
    ///
    /// # Errors
    /// A fleet that cannot run, or cancelled.
    pub(in crate::study) fn record(
        &self,
        wanted: &Record,
    ) -> Result<(&'static str, Window, Timeline), RecordError> {
        let idle =
            |reason: &str| RecordError::Idle { fleet: wanted.fleet.clone(), reason: reason.to_owned() };
        let served = prepare(self)?;
        let own = served.iter().find(|served| served.candidate.name == wanted.fleet);
        let own = own.ok_or_else(|| idle("it was not planned"))?;
        if let Err(reason) = &own.ways {
            return Err(idle(&reason.to_string()));
        }
        let (own, told) = match own.models.first() {
            Some(first) => (first, "the first replica of the first model"),
            None => (own, "the first replica"),
        };
        let job = job(self, own).ok_or_else(|| idle("nothing of it is simulated request by request"))?;
        let told =
            if matches!(self.spec.mode, Mode::Batch(_)) { "the first replica, flat out" } else { told };
        let window = wanted.window(Some(SimTime::ZERO + SimSpan::from_seconds(job.warm_up)));
        Ok((told, window, job.timeline((self.seed, 0), window, self.cancel)))
    }
}

/// The job that the row of a fleet comes from.
fn job(asked: &Asked<'_>, served: &Served) -> Option<FleetJob> {
    let asked = &Asked { spec: &served.spec, ..*asked };
    let way = served.way()?;
    let spec = serverless::scaled(asked, served, way);
    let asked = &Asked { spec: &spec, ..*asked };
    match &asked.spec.mode {
        Mode::Online => super::job(asked, served, way, None),
        Mode::Batch(_) => {
            let trial = Trial { asked, served, way, units: 1, speed: MIDDLE };
            Some(trial.saturated(trial.sustained(0)))
        }
        Mode::Hybrid(spec) => {
            let (rest, demand) = hybrid::online_part(asked, served, way, spec)?;
            super::job(asked, &rest, way, demand.as_ref())
        }
    }
}
