//! The doubles of a fitted curve as factors on its prediction: what a simulation carries of the fit's uncertainty.

use crate::catalog::measured::MeasuredCurve;
use crate::stats::{Interval, normal_quantile, quantile, sorted};

/// Evenly probable factors that stand for all doubles.
pub const FACTORS: usize = 101;
/// No factor is further off than this, in logarithms: beyond it nothing is known anyway.
const FURTHEST: f64 = 3.0;
/// (√5 − 1)/2.
const GOLDEN: f64 = 0.618_033_988_749_895;
/// Error of a form for which no size could be left out: what three points miss on published curves of steps (5 to 33 %).
const UNVOUCHED: f64 = 0.15;
/// From a mean absolute error to a standard deviation of a normal law: √(π/2).
const MEAN_TO_DEVIATION: f64 = 1.253_314_137_315_5;

/// Factors on the prediction of a curve at a size, ascending. Three errors act: that of the coefficients (the doubles),
/// that of the form (the error at sizes left out), and the spread from run to run. All grow with the distance beyond
/// the measured range.
pub(super) fn factors(curve: &MeasuredCurve, at: f64) -> Vec<f64> {
    let Some(fit) = &curve.fit else { return vec![1.0] };
    let stretch = fit.fitted.stretch(at);
    let predicted = fit.fitted.evaluate(at);
    let form =
        if fit.leave_one_out.is_finite() { fit.leave_one_out } else { UNVOUCHED.max(fit.fitted.max_error) };
    let deviation = libm::hypot(MEAN_TO_DEVIATION * form, curve.noise) * stretch;
    let doubles: Vec<f64> = match curve.resample(fit.fitted.curve.form()) {
        Ok(sure) => sure.doubles.iter().map(|double| double.evaluate(at) / predicted).collect(),
        Err(_) => vec![1.0],
    };
    let logarithms: Vec<f64> = doubles
        .iter()
        .filter(|factor| factor.is_finite() && **factor > 0.0)
        .enumerate()
        .map(|(index, factor)| {
            // Multiples of the golden ratio are evenly spread and in no order that doubles could share.
            let place = (index as f64 * GOLDEN + 0.5).fract().clamp(1e-6, 1.0 - 1e-6);
            let error = libm::log(*factor) * stretch + deviation * normal_quantile(place);
            error.clamp(-FURTHEST, FURTHEST)
        })
        .collect();
    let ascending = sorted(&logarithms);
    (0..FACTORS)
        .map(|index| libm::exp(quantile(&ascending, (index as f64 + 0.5) / FACTORS as f64).unwrap_or(0.0)))
        .collect()
}

/// What a curve predicts at a size, with the interval of a single run at a level; `None` without a fit.
#[must_use]
pub fn predicted(curve: &MeasuredCurve, at: f64, level: f64) -> Option<Interval> {
    let mean = curve.fit.as_ref()?.fitted.evaluate(at);
    let factors = factors(curve, at);
    let end = |p: f64| mean * quantile(&factors, p).unwrap_or(1.0);
    Some(Interval { mean, lo: end(0.5 - 0.5 * level), hi: end(0.5 + 0.5 * level), level })
}

/// The factors with a further independent error of a standard deviation in logarithms.
pub(super) fn widened(factors: &[f64], deviation: f64) -> Vec<f64> {
    let all: Vec<f64> = factors
        .iter()
        .flat_map(|factor| {
            (0..FACTORS).map(move |index| {
                factor * libm::exp(deviation * normal_quantile((index as f64 + 0.5) / FACTORS as f64))
            })
        })
        .collect();
    let ascending = sorted(&all);
    (0..FACTORS)
        .map(|index| quantile(&ascending, (index as f64 + 0.5) / FACTORS as f64).unwrap_or(1.0))
        .collect()
}

/// Standard deviation of the logarithms.
pub(super) fn log_deviation(factors: &[f64]) -> f64 {
    let logarithms: Vec<f64> = factors.iter().map(|factor| libm::log(*factor)).collect();
    let mean = logarithms.iter().sum::<f64>() / logarithms.len().max(1) as f64;
    let squares = logarithms.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>();
    (squares / logarithms.len().max(1) as f64).sqrt()
}
