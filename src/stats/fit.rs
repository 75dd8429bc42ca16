//! Fits of curves to points, always by relative error, always with coefficients that make sense.
//!
//! Plain least squares puts up to 39 % of error on small batches although R² exceeds 0.98; weights 1/y² do
//! not (`reference/calibration.md`, section 2). Every form is linear in its coefficients after a change of
//! variables, so each fit is exact: no starting values, no iterations.

use thiserror::Error;

use super::curve::{Curve, FittedCurve, Form, Point};
use super::linear::nonnegative_least_squares;

/// Why a curve cannot be fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FitError {
    /// Too few different sizes for the form.
    #[error("{have} different sizes were measured, a {form:?} curve needs {need}")]
    TooFew {
        /// The form.
        form: Form,
        /// Different sizes at hand.
        have: usize,
        /// Different sizes needed.
        need: usize,
    },
    /// A size or observation is not a positive finite number.
    #[error("point {index} is not a pair of positive numbers")]
    NotPositive {
        /// Place of the first such point, from 0.
        index: usize,
    },
    /// No curve of the form runs near the points.
    #[error("the points do not determine a {form:?} curve")]
    Degenerate {
        /// The form.
        form: Form,
    },
}

/// The curve of `form` with the least squared relative error at `points`; coefficients are not negative.
///
/// # Errors
/// Too few different sizes, a size or observation that is not positive, or points that do not determine the
/// form (a saturating curve through a straight line).
pub fn fit(form: Form, points: &[Point]) -> Result<FittedCurve, FitError> {
    check_points(points)?;
    let sizes = sizes(points);
    if sizes.len() < form.sizes_needed() {
        return Err(FitError::TooFew { form, have: sizes.len(), need: form.sizes_needed() });
    }
    let curve = match form {
        Form::Affine => affine(points),
        Form::FloorThenSlope => floor_then_slope(points, &sizes),
        Form::TwoSegment => two_segment(points, &sizes),
        Form::Saturating => saturating(points),
        Form::Usl => usl(points),
    };
    curve.map(|curve| FittedCurve::new(curve, points)).ok_or(FitError::Degenerate { form })
}

/// The universal scalability law through a known throughput of one worker, `lambda`.
///
/// # Errors
/// Fewer than two sizes above 1, or a size or observation that is not positive.
pub fn fit_usl_through(lambda: f64, points: &[Point]) -> Result<FittedCurve, FitError> {
    check_points(points)?;
    let form = Form::Usl;
    let have = sizes(points).iter().filter(|x| **x > 1.0).count();
    if have < 2 {
        return Err(FitError::TooFew { form, have, need: 2 });
    }
    // x/X = (1 + σ(x − 1) + κx(x − 1))/λ, divided by x/X.
    let scale = |p: &Point| p.y / (p.x * lambda);
    let contention = points.iter().map(|p| scale(p) * (p.x - 1.0)).collect();
    let crosstalk = points.iter().map(|p| scale(p) * p.x * (p.x - 1.0)).collect();
    let targets: Vec<f64> = points.iter().map(|p| 1.0 - scale(p)).collect();
    let solved = nonnegative_least_squares(&[contention, crosstalk], &targets);
    // Faster than linear everywhere: no contention is the nearest law.
    let (sigma, kappa) = solved.map_or((0.0, 0.0), |solution| (solution[0], solution[1]));
    Ok(FittedCurve::new(Curve::Usl { lambda, sigma, kappa }, points))
}

/// The different sizes, ascending.
pub(super) fn sizes(points: &[Point]) -> Vec<f64> {
    let mut sizes = super::sorted(&points.iter().map(|p| p.x).collect::<Vec<f64>>());
    sizes.dedup();
    sizes
}

fn check_points(points: &[Point]) -> Result<(), FitError> {
    let positive = |value: f64| value.is_finite() && value > 0.0;
    match points.iter().position(|p| !(positive(p.x) && positive(p.y))) {
        Some(index) => Err(FitError::NotPositive { index }),
        None => Ok(()),
    }
}

/// Nonnegative coefficients of `terms` of x whose sum misses y by the least squared relative error.
fn combine<const N: usize>(points: &[Point], terms: [&dyn Fn(f64) -> f64; N]) -> Option<[f64; N]> {
    let columns: Vec<Vec<f64>> =
        terms.iter().map(|term| points.iter().map(|p| term(p.x) / p.y).collect()).collect();
    let solution = nonnegative_least_squares(&columns, &vec![1.0; points.len()]).ok()?;
    solution.try_into().ok()
}

fn affine(points: &[Point]) -> Option<Curve> {
    let [a, b] = combine(points, [&|_| 1.0, &|x| x])?;
    Some(Curve::Affine { a, b })
}

/// Tries every number of smallest sizes on the floor, the rest on the slope; the curve itself decides which
/// is best.
fn floor_then_slope(points: &[Point], sizes: &[f64]) -> Option<Curve> {
    let candidates = sizes[..sizes.len() - 1].iter().filter_map(|last_on_floor| {
        let (level, rising): (Vec<Point>, Vec<Point>) = points.iter().partition(|p| p.x <= *last_on_floor);
        let [floor] = combine(&level, [&|_| 1.0])?;
        let [a, b] = combine(&rising, [&|_| 1.0, &|x| x])?;
        Some(Curve::FloorThenSlope { floor, a, b })
    });
    best_of(candidates, points)
}

