//! Published training rates, as the regression reads them.

use serde::Deserialize;

use crate::catalog::Catalog;

use super::factors::Setting;
use super::subject::Arithmetic;
use super::tables::{ProfileError, rows};

const FILE: &str = "assets/observations/training.csv";

/// One published rate with its configuration.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Observation {
    /// Name of the row.
    pub id: String,
    /// Where it was published.
    pub source: String,
    /// When.
    pub source_date: String,
    /// Field: `vision`, `nlp`, `recsys`.
    pub category: String,
    /// Catalog id of the model.
    pub model: String,
    /// Variant of the model as published, in lower case.
    pub variant: String,
    /// Catalog name of the device.
    pub accelerator: String,
    /// Devices that worked together.
    pub count: u64,
    /// Devices of a host among them.
    pub per_host: u64,
    /// Fabric between those.
    pub fabric: String,
    /// Bytes per second of a host's cards, where they are known.
    pub card: Option<f64>,
    /// Software stack.
    pub stack: String,
    /// Units used.
    pub precision: Arithmetic,
    /// Task, where the model has several.
    pub task: String,
    /// Year of the benchmark round.
    pub year: Option<f64>,
    /// Devices that shared each micro-batch.
    pub sharing: f64,
    /// Samples of one device in one micro-step.
    pub micro_batch: f64,
    /// Micro-steps of a step.
    pub accumulation: f64,
    /// Tokens of a sample where they differ from the model file's.
    pub sequence: Option<f64>,
    /// Samples per second of one device: the value that is predicted.
    pub samples_per_s: f64,
    /// Rows of one group count as one measurement.
    pub weight_group: String,
}

impl Observation {
    /// The rows that ship with the program.
    ///
    /// # Errors
    /// When the table is not what the program expects.
    pub fn shipped() -> Result<Vec<Self>, ProfileError> {
        rows(FILE, include_str!("../../assets/observations/training.csv"))
    }

    /// The configuration alone.
    ///
    /// # Errors
    /// When the catalog lacks the model or the device.
    pub fn setting<'a>(&'a self, catalog: &'a Catalog) -> Result<Setting<'a>, ProfileError> {
        let unknown = |what, name: &String| ProfileError::Unknown { file: FILE, what, name: name.clone() };
        Ok(Setting {
            model: catalog.models.get(&self.model).ok_or_else(|| unknown("model", &self.model))?,
            accelerator: catalog
                .accelerators
                .get(&self.accelerator)
                .ok_or_else(|| unknown("accelerator", &self.accelerator))?,
            stack: &self.stack,
            variant: &self.variant,
            task: &self.task,
            arithmetic: self.precision,
            fabric: &self.fabric,
            devices: self.per_host,
            hosts: self.count.div_ceil(self.per_host.max(1)),
            card: self.card,
            sharing: self.sharing,
            year: self.year,
            micro_batch: self.micro_batch,
            accumulation: self.accumulation,
            sequence: self.sequence,
        })
    }
}
