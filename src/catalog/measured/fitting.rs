//! Raw runs to a fitted curve: the form by the error at sizes left out, the intervals by resampling.

use crate::stats::{
    Bootstrap, Curve, FitError, Form, Point, Stream, bootstrap, choose, median, ordinary_least_squares,
    quantile, sorted, theil_sen,
};

use super::read::{names_of, values_of};
use super::{CoefficientInterval, CurveFit, MeasuredCurve};

/// Resamples behind every interval; published practice calls fewer than 1000 too few.
const RESAMPLES: usize = 1000;
/// Level of the coefficients' intervals.
const LEVEL: f64 = 0.95;
/// All resampling draws from streams of this seed: the same samples give the same intervals.
const SEED: u64 = 0;

impl MeasuredCurve {
    /// Fits the curve to its runs by the best of `forms` and notes the spread between runs; without forms it is only
    /// reported.
    ///
    /// # Errors
    /// When fewer than two sizes were measured, or no form runs near them; the curve then has no fit.
    pub fn refit(&mut self, forms: &[Form]) -> Result<(), FitError> {
        let points = self.points();
        self.noise = spread(&points).unwrap_or_else(|| self.within());
        self.fit = None;
        if forms.is_empty() {
            return Ok(());
        }
        let choice = choose(forms, &points)?;
        let sure = self.resample(choice.fitted.curve.form())?;
        self.fit = Some(CurveFit {
            fitted: choice.fitted,
            intervals: intervals(&choice.fitted.curve, &sure),
            leave_one_out: choice.error,
            theil_sen_gap: Form::TIMES
                .contains(&forms.first().copied().unwrap_or(Form::Usl))
                .then(|| theil_sen_gap(&points))
                .flatten(),
        });
        Ok(())
    }

    /// The curve with its doubles, drawn anew from the raw runs and always the same. Where a size has a single run, its
    /// tenth percentile, median and ninetieth percentile stand for repeats: a curve through as few points as it has
    /// coefficients would seem certain.
    ///
    /// # Errors
    /// When the runs do not determine the form.
    pub fn resample(&self, form: Form) -> Result<Bootstrap, FitError> {
        let mut stream = Stream::named(SEED, 0, "measured", &self.title());
        bootstrap(form, &self.repeats(), RESAMPLES, &mut stream)
    }

    /// A point for each run, or three where a size has but one.
    fn repeats(&self) -> Vec<Point> {
        let mut points = Vec::new();
        for run in &self.runs {
            let alone = self.runs.iter().filter(|other| other.at == run.at).count() == 1;
            let ascending = sorted(&run.samples);
            let shares: &[f64] = if alone { &[0.1, 0.5, 0.9] } else { &[0.5] };
            points.extend(
                shares.iter().filter_map(|share| Some(Point { x: run.at, y: quantile(&ascending, *share)? })),
            );
        }
        points
    }

    /// The median over runs of the relative standard deviation of their samples: what is known of noise without repeats.
    fn within(&self) -> f64 {
        let of = |samples: &[f64]| {
            let points: Vec<Point> = samples.iter().map(|y| Point { x: 1.0, y: *y }).collect();
            spread(&points).unwrap_or(0.0)
        };
        median(&self.runs.iter().map(|run| of(&run.samples)).collect::<Vec<f64>>()).unwrap_or(0.0)
    }
}

fn intervals(curve: &Curve, sure: &Bootstrap) -> Vec<CoefficientInterval> {
    let values = values_of(curve);
    let doubles: Vec<Vec<f64>> = sure.doubles.iter().map(|curve: &Curve| values_of(curve)).collect();
    names_of(curve.form())
        .iter()
        .enumerate()
        .map(|(index, &name)| {
            let seen = sorted(&doubles.iter().map(|double| double[index]).collect::<Vec<f64>>());
            let at = |p: f64| quantile(&seen, p).unwrap_or(values[index]);
            CoefficientInterval {
                name,
                value: values[index],
                lo: at(0.5 - 0.5 * LEVEL),
                hi: at(0.5 + 0.5 * LEVEL),
            }
        })
        .collect()
}

/// The median over sizes of the relative standard deviation between the runs of a size; `None` without repeats.
fn spread(points: &[Point]) -> Option<f64> {
    let mut sizes: Vec<f64> = points.iter().map(|point| point.x).collect();
    sizes.sort_by(f64::total_cmp);
    sizes.dedup();
    let deviations: Vec<f64> = sizes
        .iter()
        .filter_map(|size| {
            let same: Vec<f64> = points.iter().filter(|p| p.x == *size).map(|p| p.y).collect();
            let mean = same.iter().sum::<f64>() / same.len() as f64;
            let squares = same.iter().map(|y| (y - mean) * (y - mean)).sum::<f64>();
            (same.len() > 1 && mean > 0.0).then(|| (squares / (same.len() - 1) as f64).sqrt() / mean)
        })
        .collect();
    median(&deviations)
}

fn theil_sen_gap(points: &[Point]) -> Option<f64> {
    let squares = ordinary_least_squares(points)?.line.slope;
    let robust = theil_sen(points)?.slope;
    (robust != 0.0).then(|| squares / robust - 1.0).filter(|gap| gap.is_finite())
}
