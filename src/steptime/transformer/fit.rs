//! The fit of the coefficients to published steps, whole or with some jobs left out.
//!
//! Gauss–Newton on ln(step) with a ridge to each component's prior, and weights 1/(1 + (r/0.2)²) against rows that
//! contradict the rest. A fit without some jobs starts from the whole one and converges to the optimum of the rest:
//! the values left out are in no residual.

use std::collections::BTreeMap;

use crate::steptime::dense::Cholesky;
use crate::steptime::tables::ProfileError;

use super::components::{COMPONENTS, Target};
use super::job::TransformerJob;
use super::profile::{Coefficient, TransformerProfile};
use super::step::Scales;
use super::terms::{Term, Terms};

/// Standard deviation of the logarithm of one published step about the fit.
pub(super) const NOISE: f64 = 0.06;
/// Residual at which a row weighs half.
const ROBUST_SCALE: f64 = 0.2;
/// Rows of one weight group count as this many at most.
const COUNTED_REPEATS: f64 = 3.0;
/// Step of the numeric derivatives, in the logarithm of a term.
const DIFFERENCE: f64 = 0.02;
const ROUNDS: usize = 8;
/// Rounds of a fit that starts near its optimum.
const NEAR_ROUNDS: usize = 2;
const CONVERGED: f64 = 1e-3;

/// A published step.
#[derive(Clone, Debug)]
pub struct MeasuredStep<'a> {
    /// The job.
    pub job: TransformerJob<'a>,
    /// Seconds of a step.
    pub seconds: f64,
    /// Rows that count as one measurement.
    pub weight_group: String,
}

#[derive(Clone, Debug)]
struct Row {
    terms: Terms,
    target: f64,
    weight: f64,
    devices: f64,
    /// Columns that scale a term.
    scales: Vec<(Term, usize)>,
    /// Columns that scale the step.
    steps: Vec<usize>,
    pair: (String, String),
}

/// The fit over one set of published steps.
#[derive(Clone, Debug)]
pub struct TransformerFit {
    rows: Vec<Row>,
    /// Component and key of each column.
    columns: Vec<(usize, String)>,
    solution: Vec<f64>,
}

impl TransformerFit {
    /// Fits a set of published steps.
    ///
    /// # Errors
    /// When the problem has no solution.
    pub fn new(measured: &[MeasuredStep<'_>]) -> Result<Self, ProfileError> {
        let mut columns = Vec::new();
        let mut known = BTreeMap::new();
        let mut repeats: BTreeMap<&str, f64> = BTreeMap::new();
        for step in measured {
            *repeats.entry(&step.weight_group).or_default() += 1.0;
        }
        let rows = measured
            .iter()
            .map(|step| {
                let repeats = repeats.get(step.weight_group.as_str()).copied().unwrap_or(1.0);
                row(step, (COUNTED_REPEATS / repeats).min(1.0), &mut known, &mut columns)
            })
            .collect();
        let mut fit = Self { rows, columns, solution: Vec::new() };
        let start = vec![0.0; fit.columns.len()];
        fit.solution = fit.solve(start, &|_, _| false, ROUNDS)?;
        Ok(fit)
    }

    /// The pairs of device and model that were published.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.rows.iter().map(|row| (row.pair.0.as_str(), row.pair.1.as_str()))
    }

    /// The coefficients of all rows.
    #[must_use]
    pub fn profile(&self) -> TransformerProfile {
        self.table(&self.solution, &|_, _| false)
    }

    /// The coefficients fitted without the pairs of device and model that `hides` names.
    ///
    /// # Errors
    /// When the problem has no solution.
    pub fn profile_without(
        &self,
        hides: impl Fn(&str, &str) -> bool,
    ) -> Result<TransformerProfile, ProfileError> {
        if !self.pairs().any(|(device, model)| hides(device, model)) {
            return Ok(self.profile());
        }
        let solution = self.solve(self.solution.clone(), &hides, NEAR_ROUNDS)?;
        Ok(self.table(&solution, &hides))
    }

    /// ln(measured / fitted) of every row.
    #[must_use]
    pub fn residuals(&self) -> Vec<f64> {
        self.rows.iter().map(|row| row.target - row.fitted(&self.solution)).collect()
    }

    /// ln(measured / predicted) of the rows of the pairs of device and model that `hides` names, by the fit of the others.
    ///
    /// # Errors
    /// When the problem has no solution.
    pub fn left_out(&self, hides: impl Fn(&str, &str) -> bool) -> Result<Vec<f64>, ProfileError> {
        let solution = self.solve(self.solution.clone(), &hides, NEAR_ROUNDS)?;
        let hidden = self.rows.iter().filter(|row| hides(&row.pair.0, &row.pair.1));
        Ok(hidden.map(|row| row.target - row.fitted(&solution)).collect())
    }

    fn solve(
        &self,
        mut solution: Vec<f64>,
        hides: &dyn Fn(&str, &str) -> bool,
        rounds: usize,
    ) -> Result<Vec<f64>, ProfileError> {
        let size = self.columns.len();
        for _ in 0..rounds {
            let mut matrix = vec![0.0; size * size];
            let mut right = vec![0.0; size];
            for column in 0..size {
                let penalty = self.penalty(column);
                matrix[column * size + column] = penalty;
                right[column] = -penalty * solution[column];
            }
            for row in self.rows.iter().filter(|row| !hides(&row.pair.0, &row.pair.1)) {
                row.add(&solution, &mut matrix, &mut right);
            }
            let factor = Cholesky::of(matrix, size).ok_or(ProfileError::Unsolvable("transformer steps"))?;
            factor.solve(&mut right);
            let mut greatest: f64 = 0.0;
            for (value, change) in solution.iter_mut().zip(&right) {
                *value += change;
                greatest = greatest.max(change.abs());
            }
            if greatest < CONVERGED {
                break;
            }
        }
        Ok(solution)
    }

