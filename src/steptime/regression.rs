//! The fit of the step-time table, whole or with some pairs of device and model left out.
//!
//! Ridge regression in its primal form: H = ZᵀD⁻¹Z + Λ⁻¹ with rows Z, row variances D and prior variances Λ. Rows that
//! their own measurement, left out, contradicts weigh less: w = 1 / (1 + (r / 0.2)²), one round. A left-out set g needs
//! no further fit: with P = I − D^(-½)·Z·H⁻¹·Zᵀ·D^(-½), its residual is (P_gg)⁻¹·(P·D^(-½)·y)_g (block form of the
//! leave-one-out identity: Allen 1974; Cook and Weisberg 1982, section 3.6). So one factorisation gives every residual of every fold, and
//! only the weighted fit of a fold is solved anew, by conjugate gradients with that factor as preconditioner.
//! Values that are left out are never read.

use crate::catalog::Catalog;

use super::coefficients::Coefficients;
use super::dense::{Cholesky, LANES, dot, lane_dot};
use super::observation::Observation;
use super::predict::StepTimes;
use super::system::{Row, System};
use super::tables::ProfileError;

/// Residual at which a row weighs half.
const ROBUST_SCALE: f64 = 0.2;
/// Conjugate gradients stop when the preconditioned residual has shrunk to this, in the fit that ships …
const TOLERANCE: f64 = 1e-11;
/// … and in those with pairs left out, of which there are hundreds: rates then differ by less than 0.01 %.
const TOLERANCE_LEFT_OUT: f64 = 1e-5;
/// … or after this many rounds.
const MAX_ROUNDS: usize = 500;

/// The regression over one set of observations.
#[derive(Clone, Debug)]
pub struct Regression {
    system: System,
    factor: Cholesky,
    /// D^(-½)·Z·H⁻¹·Zᵀ·D^(-½), row by row: what each row's target moves of each row's fit.
    influence: Vec<f64>,
}

impl Regression {
    /// Prepares the fits of a set of observations.
    ///
    /// # Errors
    /// When an observation names what the catalog lacks, or the problem has no solution.
    pub fn new(
        times: &StepTimes,
        catalog: &Catalog,
        observations: &[Observation],
    ) -> Result<Self, ProfileError> {
        let system = System::of(times, catalog, observations)?;
        let columns = system.columns.len();
        let mut matrix = vec![0.0; columns * columns];
        for column in 0..columns {
            matrix[column * columns + column] = system.penalty(column);
        }
        for row in &system.rows {
            for (i, left) in &row.entries {
                for (j, right) in row.entries.iter().filter(|(j, _)| j <= i) {
                    matrix[i * columns + j] += left * right / row.variance;
                }
            }
        }
        let factor = Cholesky::of(matrix, columns).ok_or(ProfileError::Unsolvable("the normal equations"))?;
        let influence = influence(&system, &factor);
        Ok(Self { system, factor, influence })
    }

