//! Linear least squares: small problems by orthogonalisation, wide ones with a ridge by refined normal
//! equations.

use thiserror::Error;

/// Why a linear problem has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SolveError {
    /// The parts of the problem do not fit together.
    #[error("{what}: {have} given, {need} needed")]
    Shape {
        /// Which part.
        what: &'static str,
        /// Its length.
        have: usize,
        /// The length needed.
        need: usize,
    },
    /// A column is zero or depends on those before it.
    #[error("column {column} depends on the columns before it")]
    Singular {
        /// The column, from 0.
        column: usize,
    },
    /// A number is infinite or not a number, or a weight or penalty is negative.
    #[error("the problem holds a number that is not finite, or a negative weight or penalty")]
    NotFinite,
}

/// The rows of a regression: one row per observation, one column per regressor.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Design {
    columns: usize,
    values: Vec<f64>,
}

impl Design {
    /// No rows yet, of `columns` regressors each.
    #[must_use]
    pub fn new(columns: usize) -> Self {
        Self { columns, values: Vec::new() }
    }

    /// Adds an observation.
    ///
    /// # Errors
    /// A row of another length.
    pub fn push(&mut self, row: &[f64]) -> Result<(), SolveError> {
        check_length("values in a row", row.len(), self.columns)?;
        self.values.extend_from_slice(row);
        Ok(())
    }

    /// Regressors.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Observations, in the order in which they were added.
    pub fn rows(&self) -> std::slice::ChunksExact<'_, f64> {
        self.values.chunks_exact(self.columns.max(1))
    }
}

/// The coefficients β that minimise Σ wᵢ(yᵢ − xᵢ·β)² + Σ λⱼβⱼ².
///
/// Normal equations on columns scaled to unit length, Cholesky, then two rounds of refinement with residuals
/// taken from the rows themselves, which recovers most of the digits that squaring the condition number costs
/// (Björck 1996, section 6.6). A zero in a row costs nothing, so indicator columns are cheap.
///
/// # Errors
/// Lengths that do not match, numbers that are not finite, negative weights or penalties, or a column without
/// a penalty that the others determine.
pub fn solve_ridge(
    design: &Design,
    targets: &[f64],
    weights: &[f64],
    penalties: &[f64],
) -> Result<Vec<f64>, SolveError> {
    check_problem(design, targets, weights, penalties)?;
    let columns = design.columns;
    let mut gram = gram(design, weights);
    for (column, penalty) in penalties.iter().enumerate() {
        gram[column * columns + column] += penalty;
    }
    let factor = Cholesky::of(gram, columns)?;
    let mut coefficients = vec![0.0; columns];
    // The first round solves from zero, the others refine.
    for _ in 0..3 {
        let mut slope = gradient(design, targets, weights, penalties, &coefficients);
        factor.solve(&mut slope);
        for (coefficient, step) in coefficients.iter_mut().zip(slope) {
            *coefficient += step;
        }
    }
    Ok(coefficients)
}

/// The coefficients that minimise the sum of squares of `targets − Σ βⱼ·columnsⱼ`, by modified Gram-Schmidt
/// with the targets as a last column (Björck 1967), which is as accurate as Householder's method.
///
/// # Errors
/// Columns of different length, or one that depends on those before it.
pub fn least_squares(columns: &[Vec<f64>], targets: &[f64]) -> Result<Vec<f64>, SolveError> {
    let mut basis = columns.to_vec();
    let mut rest = targets.to_vec();
    let count = basis.len();
    let mut upper = vec![vec![0.0; count + 1]; count];
    for k in 0..count {
        check_length("values in a column", basis[k].len(), targets.len())?;
        let (done, later) = basis.split_at_mut(k + 1);
        let current = &mut done[k];
        let before = dot(&columns[k], &columns[k]).sqrt();
        let length = dot(current, current).sqrt();
        // What is left of a dependent column is rounding.
        if length.is_nan() || length <= 1e-13 * before {
            return Err(SolveError::Singular { column: k });
        }
        current.iter_mut().for_each(|value| *value /= length);
        upper[k][k] = length;
        for (j, other) in later.iter_mut().chain([&mut rest]).enumerate() {
            let share = dot(current, other);
            upper[k][k + 1 + j] = share;
            add_scaled(other, -share, current);
        }
    }
    let mut coefficients = vec![0.0; count];
    for k in (0..count).rev() {
        let known = dot(&upper[k][k + 1..count], &coefficients[k + 1..]);
        coefficients[k] = (upper[k][count] - known) / upper[k][k];
    }
    Ok(coefficients)
}

