//! The fit of the coefficients to published figures, whole or with some pairs of device and model left out.
//!
//! Gauss–Newton about a profile: the figures are made of terms in closed form, their logarithms are linear enough in the
//! logarithms of the terms near it. A ridge draws every coefficient to its prior, weights 1/(1 + (r/0.25)²) count rows
//! less that contradict the rest, and rows of one weight group count as three at most.

use std::collections::BTreeMap;

use crate::steptime::dense::Cholesky;
use crate::steptime::tables::ProfileError;

use super::known::{COMPONENTS, ServingKeys, Target};
use super::profile::{ServingCoefficient, ServingProfile};
use super::terms::ServingScales;

/// Standard deviation of the logarithm of one published figure about the fit.
const NOISE: f64 = 0.09;
/// Residual at which a row weighs half.
const ROBUST_SCALE: f64 = 0.25;
/// Rows of one weight group count as this many at most.
const COUNTED_REPEATS: f64 = 3.0;
/// Rounds of weighing rows anew.
const ROUNDS: usize = 6;
/// Derivatives smaller than this say nothing.
const NO_SLOPE: f64 = 1e-4;

/// A published figure beside what a profile expects of it.
#[derive(Clone, Debug)]
pub struct ServingSample {
    /// What it is known by.
    pub keys: ServingKeys,
    /// ln(measured / made of scaled terms), as times: no offset is in it.
    pub residual: f64,
    /// Derivatives by the logarithm of each term.
    pub slopes: ServingScales,
    /// Whether it is a limit that the figure was tuned to, and the physical figure over it, a logarithm.
    pub limit: Option<f64>,
    /// Rows that count as one measurement.
    pub weight_group: String,
}

#[derive(Clone, Debug)]
struct Row {
    columns: Vec<(usize, f64)>,
    target: f64,
    weight: f64,
    pair: (String, String),
}

/// The fit over one set of figures.
#[derive(Clone, Debug)]
pub struct ServingFit {
    rows: Vec<Row>,
    columns: Vec<(usize, String)>,
    solution: Vec<f64>,
    /// Normal matrix (its lower triangle) and right side of the whole solution.
    matrix: Vec<f64>,
    right: Vec<f64>,
    weights: Vec<f64>,
}

impl ServingFit {
    /// Fits samples that were taken about a profile.
    ///
    /// # Errors
    /// When the problem has no solution.
    pub fn new(samples: &[ServingSample], about: &ServingProfile) -> Result<Self, ProfileError> {
        let mut repeats: BTreeMap<&str, f64> = BTreeMap::new();
        for sample in samples {
            *repeats.entry(&sample.weight_group).or_default() += 1.0;
        }
        let mut columns = Vec::new();
        let mut known = BTreeMap::new();
        let rows = samples
            .iter()
            .map(|sample| {
                let repeats = repeats.get(sample.weight_group.as_str()).copied().unwrap_or(1.0);
                row(sample, (COUNTED_REPEATS / repeats).min(1.0), about, &mut known, &mut columns)
            })
            .collect::<Vec<Row>>();
        let size = columns.len();
        let mut fit = Self {
            weights: vec![0.0; rows.len()],
            rows,
            columns,
            solution: vec![0.0; size],
            matrix: Vec::new(),
            right: Vec::new(),
        };
        for _ in 0..ROUNDS {
            fit.weigh();
            fit.gather();
            let mut solution = fit.right.clone();
            solved(fit.matrix.clone(), size)?.solve(&mut solution);
            fit.solution = solution;
        }
        Ok(fit)
    }

    fn weigh(&mut self) {
        for (row, weight) in self.rows.iter().zip(&mut self.weights) {
            let residual = row.target - row.fitted(&self.solution);
            *weight = row.weight / (1.0 + (residual / ROBUST_SCALE).powi(2)) / (NOISE * NOISE);
        }
    }

    fn gather(&mut self) {
        let size = self.columns.len();
        self.matrix = vec![0.0; size * size];
        self.right = vec![0.0; size];
        for (column, (component, _)) in self.columns.iter().enumerate() {
            self.matrix[column * size + column] = COMPONENTS[*component].deviation.powi(-2);
        }
        for (row, weight) in self.rows.iter().zip(&self.weights) {
            row.add(*weight, &mut self.matrix, &mut self.right);
        }
    }