    /// Configurations, repeats counted once.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.system.rows.len()
    }

    /// The pairs of device and model that were observed.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.system.pairs.keys().map(|(accelerator, model)| (accelerator.as_str(), model.as_str()))
    }

    /// The coefficients of all rows.
    ///
    /// # Errors
    /// When the problem has no solution.
    pub fn fit(&self) -> Result<Coefficients, ProfileError> {
        self.fit_without(|_, _| false)
    }

    /// The coefficients, fitted without the pairs of device and model (as observed) that `hides` names.
    ///
    /// # Errors
    /// When the problem has no solution.
    pub fn fit_without(&self, hides: impl Fn(&str, &str) -> bool) -> Result<Coefficients, ProfileError> {
        let hidden = self.system.pairs.iter().filter(|((accelerator, model), _)| hides(accelerator, model));
        let excluded: Vec<usize> = hidden.flat_map(|(_, rows)| rows.iter().copied()).collect();
        let weights = self.weights(&excluded)?;
        let mut table = Coefficients::new();
        let tolerance = if excluded.is_empty() { TOLERANCE } else { TOLERANCE_LEFT_OUT };
        for ((component, key), value) in self.system.columns.iter().zip(self.solve(&weights, tolerance)) {
            table.insert(*component, key.clone(), value);
        }
        Ok(table)
    }

    /// The weight of every row; 0 for those excluded.
    fn weights(&self, excluded: &[usize]) -> Result<Vec<f64>, ProfileError> {
        let residuals = Residuals::without(self, excluded)?;
        let mut weights = vec![1.0; self.rows()];
        excluded.iter().for_each(|row| weights[*row] = 0.0);
        for group in &self.system.weight_groups {
            let block: Vec<usize> = group.iter().copied().filter(|row| weights[*row] > 0.0).collect();
            for (row, residual) in block.iter().zip(residuals.of(&block)?) {
                weights[*row] = 1.0 / (1.0 + (residual / ROBUST_SCALE).powi(2));
            }
        }
        Ok(weights)
    }

    /// Solves (ZᵀD⁻¹WZ + Λ⁻¹)·β = ZᵀD⁻¹W·y by conjugate gradients.
    fn solve(&self, weights: &[f64], tolerance: f64) -> Vec<f64> {
        let columns = self.system.columns.len();
        let mut residual = vec![0.0; columns];
        for (row, weight) in self.weighted_rows(weights) {
            row.entries.iter().for_each(|(column, value)| residual[*column] += weight * row.target * value);
        }
        let mut solution = vec![0.0; columns];
        let mut step = residual.clone();
        self.factor.solve(&mut step);
        let mut power = dot(&residual, &step);
        let enough = power * tolerance * tolerance;
        for _ in 0..MAX_ROUNDS {
            if power <= enough {
                break;
            }
            let image = self.apply(&step, weights);
            let length = power / dot(&step, &image);
            for ((x, s), (r, i)) in solution.iter_mut().zip(&step).zip(residual.iter_mut().zip(&image)) {
                *x += length * s;
                *r -= length * i;
            }
            let mut next = residual.clone();
            self.factor.solve(&mut next);
            let new_power = dot(&residual, &next);
            let turn = new_power / power;
            step.iter_mut().zip(next).for_each(|(s, n)| *s = n + turn * *s);
            power = new_power;
        }
        solution
    }

    /// (ZᵀD⁻¹WZ + Λ⁻¹)·`values`.
    fn apply(&self, values: &[f64], weights: &[f64]) -> Vec<f64> {
        let mut image: Vec<f64> =
            values.iter().enumerate().map(|(column, value)| self.system.penalty(column) * value).collect();
        for (row, weight) in self.weighted_rows(weights) {
            let fitted: f64 = row.entries.iter().map(|(column, value)| value * values[*column]).sum();
            row.entries.iter().for_each(|(column, value)| image[*column] += weight * fitted * value);
        }
        image
    }

    fn weighted_rows<'a>(&'a self, weights: &'a [f64]) -> impl Iterator<Item = (&'a Row, f64)> {
        let rows = self.system.rows.iter().zip(weights).filter(|(_, weight)| **weight > 0.0);
        rows.map(|(row, weight)| (row, weight / row.variance))
    }

    /// An element of P.
    fn projection(&self, row: usize, column: usize) -> f64 {
        let own = if row == column { 1.0 } else { 0.0 };
        own - self.influence[row * self.rows() + column]
    }
}

/// Residuals of measurements left out beside an excluded pair.
struct Residuals<'a> {
    regression: &'a Regression,
    /// (P·D^(-½)·y) without the excluded rows.
    scores: Vec<f64>,
    /// For every row, L⁻¹·P_g,row with L·Lᵀ = P_gg of the excluded rows g.
    shadows: Vec<Vec<f64>>,
}

