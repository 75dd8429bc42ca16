//! Straight lines: ordinary least squares and the Theil–Sen estimate that one bad point does not move.

use super::curve::Point;
use super::quantile::median;

/// A straight line through points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Change of y per x.
    pub slope: f64,
    /// y at x = 0.
    pub intercept: f64,
}

/// A line by least squares and how well it fits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LeastSquaresLine {
    /// The line.
    pub line: Line,
    /// Share of y's variance that the line explains; misleading for flat curves, where the relative error
    /// says more.
    pub r_squared: f64,
    /// Standard error of the slope; infinite with two points.
    pub slope_error: f64,
}

impl Line {
    /// The line at `x`.
    #[must_use]
    pub fn evaluate(&self, x: f64) -> f64 {
        self.intercept + self.slope * x
    }
}

/// Ordinary least squares, all points weighing the same; `None` without two different x.
#[must_use]
pub fn ordinary_least_squares(points: &[Point]) -> Option<LeastSquaresLine> {
    let n = points.len() as f64;
    let mean_x = points.iter().map(|p| p.x).sum::<f64>() / n;
    let mean_y = points.iter().map(|p| p.y).sum::<f64>() / n;
    let sum = |term: &dyn Fn(&Point) -> f64| points.iter().map(term).sum::<f64>();
    let sxx = sum(&|p| (p.x - mean_x) * (p.x - mean_x));
    if sxx.is_nan() || sxx <= 0.0 {
        return None;
    }
    let sxy = sum(&|p| (p.x - mean_x) * (p.y - mean_y));
    let syy = sum(&|p| (p.y - mean_y) * (p.y - mean_y));
    let slope = sxy / sxx;
    let line = Line { slope, intercept: mean_y - slope * mean_x };
    let residual = sum(&|p| (p.y - line.evaluate(p.x)) * (p.y - line.evaluate(p.x)));
    Some(LeastSquaresLine {
        line,
        r_squared: if syy > 0.0 { 1.0 - residual / syy } else { 1.0 },
        slope_error: if n > 2.0 { (residual / (n - 2.0) / sxx).sqrt() } else { f64::INFINITY },
    })
}

/// The median of the slopes of all pairs, and the median of what it leaves; up to 29 % of the points may be
/// wild. `None` without two different x. Source: Theil 1950, Sen 1968.
#[must_use]
pub fn theil_sen(points: &[Point]) -> Option<Line> {
    let pairs = points.iter().enumerate().flat_map(|(i, p)| points[..i].iter().map(move |q| (p, q)));
    let slopes: Vec<f64> =
        pairs.filter(|(p, q)| p.x != q.x).map(|(p, q)| (p.y - q.y) / (p.x - q.x)).collect();
    let slope = median(&slopes)?;
    let rests: Vec<f64> = points.iter().map(|p| p.y - slope * p.x).collect();
    Some(Line { slope, intercept: median(&rests)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(outlier: f64) -> Vec<Point> {
        (0..8)
            .map(|i| Point { x: f64::from(i), y: 2.0 + 3.0 * f64::from(i) })
            .map(|p| if p.x == 5.0 { Point { y: outlier, ..p } } else { p })
            .collect()
    }

    #[test]
    fn a_line_is_found_exactly() {
        let fit = ordinary_least_squares(&points(17.0)).unwrap();
        assert_eq!(fit.line, Line { slope: 3.0, intercept: 2.0 });
        assert_eq!((fit.r_squared, fit.slope_error), (1.0, 0.0));
        assert_eq!(theil_sen(&points(17.0)), Some(fit.line));
    }

    #[test]
    fn one_bad_point_moves_least_squares_but_not_theil_sen() {
        let fit = ordinary_least_squares(&points(100.0)).unwrap();
        assert!((fit.line.slope - 3.0).abs() > 1.0);
        assert_eq!(theil_sen(&points(100.0)), Some(Line { slope: 3.0, intercept: 2.0 }));
    }

    #[test]
    fn a_single_x_has_no_slope() {
        let same = [Point { x: 1.0, y: 1.0 }, Point { x: 1.0, y: 2.0 }];
        assert_eq!(ordinary_least_squares(&same), None);
        assert_eq!(theil_sen(&same), None);
        assert_eq!(ordinary_least_squares(&[]), None);
    }
}
