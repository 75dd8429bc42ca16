//! What a row should read by its replica and load: the logarithm of a time, and how it answers to each term.

use crate::steptime::serving::{ServingLaws, ServingScales, ServingScaling, ServingTerm};
use crate::validate::serving::{ServingConfiguration, ServingMetric, ServingScenario, ServingStatistic};

use super::closed::{Figures, Replica};
use super::row::LanguageRow;

/// Step of the numeric derivatives, in the logarithm of a term.
const DIFFERENCE: f64 = 0.05;
/// How far a physical figure may stand from a limit to tell something of it, in logarithms.
const FURTHEST: f64 = 1.5;
/// Shares of the limits that make the base of an end-to-end time.
const FIRST_SHARE: f64 = 0.2;

/// What a row should read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Expectation {
    /// Logarithm of the figure as a time: seconds, or seconds per request or token.
    pub base: f64,
    /// Its derivatives by the logarithm of each term.
    pub slopes: ServingScales,
    /// Its derivative by the logarithm of the waiting.
    pub queue: f64,
    /// Logarithm of the physical figure over the limit that the load was tuned to; 0 without a limit.
    pub beside_limit: f64,
    /// Whether the base is a limit.
    pub limited: bool,
    /// The term that the figure answers to most; `None` without derivatives.
    pub greatest: Option<ServingTerm>,
}

impl Expectation {
    /// The expectation by scaled terms; `answers` asks for the derivatives.
    pub(crate) fn of(
        found: &LanguageRow,
        row: &ServingConfiguration,
        scaling: &ServingScaling,
        answers: bool,
    ) -> Self {
        let physical = physical(found, row, scaling);
        let mut own = Self {
            base: physical,
            slopes: [0.0; ServingTerm::COUNT],
            queue: 0.0,
            beside_limit: 0.0,
            limited: false,
            greatest: None,
        };
        if let Some(limit) = limit(found, row) {
            own.base = libm::log(limit);
            own.beside_limit = (physical - own.base).clamp(-FURTHEST, FURTHEST);
            own.limited = true;
            return own;
        }
        if !answers {
            return own;
        }
        for index in 0..ServingTerm::COUNT {
            let mut moved = *scaling;
            moved.terms[index] += DIFFERENCE;
            own.slopes[index] = (self::physical(found, row, &moved) - physical) / DIFFERENCE;
        }
        let moved = ServingScaling { queue: scaling.queue + DIFFERENCE, ..*scaling };
        let greatest =
            (0..ServingTerm::COUNT).max_by(|left, right| own.slopes[*left].total_cmp(&own.slopes[*right]));
        own.greatest = greatest.map(|index| ServingTerm::ALL[index].1);
        own.queue = (self::physical(found, row, &moved) - physical) / DIFFERENCE;
        own
    }
}

/// The logarithm of the physical figure as a time.
fn physical(found: &LanguageRow, row: &ServingConfiguration, scaling: &ServingScaling) -> f64 {
    let job = found.job();
    let laws = ServingLaws::new(&job, &scaling.terms);
    let figures = Replica::new(found, laws, libm::exp(scaling.queue)).figures();
    let value = published(found, row, &figures);
    sign(row.metric) * libm::log(value)
}

/// 1 where a greater figure means slower, −1 where it means faster.
pub(crate) fn sign(metric: ServingMetric) -> f64 {
    match metric {
        ServingMetric::Latency | ServingMetric::TimeToFirstToken | ServingMetric::TimePerOutputToken => 1.0,
        _ => -1.0,
    }
}

/// Index of a quantile in the lengths' table; `None` for the mean.
fn quantile(statistic: ServingStatistic) -> Option<usize> {
    match statistic {
        ServingStatistic::Mean => None,
        ServingStatistic::Quantile(share) if share < 0.7 => Some(0),
        ServingStatistic::Quantile(share) if share < 0.95 => Some(1),
        ServingStatistic::Quantile(_) => Some(2),
    }
}

/// The figure of a row in its own unit.
fn published(found: &LanguageRow, row: &ServingConfiguration, figures: &Figures) -> f64 {
    let lengths = &found.lengths;
    let devices = row.accelerator_count.unwrap_or(1.0).max(1.0);
    let counted = if row.per_device { 1.0 / devices } else { 1.0 };
    match row.metric {
        ServingMetric::Latency => {
            let answer = figures.latency - figures.first;
            let longer = quantile(row.statistic).map_or(1.0, |index| lengths.output_quantiles[index]);
            1e3 * (figures.first + answer * longer)
        }
        ServingMetric::TimeToFirstToken => 1e3 * figures.first,
        ServingMetric::TimePerOutputToken => 1e3 * figures.per_token,
        ServingMetric::SamplesPerSecond | ServingMetric::QueriesPerSecond => figures.rate * counted,
        ServingMetric::OutputTokensPerSecond => figures.rate * lengths.output * counted,
        ServingMetric::TokensPerSecond => figures.rate * (lengths.input + lengths.output) * counted,
    }
}

/// The limit that a load was tuned to, in the row's metric: who must keep a percentile offers as much as it allows.
fn limit(found: &LanguageRow, row: &ServingConfiguration) -> Option<f64> {
    if row.scenario != ServingScenario::Server {
        return None;
    }
    let of = |metric: ServingMetric| {
        row.limits.iter().find(|limit| limit.metric == metric).map(|limit| limit.milliseconds)
    };
    match row.metric {
        ServingMetric::Latency => of(ServingMetric::Latency).or_else(|| {
            let longer = quantile(row.statistic).map_or(1.0, |index| found.lengths.output_quantiles[index]);
            let first = of(ServingMetric::TimeToFirstToken)?;
            let token = of(ServingMetric::TimePerOutputToken)?;
            Some(FIRST_SHARE * first + token * found.lengths.output * longer)
        }),
        ServingMetric::TimeToFirstToken | ServingMetric::TimePerOutputToken => of(row.metric),
        _ => None,
    }
}
