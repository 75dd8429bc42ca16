//! Which form describes the points, and how sure its predictions are.

use super::curve::{Curve, FittedCurve, Form, Point};
use super::fit::{FitError, fit, sizes};
use super::{Interval, Stream, quantile, sorted};

/// A form with more parameters must be better by this factor.
const WORTH_A_PARAMETER: f64 = 1.1;
/// Differences of relative error below this are rounding, not knowledge.
const NEGLIGIBLE: f64 = 1e-6;

/// The form chosen, and what it was chosen from.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// The chosen curve, fitted to all points.
    pub fitted: FittedCurve,
    /// Its leave-one-out error, as a share.
    pub error: f64,
    /// The leave-one-out error of every form that could be judged, in the order given.
    pub candidates: Vec<(Form, f64)>,
}

/// Fits every form, judges it by the error at sizes that it has not seen, and takes the fewest parameters
/// within 10 % of the best. All points of a size are left out together: repeats of a size do not tell about
/// other sizes.
///
/// # Errors
/// The first form's error, when none can be judged and that one cannot be fitted either. One that can be
/// fitted but not judged, for want of a further size, is taken with an error of infinity.
pub fn choose(forms: &[Form], points: &[Point]) -> Result<Choice, FitError> {
    let candidates: Vec<(Form, f64)> =
        forms.iter().filter_map(|&form| Some((form, leave_one_out_error(form, points)?))).collect();
    let best = candidates.iter().map(|(_, error)| *error).fold(f64::INFINITY, f64::min);
    let good = candidates.iter().filter(|(_, error)| *error <= best * WORTH_A_PARAMETER + NEGLIGIBLE);
    let by_simplicity = |left: &&(Form, f64), right: &&(Form, f64)| {
        left.0.parameters().cmp(&right.0.parameters()).then(left.1.total_cmp(&right.1))
    };
    let (form, error) = match (good.min_by(by_simplicity), forms.first()) {
        (Some(&chosen), _) => chosen,
        (None, Some(&first)) => (first, f64::INFINITY),
        (None, None) => (Form::Affine, f64::INFINITY),
    };
    Ok(Choice { fitted: fit(form, points)?, error, candidates })
}

/// The mean relative error at each size of the curve fitted to the other sizes; `None` where one of them has
/// no fit.
#[must_use]
pub fn leave_one_out_error(form: Form, points: &[Point]) -> Option<f64> {
    let sizes = sizes(points);
    let mut sum = 0.0;
    for &size in &sizes {
        let (out, rest): (Vec<Point>, Vec<Point>) = points.iter().partition(|p| p.x == size);
        let curve = fit(form, &rest).ok()?.curve;
        let error = |p: &Point| (curve.evaluate(p.x) / p.y - 1.0).abs();
        sum += out.iter().map(error).sum::<f64>() / out.len() as f64;
    }
    (!sizes.is_empty()).then(|| sum / sizes.len() as f64)
}

/// A curve and its doubles: the same form fitted to resampled points. A simulation that takes one double per
/// replica carries the fit's uncertainty into its result.
#[derive(Clone, Debug, PartialEq)]
pub struct Bootstrap {
    /// The curve fitted to all points.
    pub fitted: FittedCurve,
    /// The curves fitted to resampled points.
    pub doubles: Vec<Curve>,
}

impl Bootstrap {
    /// The prediction at `x` with its percentile interval (Efron 1979).
    #[must_use]
    pub fn predict(&self, x: f64, level: f64) -> Interval {
        let mean = self.fitted.evaluate(x);
        let values = sorted(&self.doubles.iter().map(|curve| curve.evaluate(x)).collect::<Vec<f64>>());
        let at = |probability| quantile(&values, probability).unwrap_or(mean);
        Interval { mean, lo: at(0.5 - 0.5 * level), hi: at(0.5 + 0.5 * level), level }
    }

    /// One of the doubles, all equally likely.
    pub fn draw(&self, stream: &mut Stream) -> Curve {
        let index = stream.below(self.doubles.len());
        self.doubles.get(index).copied().unwrap_or(self.fitted.curve)
    }
}

/// Fits `form` to `points` and to `resamples` resampled sets. Where every size was repeated, repeats are
/// drawn anew within each size; else relative residuals, widened for the parameters fitted, are dealt out
/// over all points.
///
/// # Errors
/// Whatever [`fit`] refuses. A resample without a fit is left out.
pub fn bootstrap(
    form: Form,
    points: &[Point],
    resamples: usize,
    stream: &mut Stream,
) -> Result<Bootstrap, FitError> {
    let fitted = fit(form, points)?;
    let groups: Vec<Vec<Point>> = sizes(points)
        .into_iter()
        .map(|size| points.iter().filter(|p| p.x == size).copied().collect())
        .collect();
    let repeated = groups.iter().all(|group| group.len() > 1);
    let ratios = widened_ratios(&fitted, points);
    let mut doubles = Vec::with_capacity(resamples);
    for _ in 0..resamples {
        let resampled: Vec<Point> = if repeated {
            groups.iter().flat_map(|group| redraw(group, stream)).collect()
        } else {
            points.iter().map(|p| reweigh(p, &fitted.curve, &ratios, stream)).collect()
        };
        doubles.extend(fit(form, &resampled).map(|double| double.curve));
    }
    Ok(Bootstrap { fitted, doubles })
}

