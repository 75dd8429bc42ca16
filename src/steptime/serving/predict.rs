//! Iteration times of a replica by a profile.

use crate::catalog::Provenance;
use crate::steptime::tables::ProfileError;

use super::job::ServingJob;
use super::laws::{ServingLaws, TableScope};
use super::table::StepTable;
use super::terms::{ServingScales, ServingTerm};

/// Standard deviation of the logarithm of an iteration's time where no fit says better.
const UNFITTED_ERROR: f64 = 0.3;

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
#[derive(Clone, Debug, Default)]
pub struct ServingSteps {}

impl ServingSteps {
    /// By the shipped profile.
    ///
    /// # Errors
    /// When the table is not what the program expects.
    pub fn embedded() -> Result<Self, ProfileError> {
        Ok(Self::default())
    }

    /// The logarithms by which the terms of a job are scaled.
    #[must_use]
    pub fn scales(&self, _job: &ServingJob<'_>) -> ServingScales {
        [0.0; ServingTerm::COUNT]
    }

    /// The laws of a job.
    #[must_use]
    pub fn laws<'a>(&self, job: &ServingJob<'a>) -> ServingLaws<'a> {
        ServingLaws::new(job, &self.scales(job))
    }

    /// The iteration times of a job.
    #[must_use]
    pub fn table(&self, job: &ServingJob<'_>, scope: &TableScope) -> ServingTable {
        let laws = self.laws(job);
        let (request_s, response_s) = laws.request();
        ServingTable {
            table: laws.table(scope, 1.0),
            request_s,
            response_s,
            log_error: UNFITTED_ERROR,
            provenance: Provenance::Extrapolated,
        }
    }
}