/// Tries a knot at every size between the ends.
fn two_segment(points: &[Point], sizes: &[f64]) -> Option<Curve> {
    let candidates = sizes[1..sizes.len() - 1].iter().filter_map(|&knot| {
        let before = |x: f64| x.min(knot);
        let beyond = |x: f64| (x - knot).max(0.0);
        let [a, b, c] = combine(points, [&|_| 1.0, &before, &beyond])?;
        Some(Curve::TwoSegment { a, b, knot, c })
    });
    best_of(candidates, points)
}

/// 1/y is linear in 1/x, and a relative error of 1/y is one of y.
fn saturating(points: &[Point]) -> Option<Curve> {
    let inverted: Vec<Point> = points.iter().map(|p| Point { x: 1.0 / p.x, y: 1.0 / p.y }).collect();
    let [floor, slope] = combine(&inverted, [&|_| 1.0, &|x| x])?;
    (floor > 0.0).then(|| Curve::Saturating { max: 1.0 / floor, half: slope / floor })
}

/// x/y is quadratic in x; its coefficients are 1, σ and κ over λ.
fn usl(points: &[Point]) -> Option<Curve> {
    let inverted: Vec<Point> = points.iter().map(|p| Point { x: p.x, y: p.x / p.y }).collect();
    let [alone, contention, crosstalk] = combine(&inverted, [&|_| 1.0, &|x| x - 1.0, &|x| x * (x - 1.0)])?;
    (alone > 0.0).then(|| Curve::Usl {
        lambda: 1.0 / alone,
        sigma: contention / alone,
        kappa: crosstalk / alone,
    })
}

fn best_of(candidates: impl Iterator<Item = Curve>, points: &[Point]) -> Option<Curve> {
    let error = |curve: &Curve| points.iter().map(|p| (curve.evaluate(p.x) / p.y - 1.0).powi(2)).sum::<f64>();
    candidates.min_by(|left, right| error(left).total_cmp(&error(right)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: [f64; 7] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];

    fn on(curve: Curve) -> Vec<Point> {
        SIZES.iter().map(|&x| Point { x, y: curve.evaluate(x) }).collect()
    }

    #[test]
    fn every_form_finds_itself() {
        for curve in [
            Curve::Affine { a: 10.0, b: 2.0 },
            Curve::Affine { a: 0.0, b: 2.0 },
            Curve::FloorThenSlope { floor: 10.0, a: 1.0, b: 2.0 },
            Curve::TwoSegment { a: 10.0, b: 1.0, knot: 8.0, c: 3.0 },
            Curve::Saturating { max: 500.0, half: 5.0 },
            Curve::Usl { lambda: 100.0, sigma: 0.05, kappa: 0.002 },
        ] {
            let fitted = fit(curve.form(), &on(curve)).unwrap();
            assert!(fitted.max_error < 1e-12, "{curve:?} {fitted:?}");
            assert_eq!((fitted.from, fitted.to, fitted.points), (1.0, 64.0, 7));
        }
    }

    #[test]
    fn relative_weights_serve_small_batches() {
        // The largest batch lies 10 % high: absolute weights would ruin the smallest.
        let mut points = on(Curve::Affine { a: 1.0, b: 1.0 });
        points[6].y *= 1.1;
        let fitted = fit(Form::Affine, &points).unwrap();
        assert!((fitted.evaluate(1.0) / 2.0 - 1.0).abs() < 0.03);
        let plain = super::super::ordinary_least_squares(&points).unwrap().line;
        assert!((plain.evaluate(1.0) / 2.0 - 1.0).abs() > 0.2);
    }

    #[test]
    fn coefficients_are_never_negative() {
        let falling: Vec<Point> = SIZES.iter().map(|&x| Point { x, y: 100.0 - x }).collect();
        let Curve::Affine { a, b } = fit(Form::Affine, &falling).unwrap().curve else { panic!() };
        assert!(a > 0.0 && b == 0.0);
        let steep: Vec<Point> = SIZES.iter().map(|&x| Point { x, y: 3.0 * x - 2.0 }).collect();
        let Curve::Affine { a, b } = fit(Form::Affine, &steep).unwrap().curve else { panic!() };
        assert!(a == 0.0 && b > 0.0);
    }

    #[test]
    fn the_scalability_law_passes_through_a_known_single_worker() {
        let curve = Curve::Usl { lambda: 995.6486, sigma: 0.026_715_91, kappa: 0.000_769_094_5 };
        let fitted = fit_usl_through(995.6486, &on(curve)[1..]).unwrap();
        assert_eq!(fitted.evaluate(1.0), 995.6486);
        assert!(fitted.max_error < 1e-12);
        let superlinear: Vec<Point> = SIZES.iter().map(|&x| Point { x, y: x.powf(1.1) }).collect();
        let Curve::Usl { sigma, kappa, .. } = fit_usl_through(1.0, &superlinear).unwrap().curve else {
            panic!()
        };
        assert_eq!((sigma, kappa), (0.0, 0.0));
    }

    #[test]
    fn what_cannot_be_fitted_is_refused() {
        let points = on(Curve::Affine { a: 1.0, b: 1.0 });
        assert_eq!(fit(Form::Usl, &points[..3]), Err(FitError::TooFew { form: Form::Usl, have: 3, need: 4 }));
        let repeats = [points[0]; 9];
        assert!(matches!(fit(Form::Affine, &repeats), Err(FitError::TooFew { have: 1, .. })));
        let wrong = [points[0], Point { x: 2.0, y: 0.0 }];
        assert_eq!(fit(Form::Affine, &wrong), Err(FitError::NotPositive { index: 1 }));
        let straight = on(Curve::Affine { a: 0.0, b: 3.0 });
        let fitted = fit(Form::Saturating, &straight);
        assert!(fitted.is_err() || fitted.unwrap().max_error < 1e-9);
    }
}