/// Least squares with coefficients that must not be negative: the best of all subsets of columns whose
/// unconstrained solution is not negative. The problem is convex, so that is the optimum; meant for four
/// columns or fewer.
///
/// # Errors
/// No subset has a solution.
pub(super) fn nonnegative_least_squares(
    columns: &[Vec<f64>],
    targets: &[f64],
) -> Result<Vec<f64>, SolveError> {
    let mut best: Option<(f64, Vec<f64>)> = None;
    for subset in 1u32..1 << columns.len() {
        let chosen: Vec<usize> = (0..columns.len()).filter(|j| subset >> j & 1 == 1).collect();
        let part: Vec<Vec<f64>> = chosen.iter().map(|&j| columns[j].clone()).collect();
        let Ok(solution) = least_squares(&part, targets) else {
            continue;
        };
        if solution.iter().any(|coefficient| *coefficient < 0.0) {
            continue;
        }
        let mut rest = targets.to_vec();
        let mut coefficients = vec![0.0; columns.len()];
        for (&j, coefficient) in chosen.iter().zip(solution) {
            add_scaled(&mut rest, -coefficient, &columns[j]);
            coefficients[j] = coefficient;
        }
        let error = dot(&rest, &rest);
        if best.as_ref().is_none_or(|(least, _)| error < *least) {
            best = Some((error, coefficients));
        }
    }
    best.map(|(_, coefficients)| coefficients).ok_or(SolveError::Singular { column: 0 })
}

/// The upper triangle of XᵀWX, four rows at a time so that the triangle is walked a quarter as often.
fn gram(design: &Design, weights: &[f64]) -> Vec<f64> {
    const BLOCK: usize = 4;
    let columns = design.columns;
    let mut gram = vec![0.0; columns * columns];
    let zeros = vec![0.0; columns];
    let rows: Vec<&[f64]> = design.rows().collect();
    for (rows, weights) in rows.chunks(BLOCK).zip(weights.chunks(BLOCK)) {
        let row = |i: usize| rows.get(i).copied().unwrap_or(&zeros);
        let weight = |i: usize| weights.get(i).copied().unwrap_or(0.0);
        let (r0, r1, r2, r3) = (row(0), row(1), row(2), row(3));
        for i in 0..columns {
            let factors = [weight(0) * r0[i], weight(1) * r1[i], weight(2) * r2[i], weight(3) * r3[i]];
            if factors == [0.0; BLOCK] {
                continue;
            }
            let [f0, f1, f2, f3] = factors;
            let target = &mut gram[i * columns + i..(i + 1) * columns];
            let sources = r0[i..].iter().zip(&r1[i..]).zip(r2[i..].iter().zip(&r3[i..]));
            for (sum, ((v0, v1), (v2, v3))) in target.iter_mut().zip(sources) {
                *sum += (f0 * v0 + f1 * v1) + (f2 * v2 + f3 * v3);
            }
        }
    }
    gram
}

/// Half the downhill gradient: XᵀW(y − Xβ) − λβ.
fn gradient(
    design: &Design,
    targets: &[f64],
    weights: &[f64],
    penalties: &[f64],
    coefficients: &[f64],
) -> Vec<f64> {
    let mut slope: Vec<f64> = penalties.iter().zip(coefficients).map(|(p, c)| -p * c).collect();
    for ((row, target), weight) in design.rows().zip(targets).zip(weights) {
        let residual = target - dot(row, coefficients);
        add_scaled(&mut slope, weight * residual, row);
    }
    slope
}

/// UᵀU = D·A·D with D scaling the diagonal of A to 1.
struct Cholesky {
    size: usize,
    upper: Vec<f64>,
    scale: Vec<f64>,
}