impl<'a> Residuals<'a> {
    fn without(regression: &'a Regression, excluded: &[usize]) -> Result<Self, ProfileError> {
        let count = regression.rows();
        let mut whitened: Vec<f64> =
            regression.system.rows.iter().map(|row| row.target / row.variance.sqrt()).collect();
        // Excluded values are not read, not even to be subtracted again.
        excluded.iter().for_each(|row| whitened[*row] = 0.0);
        let mut scores: Vec<f64> = regression
            .influence
            .chunks_exact(count)
            .zip(&whitened)
            .map(|(influence, own)| own - dot(influence, &whitened))
            .collect();
        let block = regression.block(excluded)?;
        let mut of_excluded: Vec<f64> = excluded.iter().map(|row| scores[*row]).collect();
        block.forward(&mut of_excluded);
        let shadow = |row: usize| {
            let mut shadow: Vec<f64> =
                excluded.iter().map(|other| regression.projection(row, *other)).collect();
            block.forward(&mut shadow);
            shadow
        };
        let shadows: Vec<Vec<f64>> = (0..count).map(shadow).collect();
        for (score, shadow) in scores.iter_mut().zip(&shadows) {
            *score -= dot(shadow, &of_excluded);
        }
        Ok(Self { regression, scores, shadows })
    }

    /// Residuals of a set of rows left out together, in the logarithm.
    fn of(&self, rows: &[usize]) -> Result<Vec<f64>, ProfileError> {
        let size = rows.len();
        let mut matrix = vec![0.0; size * size];
        for (i, row) in rows.iter().enumerate() {
            for (j, other) in rows[..=i].iter().enumerate() {
                let excluded = dot(&self.shadows[*row], &self.shadows[*other]);
                matrix[i * size + j] = self.regression.projection(*row, *other) - excluded;
            }
        }
        let factor = Cholesky::of(matrix, size).ok_or(ProfileError::Unsolvable("a measurement left out"))?;
        let mut residuals: Vec<f64> = rows.iter().map(|row| self.scores[*row]).collect();
        factor.solve(&mut residuals);
        for (residual, row) in residuals.iter_mut().zip(rows) {
            *residual *= self.regression.system.rows[*row].variance.sqrt();
        }
        Ok(residuals)
    }
}

impl Regression {
    /// The factor of P over a set of rows.
    fn block(&self, rows: &[usize]) -> Result<Cholesky, ProfileError> {
        let size = rows.len();
        let mut matrix = vec![0.0; size * size];
        for (i, row) in rows.iter().enumerate() {
            for (j, other) in rows[..=i].iter().enumerate() {
                matrix[i * size + j] = self.projection(*row, *other);
            }
        }
        Cholesky::of(matrix, size).ok_or(ProfileError::Unsolvable("a pair left out"))
    }
}

/// D^(-½)·Z·H⁻¹·Zᵀ·D^(-½) by way of S = L⁻¹·Zᵀ·D^(-½), several rows at a time.
fn influence(system: &System, factor: &Cholesky) -> Vec<f64> {
    let (count, columns) = (system.rows.len(), system.columns.len());
    let blocks: Vec<Vec<[f64; LANES]>> = system
        .rows
        .chunks(LANES)
        .map(|rows| {
            let mut lanes = vec![[0.0; LANES]; columns];
            for (lane, row) in rows.iter().enumerate() {
                row.entries
                    .iter()
                    .for_each(|(column, value)| lanes[*column][lane] = value / row.variance.sqrt());
            }
            factor.forward_lanes(&mut lanes);
            lanes
        })
        .collect();
    let mut influence = vec![0.0; count * count];
    for row in 0..count {
        let single: Vec<f64> = blocks[row / LANES].iter().map(|lanes| lanes[row % LANES]).collect();
        for (block, lanes) in blocks[..=row / LANES].iter().enumerate() {
            for (lane, value) in lane_dot(&single, lanes).into_iter().enumerate() {
                let other = block * LANES + lane;
                if other <= row {
                    influence[row * count + other] = value;
                    influence[other * count + row] = value;
                }
            }
        }
    }
    influence
}
