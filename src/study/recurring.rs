//! A job that comes back: cost of a day and a month, whether it fits between two runs, and whether it pays that often.

use crate::scenario::Objective;
use crate::units::{HOURS_PER_MONTH, Seconds};

use super::result::{Estimate, Probability, Recurring, Row};

const DAY: Seconds = Seconds(86_400.0);

/// `fits` gives the probability that training takes at most so long.
pub(super) fn recurring(
    objective: &Objective,
    repeat: Seconds,
    cost: Option<&Estimate>,
    row: &Row,
    fits: impl Fn(Seconds) -> Probability,
) -> Recurring {
    let runs_per_day = DAY / repeat;
    let left = repeat - objective.test - objective.deploy;
    let per_day = cost.map(|cost| cost.scaled(runs_per_day));
    let turnaround = row.time_s.map_or(0.0, |time| time.p90) + (objective.test + objective.deploy).0;
    let value = objective.value_per_run.map(|value| value.usd());
    Recurring {
        cost_per_day_usd: per_day,
        cost_per_month_usd: per_day.map(|day| day.scaled(HOURS_PER_MONTH / 24.0)),
        fits: fits(left.max(Seconds::ZERO)),
        most_runs_per_day: if turnaround > 0.0 { DAY.0 / turnaround } else { 0.0 },
        gain_per_run_usd: value.zip(cost).map(|(value, cost)| value - cost.mean),
        break_even_runs_per_day: value.zip(cost).and_then(|(value, cost)| {
            // A model that ages linearly loses k·T²/2 between runs a time T apart. One run more at the present
            // cadence saves k·T², which is the user's value of it; a run costs C. So runs pay down to T·√(C/V).
            (cost.mean > 0.0).then(|| runs_per_day * libm::sqrt(value / cost.mean))
        }),
    }
}