impl Cholesky {
    /// Factors the symmetric matrix whose upper triangle is given, row by row.
    fn of(mut matrix: Vec<f64>, size: usize) -> Result<Self, SolveError> {
        let scale: Vec<f64> = (0..size).map(|i| 1.0 / matrix[i * size + i].sqrt()).collect();
        for i in 0..size {
            for j in i..size {
                matrix[i * size + j] *= scale[i] * scale[j];
            }
        }
        for k in 0..size {
            let (done, later) = matrix.split_at_mut((k + 1) * size);
            let row = &mut done[k * size + k..];
            let pivot = row[0];
            // Rounding alone leaves about this much.
            if pivot.is_nan() || pivot <= 4.0 * size as f64 * f64::EPSILON {
                return Err(SolveError::Singular { column: k });
            }
            let root = pivot.sqrt();
            row.iter_mut().for_each(|value| *value /= root);
            for (offset, below) in later.chunks_exact_mut(size).enumerate() {
                let i = offset + 1;
                if row[i] != 0.0 {
                    add_scaled(&mut below[k + i..], -row[i], &row[i..]);
                }
            }
        }
        Ok(Self { size, upper: matrix, scale })
    }

    /// Solves A·x = `values` in place.
    fn solve(&self, values: &mut [f64]) {
        let size = self.size;
        for (value, scale) in values.iter_mut().zip(&self.scale) {
            *value *= scale;
        }
        for k in 0..size {
            let row = &self.upper[k * size + k..(k + 1) * size];
            values[k] /= row[0];
            let known = values[k];
            add_scaled(&mut values[k + 1..], -known, &row[1..]);
        }
        for k in (0..size).rev() {
            let row = &self.upper[k * size + k..(k + 1) * size];
            values[k] = (values[k] - dot(&row[1..], &values[k + 1..])) / row[0];
        }
        for (value, scale) in values.iter_mut().zip(&self.scale) {
            *value *= scale;
        }
    }
}

fn check_problem(
    design: &Design,
    targets: &[f64],
    weights: &[f64],
    penalties: &[f64],
) -> Result<(), SolveError> {
    let rows = design.rows().len();
    check_length("targets", targets.len(), rows)?;
    check_length("weights", weights.len(), rows)?;
    check_length("penalties", penalties.len(), design.columns)?;
    let finite = |values: &[f64]| values.iter().all(|value| value.is_finite());
    let sound = |values: &[f64]| values.iter().all(|value| value.is_finite() && *value >= 0.0);
    if finite(&design.values) && finite(targets) && sound(weights) && sound(penalties) {
        Ok(())
    } else {
        Err(SolveError::NotFinite)
    }
}

fn check_length(what: &'static str, have: usize, need: usize) -> Result<(), SolveError> {
    if have == need { Ok(()) } else { Err(SolveError::Shape { what, have, need }) }
}

fn dot(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(l, r)| l * r).sum()
}