/// As many points as the group has, drawn with replacement, their distance from the group's mean widened by √(n/(n − 1)):
/// resampled groups of n scatter less than the law that they were drawn from.
fn redraw(group: &[Point], stream: &mut Stream) -> Vec<Point> {
    let count = group.len() as f64;
    let mean = group.iter().map(|p| p.y).sum::<f64>() / count;
    let widen = (count / (count - 1.0).max(1.0)).sqrt();
    let again = |p: &Point| Point { x: p.x, y: (mean + (p.y - mean) * widen).max(1e-3 * mean) };
    group.iter().map(|_| again(&group[stream.below(group.len())])).collect()
}

/// The curve's value at a point, times a ratio drawn from those seen.
fn reweigh(point: &Point, curve: &Curve, ratios: &[f64], stream: &mut Stream) -> Point {
    let ratio = ratios[stream.below(ratios.len())];
    Point { x: point.x, y: curve.evaluate(point.x) * ratio }
}

/// Observation over curve, its distance from 1 widened by √(n/(n − p)) because the fit has used up p of n
/// points.
fn widened_ratios(fitted: &FittedCurve, points: &[Point]) -> Vec<f64> {
    let n = points.len() as f64;
    let free = (n - fitted.curve.form().parameters() as f64).max(1.0);
    let widen = (n / free).sqrt();
    let ratio = |p: &Point| (1.0 + (p.y / fitted.evaluate(p.x) - 1.0) * widen).max(1e-3);
    points.iter().map(ratio).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: [f64; 8] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0];

    fn noisy(curve: Curve, noise: f64, repeats: usize, stream: &mut Stream) -> Vec<Point> {
        let mut points = Vec::new();
        for &x in &SIZES {
            for _ in 0..repeats {
                points.push(Point { x, y: curve.evaluate(x) * (1.0 + noise * stream.normal()) });
            }
        }
        points
    }

    #[test]
    fn a_straight_line_is_not_given_a_bend() {
        let mut stream = Stream::named(1, 0, "choose", "line");
        let line = Curve::Affine { a: 10.0, b: 2.0 };
        for noise in [0.0, 0.01, 0.03] {
            let choice = choose(&Form::TIMES, &noisy(line, noise, 3, &mut stream)).unwrap();
            assert_eq!(choice.fitted.curve.form(), Form::Affine, "{noise} {:?}", choice.candidates);
        }
    }

    #[test]
    fn a_bend_is_found_under_noise() {
        let mut stream = Stream::named(1, 0, "choose", "bend");
        let floor = Curve::FloorThenSlope { floor: 20.0, a: 2.0, b: 2.0 };
        let choice = choose(&Form::TIMES, &noisy(floor, 0.01, 3, &mut stream)).unwrap();
        assert_eq!(choice.fitted.curve.form(), Form::FloorThenSlope, "{:?}", choice.candidates);
        let usl = Curve::Usl { lambda: 100.0, sigma: 0.05, kappa: 0.002 };
        let choice = choose(&Form::RATES, &noisy(usl, 0.01, 3, &mut stream)).unwrap();
        assert_eq!(choice.fitted.curve.form(), Form::Usl, "{:?}", choice.candidates);
    }

    #[test]
    fn two_points_give_a_line_that_nobody_vouches_for() {
        let points = [Point { x: 1.0, y: 3.0 }, Point { x: 2.0, y: 5.0 }];
        let choice = choose(&Form::TIMES, &points).unwrap();
        assert_eq!(choice.fitted.curve.form(), Form::Affine);
        assert_eq!(choice.error, f64::INFINITY);
        assert!(choose(&Form::TIMES, &points[..1]).is_err());
    }

    #[test]
    fn repeats_of_a_size_are_left_out_together() {
        // Two sizes only, repeated: nothing can be left out of a line.
        let points = [(1.0, 3.0), (1.0, 3.1), (2.0, 5.0), (2.0, 5.1)].map(|(x, y)| Point { x, y });
        assert_eq!(leave_one_out_error(Form::Affine, &points), None);
    }

    #[test]
    fn prediction_intervals_cover_about_as_often_as_they_claim() {
        let line = Curve::Affine { a: 10.0, b: 2.0 };
        for (repeats, expected) in [(1, 0.9), (5, 0.9)] {
            let mut stream = Stream::named(1, 0, "choose", "coverage");
            let covered = (0..300)
                .filter(|_| {
                    let points = noisy(line, 0.03, repeats, &mut stream);
                    let sure = bootstrap(Form::Affine, &points, 200, &mut stream).unwrap();
                    sure.predict(20.0, expected).contains(line.evaluate(20.0))
                })
                .count();
            let share = covered as f64 / 300.0;
            assert!(share > expected - 0.12, "{repeats}: {share}");
        }
    }

    #[test]
    fn doubles_come_from_their_stream_and_nowhere_else() {
        let points = noisy(Curve::Affine { a: 1.0, b: 1.0 }, 0.05, 2, &mut Stream::named(1, 0, "a", "b"));
        let twice = [0, 1].map(|_| {
            bootstrap(Form::Affine, &points, 50, &mut Stream::named(7, 0, "fit", "bootstrap")).unwrap()
        });
        assert_eq!(twice[0], twice[1]);
        let drawn = twice[0].draw(&mut Stream::named(7, 1, "fit", "double"));
        assert!(twice[0].doubles.contains(&drawn));
    }
}