    /// The pairs of device and model that were published.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.rows.iter().map(|row| (row.pair.0.as_str(), row.pair.1.as_str()))
    }

    /// The coefficients of all rows.
    #[must_use]
    pub fn profile(&self) -> ServingProfile {
        self.table(&self.solution, None)
    }

    fn without(&self, pair: (&str, &str)) -> Result<Vec<f64>, ProfileError> {
        let (mut matrix, mut right) = (self.matrix.clone(), self.right.clone());
        for (row, weight) in self.rows.iter().zip(&self.weights).filter(|(row, _)| row.is(pair)) {
            row.add(-weight, &mut matrix, &mut right);
        }
        solved(matrix, self.columns.len())?.solve(&mut right);
        Ok(right)
    }

    /// The coefficients fitted without a pair of device and model.
    ///
    /// # Errors
    /// When the problem has no solution.
    pub fn profile_without(&self, accelerator: &str, model: &str) -> Result<ServingProfile, ProfileError> {
        let pair = (accelerator, model);
        if !self.rows.iter().any(|row| row.is(pair)) {
            return Ok(self.profile());
        }
        Ok(self.table(&self.without(pair)?, Some(pair)))
    }

    /// ln(measured / predicted) of every row, each by the fit without its pair.
    ///
    /// # Errors
    /// When a problem has no solution.
    pub fn left_out(&self) -> Result<Vec<f64>, ProfileError> {
        let pairs: std::collections::BTreeSet<(&str, &str)> = self.pairs().collect();
        let mut residuals = vec![0.0; self.rows.len()];
        for pair in pairs {
            let solution = self.without(pair)?;
            for (row, residual) in self.rows.iter().zip(&mut residuals).filter(|(row, _)| row.is(pair)) {
                *residual = row.target - row.fitted(&solution);
            }
        }
        Ok(residuals)
    }

    fn table(&self, solution: &[f64], hidden: Option<(&str, &str)>) -> ServingProfile {
        let mut support = vec![0.0; self.columns.len()];
        for row in self.rows.iter().filter(|row| hidden.is_none_or(|pair| !row.is(pair))) {
            for (column, _) in &row.columns {
                support[*column] += row.weight;
            }
        }
        let mut profile = ServingProfile::new();
        for (column, (component, key)) in self.columns.iter().enumerate() {
            if support[column] > 0.0 {
                let coefficient = ServingCoefficient { value: solution[column], rows: support[column] };
                profile.insert(*component, key.clone(), coefficient);
            }
        }
        profile
    }
}

fn solved(matrix: Vec<f64>, size: usize) -> Result<Cholesky, ProfileError> {
    Cholesky::of(matrix, size).ok_or(ProfileError::Unsolvable("serving steps"))
}

fn row(
    sample: &ServingSample,
    weight: f64,
    about: &ServingProfile,
    known: &mut BTreeMap<(usize, String), usize>,
    columns: &mut Vec<(usize, String)>,
) -> Row {
    let mut own = Vec::new();
    let mut target = sample.residual;
    for (index, component) in COMPONENTS.iter().enumerate() {
        let slope = match component.target {
            Target::Term(term) => sample.slopes[term as usize],
            Target::Step => f64::from(u8::from(sample.limit.is_none())),
            Target::Figure => 1.0,
            Target::Limit => sample.limit.unwrap_or(0.0),
            Target::Tuned => f64::from(u8::from(sample.limit.is_some())),
        };
        let Some(key) = component.key(&sample.keys).filter(|_| slope.abs() > NO_SLOPE) else { continue };
        // The residual is that about the profile: its part comes back, so that coefficients are whole.
        if matches!(component.target, Target::Term(_)) {
            target += slope * about.value(index, &key);
        }
        let column = *known.entry((index, key)).or_insert_with_key(|key| {
            columns.push(key.clone());
            columns.len() - 1
        });
        own.push((column, slope));
    }
    let pair = (sample.keys.accelerator.clone(), sample.keys.model.clone());
    Row { columns: own, target, weight, pair }
}

impl Row {
    fn is(&self, pair: (&str, &str)) -> bool {
        self.pair.0 == pair.0 && self.pair.1 == pair.1
    }

    fn fitted(&self, solution: &[f64]) -> f64 {
        self.columns.iter().map(|(column, slope)| slope * solution[*column]).sum()
    }

    /// Adds the row's part of the normal equations.
    fn add(&self, weight: f64, matrix: &mut [f64], right: &mut [f64]) {
        let size = right.len();
        for (column, slope) in &self.columns {
            right[*column] += weight * slope * self.target;
            for (other, of_other) in self.columns.iter().filter(|(other, _)| other <= column) {
                matrix[column * size + other] += weight * slope * of_other;
            }
        }
    }
}
