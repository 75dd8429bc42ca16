//! Served models: family of operations and arithmetic of one sample.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::catalog::{Architecture, Catalog};
use crate::steptime::tables::{ProfileError, rows};

use super::setting::ServedModel;

const FILE: &str = "assets/profiles/serving-models.csv";
/// Arithmetic of a sample of which nothing is known, GFLOP.
const NOMINAL_GFLOPS: f64 = 10.0;

#[derive(Clone, Debug, Deserialize)]
struct Row {
    model: String,
    family: String,
    kin: String,
    gflops: Option<f64>,
}

/// The shipped table of served models.
#[derive(Clone, Debug, Default)]
pub struct ServedFacts {
    models: BTreeMap<String, Row>,
}

impl ServedFacts {
    /// The shipped table.
    ///
    /// # Errors
    /// When the table is not what the program expects.
    pub fn embedded() -> Result<Self, ProfileError> {
        let table: Vec<Row> = rows(FILE, include_str!("../../../assets/profiles/serving-models.csv"))?;
        Ok(Self { models: table.into_iter().map(|row| (row.model.clone(), row)).collect() })
    }

    /// A model of the table or of the catalog; `None` when neither has it.
    #[must_use]
    pub fn model(&self, catalog: &Catalog, id: &str) -> Option<ServedModel> {
        let (own, listed) = (self.models.get(id), catalog.models.get(id));
        if own.is_none() && listed.is_none() {
            return None;
        }
        let family = own.map(|row| row.family.clone());
        let family =
            family.or_else(|| listed.map(|model| family_of(model.architecture, &model.category).to_owned()));
        let stated = own.and_then(|row| row.gflops);
        let counted = listed.map(|model| model.flops_forward.0 / 1e9).filter(|gflops| *gflops > 0.0);
        Some(ServedModel {
            id: id.to_owned(),
            variant: String::new(),
            family: family.unwrap_or_else(|| "other".to_owned()),
            kin: own.map(|row| row.kin.clone()).unwrap_or_default(),
            gflops: stated.or(counted).unwrap_or(NOMINAL_GFLOPS),
        })
    }
}

fn family_of(architecture: Architecture, category: &str) -> &'static str {
    match (architecture.word(), category) {
        (_, "diffusion") => "diffusion",
        ("convolutional", "vision") => "conv",
        ("recurrent", _) => "rnn",
        ("recommender", _) => "rec",
        (word, _) if word.starts_with("transformer") => "tf",
        _ => "other",
    }
}
