//! Minimising a function of a few parameters without its derivatives.
//!
//! Source: Nelder and Mead 1965, with the dimension-dependent coefficients of Gao and Han 2012.

/// Relative spread of the values of a simplex at which it has converged.
const CONVERGED: f64 = 1e-9;
/// Edge of the first simplex.
const EDGE: f64 = 0.1;

/// The lowest point that a simplex finds from `start` within the unit cube (of as many sides as `start` has), in at
/// most `steps` steps. Deterministic; `objective` sees points of the cube only.
pub fn minimise_in_cube(objective: impl Fn(&[f64]) -> f64, start: &[f64], steps: usize) -> Vec<f64> {
    let sides = start.len().max(1) as f64;
    let value = |point: &[f64]| {
        let found = objective(point);
        if found.is_nan() { f64::INFINITY } else { found }
    };
    let mut simplex: Vec<(f64, Vec<f64>)> = corners(start).into_iter().map(|p| (value(&p), p)).collect();
    for _ in 0..steps {
        simplex.sort_by(|left, right| left.0.total_cmp(&right.0));
        let (lowest, highest) = (simplex[0].0, simplex[simplex.len() - 1].0);
        if highest - lowest <= CONVERGED * lowest.abs() {
            break;
        }
        let worst = simplex.len() - 1;
        let center = centroid(&simplex[..worst]);
        let at = |scale: f64| {
            let point = along(&center, &simplex[worst].1, scale);
            (value(&point), point)
        };
        let reflected = at(-1.0);
        let next = if reflected.0 < lowest {
            let expanded = at(-(1.0 + 2.0 / sides));
            if expanded.0 < reflected.0 { Some(expanded) } else { Some(reflected) }
        } else if worst > 0 && reflected.0 < simplex[worst - 1].0 {
            Some(reflected)
        } else {
            let near = 0.75 - 1.0 / (2.0 * sides);
            let contracted = at(if reflected.0 < highest { -near } else { near });
            (contracted.0 < reflected.0.min(highest)).then_some(contracted)
        };
        match next {
            Some(point) => simplex[worst] = point,
            None => shrink(&mut simplex, 1.0 - 1.0 / sides, &value),
        }
    }
    simplex.sort_by(|left, right| left.0.total_cmp(&right.0));
    simplex.swap_remove(0).1
}

fn corners(start: &[f64]) -> Vec<Vec<f64>> {
    let first: Vec<f64> = start.iter().map(|side| side.clamp(0.0, 1.0)).collect();
    let mut all = vec![first.clone()];
    for side in 0..first.len() {
        let mut corner = first.clone();
        corner[side] += if corner[side] + EDGE <= 1.0 { EDGE } else { -EDGE };
        all.push(corner);
    }
    all
}

fn centroid(points: &[(f64, Vec<f64>)]) -> Vec<f64> {
    let mut center = vec![0.0; points.first().map_or(0, |point| point.1.len())];
    for (_, point) in points {
        center.iter_mut().zip(point).for_each(|(sum, side)| *sum += side / points.len() as f64);
    }
    center
}

/// `center + scale·(point − center)`, kept in the cube.
fn along(center: &[f64], point: &[f64], scale: f64) -> Vec<f64> {
    center
        .iter()
        .zip(point)
        .map(|(middle, side)| (middle + scale * (side - middle)).clamp(0.0, 1.0))
        .collect()
}

fn shrink(simplex: &mut [(f64, Vec<f64>)], scale: f64, value: &dyn Fn(&[f64]) -> f64) {
    let best = simplex[0].1.clone();
    for corner in &mut simplex[1..] {
        let point = along(&best, &corner.1, scale.max(0.5));
        *corner = (value(&point), point);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bottom_of_a_curved_valley_is_found() {
        let valley = |p: &[f64]| 100.0 * (p[1] - p[0] * p[0]).powi(2) + (0.6 - p[0]).powi(2);
        let found = minimise_in_cube(valley, &[0.1, 0.9], 2000);
        assert!((found[0] - 0.6).abs() < 1e-3 && (found[1] - 0.36).abs() < 1e-3, "{found:?}");
    }

    #[test]
    fn a_minimum_beyond_the_cube_is_met_at_its_side() {
        let found = minimise_in_cube(|p| (p[0] - 2.0).powi(2) + (p[1] - 0.5).powi(2), &[0.2, 0.2], 2000);
        assert!((found[0] - 1.0).abs() < 1e-6 && (found[1] - 0.5).abs() < 1e-3, "{found:?}");
    }
}
