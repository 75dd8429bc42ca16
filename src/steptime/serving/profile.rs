//! The fitted coefficients, and what they say of a replica.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;

use crate::steptime::tables::{ProfileError, rows};

use super::known::{COMPONENTS, Component, ServingKeys, Target};
use super::terms::{ServingScales, ServingTerm};

const FILE: &str = "assets/profiles/serving-steps.csv";
const HEADER: &str = "component,key,coefficient,rows";

#[derive(Deserialize)]
struct Line {
    component: String,
    key: String,
    coefficient: f64,
    rows: f64,
}

/// One fitted number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ServingCoefficient {
    /// Its value, a logarithm.
    pub value: f64,
    /// Weight of the rows that it explains.
    pub rows: f64,
}

/// Coefficients by component (in the order of the components) and key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServingProfile {
    by_component: Vec<BTreeMap<String, ServingCoefficient>>,
}

/// What a profile adds to the logarithm of a figure.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ServingOffset {
    /// To every time of the replica.
    pub step: f64,
    /// To the sort of figure.
    pub figure: f64,
    /// Weight of the physical figure beside a limit.
    pub limit: f64,
    /// To a figure of a run that was tuned to a limit.
    pub tuned: f64,
}

impl ServingProfile {
    /// The shipped profile.
    ///
    /// # Errors
    /// When the table is not what the program expects.
    pub fn embedded() -> Result<Self, ProfileError> {
        let names: Vec<String> = COMPONENTS.iter().map(Component::name).collect();
        let mut profile = Self::new();
        for line in rows::<Line>(FILE, include_str!("../../../assets/profiles/serving-steps.csv"))? {
            let Some(index) = names.iter().position(|name| *name == line.component) else {
                return Err(ProfileError::Unknown { file: FILE, what: "component", name: line.component });
            };
            let coefficient = ServingCoefficient { value: line.coefficient, rows: line.rows };
            profile.by_component[index].insert(line.key, coefficient);
        }
        Ok(profile)
    }

    /// A profile without coefficients: the datasheet and the kernel efficiencies.
    #[must_use]
    pub fn new() -> Self {
        Self { by_component: vec![BTreeMap::new(); COMPONENTS.len()] }
    }

    pub(super) fn insert(&mut self, component: usize, key: String, coefficient: ServingCoefficient) {
        self.by_component[component].insert(key, coefficient);
    }

    pub(super) fn value(&self, component: usize, key: &str) -> f64 {
        self.by_component[component].get(key).map_or(0.0, |found| found.value)
    }

    /// The table as it ships.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let mut text = format!("{HEADER}\n");
        for (component, coefficients) in COMPONENTS.iter().zip(&self.by_component) {
            let name = component.name();
            for (key, ServingCoefficient { value, rows }) in coefficients {
                // Writing to a string does not fail.
                let _ = writeln!(text, "{name},\"{key}\",{value:.5},{rows:.2}");
            }
        }
        text
    }

    /// Weight of the rows behind a device and behind a model; 0 where nothing was measured with it.
    #[must_use]
    pub fn support(&self, keys: &ServingKeys) -> (f64, f64) {
        let of = |name: &str, key: &str| {
            let index = COMPONENTS.iter().position(|component| component.name() == name);
            index.and_then(|index| self.by_component[index].get(key)).map_or(0.0, |found| found.rows)
        };
        (of("step.accelerator", &keys.accelerator), of("step.model", &keys.model))
    }

    /// The logarithms that scale terms.
    #[must_use]
    pub fn scaling(&self, keys: &ServingKeys) -> ServingScales {
        let mut scaling = [0.0; ServingTerm::COUNT];
        for (index, component) in COMPONENTS.iter().enumerate() {
            let Some(key) = component.key(keys) else { continue };
            match component.target {
                Target::Term(term) => scaling[term as usize] += self.value(index, &key),
                Target::Step | Target::Figure | Target::Limit | Target::Tuned => {}
            }
        }
        scaling
    }

    /// What is added to the logarithm of a figure.
    #[must_use]
    pub fn offset(&self, keys: &ServingKeys) -> ServingOffset {
        let mut offset = ServingOffset::default();
        for (index, component) in COMPONENTS.iter().enumerate() {
            let Some(key) = component.key(keys) else { continue };
            match component.target {
                Target::Step => offset.step += self.value(index, &key),
                Target::Figure => offset.figure += self.value(index, &key),
                Target::Limit => offset.limit += self.value(index, &key),
                Target::Tuned => offset.tuned += self.value(index, &key),
                Target::Term(_) => {}
            }
        }
        offset
    }
}
