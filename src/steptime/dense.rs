//! Symmetric positive definite systems of a thousand unknowns, factored once and solved often.

/// Right-hand sides that walk the factor together.
pub(super) const LANES: usize = 8;

/// A = L·Lᵀ.
#[derive(Clone, Debug)]
pub(super) struct Cholesky {
    size: usize,
    lower: Vec<f64>,
}

impl Cholesky {
    /// Factors the matrix whose lower triangle is given, row by row; `None` when it is not positive definite.
    pub(super) fn of(mut matrix: Vec<f64>, size: usize) -> Option<Self> {
        for row in 0..size {
            let (above, rest) = matrix.split_at_mut(row * size);
            let current = &mut rest[..=row];
            for column in 0..row {
                let other = &above[column * size..=column * size + column];
                let known = dot(&current[..column], &other[..column]);
                current[column] = (current[column] - known) / other[column];
            }
            let pivot = current[row] - dot(&current[..row], &current[..row]);
            if pivot.is_nan() || pivot <= 0.0 {
                return None;
            }
            current[row] = pivot.sqrt();
        }
        Some(Self { size, lower: matrix })
    }

    fn row(&self, row: usize) -> &[f64] {
        &self.lower[row * self.size..=row * self.size + row]
    }

    /// Solves L·x = `values` in place.
    pub(super) fn forward(&self, values: &mut [f64]) {
        for row in 0..self.size {
            let factors = self.row(row);
            values[row] = (values[row] - dot(&factors[..row], &values[..row])) / factors[row];
        }
    }

    /// Solves Lᵀ·x = `values` in place.
    pub(super) fn backward(&self, values: &mut [f64]) {
        for row in (0..self.size).rev() {
            let factors = self.row(row);
            let value = values[row] / factors[row];
            values[row] = value;
            for (target, factor) in values[..row].iter_mut().zip(factors) {
                *target -= factor * value;
            }
        }
    }

    /// Solves A·x = `values` in place.
    pub(super) fn solve(&self, values: &mut [f64]) {
        self.forward(values);
        self.backward(values);
    }

    /// Solves L·x = `values` for several right-hand sides at once.
    pub(super) fn forward_lanes(&self, values: &mut [[f64; LANES]]) {
        for row in 0..self.size {
            let factors = self.row(row);
            let known = lane_dot(&factors[..row], &values[..row]);
            for (value, known) in values[row].iter_mut().zip(known) {
                *value = (*value - known) / factors[row];
            }
        }
    }
}

/// Σ factor·values, for every lane.
pub(super) fn lane_dot(factors: &[f64], values: &[[f64; LANES]]) -> [f64; LANES] {
    let mut sums = [0.0; LANES];
    for (factor, values) in factors.iter().zip(values) {
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum += factor * value;
        }
    }
    sums
}

/// Σ left·right, summed in lanes.
pub(super) fn dot(left: &[f64], right: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    let (left_chunks, right_chunks) = (left.chunks_exact(LANES), right.chunks_exact(LANES));
    let rest: f64 = left_chunks.remainder().iter().zip(right_chunks.remainder()).map(|(l, r)| l * r).sum();
    for (l, r) in left_chunks.zip(right_chunks) {
        for ((sum, l), r) in sums.iter_mut().zip(l).zip(r) {
            *sum += l * r;
        }
    }
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(size: usize) -> Vec<f64> {
        let at =
            |i: usize, j: usize| if i == j { 2.0 + i as f64 } else { 1.0 / (1.0 + i.abs_diff(j) as f64) };
        (0..size * size).map(|index| at(index / size, index % size)).collect()
    }

    #[test]
    fn a_solution_satisfies_its_system() {
        let size = 37;
        let wanted: Vec<f64> = (0..size).map(|i| (i as f64).sin()).collect();
        let matrix = matrix(size);
        let mut values: Vec<f64> = matrix.chunks(size).map(|row| dot(row, &wanted)).collect();
        Cholesky::of(matrix, size).unwrap().solve(&mut values);
        for (value, wanted) in values.iter().zip(&wanted) {
            assert!((value - wanted).abs() < 1e-13);
        }
    }

    #[test]
    fn lanes_solve_what_single_sides_solve() {
        let factor = Cholesky::of(matrix(19), 19).unwrap();
        let mut lanes: Vec<[f64; LANES]> =
            (0..19).map(|i| std::array::from_fn(|lane| (i * lane) as f64)).collect();
        let mut single: Vec<f64> = lanes.iter().map(|values| values[3]).collect();
        factor.forward_lanes(&mut lanes);
        factor.forward(&mut single);
        for (lanes, single) in lanes.iter().zip(single) {
            assert!((lanes[3] - single).abs() < 1e-13);
        }
    }

    #[test]
    fn an_indefinite_matrix_has_no_factor() {
        assert!(Cholesky::of(vec![1.0, 0.0, 2.0, 1.0], 2).is_none());
    }
}
