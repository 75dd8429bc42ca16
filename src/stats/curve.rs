//! Curves: what a quantity does as a size grows, in a few parameters.

use serde::{Deserialize, Serialize};

use super::scaling;

/// A measured pair: what was observed (`y`) at a size (`x`).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Point {
    /// The size: batch, workers, bytes.
    pub x: f64,
    /// The observation: seconds, samples per second.
    pub y: f64,
}

/// A curve; units are those of the points it was fitted to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Curve {
    /// `a + b·x`: a fixed part and a part per item.
    Affine {
        /// y at x = 0.
        a: f64,
        /// y per x.
        b: f64,
    },
    /// `max(floor, a + b·x)`: nothing gained below a size that fills the device.
    FloorThenSlope {
        /// Least y.
        floor: f64,
        /// The line's y at x = 0.
        a: f64,
        /// The line's y per x.
        b: f64,
    },
    /// `a + b·x` up to the knot, then `c` per x: a second regime.
    TwoSegment {
        /// y at x = 0.
        a: f64,
        /// y per x up to the knot.
        b: f64,
        /// Where the slope changes.
        knot: f64,
        /// y per x beyond the knot.
        c: f64,
    },
    /// `max·x/(half + x)`: a rate that saturates.
    Saturating {
        /// The rate that ever larger sizes approach.
        max: f64,
        /// The size that gives half of it.
        half: f64,
    },
    /// Gunther's universal scalability law, `λx/(1 + σ(x − 1) + κx(x − 1))`: throughput against workers.
    Usl {
        /// Throughput of one worker.
        lambda: f64,
        /// Contention: the share of work that queues.
        sigma: f64,
        /// Crosstalk: the cost of each pair.
        kappa: f64,
    },
}

/// The forms among which a fit may choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// [`Curve::Affine`].
    Affine,
    /// [`Curve::FloorThenSlope`].
    FloorThenSlope,
    /// [`Curve::TwoSegment`].
    TwoSegment,
    /// [`Curve::Saturating`].
    Saturating,
    /// [`Curve::Usl`].
    Usl,
}

impl Form {
    /// Forms of a time that grows with a size.
    pub const TIMES: [Self; 3] = [Self::Affine, Self::FloorThenSlope, Self::TwoSegment];
    /// Forms of a rate that grows with a size and may saturate or fall.
    pub const RATES: [Self; 2] = [Self::Saturating, Self::Usl];

    /// Free parameters.
    #[must_use]
    pub fn parameters(self) -> usize {
        match self {
            Self::Affine | Self::Saturating => 2,
            Self::FloorThenSlope | Self::Usl => 3,
            Self::TwoSegment => 4,
        }
    }

    /// Different sizes needed for a fit: one more than there are parameters, but for the straight line, which
    /// two points give.
    #[must_use]
    pub fn sizes_needed(self) -> usize {
        if self == Self::Affine { 2 } else { self.parameters() + 1 }
    }
}

impl Curve {
    /// The curve at `x`.
    #[must_use]
    pub fn evaluate(&self, x: f64) -> f64 {
        match *self {
            Self::Affine { a, b } => a + b * x,
            Self::FloorThenSlope { floor, a, b } => floor.max(a + b * x),
            Self::TwoSegment { a, b, knot, c } => a + b * x.min(knot) + c * (x - knot).max(0.0),
            Self::Saturating { max, half } => max * x / (half + x),
            Self::Usl { lambda, sigma, kappa } => scaling::usl(x, lambda, sigma, kappa),
        }
    }

    /// The form.
    #[must_use]
    pub fn form(&self) -> Form {
        match self {
            Self::Affine { .. } => Form::Affine,
            Self::FloorThenSlope { .. } => Form::FloorThenSlope,
            Self::TwoSegment { .. } => Form::TwoSegment,
            Self::Saturating { .. } => Form::Saturating,
            Self::Usl { .. } => Form::Usl,
        }
    }
}

