//! Iteration times of a replica by a profile.

use crate::catalog::Provenance;
use crate::steptime::tables::ProfileError;

use super::job::ServingJob;
use super::known::ServingKeys;
use super::laws::{ServingLaws, TableScope};
use super::profile::ServingProfile;
use super::table::StepTable;
use super::terms::{ServingScales, ServingTerm};

/// Standard deviation of the logarithm of an iteration's time of devices and models that were measured: that of times per
/// token and of offline rates of pairs that the fit never saw (`assets/profiles/serving-errors.csv`).
const STEP_ERROR: f64 = 0.22;
/// Further deviation of a device or of a model that nothing was measured with (a judgement).
const UNSEEN_ERROR: f64 = 0.15;

/// Iteration times of a replica, ready for a simulation.
#[derive(Clone, Debug)]
pub struct ServingTable {
    /// The times.
    pub table: StepTable,
    /// Seconds of a request before it may be scheduled.
    pub request_s: f64,
    /// Seconds of a request after its last token.
    pub response_s: f64,
    /// Standard deviation of the logarithm of the error of every time.
    pub log_error: f64,
    /// How it is known.
    pub provenance: Provenance,
}

/// Predicts iterations of language models.
#[derive(Clone, Debug)]
pub struct ServingSteps {
    profile: ServingProfile,
}

impl ServingSteps {
    /// By the shipped profile.
    ///
    /// # Errors
    /// When the table is not what the program expects.
    pub fn embedded() -> Result<Self, ProfileError> {
        Ok(Self { profile: ServingProfile::embedded()? })
    }

    /// The logarithms by which the terms of a job are scaled, the whole step's among them.
    #[must_use]
    pub fn scaling(&self, job: &ServingJob<'_>) -> ServingScales {
        let keys = ServingKeys::of(job);
        let mut scaling = self.profile.scaling(&keys);
        let step = self.profile.offset(&keys).step;
        for (index, scale) in scaling.iter_mut().enumerate() {
            if index != ServingTerm::Request as usize {
                *scale += step;
            }
        }
        scaling
    }

    /// The laws of a job.
    #[must_use]
    pub fn laws<'a>(&self, job: &ServingJob<'a>) -> ServingLaws<'a> {
        ServingLaws::new(job, &self.scaling(job))
    }

    /// The iteration times of a job.
    #[must_use]
    pub fn table(&self, job: &ServingJob<'_>, scope: &TableScope) -> ServingTable {
        let laws = self.laws(job);
        let (request_s, response_s) = laws.request();
        let keys = ServingKeys::of(job);
        let (of_device, of_model) = self.profile.support(&keys);
        let unseen = [of_device, of_model].iter().filter(|rows| **rows <= 0.0).count();
        ServingTable {
            table: laws.table(scope, 1.0),
            request_s,
            response_s,
            log_error: (STEP_ERROR * STEP_ERROR + UNSEEN_ERROR * UNSEEN_ERROR * unseen as f64).sqrt(),
            provenance: if unseen == 0 { Provenance::Published } else { Provenance::Extrapolated },
        }
    }
}
