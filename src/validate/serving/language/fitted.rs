//! The whole fit to the shipped rows, and the tables that it makes.

use std::collections::BTreeMap;
use std::io::Read;

use crate::catalog::Catalog;
use crate::steptime::serving::{ServingFit, ServingProfile, ServingSample};
use crate::validate::serving::{ServingRow, rows};
use crate::validate::transformers::FitError;

use super::{LanguagePredictor, errors, held_out};

/// Rounds of Gauss–Newton: simulated residuals, slopes of closed forms.
const ROUNDS: usize = 4;

/// The coefficients of language models, fitted to the shipped rows.
#[derive(Debug)]
pub struct LanguageFitted {
    profile: ServingProfile,
    samples: Vec<ServingSample>,
    left_out: Vec<f64>,
}

/// How far left-out rows of one sort lie off.
#[derive(Clone, Debug, PartialEq)]
pub struct LeftOut {
    /// Source, sort of figure, or `all`.
    pub name: String,
    /// Rows.
    pub rows: usize,
    /// Median of the errors, per cent.
    pub median: f64,
    /// 90th percentile.
    pub p90: f64,
}

const STEPS_HEADER: &str = "# Serving of language models, format 1: what each coefficient of src/steptime/serving/known.rs scales, its value (a logarithm) and the weight of\n# its rows. Fitted to assets/observations/serving-llm.csv by `capplan calibrate fit`, or CAPPLAN_WRITE_PROFILES=1 cargo test --release shipped::serving_profile -- --ignored\n";
const ERRORS_HEADER: &str = "# How far serving predictions miss rows whose pair of device and model they never saw: by figure, load and harness, the deviation whose 90 % interval\n# holds what it says of the weight groups. Made with serving-steps.csv.\n";

impl LanguageFitted {
    /// Fits the shipped rows.
    ///
    /// # Errors
    /// When a table is not what the program expects, or the problem has no solution.
    pub fn shipped(catalog: &Catalog) -> Result<Self, FitError> {
        let table = held_out::shipped_rows()?;
        Self::fit(catalog, &table)
    }

    /// Fits the rows of language models in a table of serving rows; `None` where it holds none that can be modelled.
    ///
    /// # Errors
    /// When the table cannot be read, or the problem has no solution.
    pub fn of(catalog: &Catalog, file: &str, source: impl Read) -> Result<Option<Self>, FitError> {
        let table = rows(file, source)?.collect::<Result<Vec<ServingRow>, _>>()?;
        let fitted = Self::fit(catalog, &table)?;
        Ok((!fitted.samples.is_empty()).then_some(fitted))
    }

    /// Fits from the datasheets on.
    fn fit(catalog: &Catalog, table: &[ServingRow]) -> Result<Self, FitError> {
        let parts = LanguagePredictor::parts(catalog)?;
        let sources = parts.sources();
        let mut profile = ServingProfile::new();
        for _ in 1..ROUNDS {
            profile = ServingFit::new(&held_out::samples(&sources, &profile, table), &profile)?.profile();
        }
        let samples = held_out::samples(&sources, &profile, table);
        let fit = ServingFit::new(&samples, &profile)?;
        Ok(Self { profile: fit.profile(), left_out: fit.left_out()?, samples })
    }

    /// The tables that ship under `assets/profiles`: their names and texts.
    #[must_use]
    pub fn files(&self) -> [(&'static str, String); 2] {
        let errors = errors::table(&self.samples, &self.left_out);
        [
            ("serving-steps.csv", format!("{STEPS_HEADER}{}", self.profile.to_csv())),
            ("serving-errors.csv", format!("{ERRORS_HEADER}{errors}")),
        ]
    }

    /// Errors of rows whose pair of device and model was left out, by source and by figure.
    #[must_use]
    pub fn left_out(&self) -> Vec<LeftOut> {
        let mut repeats: BTreeMap<&str, f64> = BTreeMap::new();
        for sample in &self.samples {
            *repeats.entry(&sample.weight_group).or_default() += 1.0;
        }
        let mut misses: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
        for (sample, residual) in self.samples.iter().zip(&self.left_out) {
            let source = sample.weight_group.split('|').next().unwrap_or_default();
            let signed = if sample.keys.figure == "rate" { *residual } else { -residual };
            let weight = repeats.get(sample.weight_group.as_str()).map_or(1.0, |count| 1.0 / count);
            let miss = (100.0 * libm::expm1(signed).abs(), weight);
            for name in [source, "all", &sample.keys.figure] {
                misses.entry(name).or_default().push(miss);
            }
        }
        let quantile = |misses: &[(f64, f64)], share: f64| {
            crate::validate::score::weighted_quantile(misses, share).unwrap_or(f64::NAN)
        };
        misses
            .into_iter()
            .map(|(name, misses)| LeftOut {
                name: name.to_owned(),
                rows: misses.len(),
                median: quantile(&misses, 0.5),
                p90: quantile(&misses, 0.9),
            })
            .collect()
    }
}

#[cfg(test)]
mod shipped {
    use super::*;

    #[test]
    #[ignore = "writes the shipped profile anew"]
    fn serving_profile() -> Result<(), FitError> {
        let fitted = LanguageFitted::shipped(&Catalog::read(&[]).unwrap_or_default())?;
        for own in fitted.left_out() {
            println!("{}: {} rows, median {:.1} %, p90 {:.1} %", own.name, own.rows, own.median, own.p90);
        }
        if std::env::var_os("CAPPLAN_WRITE_PROFILES").is_some() {
            for (name, text) in fitted.files() {
                let path = format!("{}/assets/profiles/{name}", env!("CARGO_MANIFEST_DIR"));
                assert!(std::fs::write(path, text).is_ok());
            }
        }
        Ok(())
    }
}
