//! A job that comes back: cost of a day and a month, whether it fits between two runs, and whether it pays that often.

use crate::cost::Item;
use crate::scenario::Objective;
use crate::units::{HOURS_PER_MONTH, Seconds};

use super::result::{Estimate, Probability, Recurring, Row};

const DAY: Seconds = Seconds(86_400.0);

/// `kept` is what the data set costs in storage for a month; `fits` gives the probability that training takes at most so
/// long.
pub(super) fn recurring(
    objective: &Objective,
    repeat: Seconds,
    row: &Row,
    kept: f64,
    fits: impl Fn(Seconds) -> Probability,
) -> Recurring {
    let cost = row.cost_usd.as_ref();
    let runs_per_day = DAY / repeat;
    let left = repeat - objective.test - objective.deploy;
    // Storage is paid all month, whether a run goes on or not; the runs' own share of it must not count twice.
    let in_run =
        row.ledger.iter().filter(|line| line.item == Item::Storage.word()).map(|line| line.usd).sum::<f64>();
    let per_month = cost.map(|cost| {
        let runs = runs_per_day * HOURS_PER_MONTH / 24.0;
        let month = cost.scaled(runs);
        let more = kept - in_run * runs;
        Estimate {
            mean: month.mean + more,
            lo: month.lo + more,
            hi: month.hi + more,
            p50: month.p50 + more,
            p90: month.p90 + more,
            ..month
        }
    });
    // Testing and deploying do not hold the machines that train.
    let busy = row.time_s.map_or(0.0, |time| time.p90);
    let value = objective.value_per_run.map(|value| value.usd());
    Recurring {
        cost_per_day_usd: per_month.map(|month| month.scaled(24.0 / HOURS_PER_MONTH)),
        cost_per_month_usd: per_month,
        fits: fits(left.max(Seconds::ZERO)),
        most_runs_per_day: if busy > 0.0 { DAY.0 / busy } else { 0.0 },
        gain_per_run_usd: value.zip(cost).map(|(value, cost)| value - cost.mean),
        break_even_runs_per_day: value.zip(cost).and_then(|(value, cost)| {
            // A model that ages linearly loses k·T²/2 between runs a time T apart, k·T/2 a day, and C/T for the runs.
            // Skipping one run at the present cadence would lose k·T² more, which is the user's value of it. So a run
            // pays down to an interval of T·√(C/V).
            (cost.mean > 0.0).then(|| runs_per_day * libm::sqrt(value / cost.mean))
        }),
    }
}
