//! Floor 8: how wrong the predictions are.
//!
//! Owns observation files, their join with the catalog, the predictions made from their configuration columns alone, and
//! the error report; and measured profiles held against their machine. Its tables must not know scenarios, runs or money. What it predicts never saw the pair of device and model
//! that a row is about, whichever table the row comes from.

mod aliases;
mod configuration;
mod predict;
mod read;
mod report;
mod resolve;
mod score;
mod serving;
mod table;
mod text;
mod transformers;
#[cfg(feature = "calibrate")]
mod verify;

use std::io::Read;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use crate::catalog::Catalog;
use crate::steptime::{Observation, ProfileError, StepTimes};

use predict::Predictor;
use score::Scored;
use serving::{ServingPredictor, ServingRow};

pub use configuration::{Configuration, Counting, Metric, Network, StatedPrecision};
pub use read::{Row, Schema};
pub use report::{Figures, Group, Report, RowReport};
pub use resolve::Skip;
pub use serving::{
    LanguageFitted, LatencyLimit, LeftOut, ServingConfiguration, ServingMetric, ServingScenario,
    ServingStatistic, fit_served, fit_served_shipped,
};
pub use table::{MAX_ROWS, ReadError};
pub use transformers::{FitError, TransformerColumns, TransformerFitted, fit_transformers};
#[cfg(feature = "calibrate")]
pub use verify::{JobCheck, SizeCheck, Verification, VerifyError, check_sizes, held_out, predict_job};

/// Where observations come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ObservationSource {
    /// The training tables that ship with the program.
    Shipped,
    /// The serving table that ships with the program.
    ShippedServing,
    /// A file of published rows, whose header says of which schema it is.
    File(PathBuf),
    /// A file of published rows of a schema.
    FileOf(PathBuf, Schema),
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
    let mut scores = Scores { catalog, steps, training: None, serving: None, scored: Vec::new() };
    for source in sources {
        match source {
            ObservationSource::Shipped => scores.shipped()?,
            ObservationSource::ShippedServing => {
                scores.serve(serving::SHIPPED, serving::SHIPPED_TEXT.as_bytes())?;
            }
            ObservationSource::File(path) => {
                scores.file(path, schema_of(path)?)?;
            }
            ObservationSource::FileOf(path, schema) => scores.file(path, *schema)?,
        }
    }
    Ok(Report::of(scores.scored))
}

/// The schema of a file's rows, by its header.
///
/// # Errors
/// When it cannot be opened or has no header.
pub fn schema_of(path: &Path) -> Result<Schema, ReadError> {
    read::schema(&path.display().to_string(), opened(path)?)
}

fn opened(path: &Path) -> Result<std::fs::File, ReadError> {
    std::fs::File::open(path).map_err(|error| ReadError::Open { file: path.display().to_string(), error })
}

/// Rows scored so far, and what predicts them, made when first needed.
struct Scores<'a> {
    catalog: &'a Catalog,
    steps: &'a StepTimes,
    training: Option<Predictor<'a>>,
    serving: Option<ServingPredictor>,
    scored: Vec<Scored>,
}

impl<'a> Scores<'a> {
    fn shipped(&mut self) -> Result<(), ValidateError> {
        for row in Observation::shipped()?.iter().map(Row::of_shipped) {
            self.train(row)?;
        }
        for row in read::rows(transformers::SHIPPED, transformers::SHIPPED_TEXT.as_bytes())? {
            self.train(row?)?;
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, schema: Schema) -> Result<(), ValidateError> {
        let (name, before) = (path.display().to_string(), self.scored.len());
        match schema {
            Schema::Training => {
                read::not_serving(&name, opened(path)?)?;
                for row in read::rows(&name, opened(path)?)? {
                    self.train(row?)?;
                }
            }
            Schema::Inference => self.serve(&name, opened(path)?)?,
        }
        if self.scored.len() == before {
            return Err(ReadError::NoRows { file: name }.into());
        }
        Ok(())
    }

    fn train(&mut self, row: Row) -> Result<(), ValidateError> {
        let predictor = match &mut self.training {
            Some(predictor) => predictor,
            empty => empty.insert(Predictor::new(self.catalog, self.steps)?),
        };
        self.scored.push(Scored::of(row, predictor)?);
        Ok(())
    }

    fn serve(&mut self, name: &str, source: impl Read) -> Result<(), ValidateError> {
        let rows = serving::rows(name, source)?.collect::<Result<Vec<ServingRow>, ReadError>>()?;
        let predictor = match &mut self.serving {
            Some(predictor) => predictor,
            empty => empty.insert(ServingPredictor::new(self.catalog)?),
        };
        let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        self.scored.extend(serving::scored(rows, predictor, threads));
        Ok(())
    }
}