    fn penalty(&self, column: usize) -> f64 {
        COMPONENTS[self.columns[column].0].deviation.powi(-2)
    }

    fn table(&self, solution: &[f64], hides: &dyn Fn(&str, &str) -> bool) -> TransformerProfile {
        let size = self.columns.len();
        let mut information: Vec<f64> = (0..size).map(|column| self.penalty(column)).collect();
        let mut support = vec![Support::default(); size];
        for row in self.rows.iter().filter(|row| !hides(&row.pair.0, &row.pair.1)) {
            let (fitted, slopes) = row.slopes(solution);
            for (column, slope) in slopes {
                information[column] += row.weight * slope * slope / (NOISE * NOISE);
                support[column].add(row, row.target - fitted);
            }
        }
        let mut profile = TransformerProfile::new();
        for (column, (component, key)) in self.columns.iter().enumerate() {
            let support = support[column];
            if support.rows <= 0.0 {
                continue;
            }
            let coefficient = Coefficient {
                value: solution[column],
                standard_error: 1.0 / information[column].sqrt(),
                rows: support.rows,
                residual: (support.squares / support.rows).sqrt(),
                devices_low: support.devices_low,
                devices_high: support.devices_high,
            };
            profile.insert(*component, key.clone(), coefficient);
        }
        profile
    }
}

/// The rows behind a coefficient.
#[derive(Clone, Copy, Debug)]
struct Support {
    rows: f64,
    squares: f64,
    devices_low: f64,
    devices_high: f64,
}

impl Default for Support {
    fn default() -> Self {
        Self { rows: 0.0, squares: 0.0, devices_low: f64::INFINITY, devices_high: 0.0 }
    }
}

impl Support {
    fn add(&mut self, row: &Row, residual: f64) {
        self.rows += row.weight;
        self.squares += row.weight * residual * residual;
        self.devices_low = self.devices_low.min(row.devices);
        self.devices_high = self.devices_high.max(row.devices);
    }
}

fn row(
    step: &MeasuredStep<'_>,
    weight: f64,
    known: &mut BTreeMap<(usize, String), usize>,
    columns: &mut Vec<(usize, String)>,
) -> Row {
    let terms = Terms::of(&step.job);
    let (mut scales, mut steps) = (Vec::new(), Vec::new());
    for (index, component) in COMPONENTS.iter().enumerate() {
        if let Target::Term(term) = component.target
            && terms.seconds[term as usize] <= 0.0
        {
            continue;
        }
        let column = *known.entry((index, component.key(&step.job))).or_insert_with_key(|key| {
            columns.push(key.clone());
            columns.len() - 1
        });
        match component.target {
            Target::Term(term) => scales.push((term, column)),
            Target::Step => steps.push(column),
        }
    }
    let pair = (step.job.accelerator.name.clone(), step.job.model.to_owned());
    let devices = step.job.layout.devices() as f64;
    Row { terms, target: libm::log(step.seconds), weight, devices, scales, steps, pair }
}

impl Row {
    fn scales(&self, solution: &[f64]) -> Scales {
        let mut scales = [0.0; Term::COUNT];
        for (term, column) in &self.scales {
            scales[*term as usize] += solution[*column];
        }
        scales
    }

    fn fitted(&self, solution: &[f64]) -> f64 {
        let step: f64 = self.steps.iter().map(|column| solution[*column]).sum();
        step + libm::log(self.terms.step(&self.scales(solution)).total())
    }

    /// The fitted ln(step), and its derivative by each column.
    fn slopes(&self, solution: &[f64]) -> (f64, Vec<(usize, f64)>) {
        let scales = self.scales(solution);
        let base = libm::log(self.terms.step(&scales).total());
        let mut slopes: Vec<(usize, f64)> = self.steps.iter().map(|column| (*column, 1.0)).collect();
        let mut last: Option<(Term, f64)> = None;
        for (term, column) in &self.scales {
            let slope = match last {
                Some((known, slope)) if known == *term => slope,
                _ => {
                    let mut moved = scales;
                    moved[*term as usize] += DIFFERENCE;
                    (libm::log(self.terms.step(&moved).total()) - base) / DIFFERENCE
                }
            };
            last = Some((*term, slope));
            slopes.push((*column, slope));
        }
        let step: f64 = self.steps.iter().map(|column| solution[*column]).sum();
        (step + base, slopes)
    }

    /// Adds the row's part of the normal equations.
    fn add(&self, solution: &[f64], matrix: &mut [f64], right: &mut [f64]) {
        let size = right.len();
        let (fitted, slopes) = self.slopes(solution);
        let residual = self.target - fitted;
        let weight = self.weight / (1.0 + (residual / ROBUST_SCALE).powi(2)) / (NOISE * NOISE);
        for (column, slope) in &slopes {
            right[*column] += weight * slope * residual;
            for (other, of_other) in slopes.iter().filter(|(other, _)| other <= column) {
                matrix[column * size + other] += weight * slope * of_other;
            }
        }
    }
}
