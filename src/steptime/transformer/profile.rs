//! The fitted coefficients, and what they were fitted to.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;

use crate::steptime::tables::{ProfileError, rows};

use super::components::{COMPONENTS, Level, Target};
use super::job::TransformerJob;
use super::step::Scales;
use super::terms::Term;

const FILE: &str = "assets/profiles/transformer-steps.csv";
const HEADER: &str = "component,key,coefficient,standard_error,rows,residual,devices_low,devices_high";

/// One fitted number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coefficient {
    /// Its value, a logarithm.
    pub value: f64,
    /// Its standard error when the other coefficients are known.
    pub standard_error: f64,
    /// Rows that it explains.
    pub rows: f64,
    /// Root mean square of ln(measured / fitted) of those rows.
    pub residual: f64,
    /// Fewest devices of those rows.
    pub devices_low: f64,
    /// Most devices.
    pub devices_high: f64,
}

#[derive(Deserialize)]
struct Line {
    component: String,
    key: String,
    coefficient: f64,
    standard_error: f64,
    rows: f64,
    residual: f64,
    devices_low: f64,
    devices_high: f64,
}

/// Coefficients by component (in the order of `COMPONENTS`) and key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TransformerProfile {
    by_component: Vec<BTreeMap<String, Coefficient>>,
}

/// What a profile says of a job.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scaling {
    /// Logarithm by which each term is scaled.
    pub terms: Scales,
    /// Logarithm by which the step is scaled.
    pub step: f64,
    /// Variance of each term's logarithm.
    pub term_variances: Scales,
    /// Variance of the step's logarithm.
    pub step_variance: f64,
    /// Most devices on which the software was measured; 0 where it was not.
    pub most_devices: f64,
    /// Rows of the device.
    pub of_device: f64,
    /// Whether the software was measured with each term.
    pub measured: [bool; Term::COUNT],
}

impl TransformerProfile {
    /// The shipped profile.
    ///
    /// # Errors
    /// When the table is not what the program expects.
    pub fn embedded() -> Result<Self, ProfileError> {
        Self::read(FILE, include_str!("../../../assets/profiles/transformer-steps.csv"))
    }

    fn read(file: &'static str, text: &str) -> Result<Self, ProfileError> {
        let names: Vec<String> = COMPONENTS.iter().map(super::components::Component::name).collect();
        let mut profile = Self::new();
        for line in rows::<Line>(file, text)? {
            let Some(index) = names.iter().position(|name| *name == line.component) else {
                return Err(ProfileError::Unknown { file, what: "component", name: line.component });
            };
            let Line {
                key,
                coefficient: value,
                standard_error,
                rows,
                residual,
                devices_low,
                devices_high,
                ..
            } = line;
            let coefficient =
                Coefficient { value, standard_error, rows, residual, devices_low, devices_high };
            profile.by_component[index].insert(key, coefficient);
        }
        Ok(profile)
    }

    pub(super) fn new() -> Self {
        Self { by_component: vec![BTreeMap::new(); COMPONENTS.len()] }
    }

    pub(super) fn insert(&mut self, component: usize, key: String, coefficient: Coefficient) {
        self.by_component[component].insert(key, coefficient);
    }

    /// The table as it ships: what each coefficient scales, its value, standard error and rows.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let mut text = format!("{HEADER}\n");
        for (component, coefficients) in COMPONENTS.iter().zip(&self.by_component) {
            let name = component.name();
            for (key, coefficient) in coefficients {
                let Coefficient { value, standard_error, rows, residual, devices_low, devices_high } =
                    coefficient;
                let key = if key.contains(',') { format!("\"{key}\"") } else { key.clone() };
                // Writing to a string does not fail.
                let _ = writeln!(
                    text,
                    "{name},{key},{value:.5},{standard_error:.5},{rows:.1},{residual:.4},{devices_low},{devices_high}"
                );
            }
        }
        text
    }

    /// Coefficients as (component, key, coefficient), in order.
    pub fn iter(&self) -> impl Iterator<Item = (String, &str, Coefficient)> {
        COMPONENTS.iter().zip(&self.by_component).flat_map(|(component, coefficients)| {
            coefficients.iter().map(|(key, value)| (component.name(), key.as_str(), *value))
        })
    }

    pub(super) fn scaling(&self, job: &TransformerJob<'_>) -> Scaling {
        let none = [0.0; Term::COUNT];
        let mut scaling = Scaling {
            terms: none,
            step: 0.0,
            term_variances: none,
            step_variance: 0.0,
            most_devices: 0.0,
            of_device: 0.0,
            measured: [true; Term::COUNT],
        };
        for (component, coefficients) in COMPONENTS.iter().zip(&self.by_component) {
            let found = coefficients.get(&component.key(job));
            let value = found.map_or(0.0, |found| found.value);
            let deviation = found.map_or(component.deviation, |found| found.standard_error);
            match component.target {
                Target::Term(term) => {
                    if component.levels == [Level::Software] && term.splits_the_model() {
                        scaling.measured[term as usize] = found.is_some();
                    }
                    scaling.terms[term as usize] += value;
                    scaling.term_variances[term as usize] += deviation * deviation;
                }
                Target::Step => {
                    if component.levels == [Level::Accelerator] {
                        scaling.of_device = found.map_or(0.0, |found| found.rows);
                    }
                    if component.levels == [Level::Software] {
                        scaling.most_devices = found.map_or(0.0, |found| found.devices_high);
                    }
                    scaling.step += value;
                    scaling.step_variance += deviation * deviation;
                }
            }
        }
        scaling
    }
}
