//! The shipped tables, made anew from the shipped observations.

use std::collections::BTreeMap;

use crate::catalog::Catalog;

use super::coefficients::Coefficients;
use super::evidence::Seen;
use super::factors::Factors;
use super::observation::Observation;
use super::predict::StepTimes;
use super::regression::Regression;
use super::system::factors;
use super::tables::ProfileError;

/// What `assets/profiles` should hold.
#[derive(Clone, Debug)]
pub struct Refit {
    /// Coefficients of all observations.
    pub coefficients: Coefficients,
    /// What was seen.
    pub seen: Vec<Seen>,
}

impl Refit {
    /// Fits the shipped observations with the facts of a catalog.
    ///
    /// # Errors
    /// When the catalog lacks what an observation names, or the fit has no solution.
    pub fn of_shipped(times: &StepTimes, catalog: &Catalog) -> Result<Self, ProfileError> {
        let observations = Observation::shipped()?;
        let coefficients = Regression::new(times, catalog, &observations)?.fit()?;
        let mut groups: BTreeMap<_, Vec<Measured<'_>>> = BTreeMap::new();
        for row in &observations {
            let factors = factors(times, catalog, row)?;
            let key = (factors.model.clone(), factors.accelerator.clone(), row.stack.clone());
            groups.entry(key).or_default().push((factors, row));
        }
        Ok(Self { coefficients, seen: groups.values().map(|rows| seen(rows)).collect() })
    }

    /// Rows of the shipped coefficient table.
    #[must_use]
    pub fn steps_csv(&self) -> String {
        self.coefficients.to_csv()
    }

    /// Rows of the shipped evidence table.
    ///
    /// # Errors
    /// When a row cannot be written as text.
    pub fn evidence_csv(&self) -> Result<String, ProfileError> {
        let table = |error| ProfileError::Table { file: "training-evidence.csv", error };
        let mut writer = csv::Writer::from_writer(Vec::new());
        for seen in &self.seen {
            writer.serialize(seen).map_err(table)?;
        }
        let bytes = writer.into_inner().map_err(|error| table(csv::Error::from(error.into_error())))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// An observation with its factors.
type Measured<'a> = (Factors, &'a Observation);

fn seen(rows: &[Measured<'_>]) -> Seen {
    let (factors, first) = &rows[0];
    // Ranges are kept to four digits.
    let range = |slope: fn(&Factors) -> f64| {
        let values = || rows.iter().map(|(factors, _)| slope(factors));
        let low = values().fold(f64::INFINITY, f64::min);
        let high = values().fold(f64::NEG_INFINITY, f64::max);
        ((low * 1e4).floor() / 1e4, (high * 1e4).ceil() / 1e4)
    };
    let (latency_low, latency_high) = range(|factors| factors.slopes.latency);
    let (overhead_low, overhead_high) = range(|factors| factors.slopes.overhead);
    let (exchange_low, exchange_high) = range(|factors| factors.slopes.exchange);
    let (work_low, work_high) = range(|factors| factors.slopes.work);
    let (devices_low, devices_high) = range(|factors| factors.slopes.devices);
    let (across_low, across_high) = range(|factors| factors.slopes.across);
    let (hosts_low, hosts_high) = range(|factors| factors.slopes.hosts);
    let (tables_low, tables_high) = range(|factors| factors.slopes.tables);
    let (age_low, age_high) = range(|factors| factors.slopes.age);
    Seen {
        model: factors.model.clone(),
        kin: factors.kin.clone(),
        family: factors.family.to_owned(),
        accelerator: factors.accelerator.clone(),
        generation: factors.generation.clone(),
        stack: first.stack.clone(),
        variant: most(rows, |row| &row.variant),
        task: most(rows, |row| &row.task),
        rows: rows.len() as u64,
        latency_low,
        latency_high,
        overhead_low,
        overhead_high,
        exchange_low,
        exchange_high,
        work_low,
        work_high,
        devices_low,
        devices_high,
        across_low,
        across_high,
        hosts_low,
        hosts_high,
        tables_low,
        tables_high,
        age_low,
        age_high,
    }
}

/// The value that most rows have.
fn most(rows: &[Measured<'_>], value: fn(&Observation) -> &String) -> String {
    let mut counts: BTreeMap<&String, usize> = BTreeMap::new();
    for (_, row) in rows {
        *counts.entry(value(row)).or_default() += 1;
    }
    counts.into_iter().max_by_key(|(_, count)| *count).map_or_else(String::new, |(value, _)| value.clone())
}
