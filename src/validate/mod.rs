//! Floor 8: how wrong the predictions are.
//!
//! Owns observation files, their join with the catalog, the predictions made from their configuration columns alone, and
//! the error report. It must not know scenarios, runs or money. What it predicts never saw the pair of device and model
//! that a row is about, whichever table the row comes from.

mod aliases;
mod configuration;
mod predict;
mod read;
mod report;
mod resolve;
mod score;
mod serving;
mod text;
mod transformers;

use std::path::PathBuf;

use crate::catalog::Catalog;
use crate::steptime::{Observation, ProfileError, StepTimes};

use predict::Predictor;
use score::Scored;

pub use configuration::{Configuration, Counting, Metric, Network, StatedPrecision};
pub use read::{MAX_ROWS, ReadError, Row};
pub use report::{Figures, Group, Report, RowReport};
pub use resolve::Skip;
pub use serving::{LatencyLimit, ServingConfiguration, ServingMetric, ServingScenario, ServingStatistic};
pub use transformers::{FitError, TransformerColumns, TransformerFitted, fit_transformers};

/// Where observations come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ObservationSource {
    /// The table that ships with the program.
    Shipped,
    /// A file of published training rows, as `capplan validate --observations` takes it.
    File(PathBuf),
}

/// Why nothing can be validated.
#[derive(Debug, thiserror::Error)]
pub enum ValidateError {
    /// An observation file is at fault.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The shipped tables do not hold together.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The shipped table of transformers does not.
    #[error(transparent)]
    Fit(#[from] FitError),
}

/// Predicts the rows of every source and compares them with what was published.
///
/// # Errors
/// When a source cannot be read or the shipped tables do not hold together. Rows that cannot be modelled are no error:
/// they are skipped, with a reason, and counted.
pub fn validate(
    catalog: &Catalog,
    steps: &StepTimes,
    sources: &[ObservationSource],
) -> Result<Report, ValidateError> {
    let mut predictor = Predictor::new(catalog, steps)?;
    let mut scored = Vec::new();
    for source in sources {
        match source {
            ObservationSource::Shipped => {
                for row in Observation::shipped()?.iter().map(Row::of_shipped) {
                    scored.push(Scored::of(row, &mut predictor)?);
                }
                for row in read::rows(transformers::SHIPPED, transformers::SHIPPED_TEXT.as_bytes())? {
                    scored.push(Scored::of(row?, &mut predictor)?);
                }
            }
            ObservationSource::File(path) => {
                let file = std::fs::File::open(path)
                    .map_err(|error| ReadError::Open { file: path.display().to_string(), error })?;
                let (name, before) = (path.display().to_string(), scored.len());
                for row in read::rows(&name, file)? {
                    scored.push(Scored::of(row?, &mut predictor)?);
                }
                if scored.len() == before {
                    return Err(ReadError::NoRows { file: name }.into());
                }
            }
        }
    }
    Ok(Report::of(scored))
}