fn add_scaled(target: &mut [f64], factor: f64, source: &[f64]) {
    for (value, add) in target.iter_mut().zip(source) {
        *value += factor * add;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Stream;

    /// Rows of `columns` regressors, and targets of known coefficients without noise.
    fn problem(rows: usize, columns: usize) -> (Design, Vec<f64>, Vec<f64>) {
        let mut stream = Stream::named(1, 0, "linear", "problem");
        let truth: Vec<f64> = (0..columns).map(|_| stream.normal()).collect();
        let mut design = Design::new(columns);
        let mut targets = Vec::new();
        for _ in 0..rows {
            let row: Vec<f64> = (0..columns).map(|_| stream.normal()).collect();
            targets.push(dot(&row, &truth));
            design.push(&row).unwrap();
        }
        (design, targets, truth)
    }

    fn assert_close(left: &[f64], right: &[f64], tolerance: f64) {
        assert_eq!(left.len(), right.len());
        for (l, r) in left.iter().zip(right) {
            assert!((l - r).abs() <= tolerance, "{left:?} {right:?}");
        }
    }

    #[test]
    fn known_coefficients_are_recovered() {
        let (design, targets, truth) = problem(203, 30);
        let weights: Vec<f64> = (0..203).map(|i| 0.5 + f64::from(i % 7)).collect();
        let solution = solve_ridge(&design, &targets, &weights, &[0.0; 30]).unwrap();
        assert_close(&solution, &truth, 1e-13);
    }

    #[test]
    fn a_penalty_shrinks_exactly_as_the_equations_say() {
        // One column of ones: the weighted mean times Σw / (Σw + λ).
        let mut design = Design::new(1);
        (0..3).for_each(|_| design.push(&[1.0]).unwrap());
        let solution = solve_ridge(&design, &[1.0, 2.0, 3.0], &[1.0, 1.0, 2.0], &[4.0]).unwrap();
        assert_close(&solution, &[9.0 / 8.0], 1e-15);
    }

    #[test]
    fn refinement_recovers_digits_of_an_ill_conditioned_problem() {
        // Powers of x on [1, 2]: condition about 10⁷, squared beyond a plain Cholesky's patience.
        let truth = [1.0, -2.0, 3.0, -4.0, 5.0, -6.0];
        let mut design = Design::new(6);
        let mut targets = Vec::new();
        for step in 0..60 {
            let x = 1.0 + f64::from(step) / 60.0;
            let row: Vec<f64> = (0..6).map(|power| x.powi(power)).collect();
            targets.push(dot(&row, &truth));
            design.push(&row).unwrap();
        }
        let solution = solve_ridge(&design, &targets, &[1.0; 60], &[0.0; 6]).unwrap();
        assert_close(&solution, &truth, 1e-7);
        let columns: Vec<Vec<f64>> = (0..6).map(|j| design.rows().map(|row| row[j]).collect()).collect();
        assert_close(&least_squares(&columns, &targets).unwrap(), &truth, 1e-8);
    }

    #[test]
    fn a_dependent_column_needs_a_penalty() {
        let mut design = Design::new(3);
        for step in 0..10 {
            let x = f64::from(step);
            design.push(&[1.0, x, 2.0 + 3.0 * x]).unwrap();
        }
        let targets: Vec<f64> = (0..10).map(f64::from).collect();
        let weights = [1.0; 10];
        assert_eq!(
            solve_ridge(&design, &targets, &weights, &[0.0; 3]),
            Err(SolveError::Singular { column: 2 })
        );
        let solution = solve_ridge(&design, &targets, &weights, &[1e-6; 3]).unwrap();
        let fitted: Vec<f64> = design.rows().map(|row| dot(row, &solution)).collect();
        assert_close(&fitted, &targets, 1e-5);
    }

    #[test]
    fn a_problem_that_does_not_fit_together_is_refused() {
        let (design, targets, _) = problem(4, 2);
        let wrong = solve_ridge(&design, &targets[1..], &[1.0; 4], &[0.0; 2]);
        assert_eq!(wrong, Err(SolveError::Shape { what: "targets", have: 3, need: 4 }));
        let negative = solve_ridge(&design, &targets, &[1.0; 4], &[-1.0, 0.0]);
        assert_eq!(negative, Err(SolveError::NotFinite));
        assert!(Design::new(2).push(&[1.0]).is_err());
    }

    #[test]
    fn coefficients_that_would_be_negative_are_zero_instead() {
        let ones = vec![1.0; 5];
        let x: Vec<f64> = (1..=5).map(f64::from).collect();
        let targets: Vec<f64> = x.iter().map(|x| 3.0 * x - 1.0).collect();
        let solution = nonnegative_least_squares(&[ones, x.clone()], &targets).unwrap();
        assert_close(&solution, &[0.0, dot(&x, &targets) / dot(&x, &x)], 1e-14);
    }

    #[test]
    #[cfg_attr(debug_assertions, ignore = "a matter of optimised code")]
    fn two_thousand_rows_of_three_hundred_columns_take_less_than_a_fifth_of_a_second() {
        let (design, targets, truth) = problem(2000, 300);
        let fastest = (0..5)
            .map(|_| {
                let began = std::time::Instant::now();
                let solution = solve_ridge(&design, &targets, &[1.0; 2000], &[1e-9; 300]).unwrap();
                assert_close(&solution, &truth, 1e-9);
                began.elapsed()
            })
            .min()
            .unwrap();
        assert!(fastest.as_millis() < 200, "{fastest:?}");
    }
}