/// A curve fitted to points, with the range they covered and how far it missed them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FittedCurve {
    /// The curve.
    pub curve: Curve,
    /// Smallest size fitted.
    pub from: f64,
    /// Largest size fitted.
    pub to: f64,
    /// Points fitted.
    pub points: usize,
    /// Median of the relative errors, as a share.
    pub median_error: f64,
    /// Largest relative error, as a share.
    pub max_error: f64,
}

impl FittedCurve {
    /// A curve with its residuals at `points`; sizes and errors are 0 without points.
    #[must_use]
    pub fn new(curve: Curve, points: &[Point]) -> Self {
        let errors: Vec<f64> = points.iter().map(|p| (curve.evaluate(p.x) / p.y - 1.0).abs()).collect();
        let ends = points.iter().map(|p| (p.x, p.x)).reduce(|l, r| (l.0.min(r.0), l.1.max(r.1)));
        let (from, to) = ends.unwrap_or((0.0, 0.0));
        Self {
            curve,
            from,
            to,
            points: points.len(),
            median_error: super::median(&errors).unwrap_or(0.0),
            max_error: errors.iter().copied().fold(0.0, f64::max),
        }
    }

    /// The curve at `x`.
    #[must_use]
    pub fn evaluate(&self, x: f64) -> f64 {
        self.curve.evaluate(x)
    }

    /// The range of sizes that was fitted.
    #[must_use]
    pub fn range(&self) -> std::ops::RangeInclusive<f64> {
        self.from..=self.to
    }

    /// How many times beyond the range `x` lies: 1 inside, 2 at twice the largest or half the smallest size.
    #[must_use]
    pub fn stretch(&self, x: f64) -> f64 {
        (x / self.to).max(self.from / x).max(1.0)
    }

    /// A relative error to state at `x`: the largest one seen, times the stretch beyond the range.
    #[must_use]
    pub fn relative_error_at(&self, x: f64) -> f64 {
        self.max_error * self.stretch(x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_bend_where_they_say() {
        let floor = Curve::FloorThenSlope { floor: 5.0, a: 1.0, b: 1.0 };
        assert_eq!([2.0, 4.0, 6.0].map(|x| floor.evaluate(x)), [5.0, 5.0, 7.0]);
        let knee = Curve::TwoSegment { a: 1.0, b: 1.0, knot: 4.0, c: 3.0 };
        assert_eq!([2.0, 4.0, 6.0].map(|x| knee.evaluate(x)), [3.0, 5.0, 11.0]);
        let saturating = Curve::Saturating { max: 10.0, half: 4.0 };
        assert_eq!(saturating.evaluate(4.0), 5.0);
        assert_eq!(Curve::Usl { lambda: 3.0, sigma: 0.1, kappa: 0.0 }.evaluate(1.0), 3.0);
    }

    #[test]
    fn errors_grow_outside_the_range_and_not_inside() {
        let curve = Curve::Affine { a: 0.0, b: 1.0 };
        let points = [Point { x: 10.0, y: 10.0 }, Point { x: 40.0, y: 50.0 }];
        let fitted = FittedCurve::new(curve, &points);
        assert_eq!(fitted.range(), 10.0..=40.0);
        assert!((fitted.max_error - 0.2).abs() < 1e-15);
        assert_eq!(fitted.stretch(20.0), 1.0);
        assert_eq!(fitted.stretch(80.0), 2.0);
        assert_eq!(fitted.stretch(5.0), 2.0);
        assert_eq!(fitted.relative_error_at(80.0), 2.0 * fitted.max_error);
    }

    #[test]
    fn a_curve_survives_being_written_and_read() {
        let curve = Curve::TwoSegment { a: 1.0, b: 0.5, knot: 8.0, c: 0.75 };
        let text = serde_json::to_string(&curve).unwrap();
        assert_eq!(text, r#"{"two-segment":{"a":1.0,"b":0.5,"knot":8.0,"c":0.75}}"#);
        assert_eq!(serde_json::from_str::<Curve>(&text).unwrap(), curve);
    }
}
