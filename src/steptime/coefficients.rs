//! The fitted table: one number per component and key.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;

use super::components::COMPONENTS;
use super::factors::{COMPUTE_WEIGHT, Factors};
use super::tables::{ProfileError, rows};

const FILE: &str = "assets/profiles/training-steps.csv";

#[derive(Deserialize)]
struct Row {
    component: String,
    key: String,
    coefficient: f64,
}

/// Coefficients by component (in the order of `COMPONENTS`) and key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Coefficients {
    by_component: Vec<BTreeMap<String, f64>>,
}

/// How the rate of a configuration answers to its device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Response {
    /// Correction of ln(rate).
    pub correction: f64,
    /// Growth of ln(rate) per ln(peak).
    pub of_peak: f64,
    /// Growth of ln(rate) per ln(bandwidth).
    pub of_bandwidth: f64,
}

impl Coefficients {
    /// The shipped table.
    ///
    /// # Errors
    /// When the table is not what the program expects.
    pub fn embedded() -> Result<Self, ProfileError> {
        let mut table = Self::new();
        for row in rows::<Row>(FILE, include_str!("../../assets/profiles/training-steps.csv"))? {
            let component = COMPONENTS.iter().position(|component| component.name == row.component);
            let Some(index) = component else {
                return Err(ProfileError::Unknown { file: FILE, what: "component", name: row.component });
            };
            table.by_component[index].insert(row.key, row.coefficient);
        }
        Ok(table)
    }

    pub(super) fn new() -> Self {
        Self { by_component: vec![BTreeMap::new(); COMPONENTS.len()] }
    }

    pub(super) fn insert(&mut self, component: usize, key: String, coefficient: f64) {
        self.by_component[component].insert(key, coefficient);
    }

    /// Rows of the shipped table: component, key, coefficient to six digits.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let mut text = String::from("component,key,coefficient\n");
        for (component, coefficients) in COMPONENTS.iter().zip(&self.by_component) {
            for (key, coefficient) in coefficients {
                let key = if key.contains(',') { format!("\"{key}\"") } else { key.clone() };
                // Writing to a string does not fail.
                let _ = writeln!(text, "{},{key},{}", component.name, six_digits(*coefficient));
            }
        }
        text
    }

    /// Coefficients as (component, key, value), in order.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str, f64)> {
        COMPONENTS.iter().zip(&self.by_component).flat_map(|(component, coefficients)| {
            coefficients.iter().map(|(key, value)| (component.name, key.as_str(), *value))
        })
    }

    pub(super) fn response(&self, factors: &Factors) -> Response {
        let mut response =
            Response { correction: 0.0, of_peak: COMPUTE_WEIGHT, of_bandwidth: 1.0 - COMPUTE_WEIGHT };
        for (component, coefficients) in COMPONENTS.iter().zip(&self.by_component) {
            let Some(coefficient) = coefficients.get(&component.key(factors)) else { continue };
            response.correction += component.multiplier(factors) * coefficient;
            if component.follows_peak() {
                response.of_peak += coefficient;
            }
            if component.follows_ridge() {
                response.of_bandwidth -= coefficient;
            }
        }
        response
    }
}

fn six_digits(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}
