//! The fit as it ships: one number per component and key, the pairs that were seen, and the errors of what was not.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Deserialize;

use crate::steptime::tables::{ProfileError, rows};

use super::components::COMPONENTS;
use super::fit::OrdinaryFit;
use super::setting::ServedSetting;

const FILE: &str = "assets/profiles/serving-ordinary.csv";
const HEADER: &str = "# Rates of served ordinary models: ln(samples/s of one device) = offset + sum of multiplier x coefficient over the components of src/steptime/ordinary.\n\
                      # `seen`: rows of a device and a model with a stack. `error`: standard deviation of ln(rate), from rows left out. Written by\n\
                      # `capplan calibrate fit --observations assets/observations/serving-ordinary.csv --out assets/profiles`.\n\
                      component,key,coefficient\n";

/// How much of a configuration was measured, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServedKnowledge {
    /// This model on this device.
    Pair,
    /// Both, not together.
    Both,
    /// The model on other devices.
    Model,
    /// The device with other models.
    Device,
    /// Neither.
    Neither,
}

impl ServedKnowledge {
    const ALL: [(&'static str, Self); 5] = [
        ("pair", Self::Pair),
        ("both", Self::Both),
        ("model", Self::Model),
        ("device", Self::Device),
        ("neither", Self::Neither),
    ];

    fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(word, _)| word)
    }
}

#[derive(Deserialize)]
struct Line {
    component: String,
    key: String,
    coefficient: f64,
}

/// The shipped profile.
#[derive(Clone, Debug, Default)]
pub struct OrdinaryProfile {
    coefficients: Vec<BTreeMap<String, f64>>,
    /// (device, model).
    seen: BTreeSet<(String, String)>,
    errors: BTreeMap<ServedKnowledge, f64>,
}

impl OrdinaryProfile {
    /// The shipped profile.
    ///
    /// # Errors
    /// When the table is not what the program expects.
    pub fn embedded() -> Result<Self, ProfileError> {
        let mut profile = Self { coefficients: vec![BTreeMap::new(); COMPONENTS.len()], ..Self::default() };
        for line in rows::<Line>(FILE, include_str!("../../../assets/profiles/serving-ordinary.csv"))? {
            profile.add(line)?;
        }
        Ok(profile)
    }

    fn add(&mut self, line: Line) -> Result<(), ProfileError> {
        let unknown = |what, name: &str| ProfileError::Unknown { file: FILE, what, name: name.to_owned() };
        match line.component.as_str() {
            "seen" => {
                let (device, model) = line.key.split_once('|').ok_or_else(|| unknown("pair", &line.key))?;
                self.seen.insert((device.to_owned(), model.to_owned()));
            }
            "error" => {
                let kind = ServedKnowledge::ALL.iter().find(|(word, _)| *word == line.key);
                let (_, kind) = kind.ok_or_else(|| unknown("error", &line.key))?;
                self.errors.insert(*kind, line.coefficient);
            }
            name => {
                let index = COMPONENTS.iter().position(|component| component.name == name);
                let index = index.ok_or_else(|| unknown("component", name))?;
                self.coefficients[index].insert(line.key, line.coefficient);
            }
        }
        Ok(())
    }

    /// Samples per second of one device; batch over latency where a latency is asked for.
    pub(super) fn rate(&self, setting: &ServedSetting) -> f64 {
        let factors = setting.factors();
        let term = |(component, known): (&super::components::Component, &BTreeMap<String, f64>)| {
            known.get(&component.key(&factors)).map_or(0.0, |value| component.multiplier(&factors) * value)
        };
        libm::exp(factors.offset + COMPONENTS.iter().zip(&self.coefficients).map(term).sum::<f64>())
    }

    /// What was measured of a model and a device.
    #[must_use]
    pub fn knowledge(&self, device: &str, model: &str) -> ServedKnowledge {
        if self.seen.contains(&(device.to_owned(), model.to_owned())) {
            return ServedKnowledge::Pair;
        }
        let of_device = self.seen.iter().any(|(name, _)| name == device);
        let of_model = self.seen.iter().any(|(_, name)| name == model);
        match (of_device, of_model) {
            (true, true) => ServedKnowledge::Both,
            (false, true) => ServedKnowledge::Model,
            (true, false) => ServedKnowledge::Device,
            (false, false) => ServedKnowledge::Neither,
        }
    }

    /// Standard deviation of ln(rate).
    #[must_use]
    pub fn log_error(&self, knowledge: ServedKnowledge) -> f64 {
        self.errors.get(&knowledge).copied().unwrap_or(1.0)
    }
}

impl OrdinaryFit {
    /// The profile's table, coefficients to six digits.
    ///
    /// # Errors
    /// When the problem has no solution.
    pub fn to_csv(&self) -> Result<String, ProfileError> {
        let mut text = String::from(HEADER);
        // Writing to a string does not fail.
        for (component, key, value) in self.coefficients()? {
            let _ = writeln!(text, "{component},{},{:.5e}", quoted(key), value);
        }
        for (device, model) in self.pairs() {
            let _ = writeln!(text, "seen,{},1", quoted(&format!("{device}|{model}")));
        }
        for (kind, error) in self.errors()? {
            let _ = writeln!(text, "error,{},{error:.3}", kind.word());
        }
        Ok(text)
    }
}

fn quoted(key: &str) -> String {
    if key.contains([',', '"']) { format!("\"{}\"", key.replace('"', "\"\"")) } else { key.to_owned() }
}
