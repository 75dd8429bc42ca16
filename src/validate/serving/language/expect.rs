//! What a row should read by its replica and load: the logarithm of a time, and how it answers to each term.

use crate::steptime::serving::{ServingLaws, ServingScales, ServingTerm};
use crate::validate::serving::{ServingConfiguration, ServingMetric, ServingScenario, ServingStatistic};

use super::closed::{Figures, Replica};
use super::row::LanguageRow;
use super::simulated::{self, Seen};

/// Step of the numeric derivatives, in the logarithm of a term.
const DIFFERENCE: f64 = 0.05;
/// How far a physical figure may stand from a limit to tell something of it, in logarithms.
const FURTHEST: f64 = 1.5;
/// Shares of the limits that make the base of an end-to-end time.
const FIRST_SHARE: f64 = 0.2;

/// What a replica shows under its load.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// By closed forms.
    Closed(Figures),
    /// By simulation, in units of one replica; the second is the rate of all.
    Simulated(Box<Seen>, f64),
}

impl Outcome {
    /// By scaled terms.
    pub(crate) fn of(found: &LanguageRow, scaling: &ServingScales) -> Self {
        let job = found.job();
        let laws = ServingLaws::new(&job, scaling);
        match simulated::seen(found, &laws) {
            Some(seen) => {
                let rate = seen.rate * found.replicas;
                Self::Simulated(Box::new(seen), rate)
            }
            None => Self::closed(found, scaling),
        }
    }

    /// By closed forms.
    pub(super) fn closed(found: &LanguageRow, scaling: &ServingScales) -> Self {
        let job = found.job();
        let laws = ServingLaws::new(&job, scaling);
        Self::Closed(Replica::new(found, laws).figures())
    }

    /// Requests per second of all replicas.
    pub(super) fn rate(&self) -> f64 {
        match self {
            Self::Closed(figures) => figures.rate,
            Self::Simulated(_, rate) => *rate,
        }
    }

    /// Seconds of a figure.
    fn seconds(&self, found: &LanguageRow, row: &ServingConfiguration) -> f64 {
        match self {
            Self::Closed(figures) => match row.metric {
                ServingMetric::TimeToFirstToken => figures.first,
                ServingMetric::TimePerOutputToken => figures.per_token,
                _ => {
                    let answer = figures.latency - figures.first;
                    let quantiles = found.lengths.output_quantiles;
                    figures.first + answer * quantile(row.statistic).map_or(1.0, |index| quantiles[index])
                }
            },
            Self::Simulated(seen, _) => {
                let times = match row.metric {
                    ServingMetric::TimeToFirstToken => &seen.run.time_to_first_token,
                    ServingMetric::TimePerOutputToken => &seen.run.time_per_output_token,
                    _ => &seen.run.latency,
                };
                let of = match row.statistic {
                    ServingStatistic::Mean => times.mean(),
                    ServingStatistic::Quantile(share) => times.quantile(share),
                };
                let delay = if row.metric == ServingMetric::TimePerOutputToken { 0.0 } else { seen.delay };
                of.unwrap_or(0.0) / 1e9 + delay
            }
        }
    }
}

/// What a row should read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Expectation {
    /// Logarithm of the figure as a time: seconds, or seconds per request or token.
    pub base: f64,
    /// Logarithm of the physical figure over the limit that the load was tuned to; 0 without a limit.
    pub beside_limit: f64,
    /// Whether the base is a limit.
    pub limited: bool,
}

impl Expectation {
    /// The expectation of a row of a run.
    pub(crate) fn of(found: &LanguageRow, row: &ServingConfiguration, outcome: &Outcome) -> Self {
        let physical = physical(found, row, outcome);
        match limit(found, row) {
            Some(limit) => {
                let base = libm::log(limit);
                let beside_limit = (physical - base).clamp(-FURTHEST, FURTHEST);
                Self { base, beside_limit, limited: true }
            }
            None => Self { base: physical, beside_limit: 0.0, limited: false },
        }
    }
}

/// How a figure answers to the logarithm of each term, by closed forms.
pub(crate) fn slopes(
    found: &LanguageRow,
    row: &ServingConfiguration,
    scaling: &ServingScales,
) -> ServingScales {
    let closed = |scaling: &ServingScales| physical(found, row, &Outcome::closed(found, scaling));
    let own = closed(scaling);
    let mut slopes = [0.0; ServingTerm::COUNT];
    for (index, slope) in slopes.iter_mut().enumerate() {
        let mut moved = *scaling;
        moved[index] += DIFFERENCE;
        *slope = (closed(&moved) - own) / DIFFERENCE;
    }
    slopes
}

/// The logarithm of the physical figure as a time.
fn physical(found: &LanguageRow, row: &ServingConfiguration, outcome: &Outcome) -> f64 {
    sign(row.metric) * libm::log(published(found, row, outcome))
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
fn published(found: &LanguageRow, row: &ServingConfiguration, outcome: &Outcome) -> f64 {
    let lengths = &found.lengths;
    let devices = row.accelerator_count.unwrap_or(1.0).max(1.0);
    let counted = if row.per_device { 1.0 / devices } else { 1.0 };
    let rate = outcome.rate() * counted;
    match row.metric {
        ServingMetric::Latency | ServingMetric::TimeToFirstToken | ServingMetric::TimePerOutputToken => {
            1e3 * outcome.seconds(found, row)
        }
        ServingMetric::SamplesPerSecond | ServingMetric::QueriesPerSecond => rate,
        ServingMetric::OutputTokensPerSecond => rate * lengths.output,
        ServingMetric::TokensPerSecond => rate * (lengths.input + lengths.output),
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
