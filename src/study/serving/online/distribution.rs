//! Times of requests as distributions, for pictures: more points of the same curve that the percentiles are four of.

use crate::scenario::RequestTime;

use super::super::super::result::Estimate;
use super::super::super::serving_result::Distribution;
use super::super::Asked;

/// Evenly spaced shares, and more of them where the slow requests are.
const EVEN: usize = 48;
const TAIL: &[f64] = &[0.985, 0.99, 0.993, 0.996, 0.998, 0.999, 0.9995];

/// The distribution of a time whose percentiles `at` gives; none where fewer than two are known.
pub(in crate::study::serving) fn distribution(
    asked: &Asked<'_>,
    time: RequestTime,
    at: impl Fn(f64) -> Option<Estimate>,
) -> Option<Distribution> {
    let even = (0..=EVEN).map(|index| (index as f64 / (EVEN + 1) as f64).max(0.001));
    let stated = [0.5, 0.9, 0.95];
    let mut shares: Vec<f64> = even.chain(stated).chain(TAIL.iter().copied()).collect();
    shares.sort_by(f64::total_cmp);
    let points: Vec<(f64, f64)> =
        shares.into_iter().filter_map(|share| Some((share, at(share)?.mean))).collect();
    let targets = asked.scenario.objective.latency.iter().filter(|target| target.time == time);
    let limits = targets.map(|target| (target.share, target.limit.0)).collect();
    (points.len() > 1).then_some(Distribution { time, points, limits })
}
